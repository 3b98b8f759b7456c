"""Billing through Stripe: its pages take the money, its signed events say what was paid.

Importing Stripe's package takes most of a second: only who has a key does it.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar, cast

import msgspec
import stripe
import trio
from msgspec import Struct

from api.plans.billing import BillingDown, ForgedEvent, Paid
from api.plans.plan import Plan

log = logging.getLogger("statflow.plans")

ANSWER_S: Final = 10.0
"""Stripe has so long to answer."""

CALLS_MAX: Final = 2
"""Calls under way at a time."""

TRIES_AGAIN: Final = 1

SUBSCRIBED: Final = frozenset({"active", "trialing", "past_due"})
"""The states of a subscription in which its plan holds; Stripe tries for weeks to be paid."""

T = TypeVar("T")


class _Price(Struct, frozen=True):
    id: str


class _Item(Struct, frozen=True):
    price: _Price


class _Items(Struct, frozen=True):
    data: tuple[_Item, ...] = ()


class _Thing(Struct):
    """What we read of a checkout session or a subscription."""

    object: str
    id: str = ""
    status: str = ""
    client_reference_id: str | None = None
    customer: str | None = None
    subscription: str | None = None
    metadata: dict[str, str] = {}
    items: _Items = _Items()


class _Data(Struct):
    object: _Thing


class _Event(Struct):
    type: str
    created: int
    data: _Data


_EVENT: Final = msgspec.json.Decoder(_Event)


class StripeBilling:
    """Stripe, as far as we need it; `address` is another server that speaks like it."""

    def __init__(
        self, key: str, webhook_secret: str, plans: Mapping[str, Plan], address: str | None = None
    ) -> None:
        addresses = {} if address is None else {"api": address}
        self._client = stripe.StripeClient(
            key,
            base_addresses=cast("Any", addresses),
            max_network_retries=TRIES_AGAIN,
            http_client=stripe.RequestsClient(timeout=ANSWER_S),
        )
        self._secret = webhook_secret
        self._plans = plans
        self._limiter = trio.CapacityLimiter(CALLS_MAX)

    def __repr__(self) -> str:
        sold = [plan.name for plan in self._plans.values() if plan.stripe_price is not None]
        return f"<StripeBilling of {', '.join(sold) or 'no plan'}>"

    async def checkout(self, account: int, plan: Plan, customer: str | None, back_url: str) -> str:
        """The address of the page on which the account subscribes to a plan."""
        assert plan.stripe_price is not None, f"BUG: {plan.name} is not sold"
        about = {"account": str(account), "plan": plan.name}
        wanted = {
            "mode": "subscription",
            "line_items": [{"price": plan.stripe_price, "quantity": 1}],
            "client_reference_id": str(account),
            "metadata": about,
            "subscription_data": {"metadata": about},
            "success_url": back_url,
            "cancel_url": back_url,
        }
        if customer is not None:
            wanted["customer"] = customer
        session = await self._call(
            lambda: self._client.v1.checkout.sessions.create(cast("Any", wanted))
        )
        if session.url is None:
            raise BillingDown("Stripe made no page to pay on")
        return session.url

    async def portal(self, customer: str, back_url: str) -> str:
        """The address of the page on which a customer changes or ends what they pay for."""
        session = await self._call(
            lambda: self._client.v1.billing_portal.sessions.create(
                {"customer": customer, "return_url": back_url}
            )
        )
        return session.url

    def read(self, body: bytes, signature: str) -> Paid | None:
        """What an event says; None when it is of no interest. Raises ForgedEvent."""
        try:
            stripe.WebhookSignature.verify_header(
                body.decode(), signature, self._secret, stripe.Webhook.DEFAULT_TOLERANCE
            )
        except (stripe.SignatureVerificationError, UnicodeDecodeError) as error:
            raise ForgedEvent(str(error)) from None
        try:
            event = _EVENT.decode(body)
        except msgspec.DecodeError as error:
            log.info("an event of Stripe is passed over: %s", error)
            return None
        return self._paid(event)

    def _paid(self, event: _Event) -> Paid | None:
        thing = event.data.object
        account = thing.client_reference_id or thing.metadata.get("account", "")
        if not account.isdecimal() or not account.isascii():
            return None
        match event.type:
            case "checkout.session.completed":
                plan = thing.metadata.get("plan")
                return self._known(
                    Paid(int(account), plan, thing.customer, thing.subscription, event.created)
                )
            case "customer.subscription.created" | "customer.subscription.updated":
                plan = self._plan_of(thing) if thing.status in SUBSCRIBED else None
                return self._known(
                    Paid(int(account), plan, thing.customer, thing.id, event.created)
                )
            case "customer.subscription.deleted":
                return Paid(int(account), None, thing.customer, None, event.created)
        return None

    def _known(self, paid: Paid) -> Paid | None:
        if paid.plan is not None and paid.plan not in self._plans:
            log.warning("account %d paid for %s, a plan that is not known", paid.account, paid.plan)
            return None
        return paid

    def _plan_of(self, subscription: _Thing) -> str | None:
        """The plan of what is paid for: the portal may have changed it."""
        prices = {item.price.id for item in subscription.items.data}
        sold = (plan for plan in self._plans.values() if plan.stripe_price in prices)
        return next((plan.name for plan in sold), subscription.metadata.get("plan"))

    async def _call(self, call: Callable[[], T]) -> T:
        try:
            return await trio.to_thread.run_sync(call, limiter=self._limiter)
        except stripe.StripeError as error:
            log.warning("Stripe: %s", type(error).__name__)
            raise BillingDown("Stripe does not answer as it should") from error
