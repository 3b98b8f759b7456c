"""Which requests are answered on the lane, by method and path. Pure.

Law: a placeholder (`GET /v1/stats/{id}/data`) stands for letters, digits, `_` and `-`; a path that
needs other characters, or an escaped one, is left to the server behind.
"""

import re
from collections.abc import Mapping
from typing import Generic, TypeVar

from api.http.placeholders import pattern_of

H = TypeVar("H")


class Routes(Generic[H]):
    """Handlers by what they answer; `starts` are the beginnings of all of it."""

    def __init__(self, handlers: Mapping[bytes, H]) -> None:
        self._exact = {place: one for place, one in handlers.items() if b"{" not in place}
        self._patterns = [
            (re.compile(pattern_of(place.decode()).encode()), one)
            for place, one in handlers.items()
            if b"{" in place
        ]
        self.starts = tuple(place.partition(b"{")[0] for place in handlers)

    def __repr__(self) -> str:
        return f"<Routes {len(self._exact)} exact, {len(self._patterns)} with placeholders>"

    def __contains__(self, asked: object) -> bool:
        return isinstance(asked, bytes) and self.find(asked) is not None

    def __len__(self) -> int:
        return len(self.starts)

    def find(self, asked: bytes) -> H | None:
        """What answers this method and path."""
        found = self._exact.get(asked)
        if found is not None:
            return found
        matching = (one for pattern, one in self._patterns if pattern.fullmatch(asked))
        return next(matching, None)
