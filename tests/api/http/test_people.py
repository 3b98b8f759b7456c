"""People: signing up, logging in and out, sessions, passwords, and what a cookie is good for."""

from collections.abc import AsyncGenerator

import pytest
from trio.testing import MockClock

from api.accounts.records import IDLE_MS, LIFE_MS
from api.accounts.sessions import PROVEN_MS
from tests.api.http.browser import DEVICE, PASSWORD, SESSION, Browser, token_of
from tests.api.http.harness import Server, serving

ANN = "ann@example.com"
OTHER_PASSWORD = "another horse entirely"


@pytest.fixture
async def server(autojump_clock: MockClock) -> AsyncGenerator[Server]:
    async with serving() as server:
        yield server


@pytest.fixture
async def ann(server: Server) -> Browser:
    browser = Browser(server)
    assert (await browser.sign_up(ANN, name="Ann's shop")).status == 201
    return browser


async def test_signing_up_makes_an_account_and_a_session(
    server: Server, autojump_clock: MockClock
) -> None:
    browser = Browser(server)
    answer = await browser.sign_up("Ann@Example.com", name="Ann's shop")
    assert answer.status == 201
    assert answer.json["csrf"]
    assert SESSION in browser.cookies
    for cookie in browser.set_cookies:
        assert "; Path=/; HttpOnly; SameSite=Lax; " in cookie
        assert cookie.endswith("; Secure")
    me = (await browser.session()).json
    assert me["user"] == {"id": answer.json["user"], "email": ANN, "verified": False, "totp": False}
    assert (me["account"]["name"], me["role"]) == ("Ann's shop", "owner")
    assert browser.cookies[SESSION].encode() not in (await browser.session()).body


async def test_a_cookie_is_as_good_as_a_key(ann: Browser, autojump_clock: MockClock) -> None:
    item = {"stat": "orders", "value": 1, "type": "counter"}
    sent = await ann.send("POST", "/v1/ingest", item)
    assert sent.status == 202
    stats = await ann.send("GET", "/v1/stats")
    assert [stat["name"] for stat in stats.json["stats"]] == ["orders"]
    made = await ann.send("POST", "/v1/auth/api-keys", {"scopes": ["read"]})
    assert made.status == 201


async def test_an_address_has_one_account(
    ann: Browser, server: Server, autojump_clock: MockClock
) -> None:
    again = await Browser(server).sign_up("ANN@example.com")
    assert (again.status, again.code) == (409, "email_taken")


async def test_logging_in_and_out(ann: Browser, server: Server, autojump_clock: MockClock) -> None:
    first = dict(ann.cookies)
    answer = await ann.send("POST", "/v1/auth/logout")
    assert answer.status == 204
    assert SESSION not in ann.cookies
    ann.cookies = dict(first)
    assert (await ann.session()).code == "session_ended"
    assert (await ann.log_in(ANN)).status == 200
    assert ann.cookies[SESSION] != first[SESSION]
    assert (await ann.session()).json["user"]["email"] == ANN


async def test_58_a_new_log_in_replaces_the_session_it_came_with(
    ann: Browser, autojump_clock: MockClock
) -> None:
    before = dict(ann.cookies)
    await ann.log_in(ANN)
    assert ann.cookies[SESSION] != before[SESSION]
    old = Browser(ann.server, before)
    assert (await old.session()).code == "session_ended"


async def test_a_session_that_was_planted_is_not_taken_over(
    ann: Browser, server: Server, autojump_clock: MockClock
) -> None:
    planted = "x" * 43
    victim = Browser(server, {SESSION: planted})
    await victim.log_in(ANN)
    assert victim.cookies[SESSION] != planted
    assert (await Browser(server, {SESSION: planted}).session()).code == "session_ended"


