// An MCP server made with the official TypeScript SDK, v1: sessions, and an event store for resumption.
// `node typescript-v1.mjs json` answers in JSON, `sse` in event streams.

import { randomUUID } from "node:crypto";
import { createServer } from "node:http";

import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import {
  CallToolRequestSchema,
  ErrorCode,
  ListRootsResultSchema,
  ListToolsRequestSchema,
  McpError,
} from "@modelcontextprotocol/sdk/types.js";

import { EventStore } from "./event-store.mjs";
import { TOOLS, call, listen, text } from "./tools.mjs";

const enableJsonResponse = process.argv[2] === "json";
const sessions = new Map();

function mcpServer() {
  const server = new Server({ name: "typescript-v1", version: "1" }, { capabilities: { tools: { listChanged: true } } });
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: TOOLS }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
    const progressToken = params._meta?.progressToken;
    const progress = async (progress, total) => {
      if (progressToken === undefined) return;
      await extra.sendNotification({ method: "notifications/progress", params: { progressToken, progress, total } });
    };
    switch (params.name) {
      case "ask": {
        const { roots } = await extra.sendRequest({ method: "roots/list" }, ListRootsResultSchema);
        return text(roots.map((root) => root.uri).join(" "));
      }
      case "announce":
        await server.sendToolListChanged();
        return text("announced");
    }
    const result = await call(params.name, params.arguments, { signal: extra.signal, progress });
    if (!result) throw new McpError(ErrorCode.InvalidParams, `no tool ${params.name}`);
    return result;
  });
  return server;
}

async function transportFor(sessionId) {
  const known = sessions.get(sessionId);
  if (known) return known;
  const transport = new StreamableHTTPServerTransport({
    enableJsonResponse,
    eventStore: new EventStore(),
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (id) => void sessions.set(id, transport),
    onsessionclosed: (id) => void sessions.delete(id),
    retryInterval: 500,
  });
  await mcpServer().connect(transport);
  return transport;
}

listen(
  createServer(async (request, response) => {
    const transport = await transportFor(request.headers["mcp-session-id"]);
    await transport.handleRequest(request, response);
  }),
);
