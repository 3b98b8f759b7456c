"""A whole account as a file: all of it, once, in constant memory, and to the last bit."""

from collections.abc import AsyncGenerator
from contextlib import closing
from io import BytesIO
from itertools import pairwise
from zipfile import BadZipFile

import numpy as np
import pytest
from msgspec.structs import replace
from trio.testing import MockClock

from api.export.account import AccountZip, wanted_of
from api.export.blocks import BLOCK_ROWS
from api.http.dates import date_text
from api.plans.plan import UNLIMITED
from engine.ports import Unavailable
from engine.rollup import Rollups
from engine.stats import public_id
from engine.tiers import D1, DAY_S, HISTOGRAMS, HOUR_S, SHORTENED, STORED, Tier
from tests.api.export.reading import Export
from tests.api.http.asking import Asking, breaking
from tests.api.http.harness import NOW_S, node_of, serving

LENGTHS_S = (60, HOUR_S, 5 * HOUR_S, 3 * DAY_S, 40 * DAY_S, 200 * DAY_S, 900 * DAY_S)
"""How far back the points of a test lie: some in every tier."""


@pytest.fixture
async def ask(autojump_clock: MockClock) -> AsyncGenerator[Asking]:
    async with serving() as server:
        yield Asking(server)


def scattered(points: int, seed: int = 7) -> list[tuple[int, float]]:
    """Points all over the past, with values that do not add up exactly."""
    rng = np.random.default_rng(seed)
    ages_s = rng.choice(LENGTHS_S, points) * rng.random(points)
    values = rng.normal(0.1, 3.0, points)
    return [(-int(1000 * age), float(value)) for age, value in zip(ages_s, values, strict=True)]


async def folded(ask: Asking) -> None:
    """Bring everything into chunks of whatever tier it belongs in."""
    node = node_of(ask.server)
    await node.checkpoint()
    await node.fold(NOW_S)


async def exported(ask: Asking) -> Export:
    """The whole account 1."""
    answer = await ask.server.send("POST", "/v1/export", key="read")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/zip")
    assert answer.headers["content-disposition"] == 'attachment; filename="statflow_20261121.zip"'
    return Export.of(answer.body)


async def kept(ask: Asking, name: str, tier: Tier) -> Rollups:
    """What the server itself has in a tier that reaches back for ever, or as far as it is kept."""
    stat = ask.server.stat(name)
    oldest_s = tier.oldest(NOW_S)
    return (
        await node_of(ask.server).read(stat.partition, stat.id, tier, oldest_s, NOW_S + 61)
    ).rollups


def same(found: Rollups, wanted: Rollups) -> None:
    """Both say the same, to the last bit; of squares, to all that is kept."""
    for name in ("start", "count", "sum", "min", "max", "first", "first_ms", "last", "last_ms"):
        assert getattr(found, name).tolist() == getattr(wanted, name).tolist(), name
    assert np.allclose(found.squares, wanted.squares, rtol=1e-6)


@pytest.mark.parametrize("fold", [False, True])
async def test_every_tier_follows_from_what_is_exported(ask: Asking, fold: bool) -> None:
    await ask.measure("load", scattered(3_000))
    if fold:
        await folded(ask)
    export = await exported(ask)
    for tier in STORED:
        found = export.buckets("load", tier.width_s)
        same(found.between(tier.oldest(NOW_S), NOW_S + 61), await kept(ask, "load", tier))


async def test_every_point_is_in_one_bucket(ask: Asking) -> None:
    await ask.measure("load", scattered(2_000))
    await folded(ask)
    export = await exported(ask)
    assert sum(int(row["count"] or 0) for row in export.rows("load")) == 2_000
    for histograms in (False, True):
        spans = export.spans("load", histograms=histograms)
        assert spans == sorted(spans)
        assert all(end <= begin for (_, end), (begin, _) in pairwise(spans))
    kinds = [bool(row["histogram"]) for row in export.rows("load")]
    assert kinds == sorted(kinds), "buckets come before histograms"
    assert {row["resolution"] for row in export.rows("load")} == {one.name for one in STORED}


async def test_histograms_come_along(ask: Asking) -> None:
    await ask.measure("load", scattered(2_000))
    await folded(ask)
    export = await exported(ask)
    stat, widest = ask.server.stat("load"), HISTOGRAMS[-1]
    found = await node_of(ask.server).read_histograms(
        stat.partition, stat.id, widest, 0, NOW_S + 61
    )
    wanted = found.rollups
    mine = export.histograms("load", widest.width_s, wanted.scale)
    for name in ("start", "bin", "count"):
        assert getattr(mine, name).tolist() == getattr(wanted, name).tolist()


