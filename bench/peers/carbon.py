"""Graphite's carbon: points in memory, written to a file for each stat as fast as it can."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.peers.peer import Peer, Serving, listening
from bench.processes import free_port

ACKNOWLEDGED: Final = "none: what TCP took is in memory; files are written later"

SETTINGS: Final = """\
[cache]
STORAGE_DIR = {place}
LOCAL_DATA_DIR = {place}/whisper
CONF_DIR = {place}
LOG_DIR = {place}
PID_DIR = {place}
USER =
MAX_CACHE_SIZE = inf
MAX_UPDATES_PER_SECOND = inf
MAX_CREATES_PER_MINUTE = inf
CACHE_WRITE_STRATEGY = sorted
LINE_RECEIVER_INTERFACE = 127.0.0.1
LINE_RECEIVER_PORT = {port}
PICKLE_RECEIVER_INTERFACE = 127.0.0.1
PICKLE_RECEIVER_PORT = {pickle_port}
CACHE_QUERY_INTERFACE = 127.0.0.1
CACHE_QUERY_PORT = {query_port}
LOG_UPDATES = False
LOG_CREATES = False
LOG_CACHE_HITS = False
"""

SCHEMAS: Final = "[all]\npattern = .*\nretentions = 10s:6h,1m:7d\n"


@contextmanager
def _start(place: Path) -> Generator[Serving]:
    port, pickle_port, query_port = free_port(), free_port(), free_port()
    settings = SETTINGS.format(
        place=place, port=port, pickle_port=pickle_port, query_port=query_port
    )
    (place / "carbon.conf").write_text(settings)
    (place / "storage-schemas.conf").write_text(SCHEMAS)
    words = ["carbon-cache", f"--config={place}/carbon.conf", "--nodaemon", "start"]
    with listening(words, place, port) as serving:
        yield serving


CARBON: Final = Peer("Graphite carbon", "carbon-cache", "graphite-carbon", _start)
