"""`statflow audit`: recount every point, and say where one is missing or counted twice.

Law: the audit reads, and never helps: what it finds is left as it was found.
"""

import argparse
import re
from collections.abc import Mapping, Sequence
from typing import Final

from api.cli.errors import DONE, FAILED, CommandError
from api.cli.options import STORE, settings_arguments, settings_of
from api.cli.progress import progress
from api.cli.store import with_store
from api.clock import WallClock
from engine.audit import PartitionAudit, audit
from engine.ports import Damaged, StoreError
from engine.stats import public_id
from storage.directory_record import unpack_stat
from storage.opening import open_for_reading
from storage.redis_store import RedisStore

HELP: Final = """\
Recount: everything that was ever acknowledged must be in the history, the recent data or the log,
once; and wherever two resolutions cover the same time, they must agree.

Prints `equal` and the numbers, or names the stat and the place and exits with 1. Works while the
server runs; without one it starts the store server for the moment.
"""

_STAT: Final = re.compile(r"\bstat (\d+)\b")


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may be said on the command line."""
    settings_arguments(parser, *STORE)


def run(options: argparse.Namespace) -> int:
    """Recount; 1 when anything is wrong."""
    found, names = with_store(settings_of(options), recount)
    lines, equal = report(found, names)
    print("\n".join(lines))
    return DONE if equal else FAILED


async def recount(url: str) -> tuple[list[PartitionAudit], dict[int, str]]:
    """The audit of every partition, and the names of the stats that have faults."""
    async with open_for_reading(url) as store:
        found = []
        with progress("recounting", store.partitions) as step:
            for partition in range(store.partitions):
                found.append(await _audited(store, partition))
                step(1)
        wanted = {int(number) for one in found for number in _STAT.findall("\n".join(one.faults))}
        return found, await _names(store, found) if wanted else {}


async def _audited(store: RedisStore, partition: int) -> PartitionAudit:
    try:
        return await audit(store, partition, WallClock().now_ms() // 1000)
    except Damaged as error:
        return PartitionAudit(partition, 0, 0, 0, 0, 0, (str(error),))
    except StoreError as error:
        raise CommandError(f"partition {partition} cannot be read: {error}") from error


async def _names(store: RedisStore, found: Sequence[PartitionAudit]) -> dict[int, str]:
    names = {}
    for one in found:
        if one.faults:
            for stat, record in await store.records(one.partition):
                try:
                    names[stat] = unpack_stat(stat, record).name
                except Damaged:
                    continue
    return names


def report(found: Sequence[PartitionAudit], names: Mapping[int, str]) -> tuple[list[str], bool]:
    """What to print, and whether all is well. Pure."""
    lines = []
    for one in found:
        lines += [f"partition {one.partition}: {_named(fault, names)}" for fault in one.faults]
        if one.missing > 0:
            lines.append(f"partition {one.partition}: {one.missing} points are missing")
        elif one.missing < 0:
            lines.append(f"partition {one.partition}: {-one.missing} points are counted twice")
    equal = all(one.equal for one in found)
    appended, counted, dead, purged = (
        sum(getattr(one, name) for one in found)
        for name in ("appended", "counted", "dead", "purged")
    )
    sums = f"{appended} points appended = {counted} counted"
    sums += f" + {dead} set aside" if dead else ""
    sums += f" + {purged} purged" if purged else ""
    stats = sum(one.stats for one in found)
    if equal:
        imported = sum(one.imported for one in found)
        beside = f"; beside them {imported} imported buckets" if imported else ""
        lines.append(f"equal: {sums}, in {stats} stats and {len(found)} partitions{beside}")
    else:
        lines.append(f"not equal: {sums.replace(' = ', ', ')}; restore the last good backup")
    return lines, equal


def _named(fault: str, names: Mapping[int, str]) -> str:
    """The fault with the stat as users know it."""

    def shown(match: re.Match[str]) -> str:
        number = int(match[1])
        name = names.get(number)
        return f"stat {public_id(number)}" + (f" ({name})" if name else "")

    return _STAT.sub(shown, fault)
