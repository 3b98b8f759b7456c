"""Patterns of live streams: a stat whose name comes to fit while a stream is open joins it.

New stats are noticed within a second: nobody has to come back to see them.
"""

import re
from typing import Final

import trio

from api.accounts.keys import Identity
from api.http.context import Context
from api.http.feed import Feed
from api.http.problems import Problem
from api.http.wanted import LIVE_STATS_LIMIT, glob
from engine.ports import StoreError
from engine.stats import Stat

LOOK_EVERY_S: Final = 1.0

PATTERNS_LIMIT: Final = 64
"""Patterns of one stream."""

NAMES_A_SLICE: Final = 5_000
"""Names looked at before others get a turn; some 2 ms."""


class Following:
    """The patterns of one live stream, and up to where new stats have been looked at for them.

    To be made before the stats that fit are looked up for the first time.
    """

    def __init__(self, context: Context, caller: Identity) -> None:
        self._directory = context.directory
        self._caller = caller
        self._patterns: dict[str, re.Pattern[str]] = {}
        self._changes = context.directory.changes

    def __repr__(self) -> str:
        return f"<Following {len(self._patterns)} patterns>"

    def add(self, pattern: str) -> None:
        """Follow one more pattern; Problem when it is none, or one too many."""
        if pattern not in self._patterns and len(self._patterns) >= PATTERNS_LIMIT:
            raise Problem("too_many_stats", f"At most {PATTERNS_LIMIT} patterns a stream.")
        self._patterns[pattern] = glob(pattern)

    def remove(self, pattern: str) -> re.Pattern[str]:
        """Follow a pattern no more; returns what fits it."""
        self._patterns.pop(pattern, None)
        return glob(pattern)

    async def run(self, feed: Feed) -> None:
        """Let stats join the feed as they come, for ever."""
        while True:
            await trio.sleep(LOOK_EVERY_S)
            changes = self._directory.changes
            if changes == self._changes:
                continue
            new = [stat for stat in await self._arrived() if stat.id not in feed.stats]
            new = new[: max(0, LIVE_STATS_LIMIT - len(feed.stats))]
            try:
                await feed.add(new)
            except StoreError:
                # The next look finds them again.
                feed.remove([stat.id for stat in new])
            else:
                self._changes = changes

    async def _arrived(self) -> list[Stat]:
        """The stats that changed since the last look and fit."""
        changed = self._directory.changed_since(self._changes)
        if changed is None:
            changed = list(self._directory.names(self._caller.account).values())
        found: list[Stat] = []
        for low in range(0, len(changed), NAMES_A_SLICE):
            found += filter(self._fits, changed[low : low + NAMES_A_SLICE])
            await trio.lowlevel.checkpoint()
        return found

    def _fits(self, stat: Stat) -> bool:
        if stat.account != self._caller.account or stat.state != "live":
            return False
        if not self._caller.may_touch(stat.name):
            return False
        return any(pattern.fullmatch(stat.name) for pattern in self._patterns.values())
