"""Secrets that must be read again, such as those that sign webhooks: sealed with AES-256-GCM.

Law: the key is never beside what it seals, so that a copy of the store alone opens nothing. What is
sealed names its key, so that keys can be replaced, and is bound to what it belongs to: moved to
another record, it does not open.
"""

import base64
import binascii
import os
import secrets
from collections.abc import Callable, Sequence
from hashlib import sha256
from hmac import new as hmac
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
KEY_ID_BYTES: Final = 4
FORMAT: Final = b"\x01"

FILE: Final = "master.key"


class VaultFault(Exception):
    """A key that is none, or a secret that does not open; the text says what to do."""


class Vault:
    """Seals with the first key; opens with any."""

    def __init__(
        self, keys: Sequence[bytes], random: Callable[[int], bytes] = secrets.token_bytes
    ) -> None:
        assert keys, "BUG: a vault without a key"
        self._ciphers = {key_id(key): AESGCM(key) for key in keys}
        self._current = key_id(keys[0])
        self._random = random
        self.link_key = hmac(keys[0], b"statflow links", sha256).digest()
        """Signs links; those of the key before are no longer good."""

    def __repr__(self) -> str:
        return f"<Vault {len(self._ciphers)} keys, {self._current.hex()} seals>"

    def seal(self, secret: str, owner: str) -> bytes:
        """A secret as it is kept; `owner` names the record it belongs to."""
        nonce = self._random(NONCE_BYTES)
        sealed = self._ciphers[self._current].encrypt(nonce, secret.encode(), owner.encode())
        return FORMAT + self._current + nonce + sealed

    def open(self, sealed: bytes, owner: str) -> str:
        """The secret again; VaultFault when the key is another or it was tampered with."""
        start = len(FORMAT) + KEY_ID_BYTES
        cipher = self._ciphers.get(sealed[len(FORMAT) : start])
        if not sealed.startswith(FORMAT) or cipher is None:
            raise VaultFault("a secret was sealed with another key: is STATFLOW_MASTER_KEY right?")
        nonce = sealed[start : start + NONCE_BYTES]
        try:
            return cipher.decrypt(nonce, sealed[start + NONCE_BYTES :], owner.encode()).decode()
        except InvalidTag:
            raise VaultFault("a sealed secret was changed or moved") from None

    def is_current(self, sealed: bytes) -> bool:
        """Whether it need not be sealed again with a newer key."""
        return sealed.startswith(FORMAT + self._current)


def key_id(key: bytes) -> bytes:
    """Names a key without telling it."""
    return sha256(b"statflow key id:" + key).digest()[:KEY_ID_BYTES]


def read_keys(text: str) -> list[bytes]:
    """Keys as base64 or hexadecimal, with commas between them; ValueError when one is none."""
    keys = [_read_key(part.strip()) for part in text.split(",") if part.strip()]
    if not keys:
        raise ValueError("no key")
    return keys


def open_vault(master_key: str | None, folder: Path) -> Vault:
    """The vault of a server; without a key one is made and kept in a file that only we may read."""
    if master_key is not None:
        return Vault(read_keys(master_key))
    path = folder / FILE
    try:
        return Vault(read_keys(path.read_text(encoding="ascii")))
    except FileNotFoundError:
        return Vault([_made(path)])
    except (OSError, ValueError) as error:
        raise VaultFault(
            f"{path} cannot be used ({error}); put back the file that belongs to this data, or"
            " give its key as STATFLOW_MASTER_KEY"
        ) from error


def _made(path: Path) -> bytes:
    key = secrets.token_bytes(KEY_BYTES)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written whole before it has its name: a kill must not leave half a key.
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(base64.b64encode(key).decode() + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    return key


def _read_key(text: str) -> bytes:
    if len(text) == 2 * KEY_BYTES:
        return bytes.fromhex(text)
    try:
        key = base64.b64decode(text, altchars=b"-_" if set(text) & set("-_") else None)
    except binascii.Error:
        raise ValueError("neither base64 nor hexadecimal") from None
    if len(key) != KEY_BYTES:
        raise ValueError(f"{len(key)} bytes, not {KEY_BYTES}")
    return key
