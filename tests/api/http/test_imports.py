"""Imports over HTTP: what comes in, that a repeat changes nothing, that it can be undone."""

from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

import pytest
import trio

from api.importing import jobs
from engine.audit import audit
from engine.ports import Appended, Group, StoreError, Unavailable
from engine.stats import public_id
from engine.tiers import DAY_S
from storage.documents import Write
from storage.memory_documents import MemoryDocuments
from tests.api.http.harness import NOW_MS, FailingStore, Server, serving
from tests.api.http.imports import ended, imported, upload
from tests.api.importing.dumps import (
    DAY,
    UNALIGNED_S,
    a_dump,
    data_csv,
    data_json,
    days,
    statlist,
    zipped,
)

BASE = "https://stats.example.net"
ADDRESS = f"{BASE}/x/tok"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncGenerator[Server]:
    async with serving(folder=tmp_path) as server:
        yield server


async def data(server: Server, name: str, resolution: str = "auto") -> dict[int, float]:
    """The sums of a stat around the time of the dumps."""
    stat = (await server.send("GET", "/v1/stats", query={"q": name})).json["stats"][0]
    query = {
        "from": str(DAY - DAY_S), "to": str(DAY + 9 * DAY_S), "agg": "sum", "fill": "none",
        "resolution": resolution,
    }  # fmt: skip
    found = await server.send("GET", f"/v1/stats/{stat['id']}/data", query=query)
    assert found.status == 200, found.body
    return {point["t"]: point["sum"] for point in found.json["points"]}


def files_in(folder: Path) -> list[str]:
    """The files of all imports."""
    return [one.name for one in folder.rglob("*") if one.is_file()]


VIEWS = {DAY + DAY_S: 1618.1333, DAY + 2 * DAY_S: 12.0, DAY + 4 * DAY_S: 4.0}


async def test_a_dump_with_every_trap_comes_in(server: Server) -> None:
    found = await imported(server, a_dump(), name="export.zip")
    assert (found["state"], found["percent"], found["errors"]) == ("done", 100, [])
    tally = found["tally"]
    assert (tally["stats"], tally["stats_done"], tally["stats_new"]) == (4, 4, 4)
    assert (tally["buckets_new"], tally["buckets_same"], tally["alerts_new"]) == (7, 0, 3)
    for resolution in ("auto", "1d", "1h", "1m"):
        if resolution in ("auto", "1d"):
            assert await data(server, "page views", resolution) == VIEWS
    assert await data(server, "größe*") == {DAY: 0.5, DAY + DAY_S: -2.25}
    alerts = (await server.send("GET", "/v1/alerts")).json["alerts"]
    assert sorted(alert["kind"] for alert in alerts) == ["deadman", "delta", "threshold"]


