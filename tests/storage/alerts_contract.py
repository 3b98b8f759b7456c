"""What every store must do with rules, transitions and messages, told once."""

from engine.histogram import Histograms
from engine.points import Batch, Command
from engine.ports import (
    TRANSITIONS_KEPT,
    Appended,
    Checkpoint,
    Group,
    Judged,
    Message,
    Ownership,
    Partials,
    Store,
)
from engine.position import START, Position
from engine.rollup import Rollups
from engine.turn import NO_POINTS

NOTHING = Partials(Rollups.empty(), Histograms.empty())
COMMAND = Command("alert.tick", 0)


def message(number: int) -> Message:
    return Message(f"msg_{number}", "ep_1", number, b"\x00body\xff")


class AlertsContract:
    """One test a promise; `store` is a fixture of the class that inherits."""

    async def judged(self, store: Store, own: Ownership, judged: Judged) -> Checkpoint:
        """Commit a checkpoint that carries this; returns it."""
        group = Group(0, own.epoch, own.number + 1, (Batch(NO_POINTS, commands=(COMMAND,)),), 1)
        (reply,) = await store.append([group])
        assert isinstance(reply, Appended)
        number = await store.checkpoint_number(0, own.epoch) + 1
        checkpoint = Checkpoint(0, own.epoch, number, reply.position, NOTHING, judged=judged)
        await store.commit(checkpoint)
        return checkpoint

    async def test_documents_are_replaced_and_forgotten(self, store: Store) -> None:
        own = await store.acquire(0)
        first = Judged({"rule al_1": b"\x00one\xff", "state al_1 7": b"s"})
        await self.judged(store, own, first)
        assert await store.alerts(0) == first.documents
        own = await store.acquire(0)
        await self.judged(store, own, Judged({"rule al_1": b"two", "state al_1 7": None}))
        assert await store.alerts(0) == {"rule al_1": b"two"}
        assert await store.alerts(1) == {}

    async def test_a_repeated_checkpoint_tells_nothing_twice(self, store: Store) -> None:
        own = await store.acquire(0)
        judged = Judged({}, (b"changed",), (message(1),))
        await store.commit(await self.judged(store, own, judged))
        assert [record for _, record in await store.transitions(0, None, 10)] == [b"changed"]
        assert len(await store.outbox(0, START, 10)) == 1

    async def test_a_message_waits_in_order_until_it_is_settled(self, store: Store) -> None:
        own = await store.acquire(0)
        await self.judged(store, own, Judged(messages=(message(1), message(2), message(3))))
        first, second, third = await store.outbox(0, START, 10)
        assert [one.id for one in (first, second, third)] == ["msg_1", "msg_2", "msg_3"]
        assert (first.episode, first.at_ms, first.body) == ("ep_1", 1, b"\x00body\xff")
        assert await store.outbox(0, first.place, 1) == [second]
        await store.settle(0, [first.place, third.place])
        await store.settle(0, [first.place, Position(9, 9)])
        await store.settle(0, [])
        assert await store.outbox(0, START, 10) == [second]
        assert await store.outbox(1, START, 10) == []

    async def test_transitions_are_read_backwards(self, store: Store) -> None:
        own = await store.acquire(0)
        await self.judged(store, own, Judged(transitions=(b"a", b"b", b"c")))
        (place, last), (_, middle) = await store.transitions(0, None, 2)
        assert (last, middle) == (b"c", b"b")
        assert [record for _, record in await store.transitions(0, place, 9)] == [b"b", b"a"]

    async def test_old_transitions_go(self, store: Store) -> None:
        own = await store.acquire(0)
        many = tuple(b"%d" % number for number in range(TRANSITIONS_KEPT + 500))
        await self.judged(store, own, Judged(transitions=many))
        kept = await store.transitions(0, None, 2 * TRANSITIONS_KEPT)
        assert TRANSITIONS_KEPT <= len(kept) < TRANSITIONS_KEPT + 200
        assert kept[0][1] == many[-1]
