"""Alerts of the whole program: a real store, real sockets, a receiver that checks signatures."""

from pathlib import Path
from typing import Any

import httpx
import pytest
import trio
from standardwebhooks import Webhook

from tests.api.notify.receiver import Receiver, receiving, says
from tests.api.test_serve import Life

pytestmark = pytest.mark.real

ALLOWED = ("127.0.0.0/8",)
TOLD_S = 10.0


async def post(client: httpx.AsyncClient, path: str, **body: object) -> Any:  # ruff: ignore[any-type]
    """The answer to a request that must succeed."""
    answer = await client.post(path, json=body)
    assert answer.status_code in (200, 201, 202), answer.text
    return answer.json()


async def ready(client: httpx.AsyncClient, alert: str) -> None:
    """Wait until an alert is judged."""
    with trio.fail_after(TOLD_S):
        while True:
            states = (await client.get(f"/v1/alerts/{alert}")).json()["states"]
            if states and states[0]["state"] != "NEW":
                return
            await trio.sleep(0.05)


async def told(receiver: Receiver, secret: str, amount: int) -> list[dict[str, Any]]:
    """So many messages, each verified as a receiver would."""
    with trio.fail_after(TOLD_S):
        got = await receiver.wait_for(amount)
    return [Webhook(secret).verify(one.body, one.headers) for one in got]


async def test_threshold_delta_and_deadman_are_told_signed_and_acknowledged(
    tmp_path: Path,
) -> None:
    async with (
        receiving() as receiver,
        Life(tmp_path / "data").running(webhook_allow=ALLOWED) as server,
        server.client() as client,
    ):
        made = await post(client, "/v1/channels", type="webhook", name="ops", url=receiver.url)
        await post(client, "/v1/ingest", stat="orders.failed", value=1, type="counter")
        rule = {"channels": [made["id"]], "stat": "orders.failed"}
        threshold = await post(
            client, "/v1/alerts", name="too many", kind="threshold", op=">", threshold=10,
            window="3s", **rule,
        )  # fmt: skip
        await ready(client, threshold["id"])
        await post(client, "/v1/ingest", stat="orders.failed", value=12, type="counter")
        first = (await told(receiver, made["secret"], 1))[0]
        assert first["type"] == "alert.firing"
        link = first["alerts"][0]["links"]["acknowledge"]
        async with httpx.AsyncClient() as nobody:
            assert "<button>Acknowledge</button>" in (await nobody.get(link)).text
            assert (await nobody.post(link)).status_code == 200
        second = (await told(receiver, made["secret"], 2))[1]
        assert second["type"] == "alert.resolved"
        deadman = await post(
            client, "/v1/alerts", name="silent", kind="deadman", period="1s", grace="1s",
            arm="now", channels=[made["id"]], stat="backup.done",
        )  # fmt: skip
        third = (await told(receiver, made["secret"], 3))[2]
        assert third["alerts"][0]["alert"]["id"] == deadman["id"]
        await post(client, "/v1/ingest", stat="visits", value=4, type="counter")
        delta = await post(
            client, "/v1/alerts", name="jump", kind="delta", percentage=50, direction="up",
            window="4s", channels=[made["id"]], stat="visits",
        )  # fmt: skip
        # The window before the one that now begins.
        await trio.sleep(5)
        await post(client, "/v1/ingest", stat="visits", value=80, type="counter")
        fourth = (await told(receiver, made["secret"], 4))[3]
        assert fourth["alerts"][0]["alert"]["id"] == delta["id"]
        assert len({one.headers["webhook-id"] for one in receiver.got}) == len(receiver.got)


async def test_what_was_not_told_before_a_stop_is_told_after_it(tmp_path: Path) -> None:
    life = Life(tmp_path / "data")
    async with receiving(says(500), says(200)) as receiver:
        async with life.running(webhook_allow=ALLOWED) as server, server.client() as client:
            made = await post(client, "/v1/channels", type="webhook", name="ops", url=receiver.url)
            await post(client, "/v1/ingest", stat="a", value=1, type="counter")
            rule = await post(
                client, "/v1/alerts", name="n", kind="threshold", op=">", threshold=10,
                window="1h", stat="a", channels=[made["id"]],
            )  # fmt: skip
            await ready(client, rule["id"])
            await post(client, "/v1/ingest", stat="a", value=12, type="counter")
            with trio.fail_after(TOLD_S):
                await receiver.wait_for(1)
        async with life.running(webhook_allow=ALLOWED):
            got = await told(receiver, made["secret"], 2)
    assert got[0]["id"] == got[1]["id"]
