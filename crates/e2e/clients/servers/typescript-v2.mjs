// An MCP server made with the official TypeScript SDK, v2: sessions for the legacy revisions, and 2026-07-28 without them.
// `node typescript-v2.mjs json` answers in JSON, `sse` in event streams.

import { randomUUID } from "node:crypto";
import { createServer } from "node:http";

import { NodeStreamableHTTPServerTransport, toNodeHandler } from "@modelcontextprotocol/node";
import {
  ProtocolError,
  ProtocolErrorCode,
  Server,
  createMcpHandler,
  inputRequired,
} from "@modelcontextprotocol/server";

import { EventStore } from "./event-store.mjs";
import { TOOLS, call, listen, text } from "./tools.mjs";

const MODERN = "2026-07-28";
const json = process.argv[2] === "json";
const sessions = new Map();

function mcpServer(modern) {
  const server = new Server({ name: "typescript-v2", version: "1" }, { capabilities: { tools: { listChanged: true } } });
  server.setRequestHandler("tools/list", () => ({ tools: TOOLS }));
  server.setRequestHandler("tools/call", async ({ params }, { mcpReq }) => {
    const progressToken = mcpReq._meta?.progressToken;
    const progress = async (progress, total) => {
      if (progressToken === undefined) return;
      await mcpReq.notify({ method: "notifications/progress", params: { progressToken, progress, total } });
    };
    switch (params.name) {
      case "ask":
        return modern ? askAgain(mcpReq) : askOnTheStream(mcpReq);
      case "announce":
        await (modern ? handler.notify.toolsChanged() : server.sendToolListChanged());
        return text("announced");
    }
    const result = await call(params.name, params.arguments, { signal: mcpReq.signal, progress });
    if (!result) throw new ProtocolError(ProtocolErrorCode.InvalidParams, `no tool ${params.name}`);
    return result;
  });
  return server;
}

const list = (roots) => text(roots.map((root) => root.uri).join(" "));

async function askOnTheStream(mcpReq) {
  const { roots } = await mcpReq.send({ method: "roots/list" });
  return list(roots);
}

function askAgain(mcpReq) {
  const answer = mcpReq.inputResponses?.roots;
  if (answer) return list(answer.roots);
  return inputRequired({ inputRequests: { roots: inputRequired.listRoots() }, requestState: "asked for {\"roots\"}" });
}

const handler = createMcpHandler(() => mcpServer(true), {
  keepAliveMs: 0,
  legacy: "reject",
  responseMode: json ? "json" : "sse",
});
const modern = toNodeHandler(handler);

async function transportFor(sessionId) {
  const known = sessions.get(sessionId);
  if (known) return known;
  const transport = new NodeStreamableHTTPServerTransport({
    enableJsonResponse: json,
    eventStore: new EventStore(),
    keepAliveMs: 0,
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (id) => void sessions.set(id, transport),
    onsessionclosed: (id) => void sessions.delete(id),
    retryInterval: 500,
  });
  await mcpServer(false).connect(transport);
  return transport;
}

listen(
  createServer(async (request, response) => {
    if ((request.headers["mcp-protocol-version"] ?? "") >= MODERN) return modern(request, response);
    const transport = await transportFor(request.headers["mcp-session-id"]);
    await transport.handleRequest(request, response);
  }),
);
