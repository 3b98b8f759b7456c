"""What operators are told is true: every alarm, every 503, every warning, every file."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from api.http.exposition import HELP
from api.http.problems import TABLE
from api.settings import SETTINGS
from storage.server.settings import CHECKED, wrong_settings
from tests.source_tree import ROOT

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
DEPLOY = ROOT / "deploy"


def rows(heading: str) -> list[str]:
    """The first cells of the tables below a heading."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return [line.split("|")[1].strip() for line in section.splitlines() if line.startswith("|")]


def test_every_503_has_a_remedy() -> None:
    codes = {code for code, (status, _) in TABLE.items() if status == 503}
    assert {cell.strip("`") for cell in rows("Answers of 503")[2:]} == codes
    for code in (code for code, (status, _) in TABLE.items() if status == 500):
        assert f"`{code}`" in PAGE


def test_every_warning_has_a_remedy() -> None:
    told = [cell.strip("`") for cell in rows("Warnings of /readyz")[2:]]
    source = "".join(
        (ROOT / name).read_text(encoding="utf-8")
        for name in ("api/http/routes/ops.py", "api/serve.py")
    )
    given = re.findall(r'warnings\.append\(\s*f?"([^"]+)"', source)
    assert given
    assert [text for text in given if not any(one in text for one in told)] == []


def test_alarms_are_about_figures_that_there_are() -> None:
    named = set(re.findall(r"statflow_([a-z_]+)", PAGE))
    assert named
    assert named <= HELP.keys()


@pytest.mark.parametrize("name", ["Dockerfile", "deploy/statflow.service", "deploy/compose.yaml"])
def test_files_set_what_can_be_set(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    variables = set(re.findall(r"\bSTATFLOW_[A-Z_]+", text))
    assert variables
    assert variables <= {setting.variable for setting in SETTINGS.values()}


def test_the_composed_store_keeps_what_it_acknowledges() -> None:
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    command = text.partition("- valkey-server\n")[2].partition("volumes:")[0]
    words = [word.strip('"') for word in re.findall(r"^ +- (.*)$", command, re.MULTILINE)]
    options = {
        name.removeprefix("--"): value
        for name, value in zip(words[::2], words[1::2], strict=True)
    }  # fmt: skip
    assert options.keys() >= set(CHECKED)
    assert wrong_settings(options, "strict") == []


def test_the_image_runs_as_nobody_in_particular_and_can_be_looked_after() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    last = text.rpartition("\nFROM ")[2]
    assert re.search(r"^USER statflow$", last, re.MULTILINE)
    assert "HEALTHCHECK" in last
    assert '"/healthz' in last or "/healthz'" in last


def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("there is no systemd here")
    unit = tmp_path / "statflow.service"
    text = (DEPLOY / "statflow.service").read_text(encoding="utf-8")
    unit.write_text(text.replace("/opt/statflow/bin/statflow serve", "/bin/true"))
    done = subprocess.run(
        [program, "verify", str(unit)], capture_output=True, text=True, timeout=20, check=False
    )
    assert "statflow.service" not in done.stderr, done.stderr
