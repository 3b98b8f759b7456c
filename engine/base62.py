"""Numbers as digits and letters, for everything that people copy: `7Gk`. Pure.

Every number has exactly one spelling, and spellings of one length sort like their numbers.
"""

from typing import Final

DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

_VALUES: Final = {digit: value for value, digit in enumerate(DIGITS)}


def base62(number: int, width: int = 1) -> str:
    """The spelling of a number that is not negative, filled with zeros up to `width` digits."""
    assert number >= 0, f"BUG: {number} has no spelling"
    digits = []
    while number:
        number, digit = divmod(number, 62)
        digits.append(DIGITS[digit])
    return "".join(reversed(digits)).rjust(width, "0")


def from_base62(text: str) -> int:
    """The number that is spelled so; ValueError when `text` has anything but digits and letters."""
    number = 0
    for digit in text:
        if digit not in _VALUES:
            raise ValueError(f"{digit!r} is no base-62 digit")
        number = number * 62 + _VALUES[digit]
    return number