async def test_a_repeat_changes_nothing_and_undo_forgets_all(server: Server) -> None:
    first = await imported(server, a_dump())
    state = [partition.copy() for partition in server.store.state]
    again = await imported(server, a_dump())
    assert again["tally"]["buckets_new"] == again["tally"]["stats_new"] == 0
    assert (again["tally"]["buckets_same"], again["tally"]["alerts_same"]) == (7, 3)
    assert [one.imported for one in server.store.state] == [one.imported for one in state]
    undone = await ended(server, await server.send("DELETE", f"/v1/import/stathat/{first['id']}"))
    assert undone["state"] == "undone"
    assert all(partition.imported == {} for partition in server.store.state)
    assert (await server.send("GET", "/v1/stats")).json["stats"] == []
    assert (await server.send("GET", "/v1/alerts")).json["alerts"] == []
    for number in range(server.store.partitions):
        assert (await audit(server.store, number, NOW_MS // 1000)).equal
    third = await server.send("DELETE", f"/v1/import/stathat/{first['id']}")
    assert (third.status, third.json["state"]) == (200, "undone")


async def test_stats_that_are_used_stay_when_it_is_undone(server: Server) -> None:
    await server.send("POST", "/v1/ingest", json={"stat": "a~b", "value": 1, "type": "counter"})
    first = await imported(server, a_dump())
    await server.send("POST", "/v1/ingest", json={"stat": "page views", "value": 1})
    await ended(server, await server.send("DELETE", f"/v1/import/stathat/{first['id']}"))
    left = (await server.send("GET", "/v1/stats")).json["stats"]
    assert sorted(stat["name"] for stat in left) == ["a~b", "page views"]


async def test_a_dry_run_only_tells(server: Server) -> None:
    found = await imported(server, a_dump(), dry_run="true")
    assert (found["state"], found["dry_run"]) == ("done", True)
    assert (found["tally"]["stats_new"], found["tally"]["buckets_new"]) == (4, 7)
    assert found["tally"]["alerts_new"] == 3
    assert (await server.send("GET", "/v1/stats")).json["stats"] == []
    assert all(partition.imported == {} for partition in server.store.state)


async def test_what_is_wrong_is_named_and_the_rest_comes_in(server: Server) -> None:
    await server.send("POST", "/v1/ingest", json={"stat": "v", "value": 1, "type": "value"})
    files: dict[str, bytes | str] = {
        "data/a.csv": data_csv("a", days(1, 2)),
        "data/bad.csv": data_csv("bad", [(DAY, "x")]),
        "data/v.csv": data_csv("v", days(1)),
        "data/long.csv": data_csv("n" * 256, days(1)),
        "alerts.csv": "id,stat_name,kind,time_window,operator,threshold\n1,a,value,1h,near,3\n",
    }
    found = await imported(server, files)
    assert found["state"] == "done"
    said = {error["what"]: error["message"] for error in found["errors"]}
    assert said["data/bad.csv"] == "line 6: 'x' is no number"
    assert said["v"] == "it is a counter there, and a value here"
    assert "255 characters" in said["n" * 256]
    assert "alert a near 3.0" in said
    assert await data(server, "a") == {DAY: 1, DAY + DAY_S: 2}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"\x1f\x8b", "only zip"),
        (zipped({"../x.csv": "1"}), "leads out of the folder"),
        (zipped({"a.zip": "1"}), "archive inside of the archive"),
        (zipped({"x.csv": bytes(50 * 2**20)}), "would unpack"),
        (zipped({"x.csv": "1,2,3\n" * 99})[:-40], "did not come whole"),
    ],
    ids=["no archive", "leads out", "nested", "a bomb", "cut off"],
)
async def test_a_bad_archive_is_refused_and_leaves_nothing(
    server: Server, body: bytes, says: str, tmp_path: Path
) -> None:
    answer = await upload(server, body)
    assert (answer.status, answer.code) == (422, "import_invalid")
    assert says in answer.json["detail"]
    assert files_in(tmp_path) == []
    assert (await server.send("GET", "/v1/import/stathat/status")).status == 404


async def test_a_file_without_anything_fails_with_a_reason(server: Server, tmp_path: Path) -> None:
    found = await ended(server, await upload(server, b"hello", "text/csv"))
    assert (found["state"], found["tally"]["stats"]) == ("failed", 0)
    assert "nothing in it that can be imported" in found["reason"]
    assert files_in(tmp_path) == []


async def test_our_own_csv_comes_in_again(server: Server) -> None:
    await imported(server, {"a.csv": data_csv("a", days(1.5, 2, 3))})
    stat = (await server.send("GET", "/v1/stats")).json["stats"][0]
    query = {"format": "csv"}
    file = await server.send("GET", f"/v1/stats/{stat['id']}/export", query=query)
    begun = await upload(server, file.body, "text/csv", stat="b", type="counter", name="a.csv")
    assert (await ended(server, begun))["errors"] == []
    assert await data(server, "b") == await data(server, "a")


