"""Rules in a run, and what must have become of them: what the log says, once, in order.

Law: the log read from its beginning by rules that were never stopped makes exactly the transitions
that were committed, whatever was killed meanwhile. Rules whose windows move by more than seconds
are loaded from wider buckets after a kill, so of them only the order is checked.
"""

from typing import TYPE_CHECKING, Final

import trio

from engine import alert_commands as commands
from engine.alert_actor import AlertActor
from engine.alerting import Alerting, never
from engine.histogram import Histograms
from engine.intake import NotAccepted
from engine.points import Batch
from engine.ports import Message
from engine.position import START
from engine.ring import Ring
from engine.rollup import Rollups
from engine.rules import Kind, Rule
from engine.transition import Transition, unpack_transition
from engine.turn import NO_POINTS, Turn

if TYPE_CHECKING:
    from engine.ports import Entry
    from tests.simulation.simulation import Simulation

COARSE: Final = "al_coarse"

RULES: Final = (
    Rule("al_many", 1, "many", Kind.THRESHOLD, window_s=30, threshold=300, no_data="zero",
         warn=100, keep_firing_s=3, repeat_s=20),
    Rule("al_few", 1, "few", Kind.THRESHOLD, window_s=10, op="<", threshold=1, aggregate="count",
         no_data="zero", for_s=2, flap_changes=3),
    Rule("al_mean", 1, "mean", Kind.THRESHOLD, window_s=60, aggregate="avg", threshold=50,
         no_data="alert", no_data_after_s=20, depends_on="al_many"),
    Rule("al_dead", 1, "dead", Kind.DEADMAN, period_s=10, grace_s=2),
    Rule(COARSE, 1, "coarse", Kind.THRESHOLD, window_s=600, aggregate="count", threshold=3,
         no_data="zero"),
)  # fmt: skip


async def put_rules(simulation: "Simulation") -> None:
    """Put every rule into every partition, until each was answered."""
    for partition in range(simulation.partitions):
        stats = [stat for stat in simulation.shared if stat % simulation.partitions == partition]
        put = [commands.put(rule) for rule in RULES]
        put += [commands.watch(rule.id, stat) for rule in RULES for stat in stats]
        await _put(simulation, partition, Batch(NO_POINTS, commands=tuple(put)))


async def _put(simulation: "Simulation", partition: int, batch: Batch) -> None:
    while True:
        process = simulation.current
        try:
            if process is not None:
                answer = await process.call(lambda node: node.submit(partition, batch))
                if answer is not None:
                    return
        except NotAccepted as error:
            simulation.world.note("rules:", error.code)
        await trio.sleep(0.1)


def check_alarms(simulation: "Simulation") -> None:
    """Every transition that the log makes was committed once, in order, with its message."""
    for partition, state in enumerate(simulation.server.state):
        found = [unpack_transition(record) for _, record in state.transitions]
        expected = _expected(simulation.server.ledger.entries.get(partition, []))
        wrong = _wrong(found, expected) or _wrong_messages(found, state.outbox)
        if wrong is not None:
            simulation.world.fail(f"alerts of partition {partition}: {wrong}")
            return


def _expected(entries: list["Entry"]) -> list[Transition]:
    """What rules that are never stopped make of a log."""
    alerting = Alerting({}, START, never)
    for entry in entries:
        turn = Turn.of(entry.points)
        alerting.apply(entry.position, entry.commands, turn.seconds, turn.histograms)
        for actor in alerting.unloaded():
            _load(actor, entry)
    return list(alerting.take().transitions)


def _load(actor: AlertActor, entry: "Entry") -> None:
    """Nothing was there before the rules."""
    for source in actor.sources:
        nothing = Rollups.empty() if isinstance(source.ring, Ring) else Histograms.empty()
        source.load(nothing, START, entry.position.ms)


def _wrong(found: list[Transition], expected: list[Transition]) -> str | None:
    fine = [one for one in found if one.rule != COARSE]
    wanted = [one for one in expected if one.rule != COARSE]
    for place, (one, other) in enumerate(zip(fine, wanted, strict=False)):
        if one != other:
            return f"transition {place} is {one}, should be {other}"
    if len(fine) != len(wanted):
        return f"{len(fine)} transitions are committed, should be {len(wanted)}"
    return _wrong_order(found)


def _wrong_order(found: list[Transition]) -> str | None:
    last: dict[tuple[str, int], Transition] = {}
    for one in found:
        before = last.get((one.rule, one.stat))
        if before is not None and (one.seq, one.source) != (before.seq + 1, before.target):
            return f"{one} follows {before}"
        last[one.rule, one.stat] = one
    return None


def _wrong_messages(found: list[Transition], outbox: list[Message]) -> str | None:
    told = [one.message_id for one in found if one.tells is not None]
    waiting = [message.id for message in outbox]
    if waiting != told:
        return f"messages are {waiting}, should be {told}"
    return None if len(set(waiting)) == len(waiting) else "a message has the id of another"
