"""The interface described: `/openapi.json` for programs, `/docs` for people.

The description is made when it is first asked for and kept; it changes only with the program.
"""

import re
from collections.abc import Callable, Sequence
from functools import cache, partial
from importlib.metadata import version
from importlib.resources import files
from typing import Any, Final

import msgspec

from api.http.docs.markdown import anchor, headings, inline, to_html
from api.http.docs.own import about, own_stat
from api.http.docs.reference import reference
from api.http.messages import JSON, Header, Reply, reply
from api.http.openapi import describe
from api.http.openapi_schemas import Json
from api.http.pages import STYLE_PATH, page, page_reply
from api.http.route import Call, Nothing, Route
from engine.stats import public_id

AnyRoute = Route[Any, Any]

CSS: Final = b"text/css; charset=utf-8"
KEPT: Final[Header] = (b"cache-control", b"public, max-age=300")
"""Nothing of an account stands in it, so it may be kept for five minutes."""

NEEDS: Final = re.compile(r"<!-- needs (.+?) -->\n")
"""Below the title of a section: the route that it is about."""

EXAMPLE_ADDRESS: Final = "http://127.0.0.1:8080"
"""The server in the guide; readers see their own."""


def routes_describing(others: Sequence[AnyRoute]) -> tuple[AnyRoute, ...]:
    """The routes that describe the others and themselves."""
    described: list[AnyRoute] = [*others]
    description = cache(partial(describe, described, version("statflow")))
    mine: tuple[AnyRoute, ...] = (
        Route(
            "GET", "/openapi.json", "This description", None, {200: "application/json"},
            Nothing, Nothing, partial(openapi, cache(lambda: msgspec.json.encode(description()))),
        ),
        Route(
            "GET", "/docs", "The guide", None, {200: "text/html"},
            Nothing, Nothing, partial(guide, cache(partial(addresses, described))),
        ),
        Route(
            "GET", "/docs/reference", "Every route", None, {200: "text/html"},
            Nothing, Nothing, partial(all_routes, description),
        ),
        Route(
            "GET", STYLE_PATH, "The style sheet", None, {200: "text/css"},
            Nothing, Nothing, style,
        ),
    )  # fmt: skip
    described.extend(mine)
    return mine


async def openapi(encoded: Callable[[], bytes], call: Call[Nothing, Nothing]) -> Reply:
    """The interface as OpenAPI 3.1; programs and tests can be made from it."""
    return reply(call.request.id, 200, JSON, encoded(), [KEPT])


async def guide(known: Callable[[], frozenset[str]], call: Call[Nothing, Nothing]) -> Reply:
    """How to begin, with examples that work here; for whoever has logged in, with their stats."""
    text = offered(guide_text(), known()).replace(EXAMPLE_ADDRESS, call.context.public_url)
    text = about(await own_stat(call.context, call.request), text)
    entries = "".join(
        f'<li><a href="#{anchor(one)}">{inline(one)}</a></li>' for one in headings(text, 2)
    )
    first, rest = text.split("\n## ", 1)
    body = f'{to_html(first)}\n<ul class="contents">{entries}</ul>\n{to_html("## " + rest)}'
    html = page("StatFlow guide", body)
    return page_reply(call.request.id, call.context.public_url, 200, html)


async def all_routes(description: Callable[[], Json], call: Call[Nothing, Nothing]) -> Reply:
    """Every route with what it takes and what it may answer."""
    stat = await own_stat(call.context, call.request)
    own = None if stat is None else public_id(stat.id)
    html = page("StatFlow reference", reference(description(), call.context.public_url, own))
    return page_reply(call.request.id, call.context.public_url, 200, html)


async def style(call: Call[Nothing, Nothing]) -> Reply:
    """The style sheet of every page."""
    return reply(call.request.id, 200, CSS, _text("style.css").encode(), [KEPT])


def addresses(routes: Sequence[AnyRoute]) -> frozenset[str]:
    """Method and path of every route."""
    return frozenset(f"{route.method} {route.path}" for route in routes)


def offered(text: str, known: frozenset[str]) -> str:
    """The guide without the sections about what this server does not have."""
    first, *sections = text.split("\n## ")
    found = [first]
    for section in sections:
        title, _, rest = section.partition("\n")
        needed = NEEDS.match(rest)
        if needed is None or needed[1] in known:
            found.append(f"{title}\n{rest[needed.end() :] if needed else rest}")
    return "\n## ".join(found)


def guide_text() -> str:
    """The guide as it is written."""
    return _text("guide.md")


@cache
def _text(name: str) -> str:
    return files("api.http.docs").joinpath(name).read_text(encoding="utf-8")
