"""Alerts over HTTP: from a rule and a point to a signed message, and back by the link in it."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import trio
from standardwebhooks import Webhook
from trio.testing import MockClock

from api.notify.rulebook import Rulebook
from tests.api.http.harness import NOW_S, Server, serving
from tests.api.http.listener import listening

HOOK = "https://hooks.example/alerts"


async def channel(server: Server, **fields: object) -> dict[str, Any]:
    body = {"type": "webhook", "name": "ops", "url": HOOK, **fields}
    answer = await server.send("POST", "/v1/channels", json=body)
    assert answer.status == 201, answer.body
    return dict(answer.json)


async def alert(server: Server, **fields: object) -> dict[str, Any]:
    body = {"name": "too many", "kind": "threshold", "op": ">", "threshold": 10, "window": "1m"}
    answer = await server.send("POST", "/v1/alerts", json={**body, **fields})
    assert answer.status == 201, answer.body
    return dict(answer.json)


async def point(server: Server, value: float, stat: str = "orders.failed", **more: object) -> None:
    body = {"stat": stat, "value": value, "type": "counter", **more}
    assert (await server.send("POST", "/v1/ingest", json=body)).status == 202


async def firing(server: Server) -> dict[str, Any]:
    """An alert that fires, and its message."""
    made = await channel(server)
    await point(server, 1)
    await alert(server, stat="orders.failed", channels=[made["id"]])
    await trio.sleep(2)
    await point(server, 12)
    await trio.sleep(2)
    assert [sent.json["type"] for sent in server.post.sent] == ["alert.firing"]
    return dict(server.post.sent[0].json["alerts"][0])


async def test_a_point_too_many_is_told_and_its_end_too(autojump_clock: MockClock) -> None:
    async with serving() as server:
        told = await firing(server)
        assert (told["state"], told["value"], told["threshold"]) == ("FIRING", 13, 10)
        assert told["stat"]["name"] == "orders.failed"
        await trio.sleep(90)
        types = [sent.json["type"] for sent in server.post.sent]
        assert types == ["alert.firing", "alert.resolved"]
        ids = [sent.headers["webhook-id"] for sent in server.post.sent]
        assert len(set(ids)) == 2
        assert all(one.startswith(f"msg_{told['episode']}_") for one in ids)


async def test_the_message_is_signed_with_the_secret_that_was_shown(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving() as server:
        made = await channel(server)
        tried = await server.send("POST", f"/v1/channels/{made['id']}/test")
        assert tried.json["ok"] is True
        sent = server.post.sent[0]
        # The package compares with the real clock.
        webhook = Webhook(made["secret"])
        monkeypatch.setattr(webhook, "_Webhook__verify_timestamp", _at)
        assert webhook.verify(sent.body, dict(sent.headers))["type"] == "alert.test"


def _at(header: str) -> Any:  # ruff: ignore[any-type]
    from datetime import UTC, datetime

    return datetime.fromtimestamp(int(header), tz=UTC)


async def test_the_link_in_a_message_acknowledges(autojump_clock: MockClock) -> None:
    async with serving() as server:
        told = await firing(server)
        path = told["links"]["acknowledge"].removeprefix("http://stats.example")
        path, _, query = path.partition("?token=")
        looked = await server.send("GET", path, key=None, query={"token": query})
        assert looked.status == 200
        assert b"<button>Acknowledge</button>" in looked.body
        states = (await server.send("GET", f"/v1/alerts/{told['alert']['id']}")).json["states"]
        assert states[0]["acknowledged"] is None
        done = await server.send("POST", path, key=None, query={"token": query})
        assert done.status == 200
        await trio.sleep(1)
        states = (await server.send("GET", f"/v1/alerts/{told['alert']['id']}")).json["states"]
        assert states[0]["acknowledged"] == "link in a message"
        assert (
            await server.send("POST", path, key=None, query={"token": query[:-2]})
        ).status == 410
        snooze = path.replace("/ack", "/snooze")
        assert (await server.send("POST", snooze, key=None, query={"token": query})).status == 410


async def test_a_key_acknowledges_and_snoozes(autojump_clock: MockClock) -> None:
    async with serving() as server:
        told = await firing(server)
        path = f"/v1/alerts/{told['alert']['id']}"
        done = await server.send("POST", f"{path}/ack", json={"note": "on it"})
        assert done.json["states"][0]["acknowledged"].startswith("key ")
        done = await server.send("POST", f"{path}/snooze", json={"for": "20m"})
        assert done.json["states"][0]["snoozed_until"] is not None
        assert (await server.send("POST", f"{path}/ack", key="read")).status == 403
        assert (await server.send("POST", f"{path}/ack", key="other")).status == 404
        assert (await server.send("POST", f"{path}/snooze", json={"for": "9w"})).status == 422


async def test_history_and_explanation_say_what_happened(autojump_clock: MockClock) -> None:
    async with serving() as server:
        told = await firing(server)
        path = f"/v1/alerts/{told['alert']['id']}"
        history = (await server.send("GET", f"{path}/history")).json["transitions"]
        assert history[0]["to_state"] == "FIRING"
        assert history[0]["tells"] == "firing"
        why = (await server.send("GET", f"{path}/explain")).json
        assert (why["state"], why["value"], why["points"]) == ("FIRING", 13, 2)
        assert why["deliveries"][0]["state"] == "delivered"
        assert why["deliveries"][0]["attempts"][0]["said"] == "status 200"
        before = (await server.send("GET", f"{path}/explain", query={"at": "now-1h"})).json
        assert before["state"] == "NEW"


async def test_a_new_stat_that_fits_the_pattern_joins(autojump_clock: MockClock) -> None:
    async with serving() as server:
        made = await channel(server)
        rule = await alert(server, match="orders.*", channels=[made["id"]])
        assert rule["watching"] == 0
        await point(server, 1, "orders.late")
        await trio.sleep(3)
        await point(server, 20, "orders.late")
        await trio.sleep(2)
        assert [sent.json["alerts"][0]["stat"]["name"] for sent in server.post.sent] == [
            "orders.late"
        ]


async def test_a_deadman_may_wait_for_a_stat_that_never_came(autojump_clock: MockClock) -> None:
    async with serving() as server:
        made = await channel(server)
        await alert_of_deadman(server, made["id"])
        await trio.sleep(100)
        assert server.post.sent == []
        await trio.sleep(100)
        assert [sent.json["type"] for sent in server.post.sent] == ["alert.firing"]
        await point(server, 1, "backup.done")
        await trio.sleep(2)
        assert server.post.sent[-1].json["type"] == "alert.resolved"


async def test_a_dropped_alert_says_goodbye_although_another_process_tells_it(
    autojump_clock: MockClock,
) -> None:
    async with serving() as server:
        told = await firing(server)
        book = server.context.office.rulebook
        path = f"/v1/alerts/{told['alert']['id']}"
        assert (await server.send("DELETE", path)).status == 204
        await trio.sleep(2)
        assert [sent.json["type"] for sent in server.post.sent][-1] == "alert.resolved"
        after = Rulebook(book.alerts, server.context.directory, lambda account: 1)
        assert after.find(told["alert"]["id"]) is not None
        assert after.get(1, told["alert"]["id"]) is None


@pytest.mark.parametrize("expected", [{"cron": "5 0 * * *"}, {"oncalendar": "00:05"}])
async def test_a_deadman_expects_a_sign_of_life_by_the_clock_of_its_zone(
    autojump_clock: MockClock, expected: dict[str, str]
) -> None:
    async with serving() as server:
        made = await channel(server)
        body = {
            "name": "backup", "kind": "deadman", "stat": "backup.done", "grace": "5m",
            "tz": "Europe/Berlin", "arm": "now", "channels": [made["id"]], **expected,
        }  # fmt: skip
        rule = await server.send("POST", "/v1/alerts", json=body)
        assert rule.status == 201, rule.body
        await trio.sleep(5)
        why = (await server.send("GET", f"/v1/alerts/{rule.json['id']}/explain")).json
        due = datetime.fromisoformat(why["timers"]["deadline"]).astimezone(
            ZoneInfo("Europe/Berlin")
        )
        assert (due.hour, due.minute) == (0, 10)
        await trio.sleep(due.timestamp() - NOW_S - 60)
        assert server.post.sent == []
        await trio.sleep(120)
        assert [sent.json["type"] for sent in server.post.sent] == ["alert.firing"]
        await point(server, 1, "backup.done")
        await trio.sleep(2)
        assert server.post.sent[-1].json["type"] == "alert.resolved"


async def alert_of_deadman(server: Server, channel_id: str) -> None:
    body = {
        "name": "backup", "kind": "deadman", "stat": "backup.done", "period": "2m", "grace": "30s",
        "arm": "now", "channels": [channel_id],
    }  # fmt: skip
    answer = await server.send("POST", "/v1/alerts", json=body)
    assert answer.status == 201, answer.body


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"window": 0}, "window"), ({"window": "10y"}, "window"), ({"window": "soon"}, "window"),
        ({"stat": "nobody"}, "stat"), ({"threshold": None}, "threshold"), ({"op": "~"}, "op"),
        ({"aggregate": "mode"}, "aggregate"), ({"channels": ["ch_none"]}, "channels"),
        ({"threshold": 1e101}, "threshold"), ({"wnidow": "5m"}, "wnidow"), ({"name": " "}, "name"),
        ({"kind": "deadman"}, "op"), ({"cron": "61 * * * *", "kind": "deadman"}, "cron"),
        ({"match": "*"}, "stat"), ({"labels": {"a": "b" * 300}}, "labels"),
        ({"depends_on": "al_none"}, "depends_on"), ({"for": -5}, "for"), ({"tz": "Mars"}, "tz"),
        ({"clear": 20}, "clear"), ({"runbook": "javascript:alert(1)"}, "runbook"),
        ({"kind": "magic"}, "kind"), ({"expr": "a+b"}, "expr"),
        ({"escalation": [{"after": "x", "channels": []}]}, "escalation"),
        ({"window": "5m", "time_window": "1h"}, "window"), ({"operator": "less than"}, "op"),
        ({"kind": "delta", "op": None, "percentage": 50}, "threshold"),
        ({"kind": "deadman", "op": None, "threshold": None, "period": "1h", "cron": "0 3 * * *"},
         "period"),
        ({"kind": "deadman", "op": None, "threshold": None, "cron": "0 0 30 2 *"}, "cron"),
        ({"kind": "deadman", "op": None, "threshold": None, "oncalendar": "*-02-30"}, "oncalendar"),
        ({"kind": "deadman", "op": None, "threshold": None, "oncalendar": "daily",
          "cron": "0 3 * * *"}, "oncalendar"),
        ({"window": "30s", "aggregate": "p99"}, "window"), ({"threshold": "NaN"}, "threshold"),
        ({"min_points": 0}, "min_points"), ({"stats": ["orders.failed"]}, "stat"),
    ],
)  # fmt: skip
async def test_what_cannot_be_judged_is_refused_with_the_field(
    autojump_clock: MockClock, changed: dict[str, object], field: str
) -> None:
    async with serving() as server:
        await point(server, 1)
        body: dict[str, object] = {
            "name": "n", "kind": "threshold", "stat": "orders.failed", "op": ">", "threshold": 1,
        }  # fmt: skip
        answer = await server.send("POST", "/v1/alerts", json={**body, **changed})
        assert answer.status == 422, answer.body
        assert answer.code
        assert field in [error["field"] for error in answer.json["errors"]]


async def test_not_a_number_is_no_json(autojump_clock: MockClock) -> None:
    async with serving() as server:
        await point(server, 1)
        body = b'{"name":"n","kind":"threshold","stat":"orders.failed","op":">","threshold":NaN}'
        answer = await server.send("POST", "/v1/alerts", body=body)
        assert (answer.status, answer.code) == (400, "invalid_json")
        endless = await server.send("POST", "/v1/alerts", body=body.replace(b"NaN", b"1e999"))
        assert endless.status in (400, 422)
        assert (await server.send("GET", "/v1/alerts")).json["alerts"] == []


async def test_there_are_only_so_many_alerts(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.http.routes.alerts.RULES_MAX", 2)
    async with serving() as server:
        await point(server, 1)
        for _ in range(2):
            await alert(server, stat="orders.failed")
        body = {"name": "n", "kind": "threshold", "stat": "orders.failed", "op": ">",
                "threshold": 1}  # fmt: skip
        answer = await server.send("POST", "/v1/alerts", json=body)
        assert (answer.status, answer.code) == (403, "plan_limit")
        assert "remove one" in answer.json["detail"]
        assert len((await server.send("GET", "/v1/alerts")).json["alerts"]) == 2


async def test_stathats_names_are_understood(autojump_clock: MockClock) -> None:
    async with serving() as server:
        await point(server, 1)
        body = {
            "name": "n", "kind": "value", "stat": "orders.failed", "operator": "greater than",
            "threshold": 5, "time_window": "5m",
        }  # fmt: skip
        made = (await server.send("POST", "/v1/alerts", json=body)).json
        assert (made["kind"], made["op"], made["window"]) == ("threshold", ">", "5m")
        body = {
            "name": "n", "kind": "delta", "stat": "orders.failed", "operator": "different than",
            "percentage": 50, "time_window": "1h", "time_delta": "1d",
        }  # fmt: skip
        made = (await server.send("POST", "/v1/alerts", json=body)).json
        assert (made["kind"], made["threshold"], made["window"]) == ("delta", 50, "1h")
        body = {"name": "n", "kind": "data", "stat": "orders.failed", "time_window": "1h"}
        assert (await server.send("POST", "/v1/alerts", json=body)).json["kind"] == "deadman"


async def test_alerts_are_listed_changed_and_removed(autojump_clock: MockClock) -> None:
    async with serving() as server:
        await point(server, 1)
        first = await alert(server, stat="orders.failed")
        await trio.sleep(0.01)
        second = await alert(server, stat="orders.failed", name="other")
        page = (await server.send("GET", "/v1/alerts", query={"limit": "1"})).json
        assert [one["id"] for one in page["alerts"]] == [first["id"]]
        rest = (await server.send("GET", "/v1/alerts", query={"cursor": page["next"]})).json
        assert [one["id"] for one in rest["alerts"]] == [second["id"]]
        assert rest["next"] is None
        path = f"/v1/alerts/{first['id']}"
        changed = await server.send("PATCH", path, json={"threshold": 99, "window": "5m"})
        assert (changed.json["threshold"], changed.json["window"]) == (99, "5m")
        assert changed.json["revision"] == 2
        assert (await server.send("GET", path)).json["threshold"] == 99
        refused = await server.send("PATCH", path, json={"thresold": 1})
        assert (refused.status, refused.code) == (422, "unknown_field")
        assert (await server.send("GET", path, key="other")).status == 404
        assert (await server.send("DELETE", path)).status == 204
        assert (await server.send("GET", path)).status == 404


@pytest.mark.parametrize(
    "named",
    [
        {"stat": "errors", "stats": None, "match": None, "expr": None},
        {"stat": None, "stats": None, "match": "err*", "expr": None},
        {"stat": None, "stats": ["errors", "requests"], "match": None, "expr": None},
    ],
)
async def test_a_ratio_becomes_an_alert_of_stats_and_a_ratio_again(
    autojump_clock: MockClock, named: dict[str, object]
) -> None:
    async with serving() as server:
        for stat in ("errors", "requests"):
            await point(server, 1, stat)
        ratio = {"stats": ["errors", "requests"], "expr": "a/b*100"}
        made = await alert(server, **ratio)
        path = f"/v1/alerts/{made['id']}"
        changed = await server.send("PATCH", path, json=named)
        assert changed.status == 200, changed.body
        given = {name: value for name, value in named.items() if value is not None}
        whole = {name: value for name, value in made["rule"].items() if name not in ratio}
        assert changed.json["rule"] == whole | given
        back = await server.send("PATCH", path, json={"stat": None, "match": None, **ratio})
        assert back.json["rule"] == made["rule"]


async def test_a_live_stream_tells_of_alerts_and_annotations(autojump_clock: MockClock) -> None:
    async with serving() as server:
        await point(server, 1)
        rule = await alert(server, stat="orders.failed")
        await server.new_key("narrow", ["read"], prefix="web.")
        path = "/v1/live?alerts=true&annotations=true"
        async with listening(server, path) as all_of_it, listening(server, path, "narrow") as some:
            await trio.sleep(2)
            await point(server, 12)
            await server.send("POST", "/v1/annotations", json={"title": "deploy"})
            events = await all_of_it.events(3)
            told = [event.data["to_state"] for event in events if event.name == "alert"]
            assert told == ["OK", "FIRING"]
            assert {e.data["alert"] for e in events if e.name == "alert"} == {rule["id"]}
            assert [e.data["title"] for e in events if e.name == "annotation"] == ["deploy"]
            assert (await some.event()).name == "annotation"
