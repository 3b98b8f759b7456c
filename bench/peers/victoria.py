"""VictoriaMetrics: one process, as it comes."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.cores import APP
from bench.peers.peer import Peer, Serving
from bench.processes import free_port, listens, started, wait_until

ACKNOWLEDGED: Final = "not durable: in memory, on disk some seconds later"


@contextmanager
def _start(place: Path) -> Generator[Serving]:
    port = free_port()
    words = [
        "victoria-metrics", f"-httpListenAddr=127.0.0.1:{port}", f"-storageDataPath={place}/data",
        "-loggerLevel=ERROR",
    ]  # fmt: skip
    # As many threads as it has cores, which its run-time does not find out in time by itself.
    with started(words, place, APP, {"GOMAXPROCS": str(len(APP))}) as process:
        wait_until(lambda: listens(port), process, place)
        yield Serving(port, (process.pid,))


VICTORIA: Final = Peer("VictoriaMetrics", "victoria-metrics", "victoria-metrics", _start)
