"""`statflow account`: who has stats and keys of their own."""

import argparse
from typing import Final

from api.accounts import audit
from api.accounts.letters import link
from api.accounts.signing_up import ask_for_claim
from api.cli.deleting import OPERATOR, delete
from api.cli.drawing import moment
from api.cli.errors import DONE, CommandError, UsageError
from api.cli.key import keys_of, line_of
from api.cli.options import STORE, local_url, settings_arguments, settings_of
from api.cli.store import with_catalog, with_documents
from api.clock import WallClock
from api.plans.changing import change_plan
from api.plans.record import PlanRecord
from api.settings import Settings
from engine.stats import canonical_name, name_fault
from storage.catalog import OWNER, Account, Catalog
from storage.documents import Documents

HELP: Final = """\
Accounts: each has stats and keys of its own. The first start makes the owner's.

  ID=$(statflow account create shop)       prints the number of the new account
  statflow key create --account "$ID"
  statflow account list
  statflow account show                    the owner's; name another by its number
  statflow account set-plan "$ID" pro      what it may have; plans stand in statflow.toml
  statflow account delete "$ID"            its access ends; its stats can be had back for 48 hours
  statflow account claim-link              prints a link that makes its reader an owner of the first

Works on the data directory, whether or not the server runs.
"""

SPREAD_MAX: Final = 1024


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may be said on the command line."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    create = actions.add_parser("create", help="make an account and print its number")
    create.add_argument("name", metavar="NAME")
    create.add_argument(
        "--spread", type=int, default=1, metavar="N",
        help="over how many partitions its stats spread (1): more for very busy accounts",
    )  # fmt: skip
    listing = actions.add_parser("list", help="list the accounts")
    show = actions.add_parser("show", help="one account and its keys")
    show.add_argument("account", type=int, nargs="?", default=OWNER, metavar="ID")
    set_plan = actions.add_parser("set-plan", help="put an account on another plan")
    set_plan.add_argument("account", type=int, metavar="ID")
    set_plan.add_argument("plan", metavar="PLAN")
    deletion = actions.add_parser("delete", help="end an account")
    deletion.add_argument("account", type=int, metavar="ID")
    deletion.add_argument("--yes", action="store_true", help="do not ask for its name")
    claim = actions.add_parser("claim-link", help="print a link to claim the owner's account")
    for action in (create, listing, show, set_plan, deletion):
        settings_arguments(action, *STORE)
    settings_arguments(claim, *STORE, "bind", "public_url", "tls_cert", "tls_key")


def run(options: argparse.Namespace) -> int:
    """Make, list or show."""
    settings = settings_of(options)
    if options.action == "create":
        name = canonical_name(options.name)
        if name_fault(name) is not None:
            raise UsageError("NAME: 1 to 255 characters, all of which can be shown")
        most = min(SPREAD_MAX, settings.partitions)
        if not 1 <= options.spread <= most:
            raise UsageError(f"--spread: 1 to {most}")
        print(with_catalog(settings, lambda catalog: create(catalog, name, options.spread)).id)
    elif options.action == "set-plan":
        with_catalog(settings, lambda catalog: keys_of(catalog, options.account))
        print(_set_plan(settings, options.account, options.plan))
    elif options.action == "delete":
        print(delete(settings, options.account, sure=options.yes))
    elif options.action == "list":
        for account in with_catalog(settings, lambda catalog: catalog.accounts()):
            print(_line(account))
    elif options.action == "claim-link":
        with_catalog(settings, lambda catalog: keys_of(catalog, OWNER))
        token = with_documents(settings, claim_token)
        print(link(local_url(settings), "claim", token))
    else:
        account, lines = with_catalog(settings, lambda catalog: show(catalog, options.account))
        print("\n".join([_line(account), *(f"  key {line}" for line in lines)]))
    return DONE


def _set_plan(settings: Settings, account: int, name: str) -> str:
    """Change the plan; a server that runs sees it within seconds."""
    if name not in settings.plans:
        raise UsageError(f"PLAN: one of {', '.join(settings.plans)}")
    default = settings.plans[settings.default_plan]

    async def change(documents: Documents) -> PlanRecord:
        now_ms = WallClock().now_ms()
        changed = await change_plan(documents, settings.plans, default, account, name, now_ms)
        await audit.note(documents, account, "plan_changed", OPERATOR, "", name, now_ms)
        return changed

    record = with_documents(settings, change)
    until = f"; {record.before} holds until {moment(record.grace_ms)}" if record.before else ""
    return f"account {account} is on {record.plan}{until}"


async def create(catalog: Catalog, name: str, spread: int) -> Account:
    """Make an account; the owner's must be there, for the first number is theirs."""
    if not await catalog.accounts():
        raise CommandError(
            "there is no owner yet: start the server once, or run `statflow key create`"
        )
    return await catalog.create_account(name, WallClock().now_ms(), spread)


async def claim_token(documents: Documents) -> str:
    """The token of a new link."""
    return await ask_for_claim(documents, WallClock().now_ms())


async def show(catalog: Catalog, number: int) -> tuple[Account, list[str]]:
    """An account and a line for each of its keys; CommandError when there is no such account."""
    keys = await keys_of(catalog, number)
    account = next(one for one in await catalog.accounts() if one.id == number)
    return account, [line_of(key) for key in keys]


def _line(account: Account) -> str:
    spread = f"  over {account.spread} partitions" if account.spread > 1 else ""
    return f"{account.id}  {account.name}  made {moment(account.created_ms)}{spread}"
