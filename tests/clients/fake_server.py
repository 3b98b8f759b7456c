"""A small HTTP server that answers from a script, then takes everything."""

import gzip
import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

from statflow_client.answers import Answer
from tests.clients.lines import Posted, answer

BROKEN = answer(0)
"""In a script: the connection ends without an answer."""


@dataclass(eq=False)
class FakeServer:
    """What came, and over how many connections."""

    url: str
    script: list[Answer]
    posted: list[Posted] = field(default_factory=list)
    heads: list[dict[str, str]] = field(default_factory=list)
    connections: int = 0
    lock: Lock = field(default_factory=Lock)

    def take(self, heads: dict[str, str], body: bytes) -> Answer:
        """Note a request; what to answer."""
        if heads.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        items = json.loads(body)["items"]
        with self.lock:
            self.heads.append(heads)
            self.posted.append(Posted(heads["idempotency-key"], items))
            if self.script:
                return self.script.pop(0)
        return answer(202, {"accepted": len(items), "duplicates": 0, "rejected": []})


@contextmanager
def fake_server(*script: Answer) -> Generator[FakeServer]:
    """A server on a port of its own, until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            fake.connections += 1

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            told = fake.take({name.lower(): text for name, text in self.headers.items()}, body)
            if told is BROKEN:
                self.close_connection = True
                return
            self.send_response(told.status)
            for name, text in {**told.headers, "content-length": str(len(told.body))}.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(told.body)

        def log_message(self, *words: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    fake = FakeServer(f"http://127.0.0.1:{server.server_port}", list(script))
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
