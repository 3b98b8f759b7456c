"""Windows of the past, judged again when points come late: for rules that ask for it. Pure.

Law: what fires now is judged as ever; this looks only at windows that have ended. They are judged
from the first that a late point has changed, each at its end, by the same steps as live ones. An
episode that nobody knew of is told once, when it is over; one that late points have disproved is
noted. A window that is still kept may be judged again as often as points come, an episode is told
once.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from engine.alert_state import ENDED_KEPT, LEVELS, State
from engine.judge import Moment, Reading, judge
from engine.rules import Rule
from engine.transition import Status, Tells, Transition

Span = tuple[int, int]
"""When an episode began and ended, epoch milliseconds."""


@dataclass(frozen=True, slots=True)
class Looked:
    """The windows that late points have changed: from the one that ends at `first_ms` to `last_ms`.

    They end every `step_ms`, with the last millisecond of a step; `oldest_ms` is the first that is
    still kept. `read` tells what a window says at its end now.
    """

    first_ms: int
    last_ms: int
    step_ms: int
    oldest_ms: int
    read: Callable[[int], Reading]

    def with_whole(self, spans: Sequence[Span]) -> "Looked":
        """Also all windows of these episodes that any of them belongs to."""
        # The time before anybody looked is no episode.
        met = [one for one in spans if one[0] and _meet(one, (self.first_ms, self.last_ms))]
        first_ms = min([self.first_ms, *(self._end_of(began_ms) for began_ms, _ in met)])
        last_ms = max([self.last_ms, *(self._end_of(ended_ms) for _, ended_ms in met)])
        return replace(self, first_ms=max(self.oldest_ms, first_ms), last_ms=last_ms)

    def _end_of(self, at_ms: int) -> int:
        return at_ms - at_ms % self.step_ms + self.step_ms - 1


@dataclass(frozen=True, slots=True)
class Found:
    """An episode that should have been: its first transition, and when it was over."""

    began: Transition
    ended_ms: int

    @property
    def span(self) -> Span:
        """From when to when it would have fired."""
        return self.began.at_ms, self.ended_ms


def looked_back(
    rule: Rule, stat: int, state: State, looked: Looked, moment: Moment, held: str | None
) -> tuple[State, list[Transition]]:
    """The state and records after late points; `held` is what holds messages back now."""
    made: list[Transition] = []
    looked = looked.with_whole(state.ended)
    found = list(_episodes(rule, stat, looked, moment))
    known = [*state.ended, (state.began_ms, moment.now_ms)] if state.open else [*state.ended]
    for one in found:
        if not any(_meet(one.span, span) for span in known):
            state, record = _told(state, one, moment, held)
            made.append(record)
    for span in state.ended:
        seen = looked.first_ms - looked.step_ms < span[0] and span[1] <= looked.last_ms
        if seen and not any(_meet(one.span, span) for one in found):
            state, record = _disproved(rule, stat, state, span, moment)
            made.append(record)
    return state, made


def _episodes(rule: Rule, stat: int, looked: Looked, moment: Moment) -> Iterator[Found]:
    """The episodes that there are in windows as they are now."""
    no_data = "keep" if rule.no_data == "alert" else rule.no_data
    alone = replace(rule, no_data=no_data, escalation=(), repeat_s=0, stop_after_s=0)
    state = State(armed=True, status=Status.OK, since_ms=looked.first_ms)
    began: Transition | None = None
    for end_ms in range(looked.first_ms, moment.now_ms, looked.step_ms):
        if end_ms > looked.last_ms and state.status is Status.OK:
            break
        verdict = judge(alone, stat, state, looked.read(end_ms), replace(moment, now_ms=end_ms))
        state = verdict.state
        for one in verdict.transitions:
            if one.target is Status.FIRING and began is None:
                began = one
            elif one.target is Status.OK and began is not None:
                yield Found(began, end_ms)
                began = None
    if began is not None:
        yield Found(began, moment.now_ms)


def _meet(one: Span, other: Span) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]


def _told(state: State, found: Found, moment: Moment, held: str | None) -> tuple[State, Transition]:
    began_ms, ended_ms = found.span
    ended = (*state.ended, found.span)[-ENDED_KEPT:]
    state = replace(state, seq=state.seq + 1, ended=ended)
    seconds = (ended_ms - began_ms) // 1000
    return state, replace(
        found.began, seq=state.seq, source=state.status, target=state.status, at_ms=ended_ms,
        decided_ms=moment.decided_ms, began_ms=began_ms, tells=None if held else Tells.LATE,
        held=held, channels=(), reason=f"points that came late: it fired for {seconds} s",
    )  # fmt: skip


def _disproved(
    rule: Rule, stat: int, state: State, span: Span, moment: Moment
) -> tuple[State, Transition]:
    ended = tuple(one for one in state.ended if one != span)
    state = replace(state, ended=ended, seq=state.seq + 1)
    return state, Transition(
        rule.id, stat, state.seq, state.status, state.status, LEVELS[state.level], span[1],
        moment.decided_ms, str(moment.position), began_ms=span[0], threshold=rule.threshold,
        window_s=rule.window_s, reason="points that came late: it should not have fired",
    )  # fmt: skip
