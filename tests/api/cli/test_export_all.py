"""`export --all`: what is not whole, or not ours, is not kept."""

import io
import json
from pathlib import Path
from zipfile import ZipFile

import pytest

from api.cli.client import Unreached
from api.cli.errors import CommandError, UsageError
from api.cli.export_all import checked, export_all, unpack
from tests.api.cli.transport import TARGET


def packed(path: Path, files: list[str], *names: str, form: str = "statflow-export/1") -> Path:
    """A zip with these files, whose catalogue tells of those names."""
    stats = [{"file": name} for name in names]
    with ZipFile(path, "w") as archive:
        archive.writestr("catalogue.json", json.dumps({"format": form, "stats": stats}))
        for name in files:
            archive.writestr(name, f"of {name}")
    return path


def test_a_whole_one_is_unpacked(tmp_path: Path) -> None:
    found = packed(tmp_path / "a.zip", ["data/1.csv", "data/2.csv"], "data/1.csv", "data/2.csv")
    unpack(found, checked(found), tmp_path / "a")
    assert (tmp_path / "a" / "data" / "2.csv").read_text() == "of data/2.csv"
    assert {path.name for path in tmp_path.iterdir()} == {"a.zip", "a"}


@pytest.mark.parametrize("length", [0, 10, 200, -1])
def test_what_broke_off_is_no_export(tmp_path: Path, length: int) -> None:
    found = packed(tmp_path / "a.zip", ["data/1.csv"], "data/1.csv")
    found.write_bytes(found.read_bytes()[:length])
    with pytest.raises(Unreached, match="not whole"):
        checked(found)


def test_a_byte_that_changed_is_seen(tmp_path: Path) -> None:
    found = packed(tmp_path / "a.zip", ["data/1.csv"], "data/1.csv")
    found.write_bytes(found.read_bytes().replace(b"of data", b"of dota"))
    with pytest.raises(Unreached, match=r"data/1\.csv"):
        checked(found)


@pytest.mark.parametrize(
    ("files", "names"),
    [([], ["data/1.csv"]), (["data/1.csv"], []), (["data/1.csv", "x"], ["data/1.csv"])],
)
def test_the_catalogue_tells_of_every_file(
    tmp_path: Path, files: list[str], names: list[str]
) -> None:
    with pytest.raises(Unreached, match="files are missing"):
        checked(packed(tmp_path / "a.zip", files, *names))


@pytest.mark.parametrize(
    "name", ["../1.csv", "data/../../1.csv", "/data/1.csv", "data/x.csv", "data\\1.csv"]
)
def test_no_file_leaves_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(CommandError, match="this version knows"):
        checked(packed(tmp_path / "a.zip", [name], name))


def test_another_form_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="statflow-export/2"):
        checked(packed(tmp_path / "a.zip", [], form="statflow-export/2"))
    empty = io.BytesIO()
    with ZipFile(empty, "w"):
        pass
    (tmp_path / "b.zip").write_bytes(empty.getvalue())
    with pytest.raises(Unreached, match="not whole"):
        checked(tmp_path / "b.zip")


def test_nothing_that_is_there_is_written_over(tmp_path: Path) -> None:
    folder = tmp_path / "full"
    folder.mkdir()
    (folder / "mine").write_text("mine")
    (tmp_path / "a.zip").write_text("mine")
    with pytest.raises(CommandError, match="not empty"):
        export_all(TARGET, folder)
    with pytest.raises(CommandError, match="--force"):
        export_all(TARGET, tmp_path / "a.zip")
    with pytest.raises(UsageError, match=r"mine\.zip"):
        export_all(TARGET, folder / "mine")
    assert (tmp_path / "a.zip").read_text() == (folder / "mine").read_text() == "mine"
