"""Loading, following and searching the directory."""

import gc
import random
import time
from collections.abc import Callable
from itertools import starmap

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from engine.clock import TrioClock
from engine.node import open_node
from engine.points import Command
from engine.ports import Damaged
from engine.stats import Kind, Stat, partition_of
from storage.directory import Directory
from storage.directory_record import pack_stat, put_command, unpack_stat
from storage.directory_search import CursorInvalid, QueryTooLong, StatFault
from storage.memory import MemoryStore
from storage.records import pack
from tests.storage.directory_log import ACCOUNT, T0_MS, Log, ids, opened, registered


def stat(number: int, name: str, kind: Kind = Kind.COUNTER, account: int = ACCOUNT) -> Stat:
    return Stat(number, account, 0, name, kind, None, T0_MS)


def filled(*stats: Stat) -> Directory:
    """A directory that has these stats."""
    directory = Directory(MemoryStore(1), TrioClock(T0_MS))
    for one in stats:
        directory.apply(put_command(one))
    return directory


async def test_a_node_keeps_the_directory_over_restarts(autojump_clock: trio.abc.Clock) -> None:
    store, clock = MemoryStore(4), TrioClock(T0_MS)
    seen: list[dict[str, int]] = []
    for number in range(3):
        directory = Directory(store, clock)
        await directory.load()
        seen.append(ids(directory.names(ACCOUNT)))
        async with open_node(store, clock, on_command=directory.apply) as node:
            await node.wait_ready()
            directory.open(node.submit)
            await registered(directory, f"stat {number}", "always")
            await directory.change(directory.names(ACCOUNT)["always"].id, unit=str(number))
            seen.append(ids(directory.names(ACCOUNT)))
    assert seen[0] == {}
    assert seen[1] == seen[2]
    assert seen[3] == seen[4]
    assert sorted(seen[5]) == ["always", "stat 0", "stat 1", "stat 2"]
    restarted = Directory(store, clock)
    await restarted.load()
    assert restarted.names(ACCOUNT)["always"].unit == "2"


def test_a_record_there_and_back() -> None:
    whole = Stat(
        2**60, 7, 3, "température", Kind.VALUE, "°C", T0_MS, "trash", T0_MS + 1, False, 9
    )  # fmt: skip
    assert unpack_stat(whole.id, pack_stat(whole)) == whole


async def test_a_damaged_record_is_named() -> None:
    store = MemoryStore(1)
    store.state[0].records = {7: b"\x09later"}
    with pytest.raises(Damaged, match="stat 7: its version is 09"):
        await Directory(store, TrioClock(T0_MS)).load()
    assert gc.isenabled()
    record = pack(1, 0, "name", "gauge", None, T0_MS, "live", None, True, 1)
    with pytest.raises(Damaged, match="'gauge' is no type of stats"):
        unpack_stat(7, record)


def test_other_commands_are_passed_over() -> None:
    directory = Directory(MemoryStore(1), TrioClock(T0_MS))
    directory.apply(Command("rule.put", 1, b"?"))
    assert len(directory) == 0


OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["register", "rename", "trash", "restore", "purge"]),
        st.sampled_from("abcd"),
        st.sampled_from("abcd"),
    ),
    max_size=30,
)


@given(OPERATIONS, st.data())
def test_logs_may_be_read_in_any_order_and_again(
    operations: list[tuple[str, str, str]], data: st.DataObject
) -> None:
    log = Log()
    live = opened(log, spread=4)
    trio.run(carry_out, live, operations)
    logs = [
        [command for partition, commands in log.entries if partition == one for command in commands]
        for one in range(16)
    ]
    again = opened(Log())
    # After a restart of its partition, a log is read again from anywhere.
    for commands in logs:
        for command in commands[: data.draw(st.integers(0, len(commands)))]:
            again.apply(command)
    while any(logs):
        commands = data.draw(st.sampled_from([one for one in logs if one]))
        again.apply(commands.pop(0))
    assert again.names(ACCOUNT) == live.names(ACCOUNT)
    assert trio.run(everything, again) == sorted(live.names(ACCOUNT))
    assert len(again) == len(live)


async def carry_out(directory: Directory, operations: list[tuple[str, str, str]]) -> None:
    """Do what is possible of it."""
    for what, name, other in operations:
        known = directory.names(ACCOUNT).get(name)
        if known is None:
            await registered(directory, name)
        elif what == "purge":
            await directory.purge(known.id, points=0)
        elif what == "trash":
            await directory.trash(known.id)
        elif what == "restore":
            await directory.restore(known.id)
        elif what == "rename" and known.state == "live" and other not in directory.names(ACCOUNT):
            await directory.change(known.id, name=other)


