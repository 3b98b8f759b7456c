"""Backup, restore, doctor and the store, without a server of our own: refusals and odd places."""

import hashlib
import json
import os
import socket
import threading
from pathlib import Path

import pytest

from api.cli.archive import FILES, LIST
from api.cli.errors import CommandError
from api.cli.restore import STAGING
from api.cli.store import socket_url, told, with_catalog
from api.settings import Settings
from engine.ports import Refused, Unavailable
from storage.catalog import Account
from storage.redis_catalog import RedisCatalog
from storage.server import ServerError
from storage.server.directory import SOCKET_PATH_LIMIT_BYTES
from storage.server.testing import embedded_server
from tests.api.cli.running import Done, statflow

BASE = "store/appendonlydir/appendonly.aof.1.base.rdb"


def settings(data: Path) -> Settings:
    return Settings(data=str(data))


async def accounts(catalog: RedisCatalog) -> list[Account]:
    return await catalog.accounts()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory in which a server has been, with a key."""
    data = tmp_path / "data"
    assert statflow("key", "create", "--data", str(data)).code == 0
    (data / "notes").mkdir()
    (data / "notes" / "a.txt").write_text("kept")
    return data


@pytest.fixture
def backup(data: Path, tmp_path: Path) -> Path:
    """A backup of it."""
    folder = tmp_path / "backup"
    done = statflow("backup", str(folder), "--data", str(data))
    assert (done.code, done.err) == (0, "")
    return folder


def refused(done: Done, *words: str) -> None:
    """One line that says what to do, and nothing else."""
    assert done.code in (1, 2)
    assert done.out == ""
    assert len(done.err.splitlines()) == 1
    assert all(word in done.err for word in words), done.err


@pytest.mark.real
def test_all_comes_back_and_is_private(backup: Path, data: Path, tmp_path: Path) -> None:
    target = tmp_path / "new" / "place"
    done = statflow("restore", str(backup), "--data", str(target))
    assert (done.code, done.err) == (0, "")
    assert sorted(os.listdir(target)) == ["notes", "store"]
    assert (target / "notes" / "a.txt").read_text() == "kept"
    assert (target / "store").stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o077 == 0 for path in backup.rglob("*"))
    keys = [statflow("key", "list", "--data", str(place)).out for place in (data, target)]
    assert keys[0] == keys[1] != ""


@pytest.mark.real
def test_a_backup_needs_a_place_of_its_own(backup: Path, data: Path, tmp_path: Path) -> None:
    words = ("--data", str(data))
    refused(statflow("backup", str(backup), *words), "is not empty")
    refused(statflow("backup", str(data / "inside"), *words), "lies in the data directory")
    refused(statflow("backup", "x", "--data", str(tmp_path / "none")), "there is no data")
    assert not (data / "inside").exists()


def test_a_store_without_data_leaves_no_backup(tmp_path: Path) -> None:
    (tmp_path / "data" / "store").mkdir(parents=True)
    done = statflow("backup", str(tmp_path / "b"), "--data", str(tmp_path / "data"))
    refused(done, "no data yet")
    assert not (tmp_path / "b").exists()


@pytest.mark.real
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:]),
         "is damaged"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "another length"),
        (lambda path: path.unlink(), "is missing"),
    ],
)  # fmt: skip
def test_a_damaged_backup_is_refused_and_nothing_is_left(
    damage: "object", said: str, backup: Path, tmp_path: Path
) -> None:
    assert callable(damage)
    damage(backup / FILES / BASE)
    target = tmp_path / "target"
    refused(statflow("restore", str(backup), "--data", str(target)), said, BASE)
    assert os.listdir(target) == []


@pytest.mark.real
def test_restore_never_touches_what_is_there(backup: Path, data: Path, tmp_path: Path) -> None:
    before = sorted(data.rglob("*"))
    refused(statflow("restore", str(backup), "--data", str(data)), "is not empty")
    assert sorted(data.rglob("*")) == before
    other = tmp_path / "other"
    (other / STAGING).mkdir(parents=True)
    refused(statflow("restore", str(backup), "--data", str(other)), "interrupted", "remove")
    (backup / LIST).unlink()
    refused(statflow("restore", str(backup), "--data", str(tmp_path / "x")), "is no backup")


@pytest.mark.real
def test_data_that_no_server_can_read_is_refused(backup: Path, tmp_path: Path) -> None:
    path = backup / FILES / BASE
    path.write_bytes(b"REDIS9999" + b"\0" * 50)
    contents = json.loads((backup / LIST).read_text())
    (entry,) = [entry for entry in contents["files"] if entry["path"] == BASE]
    entry["size"] = path.stat().st_size
    entry["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (backup / LIST).write_text(json.dumps(contents))
    done = statflow("restore", str(backup), "--data", str(tmp_path / "target"))
    assert done.code == 1
    assert "the store server ended before it was ready" in done.err
    assert os.listdir(tmp_path / "target") == []


@pytest.mark.real
def test_a_server_in_a_deep_directory_is_found_while_it_runs(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * SOCKET_PATH_LIMIT_BYTES)
    assert statflow("key", "create", "--data", str(deep)).code == 0
    with embedded_server(deep):
        (owner,) = with_catalog(settings(deep), accounts)
    assert owner.name == "owner"


def test_a_socket_that_is_near_is_named_directly(tmp_path: Path) -> None:
    short = Path("/tmp/sf-near")
    with socket_url(short) as url:
        assert url == "unix:///tmp/sf-near/store/s.sock"
    with socket_url(tmp_path / ("d" * 200)) as url:
        way = Path(url.removeprefix("unix://")).parent
        assert way.is_symlink()
    assert not way.parent.exists()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ServerError("do this"), "do this"),
        (Refused("oom", "full"), "full"),
        (Unavailable("reset"), "does not answer"),
        (CommandError("ours"), "ours"),
    ],
)
def test_errors_of_the_store_are_one_line_also_in_a_bundle(error: Exception, said: str) -> None:
    for wrapped in (error, BaseExceptionGroup("", [BaseExceptionGroup("", [error])])):
        with pytest.raises(CommandError, match=said), told():
            raise wrapped


def test_what_is_a_bug_stays_one() -> None:
    with pytest.RaisesGroup(ServerError, ValueError), told():
        raise BaseExceptionGroup("", [ServerError("x"), ValueError("bug")])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def levels(done: Done) -> dict[str, str]:
    """Level by what was looked at; the worst counts."""
    order = ("ok", "warn", "fail")
    found: dict[str, str] = {}
    for line in done.out.splitlines():
        level, what = line.split()[:2]
        found[what] = max(level, found.get(what, "ok"), key=order.index)
    return found


def doctor(data: Path, port: int) -> Done:
    return statflow("doctor", "--data", str(data), "--bind", f"127.0.0.1:{port}")


@pytest.mark.real
def test_the_operator_makes_a_link_to_claim_the_owners_account(data: Path) -> None:
    words = ("account", "claim-link", "--data", str(data), "--public-url", "https://stats.example")
    first, second = statflow(*words), statflow(*words)
    assert (first.code, first.err) == (0, "")
    assert first.out.startswith("https://stats.example/claim#token=")
    assert first.out != second.out
    refused(statflow("account", "claim-link", "--data", str(data / "none")), "there is no data")


def test_before_the_first_start_all_is_well_and_nothing_is_made(tmp_path: Path) -> None:
    done = doctor(tmp_path / "data", free_port())
    assert done.code == 0, done.out
    assert not (tmp_path / "data").exists()
    assert {"directory", "program", "store", "disk", "port"} <= levels(done).keys()


@pytest.mark.real
def test_the_doctor_finds_what_is_wrong(data: Path) -> None:
    assert doctor(data, free_port()).code == 0
    (data / "store").chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        greeter = threading.Thread(target=greet, args=(somebody,))
        greeter.start()
        found = levels(doctor(data, somebody.getsockname()[1]))
        greeter.join()
    assert found["permissions"] == "fail"
    assert found["port"] == "fail"
    assert found["directory"] == "ok"
    done = doctor(data / "notes" / "a.txt", free_port())
    assert (done.code, levels(done)["directory"]) == (1, "fail")


def greet(somebody: socket.socket) -> None:
    """What another program says to whoever comes."""
    peer, _ = somebody.accept()
    with peer:
        peer.recv(1024)
        peer.sendall(b"220 mail.example ready\r\n")


@pytest.mark.real
def test_the_doctor_judges_a_server_of_your_own(tmp_path: Path) -> None:
    with embedded_server(tmp_path, appendfsync="everysec") as server:
        bind = f"127.0.0.1:{free_port()}"
        done = statflow("doctor", "--redis-url", server.url, "--bind", bind)
        assert done.code == 1
        assert "CONFIG SET appendfsync always" in done.out
        with server.client() as client:
            client.config_set("appendfsync", "always")
        done = statflow("doctor", "--redis-url", server.url, "--bind", bind)
        assert done.code == 0, done.out
    gone = statflow("doctor", "--redis-url", server.url, "--bind", bind)
    assert (gone.code, "STATFLOW_REDIS_URL" in gone.out) == (1, True)
