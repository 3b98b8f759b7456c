"""Alerts whose stats were renamed or removed: a rule names stats, not the names of the moment."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from api.export.catalogue import others_of
from engine.rules import Rule
from engine.stats import public_id
from tests.api.http.harness import Answer, Server, serving
from tests.api.http.imports import ended, upload
from tests.api.http.test_alerts import alert, point

STATS = ("requests", "errors", "late")

NAMED: tuple[dict[str, Any], ...] = (
    {"stat": "errors"},
    {"stats": ["errors"]},
    {"stats": ["requests", "errors", "late"]},
    {"stats": ["errors", "requests"], "expr": "a/b*100"},
    {"stats": ["requests", "errors"], "expr": "a/b"},
    {"stat": "errors", "kind": "delta", "op": None, "threshold": 50},
    {"stat": "errors", "kind": "deadman", "op": None, "threshold": None, "window": None,
     "period": "5m", "arm": "now"},
)  # fmt: skip


async def made(server: Server, named: dict[str, Any], *, formerly: bool = False) -> dict[str, Any]:
    """An alert, with the stats that it may name; `formerly` as earlier releases kept it."""
    for stat in STATS:
        await point(server, 1, stat)
    told = await alert(server, **named)
    if formerly:
        rule = rule_of(server)
        form = {**rule.extra["form"], **{name: named.get(name) for name in ("stat", "stats")}}
        stats = [server.context.directory.get(stat) for stat in watched(server)]
        rule = replace(rule, extra={**rule.extra, "form": form})
        await server.context.office.rulebook.put(rule, [one for one in stats if one is not None])
    return told


def rule_of(server: Server) -> Rule:
    """The only rule."""
    (rule,) = server.context.office.rulebook.of(1)
    return rule


def watched(server: Server) -> set[int]:
    """The stats at which the only rule is judged."""
    return {stat for stat, _ in server.context.office.rulebook.instances(rule_of(server))}


def path_of(server: Server, stat: str) -> str:
    return f"/v1/stats/{public_id(server.stat(stat).id)}"


async def rename(server: Server, old: str, new: str) -> None:
    answer = await server.send("PATCH", path_of(server, old), json={"name": new})
    assert answer.status == 200, answer.body


async def purge(server: Server, stat: str) -> None:
    answer = await server.send("DELETE", path_of(server, stat), query={"purge": "true"})
    assert answer.status == 204, answer.body
    await trio.sleep(1)


async def change(server: Server, **fields: object) -> Answer:
    return await server.send("PATCH", f"/v1/alerts/{rule_of(server).id}", json=fields)


async def shown(server: Server) -> dict[str, Any]:
    """How the only alert names its stats, which an export must say too."""
    (found,) = (await server.send("GET", "/v1/alerts")).json["alerts"]
    (entry,) = (await others_of(server.context, 1)).alerts
    told = stats_of(found["rule"])
    assert stats_of(entry.alert) == told
    return told


def stats_of(form: dict[str, Any]) -> dict[str, Any]:
    names = ("stat", "stats", "match")
    return {name: form[name] for name in names if form.get(name) is not None}


def renamed(named: dict[str, Any], **names: str) -> dict[str, Any]:
    """How a form names its stats once they are called otherwise."""
    if "stat" in named:
        return {"stat": names.get(named["stat"], named["stat"])}
    return {"stats": [names.get(one, one) for one in named["stats"]]}


@pytest.mark.parametrize("formerly", [False, True])
@pytest.mark.parametrize("named", NAMED)
async def test_an_alert_follows_its_stats_to_other_names(
    autojump_clock: MockClock, named: dict[str, Any], formerly: bool
) -> None:
    async with serving() as server:
        first = await made(server, named, formerly=formerly)
        assert stats_of(first["rule"]) == renamed(named) == await shown(server)
        before = watched(server), rule_of(server).over
        await rename(server, "errors", "faults")
        assert await shown(server) == renamed(named, errors="faults")
        # A stat that takes over the old name is another one.
        await point(server, 1, "errors")
        assert await shown(server) == renamed(named, errors="faults")
        answer = await change(server, severity="warning")
        assert answer.status == 200, answer.body
        whole = {**first["rule"], **renamed(named, errors="faults"), "severity": "warning"}
        assert answer.json["rule"] == whole
        assert (watched(server), rule_of(server).over) == before


@pytest.mark.parametrize("formerly", [False, True])
@pytest.mark.parametrize("named", [one for one in NAMED if "stats" in one])
async def test_stats_that_change_their_names_with_each_other_keep_their_parts(
    autojump_clock: MockClock, named: dict[str, Any], formerly: bool
) -> None:
    async with serving() as server:
        await made(server, named, formerly=formerly)
        before = watched(server), rule_of(server).over
        for old, new in (("errors", "x"), ("requests", "errors"), ("x", "requests")):
            await rename(server, old, new)
        found = await shown(server)
        if not formerly or "expr" in named:
            assert found == renamed(named, errors="requests", requests="errors")
        assert (await change(server, threshold=5)).status == 200
        assert (watched(server), rule_of(server).over) == before


async def test_a_pattern_stays_as_it_was_written(autojump_clock: MockClock) -> None:
    async with serving() as server:
        await made(server, {"match": "err*"})
        await rename(server, "errors", "faults")
        assert await shown(server) == {"match": "err*"}
        assert (await change(server, threshold=5)).json["rule"]["match"] == "err*"


async def test_a_stat_that_was_named_by_its_id_is_shown_by_its_name(
    autojump_clock: MockClock,
) -> None:
    async with serving() as server:
        for stat in STATS:
            await point(server, 1, stat)
        await alert(server, stats=[public_id(server.stat(stat).id) for stat in STATS])
        assert await shown(server) == {"stats": list(STATS)}


async def test_an_alert_that_was_imported_follows_its_stats_too(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with serving(folder=tmp_path / "one") as one, serving(folder=tmp_path / "two") as two:
        ratio = {"stats": ["errors", "requests"], "expr": "a/b*100"}
        await made(one, ratio)
        await rename(one, "errors", "faults")
        out = (await one.send("POST", "/v1/export")).body
        assert (await ended(two, await upload(two, out)))["errors"] == []
        assert await shown(two) == {"stats": ["faults", "requests"]}
        await rename(two, "requests", "asked")
        assert await shown(two) == {"stats": ["faults", "asked"]}
        assert (await change(two, threshold=5)).status == 200


async def test_a_stat_in_the_trash_hinders_no_change(autojump_clock: MockClock) -> None:
    async with serving() as server:
        await made(server, {"stat": "errors"})
        assert (await server.send("DELETE", path_of(server, "errors"))).status == 200
        answer = await change(server, threshold=5)
        assert (answer.status, answer.json["watching"]) == (200, 1)
        assert await shown(server) == {"stat": "errors"}


@pytest.mark.parametrize("formerly", [False, True])
async def test_of_several_stats_those_that_are_left_go_on(
    autojump_clock: MockClock, formerly: bool
) -> None:
    async with serving() as server:
        await made(server, {"stats": list(STATS)}, formerly=formerly)
        await purge(server, "errors")
        await point(server, 1, "errors")
        assert await shown(server) == {"stats": ["requests", "late"]}
        answer = await change(server, threshold=5)
        assert (answer.status, answer.json["watching"]) == (200, 2)
        assert await shown(server) == {"stats": ["requests", "late"]}


@pytest.mark.parametrize("formerly", [False, True])
@pytest.mark.parametrize("named", [one for one in NAMED if "late" not in one.get("stats", ())])
async def test_an_alert_of_what_is_gone_wants_another_stat_and_takes_no_namesake(
    autojump_clock: MockClock, named: dict[str, Any], formerly: bool
) -> None:
    async with serving() as server:
        await made(server, named, formerly=formerly)
        await purge(server, "errors")
        await point(server, 1, "errors")
        answer = await change(server, severity="warning")
        field = "stat" if "stat" in named else "stats"
        assert (answer.status, answer.json["errors"][0]["field"]) == (422, field)
        assert "gone for good" in answer.json["detail"]
        assert watched(server) == set()
        other = {"stat": "late", "stats": None, "expr": None}
        assert (await change(server, **other)).status == 200
        assert await shown(server) == {"stat": "late"}
