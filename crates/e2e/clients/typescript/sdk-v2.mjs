// The official TypeScript SDK, v2 (@modelcontextprotocol/client). VERSION_NEGOTIATION=auto lets it find the revision without
// a handshake (`server/discover`, 2026-07-28); its default is the `initialize` handshake. TRANSPORT=sse takes HTTP+SSE, the
// transport of 2024-11-05.
import { Client, SSEClientTransport, StreamableHTTPClientTransport, UnauthorizedError } from "@modelcontextprotocol/client";
import { main } from "./walk.mjs";

const Transport = process.env.TRANSPORT === "sse" ? SSEClientTransport : StreamableHTTPClientTransport;

await main({
  sdk: "TypeScript SDK v2",
  package: "@modelcontextprotocol/client",
  newClient: (implementation) =>
    new Client(implementation, { versionNegotiation: { mode: process.env.VERSION_NEGOTIATION ?? "legacy" } }),
  newTransport: (url, options) => new Transport(url, options),
  finishAuth: (transport, response) => transport.finishAuth(response),
  protocolRevision: (client) => client.getNegotiatedProtocolVersion(),
  isUnauthorized: (error) => UnauthorizedError.isInstance(error),
});
