"""The directory tells which stats were made or changed since somebody looked last."""

from engine.stats import Kind, Stat
from storage import directory_table
from storage.directory_table import StatTable
from tests.storage.directory_log import Log, opened, registered


def stat(number: int, revision: int = 1) -> Stat:
    """The record of a stat."""
    return Stat(number, 1, 0, f"s{number}", Kind.COUNTER, None, 0, revision=revision)


async def test_new_and_changed_stats_once_each_in_order() -> None:
    directory = opened(Log())
    await registered(directory, "before")
    looked = directory.changes
    a, b = await registered(directory, "a", "b")
    await directory.change(a.id, unit="ms")
    changed = directory.changed_since(looked)
    assert changed is not None
    assert [(one.id, one.unit) for one in changed] == [(b.id, None), (a.id, "ms")]
    assert directory.changed_since(directory.changes) == []


def test_what_was_forgotten_is_not_told() -> None:
    table = StatTable()
    table.put(stat(1))
    table.put(stat(2))
    table.purge(1)
    assert table.changed_since(0) == [stat(2)]


def test_a_record_that_changes_nothing_is_no_change() -> None:
    table = StatTable()
    table.put(stat(1, revision=2))
    looked = table.changes
    table.put(stat(1, revision=1))
    assert table.changed_since(looked) == []


def test_more_than_is_remembered_is_not_told_in_part() -> None:
    table = StatTable()
    for number in range(directory_table.CHANGES_KEPT + 1):
        table.put(stat(number + 1))
    assert table.changed_since(0) is None
    changed = table.changed_since(1)
    assert changed is not None
    assert len(changed) == directory_table.CHANGES_KEPT
