"""Explanations of the past: what an alert looked at then, what it waited for, who had been told."""

from datetime import datetime
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from api.notify.outgoing import Answered
from tests.api.http.harness import NOW_S, Server, serving
from tests.api.http.test_alerts import alert, alert_of_deadman, channel, point

STAT = "orders.failed"


async def explained(server: Server, alert_id: str, at_s: float | None = None) -> dict[str, Any]:
    """Why it was so at a moment, in seconds since the start."""
    query = {} if at_s is None else {"at": f"{NOW_S + at_s:.3f}"}
    answer = await server.send("GET", f"/v1/alerts/{alert_id}/explain", query=query)
    assert answer.status == 200, answer.body
    return dict(answer.json)


def seconds(text: str) -> float:
    """A moment of a reply, in seconds since the start."""
    return datetime.fromisoformat(text).timestamp() - NOW_S


async def until(at_s: float) -> None:
    """Sleep until so many seconds after the start."""
    await trio.sleep_until(at_s)


async def test_the_past_is_explained_as_it_was(autojump_clock: MockClock) -> None:
    async with serving() as server:
        made = await channel(server)
        await point(server, 1)
        rule = await alert(
            server, stat=STAT, channels=[made["id"]], **{"for": "10s"}, repeat="1h",
            escalation=[{"after": "5m", "channels": [made["id"]]}],
        )  # fmt: skip
        await until(100)
        await point(server, 12)
        await until(200)
        await point(server, 15)
        await until(300)
        quiet = await explained(server, rule["id"], 99)
        assert (quiet["state"], quiet["value"], quiet["transitions"][0]["to_state"]) == (
            "OK", 0, "OK",
        )  # fmt: skip
        pending = await explained(server, rule["id"], 105)
        assert (pending["state"], pending["value"], pending["points"]) == ("PENDING", 12, 1)
        assert seconds(pending["timers"]["for"]) == pytest.approx(110, abs=1.5)
        assert pending["next_look"] == pending["timers"]["for"]
        assert pending["deliveries"] == []
        fired = await explained(server, rule["id"], 120)
        assert (fired["state"], fired["value"], fired["level"]) == ("FIRING", 12, "critical")
        assert seconds(fired["timers"]["repeat"]) == pytest.approx(3_710, abs=1.5)
        assert seconds(fired["timers"]["escalation"]) == pytest.approx(410, abs=1.5)
        assert seconds(fired["timers"]["window"]) == pytest.approx(160, abs=1.5)
        assert [one["state"] for one in fired["deliveries"]] == ["delivered"]
        assert fired["resolution"] == "1s"
        healed = await explained(server, rule["id"], 170)
        assert (healed["state"], healed["value"]) == ("OK", 0)
        assert healed["reason"] == "well again"
        assert healed["transitions"][1:] == fired["transitions"]


async def test_attempts_of_the_past_are_those_that_were_made_by_then(
    autojump_clock: MockClock,
) -> None:
    async with serving() as server:
        made = await channel(server)
        await point(server, 1)
        rule = await alert(server, stat=STAT, channels=[made["id"]], window="1h")
        await until(10)
        server.post.answer = Answered(500)
        await point(server, 12)
        await until(15)
        server.post.answer = Answered(200)
        await until(60)
        first = (await explained(server, rule["id"], 10.5))["deliveries"][0]
        assert (first["state"], [one["said"] for one in first["attempts"]]) == (
            "pending", ["status 500"],
        )  # fmt: skip
        last = (await explained(server, rule["id"]))["deliveries"][0]
        assert last["state"] == "delivered"
        assert [one["said"] for one in last["attempts"]][-1] == "status 200"


async def test_what_held_a_message_back_then_is_named(autojump_clock: MockClock) -> None:
    async with serving() as server:
        made = await channel(server)
        await point(server, 1)
        rule = await alert(server, stat=STAT, channels=[made["id"]], window="1h")
        await until(10)
        silence = await server.send(
            "POST", "/v1/silences", json={"for": "30s", "alerts": [rule["id"]]}
        )
        assert silence.status == 201, silence.body
        await until(20)
        await point(server, 12)
        await until(60)
        await server.send("POST", f"/v1/alerts/{rule['id']}/snooze", json={"for": "20s"})
        await until(100)
        held = {at_s: (await explained(server, rule["id"], at_s))["held"] for at_s in (25, 45, 65)}
        assert held == {25: f"silence:{silence.json['id']}", 45: None, 65: "snoozed"}
        assert (await explained(server, rule["id"]))["held"] is None


