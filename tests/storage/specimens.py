"""What every stored format was given once, so that later releases can be shown to read it.

Law: a specimen that is in a release is never written again; a new version of a format gets others
beside the old ones. Run this file to write those that are missing:

    .venv/bin/python -m tests.storage.specimens
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from engine.histogram import count_up
from engine.points import Batch, Command, Points
from engine.ports import Chunk, Partials
from engine.position import Position
from engine.rollup import roll_up
from engine.stats import Kind, Stat
from engine.tiers import HISTOGRAMS, M1, S10
from storage.codec import (
    decode_chunk,
    decode_log,
    decode_partials,
    encode_chunk,
    encode_log,
    encode_partials,
)
from storage.codec.frame import VERSION
from storage.directory_record import pack_stat, unpack_stat

FIXTURES: Final = Path(__file__).parent / "fixtures"

AT_S: Final = 1_795_302_000
STAT: Final = 7


def plain(value: object) -> Any:  # ruff: ignore[any-type]
    """Anything that is stored as JSON can say it; doubles come back to the last bit."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple | list):
        return [plain(part) for part in value]
    return value


READERS: Final[Mapping[str, Callable[[bytes], object]]] = {
    "log": decode_log,
    "log-skip": lambda data: decode_log(data, b"0-1,3-4"),
    "partials": decode_partials,
    "chunk": lambda data: decode_chunk(STAT, data),
    "stat": lambda data: unpack_stat(STAT, data),
}
"""How today's program reads each format; the name of a specimen begins with that of its format."""


def points() -> Points:
    """Two stats: whole numbers, and odd ones."""
    at_ms = [AT_S * 1000 + step * 7_001 for step in range(12)]
    values = [1, 2, 0.1, -0.0, 1e100, 12.25, 5e-324, -3.5, 7, 0, 1e-9, 123456789.123]
    return Points.of([STAT, STAT + 2] * 6, at_ms, values)


def made() -> Mapping[str, bytes]:
    """Every specimen as today's program writes it."""
    sent = points()
    mine = sent.take(sent.stat == STAT)
    seen = roll_up(sent.stat, sent.at_ms, sent.value, S10.width_s)
    minutes = roll_up(mine.stat, mine.at_ms, mine.value, M1.width_s)
    counts = count_up(sent.stat, sent.at_ms, sent.value)
    position = Position(AT_S * 1000 + 90_000, 3)
    bins = counts.take(counts.stat == STAT)
    return {
        "log": encode_log([Batch(sent, commands=(Command("stat.put", STAT, b"\x01\x90"),))]),
        "log-skip": encode_log([Batch(sent)]),
        "partials": encode_partials(Partials(seen, counts)),
        "chunk-rollups": encode_chunk(Chunk(STAT, M1, AT_S - 3_600, position, minutes)),
        "chunk-histograms": encode_chunk(Chunk(STAT, HISTOGRAMS[0], AT_S, position, bins)),
        "stat": pack_stat(
            Stat(STAT, 1, 3, "größe", Kind.VALUE, "ms", AT_S * 1000, "trash", AT_S * 1000, False, 5)
        ),
    }


def read(name: str, data: bytes) -> Any:  # ruff: ignore[any-type]
    """What today's program makes of a specimen."""
    form = name if name in READERS else name.partition("-")[0]
    return plain(READERS[form](data))


def main() -> None:
    """Write the specimens that are missing."""
    for name, data in made().items():
        path = FIXTURES / f"v{VERSION}-{name}.json"
        if not path.exists():
            shown = msgspec.json.encode({"bytes": data.hex(), "holds": read(name, data)})
            path.write_bytes(msgspec.json.format(shown, indent=1) + b"\n")


if __name__ == "__main__":
    main()
