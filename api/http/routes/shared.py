"""Shared dashboards: what whoever has a link may see, and nothing else.

Law: a link answers the panels of its board, with the board's own range, functions and series; no
question of the viewer's reaches the store. No id leaves, no cookie is read, and a link that is
unknown, expired or revoked is the same nothing.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Final
from urllib.parse import quote

import msgspec
import trio
from msgspec import Meta, Struct

from api.accounts.addresses import site_of
from api.accounts.keys import Identity
from api.boards.board import Board, Panel, patterns
from api.boards.images import badge, short, sparkline
from api.boards.kept import Boards, KeptBoard, KeptShare
from api.http.asked import AskedParams
from api.http.context import Context
from api.http.messages import Header, RawReply, RawRequest, Reply, reply
from api.http.pages import POLICY
from api.http.problems import Problem, unavailable
from api.http.readings import Answer
from api.http.route import Call, Nothing, Route
from api.http.routes.distribution import spread_of
from api.http.routes.pages import page
from api.http.routes.query import Drawing, QueryParams, draw
from api.query.distribution import Distribution
from api.query.errors import QueryError
from api.query.reply import Number, numbers
from engine.stats import Kind
from storage.documents import Conflict

DRAWN: Final = frozenset({"line", "area", "bars", "number", "gauge", "table", "heat"})
"""Kinds of panels that show series."""

SPREAD: Final = "distribution"
"""And the kind that shows how values were spread."""

FRESH_MS: Final = 1_000
"""What one viewer was told, others are told for this long: many viewers cost as much as one."""

TOLD_MAX: Final = 256
"""Boards that are remembered for that."""

VIEWS_MS: Final = 10_000
"""Views are written down at most once in this time, in milliseconds."""

POINTS: Final = "400"
SPREAD_POINTS: Final = "120"

OEMBED_PATH: Final = "/v1/oembed"

ANYWHERE: Final[tuple[Header, ...]] = (
    (b"access-control-allow-origin", b"*"),
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"x-robots-tag", b"noindex"),
)


class SharedBoard(Struct, frozen=True):
    """A board as a viewer sees it, with its variables already put in."""

    board: Board


class SharedSeries(Struct, frozen=True):
    """One series of a panel."""

    name: str
    unit: str | None
    type: str | None
    total: int | float | None
    t: list[int]
    value: list[Number]


class SharedSpread(Struct, frozen=True):
    """How values were spread, as `/v1/distribution` says it."""

    t: list[int]
    low: list[Number]
    high: list[Number]
    counts: list[list[int]]


class SharedPanel(Struct, frozen=True):
    """The series of a panel, or how values were spread; `step` is the seconds of a bucket."""

    step: int
    series: list[SharedSeries]
    problem: str | None = None
    spread: SharedSpread | None = None


class SharedData(Struct, frozen=True):
    """All panels of a board by their ids, at one moment (epoch s)."""

    at: int
    panels: dict[str, SharedPanel]


class ImageParams(Struct, frozen=True, forbid_unknown_fields=True):
    """`panel`: which, the first unless given; `width` and `height` of a sparkline in pixels."""

    panel: str | None = None
    width: Annotated[int, Meta(ge=20, le=1_000)] = 120
    height: Annotated[int, Meta(ge=10, le=400)] = 24


async def shared_board(call: Call[Nothing, Nothing]) -> Reply:
    """The board of a link; counts as a view."""
    limit(call.context, call.request)
    share, kept = await shared_of(call.context, call.ids["token"])
    await _count(call.context, share)
    return call.json(200, SharedBoard(_seen(share, kept)), ANYWHERE)


async def shared_data(call: Call[Nothing, Nothing]) -> Reply:
    """The series of every panel of a link's board."""
    limit(call.context, call.request)
    share, kept = await shared_of(call.context, call.ids["token"])
    return call.json(200, await told_of(call, share, kept), ANYWHERE)


async def badge_image(call: Call[ImageParams, Nothing]) -> Reply:
    """The total of a panel's first series, as a badge."""
    panel, shown = await _panel(call)
    one = shown.series[0] if shown.series else None
    unit = panel.unit or (one.unit if one else None)
    text = short(one.total if one else None) + (f" {unit}" if unit and one else "")
    return _image(call, badge(panel.title or (one.name if one else ""), text))


async def sparkline_image(call: Call[ImageParams, Nothing]) -> Reply:
    """A panel's first series as a line."""
    _, shown = await _panel(call)
    values = shown.series[0].value if shown.series else []
    return _image(call, sparkline(values, call.params.width, call.params.height))