def other_server(server: Server) -> None:
    """An account of another server, which slows us down at first."""
    slow = (200, b'{"Error":"Rate limit exceeded."}')
    server.post.answers = {
        f"{ADDRESS}/statlist?offset=0": [(200, statlist("hits", "größe"))],
        f"{ADDRESS}/statlist?offset=2": [(200, b"[]")],
        f"{ADDRESS}/data/id0/id1?t=1y1d": [
            slow, (200, data_json("hits", days(1, 2, begin=DAY + UNALIGNED_S))),
        ],
        f"{ADDRESS}/alerts": [(200, b"[]")],
    }  # fmt: skip


ASKED = {"token": "tok", "url": BASE, "timeframes": ["1y1d"]}


async def test_another_server_is_asked_and_obeyed(server: Server, tmp_path: Path) -> None:
    other_server(server)
    found = await ended(server, await server.send("POST", "/v1/import/stathat", json=ASKED))
    assert (found["state"], found["errors"], found["name"]) == ("done", [], BASE)
    assert (found["tally"]["stats_new"], found["tally"]["pulled"]) == (2, 2)
    assert await data(server, "hits") == {DAY + DAY_S: 1, DAY + 2 * DAY_S: 2}
    assert server.post.fetched.count(f"{ADDRESS}/data/id0/id1?t=1y1d") == 2
    assert files_in(tmp_path) == ["made"]


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        ((401, b""), 422, "import_auth"),
        ((404, b"not found"), 422, "import_auth"),
        ((200, b'{"Error":"invalid token"}'), 422, "import_auth"),
        ((200, b"<html>"), 422, "import_source"),
        ((500, b""), 422, "import_source"),
    ],
)
async def test_a_token_that_is_wrong_is_told_at_once(
    server: Server, answer: tuple[int, bytes], status: int, code: str
) -> None:
    server.post.answers = {f"{ADDRESS}/statlist?offset=0": [answer]}
    refused = await server.send("POST", "/v1/import/stathat", json=ASKED)
    assert (refused.status, refused.code) == (status, code)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"url": "https://inside.example"}, "webhook_address"),
        ({"url": "http://stats.example.net"}, "webhook_url"),
        ({"url": "ftp://x"}, "webhook_url"),
        ({"token": "a/../b"}, "field_invalid"),
        ({"timeframes": []}, "field_invalid"),
        ({"timeframes": ["1y"]}, "field_invalid"),
    ],
)
async def test_where_it_may_not_go_it_does_not(
    server: Server, change: dict[str, object], code: str
) -> None:
    refused = await server.send("POST", "/v1/import/stathat", json=ASKED | change)
    assert (refused.status, refused.code) == (422, code)
    assert server.post.fetched == []


async def test_one_import_of_an_account_at_a_time(server: Server) -> None:
    begun = await upload(server, zipped(a_dump()))
    second = await upload(server, zipped(a_dump()))
    assert (second.status, second.code) == (409, "import_running")
    await ended(server, begun)
    listed = (await server.send("GET", "/v1/import/stathat")).json["imports"]
    assert [one["id"] for one in listed] == [begun.json["id"]]
    other = await server.send("GET", "/v1/import/stathat/status", key="other")
    assert other.status == 404


class BreakingStore(FailingStore):
    """A store that takes so many log entries, and then none."""

    left = 10**9

    def __init__(self, partitions: int) -> None:
        super().__init__(partitions)
        self.broke = trio.Event()

    async def append(self, groups: Sequence[Group]) -> list[Appended | StoreError]:
        self.left -= len(groups)
        if self.left < 0:
            self.failure = Unavailable("the link broke")
            self.broke.set()
        else:
            self.failure = None
        return await super().append(groups)


