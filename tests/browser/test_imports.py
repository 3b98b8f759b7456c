"""Imports, as people who come from StatHat use them."""

import re

import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect

from tests.api.importing.dumps import a_dump, zipped
from tests.browser.conftest import PICTURES, Site

pytestmark = [pytest.mark.slow, pytest.mark.real]


def test_a_dump_is_tried_imported_and_taken_back(site: Site) -> None:
    page = site.page("/settings/import")
    broken: dict[str, bytes | str] = {"export/data/broken.csv": "nonsense"}
    choose(page, "dump.zip", zipped(a_dump() | broken))
    page.get_by_role("button", name="Try it first").first.click()
    trial = row(page, "trial done")
    expect(trial).to_contain_text(re.compile(r"\d+ stats \(\d+ new\), \d+ buckets"))
    assert site.ask("GET", "/v1/stats")["stats"] == []
    # The file is still chosen: the import itself is one click more.
    page.get_by_role("button", name="Import", exact=True).first.click()
    done = row(page, "done")
    expect(done).to_contain_text("dump.zip")
    done.locator("summary").click()
    expect(done.get_by_role("listitem")).to_contain_text("broken.csv")
    PICTURES.mkdir(exist_ok=True)
    page.screenshot(path=PICTURES / "imports.png", full_page=True)
    names = {one["name"] for one in site.ask("GET", "/v1/stats")["stats"]}
    assert "page views" in names
    page.get_by_role("button", name="Undo dump.zip").click()
    page.get_by_role("button", name="Undo dump.zip: really").click()
    expect(row(page, "undone")).to_be_visible()
    assert site.ask("GET", "/v1/stats")["stats"] == []


def test_a_lone_csv_is_told_which_stat_it_belongs_to(site: Site) -> None:
    page = site.page("/settings/import")
    choose(page, "visits.csv", b"timestamp,value\n1727740800,5\n1727827200,7\n")
    page.get_by_label("The stat it belongs to").fill("visits")
    page.get_by_role("button", name="Import", exact=True).first.click()
    expect(row(page, "done")).to_contain_text("1 stat (1 new), 2 buckets")


def test_what_is_no_dump_is_refused_with_the_reason(site: Site) -> None:
    page = site.page("/settings/import")
    choose(page, "dump.zip", b"PK\x03\x04 and nothing more")
    page.get_by_role("button", name="Import", exact=True).first.click()
    expect(page.locator(".card .fault")).to_be_visible()
    expect(page.get_by_text("Nothing was imported.")).to_be_visible()
    site.faults[:] = [one for one in site.faults if " 422 " not in one and " 400 " not in one]


def test_another_server_is_asked_with_its_token(site: Site) -> None:
    site.send({"stat": "orders", "value": 3, "type": "counter"})
    token = site.ask("GET", "/v1/stathat")["access_token"]
    page = site.page("/settings/import")
    page.get_by_label("Its address").fill(site.address)
    page.get_by_label("Access token").fill(token)
    page.get_by_role("button", name="Try it first").last.click()
    expect(row(page, "trial done")).to_contain_text("1 stat")


def choose(page: Page, name: str, data: bytes) -> None:
    """Choose a file."""
    payload: FilePayload = {"name": name, "mimeType": "application/octet-stream", "buffer": data}
    page.locator("input[type=file]").set_input_files(payload)


def row(page: Page, state: str) -> Locator:
    """The line of the import in that state."""
    return page.get_by_role("row").filter(has=page.get_by_role("cell", name=state, exact=True))
