"""Who may work in the data directory, and where things are in it."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from storage.server.directory import (
    SOCKET_PATH_LIMIT_BYTES,
    DataDirectoryHeld,
    DataDirectoryUnusable,
    hold_directory,
)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_missing_directories_are_made_for_this_user_alone(tmp_path: Path) -> None:
    with hold_directory(tmp_path / "a" / "data") as held:
        assert mode(held.data) == mode(held.store) == 0o700
        assert held.socket == held.store / "s.sock"


def test_a_store_that_others_could_enter_is_closed(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir(mode=0o755)
    with hold_directory(tmp_path) as held:
        assert mode(held.store) == 0o700


def test_the_holder_is_named(tmp_path: Path) -> None:
    with (
        hold_directory(tmp_path),
        pytest.raises(DataDirectoryHeld, match=f"process {os.getpid()}") as caught,
        hold_directory(tmp_path),
    ):
        pass
    assert caught.value.pid == os.getpid()


def test_a_holder_that_did_not_say_its_name(tmp_path: Path) -> None:
    with (tmp_path / "statflow.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(DataDirectoryHeld, match="another process") as caught:
            hold_directory(tmp_path).__enter__()
    assert caught.value.pid is None


def test_it_can_be_held_again_after_the_end(tmp_path: Path) -> None:
    (tmp_path / "statflow.lock").write_text("123456789012345678901234567890\n")
    for _ in range(2):
        with hold_directory(tmp_path):
            assert (tmp_path / "statflow.lock").read_text() == f"{os.getpid()}\n"


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(DataDirectoryUnusable, match="STATFLOW_DATA"):
        hold_directory(tmp_path / "data").__enter__()
    with pytest.raises(DataDirectoryUnusable):
        hold_directory(tmp_path / "data" / "below").__enter__()


def test_a_file_in_the_way_of_the_store(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("")
    with pytest.raises(DataDirectoryUnusable, match="store"):
        hold_directory(tmp_path).__enter__()
    with pytest.raises(DataDirectoryUnusable):  # and it was let go
        hold_directory(tmp_path).__enter__()


@contextmanager
def as_nobody() -> Generator[None, None, None]:
    """As a user who may write nowhere: for root nothing is read-only."""
    me = os.geteuid()
    if me == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(me)


def test_a_read_only_directory(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with as_nobody(), pytest.raises(DataDirectoryUnusable, match="Permission denied"):
        hold_directory(tmp_path / "data").__enter__()
    with as_nobody(), pytest.raises(DataDirectoryUnusable, match="let this user write there"):
        hold_directory(tmp_path).__enter__()


def test_a_long_path_has_a_short_way_to_its_socket(tmp_path: Path) -> None:
    data = tmp_path / ("ö" * 60) / "data"
    with hold_directory(data) as held:
        assert len(os.fsencode(held.socket)) <= SOCKET_PATH_LIMIT_BYTES
        (held.store / "s.sock").write_text("here")
        assert held.socket.read_text() == "here"
        runtime = held.socket.parent.parent
        assert mode(runtime) == 0o700
    assert not runtime.exists()
    assert (data / "store" / "s.sock").read_text() == "here"


def test_the_short_way_is_the_same_again_unless_somebody_took_its_name(tmp_path: Path) -> None:
    data = tmp_path / ("x" * 100)
    with hold_directory(data) as held:
        usual = held.socket.parent.parent
    usual.mkdir(mode=0o700)  # as a killed program leaves it
    (usual / "store").symlink_to("/nowhere")
    with hold_directory(data) as held:
        assert held.socket.parent.parent == usual
        assert held.socket.parent.resolve() == held.store
    usual.symlink_to(tmp_path)  # as somebody who wants our socket would do
    try:
        with hold_directory(data) as held:
            assert held.socket.parent.parent != usual
            assert held.socket.parent.resolve() == held.store
    finally:
        usual.unlink()


def test_a_long_temporary_directory_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    with hold_directory(long / "data") as held:
        assert len(os.fsencode(held.socket)) <= SOCKET_PATH_LIMIT_BYTES


def test_a_server_lives_as_long_as_its_lock_is_held(tmp_path: Path) -> None:
    with hold_directory(tmp_path) as held:
        assert not held.server_lives()
        first = held.lock_for_server()
        assert held.server_lives()
        # The first server is killed; its orphaned child still has the lock.
        second = held.lock_for_server()
        os.close(second)
        assert not held.server_lives()
        os.close(first)


def test_free_space_is_that_of_the_data(tmp_path: Path) -> None:
    with hold_directory(tmp_path) as held:
        assert held.disk_free_bytes() > 0
