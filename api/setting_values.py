"""What a setting may be, and how it is read from a flag, a variable or a file."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, Literal, TypeGuard, TypeVar
from urllib.parse import parse_qsl, urlsplit

from api.accounts.addresses import read_network
from api.accounts.vault import read_keys
from api.notify.addresses import EMAIL, read_target
from api.query.durations import parse_duration

Durability = Literal["strict", "relaxed"]
SignUpRule = Literal["open", "invite", "closed"]

T = TypeVar("T", covariant=True)
Word = TypeVar("Word", bound=str)

KIB: Final = 2**10
MIB: Final = 2**20
GIB: Final = 2**30

PORT_MAX: Final = 65_535
ADDRESSES_MAX: Final = 16
"""Addresses that one server listens at."""

# What a mail shows as its sender: no control characters, and one address.
_SENDER: Final = re.compile(r"[^<>\x00-\x1f\x7f]*<[^<>@\s]+@[^<>@\s]+>|[^<>@\s]+@[^<>@\s]+")

_UNITS: Final = {
    "": 1, "b": 1, "k": KIB, "kib": KIB, "m": MIB, "mib": MIB, "g": GIB, "gib": GIB,
    "kb": 10**3, "mb": 10**6, "gb": 10**9,
}  # fmt: skip
_SIZE: Final = re.compile(r"(\d{1,18})\s*([a-z]*)", re.ASCII | re.IGNORECASE)
_ADDRESS: Final = re.compile(r"(\[[0-9a-f:.%\w]+\]|[^\[\]:/\s]*):(\d{1,5})", re.ASCII)

# redis-py takes more, and lets them beat what we tell it: time limits, retries, the protocol.
_STORE_OPTIONS: Final = re.compile(r"db|username|password|ssl_\w+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """How a value is read: `allowed` says what it may be, `read` raises ValueError otherwise."""

    allowed: str
    read: Callable[[object], T]


def whole(least: int, most: int) -> Reading[int]:
    """A number."""

    def read(value: object) -> int:
        given = value if _is_number(value) else _text(value)
        return _within(int(given), least, most)

    return Reading(f"a whole number from {least} to {most}", read)


def size(least: int) -> Reading[int]:
    """A number of bytes."""

    def read(value: object) -> int:
        if _is_number(value):
            return _within(value, least)
        found = _SIZE.fullmatch(_text(value))
        if found is None or found[2].lower() not in _UNITS:
            raise ValueError("no size")
        return _within(int(found[1]) * _UNITS[found[2].lower()], least)

    return Reading(f"bytes, or with a unit: 512 MiB; at least {shown_size(least)}", read)


def span(least_s: int) -> Reading[int]:
    """A duration in seconds."""

    def read(value: object) -> int:
        if _is_number(value):
            return _within(value, least_s)
        found = parse_duration(_text(value))
        if found is None:
            raise ValueError("no duration")
        return _within(found.nominal_ms() // 1000, least_s)

    return Reading(f"a duration such as 12h, 1d or 1w; at least {shown_span(least_s)}", read)


def choice(*words: Word) -> Reading[Word]:
    """One of a few words."""

    def read(value: object) -> Word:
        given = _text(value)
        for word in words:
            if word == given:
                return word
        raise ValueError("none of the words")

    return Reading(" or ".join(words), read)


def shown_size(number: int) -> str:
    """A number of bytes in the largest unit that divides it."""
    for unit, name in ((GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if number and number % unit == 0:
            return f"{number // unit} {name}"
    return str(number)


def shown_span(seconds: int) -> str:
    """A duration in the largest unit that divides it."""
    for unit_s, name in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds % unit_s == 0:
            return f"{seconds // unit_s}{name}"
    return f"{seconds}s"


def split_address(address: str) -> tuple[str, int]:
    """Host, without the brackets of IPv6, and port; ValueError when it is no address."""
    found = _ADDRESS.fullmatch(address)
    if found is None or int(found[2]) > PORT_MAX:
        raise ValueError("no address and port")
    return found[1].strip("[]"), int(found[2])


def _read_addresses(value: object) -> str:
    given = value if isinstance(value, list | tuple) else [value]
    addresses = [one.strip() for text in given for one in _text(text).split(",")]
    if not 0 < len(addresses) <= ADDRESSES_MAX:
        raise ValueError("none, or too many")
    for address in addresses:
        split_address(address)
    return ",".join(addresses)


def _read_path(value: object) -> str:
    try:
        return str(Path(_text(value)).expanduser())
    except RuntimeError as error:
        # Nobody knows where this user is at home.
        raise ValueError(error) from error


def _read_origin(value: object) -> str:
    url = urlsplit(_text(value))
    if url.scheme not in {"http", "https"} or not url.hostname or url.username is not None:
        raise ValueError("no origin")
    # `port` raises ValueError when it is none.
    if url.port == 0 or url.path.strip("/") or url.query or url.fragment:
        raise ValueError("more than an origin")
    return f"{url.scheme}://{url.netloc}"


def _read_store_url(value: object) -> str:
    given = _text(value)
    url = urlsplit(given)
    whole_url = url.path if url.scheme == "unix" else url.hostname
    if url.scheme not in {"unix", "redis", "rediss"} or not whole_url or url.port == 0:
        raise ValueError("no address of a store server")
    for name, _ in parse_qsl(url.query, keep_blank_values=True, strict_parsing=bool(url.query)):
        if not _STORE_OPTIONS.fullmatch(name):
            raise ValueError("an option that is ours to choose")
    return given


def _read_mail_url(value: object) -> str:
    given = _text(value)
    url = urlsplit(given)
    if url.scheme not in {"smtp", "smtps", "smtp+plain"} or not url.hostname or url.port == 0:
        raise ValueError("no address of a mail server")
    if url.path.strip("/") or url.query or url.fragment:
        raise ValueError("more than an address")
    return given


def _read_networks(value: object) -> tuple[str, ...]:
    given = value if isinstance(value, list | tuple) else _text(value).split(",")
    return tuple(str(read_network(_text(one))) for one in given)


def _read_sender(value: object) -> str:
    given = _text(value)
    if not _SENDER.fullmatch(given):
        raise ValueError("no address of a sender")
    return given


ADDRESSES: Final = Reading(
    "HOST:PORT; 0.0.0.0 is every address, [::1] the loopback of IPv6, port 0 any that is free;"
    " several with commas",
    _read_addresses,
)
PATH: Final = Reading("a path; ~ is your home", _read_path)
TEXT: Final = Reading("a text", lambda value: _text(value))
ORIGIN: Final = Reading("http:// or https:// with a host and no path", _read_origin)
MAIL_URL: Final = Reading(
    "smtp://USER:PASSWORD@HOST:PORT with STARTTLS, smtps:// with TLS, smtp+plain:// with neither",
    _read_mail_url,
)
SENDER: Final = Reading("an address, or a name and an address in <>", _read_sender)
NETWORKS: Final = Reading("networks such as 10.0.0.0/8, with commas", _read_networks)
STORE_URL: Final = Reading(
    "redis://HOST:PORT, rediss:// with TLS, or unix:///PATH", _read_store_url
)


def _read_master_key(value: object) -> str:
    given = _text(value)
    read_keys(given)
    return given


def _read_yes(value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = _text(value).lower()
    if word not in _WORDS:
        raise ValueError("neither yes nor no")
    return _WORDS[word]


_WORDS: Final = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


def _read_called_url(value: object) -> str:
    return read_target(_text(value)).url


def _read_called(value: object) -> str:
    given = _text(value)
    return given if EMAIL.fullmatch(given) else read_target(given).url


CALLED_URL: Final = Reading("a URL that may be called: see webhook_allow", _read_called_url)
CALLED: Final = Reading("an e-mail address, or the URL of a webhook", _read_called)
MASTER_KEY: Final = Reading(
    "32 bytes as base64 or hexadecimal; several with commas", _read_master_key
)
YES_OR_NO: Final = Reading("yes or no", _read_yes)


def _is_number(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ValueError("no text")
    return value.strip()


def _within(number: int, least: int, most: int = 2**62) -> int:
    if not least <= number <= most:
        raise ValueError("out of bounds")
    return number
