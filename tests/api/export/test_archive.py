"""Archives: whole under their names, no more than wanted, and a word when they fail."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest

from api.export.archive import Archive, Shelf, forget_oldest, is_due, write_archive
from engine.ports import Unavailable
from tests.api.export.reading import Export
from tests.api.http.asking import Asking, breaking
from tests.api.http.harness import NOW_MS, serving

DAY_MS = 86_400_000
FIRST = "statflow-20261121T230000Z.zip"


@pytest.fixture
async def ask() -> AsyncGenerator[Asking]:
    async with serving() as server:
        asking = Asking(server)
        await asking.count("hits", [(-5_000, 2), (-3_600_000, 1)])
        yield asking


def names(folder: Path) -> list[str]:
    """What is in a folder."""
    return sorted(path.name for path in folder.iterdir())


async def test_an_archive_is_an_export_that_only_its_owner_reads(
    ask: Asking, tmp_path: Path
) -> None:
    made = await write_archive(ask.server.context, 1, tmp_path / "new" / "account-1", NOW_MS)
    assert names(made.parent) == [FIRST]
    assert made.stat().st_mode & 0o777 == 0o600
    assert made.parent.stat().st_mode & 0o777 == 0o700
    assert Export.of(made.read_bytes()).buckets("hits", 86_400).sum.tolist() == [3.0]


async def test_what_fails_leaves_nothing(ask: Asking, tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        await write_archive(breaking(ask, 1), 1, tmp_path, NOW_MS)
    assert names(tmp_path) == []


async def test_what_a_killed_process_had_begun_is_forgotten(ask: Asking, tmp_path: Path) -> None:
    (tmp_path / f"{FIRST}.part").write_text("half")
    (tmp_path / "mine.part").write_text("mine")
    await write_archive(ask.server.context, 1, tmp_path, NOW_MS + DAY_MS)
    assert names(tmp_path) == ["mine.part", "statflow-20261122T230000Z.zip"]


def test_the_newest_are_kept_and_nothing_else_is_touched(tmp_path: Path) -> None:
    for day in range(1, 10):
        (tmp_path / f"statflow-2026110{day}T000000Z.zip").touch()
    for other in ("statflow-latest.zip", "notes.txt", "statflow-20261101T000000Z.zip.bak"):
        (tmp_path / other).touch()
    forget_oldest(tmp_path, 2)
    assert names(tmp_path) == [
        "notes.txt", "statflow-20261101T000000Z.zip.bak", "statflow-20261108T000000Z.zip",
        "statflow-20261109T000000Z.zip", "statflow-latest.zip",
    ]  # fmt: skip


def test_when_one_is_due(tmp_path: Path) -> None:
    assert is_due(tmp_path / "none", 86_400, NOW_MS)
    assert is_due(tmp_path, 86_400, NOW_MS)
    (tmp_path / FIRST).touch()
    assert not is_due(tmp_path, 86_400, NOW_MS + DAY_MS - 1)
    assert is_due(tmp_path, 86_400, NOW_MS + DAY_MS)


async def test_accounts_with_stats_are_archived_once_a_day(ask: Asking, tmp_path: Path) -> None:
    archive, context = Archive(Shelf(tmp_path, 86_400, 7)), ask.server.context
    for _ in range(2):
        await archive.look(context, [1, 2])
        assert names(tmp_path) == ["account-1"]
        assert names(tmp_path / "account-1") == [FIRST]
    assert archive.warnings() == []
    await Archive(None).look(context, [1, 2])


async def test_what_failed_is_said_until_it_succeeds(ask: Asking, tmp_path: Path) -> None:
    (tmp_path / "account-1").write_text("in the way")
    archive, context = Archive(Shelf(tmp_path, 86_400, 7)), ask.server.context
    await archive.look(context, [1])
    (warning,) = archive.warnings()
    assert warning.startswith("the archive is not written: account 1: ")
    assert "account-1" in warning
    (tmp_path / "account-1").unlink()
    await archive.look(replace(breaking(ask, 0), exports=context.exports), [1])
    assert archive.warnings() == ["the archive is not written: account 1: the link broke"]
    await archive.look(context, [1])
    assert archive.warnings() == []
    assert names(tmp_path / "account-1") == [FIRST]
