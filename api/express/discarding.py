"""Bytes of a socket that nobody wants: looked at, and dropped where they lie.

Law: where the system can (`MSG_TRUNC` of Linux), what is dropped is never copied.
"""

import socket
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

DISCARD_BYTES: Final = 256 * 1024
"""Dropped at a time."""

_FLAGS: Final = socket.MSG_TRUNC if sys.platform == "linux" else 0
_NOBODY_READS: Final = bytearray(DISCARD_BYTES)


def peek(fd: int, size: int) -> bytes:
    """The first bytes that wait, which stay; none at the end, and where there is nothing."""
    try:
        with _borrowed(fd) as sock:
            return sock.recv(size, socket.MSG_PEEK)
    except OSError:
        return b""


def discard(fd: int, size: int) -> int | None:
    """Drop so many bytes at most; how many were, 0 at the end, None when there are none yet."""
    try:
        with _borrowed(fd) as sock:
            return sock.recv_into(_NOBODY_READS, min(size, DISCARD_BYTES), _FLAGS)
    except BlockingIOError:
        return None
    except OSError:
        return 0


@contextmanager
def _borrowed(fd: int) -> Generator[socket.socket]:
    """Somebody else's socket."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, fd)
    try:
        yield sock
    finally:
        sock.detach()
