"""Signatures, as receivers verify them."""

import base64
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from api.notify.signing import read_secret, secret_of, signed_headers

OLD, NEW = secret_of(b"o" * 32), secret_of(b"n" * 32)
BODY = '{"type":"alert.firing","name":"zu viel ü"}'.encode()


def headers(*secrets: str) -> dict[str, str]:
    return signed_headers(secrets, "msg_1", int(datetime.now(UTC).timestamp()), BODY)


@pytest.mark.parametrize("secret", [OLD, NEW])
def test_both_secrets_verify_while_one_is_being_replaced(secret: str) -> None:
    assert Webhook(secret).verify(BODY, headers(NEW, OLD))["name"] == "zu viel ü"


def test_a_replaced_secret_verifies_no_more() -> None:
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD).verify(BODY, headers(NEW))


def test_another_body_does_not_verify() -> None:
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(BODY + b" ", headers(NEW))


def test_a_secret_is_read_as_it_was_written() -> None:
    assert read_secret(NEW) == b"n" * 32


@pytest.mark.parametrize(
    "text",
    ["", "whsec_", "abc", "whsec_!!", "whsec_" + base64.b64encode(b"x" * 8).decode(), "sf_x"],
)
def test_what_is_no_secret_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_secret(text)
