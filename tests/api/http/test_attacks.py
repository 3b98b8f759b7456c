"""What others try with people's sessions, passwords and keys, and what comes of it."""

from collections.abc import AsyncGenerator

import pytest
import trio
from trio.testing import MockClock

from api.accounts.addresses import read_network
from api.accounts.desk import DEVICE_TRIES_AN_HOUR, TRIES_AN_HOUR, WRONG_KEYS_A_MINUTE
from api.accounts.keys import new_secret
from api.accounts.throttle import FREE_FAILURES
from api.http.cookies import Cookies
from tests.api.http.browser import DEVICE, PASSWORD, SESSION, Browser
from tests.api.http.harness import Answer, Server, serving

ANN = "ann@example.com"
KEYS = "/v1/auth/api-keys"


@pytest.fixture
async def server(autojump_clock: MockClock) -> AsyncGenerator[Server]:
    async with serving() as server:
        server.context.trusted_proxies = (read_network("0.0.0.0/0"), read_network("::/0"))
        yield server


@pytest.fixture
async def ann(server: Server) -> Browser:
    browser = Browser(server)
    assert (await browser.sign_up(ANN)).status == 201
    return browser


@pytest.mark.parametrize(
    ("headers", "csrf"),
    [
        ({"sec-fetch-site": "cross-site"}, True),
        ({"sec-fetch-site": "same-site"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"origin": "https://evil.example"}, True),
        ({"origin": "null"}, True),
        ({"origin": "https://localhost.evil.example"}, True),
        ({"sec-fetch-site": "cross-site", "origin": "http://stats.example"}, True),
        ({}, True),
        ({"sec-fetch-site": "same-origin"}, False),
        ({"sec-fetch-site": "same-origin", "x-csrf-token": "x" * 43}, False),
        ({"origin": "http://stats.example", "x-csrf-token": ""}, False),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", KEYS), ("POST", "/v1/auth/logout"), ("DELETE", "/v1/auth/sessions")],
)
async def test_54_what_other_sites_make_a_browser_send(
    ann: Browser,
    method: str,
    path: str,
    headers: dict[str, str],
    csrf: bool,
    autojump_clock: MockClock,
) -> None:
    ann.site = None
    if not csrf:
        ann.csrf = None
    body = {"scopes": ["read"]} if path == KEYS else None
    answer = await ann.send(method, path, body, headers)
    assert (answer.status, answer.code) == (403, "csrf")
    assert (await ann.session()).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "same-origin"},
        {"origin": "http://stats.example"},
        {"sec-fetch-site": "same-origin", "origin": "http://stats.example"},
    ],
)
async def test_what_our_own_pages_send(
    ann: Browser, headers: dict[str, str], autojump_clock: MockClock
) -> None:
    ann.site = None
    assert (await ann.send("POST", KEYS, {"scopes": ["read"]}, headers)).status == 201


async def test_54_a_form_of_another_site_does_nothing(
    ann: Browser, autojump_clock: MockClock
) -> None:
    ann.site, ann.csrf = "cross-site", None
    for path in ("login", "signup", "reset"):
        sent = {"content-type": "application/x-www-form-urlencoded"}
        body = {"email": ANN, "password": PASSWORD}
        assert (await ann.send("POST", f"/v1/auth/{path}", body, sent)).status == 415
        found = await ann.send("POST", f"/v1/auth/{path}", body)
        assert found.code in {"csrf", "unknown_field"}


async def test_the_token_of_another_session_is_none(
    ann: Browser, server: Server, autojump_clock: MockClock
) -> None:
    bob = Browser(server)
    await bob.sign_up("bob@example.com")
    ann.csrf = bob.csrf
    assert (await ann.send("POST", KEYS, {"scopes": ["read"]})).code == "csrf"


@pytest.mark.parametrize(
    "cookie",
    [
        f"{SESSION}=",
        f"{SESSION}=x",
        f"{SESSION}={'x' * 43}",
        f"{SESSION}={'x' * 9000}",
        f"{SESSION}={'x' * 43}; {SESSION}={'y' * 43}",
        "sf_s=" + "x" * 43,
        ";;;=;",
    ],
)
async def test_cookies_that_are_none(
    server: Server, cookie: str, autojump_clock: MockClock
) -> None:
    answer = await Browser(server).send("GET", "/v1/stats", headers={"cookie": cookie})
    assert answer.status == 401
    assert answer.code in {"missing_key", "session_ended"}


