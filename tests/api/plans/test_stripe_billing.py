"""Stripe: the pages it is asked for, and what its events say, if they are its own."""

import time
from collections.abc import Iterator

import pytest

from api.plans.billing import BillingDown, ForgedEvent, Paid
from api.plans.plan import Plan
from api.plans.record import PlanRecord
from api.plans.stripe_billing import StripeBilling
from tests.api.plans.stripe_server import StripeServer, event, signed, stripe_server

pytestmark = pytest.mark.real

SECRET = "whsec_of_a_test"
PRO = Plan(name="pro", stats=100, price=1900, stripe_price="price_pro")
TEAM = Plan(name="team", price=4900, stripe_price="price_team")


@pytest.fixture(scope="module")
def server() -> Iterator[StripeServer]:
    with stripe_server() as server:
        yield server


@pytest.fixture
def billing(server: StripeServer) -> StripeBilling:
    server.asked.clear()
    server.failure = None
    plans = {plan.name: plan for plan in (PRO, TEAM)}
    return StripeBilling("sk_test_1", SECRET, plans, server.address)


async def test_a_page_to_pay_on(billing: StripeBilling, server: StripeServer) -> None:
    url = await billing.checkout(7, PRO, None, "https://stats.example/settings/plan")
    assert url == "https://pay/1"
    path, asked = server.asked[0]
    assert path == "/v1/checkout/sessions"
    assert asked["client_reference_id"] == "7"
    assert asked["line_items[0][price]"] == "price_pro"
    assert asked["subscription_data[metadata][plan]"] == "pro"
    assert asked["mode"] == "subscription"
    assert "customer" not in asked
    await billing.checkout(7, PRO, "cus_1", "https://stats.example/")
    assert server.asked[1][1]["customer"] == "cus_1"


async def test_a_page_to_change_on(billing: StripeBilling, server: StripeServer) -> None:
    assert await billing.portal("cus_1", "https://stats.example/") == "https://portal/1"
    assert server.asked == [
        (
            "/v1/billing_portal/sessions",
            {"customer": "cus_1", "return_url": "https://stats.example/"},
        )
    ]


async def test_stripe_is_out_of_order(billing: StripeBilling, server: StripeServer) -> None:
    server.failure = 400
    with pytest.raises(BillingDown):
        await billing.portal("cus_1", "https://stats.example/")


def read(billing: StripeBilling, body: bytes) -> Paid | None:
    return billing.read(body, signed(body, SECRET, int(time.time())))


def subscription(status: str, price: str = "price_pro") -> dict[str, object]:
    return {
        "object": "subscription", "id": "sub_1", "customer": "cus_1", "status": status,
        "metadata": {"account": "7", "plan": "pro"},
        "items": {"object": "list", "data": [{"id": "si_1", "price": {"id": price}}]},
    }  # fmt: skip


def test_a_checkout_that_was_completed(billing: StripeBilling) -> None:
    thing: dict[str, object] = {
        "object": "checkout.session", "id": "cs_1", "client_reference_id": "7",
        "customer": "cus_1", "subscription": "sub_1", "metadata": {"plan": "pro"},
    }  # fmt: skip
    body = event("checkout.session.completed", thing, 100)
    assert read(billing, body) == Paid(7, "pro", "cus_1", "sub_1", 100)


@pytest.mark.parametrize(
    ("kind", "status", "price", "found"),
    [
        ("updated", "active", "price_team", "team"),
        ("updated", "active", "price_unknown", "pro"),
        ("created", "trialing", "price_pro", "pro"),
        ("updated", "past_due", "price_pro", "pro"),
        ("updated", "canceled", "price_pro", None),
        ("updated", "unpaid", "price_pro", None),
    ],
)
def test_a_subscription_changes(
    billing: StripeBilling, kind: str, status: str, price: str, found: str | None
) -> None:
    body = event(f"customer.subscription.{kind}", subscription(status, price), 100)
    assert read(billing, body) == Paid(7, found, "cus_1", "sub_1", 100)


def test_a_subscription_ends(billing: StripeBilling) -> None:
    body = event("customer.subscription.deleted", subscription("canceled"), 100)
    assert read(billing, body) == Paid(7, None, "cus_1", None, 100)


@pytest.mark.parametrize(
    "body",
    [
        event("invoice.paid", {"object": "invoice", "metadata": {"account": "7"}}, 1),
        event("customer.subscription.updated", {"object": "subscription"}, 1),
        event(
            "checkout.session.completed",
            {
                "object": "checkout.session", "client_reference_id": "7",
                "metadata": {"plan": "gone"},
            },
            1,
        ),
        b"[]",
        b"nonsense",
    ],
)  # fmt: skip
def test_other_events_are_passed_over(billing: StripeBilling, body: bytes) -> None:
    assert read(billing, body) is None


def test_forged_events_are_refused(billing: StripeBilling) -> None:
    body, now_s = event("invoice.paid", {"object": "invoice"}, 1), int(time.time())
    for signature in (
        "",
        "nonsense",
        signed(body, "whsec_other", now_s),
        signed(body + b" ", SECRET, now_s),
        signed(body, SECRET, now_s - 3600),
    ):
        with pytest.raises(ForgedEvent):
            billing.read(body, signature)
    with pytest.raises(ForgedEvent):
        billing.read(b"\xff", signed(b"\xff", SECRET, now_s))


def test_what_happened_earlier_is_no_news() -> None:
    record = PlanRecord(plan="pro", since_ms=0, changed_s=100)
    assert [Paid(7, None, None, None, at_s).counts(record) for at_s in (99, 100, 101)] == [
        False, True, True,
    ]  # fmt: skip
