"""Logging in, giving the password once more, and logging out.

Law: whoever has no account is told the same as whoever mistypes, and waits as long. Guessing is
slowed down; whoever knows the password and comes with a browser that was here before gets in
whatever others have tried meanwhile.
"""

from dataclasses import dataclass

import msgspec
import trio

from api.accounts.desk import Desk, settled, slower, totp_owner, user_claims
from api.accounts.emails import mailbox_of, read_email
from api.accounts.faults import AccountFault
from api.accounts.passwords import PASSWORD_LENGTH_MAX, composed
from api.accounts.records import Kept, User, revocation
from api.accounts.sessions import Entered, Visit, enter, knows, present, proven
from api.accounts.tokens import digest_of
from api.accounts.totp import totp_step, without_recovery_code
from storage.documents import Write


@dataclass(frozen=True, slots=True)
class Credentials:
    """What somebody says who they are; `code` is of an authenticator app, or a recovery code."""

    email: str
    password: str
    code: str | None = None


async def log_in(desk: Desk, given: Credentials, visit: Visit) -> Entered:
    """A new session; AccountFault when it is not to be had."""
    user, writes = await prove(desk, given, visit)

    async def decide() -> Entered:
        kept = await desk.sessions.presence(user.id)
        account = next(iter(user.record.accounts), 0)
        entered, write = enter(kept, account, visit, desk.now_ms, desk.chooser)
        old = digest_of(visit.session or "")
        replaced = any(one.digest == old for one in kept.record.sessions)
        await desk.write(write, *writes, *([revocation()] if replaced else []))
        if replaced:
            desk.sessions.forget()
        return entered

    entered = await settled(decide)
    await desk.note(user.record.accounts, "log_in", user.record.email, visit)
    return entered


async def prove(desk: Desk, given: Credentials, visit: Visit) -> tuple[Kept[User], list[Write]]:
    """The person whom the credentials belong to, and what must be written for that to count."""
    email = read_email(given.email)
    mailbox, now_s = mailbox_of(email), trio.current_time()
    if visit.device is None:
        # Before anything is looked up: a flood of guesses must cost as little as it can.
        desk.hasher.check_room()
    user = await _admitted(desk, email, visit)
    password = composed(given.password)[: PASSWORD_LENGTH_MAX + 1]
    kept = None if user is None else user.record.password
    known = desk.hasher.full and await _is_known(desk, user, visit)
    if not await desk.hasher.fits(kept, password, known=known):
        desk.throttles.delays.failed(mailbox, now_s)
        if user is not None:
            await desk.note(user.record.accounts, "log_in_failed", email, visit, "password")
        raise AccountFault("wrong_credentials", "address and password do not belong together")
    assert user is not None, "BUG: nobody has a password"
    changed = await _with_code(desk, user, given.code, visit)
    if desk.hasher.is_outdated(changed.password):
        changed = msgspec.structs.replace(
            changed, password=await desk.hasher.hash(password, known=True)
        )
    desk.throttles.delays.succeeded(mailbox)
    desk.throttles.devices.give_back(visit.device or "")
    desk.give_back_try(visit)
    if changed == user.record:
        return user, []
    return user, [user.becomes(changed, user_claims(changed))]


async def confirm_password(
    desk: Desk, user_id: str, digest: bytes, given: Credentials, visit: Visit
) -> None:
    """For what needs a password that was given lately: give it once more."""
    user, writes = await prove(desk, given, visit)
    if user.id != user_id:
        raise AccountFault("wrong_credentials", "address and password do not belong together")

    async def decide() -> None:
        kept = await desk.sessions.presence(user_id)
        sessions = [
            proven(one, desk.now_ms) if one.digest == digest else one
            for one in kept.record.sessions
        ]
        await desk.write(present(kept, sessions, desk.now_ms), *writes, revocation())
        desk.sessions.forget()

    await settled(decide)


async def end_sessions(
    desk: Desk, user_id: str, *, only: str | None = None, but: bytes | None = None
) -> int:
    """End one session of a person by its id, or all `but` one; returns how many ended."""

    async def decide() -> int:
        kept = await desk.sessions.presence(user_id)
        left = [
            one
            for one in kept.record.sessions
            if (only is not None and one.id != only) or (but is not None and one.digest == but)
        ]
        ended = len(kept.record.sessions) - len(left)
        if ended:
            await desk.write(present(kept, left, desk.now_ms), revocation())
        return ended

    try:
        return await settled(decide)
    finally:
        # Also after an error: perhaps it was carried out.
        desk.sessions.forget()


async def _admitted(desk: Desk, email: str, visit: Visit) -> Kept[User] | None:
    """The person with this address, if the password may be tried now; AccountFault otherwise."""
    now_s = trio.current_time()
    wait_s = desk.throttles.delays.wait_s(mailbox_of(email), now_s)
    try:
        desk.take_try(visit)
    except AccountFault as fault:
        wait_s = max(wait_s, fault.retry_after_s or 0.0)
    if wait_s and visit.device is None:
        raise slower(wait_s)
    user = await desk.user_of(email)
    if not wait_s:
        return user
    if not await _is_known(desk, user, visit):
        raise slower(wait_s)
    device_wait_s = desk.throttles.devices.take(visit.device or "", now_s)
    if device_wait_s:
        raise slower(device_wait_s)
    return user


async def _is_known(desk: Desk, user: Kept[User] | None, visit: Visit) -> bool:
    """Whether this person was here before with this browser."""
    if user is None or visit.device is None:
        return False
    presence = await desk.sessions.presence(user.id)
    return knows(presence.record, visit.device, desk.now_ms)


async def _with_code(desk: Desk, user: Kept[User], code: str | None, visit: Visit) -> User:
    """The person after a code was used up; AccountFault when one is missing or wrong."""
    record, totp = user.record, user.record.totp
    if totp is None or not totp.active:
        return record
    if not code:
        desk.give_back_try(visit)
        raise AccountFault("totp_required", "send the code of your app as well", "code")
    secret = desk.vault.open(totp.secret, totp_owner(user.id))
    step = totp_step(secret, code, desk.now_ms, totp.step)
    if step is not None:
        return msgspec.structs.replace(record, totp=msgspec.structs.replace(totp, step=step))
    left = without_recovery_code(totp.recovery, code)
    if left is None:
        desk.throttles.delays.failed(mailbox_of(record.email), trio.current_time())
        await desk.note(record.accounts, "log_in_failed", record.email, visit, "code")
        raise AccountFault("wrong_code", "wait for the next code of your app", "code")
    await desk.note(record.accounts, "recovery_code_used", record.email, visit)
    return msgspec.structs.replace(record, totp=msgspec.structs.replace(totp, recovery=left))
