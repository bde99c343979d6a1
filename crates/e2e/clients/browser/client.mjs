// An MCP client as the browser meets it: it registers itself, asks for authorization with PKCE (RFC 7636), and listens for the
// answer on this computer (RFC 8252 §7.3). From the environment: PUBLIC_URL, MCP_URL.
import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:http";

const { PUBLIC_URL, MCP_URL } = process.env;
const random = () => randomBytes(32).toString("base64url");

export class Client {
  static async register(metadata = {}) {
    const client = new Client();
    // Every request that comes to the client, as it comes.
    client.arrivals = [];
    client.server = createServer((request, response) => {
      client.arrivals.push({ url: new URL(request.url, client.origin), method: request.method, referer: request.headers.referer });
      response.setHeader("content-type", "text/html").end("<!doctype html><title>Client</title><p id=done>Back at the client</p>");
    });
    await new Promise((ready) => client.server.listen(0, "127.0.0.1", ready));
    client.server.unref();
    client.origin = `http://127.0.0.1:${client.server.address().port}`;
    client.redirectUri = metadata.redirect_uris?.[0] ?? `${client.origin}/callback`;
    client.name = metadata.client_name ?? `Browser test ${random().slice(0, 8)}`;
    const body = {
      client_name: client.name,
      token_endpoint_auth_method: "none",
      grant_types: ["authorization_code", "refresh_token"],
      redirect_uris: [client.redirectUri],
      ...metadata,
    };
    const answer = await fetch(`${PUBLIC_URL}/register`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    client.registration = { status: answer.status, ...(await answer.json()) };
    return client;
  }

  // A new request each time: its state, its verifier, and the URL to open.
  request(parameters = {}) {
    const request = { state: random(), verifier: random() };
    const query = new URLSearchParams({
      response_type: "code",
      client_id: this.registration.client_id,
      redirect_uri: this.redirectUri,
      state: request.state,
      code_challenge: createHash("sha256").update(request.verifier).digest("base64url"),
      code_challenge_method: "S256",
      resource: MCP_URL,
      scope: "mcp:use",
      ...parameters,
    });
    return { ...request, url: `${PUBLIC_URL}/authorize?${query}` };
  }

  // The answers to one request that came so far.
  answers(request) {
    const answers = this.arrivals.map(({ url }) => Object.fromEntries(url.searchParams));
    return answers.filter((answer) => answer.state === request.state);
  }

  async exchange(request, code) {
    return this.#tokens({ grant_type: "authorization_code", code, redirect_uri: this.redirectUri, code_verifier: request.verifier });
  }

  async refresh(refreshToken) {
    return this.#tokens({ grant_type: "refresh_token", refresh_token: refreshToken });
  }

  async #tokens(parameters) {
    const body = new URLSearchParams({ ...parameters, client_id: this.registration.client_id, resource: MCP_URL });
    const answer = await fetch(`${PUBLIC_URL}/token`, { method: "POST", body });
    return { status: answer.status, ...(await answer.json()) };
  }
}