async def test_an_import_goes_on_after_the_server_ended(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {
        f"data/{n}.csv": data_csv(f"stat {n:03}", days(n, 1)) for n in range(250)
    }
    store = BreakingStore(2)
    async with serving(folder=tmp_path, store=store) as server:
        documents: Any = server.context.documents
        # The first hundred are made and written, and some of the next are made.
        store.left = 3
        begun = await upload(server, zipped(files))
        with trio.fail_after(60):
            await store.broke.wait()
        halfway = (await server.send("GET", "/v1/import/stathat/status")).json
        assert (halfway["state"], halfway["tally"]["stats_done"]) == ("running", 100)
        server.context.importing.stop()
        store.left = 10**9
    async with serving(folder=tmp_path, store=store, documents=documents) as server:
        found = await ended(server, begun)
        assert (found["state"], found["tally"]["stats_done"], found["errors"]) == ("done", 250, [])
        assert (
            len((await server.send("GET", "/v1/stats", query={"limit": "1000"})).json["stats"])
            == 250
        )
        assert await data(server, "stat 249") == {DAY: 249, DAY + DAY_S: 1}
        await ended(server, await server.send("DELETE", f"/v1/import/stathat/{found['id']}"))
        assert (await server.send("GET", "/v1/stats")).json["stats"] == []


async def test_an_import_that_is_under_way_can_be_undone(tmp_path: Path) -> None:
    store = BreakingStore(2)
    async with serving(folder=tmp_path, store=store) as server:
        store.left = 1
        begun = await upload(server, zipped(a_dump()))
        with trio.fail_after(60):
            await store.broke.wait()
        undoing = await server.send("DELETE", f"/v1/import/stathat/{begun.json['id']}")
        assert (undoing.status, undoing.json["state"]) == (202, "undoing")
        store.left = 10**9
        assert (await ended(server, begun))["state"] == "undone"
        assert (await server.send("GET", "/v1/stats")).json["stats"] == []
        assert all(partition.imported == {} for partition in store.state)


async def test_a_store_that_fails_meanwhile_ends_neither_import_nor_server(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "RETRY_S", 0.01)
    kept, failing = server.context.importing.kept, 3
    write = MemoryDocuments.write

    async def failing_write(
        self: MemoryDocuments, writes: Sequence[Write], now_ms: int
    ) -> list[int]:
        nonlocal failing
        if writes[0].kind == "import" and len(await kept.all(1, now_ms)) and failing:
            failing -= 1
            raise Unavailable("the link broke")
        return await write(self, writes, now_ms)

    monkeypatch.setattr(MemoryDocuments, "write", failing_write)
    found = await imported(server, a_dump())
    assert (found["state"], found["tally"]["buckets_new"], failing) == ("done", 7, 0)
    assert (await server.send("GET", "/healthz", key=None)).status == 200


async def test_what_came_in_goes_out_again_and_comes_in_as_it_was(tmp_path: Path) -> None:
    async with serving(folder=tmp_path / "one") as one, serving(folder=tmp_path / "two") as two:
        await imported(one, a_dump())
        await one.send("POST", "/v1/ingest", json={"stat": "page views", "value": 2.5})
        out = await one.send("POST", "/v1/export")
        assert out.status == 200
        found = await ended(two, await upload(two, out.body))
        assert (found["state"], found["errors"]) == ("done", [])
        names = sorted(one.context.directory.names(1))
        assert sorted(two.context.directory.names(1)) == names
        for name in names:
            assert await data(two, name, "1d") == await data(one, name, "1d")
        today = {"from": str(NOW_MS // 1000 - DAY_S), "agg": "sum", "fill": "none"}
        told = []
        for server in (one, two):
            stat = public_id(server.stat("page views").id)
            answer = await server.send("GET", f"/v1/stats/{stat}/data", query=today)
            told.append(sum(point["sum"] for point in answer.json["points"]))
        assert told == [2.5, 2.5]


async def test_a_backtest_knows_what_was_imported(server: Server) -> None:
    await imported(server, a_dump())
    rule = {
        "name": "many", "kind": "threshold", "stat": "page views", "op": ">", "threshold": 1_000,
        "window": "1d",
    }  # fmt: skip
    asked = {"rule": rule, "from": str(DAY - DAY_S), "to": str(DAY + 9 * DAY_S)}
    answer = await server.send("POST", "/v1/alerts/test", json=asked)
    assert answer.status == 200, answer.body
    (tested,) = answer.json["stats"]
    assert (tested["episodes"], tested["resolution_s"]) == (1, DAY_S)
