"""Who may do what: every route, and what each kind of asker must be answered.

Law: this table says what is meant, apart from the program, so that a scope that is changed by
mistake is seen. A new route needs one line here.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from api.accounts.keys import Permission
from engine.stats import public_id
from tests.api.http.harness import Server

Role = Literal["viewer", "editor", "owner"]
ROLES: Final[tuple[Role, ...]] = ("viewer", "editor", "owner")
"""Members of the account, who have just logged in."""

Asker = Literal["anonymous", "other", "read", "write", "admin"] | Role
ASKERS: Final[tuple[Asker, ...]] = ("anonymous", "other", "read", "write", "admin", *ROLES)
"""Keys of the account by scope, a key of another account with all scopes, people, and nobody."""

GRANTS: Final[Mapping[Asker, frozenset[str]]] = {
    "anonymous": frozenset(),
    "other": frozenset({"read", "write", "snooze", "edit", "admin"}),
    "read": frozenset({"read"}),
    "write": frozenset({"write"}),
    "admin": frozenset({"read", "write", "snooze", "edit", "admin"}),
    "viewer": frozenset({"read", "person"}),
    "editor": frozenset({"read", "write", "snooze", "edit", "person"}),
    "owner": frozenset({"read", "write", "snooze", "edit", "admin", "person"}),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """What a route needs, and what who has it is answered when that is not the first reply.

    `owned`: the path names a thing of one account, which another account cannot even find. `body`
    is sent when the route has no example of its own that works here. `person` is what people are
    answered where that is not what keys are.
    """

    scope: Permission | None
    owned: bool = False
    answer: int | None = None
    body: object = None
    person: int | None = None

    def refusal(self, asker: Asker) -> int | None:
        """The status for an asker who may not; None when they may."""
        if self.scope is not None and asker == "anonymous":
            return 401
        if self.scope is not None and self.scope not in GRANTS[asker]:
            return 403
        return 404 if self.owned and asker == "other" else None

    def expected(self, asker: Asker, usual: int) -> int:
        """The status for an asker who may."""
        if self.person is not None and asker in ROLES:
            return self.person
        return self.answer or usual


def open_to_all(answer: int | None = None, body: object = None) -> Entry:
    """A route that asks nobody who they are."""
    return Entry(None, False, answer, body)


def needs(
    scope: Permission,
    *,
    owned: bool = False,
    answer: int | None = None,
    body: object = None,
    person: int | None = None,
) -> Entry:
    """A route that needs a key with the scope, or a member whose role has it."""
    return Entry(scope, owned, answer, body, person)


EVERY_STAT: Final = {
    "name": "n", "kind": "threshold", "match": "*", "op": ">", "threshold": 1,
}  # fmt: skip
A_WEBHOOK: Final = {"type": "webhook", "name": "ops", "url": "https://hooks.example/"}

MATRIX: Final[Mapping[str, Entry]] = {
    "POST /v1/ingest": needs("write"),
    "POST /v1/ingest/batch": needs("write"),
    "POST /v1/stat": needs("write"),
    "GET /v1/stats": needs("read"),
    "GET /v1/stats/{id}": needs("read", owned=True),
    "PATCH /v1/stats/{id}": needs("write", owned=True),
    "DELETE /v1/stats/{id}": needs("write", owned=True),
    "DELETE /v1/stats/{id}?purge=true": needs("admin", owned=True, answer=204),
    "POST /v1/stats/{id}/restore": needs("write", owned=True),
    "GET /v1/stats/{id}/data?from=-1h": needs("read", owned=True),
    "GET /v1/stats/{id}/export": needs("read", owned=True),
    "POST /v1/export": needs("read"),
    # Names of another account are not found either, but the question is told so as a wrong value.
    "GET /v1/query?match=*": needs("read"),
    "GET /v1/distribution?match=*": needs("read"),
    "GET /v1/live": needs("read", answer=422),
    # Who asks is said over the socket itself.
    "GET /v1/live/ws": open_to_all(answer=426),
    "POST /v1/live/tickets": needs("read"),
    "POST /v1/auth/api-keys": needs("admin"),
    "GET /v1/auth/api-keys": needs("admin"),
    "DELETE /v1/auth/api-keys/{id}": needs("admin", owned=True),
    "POST /v1/alerts": needs("edit", body=EVERY_STAT),
    "GET /v1/alerts": needs("read"),
    "POST /v1/alerts/test": needs("read", body={"rule": EVERY_STAT}),
    "GET /v1/alerts/{id}": needs("read", owned=True),
    "PATCH /v1/alerts/{id}": needs("edit", owned=True, body={"threshold": 5}),
    "DELETE /v1/alerts/{id}": needs("edit", owned=True),
    "GET /v1/alerts/{id}/history": needs("read", owned=True),
    "GET /v1/alerts/{id}/explain": needs("read", owned=True),
    # The page of a link, here without its token; a key acts without one.
    "GET /v1/alerts/{id}/ack": open_to_all(answer=410),
    "POST /v1/alerts/{id}/ack": needs("edit", owned=True),
    "GET /v1/alerts/{id}/snooze": open_to_all(answer=410),
    "POST /v1/alerts/{id}/snooze": needs("edit", owned=True),
    "POST /v1/silences": needs("edit", body={"everything": True, "for": "1h"}),
    "POST /v1/snooze?for=1h": needs("snooze"),
    "GET /v1/silences": needs("read"),
    "GET /v1/silences/{id}": needs("read", owned=True),
    "DELETE /v1/silences/{id}": needs("edit", owned=True),
    "POST /v1/annotations": needs("write", body={"title": "deploy"}),
    "GET /v1/annotations": needs("read"),
    "GET /v1/annotations/{id}": needs("read", owned=True),
    "PATCH /v1/annotations/{id}": needs("write", owned=True, body={"title": "deploy"}),
    "DELETE /v1/annotations/{id}": needs("write", owned=True),
    "GET /v1/annotations/{id}/impact": needs("read", owned=True),
    "POST /v1/channels": needs("edit", body=A_WEBHOOK),
    "GET /v1/channels": needs("read"),
    "GET /v1/channels/confirm?token=x": open_to_all(answer=410),
    "POST /v1/channels/confirm?token=x": open_to_all(answer=410),
    "GET /v1/channels/{id}": needs("read", owned=True),
    "PATCH /v1/channels/{id}": needs("edit", owned=True, body={"name": "ops"}),
    "DELETE /v1/channels/{id}": needs("edit", owned=True),
    "POST /v1/channels/{id}/test": needs("edit", owned=True),
    "GET /v1/deliveries": needs("read"),
    # There is none.
    "POST /v1/deliveries/{id}/retry": needs("edit", answer=404),
    "POST /v1/pings": needs("edit", body={"stat": "backup"}),
    # Whoever sees an address may call it.
    "GET /v1/pings": needs("edit"),
    "DELETE /v1/pings/{id}": needs("edit", owned=True),
    "GET /ping/{token}": open_to_all(),
    "POST /ping/{token}": open_to_all(),
    "GET /ping/{token}/{signal}": open_to_all(),
    "POST /ping/{token}/{signal}": open_to_all(),
    "POST /v1/auth/signup": open_to_all(answer=422, body={}),
    "POST /v1/auth/login": open_to_all(answer=422, body={}),
    "POST /v1/auth/reset": open_to_all(answer=422, body={}),
    "POST /v1/auth/reset/confirm": open_to_all(answer=422, body={}),
    "POST /v1/auth/verify": open_to_all(answer=422, body={}),
    "POST /v1/auth/claim": open_to_all(answer=422, body={}),
    "POST /v1/auth/accept-invite": open_to_all(answer=422, body={}),
    "POST /v1/auth/logout": needs("person"),
    "POST /v1/auth/reauthenticate": needs("person", body={}, person=422),
    "POST /v1/auth/password": needs("person", body={}, person=422),
    "POST /v1/auth/email": needs("person", body={}, person=422),
    "GET /v1/auth/session": needs("person"),
    "PATCH /v1/auth/session": needs("person", body={}),
    "GET /v1/auth/sessions": needs("person"),
    "DELETE /v1/auth/sessions": needs("person"),
    "DELETE /v1/auth/sessions/{id}": needs("person", person=404),
    "POST /v1/auth/totp": needs("person"),
    "POST /v1/auth/totp/confirm": needs("person", body={}, person=422),
    "DELETE /v1/auth/totp": needs("person"),
    "POST /v1/auth/session/accept-invite": needs("person", body={}, person=422),
    "POST /v1/members/leave": needs("person"),
    "GET /v1/members": needs("read"),
    "PATCH /v1/members/{id}": needs("admin", answer=404, body={"role": "viewer"}),
    "DELETE /v1/members/{id}": needs("admin", answer=404),
    "POST /v1/invites": needs("admin", body={"role": "viewer"}),
    "GET /v1/invites": needs("admin"),
    "DELETE /v1/invites/{id}": needs("admin", answer=404),
    "GET /v1/audit": needs("admin"),
    # Of the admins only a person may, for the password is asked for; the first account stays.
    "DELETE /v1/account": needs("admin", answer=403, person=409),
    "GET /v1/usage": needs("read"),
    "GET /v1/plan": needs("read"),
    # Nothing is sold here, and Stripe signs nothing.
    "POST /v1/plan": needs("admin", answer=403, body={"plan": "pro"}),
    "POST /v1/billing/stripe": open_to_all(answer=403),
    "GET /v1/dashboards": needs("read"),
    "POST /v1/dashboards": needs("edit"),
    "GET /v1/dashboards/{id}": needs("read", owned=True),
    "PUT /v1/dashboards/{id}": needs("edit", owned=True),
    "DELETE /v1/dashboards/{id}": needs("edit", owned=True, answer=204),
    "GET /v1/dashboards/{id}/shares": needs("edit", owned=True),
    "POST /v1/dashboards/{id}/shares": needs("edit", owned=True),
    "DELETE /v1/dashboards/{id}/shares/{share}": needs("edit", owned=True),
    # Whoever has the link; without a panel there is nothing to draw.
    "GET /v1/shared/{token}": open_to_all(),
    "GET /v1/shared/{token}/data": open_to_all(),
    "GET /v1/shared/{token}/live?now=yes": open_to_all(answer=422),
    "GET /v1/oembed?url=http://stats.example/p/none": open_to_all(answer=404),
    "GET /v1/shared/{token}/badge.svg": open_to_all(answer=404),
    "GET /v1/shared/{token}/spark.svg": open_to_all(answer=404),
    # Who asks is said by a key of their own; what is wrong with it, in the body.
    "POST /ez": open_to_all(),
    "GET /ez": open_to_all(),
    "POST /c": open_to_all(),
    "GET /c": open_to_all(),
    "POST /v": open_to_all(),
    "GET /v": open_to_all(),
    # The token in the path says who asks.
    "GET /x/{token}/statlist": open_to_all(),
    "GET /x/{token}/stat?name=a": open_to_all(),
    "DELETE /x/{token}/stats/{id}": open_to_all(),
    "GET /x/{token}/data/{ids}": open_to_all(),
    "GET /x/{token}/alerts": open_to_all(),
    "GET /x/{token}/alerts/{id}": open_to_all(),
    "POST /x/{token}/alerts": open_to_all(),
    "DELETE /x/{token}/alerts/{id}": open_to_all(),
    # A token as the user of Basic, which none of these has.
    "GET /a1/stats": open_to_all(answer=401),
    "GET /a1/stats/{id}/dataset": open_to_all(answer=401),
    "GET /a1/stats/{id}/dataset_full": open_to_all(answer=401),
    "GET /a1/alerts": open_to_all(answer=401),
    "POST /a1/alerts": open_to_all(answer=401),
    "POST /a1/comments": open_to_all(answer=401),
    "GET /javascripts/embed.js": open_to_all(),
    # A key shows its stat to whoever has it; this is none.
    "GET /embed/{kind}/{ids}": open_to_all(answer=404),
    "GET /v1/stathat": needs("admin"),
    "PATCH /v1/stathat": needs("admin"),
    "GET /v1/stats/{id}/stathat": needs("admin", owned=True),
    # There is none, and nothing is sent.
    "POST /v1/import/stathat": needs("admin", answer=422, body={}),
    "GET /v1/import/stathat": needs("admin"),
    "GET /v1/import/stathat/status": needs("admin", answer=404),
    "DELETE /v1/import/stathat/{id}": needs("admin", answer=404),
    "GET /": open_to_all(),
    "GET /healthz": open_to_all(),
    "GET /readyz": open_to_all(),
    # From elsewhere; on the machine itself nobody is asked.
    "GET /metrics": needs("admin"),
    "GET /openapi.json": open_to_all(),
    "GET /docs": open_to_all(),
    "GET /docs/reference": open_to_all(),
    "GET /docs/style.css": open_to_all(),
}
"""By method and path, with a query where the answer depends on it."""


async def a_stat(server: Server) -> str:
    """The id of a stat of account 1."""
    await server.send("POST", "/v1/ingest", json={"stat": "a", "value": 1, "type": "counter"})
    return public_id(server.stat("a").id)


async def a_key(server: Server) -> str:
    """The id of a key of account 1."""
    made = await server.send("POST", "/v1/auth/api-keys", json={"scopes": ["read"]})
    return str(made.json["id"])


async def nobody(server: Server) -> str:
    """An id that nothing has."""
    return "us_nobody"


async def a_signal(server: Server) -> str:
    """What a job says besides that it is done."""
    return "start"


async def a_delivery(server: Server) -> str:
    """The id of no delivery."""
    return "msg_none"


async def a_ping(server: Server) -> str:
    """The secret part of a ping address of account 1."""
    made = await server.send("POST", "/v1/pings", json={"stat": "backup"})
    return str(made.json["url"]).rpartition("/")[2]


async def an_access_token(server: Server) -> str:
    """What opens account 1, with a stat, to StatHat's readers."""
    await a_stat(server)
    return (await server.context.stathat.of(1)).secrets.access_token


