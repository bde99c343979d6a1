// What people take back on the page about their account. From the environment: PUBLIC_URL, MCP_URL, STATUS_LIST_PORT (where the
// sidecar asks for the status list).
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "./person.mjs";

const { PUBLIC_URL, MCP_URL, STATUS_LIST_PORT } = process.env;
const INITIALIZE = {
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "test", version: "1" } },
};

export const account = {
  // Whoever disconnects an app shuts it out of the MCP server. Without script.
  async revoke({ client, page, watched }) {
    const lists = await relayStatusLists();
    const tokens = await connect(page, client, "alice");
    const session = await initialize(tokens.access_token);
    assert.equal(session.status, 200);
    assert.equal(await listTools(tokens.access_token, session), 200);

    await page.goto(`${PUBLIC_URL}/account`);
    const entry = page.locator("section.entry", { hasText: client.name });
    await entry.locator("summary").click();
    await entry.locator("details[open] button[type=submit]").click();
    await page.waitForLoadState();
    assert.equal(await page.locator("section.entry", { hasText: client.name }).count(), 0);

    // The first list that the sidecar asks for from now on names the token, and is read before the second is asked for.
    const revokedAt = performance.now();
    const before = lists.asked;
    for (;;) {
      const since = lists.asked - before;
      if ((await listTools(tokens.access_token, session)) === 401) break;
      assert.ok(since < 2, "the sidecar has the list with the revoked token, and lets it in");
      assert.ok(performance.now() - revokedAt < 60_000, "the sidecar never asks what was revoked");
      await sleep(50);
    }
    const seconds = (performance.now() - revokedAt) / 1_000;
    assert.equal((await initialize(tokens.access_token)).status, 401);
    assert.equal((await client.refresh(tokens.refresh_token)).error, "invalid_grant");
    // Whoever allows it again is let in again.
    const again = await connect(await watched(), client);
    assert.equal((await initialize(again.access_token)).status, 200);
    lists.server.close();
    return { seconds };
  },
};

async function initialize(token) {
  const answer = await post(token, {}, INITIALIZE);
  return { status: answer.status, id: answer.headers.get("mcp-session-id") };
}

async function listTools(token, session) {
  const headers = { "mcp-protocol-version": "2025-11-25", ...(session.id && { "mcp-session-id": session.id }) };
  return (await post(token, headers, { jsonrpc: "2.0", id: 2, method: "tools/list" })).status;
}

async function post(token, headers, message) {
  const answer = await fetch(MCP_URL, {
    method: "POST",
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      ...headers,
    },
    body: JSON.stringify(message),
  });
  await answer.text();
  return answer;
}

// Hands the status list on to the sidecar, and counts how often it asks.
async function relayStatusLists() {
  const lists = { asked: 0 };
  lists.server = createServer(async (request, response) => {
    lists.asked += 1;
    const headers = { accept: request.headers.accept };
    if (request.headers["if-none-match"]) headers["if-none-match"] = request.headers["if-none-match"];
    const list = await fetch(`${PUBLIC_URL}/status-list`, { headers });
    response.writeHead(list.status, { etag: list.headers.get("etag"), "content-type": list.headers.get("content-type") ?? "" });
    response.end(Buffer.from(await list.arrayBuffer()));
  });
  await new Promise((ready) => lists.server.listen(Number(STATUS_LIST_PORT), "127.0.0.1", ready));
  // Whoever asks for the list keeps the script from no end.
  lists.server.unref().on("connection", (socket) => socket.unref());
  return lists;
}
