// Runs the authorization-server scenarios of the official suite and is the person at the browser that the suite asks for: it
// prints the URL to open, and this script opens it. It also registers the client that the suite is. From the environment:
// MCP_URL, CALLBACK_PORT, BROWSER_SCRIPT and what that takes. Standard output gets what the suite says; the exit code is the
// suite's.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath, pathToFileURL } from "node:url";

const { MCP_URL, CALLBACK_PORT, BROWSER_SCRIPT } = process.env;
const issuer = new URL(MCP_URL).origin;
const here = dirname(fileURLToPath(import.meta.url));
const suite = join(here, "node_modules/@modelcontextprotocol/conformance/dist/index.js");
const { decideInBrowser } = await import(pathToFileURL(BROWSER_SCRIPT).href);

const registration = await fetch(`${issuer}/register`, {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({
    client_name: "Conformance suite",
    redirect_uris: [`http://127.0.0.1:${CALLBACK_PORT}/callback`],
    token_endpoint_auth_method: "none",
  }),
});
const { client_id: clientId } = await registration.json();

const run = spawn(
  node(),
  [suite, "authorization", "--url", issuer, "--client-id", clientId, "--port", CALLBACK_PORT],
  { stdio: ["ignore", "pipe", "inherit"] },
);
let visited = false;
for await (const line of createInterface({ input: run.stdout })) {
  console.log(line);
  if (!visited && line.startsWith(`${issuer}/authorize?`)) {
    visited = true;
    await decideInBrowser(line.trim());
  }
}
process.exitCode = run.exitCode ?? (await new Promise((ended) => run.on("exit", ended)));

// The suite needs Node.js 22 (fs.globSync), which Debian 13 does not have; the lock file brings one.
function node() {
  const require = createRequire(import.meta.url);
  try {
    const own = join(dirname(require.resolve(`node-linux-${process.arch}/package.json`)), "bin/node");
    if (existsSync(own)) return own;
  } catch {
    // Not on this platform: the one that runs this script has to do.
  }
  return process.execPath;
}
