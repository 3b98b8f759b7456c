"""`import`: a folder, a file or another server, until it is in; and out again."""

import argparse
from pathlib import Path
from typing import Any

import pytest

from api.cli import importing
from api.cli.client import open_client
from api.cli.errors import CommandError, UsageError
from api.cli.importing import Import, Tally, Told
from api.cli.main import parsed
from api.importing.archive import Archive
from tests.api.cli.transport import app_target, app_transport
from tests.api.http.harness import Server, serving
from tests.api.importing.dumps import a_dump, data_csv, days, kept, zipped


def options(*words: str) -> argparse.Namespace:
    return parsed(["import", *words])


def folder_of(tmp_path: Path, files: dict[str, bytes | str]) -> Path:
    """The files of a dump, on disk."""
    for name, data in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return tmp_path


async def brought(server: Server, file: Path | None, *words: str) -> Import:
    async with open_client(app_target(server), app_transport(server)) as client:
        return await importing.bring(client, options(*words), file)


async def test_a_file_comes_in_and_out_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = kept(tmp_path, zipped(a_dump()), "dump.zip")
    async with serving(folder=tmp_path / "imports") as server:
        dry = await brought(server, file, str(file), "--dry-run")
        assert importing.report(dry) == 0
        first = await brought(server, file, str(file))
        assert importing.report(first) == 0
        undone = await brought(server, None, "--undo", first.id)
        assert importing.report(undone) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{dry.id} would bring 7 buckets of 4 stats (4 new) and 3 alerts; 0 buckets were there",
        f"{first.id} brought 7 buckets of 4 stats (4 new) and 3 alerts; 0 buckets were there",
        f"{first.id} is undone",
    ]


async def test_a_stat_can_be_named(tmp_path: Path) -> None:
    text = b"time,timestamp,value\r\n2024-10-04T00:00:00Z,1728000000,1\r\n"
    text += b"2024-10-05T00:00:00Z,1728086400,2\r\n"
    file = kept(tmp_path, text, "x.csv")
    async with serving(folder=tmp_path / "imports") as server:
        words = [str(file), "--stat", "page.views", "--type", "value"]
        found = await brought(server, file, *words)
        assert (found.state, found.tally.buckets_new) == ("done", 2)
        assert server.stat("page.views").kind == "value"


def test_what_a_whole_export_brought_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    tally = Tally(1, 1, 7, 0, 2, 0, annotations_new=3, silences_new=4)
    assert importing.report(Import("im_1", "done", False, 100.0, tally, [])) == 0
    told = "7 buckets of 1 stats (1 new) and 2 alerts, 3 annotations, 4 silences; 0 buckets"
    assert capsys.readouterr().out == f"im_1 brought {told} were there\n"


def test_a_folder_is_sent_as_a_zip(tmp_path: Path) -> None:
    folder = folder_of(
        tmp_path / "export", {"data/a.csv": data_csv("a", days(1)), "stats.csv": "x"}
    )
    packed = tmp_path / "dump.zip"
    importing.pack(folder, packed)
    with Archive(packed, "dump.zip") as archive:
        assert archive.names == ["data/a.csv", "stats.csv"]
        assert archive.read("data/a.csv") == data_csv("a", days(1))


@pytest.mark.parametrize("target", ["/etc/passwd", "."])
def test_a_link_in_a_folder_is_refused(tmp_path: Path, target: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x.csv").symlink_to(target)
    with pytest.raises(CommandError, match="is a link"):
        importing.pack(tmp_path, tmp_path / "dump.zip")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "name a FILE or DIR"),
        (["a", "--undo", "im_1"], "name a FILE or DIR"),
        (["--from", "https://x"], "needs the --token"),
    ],
)
def test_misuse_is_told(words: list[str], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        importing.run(options(*words))


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(CommandError, match=r"nowhere\.zip is not there"):
        importing.run(options("nowhere.zip"))


def test_errors_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    tally: dict[str, Any] = dict.fromkeys(Tally.__struct_fields__, 0)
    errors = [Told(f"data/{n}.csv", "is no CSV") for n in range(25)]
    ended = Import("im_1", "done", False, 100, Tally(**tally | {"faults": 25}), errors)
    assert importing.report(ended) == 1
    shown = capsys.readouterr().err.splitlines()
    assert (len(shown), shown[0], shown[-1]) == (21, "data/0.csv: is no CSV", "and 5 more")
    failed = Import("im_1", "failed", False, 0, Tally(**tally), [], "the zip is damaged")
    with pytest.raises(CommandError, match="the zip is damaged"):
        importing.report(failed)
