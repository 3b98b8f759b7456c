"""What people change about themselves and their account."""

import re
from collections.abc import Generator
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.conftest import EMAIL, PASSWORD, PICTURES, Site, open_site, signed_up

pytestmark = [pytest.mark.slow, pytest.mark.real]

OTHER = "another that nobody guesses either"


@pytest.fixture
def sold(chromium: Browser, tmp_path: Path) -> Generator[Site]:
    """A server whose accounts begin on the smallest plan and may pay for another."""
    stripe = "--stripe-key", "sk_test_none", "--stripe-webhook-secret", "whsec_none"
    with open_site(chromium, tmp_path / "data", "--default-plan", "free", *stripe) as one:
        yield one


def test_the_password_is_changed_and_the_old_one_is_worthless(site: Site) -> None:
    page = signed_up(site)
    page.goto(site.address + "/settings/profile")
    page.get_by_label("Current password").fill("wrong")
    page.get_by_label("New password").fill(OTHER)
    page.get_by_role("button", name="Change the password").click()
    expect(page.locator(".card .fault")).to_be_visible()
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_text("The password is changed")).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    log_in(page, PASSWORD)
    expect(page.locator(".door .fault")).to_be_visible()
    log_in(page, OTHER)
    expect(page.get_by_role("button", name="Log out")).to_be_visible()
    expected(site, "401", "403")


def test_a_second_factor_is_set_up_asked_for_and_switched_off(site: Site) -> None:
    page = signed_up(site)
    page.goto(site.address + "/settings/profile")
    page.get_by_role("button", name="Set up an app").click()
    expect(page.get_by_role("img", name="QR code").locator("path")).to_have_attribute(
        "d", re.compile(r"M4 4h1v1h-1z")
    )
    PICTURES.mkdir(exist_ok=True)
    page.screenshot(path=PICTURES / "second-factor.png")
    secret = page.locator("dialog code").inner_text()
    page.get_by_label("The code that the app shows").fill("000000")
    page.get_by_role("button", name="Ask for codes").click()
    expect(page.locator("dialog .fault")).to_be_visible()
    code = pyotp.TOTP(secret).now()
    page.get_by_label("The code that the app shows").fill(code)
    page.get_by_role("button", name="Ask for codes").click()
    recovery = page.locator("dialog pre").inner_text().splitlines()
    assert len(recovery) > 1
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_text("Log-in asks for a code of your app.")).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    log_in(page, PASSWORD)
    page.get_by_label("Code of your app").fill(recovery[0])
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.get_by_role("button", name="Log out")).to_be_visible()
    page.goto(site.address + "/settings/profile")
    page.get_by_role("button", name="Switch off the second factor").click()
    page.get_by_role("button", name="really").click()
    expect(page.get_by_text("Log-in asks for the password alone.")).to_be_visible()
    expected(site, "401", "403", "422")


def test_what_the_password_opens_asks_for_it_once_more(site: Site) -> None:
    page = signed_up(site)
    page.goto(site.address + "/settings/profile")
    answers = iter((True, False))

    def later(route: Route) -> None:
        """As ten minutes after logging in."""
        if next(answers):
            body = '{"code": "reauthentication_required", "detail": "…", "status": 403}'
            route.fulfill(status=403, body=body, content_type="application/problem+json")
        else:
            route.continue_()

    page.route("**/v1/auth/totp", later)
    page.get_by_role("button", name="Set up an app").click()
    page.get_by_role("dialog").get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    expected(site, "403")


def test_an_address_is_asked_to_confirm_itself(site: Site) -> None:
    page = signed_up(site)
    page.goto(site.address + "/settings/profile")
    page.get_by_label("E-mail").fill("ada@example.org")
    page.get_by_role("button", name="Change it").click()
    expect(page.get_by_text("Check your mail")).to_be_visible()


def test_a_viewer_is_offered_what_a_viewer_may(site: Site) -> None:
    owner = signed_up(site)
    owner.goto(site.address + "/settings/members")
    owner.get_by_role("button", name="Invite somebody").click()
    owner.get_by_role("button", name="Invite", exact=True).click()
    link = owner.locator("dialog pre").inner_text()
    page = site.page(link.removeprefix(site.address), known=False)
    page.get_by_label("E-mail").fill("grace@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Join").click()
    page.get_by_role("link", name="Settings").click()
    expect(page.get_by_role("heading", name="Second factor")).to_be_visible()
    expect(page.get_by_role("link", name="API keys")).to_have_count(0)
    page.get_by_role("link", name="Members").click()
    expect(page.get_by_text("viewer: may look")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile(r"Invite|Remove"))).to_have_count(0)
    for path in ("/dashboards", "/alerts", "/alerts/channels", "/alerts/silences"):
        page.goto(site.address + path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.locator("main button.primary")).to_have_count(0)


def test_the_plan_shows_what_is_used_and_where_to_pay(sold: Site) -> None:
    sold.send(*({"stat": f"web.{n}", "value": 1, "type": "counter"} for n in range(20)))
    page = sold.page("/settings/plan")
    expect(page.get_by_role("heading", name="The plan is free")).to_be_visible()
    meter = page.get_by_role("meter", name="stats used")
    expect(meter).to_have_attribute("aria-valuenow", "20")
    # What was committed counts; the page is asked until it is.
    days = page.get_by_role("list", name="Points of each day")
    while not days.is_visible():
        page.reload()
        page.wait_for_load_state("networkidle")
    PICTURES.mkdir(exist_ok=True)
    page.screenshot(path=PICTURES / "plan.png", full_page=True)
    page.get_by_role("button", name="Change to business").click()
    expect(page.get_by_text("business is given by whoever runs the server")).to_be_visible()
    paid = f'{{"plan": "free", "url": "{sold.address}/docs"}}'
    page.route(
        "**/v1/plan",
        lambda route: (
            route.fulfill(body=paid, content_type="application/json")
            if route.request.method == "POST"
            else route.continue_()
        ),
    )
    page.get_by_role("button", name="Change to pro").click()
    expect(page).to_have_url(re.compile(r"/docs"))
    expected(sold, "403", "409", "422")


def test_without_a_way_to_pay_the_plan_is_only_shown(site: Site) -> None:
    page = site.page("/settings/plan")
    expect(page.get_by_text("Whoever runs this server changes plans.")).to_be_visible()
    expect(page.get_by_role("cell", name="yours")).to_be_visible()
    expect(page.get_by_role("button", name="Change to")).to_have_count(0)


def log_in(page: Page, password: str) -> None:
    """Say who one is."""
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in", exact=True).click()


def expected(site: Site, *statuses: str) -> None:
    """Refusals that a test meant are in the console of every browser."""
    site.faults[:] = [one for one in site.faults if not any(f" {s} " in one for s in statuses)]
