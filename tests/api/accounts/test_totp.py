"""Codes of an authenticator app, and recovery codes."""

import random

import pyotp

from api.accounts.totp import (
    RECOVERY_CODES,
    STEP_S,
    new_recovery_codes,
    new_totp_secret,
    recovery_digest,
    totp_step,
    totp_uri,
    without_recovery_code,
)

NOW_MS = 1_795_302_000_000
SECRET = new_totp_secret(random.Random(1))


def code_at(at_ms: int) -> str:
    return pyotp.TOTP(SECRET).at(at_ms // 1000)


def test_a_code_counts_once() -> None:
    step = totp_step(SECRET, code_at(NOW_MS), NOW_MS, 0)
    assert step == NOW_MS // 1000 // STEP_S
    assert totp_step(SECRET, code_at(NOW_MS), NOW_MS, step) is None
    assert totp_step(SECRET, code_at(NOW_MS - 30_000), NOW_MS, step) is None
    assert totp_step(SECRET, code_at(NOW_MS + 30_000), NOW_MS, step) == step + 1


def test_a_phone_may_be_half_a_minute_off() -> None:
    for drift_ms in (-30_000, 0, 30_000):
        assert totp_step(SECRET, code_at(NOW_MS + drift_ms), NOW_MS, 0)
    for drift_ms in (-90_000, 90_000):
        assert totp_step(SECRET, code_at(NOW_MS + drift_ms), NOW_MS, 0) is None


def test_what_is_no_code() -> None:
    for given in ("", "12345", "abcdef", "١٢٣٤٥٦", "0" * 1000):
        assert totp_step(SECRET, given, NOW_MS, 0) is None
    spaced = f"{code_at(NOW_MS)[:3]} {code_at(NOW_MS)[3:]}"
    assert totp_step(SECRET, spaced, NOW_MS, 0)


def test_apps_read_the_address_and_the_secret() -> None:
    uri = totp_uri(SECRET, "ann@example.com")
    assert uri.startswith("otpauth://totp/StatFlow:ann%40example.com?")
    assert f"secret={SECRET}" in uri


def test_a_recovery_code_counts_once_however_it_is_typed() -> None:
    codes = new_recovery_codes(random.Random(1))
    assert len(set(codes)) == RECOVERY_CODES
    digests = tuple(map(recovery_digest, codes))
    left = without_recovery_code(digests, f" {codes[3].upper().replace('-', ' ')} ")
    assert left == digests[:3] + digests[4:]
    assert without_recovery_code(left, codes[3]) is None
    assert without_recovery_code(left, "") is None
