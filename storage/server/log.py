"""What the embedded server wrote into its log, for people who have to act on it. Reads files."""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

READ_LIMIT_BYTES = 64 * 1024
"""Of the log of one start only this much of its end is looked at."""

LINES_SHOWN = 6

_CUTTABLE = re.compile(
    r"(?:Bad file format|Unexpected end of file) reading the append only file"
    r"(?: (?P<file>\S+\.aof))?"
)
_DAMAGED = re.compile(r"AOF loading aborted|AOF MANIFEST FILE ERROR|Unrecoverable error reading")
_NEWER = re.compile(r"Can't handle RDB format version")
_TORN = re.compile(r"Truncating the AOF (?:(?P<file>\S+) )?at offset (?P<offset>\d+)")


@dataclass(frozen=True, slots=True)
class LogMark:
    """Where a start begins in the log, and how long the append-only files were then, by name."""

    path: Path
    offset: int
    sizes: dict[str, int]


def mark(log: Path) -> LogMark:
    """The state before a start; a server that runs already may write and remove files meanwhile."""
    store, sizes = log.parent, {}
    for file in (*store.glob("*.aof"), *store.glob("appendonlydir/*")):
        with suppress(FileNotFoundError):
            sizes[file.name] = file.stat().st_size
    return LogMark(log, log.stat().st_size if log.exists() else 0, sizes)


def lines_since(start: LogMark) -> list[str]:
    """What was logged since, the last of it at most; empty when there is no log."""
    try:
        with start.path.open("rb") as log:
            size = log.seek(0, 2)
            log.seek(max(start.offset if start.offset <= size else 0, size - READ_LIMIT_BYTES))
            text = log.read(READ_LIMIT_BYTES).decode(errors="replace")
    except OSError:
        return []
    return [line for line in text.splitlines() if line.strip()]


def explain(lines: Sequence[str], binary: Path, store: Path) -> str:
    """The last lines, and what to do about them where that is known."""
    shown = "".join(f"\n  {line.strip()}" for line in lines[-LINES_SHOWN:])
    said = f"; the end of its log:{shown}" if shown else "; it has not logged anything"
    return said + _remedy("\n".join(lines), binary, store)


def torn_bytes(lines: Sequence[str], start: LogMark) -> int:
    """How much the server cut off the end of its append-only files when it loaded them."""
    cut = 0
    for line in lines:
        if match := _TORN.search(line):
            size = start.sizes.get(match["file"] or "appendonly.aof", 0)
            cut += max(0, size - int(match["offset"]))
    return cut


def _remedy(text: str, binary: Path, store: Path) -> str:
    if _NEWER.search(text):
        return f"\nThe data is of a newer server than {binary}: run that one again."
    damaged = f"\nThe append-only file is damaged. Restore the last backup of {store}."
    cuttable = _CUTTABLE.search(text)
    if cuttable is None:
        return damaged if _DAMAGED.search(text) else ""
    # One program is server and checker; the name that it is called by decides.
    checker = "redis-check-aof" if "redis" in binary.name else "valkey-check-aof"
    name = cuttable["file"]
    file = store / "appendonlydir" / name if name else store / "appendonly.aof"
    command = quote(f"exec -a {checker} {quote(str(binary))} --fix {quote(str(file))}")
    return (
        f"{damaged} Without one, copy {store}, then cut the file at the damage,"
        f" which loses whatever came after it:\n  bash -c {command}"
    )
