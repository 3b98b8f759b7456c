"""StatsD: sums in memory, sent onwards every ten seconds; here to nobody."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.peers.peer import Peer, Serving, listening
from bench.processes import free_port

ACKNOWLEDGED: Final = "none: what TCP took is a sum in memory"

PROGRAM: Final = Path(__file__).parents[2] / ".peers" / "node_modules" / "statsd" / "stats.js"
"""Where `bench/peers.sh` puts it."""

# Over UDP, which is its default, nobody could tell how much it took.
SETTINGS: Final = """\
{{
  servers: [{{ server: "./servers/tcp", address: "127.0.0.1", port: {port} }}],
  mgmt_address: "127.0.0.1", mgmt_port: {manage_port},
  backends: []
}}
"""


@contextmanager
def _start(place: Path) -> Generator[Serving]:
    port, manage_port = free_port(), free_port()
    settings = place / "statsd.js"
    settings.write_text(SETTINGS.format(port=port, manage_port=manage_port))
    with listening(["node", str(PROGRAM), str(settings)], place, port) as serving:
        yield serving


STATSD: Final = Peer("StatsD", str(PROGRAM), "statsd (npm)", _start)
