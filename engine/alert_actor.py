"""One rule at one stat while it is watched: its state, its windows, and what it makes of them.

Pure. Law: it is told everything in log order, and decides at once. It does not judge before it is
armed: its windows were loaded, and the log says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from engine.alert_state import NextMs, State, due_ms, heard, timers
from engine.hindsight import Looked, looked_back
from engine.histogram import Histograms
from engine.judge import Moment, Reading, Verdict, judge
from engine.position import Position
from engine.ring import Ring, Row, SpreadRing, rows_of
from engine.rollup import Rollups
from engine.rules import LATE_STEPS, Kind, Rule, step_of
from engine.tiers import S1, Tier
from engine.transition import Status

Rows = Sequence[Row] | Histograms


@dataclass(eq=False, slots=True)
class Source:
    """A stat that a rule looks at; until its ring was loaded, what comes is kept beside it."""

    stat: int
    tier: Tier
    ring: Ring | SpreadRing
    loaded: bool = False
    waiting: list[tuple[Position, Rows]] = field(default_factory=list)

    def add(
        self, position: Position, seconds: Sequence[Row], spread: Histograms, now_ms: int
    ) -> None:
        """Take what an entry says: the seconds of the stat, and the histograms of all."""
        rows: Rows = seconds if isinstance(self.ring, Ring) else spread.of_stat(self.stat)
        if not self.loaded:
            self.waiting.append((position, rows))
        elif len(rows):
            self._put(rows, now_ms)

    def load(self, content: Rollups | Histograms, position: Position, now_ms: int) -> None:
        """Take what was there at a position, then what has come since."""
        if isinstance(self.ring, Ring):
            assert isinstance(content, Rollups), "BUG: histograms for a ring of rollups"
            self.ring.load(content, now_ms)
        else:
            assert isinstance(content, Histograms), "BUG: rollups for a ring of histograms"
            self.ring.load(content, now_ms)
        for at, later in self.waiting:
            if at > position and len(later):
                self._put(later, now_ms)
        self.loaded, self.waiting = True, []

    def fill(self, parts: Sequence[tuple[Rollups, Histograms]], now_ms: int) -> None:
        """Take everything that was there before, of any stats."""
        for seconds, spread in parts:
            mine = rows_of(seconds.of_stat(self.stat))
            self._put(mine if isinstance(self.ring, Ring) else spread.of_stat(self.stat), now_ms)
        self.loaded = True

    def _put(self, rows: Rows, now_ms: int) -> None:
        if isinstance(self.ring, Ring):
            assert not isinstance(rows, Histograms), "BUG: histograms for a ring of rollups"
            self.ring.add(rows, now_ms)
        else:
            assert isinstance(rows, Histograms), "BUG: rollups for a ring of histograms"
            self.ring.add(rows, now_ms)


class AlertActor:
    """A rule and a stat; `due_ms` is when to look again although nothing came, 0 for never."""

    __slots__ = ("due_ms", "failed", "rule", "sources", "stat", "state")

    def __init__(self, rule: Rule, stat: int, state: State) -> None:
        self.rule = rule
        self.stat = stat
        self.state = state
        self.due_ms = 0
        self.failed = False
        self.sources = _sources(rule, stat)

    def __repr__(self) -> str:
        return f"<AlertActor {self.rule.id} at {self.stat}: {self.state.status}>"

    @property
    def loaded(self) -> bool:
        """Whether its windows are known."""
        # A loop: this is asked for every point.
        for source in self.sources:  # ruff: ignore[reimplemented-builtin]
            if not source.loaded:
                return False
        return True

    @property
    def stats(self) -> list[int]:
        """The stats it listens to, each once."""
        over = self.rule.over
        return [self.stat] if over is None or over == self.stat else [self.stat, over]

    @property
    def fine(self) -> bool:
        """Whether it needs its stats' seconds after a restart."""
        return any(source.tier is S1 for source in self.sources)

    def change_rule(self, rule: Rule) -> None:
        """Go on under a changed rule; another window is loaded before it is judged again."""
        before, self.rule = self.rule, rule
        if _shape(before) != _shape(rule):
            self.refill()

    def refill(self) -> None:
        """Forget its windows; they are loaded, and the log says so, before it is judged again."""
        self.sources = _sources(self.rule, self.stat)
        self.state = replace(self.state, armed=False)

    def add(
        self, stat: int, position: Position, seconds: Sequence[Row], spread: Histograms, now_ms: int
    ) -> None:
        """Take what an entry says of one of its stats: its seconds, and histograms of all."""
        for source in self.sources:
            if source.stat == stat:
                source.add(position, seconds, spread, now_ms)

    def hear(self, newest_ms: int, now_ms: int, next_ms: NextMs) -> None:
        """A deadman's sign of life: a point that came now, unless it tells of long ago."""
        old = bool(self.rule.period_s) and newest_ms <= now_ms - 1000 * self.rule.silence_s
        if self.rule.kind is Kind.DEADMAN and not old:
            self.state = heard(self.rule, self.state, now_ms, next_ms)

    def judge(self, moment: Moment, held: str | None, told: Sequence[int] = ()) -> Verdict:
        """What becomes of it now; `told` are the seconds that points told of, if it looks back."""
        reading = self.read(moment.now_ms)
        verdict = judge(self.rule, self.stat, self.state, reading, moment, held)
        self.state = verdict.state
        looked = self._late(told, moment.now_ms) if told and self.state.armed else None
        if looked is not None and self.rule.enabled:
            self.state, late = looked_back(self.rule, self.stat, self.state, looked, moment, held)
            verdict = Verdict(self.state, (*verdict.transitions, *late))
        self.look_ahead(moment.now_ms)
        return verdict

    def _late(self, told: Sequence[int], now_ms: int) -> Looked | None:
        """The windows that ended before now and hold one of these seconds; None for none."""
        ring, width_s = self.sources[0].ring, self.sources[0].tier.width_s
        step_s = now_ms // 1000 - now_ms // 1000 % width_s
        late = [second - second % width_s for second in told if second < step_s]
        if not late:
            return None
        kept_s = step_s - (ring.span_s - self.rule.span_s)
        # What must last before it fires may have begun before it.
        first_s = max(kept_s, min(late) - self.rule.for_s)
        first_s -= first_s % width_s
        last_s = min(step_s, max(late) + self.rule.window_s)
        first_ms, last_ms, oldest_ms = (
            1000 * end_s - 1 for end_s in (first_s + width_s, last_s, kept_s + width_s)
        )
        return Looked(first_ms, last_ms, 1000 * width_s, oldest_ms, self._reading)

    def look_ahead(self, now_ms: int) -> None:
        """Note when to look again although nothing comes."""
        self.due_ms = due_ms(self.rule, self.state, self._changes_ms(now_ms), now_ms)

    def waits_for(self, now_ms: int) -> dict[str, int]:
        """What it waits for by name, and until when: only what is to come."""
        found = timers(self.rule, self.state, self._changes_ms(now_ms))
        return {name: at_ms for name, at_ms in found.items() if at_ms > now_ms}

    def _changes_ms(self, now_ms: int) -> int | None:
        """When a window next changes by itself; None for never."""
        # What leaves could make it only less.
        stays = self.rule.rising and self.state.status is Status.OK
        next_ms = None
        for source in self.sources:
            enters_ms = source.ring.enters_ms()
            leaves_ms = None if stays else source.ring.leaves_ms(now_ms)
            for at_ms in (enters_ms, leaves_ms):
                if at_ms is not None and (next_ms is None or at_ms < next_ms):
                    next_ms = at_ms
        return next_ms

    def read(self, now_ms: int) -> Reading:
        """What its windows say at a moment."""
        if not self.sources or not self.loaded:
            return Reading()
        for source in self.sources:
            source.ring.arrive(now_ms)
        return self._reading(now_ms)

    def _reading(self, now_ms: int) -> Reading:
        value, points = self._measure(now_ms, 0)
        if self.rule.kind is not Kind.DELTA:
            return Reading(value, None, points)
        back_s, times = self.rule.back_s, range(1, self.rule.median_of + 1)
        bases = [self._measure(now_ms, back_s * time)[0] for time in times]
        return Reading(value, _median([base for base in bases if base is not None]), points)

    def _measure(self, now_ms: int, back_s: int) -> tuple[float | None, int]:
        first = self.sources[0].ring.measure(now_ms, back_s)
        if len(self.sources) == 1:
            return first.value, first.points
        second = self.sources[1].ring.measure(now_ms, back_s)
        if not second.value:
            return None, 0
        return (first.value or 0.0) / second.value * self.rule.scale, second.points


def _sources(rule: Rule, stat: int) -> list[Source]:
    if not rule.windowed:
        return []
    tier = step_of(rule)
    assert tier is not None, "BUG: a rule whose window has no steps"
    stats = [stat] if rule.over is None else [stat, rule.over]
    return [Source(one, tier, _ring(rule, tier)) for one in stats]


def _ring(rule: Rule, tier: Tier) -> Ring | SpreadRing:
    if rule.quantile is not None:
        return SpreadRing(rule.quantile, tier.width_s, rule.window_s, rule.span_s)
    further_s = LATE_STEPS * tier.width_s if rule.looks_back else 0
    return Ring(rule.aggregate, tier.width_s, rule.window_s, rule.span_s + further_s)


def _shape(rule: Rule) -> tuple[object, ...]:
    return (
        rule.kind, rule.windowed, rule.aggregate, rule.window_s, rule.span_s, rule.over, rule.late,
    )  # fmt: skip


def _median(bases: list[float]) -> float | None:
    if not bases:
        return None
    ordered, middle = sorted(bases), len(bases) // 2
    return ordered[middle] if len(bases) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
