"""What the log of a server that did not start is turned into."""

from pathlib import Path

import pytest

from storage.server.log import LINES_SHOWN, READ_LIMIT_BYTES, explain, lines_since, mark, torn_bytes

VALKEY = Path("/opt/my bin/valkey-server")
REDIS = Path("/usr/bin/redis-server")
STORE = Path("/data/store")


def test_only_lines_since_the_start_are_read(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_text("old\n")
    start = mark(log)
    with log.open("a") as more:
        more.write("new\n\n  newer\n")
    assert lines_since(start) == ["new", "  newer"]


def test_a_log_that_was_moved_away_is_read_from_its_beginning(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_text("old and long\n")
    start = mark(log)
    log.write_text("new\n")
    assert lines_since(start) == ["new"]


def test_a_file_that_goes_while_it_is_looked_at_is_none(tmp_path: Path) -> None:
    (tmp_path / "temp-rewriteaof-1.aof").symlink_to(tmp_path / "gone")
    (tmp_path / "whole.aof").write_bytes(b"four")
    assert mark(tmp_path / "server.log").sizes == {"whole.aof": 4}


def test_of_a_flood_only_the_end_is_read(tmp_path: Path) -> None:
    start = mark(tmp_path / "server.log")
    assert lines_since(start) == []
    start.path.write_text("flood\n" * READ_LIMIT_BYTES + "end\n")
    lines = lines_since(start)
    assert lines[-1] == "end"
    assert sum(map(len, lines)) < READ_LIMIT_BYTES


def test_the_last_lines_are_shown() -> None:
    lines = [f"line {number}" for number in range(20)]
    text = explain(lines, VALKEY, STORE)
    assert text.count("\n") == LINES_SHOWN
    assert text.endswith("line 19")
    assert "not logged anything" in explain([], VALKEY, STORE)


@pytest.mark.parametrize(
    ("binary", "line", "command"),
    [
        (
            VALKEY,
            "Bad file format reading the append only file a.aof.1.incr.aof: make a backup",
            "bash -c 'exec -a valkey-check-aof '\"'\"'/opt/my bin/valkey-server'\"'\"' --fix "
            "/data/store/appendonlydir/a.aof.1.incr.aof'",
        ),
        (
            REDIS,
            "Unexpected end of file reading the append only file a.aof.1.incr.aof. You can:",
            "bash -c 'exec -a redis-check-aof /usr/bin/redis-server --fix "
            "/data/store/appendonlydir/a.aof.1.incr.aof'",
        ),
        (
            REDIS,
            "Bad file format reading the append only file: make a backup of your AOF file",
            "bash -c 'exec -a redis-check-aof /usr/bin/redis-server --fix "
            "/data/store/appendonly.aof'",
        ),
    ],
)
def test_damage_is_named_with_its_remedy(binary: Path, line: str, command: str) -> None:
    text = explain([line], binary, STORE)
    assert line in text
    assert "Restore the last backup of /data/store" in text
    assert text.endswith(command)


@pytest.mark.parametrize(
    "line",
    ["Error reading the RDB base file x.rdb, AOF loading aborted", "AOF MANIFEST FILE ERROR"],
)
def test_damage_that_cannot_be_cut_off(line: str) -> None:
    text = explain([line], VALKEY, STORE)
    assert text.endswith("The append-only file is damaged. Restore the last backup of /data/store.")


def test_data_of_a_newer_server() -> None:
    lines = ["# Can't handle RDB format version 80", "# AOF loading aborted"]
    assert explain(lines, REDIS, STORE).endswith(
        "The data is of a newer server than /usr/bin/redis-server: run that one again."
    )


def test_the_torn_tail_is_measured(tmp_path: Path) -> None:
    (tmp_path / "appendonlydir").mkdir()
    (tmp_path / "appendonlydir" / "a.incr.aof").write_bytes(b"x" * 100)
    (tmp_path / "appendonly.aof").write_bytes(b"x" * 50)
    start = mark(tmp_path / "server.log")
    assert torn_bytes(["loaded"], start) == 0
    assert torn_bytes(["!!! Truncating the AOF a.incr.aof at offset 90 !!!"], start) == 10
    assert torn_bytes(["!!! Truncating the AOF at offset 20 !!!"], start) == 30
    assert torn_bytes(["!!! Truncating the AOF other.aof at offset 20 !!!"], start) == 0
