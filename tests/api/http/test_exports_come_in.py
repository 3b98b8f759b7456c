"""A whole export comes in again: alerts, annotations, dashboards, silences beside the stats."""

import json
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trio
from trio.testing import MockClock

from api.importing.alerts import in_order
from api.importing.dump import OTHERS_MAX
from api.importing.found import FoundAlert
from engine.tiers import DAY_S, HOUR_S
from tests.api.export.reading import Export
from tests.api.http.asking import Asking
from tests.api.http.harness import NOW_MS, NOW_S, Server, node_of, serving
from tests.api.http.imports import ended, imported, upload


@pytest.fixture
async def server(tmp_path: Path) -> AsyncGenerator[Server]:
    async with serving(folder=tmp_path) as server:
        yield server


BOARD: dict[str, object] = {
    "title": "shop",
    "panels": [{"id": "a", "kind": "number", "place": {"x": 0, "y": 0, "w": 8, "h": 6},
                "stats": ["page views"]}],
}  # fmt: skip
NOTE = {"title": "deploy", "at": NOW_MS // 1000 - 60, "tags": ["x"], "stats": ["page views"]}
WINDOW: dict[str, object] = {
    "stats": ["page views"], "match": "web.*", "labels": {"team": "shop"}, "severity": "warning",
    "from": "2026-11-01T02:00:00.250Z", "for": "1h", "tz": "Europe/Paris",
    "rrule": "FREQ=MONTHLY;BYDAY=3TU",
}  # fmt: skip


async def furnished(server: Server) -> None:
    """An account with all that an export has: an alert that awaits another and tells two channels,
    an annotation, a dashboard, a silence and a maintenance.
    """
    await server.send("POST", "/v1/ingest", json={"stat": "page views", "value": 2.5})
    channels = []
    for name in ("ops", "boss"):
        body = {"type": "webhook", "name": name, "url": "https://hooks.example/"}
        channels.append((await made(server, "/v1/channels", body))["id"])
    rule = {"kind": "threshold", "stat": "page views", "op": ">", "threshold": 5, "window": "1m"}
    first = await made(server, "/v1/alerts", {**rule, "name": "down"})
    escalation = [{"after": "15m", "channels": channels[1:]}]
    more = {"channels": channels[:1], "escalation": escalation, "depends_on": first["id"]}
    await made(server, "/v1/alerts", {**rule, **more, "name": "slow"})
    await made(server, "/v1/annotations", NOTE)
    await made(server, "/v1/dashboards", BOARD)
    await made(server, "/v1/silences", {"alerts": [first["id"]], "for": "2h", "note": "disks"})
    await made(server, "/v1/silences", WINDOW)


async def made(server: Server, path: str, body: object) -> Any:  # ruff: ignore[any-type]
    answer = await server.send("POST", path, json=body)
    assert answer.status == 201, answer.body
    return answer.json


async def others(server: Server) -> dict[str, Any]:
    """What an account has besides stats, without what differs from server to server."""
    channels = (await server.send("GET", "/v1/channels")).json["channels"]
    named = {one["id"]: one["name"] for one in channels}
    rules = {one.id: one for one in server.context.office.rulebook.of(1)}
    notes = (await server.send("GET", "/v1/annotations")).json["annotations"]
    boards = (await server.send("GET", "/v1/dashboards")).json["dashboards"]
    return {
        "alerts": sorted(
            (
                rule.name, rule.threshold, [named[one] for one in rule.channels],
                [(step.after_s, [named[one] for one in step.channels]) for step in rule.escalation],
                rules[rule.depends_on].name if rule.depends_on else "",
            )
            for rule in rules.values()
        ),
        "notes": [(one["title"], one["t"], one["tags"]) for one in notes],
        "boards": [one["title"] for one in boards],
        "silences": sorted(
            (
                one.kind, one.from_ms, one.until_ms, one.rrule, one.tz,
                [rules[alert].name for alert in one.alerts], named_by(server, one.stats),
                one.match, one.severity, one.labels, one.note,
            )
            for one in await server.context.office.quieting.all(1)
        ),
    }  # fmt: skip


def named_by(server: Server, stats: tuple[int, ...]) -> list[str]:
    """The names of stats."""
    found = map(server.context.directory.get, stats)
    return [stat.name for stat in found if stat is not None]


AN_ALERT = {"name": "x", "kind": "threshold", "stat": "none", "op": ">", "threshold": 1}
COUNTED = ("alerts", "annotations", "dashboards", "silences")


async def test_all_that_is_exported_comes_in_again(tmp_path: Path) -> None:
    async with serving(folder=tmp_path / "one") as one, serving(folder=tmp_path / "two") as two:
        await furnished(one)
        out = (await one.send("POST", "/v1/export")).body
        for name in ("ops", "boss"):
            body = {"type": "webhook", "name": name, "url": "https://hooks.example/"}
            await made(two, "/v1/channels", body)
        tried = await ended(two, await upload(two, out, dry_run="true"))
        assert (await others(two))["boards"] == []
        found = await ended(two, await upload(two, out))
        for tally in (tried["tally"], found["tally"]):
            assert [tally[f"{name}_new"] for name in COUNTED] == [2, 1, 1, 2]
        assert found["errors"] == []
        assert await others(two) == await others(one)
        again = await ended(two, await upload(two, out))
        assert [again["tally"][f"{name}_new"] for name in COUNTED] == [0, 0, 0, 0]
        assert [again["tally"][f"{name}_same"] for name in COUNTED] == [2, 1, 1, 2]
        await ended(two, await two.send("DELETE", f"/v1/import/stathat/{found['id']}"))
        assert await others(two) == {"alerts": [], "notes": [], "boards": [], "silences": []}


async def test_an_export_that_comes_in_where_it_was_made_changes_nothing(server: Server) -> None:
    await furnished(server)
    before = await others(server)
    out = (await server.send("POST", "/v1/export")).body
    found = await ended(server, await upload(server, out))
    assert [found["tally"][f"{name}_same"] for name in COUNTED] == [2, 1, 1, 2]
    assert await others(server) == before
    await ended(server, await server.send("DELETE", f"/v1/import/stathat/{found['id']}"))
    assert await others(server) == before


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ({"alerts": [{"alert": {**AN_ALERT, "channels": 5}}]}, "no alert that is known"),
        ({"alerts": [{"alert": {**AN_ALERT, "escalation": [7]}}]}, "no alert that is known"),
        ({"annotations": [{"annotation": {"title": " ", "at": 9}}]}, "printable"),
        ({"annotations": [{"annotation": {"title": "x"}}]}, "no annotation that is known"),
        ({"annotations": [{"annotation": {"title": "x", "at": 9, "until": 1}}]}, "not before"),
        ({"annotations": [{"annotation": {**NOTE, "stats": ["none"]}}]}, "there is no stat none"),
        ({"dashboards": [{"board": {"title": "x", "panels": [1]}}]}, "no dashboard that is known"),
        ({"dashboards": [{"board": BOARD | {"panels": [*BOARD["panels"], *BOARD["panels"]]}}]},  # type: ignore[misc]
         "another panel has it"),
    ],
)  # fmt: skip
async def test_what_is_wrong_with_the_rest_of_an_export_is_named(
    server: Server, part: dict[str, object], says: str
) -> None:
    catalogue = {"format": "statflow-export/1", "stats": [], **part}
    good = {"annotations": [{"annotation": {"title": "good", "at": 5}}], "dashboards": []}
    for name, entries in good.items():
        catalogue[name] = [*entries, *part.get(name, [])]  # type: ignore[misc]
    found = await imported(server, {"catalogue.json": json.dumps(catalogue)})
    assert (found["state"], len(found["errors"])) == ("done", 1)
    assert says in found["errors"][0]["message"]
    assert found["tally"]["annotations_new"] == 1


