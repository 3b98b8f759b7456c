"""The audit log of an account: who did what to its safety, from where.

Law: no secret is ever in it, nor what somebody typed. What was done stays done when the log cannot
be written: then the program's own log has it.
"""

import logging
from dataclasses import dataclass
from typing import Final, Literal

import msgspec
from msgspec import Struct

from api.accounts.addresses import shown_of
from engine.ports import Damaged, StoreError
from storage.documents import Documents

log = logging.getLogger("statflow.audit")

JOURNAL: Final = "audit"
VERSION: Final = b"\x01"

Event = Literal[
    "account_claimed", "account_deleted", "email_change_asked", "email_changed",
    "email_confirmed", "invite_made", "invite_revoked", "key_made", "key_revoked", "log_in",
    "log_in_failed", "log_out", "member_joined", "member_left", "password_changed",
    "password_reset", "password_reset_asked", "plan_changed", "recovery_code_used",
    "role_changed", "sessions_revoked", "sign_up", "stathat_changed", "totp_off", "totp_on",
]  # fmt: skip


class Entry(Struct, frozen=True, array_like=True):
    """One event: `who` is a person's address, or the id of a key."""

    event: Event
    who: str
    address: str = ""
    about: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """An entry as it is read; `id` orders them."""

    id: str
    at_ms: int
    entry: Entry


def pack_entry(entry: Entry) -> bytes:
    """The entry as it is kept."""
    return VERSION + msgspec.msgpack.encode(entry)


def unpack_entry(body: bytes) -> Entry:
    """The entry of a record; Damaged when it is none."""
    if body[:1] != VERSION:
        raise Damaged("its version is not known")
    try:
        return msgspec.msgpack.decode(body[1:], type=Entry)
    except msgspec.DecodeError as error:
        raise Damaged(str(error)) from error


async def note(
    documents: Documents, account: int, event: Event, who: str, client: str, about: str, at_ms: int
) -> None:
    """Write an event down; `about` says to what or whom it happened."""
    entry = Entry(event, who, shown_of(client), about)
    try:
        await documents.note(JOURNAL, account, pack_entry(entry), at_ms)
    except StoreError as error:
        log.warning("account %d: %s by %s is not in the audit log: %s", account, event, who, error)


async def entries(documents: Documents, account: int, before: str | None, limit: int) -> list[Told]:
    """The events of an account, the newest first; those before the id `before`."""
    found = []
    for note_id, at_ms, body in await documents.notes(JOURNAL, account, before, limit):
        try:
            entry = unpack_entry(body)
        except Damaged as error:
            raise Damaged(f"audit log of account {account}, {note_id}: {error}") from error
        found.append(Told(note_id, at_ms, entry))
    return found
