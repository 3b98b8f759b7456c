"""The end of an account: nobody gets in any more, and its stats go into the trash.

Law: access ends first and at once; whatever is killed in between, doing it again finishes it. Stats
can be had back for two days, by the operator; then they are gone for good.
"""

from typing import Final

import msgspec

from api.accounts.desk import Desk, settled
from api.accounts.faults import AccountFault
from api.accounts.keyring import Keyring
from api.accounts.membership import invites
from api.accounts.records import ALL, NOBODY, Kept, Members, User, revocation
from api.accounts.signing_up import without_account
from engine.ports import Clock
from storage.catalog import OWNER
from storage.directory import Directory
from storage.documents import Documents, Write

NAME: Final = "deleted"
"""What is left of the name."""

MEMBERS_AT_ONCE: Final = 50
"""Members whose records are written in one step."""

TRASHED_AT_ONCE: Final = 1_000
"""Stats of one account that go into the trash in one round."""


class Deletion(msgspec.Struct, frozen=True, array_like=True):
    """An account whose stats are to go."""

    at_ms: int


async def delete_account(desk: Desk, keyring: Keyring, account: int) -> None:
    """Take everybody's access away, and note that the stats are to go."""
    if account == OWNER:
        raise AccountFault("first_account", "it belongs to the installation; delete its stats")
    for key in await keyring.keys(account):
        await keyring.revoke(account, key.id)
    for invite in await invites(desk, account):
        await desk.write(Write("invite", account, invite.id, None))
    await desk.write(Write("stathat", account, ALL, None))
    place = Kept("deletion", NOBODY, str(account), Deletion(desk.now_ms), 0)
    if await desk.record(place.kind, NOBODY, place.id, Deletion) is None:
        await settled(lambda: desk.write(place.becomes(place.record)))
    await desk.catalog.rename_account(account, NAME)
    while await settled(lambda: _let_go(desk, account)):
        pass
    desk.sessions.forget()


async def empty_deleted(directory: Directory, documents: Documents, clock: Clock) -> None:
    """Throw away stats of deleted accounts, some of each; the upkeep empties the trash."""
    for document in await documents.all("deletion", NOBODY, clock.now_ms()):
        stats = directory.names(int(document.id)).values()
        for stat in [stat for stat in stats if stat.state == "live"][:TRASHED_AT_ONCE]:
            await directory.trash(stat.id)
        if not directory.names(int(document.id)):
            gone = Write(document.kind, document.account, document.id, None)
            await documents.write([gone], clock.now_ms())


async def _let_go(desk: Desk, account: int) -> bool:
    """Some members are none any more; False when there were none."""
    kept = await desk.members(account)
    leaving = kept.record.members[:MEMBERS_AT_ONCE]
    if not leaving:
        return False
    writes = [kept.becomes(Members(kept.record.members[MEMBERS_AT_ONCE:])), revocation()]
    for member in leaving:
        user = await desk.record("user", NOBODY, member.user, User)
        if user is not None:
            writes.append(without_account(user, account))
    await desk.write(*writes)
    return True
