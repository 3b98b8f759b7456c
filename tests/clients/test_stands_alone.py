"""The client library needs nothing but Python, and its archive has all of it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from statflow_client import __version__
from tests.clients.fake_server import fake_server
from tests.source_tree import ROOT, names_used, sources

FOLDER = "clients/python/statflow_client"
LIMIT_S = 120.0


def test_it_imports_python_alone_and_trio_in_one_file() -> None:
    known = sys.stdlib_module_names | {"statflow_client"}
    foreign = {
        (source.name, name.partition(".")[0])
        for source in sources("clients")
        for _, name in names_used(source)
        if name.partition(".")[0] not in known
    }
    assert foreign == {(f"{FOLDER}/on_trio.py", "trio")}


@pytest.mark.real
@pytest.mark.slow
def test_what_is_built_can_be_installed_and_sends(tmp_path: Path) -> None:
    build = ("-m", "hatchling", "build", "-d", str(tmp_path / "dist"))
    _run(ROOT / "clients" / "python", *build)
    names = sorted(path.name for path in (tmp_path / "dist").iterdir())
    wheel = f"statflow_client-{__version__}-py3-none-any.whl"
    assert names == [wheel, f"statflow_client-{__version__}.tar.gz"]
    place = ("--target", str(tmp_path / "lib"))
    words = ("-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-compile")
    _run(tmp_path, *words, *place, str(tmp_path / "dist" / wheel))
    assert (tmp_path / "lib" / "statflow_client" / "py.typed").exists()
    with fake_server() as fake:
        path = {"PYTHONPATH": str(tmp_path / "lib"), "STATFLOW_URL": fake.url}
        code = "import statflow_client; statflow_client.counter('a')"
        _run(tmp_path, "-c", code, **path, STATFLOW_KEY="sf_key")
    assert fake.posted[0].stats == ["a"]
    assert fake.heads[0]["user-agent"] == f"statflow-client/{__version__}"


def _run(folder: Path, *words: str, **environ: str) -> None:
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
