"""Members of an account, what their roles allow, invitations, and the audit log."""

from collections.abc import AsyncGenerator

import pytest
from trio.testing import MockClock

from api.accounts.deleting import empty_deleted
from api.accounts.sessions import PROVEN_MS
from api.accounts.signing_up import ask_for_claim
from api.plans.plan import Plan
from tests.api.http.browser import PASSWORD, Browser, token_of
from tests.api.http.harness import Answer, Server, serving

ANN, BOB = "ann@example.com", "bob@example.com"


@pytest.fixture
async def server(autojump_clock: MockClock) -> AsyncGenerator[Server]:
    async with serving() as server:
        yield server


@pytest.fixture
async def ann(server: Server) -> Browser:
    browser = Browser(server)
    assert (await browser.sign_up(ANN, name="Ann's shop")).status == 201
    return browser


async def joined(ann: Browser, role: str, email: str = BOB) -> Browser:
    """Somebody new who is a member of Ann's account."""
    return await invited(ann.server, await ann.send("POST", "/v1/invites", {"role": role}), email)


async def invited(server: Server, made: Answer, email: str = BOB) -> Browser:
    """Somebody new who follows an invitation."""
    browser = Browser(server)
    body = {"token": token_of(made.json["link"]), "email": email, "password": PASSWORD}
    assert (await browser.send("POST", "/v1/auth/accept-invite", body)).status == 201
    return browser


async def test_a_link_lets_somebody_new_in_once(
    ann: Browser, server: Server, autojump_clock: MockClock
) -> None:
    made = await ann.send("POST", "/v1/invites", {"role": "editor"})
    assert made.status == 201
    assert made.json["link"].startswith("http://stats.example/join#token=")
    body = {"token": token_of(made.json["link"]), "email": BOB, "password": PASSWORD}
    bob = Browser(server)
    assert (await bob.send("POST", "/v1/auth/accept-invite", body)).status == 201
    me = (await bob.session()).json
    assert (me["account"]["name"], me["role"]) == ("Ann's shop", "editor")
    again = body | {"email": "eve@example.com"}
    assert (await Browser(server).send("POST", "/v1/auth/accept-invite", again)).code == "link_gone"
    members = (await bob.send("GET", "/v1/members")).json["members"]
    assert [(one["email"], one["role"]) for one in members] == [(ANN, "owner"), (BOB, "editor")]


async def test_an_invitation_by_mail_is_for_that_address(
    ann: Browser, server: Server, autojump_clock: MockClock
) -> None:
    made = await ann.send("POST", "/v1/invites", {"role": "viewer", "email": BOB})
    mail = server.posted[-1]
    assert (mail.to, mail.subject) == (BOB, "Join Ann's shop on StatFlow")
    token = token_of(mail.text)
    assert token == token_of(made.json["link"])
    eve = {"token": token, "email": "eve@example.com", "password": PASSWORD}
    refused = await Browser(server).send("POST", "/v1/auth/accept-invite", eve)
    assert (refused.status, refused.code) == (403, "invite_for_another")
    bob = {"token": token, "email": BOB, "password": PASSWORD}
    assert (await Browser(server).send("POST", "/v1/auth/accept-invite", bob)).status == 201


async def test_who_has_an_account_joins_another_and_switches(
    ann: Browser, server: Server, autojump_clock: MockClock
) -> None:
    bob = Browser(server)
    await bob.sign_up(BOB, name="Bob's bar")
    made = await ann.send("POST", "/v1/invites", {"role": "viewer"})
    token = {"token": token_of(made.json["link"])}
    accepted = await bob.send("POST", "/v1/auth/session/accept-invite", token)
    assert accepted.status == 200
    me = (await bob.session()).json
    assert me["account"]["name"] == "Bob's bar"
    switched = await bob.send("PATCH", "/v1/auth/session", {"account": accepted.json["account"]})
    assert (switched.json["account"]["name"], switched.json["role"]) == ("Ann's shop", "viewer")
    assert {one["name"] for one in switched.json["accounts"]} == {"Bob's bar", "Ann's shop"}
    foreign = await bob.send("PATCH", "/v1/auth/session", {"account": 1})
    assert (foreign.status, foreign.code) == (404, "not_found")


async def test_a_guest_who_is_known_gives_their_password(
    ann: Browser, server: Server, autojump_clock: MockClock
) -> None:
    await Browser(server).sign_up(BOB)
    made = await ann.send("POST", "/v1/invites", {"role": "viewer"})
    body = {"token": token_of(made.json["link"]), "email": BOB, "password": "not the password"}
    wrong = await Browser(server).send("POST", "/v1/auth/accept-invite", body)
    assert wrong.code == "wrong_credentials"
    right = await Browser(server).send(
        "POST", "/v1/auth/accept-invite", body | {"password": PASSWORD}
    )
    assert right.status == 201


