"""StatHat's embeds: `/javascripts/embed.js`, and the scripts that it loads.

Law: an embed key shows its stat to whoever has it, and nothing else; one that is wrong counts as a
guess. What one viewer was told, others are told for two seconds.
"""

from typing import Any, Final

from msgspec import Struct

from api.http.context import Context
from api.http.messages import RawReply, RawRequest, reply
from api.http.problems import Problem
from api.http.readings import Want
from api.http.route import Nothing, Route
from api.http.routes.shared import ANYWHERE, FRESH_MS, TOLD_MAX
from api.query.times import Range
from api.stathat.access import numbered
from api.stathat.door import take_guess
from api.stathat.embeds import KEYS_MAX, LOADER, Embed, read_embed, script_of
from api.stathat.forms import read_form
from api.stathat.pictures import PICTURES, Shown
from api.stathat.reading import read_datasets
from engine.stats import Kind, NoSuchStat, Stat

SCRIPT: Final = b"text/javascript; charset=utf-8"


class EmbedParams(Struct, frozen=True):
    """`w` and `h` in pixels, `title`; `tf` is one of half_compare, day_compare, week_compare,
    month_compare, year_compare. `style` and `u` only name the place on the page. `ids` are embed
    keys, with slashes between them.
    """

    w: str | None = None
    h: str | None = None
    tf: str | None = None
    style: str | None = None
    title: str | None = None
    u: str | None = None


async def loader(context: Context, request: RawRequest) -> RawReply:
    """What defines `StatHatEmbed`."""
    return reply(request.id, 200, SCRIPT, LOADER.encode(), ANYWHERE)


async def embed(context: Context, request: RawRequest) -> RawReply:
    """The script that draws up to three stats into their place."""
    kind, *keys = request.path.split("/")[2:]
    if kind not in PICTURES:
        raise Problem("not_found", f"One of {', '.join(PICTURES)}.")
    asked = read_embed(kind, [key for key in keys if key][:KEYS_MAX], read_form(request.query))
    shown = await _told(context, request, asked)
    inside = PICTURES[kind](shown, asked.size, asked.title)
    return reply(request.id, 200, SCRIPT, script_of(asked.place, inside).encode(), ANYWHERE)


async def _told(context: Context, request: RawRequest, asked: Embed) -> list[Shown]:
    """What the stats show, as it was told a moment ago or anew."""
    told, now_ms = context.viewing.told, context.clock.now_ms()
    place = (f"embed {'/'.join(asked.keys)} {asked.frame}", 0)
    known = told.get(place)
    if known is not None and now_ms - known[0] < FRESH_MS:
        remembered: list[Shown] = known[1]
        return remembered
    shown = await _shown(context, [await _stat(context, request, one) for one in asked.keys], asked)
    told.pop(place, None)
    while len(told) >= TOLD_MAX:
        del told[next(iter(told))]
    told[place] = now_ms, shown
    return shown


async def _stat(context: Context, request: RawRequest, key: str) -> Stat:
    """The stat that a key shows; Problem when it shows none."""
    number = numbered(key)
    try:
        stat = None if number is None else context.directory.get(number)
    except NoSuchStat:
        stat = None
    access = None if stat is None else await context.stathat.known(stat.account)
    if stat is None or stat.state != "live" or access is None or access.embedded(key) != stat.id:
        take_guess(context, request)
        raise Problem("not_found", "There is no such embed.", headers=ANYWHERE)
    if not access.enabled:
        raise Problem("not_found", "Embeds are switched off in this account.", headers=ANYWHERE)
    return stat


async def _shown(context: Context, stats: list[Stat], asked: Embed) -> list[Shown]:
    if not stats or len({stat.account for stat in stats}) > 1:
        raise Problem("not_found", "Stats of one account, at least one.", headers=ANYWHERE)
    timeframe, now_ms = asked.timeframe, context.clock.now_ms()
    span = Range(now_ms - timeframe.span.nominal_ms(), now_ms, until_now=True)
    # Several lines are crowded enough.
    compared = [Want(stats[0], asked.back)] if len(stats) == 1 else []
    wants = [*(Want(stat) for stat in stats), *compared]
    read = await read_datasets(context, stats[0].account, wants, timeframe, span)
    before = [one.values() for one in read[len(stats) :]]
    return [
        Shown(one.stat.name, one.stat.kind is Kind.COUNTER, one.values(), *before)
        for one in read[: len(stats)]
    ]


ROUTES: Final[tuple[Route[Any, Any], ...]] = (
    Route(
        "GET", "/javascripts/embed.js", "StatHat: what pages load to show stats", None,
        {200: "text/javascript"}, Nothing, Nothing, raw=loader,
    ),
    Route(
        "GET", "/embed/{kind}/{ids}", "StatHat: the script that shows up to three stats", None,
        {200: "text/javascript"}, EmbedParams, Nothing, raw=embed,
        problems=("field_invalid", "rate_limited", "store_unavailable", "not_ready"),
    ),
)  # fmt: skip
