"""Rules: what may be said, what is refused and why, and by which steps a window moves."""

import math
from dataclasses import replace

import pytest

from engine.rules import Escalation, Kind, Rule, faults_of, pack_rule, step_of, unpack_rule
from engine.tiers import DAY_S, HOUR_S

RULE = Rule("al_1", 1, "too many", Kind.THRESHOLD, threshold=10)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"threshold": math.nan}, "threshold"),
        ({"threshold": math.inf}, "threshold"),
        ({"window_s": 0}, "window"),
        ({"window_s": 10 * 366 * DAY_S}, "window"),
        ({"for_s": -1}, "for"),
        ({"op": "~"}, "op"),
        ({"aggregate": "p42"}, "aggregate"),
        ({"clear": 11.0}, "clear"),
        ({"op": "<", "clear": 9.0}, "clear"),
        ({"warn": 12.0}, "warn"),
        ({"warn_clear": 1.0}, "warn_clear"),
        ({"op": "inside"}, "upper"),
        ({"op": "inside", "upper": 3.0}, "upper"),
        ({"min_points": 0}, "min_points"),
        ({"scale": 0.0}, "scale"),
        ({"aggregate": "p95", "window_s": 10}, "window"),
        ({"aggregate": "p95", "window_s": 100 * DAY_S}, "window"),
        ({"kind": Kind.DELTA, "threshold": 0.0}, "threshold"),
        ({"kind": Kind.DELTA, "compare_s": 60}, "compare"),
        ({"kind": Kind.DELTA, "compare_s": 7 * DAY_S, "window_s": 60}, "window"),
        ({"kind": Kind.DEADMAN, "grace_s": 10}, "period"),
        ({"kind": Kind.DEADMAN, "grace_s": 10, "period_s": 60, "cron": "* * * * *"}, "period"),
        ({"kind": Kind.DEADMAN, "period_s": 60}, "grace"),
        ({"kind": Kind.DEADMAN, "period_s": 60, "grace_s": 9, "over": 3}, "expr"),
        ({"escalation": (Escalation(5, ("a",)), Escalation(5, ("b",)))}, "escalation"),
        ({"escalation": (Escalation(5, ()),)}, "escalation"),
        ({"channels": tuple(map(str, range(30)))}, "channels"),
        ({"depends_on": "al_1"}, "depends_on"),
    ],
)
def test_what_cannot_be_judged_is_refused(changes: dict[str, object], field: str) -> None:
    faults = faults_of(replace(RULE, **changes))  # type: ignore[arg-type]
    assert [fault.field for fault in faults] == [field]
    assert all(fault.message for fault in faults)


@pytest.mark.parametrize(
    ("changes", "width_s"),
    [
        ({"window_s": 1}, 1),
        ({"window_s": 120}, 1),
        ({"window_s": 121}, 10),
        ({"window_s": HOUR_S}, 10),
        ({"window_s": 2 * HOUR_S}, 60),
        ({"window_s": 7 * DAY_S}, HOUR_S),
        ({"window_s": 366 * DAY_S}, DAY_S),
        ({"aggregate": "p99", "window_s": 300}, 60),
        ({"aggregate": "p50", "window_s": 2 * HOUR_S}, 900),
        ({"kind": Kind.DELTA, "window_s": 300}, 10),
        ({"kind": Kind.DELTA, "window_s": 300, "compare_s": DAY_S}, 60),
        ({"kind": Kind.DELTA, "window_s": HOUR_S, "compare_s": DAY_S, "median_of": 7}, 900),
    ],
)
def test_a_window_moves_by_the_finest_steps_that_fit(
    changes: dict[str, object], width_s: int
) -> None:
    rule = replace(RULE, **changes)  # type: ignore[arg-type]
    assert faults_of(rule) == []
    tier = step_of(rule)
    assert tier is not None
    assert tier.width_s == width_s


def test_a_rule_comes_back_as_it_was() -> None:
    rule = replace(
        RULE, channels=("ch_1",), escalation=(Escalation(60, ("ch_2", "ch_3")),),
        labels=(("team", "shop"),), extra={"stat": "orders.failed"},
    )  # fmt: skip
    assert unpack_rule(pack_rule(rule)) == rule
    assert unpack_rule(pack_rule(rule)[:-1] + b',"later":1}') == rule
