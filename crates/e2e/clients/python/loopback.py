"""The client's own redirect listener (RFC 8252 §7.3): a free port on localhost that waits for the authorization response."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from threading import Thread
from urllib.parse import parse_qsl, urlsplit

CALLBACK_PATH = "/callback"
# With an empty icon, so that the browser does not ask for one and report that there is none.
PAGE = b'<!doctype html><title>Signed in</title><link rel="icon" href="data:,"><p>You can go back to the client.</p>'


class RedirectListener:
    def __init__(self) -> None:
        arrived: Queue[dict[str, str]] = Queue()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = urlsplit(self.path)
                found = url.path == CALLBACK_PATH
                body = PAGE if found else b""
                self.send_response(200 if found else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                if found:
                    arrived.put(dict(parse_qsl(url.query)))

            def log_message(self, *_: object) -> None:
                """Quiet: the request line carries the code."""

        self.arrived = arrived
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.redirect_uri = f"http://localhost:{self._server.server_port}{CALLBACK_PATH}"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
