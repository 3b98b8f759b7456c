"""What an event changed: each stat before and after it, in steps of a minute. Pure.

A change is unusual when it is larger than the steps before the event let expect: more than three
times their spread, after allowing for how many steps are compared.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from engine.rollup import Floats, Rollups
from engine.stats import Kind, Stat, public_id

UNUSUAL_AT: Final = 3.0
STEPS_MIN: Final = 3
"""Fewer steps before the event say nothing about what is usual."""


class Impact(Struct, frozen=True, kw_only=True):
    """One stat: the mean step before and after, the change, and how far out of the ordinary.

    For counters a step is a sum, for values an average. `score` is the change in spreads.
    """

    stat: str
    name: str
    type: str
    before: float | None
    after: float | None
    change: float | None
    percent: float | None
    spread: float | None
    score: float | None
    unusual: bool
    points_before: int
    points_after: int


def impact_of(
    stat: Stat, before: Rollups, after: Rollups, steps_before: int, steps_after: int
) -> Impact:
    """Compare; a counter without points in a step counted nothing in it."""
    old, new = _steps(stat, before, steps_before), _steps(stat, after, steps_after)
    mean_old, mean_new = _mean(old), _mean(new)
    spread = float(np.std(old, ddof=1)) if len(old) >= STEPS_MIN else None
    change = percent = score = None
    if mean_old is not None and mean_new is not None:
        change = mean_new - mean_old
        percent = 100 * change / abs(mean_old) if mean_old else None
        score = _score(change, spread, len(new))
    return Impact(
        stat=public_id(stat.id), name=stat.name, type=stat.kind.value, before=mean_old,
        after=mean_new, change=change, percent=percent, spread=spread, score=score,
        unusual=score is not None and abs(score) >= UNUSUAL_AT,
        points_before=int(before.count.sum()), points_after=int(after.count.sum()),
    )  # fmt: skip


def ordered(impacts: Sequence[Impact]) -> list[Impact]:
    """What is furthest out of the ordinary first."""
    return sorted(impacts, key=lambda one: (-abs(one.score or 0.0), one.name))


def _steps(stat: Stat, rollups: Rollups, steps: int) -> Floats:
    if stat.kind is Kind.VALUE:
        return rollups.sum / rollups.count
    empty = max(0, steps - len(rollups))
    return np.concatenate([rollups.sum, np.zeros(empty)])


def _mean(steps: Floats) -> float | None:
    return float(np.mean(steps)) if len(steps) else None


def _score(change: float, spread: float | None, steps: int) -> float | None:
    if spread is None or not steps:
        return None
    if spread == 0:
        return 0.0 if change == 0 else math.copysign(99.0, change)
    return max(-99.0, min(99.0, change / (spread / math.sqrt(steps))))
