"""Plans: what a file may say of them, and what two of them allow together."""

import pytest

from api.plans.plan import BUILT_IN, LIMITS, UNLIMITED, Plan, laxer, read_plans


def test_without_a_file_there_are_the_built_in_plans() -> None:
    assert read_plans({}) == {plan.name: plan for plan in BUILT_IN}
    assert all(getattr(UNLIMITED, name) is None for name in LIMITS)


def test_a_file_changes_plans_and_makes_new_ones() -> None:
    plans = read_plans(
        {
            "free": {"stats": 50, "points_month": "2M", "alerts": "none", "over": "refuse"},
            "team": {"members": 7, "price": 4900, "currency": "eur", "stripe_price": "price_1"},
        }
    )
    free = next(plan for plan in BUILT_IN if plan.name == "free")
    assert (plans["free"].stats, plans["free"].points_month) == (50, 2_000_000)
    assert (plans["free"].alerts, plans["free"].dashboards) == (None, free.dashboards)
    assert plans["team"] == Plan(
        name="team", members=7, price=4900, currency="eur", stripe_price="price_1"
    )
    assert set(plans) == {"unlimited", "free", "pro", "business", "team"}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], r"tables \[plans.NAME\]"),
        ({"free": 5}, "plans.free: a table of limits"),
        ({"free": {"stat": 5}}, "plans.free: .*unknown field `stat`"),
        ({"free": {"stats": 0}}, "plans.free: stats: at least 1"),
        ({"free": {"stats": "many"}}, "plans.free: Expected `int . null`"),
        ({"free": {"stats": -1}}, "plans.free: stats: at least 1"),
        ({"free": {"stats": 1.5}}, "plans.free: Expected"),
        ({"free": {"over": "ignore"}}, "plans.free: Invalid enum value 'ignore'"),
        ({"free": {"price": -1}}, "plans.free: price"),
        ({"free": {"currency": "dollars"}}, "plans.free: price"),
        ({"free": {"name": "other"}}, "plans.free: the name stands in the heading"),
        ({"Free!": {}}, "plans.Free!: a plan is named by"),
        ({f"p{number}": {} for number in range(51)}, "at most 50"),
    ],
)
def test_what_cannot_be_is_named(given: object, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read_plans(given)


def test_the_laxer_of_two_plans() -> None:
    one = Plan(name="one", stats=5, alerts=3, price=7)
    other = Plan(name="other", stats=2, alerts=None, members=4)
    assert laxer(one, other) == Plan(name="one", stats=5, alerts=None, price=7)
