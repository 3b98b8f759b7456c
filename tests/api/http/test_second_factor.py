"""An authenticator app as a second factor."""

from collections.abc import AsyncGenerator

import pyotp
import pytest
from trio.testing import MockClock

from api.accounts.sessions import PROVEN_MS
from api.accounts.throttle import FREE_FAILURES
from tests.api.http.browser import PASSWORD, Browser
from tests.api.http.harness import Server, serving

ANN = "ann@example.com"
TOTP = "/v1/auth/totp"


@pytest.fixture
async def server(autojump_clock: MockClock) -> AsyncGenerator[Server]:
    async with serving() as server:
        yield server


@pytest.fixture
async def ann(server: Server) -> Browser:
    browser = Browser(server)
    assert (await browser.sign_up(ANN)).status == 201
    return browser


def code_of(server: Server, secret: str) -> str:
    return pyotp.TOTP(secret).at(server.context.clock.now_ms() // 1000)


async def switched_on(ann: Browser) -> tuple[str, list[str]]:
    """The secret and the recovery codes."""
    secret = (await ann.send("POST", TOTP)).json["secret"]
    code = code_of(ann.server, secret)
    done = await ann.send("POST", f"{TOTP}/confirm", {"code": code})
    assert done.status == 200
    return secret, done.json["recovery_codes"]


async def test_nothing_is_asked_for_before_a_first_code(
    ann: Browser, server: Server, autojump_clock: MockClock
) -> None:
    made = await ann.send("POST", TOTP)
    assert made.status == 201
    assert made.json["uri"].startswith("otpauth://totp/")
    assert made.json["secret"] not in repr(vars(server.context.documents))
    assert (await Browser(server).log_in(ANN)).status == 200
    wrong = await ann.send("POST", f"{TOTP}/confirm", {"code": "000000"})
    assert (wrong.status, wrong.code) == (401, "wrong_code")
    assert not (await ann.session()).json["user"]["totp"]


async def test_log_in_asks_for_a_code_that_counts_once(
    ann: Browser, server: Server, autojump_clock: MockClock
) -> None:
    secret, _ = await switched_on(ann)
    assert (await ann.session()).json["user"]["totp"]
    browser = Browser(server)
    missing = await browser.log_in(ANN)
    assert (missing.status, missing.code) == (401, "totp_required")
    used = code_of(server, secret)
    assert (await browser.log_in(ANN, code=used)).code == "wrong_code"
    autojump_clock.jump(30)
    fresh = code_of(server, secret)
    assert (await browser.log_in(ANN, code=fresh)).status == 200
    assert (await Browser(server).log_in(ANN, code=fresh)).code == "wrong_code"
    assert (await browser.log_in(ANN, "not the password", code=fresh)).code == "wrong_credentials"


async def test_a_recovery_code_counts_once(
    ann: Browser, server: Server, autojump_clock: MockClock
) -> None:
    _, codes = await switched_on(ann)
    assert (await Browser(server).log_in(ANN, code=codes[0])).status == 200
    assert (await Browser(server).log_in(ANN, code=codes[0])).code == "wrong_code"
    assert (await Browser(server).log_in(ANN, code=codes[1].upper())).status == 200


async def test_codes_are_guessed_as_slowly_as_passwords(
    ann: Browser, server: Server, autojump_clock: MockClock
) -> None:
    await switched_on(ann)
    browser = Browser(server)
    answers = [await browser.log_in(ANN, code="000000") for _ in range(FREE_FAILURES + 1)]
    assert [one.status for one in answers] == [401] * FREE_FAILURES + [429]


async def test_it_is_switched_off_by_who_gives_the_password(
    ann: Browser, server: Server, autojump_clock: MockClock
) -> None:
    secret, _ = await switched_on(ann)
    assert (await ann.send("POST", TOTP)).code == "totp_active"
    autojump_clock.jump(PROVEN_MS / 1000 + 1)
    assert (await ann.send("DELETE", TOTP)).code == "reauthentication_required"
    proof = {"password": PASSWORD, "code": code_of(server, secret)}
    assert (await ann.send("POST", "/v1/auth/reauthenticate", proof)).status == 204
    assert (await ann.send("DELETE", TOTP)).status == 204
    assert (await Browser(server).log_in(ANN)).status == 200
