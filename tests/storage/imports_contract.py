"""What every store must do with imports, told once."""

from dataclasses import replace

import numpy as np

from engine.histogram import Histograms, count_up
from engine.imported import undo_command
from engine.points import Batch, Command
from engine.ports import Appended, Checkpoint, Chunk, Group, Ownership, Partials, Span, Store
from engine.rollup import Rollups, roll_up
from engine.tiers import D1, DAY_S, H1, HISTOGRAMS, Tier
from storage.imports import chunks_of, put_commands
from tests.storage.store_contract import T0_MS, T0_S, points, same

NOTHING = Partials(Rollups.empty(), Histograms.empty())
DAY = D1.bucket(T0_S)


def days(*values: float, stat: int = 1, tier: Tier = D1) -> Rollups:
    """Buckets of a tier, one after another, each of one number."""
    of = points(*values, stat=stat)
    times = np.array([1000 * (DAY + place * tier.width_s) for place in range(len(values))])
    return roll_up(of.stat, times, of.value, tier.width_s)


def puts(number: int, *rows: Rollups | Histograms, tier: Tier = D1) -> list[Command]:
    """The commands of an import that has these buckets."""
    chunks = [chunk for part in rows for chunk in chunks_of(tier, part)]
    return put_commands(number, chunks)


class ImportsContract:
    """One test a promise; `store` is a fixture of the class that inherits."""

    async def commit(self, store: Store, own: Ownership, *commands: Command) -> Checkpoint:
        """Commit commands, as a partition would."""
        number = await store.checkpoint_number(0, own.epoch) + 1
        batch = Batch(points(), commands=commands)
        (reply,) = await store.append([Group(0, own.epoch, number, (batch,), T0_MS)])
        assert isinstance(reply, Appended)
        checkpoint = Checkpoint(0, own.epoch, number, reply.position, NOTHING, commands)
        await store.commit(checkpoint)
        return checkpoint

    async def held(self, store: Store, number: int, stat: int = 1, tier: Tier = D1) -> list[Chunk]:
        (chunks,) = await store.imported(0, [(number, Span(stat, tier, 0, DAY + 400 * DAY_S))])
        return chunks

    async def test_imported_chunks_are_read_by_import_tier_and_span(self, store: Store) -> None:
        own = await store.acquire(0)
        many, hours = days(*range(300)), days(7, 8, tier=H1)
        await self.commit(store, own, *puts(5, many), *puts(5, hours, tier=H1), *puts(6, days(9)))
        chunks = await self.held(store, 5)
        assert [chunk.start for chunk in chunks] == sorted({D1.chunk(s) for s in many.start})
        read = Rollups.joined([c.content for c in chunks if isinstance(c.content, Rollups)])
        assert same(read, many)
        (hourly,) = await self.held(store, 5, tier=H1)
        assert same(hourly.content, hours)
        (other,) = await self.held(store, 6)
        assert other.content.start.tolist() == [DAY]
        assert await self.held(store, 7) == []
        assert await store.imports(0) == {1: (5, 6)}
        assert await store.imports(1) == {}
        assert await store.chunks(0, [Span(1, D1, 0, DAY + DAY_S)]) == [[]]

    async def test_histograms_are_kept_too_and_the_newest_chunk_is_told(self, store: Store) -> None:
        own = await store.acquire(0)
        times_ms = 1000 * np.array([DAY, DAY, DAY + DAY_S])
        spread = count_up(np.ones(3, np.int64), times_ms, np.array([1.0, 2.0, 2.0]), DAY_S)
        many = days(*range(300))
        widest = HISTOGRAMS[-1]
        await self.commit(store, own, *puts(5, many), *puts(5, spread, tier=widest))
        found = [one.content for one in await self.held(store, 5, tier=widest)]
        kept = Histograms.joined([one for one in found if isinstance(one, Histograms)])
        assert kept.start.tolist() == spread.start.tolist()
        assert kept.bin.tolist() == spread.bin.tolist()
        wanted = [(5, Span(1, D1, 0, DAY + 400 * DAY_S)), (6, Span(1, D1, 0, DAY))]
        (last,), nothing = await store.imported(0, wanted, newest=True)
        assert (last.start, nothing) == (D1.chunk(int(many.start[-1])), [])

    async def test_putting_again_replaces(self, store: Store) -> None:
        own = await store.acquire(0)
        checkpoint = await self.commit(store, own, *puts(5, days(1, 2)))
        await store.commit(replace(checkpoint))
        await self.commit(store, own, *puts(5, days(1, 3)))
        (chunk,) = await self.held(store, 5)
        assert isinstance(chunk.content, Rollups)
        assert chunk.content.sum.tolist() == [1, 3]
        assert await store.imports(0) == {1: (5,)}

    async def test_undoing_forgets_one_import_of_one_stat(self, store: Store) -> None:
        own = await store.acquire(0)
        both = [*puts(5, days(1), days(2, stat=2)), *puts(55, days(3))]
        await self.commit(store, own, *both)
        await self.commit(store, own, undo_command(1, 5), undo_command(9, 5))
        assert await self.held(store, 5) == []
        assert len(await self.held(store, 5, stat=2)) == len(await self.held(store, 55)) == 1
        assert await store.imports(0) == {1: (55,), 2: (5,)}
        await self.commit(store, own, undo_command(1, 55), undo_command(2, 5))
        assert await store.imports(0) == {}

    async def test_what_is_put_and_undone_in_one_checkpoint_is_gone(self, store: Store) -> None:
        own = await store.acquire(0)
        await self.commit(store, own, undo_command(1, 5), *puts(5, days(1)))
        assert await self.held(store, 5) == []
        assert await store.imports(0) == {}

    async def test_a_purged_stat_takes_its_imports_along(self, store: Store) -> None:
        own = await store.acquire(0)
        await self.commit(store, own, *puts(5, days(1), days(2, stat=2)), *puts(6, days(1)))
        await self.commit(store, own, Command("stat.purge", 1, b"0"))
        assert await self.held(store, 5) == await self.held(store, 6) == []
        assert await store.imports(0) == {2: (5,)}
