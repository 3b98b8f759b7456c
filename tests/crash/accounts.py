"""Accounts with a key each, made before the first start: an account lies in one partition."""

import secrets
from contextlib import closing
from pathlib import Path

from api.accounts.keys import SCOPES
from api.accounts.new_key import new_key
from api.accounts.owner import found_owner
from api.clock import WallClock
from storage.link import Link
from storage.redis_catalog import RedisCatalog
from storage.server import ServerSettings, open_server


async def found_accounts(data: Path, amount: int) -> list[str]:
    """Make accounts in an empty directory; returns a key of each, which may do everything."""
    clock = WallClock()
    async with open_server(ServerSettings(data)) as server:
        with closing(Link(server.url)) as link:
            catalog = RedisCatalog(link)
            owner = await found_owner(catalog, clock)
            assert owner is not None, f"BUG: {data} is in use"
            keys = [owner.secret]
            for number in range(1, amount):
                account = await catalog.create_account(f"account {number}", clock.now_ms())
                made = new_key(secrets, clock.now_ms(), account.id, "key", SCOPES)
                await catalog.put_key(made.record)
                keys.append(made.secret)
    return keys