async def test_a_cookie_without_the_prefix_is_not_looked_at(
    ann: Browser, autojump_clock: MockClock
) -> None:
    # Another host of the same site could have set it.
    ann.cookies = {"sf_s": ann.cookies[SESSION]}
    assert (await ann.session()).code == "missing_key"


async def test_nobody_logs_in_where_others_listen(
    server: Server, autojump_clock: MockClock
) -> None:
    server.context.cookies = Cookies("refused")
    browser = Browser(server)
    answer = await browser.sign_up(ANN)
    assert (answer.status, answer.code) == (403, "insecure_transport")
    assert "public_url" in answer.json["detail"]
    assert browser.cookies == {}


async def test_on_a_loopback_cookies_are_plain(server: Server, autojump_clock: MockClock) -> None:
    server.context.cookies = Cookies("loopback")
    browser = Browser(server)
    await browser.sign_up(ANN)
    assert set(browser.cookies) == {"sf_s", "sf_d"}
    assert not any("Secure" in cookie for cookie in browser.set_cookies)
    assert (await browser.session()).status == 200


async def test_55_known_and_unknown_people_are_told_the_same(
    ann: Browser, server: Server, autojump_clock: MockClock
) -> None:
    stranger, nobody = Browser(server), "nobody@example.com"
    known = [await from_elsewhere(stranger, 1, ANN, "not the password") for _ in range(11)]
    unknown = [await from_elsewhere(stranger, 2, nobody, "not the password") for _ in range(11)]
    assert [answer.status for answer in known[:10]] == [401] * 10
    assert (known[10].status, known[10].code) == (429, "rate_limited")
    assert known[10].headers["retry-after"] == "1"
    told = [(one.status, one.code, one.json["detail"]) for one in known]
    assert told[:9] == [(one.status, one.code, one.json["detail"]) for one in unknown[:9]]
    assert unknown[-1].status == 429


async def test_55_known_and_unknown_people_take_the_same_steps(
    ann: Browser, server: Server, autojump_clock: MockClock
) -> None:
    hashed: list[str | None] = []
    hasher = server.context.desk.hasher
    verify = hasher._verify

    def noted(kept: str, password: str) -> bool:
        hashed.append(kept)
        return verify(kept, password)

    hasher._verify = noted  # type: ignore[method-assign]
    await Browser(server).log_in(ANN, "not the password")
    await Browser(server).log_in("nobody@example.com", "not the password")
    assert len(hashed) == 2
    assert None not in hashed


async def from_elsewhere(browser: Browser, number: int, email: str, password: str) -> Answer:
    """A log-in from an address of its own."""
    return await browser.send(
        "POST",
        "/v1/auth/login",
        {"email": email, "password": password},
        {"x-forwarded-for": f"203.0.113.{number}"},
    )


async def test_many_who_guess_wait_longer_and_longer_but_a_known_browser_gets_in(
    ann: Browser, server: Server, autojump_clock: MockClock
) -> None:
    await ann.send("POST", "/v1/auth/logout")
    waits = []
    for number in range(FREE_FAILURES + 6):
        answer = await from_elsewhere(Browser(server), number, ANN, "not the password")
        while answer.status == 429:
            waits.append(int(answer.headers["retry-after"]))
            await trio.sleep(waits[-1])
            answer = await from_elsewhere(Browser(server), number, ANN, "not the password")
        assert answer.code == "wrong_credentials"
    assert waits == [1, 2, 4, 8, 16, 32]
    # The right password does not help whoever has never been here.
    stranger = await from_elsewhere(Browser(server), 99, ANN, PASSWORD)
    assert stranger.code == "rate_limited"
    forged = Browser(server, {DEVICE: "x" * 43})
    assert (await from_elsewhere(forged, 98, ANN, PASSWORD)).code == "rate_limited"
    assert (await ann.log_in(ANN)).status == 200


