"""The first start: an empty catalogue gets the owner's account and a key, shown once."""

import secrets
from typing import Final

from api.accounts.keys import SCOPES, Chooser
from api.accounts.new_key import NewKey, new_key
from engine.ports import Clock, Unavailable
from storage.catalog import OWNER, Catalog

OWNER_NAME: Final = "owner"
FIRST_KEY_NAME: Final = "first key"


async def found_owner(catalog: Catalog, clock: Clock, chooser: Chooser = secrets) -> NewKey | None:
    """Make the owner and a key that may do everything; None when there is any account already.

    Both are made in one step: whoever kills the first start leaves an empty catalogue or a whole
    one. StoreError when the store cannot be asked.
    """
    made = new_key(chooser, clock.now_ms(), OWNER, FIRST_KEY_NAME, SCOPES)
    key = made.record
    try:
        founded = await catalog.found(OWNER_NAME, key.created_ms, key)
    except Unavailable:
        # Perhaps it was done, and only the reply was lost.
        founded = await catalog.found(OWNER_NAME, key.created_ms, key)
        founded = founded or await catalog.key(key.digest) is not None
    return made if founded else None
