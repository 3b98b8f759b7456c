"""Becoming somebody: by signing up, or with the link that claims the owner's account.

Law: where an address must be confirmed, an account is made by whoever opens the mail, and nobody
learns whether there was one. A link is good once.
"""

import secrets
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import msgspec
import trio

from api.accounts import letters
from api.accounts.desk import Desk, link_gone, settled, slower, user_claims
from api.accounts.emails import mailbox_of, read_email
from api.accounts.faults import AccountFault
from api.accounts.keys import Chooser
from api.accounts.logging_in import Credentials, prove
from api.accounts.passwords import read_password
from api.accounts.records import (
    NOBODY,
    Change,
    Claim,
    Kept,
    Member,
    Members,
    Role,
    SignUp,
    User,
    claim_of,
)
from api.accounts.sessions import Entered, Visit, enter
from api.accounts.tokens import digest_of, new_id, new_link
from engine.stats import canonical_name, name_fault
from storage.catalog import OWNER
from storage.documents import Documents, Write

LINK_MS: Final = 30 * 60_000
"""A link in a mail is good for so long."""

CLAIM_MS: Final = 7 * 24 * 3_600_000
"""The link of the first start is good for so long; the operator can make another."""

ACCOUNTS_MAX: Final = 100
"""Accounts that one person is a member of."""