async def test_stats_without_percentiles_have_no_histograms(ask: Asking) -> None:
    await ask.count("hits", [(0, 1)])
    path = f"/v1/stats/{ask.id('hits')}"
    await ask.server.send("PATCH", path, json={"percentiles": False})
    export = await exported(ask)
    assert [row["histogram"] for row in export.rows("hits")] == [""]
    assert export.catalogue["stats"][0]["percentiles"] is False


async def test_the_catalogue_says_what_there_is(ask: Asking) -> None:
    send, hostile = ask.server.send, '=cmd|"../..\\x,\u00e9'
    await ask.count("page.views", [(0, 2)])
    await ask.measure(hostile, [(0, 1.5)])
    await ask.count("gone", [(0, 1)])
    await send("DELETE", f"/v1/stats/{ask.id('gone')}")
    hook = {"type": "webhook", "name": "ops", "url": "https://hooks.example/secret"}
    channel = (await send("POST", "/v1/channels", json=hook)).json["id"]
    rule = {
        "name": "too many", "kind": "threshold", "stat": ask.id("page.views"), "op": ">",
        "threshold": 10, "window": "1m", "channels": [channel],
    }  # fmt: skip
    alert = (await send("POST", "/v1/alerts", json=rule)).json["id"]
    note = {"title": "deploy", "tags": ["a"], "stats": [ask.id("page.views")], "at": NOW_S - 5}
    annotation = (await send("POST", "/v1/annotations", json=note)).json["id"]
    board = (await send("POST", "/v1/dashboards", json={"title": "shop"})).json["id"]
    export = await exported(ask)
    catalogue = export.catalogue
    assert catalogue["format"] == "statflow-export/1"
    assert catalogue["exported_at"].startswith("2026-11-21T23:00:00")
    views = ask.server.stat("page.views")
    assert catalogue["stats"][1] == {
        "id": public_id(views.id), "name": "page.views", "type": "counter", "unit": None,
        "created_at": date_text(views.created_ms), "percentiles": True,
        "file": f"data/{views.id}.csv",
    }  # fmt: skip
    assert [one["name"] for one in catalogue["stats"]] == [hostile, "page.views"]
    assert len(export.files) == 3
    assert catalogue["channels"] == [{"id": channel, "type": "webhook", "name": "ops"}]
    assert b"secret" not in export.files["catalogue.json"]
    (found,) = catalogue["alerts"]
    assert found["id"] == alert
    assert found["alert"] == rule | {"stat": "page.views", "threshold": 10.0}
    (found,) = catalogue["annotations"]
    assert found == {
        "id": annotation, "created_at": found["created_at"],
        "annotation": {
            "title": "deploy", "tags": ["a"], "at": NOW_S - 5.0, "stats": ["page.views"],
        },
    }  # fmt: skip
    (found,) = catalogue["dashboards"]
    assert (found["id"], found["board"]["title"]) == (board, "shop")


async def test_what_the_catalogue_has_can_be_made_again(ask: Asking) -> None:
    await ask.count("page.views", [(0, 2)])
    rule = {"name": "n", "kind": "deadman", "stat": "page.views", "period": "1h", "grace": "5m"}
    await ask.server.send("POST", "/v1/alerts", json=rule)
    note = {"title": "d", "text": "t", "at": NOW_S - 60, "until": NOW_S - 30, "link": "https://x/"}
    await ask.server.send("POST", "/v1/annotations", json=note)
    await ask.server.send("POST", "/v1/dashboards", json={"title": "shop"})
    silence = {"stats": ["page.views"], "for": "1h", "tz": "Europe/Paris", "rrule": "FREQ=WEEKLY"}
    await ask.server.send("POST", "/v1/silences", json=silence)
    catalogue = (await exported(ask)).catalogue
    await ask.server.send(
        "POST", "/v1/ingest", key="other", json={"stat": "page.views", "type": "counter"}
    )
    for list_name, field in (
        ("alerts", "alert"), ("annotations", "annotation"), ("dashboards", "board"),
        ("silences", "silence"),
    ):  # fmt: skip
        (one,) = catalogue[list_name]
        made = await ask.server.send("POST", f"/v1/{list_name}", json=one[field], key="other")
        assert made.status == 201, made.body


async def test_an_account_without_anything_is_a_whole_file(ask: Asking) -> None:
    export = await exported(ask)
    assert list(export.files) == ["catalogue.json"]
    assert export.catalogue["stats"] == export.catalogue["alerts"] == []
    assert export.catalogue["silences"] == []


