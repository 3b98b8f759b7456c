"""Names and texts of users are text, wherever they are shown."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Site

pytestmark = [pytest.mark.slow, pytest.mark.real]

CORPUS = (
    "<script>window.__ran = 1</script>",
    '"><img src=x onerror="window.__ran=1">',
    "<svg onload=window.__ran=1>",
    "javascript:window.__ran=1",
    "{{constructor.constructor('window.__ran=1')()}}",
    "<style>@import'//evil.example'</style>",
    "'; window.__ran=1; //",
    "<iframe srcdoc='<script>parent.__ran=1</script>'>",
)

POLICY_WATCH = """
window.__blocked = [];
document.addEventListener('securitypolicyviolation', (event) => {
  window.__blocked.push(event.violatedDirective + ' ' + event.blockedURI);
});
"""


def test_what_users_write_is_shown_as_text_everywhere(site: Site) -> None:
    site.send(*({"stat": text, "value": 1, "type": "counter"} for text in CORPUS))
    panels = [
        {
            "id": f"p{index}", "kind": kind, "title": text, "text": text, "unit": "<b>x</b>",
            "place": {"x": (index % 4) * 6, "y": index // 4 * 6, "w": 6, "h": 6}, "stats": ["*"],
        }
        for index, (text, kind) in enumerate(
            zip(CORPUS, ("line", "area", "bars", "number", "table", "heat", "text", "gauge"),
                strict=True)
        )
    ]  # fmt: skip
    board = {"title": CORPUS[0], "description": CORPUS[1], "panels": panels}
    made = site.ask("POST", "/v1/dashboards", json=board)
    link = site.ask("POST", f"/v1/dashboards/{made['id']}/shares", json={})
    for text in CORPUS[:3]:
        site.ask("POST", "/v1/auth/api-keys", json={"name": text, "scopes": ["read"]})
    alert = watched(site)
    paths = (
        "/stats", "/stats/st_1", "/stats/st_2?range=1h", "/explore?s=*", "/dashboards",
        f"/dashboards/{made['id']}", f"/p/{link['token']}", "/settings/keys",
        "/alerts", f"/alerts/{alert}", "/alerts/channels", "/alerts/silences", "/alerts/deliveries",
        "/stats?q=<script>window.__ran=1</script>", "/login?then=javascript:window.__ran=1",
    )  # fmt: skip
    for path in paths:
        page = site.page("/stats")
        page.context.add_init_script(POLICY_WATCH)
        page.goto(site.address + path)
        expect(page.locator("h1").first).to_be_visible()
        page.wait_for_load_state("load")
        page.wait_for_timeout(400)
        assert page.evaluate("window.__ran") is None, path
        assert page.evaluate("window.__blocked") == [], path
        assert page.locator("main script, main iframe, main img").count() == 0, path
        page.context.close()


def watched(site: Site) -> str:
    """An alert, its channel, a silence and a note, with texts that would like to run."""
    channel = {"type": "webhook", "name": CORPUS[0], "url": "https://example.com/<svg/onload=x>"}
    told = site.ask("POST", "/v1/channels", json=channel)["id"]
    rule = {
        "name": CORPUS[1], "kind": "threshold", "match": "*", "op": ">", "threshold": 0,
        "message": CORPUS[0], "labels": {CORPUS[2]: CORPUS[3]}, "channels": [told],
    }  # fmt: skip
    made: str = site.ask("POST", "/v1/alerts", json=rule)["id"]
    site.send(*({"stat": text, "value": 1, "type": "counter"} for text in CORPUS))
    site.ask("POST", f"/v1/alerts/{made}/ack", json={"note": CORPUS[2], "stat": CORPUS[0]})
    quiet = {"match": CORPUS[4], "for": "2h", "note": CORPUS[1]}
    site.ask("POST", "/v1/silences", json=quiet)
    note = {"title": CORPUS[0], "text": CORPUS[1], "tags": [CORPUS[2], CORPUS[6]]}
    site.ask("POST", "/v1/annotations", json=note)
    return made


def test_another_site_is_no_place_to_go_after_logging_in(site: Site) -> None:
    page = site.page("/login?then=//evil.example/", known=False)
    page.get_by_role("button", name="Use an API key").click()
    page.get_by_label("API key").fill(site.key)
    page.get_by_role("button", name="Look").click()
    expect(page.get_by_role("heading", name="Send the first point")).to_be_visible()
    assert page.url.startswith(site.address)
