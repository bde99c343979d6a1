// The walk that both TypeScript SDKs make with their own OAuth client: 401 -> metadata -> registration -> browser -> code
// -> token -> tools, then expiry and refresh, twice, so that the rotated refresh token is used as well. Prints one JSON
// line for the test. From the environment: MCP_URL, and what browser.mjs reads.
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { decideInBrowser } from "./browser.mjs";
import { listenForRedirect } from "./loopback.mjs";
import { Recorder } from "./recorder.mjs";

const { dependencies } = JSON.parse(readFileSync(new URL("./package.json", import.meta.url)));
const CLIENT = { name: "Gatelodge end-to-end test", version: "1.0.0" };
const REFRESHES = 2;
// The server may accept a token a little beyond its expiry, for clocks that disagree.
const EXPIRY_PATIENCE_S = 60;
const POLL_S = 2;

export class MemoryProvider {
  constructor(redirectUrl, recorder) {
    this.redirectUrl = redirectUrl;
    this.recorder = recorder;
    this.clientMetadata = {
      client_name: CLIENT.name,
      redirect_uris: [redirectUrl],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: "none",
    };
  }
  state() {
    this.expectedState = randomBytes(16).toString("hex");
    this.recorder.keepSecret(this.expectedState);
    return this.expectedState;
  }
  clientInformation = () => this.client;
  saveClientInformation = (client) => void (this.client = client);
  tokens = () => this.savedTokens;
  saveTokens = (tokens) => void (this.savedTokens = tokens);
  redirectToAuthorization(url) {
    if (this.authorizationUrl) throw new Error("the SDK asked for a second sign-in instead of refreshing");
    this.authorizationUrl = url;
  }
  saveCodeVerifier = (verifier) => void (this.verifier = verifier);
  codeVerifier = () => this.verifier;
  saveDiscoveryState = (state) => void (this.discovered = state);
  discoveryState = () => this.discovered;
}

export async function walk({ sdk, package: name, newClient, newTransport, finishAuth, protocolRevision, isUnauthorized }) {
  const recorder = new Recorder();
  const redirect = await listenForRedirect();
  const provider = new MemoryProvider(redirect.redirectUri, recorder);
  const options = { authProvider: provider, fetch: recorder.fetch };
  const serverUrl = new URL(process.env.MCP_URL);
  const report = { sdk, version: dependencies[name], calls: [] };

  const first = newTransport(serverUrl, options);
  await newClient(CLIENT).connect(first).then(
    () => { throw new Error("connected without being asked to sign in"); },
    (error) => { if (!isUnauthorized(error)) throw error; },
  );
  report.browser = await decideInBrowser(provider.authorizationUrl.href);
  const response = await redirect.response;
  redirect.close();
  recorder.keepSecret(response.get("code"));
  report.authorization_response = {
    state_matches: response.get("state") === provider.expectedState,
    iss: response.get("iss"),
    error: response.get("error"),
  };

  const refusal = await finishAuth(first, response).then(() => null, (error) => error);
  if (refusal && !response.has("error")) throw refusal;
  report.outcome = refusal ? "refused" : "authorized";
  report.refusal = refusal?.message;
  if (!refusal) await useTools(report, newClient(CLIENT), newTransport(serverUrl, options), protocolRevision, recorder, provider);

  const { exchanges, challenges, tokenRequests } = recorder;
  const { secrets: seenByBrowser, ...browser } = report.browser;
  return {
    ...report,
    browser,
    client: provider.client,
    exchanges,
    challenges,
    token_requests: tokenRequests,
    secrets: [...recorder.secrets, ...seenByBrowser],
  };
}

async function useTools(report, client, transport, protocolRevision, recorder, provider) {
  const call = async (name, args = {}) => {
    const result = await client.callTool({ name, arguments: args });
    if (result.isError) throw new Error(`${name} failed: ${JSON.stringify(result.content)}`);
    return { tool: name, result: result.structuredContent };
  };
  await client.connect(transport);
  report.protocol_revision = protocolRevision(client, transport);
  report.tools = (await client.listTools()).tools.map(({ name, title, annotations }) => ({ name, title, annotations }));
  report.calls.push(await call("add_note", { text: `written by ${report.sdk}` }));

  for (let refresh = 1; refresh <= REFRESHES; refresh++) {
    await sleep(provider.savedTokens.expires_in * 1000);
    const tokenRequests = recorder.tokenRequests.length;
    const deadline = Date.now() + EXPIRY_PATIENCE_S * 1000;
    let answer;
    do {
      if (Date.now() > deadline) throw new Error(`no refresh ${EXPIRY_PATIENCE_S} s after the access token expired`);
      await sleep(POLL_S * 1000);
      answer = await call("list_notes");
    } while (recorder.tokenRequests.length === tokenRequests);
    report.calls.push(answer);
  }
  await client.close();
}

export async function main(driver) {
  try {
    console.log(JSON.stringify(await walk(driver)));
    process.exit(0); // an open event stream would keep the process alive
  } catch (error) {
    console.error(`${driver.sdk}: ${error.stack ?? error}`);
    process.exit(1);
  }
}
