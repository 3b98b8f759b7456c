"""Silences in an export: as they would be made, and those that mean nothing any more left out."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from api.export.silences import silence_entries
from engine.stats import public_id
from tests.api.export.reading import Export
from tests.api.http.harness import NOW_MS, Server, serving

RULE = {"kind": "threshold", "stat": "page.views", "op": ">", "threshold": 10, "window": "1m"}
WINDOW = {"from": "2026-11-01T02:00:00.250Z", "rrule": "FREQ=MONTHLY;BYDAY=3TU", "for": "1h"}


@pytest.fixture
async def server(autojump_clock: MockClock) -> AsyncGenerator[Server]:
    async with serving() as server:
        for name in ("page.views", "orders"):
            await server.send("POST", "/v1/ingest", json={"stat": name, "value": 2.5})
        yield server


async def made(server: Server, path: str, body: object) -> Any:  # ruff: ignore[any-type]
    answer = await server.send("POST", path, json=body)
    assert answer.status == 201, answer.body
    return answer.json


async def exported(server: Server) -> list[Any]:
    """The silences of the catalogue."""
    answer = await server.send("POST", "/v1/export", key="read")
    return list(Export.of(answer.body).catalogue["silences"])


async def test_a_silence_is_told_as_it_would_be_made(server: Server) -> None:
    alert = await made(server, "/v1/alerts", RULE | {"name": "down"})
    named: dict[str, object] = {
        "alerts": [alert["id"]], "stats": ["page.views"], "match": "web.*",
        "severity": "critical", "labels": {"team": "shop"}, "note": "disks",
    }  # fmt: skip
    first = await made(server, "/v1/silences", named | WINDOW | {"tz": "Europe/Paris"})
    await trio.sleep(1)
    await made(server, "/v1/silences", {"everything": True, "for": "2h"})
    found, other = await exported(server)
    assert found == {
        "id": first["id"], "created_at": found["created_at"],
        "silence": named | {
            "kind": "maintenance", "from": "2026-11-01T02:00:00.250Z",
            "until": "2026-11-01T03:00:00.250Z", "rrule": "FREQ=MONTHLY;BYDAY=3TU",
            "tz": "Europe/Paris",
        },
    }  # fmt: skip
    assert list(other["silence"]) == ["kind", "from", "until", "everything"]


@pytest.mark.parametrize(
    ("minutes", "left"),
    [(1, ["silence", "maintenance"]), (10, ["maintenance"]), (64, ["maintenance"]), (66, [])],
)
async def test_what_is_over_is_left_out(server: Server, minutes: int, left: list[str]) -> None:
    await made(server, "/v1/silences", {"everything": True, "for": "2m"})
    await trio.sleep(1)
    twice = {"everything": True, "for": "5m", "rrule": "FREQ=HOURLY;COUNT=2"}
    await made(server, "/v1/silences", twice)
    found = await silence_entries(server.context, 1, NOW_MS + minutes * 60_000)
    assert [one.silence.kind for one in found] == left


async def test_a_silence_of_what_is_gone_does_not_become_one_of_everything(server: Server) -> None:
    alert = await made(server, "/v1/alerts", RULE | {"name": "down"})
    await made(server, "/v1/silences", {"alerts": [alert["id"]], "for": "2h"})
    await made(server, "/v1/silences", {"stats": ["orders"], "for": "3h"})
    await made(server, "/v1/silences", {"stats": ["orders"], "match": "web.*", "for": "4h"})
    await made(server, "/v1/silences", {"stats": ["orders", "page.views"], "for": "5h"})
    await server.send("DELETE", f"/v1/alerts/{alert['id']}")
    await server.send("DELETE", f"/v1/stats/{public_id(server.stat('orders').id)}")
    found = [one["silence"] for one in await exported(server)]
    assert [(one.get("stats"), one.get("match")) for one in found] == [
        (None, "web.*"), (["page.views"], None),
    ]  # fmt: skip


async def test_what_an_annotation_holds_back_is_left_out(server: Server) -> None:
    rule = {"name": "d", "kind": "delta", "stat": "orders", "percentage": 50, "window": "1m"}
    await made(server, "/v1/alerts", rule)
    noted = await made(server, "/v1/annotations", {"title": "deploy", "hold": "10m"})
    assert noted["hold"]
    assert await exported(server) == []
