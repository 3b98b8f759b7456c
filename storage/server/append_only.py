"""The files that hold a store's data, opened so that they belong together while a server writes.

Law: nothing is asked of the server, nor is it held up. Its files only grow, or are replaced by
others under new names, and the manifest says which count. So files that were opened between two
equal readings of the manifest are one state of the store: whatever was acknowledged before the
first reading is in them, and an open file stays what it is even when its name is gone.
"""

import io
import os
import re
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import redis

from storage.server.settings import ServerError

DIRECTORY: Final = "appendonlydir"
MANIFEST: Final = f"{DIRECTORY}/appendonly.aof.manifest"

SINGLE: Final = "appendonly.aof"
"""All there is of servers before 7.0; a rewrite puts a new file under the same name."""

TRIES_MAX: Final = 20
"""A rewrite takes seconds, and each try falls into one of its moments at most."""

FLUSH_LIMIT_S: Final = 3.0
"""The server holds a write back for 2 s at most, while the disk is busy with an fsync."""

_POLL_S: Final = 0.02
_LINE: Final = re.compile(rb'file (?:"(?P<quoted>[^"]+)"|(?P<plain>\S+)) seq \d+ type (?P<type>\w)')
_HISTORY: Final = b"h"


class NoWholeState(ServerError):
    """The files do not belong together, or kept changing."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file, `name` relative to the store's directory; of it, `size` bytes count."""

    name: str
    size: int
    content: BinaryIO


@contextmanager
def opened(store: Path, before_check: Callable[[], None] = lambda: None) -> Generator[list[Part]]:
    """Every file of the data in `store`, none if there is no data; NoWholeState if that fails.

    Blocks only as long as opening takes. `before_check` is called after the files were opened.
    """
    missing = ""
    for _ in range(TRIES_MAX):
        manifest = _read(store / MANIFEST)
        names = [SINGLE] if manifest is None else _names(manifest)
        with ExitStack() as stack:
            try:
                files = [(name, stack.enter_context((store / name).open("rb"))) for name in names]
            except FileNotFoundError as error:
                if manifest is None and not (store / SINGLE).exists():
                    files = []
                else:
                    missing = str(error.filename)
                    continue
            before_check()
            if _read(store / MANIFEST) != manifest:
                continue
            parts = [Part(name, os.fstat(file.fileno()).st_size, file) for name, file in files]
            if manifest is not None:
                kept = _without_history(manifest)
                parts.append(Part(MANIFEST, len(kept), io.BytesIO(kept)))
            yield parts
            return
    if missing:
        raise NoWholeState(f"{missing} is missing although the store's manifest names it")
    raise NoWholeState(f"the files in {store} changed {TRIES_MAX} times while they were opened")


def wait_written(client: redis.Redis, limit_s: float = FLUSH_LIMIT_S) -> None:
    """Return once what the server acknowledged is in its files. Blocks.

    Only a server with relaxed durability acknowledges earlier.
    """
    deadline = time.monotonic() + limit_s
    while int(client.info("persistence").get("aof_buffer_length", 0)):
        if time.monotonic() > deadline:
            return
        time.sleep(_POLL_S)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _names(manifest: bytes) -> list[str]:
    names = []
    for line in _without_history(manifest).splitlines():
        found = _LINE.search(line)
        if found is None:
            raise NoWholeState(f"the store's manifest has a line that is none: {line[:80]!r}")
        name = os.fsdecode(found["quoted"] or found["plain"])
        if Path(name).name != name:
            raise NoWholeState(f"the store's manifest names a file elsewhere: {name}")
        names.append(f"{DIRECTORY}/{name}")
    return names


def _without_history(manifest: bytes) -> bytes:
    """Less the files that are about to be deleted, which hold nothing that counts."""
    lines = [line for line in manifest.splitlines(keepends=True) if line.strip()]
    kept = [line for line in lines if not _is_history(line)]
    return b"".join(kept)


def _is_history(line: bytes) -> bool:
    found = _LINE.search(line)
    return found is not None and found["type"] == _HISTORY
