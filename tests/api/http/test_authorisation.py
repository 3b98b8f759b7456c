"""Every route × every kind of asker: nobody gets in who should not, nobody is kept out who may."""

import re
from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import pytest

from api.http.routes.table import ROUTES
from tests.api.http.authorisation import ASKERS, MATRIX, ROLES, THINGS, Asker, Role, a_signal
from tests.api.http.browser import PASSWORD, Browser, token_of
from tests.api.http.harness import Answer, Server, serving

BY_NAME = {f"{route.method} {route.path}": route for route in ROUTES}


def test_every_route_stands_in_the_matrix() -> None:
    missing = BY_NAME.keys() - {name.partition("?")[0] for name in MATRIX}
    assert missing == set(), "say in tests/api/http/authorisation.py who may ask"
    assert {name.partition("?")[0] for name in MATRIX} <= BY_NAME.keys()


MAY: Final = [
    (name, asker) for name in MATRIX for asker in ASKERS if MATRIX[name].refusal(asker) is None
]

MAY_NOT: Final = {
    name: [asker for asker in ASKERS if MATRIX[name].refusal(asker) is not None] for name in MATRIX
}
"""They change nothing, so they can ask the same server one after the other."""


@dataclass(frozen=True)
class Question:
    """A request to a route, which anybody may try."""

    server: Server
    method: str
    path: str
    body: object

    async def ask(self, asker: Asker) -> Answer:
        """What this asker is answered; what is refused is a whole problem."""
        if asker in ROLES:
            browser = await self.member(asker, f"the-{asker}")
            answer = await browser.send(self.method, self.path, self.body)
        else:
            key = None if asker == "anonymous" else asker
            answer = await self.server.send(self.method, self.path, json=self.body, key=key)
        if answer.status >= 400:
            assert answer.code
        return answer

    async def member(self, role: Role, name: str) -> Browser:
        """Somebody with that role, in a browser of their own."""
        made = await self.server.send("POST", "/v1/invites", json={"role": role})
        browser, token = Browser(self.server), token_of(made.json["link"])
        who = {"email": f"{name}@example.com", "password": PASSWORD, "token": token}
        assert (await browser.send("POST", "/v1/auth/accept-invite", who)).status == 201
        return browser


@asynccontextmanager
async def question(name: str, askers: Collection[Asker]) -> AsyncGenerator[Question]:
    """A route on a server that has what the path names; members are beside an owner."""
    route = BY_NAME[name.partition("?")[0]]
    method, path = name.split(" ", 1)
    async with serving() as server:
        await server.new_key("admin", ["admin"])
        while braced := re.search(r"/([^/{]+)/(\{\w+\})", path):
            path = path.replace(braced[2], await THINGS.get(braced[1], a_signal)(server), 1)
        body = route.example if MATRIX[name].body is None else MATRIX[name].body
        asked = Question(server, method, path, body)
        if any(asker in ROLES for asker in askers):
            await asked.member("owner", "first")
        yield asked


@pytest.mark.parametrize(("name", "asker"), MAY)
async def test_who_may(name: str, asker: Asker) -> None:
    usual = next(iter(BY_NAME[name.partition("?")[0]].replies))
    async with question(name, [asker]) as asked:
        answer = await asked.ask(asker)
        assert answer.status == MATRIX[name].expected(asker, usual), answer.body


@pytest.mark.parametrize("name", [name for name in MATRIX if MAY_NOT[name]])
async def test_who_may_not(name: str) -> None:
    async with question(name, MAY_NOT[name]) as asked:
        for asker in MAY_NOT[name]:
            answer = await asked.ask(asker)
            assert answer.status == MATRIX[name].refusal(asker), (asker, answer.body)
