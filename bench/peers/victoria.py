"""VictoriaMetrics: one process, as it comes."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.peers.peer import Peer, Serving, listening
from bench.processes import free_port

ACKNOWLEDGED: Final = "not durable: in memory, on disk some seconds later"


@contextmanager
def _start(place: Path) -> Generator[Serving]:
    port = free_port()
    words = [
        "victoria-metrics", f"-httpListenAddr=127.0.0.1:{port}", f"-storageDataPath={place}/data",
        "-loggerLevel=ERROR",
    ]  # fmt: skip
    with listening(words, place, port) as serving:
        yield serving


VICTORIA: Final = Peer("VictoriaMetrics", "victoria-metrics", "victoria-metrics", _start)
