"""A server that speaks like Stripe, as far as it is asked; it remembers what it was sent."""

import hashlib
import hmac
import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

PAGES = {
    "/v1/checkout/sessions": {"object": "checkout.session", "id": "cs_1", "url": "https://pay/1"},
    "/v1/billing_portal/sessions": {
        "object": "billing_portal.session", "id": "bps_1", "url": "https://portal/1",
    },
}  # fmt: skip


class StripeServer(ThreadingHTTPServer):
    """Listens on a free port of the loopback; answers `failure`, once there is one."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.failure: int | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: StripeServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        self.server.asked.append((self.path, dict(parse_qsl(body))))
        status = self.server.failure or 200
        error = {"error": {"type": "api_error", "message": "out of order"}}
        answer = json.dumps(PAGES[self.path] if status == 200 else error).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:  # ruff: ignore[any-type, builtin-argument-shadowing]
        """Say nothing."""


@contextmanager
def stripe_server() -> Generator[StripeServer]:
    with StripeServer() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def signed(body: bytes, secret: str, at_s: int) -> str:
    """The header that Stripe documents: a time, and an HMAC of time and body."""
    digest = hmac.new(secret.encode(), b"%d." % at_s + body, hashlib.sha256).hexdigest()
    return f"t={at_s},v1={digest}"


def event(kind: str, thing: dict[str, object], created: int) -> bytes:
    """An event as Stripe sends it."""
    return json.dumps(
        {
            "id": f"evt_{created}", "object": "event", "type": kind, "created": created,
            "data": {"object": thing},
        }
    ).encode()  # fmt: skip
