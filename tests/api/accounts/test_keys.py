"""API keys as text."""

import random
from hashlib import sha256

import pytest

from api.accounts.keys import (
    KEY_LENGTH,
    KEY_SHAPE,
    Identity,
    Scope,
    known_scopes,
    new_secret,
    read_key,
)

SECRET = "sf_qZkvkSoat9m0yPHVPlkBDttcf2QRIxNhwajgjGJ449D85V"


def test_a_new_key_has_the_shape_and_can_be_read() -> None:
    secret = new_secret(random.Random(1))
    assert len(secret) == KEY_LENGTH
    assert KEY_SHAPE.fullmatch(secret)
    assert read_key(secret) is not None
    assert new_secret(random.Random(2)) != secret


def test_what_is_kept_of_a_key() -> None:
    key = read_key(SECRET)
    assert key is not None
    assert (key.id, key.last4) == ("qZkvkSoa", "D85V")
    assert key.digest == sha256(SECRET.encode()).digest()


@pytest.mark.parametrize("place", range(3, KEY_LENGTH))
def test_every_mistyped_character_is_seen(place: int) -> None:
    other = "x" if SECRET[place] != "x" else "y"
    assert read_key(SECRET[:place] + other + SECRET[place + 1 :]) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sf_typo",
        SECRET[:-1],
        SECRET + "0",
        SECRET + "\n",
        " " + SECRET,
        SECRET.replace("sf_", "SF_"),
        SECRET.replace("q", "é"),
        SECRET.replace("9", "٩"),
        "x" * 8192,
    ],
)
def test_what_is_no_key(text: str) -> None:
    assert read_key(text) is None


def identity(*scopes: Scope, prefix: str | None = None) -> Identity:
    return Identity(1, "qZkvkSoa", frozenset(scopes), prefix)


def test_a_scope_allows_what_it_says() -> None:
    assert identity("read").may("read")
    assert not identity("read").may("write")
    assert not identity("read", "write").may("admin")


def test_admin_contains_the_others() -> None:
    assert identity("admin").may("read")
    assert identity("admin").may("write")


def test_a_prefix_limits_the_names() -> None:
    assert identity("write").may_touch("anything")
    assert identity("write", prefix="web.").may_touch("web.views")
    assert not identity("write", prefix="web.").may_touch("webviews")


def test_scopes_of_later_versions_give_nothing() -> None:
    assert known_scopes(["read", "fly"]) == {"read"}


def test_an_identity_shows_no_digest() -> None:
    assert "digest" not in repr(Identity(1, "qZkvkSoa", frozenset(), None, b"digest"))
