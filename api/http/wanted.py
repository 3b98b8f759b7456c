"""Which stats a request means: by id, or by a pattern of their names."""

import re
from collections.abc import Iterable
from typing import Final

from api.accounts.keys import Identity
from api.http.context import Context
from api.http.problems import FieldError, Problem
from engine.stats import NoSuchStat, Stat, stat_id
from engine.tiers import BY_NAME, TIERS, Tier
from storage import directory_search
from storage.directory_changes import NotReady
from storage.directory_search import QUERY_LENGTH_MAX

LIVE_STATS_LIMIT: Final = 1_000
"""Stats of one live stream."""


def stat_of(context: Context, caller: Identity, public: str) -> Stat:
    """A stat of the caller by its public id; whatever is not theirs does not exist for them."""
    try:
        stat = context.directory.get(stat_id(public))
    except NoSuchStat:
        stat = None
    if stat is None and not context.node.ready:
        raise NotReady("the server is starting: what it was sent last is not applied yet")
    if stat is None or stat.account != caller.account or not caller.may_touch(stat.name):
        raise Problem("not_found", "There is no such stat.")
    return stat


def stats_of(
    context: Context, caller: Identity, ids: Iterable[str], pattern: str | None
) -> list[Stat]:
    """The stats that are meant, each once; Problem when one is missing or they are too many."""
    found = {stat.id: stat for stat in (stat_of(context, caller, public) for public in ids)}
    if pattern is not None:
        fits = glob(pattern)
        names = context.directory.names(caller.account)
        for name, stat in names.items():
            if stat.state == "live" and fits.fullmatch(name) and caller.may_touch(name):
                found[stat.id] = stat
                if len(found) > LIVE_STATS_LIMIT:
                    break
    if len(found) > LIVE_STATS_LIMIT:
        raise Problem("too_many_stats", f"At most {LIVE_STATS_LIMIT} stats a stream.")
    return list(found.values())


def glob(pattern: str) -> re.Pattern[str]:
    """`*` is any text, `?` any character; Problem when it is empty or longer than any name."""
    if not 0 < len(pattern) <= QUERY_LENGTH_MAX:
        text = f"match: 1 to {QUERY_LENGTH_MAX} characters."
        found = FieldError("parameter_invalid", text, field="match")
        raise Problem("parameter_invalid", text, [found])
    return directory_search.glob(pattern)


def tier_of(resolution: str) -> Tier:
    """The tier with that name; live streams know no other widths."""
    tier = BY_NAME.get(resolution)
    if tier is None:
        offered = ", ".join(tier.name for tier in TIERS)
        detail = f"resolution: one of {offered}."
        raise Problem(
            "resolution_invalid",
            detail,
            [FieldError("resolution_invalid", detail, field="resolution")],
        )
    return tier


def id_list(texts: Iterable[str]) -> list[str]:
    """Ids from parameters that are lists with commas, or several parameters, or both."""
    return [part.strip() for text in texts for part in text.split(",") if part.strip()]
