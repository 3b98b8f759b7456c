"""A copy of the append-only files is one state, with all that was acknowledged before."""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
import redis

from storage.server.append_only import (
    DIRECTORY,
    MANIFEST,
    SINGLE,
    TRIES_MAX,
    NoWholeState,
    Part,
    opened,
    wait_written,
)
from storage.server.testing import ThrowawayServer, binaries, embedded_server

BINARIES = [pytest.param(path, id=f"{path.parent.name}-{path.name}") for path in binaries()]


def write(store: Path, manifest: str, **files: bytes) -> None:
    (store / DIRECTORY).mkdir(exist_ok=True)
    (store / MANIFEST).write_text(manifest)
    for name, content in files.items():
        (store / DIRECTORY / name).write_bytes(content)


def contents(parts: list[Part]) -> dict[str, bytes]:
    return {part.name: part.content.read(part.size) for part in parts}


LINE_A = "file a seq 1 type b\n"
LINE_B = "file b seq 1 type i\n"
LINE_H = "file h seq 1 type h\n"


def test_files_of_the_manifest_are_opened_but_not_those_of_the_past(tmp_path: Path) -> None:
    write(tmp_path, LINE_A + LINE_H + LINE_B, a=b"1", b=b"22", other=b"3")
    with opened(tmp_path) as parts:
        assert contents(parts) == {
            f"{DIRECTORY}/a": b"1",
            f"{DIRECTORY}/b": b"22",
            MANIFEST: (LINE_A + LINE_B).encode(),
        }


def test_what_is_written_later_is_not_in_it(tmp_path: Path) -> None:
    write(tmp_path, LINE_A, a=b"1")
    with opened(tmp_path) as parts:
        with (tmp_path / DIRECTORY / "a").open("ab") as file:
            file.write(b"234")
        assert contents(parts)[f"{DIRECTORY}/a"] == b"1"


def test_a_rewrite_while_files_are_opened_begins_it_anew(tmp_path: Path) -> None:
    write(tmp_path, LINE_A, a=b"1")

    def rewrite() -> None:
        (tmp_path / DIRECTORY / "a").unlink(missing_ok=True)
        write(tmp_path, LINE_B, b=b"2")

    with opened(tmp_path, rewrite) as parts:
        assert contents(parts) == {f"{DIRECTORY}/b": b"2", MANIFEST: LINE_B.encode()}


def test_a_rewrite_afterwards_takes_nothing_away(tmp_path: Path) -> None:
    write(tmp_path, LINE_A, a=b"1")
    with opened(tmp_path) as parts:
        shutil.rmtree(tmp_path / DIRECTORY)
        assert contents(parts)[f"{DIRECTORY}/a"] == b"1"


def test_files_that_never_rest_are_given_up(tmp_path: Path) -> None:
    turns = iter(range(1000))

    def rewrite() -> None:
        write(tmp_path, f"file a seq {next(turns)} type b\n", a=b"1")

    rewrite()
    with pytest.raises(NoWholeState, match=f"changed {TRIES_MAX} times"), opened(tmp_path, rewrite):
        pass


@pytest.mark.parametrize(
    ("manifest", "said"),
    [(LINE_A, "is missing"), ("nonsense\n", "is none"), ('file "../x" seq 1 type b', "elsewhere")],
)
def test_damage_is_named(tmp_path: Path, manifest: str, said: str) -> None:
    write(tmp_path, manifest)
    with pytest.raises(NoWholeState, match=said), opened(tmp_path):
        pass


def test_a_single_file_of_an_older_server(tmp_path: Path) -> None:
    (tmp_path / SINGLE).write_bytes(b"123")
    with opened(tmp_path) as parts:
        assert contents(parts) == {SINGLE: b"123"}


def test_no_data_is_no_file(tmp_path: Path) -> None:
    with opened(tmp_path) as parts:
        assert parts == []


class Slow(redis.Redis):
    """A server that has so many bytes to write yet, each time it is asked."""

    def __init__(self, *left: int) -> None:
        self.left: Iterator[int] = iter(left)

    def info(self, section: str | None = None, *args: str) -> dict[str, int]:  # type: ignore[override]
        """The next figure."""
        return {"aof_buffer_length": next(self.left)}

    def __del__(self) -> None:
        """Nothing was opened."""


def test_writing_is_awaited() -> None:
    client = Slow(5, 5, 0)
    wait_written(client)
    assert list(client.left) == []


def test_but_not_for_ever() -> None:
    wait_written(Slow(*[5] * 50), limit_s=0.05)


@pytest.mark.real
@pytest.mark.parametrize("binary", BINARIES)
def test_a_copy_under_load_and_rewrites_loads_with_all_that_was_acknowledged(
    binary: Path, tmp_path: Path
) -> None:
    with embedded_server(tmp_path / "a", binary=binary) as server:
        for turn in range(3):
            copy = tmp_path / f"copy{turn}"
            acknowledged = during_load(server, partial(taken, server, copy))
            with embedded_server(copy, binary=binary) as restored, restored.client() as client:
                assert int(client.get("count") or 0) >= acknowledged > 0


def during_load(server: ThrowawayServer, copy: Callable[[], None]) -> int:
    """How much was acknowledged when copying began, while writes and rewrites go on."""
    counted, stop, enough = [0], threading.Event(), threading.Event()

    def load() -> None:
        with server.client() as client:
            with suppress(redis.ResponseError):  # The one before is still at it.
                client.bgrewriteaof()
            while not stop.is_set():
                counted[0] = int(client.incr("count"))
                client.append("ballast", "x" * 1_000)
                if counted[0] % 20 == 0:
                    enough.set()

    thread = threading.Thread(target=load)
    thread.start()
    try:
        assert enough.wait(10)
        before = counted[0]
        copy()
    finally:
        stop.set()
        thread.join()
    return before


def taken(server: ThrowawayServer, target: Path) -> None:
    with opened(server.store) as parts:
        for part in parts:
            path = target / "store" / part.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(part.content.read(part.size))
