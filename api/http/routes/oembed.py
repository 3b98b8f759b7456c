"""oEmbed: what a site needs to show a shared dashboard where somebody pasted its link.

The format is that of https://oembed.com, version 1.0, in JSON. A page finds it through the `Link`
header of `/p/{token}`.
"""

from html import escape
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from api.http.messages import Reply
from api.http.route import Call, Nothing, Route
from api.http.routes.shared import ANYWHERE, ASKED, OEMBED_PATH, limit, nothing, shared_of

KEPT_S: Final = 300
"""For so long a site may keep the answer; a link can be revoked any time."""

WIDTH: Final = 900
HEIGHT: Final = 500
"""Of the frame, in pixels, unless the site has less room."""

PIXELS_MIN: Final = 100

Pixels = Annotated[int, Meta(ge=PIXELS_MIN, le=10_000)]


class OEmbedParams(Struct, frozen=True, forbid_unknown_fields=True):
    """`url`: the link; `maxwidth` and `maxheight`: the room in pixels; `format`: no XML here."""

    url: Annotated[str, Meta(max_length=2_048, examples=["http://127.0.0.1:8080/p/pd_example"])]
    maxwidth: Pixels = WIDTH
    maxheight: Pixels = HEIGHT
    format: Literal["json"] = "json"


class OEmbed(Struct, frozen=True, kw_only=True):
    """A frame as HTML (`rich`), or only a title (`link`) where the owner allows no frames."""

    version: Literal["1.0"] = "1.0"
    type: Literal["rich", "link"]
    title: str
    provider_name: Literal["StatFlow"] = "StatFlow"
    provider_url: str
    cache_age: int = KEPT_S
    html: str | UnsetType = UNSET
    width: int | UnsetType = UNSET
    height: int | UnsetType = UNSET


async def oembed(call: Call[OEmbedParams, Nothing]) -> Reply:
    """How a link to a dashboard is shown on another page; a frame, if its owner has named sites."""
    limit(call.context, call.request)
    params, address = call.params, call.context.public_url
    token = _token_in(params.url, address)
    share, kept = await shared_of(call.context, token)
    told = OEmbed(type="link", title=kept.record.board.title, provider_url=address)
    if share.record.origins:
        width, height = min(params.maxwidth, WIDTH), min(params.maxheight, HEIGHT)
        frame = (
            f'<iframe src="{escape(address)}/e/{token}" title="{escape(told.title)}"'
            f' width="{width}" height="{height}" loading="lazy" sandbox="allow-scripts"></iframe>'
        )
        told = replace(told, type="rich", html=frame, width=width, height=height)
    return call.json(200, told, ANYWHERE)


def _token_in(url: str, address: str) -> str:
    """The token of a link of this server; the same nothing for all others."""
    try:
        asked, mine = urlsplit(url), urlsplit(address)
    except ValueError:
        raise nothing() from None
    place, _, token = asked.path.removeprefix(mine.path).rpartition("/")
    if (asked.scheme, asked.netloc) != (mine.scheme, mine.netloc) or place not in {"/p", "/e"}:
        raise nothing()
    return token


ROUTES: Final = (
    Route(
        "GET", OEMBED_PATH, "How a link is shown on another page", None,
        {200: OEmbed}, OEmbedParams, Nothing, oembed, problems=ASKED,
    ),
)  # fmt: skip
