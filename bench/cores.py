"""Who runs on which core: what is measured on one, the load on another.

Law: a core is given before a process starts, so that it and all that it starts inherit it.
"""

import os
import sys
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

LINUX: Final = sys.platform == "linux"
"""Elsewhere a process cannot be kept to a core, and figures say less."""

CORES: Final = sorted(os.sched_getaffinity(0)) if LINUX else [*range(os.cpu_count() or 1)]
APP: Final = frozenset({CORES[0]})
"""The core of the server that is measured, with all its processes."""

LOAD: Final = frozenset({CORES[1 % len(CORES)]})
"""The core of whoever sends; the same one on a machine that has no other."""


@contextmanager
def only_on(cores: Iterable[int]) -> Generator[None]:
    """This thread and what it starts run on these cores until the end of the block."""
    if not LINUX:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def move(pid: int, cores: Iterable[int]) -> None:
    """Let a process that runs already, with all its threads, run on these cores."""
    allowed = set(cores)
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(ProcessLookupError):  # It may have ended meanwhile.
            os.sched_setaffinity(int(thread.name), allowed)
