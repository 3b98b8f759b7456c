"""`/v1/usage` and `/v1/plan`; what a plan refuses; what Stripe says."""

from collections.abc import AsyncGenerator

import pytest
import trio
from trio.testing import MockClock

from api.plans.billing import BillingDown, ForgedEvent, Paid
from api.plans.plan import Plan
from engine.tiers import DAY_S
from tests.api.http.harness import NOW_MS, Server, node_of, serving

SMALL = Plan(
    name="small", stats=2, points_month=10, requests_s=50, points_s=100, retention_days=7,
    alerts=1, dashboards=1, price=500, stripe_price="price_small",
)  # fmt: skip

POINT = {"stat": "a", "type": "counter"}


@pytest.fixture
async def server(autojump_clock: MockClock) -> AsyncGenerator[Server]:
    async with serving(plan=SMALL) as server:
        yield server


class FakeBilling:
    """A payment service that does as it is told."""

    def __init__(self) -> None:
        self.down = False
        self.paid: Paid | None = None

    async def checkout(self, account: int, plan: Plan, customer: str | None, back_url: str) -> str:
        if self.down:
            raise BillingDown("no answer")
        return f"https://pay/{account}/{plan.name}/{customer}?back={back_url}"

    async def portal(self, customer: str, back_url: str) -> str:
        return f"https://portal/{customer}"

    def read(self, body: bytes, signature: str) -> Paid | None:
        if signature != "right":
            raise ForgedEvent("no signature of ours")
        return self.paid


async def sent(server: Server, *stats: str) -> list[int]:
    """Send a point to each; the places of those that were refused."""
    items = [{"stat": stat, "type": "counter"} for stat in stats]
    answer = await server.send("POST", "/v1/ingest/batch", json={"items": items})
    assert answer.status in {202, 422}
    rejected = answer.json.get("rejected") or answer.json.get("errors") or []
    assert {one["code"] for one in rejected} <= {"plan_limit"}
    return [one["index"] for one in rejected]


async def test_use_and_forecast(server: Server) -> None:
    assert await sent(server, "a", "a", "b") == []
    await node_of(server).checkpoint()
    usage = (await server.send("GET", "/v1/usage")).json
    assert (usage["plan"], usage["month"]) == ("small", "2026-11")
    assert usage["points"]["used"] == 3
    assert usage["points"]["limit"] == 10
    assert usage["points"]["forecast"].startswith("limit of 10 points reached on ")
    assert usage["limits"]["stats"] == {"used": 2, "limit": 2}
    days = usage["days"]
    assert days[0] == {"day": "2026-11-01", "points": 0}
    assert days[-1]["points"] == 3
    assert len(days) == NOW_MS // 1000 // DAY_S - 1_793_491_200 // DAY_S + 1
    assert (await server.send("GET", "/v1/usage", key="other")).json["points"]["used"] == 0


async def test_beyond_the_plan_there_are_no_new_stats(server: Server) -> None:
    assert await sent(server, "a", "b", "c", "a", "d") == [2, 4]
    assert await sent(server, "a", "b") == []
    answer = await server.send("POST", "/v1/ingest", json={"stat": "c"})
    assert (answer.status, answer.code) == (403, "plan_limit")
    batch = {"items": [POINT, {"stat": "c"}]}
    atomic = await server.send("POST", "/v1/ingest/batch?atomic=true", json=batch)
    assert atomic.status == 422
    assert await sent(server, "a") == []


async def test_beyond_the_plan_there_are_no_new_alerts_and_boards(server: Server) -> None:
    rule = {"name": "n", "kind": "threshold", "stat": "a", "op": ">", "threshold": 1}
    assert await sent(server, "a") == []
    for path, body in (("/v1/alerts", rule), ("/v1/dashboards", {"title": "b"})):
        assert (await server.send("POST", path, json=body)).status == 201
        answer = await server.send("POST", path, json=body)
        assert (answer.status, answer.code) == (403, "plan_limit")
    limits = (await server.send("GET", "/v1/usage")).json["limits"]
    assert limits["alerts"] == limits["dashboards"] == {"used": 1, "limit": 1}


async def test_a_month_that_is_spent(server: Server) -> None:
    assert await sent(server, *"aaaaaaaaaa") == []
    await node_of(server).checkpoint()
    await server.context.allowances.refresh()
    assert await sent(server, "a", "b") == [1]
    usage = (await server.send("GET", "/v1/usage")).json
    assert usage["points"]["forecast"] == "the limit of 10 points is reached"