@pytest.mark.parametrize(
    ("role", "method", "path", "body", "status"),
    [
        ("viewer", "GET", "/v1/stats", None, 200),
        ("viewer", "GET", "/v1/members", None, 200),
        ("viewer", "POST", "/v1/ingest", {"stat": "a", "value": 1}, 403),
        ("viewer", "POST", "/v1/auth/api-keys", {"scopes": ["read"]}, 403),
        ("viewer", "GET", "/v1/audit", None, 403),
        ("editor", "POST", "/v1/ingest", {"stat": "a", "value": 1}, 202),
        ("editor", "GET", "/v1/auth/api-keys", None, 403),
        ("editor", "POST", "/v1/invites", {"role": "owner"}, 403),
        ("editor", "GET", "/v1/audit", None, 403),
        ("owner", "GET", "/v1/audit", None, 200),
        ("owner", "GET", "/v1/auth/api-keys", None, 200),
        ("owner", "GET", "/v1/invites", None, 200),
    ],
)
async def test_what_roles_may(
    ann: Browser,
    role: str,
    method: str,
    path: str,
    body: object,
    status: int,
    autojump_clock: MockClock,
) -> None:
    bob = await joined(ann, role)
    answer = await bob.send(method, path, body)
    assert answer.status == status
    if status == 403:
        assert answer.code == "insufficient_scope"
        assert "role" in answer.json["detail"]


async def test_a_role_changes_at_once(ann: Browser, autojump_clock: MockClock) -> None:
    bob = await joined(ann, "viewer")
    bob_id = (await bob.session()).json["user"]["id"]
    path = f"/v1/members/{bob_id}"
    assert (await bob.send("PATCH", path, {"role": "owner"})).status == 403
    assert (await ann.send("PATCH", path, {"role": "editor"})).status == 204
    assert (await bob.session()).json["role"] == "editor"
    assert (await ann.send("DELETE", path)).status == 204
    me = (await bob.session()).json
    assert (me["account"], me["role"]) == (None, None)
    assert (await bob.send("GET", "/v1/stats")).code == "insufficient_scope"
    assert (await ann.send("DELETE", path)).status == 404
    assert (await ann.send("PATCH", path, {"role": "editor"})).status == 404


@pytest.mark.parametrize("role", ["viewer", "editor"])
async def test_a_member_of_an_account_that_only_keys_own_may_leave(
    server: Server, role: str, autojump_clock: MockClock
) -> None:
    made = await server.send("POST", "/v1/invites", json={"role": role})
    bob = await invited(server, made)
    assert (await bob.send("POST", "/v1/members/leave")).status == 204
    assert (await server.send("GET", "/v1/members")).json["members"] == []


async def test_an_account_keeps_an_owner(ann: Browser, autojump_clock: MockClock) -> None:
    bob = await joined(ann, "editor")
    ann_id = (await ann.session()).json["user"]["id"]
    bob_id = (await bob.session()).json["user"]["id"]
    for method, body in (("PATCH", {"role": "viewer"}), ("DELETE", None)):
        refused = await ann.send(method, f"/v1/members/{ann_id}", body)
        assert (refused.status, refused.code) == (409, "last_owner")
    assert (await ann.send("POST", "/v1/members/leave")).code == "last_owner"
    await ann.send("PATCH", f"/v1/members/{bob_id}", {"role": "owner"})
    assert (await ann.send("POST", "/v1/members/leave")).status == 204


async def test_invitations_are_listed_and_taken_back(
    ann: Browser, server: Server, autojump_clock: MockClock
) -> None:
    made = await ann.send("POST", "/v1/invites", {"role": "viewer"})
    (listed,) = (await ann.send("GET", "/v1/invites")).json["invites"]
    assert (listed["id"], listed["invited_by"]) == (made.json["id"], ANN)
    assert "link" not in listed
    path = f"/v1/invites/{listed['id']}"
    assert (await server.send("DELETE", path, key="other")).status == 404
    assert (await ann.send("DELETE", path)).status == 204
    assert (await ann.send("DELETE", path)).status == 404
    body = {"token": token_of(made.json["link"]), "email": BOB, "password": PASSWORD}
    assert (await Browser(server).send("POST", "/v1/auth/accept-invite", body)).code == "link_gone"


async def test_an_invitation_is_good_for_a_week(
    ann: Browser, server: Server, autojump_clock: MockClock
) -> None:
    made = await ann.send("POST", "/v1/invites", {"role": "viewer"})
    autojump_clock.jump(7 * 86_400 + 1)
    body = {"token": token_of(made.json["link"]), "email": BOB, "password": PASSWORD}
    assert (await Browser(server).send("POST", "/v1/auth/accept-invite", body)).code == "link_gone"


async def test_nobody_new_is_let_in_where_it_is_closed(
    ann: Browser, server: Server, autojump_clock: MockClock
) -> None:
    made = await ann.send("POST", "/v1/invites", {"role": "viewer"})
    body = {"token": token_of(made.json["link"]), "email": BOB, "password": PASSWORD}
    server.context.desk.sign_up = "closed"
    closed = await Browser(server).send("POST", "/v1/auth/accept-invite", body)
    assert closed.code == "signup_closed"
    server.context.desk.sign_up = "invite"
    assert (await Browser(server).send("POST", "/v1/auth/accept-invite", body)).status == 201


