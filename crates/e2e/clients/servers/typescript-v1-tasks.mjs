// An MCP server with tasks (revision 2025-11-25), made with the official TypeScript SDK, v1. It has no sessions and cannot tell its
// callers apart: on its own it shows every task to everybody.
// `node typescript-v1-tasks.mjs json` answers in JSON, `sse` in event streams.

import { createServer } from "node:http";

import { InMemoryTaskStore } from "@modelcontextprotocol/sdk/experimental/tasks";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";

import { listen, text } from "./tools.mjs";

const enableJsonResponse = process.argv[2] === "json";
const taskStore = new InMemoryTaskStore();

function mcpServer() {
  const capabilities = { tools: {}, tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } } };
  const server = new McpServer({ name: "typescript-v1-tasks", version: "1" }, { capabilities, taskStore });
  server.experimental.tasks.registerToolTask(
    "add_note",
    { description: "Keeps a note", execution: { taskSupport: "required" } },
    {
      createTask: async (extra) => ({ task: await extra.taskStore.createTask({ ttl: 600_000 }) }),
      getTask: (extra) => extra.taskStore.getTask(extra.taskId),
      getTaskResult: (extra) => extra.taskStore.getTaskResult(extra.taskId),
    },
  );
  server.registerTool("finish", { description: "Ends all tasks that go on" }, async () => {
    const { tasks } = await taskStore.listTasks();
    for (const { taskId } of tasks.filter(({ status }) => status === "working"))
      await taskStore.storeTaskResult(taskId, "completed", text(`kept ${taskId}`));
    return text("finished");
  });
  return server;
}

listen(
  createServer(async (request, response) => {
    const transport = new StreamableHTTPServerTransport({ enableJsonResponse, sessionIdGenerator: undefined });
    await mcpServer().connect(transport);
    await transport.handleRequest(request, response);
  }),
);
