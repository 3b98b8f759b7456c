"""Stats that count no percentiles: nothing is counted, nothing is answered, all else is as ever."""

from collections.abc import AsyncGenerator

import pytest
from trio.testing import MockClock

from engine.tiers import HISTOGRAMS
from tests.api.http.asking import Asking, asking
from tests.api.http.harness import NOW_S, Server

BATCH = "/v1/ingest/batch"


@pytest.fixture
async def ask() -> AsyncGenerator[Asking]:
    async with asking() as ask:
        await send(ask.server, 1, 2, 3)
        await send(ask.server, 5, name="b")
        yield ask


async def send(server: Server, *values: float, name: str = "a") -> None:
    """Points of a value stat, now."""
    items = [{"stat": name, "value": value, "type": "value"} for value in values]
    answer = await server.send("POST", BATCH, json={"items": items})
    assert answer.json["accepted"] == len(values)


async def switch(ask: Asking, *, on: bool) -> None:
    """Let the stat count percentiles or not."""
    path = f"/v1/stats/{ask.id('a')}"
    assert (await ask.server.send("PATCH", path, json={"percentiles": on})).status == 200


async def counted(ask: Asking, name: str = "a") -> int:
    """Points of a stat that histograms know of."""
    stat = ask.server.stat(name)
    node = ask.server.context.node
    reading = await node.read_histograms(
        stat.partition, stat.id, HISTOGRAMS[0], NOW_S - 3600, NOW_S + 3600
    )
    return reading.rollups.total()


async def test_nothing_is_counted_while_it_is_off(ask: Asking) -> None:
    assert await counted(ask) == 3
    await switch(ask, on=False)
    await send(ask.server, 4, 5)
    await send(ask.server, 6, name="b")
    assert (await counted(ask), await counted(ask, "b")) == (3, 2)
    await switch(ask, on=True)
    await send(ask.server, 6)
    assert await counted(ask) == 4


async def test_what_came_before_is_counted_whenever_it_is_applied(
    ask: Asking, autojump_clock: MockClock
) -> None:
    await switch(ask, on=False)
    assert await counted(ask) == 3


async def test_percentiles_are_refused_and_all_else_is_answered(ask: Asking) -> None:
    await switch(ask, on=False)
    await send(ask.server, 4, 5)
    for asked in (ask.data, ask.export):
        answer = await asked("a", agg="sum,p50,p99")
        assert (answer.status, answer.code) == (422, "percentiles_off")
        assert answer.json["errors"][0]["field"] == "agg"
        assert "p50, p99" in answer.json["detail"]
        assert ask.id("a") in answer.json["detail"]
    answer = await ask.data("a", agg="sum,count,max")
    assert (answer.json["summary"]["sum"], answer.json["summary"]["count"]) == (15, 5)


async def test_a_query_answers_null_for_it_and_the_others_as_ever(ask: Asking) -> None:
    await switch(ask, on=False)
    answer = await ask.query(match="*", agg="p50", resolution="1h", from_="-1h", fill="none")
    found = {series["name"]: series for series in answer.json["series"]}
    assert [point["p50"] for point in found["a"]["points"]] == [None]
    assert found["a"]["summary"]["p50"] is None
    assert [point["p50"] for point in found["b"]["points"]] == [5]


async def test_it_can_be_switched_on_again(ask: Asking, autojump_clock: MockClock) -> None:
    await switch(ask, on=False)
    await switch(ask, on=True)
    answer = await ask.data("a", agg="p50", resolution="1h", from_="-1h", fill="none")
    assert answer.json["points"][-1]["p50"] == pytest.approx(2, rel=0.011)
