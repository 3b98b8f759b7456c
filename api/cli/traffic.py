"""The demo's generator: the shop's past until now, then its present, through the public API.

Law: every slice of time is sent once, whatever is killed. What is about to be sent is written down
first, with the key under which it is sent: after a crash the same bytes go out under the same key.
"""

import os
from pathlib import Path
from typing import Final

import msgspec
import trio

from api.cli.client import Client
from api.cli.points import ITEMS_MAX
from api.cli.progress import progress
from api.cli.shop import COARSE_S, FINE_HISTORY_S, HISTORY_S, UNITS, Item, Shop, history
from engine.ports import Clock

TICK_S: Final = 1.0


class State(msgspec.Struct):
    """What a restart must know; times in epoch seconds.

    Everything before `filled_to` is stored, and perhaps also that before `sending_to`; slices are
    fine from `fine_from` on.
    """

    key: str
    seed: int
    began: int
    offset: int
    filled_to: int
    fine_from: int
    sending_to: int | None = None


class Diary:
    """The state in a file, replaced as a whole."""

    def __init__(self, path: Path, state: State) -> None:
        self._path = path
        self.state = state

    @classmethod
    def read(cls, path: Path) -> "Diary | None":
        """What is written there; None when nothing is, or nothing of ours."""
        try:
            return cls(path, msgspec.json.decode(path.read_bytes(), type=State))
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    def write(self) -> None:
        """Keep the state; only its owner may read it, for the key is in it."""
        new = self._path.with_suffix(".new")
        with open(new, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(msgspec.json.encode(self.state))
        new.replace(self._path)


def new_state(key: str, seed: int, now_s: int, offset_s: int, history_s: int = HISTORY_S) -> State:
    """A shop that is watched from now on, with a past to be told first."""
    began = now_s - now_s % COARSE_S
    return State(key, seed, began, offset_s, began - history_s, began - FINE_HISTORY_S)


class Traffic:
    """Sends the shop of a diary through a client."""

    def __init__(self, client: Client, diary: Diary, clock: Clock) -> None:
        self._client = client
        self._diary = diary
        self._clock = clock
        state = diary.state
        self._shop = Shop(state.seed, state.began, state.offset)

    async def catch_up(self) -> int:
        """Send everything up to now; returns how many points that were."""
        state, now_s = self._diary.state, self._now_s()
        sent = 0
        if state.sending_to is not None:
            sent += await self._send(state.sending_to)
        # After a long pause the rest is history too, and before two weeks it is forgotten.
        oldest_s = now_s - HISTORY_S - COARSE_S
        state.filled_to = max(state.filled_to, oldest_s - oldest_s % COARSE_S)
        state.fine_from = max(state.fine_from, now_s - FINE_HISTORY_S)
        with progress("making history", max(1, now_s - state.filled_to)) as step:
            while (until_s := self._now_s()) > state.filled_to:
                before_s = state.filled_to
                sent += await self._send(until_s)
                step(state.filled_to - before_s)
        return sent

    async def go_on(self) -> None:
        """Send the present, second by second, for ever."""
        while True:
            await trio.sleep(TICK_S - self._clock.now_ms() % 1_000 / 1_000)
            if (until_s := self._now_s()) > self._diary.state.filled_to:
                await self._send(until_s)

    async def name_units(self) -> None:
        """Tell the server the units of the stats that have one."""
        for stat in await self._client.find(list(UNITS)):
            if stat.unit is None:
                await self._client.patch(f"/v1/stats/{stat.id}", {"unit": UNITS[stat.name]})

    async def _send(self, until_s: int) -> int:
        """Send one batch, of what was before `until_s`; returns its points."""
        state = self._diary.state
        items, end_s = self._batch(until_s)
        state.sending_to = end_s
        self._diary.write()
        if items:
            await self._client.send(items, f"demo-{state.seed}-{state.began}-{state.filled_to}")
        state.filled_to, state.sending_to = end_s, None
        self._diary.write()
        return len(items)

    def _batch(self, until_s: int) -> tuple[list[Item], int]:
        """As many slices as fit, and where they end; the same again for the end that it gave."""
        state = self._diary.state
        items: list[Item] = []
        end_s = state.filled_to
        for part in history(state.filled_to, until_s, state.fine_from):
            more = self._shop.items(part)
            if len(items) + len(more) > ITEMS_MAX:
                break
            items += more
            end_s = part.start_s + part.width_s
        return items, end_s

    def _now_s(self) -> int:
        return self._clock.now_ms() // 1_000
