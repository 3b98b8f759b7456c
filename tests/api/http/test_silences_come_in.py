"""Silences of an export come in: as they were, once, and with a word on what is wrong with one."""

import json
from collections.abc import AsyncGenerator, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest

from api.http.dates import date_text
from api.notify.quiet import QUIETS_MAX
from tests.api.export.reading import Export
from tests.api.http.harness import NOW_MS, Server, serving
from tests.api.http.imports import ended, imported, upload
from tests.api.http.test_exports_come_in import furnished, made

FROM, UNTIL = date_text(NOW_MS), date_text(NOW_MS + 7_200_000)
SILENCE: dict[str, object] = {"from": FROM, "until": UNTIL, "everything": True}
GOOD = SILENCE | {"note": "good"}
RULE = {"name": "x", "kind": "threshold", "stat": "page views", "op": ">", "threshold": 1}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncGenerator[Server]:
    async with serving(folder=tmp_path) as server:
        await server.send("POST", "/v1/ingest", json={"stat": "page views", "value": 2.5})
        yield server


def catalogue_of(
    silences: Sequence[object], alerts: Sequence[object] = ()
) -> dict[str, bytes | str]:
    """The files of an export with these silences."""
    entries = [{"silence": one} for one in silences]
    catalogue = {"format": "statflow-export/1", "stats": [], "alerts": alerts, "silences": entries}
    return {"catalogue.json": json.dumps(catalogue)}


async def told(server: Server) -> tuple[list[Any], dict[str, str]]:
    """The silences of an export, and the names of its alerts by their ids."""
    catalogue = Export.of((await server.send("POST", "/v1/export")).body).catalogue
    names = {one["id"]: one["alert"]["name"] for one in catalogue["alerts"]}
    return [one["silence"] for one in catalogue["silences"]], names


async def test_what_came_in_is_exported_as_it_was(tmp_path: Path) -> None:
    async with serving(folder=tmp_path / "one") as one, serving(folder=tmp_path / "two") as two:
        await furnished(one)
        found = await ended(two, await upload(two, (await one.send("POST", "/v1/export")).body))
        assert found["errors"] == []
        exports = []
        for server in (one, two):
            silences, names = await told(server)
            for silence in silences:
                silence["alerts"] = [names[alert] for alert in silence.get("alerts", ())]
            exports.append(sorted(silences, key=itemgetter("until")))
        assert exports[0] == exports[1]
        assert [silence["alerts"] for silence in exports[0]] == [[], ["down"]]


async def test_an_alert_is_held_back_that_came_in_with_its_silence(server: Server) -> None:
    alerts = [{"id": "al_there", "alert": RULE}]
    silence = SILENCE | {"everything": False, "alerts": ["al_there"]}
    tried = await imported(server, catalogue_of([silence], alerts), dry_run="true")
    found = await imported(server, catalogue_of([silence], alerts))
    for tally in (tried["tally"], found["tally"]):
        assert (tally["alerts_new"], tally["silences_new"], tally["faults"]) == (1, 1, 0)
    (alert,) = (await server.send("GET", "/v1/alerts")).json["alerts"]
    (made_here,) = (await server.send("GET", "/v1/silences")).json["silences"]
    assert made_here["alerts"] == [alert["id"]] != ["al_there"]
    assert [one["alert"] for one in made_here["mutes"]] == [alert["id"]]


async def test_a_repeat_and_its_undo_leave_what_was_here(server: Server) -> None:
    here = await made(server, "/v1/silences", SILENCE)
    files = catalogue_of([SILENCE, GOOD, GOOD])
    first = await imported(server, files)
    assert [first["tally"][f"silences_{one}"] for one in ("new", "same")] == [2, 1]
    again = await imported(server, files)
    assert [again["tally"][f"silences_{one}"] for one in ("new", "same")] == [0, 3]
    for one in (again, first):
        assert len((await server.send("GET", "/v1/silences")).json["silences"]) == 2
        await ended(server, await server.send("DELETE", f"/v1/import/stathat/{one['id']}"))
    left = (await server.send("GET", "/v1/silences")).json["silences"]
    assert [one["id"] for one in left] == [here["id"]]


