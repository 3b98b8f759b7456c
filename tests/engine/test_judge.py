"""The state machine against a plain model, and laws that hold whatever happens."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.alert_state import Ack, State, due_ms, pack_state, unpack_state
from engine.judge import Moment, Reading, change_of, judge
from engine.position import Position
from engine.rules import Escalation, Kind, Rule, faults_of
from engine.transition import (
    Status,
    Tells,
    Transition,
    pack_transition,
    unpack_transition,
)

BEGUN_S = 1_800_000_000

RULE = Rule("al_1", 1, "too many", Kind.THRESHOLD, threshold=10, window_s=60)

Step = tuple[int, float | None, bool]

STEPS = st.lists(
    st.tuples(
        st.integers(1, 12),
        st.sampled_from([None, 0.0, 4.0, 6.0, 8.0, 9.0, 11.0, 20.0]),
        st.booleans(),
    ),
    max_size=25,
)

RULES = st.builds(
    lambda for_s, keep_s, clear, warn, no_data, repeat_s, escalates: replace(
        RULE, for_s=for_s, keep_firing_s=keep_s, clear=clear, warn=warn, no_data=no_data,
        no_data_after_s=6, repeat_s=repeat_s, flap_changes=100,
        escalation=(Escalation(8, ("ch_1",)),) if escalates else (),
    ),
    st.sampled_from([0, 1, 5]),
    st.sampled_from([0, 1, 5]),
    st.sampled_from([None, 7.0]),
    st.sampled_from([None, 5.0]),
    st.sampled_from(["zero", "keep", "ok", "alert"]),
    st.sampled_from([0, 5, 14_400]),
    st.booleans(),
)  # fmt: skip


def moment(now_s: int) -> Moment:
    """A moment of its own log entry."""
    return Moment(1000 * now_s, 1000 * now_s, Position(1000 * now_s, 0))


def reading(value: float | None) -> Reading:
    return Reading(value, None, 0 if value is None else 1)


@dataclass
class Model:
    """What a rule should say, second by second, in the plainest words."""

    rule: Rule
    status: Status = Status.NEW
    level: int = 0
    since_s: int = 0
    empty_s: int | None = None
    episodes: int = 0

    def see(self, value: float | None, now_s: int) -> None:
        rule = self.rule
        self.empty_s = None if value is not None else self.empty_s or now_s
        if value is None and rule.no_data == "zero":
            value = 0.0
        if value is None and rule.no_data == "ok":
            value = float("-inf")
        if value is None:
            long = self.empty_s is not None and now_s >= self.empty_s + 6
            if rule.no_data == "alert" and long and not self.open:
                self.go(Status.NO_DATA, now_s, 2)
            return
        if self.status in (Status.NEW, Status.NO_DATA):
            self.go(Status.OK, now_s, 0)
        self.follow(self.wanted(value), now_s)

    @property
    def open(self) -> bool:
        return self.status in (Status.FIRING, Status.RECOVERING, Status.NO_DATA)

    def wanted(self, value: float) -> int:
        rule, high = self.rule, self.open and self.level == 2
        if value > (rule.clear if high and rule.clear is not None else rule.threshold):
            return 2
        return 1 if rule.warn is not None and value > rule.warn else 0

    def follow(self, level: int, now_s: int) -> None:
        rule, passed_s = self.rule, now_s - self.since_s
        if self.status is Status.OK and level:
            self.go(Status.PENDING if rule.for_s else Status.FIRING, now_s, level)
        elif self.status is Status.PENDING and not level:
            self.go(Status.OK, now_s, 0)
        elif (self.status is Status.PENDING and passed_s >= rule.for_s) or (
            self.status is Status.RECOVERING and level
        ):
            self.go(Status.FIRING, now_s, level)
        elif self.status is Status.RECOVERING and passed_s >= rule.keep_firing_s:
            self.go(Status.OK, now_s, 0)
        elif self.status is Status.FIRING and not level:
            self.go(Status.RECOVERING if rule.keep_firing_s else Status.OK, now_s, self.level)
        elif self.status is Status.FIRING:
            self.level = level

    def go(self, status: Status, now_s: int, level: int) -> None:
        was_open = self.open
        self.status, self.since_s, self.level = status, now_s, level
        self.episodes += self.open and not was_open
        self.level = level if self.open or status is Status.PENDING else 0


@dataclass
class Run:
    """An instance that is judged once a second."""

    rule: Rule
    state: State = field(default_factory=lambda: State(armed=True))
    told: list[Transition] = field(default_factory=list)

    def see(self, value: float | None, now_s: int, held: str | None = None) -> int:
        verdict = judge(self.rule, 7, self.state, reading(value), moment(now_s), held)
        self.state = verdict.state
        self.told += verdict.transitions
        return len(verdict.transitions)


@settings(max_examples=150)
@given(RULES, STEPS)
def test_it_does_what_the_plain_model_does(rule: Rule, steps: list[Step]) -> None:
    assert faults_of(rule) == []
    run, model, now_s = Run(rule), Model(rule), BEGUN_S
    for lasts_s, value, _ in steps:
        for _ in range(lasts_s):
            now_s += 1
            run.see(value, now_s)
            model.see(value, now_s)
            assert (run.state.status, run.state.level) == (model.status, model.level)
    assert len({one.episode for one in run.told if one.episode}) == model.episodes


@settings(max_examples=150)
@given(RULES, STEPS, st.integers(2, 6))
def test_whatever_happens_records_and_messages_make_sense(
    rule: Rule, steps: list[Step], flaps: int
) -> None:
    run, now_s = Run(replace(rule, flap_changes=flaps, flap_within_s=300)), BEGUN_S
    for lasts_s, value, held in steps:
        for _ in range(lasts_s):
            now_s += 1
            run.see(value, now_s, "silence:s" if held else None)
            assert run.see(value, now_s, "silence:s" if held else None) == 0
    before: Transition | None = None
    for one in run.told:
        assert unpack_transition(pack_transition(one)) == one
        if before is not None:
            assert (one.seq, one.source) == (before.seq + 1, before.target)
        before = one
    told = [one for one in run.told if one.tells is not None]
    assert len({one.message_id for one in told}) == len(told)
    assert all(one.episode for one in told)
    _begins_and_ends(told)


def _begins_and_ends(told: list[Transition]) -> None:
    """Of each episode: something begins it, at most one message ends it, nothing follows."""
    ended: set[str] = set()
    begun: set[str] = set()
    for one in told:
        assert one.episode not in ended
        if one.tells is Tells.RESOLVED:
            assert one.episode in begun
            ended.add(one.episode)
        begun.add(one.episode)


@settings(max_examples=150)
@given(RULES, STEPS)
def test_nothing_happens_before_it_is_due(rule: Rule, steps: list[Step]) -> None:
    run, now_s = Run(rule), BEGUN_S
    for lasts_s, value, _ in steps:
        run.see(value, now_s)
        for _ in range(lasts_s):
            due = due_ms(rule, run.state, None, 1000 * now_s)
            now_s += 1
            state = run.state
            made = run.see(value, now_s)
            if not due or due > 1000 * now_s:
                assert (made, run.state) == (0, state)


@given(RULES, STEPS)
def test_a_state_comes_back_as_it_was(rule: Rule, steps: list[Step]) -> None:
    run, now_s = Run(rule), BEGUN_S
    for lasts_s, value, acked in steps:
        now_s += lasts_s
        run.see(value, now_s)
        state = replace(run.state, ack=Ack("ann", 5, "mine") if acked else None)
        assert unpack_state(pack_state(state)) == state


@pytest.mark.parametrize(
    ("changes", "value", "base", "expected"),
    [
        ({"change": "percent"}, 15, 10, 50),
        ({"change": "percent"}, 5, 10, 50),
        ({"change": "percent", "direction": "up"}, 5, 10, -50),
        ({"change": "percent", "direction": "down"}, 5, 10, 50),
        ({"change": "percent"}, -5, -10, 50),
        ({"change": "absolute"}, 5, 10, 5),
        ({"change": "ratio"}, 30, 10, 3),
        ({"change": "ratio", "direction": "down"}, 10, 30, 3),
        ({"change": "percent", "min_base": 20}, 5, 10, None),
        ({"change": "percent"}, 5, 0, None),
        ({"change": "percent", "zero_base": "fire"}, 5, 0, 1e100),
        ({"change": "percent", "zero_base": "fire"}, 0, 0, 0),
        ({"change": "absolute"}, 5, None, None),
    ],
)
def test_a_change_is_measured(
    changes: dict[str, str], value: float, base: float | None, expected: float | None
) -> None:
    rule = replace(RULE, kind=Kind.DELTA, **changes)  # type: ignore[arg-type]
    assert change_of(rule, value, base) == expected
