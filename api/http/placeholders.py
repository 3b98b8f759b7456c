"""Paths with placeholders, `/v1/stats/{id}/data`, as patterns. Pure."""

import re
from typing import Final

PLACEHOLDER: Final = re.compile(r"\{(\w+)\}", re.ASCII)


def pattern_of(path: str) -> str:
    """A regular expression for a path with placeholders, each a group of its name."""
    parts = PLACEHOLDER.split(path)
    names = parts[1::2]
    plain = map(re.escape, parts[::2])
    groups = [f"(?P<{name}>[A-Za-z0-9_-]+)" for name in names]
    return "".join(part for pair in zip(plain, [*groups, ""], strict=True) for part in pair)
