"""What people do with alerts, one test a way."""

import re
import time

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PICTURES, Site

pytestmark = [pytest.mark.slow, pytest.mark.real]

ITEM = {"stat": "orders.failed", "value": 12, "type": "counter"}


def test_an_alert_is_tried_over_last_week_while_it_is_written(site: Site) -> None:
    # The bucket that is not over yet has not been judged.
    site.send(ITEM | {"t": int(time.time()) - 7_200})
    page = site.page("/alerts")
    page.get_by_role("button", name="New alert").click()
    page.get_by_label("Stat", exact=True).fill("orders.failed")
    page.get_by_label("Threshold").fill("10")
    told = page.get_by_role("dialog").get_by_role("status")
    expect(told).to_contain_text("would have fired once last week")
    page.get_by_label("Threshold").fill("100")
    expect(told).to_contain_text("would not have fired last week")
    PICTURES.mkdir(exist_ok=True)
    page.screenshot(path=PICTURES / "alert-form.png")
    page.get_by_label("Name").fill("Too many failures")
    page.get_by_role("button", name="Watch").click()
    expect(page.get_by_role("row", name=re.compile(r"Too many failures"))).to_be_visible()
    kept = site.ask("GET", "/v1/alerts")["alerts"][0]
    assert (kept["op"], kept["threshold"], kept["window"]) == (">", 100, "15m")


def test_a_firing_alert_is_explained_acknowledged_and_snoozed(site: Site) -> None:
    page = firing(site)
    expect(page.get_by_role("heading", name="Why it is firing")).to_be_visible()
    expect(page.get_by_text("points in the window")).to_be_visible()
    expect(page.get_by_role("group", name="History").locator("tbody tr").first).to_contain_text(
        "firing"
    )
    page.screenshot(path=PICTURES / "alert.png", full_page=True)
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_role("button", name="Take back")).to_be_visible()
    assert instance(site)["acknowledged"] is not None
    page.get_by_role("button", name="Take back").click()
    expect(page.get_by_role("button", name="Acknowledge")).to_be_visible()
    page.get_by_label("Snooze").select_option("4h")
    expect(page.get_by_role("button", name="Wake")).to_be_visible()
    assert instance(site)["snoozed_until"] is not None


def test_an_alert_is_changed_to_another_kind_and_back(site: Site) -> None:
    page = firing(site)
    page.get_by_role("button", name="Edit").click()
    expect(page.get_by_label("Threshold")).to_have_value("10")
    page.get_by_label("When").select_option("deadman")
    page.get_by_label("No point for").fill("1h")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Fires when no point for 1h")).to_be_visible()
    page.get_by_role("button", name="Edit").click()
    page.get_by_label("When").select_option("threshold")
    page.get_by_label("Threshold").fill("50")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Fires when sum in 15m > 50")).to_be_visible()


def test_an_edit_keeps_what_the_form_does_not_show(site: Site) -> None:
    site.send(ITEM)
    rule = {
        "name": "Spread", "kind": "threshold", "stat": ITEM["stat"], "window": "15m",
        "aggregate": "stddev", "op": ">=", "threshold": 2.5, "clear": 1.5, "repeat": "1h",
        "runbook": "https://example.com/", "labels": {"team": "shop"}, "keep_firing_for": "5m",
    }  # fmt: skip
    made = site.ask("POST", "/v1/alerts", json=rule)
    page = site.page(f"/alerts/{made['id']}")
    page.get_by_role("button", name="Edit").click()
    page.get_by_label("Threshold").fill("3.5")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Fires when stddev in 15m >= 3.5")).to_be_visible()
    assert site.ask("GET", "/v1/alerts")["alerts"][0]["rule"] == rule | {"threshold": 3.5}


def firing(site: Site) -> Page:
    """The page of an alert that fires."""
    site.send(ITEM)
    rule = {"name": "Failures", "kind": "threshold", "stat": ITEM["stat"], "window": "15m"}
    made = site.ask("POST", "/v1/alerts", json=rule | {"op": ">", "threshold": 10})
    site.send(ITEM)
    PICTURES.mkdir(exist_ok=True)
    page = site.page(f"/alerts/{made['id']}")
    expect(page.locator(".page-head .alert-firing")).to_be_visible()
    return page


def test_a_moment_of_the_past_is_explained(site: Site) -> None:
    page = firing(site)
    steps = page.get_by_role("group", name="History").locator("tbody tr")
    steps.filter(has_text="condition met").get_by_role("button", name="Explain").click()
    expect(page.get_by_role("heading", name="Why it was firing")).to_be_visible()
    page.get_by_role("button", name="Now", exact=True).click()
    expect(page.get_by_role("heading", name="Why it is firing")).to_be_visible()


def instance(site: Site) -> dict[str, object]:
    """How the only alert stands with its only stat."""
    found: dict[str, object] = site.ask("GET", "/v1/alerts")["alerts"][0]["states"][0]
    return found


def test_what_few_alerts_say_is_written_and_read_again(site: Site) -> None:
    site.send(ITEM)
    channel = {"type": "webhook", "name": "boss", "url": "https://example.com/hook"}
    boss = site.ask("POST", "/v1/channels", json=channel)
    page = site.page("/alerts")
    page.get_by_role("button", name="New alert").click()
    page.get_by_label("Stat", exact=True).fill(str(ITEM["stat"]))
    page.get_by_label("Threshold").fill("10")
    page.get_by_text("More", exact=True).click()
    said = {
        "Warns already at": "8", "Is over only beyond": "6", "Keeps firing for": "5m",
        "Tells again every": "1h", "Message": "{stat} is {value}",
        "Runbook": "https://example.com/orders", "Labels": "team=shop, env=live",
        "Each time so much later": "2", "Tells only": "Mon-Fri 09:00-17:00; Sat,Sun",
    }  # fmt: skip
    for label, text in said.items():
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_label("Points that come late").check()
    page.get_by_role("button", name="Add a step").click()
    page.get_by_label("After", exact=True).fill("20m")
    PICTURES.mkdir(exist_ok=True)
    page.screenshot(path=PICTURES / "alert-form-more.png")
    page.get_by_role("button", name="Watch").click()
    expect(page.get_by_role("row", name=re.compile(r"orders\.failed threshold"))).to_be_visible()
    (kept,) = site.ask("GET", "/v1/alerts")["alerts"]
    told = {
        "warn": 8, "clear": 6, "labels": {"team": "shop", "env": "live"}, "backoff": 2,
        "active_times": ["Mon-Fri 09:00-17:00", "Sat,Sun"], "late": "reevaluate",
        "escalation": [{"after": "20m", "channels": [boss["id"]]}],
    }  # fmt: skip
    assert {name: kept["rule"][name] for name in told} == told
    page.goto(f"{site.address}/alerts/{kept['id']}")
    page.get_by_role("button", name="Edit").click()
    for label, text in said.items():
        expect(page.get_by_label(label, exact=True)).to_have_value(text)
    expect(page.get_by_label("Points that come late")).to_be_checked()
    expect(page.get_by_label("After", exact=True)).to_have_value("20m")
    page.get_by_label("Labels", exact=True).fill("")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("button", name="Edit")).to_be_visible()
    (changed,) = site.ask("GET", "/v1/alerts")["alerts"]
    assert changed["rule"].get("labels", {}) == {}
    assert changed["rule"]["warn"] == 8