def made_by(path: str, body: object) -> Callable[[Server], Awaitable[str]]:
    """The id of what such a request makes for account 1."""

    async def make(server: Server) -> str:
        await a_stat(server)
        return str((await server.send("POST", path, json=body)).json["id"])

    return make


async def a_board(server: Server) -> str:
    """The id of a board of account 1, of which there is one."""
    for one in (await server.send("GET", "/v1/dashboards")).json["dashboards"]:
        return str(one["id"])
    made = await server.send("POST", "/v1/dashboards", json={"title": "a"})
    return str(made.json["id"])


async def a_share(server: Server) -> str:
    """The id of a link to that board."""
    board = await a_board(server)
    made = await server.send("POST", f"/v1/dashboards/{board}/shares", json={})
    return str(made.json["id"])


async def a_token(server: Server) -> str:
    """The token of a link to that board."""
    board = await a_board(server)
    made = await server.send("POST", f"/v1/dashboards/{board}/shares", json={})
    return str(made.json["token"])


THINGS: Final[Mapping[str, Callable[[Server], Awaitable[str]]]] = {
    "stats": a_stat,
    "data": a_stat,
    "x": an_access_token,
    "api-keys": a_key,
    "members": nobody,
    "invites": nobody,
    "sessions": nobody,
    "alerts": made_by(
        "/v1/alerts", {"name": "n", "kind": "threshold", "stat": "a", "op": ">", "threshold": 1}
    ),
    "silences": made_by("/v1/silences", {"everything": True, "for": "1h"}),
    "annotations": made_by("/v1/annotations", {"title": "deploy"}),
    "channels": made_by("/v1/channels", A_WEBHOOK),
    "deliveries": a_delivery,
    "pings": made_by("/v1/pings", {"stat": "backup"}),
    "ping": a_ping,
    "dashboards": a_board,
    "shares": a_share,
    "shared": a_token,
    "stathat": nobody,
}
"""What a name in braces is, by the word before it in the path."""
