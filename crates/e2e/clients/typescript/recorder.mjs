// A `fetch` that keeps a transcript of everything an SDK sends: what was asked and answered, and, apart from that,
// every secret that crossed the wire, so that a test can look for them in the servers' logs.

const isTokenRequest = (body) => body.has("grant_type");

export class Recorder {
  exchanges = [];
  challenges = [];
  tokenRequests = [];
  secrets = new Set();
  #accessToken;

  fetch = async (input, init) => {
    const url = new URL(input);
    const response = await fetch(input, init);
    const method = init?.method ?? "GET";
    this.exchanges.push(`${method} ${url.pathname} ${response.status}`);
    if ([401, 403].includes(response.status)) this.challenges.push(response.headers.get("www-authenticate"));

    const form = new URLSearchParams(method === "POST" ? String(init.body) : "");
    if (isTokenRequest(form)) await this.#recordTokenRequest(form, response.clone());
    return response;
  };

  async #recordTokenRequest(form, response) {
    const answer = await response.json();
    for (const name of ["code", "code_verifier", "refresh_token"]) this.keepSecret(form.get(name));
    for (const name of ["access_token", "refresh_token"]) this.keepSecret(answer[name]);
    this.tokenRequests.push({
      grant_type: form.get("grant_type"),
      resource: form.get("resource"),
      status: response.status,
      error: answer.error,
      scope: answer.scope,
      expires_in: answer.expires_in,
      cache_control: response.headers.get("cache-control"),
      new_access_token: Boolean(answer.access_token) && answer.access_token !== this.#accessToken,
      new_refresh_token: Boolean(answer.refresh_token) && answer.refresh_token !== form.get("refresh_token"),
    });
    this.#accessToken = answer.access_token;
  }

  keepSecret(value) {
    if (value) this.secrets.add(value);
  }
}
