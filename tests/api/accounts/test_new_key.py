"""Making keys: what may be asked for, and how many an account may have."""

import random
from functools import partial

import pytest
from trio.testing import MockClock

from api.accounts.keyring import Keyring
from api.accounts.new_key import KeyFault
from engine.clock import TrioClock
from storage.catalog import OWNER, TooManyKeys
from storage.memory_catalog import MemoryCatalog

START_MS = 1_795_302_000_000


@pytest.fixture
def keyring() -> Keyring:
    return Keyring(MemoryCatalog(), TrioClock(START_MS), random.Random(1))


async def test_what_may_be_asked_for(keyring: Keyring) -> None:
    made = await keyring.create(OWNER, " nightly  build ", ["admin", "read"], prefix="")
    assert (made.record.name, made.record.scopes) == ("nightly  build", ("read", "admin"))
    assert made.record.prefix is None
    assert made.secret not in repr(made)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": "a" * 256}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["fly"]}, "scopes"),
        ({"scopes": ["read", "Write"]}, "scopes"),
        ({"prefix": "a" * 256}, "prefix"),
        ({"prefix": "web. "}, "prefix"),
        ({"prefix": "\u202e"}, "prefix"),
        ({"prefix": "web.", "scopes": ["admin"]}, "prefix"),
        ({"expires_ms": START_MS}, "expires"),
        ({"allow_from": ["10.0.0.0/33"]}, "allow_from"),
        ({"allow_from": ["example.com"]}, "allow_from"),
        ({"allow_from": ["10.0.0.1"] * 51}, "allow_from"),
    ],
)
async def test_what_may_not_be_asked_for(
    keyring: Keyring, autojump_clock: MockClock, wrong: dict[str, object], field: str
) -> None:
    wanted = {"account": OWNER, "name": "ci", "scopes": ["read"], **wrong}
    with pytest.raises(KeyFault) as fault:
        await partial(keyring.create, **wanted)()  # type: ignore[arg-type]
    assert fault.value.field == field
    assert fault.value.code == "field_invalid"


async def test_networks_are_kept_whole_and_once(keyring: Keyring) -> None:
    given = ["10.1.2.3/16", "10.1.0.0/16", "192.0.2.1", "2001:db8::1/32"]
    made = await keyring.create(OWNER, "ci", ["read"], allow_from=given)
    assert made.record.allow_from == ("10.1.0.0/16", "192.0.2.1/32", "2001:db8::/32")
    identity = await keyring.identify(made.secret)
    assert identity is not None
    assert [identity.may_come_from(one) for one in ("10.1.9.9", "192.0.2.1")] == [True, True]
    assert [identity.may_come_from(one) for one in ("10.2.0.1", "::1", "")] == [False] * 3
    anywhere = await keyring.identify((await keyring.create(OWNER, "ci", ["read"])).secret)
    assert anywhere is not None
    assert anywhere.may_come_from("10.2.0.1")


class StutteringChooser:
    """Draws the same id twice."""

    def __init__(self) -> None:
        self.drawn = -1

    def choice(self, seq: str) -> str:
        self.drawn += 1
        id_again = self.drawn % 40 < 8 and self.drawn < 80
        return seq[0] if id_again else seq[self.drawn % len(seq)]


async def test_a_key_id_that_is_taken_is_drawn_again() -> None:
    keyring = Keyring(MemoryCatalog(), TrioClock(START_MS), StutteringChooser())
    first = await keyring.create(OWNER, "ci", ["read"])
    second = await keyring.create(OWNER, "ci", ["read"])
    assert first.record.id == "00000000"
    assert second.record.id != first.record.id


async def test_an_account_has_so_many_keys(
    keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.memory_catalog.ACCOUNT_KEYS_MAX", 2)
    await keyring.create(OWNER, "one", ["read"])
    await keyring.create(OWNER, "two", ["read"])
    with pytest.raises(TooManyKeys):
        await keyring.create(OWNER, "three", ["read"])
