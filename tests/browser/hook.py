"""A receiver of webhooks in a thread, which answers as it is told."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(eq=False)
class Hook:
    """Where messages go, what has come, and the status of the answers from now on."""

    url: str = ""
    status: int = 204
    bodies: list[bytes] = field(default_factory=list)


@contextmanager
def listening_hook() -> Generator[Hook]:
    """A hook on this machine while it listens."""
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            hook.bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(hook.status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_request(self, code: object = "-", size: object = "-") -> None:
            """What came is in the bodies."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        hook.url = f"http://127.0.0.1:{server.server_port}/"
        try:
            yield hook
        finally:
            server.shutdown()
            thread.join()
