"""Which plan an account is on, as it is kept. Pure."""

from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from api.plans.plan import LIMITS, Plan
from engine.ports import Damaged
from engine.tiers import DAY_S

GRACE_MS: Final = 30 * DAY_S * 1000
"""So long after a change to a smaller plan the limits of the larger one still hold."""


class PlanRecord(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The plan of one account since `since_ms`; until `grace_ms` the one `before` holds as well.

    `customer` and `subscription` are ids at Stripe, `changed_s` is when its last event happened
    that counted, in epoch seconds. Other times are epoch milliseconds.
    """

    plan: str
    since_ms: int
    before: str | None = None
    grace_ms: int = 0
    customer: str | None = None
    subscription: str | None = None
    changed_s: int = 0

    def changed_to(self, plan: Plan, before: Plan, now_ms: int) -> "PlanRecord":
        """On another plan from now on; nothing at once gets less."""
        if plan.name == self.plan:
            return self
        smaller = any(_less(getattr(plan, name), getattr(before, name)) for name in LIMITS)
        return replace(
            self,
            plan=plan.name,
            since_ms=now_ms,
            before=before.name if smaller else None,
            grace_ms=now_ms + GRACE_MS if smaller else 0,
        )


def pack_plan(record: PlanRecord) -> bytes:
    """A record as a document has it."""
    return msgspec.json.encode(record)


def unpack_plan(account: str, body: bytes) -> PlanRecord:
    """What `pack_plan` packed; Damaged when it is anything else."""
    try:
        return msgspec.json.decode(body, type=PlanRecord)
    except msgspec.DecodeError as error:
        raise Damaged(f"plan of account {account}: {error}") from error


def _less(limit: int | None, before: int | None) -> bool:
    return limit is not None and (before is None or limit < before)
