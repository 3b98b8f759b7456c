"""Silences over HTTP: what is held back, for how long, and what is refused."""

import pytest
import trio
from trio.testing import MockClock

from tests.api.http.harness import serving
from tests.api.http.test_alerts import alert, channel, point


async def test_a_silence_holds_back_and_its_end_tells(autojump_clock: MockClock) -> None:
    async with serving() as server:
        made = await channel(server)
        await point(server, 1)
        rule = await alert(server, stat="orders.failed", window="10m", channels=[made["id"]])
        body = {"alerts": [rule["id"]], "for": "2m", "note": "we know"}
        silence = (await server.send("POST", "/v1/silences", json=body)).json
        assert silence["active"] is True
        assert [one["alert"] for one in silence["mutes"]] == [rule["id"]]
        await trio.sleep(2)
        await point(server, 50)
        await trio.sleep(10)
        assert server.post.sent == []
        why = (await server.send("GET", f"/v1/alerts/{rule['id']}/explain")).json
        assert why["held"] == f"silence:{silence['id']}"
        await trio.sleep(150)
        assert [sent.json["type"] for sent in server.post.sent] == ["alert.firing"]


async def test_a_silence_can_be_ended_early(autojump_clock: MockClock) -> None:
    async with serving() as server:
        made = await channel(server)
        await point(server, 1)
        await alert(server, stat="orders.failed", window="10m", channels=[made["id"]])
        body = {"match": "orders.*", "until": "now+1h"}
        silence = (await server.send("POST", "/v1/silences", json=body)).json
        await trio.sleep(2)
        await point(server, 50)
        await trio.sleep(10)
        assert server.post.sent == []
        assert (await server.send("DELETE", f"/v1/silences/{silence['id']}")).status == 204
        await trio.sleep(10)
        assert len(server.post.sent) == 1
        assert (await server.send("GET", "/v1/silences")).json["silences"] == []


async def test_maintenance_comes_again(autojump_clock: MockClock) -> None:
    async with serving() as server:
        body = {
            "everything": True, "from": "2026-11-01T02:00", "for": "1h", "tz": "Europe/Paris",
            "rrule": "FREQ=MONTHLY;BYDAY=3TU",
        }  # fmt: skip
        made = (await server.send("POST", "/v1/silences", json=body)).json
        assert (made["kind"], made["active"]) == ("maintenance", False)
        assert made["next"] == "2026-12-15T01:00:00Z"
        assert made["coming"] == [{"from": "2026-12-15T01:00:00Z", "until": "2026-12-15T02:00:00Z"}]
        listed = (await server.send("GET", "/v1/silences")).json["silences"]
        assert [one["id"] for one in listed] == [made["id"]]
        assert (await server.send("GET", f"/v1/silences/{made['id']}", key="other")).status == 404


async def test_of_what_comes_every_hour_a_hundred_times_are_told(autojump_clock: MockClock) -> None:
    async with serving() as server:
        body = {"everything": True, "for": "5m", "rrule": "FREQ=HOURLY"}
        made = (await server.send("POST", "/v1/silences", json=body)).json
        assert len(made["coming"]) == 100


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"for": None}, "until"), ({"for": "31d"}, "until"), ({"until": "now+1h"}, "until"),
        ({"for": "soon"}, "for"),
        ({"alerts": ["al_none"], "everything": False}, "alerts"),
        ({"stats": ["x"], "everything": False}, "stats"),
        ({"everything": False}, "alerts"), ({"severity": "info"}, "severity"),
        ({"rrule": "FREQ=DAILY", "kind": "silence"}, "rrule"), ({"rrule": "daily"}, "rrule"),
        ({"rrule": "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"}, "rrule"), ({"tz": "Mars"}, "tz"),
        ({"from": "now-2h"}, "until"), ({"forever": True}, "forever"),
        ({"note": "x" * 1001}, "note"), ({"rrule": f"FREQ=DAILY{' ' * 500}"}, "rrule"),
        ({"labels": {"team": "x" * 300_000}, "everything": False}, "labels"),
    ],
)  # fmt: skip
async def test_what_cannot_be_is_refused(
    autojump_clock: MockClock, changed: dict[str, object], field: str
) -> None:
    async with serving() as server:
        body = {"everything": True, "for": "1h", **changed}
        answer = await server.send("POST", "/v1/silences", json=body)
        assert answer.status == 422, answer.body
        assert field in [error["field"] for error in answer.json["errors"]]


async def test_a_key_that_may_only_snooze_holds_back_from_a_script(
    autojump_clock: MockClock,
) -> None:
    async with serving() as server:
        await server.new_key("deploy", ["snooze"])
        made = await channel(server)
        await point(server, 1)
        await alert(server, stat="orders.failed", window="10m", channels=[made["id"]])
        path = "/v1/snooze?for=2m&note=deploy"
        snoozed = await server.send("POST", path, key="deploy")
        assert snoozed.status == 201, snoozed.body
        assert (snoozed.json["note"], len(snoozed.json["mutes"])) == ("deploy", 1)
        await trio.sleep(2)
        await point(server, 50)
        await trio.sleep(10)
        assert server.post.sent == []
        await trio.sleep(150)
        assert [sent.json["type"] for sent in server.post.sent] == ["alert.firing"]
        for method, other in (("GET", "/v1/silences"), ("POST", "/v1/silences")):
            assert (await server.send(method, other, key="deploy", json={})).status == 403


@pytest.mark.parametrize(
    ("query", "match"), [("", "web.*"), ("&match=web.eu.*", "web.eu.*"), ("&match=*", None)]
)
async def test_a_key_with_a_prefix_snoozes_behind_it(
    autojump_clock: MockClock, query: str, match: str | None
) -> None:
    async with serving() as server:
        await server.new_key("deploy", ["snooze"], prefix="web.")
        answer = await server.send("POST", f"/v1/snooze?for=20m{query}", key="deploy")
        if match is None:
            assert (answer.status, answer.json["code"]) == (403, "insufficient_scope")
        else:
            assert (answer.status, answer.json["match"]) == (201, match)


@pytest.mark.parametrize("query", ["", "?for=soon", "?for=31d", "?for=1h&alert=al_none"])
async def test_a_snooze_that_cannot_be_is_refused(autojump_clock: MockClock, query: str) -> None:
    async with serving() as server:
        assert (await server.send("POST", f"/v1/snooze{query}")).status == 422
