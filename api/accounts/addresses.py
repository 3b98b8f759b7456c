"""Where a request comes from: through proxies that are trusted, and from which networks. Pure.

Law: of `X-Forwarded-For` only what a trusted proxy wrote counts, read from the right: the first
address that is no trusted proxy is the client. Whatever stands to the left of it, anybody may have
made up.
"""

from collections.abc import Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

HOPS_MAX: Final = 32
"""Addresses of one header that are looked at."""

V6_SITE_BITS: Final = 64
"""One subscriber has at least so many addresses; they count as one."""

V4_SHOWN_BITS: Final = 24
V6_SHOWN_BITS: Final = 48
"""What is kept of an address, so that people recognise theirs and nobody else is found by it."""


def client_address(peer: str, forwarded: Sequence[bytes], trusted: Sequence[Network]) -> str:
    """The client of a request, as far as it can be known.

    `forwarded` are the values of `X-Forwarded-For`, in order.
    """
    hops = b",".join(forwarded).decode("latin1").split(",")[-HOPS_MAX:] if forwarded else []
    client = read_address(peer)
    if client is None:
        return peer
    while hops and is_within(client, trusted):
        hop = read_address(hops.pop())
        if hop is None:
            break
        client = hop
    return str(client)


def read_address(text: str) -> Address | None:
    """An address, with or without a port or brackets around it; None when it is none."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def read_network(text: str) -> Network:
    """A network such as 10.1.0.0/16, or a single address; ValueError when it is neither."""
    return ip_network(text.strip(), strict=False)


def is_within(address: Address | None, networks: Sequence[Network]) -> bool:
    """Whether an address lies in one of the networks."""
    return address is not None and any(
        address.version == network.version and address in network for network in networks
    )


def site_of(client: str) -> str:
    """Whose requests are counted together: an address, or the network of a subscriber."""
    return _cut(client, 32, V6_SITE_BITS)


def shown_of(client: str) -> str:
    """What is kept and shown of an address."""
    return _cut(client, V4_SHOWN_BITS, V6_SHOWN_BITS)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a host that a server listens at."""
    address = read_address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _cut(client: str, v4_bits: int, v6_bits: int) -> str:
    address = read_address(client)
    if address is None:
        return client
    bits = v4_bits if address.version == 4 else v6_bits
    if bits == address.max_prefixlen:
        return str(address)
    return str(ip_network((address, bits), strict=False))
