// The official TypeScript SDK, v1 (@modelcontextprotocol/sdk).
import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { main } from "./walk.mjs";

await main({
  sdk: "TypeScript SDK v1",
  package: "@modelcontextprotocol/sdk",
  newClient: (implementation) => new Client(implementation),
  newTransport: (url, options) => new StreamableHTTPClientTransport(url, options),
  // v1 leaves reading the authorization response to the application.
  async finishAuth(transport, response) {
    if (response.has("error")) throw new Error(response.get("error"));
    await transport.finishAuth(response.get("code"));
  },
  protocolRevision: (_client, transport) => transport.protocolVersion,
  isUnauthorized: (error) => error instanceof UnauthorizedError,
});
