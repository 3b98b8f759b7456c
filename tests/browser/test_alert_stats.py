"""Alerts of several stats and of ratios, as people write and change them."""

import re
import time

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PICTURES, Site
from tests.browser.test_looks import AXE, FORMS, axe

pytestmark = [pytest.mark.slow, pytest.mark.real]

RULE = {"kind": "threshold", "window": "15m", "aggregate": "sum", "op": ">"}


def test_stats_are_added_and_removed_one_by_one(site: Site) -> None:
    site.send(*(counted(f"orders.{place}", 12, ago_s=7_200) for place in ("asia", "eu", "us")))
    page = new_alert(site)
    page.get_by_label("Stat", exact=True).fill("orders.eu")
    page.get_by_role("button", name="Add a stat").press("Enter")
    expect(page.get_by_label("Stat 2", exact=True)).to_be_focused()
    page.keyboard.type("orders.us")
    page.get_by_label("Threshold").fill("10")
    told = page.get_by_role("dialog").get_by_role("status")
    expect(told).to_contain_text("would have fired 2 times last week at 2 stats")
    page.screenshot(path=PICTURES / "alert-form-stats.png")
    page.get_by_role("button", name="Watch", exact=True).click()
    expect(page.get_by_role("row", name=re.compile(r"orders\.eu and 1 more"))).to_be_visible()
    (kept,) = site.ask("GET", "/v1/alerts")["alerts"]
    named = {"name": "orders.eu and 1 more threshold", "stats": ["orders.eu", "orders.us"]}
    assert kept["rule"] == RULE | named | {"threshold": 10}
    edit(page, site, kept["id"])
    expect(page.get_by_label("Stat 2", exact=True)).to_have_value("orders.us")
    page.get_by_role("button", name="Remove orders.eu", exact=True).press("Enter")
    expect(page.get_by_label("Stat", exact=True)).to_be_focused()
    page.get_by_role("button", name="Add a stat").click()
    page.get_by_label("Stat 2", exact=True).fill("orders.asia")
    page.set_viewport_size(FORMS["phone"]["viewport"])
    page.screenshot(path=PICTURES / "alert-form-stats-phone.png")
    assert axe(page, AXE) == []
    save(page)
    assert rule_of(site) == kept["rule"] | {"stats": ["orders.us", "orders.asia"]}
    edit(page, site, kept["id"])
    page.get_by_role("button", name="Remove orders.us", exact=True).click()
    page.get_by_label("Stat", exact=True).fill("orders.*")
    expect(page.get_by_role("button", name="Add a stat")).to_be_hidden()
    save(page)
    whole = {name: value for name, value in kept["rule"].items() if name != "stats"}
    assert rule_of(site) == whole | {"match": "orders.*"}


def test_a_ratio_is_tried_fires_and_is_changed(site: Site) -> None:
    site.send(counted("errors", 8, ago_s=7_200), counted("requests", 100, ago_s=7_200))
    page = new_alert(site)
    page.get_by_label("Watches").select_option("ratio")
    page.get_by_label("Stat", exact=True).fill("errors")
    page.get_by_label("Divided by").fill("requests")
    page.get_by_label("Threshold").fill("5")
    told = page.get_by_role("dialog").get_by_role("status")
    expect(told).to_contain_text("would have fired once last week")
    drawn = page.get_by_role("dialog").locator(".chart")
    said = re.compile(r"errors / requests: last 8, from 8 to 8\. Limit 5\.")
    expect(drawn).to_have_attribute("aria-label", said)
    page.screenshot(path=PICTURES / "alert-form-ratio.png")
    assert axe(page, AXE) == []
    page.get_by_role("button", name="Watch", exact=True).click()
    expect(page.get_by_role("row", name="errors / requests")).to_be_visible()
    (kept,) = site.ask("GET", "/v1/alerts")["alerts"]
    ratio = {"stats": ["errors", "requests"], "expr": "a/b*100", "threshold": 5}
    assert kept["rule"] == RULE | ratio | {"name": "errors / requests threshold"}
    site.send(counted("requests", 100))
    site.send(counted("errors", 6))
    page.goto(f"{site.address}/alerts/{kept['id']}")
    expect(page.locator(".page-head .alert-firing")).to_be_visible()
    expect(page.get_by_text("errors / requests * 100 > 5")).to_be_visible()
    expect(page.locator(".chart")).to_have_attribute("aria-label", re.compile(r"Limit 5\."))
    page.screenshot(path=PICTURES / "alert-ratio.png", full_page=True)
    edit(page, site, kept["id"])
    page.get_by_label("Ratio in").select_option("1")
    page.get_by_label("Threshold", exact=True).fill("0.2")
    save(page)
    assert rule_of(site) == kept["rule"] | {"expr": "a/b", "threshold": 0.2}
    expect(page.locator(".page-head .alert-firing")).to_be_hidden()
    edit(page, site, kept["id"])
    expect(page.get_by_label("Divided by")).to_have_value("requests")
    page.get_by_label("Watches").select_option("each")
    page.get_by_role("button", name="Remove requests", exact=True).click()
    save(page)
    whole = {name: value for name, value in kept["rule"].items() if name not in ratio}
    assert rule_of(site) == whole | {"stat": "errors", "threshold": 0.2}


def test_a_ratio_that_cannot_be_is_refused_beside_its_stats(site: Site) -> None:
    site.send(counted("errors", 8))
    page = site.page("/alerts", **FORMS["phone"])
    page.get_by_role("button", name="New alert").click()
    page.get_by_label("Watches").select_option("ratio")
    page.get_by_label("Stat", exact=True).fill("errors")
    page.get_by_label("Divided by").fill("requests")
    page.get_by_label("Threshold").fill("5")
    page.get_by_role("button", name="Watch", exact=True).click()
    expect(page.locator(".field .fault")).to_contain_text('there is no stat "requests"')
    divisor = page.get_by_label("Divided by")
    expect(divisor).to_have_attribute("aria-invalid", "true")
    expect(divisor).to_have_accessible_description(re.compile(r"there is no stat"))
    divisor.scroll_into_view_if_needed()
    page.screenshot(path=PICTURES / "alert-form-ratio-phone.png")
    assert axe(page, AXE) == []
    # The refusal itself is in the console of every browser.
    site.faults[:] = [one for one in site.faults if "422" not in one]


def counted(stat: str, value: int, ago_s: int = 0) -> dict[str, object]:
    """A point of a counter; what is to be tried lies in a bucket that is over."""
    return {"stat": stat, "value": value, "type": "counter", "t": int(time.time()) - ago_s}


def new_alert(site: Site) -> Page:
    """The form of a new alert."""
    PICTURES.mkdir(exist_ok=True)
    page = site.page("/alerts")
    page.get_by_role("button", name="New alert").click()
    return page


def edit(page: Page, site: Site, alert: str) -> None:
    """Open the form of an alert that is there."""
    page.goto(f"{site.address}/alerts/{alert}")
    page.get_by_role("button", name="Edit").click()


def save(page: Page) -> None:
    """Save the form, which closes."""
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_be_hidden()


def rule_of(site: Site) -> dict[str, object]:
    """What the only alert says."""
    (kept,) = site.ask("GET", "/v1/alerts")["alerts"]
    found: dict[str, object] = kept["rule"]
    return found