async def test_what_is_over_by_now_is_passed_over(server: Server) -> None:
    past: dict[str, object] = {
        "from": "2026-11-01T02:00:00Z", "until": "2026-11-01T03:00:00Z", "everything": True,
    }  # fmt: skip
    ends = past | {"rrule": "FREQ=DAILY;COUNT=3"}
    goes_on = past | {"rrule": "FREQ=DAILY"}
    found = await imported(server, catalogue_of([past, ends, goes_on]))
    tally = found["tally"]
    assert (tally["silences_new"], tally["silences_same"], tally["faults"]) == (1, 0, 0)


@pytest.mark.parametrize(
    ("silence", "says"),
    [
        ({}, "no silence that is known"), (SILENCE | {"from": 5}, "no silence that is known"),
        (SILENCE | {"until": "2026-11-26"}, "no silence that is known"),
        (SILENCE | {"kind": "annotation"}, "no silence that is known"),
        (SILENCE | {"severity": 7}, "no silence that is known"),
        (SILENCE | {"everything": False, "labels": {"a": 1}}, "no silence that is known"),
        (SILENCE | {"until": FROM}, "until: after it begins, and at most 30 days"),
        (SILENCE | {"until": "2027-11-01T02:00:00Z"}, "until: after it begins"),
        (SILENCE | {"until": "9999-12-31T00:00:00Z"}, "between 1970"),
        (SILENCE | {"from": "0001-01-01T00:00:00+23:00"}, "between 1970"),
        (SILENCE | {"tz": "Mars"}, "no time zone"), (SILENCE | {"tz": "../x"}, "no time zone"),
        (SILENCE | {"rrule": "daily"}, "rrule: a rule is written like"),
        (SILENCE | {"rrule": "FREQ=DAILY;UNTIL=99991231"}, "rrule: UNTIL is like"),
        (SILENCE | {"rrule": "FREQ=DAILY", "kind": "silence"}, "rrule: a silence must end"),
        (SILENCE | {"rrule": "x" * 100_000}, "rrule: at most 500"),
        (SILENCE | {"note": "x" * 300_000}, "note: at most 1000"),
        (SILENCE | {"match": "web.*"}, "say what"), (SILENCE | {"everything": False}, "say what"),
        (GOOD | {"everything": False, "match": "x" * 256}, "match: 1 to 255"),
        (GOOD | {"everything": False, "labels": {"a": "x" * 201}}, "labels: at most 32"),
        (GOOD | {"everything": False, "stats": ["none"]}, "there is no stat none"),
        (GOOD | {"everything": False, "stats": ["page views"] * 1001}, "stats: at most 1000"),
        (GOOD | {"everything": False, "alerts": ["al_none"]}, "there is no alert al_none"),
        (GOOD | {"everything": False, "alerts": [""]}, "no silence that is known"),
    ],
)  # fmt: skip
async def test_what_is_wrong_with_a_silence_is_named(
    server: Server, silence: dict[str, object], says: str
) -> None:
    found = await imported(server, catalogue_of([silence, GOOD]))
    assert (found["state"], len(found["errors"])) == ("done", 1)
    assert found["errors"][0]["what"].startswith("silence ")
    assert says in found["errors"][0]["message"]
    assert found["tally"]["silences_new"] == 1


@pytest.mark.parametrize("silences", [5, [5], [{}], [{"silence": 5}], [{"silence": None}]])
async def test_what_is_no_list_of_silences_is_the_fault_of_the_file(
    server: Server, silences: object
) -> None:
    catalogue = {"format": "statflow-export/1", "stats": [], "silences": silences}
    found = await imported(server, {"catalogue.json": json.dumps(catalogue)})
    assert found["state"] == "failed"
    assert "no catalogue of an export" in found["reason"]


@pytest.mark.parametrize("dry_run", ["true", "false"])
async def test_no_more_come_in_than_an_account_may_have(server: Server, dry_run: str) -> None:
    many = [SILENCE | {"note": f"{place}"} for place in range(QUIETS_MAX + 2)]
    found = await imported(server, catalogue_of(many), dry_run=dry_run)
    assert found["tally"]["silences_new"] == QUIETS_MAX
    assert [one["message"] for one in found["errors"]] == ["there are 500 silences already"] * 2
