"""What the documents show runs as shown."""

import re
import subprocess
import sys
from pathlib import Path

from api.settings import SETTINGS

ROOT = Path(__file__).parents[1]


def test_the_engine_is_a_library_of_ten_lines() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.stdout == "[2] [3.]\n", result.stderr


def test_the_readme_names_every_setting() -> None:
    page = (ROOT / "README.md").read_text()
    table = page.partition("| setting |")[2].partition("\n\n")[0]
    rows = [row.split("|")[1] for row in table.splitlines()[2:]]
    named = {name for row in rows for name in re.findall(r"`([a-z_]+)`", row)}
    assert named == set(SETTINGS)
