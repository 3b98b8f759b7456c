"""What an account uses, and which plan it is on: `/v1/usage`, `/v1/plan`, and Stripe's events."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from msgspec import Struct

from api.accounts.sessions import Visit
from api.boards.kept import Boards
from api.http.context import Context
from api.http.dates import date_text
from api.http.messages import RawRequest, Reply, json_reply
from api.http.people import visit_of, who
from api.http.problems import FieldError, Problem
from api.http.route import Call, Nothing, Route
from api.plans.allowances import Allowance
from api.plans.billing import Billing, BillingDown, ForgedEvent
from api.plans.forecast import LOOK_BACK_DAYS, Month, forecast, rate_s, told
from api.plans.plan import LIMITS, Plan
from engine.tiers import DAY_S

SIGNATURE: Final = b"stripe-signature"


class PlanInfo(Struct, frozen=True):
    """A plan; null is without limit. `price` is for a month, in the smallest unit of `currency`."""

    name: str
    stats: int | None
    points_month: int | None
    over: str
    requests_s: int | None
    points_s: int | None
    retention_days: int | None
    alerts: int | None
    dashboards: int | None
    members: int | None
    price: int
    currency: str

    @classmethod
    def of(cls, plan: Plan) -> "PlanInfo":
        """A plan as it is told."""
        return cls(**{name: getattr(plan, name) for name in cls.__struct_fields__})


class PointsUsed(Struct, frozen=True):
    """Points of this month: what it will come to, and when the limit is reached."""

    used: int
    limit: int | None
    expected: int
    reached: str | None
    forecast: str | None


class Used(Struct, frozen=True):
    """How many there are, and how many there may be."""

    used: int
    limit: int | None


class DayUsed(Struct, frozen=True):
    """Points of one day of UTC."""

    day: str
    points: int


class UsageReply(Struct, frozen=True):
    """What the account uses, against its plan; `from` and `to` are the month that is metered."""

    plan: str
    month: str
    points: PointsUsed
    limits: dict[str, Used]
    days: list[DayUsed]


class PlanReply(Struct, frozen=True):
    """The plan of the account and those that it could be on.

    Until `until` the limits of the plan `before` hold as well. `billing` tells whether it can be
    changed here.
    """

    plan: PlanInfo
    since: str | None
    before: str | None
    until: str | None
    billing: bool
    plans: list[PlanInfo]


class PlanBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The plan that is wanted."""

    plan: str


class PlanChange(Struct, frozen=True, omit_defaults=True):
    """`url` is where to go on, where money is involved; else the plan holds already."""

    plan: str
    url: str | None = None


class Received(Struct, frozen=True):
    """The event was read."""

    received: bool


Count = Callable[[Context, int], Awaitable[int]]


async def _stats(context: Context, account: int) -> int:
    return len(context.directory.names(account))


async def _members(context: Context, account: int) -> int:
    return len((await context.desk.members(account)).record.members)


async def _alerts(context: Context, account: int) -> int:
    return context.office.rulebook.amount(account)


async def _dashboards(context: Context, account: int) -> int:
    boards = Boards(context.documents)
    return len(await boards.all(account, context.clock.now_ms()))


COUNTS: Final[Mapping[str, Count]] = {
    "stats": _stats, "members": _members, "alerts": _alerts, "dashboards": _dashboards,
}  # fmt: skip
"""What there is of each kind that plans limit in number."""


async def usage(call: Call[Nothing, Nothing]) -> Reply:
    """Use, limits and forecast."""
    context, account = call.context, call.caller.account
    allowance = await context.allowances.read(account)
    now_s = context.clock.now_ms() // 1000
    month, today = Month.of(now_s), now_s // DAY_S
    first = min(month.days[0], today - LOOK_BACK_DAYS + 1)
    found = await context.allowances.used(account, range(first, today + 1))
    days = found[month.days[0] - first :]
    limits = {
        name: Used(await count(context, account), getattr(allowance.plan, name))
        for name, count in COUNTS.items()
    }
    reply = UsageReply(
        allowance.record.plan,
        month.name,
        _points(allowance, sum(days), rate_s(found[-LOOK_BACK_DAYS:], now_s), now_s),
        limits,
        [
            DayUsed(date_text((month.days[0] + place) * DAY_S * 1000)[:10], points)
            for place, points in enumerate(days)
        ],
    )
    return call.json(200, reply)


