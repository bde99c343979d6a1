// Public tools first, a login when the first protected one is called, and another consent when a token does not reach far
// enough: what the official TypeScript SDKs make of the challenges. Calls the tools named in CALLS ("a b c"), and after each
// challenge lets the person decide and calls again. Prints one JSON line for the test. From the environment: MCP_URL, SDK
// (v1|v2), VERSION_NEGOTIATION (v2), CALLS, and what browser.mjs reads.
import * as v2 from "@modelcontextprotocol/client";
import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { decideInBrowser } from "./browser.mjs";
import { listenForRedirect } from "./loopback.mjs";
import { Recorder } from "./recorder.mjs";
import { MemoryProvider } from "./walk.mjs";

const CLIENT = { name: "Gatelodge end-to-end test", version: "1.0.0" };
const negotiation = { mode: process.env.VERSION_NEGOTIATION ?? "legacy" };

const sdk =
  process.env.SDK === "v1"
    ? {
        client: new Client(CLIENT),
        newTransport: (url, options) => new StreamableHTTPClientTransport(url, options),
        finishAuth: (transport, response) => transport.finishAuth(response.get("code")),
        isUnauthorized: (error) => error instanceof UnauthorizedError,
      }
    : {
        client: new v2.Client(CLIENT, { versionNegotiation: negotiation }),
        newTransport: (url, options) => new v2.StreamableHTTPClientTransport(url, options),
        finishAuth: (transport, response) => transport.finishAuth(response),
        isUnauthorized: (error) => v2.UnauthorizedError.isInstance(error),
      };

async function run() {
  const recorder = new Recorder();
  const redirect = await listenForRedirect();
  const provider = new MemoryProvider(redirect.redirectUri, recorder);
  const transport = sdk.newTransport(new URL(process.env.MCP_URL), { authProvider: provider, fetch: recorder.fetch });
  await sdk.client.connect(transport);
  const report = { calls: [], asked: [], granted: [] };

  for (const name of process.env.CALLS.split(" ")) {
    const request = { name, arguments: name === "add_note" ? { text: "stepped up" } : {} };
    const call = () => sdk.client.callTool(request).then((result) => ({ result }), (error) => ({ error }));
    let { result, error } = await call();
    const wasChallenged = Boolean(error) && sdk.isUnauthorized(error);
    if (wasChallenged) {
      report.asked.push(provider.authorizationUrl.searchParams.get("scope"));
      const next = redirect.next();
      const visit = await decideInBrowser(provider.authorizationUrl.href);
      visit.secrets.forEach((secret) => recorder.keepSecret(secret));
      provider.authorizationUrl = undefined;
      await sdk.finishAuth(transport, await next);
      report.granted.push(provider.savedTokens.scope);
      ({ result, error } = await call());
    }
    report.calls.push({ tool: name, challenged: wasChallenged, result: result?.structuredContent, error: error?.message });
  }
  redirect.close();
  const { exchanges, challenges, tokenRequests } = recorder;
  return { ...report, client: provider.client, exchanges, challenges, token_requests: tokenRequests, secrets: [...recorder.secrets] };
}

try {
  console.log(JSON.stringify(await run()));
  process.exit(0); // an open event stream would keep the process alive
} catch (error) {
  console.error(error.stack ?? error);
  process.exit(1);
}
