"""A backup is what its list says, byte for byte."""

import io
import os
from pathlib import Path

import pytest

from api.cli.archive import LIST, Contents, Entry, copy, read_list, write_list
from api.cli.errors import CommandError

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def contents(*paths: str) -> Contents:
    files = [Entry(path, 3, ABC) for path in paths]
    return Contents(created="2026-11-22T00:00:00+00:00", version="0.1.0", files=files)


def test_a_copy_knows_length_and_digest_and_is_private(tmp_path: Path) -> None:
    steps: list[float] = []
    target = tmp_path / "a" / "b"
    assert copy(io.BytesIO(b"abcdef"), 3, target, steps.append) == Entry("", 3, ABC)
    assert (target.read_bytes(), steps) == (b"abc", [3])
    assert target.stat().st_mode & 0o777 == 0o600
    assert copy(io.BytesIO(b"x"), 0, tmp_path / "c", steps.append).sha256 == EMPTY


def test_a_source_that_is_too_short_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="2 bytes are missing"):
        copy(io.BytesIO(b"abc"), 5, tmp_path / "a", lambda _: None)


def test_a_list_is_read_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "files" / "store").mkdir(parents=True)
    write_list(tmp_path, contents("store/a"))
    assert read_list(tmp_path) == contents("store/a")
    assert read_list(tmp_path).size == 3
    assert (tmp_path / LIST).stat().st_mode & 0o777 == 0o600


def test_a_folder_without_a_list_is_no_backup(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="is no backup"):
        read_list(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "cannot be read"),
        ('{"format":1}', "cannot be read"),
        ('{"format":9,"created":"","version":"","files":[]}', "format 9"),
        (
            '{"created":"","version":"","files":[{"path":"a","size":"3","sha256":""}]}',
            "cannot be read",
        ),
    ],
)
def test_a_damaged_list_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / LIST).write_text(text)
    with pytest.raises(CommandError, match=said):
        read_list(tmp_path)


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x", ""])
def test_a_list_cannot_name_places_elsewhere(tmp_path: Path, path: str) -> None:
    write_list(tmp_path, contents(path))
    with pytest.raises(CommandError, match="it names"):
        read_list(tmp_path)


def test_a_list_is_written_once(tmp_path: Path) -> None:
    write_list(tmp_path, contents())
    with pytest.raises(FileExistsError):
        write_list(tmp_path, contents())
    assert os.listdir(tmp_path) == [LIST]
