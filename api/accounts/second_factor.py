"""An authenticator app as a second factor: made known, switched on with a first code, switched off.

Law: until a first code has come from it, log-in does not ask for it.
"""

from dataclasses import dataclass

import msgspec

from api.accounts.desk import Desk, settled, totp_owner, user_claims
from api.accounts.faults import AccountFault
from api.accounts.records import Kept, Totp, User
from api.accounts.sessions import Visit
from api.accounts.totp import (
    new_recovery_codes,
    new_totp_secret,
    recovery_digest,
    totp_step,
    totp_uri,
)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an app is told; shown this once."""

    secret: str
    uri: str


async def enrol(desk: Desk, user_id: str) -> Enrolment:
    """A secret for an app, in place of one that was never confirmed."""

    async def decide() -> Enrolment:
        user = await desk.user(user_id)
        if user.record.totp is not None and user.record.totp.active:
            raise AccountFault("totp_active", "switch it off first")
        secret = new_totp_secret(desk.chooser)
        await _keep(desk, user, Totp(desk.vault.seal(secret, totp_owner(user_id)), -1))
        return Enrolment(secret, totp_uri(secret, user.record.email))

    return await settled(decide)


async def switch_on(desk: Desk, user_id: str, code: str, visit: Visit) -> tuple[str, ...]:
    """Ask for codes from now on; returns the recovery codes, which are shown this once."""

    async def decide() -> tuple[User, tuple[str, ...]]:
        user = await desk.user(user_id)
        totp = user.record.totp
        if totp is None or totp.active:
            raise AccountFault("totp_active", "ask for a secret first, once")
        secret = desk.vault.open(totp.secret, totp_owner(user_id))
        step = totp_step(secret, code, desk.now_ms, totp.step)
        if step is None:
            raise AccountFault("wrong_code", "is the clock of the app right?", "code")
        codes = new_recovery_codes(desk.chooser)
        await _keep(desk, user, Totp(totp.secret, step, tuple(map(recovery_digest, codes))))
        return user.record, codes

    desk.take_try(visit)
    user, codes = await settled(decide)
    desk.give_back_try(visit)
    await desk.note(user.accounts, "totp_on", user.email, visit)
    return codes


async def switch_off(desk: Desk, user_id: str, visit: Visit) -> None:
    """Ask for no codes any more."""

    async def decide() -> User | None:
        user = await desk.user(user_id)
        if user.record.totp is None:
            return None
        await _keep(desk, user, None)
        return user.record

    user = await settled(decide)
    if user is not None:
        await desk.note(user.accounts, "totp_off", user.email, visit)


async def _keep(desk: Desk, user: Kept[User], totp: Totp | None) -> None:
    changed = msgspec.structs.replace(user.record, totp=totp)
    await desk.write(user.becomes(changed, user_claims(changed)))
