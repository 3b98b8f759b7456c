"""Codes of an authenticator app (RFC 6238), and recovery codes for when it is lost. Pure.

Law: a code counts once. Of recovery codes only digests are kept.
"""

from collections.abc import Sequence
from hashlib import sha256
from hmac import compare_digest
from typing import Final

import pyotp

from api.accounts.keys import Chooser

STEP_S: Final = 30
DRIFT_STEPS: Final = 1
"""The clock of a phone may be off by so many steps either way."""

SECRET_LENGTH: Final = 32
"""Characters of base 32: 160 bits, as the RFC recommends."""

RECOVERY_CODES: Final = 10
GROUPS: Final = 4
GROUP_LENGTH: Final = 4

ISSUER: Final = "StatFlow"

_BASE32: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
# Nothing that is mistaken for something else; 32 characters, so that four groups are 80 bits.
_CLEAR: Final = "23456789abcdefghijkmnpqrstuvwxyz"


def new_totp_secret(chooser: Chooser) -> str:
    """A secret to share with an app."""
    return "".join(chooser.choice(_BASE32) for _ in range(SECRET_LENGTH))


def totp_uri(secret: str, email: str) -> str:
    """What an app reads, usually from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)


def totp_step(secret: str, code: str, now_ms: int, after: int) -> int | None:
    """The step whose code this is, later than `after`, the last one that was used; or None."""
    given = code.replace(" ", "").encode()
    now = now_ms // 1000 // STEP_S
    codes = pyotp.HOTP(secret)
    for step in range(now - DRIFT_STEPS, now + DRIFT_STEPS + 1):
        if compare_digest(codes.at(step).encode(), given) and step > after:
            return step
    return None


def new_recovery_codes(chooser: Chooser) -> tuple[str, ...]:
    """Codes to keep on paper; each counts once."""
    return tuple("-".join(_group(chooser) for _ in range(GROUPS)) for _ in range(RECOVERY_CODES))


def recovery_digest(code: str) -> bytes:
    """What is kept of a recovery code, however it was typed."""
    return sha256("".join(code.lower().replace("-", " ").split()).encode()).digest()


def without_recovery_code(digests: Sequence[bytes], code: str) -> tuple[bytes, ...] | None:
    """What is left of the digests once this code is used; None when it is not among them."""
    digest = recovery_digest(code)
    left = tuple(one for one in digests if not compare_digest(one, digest))
    return left if len(left) < len(digests) else None


def _group(chooser: Chooser) -> str:
    return "".join(chooser.choice(_CLEAR) for _ in range(GROUP_LENGTH))
