"""Links to dashboards in a window of somebody who has nothing else."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site

pytestmark = [pytest.mark.slow, pytest.mark.real]

ITEM = {"stat": "orders", "value": 3, "type": "counter"}


def test_a_link_moves_without_asking_again(site: Site) -> None:
    board, link = shared(site)
    page = window(site, link)
    expect(page.locator(".panel")).to_contain_text("3")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    site.send({**ITEM, "value": 40})
    expect(page.locator(".panel")).to_contain_text("43")
    assert asked == []
    site.ask("PUT", f"/v1/dashboards/{board}", json=panels("Another title"))
    expect(page.get_by_role("heading", name="Another title")).to_be_visible()
    expect(page.locator(".panel")).to_contain_text("43")
    expect(page.get_by_text("live", exact=True)).to_be_visible()


def test_a_revoked_link_shows_nothing_any_more(site: Site) -> None:
    board, link = shared(site)
    page = window(site, link)
    expect(page.locator(".panel")).to_contain_text("3")
    site.ask("DELETE", f"/v1/dashboards/{board}/shares/{link['id']}")
    expect(page.get_by_text("no such link")).to_be_visible()
    # The refusal itself is in the console of every browser.
    site.faults[:] = [one for one in site.faults if "404" not in one]


def test_a_link_comes_back_when_the_network_does(site: Site) -> None:
    _, link = shared(site)
    page = window(site, link)
    expect(page.locator(".panel")).to_contain_text("3")
    page.context.set_offline(offline=True)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    site.send({**ITEM, "value": 40})
    page.context.set_offline(offline=False)
    expect(page.locator(".panel")).to_contain_text("43")
    site.faults[:] = [one for one in site.faults if not re.search(r"ERR_INTERNET|ERR_NET", one)]


def test_a_link_holds_fast_what_was_chosen_and_tells_of_no_alert(site: Site) -> None:
    site.send(ITEM, {**ITEM, "stat": "web.eu", "value": 4}, {**ITEM, "stat": "web.us", "value": 5})
    place = {"x": 0, "y": 6, "w": 8, "h": 6}
    alerts = {"id": "b", "kind": "alerts", "title": "Alerts", "stats": [], "place": place}
    of_site = panels("Shop")
    of_site["panels"][0]["stats"] = ["web.$site"]
    of_site["panels"].append(alerts)
    of_site["variables"] = [{"name": "site", "match": "web.*", "value": "eu"}]
    board = site.ask("POST", "/v1/dashboards", json=of_site)["id"]
    own = site.page(f"/dashboards/{board}?var-site=us")
    expect(own.get_by_text("No alert yet")).to_be_visible()
    own.get_by_role("button", name="Share").click()
    expect(own.get_by_text("site is us")).to_be_visible()
    own.get_by_role("button", name="Make a link").click()
    link = own.locator("dialog pre").first.inner_text()
    page = site.page(link.removeprefix(site.address), known=False)
    expect(page.locator(".panel").first).to_contain_text("5")
    expect(page.get_by_text("whoever has logged in sees")).to_be_visible()
    own.get_by_role("button", name="Make another").click()
    expect(own.get_by_role("button", name="Make a link")).to_be_visible()


def shared(site: Site) -> tuple[str, dict[str, str]]:
    """A board with a number, and a link to it."""
    site.send(ITEM)
    made = site.ask("POST", "/v1/dashboards", json=panels("Shop"))
    return made["id"], site.ask("POST", f"/v1/dashboards/{made['id']}/shares", json={})


def panels(title: str) -> dict[str, Any]:
    """A board with one number."""
    place = {"x": 0, "y": 0, "w": 8, "h": 6}
    panel = {"id": "a", "kind": "number", "title": "", "stats": ["orders"], "place": place}
    return {"title": title, "panels": [panel], "range": "1h"}


def window(site: Site, link: dict[str, str]) -> Page:
    """A private window at the link."""
    return site.page(f"/p/{link['token']}", known=False)
