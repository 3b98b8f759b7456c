"""Which passwords may be had."""

import pytest

from api.accounts.faults import AccountFault
from api.accounts.passwords import composed, read_password


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "Tr0ub4dor&3x",
        "        8 spaces and words",
        "pässwörter sind überall",
        "密码不要太短了吧朋友",
        "x" + "ab9$" * 3 + "Qm!z",
        "monkey wizard umbrella",
        "test83649261748362901",
        "k" + "Zr7 " * 63 + "qwe",
    ],
)
def test_long_and_uncommon_is_enough(password: str) -> None:
    assert read_password(password, "ann@example.com") == composed(password)


@pytest.mark.parametrize(
    "password",
    [
        "", "1234567", "x" * 257, "password", "Password1!", "P@ssw0rd", "p4ssw0rd99", "12345678",
        "87654321", "qwertyui", "qwerty123", "1qaz2wsx", "aaaaaaaa", "abcabcabc", "abcd1234",
        "letmein2024", "Summer2024!", "!!welcome!!", "iloveyou1", "statflow1", "StatFlow2026",
        "asdfghjkl", "11112222", "20202020",
    ],
)  # fmt: skip
def test_short_and_common_are_refused(password: str) -> None:
    with pytest.raises(AccountFault) as refused:
        read_password(password)
    assert (refused.value.code, refused.value.field) == ("password", "password")


@pytest.mark.parametrize("password", ["ann.miller@example.com", "Miller2024", "millerann99"])
def test_what_is_known_of_the_owner_is_refused(password: str) -> None:
    own = ("ann.miller@example.com", "millerann")
    with pytest.raises(AccountFault):
        read_password(password, *own)


def test_a_letter_and_its_accent_are_one_however_they_are_sent() -> None:
    assert read_password("cafe\u0301 au lait") == read_password("caf\u00e9 au lait")
