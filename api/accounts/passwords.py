"""Which passwords may be had: long enough, and not what everybody tries first. Pure.

Law: no rule about what must be in a password; any text is one, and none is cut. The list is one of
words, not of passwords: a word counts with whatever digits and signs people put around it and
in the place of letters, so a few hundred stand for some hundred thousand passwords.
"""

import re
import unicodedata
from string import ascii_lowercase
from typing import Final

from api.accounts.faults import AccountFault

PASSWORD_LENGTH_MIN: Final = 8
PASSWORD_LENGTH_MAX: Final = 256
"""Characters, after composition."""

_COMMON: Final = """
abc abcd abcde abcdef abcdefg abcdefgh access account admin administrator adobe alexander amanda
america andrea andrew angel angels anthony apple april arsenal asdf asdfg asdfgh asdfghjkl asdfjkl
ashley august austin azerty babygirl bailey banana barcelona barney baseball basketball batman
beautiful bigdaddy blahblah blessed brandon brooklyn buster butterfly carlos changeme charlie
cheese chelsea chicken chocolate chris computer cookie corvette cowboy dallas daniel danielle
december default demo diamond dragon eagles elizabeth eminem enter example family february ferrari
flower football freedom friday gandalf genesis george ginger google guest hannah harley hello
helloworld hockey hunter iloveu iloveyou internet jackson january jasmine jennifer jessica jesus
jonathan jordan joseph joshua july june justin killer kitty knight ladybug lakers letmein
liverpool login london lovely loveyou maggie manager march marina martin master matrix matthew
maverick melissa mercedes merlin metallica michael michelle mickey monday money monitor monkey
monster mustang myspace naruto nicole nintendo november october oliver orange pass passw passwd
password passwort pepper phoenix pokemon princess private purple qazwsx qazwsxedc qwert qwerty
qwertyuiop qwertz rainbow ranger raspberry robert root samantha samsung saturday secret september
server service shadow slipknot smokey snoopy soccer soleil sophie spiderman spring starwars
steelers stefan student summer sunday sunshine superman superuser support sysadmin system tennis
test tester testing thomas thunder tigger trinity trustno unknown user vanessa victoria warrior
welcome whatever william winner winter wizard xsw yankees yellow zaq zaqxsw zxcvbn zxcvbnm
"""

WORDS: Final = frozenset(_COMMON.split())

PRODUCT_WORDS: Final = frozenset({"statflow", "stathat", "statistics", "stats", "metrics"})

DECORATION_MAX: Final = 8
"""Characters around and within a common word that do not make a password of it."""

DISTINCT_MIN: Final = 4
"""Characters of which a password is made, at least."""

OWN_LENGTH_MIN: Final = 4
"""Shorter parts of somebody's own name or address say nothing."""

ROWS: Final = (
    "01234567890", ascii_lowercase, "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop",
    "azertyuiop", "1qaz2wsx3edc4rfv5tgb6yhn7ujm", "qazwsxedcrfvtgbyhnujm", "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0", "147258369", "159357", "741852963", "987654321", "aabbccddeeffgg",
    "112233445566778899", "123321", "13579", "24680",
)  # fmt: skip

_LEET: Final = str.maketrans("013457@$!|", "oieastasil")
_AROUND: Final = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_REPEATED: Final = re.compile(r"(.{1,6}?)\1+.{0,3}", re.DOTALL)

COMMON: Final = "one that others do not think of: this is among the first that are tried"


def read_password(given: str, *own: str, field: str = "password") -> str:
    """The password as it is hashed; AccountFault when it may not be had.

    `own` is what is known of its owner, such as the address.
    """
    password = composed(given)
    if not PASSWORD_LENGTH_MIN <= len(password) <= PASSWORD_LENGTH_MAX:
        text = f"{PASSWORD_LENGTH_MIN} to {PASSWORD_LENGTH_MAX} characters"
        raise AccountFault("password", text, field)
    if is_common(password) or _is_own(password, own):
        raise AccountFault("password", COMMON, field)
    return password


def composed(given: str) -> str:
    """The same text, in whichever of its forms a keyboard sent it."""
    return unicodedata.normalize("NFC", given)


def is_common(password: str) -> bool:
    """Whether it is a common word with decoration, a run of keys, or a repetition."""
    lower = password.lower()
    if len(set(lower)) < DISTINCT_MIN or _REPEATED.fullmatch(lower) or _is_run(lower):
        return True
    return any(
        (word in WORDS or word in PRODUCT_WORDS) and len(lower) - len(word) <= DECORATION_MAX
        for word in _cores(lower)
    )


def _cores(lower: str) -> set[str]:
    """The words that a password may be the decoration of."""
    bare = _AROUND.sub("", lower)
    plain = {bare, bare.translate(_LEET), _AROUND.sub("", lower.translate(_LEET))}
    return plain | {re.sub(r"[\W\d_]+", "", word) for word in plain}


def _is_run(lower: str) -> bool:
    """Whether it is made of at most two runs along the rows of a keyboard, each way."""
    rows = [*ROWS, *(row[::-1] for row in ROWS)]
    ends = {0}
    for _ in range(2):
        ends = {
            end
            for start in ends
            for row in rows
            for end in range(start + 1, len(lower) + 1)
            if lower[start:end] in row and (end - start >= 3 or end == len(lower))
        }
        if len(lower) in ends:
            return True
    return False


def _is_own(password: str, own: tuple[str, ...]) -> bool:
    """Whether it is its owner's address or name, or a part of it with decoration."""
    cores = {password.lower(), *_cores(password.lower())}
    parts = {part for text in own for part in (text.lower(), *re.split(r"[\W_]+", text.lower()))}
    return any(part in cores for part in parts if len(part) >= OWN_LENGTH_MIN)
