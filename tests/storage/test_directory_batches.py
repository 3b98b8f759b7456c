"""The stats of a batch: found by name, again at once, and never as they were before a change."""

import pytest

from engine.stats import Kind, Stat, State
from storage import directory_batches
from storage.directory_batches import NamedBatches
from storage.directory_table import StatTable

NAMES = ["a", "b", "c"]


@pytest.fixture(autouse=True)
def short_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of one name are worth remembering."""
    monkeypatch.setattr(directory_batches, "WORTH_REMEMBERING", 1)


@pytest.fixture
def table() -> StatTable:
    table = StatTable()
    for number, name in enumerate(NAMES, 1):
        table.put(stat(number, name))
    return table


def stat(number: int, name: str, revision: int = 1, state: State = "live") -> Stat:
    """The record of a stat of account 1."""
    return Stat(number, 1, 0, name, Kind.COUNTER, None, 0, state, revision=revision)


def test_the_same_names_are_the_same_stats_without_looking_again(table: StatTable) -> None:
    batches = NamedBatches(table)
    found = batches.find(1, ["b", "a", "b"])
    assert found is not None
    assert [one.id for one in found.stats] == found.ids.tolist() == [2, 1, 2]
    assert (found.kinds, found.live) == ([Kind.COUNTER] * 3, True)
    assert batches.find(1, ["b", "a", "b"]) is found
    other = batches.find(1, ["b", "b", "a"])
    assert other is not None
    assert other.ids.tolist() == [2, 2, 1]


@pytest.mark.parametrize("names", [["a", "z"], ["A"], [" a"]])
def test_a_name_that_is_unknown_has_no_stats(table: StatTable, names: list[str]) -> None:
    batches = NamedBatches(table)
    assert batches.find(1, names) is None
    assert batches.find(2, ["a"]) is None


def test_every_change_is_seen_at_once(table: StatTable) -> None:
    batches = NamedBatches(table)
    assert batches.find(1, NAMES) is not None
    table.put(stat(3, "c", 2, "trash"))
    trashed = batches.find(1, NAMES)
    assert trashed is not None
    assert not trashed.live
    table.put(stat(3, "c", 3))
    restored = batches.find(1, NAMES)
    assert restored is not None
    assert restored.live
    table.put(stat(3, "d", 4))
    assert batches.find(1, NAMES) is None
    assert batches.find(1, ["a", "d"]) is not None
    table.purge(1)
    assert batches.find(1, ["a", "d"]) is None
    table.put(stat(4, "a"))
    found = batches.find(1, ["a", "d"])
    assert found is not None
    assert found.ids.tolist() == [4, 3]


def test_no_more_is_remembered_than_is_allowed(
    table: StatTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory_batches, "REMEMBERED", 2)
    batches = NamedBatches(table)
    first = batches.find(1, ["a"])
    for names in (["b"], ["c"]):
        assert batches.find(1, names) is not None
    assert repr(batches) == "<NamedBatches 2 remembered>"
    again = batches.find(1, ["a"])
    assert again is not None
    assert again is not first


def test_a_few_names_push_no_batch_out(table: StatTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory_batches, "WORTH_REMEMBERING", 3)
    batches = NamedBatches(table)
    for names, ids in ((["a", "b"], [1, 2]), ([], [])):
        found = batches.find(1, names)
        assert found is not None
        assert found.ids.tolist() == ids
    assert repr(batches) == "<NamedBatches 0 remembered>"
