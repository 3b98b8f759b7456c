"""Making an API key: what may be asked for, and what comes of it."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from api.accounts.addresses import read_network
from api.accounts.keys import SCOPES, Chooser, new_secret, read_key
from engine.stats import NAME_LENGTH_MAX, canonical_name, name_fault
from storage.catalog import KeyRecord

NETWORKS_MAX: Final = 50
"""Networks that one key may be used from."""


class KeyFault(ValueError):
    """Such a key cannot be made: `field` of the request is wrong, the text says how."""

    code: Final = "field_invalid"

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key as it is shown once: the secret, and what is kept of it."""

    secret: str = field(repr=False)
    record: KeyRecord


def new_key(
    chooser: Chooser,
    now_ms: int,
    account: int,
    name: str,
    scopes: Collection[str],
    prefix: str | None = None,
    expires_ms: int | None = None,
    allow_from: Collection[str] = (),
) -> NewKey:
    """Draw a key; KeyFault when it is not one that may be had. Times are epoch milliseconds."""
    name, prefix = canonical_name(name), prefix or None
    _check(name, scopes, prefix, expires_ms, now_ms)
    networks = _networks(allow_from)
    secret = new_secret(chooser)
    key = read_key(secret)
    assert key is not None, "BUG: a new key cannot be read"
    ordered = tuple(scope for scope in SCOPES if scope in scopes)
    record = KeyRecord(
        key.id, account, key.digest, key.last4, name, ordered, prefix, now_ms, expires_ms,
        allow_from=networks,
    )  # fmt: skip
    return NewKey(secret, record)


def _check(
    name: str, scopes: Collection[str], prefix: str | None, expires_ms: int | None, now_ms: int
) -> None:
    if name and name_fault(name):
        raise KeyFault("name", f"at most {NAME_LENGTH_MAX} characters, all of which can be shown")
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        wrong = f"{unknown[0]!r} is none; " if unknown else ""
        raise KeyFault("scopes", f"{wrong}one or more of {', '.join(SCOPES)}")
    if prefix is not None:
        if name_fault(prefix) or canonical_name(prefix) != prefix:
            raise KeyFault("prefix", "the beginning of a stat name, without spaces around it")
        if "admin" in scopes:
            raise KeyFault("prefix", "an admin key can make any key, so it cannot be limited")
    if expires_ms is not None and expires_ms <= now_ms:
        raise KeyFault("expires", "a time in the future")


def _networks(given: Collection[str]) -> tuple[str, ...]:
    """The networks as they are kept: whole, each once."""
    if len(given) > NETWORKS_MAX:
        raise KeyFault("allow_from", f"at most {NETWORKS_MAX} networks")
    try:
        return tuple(dict.fromkeys(str(read_network(one)) for one in given))
    except ValueError:
        raise KeyFault("allow_from", "networks such as 10.1.0.0/16, or single addresses") from None
