"""`statflow key`: API keys, made and revoked beside the server or without it.

Law: a secret is printed once, alone on stdout, and kept nowhere.
"""

import argparse
import secrets
from dataclasses import dataclass
from typing import Final

from api.accounts.keyring import Keyring
from api.accounts.keys import SCOPES, Scope, known_scopes
from api.accounts.new_key import KeyFault, NewKey, new_key
from api.accounts.owner import OWNER_NAME
from api.cli.drawing import moment
from api.cli.errors import DONE, CommandError, UsageError
from api.cli.options import STORE, settings_arguments, settings_of, zone_argument, zone_of
from api.cli.store import with_catalog
from api.clock import WallClock
from api.query.errors import QueryError
from api.query.times import parse_time
from engine.ports import Clock
from storage.catalog import OWNER, Catalog, KeyRecord, TooManyKeys

HELP: Final = """\
API keys of the owner's account, or of another one:

  KEY=$(statflow key create)               may do everything
  statflow key create --scopes write --prefix shop. --name checkout
  statflow key list
  statflow key revoke ID

Works on the data directory, whether or not the server runs; it must be yours to write.
"""


@dataclass(frozen=True, slots=True)
class Wish:
    """The key that is wanted; `expires_ms` is in epoch milliseconds."""

    account: int
    name: str
    scopes: frozenset[Scope]
    prefix: str | None
    expires_ms: int | None


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may be said on the command line."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    create = actions.add_parser("create", help="make a key and print it, this once")
    create.add_argument("--name", default="command line", help="what it is for")
    create.add_argument(
        "--scopes", default=",".join(SCOPES), metavar="LIST",
        help=f"of {', '.join(SCOPES)}, with commas; all when left out",
    )  # fmt: skip
    create.add_argument("--prefix", metavar="TEXT", help="only stats whose names begin so")
    create.add_argument("--expires", metavar="TIME", help="no longer valid from then: +90d, …")
    zone_argument(create)
    listing = actions.add_parser("list", help="list the keys")
    revoke = actions.add_parser("revoke", help="take a key away, within a second everywhere")
    revoke.add_argument("id", metavar="ID", help="as `list` shows it")
    for action in (create, listing, revoke):
        action.add_argument(
            "--account", type=int, default=OWNER, metavar="ID", help="another account's"
        )
        settings_arguments(action, *STORE)


def run(options: argparse.Namespace) -> int:
    """Make, list or revoke."""
    settings, account = settings_of(options), options.account
    if options.action == "create":
        wish = wish_of(options, WallClock().now_ms())
        made = with_catalog(settings, lambda catalog: create(catalog, WallClock(), wish), make=True)
        print(made.secret)
    elif options.action == "list":
        for key in with_catalog(settings, lambda catalog: keys_of(catalog, account)):
            print(line_of(key))
    elif not with_catalog(settings, lambda catalog: catalog.revoke_key(account, options.id)):
        raise CommandError(f"there is no key {options.id}; `statflow key list` shows them")
    return DONE


def wish_of(options: argparse.Namespace, now_ms: int) -> Wish:
    """The key that the command line asks for; UsageError when there can be none such."""
    names = [name.strip() for name in options.scopes.split(",") if name.strip()]
    unknown = sorted(set(names) - set(SCOPES))
    if unknown or not names:
        raise UsageError(f"--scopes: {', '.join(unknown) or 'none'}; choose of {', '.join(SCOPES)}")
    if options.prefix and options.scopes == ",".join(SCOPES):
        names.remove("admin")  # Nobody asked for it, and such a key cannot be limited.
    expires_ms = None
    if options.expires is not None:
        try:
            expires_ms = parse_time(options.expires, "--expires", now_ms, zone_of(options))
        except QueryError as error:
            raise UsageError(str(error)) from error
    return Wish(options.account, options.name, known_scopes(names), options.prefix, expires_ms)


async def create(catalog: Catalog, clock: Clock, wish: Wish) -> NewKey:
    """Make the key; in an empty catalogue it comes with the owner's account."""
    try:
        made = new_key(
            secrets, clock.now_ms(), wish.account, wish.name, wish.scopes, wish.prefix,
            wish.expires_ms,
        )  # fmt: skip
        if wish.account == OWNER:
            if await catalog.found(OWNER_NAME, made.record.created_ms, made.record):
                return made
        else:
            await _check_account(catalog, wish.account)
        return await Keyring(catalog, clock).create(
            wish.account, wish.name, wish.scopes, wish.prefix, wish.expires_ms
        )
    except KeyFault as fault:
        raise UsageError(f"--{fault.field}: {fault}") from fault
    except TooManyKeys as error:
        raise CommandError(f"{error}: revoke one first") from error


async def keys_of(catalog: Catalog, account: int) -> list[KeyRecord]:
    """The keys of an account; CommandError when there is no such account."""
    await _check_account(catalog, account)
    return await catalog.keys(account)


def line_of(key: KeyRecord) -> str:
    """One key on one line."""
    used = "never used" if key.used_ms is None else f"used {moment(key.used_ms)}"
    parts = [key.id, f"…{key.last4}", ",".join(key.scopes), f"made {moment(key.created_ms)}", used]
    parts += [f"expires {moment(key.expires_ms)}"] if key.expires_ms is not None else []
    parts += [f"only {key.prefix}*"] if key.prefix else []
    return "  ".join([*parts, key.name])


async def _check_account(catalog: Catalog, account: int) -> None:
    if not any(one.id == account for one in await catalog.accounts()):
        raise CommandError(f"there is no account {account}; `statflow account list` shows them")
