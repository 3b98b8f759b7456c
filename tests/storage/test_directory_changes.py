"""Renaming, throwing away, purging: durably, and right whatever answer is lost on the way."""

import pytest
import trio

from engine.intake import OutcomeUnknown, Overloaded
from engine.stats import NoSuchStat
from storage.directory import TRASH_MS, BadName, Directory, InTrash, NameTaken
from tests.storage.directory_log import (
    ACCOUNT,
    T0_MS,
    Log,
    Lost,
    ids,
    opened,
    read_again,
    registered,
)


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def directory(log: Log) -> Directory:
    return opened(log)


async def test_a_stat_is_renamed(directory: Directory, log: Log) -> None:
    (stat,) = await registered(directory, "views")
    renamed = await directory.change(stat.id, name=" page views ")
    assert (renamed.id, renamed.name) == (stat.id, "page views")
    assert directory.names(ACCOUNT) == {"page views": renamed}
    (again,) = await registered(directory, "views")
    assert again.id != stat.id
    assert read_again(log).names(ACCOUNT) == directory.names(ACCOUNT)


@pytest.mark.parametrize(
    ("name", "code"),
    [("", "stat_name_length"), ("a" * 256, "stat_name_length"), ("a\nb", "stat_name_chars")],
)
async def test_a_stat_cannot_be_called_anything(directory: Directory, name: str, code: str) -> None:
    (stat,) = await registered(directory, "views")
    with pytest.raises(BadName) as fault:
        await directory.change(stat.id, name=name)
    assert fault.value.code == code


async def test_a_name_is_had_once(directory: Directory) -> None:
    views, clicks = await registered(directory, "views", "clicks")
    with pytest.raises(NameTaken, match="of this account"):
        await directory.change(clicks.id, name="views")
    await directory.trash(views.id)
    with pytest.raises(NameTaken, match="in the trash"):
        await directory.change(clicks.id, name="views")
    await directory.purge(views.id, points=0)
    await directory.change(clicks.id, name="views")
    assert ids(directory.names(ACCOUNT)) == {"views": clicks.id}


async def test_unit_and_percentiles(directory: Directory, log: Log) -> None:
    (stat,) = await registered(directory, "latency")
    changed = await directory.change(stat.id, unit="ms", percentiles=False)
    assert (changed.unit, changed.percentiles, changed.name) == ("ms", False, "latency")
    assert (await directory.change(stat.id, percentiles=True)).unit == "ms"
    assert (await directory.change(stat.id, unit=None)).unit is None
    assert read_again(log).get(stat.id) == directory.get(stat.id)


async def test_what_changes_nothing_is_not_written(directory: Directory, log: Log) -> None:
    (stat,) = await registered(directory, "views")
    assert await directory.change(stat.id, name="views", unit=None, percentiles=True) == stat
    assert await directory.restore(stat.id) == stat
    assert len(log.entries) == 1


async def test_the_trash(
    directory: Directory, log: Log, autojump_clock: trio.testing.MockClock
) -> None:
    (stat,) = await registered(directory, "views")
    thrown = await directory.trash(stat.id)
    assert (thrown.state, thrown.trashed_ms) == ("trash", T0_MS)
    assert directory.names(ACCOUNT)["views"].state == "trash"
    assert await directory.trash(stat.id) == thrown
    with pytest.raises(InTrash):
        await directory.change(stat.id, name="clicks")
    back = await directory.restore(stat.id)
    assert (back.state, back.trashed_ms, back.id) == ("live", None, stat.id)
    assert read_again(log).get(stat.id) == back


async def test_the_trash_is_emptied_after_two_days(directory: Directory) -> None:
    first, second, _ = await registered(directory, "first", "second", "third")
    thrown = await directory.trash(first.id)
    await directory.trash(second.id)
    await directory.restore(second.id)
    assert thrown.trashed_ms is not None
    assert directory.expired(thrown.trashed_ms + TRASH_MS - 1) == []
    assert directory.expired(thrown.trashed_ms + TRASH_MS) == [thrown]


async def test_a_purged_stat_is_gone_for_good(directory: Directory, log: Log) -> None:
    (stat,) = await registered(directory, "views")
    await directory.trash(stat.id)
    await directory.purge(stat.id, points=42)
    assert (log.commands[-1].kind, log.commands[-1].body) == ("stat.purge", b"42")
    assert directory.get(stat.id) is None
    assert directory.expired(2**60) == []
    (again,) = await registered(directory, "views")
    assert again.id != stat.id
    assert ids(read_again(log).names(ACCOUNT)) == {"views": again.id}


