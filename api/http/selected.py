"""Which stats a query means: each `stat=` and each `match=` is one name in its expression."""

from collections.abc import Container, Sequence
from typing import Final

import trio

from api.accounts.keys import Identity
from api.http.asked import refused
from api.http.context import Context
from api.http.problems import Problem
from api.http.wanted import glob, stat_of
from api.query.errors import quote
from engine.stats import Stat, canonical_name

STATS_LIMIT: Final = 100
"""Stats that a query reads."""

NAMES_A_SLICE: Final = 5_000
"""Names looked at before others get a turn; some 2 ms."""


async def selected(
    context: Context, caller: Identity, stats: Sequence[str], patterns: Sequence[str]
) -> dict[str, list[Stat]]:
    """The stats by their names in an expression: a, b, c, … first for `stats`, then `patterns`.

    A stat is given by its id or by its exact name, several with commas between them. Problem when
    one is missing, when nothing is asked for, or when they are too many.
    """
    if not stats and not patterns:
        raise refused("stat", "stat or match: say which stats.", "field_required")
    known = context.directory.names(caller.account)
    texts = [part for text in stats for part in _parts(text, known)]
    if len(texts) + len(patterns) > STATS_LIMIT:
        raise _too_many()
    groups = [[_one(context, caller, text)] for text in texts]
    groups += [await _matching(context, caller, pattern) for pattern in patterns]
    if len({stat.id for group in groups for stat in group}) > STATS_LIMIT:
        raise _too_many()
    return {letters(index): group for index, group in enumerate(groups)}


def letters(index: int) -> str:
    """a, b, … z, then aa, ab, … as spreadsheets name their columns."""
    more, last = divmod(index, 26)
    return (letters(more - 1) if more else "") + chr(ord("a") + last)


def _parts(text: str, known: Container[str]) -> list[str]:
    """The text itself if it is a name, which may have commas in it; else what is between them."""
    return [text] if canonical_name(text) in known else [part.strip() for part in text.split(",")]


def named_stat(context: Context, caller: Identity, text: str, field: str = "stat") -> Stat:
    """The stat with that id or exact name; Problem, naming the field, when there is none."""
    try:
        return _one(context, caller, text)
    except Problem as problem:
        if problem.code != "not_found":
            raise
        detail = f"{field}: there is no stat {quote(text)}."
        raise refused(field, detail, "field_invalid") from None


def _one(context: Context, caller: Identity, text: str) -> Stat:
    named = context.directory.names(caller.account).get(canonical_name(text))
    if named is not None and caller.may_touch(named.name):
        return named
    return stat_of(context, caller, text)


async def _matching(context: Context, caller: Identity, pattern: str) -> list[Stat]:
    """Live stats whose names fit, by name; one more than allowed at most."""
    fits = glob(pattern)
    stats = list(context.directory.names(caller.account).values())
    found: list[Stat] = []
    for low in range(0, len(stats), NAMES_A_SLICE):
        found += [
            stat
            for stat in stats[low : low + NAMES_A_SLICE]
            if stat.state == "live" and fits.fullmatch(stat.name) and caller.may_touch(stat.name)
        ]
        if len(found) > STATS_LIMIT:
            break
        await trio.lowlevel.checkpoint()
    return sorted(found, key=lambda stat: stat.name)


def _too_many() -> Problem:
    return refused(
        "match", f"At most {STATS_LIMIT} stats a query; narrow the pattern.", "too_many_stats"
    )
