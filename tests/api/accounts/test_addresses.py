"""Where a request comes from."""

import pytest

from api.accounts.addresses import (
    client_address,
    is_loopback,
    is_within,
    read_address,
    read_network,
    shown_of,
    site_of,
)

PROXIES = [read_network("10.0.0.0/8"), read_network("127.0.0.1"), read_network("fd00::/8")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", [b"198.51.100.1"], "203.0.113.9"),  # row 75: made up by the client
        ("10.0.0.1", [b"198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", [b"1.2.3.4, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", [b"1.2.3.4", b"198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", [b"10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", [b"unknown"], "10.0.0.1"),
        ("10.0.0.1", [b""], "10.0.0.1"),
        ("10.0.0.1", [b"198.51.100.1:4711"], "198.51.100.1"),
        ("fd00::1", [b"[2001:db8::7]:4711"], "2001:db8::7"),
        ("::ffff:10.0.0.1", [b"2001:db8::7"], "2001:db8::7"),
        ("10.0.0.1", [b"1.1.1.1," * 5000 + b"198.51.100.1"], "198.51.100.1"),
        ("", [b"198.51.100.1"], ""),
    ],
)
def test_the_client_behind_trusted_proxies(peer: str, forwarded: list[bytes], client: str) -> None:
    assert client_address(peer, forwarded, PROXIES) == client


def test_nobody_is_trusted_unless_named() -> None:
    assert client_address("127.0.0.1", [b"198.51.100.1"], []) == "127.0.0.1"


def test_networks() -> None:
    here = read_address("10.9.8.7")
    assert is_within(here, PROXIES)
    assert not is_within(read_address("11.0.0.1"), PROXIES)
    assert not is_within(read_address("elsewhere"), PROXIES)
    assert is_within(read_address("::ffff:10.1.1.1"), PROXIES)
    with pytest.raises(ValueError, match="does not appear"):
        read_network("10.0.0.0/33")


def test_a_subscriber_of_ipv6_counts_as_one() -> None:
    assert site_of("2001:db8:1:2:3::4") == site_of("2001:db8:1:2:9::9") == "2001:db8:1:2::/64"
    assert site_of("203.0.113.9") == "203.0.113.9"
    assert site_of("somewhere") == "somewhere"


def test_addresses_are_shown_without_their_end() -> None:
    assert shown_of("203.0.113.9") == "203.0.113.0/24"
    assert shown_of("2001:db8:1:2:3::4") == "2001:db8:1::/48"


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("", False),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("stats.example", False),
    ],
)
def test_what_only_this_machine_reaches(host: str, loopback: bool) -> None:
    assert is_loopback(host) == loopback
