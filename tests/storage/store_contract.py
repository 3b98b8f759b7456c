"""What every store must do, told once: the tests beside it run this against each of them."""

from collections.abc import Sequence

import numpy as np
import pytest

from engine.histogram import Histograms, count_up
from engine.points import Batch, Claim, Command, Points
from engine.ports import (
    Appended,
    Checkpoint,
    Chunk,
    DeadLetter,
    Fenced,
    FoldState,
    Group,
    Ownership,
    Partials,
    Span,
    Store,
)
from engine.position import Position
from engine.rollup import Rollups, roll_up
from engine.tiers import HISTOGRAMS, M1, S10

T0_S = 1_795_302_000
T0_MS = T0_S * 1000
PLACE = Position(9, 9)


def points(*values: float, stat: int = 1, at_ms: int = T0_MS) -> Points:
    """Points of one stat, a second apart."""
    times = [at_ms + 1000 * place for place in range(len(values))]
    return Points.of([stat] * len(values), times, values)


def partials(of: Points) -> Partials:
    """What a checkpoint would carry of these points."""
    return Partials(
        roll_up(of.stat, of.at_ms, of.value, S10.width_s), count_up(of.stat, of.at_ms, of.value)
    )


def same(one: Rollups | Histograms, other: Rollups | Histograms) -> bool:
    """Whether two sets of columns are equal to the last bit."""
    names = [name for name in type(one).__slots__ if name != "scale"]
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