async def everything(directory: Directory) -> list[str]:
    """All names, as a search finds them."""
    live, _ = await directory.search(ACCOUNT)
    thrown, _ = await directory.search(ACCOUNT, state="trash")
    return sorted(one.name for one in [*live, *thrown])


NAMES = ("api.errors", "api.latency", "web.orders", "web.Page.views", "web.page.clicks", "Ünïcode")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (None, NAMES),
        ("", NAMES),
        ("*", NAMES),
        ("page", ["web.Page.views", "web.page.clicks"]),
        ("PAGE", ["web.Page.views", "web.page.clicks"]),
        ("ünï", ["Ünïcode"]),
        ("ÜNÏ", ["Ünïcode"]),
        ("nothing", []),
        ("web.*", ["web.orders", "web.Page.views", "web.page.clicks"]),
        ("*.page.*", ["web.Page.views", "web.page.clicks"]),
        ("ap?.*r*", ["api.errors"]),
        ("page*", []),
        ("?" * 10, ["api.errors", "web.orders"]),
        ("web.[a-z]*", []),
        (".", [name for name in NAMES if "." in name]),
    ],
)
async def test_search_by_part_of_the_name_or_pattern(query: str | None, found: list[str]) -> None:
    directory = filled(*starmap(stat, enumerate(NAMES, 1)))
    page, following = await directory.search(ACCOUNT, query)
    assert sorted(one.name for one in page) == sorted(found)
    assert following is None


async def test_search_finds_names_that_look_like_patterns() -> None:
    directory = filled(stat(1, "a*?[b"), stat(2, "axyzb"))
    assert [one.id for one in (await directory.search(ACCOUNT, "[b"))[0]] == [1]
    assert [one.id for one in (await directory.search(ACCOUNT, "a*b"))[0]] == [1, 2]


async def test_search_by_kind_state_prefix_and_account() -> None:
    directory = filled(
        stat(1, "web.a"),
        stat(2, "web.b", Kind.VALUE),
        stat(3, "api.a"),
        stat(4, "web.c", account=2),
        stat(5, "web.d")._replace(state="trash", trashed_ms=T0_MS),
    )

    async def found(**wanted: object) -> list[int]:
        page, _ = await directory.search(ACCOUNT, **wanted)  # type: ignore[arg-type]
        return [one.id for one in page]

    assert await found() == [3, 1, 2]
    assert await found(kind=Kind.VALUE) == [2]
    assert await found(state="trash") == [5]
    assert await found(prefix="web.") == [1, 2]
    assert await found(prefix="web.", q="a", sort="activity") == [1]
    assert await found(prefix="web.zz") == []
    assert (await directory.search(3))[0] == []


async def test_pages_by_name() -> None:
    directory = filled(*(stat(number, f"stat {number:03}") for number in range(1, 251)))
    assert await turned(directory, 100) == [f"stat {number:03}" for number in range(1, 251)]
    assert (await directory.search(ACCOUNT, limit=250))[1] is None


async def test_pages_by_activity() -> None:
    directory = filled(*(stat(number, f"stat {number}") for number in range(1, 8)))
    for number, at_s in [(5, 100), (3, 300), (1, 100), (3, 200), (6, 2**32 - 1)]:
        directory.note_activity(number, at_s)
    order = [6, 3, 1, 5, 2, 4, 7]
    for limit in (1, 2, 3, 7, 8):
        assert await turned(directory, limit, "activity") == [f"stat {one}" for one in order]


async def turned(directory: Directory, limit: int, sort: str = "name") -> list[str]:
    """All names, page by page."""
    names: list[str] = []
    cursor = None
    while True:
        page, cursor = await directory.search(
            ACCOUNT,
            sort="name" if sort == "name" else "activity",
            cursor=cursor,
            limit=limit,
        )
        assert len(page) == limit or cursor is None
        names += [one.name for one in page]
        if cursor is None:
            return names


@given(st.lists(st.integers(0, 5), max_size=40), st.integers(1, 7))
def test_pages_by_activity_have_every_stat_once(activity: list[int], limit: int) -> None:
    directory = filled(*(stat(number, f"{number}") for number in range(1, len(activity) + 1)))
    for number, at_s in enumerate(activity, 1):
        directory.note_activity(number, at_s)
    expected = sorted(range(1, len(activity) + 1), key=lambda one: (-activity[one - 1], one))
    assert trio.run(turned, directory, limit, "activity") == [str(one) for one in expected]


