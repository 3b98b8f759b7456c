"""Who may use an account: roles, invitations, and leaving.

Law: an account that has members has an owner. A role that is taken away is gone within a second,
on open streams too.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final

import msgspec

from api.accounts import letters
from api.accounts.desk import Desk, link_gone, settled
from api.accounts.emails import read_email
from api.accounts.faults import AccountFault
from api.accounts.records import (
    NOBODY,
    Invite,
    Kept,
    Member,
    Members,
    Role,
    User,
    claim_of,
    read_record,
    revocation,
)
from api.accounts.sessions import Entered, Visit, present
from api.accounts.signing_up import Newcomer, check_room, join, with_member, without_account
from api.accounts.tokens import digest_of, new_id, new_link
from storage.documents import Write

INVITE_MS: Final = 7 * 24 * 3_600_000
"""An invitation is good for so long."""

INVITES_MAX: Final = 100
"""Invitations of an account that nobody has accepted yet."""


async def invite(
    desk: Desk, account: int, inviter: str, role: Role, email: str | None, visit: Visit
) -> tuple[str, Kept[Invite]]:
    """An invitation and the token of its link; with an address it is sent there, and only good for
    the person who has it."""
    to = None if email is None else read_email(email)
    if len(await invites(desk, account)) >= INVITES_MAX:
        raise AccountFault("plan_limit", f"at most {INVITES_MAX} open invitations")
    desk.check_members(account, len((await desk.members(account)).record.members))
    token, digest = new_link(desk.chooser)
    wanted = Invite(role, to, inviter, desk.now_ms, desk.now_ms + INVITE_MS)
    kept = Kept("invite", account, new_id("in", desk.chooser), wanted, 0)
    await desk.write(kept.becomes(wanted, (claim_of(digest),), wanted.expires_ms))
    if to is not None:
        found = await desk.catalog.account(account)
        url = letters.link(desk.public_url, "join", token)
        desk.post(letters.invitation(to, found.name if found else "an account", inviter, url))
    await desk.note([account], "invite_made", inviter, visit, f"{role} {to or 'by link'}")
    return token, kept


async def invites(desk: Desk, account: int) -> list[Kept[Invite]]:
    """The invitations of an account that are open, the oldest first."""
    documents = await desk.documents.all("invite", account, desk.now_ms)
    kept = [read_record(document, Invite) for document in documents]
    return sorted(kept, key=lambda one: (one.record.created_ms, one.id))


async def revoke_invite(desk: Desk, account: int, invite_id: str, who: str, visit: Visit) -> bool:
    """Take an invitation back; False when there is none such."""
    kept = await desk.record("invite", account, invite_id, Invite)
    if kept is None:
        return False

    await settled(partial(desk.write, kept.ends()))
    await desk.note([account], "invite_revoked", who, visit, invite_id)
    return True


async def accept_as_guest(desk: Desk, token: str, given: Newcomer, visit: Visit) -> Entered:
    """Join an account as somebody new, or with the address and password one has."""
    kept = await _invitation(desk, token, read_email(given.email))
    if desk.sign_up == "closed" and await desk.user_of(read_email(given.email)) is None:
        raise AccountFault("signup_closed", "the operator lets nobody new in")
    return await join(desk, kept.account, kept.record.role, given, visit, [kept.ends()])


async def accept_as_user(desk: Desk, token: str, user_id: str, visit: Visit) -> int:
    """Join an account as whom one is logged in; returns which account."""

    async def decide() -> tuple[int, User]:
        user = await desk.user(user_id)
        kept = await _invitation(desk, token, user.record.email)
        members = await desk.members(kept.account)
        check_room(desk, members, user_id)
        changed, joined = with_member(user, members, kept.account, kept.record.role, desk.now_ms)
        await desk.write(kept.ends(), changed, joined, revocation())
        return kept.account, user.record

    account, user = await settled(decide)
    desk.sessions.forget()
    await desk.note([account], "member_joined", user.email, visit)
    return account


async def change_role(
    desk: Desk, account: int, user_id: str, role: Role, who: str, visit: Visit
) -> bool:
    """Give a member another role; False when there is no such member."""

    async def decide() -> str | None:
        kept = await desk.members(account)
        changed = [
            msgspec.structs.replace(one, role=role) if one.user == user_id else one
            for one in kept.record.members
        ]
        told = next((one.email for one in changed if one.user == user_id), None)
        if told is not None:
            await desk.write(_with_an_owner(kept, changed), revocation())
        return told

    told = await settled(decide)
    desk.sessions.forget()
    if told is not None:
        await desk.note([account], "role_changed", who, visit, f"{told} {role}")
    return told is not None


async def remove_member(desk: Desk, account: int, user_id: str, who: str, visit: Visit) -> bool:
    """Take a member out of an account; False when there is no such member."""

    async def decide() -> str | None:
        kept = await desk.members(account)
        left = [one for one in kept.record.members if one.user != user_id]
        gone = next((one.email for one in kept.record.members if one.user == user_id), None)
        if gone is None:
            return None
        writes = [_with_an_owner(kept, left), revocation()]
        user = await desk.record("user", NOBODY, user_id, User)
        if user is not None:
            writes.append(without_account(user, account))
        await desk.write(*writes)
        return gone

    gone = await settled(decide)
    desk.sessions.forget()
    if gone is not None:
        await desk.note([account], "member_left", who, visit, gone)
    return gone is not None


async def switch_account(desk: Desk, user_id: str, digest: bytes, account: int) -> None:
    """Look at another account in this session; AccountFault unless one is a member of it."""

    async def decide() -> None:
        user = await desk.user(user_id)
        if account not in user.record.accounts:
            raise AccountFault("not_found", "you are no member of such an account", "account")
        kept = await desk.sessions.presence(user_id)
        sessions = [
            msgspec.structs.replace(one, account=account) if one.digest == digest else one
            for one in kept.record.sessions
        ]
        await desk.write(present(kept, sessions, desk.now_ms), revocation())

    await settled(decide)
    desk.sessions.forget()


async def _invitation(desk: Desk, token: str, email: str) -> Kept[Invite]:
    kept = await desk.found("invite", claim_of(digest_of(token) or b""), Invite)
    if kept is None:
        raise link_gone()
    if kept.record.email not in {None, email}:
        raise AccountFault("invite_for_another", "log in with the address it was sent to", "email")
    return kept


def _with_an_owner(kept: Kept[Members], members: Sequence[Member]) -> Write:
    """The change of members, unless it takes the last owner away; some accounts have keys alone."""
    if _has_owner(kept.record.members) and not _has_owner(members):
        raise AccountFault("last_owner", "make somebody else an owner first, or delete the account")
    return kept.becomes(Members(tuple(members)))


def _has_owner(members: Sequence[Member]) -> bool:
    return any(one.role == "owner" for one in members)