async def test_sessions_are_listed_and_ended(
    ann: Browser, server: Server, autojump_clock: MockClock
) -> None:
    elsewhere = Browser(server)
    await elsewhere.send(
        "POST",
        "/v1/auth/login",
        {"email": ANN, "password": PASSWORD},
        {"user-agent": "Firefox \x1f on Linux"},
    )
    listed = (await ann.send("GET", "/v1/auth/sessions")).json["sessions"]
    assert sorted(one["current"] for one in listed) == [False, True]
    (other,) = [one for one in listed if not one["current"]]
    assert other["agent"].startswith("Firefox ")
    assert (await ann.send("DELETE", f"/v1/auth/sessions/{other['id']}")).status == 204
    assert (await elsewhere.session()).code == "session_ended"
    assert (await ann.send("DELETE", f"/v1/auth/sessions/{other['id']}")).status == 404
    await elsewhere.log_in(ANN)
    assert (await ann.send("DELETE", "/v1/auth/sessions")).status == 204
    assert (await elsewhere.session()).status == 401
    assert (await ann.session()).status == 200


async def test_a_session_ends_when_it_is_idle(ann: Browser, autojump_clock: MockClock) -> None:
    autojump_clock.jump(IDLE_MS / 1000 - 60)
    assert (await ann.session()).status == 200
    autojump_clock.jump(IDLE_MS / 1000 - 60)
    assert (await ann.session()).status == 200
    autojump_clock.jump(IDLE_MS / 1000 + 1)
    assert (await ann.session()).code == "session_ended"


