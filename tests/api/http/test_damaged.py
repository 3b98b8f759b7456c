"""A stat whose stored buckets cannot be read: who asks is told so, and nobody else suffers."""

from collections.abc import AsyncGenerator, Sequence

import pytest

from engine.node import Node
from engine.ports import Damaged
from engine.window import Newest
from tests.api.http.asking import Asking, asking

HOUR_MS = 3_600_000


@pytest.fixture
async def ask(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Asking]:
    async with asking() as ask:
        for name in ("a", "b", "c"):
            await ask.count(name, [(-HOUR_MS, 1), (0, 2)])
        _damage(ask.server.context.node, ask.server.stat("b").id, monkeypatch)
        yield ask


def _damage(node: Node, stat: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the node find the chunks of one stat damaged."""
    latest, read = node.latest_with_imports, node.read_with_imports

    async def latest_of(partition: int, stats: list[int]) -> dict[int, Newest]:
        _check(stats)
        return await latest(partition, stats)

    async def read_of(partition: int, one: int, *rest: object) -> object:
        _check([one])
        return await read(partition, one, *rest)  # type: ignore[arg-type]

    def _check(stats: Sequence[int]) -> None:
        if stat in stats:
            raise Damaged(f"stat {stat}: a chunk cannot be read")

    monkeypatch.setattr(node, "latest_with_imports", latest_of)
    monkeypatch.setattr(node, "read_with_imports", read_of)


async def test_it_is_listed_with_the_others(ask: Asking, caplog: pytest.LogCaptureFixture) -> None:
    answer = await ask.get("/v1/stats")
    assert answer.status == 200
    assert [(stat["name"], stat["latest"]) for stat in answer.json["stats"]] == [
        ("a", 2), ("b", None), ("c", 2),
    ]  # fmt: skip
    assert "a chunk cannot be read" in caplog.text


async def test_its_buckets_are_a_problem_of_ours(
    ask: Asking, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await ask.data("b", from_="-2h", resolution="1h")
    assert (answer.status, answer.code) == (500, "store_damaged")
    assert "retry-after" not in answer.headers
    assert "audit" in answer.json["detail"]
    assert "chunk" not in answer.json["detail"]
    assert "a chunk cannot be read" in caplog.text
    assert (await ask.data("a", from_="-2h", resolution="1h")).json["summary"]["sum"] == 3
