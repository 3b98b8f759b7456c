"""Points as people and programs write them in lines, made into items of a batch. Pure.

    page.views              one more
    page.views 3            three more; with `--value`, a measured value of 3
    latency 12.5 -5m        at a time; everything after the value is the time
    "our shop" 1            a name with spaces
    {"stat":"orders"}       JSON as `/v1/ingest` takes it

Empty lines and lines that begin with # say nothing.
"""

import json
import math
import re
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from api.cli.errors import CommandError
from api.query.errors import QueryError
from api.query.times import parse_time

Item = dict[str, Any]

ITEMS_MAX: Final = 1_000
"""Items in one batch."""

SHOWN_CHARACTERS: Final = 60
"""Of a bad line."""

_LINE: Final = re.compile(
    r"""(?:"(?P<quoted>(?:[^"\\]|\\.)+)"|(?P<plain>[^\s"]\S*))"""
    r"(?:\s+(?P<value>\S+)(?:\s+(?P<at>.+))?)?"
)


@dataclass(frozen=True, slots=True)
class Writing:
    """How lines are meant: the type of points that do not say one, the zone of bare times."""

    kind: str | None
    zone: ZoneInfo

    def item_of(self, line: str, where: str, now_ms: int) -> Item | None:
        """The item of a line, None when it says nothing; CommandError names `where` it is wrong."""
        text = line.strip()
        if not text or text.startswith("#"):
            return None
        if text.startswith("{"):
            return self._from_json(text, where)
        found = _LINE.fullmatch(text)
        if found is None:
            raise CommandError(
                f"{where}: write STAT, STAT VALUE or a JSON object: {text[:SHOWN_CHARACTERS]}"
            )
        name = found["plain"] or re.sub(r"\\(.)", r"\1", found["quoted"])
        return self.item(name, found["value"], found["at"], where, now_ms)

    def item(self, stat: str, value: str | None, at: str | None, where: str, now_ms: int) -> Item:
        """One point; what is None is left to the server."""
        item: Item = {"stat": stat}
        if value is not None:
            item["value"] = _number(value, where)
        if self.kind is not None:
            item["type"] = self.kind
        if at is not None:
            try:
                item["t"] = parse_time(at, where, now_ms, self.zone)
            except QueryError as error:
                raise CommandError(str(error)) from error
        return item

    def _from_json(self, text: str, where: str) -> Item:
        try:
            said: Item = json.loads(text, parse_constant=_no_number)
        except ValueError as error:
            raise CommandError(
                f"{where}: not valid JSON ({error}): {text[:SHOWN_CHARACTERS]}"
            ) from error
        if self.kind is not None:
            said.setdefault("type", self.kind)
        return said


def _number(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise CommandError(f"{where}: {text[:SHOWN_CHARACTERS]} is not a number")
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is not a number")