async def test_a_key_gets_what_it_may_touch(ask: Asking) -> None:
    await ask.count("web.hits", [(0, 1)])
    await ask.count("db.hits", [(0, 1)])
    await ask.server.new_key("web", ["read"], prefix="web.")
    answer = await ask.server.send("POST", "/v1/export", key="web")
    assert [one["name"] for one in Export.of(answer.body).catalogue["stats"]] == ["web.hits"]


async def test_what_the_plan_does_not_show_is_left_out() -> None:
    async with serving(plan=replace(UNLIMITED, name="short", retention_days=3)) as server:
        ask = Asking(server)
        await ask.count("hits", [(-5 * DAY_S * 1000, 1), (-DAY_S * 1000, 2), (0, 4)])
        rows = (await exported(ask)).rows("hits")
        assert [row["sum"] for row in rows if row["count"]] == ["2", "4"]


async def test_parts_are_small_however_much_there_is(ask: Asking) -> None:
    rng = np.random.default_rng(7)
    points = [(-30_000 * place, float(value)) for place, value in enumerate(rng.random(20_000))]
    context, lengths = ask.server.context, []
    for name in ("a", "b", "c"):
        await ask.measure(name, points)
        with closing(AccountZip(context, await wanted_of(context, 1))) as export:
            lengths.append([len(part) async for part in export])
    # A part is sent before the next one is read: neither a stat nor the account is whole anywhere.
    one, _, three = lengths
    assert len(three) > 2.5 * len(one)
    assert max(three) == pytest.approx(max(one), rel=0.05)
    assert sum(one) > 4 * max(one)


async def test_reads_are_as_large_as_a_block(ask: Asking) -> None:
    read: list[int] = []

    class Watched:
        def has_imports(self, partition: int, stat: int) -> bool:
            return node.has_imports(partition, stat)

        async def read(self, *asked: object) -> object:
            found = await node.read(*asked)  # type: ignore[arg-type]
            read.append(len(found.rollups))
            return found

        async def read_histograms(self, *asked: object) -> object:
            found = await node.read_histograms(*asked)  # type: ignore[arg-type]
            read.append(len(np.unique(found.rollups.start)))
            return found

    node = node_of(ask.server)
    await ask.count("dense", [(-10_000 * place, 1.0) for place in range(30_000)])
    context = ask.server.context
    wanted = await wanted_of(context, 1)
    context.node = Watched()  # type: ignore[assignment]
    with closing(AccountZip(context, wanted)) as export:
        parts = [part async for part in export]
    context.node = node
    assert Export.of(b"".join(parts)).buckets("dense", DAY_S).count.sum() == 30_000
    assert max(read) <= BLOCK_ROWS
    assert len(read) > 10


async def test_two_exports_at_a_time(ask: Asking) -> None:
    context = ask.server.context
    context.exports[1] = 2
    answer = await ask.server.send("POST", "/v1/export")
    assert (answer.status, answer.code) == (429, "rate_limited")
    assert (await ask.server.send("POST", "/v1/export", key="other")).status == 200
    context.exports[1] = 0
    assert (await ask.server.send("POST", "/v1/export")).status == 200
    assert context.exports[1] == 0


async def test_a_store_that_breaks_off_leaves_no_whole_file(ask: Asking) -> None:
    await ask.measure("load", scattered(500))
    context = breaking(ask, 3)
    sent = BytesIO()
    wanted = await wanted_of(context, 1)
    with closing(AccountZip(context, wanted)) as export, pytest.raises(Unavailable):
        await _send(export, sent)
    with pytest.raises(BadZipFile):
        Export.of(sent.getvalue())


async def test_tiers_that_are_kept_shorter_are_told_by_wider_ones(ask: Asking) -> None:
    await ask.measure("load", scattered(3_000))
    await folded(ask)
    stat = ask.server.stat("load")
    history = node_of(ask.server)._partitions[stat.partition].history
    history.shortened = len(SHORTENED)
    await history.sweep(NOW_S)
    export = await exported(ask)
    days = export.buckets("load", DAY_S)
    same(days, await kept(ask, "load", D1))
    spans = export.spans("load", histograms=False)
    assert all(end <= begin for (_, end), (begin, _) in pairwise(spans))
    assert sum(int(row["count"] or 0) for row in export.rows("load")) == 3_000


async def _send(export: AccountZip, sent: BytesIO) -> None:
    async for part in export:
        sent.write(part)
