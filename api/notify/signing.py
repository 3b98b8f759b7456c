"""Signatures of webhooks as Standard Webhooks has them (standardwebhooks.com). Pure.

The signature covers id, time and body. While a secret is being replaced both sign, so that the
receiver may change over when it likes.
"""

import base64
import binascii
from collections.abc import Sequence
from hashlib import sha256
from hmac import digest
from typing import Final

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32
SECRET_BYTES_MIN: Final = 24
SECRET_BYTES_MAX: Final = 64

SECRETS_MAX: Final = 2
"""Secrets of one endpoint: the new one and the one before it."""


def secret_of(key: bytes) -> str:
    """A secret as people copy it."""
    return PREFIX + base64.b64encode(key).decode()


def read_secret(text: str) -> bytes:
    """The key of a secret; ValueError when it is none, or of another length than is safe."""
    if not text.startswith(PREFIX):
        raise ValueError(f"it begins with {PREFIX}")
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"what follows {PREFIX} is base64") from None
    if not SECRET_BYTES_MIN <= len(key) <= SECRET_BYTES_MAX:
        raise ValueError(f"{SECRET_BYTES_MIN} to {SECRET_BYTES_MAX} bytes")
    return key


def signed_headers(
    secrets: Sequence[str], message_id: str, at_s: int, body: bytes
) -> dict[str, str]:
    """The three headers of a message that is sent at `at_s`, epoch seconds."""
    text = f"{message_id}.{at_s}.".encode() + body
    signatures = (digest(read_secret(secret), text, sha256) for secret in secrets[:SECRETS_MAX])
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": " ".join(f"v1,{base64.b64encode(s).decode()}" for s in signatures),
    }
