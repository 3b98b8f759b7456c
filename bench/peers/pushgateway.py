"""The Pushgateway, by which programs send single points to Prometheus."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.peers.peer import Peer, Serving, listening
from bench.processes import free_port

ACKNOWLEDGED: Final = "not durable: the last value in memory, until it is scraped"


@contextmanager
def _start(place: Path) -> Generator[Serving]:
    port = free_port()
    # Else it keeps a file in a directory of the system, and checks each push against all others.
    words = [
        "prometheus-pushgateway", f"--web.listen-address=127.0.0.1:{port}", "--log.level=error",
        "--persistence.file=", "--push.disable-consistency-check",
    ]  # fmt: skip
    with listening(words, place, port) as serving:
        yield serving


PUSHGATEWAY: Final = Peer(
    "Prometheus Pushgateway", "prometheus-pushgateway", "prometheus-pushgateway", _start
)
