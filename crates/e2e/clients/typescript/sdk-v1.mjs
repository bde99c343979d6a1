// The official TypeScript SDK, v1 (@modelcontextprotocol/sdk). TRANSPORT=sse takes HTTP+SSE, the transport of 2024-11-05.
import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { main } from "./walk.mjs";

const Transport = process.env.TRANSPORT === "sse" ? SSEClientTransport : StreamableHTTPClientTransport;

await main({
  sdk: "TypeScript SDK v1",
  package: "@modelcontextprotocol/sdk",
  newClient: (implementation) => new Client(implementation),
  newTransport: (url, options) => new Transport(url, options),
  // v1 leaves reading the authorization response to the application.
  async finishAuth(transport, response) {
    if (response.has("error")) throw new Error(response.get("error"));
    await transport.finishAuth(response.get("code"));
  },
  protocolRevision: (_client, transport) => transport.protocolVersion,
  isUnauthorized: (error) => error instanceof UnauthorizedError,
});