@pytest.mark.parametrize("what", COUNTED)
async def test_an_export_of_more_than_an_account_may_have_is_refused(
    server: Server, what: str
) -> None:
    entry: dict[str, object] = {"alert": {}, "annotation": {}, "board": {}, "silence": {}}
    catalogue = {"format": "statflow-export/1", "stats": [], what: [entry] * (OTHERS_MAX + 1)}
    found = await imported(server, {"catalogue.json": json.dumps(catalogue)})
    assert found["state"] == "failed"
    assert "more than 10,000" in found["reason"]


def test_what_is_awaited_comes_first_and_a_circle_ends() -> None:
    awaits = {"a": "b", "b": "c", "c": "", "d": "e", "e": "d", "f": "a"}
    found = [FoundAlert({"depends_on": other}, id=name) for name, other in awaits.items()]
    assert [one.id for one in in_order(found)] == ["c", "b", "a", "e", "d", "f"]
    chain = [FoundAlert({"depends_on": str(n + 1)}, id=str(n)) for n in range(OTHERS_MAX)]
    assert [one.id for one in in_order(chain)] == [str(n) for n in reversed(range(OTHERS_MAX))]


async def measured(server: Server) -> None:
    """A stat with points all over the past, folded, and one that counts no percentiles."""
    ask = Asking(server)
    rng = np.random.default_rng(7)
    ages_s = rng.choice([60, HOUR_S, 5 * HOUR_S, 3 * DAY_S, 40 * DAY_S, 900 * DAY_S], 1_000)
    ages_s = ages_s * rng.random(1_000)
    values = rng.normal(0.1, 3.0, 1_000)
    points = [(-int(1000 * age), float(value)) for age, value in zip(ages_s, values, strict=True)]
    await ask.measure("load", points)
    await ask.count("hits", [(0, 1)])
    await server.send("PATCH", f"/v1/stats/{ask.id('hits')}", json={"percentiles": False})
    await node_of(server).checkpoint()
    await node_of(server).fold(NOW_S)


