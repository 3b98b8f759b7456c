"""Where the meter is read: what the checkpoints committed, over all partitions of an account."""

from engine.ports import Store
from storage.directory import Directory


class Meter:
    """Points by account and day, as they are in the store."""

    def __init__(self, store: Store, directory: Directory) -> None:
        self._store = store
        self._directory = directory

    async def used(self, account: int, days: range) -> list[int]:
        """Points of an account on each of these UTC days, counted from the epoch."""
        total = [0] * len(days)
        for partition in self._directory.partitions(account):
            found = await self._store.usage(partition, account, days)
            total = [sum(pair) for pair in zip(total, found, strict=True)]
        return total
