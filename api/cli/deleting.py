"""`statflow account delete`: what goes, and what can still be had back."""

import secrets
import sys
from contextlib import closing
from typing import Final

from api.accounts import audit
from api.accounts.deleting import delete_account
from api.accounts.desk import Desk
from api.accounts.faults import AccountFault
from api.accounts.hashing import Hasher
from api.accounts.keyring import Keyring
from api.accounts.sessions import Sessions
from api.accounts.vault import Vault
from api.cli.errors import CommandError, UsageError
from api.cli.key import keys_of
from api.cli.store import with_store
from api.clock import WallClock
from api.settings import Settings
from storage.catalog import Catalog
from storage.link import Link
from storage.redis_catalog import RedisCatalog
from storage.redis_documents import RedisDocuments

OPERATOR: Final = "operator"
"""Who did it, in the audit log: whoever may work on the data directory."""

GOES: Final = """\
Its keys, members, invitations and StatHat keys end at once and for good; its stats go into the
trash, from which they can be had back for 48 hours.
"""


def delete(settings: Settings, number: int, *, sure: bool) -> str:
    """Delete an account once that is confirmed; what was done."""
    name = with_store(settings, lambda url: _name(url, number))
    if not sure:
        _confirm(number, name)
    with_store(settings, lambda url: _delete(url, number))
    return f"account {number} ({name}) is deleted; its stats are gone for good in 48 hours"


def _confirm(number: int, name: str) -> None:
    """Ask for the name; UsageError when it is not given, or nobody can be asked."""
    if not sys.stdin.isatty():
        raise UsageError(f"account {number} is {name}: confirm by --yes that it is to go")
    print(f"Account {number} is {name}. {GOES}Its name, to delete it: ", end="", flush=True)
    if sys.stdin.readline().strip() != name:
        raise UsageError("that is not its name; nothing was deleted")


async def _name(url: str, number: int) -> str:
    with closing(Link(url)) as link:
        return await _name_in(RedisCatalog(link), number)


async def _name_in(catalog: Catalog, number: int) -> str:
    await keys_of(catalog, number)  # CommandError when there is no such account.
    return next(one.name for one in await catalog.accounts() if one.id == number)


async def _delete(url: str, number: int) -> None:
    clock = WallClock()
    with closing(Link(url)) as link:
        documents, catalog = RedisDocuments(link), RedisCatalog(link)
        desk = Desk(
            documents, catalog, clock, Sessions(documents, clock), Hasher(),
            Vault([secrets.token_bytes(32)]), _nothing_is_posted, "",
        )  # fmt: skip
        try:
            await delete_account(desk, Keyring(catalog, clock), number)
        except AccountFault as fault:
            raise CommandError(str(fault)) from fault
        await audit.note(documents, number, "account_deleted", OPERATOR, "", "", clock.now_ms())


def _nothing_is_posted(mail: object) -> None:
    raise AssertionError("BUG: a deletion sends no mail")
