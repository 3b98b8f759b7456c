"""What names a request in logs and answers: 16 hexadecimal digits that nobody can foresee."""

import secrets
from collections.abc import Iterator
from typing import Final

ID_LENGTH: Final = 16

IDS_DRAWN: Final = 512
"""Drawn at a time: asking the kernel costs as much as everything else about an id."""


def new_request_id() -> str:
    """An id that no other request has."""
    return next(_ids)


def _drawn() -> Iterator[str]:
    while True:
        block = secrets.token_hex(IDS_DRAWN * ID_LENGTH // 2)
        for at in range(0, len(block), ID_LENGTH):
            yield block[at : at + ID_LENGTH]


_ids: Final = _drawn()
