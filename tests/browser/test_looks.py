"""Every page in light, dark and on a phone: pictures to look at, and what axe finds in them."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PICTURES, Site, signed_up
from tests.source_tree import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.real]

AXE = ROOT / "api" / "web" / "node_modules" / "axe-core" / "axe.min.js"
FORMS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}},
}
SERIOUS = {"serious", "critical"}
WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.mark.parametrize("form", FORMS)
def test_every_page_can_be_read_by_everybody(site: Site, form: str) -> None:
    site.send(
        *({"stat": f"web.{name}", "value": 3, "type": "counter"} for name in ("eu", "us")),
        {"stat": "latency", "value": 81.5, "type": "value"},
    )
    made = site.ask("POST", "/v1/dashboards", json=board())
    link = site.ask("POST", f"/v1/dashboards/{made['id']}/shares", json={})
    alert = watch(site)
    PICTURES.mkdir(exist_ok=True)
    found = []
    for name, path, known in (
        ("login", "/login", False),
        ("stats", "/stats", True),
        ("stat", "/stats/st_1?range=1h", True),
        ("explore", "/explore?s=web.*&range=1h", True),
        ("dashboards", "/dashboards", True),
        ("board", f"/dashboards/{made['id']}", True),
        ("shared", f"/p/{link['token']}", False),
        ("alerts", "/alerts", True),
        ("alert", f"/alerts/{alert['id']}", True),
        ("channels", "/alerts/channels", True),
        ("silences", "/alerts/silences", True),
        ("deliveries", "/alerts/deliveries", True),
        ("keys", "/settings/keys", True),
        ("display", "/settings/shown", True),
        ("plan", "/settings/plan", True),
        ("import", "/settings/import", True),
        ("audit", "/settings/audit", True),
    ):
        page = site.page(path, known=known, **FORMS[form])
        page.wait_for_timeout(1_200)
        page.screenshot(path=PICTURES / f"{name}-{form}.png")
        found += [f"{name}: {fault}" for fault in axe(page, AXE)]
        found += [f"{name}: wider than its window"] * page.evaluate(WIDER)
        page.context.close()
    page = signed_up(site, **FORMS[form])
    page.goto(site.address + "/settings/profile")
    expect(page.get_by_role("heading", name="Second factor")).to_be_visible()
    page.screenshot(path=PICTURES / f"profile-{form}.png")
    found += [f"profile: {fault}" for fault in axe(page, AXE)]
    assert found == []


def watch(site: Site) -> dict[str, Any]:
    """An alert that fires, whom it tells, and when it does not."""
    channel = {"type": "webhook", "name": "ops", "url": "https://example.com/hook"}
    told = site.ask("POST", "/v1/channels", json=channel)
    rule = {"name": "Traffic", "kind": "threshold", "match": "web.*", "window": "15m", "op": ">"}
    made: dict[str, Any] = site.ask(
        "POST", "/v1/alerts", json=rule | {"threshold": 2, "channels": [told["id"]]}
    )
    site.send({"stat": "web.eu", "value": 3, "type": "counter"})
    quiet = {"match": "db.*", "for": "2h", "note": "moving the database", "rrule": "FREQ=DAILY"}
    site.ask("POST", "/v1/silences", json=quiet)
    return made


def board() -> dict[str, Any]:
    """A board with a panel of each kind."""
    kinds = (
        "line", "area", "bars", "number", "gauge", "table", "heat", "text", "distribution",
        "alerts",
    )  # fmt: skip
    panels = [
        {
            "id": kind, "kind": kind, "title": kind, "stats": ["web.*"], "text": "Call first.",
            "place": {"x": index % 4 * 6, "y": index // 4 * 6, "w": 6, "h": 6},
        }
        for index, kind in enumerate(kinds)
    ]  # fmt: skip
    return {"title": "Shop", "panels": panels, "range": "15m"}


def axe(page: Page, script: Path) -> list[str]:
    """What axe finds that is serious; nothing when it is not installed."""
    if not script.exists():
        pytest.skip("no axe-core: npm --prefix api/web ci")
    # Through the debugger: the policy lets nothing else in.
    page.evaluate(script.read_text(encoding="utf-8"))
    report = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:120]}"
        for one in report["violations"]
        if one["impact"] in SERIOUS
    ]
