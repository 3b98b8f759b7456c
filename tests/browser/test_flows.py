"""What people do with the pages, one test a way."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Site

pytestmark = [pytest.mark.slow, pytest.mark.real]

ITEM = {"stat": "orders", "value": 3, "type": "counter"}


def test_a_newcomer_pastes_a_key_and_sees_the_first_point_arrive(site: Site) -> None:
    page = site.page("/", known=False)
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    page.get_by_role("button", name="Use an API key").click()
    page.get_by_label("API key").fill(site.key)
    page.get_by_role("button", name="Look").click()
    expect(page.get_by_role("heading", name="Send the first point")).to_be_visible()
    expect(page.locator("pre")).to_contain_text(f"Bearer {site.key}")
    site.send({**ITEM, "stat": "my_first_metric"})
    expect(page.get_by_role("heading", name="my_first_metric")).to_be_visible()
    expect(page.locator(".chart canvas")).to_be_visible()


def test_a_key_that_is_none_is_refused_in_words(site: Site) -> None:
    page = site.page("/login", known=False)
    page.get_by_role("button", name="Use an API key").click()
    page.get_by_label("API key").fill("sf_wrong")
    page.get_by_role("button", name="Look").click()
    expect(page.get_by_text("There is no such key")).to_be_visible()
    # The refusal itself is in the console of every browser.
    site.faults[:] = [one for one in site.faults if "401" not in one]


def test_a_stat_moves_while_one_looks(site: Site) -> None:
    site.send(ITEM)
    page = site.page("/stats/st_1?range=15m")
    total = page.locator(".figure b")
    expect(total).to_have_text("3")
    chart = page.locator(".chart")
    expect(chart).to_have_attribute("aria-label", re.compile(r"last 3|last 0"))
    site.send({**ITEM, "value": 40})
    expect(chart).to_have_attribute("aria-label", re.compile(r"to 4[03]"))


def test_stats_are_found_by_name_and_by_keyboard(site: Site) -> None:
    site.send(*({**ITEM, "stat": name} for name in ("web.eu", "web.us", "db.eu")))
    page = site.page("/stats")
    expect(page.locator("tbody tr")).to_have_count(3)
    page.keyboard.press("/")
    page.keyboard.type("web.*")
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page).to_have_url(re.compile(r"q=web"))
    page.reload()
    expect(page.locator("tbody tr")).to_have_count(2)


def test_what_was_deleted_comes_back_with_undo(site: Site) -> None:
    site.send(ITEM)
    page = site.page("/stats/st_1")
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", name="orders")).to_be_visible()
    assert site.ask("GET", "/v1/stats/st_1")["state"] == "live"


def test_a_stat_gets_another_name_and_a_unit(site: Site) -> None:
    site.send(ITEM)
    page = site.page("/stats/st_1")
    page.get_by_role("button", name="Edit").click()
    page.get_by_label("Name").fill("orders.all")
    page.get_by_label("Unit").fill("pcs")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="orders.all")).to_be_visible()
    expect(page.locator(".figure b")).to_have_text("3 pcs")


def test_a_drag_zooms_and_the_back_button_zooms_out(site: Site) -> None:
    site.send(ITEM)
    page = site.page("/stats/st_1?range=24h")
    over = page.locator(".chart .u-over")
    box = over.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 200, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 500, box["y"] + 60, steps=5)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"from=\d+&to=\d+"))
    page.go_back()
    expect(page).to_have_url(re.compile(r"range=24h"))


def test_a_key_is_made_seen_once_and_revoked(site: Site) -> None:
    page = site.page("/settings/keys")
    page.get_by_role("button", name="New key").click()
    page.get_by_label("Name", exact=True).fill("ci")
    page.get_by_role("button", name="Make it").click()
    shown = page.locator("dialog pre").inner_text()
    assert re.fullmatch(r"sf_[0-9A-Za-z]{46}", shown)
    page.get_by_role("button", name="Copy the key").click()
    assert page.evaluate("navigator.clipboard.readText()") == shown
    page.get_by_role("button", name="Close").click()
    row = page.get_by_role("row", name=re.compile(r"ci"))
    row.get_by_role("button", name="Revoke").click()
    row.get_by_role("button", name="really").click()
    expect(row).to_have_count(0)


def test_a_board_is_made_arranged_by_keys_shared_and_taken_back(site: Site) -> None:
    site.send(ITEM, {**ITEM, "stat": "visits"})
    page = site.page("/dashboards")
    page.get_by_role("button", name="New dashboard").click()
    page.get_by_label("Title").fill("Shop")
    page.get_by_role("button", name="Make it").click()
    expect(page.locator(".panel")).to_have_count(2)
    page.get_by_role("button", name="Edit").click()
    grip = page.locator(".grip[aria-label^='Move orders']")
    grip.press("Shift+ArrowRight")
    grip.press("ArrowRight")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    board = page.url.rpartition("/")[2]
    kept = site.ask("GET", f"/v1/dashboards/{board}")["board"]["panels"]
    assert next(one for one in kept if one["title"] == "orders")["place"]["w"] == 9
    page.get_by_role("button", name="Share").click()
    page.get_by_role("button", name="Make a link").click()
    link = page.locator("dialog pre").first.inner_text()
    private = site.page(link.removeprefix(site.address), known=False)
    expect(private.get_by_role("heading", name="Shop")).to_be_visible()
    expect(private.locator(".panel canvas")).to_have_count(2)
    page.get_by_role("button", name="Revoke").click()
    expect(private.get_by_text("no such link")).to_be_visible()
    site.faults[:] = [one for one in site.faults if "404" not in one]


def test_a_board_of_new_stats_looks_at_their_minutes(site: Site) -> None:
    site.send(ITEM)
    page = site.page("/dashboards")
    page.get_by_role("button", name="New dashboard").click()
    page.get_by_label("Title").fill("Shop")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("button", name="15m", pressed=True)).to_be_visible()
    page.get_by_role("button", name="Edit").click()
    page.get_by_role("button", name="Panel", exact=True).click()
    page.get_by_label("Title", exact=True).fill("written")
    page.get_by_label("Stats", exact=True).fill("orders")
    page.get_by_label("Limits").fill("0")
    page.get_by_role("button", name="Done").click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    kept = site.ask("GET", f"/v1/dashboards/{page.url.rpartition('/')[2]}")["board"]["panels"]
    written = next(one for one in kept if one["title"] == "written")
    assert (written["stats"], written["thresholds"]) == (["orders"], [0])


def test_a_file_that_is_no_board_is_refused_in_words_and_may_be_mended(
    site: Site, tmp_path: Path
) -> None:
    page = site.page("/dashboards")
    file = tmp_path / "board.json"
    file.write_text("{", encoding="utf-8")
    page.get_by_label("A board as a file").set_input_files(file)
    expect(page.get_by_text("The file is no JSON")).to_be_visible()
    file.write_text('{"title": "Mended"}', encoding="utf-8")
    page.get_by_label("A board as a file").set_input_files(file)
    expect(page.get_by_role("heading", name="Mended")).to_be_visible()


def test_two_who_change_a_board_do_not_overwrite_each_other(site: Site) -> None:
    made = site.ask("POST", "/v1/dashboards", json={"title": "Mine"})
    page = site.page(f"/dashboards/{made['id']}")
    page.get_by_role("button", name="Edit").click()
    site.ask("PUT", f"/v1/dashboards/{made['id']}", json={"title": "Theirs"})
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Somebody changed it meanwhile")).to_be_visible()
    expect(page.get_by_role("heading", name="Theirs")).to_be_visible()
    site.faults[:] = [one for one in site.faults if "412" not in one]


def test_stats_are_explored_over_each_other(site: Site) -> None:
    site.send(ITEM, {**ITEM, "stat": "visits", "value": 6})
    page = site.page("/explore?range=1h")
    for name in ("orders", "visits"):
        page.get_by_label("Add a stat or a pattern").fill(name)
        page.keyboard.press("Enter")
    page.get_by_label("Formula").fill("a / b * 100")
    page.get_by_role("button", name="Draw").click()
    expect(page.locator(".legend-list li")).to_have_count(1)
    expect(page.locator(".chart")).to_have_attribute("aria-label", re.compile(r"last 50"))


def test_the_theme_is_kept(site: Site) -> None:
    page = site.page("/settings/shown")
    page.get_by_role("button", name="Dark", exact=True).click()
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_people_sign_up_look_around_log_out_and_come_back(site: Site) -> None:
    page = site.page("/signup", known=False)
    page.get_by_label("E-mail").fill("ada@example.com")
    page.get_by_label("Password").fill("a sentence that nobody guesses")
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", name="Send the first point")).to_be_visible()
    page.get_by_role("button", name="Put a new key into it").click()
    expect(page.locator("pre")).to_contain_text(re.compile(r"Bearer sf_[0-9A-Za-z]{46}"))
    page.goto(site.address + "/settings/sessions")
    expect(page.get_by_text("this one")).to_be_visible()
    page.goto(site.address + "/settings/members")
    expect(page.get_by_text("ada@example.com").first).to_be_visible()
    page.goto(site.address + "/settings/audit")
    expect(page.get_by_text("sign up").first).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    page.get_by_label("E-mail").fill("ada@example.com")
    page.get_by_label("Password").fill("a sentence that nobody guesses")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("button", name="Log out")).to_be_visible()