async def test_a_session_that_is_used_ends_after_a_month(
    ann: Browser, autojump_clock: MockClock
) -> None:
    for _ in range(LIFE_MS // IDLE_MS):
        assert (await ann.session()).status == 200
        await ann.server.context.desk.sessions.write_seen()
        autojump_clock.jump(IDLE_MS / 1000 - 1)
    autojump_clock.jump(60)
    assert (await ann.session()).code == "session_ended"


async def test_that_a_session_is_used_is_kept(ann: Browser, autojump_clock: MockClock) -> None:
    sessions = ann.server.context.desk.sessions
    for _ in range(3):
        autojump_clock.jump(IDLE_MS / 1000 - 60)
        assert (await ann.session()).status == 200
        await sessions.write_seen()
        sessions.forget()
    assert (await ann.session()).status == 200


async def test_58_a_new_password_ends_all_other_sessions(
    ann: Browser, server: Server, autojump_clock: MockClock
) -> None:
    elsewhere = Browser(server)
    await elsewhere.log_in(ANN)
    before = ann.cookies[SESSION]
    wrong = {"password": "not the password", "new_password": OTHER_PASSWORD}
    assert (await ann.send("POST", "/v1/auth/password", wrong)).code == "wrong_credentials"
    right = wrong | {"password": PASSWORD}
    assert (await ann.send("POST", "/v1/auth/password", right)).status == 200
    assert ann.cookies[SESSION] != before
    assert (await ann.session()).status == 200
    assert (await elsewhere.session()).code == "session_ended"
    assert (await Browser(server, {SESSION: before}).session()).code == "session_ended"
    assert (await elsewhere.log_in(ANN)).code == "wrong_credentials"
    assert (await elsewhere.log_in(ANN, OTHER_PASSWORD)).status == 200
    assert server.posted[-1].subject == "StatFlow: there is a new password"


async def test_57_a_password_is_reset_by_mail_once(
    ann: Browser, server: Server, autojump_clock: MockClock
) -> None:
    stranger = Browser(server)
    asked = await stranger.send("POST", "/v1/auth/reset", {"email": ANN})
    nobody = await stranger.send("POST", "/v1/auth/reset", {"email": "nobody@example.com"})
    assert (asked.status, asked.body) == (nobody.status, nobody.body) == (202, asked.body)
    (mail,) = server.posted
    assert mail.to == ANN
    choice = {"token": token_of(mail.text), "password": OTHER_PASSWORD}
    assert (await stranger.send("POST", "/v1/auth/reset/confirm", choice)).status == 204
    again = await stranger.send("POST", "/v1/auth/reset/confirm", choice)
    assert (again.status, again.code) == (410, "link_gone")
    assert (await ann.session()).code == "session_ended"
    assert (await stranger.log_in(ANN, OTHER_PASSWORD)).status == 200
    assert (await stranger.session()).json["user"]["verified"]
    await stranger.send("POST", "/v1/auth/reset", {"email": ANN})
    late = {"token": token_of(server.posted[-1].text), "password": PASSWORD}
    autojump_clock.jump(31 * 60)
    assert (await stranger.send("POST", "/v1/auth/reset/confirm", late)).code == "link_gone"


async def test_only_the_newest_link_counts(
    ann: Browser, server: Server, autojump_clock: MockClock
) -> None:
    for _ in range(2):
        await ann.send("POST", "/v1/auth/reset", {"email": ANN})
    first, second = (token_of(mail.text) for mail in server.posted)
    choice = {"token": first, "password": OTHER_PASSWORD}
    assert (await ann.send("POST", "/v1/auth/reset/confirm", choice)).code == "link_gone"
    choice["token"] = second
    assert (await ann.send("POST", "/v1/auth/reset/confirm", choice)).status == 204


async def test_an_address_is_changed_by_whoever_has_both(
    ann: Browser, server: Server, autojump_clock: MockClock
) -> None:
    new = {"email": "ann@new.example"}
    autojump_clock.jump(PROVEN_MS / 1000 + 1)
    assert (await ann.send("POST", "/v1/auth/email", new)).code == "reauthentication_required"
    wrong = await ann.send("POST", "/v1/auth/reauthenticate", {"password": "not the password"})
    assert wrong.code == "wrong_credentials"
    proof = await ann.send("POST", "/v1/auth/reauthenticate", {"password": PASSWORD})
    assert proof.status == 204
    assert (await ann.send("POST", "/v1/auth/email", new)).status == 202
    opened = await Browser(server).send(
        "POST", "/v1/auth/verify", {"token": token_of(server.posted[-1].text)}
    )
    assert opened.json == {"status": "confirmed"}
    assert (await ann.session()).json["user"]["email"] == "ann@new.example"
    assert server.posted[-1].to == ANN
    assert (await Browser(server).log_in(ANN)).code == "wrong_credentials"
    assert (await Browser(server).log_in("ann@new.example")).status == 200


async def test_an_admin_key_needs_the_password_again(
    ann: Browser, autojump_clock: MockClock
) -> None:
    autojump_clock.jump(PROVEN_MS / 1000 + 1)
    keys = "/v1/auth/api-keys"
    assert (await ann.send("POST", keys, {"scopes": ["write"]})).status == 201
    refused = await ann.send("POST", keys, {"scopes": ["admin"]})
    assert (refused.status, refused.code) == (403, "reauthentication_required")
    await ann.send("POST", "/v1/auth/reauthenticate", {"password": PASSWORD})
    assert (await ann.send("POST", keys, {"scopes": ["admin"]})).status == 201


@pytest.mark.parametrize("rule", ["closed", "invite"])
async def test_signing_up_can_be_closed(
    server: Server, rule: str, autojump_clock: MockClock
) -> None:
    server.context.desk.sign_up = rule  # type: ignore[assignment]
    answer = await Browser(server).sign_up(ANN)
    assert (answer.status, answer.code) == (403, "signup_closed")


async def test_where_addresses_are_confirmed_a_mail_decides(
    server: Server, autojump_clock: MockClock
) -> None:
    server.context.desk.confirm_mail = True
    browser = Browser(server)
    asked = await browser.sign_up(ANN, name="Ann's shop")
    assert (asked.status, asked.json) == (202, {"status": "check your mail"})
    assert (await browser.log_in(ANN)).code == "wrong_credentials"
    token = token_of(server.posted[-1].text)
    opened = await browser.send("POST", "/v1/auth/verify", {"token": token})
    assert opened.status == 201
    assert (await browser.session()).json["user"]["verified"]
    assert (await browser.send("POST", "/v1/auth/verify", {"token": token})).code == "link_gone"
    again = await Browser(server).sign_up(ANN)
    assert (again.status, again.body) == (asked.status, asked.body)
    assert server.posted[-1].subject == "You have an account with StatFlow"
    assert "token" not in server.posted[-1].text


async def test_the_first_account_is_claimed_once(server: Server, autojump_clock: MockClock) -> None:
    from api.accounts.signing_up import ask_for_claim

    context = server.context
    token = await ask_for_claim(context.documents, context.clock.now_ms())
    owner = Browser(server)
    claim = {"token": token, "email": ANN, "password": PASSWORD}
    assert (await owner.send("POST", "/v1/auth/claim", claim)).status == 201
    me = (await owner.session()).json
    assert (me["account"], me["role"]) == ({"id": 1, "name": "owner"}, "owner")
    other = claim | {"email": "bob@example.com"}
    assert (await Browser(server).send("POST", "/v1/auth/claim", other)).code == "link_gone"


async def test_keys_are_no_people(server: Server, autojump_clock: MockClock) -> None:
    answer = await server.send("GET", "/v1/auth/session")
    assert (answer.status, answer.code) == (403, "session_required")


async def test_a_key_counts_whatever_cookies_come_along(
    ann: Browser, server: Server, autojump_clock: MockClock
) -> None:
    headers = {"authorization": f"Bearer {server.keys['read']}"}
    answer = await ann.send("GET", "/v1/auth/session", headers=headers)
    assert answer.code == "session_required"
    wrong = {"authorization": "Bearer sf_typo"}
    assert (await ann.send("GET", "/v1/stats", headers=wrong)).code == "invalid_key"


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("signup", {"email": ANN, "password": "seven77"}, "password"),
        ("signup", {"email": ANN, "password": "Password123"}, "password"),
        ("signup", {"email": ANN, "password": "x9" * 129}, "password"),
        ("signup", {"email": ANN, "password": "Ann@Example.com"}, "password"),
        ("signup", {"email": "a@b.c\r\nBcc: x@y", "password": PASSWORD}, "email"),
        ("signup", {"email": "ann", "password": PASSWORD}, "email"),
        ("signup", {"email": ANN, "password": PASSWORD, "name": "a\nb"}, "field_invalid"),
        ("signup", {"email": ANN}, "field_required"),
        ("signup", {"email": ANN, "password": PASSWORD, "role": "owner"}, "unknown_field"),
        ("login", {"email": ANN, "password": 5}, "field_type"),
        ("login", {"email": ANN, "password": "x" * 5000}, "field_invalid"),
        ("verify", {"token": "nothing"}, "link_gone"),
        ("verify", {"token": "x" * 43}, "link_gone"),
        ("claim", {"token": "x" * 43, "email": ANN, "password": PASSWORD}, "link_gone"),
        ("reset/confirm", {"token": "x" * 43, "password": PASSWORD}, "link_gone"),
        ("accept-invite", {"token": "x" * 43, "email": ANN, "password": PASSWORD}, "link_gone"),
    ],
)
async def test_56_what_people_may_not_send(
    server: Server, path: str, body: object, code: str, autojump_clock: MockClock
) -> None:
    answer = await Browser(server).send("POST", f"/v1/auth/{path}", body)
    assert answer.code == code
    assert answer.status in {410, 422}


async def test_a_browser_stays_known(ann: Browser, autojump_clock: MockClock) -> None:
    device = ann.cookies[DEVICE]
    await ann.send("POST", "/v1/auth/logout")
    assert ann.cookies == {DEVICE: device}
    await ann.log_in(ANN)
    assert ann.cookies[DEVICE] == device


async def test_a_browser_that_is_known_gets_in_while_others_wait_for_a_flood(
    ann: Browser, server: Server, monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    await ann.send("POST", "/v1/auth/logout")
    monkeypatch.setattr(type(server.context.desk.hasher), "full", True)
    for stranger in (Browser(server), Browser(server, cookies={DEVICE: "x" * 43})):
        answer = await stranger.log_in(ANN)
        assert (answer.status, answer.code) == (503, "overloaded"), answer.body
    assert (await ann.log_in(ANN)).status == 200