async def test_a_key_invites_too(server: Server, autojump_clock: MockClock) -> None:
    made = await server.send("POST", "/v1/invites", json={"role": "owner"})
    assert made.json["invited_by"].startswith("key ")
    body = {"token": token_of(made.json["link"]), "email": BOB, "password": PASSWORD}
    bob = Browser(server)
    await bob.send("POST", "/v1/auth/accept-invite", body)
    assert (await bob.session()).json["account"]["id"] == 1


async def test_the_audit_log_tells_what_happened_and_no_secret(
    ann: Browser, server: Server, autojump_clock: MockClock
) -> None:
    await Browser(server).log_in(ANN, "not the password")
    made = await ann.send("POST", "/v1/auth/api-keys", {"scopes": ["read"]})
    await ann.send("DELETE", f"/v1/auth/api-keys/{made.json['id']}")
    await joined(ann, "viewer")
    answer = await ann.send("GET", "/v1/audit")
    told = [(one["event"], one["who"], one["about"]) for one in answer.json["entries"]]
    assert told[0][:2] == ("member_joined", BOB)
    assert told[1:] == [
        ("invite_made", ANN, "viewer by link"),
        ("key_revoked", ANN, made.json["id"]),
        ("key_made", ANN, f"{made.json['id']} read"),
        ("log_in_failed", ANN, "password"),
        ("sign_up", ANN, ""),
    ]
    assert {one["address"] for one in answer.json["entries"]} == {"192.0.2.0/24"}
    assert made.json["key"].encode() not in answer.body
    assert b"not the password" not in answer.body
    assert (await server.send("GET", "/v1/audit")).json["entries"] == []


async def test_the_audit_log_is_read_page_by_page(ann: Browser, autojump_clock: MockClock) -> None:
    for _ in range(4):
        await ann.send("POST", "/v1/auth/api-keys", {"scopes": ["read"]})
    first = (await ann.send("GET", "/v1/audit", query={"limit": "3"})).json
    assert len(first["entries"]) == 3
    query = {"limit": "3", "cursor": first["next"]}
    second = (await ann.send("GET", "/v1/audit", query=query)).json
    assert [one["event"] for one in second["entries"]] == ["key_made", "sign_up"]
    assert second["next"] is None
    wrong = await ann.send("GET", "/v1/audit", query={"cursor": "+"})
    assert (wrong.status, wrong.code) == (422, "cursor_invalid")


async def test_an_account_ends_with_everything_in_it(
    ann: Browser, server: Server, autojump_clock: MockClock
) -> None:
    bob = await joined(ann, "owner")
    made = await ann.send("POST", "/v1/auth/api-keys", {"scopes": ["write"]})
    server.keys["shop"] = made.json["key"]
    item = {"stat": "orders", "value": 1, "type": "counter"}
    assert (await server.send("POST", "/v1/ingest", json=item, key="shop")).status == 202
    account = (await ann.session()).json["account"]["id"]
    await ann.send("POST", "/v1/invites", {"role": "viewer"})
    autojump_clock.jump(PROVEN_MS / 1000 + 1)
    refused = await bob.send("DELETE", "/v1/account")
    assert refused.code == "reauthentication_required"
    await bob.send("POST", "/v1/auth/reauthenticate", {"password": PASSWORD})
    assert (await bob.send("DELETE", "/v1/account")).status == 204
    for browser in (ann, bob):
        me = (await browser.session()).json
        assert (me["account"], me["accounts"]) == (None, [])
    assert (await server.send("POST", "/v1/ingest", json=item, key="shop")).status == 401
    context = server.context
    known = await context.desk.catalog.account(account)
    assert known is not None
    assert known.name == "deleted"
    await empty_deleted(context.directory, context.documents, context.clock)
    assert [one.state for one in context.directory.names(account).values()] == ["trash"]
    assert await context.documents.all("deletion", 0, context.clock.now_ms())


async def test_a_plan_has_so_many_members(autojump_clock: MockClock) -> None:
    async with serving(plan=Plan(name="small", members=2)) as server:
        ann = Browser(server)
        await ann.sign_up(ANN)
        made = [(await ann.send("POST", "/v1/invites", {"role": "viewer"})).json for _ in range(2)]
        answers = []
        for number, invite in enumerate(made):
            body = {"token": token_of(invite["link"]), "password": PASSWORD}
            body["email"] = f"user{number}@example.com"
            answers.append(await Browser(server).send("POST", "/v1/auth/accept-invite", body))
        assert answers[0].status == 201
        assert (answers[1].status, answers[1].code) == (403, "plan_limit")
        refused = await ann.send("POST", "/v1/invites", {"role": "viewer"})
        assert (refused.status, refused.code) == (403, "plan_limit")


async def test_the_first_account_stays(server: Server, autojump_clock: MockClock) -> None:
    token = await ask_for_claim(server.context.documents, server.context.clock.now_ms())
    owner = Browser(server)
    claim = {"token": token, "email": ANN, "password": PASSWORD}
    await owner.send("POST", "/v1/auth/claim", claim)
    refused = await owner.send("DELETE", "/v1/account")
    assert (refused.status, refused.code) == (409, "first_account")
    assert (await server.send("DELETE", "/v1/account")).code == "session_required"