async def public_page(context: Context, request: RawRequest) -> Reply:
    """The page of a link; whether there is such a link, its script finds out."""
    answer = await page(context, request)
    assert isinstance(answer, RawReply), "BUG: a page is streamed"
    headers = (*answer.headers, (b"x-robots-tag", b"noindex"), _for_pages(context, request))
    return replace(answer, headers=headers)


async def embedded_page(context: Context, request: RawRequest) -> Reply:
    """The page for a frame on one of the sites that the owner has named."""
    limit(context, request)
    share, _ = await shared_of(context, request.path.rpartition("/")[2])
    if not share.record.origins:
        raise nothing()
    answer = await page(context, request)
    assert isinstance(answer, RawReply), "BUG: a page is streamed"
    origins = " ".join(share.record.origins).encode()
    policy = POLICY.replace(b"frame-ancestors 'none'", b"frame-ancestors " + origins)
    policy += b"; sandbox allow-scripts"
    changed = {
        b"content-security-policy": policy,
        b"cross-origin-resource-policy": b"cross-origin",
        b"x-robots-tag": b"noindex",
        b"cache-control": b"no-store",
    }
    dropped = {*changed, b"cross-origin-opener-policy", b"etag"}
    kept = [header for header in answer.headers if header[0] not in dropped]
    return replace(answer, headers=(*kept, *changed.items()))


def _for_pages(context: Context, request: RawRequest) -> Header:
    """Where a site to which the link is given finds out how to show it."""
    address = context.public_url
    link = quote(address + request.path, safe="")
    text = f'<{address}{OEMBED_PATH}?url={link}>; rel="alternate"; type="application/json+oembed"'
    return b"link", text.encode()


def limit(context: Context, request: RawRequest) -> None:
    """Problem when the address has asked too much: nobody has to say who they are here."""
    site = site_of(context.client_of(request))
    wait_s = context.viewing.asks.take(site, trio.current_time())
    if wait_s:
        raise later("rate_limited", wait_s, "Too many requests for shared dashboards.")


def later(code: str, wait_s: float, detail: str) -> Problem:
    """Come back later; pages of other sites may read it too."""
    problem = unavailable(code, wait_s, detail)
    return Problem(code, problem.detail, headers=(*problem.headers, *ANYWHERE))


async def shared_of(context: Context, token: str) -> tuple[KeptShare, KeptBoard]:
    """The share of a token and its board; Problem when there is none, or no longer."""
    found = None
    if token.startswith("pd_") and len(token) <= 64 and token.isascii():
        found = await Boards(context.documents).shared(token, context.clock.now_ms())
    if found is None:
        raise nothing()
    return found


def nothing() -> Problem:
    """The same for links that never were, have expired or were revoked."""
    return Problem("not_found", "There is no such link, or no longer.", headers=ANYWHERE)


def _seen(share: KeptShare, kept: KeptBoard) -> Board:
    """The board with names instead of variables; which stats the patterns mean stays here."""
    board = kept.record.board
    panels = tuple(msgspec.structs.replace(panel, stats=()) for panel in board.panels)
    values = share.record.variables
    variables = tuple(
        msgspec.structs.replace(one, match="*", value=values.get(one.name, one.value))
        for one in board.variables
    )
    return msgspec.structs.replace(board, panels=panels, variables=variables)


async def told_of(call: Call[Any, Any], share: KeptShare, kept: KeptBoard) -> SharedData:
    """What the panels show, as it was told a moment ago or anew."""
    async with call.context.viewing.asking(share.id):
        return _fresh(call.context, share, kept) or await _anew(call, share, kept)


def _fresh(context: Context, share: KeptShare, kept: KeptBoard) -> SharedData | None:
    known = context.viewing.told.get((share.id, kept.version))
    fresh = known is not None and context.clock.now_ms() - known[0] < FRESH_MS
    return known[1] if known is not None and fresh else None