async def test_a_browser_that_was_stolen_guesses_no_further(
    ann: Browser, autojump_clock: MockClock
) -> None:
    await ann.send("POST", "/v1/auth/logout")
    answers = [await ann.log_in(ANN, "no") for _ in range(FREE_FAILURES + DEVICE_TRIES_AN_HOUR + 1)]
    assert answers[-2].code == "wrong_credentials"
    assert answers[-1].code == "rate_limited"


async def test_one_address_tries_so_often(
    ann: Browser, server: Server, autojump_clock: MockClock
) -> None:
    stranger = Browser(server)
    answers = [
        await from_elsewhere(stranger, 1, f"user{number}@example.com", "not the password")
        for number in range(TRIES_AN_HOUR + 1)
    ]
    assert [one.status for one in answers] == [401] * TRIES_AN_HOUR + [429]
    assert int(answers[-1].headers["retry-after"]) > 100
    assert (await from_elsewhere(stranger, 1, ANN, PASSWORD)).status == 429
    assert (await from_elsewhere(stranger, 2, ANN, PASSWORD)).status == 200


async def test_those_who_know_their_password_are_not_counted(
    ann: Browser, server: Server, autojump_clock: MockClock
) -> None:
    for _ in range(TRIES_AN_HOUR + 5):
        assert (await from_elsewhere(Browser(server), 1, ANN, PASSWORD)).status == 200


async def test_mails_with_links_are_few(
    ann: Browser, server: Server, autojump_clock: MockClock
) -> None:
    answers = [
        await ann.send("POST", "/v1/auth/reset", {"email": f"an.n+{number}@example.com"})
        for number in range(6)
    ]
    assert [one.status for one in answers] == [202] * 5 + [429]


async def test_75_a_header_that_anybody_can_send_says_nothing(
    server: Server, autojump_clock: MockClock
) -> None:
    server.context.trusted_proxies = ()
    stranger = Browser(server)
    answers = [
        await from_elsewhere(stranger, number, f"user{number}@example.com", "not the password")
        for number in range(TRIES_AN_HOUR + 1)
    ]
    assert answers[-1].status == 429


async def test_36_keys_that_do_not_exist_are_tried_in_vain(
    server: Server, autojump_clock: MockClock
) -> None:
    import random

    answers = []
    for number in range(WRONG_KEYS_A_MINUTE + 1):
        server.keys["wrong"] = new_secret(random.Random(1000 + number))
        answers.append(await server.send("GET", "/v1/stats", key="wrong"))
    assert [one.status for one in answers] == [401] * WRONG_KEYS_A_MINUTE + [429]
    assert answers[-1].headers["retry-after"] == "1"
    assert (await server.send("GET", "/v1/stats")).status == 200


async def test_a_key_is_used_from_its_networks_only(
    server: Server, autojump_clock: MockClock
) -> None:
    made = await server.send("POST", KEYS, json={"scopes": ["read"], "allow_from": ["10.1.0.0/16"]})
    assert made.json["allow_from"] == ["10.1.0.0/16"]
    server.keys["office"] = made.json["key"]
    for address, status in (("10.1.2.3", 200), ("10.2.0.1", 403), ("::1", 403)):
        answer = await server.send(
            "GET", "/v1/stats", key="office", headers={"x-forwarded-for": address}
        )
        assert answer.status == status, address
    assert answer.code == "address_not_allowed"
    wrong = await server.send("POST", KEYS, json={"scopes": ["read"], "allow_from": ["everywhere"]})
    assert (wrong.status, wrong.json["errors"][0]["field"]) == (422, "allow_from")


async def test_what_is_kept_opens_nothing(
    ann: Browser, server: Server, autojump_clock: MockClock
) -> None:
    await ann.send("POST", "/v1/auth/reset", {"email": ANN})
    documents = server.context.documents
    kept = repr(vars(documents)).encode()
    token = server.posted[-1].text.partition("#token=")[2].split()[0]
    for secret in (PASSWORD, ann.cookies[SESSION], ann.cookies[DEVICE], str(ann.csrf), token):
        assert secret.encode() not in kept


async def test_a_log_in_cannot_be_hung_on_a_url(ann: Browser, autojump_clock: MockClock) -> None:
    answer = await ann.send("POST", "/v1/auth/login", query={"email": ANN, "password": PASSWORD})
    assert answer.code == "unknown_parameter"
