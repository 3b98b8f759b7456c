"""What an account may have and do: the plans, built in or from `statflow.toml`. Pure.

    default_plan = "free"

    [plans.free]              # changes a built-in plan, or makes one of a new name
    stats = 50
    points_month = "2M"

Law: None means without limit. A plan never takes away what is there: over a limit what exists goes
on working, and only more of it is refused.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, Literal, cast

import msgspec
from msgspec import Struct, field
from msgspec.structs import asdict, replace

NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}", re.ASCII)

PLANS_MAX: Final = 50

_UNITS: Final = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}
_AMOUNT: Final = re.compile(r"(\d{1,15})\s?([kMG]?)", re.ASCII)

Over = Literal["keep", "refuse"]


class Plan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One plan; a limit of None is none.

    `points_month` are points counted in a calendar month of UTC; `over` says what becomes of points
    beyond it: existing stats go on counting (`keep`), or are refused until the month ends
    (`refuse`). `requests_s` and `points_s` are rates a second, of the account and of each of its
    keys. `retention_days` is how far back is shown. `price` is what a month costs, in the smallest
    unit of `currency`; `stripe_price` is the id of the price at Stripe.
    """

    name: str
    stats: int | None = None
    points_month: int | None = None
    over: Over = "keep"
    requests_s: int | None = None
    points_s: int | None = None
    retention_days: int | None = None
    alerts: int | None = None
    dashboards: int | None = None
    members: int | None = None
    price: int = 0
    currency: str = "usd"
    stripe_price: str | None = field(default=None)

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ValueError("a plan is named by a to z, 0 to 9, - and _, at most 32")
        for name in LIMITS:
            limit = getattr(self, name)
            if limit is not None and limit < LIMITS[name]:
                raise ValueError(f"{name}: at least {LIMITS[name]}")
        if self.price < 0 or not re.fullmatch(r"[a-z]{3}", self.currency):
            raise ValueError("price: not less than 0, in a currency of three letters")


LIMITS: Final[Mapping[str, int]] = {
    "stats": 1, "points_month": 1, "requests_s": 1, "points_s": 1, "retention_days": 1,
    "alerts": 0, "dashboards": 0, "members": 1,
}  # fmt: skip
"""Every limit of a plan, with the least that it may be."""

UNLIMITED: Final = Plan(name="unlimited")

BUILT_IN: Final = (
    UNLIMITED,
    Plan(
        name="free", stats=25, points_month=1_000_000, requests_s=20, points_s=2_000,
        retention_days=90, alerts=5, dashboards=3, members=1,
    ),
    Plan(
        name="pro", stats=500, points_month=50_000_000, requests_s=200, points_s=20_000,
        retention_days=800, alerts=100, dashboards=50, members=10, price=1_900,
    ),
    Plan(
        name="business", stats=10_000, points_month=2_000_000_000, requests_s=2_000,
        points_s=200_000, alerts=2_000, dashboards=500, members=100, price=9_900,
    ),
)  # fmt: skip


def read_plans(given: object) -> dict[str, Plan]:
    """The built-in plans with the tables of `[plans.NAME]` put over them, by name.

    Raises ValueError with a line that says what cannot be.
    """
    plans = {plan.name: plan for plan in BUILT_IN}
    if not isinstance(given, dict) or len(given) > PLANS_MAX:
        raise ValueError(f"tables [plans.NAME], at most {PLANS_MAX}")
    for name, table in given.items():
        if not isinstance(table, dict):
            raise ValueError(f"plans.{name}: a table of limits")
        plans[name] = _changed(plans.get(name), str(name), table)
    return plans


def _changed(base: Plan | None, name: str, table: dict[str, Any]) -> Plan:
    found = {key: _amount(value) if key in LIMITS else value for key, value in table.items()}
    if "name" in found:
        raise ValueError(f"plans.{name}: the name stands in the heading")
    try:
        whole = found if base is None else {**asdict(base), **found}
        return msgspec.convert({**whole, "name": name}, Plan)
    except (msgspec.ValidationError, ValueError) as error:
        raise ValueError(f"plans.{name}: {error}") from None


def _amount(value: object) -> object:
    """A number of points or of anything else: 2000000 or "2M"; "none" is no limit."""
    if value == "none":
        return None
    found = _AMOUNT.fullmatch(value) if isinstance(value, str) else None
    return int(found[1]) * _UNITS[found[2]] if found is not None else value


def larger(one: int | None, other: int | None) -> int | None:
    """The laxer of two limits."""
    return None if one is None or other is None else max(one, other)


def laxer(plan: Plan, other: Plan) -> Plan:
    """`plan` with every limit where `other` allows more raised to that."""
    raised = {name: larger(getattr(plan, name), getattr(other, name)) for name in LIMITS}
    return replace(plan, **cast("dict[str, Any]", raised))
