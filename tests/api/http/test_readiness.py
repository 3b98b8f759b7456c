"""Readiness: a server whose store is silent refuses everybody, and says so before they come."""

import random
from collections.abc import AsyncGenerator

import pytest
import trio
from trio.testing import MockClock

from api.accounts.keyring import Keyring
from api.accounts.remembered import CONFIRM_EVERY_S, CONFIRMED_FOR_S
from engine.ports import Unavailable
from storage.memory_catalog import MemoryCatalog
from tests.api.http.harness import Server, serving


class SilentCatalog(MemoryCatalog):
    """Does not answer while it is silent."""

    silent = False

    async def generation(self) -> int:
        if self.silent:
            raise Unavailable("no answer")
        return await super().generation()


@pytest.fixture
async def server(nursery: trio.Nursery, autojump_clock: MockClock) -> AsyncGenerator[Server]:
    async with serving() as server:
        yield server


async def test_it_is_not_ready_while_the_store_is_silent(
    server: Server, nursery: trio.Nursery
) -> None:
    catalog = SilentCatalog()
    keyring = Keyring(catalog, server.context.clock, random.Random(1))
    server.context.keyring = keyring
    await nursery.start(keyring.run)
    assert (await server.send("GET", "/readyz", key=None)).status == 200
    catalog.silent = True
    await trio.sleep(CONFIRMED_FOR_S + CONFIRM_EVERY_S)
    answer = await server.send("GET", "/readyz", key=None)
    assert (answer.status, answer.json["status"]) == (503, "store_unavailable")
    assert ["does not answer" in text for text in answer.json["warnings"]] == [True]
    assert (await server.send("GET", "/v1/stats")).code == "store_unavailable"
    assert (await server.send("GET", "/healthz", key=None)).status == 200
    catalog.silent = False
    await trio.sleep(2 * CONFIRM_EVERY_S)
    answer = await server.send("GET", "/readyz", key=None)
    assert (answer.status, answer.json["warnings"]) == (200, [])
    nursery.cancel_scope.cancel()
