"""What an earlier release has stored is read by this one, to the last bit."""

from pathlib import Path

import msgspec
import pytest

from storage.codec.frame import VERSION
from tests.storage.specimens import FIXTURES, made, read

SPECIMENS = sorted(FIXTURES.glob("v*.json"))


@pytest.mark.parametrize("path", SPECIMENS, ids=lambda path: path.stem)
def test_it_is_still_read(path: Path) -> None:
    specimen = msgspec.json.decode(path.read_bytes())
    name = path.stem.partition("-")[2]
    found = msgspec.json.decode(msgspec.json.encode(read(name, bytes.fromhex(specimen["bytes"]))))
    assert repr(found) == repr(specimen["holds"])


def test_todays_formats_have_specimens() -> None:
    wanted = {f"v{VERSION}-{name}" for name in made()}
    assert wanted <= {path.stem for path in SPECIMENS}, "run python -m tests.storage.specimens"
