"""Which addresses may be called: every odd notation, and what the operator may open."""

from ipaddress import ip_address

import pytest

from api.accounts.addresses import read_network
from api.notify.addresses import (
    AddressFault,
    check_target,
    is_denied,
    is_within,
    read_target,
)

DENIED = (
    "0.0.0.1", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254", "168.63.129.16",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1",
    "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.7", "224.0.0.1",
    "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1", "::127.0.0.1",
    "::ffff:169.254.169.254", "::ffff:10.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b::7f00:1",
    "2002:7f00:1::", "2001::1", "2001:db8::1", "fc00::1", "fd12:3456::1", "fe80::1", "fec0::1",
    "ff02::1", "3fff::1", "5f00::1",
)  # fmt: skip

OPEN = (
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
    "172.15.255.255", "172.32.0.0", "192.0.1.1", "223.255.255.255", "2606:4700:4700::1111",
    "2a00:1450::1", "::ffff:8.8.8.8", "64:ff9b::808:808",
)  # fmt: skip


@pytest.mark.parametrize("address", DENIED)
def test_what_is_no_public_address_is_denied(address: str) -> None:
    assert is_denied(ip_address(address))


@pytest.mark.parametrize("address", OPEN)
def test_public_addresses_are_open(address: str) -> None:
    assert not is_denied(ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "http://2130706433", "https://0x7f.1", "https://0177.0.0.1", "https://127.1",
        "https://127.0.0.1.", "https://１２７.0.0.1", "https://127。0。0。1", "https://0x7f000001",
        "https://1.2.3.4.5", "https://[fe80::1%25eth0]", "https://0", "https://08.8.8.8",
    ],
)  # fmt: skip
def test_an_address_in_another_notation_is_refused(url: str) -> None:
    with pytest.raises(AddressFault) as caught:
        read_target(url)
    assert caught.value.code == "webhook_address"


@pytest.mark.parametrize(
    "url",
    [
        "", "hook", "//host/x", "ftp://host/", "file:///etc/passwd", "gopher://host/",
        "https://", "https:///x", "https://user:pw@host/", "https://user@host/", "https://host:0/",
        "https://host:99999/", "https://host:x/", "https://ho st/", "https://host/\n", "https://[::1",
        "https://" + "a" * 64 + ".example/", "https://" + "a." * 200 + "example/",
        "https://host/" + "x" * 3000, "https://host\\@evil/",
    ],
)  # fmt: skip
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(AddressFault) as caught:
        read_target(url)
    assert caught.value.code == "webhook_url"


@pytest.mark.parametrize(
    ("url", "spelled"),
    [
        ("https://Hooks.Example/a?b=c#d", "https://hooks.example/a?b=c"),
        ("https://hooks.example", "https://hooks.example/"),
        ("https://hooks.example:443/x", "https://hooks.example/x"),
        ("https://hooks.example:8443/x", "https://hooks.example:8443/x"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://[2606:4700:0:0::1111]/", "https://[2606:4700::1111]/"),
    ],
)
def test_a_url_is_kept_in_one_spelling(url: str, spelled: str) -> None:
    assert read_target(url).url == spelled


@pytest.mark.parametrize(
    ("url", "address", "allowed", "code"),
    [
        ("https://hooks.example/", "8.8.8.8", "", None),
        ("https://hooks.example:8443/", "8.8.8.8", "", None),
        ("http://hooks.example/", "8.8.8.8", "", "webhook_url"),
        ("https://hooks.example:22/", "8.8.8.8", "", "webhook_url"),
        ("https://hooks.example/", "10.0.0.1", "", "webhook_address"),
        ("http://127.0.0.1/", "127.0.0.1", "", "webhook_address"),
        ("http://127.0.0.1:9000/", "127.0.0.1", "127.0.0.0/8", None),
        ("https://hooks.example/", "10.1.2.3", "127.0.0.0/8, 10.1.0.0/16", None),
        ("https://hooks.example/", "10.2.2.3", "127.0.0.0/8, 10.1.0.0/16", "webhook_address"),
        ("http://hooks.example/", "8.8.8.8", "127.0.0.0/8", "webhook_url"),
        ("http://hooks.example/", "::ffff:10.1.2.3", "10.1.0.0/16", None),
    ],
)
def test_the_operator_opens_networks_and_nothing_else(
    url: str, address: str, allowed: str, code: str | None
) -> None:
    target, found = read_target(url), [ip_address(address)]
    networks = [read_network(one) for one in allowed.split(",") if one]
    if code is None:
        check_target(target, found, networks)
        return
    with pytest.raises(AddressFault) as caught:
        check_target(target, found, networks)
    assert caught.value.code == code


def test_one_denied_address_among_many_is_enough() -> None:
    target = read_target("https://hooks.example/")
    with pytest.raises(AddressFault):
        check_target(target, [ip_address("8.8.8.8"), ip_address("10.0.0.1")])


def test_an_allowed_network_is_one_of_either_version() -> None:
    networks = [read_network("fd00::/8")]
    assert is_within(ip_address("fd12::1"), networks)
    assert not is_within(ip_address("10.0.0.1"), networks)
