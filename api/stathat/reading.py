"""What StatHat's clients read: stats and their buckets.

Law: buckets lie where ours do, at whole hours and days, however the moment of the question lies: so
two answers about one time agree, and each is exact.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

import numpy as np

from api.accounts.keys import Identity, Permission
from api.http.asked import Asked
from api.http.context import Context
from api.http.dates import UTC
from api.http.problems import Problem
from api.http.readings import Question, Want, read_answer
from api.http.times import time_ms
from api.http.wanted import stat_of
from api.query.aggregates import Fill, FillMode
from api.query.durations import Duration
from api.query.reply import Number, whole
from api.query.resolution import POINTS_AIM
from api.query.series import Series
from api.query.times import Range
from api.stathat.access import Access
from api.stathat.timeframes import DEFAULT, Timeframe, read_summary, read_timeframe
from engine.stats import Stat, canonical_name

STATS_MAX: Final = 5
"""Stats of one question for data; what is asked beyond is not looked at."""

MAY: Final = frozenset[Permission]({"read", "write", "edit"})
"""What an access token opened at StatHat."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """The buckets of one stat, and what they are in words; NaN is "nothing known"."""

    stat: Stat
    timeframe: str
    series: Series

    def values(self) -> list[Number]:
        """The sum or average of each bucket; None where nothing is known."""
        values = self.series.value.tolist()
        return [None if value != value else whole(value) for value in values]

    def known(self) -> "Dataset":
        """Only the buckets of which something is known."""
        known = self.series.take(~np.isnan(self.series.value))
        return Dataset(self.stat, self.timeframe, known)


def reader_of(access: Access) -> Identity:
    """Who asks, when an access token does."""
    return Identity(access.account, f"stathat {access.account}", MAY)


def live_stats(context: Context, account: int) -> list[Stat]:
    """The stats of an account that are in use, the oldest first."""
    stats = [one for one in context.directory.names(account).values() if one.state == "live"]
    return sorted(stats, key=attrgetter("id"))


def live_stat(context: Context, reader: Identity, public: str) -> Stat:
    """A stat by its id; Problem when there is none, or it is in the trash."""
    stat = stat_of(context, reader, public)
    if stat.state != "live":
        raise Problem("not_found", "There is no such stat.")
    return stat


def stat_named(context: Context, account: int, name: str) -> Stat:
    """A stat by its name; Problem when there is none."""
    stat = context.directory.names(account).get(canonical_name(name))
    if stat is None or stat.state != "live":
        raise Problem("not_found", "There is no such stat.")
    return stat


def timeframe_of(params: Mapping[str, str]) -> Timeframe:
    """Which buckets the parameters of a question mean."""
    if summary := params.get("summary"):
        return read_summary(summary)
    return read_timeframe(params.get("t") or DEFAULT)


async def datasets(
    context: Context, account: int, stats: Sequence[Stat], params: Mapping[str, str]
) -> list[Dataset]:
    """The buckets of stats, all with the same edges."""
    timeframe, now_ms = timeframe_of(params), context.clock.now_ms()
    span = _range(timeframe, params.get("start"), now_ms)
    return await read_datasets(context, account, [Want(one) for one in stats], timeframe, span)


async def read_datasets(
    context: Context, account: int, wants: Sequence[Want], timeframe: Timeframe, span: Range
) -> list[Dataset]:
    """The buckets in a range, or as far back as is wanted; what the plan shows of them."""
    now_ms = context.clock.now_ms()
    oldest_ms = min(context.allowances.of(account).oldest_ms(now_ms), span.to_ms - 1)
    asked = Asked(
        Range(max(span.from_ms, oldest_ms), span.to_ms, span.until_now), timeframe.step,
        POINTS_AIM, UTC, Fill(FillMode.AUTO), "json", "s", now_ms,
    )  # fmt: skip
    answer = await read_answer(context, Question(asked, wants))
    told = timeframe.told(answer.plan.resolution)
    return [Dataset(one.stat, told, answer.found[one].series(asked, ())) for one in wants]


def _range(timeframe: Timeframe, start: str | None, now_ms: int) -> Range:
    """From `start`, else so far back as is asked for; never beyond now."""
    if not start:
        return Range(_after(-timeframe.span, now_ms, now_ms), now_ms, until_now=True)
    start_ms = time_ms(int(start)) if start.isascii() and start.isdigit() else None
    if start_ms is None:
        raise Problem("parameter_invalid", "start: a time in epoch seconds.")
    start_ms = min(start_ms, now_ms - 1)
    end_ms = _after(timeframe.span, start_ms, now_ms)
    return Range(start_ms, min(end_ms, now_ms), until_now=end_ms >= now_ms)


def _after(span: Duration, at_ms: int, now_ms: int) -> int:
    """A span after a moment, at 1970 or now at the outside."""
    try:
        return min(max(0, span.after(at_ms, UTC)), now_ms)
    except OverflowError:
        return 0 if span.nominal_ms() < 0 else now_ms
