"""Addresses of people."""

import pytest

from api.accounts.emails import mailbox_of, read_email
from api.accounts.faults import AccountFault


def test_an_address_is_kept_in_lower_case() -> None:
    assert read_email(" Ann.Miller+stats@Example.COM ") == "ann.miller+stats@example.com"
    assert read_email("root@localhost") == "root@localhost"


@pytest.mark.parametrize(
    "given",
    [
        "", "ann", "@example.com", "ann@", "ann@@example.com", "ann@exa mple.com",
        "a@b.c\r\nBcc: x@y", "a\n@b.c", "ann@example..com", ".ann@example.com", "ann@-x.com",
        "Ann <ann@example.com>", "ann@example.com,bob@example.com", "a" * 65 + "@example.com",
        "a@" + ".".join(["b" * 60] * 5), "ann\x00@example.com", "ann@exämple.com",
    ],
)  # fmt: skip
def test_what_is_none(given: str) -> None:
    with pytest.raises(AccountFault) as refused:
        read_email(given)
    assert refused.value.code == "email"


@pytest.mark.parametrize(
    "email", ["annmiller@x.org", "ann.miller@x.org", "a.n.n.miller+1@x.org", "annmiller+a+b@x.org"]
)
def test_addresses_of_one_mailbox(email: str) -> None:
    assert mailbox_of(email) == "annmiller@x.org"
