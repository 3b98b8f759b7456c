"""Which addresses may be called from here. Pure.

Law: an own deny list, because what Python takes for private differs by version and misses much; an
address that carries a v4 address inside is judged by that one. The operator opens whole networks
(`webhook_allow`), and only inside them plain http and any port.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)
from typing import Final
from urllib.parse import SplitResult, urlsplit

import idna

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

URL_LENGTH_MAX: Final = 2_048
HOST_LENGTH_MAX: Final = 253
PUBLIC_PORTS: Final = frozenset({443, 8443})
EMAIL: Final = re.compile(r"[^\s@<>\"',;:\\()\[\]]{1,64}@[A-Za-z0-9.\-]{1,253}", re.ASCII)
DEFAULT_PORTS: Final = {"http": 80, "https": 443}

DENIED_V4: Final = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32",
            "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
            "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
            "224.0.0.0/4", "240.0.0.0/4",
        ),
    )
)  # fmt: skip

PUBLIC_V6: Final = IPv6Network("2000::/3")
DENIED_V6: Final = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
NAT64: Final = IPv6Network("64:ff9b::/96")


class AddressFault(ValueError):
    """A target that must not be called; `code` is that of the problem."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that is well formed: its host in ASCII, and the address if the host is one."""

    url: str
    scheme: str
    host: str
    port: int
    literal: Address | None = None

    @property
    def ordinary(self) -> bool:
        """Whether it is https on a port that the public may use."""
        return self.scheme == "https" and self.port in PUBLIC_PORTS


def read_target(url: str) -> Target:
    """The target of a URL; AddressFault says what is wrong with its form."""
    if not 0 < len(url) <= URL_LENGTH_MAX or not url.isprintable() or " " in url or "\\" in url:
        raise _form(f"1 to {URL_LENGTH_MAX} printable characters without spaces")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _form("this is no URL") from None
    if parts.scheme not in DEFAULT_PORTS or not host:
        raise _form("https:// with a host")
    if parts.username is not None or parts.password is not None:
        raise _form("no user name or password in the URL; the secret signs the messages")
    if port == 0:
        raise _form("0 is no port")
    port = port or DEFAULT_PORTS[parts.scheme]
    host, literal = _read_host(host, bracketed="[" in parts.netloc)
    return Target(_spelled(parts, host, port), parts.scheme, host, port, literal)


def check_target(
    target: Target, addresses: Sequence[Address], allowed: Sequence[Network] = ()
) -> None:
    """AddressFault unless all that the host resolves to may be called this way."""
    for address in addresses:
        if is_denied(address) and not is_within(address, allowed):
            raise AddressFault(
                "webhook_address",
                f"{target.host} is not a public address; whoever runs the server can allow its"
                " network: STATFLOW_WEBHOOK_ALLOW",
            )
    opened = bool(addresses) and all(is_within(address, allowed) for address in addresses)
    if target.ordinary or opened:
        return
    if target.scheme != "https":
        raise _form("https only, unless whoever runs the server allows the network")
    ports = ", ".join(map(str, sorted(PUBLIC_PORTS)))
    raise _form(f"port {target.port} is closed; open are {ports}")


def is_denied(address: Address) -> bool:
    """Whether an address is none of the public Internet."""
    inner = _unwrapped(address)
    if isinstance(inner, IPv4Address):
        return any(inner in network for network in DENIED_V4)
    return inner not in PUBLIC_V6 or any(inner in network for network in DENIED_V6)


def is_within(address: Address, networks: Sequence[Network]) -> bool:
    """Whether an address, or the v4 address inside it, lies in one of the networks."""
    inner = _unwrapped(address)
    return any(
        one in network for network in networks for one in (address, inner)
        if one.version == network.version
    )  # fmt: skip


# By the rule of browsers, a name whose last label is a number is an address, however it is spelled.
_NUMBER: Final = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")


def _read_host(host: str, *, bracketed: bool) -> tuple[str, Address | None]:
    """The host as it is called, and its address when it is one in its usual spelling."""
    if bracketed:
        if "%" in host:
            raise _odd(host)
        address: Address = IPv6Address(host)
        return f"[{address.compressed}]", address
    # Full-width digits and dots resolve like plain ones.
    plain = unicodedata.normalize("NFKC", host).replace("。", ".").removesuffix(".")
    if _NUMBER.fullmatch(plain.rpartition(".")[2]):
        try:
            address = ip_address(plain)
        except ValueError:
            raise _odd(host) from None
        if plain != host:
            raise _odd(host)
        return host, address
    try:
        name = idna.encode(plain, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        raise _form("this is no name of a host") from None
    if not 0 < len(name) <= HOST_LENGTH_MAX:
        raise _form("this is no name of a host")
    return name, None


def _unwrapped(address: Address) -> Address:
    """The v4 address that a v6 address stands for, if it does."""
    if isinstance(address, IPv6Address):
        if address in NAT64:
            return IPv4Address(int(address) & 0xFFFF_FFFF)
        return address.ipv4_mapped or address.sixtofour or address
    return address


def _spelled(parts: SplitResult, host: str, port: int) -> str:
    default = port == DEFAULT_PORTS[parts.scheme]
    place = host if default else f"{host}:{port}"
    return parts._replace(netloc=place, path=parts.path or "/", fragment="").geturl()


def _form(text: str) -> AddressFault:
    return AddressFault("webhook_url", text)


def _odd(host: str) -> AddressFault:
    return AddressFault("webhook_address", f"write the address {host!r} in its usual form")
