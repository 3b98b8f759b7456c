"""What each system is sent."""

import msgspec
import pytest

from api.notify.bodies.alertmanager import NO_END, alertmanager_body
from api.notify.bodies.discord import discord_body
from api.notify.bodies.own import own_body
from api.notify.bodies.pagerduty import pagerduty_body
from api.notify.bodies.slack import slack_body
from api.notify.bodies.table import BODIES
from api.notify.message import NOTICES_MAX, Message, Notice, number, sentence, title
from tests.api.notify.examples import a_message, a_notice, resolved

HOSTILE = "<!channel> <script>alert(1)</script> @everyone *x* & [a](https://evil.example)"


def test_our_own_body_says_everything() -> None:
    body = own_body(a_message())
    assert body["type"] == "alert.firing"
    assert body["id"] == "msg_ep_7Gk_3_ch_1"
    alert = body["alerts"][0]
    assert alert["value"] == 12
    assert alert["threshold"] == 10
    assert alert["stat"] == {"id": "st_7", "name": "orders.failed"}
    assert alert["latency_ms"] == 12
    assert alert["at"] == "2026-11-21T23:00:00.000Z"
    assert alert["text"] == "sum of orders.failed over 1m is 12 (rule: > 10)"


@pytest.mark.parametrize(
    ("message", "event", "status"),
    [
        (a_message(), "alert.firing", "firing"),
        (a_message(resolved()), "alert.resolved", "resolved"),
        (a_message(a_notice(), resolved()), "alert.changed", "resolved"),
        (a_message(a_notice(), resolved(episode="ep_8")), "alert.changed", "firing"),
        (a_message(a_notice(event="no_data", value=None)), "alert.no_data", "firing"),
    ],
)
def test_a_message_is_resolved_when_all_of_it_is(message: Message, event: str, status: str) -> None:
    body = own_body(message)
    assert (body["type"], body["status"]) == (event, status)
    assert alertmanager_body(message)["status"] == status


def test_alertmanager_receivers_find_what_they_know() -> None:
    body = alertmanager_body(a_message(a_notice(labels={"team": "shop"}, runbook="https://r")))
    alert = body["alerts"][0]
    assert body["version"] == "4"
    assert body["commonLabels"] == {
        "team": "shop", "alertname": "too many", "severity": "critical", "stat": "orders.failed",
    }  # fmt: skip
    assert alert["endsAt"] == NO_END
    assert alert["annotations"]["runbook_url"] == "https://r"


def test_the_fingerprint_is_that_of_the_instance() -> None:
    first, second = (
        alertmanager_body(a_message(one))["alerts"][0]["fingerprint"]
        for one in (a_notice(), resolved())
    )
    other = alertmanager_body(a_message(a_notice(stat="st_8")))["alerts"][0]["fingerprint"]
    assert first == second != other


def test_what_alerts_do_not_share_is_not_common() -> None:
    body = alertmanager_body(a_message(a_notice(), a_notice(stat="st_8", stat_name="b")))
    assert "stat" not in body["commonLabels"]


def test_slack_shows_hostile_names_as_text() -> None:
    body = slack_body(a_message(a_notice(stat_name=HOSTILE, name=HOSTILE)))
    assert "<!channel>" not in msgspec.json.encode(body).decode()
    assert "&lt;!channel&gt;" in body["text"]


def test_discord_pings_nobody_and_shows_hostile_names_as_text() -> None:
    body = discord_body(a_message(a_notice(stat_name=HOSTILE)))
    assert body["allowed_mentions"] == {"parse": []}
    assert "\\@everyone" in body["content"]
    assert "[a](" not in body["content"]


def test_pagerduty_opens_and_closes_one_incident() -> None:
    opened = pagerduty_body(a_message(), "key")
    closed = pagerduty_body(a_message(resolved()), "key")
    assert (opened["event_action"], closed["event_action"]) == ("trigger", "resolve")
    assert opened["dedup_key"] == closed["dedup_key"] == "ep_7Gk"
    assert opened["payload"]["severity"] == "critical"
    assert pagerduty_body(a_message(a_notice(severity="page")), "k")["payload"]["severity"] == (
        "critical"
    )


@pytest.mark.parametrize("name", BODIES)
def test_no_body_is_larger_than_a_receiver_takes(name: str) -> None:
    long = a_notice(name="n" * 200, stat_name="s" * 255, reason="r" * 200, points=(1.5,) * 60)
    body = BODIES[name](a_message(*[long] * NOTICES_MAX, more=980))
    assert len(msgspec.json.encode(body)) < 64 * 1024


@pytest.mark.parametrize(
    ("notice", "text"),
    [
        (a_notice(), "sum of orders.failed over 1m is 12 (rule: > 10)"),
        (a_notice(base=4.0), "sum of orders.failed over 1m is 12, 4 before (rule: > 10)"),
        (a_notice(value=None, reason="no point for 10 min"), "no point for 10 min"),
        (a_notice(value=None), "too many is FIRING"),
        (a_notice(text="look at this"), "look at this"),
    ],
)
def test_a_sentence_says_what_was_measured(notice: Notice, text: str) -> None:
    assert sentence(notice) == text


def test_a_title_names_what_and_how_many() -> None:
    assert title(a_message()) == "[FIRING] too many: orders.failed"
    assert title(a_message(a_notice(), a_notice(), more=3)) == (
        "[FIRING] too many: orders.failed and 4 more"
    )


@pytest.mark.parametrize(
    ("value", "text"), [(12.0, "12"), (0.1 + 0.2, "0.3"), (1e20, "1e+20"), (-3.5, "-3.5")]
)
def test_numbers_are_for_people(value: float, text: str) -> None:
    assert number(value) == text
