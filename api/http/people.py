"""What routes for people share: where they come from, their session, and its cookies."""

from typing import Any

from api.accounts.desk import Desk
from api.accounts.keys import Identity
from api.accounts.sessions import PROVEN_MS, Seat, Visit
from api.http.cookies import check_own
from api.http.messages import Header, Reply, reply
from api.http.problems import Problem
from api.http.route import Call

AnyCall = Call[Any, Any]


def visit_of(call: AnyCall) -> Visit:
    """Where somebody comes from, and with what."""
    request, cookies = call.request, call.context.cookies
    agent = (request.header(b"user-agent") or b"").decode("latin1")
    shown = "".join(sign for sign in agent if sign.isprintable())
    return Visit(
        call.context.client_of(request), shown,
        cookies.session_of(request), cookies.device_of(request),
    )  # fmt: skip


def door(call: AnyCall) -> tuple[Desk, Visit]:
    """For routes that log somebody in: only over a safe transport, and not from other sites."""
    call.context.cookies.check()
    check_own(call.request, call.context.public_url)
    return call.context.desk, visit_of(call)


def user_id(caller: Identity) -> str:
    """Which person asks; only for routes for people."""
    assert caller.user is not None, "BUG: a route for people lets a key in"
    return caller.user


async def seat_of(call: AnyCall) -> Seat:
    """The session that asks; Problem when it has ended meanwhile."""
    seat = await call.context.desk.sessions.seat_of(call.caller)
    if seat is None:
        raise Problem("session_ended", "Log in again.")
    return seat


async def check_proven(call: AnyCall) -> None:
    """Problem unless a person gave their password lately; a key proves itself each time."""
    if call.caller.user is None:
        return
    seat = await seat_of(call)
    if call.context.clock.now_ms() - seat.session.proven_ms > PROVEN_MS:
        raise Problem("reauthentication_required", "POST /v1/auth/reauthenticate, then this again.")


async def who(call: AnyCall) -> str:
    """Who asks, for the audit log: an address, or the id of a key."""
    if call.caller.user is None:
        return f"key {call.caller.key_id}"
    return (await call.context.desk.user(call.caller.user)).record.email


def done(call: AnyCall, status: int = 204, headers: list[Header] | None = None) -> Reply:
    """It was done, and there is nothing to say."""
    return reply(call.request.id, status, b"text/plain", b"", headers or [])
