"""What an earlier release has kept of people, boards and alerts is read by this one."""

import json
from pathlib import Path

import pytest

from tests.stored.specimens import FIXTURES, FORMS, read

SPECIMENS = sorted(FIXTURES.glob("*.json"))


def misses(held: object, found: object, where: str = "") -> list[str]:
    """Where something that was held is not found; fields may have been added."""
    if isinstance(held, dict) and isinstance(found, dict):
        return [
            fault
            for name, value in held.items()
            for fault in misses(value, found.get(name, "nothing"), f"{where}.{name}")
        ]
    if isinstance(held, list) and isinstance(found, list) and len(held) == len(found):
        pairs = enumerate(zip(held, found, strict=True))
        return [fault for at, (old, new) in pairs for fault in misses(old, new, f"{where}[{at}]")]
    return [] if repr(held) == repr(found) else [f"{where}: {held!r} is read as {found!r}"]


@pytest.mark.parametrize("path", SPECIMENS, ids=lambda path: path.stem)
def test_it_is_still_read(path: Path) -> None:
    specimen = json.loads(path.read_text())
    assert misses(specimen["holds"], read(path.stem, bytes.fromhex(specimen["bytes"]))) == []


def test_every_kind_has_a_specimen() -> None:
    assert FORMS.keys() <= {path.stem for path in SPECIMENS}, "run python -m tests.stored.specimens"


def test_what_is_missed_is_said() -> None:
    held = {"a": [{"b": 1}], "c": 1.0}
    assert misses(held, {"a": [{"b": 1, "new": 2}], "c": 1.0, "new": 3}) == []
    assert misses(held, {"a": [{"b": 2}], "c": 1}) == [
        ".a[0].b: 1 is read as 2", ".c: 1.0 is read as 1",
    ]  # fmt: skip
    assert misses([1], []) == [": [1] is read as []"]
