"""Which codings of a body a client understands. Pure."""

import re
from typing import Final

from api.http.messages import RawRequest

CODINGS: Final = ("br", "gzip")
"""Those that are ever sent, the best first."""

NAMES: Final = {"br": {"br"}, "gzip": {"gzip", "x-gzip", "*"}}

_PART: Final = re.compile(r"(?P<name>[a-z*-]+)(?:\s*;\s*q=(?!0(?:\.0*)?$)[0-9.]+)?")


def takes(request: RawRequest, coding: str) -> bool:
    """Whether the client says that it understands a coding."""
    given = b",".join(request.all(b"accept-encoding")).decode("latin1").lower()
    found = (_PART.fullmatch(part.strip()) for part in given.split(","))
    return any(part is not None and part["name"] in NAMES[coding] for part in found)
