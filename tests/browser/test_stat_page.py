"""What stands on the chart of a stat besides its line: notes, limits, and when alerts fired."""

import re
from contextlib import suppress

import pytest
from playwright.sync_api import Error, Page, expect

from tests.browser.conftest import PICTURES, Site

pytestmark = [pytest.mark.slow, pytest.mark.real]

ITEM = {"stat": "orders.failed", "value": 12, "type": "counter"}
RULE = {"kind": "threshold", "stat": "orders.failed", "window": "15m", "op": ">", "threshold": 10}

CLICKS_MAX = 5

REDDISH = """() => {
  const canvas = document.querySelector('.chart canvas');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let found = 0;
  for (let at = 0; at < data.length; at += 4)
    if (data[at + 3] > 60 && data[at] > data[at + 1] + 80 && data[at] > data[at + 2] + 80) found++;
  return found;
}"""
"""Pixels of the colour of alarms."""

BLUISH = REDDISH.replace(
    "data[at] > data[at + 1] + 80 && data[at] > data[at + 2] + 80",
    "data[at + 2] > data[at] + 80 && data[at + 2] > data[at + 1] + 40",
)
"""Pixels of the colour of the first line."""


def test_a_note_is_made_by_click_changed_by_click_and_removed(site: Site) -> None:
    site.send(ITEM)
    page = site.page("/stats/st_1?range=6h")
    click(page, 400)
    page.get_by_label("Title").fill("deploy 4.2")
    page.get_by_label("Tags").fill("deploy, shop")
    page.get_by_role("button", name="Note it").click()
    notes = page.get_by_role("region", name="Notes")
    expect(notes).to_contain_text("deploy, shop")
    chart = page.locator(".chart")
    expect(chart).to_have_attribute("aria-label", re.compile(r"deploy 4\.2 at"))
    first = site.ask("GET", "/v1/annotations")["annotations"][0]
    click(page, 402)
    expect(page.get_by_label("Title")).to_have_value("deploy 4.2")
    page.get_by_label("Title").fill("deploy 4.3")
    page.get_by_label("Only on").check()
    page.get_by_role("button", name="Save").click()
    expect(notes).to_contain_text("deploy 4.3")
    PICTURES.mkdir(exist_ok=True)
    page.screenshot(path=PICTURES / "stat-note.png", full_page=True)
    changed = site.ask("GET", "/v1/annotations")["annotations"][0]
    assert (changed["id"], changed["at"]) == (first["id"], first["at"])
    assert changed["stats"] == ["st_1"]
    notes.get_by_role("button", name="Remove deploy 4.3").click()
    expect(notes).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(notes).to_contain_text("deploy 4.3")


def test_a_note_of_a_wrong_span_is_refused_where_it_was_written(site: Site) -> None:
    site.send(ITEM)
    page = site.page("/stats/st_1?range=6h")
    page.get_by_role("button", name="Note", exact=True).click()
    page.get_by_label("Title").fill("backwards")
    page.get_by_label("Until").fill("2001-01-01T00:00")
    page.get_by_role("button", name="Note it").click()
    expect(page.locator("dialog .fault").first).to_be_visible()
    # The refusal itself is in the console of every browser.
    site.faults[:] = [one for one in site.faults if "422" not in one]


def test_limits_and_firing_are_drawn_and_can_be_hidden(site: Site) -> None:
    site.send(ITEM)
    site.ask("POST", "/v1/alerts", json=RULE | {"name": "Failures"})
    site.send(ITEM)
    page = site.page("/stats/st_1?range=15m", color_scheme="light")
    chart = page.locator(".chart")
    expect(chart).to_have_attribute("aria-label", re.compile(r"Limit 10\. An alert fired once"))
    assert page.evaluate(REDDISH) > 0
    alerts = page.get_by_role("region", name="Alerts")
    expect(
        alerts.get_by_role("row", name=re.compile(r"firing Failures sum in 15m"))
    ).to_be_visible()
    PICTURES.mkdir(exist_ok=True)
    page.screenshot(path=PICTURES / "stat-firing.png", full_page=True)
    page.get_by_role("checkbox", name="Alerts").uncheck()
    expect(chart).not_to_have_attribute("aria-label", re.compile(r"Limit"))
    # The canvas is painted after what is said of it.
    page.wait_for_function(f"({REDDISH})() === 0")


def test_percentiles_are_drawn_beside_each_other(site: Site) -> None:
    site.send({"stat": "latency", "value": 12, "type": "value"})
    page = site.page("/stats/st_1?range=6h")
    chart = page.locator(".chart")
    expect(chart).to_have_attribute("aria-label", re.compile(r"avg: last 12"))
    for name in ("p50", "p95", "p99"):
        page.get_by_role("button", name=name, exact=True).click()
        expect(chart).to_have_attribute("aria-label", re.compile(rf"{name}: last 1[12]"))


def test_a_first_point_is_seen_before_its_bucket_is_over(site: Site) -> None:
    site.send(ITEM)
    page = site.page("/stats/st_1?range=6h", color_scheme="light")
    expect(page.locator(".chart")).to_have_attribute("aria-label", re.compile(r"last 12"))
    page.wait_for_function(f"({BLUISH})() > 0")


def click(page: Page, x: int) -> None:
    """Click so far from the left of the chart, again if the page was still moving."""
    for _ in range(CLICKS_MAX):
        page.locator(".chart .u-over").click(position={"x": x, "y": 60})
        with suppress(Error):
            page.get_by_role("dialog").wait_for(timeout=5_000)
            return
    raise AssertionError(f"{CLICKS_MAX} clicks opened no dialog")
