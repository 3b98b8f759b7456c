"""What the server keeps of imports: one sorted set per stat and import, and who has which."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import redis

from engine.ports import Chunk, Span
from storage.imports import imported_chunk
from storage.keys import Keys, score

if TYPE_CHECKING:
    from storage.scripts import Reply


def read_imports(client: redis.Redis, keys: Keys) -> dict[int, tuple[int, ...]]:
    """The imports of each stat, in order."""
    found: Reply = client.hgetall(keys.imports)
    return {int(stat): tuple(sorted(map(int, numbers.split()))) for stat, numbers in found.items()}


def read_imported(
    client: redis.Redis, keys: Keys, wanted: Sequence[tuple[int, Span]], *, newest: bool
) -> list[list[Chunk]]:
    """The chunks that an import has in each span, oldest first; or only the last of each."""
    with client.pipeline(transaction=False) as pipeline:
        for number, span in wanted:
            low, high = (score(span.tier.number, at_s) for at_s in (span.start, span.end))
            key = f"{keys.imported}:{span.stat}:{number}"
            if newest:
                pipeline.zrevrangebyscore(key, f"({high}", low, start=0, num=1)
            else:
                pipeline.zrangebyscore(key, low, f"({high}")
        answers = pipeline.execute()
    return [
        [imported_chunk(span.stat, member) for member in members]
        for (_, span), members in zip(wanted, answers, strict=True)
    ]