async def test_a_page_neither_repeats_nor_skips_what_stayed() -> None:
    directory = filled(*starmap(stat, enumerate("bdfhj", 1)))
    page, cursor = await directory.search(ACCOUNT, limit=3)
    assert [one.name for one in page] == ["b", "d", "f"]
    for number, name in enumerate("aeg", 10):
        directory.apply(put_command(stat(number, name)))
    directory.apply(put_command(page[2]._replace(name="z", revision=2)))
    page, _ = await directory.search(ACCOUNT, cursor=cursor)
    assert [one.name for one in page] == ["g", "h", "j", "z"]


async def test_a_name_that_goes_while_it_is_searched_is_not_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("storage.directory.NAMES_A_SLICE", 1)
    directory = filled(stat(1, "a"), stat(2, "b"), stat(3, "c"))
    found: list[Stat] = []

    async def search() -> None:
        found.extend((await directory.search(ACCOUNT))[0])

    async def rename() -> None:
        directory.apply(put_command(stat(3, "d")._replace(revision=2)))
        directory.apply(put_command(stat(4, "bb")))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(search)
        await trio.lowlevel.checkpoint()
        nursery.start_soon(rename)
    assert [one.name for one in found] == ["a", "b"]


@pytest.mark.parametrize(
    "cursor",
    ["", "!", "bm9uc2Vuc2U", "é", "ktl_", "k6FhAaF4", "kqFu", "kqFuAQ", "gaFuAQ", "x" * 3_000],
)
@pytest.mark.parametrize("sort", ["name", "activity"])
async def test_a_foreign_cursor_is_refused(cursor: str, sort: str) -> None:
    with pytest.raises(CursorInvalid) as fault:
        await filled(stat(1, "a")).search(ACCOUNT, sort=sort, cursor=cursor)  # type: ignore[arg-type]
    assert fault.value.code == "cursor_invalid"


async def test_a_cursor_belongs_to_its_sort() -> None:
    directory = filled(stat(1, "a"), stat(2, "b"))
    _, by_name = await directory.search(ACCOUNT, limit=1)
    _, by_activity = await directory.search(ACCOUNT, sort="activity", limit=1)
    with pytest.raises(CursorInvalid, match="another listing"):
        await directory.search(ACCOUNT, sort="activity", cursor=by_name)
    with pytest.raises(CursorInvalid, match="another listing"):
        await directory.search(ACCOUNT, sort="name", cursor=by_activity)


async def test_a_long_query_is_refused() -> None:
    with pytest.raises(QueryTooLong) as fault:
        await filled().search(ACCOUNT, "a" * 256)
    assert isinstance(fault.value, StatFault)
    assert fault.value.code == "parameter_invalid"


async def test_a_hostile_pattern_takes_no_longer_than_others() -> None:
    names = ["a" * 255, "ab" * 127]
    directory = filled(*starmap(stat, enumerate(names, 1)))
    # Of those that go back at each star, one would outlast the time limit of a test.
    for pattern in ("*a" * 120 + "*x", "a*" * 120 + "b?x", "*" * 254 + "x", "?*" * 120 + "x"):
        assert (await directory.search(ACCOUNT, pattern))[0] == []


@pytest.mark.slow
async def test_a_hundred_thousand_stats(record_property: Callable[[str, object], None]) -> None:
    chance = random.Random(1)
    store = MemoryStore(16)
    home = partition_of(ACCOUNT, 1, 1, 16)
    for number in range(1, 100_001):
        name = f"service{chance.randrange(100)}.host{chance.randrange(1000)}.metric {number}"
        record = pack_stat(Stat(number, ACCOUNT, home, name, Kind.COUNTER, None, T0_MS))
        store.state[home].records[number] = record
    directory = Directory(store, TrioClock(T0_MS))
    began = time.perf_counter()
    await directory.load()
    record_property("report", f"100,000 stats loaded in {time.perf_counter() - began:.2f} s")
    for number in range(1, 100_001):
        directory.note_activity(number, chance.randrange(2**31))
    for wanted in ({}, {"q": "nothing"}, {"q": "*7.host*9"}, {"sort": "activity"}):
        began = time.perf_counter()
        found, _ = await directory.search(ACCOUNT, limit=100, **wanted)  # type: ignore[arg-type]
        elapsed_ms = (time.perf_counter() - began) * 1000
        record_property("report", f"search {wanted or 'all'}: {elapsed_ms:.1f} ms")
        assert len(found) == (0 if wanted == {"q": "nothing"} else 100)
