"""Batches that are the text of one before with other numbers in it, read without a decoder. Pure.

Programs that flush what they have counted send the same stats, types and keys in the same order
every time; only values and times differ. Of such a body the text around the numbers is compared,
32 bytes at a time, and the numbers are read as columns: no object is made for any item.

Law: what is read so is what the decoder would have said, to the last bit. Whatever is not plain, or
not the same, is left to the decoder.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from api.http.item import Parsed
from api.http.written_numbers import (
    IN_NUMBER,
    Numbers,
    Runs,
    Text,
    only_one,
    values_of,
    whole_of,
)
from engine.rollup import Ints

BODY_BYTES_MIN: Final = 16 * 1024
"""Shorter bodies are decoded about as soon as they are compared."""

TEMPLATES_MAX: Final = 64
TEXT_BYTES_MAX: Final = 4 * 2**20
"""Templates that are remembered, and how long their texts may be together; each takes some five
times as much memory."""

CREDIT_MAX: Final = 64.0
CREDIT_A_BODY: Final = 1 / 32
"""To make a template costs 1, and as much work as to decode three bodies: whoever never says the
same again is slowed down by a tenth."""

_QUOTE, _COLON, _SPACE = b'": '

# Keys that have numbers are told apart by their last letters: value, t and timestamp.
_OF_VALUES: Final = b"e"
_OF_TIMES: Final = b"tp"

_RUN: Final = 32
"""Bytes that are compared at a time: to fetch them takes as long as to fetch one."""


@dataclass(frozen=True, slots=True)
class BatchTemplate:
    """The pieces of text around the numbers of a body, and what it says besides the numbers.

    A number stands `lead` places behind the colon of number `colon` in the body, and before each
    and after the last comes a piece, `length` bytes long. `run` is what stands at a `place` of a
    `piece`, and `mask` tells which of its bytes count. `value` and `at` are the places of those
    numbers among all.
    """

    said: Parsed
    head: bytes
    size: int
    colons: int
    colon: Ints
    lead: Ints
    length: Ints
    piece: Ints
    place: Ints
    run: Runs
    mask: Runs
    value: Ints
    at: Ints

    def __repr__(self) -> str:
        return f"<BatchTemplate of {len(self.said.names)} items from {self.said.names[0]!r}>"

    @classmethod
    def of(cls, body: bytes, said: Parsed) -> "BatchTemplate | None":
        """The template of a body that was decoded; None when that is not plain enough."""
        if said.ids is not None or said.missing.any() or b"\\" in body:
            return None
        text = Text.of(body)
        colons = text.places(_COLON)
        lead = 1 + (text.octets[colons + 1] == _SPACE)
        # No quote is escaped: what stands behind an odd number of them is inside of a text.
        outside = np.searchsorted(text.places(_QUOTE), colons) % 2 == 0
        colon = (outside & IN_NUMBER[text.octets[colons + lead]]).nonzero()[0]
        begin = (colons + lead)[colon]
        others = (~IN_NUMBER[text.octets]).nonzero()[0]
        end = others[np.searchsorted(others, begin)]
        keys = text.octets[colons[colon] - 2]
        value, at = (np.isin(keys, list(last)).nonzero()[0] for last in (_OF_VALUES, _OF_TIMES))
        # Times that are texts would stand in the pieces.
        timed = said.at is not None or said.ts is not None or said.timestamps is not None
        if timed != bool(len(at)) or not _one_each(len(said.names), len(colon), value, at):
            return None
        first = np.append(text.begin, end)
        length = np.append(begin, text.end) - first
        piece, place, mask = _cut(length)
        return cls(
            replace(said, at=None, ts=None, timestamps=None), body[: length[0]], len(body),
            len(colons), colon, lead[colon], length, piece, place,
            text.runs(_RUN, first[piece] + place) & mask, mask, value, at,
        )  # fmt: skip

    def read(self, text: Text, colons: Ints) -> Parsed | None:
        """What a body says that is the same but for its numbers; None when it is not.

        `colons` are those of the body, as many as those of the template.
        """
        begin = colons[self.colon] + self.lead
        first = np.empty(len(self.length), np.int64)
        first[0] = text.begin
        first[1:-1] = begin[1:] - self.length[1:-1]
        first[-1] = text.end - self.length[-1]
        numbers = Numbers(begin, first[1:] - begin)
        if begin[0] != text.begin + self.length[0] or numbers.width.min() < 1:
            return None
        place = first[self.piece]
        place += self.place
        runs = text.runs(_RUN, place)
        runs &= self.mask
        if (runs != self.run).any():
            return None
        values = values_of(text, numbers.take(self.value))
        times = _times_of(text, numbers.take(self.at)) if len(self.at) else None
        if values is None or (times is None and len(self.at)):
            return None
        return replace(self.said, value=values, at=times, refused=[])


class BatchTemplates:
    """The templates of the last bodies, those that were used last first."""

    def __init__(self) -> None:
        self._kept: list[BatchTemplate] = []
        self._seen: dict[tuple[str, int], list[str]] = {}
        self._credit = CREDIT_MAX

    def __repr__(self) -> str:
        return f"<BatchTemplates {len(self._kept)} kept>"

    def read(self, body: bytes) -> Parsed | None:
        """What a body says, if it has a template."""
        if len(body) < BODY_BYTES_MIN or not self._kept:
            return None
        text = Text.of(body)
        colons = text.places(_COLON)
        for place, template in enumerate(self._kept):
            if template.colons == len(colons) and body.startswith(template.head):
                found = template.read(text, colons)
                if found is not None and place:
                    self._kept.insert(0, self._kept.pop(place))
                return found
        return None

    def learn(self, body: bytes, said: Parsed) -> None:
        """Take note of what a body was decoded to: if it says the same as one before, keep it."""
        if len(body) < BODY_BYTES_MIN:
            return
        self._credit = min(CREDIT_MAX, self._credit + CREDIT_A_BODY)
        key = said.names[0], len(said.names)
        if self._seen.get(key) != said.names:
            if len(self._seen) >= TEMPLATES_MAX:
                del self._seen[next(iter(self._seen))]
            self._seen[key] = said.names
        elif self._credit >= 1:
            self._credit -= 1
            template = BatchTemplate.of(body, said)
            if template is not None:
                self._keep(template)

    def _keep(self, template: BatchTemplate) -> None:
        place = template.colons, template.head
        others = [one for one in self._kept if (one.colons, one.head) != place]
        self._kept = [template, *others[: TEMPLATES_MAX - 1]]
        while len(self._kept) > 1 and sum(one.size for one in self._kept) > TEXT_BYTES_MAX:
            self._kept.pop()


def _one_each(items: int, numbers: int, value: Ints, at: Ints) -> bool:
    """Whether every item has a value, and either none has a time or each has one."""
    places = np.arange(items)
    if not len(at):
        return numbers == len(value) == items
    if not numbers == len(value) + len(at) == 2 * len(value) == 2 * items:
        return False
    return bool((value // 2 == places).all() and (at // 2 == places).all())


def _times_of(text: Text, numbers: Numbers) -> Ints | None:
    # Programs that flush what they have counted say one time of all.
    one = only_one(text, numbers)
    return whole_of(text, numbers) if one is None else np.full(len(numbers.begin), one)


def _cut(length: Ints) -> tuple[Ints, Ints, Runs]:
    """Pieces in runs: of which piece each is, where in it, and which of its bytes count."""
    runs = -(-length // _RUN)
    piece = np.repeat(np.arange(len(length)), runs)
    place = _RUN * (np.arange(len(piece)) - np.repeat(np.cumsum(runs) - runs, runs))
    size = length[piece]
    # The last run of a piece ends with it, and says again some of what the one before said.
    place = np.where(size >= _RUN, np.minimum(place, size - _RUN), place)
    counts = np.where(np.arange(_RUN) < size[:, None], np.uint8(255), np.uint8(0))
    return piece, place, counts.view(np.uint64)