def _points(allowance: Allowance, used: int, per_s: float, now_s: int) -> PointsUsed:
    limit = allowance.plan.points_month
    ahead = forecast(used, limit, per_s, now_s, Month.of(now_s))
    reached = None if ahead.reached_s is None else date_text(ahead.reached_s * 1000)
    sentence = None if limit is None else told("points", limit, ahead.reached_s, now_s)
    return PointsUsed(used, limit, ahead.expected, reached, sentence)


async def plan(call: Call[Nothing, Nothing]) -> Reply:
    """The plan of the account, and what else there is."""
    allowances = call.context.allowances
    allowance = await allowances.read(call.caller.account)
    record, now_ms = allowance.record, call.context.clock.now_ms()
    held = record.before is not None and now_ms < record.grace_ms
    reply = PlanReply(
        PlanInfo.of(allowances.plans.get(record.plan, allowances.default)),
        date_text(record.since_ms) if record.since_ms else None,
        record.before if held else None,
        date_text(record.grace_ms) if held else None,
        call.context.billing is not None,
        [PlanInfo.of(one) for one in allowances.plans.values()],
    )
    return call.json(200, reply)


async def change_plan(call: Call[Nothing, PlanBody]) -> Reply:
    """Begin a change of plan; where to pay for it is the answer."""
    billing, allowances = _billing(call.context), call.context.allowances
    wanted = allowances.plans.get(call.body.plan)
    if wanted is None:
        detail = f"plan: one of {', '.join(allowances.plans)}."
        raise Problem("field_invalid", detail, [FieldError("field_invalid", detail, field="plan")])
    account, back = call.caller.account, f"{call.context.public_url}/settings/plan"
    record = (await allowances.read(account)).record
    if wanted.name == record.plan:
        return call.json(200, PlanChange(wanted.name))
    if record.subscription is not None and record.customer is not None:
        url = await _paid(billing.portal(record.customer, back))
        return call.json(200, PlanChange(record.plan, url))
    if wanted.stripe_price is not None:
        url = await _paid(billing.checkout(account, wanted, record.customer, back))
        return call.json(200, PlanChange(record.plan, url))
    if wanted is not allowances.default:
        raise Problem("plan_not_sold", f"{wanted.name} is given by whoever runs the server.")
    await allowances.change(account, wanted.name)
    told = await who(call)
    await call.context.desk.note([account], "plan_changed", told, visit_of(call), wanted.name)
    return call.json(200, PlanChange(wanted.name))


async def stripe_event(context: Context, request: RawRequest) -> Reply:
    """Take what Stripe says; it says it again until it is answered 2xx."""
    billing = _billing(context)
    try:
        paid = billing.read(request.body, (request.header(SIGNATURE) or b"").decode("latin1"))
    except ForgedEvent as error:
        raise Problem("signature_invalid", f"{error}.") from None
    if paid is not None:
        allowances = context.allowances
        if paid.counts((await allowances.read(paid.account)).record):
            await allowances.change(
                paid.account,
                paid.plan or allowances.default.name,
                customer=paid.customer,
                subscription=paid.subscription,
                changed_s=paid.at_s,
            )
            await context.desk.note(
                [paid.account], "plan_changed", "Stripe", Visit(), paid.plan or ""
            )
    return json_reply(request.id, 200, Received(received=True))


def _billing(context: Context) -> Billing:
    if context.billing is None:
        raise Problem(
            "billing_off", "Whoever runs the server changes plans: statflow account set-plan."
        )
    return context.billing


async def _paid(page: Awaitable[str]) -> str:
    try:
        return await page
    except BillingDown as error:
        raise Problem("billing_down", f"{error}; try again later.") from None


ROUTES: Final = (
    Route(
        "GET", "/v1/usage", "What the account uses, its limits, and a forecast", "read",
        {200: UsageReply}, Nothing, Nothing, usage,
    ),
    Route(
        "GET", "/v1/plan", "The plan of the account, and the others", "read",
        {200: PlanReply}, Nothing, Nothing, plan,
    ),
    Route(
        "POST", "/v1/plan", "Change the plan", "admin",
        {200: PlanChange}, Nothing, PlanBody, change_plan,
        problems=("billing_off", "billing_down", "plan_not_sold"),
    ),
    Route(
        "POST", "/v1/billing/stripe", "Events of Stripe, signed by it", None,
        {200: Received}, Nothing, Nothing, raw=stripe_event,
        problems=("billing_off", "signature_invalid", "store_unavailable"),
    ),
)  # fmt: skip

assert set(COUNTS) <= set(LIMITS), "BUG: something is counted that no plan limits"
