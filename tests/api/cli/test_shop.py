"""The shop of the demo: the same for the same moment, whole, and believable."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cli.shop import (
    COARSE_S,
    DAY_S,
    FINE_S,
    HISTORY_S,
    INCIDENT_HELD_S,
    INCIDENT_RISE_S,
    UNITS,
    Item,
    Shop,
    Slice,
    history,
)

MIDNIGHT = 1_795_305_600
BEGAN = MIDNIGHT + 9 * 3_600
SHOP = Shop(7, BEGAN)


def sums(slices: Iterable[Slice], shop: Shop = SHOP) -> Counter[str]:
    found: Counter[str] = Counter()
    for part in slices:
        for item in shop.items(part):
            found[item["stat"]] += item["value"]  # type: ignore[assignment]
    return found


def values(stat: str, slices: Iterable[Slice]) -> list[float]:
    return [i["value"] for part in slices for i in SHOP.items(part) if i["stat"] == stat]


def hour(number: int, day: int = -1) -> list[Slice]:
    start = MIDNIGHT + day * DAY_S + number * 3_600
    return [Slice(start + 60 * minute, 60) for minute in range(60)]


def test_the_same_slice_is_always_the_same_and_seeds_differ() -> None:
    part = Slice(BEGAN - 5_000 * 60, 60)
    assert SHOP.items(part) == Shop(7, BEGAN).items(part)
    assert SHOP.items(part) != Shop(8, BEGAN).items(part)


def test_points_lie_in_their_slice_and_have_one_type_a_stat() -> None:
    parts = [*hour(20), *history(BEGAN - 90, BEGAN, 0)]
    kinds: dict[str, str] = {}
    for part in parts:
        for item in SHOP.items(part):
            assert part.start_s * 1000 <= item["t"] < (part.start_s + part.width_s) * 1000
            assert np.isfinite(item["value"])
            assert kinds.setdefault(item["stat"], item["type"]) == item["type"]
    assert UNITS.keys() <= kinds.keys()
    assert len(kinds) == 13


def test_a_counter_has_one_point_a_slice_and_none_of_zero() -> None:
    for part in hour(4):
        counters = [item for item in SHOP.items(part) if item["type"] == "counter"]
        assert len({item["stat"] for item in counters}) == len(counters)
        assert all(item["value"] > 0 for item in counters)


@given(st.integers(0, 3 * DAY_S), st.integers(0, 2 * DAY_S), st.integers(-DAY_S, 3 * DAY_S))
def test_history_fills_its_range_without_a_gap(start: int, length: int, fine: int) -> None:
    end_s = start
    for part in history(start, start + length, fine):
        assert part.start_s == end_s
        assert part.width_s in (1, FINE_S, COARSE_S)
        assert part.start_s % part.width_s == 0
        assert part.width_s < COARSE_S or part.start_s < fine
        end_s = part.start_s + part.width_s
    assert end_s == start + length


@given(st.integers(0, 3_600), st.integers(1, 7_200), st.integers(0, 7_200), st.data())
def test_history_cut_at_any_of_its_ends_is_the_same(
    start: int, length: int, fine: int, data: st.DataObject
) -> None:
    whole = list(history(start, start + length, fine))
    count = data.draw(st.integers(1, len(whole)))
    end_s = whole[count - 1].start_s + whole[count - 1].width_s
    assert list(history(start, end_s, fine)) == whole[:count]


def test_the_evening_is_busy_and_the_night_is_not() -> None:
    night, noon, evening = (sums(hour(number))["page.views"] for number in (4, 13, 20))
    assert night * 3 < noon < evening


def test_a_weekend_sells_more() -> None:
    evenings = [MIDNIGHT + day * DAY_S + 20 * 3_600 for day in range(-10, -3)]
    views = {datetime.fromtimestamp(at_s, UTC).weekday(): SHOP.at(at_s).views for at_s in evenings}
    assert set(sorted(views, key=lambda day: views[day])[-2:]) == {5, 6}


def test_hours_are_those_of_the_time_zone() -> None:
    there = Shop(7, BEGAN, offset_s=-8 * 3_600)
    peak = max(range(24), key=lambda h: there.at(MIDNIGHT - 6 * DAY_S + h * 3_600).load)
    assert peak in {3, 4, 5}  # 19 to 21 o'clock, 8 hours further west


def test_the_incident_shows_in_errors_latency_queue_and_orders() -> None:
    middle = SHOP.incident_s + INCIDENT_RISE_S + 60
    middle -= middle % 60
    bad = [Slice(middle + 60 * minute, 60) for minute in range(30)]
    usual = [Slice(part.start_s - DAY_S, 60) for part in bad]
    broken, well = sums(bad), sums(usual)
    assert broken["http.errors"] > 10 * well["http.errors"]
    assert broken["orders.failed"] > 10 * max(1, well["orders.failed"])
    assert broken["orders"] < 0.6 * well["orders"]
    for stat in ("checkout.latency", "queue.depth", "http.error_rate"):
        assert np.median(values(stat, bad)) > 3 * np.median(values(stat, usual)), stat


@pytest.mark.parametrize("offset_s", [0, -36_000, 46_800])
def test_the_incident_lies_in_the_history_and_is_over(offset_s: int) -> None:
    shop = Shop(1, BEGAN, offset_s)
    assert BEGAN - HISTORY_S < shop.incident_s < BEGAN - DAY_S
    assert shop.at(shop.incident_s - 1).broken == 0
    assert shop.at(shop.incident_s + INCIDENT_RISE_S + INCIDENT_HELD_S // 2).broken == 1
    assert shop.at(BEGAN).broken == 0


def test_fine_slices_add_up_to_what_coarse_ones_say_about() -> None:
    coarse = sums(hour(18))
    fine = sums(Slice(part.start_s + second, 1) for part in hour(18) for second in range(60))
    for stat in ("page.views", "http.requests", "searches"):
        assert fine[stat] == pytest.approx(coarse[stat], rel=0.1)


def test_no_slice_is_too_large_for_a_batch() -> None:
    def size(items: list[Item]) -> int:
        return len(items)

    assert max(size(SHOP.items(part)) for part in hour(20, -9)) < 100
