"""Backtests: what an alert would have done over what was recorded, and which threshold is calm.

The same steps judge as live. Over rollups only the ends of buckets are known, and the answer says
how late a time in it may be.
"""

from functools import partial
from typing import Annotated, Final

import trio
from msgspec import Meta, Struct, field

from api.http.messages import Reply
from api.http.problems import wrong_field
from api.http.recorded import Recorded, recorded_of
from api.http.route import Call, Nothing, Route
from api.http.routes.alerts import RULE_PROBLEMS, understood
from api.notify.cron import next_ms
from api.notify.dates import iso_text
from api.notify.history import TransitionInfo, transition_info
from api.notify.rule_form import RuleForm
from api.query.times import Range, parse_range, parse_zone
from engine.backtest import Tested, backtest, suggested, sweep
from engine.rules import Rule
from engine.stats import public_id

STATS_MAX: Final = 20
"""Stats of one backtest."""

SWEEP_MAX: Final = 20
"""Thresholds of one sweep."""

TRANSITIONS_SHOWN: Final = 1_000
EPISODES_A_WEEK: Final = 1
WEEK_MS: Final = 7 * 86_400_000

_one_at_a_time: Final = trio.CapacityLimiter(1)
# It is work for the processor: several at once would only delay each other, and everybody else.


class Sweep(Struct, frozen=True, forbid_unknown_fields=True):
    """Thresholds to compare; suggested is the most watchful with so many `episodes` a week."""

    threshold: Annotated[list[float], Meta(min_length=1, max_length=SWEEP_MAX)]
    episodes: Annotated[int, Meta(ge=0, le=10_000)] = EPISODES_A_WEEK


class Backtest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An alert as it would be made, and a range (`from`, `to` or `last`; the last 24 hours)."""

    rule: RuleForm
    from_: str | None = field(default=None, name="from")
    to: str | None = None
    last: str | None = None
    tz: str = "UTC"
    sweep: Sweep | None = None


class Swept(Struct, frozen=True):
    """What one threshold would have done."""

    threshold: float
    episodes: int
    firing_s: float
    messages: int


class TestedStat(Struct, frozen=True, kw_only=True):
    """What the alert would have done at one stat; the oldest transition first.

    Times may be late by `resolution_s`; `complete` is false when more transitions are left out.
    """

    stat: str
    stat_name: str
    resolution_s: int
    episodes: int
    firing_s: float
    messages: int
    transitions: list[TransitionInfo]
    complete: bool
    sweep: list[Swept]
    suggested: float | None


class BacktestReply(Struct, frozen=True, kw_only=True):
    """What the alert would have done."""

    from_: str = field(name="from")
    to: str
    stats: list[TestedStat]


async def test_alert(call: Call[Nothing, Backtest]) -> Reply:
    """Judge the recorded past; nothing is kept and nobody is told."""
    body, context = call.body, call.context
    now_ms = context.clock.now_ms()
    span = parse_range(body.from_, body.to, body.last, now_ms, parse_zone(body.tz))
    span = Range(span.from_ms, min(span.to_ms, now_ms))
    if span.from_ms >= span.to_ms:
        raise wrong_field("from", "the range is still to come")
    rule, stats = await understood(call, body.rule, "al_test", 1, now_ms)
    if len(stats) > STATS_MAX:
        raise wrong_field("rule", f"at most {STATS_MAX} stats at a time")
    tested = []
    for stat in stats:
        recorded = await recorded_of(context, rule, stat, span)
        judge = partial(_tested, rule, recorded, span, body.sweep)
        tested.append(await trio.to_thread.run_sync(judge, limiter=_one_at_a_time))
    reply = BacktestReply(from_=iso_text(span.from_ms), to=iso_text(span.to_ms), stats=tested)
    return call.json(200, reply)


def _tested(rule: Rule, recorded: Recorded, span: Range, wanted: Sweep | None) -> TestedStat:
    stat, arrivals = recorded.stat, recorded.arrivals
    where = stat.id, arrivals, span.from_ms, span.to_ms, recorded.resolution_s, next_ms
    found = backtest(rule, *where)
    swept: list[tuple[float, Tested]] = []
    best = None
    if wanted is not None:
        swept = sweep(rule, sorted(set(wanted.threshold)), *where)
        weeks = max(1.0, (span.to_ms - span.from_ms) / WEEK_MS)
        best = suggested(swept, int(wanted.episodes * weeks))
    shown = found.transitions[:TRANSITIONS_SHOWN]
    return TestedStat(
        stat=public_id(stat.id), stat_name=stat.name, resolution_s=found.resolution_s,
        episodes=found.episodes, firing_s=found.firing_ms / 1000, messages=found.messages,
        transitions=[transition_info(one, stat.name) for one in shown],
        complete=len(shown) == len(found.transitions),
        sweep=[Swept(at, one.episodes, one.firing_ms / 1000, one.messages) for at, one in swept],
        suggested=best,
    )  # fmt: skip


ROUTES: Final = (
    Route(
        "POST", "/v1/alerts/test", "See what an alert would have done", "read",
        {200: BacktestReply}, Nothing, Backtest, test_alert,
        problems=("range_invalid", "parameter_invalid", *RULE_PROBLEMS),
    ),
)  # fmt: skip
