"""Throughput into a server that never answers: what it has taken when all buffers are empty."""

import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench.cores import LOAD, only_on
from bench.words import Request, timed

DRAIN_LIMIT_S: Final = 60.0
_POLL_S: Final = 0.005


class NotDrained(Exception):
    """The server left bytes unread for a minute."""


def rate_s(port: int, requests: Sequence[Request], seconds: float) -> float:
    """Requests a second that the server took over one connection.

    The clock runs until the last byte has left both socket buffers, in which megabytes may wait.
    """
    with only_on(LOAD), socket.create_connection(("127.0.0.1", port)) as sock:
        own_port = sock.getsockname()[1]
        sock.settimeout(DRAIN_LIMIT_S)
        began, sent = time.perf_counter(), 0
        while time.perf_counter() < began + seconds:
            request = requests[sent % len(requests)]
            sock.sendall(timed(request.body, int(time.time() * 1000)))
            sent += 1
        _wait_drained(port, own_port)
        return sent / (time.perf_counter() - began)


def _wait_drained(port: int, own_port: int) -> None:
    deadline = time.monotonic() + DRAIN_LIMIT_S
    while waiting_bytes(Path("/proc/net/tcp").read_text(), {port, own_port}):
        if time.monotonic() > deadline:
            raise NotDrained(f"port {port} does not read what was sent")
        time.sleep(_POLL_S)


def waiting_bytes(table: str, ports: set[int]) -> int:
    """Bytes in the buffers of connections between these ports; `table` is /proc/net/tcp."""
    waiting = 0
    for line in table.splitlines()[1:]:
        fields = line.split()
        ends = {int(end.rpartition(":")[2], 16) for end in fields[1:3]}
        if ends <= ports:
            sending, _, receiving = fields[4].partition(":")
            waiting += int(sending, 16) + int(receiving, 16)
    return waiting
