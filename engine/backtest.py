"""What a rule would have done: the same steps as live, over what was recorded. Pure.

Over points it is exact: each is judged when it arrived, and what becomes due between them at its
own moment. Over rollups only the ends of buckets are known: a bucket is taken for one arrival when
it ends, so that every time may be late by its width, and the answer says so. Times with nothing in
them are times of silence, not of downtime.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from engine import alert_commands as commands
from engine.alert_state import NextMs
from engine.alerting import TICK_EVERY_MS, Alerting, never
from engine.histogram import Histograms
from engine.points import Points
from engine.position import START, Position
from engine.rollup import Rollups
from engine.rules import Rule
from engine.transition import Status, Transition
from engine.turn import Turn

TICKS_MAX = 100_000
"""Looks at the clock in one backtest: longer ones look less often."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What arrived at one moment, epoch ms: the entry of a log, or a bucket at its end."""

    at_ms: int
    seconds: Rollups
    spread: Histograms


@dataclass(frozen=True, slots=True)
class Tested:
    """What a rule would have done in [from_ms, to_ms).

    `resolution_s` is how late a time in it may be, 0 for exact. `firing_ms` is how long it would
    have fired, `messages` how many it would have sent, before they are grouped.
    """

    transitions: tuple[Transition, ...]
    episodes: int
    firing_ms: int
    messages: int
    resolution_s: int


def of_points(points: Points, arrived_ms: Sequence[int] | None = None) -> list[Arrival]:
    """Arrivals of points; without `arrived_ms` each arrives at its own time."""
    if arrived_ms is None:
        order = points.at_ms.argsort(kind="stable")
        points = Points(points.stat[order], points.at_ms[order], points.value[order])
        arrived_ms = points.at_ms.tolist()
    found: list[Arrival] = []
    first = 0
    for place in range(1, len(points) + 1):
        if place == len(points) or arrived_ms[place] != arrived_ms[first]:
            turn = Turn.of(points.take(slice(first, place)))
            found.append(Arrival(arrived_ms[first], turn.seconds, turn.histograms))
            first = place
    return found


def of_rollups(rollups: Rollups, spread: Histograms, width_s: int) -> list[Arrival]:
    """Arrivals of buckets, each at its end; rows of several stats may be mixed."""
    starts = sorted({*rollups.start.tolist(), *spread.start.tolist()})
    # A wide bucket is in a window for as long as the window is, from its end on: put at its start,
    # it would leave a window of its own width in the moment in which it comes.
    later_s = 0 if width_s == 1 else width_s
    rollups = replace(rollups, start=rollups.start + later_s)
    spread = replace(spread, start=spread.start + later_s)
    return [
        Arrival(
            1000 * (start + width_s) - 1,
            rollups.between(start + later_s, start + later_s + 1),
            spread.between(start + later_s, start + later_s + 1),
        )
        for start in starts
    ]


def backtest(
    rule: Rule,
    stat: int,
    arrivals: Sequence[Arrival],
    from_ms: int,
    to_ms: int,
    resolution_s: int = 0,
    next_ms: NextMs = never,
) -> Tested:
    """Judge a rule over arrivals in order; those before `from_ms` only fill its windows."""
    alerting = Alerting({}, START, next_ms, gaps=False)
    before = [one for one in arrivals if one.at_ms < from_ms]
    position = Position(from_ms - 1, 0)
    put = [commands.put(replace(rule, enabled=True)), commands.watch(rule.id, stat)]
    alerting.apply(position, put, Rollups.empty(), Histograms.empty())
    for actor in alerting.unloaded():
        for source in actor.sources:
            source.fill([(one.seconds, one.spread) for one in before], from_ms - 1)
    for at_ms, one in _moments(arrivals, from_ms, to_ms):
        later = position.ms >= at_ms
        position = Position(position.ms, position.seq + 1) if later else Position(at_ms, 0)
        told = [] if alerting.armed else [commands.arm(rule.id, stat)]
        seconds, spread = (one.seconds, one.spread) if one else _NOTHING
        alerting.apply(position, told, seconds, spread)
    return _told(tuple(alerting.take().transitions), to_ms, resolution_s)


def sweep(
    rule: Rule,
    thresholds: Sequence[float],
    stat: int,
    arrivals: Sequence[Arrival],
    from_ms: int,
    to_ms: int,
    resolution_s: int = 0,
    next_ms: NextMs = never,
) -> list[tuple[float, Tested]]:
    """The same test for each of several thresholds."""
    return [
        (
            threshold,
            backtest(
                replace(rule, threshold=threshold, clear=None),
                stat, arrivals, from_ms, to_ms, resolution_s, next_ms,
            ),
        )
        for threshold in thresholds
    ]  # fmt: skip


def suggested(tested: Sequence[tuple[float, Tested]], episodes_max: int) -> float | None:
    """The most watchful of swept thresholds with at most so many episodes; None when none has."""
    quiet = [(one.episodes, threshold) for threshold, one in tested if one.episodes <= episodes_max]
    if not quiet:
        return None
    most = max(episodes for episodes, _ in quiet)
    return next(threshold for episodes, threshold in quiet if episodes == most)


def _moments(
    arrivals: Sequence[Arrival], from_ms: int, to_ms: int
) -> Iterator[tuple[int, Arrival | None]]:
    """Arrivals and, between them, times at which time passes although nothing arrives."""
    every_ms = max(TICK_EVERY_MS, (to_ms - from_ms) // TICKS_MAX)
    next_ms = from_ms
    for one in arrivals:
        if not from_ms <= one.at_ms < to_ms:
            continue
        while next_ms < one.at_ms:
            yield next_ms, None
            next_ms += every_ms
        yield one.at_ms, one
        next_ms = max(next_ms, one.at_ms + 1)
    while next_ms < to_ms:
        yield next_ms, None
        next_ms += every_ms
    yield to_ms, None


def _told(found: tuple[Transition, ...], to_ms: int, resolution_s: int) -> Tested:
    open_statuses = (Status.FIRING, Status.RECOVERING)
    firing_ms = since_ms = 0
    for one in found:
        if since_ms and one.target not in open_statuses:
            firing_ms, since_ms = firing_ms + one.at_ms - since_ms, 0
        elif not since_ms and one.target in open_statuses:
            since_ms = one.at_ms
    firing_ms += to_ms - since_ms if since_ms else 0
    episodes = len({one.episode for one in found if one.tells or one.target in open_statuses})
    messages = sum(one.tells is not None for one in found)
    return Tested(found, episodes, firing_ms, messages, resolution_s)


_NOTHING = Rollups.empty(), Histograms.empty()
