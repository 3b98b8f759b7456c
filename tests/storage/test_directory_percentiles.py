"""The directory tells which stats count no percentiles, in the order of the log."""

from engine.clock import TrioClock
from engine.histogram import Histograms
from engine.ports import Checkpoint, Partials
from engine.position import Position
from engine.rollup import Rollups
from storage.directory import Directory
from storage.memory import MemoryStore
from tests.storage.directory_log import T0_MS, Log, opened, read_again, registered


def apply_all(directory: Directory, log: Log) -> list[int]:
    """Apply what has been logged, and tell which stats count none then."""
    for command in log.commands:
        directory.apply(command)
    log.entries.clear()
    return sorted(directory.without_percentiles)


async def test_it_follows_the_log() -> None:
    log = Log()
    directory = opened(log)
    a, b = await registered(directory, "a", "b")
    assert apply_all(directory, log) == []
    await directory.change(a.id, percentiles=False)
    assert apply_all(directory, log) == [a.id]
    await directory.change(a.id, name="c")
    await directory.trash(a.id)
    assert apply_all(directory, log) == [a.id]
    await directory.restore(a.id)
    await directory.change(b.id, percentiles=False)
    await directory.change(a.id, percentiles=True)
    assert apply_all(directory, log) == [b.id]
    await directory.purge(b.id, 0)
    assert apply_all(directory, log) == []


async def test_a_change_counts_once_the_log_is_applied_up_to_it() -> None:
    log = Log()
    directory = opened(log)
    (stat,) = await registered(directory, "a")
    changed = await directory.change(stat.id, percentiles=False)
    assert not changed.percentiles
    assert list(directory.without_percentiles) == []
    assert apply_all(directory, log) == [stat.id]


async def test_it_is_the_same_when_the_log_is_read_again() -> None:
    log = Log()
    directory = opened(log)
    a, b, c = await registered(directory, "a", "b", "c")
    for stat in (a, b, c):
        await directory.change(stat.id, percentiles=False)
    await directory.change(b.id, percentiles=True)
    await directory.purge(c.id, 0)
    assert list(read_again(log).without_percentiles) == [a.id]


async def test_it_is_loaded_with_the_records() -> None:
    log, store = Log(), MemoryStore(1)
    directory = opened(log, store)
    a, _ = await registered(directory, "a", "b")
    await directory.change(a.id, percentiles=False)
    own = await store.acquire(0)
    none = Partials(Rollups.empty(), Histograms.empty())
    commands = tuple(log.commands)
    await store.commit(Checkpoint(0, own.epoch, own.number + 1, Position(1, 0), none, commands))
    later = Directory(store, TrioClock(T0_MS))
    await later.load()
    assert list(later.without_percentiles) == [a.id]