async def percentiles(server: Server, begin_s: int, resolution: str) -> list[float]:
    """How values were spread, as a chart shows it."""
    query = {
        "from": str(begin_s), "to": str(NOW_S), "agg": "p50,p95", "resolution": resolution,
        "fill": "none",
    }  # fmt: skip
    answer = await server.send("GET", f"/v1/stats/{Asking(server).id('load')}/data", query=query)
    assert answer.status == 200, answer.body
    return [point[name] for point in answer.json["points"] for name in ("t", "p50", "p95")]


def lines_of(export: Export, name: str) -> list[str]:
    """The lines of a stat in any order; of squares, what is kept of them."""
    rows = export.rows(name)
    for row in rows:
        row["squares"] = f"{float(row['squares'] or 0):.5g}"
    return sorted(map(str, rows))


async def test_histograms_come_in_again(tmp_path: Path) -> None:
    async with serving(folder=tmp_path / "one") as one, serving(folder=tmp_path / "two") as two:
        await measured(one)
        out = (await one.send("POST", "/v1/export")).body
        found = await ended(two, await upload(two, out))
        assert found["errors"] == []
        assert found["tally"]["histograms_new"] > 100
        assert [two.stat(name).percentiles for name in ("load", "hits")] == [True, False]
        for begin_s, resolution in ((NOW_S - 30 * DAY_S, "1d"), (NOW_S - 900 * DAY_S, "1M")):
            told = await percentiles(one, begin_s, resolution)
            # What comes in may be finer: a day here was rounded when it was folded.
            assert await percentiles(two, begin_s, resolution) == pytest.approx(told, rel=0.05)
        again = await ended(two, await upload(two, out))
        assert again["tally"]["histograms_new"] == again["tally"]["buckets_new"] == 0
        assert again["tally"]["histograms_same"] == found["tally"]["histograms_new"]
        first, second = Export.of(out), Export.of((await two.send("POST", "/v1/export")).body)
        for name in ("load", "hits"):
            assert lines_of(second, name) == lines_of(first, name)
        await ended(two, await two.send("DELETE", f"/v1/import/stathat/{found['id']}"))
        await ended(two, await two.send("DELETE", f"/v1/import/stathat/{again['id']}"))
        assert two.context.directory.names(1)["load"].state == "trash"


@contextmanager
def as_it_passes(clock: MockClock) -> Generator[None]:
    """Time passes as it does: a clock that jumps knows nothing of threads that read a file."""
    clock.autojump_threshold, clock.rate = inf, 1.0
    yield
    clock.autojump_threshold, clock.rate = 0.0, 0.0


async def test_an_alert_that_comes_along_compares_with_what_came_in(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with serving(folder=tmp_path / "one") as one, serving(folder=tmp_path / "two") as two:
        points = [(-60_000 * minute, 10.0) for minute in range(1, 26 * 60)]
        await Asking(one).count("hits", points)
        delta = {"kind": "delta", "direction": "any", "change": "percent", "threshold": 50}
        body = {"name": "other", "stat": "hits", "window": "1h", "compare": "1d", **delta}
        await made(one, "/v1/alerts", body)
        out = (await one.send("POST", "/v1/export")).body
        with as_it_passes(autojump_clock):
            assert (await ended(two, await upload(two, out)))["errors"] == []
        rule = (await two.send("GET", "/v1/alerts")).json["alerts"][0]["id"]
        await trio.sleep(10)
        await two.send("POST", "/v1/ingest", json={"stat": "hits", "value": 600})
        await trio.sleep(2)
        why = (await two.send("GET", f"/v1/alerts/{rule}/explain")).json
        assert (why["state"], why["base"]) == ("FIRING", pytest.approx(600, abs=20))
        assert why["value"] == pytest.approx(97, abs=10)


async def test_a_rule_that_is_there_knows_what_comes_in(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with serving(folder=tmp_path / "one") as one, serving(folder=tmp_path / "two") as two:
        await Asking(one).count("hits", [(-60_000 * minute, 10.0) for minute in range(1, 120)])
        out = (await one.send("POST", "/v1/export")).body
        await two.send("POST", "/v1/ingest", json={"stat": "hits", "value": 3})
        rule = {"name": "many", "kind": "threshold", "stat": "hits", "op": ">", "threshold": 500}
        made_id = (await made(two, "/v1/alerts", {**rule, "window": "1h"}))["id"]
        await trio.sleep(10)
        with as_it_passes(autojump_clock):
            found = await ended(two, await upload(two, out))
        await trio.sleep(10)
        states = (await two.send("GET", f"/v1/alerts/{made_id}")).json["states"]
        assert [state["state"] for state in states] == ["FIRING"]
        with as_it_passes(autojump_clock):
            await ended(two, await two.send("DELETE", f"/v1/import/stathat/{found['id']}"))
        await trio.sleep(10)
        states = (await two.send("GET", f"/v1/alerts/{made_id}")).json["states"]
        assert [state["state"] for state in states] == ["OK"]