async def test_who_is_too_fast_is_told_when_to_come_back(
    server: Server, autojump_clock: MockClock
) -> None:
    items = [{"stat": "a"}] * 1000
    assert (await server.send("POST", "/v1/ingest/batch", json={"items": items})).status == 202
    answer = await server.send("POST", "/v1/ingest", json=POINT)
    assert (answer.status, answer.code) == (429, "rate_limited")
    wait_s = int(answer.headers["retry-after"])
    assert (await server.send("POST", "/v1/ingest", json=POINT, key="other")).status == 202
    await trio.sleep(wait_s)
    assert (await server.send("POST", "/v1/ingest", json=POINT)).status == 202


async def test_questions_count_too(server: Server, autojump_clock: MockClock) -> None:
    statuses = [(await server.send("GET", "/v1/stats")).status for _ in range(502)]
    assert statuses.count(429) == 2


async def test_older_than_the_plan_shows(server: Server) -> None:
    made = (await server.send("POST", "/v1/ingest", json=POINT)).json
    path = f"/v1/stats/{made['stat_id']}"
    answer = (await server.send("GET", f"{path}/data?from=-30d&resolution=1d")).json
    assert answer["from"].startswith("2026-11-14T23:00:00")
    assert len(answer["points"]) == 8
    refused = await server.send("GET", f"{path}/data?from=-30d&to=-20d")
    assert (refused.status, refused.code) == (403, "plan_limit")
    old = POINT | {"t": NOW_MS - 8 * DAY_S * 1000}
    taken = await server.send("POST", "/v1/ingest", json=old)
    assert (taken.status, taken.code) == (422, "timestamp_too_old")
    csv = await server.send("GET", f"{path}/export?format=csv")
    assert csv.status == 200


async def test_the_plan_and_the_others(server: Server) -> None:
    plan = (await server.send("GET", "/v1/plan", key="read")).json
    assert (plan["plan"]["name"], plan["plan"]["stats"], plan["billing"]) == ("small", 2, False)
    assert {"free", "pro", "business", "unlimited", "small"} == {
        one["name"] for one in plan["plans"]
    }
    assert "stripe_price" not in plan["plan"]


async def test_without_billing_the_operator_changes_plans(server: Server) -> None:
    answer = await server.send("POST", "/v1/plan", json={"plan": "pro"})
    assert (answer.status, answer.code) == (403, "billing_off")
    event = await server.send("POST", "/v1/billing/stripe", json={}, key=None)
    assert (event.status, event.code) == (403, "billing_off")


async def change(server: Server, plan: str) -> tuple[int, str]:
    answer = await server.send("POST", "/v1/plan", json={"plan": plan})
    if answer.status != 200:
        return answer.status, answer.code
    return answer.status, answer.json.get("url", answer.json["plan"])


async def test_a_plan_is_bought(server: Server) -> None:
    billing = server.context.billing = FakeBilling()
    await server.context.allowances.change(1, "pro")
    url = "https://pay/1/small/None?back=http://stats.example/settings/plan"
    assert await change(server, "small") == (200, url)
    assert await change(server, "pro") == (200, "pro")
    assert await change(server, "business") == (403, "plan_not_sold")
    assert await change(server, "none") == (422, "field_invalid")
    billing.down = True
    assert await change(server, "small") == (502, "billing_down")
    read = await server.send("POST", "/v1/plan", json={"plan": "small"}, key="read")
    assert read.status == 403


async def event(server: Server, paid: Paid | None, signature: str = "right") -> int:
    billing = server.context.billing
    assert isinstance(billing, FakeBilling)
    billing.paid = paid
    headers = {"stripe-signature": signature}
    sent = await server.send("POST", "/v1/billing/stripe", json={}, key=None, headers=headers)
    return sent.status


async def test_what_was_paid_holds(server: Server) -> None:
    server.context.billing = FakeBilling()
    assert await event(server, Paid(1, "pro", "cus_1", "sub_1", 100)) == 200
    assert (await server.send("GET", "/v1/plan")).json["plan"]["name"] == "pro"
    # Late, twice, and of no interest.
    assert await event(server, Paid(1, None, "cus_1", None, 90)) == 200
    assert await event(server, Paid(1, "pro", "cus_1", "sub_1", 100)) == 200
    assert await event(server, None) == 200
    assert await event(server, Paid(1, None, None, None, 200), signature="wrong") == 400
    assert (await server.send("GET", "/v1/plan")).json["plan"]["name"] == "pro"
    assert await change(server, "small") == (200, "https://portal/cus_1")
    assert await event(server, Paid(1, None, "cus_1", None, 200)) == 200
    plan = (await server.send("GET", "/v1/plan")).json
    assert (plan["plan"]["name"], plan["before"]) == ("small", "pro")