@pytest.mark.parametrize("method", ["trash", "restore", "change"])
async def test_what_is_not_there_cannot_be_changed(directory: Directory, method: str) -> None:
    with pytest.raises(NoSuchStat):
        await getattr(directory, method)(7)
    with pytest.raises(NoSuchStat):
        await directory.purge(7, points=0)


async def test_a_purge_whose_answer_was_lost_leaves_nothing_to_change(
    directory: Directory, log: Log
) -> None:
    (stat,) = await registered(directory, "views")
    log.failures.append(Lost.STORED)
    with pytest.raises(OutcomeUnknown):
        await directory.purge(stat.id, points=0)
    with pytest.raises(NoSuchStat):
        await directory.restore(stat.id)
    directory.apply(log.commands[-1])
    (again,) = await registered(directory, "views")
    assert ids(read_again(log).names(ACCOUNT)) == {"views": again.id}


async def test_a_purge_that_was_refused_changes_nothing(directory: Directory, log: Log) -> None:
    (stat,) = await registered(directory, "views")
    log.failures.append(Overloaded("busy"))
    with pytest.raises(Overloaded):
        await directory.purge(stat.id, points=0)
    assert (await directory.change(stat.id, unit="1")).unit == "1"
    log.failures.extend([Lost.UNSTORED, Overloaded("busy")])
    for error in (OutcomeUnknown, Overloaded):
        with pytest.raises(error):
            await directory.purge(stat.id, points=0)
    with pytest.raises(NoSuchStat):
        await directory.change(stat.id, unit="2")
    await directory.purge(stat.id, points=0)
    assert directory.get(stat.id) is None


@pytest.mark.parametrize("lost", Lost)
async def test_a_change_after_a_lost_answer_overrules_it(
    directory: Directory, log: Log, lost: Lost
) -> None:
    (stat,) = await registered(directory, "views")
    log.failures.append(lost)
    with pytest.raises(OutcomeUnknown):
        await directory.trash(stat.id)
    back = await directory.restore(stat.id)
    assert back.state == "live"
    for again in (log.commands, log.commands):
        for command in again:
            directory.apply(command)
    assert directory.get(stat.id) == read_again(log).get(stat.id) == back


@pytest.mark.parametrize("lost", Lost)
async def test_a_name_that_was_perhaps_given_is_given_before_others_get_it(
    directory: Directory, log: Log, lost: Lost
) -> None:
    views, clicks = await registered(directory, "views", "clicks")
    log.failures.append(lost)
    with pytest.raises(OutcomeUnknown):
        await directory.change(views.id, name="wanted")
    with pytest.raises(NameTaken):
        await directory.change(clicks.id, name="wanted")
    assert ids(directory.names(ACCOUNT)) == {"wanted": views.id, "clicks": clicks.id}
    assert read_again(log).names(ACCOUNT) == directory.names(ACCOUNT)


async def test_a_point_for_a_name_that_was_perhaps_given_finds_that_stat(
    directory: Directory, log: Log
) -> None:
    (views,) = await registered(directory, "views")
    log.failures.append(Lost.UNSTORED)
    with pytest.raises(OutcomeUnknown):
        await directory.change(views.id, name="wanted")
    (wanted,) = await registered(directory, "wanted")
    assert wanted.id == views.id
    assert read_again(log).names(ACCOUNT) == directory.names(ACCOUNT)


async def test_a_refusal_after_a_lost_answer_forgets_nothing(
    directory: Directory, log: Log
) -> None:
    log.failures.extend([Lost.STORED, Overloaded("busy")])
    for error in (OutcomeUnknown, Overloaded):
        with pytest.raises(error):
            await registered(directory, "views")
    await registered(directory, "views")
    assert len({command.stat for command in log.commands}) == 1


async def test_who_leaves_in_the_middle_leaves_nothing_half_done(
    directory: Directory, log: Log
) -> None:
    (stat,) = await registered(directory, "views")
    log.gate = trio.Event()
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(directory.change, stat.id, "wanted")
            await trio.testing.wait_all_tasks_blocked()
            scope.cancel()
    log.gate = None
    (wanted,) = await registered(directory, "wanted")
    assert wanted.id == stat.id
    assert list(directory.names(ACCOUNT)) == ["wanted"]
