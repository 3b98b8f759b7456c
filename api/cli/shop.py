"""A web shop that does not exist: what its programs would send, second by second. Pure.

Law: the same shop says the same about the same slice of time, always; so history can be made in any
order, again after a crash, and be continued later. Its visitors keep hours, prefer weekends, and
once, two evenings before the shop began to be watched, its payment service broke.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal, TypedDict

import numpy as np

DAY_S: Final = 86_400
HISTORY_S: Final = 14 * DAY_S

COARSE_S: Final = 60
FINE_S: Final = 10
FINE_HISTORY_S: Final = 6 * 3_600
"""The newest history is made in finer slices, as charts show it finer."""

INCIDENT_DAYS_AGO: Final = 2
INCIDENT_AT_S: Final = 20 * 3_600 + 600
"""Local time of day at which it begins, with the shop full."""

INCIDENT_RISE_S: Final = 180
INCIDENT_HELD_S: Final = 2_280
INCIDENT_FALL_S: Final = 720

UNITS: Final = {
    "revenue": "EUR",
    "cart.size": "items",
    "checkout.latency": "ms",
    "http.error_rate": "%",
    "queue.depth": "jobs",
}
"""Units of the stats that have one."""

# Page views a second at the busiest time of a usual day.
_VIEWS_PEAK: Final = 7.0

# Shares of a usual day, from Monday on.
_WEEK: Final = (0.92, 0.9, 0.94, 1.0, 1.04, 1.22, 1.3)

_SAMPLES_A_SECOND: Final = 0.1
"""Of the many measured latencies, about so many are sent as single points."""


class Item(TypedDict):
    """One point as `/v1/ingest/batch` takes it; `t` is in epoch milliseconds."""

    stat: str
    type: Literal["counter", "value"]
    value: float
    t: int


@dataclass(frozen=True, slots=True)
class Slice:
    """A stretch of time, in epoch seconds, in which each counter has one point at most."""

    start_s: int
    width_s: int


@dataclass(frozen=True, slots=True)
class Moment:
    """How the shop is doing: events a second, and between 0 and 1 how full and how broken it is."""

    views: float
    load: float
    broken: float


@dataclass(frozen=True, slots=True)
class Shop:
    """One shop; `began_s` (epoch s) is when it began to be watched, `offset_s` its time zone."""

    seed: int
    began_s: int
    offset_s: int = 0

    @property
    def incident_s(self) -> int:
        """When the payment service broke, in epoch seconds."""
        midnight = (self.began_s + self.offset_s) // DAY_S * DAY_S - self.offset_s
        return midnight - INCIDENT_DAYS_AGO * DAY_S + INCIDENT_AT_S

    def at(self, at_s: float) -> Moment:
        """How the shop is doing at a time, in epoch seconds."""
        local_s = at_s + self.offset_s
        weekday = datetime.fromtimestamp(local_s, UTC).weekday()
        hour = local_s % DAY_S / 3_600
        load = _day(hour) * _WEEK[weekday] / max(_WEEK)
        load *= 1 + 0.12 * self._wander(at_s, 1_800) + 0.06 * self._wander(at_s, 240)
        growth = 1 + 0.008 * (at_s - self.began_s) / DAY_S
        broken = self._broken(at_s)
        return Moment(_VIEWS_PEAK * load * growth * (1 - 0.25 * broken), min(1.0, load), broken)

    def items(self, part: Slice) -> list[Item]:
        """What is sent for a slice; counters that counted nothing are silent."""
        now = self.at(part.start_s + part.width_s / 2)
        chance = np.random.default_rng([self.seed, part.start_s, part.width_s])
        told = _Teller(part, chance)
        _visits(told, now)
        _orders(told, now)
        _machines(told, now)
        return told.items

    def _broken(self, at_s: float) -> float:
        since = at_s - self.incident_s
        if since < INCIDENT_RISE_S:
            return max(0.0, since / INCIDENT_RISE_S)
        left = INCIDENT_RISE_S + INCIDENT_HELD_S + INCIDENT_FALL_S - since
        return min(1.0, max(0.0, left / INCIDENT_FALL_S))

    def _wander(self, at_s: float, period_s: int) -> float:
        """A smooth curve between -1 and 1 that looks like chance."""
        step, share = divmod(at_s / period_s, 1.0)
        share = share * share * (3 - 2 * share)
        here, there = (_noise(self.seed, int(step) + more, period_s) for more in (0, 1))
        return here + (there - here) * share


def history(from_s: int, to_s: int, fine_from_s: int) -> Iterator[Slice]:
    """Slices that fill [from_s, to_s) without a gap: minutes, and finer ones near the end.

    All in epoch seconds; no coarse slice begins at `fine_from_s` or later.
    """
    start_s = from_s
    while start_s < to_s:
        width_s = 1
        if start_s % COARSE_S == 0 and start_s < fine_from_s and start_s + COARSE_S <= to_s:
            width_s = COARSE_S
        elif start_s % FINE_S == 0 and start_s + FINE_S <= to_s:
            width_s = FINE_S
        yield Slice(start_s, width_s)
        start_s += width_s


class _Teller:
    """Collects the points of one slice."""

    def __init__(self, part: Slice, chance: np.random.Generator) -> None:
        self.part = part
        self.chance = chance
        self.items: list[Item] = []

    def happened(self, a_second: float) -> int:
        """How often something happened that happens about so often."""
        return int(self.chance.poisson(max(0.0, a_second) * self.part.width_s))

    def count(self, stat: str, value: float) -> None:
        if value:
            at_ms = self.part.start_s * 1_000
            self.items.append({"stat": stat, "type": "counter", "value": value, "t": at_ms})

    def measure(self, stat: str, values: list[float]) -> None:
        step_ms = self.part.width_s * 1_000 // max(1, len(values))
        for number, value in enumerate(values):
            at_ms = self.part.start_s * 1_000 + number * step_ms
            self.items.append({"stat": stat, "type": "value", "value": value, "t": at_ms})


def _visits(told: _Teller, now: Moment) -> None:
    told.count("page.views", told.happened(now.views))
    told.count("visits", told.happened(now.views / 4.2))
    told.count("logins", told.happened(now.views * 0.021))
    told.count("searches", told.happened(now.views * 0.17))


def _orders(told: _Teller, now: Moment) -> None:
    tried = now.views * 0.024
    orders = told.happened(tried * (1 - 0.75 * now.broken))
    baskets = 1 + told.chance.geometric(0.38, orders)
    prices = told.chance.lognormal(3.1, 0.55, orders) * baskets
    told.count("orders", orders)
    told.count("orders.failed", told.happened(tried * (0.012 + 0.75 * now.broken)))
    told.count("revenue", round(float(prices.sum()), 2))
    told.measure("cart.size", baskets.astype(float).tolist())


def _machines(told: _Teller, now: Moment) -> None:
    requests = told.happened(now.views * 3.4)
    failing = 0.0016 + 0.0014 * now.load + 0.11 * now.broken
    errors = int(told.chance.binomial(requests, failing))
    told.count("http.requests", requests)
    told.count("http.errors", errors)
    if requests:
        told.measure("http.error_rate", [round(100 * errors / requests, 3)])
    usual_ms = 72 * (1 + 0.7 * now.load**3) * (1 + 5 * now.broken)
    samples = told.happened(_SAMPLES_A_SECOND) + (told.part.width_s >= FINE_S)
    latencies = told.chance.lognormal(math.log(usual_ms), 0.42 + 0.2 * now.broken, samples)
    told.measure("checkout.latency", np.round(latencies, 1).tolist())
    if told.part.start_s % FINE_S == 0:
        waiting = told.chance.poisson(3 + 22 * now.load + 240 * now.broken)
        told.measure("queue.depth", [float(waiting)])


def _day(hour: float) -> float:
    """How full the shop is at an hour of the local day: little at night, noon, a long evening."""
    noon = math.exp(-(((hour - 13.0) / 3.3) ** 2))
    evening = math.exp(-(((hour - 20.4) / 2.9) ** 2))
    late = math.exp(-(((hour + 3.6) / 2.9) ** 2))  # what is left of the evening before
    return 0.09 + 0.52 * noon + 0.88 * evening + 0.88 * late


def _noise(*numbers: int) -> float:
    """Between -1 and 1, the same for the same numbers."""
    mixed = 0x9E3779B97F4A7C15
    for number in numbers:
        mixed = (mixed ^ (number & 0xFFFFFFFFFFFFFFFF)) * 0xBF58476D1CE4E5B9 % 2**64
        mixed ^= mixed >> 31
    return mixed / 2**63 - 1
