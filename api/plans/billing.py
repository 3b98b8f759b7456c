"""Paying for plans: what a payment service is to us, and what its events mean.

Law: an event counts only with its signature, and only when none that happened later was seen; so
events may come twice, late and in any order.
"""

from dataclasses import dataclass
from typing import Protocol

from api.plans.plan import Plan
from api.plans.record import PlanRecord


class BillingDown(Exception):
    """The service does not answer, or not as it should."""


class ForgedEvent(Exception):
    """The event does not carry the service's signature, or is too old."""


@dataclass(frozen=True, slots=True)
class Paid:
    """What an event says of an account: the plan that it is on now, None for the default.

    `at_s` is when it happened, in epoch seconds.
    """

    account: int
    plan: str | None
    customer: str | None
    subscription: str | None
    at_s: int

    def counts(self, record: PlanRecord) -> bool:
        """Whether it is news: none that happened later was seen."""
        return self.at_s >= record.changed_s


class Billing(Protocol):
    """A service that takes money for plans."""

    async def checkout(self, account: int, plan: Plan, customer: str | None, back_url: str) -> str:
        """The address of the page on which the account subscribes to a plan; or BillingDown."""

    async def portal(self, customer: str, back_url: str) -> str:
        """The address of the page on which a customer changes or ends what they pay for."""

    def read(self, body: bytes, signature: str) -> Paid | None:
        """What an event says; None when it is of no interest. Raises ForgedEvent."""
