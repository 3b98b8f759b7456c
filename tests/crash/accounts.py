"""Accounts with a key each, made before the first start: an account lies in one partition."""

import secrets
from contextlib import closing

from api.accounts.keys import SCOPES
from api.accounts.new_key import new_key
from api.accounts.owner import found_owner
from api.clock import WallClock
from storage.link import Link
from storage.redis_catalog import RedisCatalog
from storage.server import ServerSettings, open_server


async def found_accounts(settings: ServerSettings, amount: int) -> list[str]:
    """Make accounts in an empty store; returns a key of each, which may do everything."""
    clock = WallClock()
    async with open_server(settings) as server:
        with closing(Link(server.url)) as link:
            catalog = RedisCatalog(link)
            owner = await found_owner(catalog, clock)
            assert owner is not None, "BUG: the store is not empty"
            keys = [owner.secret]
            for number in range(1, amount):
                account = await catalog.create_account(f"account {number}", clock.now_ms())
                made = new_key(secrets, clock.now_ms(), account.id, "key", SCOPES)
                await catalog.put_key(made.record)
                keys.append(made.secret)
    return keys
