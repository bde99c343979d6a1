// What every server of this folder offers, in plain JSON: the same tools in each SDK, so that one script fits all.

export const TOOLS = [
  tool("echo", "Gives the text back", { text: { type: "string" } }),
  tool("count", "Counts, with a progress notification for each number", { to: { type: "integer" } }),
  tool("ask", "Asks the client for its roots", {}),
  tool("wait", "Waits until it is cancelled, and says so in the server's log", { label: { type: "string" } }),
  tool("hold", "Reports progress once, then waits for `release`", { label: { type: "string" } }),
  tool("release", "Lets `hold` go on", { label: { type: "string" } }),
  tool("announce", "Tells everybody that the list of tools has changed", {}),
];

function tool(name, description, properties) {
  return { name, description, inputSchema: { type: "object", properties } };
}

export const text = (text) => ({ content: [{ type: "text", text }] });

const held = new Map();

/// The tools that need nothing of the SDK but a way to report progress and to know of a cancellation.
export async function call(name, args, { signal, progress }) {
  switch (name) {
    case "echo":
      return text(args.text);
    case "count":
      for (let number = 1; number <= args.to; number++) await progress(number, args.to);
      return text(`counted to ${args.to}`);
    case "wait":
      console.log(`waiting ${args.label}`);
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      console.log(`cancelled ${args.label}`);
      return text("cancelled");
    case "hold": {
      // `release` may come as soon as the first progress is seen.
      const released = new Promise((resolve) => held.set(args.label, resolve));
      await progress(1, 2);
      await released;
      await progress(2, 2);
      console.log(`released ${args.label}`);
      return text("released");
    }
    case "release":
      held.get(args.label)?.();
      held.delete(args.label);
      return text("released it");
  }
}

export function listen(server) {
  server.listen(0, "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${server.address().port}/mcp`));
  for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));
}
