"""InfluxDB 1.x: its write-ahead log is fsynced before it answers."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx

from bench.peers.peer import Peer, Serving, listening
from bench.processes import free_port

ACKNOWLEDGED: Final = "durable: in the write-ahead log, fsynced"

# What is not named here is as it comes; logs and statistics of its own cost time and are off.
SETTINGS: Final = """\
reporting-disabled = true
bind-address = "127.0.0.1:{backup_port}"
[meta]
  dir = "{place}/meta"
  logging-enabled = false
[data]
  dir = "{place}/data"
  wal-dir = "{place}/wal"
  index-version = "inmem"
  query-log-enabled = false
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
[logging]
  level = "error"
"""


@contextmanager
def _start(place: Path) -> Generator[Serving]:
    port, backup_port = free_port(), free_port()
    settings = place / "influxdb.conf"
    settings.write_text(SETTINGS.format(place=place, port=port, backup_port=backup_port))
    with listening(["influxd", "-config", str(settings)], place, port) as serving:
        httpx.post(
            f"http://127.0.0.1:{port}/query", params={"q": "CREATE DATABASE bench"}, trust_env=False
        ).raise_for_status()
        yield serving


INFLUX: Final = Peer("InfluxDB", "influxd", "influxdb", _start)