MEMBERS_MAX: Final = 1_000
"""Members of one account, whatever its plan says."""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody who is about to be a person here."""

    email: str
    password: str
    name: str = ""


async def sign_up(desk: Desk, given: Newcomer, visit: Visit) -> Entered | None:
    """A new person with an account of their own, logged in; None when they get a mail first."""
    if desk.sign_up != "open":
        how = "ask for an invitation" if desk.sign_up == "invite" else "the operator has closed it"
        raise AccountFault("signup_closed", how)
    email = read_email(given.email)
    name = _account_name(given.name or email)
    password = read_password(given.password, email, given.name)
    desk.take_try(visit)
    # Made in every case, so that the time does not tell whether the address is known.
    kept = await desk.hasher.hash(password)
    if desk.confirm_mail:
        await _send_confirmation(desk, SignUp(email, kept, name))
        return None
    return await _found_account(desk, User(email, kept, desk.now_ms, ()), name, visit, [])


async def confirm_mail(desk: Desk, token: str, visit: Visit) -> Entered | None:
    """The link of a mail was opened: an account is made, or an address is confirmed."""
    claim = claim_of(digest_of(token) or b"")
    pending = await desk.found("signup", claim, SignUp)
    if pending is not None:
        wanted = pending.record
        user = User(wanted.email, wanted.password, desk.now_ms, (), verified=True)
        return await _found_account(desk, user, wanted.name, visit, [pending.ends()])
    change = await desk.found("change", claim, Change)
    if change is None:
        raise link_gone()
    await settled(lambda: _confirm(desk, change, visit))
    return None


async def ask_for_claim(documents: Documents, now_ms: int, chooser: Chooser = secrets) -> str:
    """The token of a link that makes whoever has it an owner of the first account.

    An earlier link is no longer good.
    """
    token, digest = new_link(chooser)
    old = await documents.get("claim", OWNER, "link", now_ms)
    claim = Claim(now_ms)
    kept = Kept("claim", OWNER, "link", claim, 0 if old is None else old.version)
    await documents.write([kept.becomes(claim, (claim_of(digest),), now_ms + CLAIM_MS)], now_ms)
    return token


async def claim_owner(desk: Desk, token: str, given: Newcomer, visit: Visit) -> Entered:
    """Become an owner of the first account, as somebody new or with a password one has."""
    claim = await desk.found("claim", claim_of(digest_of(token) or b""), Claim)
    if claim is None:
        raise link_gone()
    entered = await join(desk, OWNER, "owner", given, visit, [claim.ends()])
    await desk.note([OWNER], "account_claimed", read_email(given.email), visit)
    return entered


async def join(
    desk: Desk, account: int, role: Role, given: Newcomer, visit: Visit, writes: list[Write]
) -> Entered:
    """Log in as a new member of an account; somebody who is known gives their password for that.

    `writes` come along, such as the end of a link. It comes before the new person, so that
    whoever uses a link twice is told that.
    """
    email = read_email(given.email)
    known = await desk.user_of(email)
    if known is None:
        password = read_password(given.password, email, given.name)
        user = User(email, await desk.hasher.hash(password), desk.now_ms, (), verified=False)
        known = Kept("user", NOBODY, new_id("us", desk.chooser), user, 0)
    else:
        known, proof = await prove(desk, Credentials(email, given.password), visit)
        # What proves it is written with the person, once.
        known = _after(known, proof)

    async def decide() -> Entered:
        members = await desk.members(account)
        check_room(desk, members, known.id)
        presence = await desk.sessions.presence(known.id)
        user, joined = with_member(known, members, account, role, desk.now_ms)
        entered, write = enter(presence, account, visit, desk.now_ms, desk.chooser)
        await desk.write(*writes, user, joined, write)
        return entered

    entered = await settled(decide)
    desk.sessions.forget()
    await desk.note([account], "member_joined", email, visit, role)
    return entered


def with_member(
    user: Kept[User], members: Kept[Members], account: int, role: Role, now_ms: int
) -> tuple[Write, Write]:
    """What to write so that a person is in an account; a role that they have may only grow."""
    others = tuple(one for one in members.record.members if one.user != user.id)
    if len(others) >= MEMBERS_MAX:
        raise AccountFault("plan_limit", f"at most {MEMBERS_MAX} members")
    if members.record.role_of(user.id) == "owner":
        role = "owner"
    accounts = tuple(one for one in user.record.accounts if one != account)
    if len(accounts) >= ACCOUNTS_MAX:
        raise AccountFault("plan_limit", f"at most {ACCOUNTS_MAX} accounts")
    changed = msgspec.structs.replace(user.record, accounts=(account, *accounts))
    member = Member(user.id, changed.email, role, now_ms)
    return (
        user.becomes(changed, user_claims(changed)),
        members.becomes(Members((*others, member))),
    )


def check_room(desk: Desk, members: Kept[Members], user_id: str) -> None:
    """Raise unless somebody is a member already, or the plan allows one more."""
    if members.record.role_of(user_id) is None:
        desk.check_members(members.account, len(members.record.members))


def without_account(user: Kept[User], account: int) -> Write:
    """What to write so that a person is in an account no more."""
    accounts = tuple(one for one in user.record.accounts if one != account)
    changed = msgspec.structs.replace(user.record, accounts=accounts)
    return user.becomes(changed, user_claims(changed))


async def _found_account(
    desk: Desk, user: User, name: str, visit: Visit, writes: list[Write]
) -> Entered:
    """An account, and its owner in it."""
    if await desk.user_of(user.email) is not None:
        raise AccountFault("email_taken", "log in instead", "email")
    account = (await desk.catalog.create_account(name, desk.now_ms)).id
    kept = Kept("user", NOBODY, new_id("us", desk.chooser), user, 0)

    async def decide() -> Entered:
        members = await desk.members(account)
        presence = await desk.sessions.presence(kept.id)
        owner, joined = with_member(kept, members, account, "owner", desk.now_ms)
        entered, write = enter(presence, account, visit, desk.now_ms, desk.chooser)
        await desk.write(*writes, owner, joined, write)
        return entered

    entered = await settled(decide)
    await desk.note([account], "sign_up", user.email, visit)
    return entered


async def _send_confirmation(desk: Desk, wanted: SignUp) -> None:
    wait_s = desk.throttles.letters.take(mailbox_of(wanted.email), trio.current_time())
    if wait_s:
        raise slower(wait_s)
    known = await desk.user_of(wanted.email)
    token, digest = new_link(desk.chooser)
    place = claim_of(sha256(wanted.email.encode()).digest())

    async def decide() -> None:
        old = await desk.record("signup", NOBODY, place, SignUp)
        kept = old or Kept("signup", NOBODY, place, wanted, 0)
        # Kept for those who are known, too: it costs the same time, and its link goes nowhere.
        await desk.write(kept.becomes(wanted, (claim_of(digest),), desk.now_ms + LINK_MS))

    await settled(decide)
    if known is None:
        url = letters.link(desk.public_url, "verify", token)
        desk.post(letters.confirm_sign_up(wanted.email, url))
    else:
        desk.post(letters.already_signed_up(wanted.email, f"{desk.public_url}/reset"))


async def _confirm(desk: Desk, change: Kept[Change], visit: Visit) -> None:
    user = await desk.user(change.id)
    email = change.record.email
    changed = msgspec.structs.replace(user.record, email=email, verified=True)
    await desk.write(change.ends(), user.becomes(changed, user_claims(changed)))
    if email == user.record.email:
        await desk.note(changed.accounts, "email_confirmed", email, visit)
        return
    await desk.note(changed.accounts, "email_changed", email, visit, user.record.email)
    reset = f"{desk.public_url}/reset"
    desk.post(letters.notice(user.record.email, f"the address is now {email}", reset))


def _after(user: Kept[User], proof: list[Write]) -> Kept[User]:
    """The person as the proof leaves them, not yet written."""
    for write in proof:
        assert write.body is not None, "BUG: a proof forgets somebody"
        record = msgspec.msgpack.decode(write.body[1:], type=User)
        return Kept(user.kind, user.account, user.id, record, user.version)
    return user


def _account_name(given: str) -> str:
    name = canonical_name(given)
    if name_fault(name) is not None:
        raise AccountFault(
            "field_invalid", "1 to 255 characters, all of which can be shown", "name"
        )
    return name
