"""Whose points a checkpoint carries: the meter that plans and bills are made of.

Pure. The counts are committed in the same step as the points, so whatever is killed, each point is
metered once. A checkpoint counts for the UTC day in which its last point was taken.
"""

from collections.abc import Callable

import numpy as np

from engine.position import Position
from engine.rollup import Ints, Rollups
from engine.tiers import DAY_S

Owners = Callable[[Ints], Ints]
"""From stat ids to their owners, 0 for none."""


def nobody(stats: Ints) -> Ints:
    """For those who meter nothing."""
    return np.zeros(len(stats), np.int64)


def usage_of(rollups: Rollups, owners: Owners) -> dict[int, int]:
    """Points by owner; `rollups` are sorted by stat, points of nobody are left out."""
    if not len(rollups):
        return {}
    first = np.flatnonzero(np.append(True, rollups.stat[1:] != rollups.stat[:-1]))
    points = np.add.reduceat(rollups.count, first)
    owner, place = np.unique(owners(rollups.stat[first]), return_inverse=True)
    total = np.zeros(len(owner), np.int64)
    np.add.at(total, place, points)
    counted = zip(owner.tolist(), total.tolist(), strict=True)
    return {one: amount for one, amount in counted if one}


def day_of(position: Position) -> int:
    """The UTC day of a log position, in days since the epoch."""
    return position.ms // (1000 * DAY_S)
