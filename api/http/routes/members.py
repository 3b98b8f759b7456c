"""Members of an account, invitations, and the audit log of who did what."""

from typing import Annotated, Final

from msgspec import Meta, Struct

from api.accounts import audit, membership
from api.accounts.deleting import delete_account
from api.accounts.letters import link
from api.accounts.records import Invite, Kept, Role
from api.accounts.signing_up import Newcomer
from api.http.callers import check_scope
from api.http.cursors import check_note
from api.http.dates import date_text
from api.http.messages import Reply
from api.http.people import check_proven, done, door, user_id, visit_of, who
from api.http.problems import Problem
from api.http.route import Call, Nothing, Route
from api.http.routes.auth import CHOICE, PROOF, JoinBody, LoggedIn, TokenBody, entered_reply

AUDIT_PAGE_MAX: Final = 1_000


class MemberInfo(Struct, frozen=True):
    """A member; `id` is the person's."""

    id: str
    email: str
    role: Role
    since: str


class MemberList(Struct, frozen=True):
    """The members of the account, by address."""

    members: list[MemberInfo]
    next: str | None = None


class RoleBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What a member is to be."""

    role: Role


class InviteBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Who is invited: whoever has the address, which gets a mail; or whoever has the link."""

    role: Role
    email: str | None = None


class InviteInfo(Struct, frozen=True):
    """An invitation that nobody has accepted yet."""

    id: str
    role: Role
    email: str | None
    invited_by: str
    created: str
    expires: str


class NewInvite(InviteInfo, frozen=True):
    """A new invitation; `link` is shown this once."""

    link: str


class InviteList(Struct, frozen=True):
    """The invitations that are open, the oldest first."""

    invites: list[InviteInfo]
    next: str | None = None


class Joined(Struct, frozen=True):
    """The account that one is a member of from now on."""

    account: int


class AuditParams(Struct, frozen=True, forbid_unknown_fields=True):
    """`cursor` is the `next` of the page before."""

    cursor: str | None = None
    limit: Annotated[int, Meta(ge=1, le=AUDIT_PAGE_MAX, description="Entries of a page.")] = 100


class AuditEntry(Struct, frozen=True):
    """`who` did `event`, from the network `address`; `about` says to what or whom."""

    at: str
    event: str
    who: str
    address: str
    about: str


class AuditList(Struct, frozen=True):
    """What happened to the safety of the account, the newest first."""

    entries: list[AuditEntry]
    next: str | None


async def list_members(call: Call[Nothing, Nothing]) -> Reply:
    """Who may use the account."""
    members = (await call.context.desk.members(call.caller.account)).record.members
    infos = [MemberInfo(one.user, one.email, one.role, date_text(one.since_ms)) for one in members]
    return call.json(200, MemberList(sorted(infos, key=lambda one: (one.email, one.id))))


async def change_member(call: Call[Nothing, RoleBody]) -> Reply:
    """Give a member another role."""
    account, user = call.caller.account, call.ids["id"]
    if not await membership.change_role(
        call.context.desk, account, user, call.body.role, await who(call), visit_of(call)
    ):
        raise Problem("not_found", "There is no such member.")
    return done(call)


async def remove_member(call: Call[Nothing, Nothing]) -> Reply:
    """Take a member out of the account; their streams end within a second."""
    await _remove(call, call.ids["id"])
    return done(call)


async def leave(call: Call[Nothing, Nothing]) -> Reply:
    """Leave the account."""
    await _remove(call, user_id(call.caller))
    return done(call)


async def delete(call: Call[Nothing, Nothing]) -> Reply:
    """Delete the account: nobody gets in any more, its stats go into the trash."""
    check_scope(call.caller, "person")
    await check_proven(call)
    desk, account, told = call.context.desk, call.caller.account, await who(call)
    await delete_account(desk, call.context.keyring, account)
    await desk.note([account], "account_deleted", told, visit_of(call))
    return done(call)


async def make_invite(call: Call[Nothing, InviteBody]) -> Reply:
    """Invite somebody."""
    desk, body = call.context.desk, call.body
    token, kept = await membership.invite(
        desk, call.caller.account, await who(call), body.role, body.email, visit_of(call)
    )
    url = link(call.context.public_url, "join", token)
    info = _info(kept)
    return call.json(
        201,
        NewInvite(info.id, info.role, info.email, info.invited_by, info.created, info.expires, url),
    )


async def list_invites(call: Call[Nothing, Nothing]) -> Reply:
    """Invitations that are open."""
    kept = await membership.invites(call.context.desk, call.caller.account)
    return call.json(200, InviteList(list(map(_info, kept))))


