"""Secrets are sealed, and open only with the right key and for the right owner."""

import base64
import stat
from pathlib import Path

import pytest

from api.accounts.vault import Vault, VaultFault, open_vault, read_keys

OLD, NEW = b"o" * 32, b"n" * 32


def test_a_secret_opens_again() -> None:
    vault = Vault([NEW])
    sealed = vault.seal("whsec_x", "ch_1")
    assert b"whsec" not in sealed
    assert vault.open(sealed, "ch_1") == "whsec_x"


def test_the_same_secret_is_sealed_differently_each_time() -> None:
    vault = Vault([NEW])
    assert vault.seal("a", "ch_1") != vault.seal("a", "ch_1")


def test_a_secret_does_not_open_for_another_owner() -> None:
    vault = Vault([NEW])
    with pytest.raises(VaultFault):
        vault.open(vault.seal("a", "ch_1"), "ch_2")


@pytest.mark.parametrize("place", [0, 1, 6, -1])
def test_a_changed_secret_does_not_open(place: int) -> None:
    vault = Vault([NEW])
    sealed = bytearray(vault.seal("a", "ch_1"))
    sealed[place] ^= 1
    with pytest.raises(VaultFault):
        vault.open(bytes(sealed), "ch_1")


def test_after_a_change_of_keys_old_secrets_still_open() -> None:
    sealed = Vault([OLD]).seal("a", "ch_1")
    both = Vault([NEW, OLD])
    assert both.open(sealed, "ch_1") == "a"
    assert not both.is_current(sealed)
    assert both.is_current(both.seal("a", "ch_1"))
    with pytest.raises(VaultFault):
        Vault([NEW]).open(sealed, "ch_1")


def test_a_key_is_made_once_and_only_we_may_read_it(tmp_path: Path) -> None:
    sealed = open_vault(None, tmp_path / "data").seal("a", "ch_1")
    path = tmp_path / "data" / "master.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert open_vault(None, tmp_path / "data").open(sealed, "ch_1") == "a"


def test_half_a_key_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "master.key").write_text("abc")
    with pytest.raises(VaultFault):
        open_vault(None, tmp_path)


def test_a_key_may_be_given(tmp_path: Path) -> None:
    given = f"{NEW.hex()}, {base64.urlsafe_b64encode(OLD).decode()}"
    assert read_keys(given) == [NEW, OLD]
    vault = open_vault(given, tmp_path)
    assert vault.open(Vault([OLD]).seal("a", "x"), "x") == "a"
    assert not (tmp_path / "master.key").exists()


@pytest.mark.parametrize("text", ["", ",", "abc", "zz" * 32, "a" * 44])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_keys(text)
