"""Putting an account on another plan, from the server or from the command line."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from api.plans.plan import Plan
from api.plans.record import PlanRecord, pack_plan, unpack_plan
from storage.documents import Conflict, Documents, Write

KIND: Final = "plan"
"""Of the documents of no account, each named by the account that it is about."""

TRIES_MAX: Final = 5


async def change_plan(
    documents: Documents,
    plans: Mapping[str, Plan],
    default: Plan,
    account: int,
    name: str,
    now_ms: int,
    **fields: Any,  # ruff: ignore[any-type]
) -> PlanRecord:
    """Let the plan of an account be the one of this name; other `fields` of the record with it."""
    for _ in range(TRIES_MAX):
        found = await documents.get(KIND, 0, str(account), now_ms)
        if found is None:
            record = PlanRecord(plan=default.name, since_ms=0)
        else:
            record = unpack_plan(found.id, found.body)
        before = plans.get(record.plan, default)
        changed = replace(record.changed_to(plans[name], before, now_ms), **fields)
        version = 0 if found is None else found.version
        try:
            await documents.write(
                [Write(KIND, 0, str(account), pack_plan(changed), version)], now_ms
            )
        except Conflict:
            continue
        return changed
    raise AssertionError("BUG: the plan of an account changes all the time")
