"""The pages show a stat of whoever has logged in, where an example asks; nobody else's."""

import re

import pytest
from trio.testing import MockClock

from api.http.docs.own import EXAMPLE_STAT, PLAIN
from tests.api.http.browser import Browser
from tests.api.http.harness import Server, serving


async def count(browser: Browser, name: str) -> None:
    point = {"stat": name, "value": 1, "type": "counter"}
    assert (await browser.send("POST", "/v1/ingest", point)).status == 202


async def shown(browser: Browser, path: str) -> str:
    answer = await browser.send("GET", path)
    assert answer.status == 200
    return answer.body.decode()


def asked(page: str) -> set[str]:
    """The stats that the examples of a page ask for."""
    return set(re.findall(r"[?](?:q|stat)=([\w.-]+)", page))


async def signed_up(server: Server, email: str) -> Browser:
    browser = Browser(server)
    assert (await browser.sign_up(email)).status == 201
    return browser


async def test_examples_ask_for_ones_own_stat(autojump_clock: MockClock) -> None:
    async with serving() as server:
        ann, bob = await signed_up(server, "ann@example.org"), await signed_up(server, "b@e.org")
        assert asked(await shown(ann, "/docs")) == {EXAMPLE_STAT}
        await count(ann, "shop.orders")
        page = await shown(ann, "/docs")
        assert asked(page) == {"shop.orders"}
        # What sends is as it was: a copied command must not count in a stat that is relied on.
        assert '{"stat":"my_first_metric","value":1' in page.replace("&quot;", '"')
        stat = (await ann.send("GET", "/v1/stats")).json["stats"][0]["id"]
        reference = await shown(ann, "/docs/reference")
        assert f"/v1/stats/{stat}/data?" in reference
        assert re.search(r"-X DELETE \S+/v1/stats/st_1\b", reference)
        assert asked(await shown(bob, "/docs")) == {EXAMPLE_STAT}
        answer = await server.send("GET", "/docs")
        assert asked(answer.body.decode()) == {EXAMPLE_STAT}, "a key shows nothing either"


async def test_a_name_that_needs_quotes_is_passed_over(autojump_clock: MockClock) -> None:
    async with serving() as server:
        ann = await signed_up(server, "ann@example.org")
        for name in ("<script>", "two words", "größe", "$(reboot)", "-x"):
            await count(ann, name)
        assert asked(await shown(ann, "/docs")) == {EXAMPLE_STAT}


@pytest.mark.parametrize("name", ["a", "page.views", "x_1-2.y", "7"])
def test_names_that_anything_takes(name: str) -> None:
    assert PLAIN.fullmatch(name)