class StoreContract:
    """One test a promise; `store` is a fixture of the class that inherits."""

    async def put(
        self, store: Store, own: Ownership, serial: int, *batches: Batch, at_ms: int = T0_MS
    ) -> Appended:
        group = Group(own.partition, own.epoch, serial, tuple(batches), at_ms)
        (reply,) = await store.append([group])
        assert isinstance(reply, Appended), reply
        return reply

    async def refused(self, store: Store, group: Group) -> Exception:
        (reply,) = await store.append([group])
        assert isinstance(reply, Exception)
        return reply

    def checkpoint(
        self,
        own: Ownership,
        position: Position,
        carried: Partials,
        commands: Sequence[Command] = (),
        dead: Sequence[DeadLetter] = (),
    ) -> Checkpoint:
        return Checkpoint(
            own.partition, own.epoch, own.number + 1, position, carried, tuple(commands),
            tuple(dead), 0,
        )  # fmt: skip

    async def test_what_was_appended_is_read_in_order(self, store: Store) -> None:
        own = await store.acquire(0)
        first = await self.put(store, own, 1, Batch(points(1, 2)), Batch(points(3, stat=2)))
        second = await self.put(store, own, 2, Batch(points(4)))
        assert own.position < first.position < second.position
        entries = await store.read_log(0, own.position, 10)
        assert [entry.position for entry in entries] == [first.position, second.position]
        assert entries[0].points.value.tolist() == [1, 2, 3]
        assert entries[0].points.stat.tolist() == [1, 1, 2]
        assert entries[0].points.at_ms.tolist() == [T0_MS, T0_MS + 1000, T0_MS]
        assert [entry.size for entry in entries] == [3, 1]
        assert await store.read_log(0, first.position, 10) != entries
        assert len(await store.read_log(0, own.position, 1)) == 1

    async def test_commands_travel_with_the_points(self, store: Store) -> None:
        own = await store.acquire(0)
        command = Command("stat.put", 7, b"\x00record\xff")
        await self.put(store, own, 1, Batch(points(), commands=(command,)))
        (entry,) = await store.read_log(0, own.position, 10)
        assert entry.commands == (command,)
        assert not len(entry.points)

    async def test_the_same_serial_is_appended_once(self, store: Store) -> None:
        own = await store.acquire(0)
        claim = Claim(b"k" * 16, b"first", 0, 1)
        first = await self.put(store, own, 1, Batch(points(1), (claim,)))
        again = await self.put(store, own, 1, Batch(points(1), (claim,)))
        assert again == first
        assert again.claims == ((None,),)
        assert len(await store.read_log(0, own.position, 10)) == 1

    async def test_the_same_serial_is_known_to_a_later_owner(self, store: Store) -> None:
        own = await store.acquire(0)
        first = await self.put(store, own, 1, Batch(points(1)))
        await store.acquire(0)
        assert await self.put(store, own, 1, Batch(points(1))) == first

    async def test_a_group_that_arrives_after_its_successor_is_refused(self, store: Store) -> None:
        own = await store.acquire(0)
        await self.put(store, own, 9, Batch(points(1)))
        await self.put(store, own, 10, Batch(points(2)))
        for serial in (9, 8):
            group = Group(0, own.epoch, serial, (Batch(points(1)),), T0_MS)
            assert isinstance(await self.refused(store, group), Fenced)
        assert (await store.totals(0)).appended == 2
        again = await store.acquire(0)
        await self.put(store, again, 1, Batch(points(3)))

    async def test_an_earlier_owner_is_fenced(self, store: Store) -> None:
        old = await store.acquire(0)
        new = await store.acquire(0)
        assert new.epoch > old.epoch
        group = Group(0, old.epoch, 1, (Batch(points(1)),), T0_MS)
        assert isinstance(await self.refused(store, group), Fenced)
        with pytest.raises(Fenced):
            await store.commit(self.checkpoint(old, Position(T0_MS, 0), partials(points(1))))
        with pytest.raises(Fenced):
            await store.checkpoint_number(0, old.epoch)
        with pytest.raises(Fenced):
            await store.write_chunks(0, old.epoch, [_chunk(T0_S, 1)])
        with pytest.raises(Fenced):
            await store.drop_chunks(0, old.epoch, {S10.number: T0_S}, [1])
        with pytest.raises(Fenced):
            await store.trim_frames(0, old.epoch, Position(T0_MS, 0))
        with pytest.raises(Fenced):
            await store.write_fold_state(0, old.epoch, FoldState())
        assert await store.read_log(0, Position(0, 0), 10) == []

    async def test_a_claim_is_given_once(self, store: Store) -> None:
        own = await store.acquire(0)
        claim = Claim(b"k" * 16, b"first", 0, 2)
        other = Claim(b"k" * 16, b"second", 0, 2)
        assert (await self.put(store, own, 1, Batch(points(1, 2), (claim,)))).claims == ((None,),)
        reply = await self.put(store, own, 2, Batch(points(3, 4), (other,)), Batch(points(5)))
        assert reply.claims == ((b"first",), ())
        entries = await store.read_log(0, own.position, 10)
        assert [entry.points.value.tolist() for entry in entries] == [[1, 2], [5]]
        assert (await store.totals(0)).appended == 3

    async def test_a_group_of_repeats_adds_no_entry(self, store: Store) -> None:
        own = await store.acquire(0)
        claim = Claim(b"k" * 16, b"first", 0, 1)
        first = await self.put(store, own, 1, Batch(points(1), (claim,)))
        reply = await self.put(store, own, 2, Batch(points(1), (claim,)))
        assert reply.position == first.position
        assert len(await store.read_log(0, own.position, 10)) == 1

    async def test_claims_of_one_group_see_each_other(self, store: Store) -> None:
        own = await store.acquire(0)
        batch = Batch(points(1), (Claim(b"k" * 16, b"a", 0, 1),))
        reply = await self.put(store, own, 1, batch, batch, batch)
        assert reply.claims == ((None,), (b"a",), (b"a",))
        (entry,) = await store.read_log(0, own.position, 10)
        assert entry.points.value.tolist() == [1]

    async def test_a_claim_of_one_row_masks_that_row(self, store: Store) -> None:
        own = await store.acquire(0)
        await self.put(store, own, 1, Batch(points(1), (Claim(b"i" * 16, b"x", 0, 1),)))
        batch = Batch(points(7, 8, 9), (Claim(b"i" * 16, b"y", 1, 2), Claim(b"j" * 16, b"z", 2, 3)))
        reply = await self.put(store, own, 2, Batch(points(6)), batch)
        assert reply.claims == ((), (b"x", None))
        assert (await store.read_log(0, own.position, 10))[1].points.value.tolist() == [6, 7, 9]

    async def test_rows_that_do_not_count_use_up_no_claim(self, store: Store) -> None:
        own = await store.acquire(0)
        key, item = Claim(b"k" * 16, b"a", 0, 2), Claim(b"i" * 16, b"b", 1, 2)
        await self.put(store, own, 1, Batch(points(1, 2), (key,)))
        reply = await self.put(store, own, 2, Batch(points(1, 2), (key, item)))
        assert reply.claims == ((b"a", b"a"),)
        reply = await self.put(store, own, 3, Batch(points(1, 2), (item,)))
        assert reply.claims == ((None,),)

    @pytest.mark.parametrize("hours", [-1, 0, 1])
    async def test_a_claim_outlives_a_clock_that_jumps_an_hour(
        self, store: Store, hours: int
    ) -> None:
        own = await store.acquire(0)
        batch = Batch(points(1), (Claim(b"k" * 16, b"a", 0, 1),))
        await self.put(store, own, 1, batch)
        reply = await self.put(store, own, 2, batch, at_ms=T0_MS + hours * 3_600_000)
        assert reply.claims == ((b"a",),)

    async def test_partitions_are_apart(self, store: Store) -> None:
        one, two = await store.acquire(0), await store.acquire(1)
        batch = Batch(points(1), (Claim(b"k" * 16, b"a", 0, 1),))
        groups = [Group(own.partition, own.epoch, 1, (batch,), T0_MS) for own in (one, two)]
        stale = Group(0, one.epoch + 5, 1, (batch,), T0_MS)
        replies = await store.append([*groups, stale])
        assert [type(reply) for reply in replies] == [Appended, Appended, Fenced]
        assert len(await store.read_log(1, two.position, 10)) == 1

    async def test_a_checkpoint_is_one_step(self, store: Store) -> None:
        own = await store.acquire(0)
        reply = await self.put(store, own, 1, Batch(points(1, 2)))
        carried = partials(points(1, 2))
        put, dead = Command("stat.put", 1, b"one"), DeadLetter(reply.position, "bad", 3)
        checkpoint = self.checkpoint(own, reply.position, carried, [put], [dead])
        await store.commit(checkpoint)
        (frame,) = await store.frames(0)
        assert frame.position == reply.position
        assert same(frame.partials.rollups, carried.rollups)
        assert same(frame.partials.histograms, carried.histograms)
        assert await store.records(0) == [(1, b"one")]
        assert await store.checkpoint_number(0, own.epoch) == 1
        assert (await store.totals(0)).dead == 3
        again = await store.acquire(0)
        assert (again.number, again.position) == (1, reply.position)
        assert again.tail == reply.position

    async def test_a_repeated_checkpoint_changes_nothing(self, store: Store) -> None:
        own = await store.acquire(0)
        reply = await self.put(store, own, 1, Batch(points(1)))
        dead = DeadLetter(reply.position, "bad", 3)
        checkpoint = self.checkpoint(own, reply.position, partials(points(1)), dead=[dead])
        await store.commit(checkpoint)
        await store.commit(checkpoint)
        assert len(await store.frames(0)) == 1
        assert (await store.totals(0)).dead == 3

    async def test_a_checkpoint_out_of_turn_is_fenced(self, store: Store) -> None:
        own = await store.acquire(0)
        ahead = Ownership(0, own.epoch, own.number + 1, own.position, own.tail)
        with pytest.raises(Fenced):
            await store.commit(self.checkpoint(ahead, Position(T0_MS, 0), partials(points(1))))
        assert await store.frames(0) == []

    async def test_the_log_is_trimmed_behind_the_checkpoint_before(self, store: Store) -> None:
        own = await store.acquire(0)
        first = await self.put(store, own, 1, Batch(points(1)))
        second = await self.put(store, own, 2, Batch(points(2)))
        await store.commit(self.checkpoint(own, first.position, partials(points(1))))
        assert len(await store.read_log(0, Position(0, 0), 10)) == 2
        own = Ownership(0, own.epoch, 1, first.position, own.tail)
        await store.commit(self.checkpoint(own, second.position, partials(points(2))))
        (entry,) = await store.read_log(0, Position(0, 0), 10)
        assert entry.position == second.position

    async def test_purging_takes_record_and_chunks(self, store: Store) -> None:
        own = await store.acquire(0)
        await store.write_chunks(0, own.epoch, [_chunk(T0_S, 1), _chunk(T0_S, 2)])
        puts = [Command("stat.put", stat, b"r") for stat in (1, 2)]
        reply = await self.put(store, own, 1, Batch(points(), commands=tuple(puts)))
        purge = Command("stat.purge", 1, b"5")
        checkpoint = self.checkpoint(own, reply.position, _nothing(), [*puts, purge])
        await store.commit(checkpoint)
        assert await store.records(0) == [(2, b"r")]
        found = await store.chunks(0, [_span(1), _span(2)])
        assert [len(chunks) for chunks in found] == [0, 1]
        assert [stat for stat, _ in await store.active(0, 0)] == [2]
        assert (await store.totals(0)).purged == {1: 5}
        assert await store.frames(0) == []
        again = Command("stat.purge", 1, b"0")
        reply = await self.put(store, own, 2, Batch(points(), commands=(again,)))
        own = Ownership(0, own.epoch, 1, own.position, own.tail)
        await store.commit(self.checkpoint(own, reply.position, _nothing(), [again]))
        assert (await store.totals(0)).purged == {1: 5}

    async def test_frames_are_forgotten_up_to_a_position(self, store: Store) -> None:
        own = await store.acquire(0)
        places = []
        for number in range(3):
            reply = await self.put(store, own, number + 1, Batch(points(1)))
            owned = Ownership(0, own.epoch, number, own.position, own.tail)
            await store.commit(self.checkpoint(owned, reply.position, partials(points(1))))
            places.append(reply.position)
        await store.trim_frames(0, own.epoch, places[1])
        assert [frame.position for frame in await store.frames(0)] == places[2:]

    async def test_chunks_are_replaced_and_found_by_their_start(self, store: Store) -> None:
        own = await store.acquire(0)
        starts = [T0_S, T0_S + 300, T0_S + 600]
        await store.write_chunks(0, own.epoch, [_chunk(start, 1) for start in starts])
        await store.write_chunks(0, own.epoch, [_chunk(T0_S + 300, 1, value=5)])
        await store.write_chunks(0, own.epoch, [_chunk(T0_S, 1, tier=M1)])
        (found,) = await store.chunks(0, [Span(1, S10, T0_S, T0_S + 600)])
        assert [chunk.start for chunk in found] == starts[:2]
        assert [chunk.content.count.sum() for chunk in found] == [1, 1]
        assert isinstance(found[1].content, Rollups)
        assert found[1].content.sum.tolist() == [5]
        assert found[1].position == Position(9, 9)
        assert await store.active(0, 0) == [(1, T0_S + 600)]
        assert await store.active(0, T0_S + 601) == []

    async def test_a_chunk_that_counts_further_stays(self, store: Store) -> None:
        own = await store.acquire(0)
        newer = _chunk(T0_S, 1, value=2, position=Position(9, 10))
        await store.write_chunks(0, own.epoch, [newer])
        await store.write_chunks(0, own.epoch, [_chunk(T0_S, 1), _chunk(T0_S + 300, 1)])
        ((first, second),) = await store.chunks(0, [_span(1)])
        assert (first.position, second.position) == (Position(9, 10), Position(9, 9))
        assert isinstance(first.content, Rollups)
        assert first.content.sum.tolist() == [2]

    async def test_histograms_have_chunks_of_their_own(self, store: Store) -> None:
        own = await store.acquire(0)
        content = count_up(*_columns(points(1, 2, -3)))
        chunk = Chunk(1, HISTOGRAMS[0], T0_S, Position(9, 9), content)
        await store.write_chunks(0, own.epoch, [chunk, _chunk(T0_S, 1)])
        (found,) = await store.chunks(0, [Span(1, HISTOGRAMS[0], T0_S, T0_S + 1)])
        assert same(found[0].content, content)

    async def test_old_chunks_are_dropped(self, store: Store) -> None:
        own = await store.acquire(0)
        starts = [T0_S, T0_S + 300]
        chunks = [_chunk(start, stat) for start in starts for stat in (1, 2)]
        await store.write_chunks(0, own.epoch, [*chunks, _chunk(T0_S, 1, tier=M1)])
        before = {S10.number: T0_S + 300, M1.number: 0}
        assert await store.drop_chunks(0, own.epoch, before, [1, 2]) == 2
        found = await store.chunks(0, [_span(1), _span(2), Span(1, M1, 0, 2**38)])
        assert [[chunk.start for chunk in chunks] for chunks in found] == [
            [T0_S + 300], [T0_S + 300], [T0_S],
        ]  # fmt: skip

    async def test_how_far_the_fold_came_is_kept(self, store: Store) -> None:
        own = await store.acquire(0)
        assert await store.fold_state(0) == FoldState()
        state = FoldState({1: 300, 2: 7200}, {1: 100})
        await store.write_fold_state(0, own.epoch, state)
        assert await store.fold_state(0) == state
        # A copy that was long on its way takes nothing back.
        await store.write_fold_state(0, own.epoch, FoldState({1: 0, 2: 14400}, {1: 50, 3: 900}))
        assert await store.fold_state(0) == FoldState({1: 300, 2: 14400}, {1: 100, 3: 900})

    async def test_stat_ids_are_given_once(self, store: Store) -> None:
        first = await store.allocate(10)
        assert await store.allocate(1) == first + 10

    async def test_a_snapshot_holds_all_but_the_chunks(self, store: Store) -> None:
        own = await store.acquire(0)
        first = await self.put(store, own, 1, Batch(points(1)))
        second = await self.put(store, own, 2, Batch(points(2, 3)))
        await store.commit(self.checkpoint(own, first.position, partials(points(1))))
        snapshot = await store.snapshot(0)
        assert snapshot.position == first.position
        assert [entry.position for entry in snapshot.entries] == [second.position]
        assert [frame.position for frame in snapshot.frames] == [first.position]
        assert (snapshot.totals.appended, list(snapshot.faults)) == (3, [])

    async def test_memory_is_told(self, store: Store) -> None:
        memory = await store.memory()
        assert 0 <= memory.used < memory.limit


def _columns(of: Points) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return of.stat, of.at_ms, of.value


def _nothing() -> Partials:
    return Partials(Rollups.empty(), Histograms.empty())


def _span(stat: int) -> Span:
    return Span(stat, S10, 0, 2**38)


def _chunk(
    start: int,
    stat: int,
    tier: object = S10,
    value: float = 1,
    position: Position = PLACE,
) -> Chunk:
    at = Points.of([stat], [start * 1000], [value])
    content = roll_up(at.stat, at.at_ms, at.value, S10.width_s)
    assert tier in (S10, M1)
    return Chunk(stat, M1 if tier is M1 else S10, start, position, content)