async def test_an_alert_that_waited_for_another_says_so(autojump_clock: MockClock) -> None:
    async with serving() as server:
        made = await channel(server)
        await point(server, 1)
        parent = await alert(server, stat=STAT, channels=[made["id"]], window="20s")
        child = await alert(
            server, stat=STAT, channels=[made["id"]], window="1h", depends_on=parent["id"]
        )
        await until(10)
        await point(server, 12)
        await until(60)
        then = await explained(server, child["id"], 15)
        assert then["held"] == f"depends_on:{parent['id']}"
        assert (await explained(server, child["id"], 45))["held"] is None


async def test_a_deadman_of_the_past_says_when_it_would_have_fired(
    autojump_clock: MockClock,
) -> None:
    async with serving() as server:
        made = await channel(server)
        await alert_of_deadman(server, made["id"])
        rule = (await server.send("GET", "/v1/alerts")).json["alerts"][0]
        await until(60)
        await point(server, 1, "backup.done")
        await until(100)
        await point(server, 1, "backup.done")
        await until(300)
        then = await explained(server, rule["id"], 90)
        assert (then["state"], then["value"], then["window"]) == ("OK", None, None)
        assert seconds(then["timers"]["deadline"]) == pytest.approx(210, abs=1.5)
        assert (await explained(server, rule["id"]))["state"] == "FIRING"


async def test_a_delta_of_the_past_names_its_base(autojump_clock: MockClock) -> None:
    async with serving() as server:
        made = await channel(server)
        await point(server, 4)
        rule = await alert(
            server, stat=STAT, channels=[made["id"]], kind="delta", op=None, percentage=50,
            threshold=None, direction="up", window="30s",
        )  # fmt: skip
        await until(35)
        await point(server, 10)
        await until(200)
        then = await explained(server, rule["id"], 40)
        assert (then["state"], then["value"], then["base"]) == ("FIRING", 150, 4)


async def test_the_past_is_explained_by_the_rule_of_then(autojump_clock: MockClock) -> None:
    async with serving() as server:
        await point(server, 1)
        rule = await alert(server, stat=STAT, window="1h")
        await until(10)
        await point(server, 12)
        for at_s, threshold in ((20, 100), (30, 200)):
            await until(at_s)
            answer = await server.send(
                "PATCH", f"/v1/alerts/{rule['id']}", json={"threshold": threshold}
            )
            assert answer.status == 200, answer.body
        await until(40)
        found = {at_s: await explained(server, rule["id"], at_s) for at_s in (15, 25, 35)}
        assert {at_s: (one["revision"], one["threshold"]) for at_s, one in found.items()} == {
            15: (1, 10), 25: (2, 100), 35: (3, 200),
        }  # fmt: skip
        assert (found[15]["state"], found[25]["state"]) == ("FIRING", "OK")


async def test_a_window_that_late_points_have_changed_says_so(autojump_clock: MockClock) -> None:
    async with serving() as server:
        await point(server, 1)
        rule = await alert(server, stat=STAT, window="1m")
        await until(10)
        await point(server, 12)
        await until(200)
        assert (await explained(server, rule["id"], 10.5))["revised"] is None
        await point(server, 5, t=NOW_S + 5)
        await until(202)
        assert (await explained(server, rule["id"], 10.5))["revised"] == {
            "value_then": 13, "points_then": 2, "value_now": 18, "points_now": 3,
        }  # fmt: skip
        assert (await explained(server, rule["id"], 20))["revised"] is None


async def test_who_acknowledged_says_nothing_of_a_window(autojump_clock: MockClock) -> None:
    async with serving() as server:
        await point(server, 1)
        rule = await alert(server, stat=STAT, window="1h")
        await until(10)
        await point(server, 12)
        await until(20)
        answer = await server.send("POST", f"/v1/alerts/{rule['id']}/ack", json={})
        assert answer.status == 200, answer.body
        await until(40)
        found = await explained(server, rule["id"], 20.5)
        assert found["transitions"][0]["reason"].startswith("acknowledged")
        assert found["revised"] is None
