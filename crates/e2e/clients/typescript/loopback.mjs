// The client's own redirect listener (RFC 8252 §7.3): a free port on 127.0.0.1 that waits for the authorization response.
import { createServer } from "node:http";

const CALLBACK_PATH = "/callback";
// With an empty icon, so that the browser does not ask for one and report that there is none.
const PAGE = '<!doctype html><title>Signed in</title><link rel="icon" href="data:,"><p>You can go back to the client.</p>';

export async function listenForRedirect() {
  let arrived;
  // The response to the next authorization request: to be asked for before the browser is sent off.
  const next = () => new Promise((resolve) => (arrived = resolve));
  const response = next();
  const server = createServer((request, answer) => {
    const url = new URL(request.url, "http://127.0.0.1");
    if (request.method !== "GET" || url.pathname !== CALLBACK_PATH) {
      answer.writeHead(404).end();
      return;
    }
    answer.writeHead(200, { "content-type": "text/html; charset=utf-8" });
    answer.end(PAGE);
    arrived(url.searchParams);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    redirectUri: `http://127.0.0.1:${server.address().port}${CALLBACK_PATH}`,
    response,
    next,
    close: () => server.close(),
  };
}
