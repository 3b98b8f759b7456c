"""A pasted link becomes a frame where the owner allows frames, else a title; others are nothing."""

from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from api.http.routes.oembed import HEIGHT, WIDTH
from tests.api.http.harness import Answer, Server, serving
from tests.api.http.test_dashboards import made
from tests.api.http.test_shared import share

SITE = "https://blog.example"
FRAMED = {"origins": [SITE]}


async def asked(server: Server, url: str, **more: object) -> Answer:
    query = {"url": url, **{name: str(value) for name, value in more.items()}}
    return await server.send("GET", "/v1/oembed", key=None, query=query)


async def shared(server: Server, **wanted: object) -> dict[str, Any]:
    return await share(server, (await made(server, title='<b> & "x"'))["id"], **wanted)


async def test_a_link_is_a_title_where_no_frame_is_allowed() -> None:
    async with serving() as server:
        answer = await asked(server, (await shared(server))["url"])
        assert answer.json == {
            "version": "1.0", "type": "link", "title": '<b> & "x"', "provider_name": "StatFlow",
            "provider_url": "http://stats.example", "cache_age": 300,
        }  # fmt: skip
        assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("which", ["url", "embed_url"])
async def test_a_link_is_a_frame_where_sites_are_named(which: str) -> None:
    async with serving() as server:
        kept = await shared(server, **FRAMED)
        told = (await asked(server, kept[which])).json
        assert (told["type"], told["width"], told["height"]) == ("rich", WIDTH, HEIGHT)
        assert told["html"] == (
            f'<iframe src="{kept["embed_url"]}" title="&lt;b&gt; &amp; &quot;x&quot;"'
            f' width="{WIDTH}" height="{HEIGHT}" loading="lazy" sandbox="allow-scripts"></iframe>'
        )
        small = (await asked(server, kept[which], maxwidth=300, maxheight=9_000)).json
        assert (small["width"], small["height"]) == (300, HEIGHT)
        assert 'width="300"' in small["html"]


async def test_a_page_says_where_to_ask() -> None:
    async with serving() as server:
        link = (await shared(server, **FRAMED))["url"]
        page = await server.send("GET", urlsplit(link).path, key=None)
        where, _, kind = page.headers["link"].partition(">; ")
        assert kind == 'rel="alternate"; type="application/json+oembed"'
        found = urlsplit(where.removeprefix("<"))
        assert found.path == "/v1/oembed"
        assert parse_qs(found.query) == {"url": [link]}
        hostile = await server.send("GET", "/p/" + quote('x">y'), key=None)
        assert '"' not in hostile.headers["link"].partition(">; ")[0]


@pytest.mark.parametrize(
    "url",
    [
        "http://stats.example/p/none", "http://stats.example/p/", "http://stats.example", "",
        "https://stats.example/p/{token}", "http://other.example/p/{token}", "p/{token}",
        "http://stats.example/x/{token}", "http://stats.example/p/{token}/x", "http://[", "{token}",
        "http://stats.example/p/{token}%00", "http://stats.example/p/ü",
    ],
)  # fmt: skip
async def test_what_is_no_link_of_ours_is_nothing(url: str) -> None:
    async with serving() as server:
        token = (await shared(server, **FRAMED))["token"]
        answer = await asked(server, url.replace("{token}", token))
        assert (answer.status, answer.code) == (404, "not_found")


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"format": "xml"}, "parameter_invalid"), ({"maxwidth": 0}, "parameter_invalid"),
        ({"maxheight": "x"}, "parameter_invalid"), ({"width": 300}, "unknown_parameter"),
    ],
)  # fmt: skip
async def test_what_cannot_be_is_refused(more: dict[str, object], code: str) -> None:
    async with serving() as server:
        answer = await asked(server, (await shared(server))["url"], **more)
        assert (answer.status, answer.code) == (422, code)