async def _anew(call: Call[Any, Any], share: KeptShare, kept: KeptBoard) -> SharedData:
    told, now_ms = call.context.viewing.told, call.context.clock.now_ms()
    place = (share.id, kept.version)
    board, chosen = kept.record.board, share.record.variables
    panels = {
        panel.id: await _asked(call, share.account, board, panel, chosen)
        for panel in board.panels
        if panel.kind in (*DRAWN, SPREAD) and panel.stats
    }
    data = SharedData(now_ms // 1000, panels)
    told.pop(place, None)
    while len(told) >= TOLD_MAX:
        del told[next(iter(told))]
    told[place] = now_ms, data
    return data


async def _asked(
    call: Call[Any, Any], account: int, board: Board, panel: Panel, chosen: Mapping[str, str]
) -> SharedPanel:
    """The series of one panel, as its owner would get them."""
    identity = Identity(account, "share", frozenset({"read"}))
    request, match = replace(call.request, headers=()), tuple(patterns(board, panel, chosen))
    try:
        if panel.kind == SPREAD:
            params = AskedParams(last=board.range, points=SPREAD_POINTS, format="json")
            return _spread(*await spread_of(call.context, request, identity, params, ((), match)))
        query = QueryParams(
            last=board.range,
            points=POINTS,
            agg=() if panel.agg == "value" else (panel.agg,),
            match=match,
            group=panel.group,
            expr=panel.expr,
            format="columns",
        )
        picture = await draw(call.context, request, identity, query)
    except (Problem, QueryError) as error:
        text = error.detail if isinstance(error, Problem) else str(error)
        return SharedPanel(0, [], text)
    step_s = picture.found.plan.resolution.step_s
    return SharedPanel(step_s, [_series(one) for one in picture.drawings])


def _spread(found: Answer, spread: Distribution) -> SharedPanel:
    t, counts = found.plan.edges[:-1].tolist(), spread.counts.tolist()
    told = SharedSpread(t, numbers(spread.low), numbers(spread.high), counts)
    return SharedPanel(found.plan.resolution.step_s, [], spread=told)


def _series(one: Drawing) -> SharedSeries:
    stat, total = one.stat, None
    if one.summary is not None and stat is not None:
        total = one.summary.sum if stat.type == Kind.COUNTER else one.summary.avg
    return SharedSeries(
        one.name,
        stat.unit if stat else None,
        stat.type if stat else None,
        total,
        one.series.start.tolist(),
        numbers(one.series.columns["value"]),
    )


async def _panel(call: Call[ImageParams, Nothing]) -> tuple[Panel, SharedPanel]:
    limit(call.context, call.request)
    share, kept = await shared_of(call.context, call.ids["token"])
    data = await told_of(call, share, kept)
    for panel in kept.record.board.panels:
        if panel.kind in DRAWN and panel.stats and call.params.panel in {None, panel.id}:
            return panel, data.panels[panel.id]
    raise nothing()


async def _count(context: Context, share: KeptShare) -> None:
    """Count a view; several are written down together."""
    viewing, now_ms = context.viewing, context.clock.now_ms()
    viewing.views[share.id] = viewing.views.get(share.id, 0) + 1
    if now_ms - viewing.noted_ms.get(share.id, 0) < VIEWS_MS:
        return
    viewing.noted_ms[share.id] = now_ms
    views = viewing.views.pop(share.id)
    try:
        await Boards(context.documents).viewed(share, views, now_ms)
    except Conflict:
        viewing.views[share.id] = viewing.views.get(share.id, 0) + views


def _image(call: Call[Any, Any], text: str) -> Reply:
    headers = [
        *ANYWHERE,
        (b"cache-control", b"public, max-age=30"),
        (b"content-security-policy", b"default-src 'none'"),
    ]
    return reply(call.request.id, 200, b"image/svg+xml", text.encode(), headers)


ASKED: Final = ("store_unavailable", "rate_limited")

ROUTES: Final = (
    Route(
        "GET", "/v1/shared/{token}", "The board of a link", None,
        {200: SharedBoard}, Nothing, Nothing, shared_board, problems=ASKED,
    ),
    Route(
        "GET", "/v1/shared/{token}/data", "What the panels of a link show", None,
        {200: SharedData}, Nothing, Nothing, shared_data, problems=ASKED,
    ),
    Route(
        "GET", "/v1/shared/{token}/badge.svg", "A panel as a badge", None,
        {200: "image/svg+xml"}, ImageParams, Nothing, badge_image, problems=ASKED,
    ),
    Route(
        "GET", "/v1/shared/{token}/spark.svg", "A panel as a sparkline", None,
        {200: "image/svg+xml"}, ImageParams, Nothing, sparkline_image,
        problems=ASKED,
    ),
)  # fmt: skip

PAGES: Final = (
    Route(
        "GET", "/p/{token}", "The page of a link", None,
        {200: "text/html"}, Nothing, Nothing, raw=public_page,
    ),
    Route(
        "GET", "/e/{token}", "The page of a link, for frames", None,
        {200: "text/html"}, Nothing, Nothing, raw=embedded_page, problems=ASKED,
    ),
)  # fmt: skip
