"""What rules made goes into a checkpoint as it was, a slice at a time."""

import trio

from engine import alert_commands as commands
from engine.alert_records import RECORDS_A_SLICE, Taken, joined, state_key
from engine.alert_state import Ack, State, pack_state, unpack_state
from engine.alerting import Alerting, never
from engine.histogram import Histograms
from engine.points import Points
from engine.ports import Checkpoint
from engine.position import START, Position
from engine.ring import Ring
from engine.rollup import Rollups
from engine.rules import Kind, Rule, pack_rule, unpack_rule
from engine.sealing import Sealed, added_up
from engine.transition import Status, Tells, unpack_transition
from engine.turn import Turn
from engine.uncommitted import NO_PARTIALS
from engine.usage import nobody

BEGUN_MS = 1_800_000_000_000
RULE = Rule("al_1", 1, "too many", Kind.THRESHOLD, threshold=10, window_s=60)
STATS = 3 * RECORDS_A_SLICE + 1

OLD_STATE = (
    b'{"armed":true,"status":"FIRING","level":2,"since_ms":5,"seq":3,"episode":"ep_1",'
    b'"began_ms":5,"told":true,"base":1.5,"ack":{"by":"ann","at_ms":6,"note":"","until_ms":0},'
    b'"changes":[5]}'
)
"""As releases before this one wrote it."""


def watching() -> Alerting:
    """A rule that is judged at many stats."""
    alerting = Alerting({}, START, never)
    told = [commands.put(RULE), *(commands.watch(RULE.id, stat) for stat in range(STATS))]
    alerting.apply(Position(BEGUN_MS, 0), told, Rollups.empty(), Histograms.empty())
    for actor in alerting.unloaded():
        for source in actor.sources:
            assert isinstance(source.ring, Ring)
            source.load(Rollups.empty(), START, BEGUN_MS)
    armed = [commands.arm(RULE.id, stat) for stat in range(STATS)]
    alerting.apply(Position(BEGUN_MS, 1), armed, Rollups.empty(), Histograms.empty())
    alerting.take()
    return alerting


def send(alerting: Alerting, value: float, at_ms: int) -> None:
    """One point for each stat."""
    turn = Turn.of(Points.of(range(STATS), [at_ms] * STATS, [value] * STATS))
    alerting.apply(Position(at_ms, 0), [], turn.seconds, turn.histograms)


def test_no_step_packs_more_than_a_slice() -> None:
    alerting = watching()
    send(alerting, 20, BEGUN_MS + 100)
    taken = alerting.take()
    assert len(taken.states) == STATS
    assert len(taken.transitions) >= STATS
    parts = list(taken.packed_in_slices())
    rows = [max(len(part.documents), len(part.transitions)) for part in parts]
    assert max(rows) == RECORDS_A_SLICE
    assert sum(rows) == len(taken.states) + len(taken.transitions)


def test_what_was_taken_stays_as_it_was_whatever_comes_while_it_is_packed() -> None:
    alerting = watching()
    send(alerting, 20, BEGUN_MS + 100)
    parts = []
    for number, part in enumerate(alerting.take().packed_in_slices()):
        parts.append(part)
        send(alerting, -100, BEGUN_MS + 200 + number)
    judged = joined(parts)
    states = [unpack_state(record) for record in judged.documents.values() if record]
    assert len(states) == STATS
    assert {state.status for state in states} == {Status.FIRING}
    made = [unpack_transition(record) for record in judged.transitions]
    assert {one.at_ms for one in made} == {BEGUN_MS + 100}
    told = [one.message_id for one in made if one.tells is Tells.FIRING]
    assert [message.id for message in judged.messages] == told
    assert len(told) == STATS
    # What came meanwhile is the next checkpoint's.
    assert {one.at_ms for one in alerting.take().transitions} == {BEGUN_MS + 200}


async def test_others_have_their_turn_between_slices() -> None:
    alerting = watching()
    send(alerting, 20, BEGUN_MS + 100)
    checkpoint = Checkpoint(0, 1, 1, alerting.position, NO_PARTIALS)
    turn = Turn.of(Points.of((), (), ()))
    sealed = Sealed(checkpoint, [turn], alerting.take())
    passes = 0

    async def live() -> None:
        nonlocal passes
        while True:
            await trio.lowlevel.checkpoint()
            passes += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(live)
        done = await added_up(sealed, frozenset(), nobody)
        nursery.cancel_scope.cancel()
    assert passes >= 2 * STATS // RECORDS_A_SLICE
    assert len(done.checkpoint.judged.messages) == STATS
    assert done.taken == Taken()


def test_states_of_older_releases_are_read_and_written_alike() -> None:
    state = unpack_state(OLD_STATE)
    assert state == State(
        armed=True, status=Status.FIRING, level=2, since_ms=5, seq=3, episode="ep_1", began_ms=5,
        told=True, base=1.5, ack=Ack("ann", 6), changes=(5,),
    )  # fmt: skip
    assert pack_state(state) == OLD_STATE
    assert pack_state(State()) == b"{}"


def test_rules_come_back_as_they_were() -> None:
    assert unpack_rule(pack_rule(RULE)) == RULE
    assert state_key(RULE.id, 7) == "state al_1 7"
