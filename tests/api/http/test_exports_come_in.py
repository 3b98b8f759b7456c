"""A whole export comes in again: alerts, annotations, dashboards, silences beside the stats."""

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from api.importing.alerts import in_order
from api.importing.dump import OTHERS_MAX
from api.importing.found import FoundAlert
from tests.api.http.harness import NOW_MS, Server, serving
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
