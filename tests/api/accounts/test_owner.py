"""The first start: an owner and a key, once."""

import random

import pytest

from api.accounts.keyring import Keyring
from api.accounts.owner import found_owner
from engine.ports import Unavailable
from storage.catalog import OWNER, KeyRecord
from storage.memory_catalog import MemoryCatalog


class StillClock:
    def now_ms(self) -> int:
        return 1_795_302_000_000


class ForgetfulCatalog(MemoryCatalog):
    """Loses as many replies as it is told: what was asked is done, and nobody hears of it."""

    def __init__(self, lost: int) -> None:
        super().__init__()
        self.lost = lost

    async def found(self, name: str, created_ms: int, key: KeyRecord) -> bool:
        done = await super().found(name, created_ms, key)
        if self.lost:
            self.lost -= 1
            raise Unavailable("no reply")
        return done


async def test_an_empty_catalogue_gets_an_owner_with_a_key_for_everything() -> None:
    catalog = MemoryCatalog()
    made = await found_owner(catalog, StillClock(), random.Random(1))
    assert made is not None
    identity = await Keyring(catalog, StillClock()).identify(made.secret)
    assert identity is not None
    assert identity.account == OWNER
    assert identity.scopes == {"read", "write", "snooze", "admin"}


async def test_a_later_start_makes_nothing() -> None:
    catalog = MemoryCatalog()
    await found_owner(catalog, StillClock())
    assert await found_owner(catalog, StillClock()) is None
    assert len(await catalog.keys(OWNER)) == 1


async def test_a_lost_reply_loses_no_key() -> None:
    catalog = ForgetfulCatalog(lost=1)
    made = await found_owner(catalog, StillClock())
    assert made is not None
    assert [key.id for key in await catalog.keys(OWNER)] == [made.record.id]


async def test_a_lost_reply_of_a_later_start_makes_nothing() -> None:
    catalog = ForgetfulCatalog(lost=0)
    await found_owner(catalog, StillClock())
    catalog.lost = 1
    assert await found_owner(catalog, StillClock()) is None


async def test_a_store_that_stays_silent_is_told() -> None:
    with pytest.raises(Unavailable):
        await found_owner(ForgetfulCatalog(lost=2), StillClock())
