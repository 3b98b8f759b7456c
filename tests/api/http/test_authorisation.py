"""Every route × every kind of asker: nobody gets in who should not, nobody is kept out who may."""

import re

import pytest

from api.http.routes.table import ROUTES
from tests.api.http.authorisation import ASKERS, MATRIX, ROLES, THINGS, Asker, a_signal
from tests.api.http.browser import PASSWORD, Browser, token_of
from tests.api.http.harness import Server, serving

BY_NAME = {f"{route.method} {route.path}": route for route in ROUTES}


def test_every_route_stands_in_the_matrix() -> None:
    missing = BY_NAME.keys() - {name.partition("?")[0] for name in MATRIX}
    assert missing == set(), "say in tests/api/http/authorisation.py who may ask"
    assert {name.partition("?")[0] for name in MATRIX} <= BY_NAME.keys()


async def member(server: Server, role: str) -> Browser:
    """Somebody with that role, in a browser of their own, beside an owner."""
    for invited, name in (("owner", "ann"), (role, "bob")):
        made = await server.send("POST", "/v1/invites", json={"role": invited})
        browser, token = Browser(server), token_of(made.json["link"])
        who = {"email": f"{name}@example.com", "password": PASSWORD, "token": token}
        assert (await browser.send("POST", "/v1/auth/accept-invite", who)).status == 201
    return browser


@pytest.mark.parametrize("asker", ASKERS)
@pytest.mark.parametrize("name", MATRIX)
async def test_who_may(name: str, asker: Asker) -> None:
    route = BY_NAME[name.partition("?")[0]]
    method, path = name.split(" ", 1)
    async with serving() as server:
        await server.new_key("admin", ["admin"])
        while braced := re.search(r"/([^/{]+)/(\{\w+\})", path):
            path = path.replace(braced[2], await THINGS.get(braced[1], a_signal)(server), 1)
        body = route.example if MATRIX[name].body is None else MATRIX[name].body
        if asker in ROLES:
            answer = await (await member(server, asker)).send(method, path, body)
        else:
            key = None if asker == "anonymous" else asker
            answer = await server.send(method, path, json=body, key=key)
        usual = next(iter(route.replies))
        assert answer.status == MATRIX[name].expected(asker, usual), answer.body
        if answer.status >= 400:
            assert answer.code