async def revoke_invite(call: Call[Nothing, Nothing]) -> Reply:
    """Take an invitation back."""
    if not await membership.revoke_invite(
        call.context.desk, call.caller.account, call.ids["id"], await who(call), visit_of(call)
    ):
        raise Problem("not_found", "There is no such invitation.")
    return done(call)


async def accept_as_guest(call: Call[Nothing, JoinBody]) -> Reply:
    """Join with a link, as somebody new or with the password one has."""
    desk, visit = door(call)
    given = Newcomer(call.body.email, call.body.password)
    entered = await membership.accept_as_guest(desk, call.body.token, given, visit)
    return entered_reply(call, 201, entered)


async def accept_as_user(call: Call[Nothing, TokenBody]) -> Reply:
    """Join with a link, as whom one is logged in."""
    account = await membership.accept_as_user(
        call.context.desk, call.body.token, user_id(call.caller), visit_of(call)
    )
    return call.json(200, Joined(account))


async def list_audit(call: Call[AuditParams, Nothing]) -> Reply:
    """What happened to the safety of the account."""
    wanted = call.params
    check_note(wanted.cursor)
    found = await audit.entries(
        call.context.documents, call.caller.account, wanted.cursor, wanted.limit + 1
    )
    page = found[: wanted.limit]
    entries = [
        AuditEntry(
            date_text(one.at_ms), one.entry.event, one.entry.who, one.entry.address,
            one.entry.about,
        )
        for one in page
    ]  # fmt: skip
    return call.json(200, AuditList(entries, page[-1].id if len(found) > len(page) else None))


async def _remove(call: Call[Nothing, Nothing], user: str) -> None:
    if not await membership.remove_member(
        call.context.desk, call.caller.account, user, await who(call), visit_of(call)
    ):
        raise Problem("not_found", "There is no such member.")


def _info(kept: Kept[Invite]) -> InviteInfo:
    record = kept.record
    created, expires = date_text(record.created_ms), date_text(record.expires_ms)
    return InviteInfo(kept.id, record.role, record.email, record.invited_by, created, expires)


ROUTES: Final = (
    Route(
        "GET", "/v1/members", "List the members", "read",
        {200: MemberList}, Nothing, Nothing, list_members,
    ),
    Route(
        "PATCH", "/v1/members/{id}", "Give a member another role", "admin",
        {204: "text/plain"}, Nothing, RoleBody, change_member,
        problems=("last_owner", "overloaded"),
    ),
    Route(
        "DELETE", "/v1/members/{id}", "Take a member out", "admin",
        {204: "text/plain"}, Nothing, Nothing, remove_member, problems=("last_owner", "overloaded"),
    ),
    Route(
        "POST", "/v1/members/leave", "Leave the account", "person",
        {204: "text/plain"}, Nothing, Nothing, leave, problems=("last_owner", "overloaded"),
    ),
    Route(
        "POST", "/v1/invites", "Invite somebody", "admin",
        {201: NewInvite}, Nothing, InviteBody, make_invite,
        problems=("email", "plan_limit", "overloaded"),
    ),
    Route(
        "GET", "/v1/invites", "List open invitations", "admin",
        {200: InviteList}, Nothing, Nothing, list_invites,
    ),
    Route(
        "DELETE", "/v1/invites/{id}", "Take an invitation back", "admin",
        {204: "text/plain"}, Nothing, Nothing, revoke_invite, problems=("link_gone",),
    ),
    Route(
        "POST", "/v1/auth/accept-invite", "Join an account with a link", None,
        {201: LoggedIn}, Nothing, JoinBody, accept_as_guest,
        problems=(
            *PROOF, *CHOICE, "link_gone", "invite_for_another", "signup_closed", "plan_limit",
            "store_unavailable",
        ),
    ),
    Route(
        "POST", "/v1/auth/session/accept-invite", "Join an account as whom one is", "person",
        {200: Joined}, Nothing, TokenBody, accept_as_user,
        problems=("link_gone", "invite_for_another", "plan_limit", "overloaded"),
    ),
    Route(
        "DELETE", "/v1/account", "Delete the account", "admin",
        {204: "text/plain"}, Nothing, Nothing, delete,
        problems=("reauthentication_required", "first_account", "overloaded"),
    ),
    Route(
        "GET", "/v1/audit", "Read the audit log", "admin",
        {200: AuditList}, AuditParams, Nothing, list_audit, problems=("cursor_invalid",),
    ),
)  # fmt: skip
