"""Channels, deliveries, silences and the list of alerts, as people use them."""

import re
import time
from collections.abc import Generator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PICTURES, Site
from tests.browser.hook import Hook, listening_hook

pytestmark = [pytest.mark.slow, pytest.mark.real]

ITEM = {"stat": "orders.failed", "value": 12, "type": "counter"}
RULE = {"kind": "threshold", "stat": "orders.failed", "window": "15m", "op": ">", "threshold": 10}
GONE = 410


@pytest.fixture
def hook() -> Generator[Hook]:
    with listening_hook() as one:
        yield one


def test_a_channel_is_made_tried_changed_and_removed(site: Site, hook: Hook) -> None:
    page = site.page("/alerts/channels")
    page.get_by_role("button", name="New channel").click()
    page.get_by_label("Name").fill("ops")
    page.get_by_label("Address (https)").fill(hook.url)
    page.get_by_role("button", name="Make it").click()
    expect(page.locator("dialog pre")).to_have_text(re.compile(r"whsec_"))
    page.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Test ops").click()
    expect(page.get_by_text("arrived: status 204")).to_be_visible()
    assert b"This is a test message" in hook.bodies[0]
    hook.status = 500
    page.get_by_role("button", name="Test ops").click()
    expect(page.get_by_text("did not arrive: status 500")).to_be_visible()
    PICTURES.mkdir(exist_ok=True)
    page.screenshot(path=PICTURES / "channels.png")
    page.get_by_role("button", name="Edit").click()
    page.get_by_label("Name").fill("operations")
    page.get_by_role("button", name="Save").click()
    row = page.get_by_role("row", name=re.compile(r"operations"))
    row.get_by_role("button", name="Switch off").click()
    expect(row).to_contain_text("the channel is off")
    row.get_by_role("button", name="Remove").click()
    row.get_by_role("button", name="really").click()
    expect(page.get_by_text("No channel")).to_be_visible()


def test_what_was_given_up_is_sent_again(site: Site, hook: Hook) -> None:
    hook.status = GONE
    channel = site.ask("POST", "/v1/channels", json={
        "type": "webhook", "name": "ops", "url": hook.url,
    })  # fmt: skip
    fire(site, channels=[channel["id"]])
    page = site.page("/alerts/deliveries")
    row = page.get_by_role("row", name=re.compile(r"Failures"))
    expect(row).to_contain_text("wants no more")
    page.get_by_role("button", name="Given up").click()
    expect(page).to_have_url(re.compile(r"state=dead"))
    row.locator("summary").click()
    expect(row).to_contain_text("status 410")
    page.screenshot(path=PICTURES / "deliveries.png")
    hook.status = 204
    site.ask("PATCH", f"/v1/channels/{channel['id']}", json={"enabled": True})
    row.get_by_role("button", name="Send again").click()
    page.get_by_role("button", name="Delivered").click()
    expect(row).to_contain_text("ops")


def test_maintenance_comes_again_and_is_seen_in_the_calendar(site: Site) -> None:
    fire(site)
    page = site.page("/alerts/silences", timezone_id="Europe/Paris")
    page.get_by_role("button", name="Hold back").click()
    page.get_by_label("Stats", exact=True).fill("orders.*")
    page.get_by_label("Why").fill("moving the database")
    tomorrow = time.strftime("%Y-%m-%dT23:00", time.gmtime(time.time() + 86_400))
    page.get_by_label("From").fill(tomorrow)
    page.get_by_label("Comes again").select_option("weekly")
    page.get_by_role("button", name="Hold it back").click()
    row = page.get_by_role("row", name=re.compile(r"orders\.\*"))
    expect(row).to_contain_text("every week (Europe/Paris)")
    calendar = page.get_by_role("region", name="Calendar")
    # Over midnight: both days of each week show it.
    assert calendar.get_by_text("from 23:00").count() >= 4
    assert calendar.get_by_text("until 01:00").count() >= 4
    kept = site.ask("GET", "/v1/silences")["silences"][0]
    assert (kept["kind"], kept["tz"]) == ("maintenance", "Europe/Paris")
    page.screenshot(path=PICTURES / "silences.png", full_page=True)
    row.get_by_role("button", name="End").click()
    expect(page.get_by_text("Nothing is held back.")).to_be_visible()


def test_a_rule_that_never_comes_is_refused_beside_its_field(site: Site) -> None:
    page = site.page("/alerts/silences")
    page.get_by_role("button", name="Hold back").click()
    page.get_by_label("What").select_option("everything")
    page.get_by_label("Comes again").select_option("own")
    page.get_by_role("textbox", name="Rule").fill("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30")
    page.get_by_role("button", name="Hold it back").click()
    expect(page.locator(".field .fault")).to_contain_text("never comes")
    # The refusal itself is in the console of every browser.
    site.faults[:] = [one for one in site.faults if "422" not in one]


def test_the_list_is_narrowed_by_state_and_acknowledges(site: Site) -> None:
    fire(site)
    site.ask("POST", "/v1/alerts", json=RULE | {"name": "Calm", "threshold": 1_000})
    page = site.page("/alerts")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_role("button", name="Firing").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("button", name="Acknowledge Failures").click()
    expect(page.get_by_role("cell", name="acknowledged")).to_be_visible()
    page.screenshot(path=PICTURES / "alert-list.png")


def test_one_stat_of_several_is_acknowledged_and_snoozed(site: Site) -> None:
    items = [ITEM | {"stat": f"orders.{name}"} for name in ("eu", "us")]
    site.send(*items)
    rule = {name: value for name, value in RULE.items() if name != "stat"}
    made = site.ask("POST", "/v1/alerts", json=rule | {"name": "Any", "match": "orders.*"})
    site.send(*items)
    page = site.page(f"/alerts/{made['id']}")
    page.get_by_role("button", name="Acknowledge orders.us").click()
    expect(page.get_by_role("button", name="Take back for orders.us")).to_be_visible()
    page.get_by_label("Snooze orders.eu").select_option("1h")
    expect(page.get_by_role("button", name="Wake orders.eu")).to_be_visible()
    states = {one["stat_name"]: one for one in site.ask("GET", "/v1/alerts")["alerts"][0]["states"]}
    assert states["orders.eu"]["acknowledged"] is None
    assert states["orders.us"]["snoozed_until"] is None


def fire(site: Site, **changes: object) -> None:
    """An alert called Failures that fires."""
    site.send(ITEM)
    site.ask("POST", "/v1/alerts", json=RULE | {"name": "Failures"} | changes)
    site.send(ITEM)
