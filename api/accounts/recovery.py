"""Another password or address, and the way back in for who has forgotten the password.

Law: with a new password every other session ends. Whoever asks for a link learns nothing but that
a mail may come.
"""

import msgspec
import trio

from api.accounts import letters
from api.accounts.audit import Event
from api.accounts.desk import Desk, link_gone, settled, slower, user_claims
from api.accounts.emails import mailbox_of, read_email
from api.accounts.faults import AccountFault
from api.accounts.logging_in import Credentials, prove
from api.accounts.passwords import read_password
from api.accounts.records import NOBODY, Change, Kept, Reset, User, claim_of, revocation
from api.accounts.sessions import Entered, Visit, enter, present
from api.accounts.signing_up import LINK_MS
from api.accounts.tokens import digest_of, new_link


async def ask_for_reset(desk: Desk, given: str, visit: Visit) -> None:
    """Send a link to whoever has the address; for others it takes as long."""
    email = read_email(given)
    desk.take_try(visit)
    wait_s = desk.throttles.letters.take(mailbox_of(email), trio.current_time())
    if wait_s:
        raise slower(wait_s)
    user = await desk.user_of(email)
    # For nobody, too, so that the time does not tell; that link opens nothing.
    place = "nobody" if user is None else user.id
    token = await _keep_link(desk, Kept("reset", NOBODY, place, Reset(email), 0))
    if user is None:
        return
    desk.post(letters.reset_password(email, letters.link(desk.public_url, "reset", token)))
    await desk.note(user.record.accounts, "password_reset_asked", email, visit)


async def reset_password(desk: Desk, token: str, password: str, visit: Visit) -> None:
    """Choose a password with the link of a mail; every session ends."""
    reset = await desk.found("reset", claim_of(digest_of(token) or b""), Reset)
    user = None if reset is None else await desk.record("user", NOBODY, reset.id, User)
    if reset is None or user is None or user.record.email != reset.record.email:
        raise link_gone()
    chosen = read_password(password, user.record.email)
    hashed = await desk.hasher.hash(chosen)

    async def decide() -> None:
        now = await desk.user(reset.id)
        changed = msgspec.structs.replace(now.record, password=hashed, verified=True)
        presence = await desk.sessions.presence(now.id)
        await desk.write(
            reset.ends(),
            now.becomes(changed, user_claims(changed)),
            present(presence, (), desk.now_ms, devices=()),
            revocation(),
        )

    await settled(decide)
    desk.sessions.forget()
    desk.throttles.delays.succeeded(mailbox_of(user.record.email))
    await _tell(desk, user.record, "password_reset", "there is a new password", visit)


async def change_password(desk: Desk, given: Credentials, new: str, visit: Visit) -> Entered:
    """Choose another password; every session ends, and a new one begins here."""
    chosen = read_password(new, read_email(given.email), field="new_password")
    user, _ = await prove(desk, given, visit)
    hashed = await desk.hasher.hash(chosen)

    async def decide() -> Entered:
        now = await desk.user(user.id)
        changed = msgspec.structs.replace(now.record, password=hashed)
        presence = await desk.sessions.presence(user.id)
        account = next(
            (
                one.account
                for one in presence.record.sessions
                if one.digest == digest_of(visit.session or "")
            ),
            next(iter(changed.accounts), 0),
        )
        alone = Kept(
            presence.kind, presence.account, presence.id,
            msgspec.structs.replace(presence.record, sessions=()), presence.version,
        )  # fmt: skip
        entered, write = enter(alone, account, visit, desk.now_ms, desk.chooser)
        await desk.write(now.becomes(changed, user_claims(changed)), write, revocation())
        return entered

    entered = await settled(decide)
    desk.sessions.forget()
    await _tell(desk, user.record, "password_changed", "there is a new password", visit)
    return entered


async def ask_for_change(desk: Desk, user_id: str, given: str, visit: Visit) -> None:
    """Send a link to an address that somebody has, or wants to have from now on."""
    email = read_email(given)
    user = await desk.user(user_id)
    wait_s = desk.throttles.letters.take(mailbox_of(email), trio.current_time())
    if wait_s:
        raise slower(wait_s)
    if email != user.record.email and await desk.user_of(email) is not None:
        raise AccountFault("email_taken", "somebody has it already", "email")
    token = await _keep_link(desk, Kept("change", NOBODY, user_id, Change(email), 0))
    desk.post(letters.confirm_address(email, letters.link(desk.public_url, "verify", token)))
    await desk.note(user.record.accounts, "email_change_asked", user.record.email, visit, email)


async def _keep_link(desk: Desk, wanted: Kept[Reset] | Kept[Change]) -> str:
    """The token of a new link, in place of an earlier one."""
    token, digest = new_link(desk.chooser)

    async def decide() -> None:
        old = await desk.documents.get(wanted.kind, NOBODY, wanted.id, desk.now_ms)
        version = 0 if old is None else old.version
        kept = Kept(wanted.kind, NOBODY, wanted.id, wanted.record, version)
        write = kept.becomes(wanted.record, (claim_of(digest),), desk.now_ms + LINK_MS)
        await desk.write(write)

    await settled(decide)
    return token


async def _tell(desk: Desk, user: User, event: Event, what: str, visit: Visit) -> None:
    """Into the audit logs, and to the person."""
    await desk.note(user.accounts, event, user.email, visit)
    desk.post(letters.notice(user.email, what, f"{desk.public_url}/reset"))
