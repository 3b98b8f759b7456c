"""The commands beside a real server: the first minutes of a newcomer, and an operator's day."""

import json
import re
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Generator
from pathlib import Path
from zipfile import ZipFile

import httpx
import pytest

from tests.api.cli.running import Running, running, start, statflow

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    with running(tmp_path_factory.mktemp("running") / "data") as server:
        yield server


def beside(server: Running) -> tuple[str, str]:
    """The flag for its data directory."""
    return "--data", str(server.data)


def said(server: Running, *words: str) -> str:
    """What a command prints that must go well."""
    done = server.statflow(*words)
    assert done.code == 0, done.err
    return done.out


def test_the_printed_curl_works_when_it_is_pasted(server: Running) -> None:
    text = "\n".join(server.lines)
    command = text[text.index("curl") :]
    assert command.splitlines()[-1].strip().startswith("-d '{")
    if shutil.which("curl") is None:
        pytest.skip("there is no curl")
    done = subprocess.run(
        ["sh", "-c", command + " -s -w '%{http_code}'"], capture_output=True, text=True, check=True
    )
    assert done.stdout.endswith("202")
    assert "my_first_metric" in said(server, "query", "--list")


def test_a_key_is_made_listed_and_revoked_beside_the_server(server: Running) -> None:
    key = said(server, "key", "create", *beside(server), "--name", "ci", "--scopes", "read")
    assert re.fullmatch(r"sf_\w{46}\n", key)
    with httpx.Client(base_url=server.url, trust_env=False) as http:
        headers = {"authorization": f"Bearer {key.strip()}"}
        assert http.get("/v1/stats", headers=headers).status_code == 200
        assert http.post("/v1/ingest", headers=headers, json={"stat": "x"}).status_code == 403
        listed = said(server, "key", "list", *beside(server))
        assert key.strip() not in listed
        (line,) = [line for line in listed.splitlines() if line.endswith("  ci")]
        said(server, "key", "revoke", line.split()[0], *beside(server))
        deadline = time.monotonic() + 60
        while http.get("/v1/stats", headers=headers).status_code != 401:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    again = server.statflow("key", "revoke", line.split()[0], *beside(server))
    assert (again.code, len(again.err.splitlines())) == (1, 1)


def test_accounts_have_keys_and_stats_of_their_own(server: Running) -> None:
    number = said(server, "account", "create", "shop", *beside(server)).strip()
    key = said(server, "key", "create", "--account", number, *beside(server)).strip()
    shown = said(server, "account", "show", number, *beside(server))
    assert shown.splitlines()[0].startswith(f"{number}  shop  made ")
    assert f"…{key[-4:]}" in shown
    assert said(server, "account", "list", *beside(server)).count("\n") == 2
    environ = {"STATFLOW_URL": server.url, "STATFLOW_KEY": key}
    listed = statflow("query", "--list", environ=environ)
    assert (listed.code, listed.out) == (0, "")


def test_what_is_sent_is_found_and_exported(server: Running, tmp_path: Path) -> None:
    lines = "".join(f'{{"stat":"latency","type":"value","value":{n}}}\n' for n in range(1_500))
    sent = server.statflow("send", stdin=lines)
    assert (sent.code, sent.err) == (0, "1500 stored\n")
    said(server, "send", "orders", "2", "--at", "-3h", "-q")
    asked = json.loads(said(server, "query", "latency", "orders", "--last", "4h", "--json"))
    latency, orders = (series["summary"] for series in asked["series"])
    assert (latency["count"], latency["sum"], latency["max"]) == (1500, 1_124_250, 1499)
    assert (orders["count"], orders["sum"]) == (1, 2)
    file = tmp_path / "all.csv"
    said(server, "export", "latency", "orders", "-o", str(file))
    header, *rows = file.read_text().splitlines()
    assert header == "stat,time,timestamp,value,count,sum,min,max"
    assert sum(int(row.split(",")[4]) for row in rows) == 1501
    again = server.statflow("export", "orders", "-o", str(file))
    assert (again.code, "--force" in again.err) == (1, True)


def test_a_whole_account_is_a_zip_or_a_folder(server: Running, tmp_path: Path) -> None:
    said(server, "send", "orders", "2", "--at", "-3h", "-q")
    packed, folder = tmp_path / "all.zip", tmp_path / "all"
    for path in (packed, folder):
        done = server.statflow("export", "--all", str(path))
        assert (done.code, done.out) == (0, ""), done.err
        assert done.err.endswith(f"in {path}\n")
        again = server.statflow("export", "--all", str(path))
        assert (again.code, len(again.err.splitlines())) == (1, 1)
    assert server.statflow("export", "--all", str(packed), "--force").code == 0
    catalogue = json.loads((folder / "catalogue.json").read_text())
    (orders,) = (one for one in catalogue["stats"] if one["name"] == "orders")
    with ZipFile(packed) as archive:
        assert archive.read(orders["file"]) == (folder / orders["file"]).read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"all.zip", "all"}
    for words in (["--all", "x", "orders"], ["--all", "x", "--last", "1h"], ["--all", str(packed)]):
        assert server.statflow("export", *words).code in (1, 2)


def test_tail_shows_points_as_they_come_and_ends_by_ctrl_c(server: Running) -> None:
    said(server, "send", "ticks")
    tail = start("tail", "ticks", "--json", cwd=server.data, environ=server.environ)
    assert tail.stdout is not None
    with httpx.Client(base_url=server.url, trust_env=False) as http:
        headers = {"authorization": f"Bearer {server.key}"}
        deadline = time.monotonic() + 60
        while not _has_line(tail):
            http.post("/v1/ingest", headers=headers, json={"stat": "ticks"}).raise_for_status()
            assert time.monotonic() < deadline
    told = json.loads(tail.stdout.readline())
    assert told["stat"] == "ticks"
    tail.send_signal(signal.SIGINT)
    rest, _ = tail.communicate(timeout=10)
    assert tail.returncode == 130
    assert "Traceback" not in rest


def _has_line(process: "subprocess.Popen[str]") -> bool:
    assert process.stdout is not None
    return bool(select.select([process.stdout], [], [], 0.1)[0])


def test_the_audit_is_equal_and_the_doctor_content(server: Running) -> None:
    assert said(server, "audit", *beside(server)).startswith("equal: ")
    done = server.statflow("doctor", *beside(server), "--bind", server.url.removeprefix("http://"))
    levels = [line.split()[:2] for line in done.out.splitlines()]
    assert done.code == 0, done.out
    for what in ("directory", "permissions", "program", "store", "clock", "port", "readiness"):
        assert ["ok", what] in levels, done.out
    assert {what for _, what in levels} >= {"memory", "disk", "lag"}


def test_a_second_server_says_who_is_there(server: Running) -> None:
    other = server.statflow("serve", *beside(server), "--bind", "127.0.0.1:0")
    assert (other.code, len(other.err.splitlines())) == (1, 1)
    assert str(server.process.pid) in other.err
    bind = server.url.removeprefix("http://")
    busy = server.statflow("serve", "--data", str(server.data / "other"), "--bind", bind)
    assert (busy.code, len(busy.err.splitlines())) == (1, 1)


def test_a_backup_under_load_holds_what_was_acknowledged_before(
    server: Running, tmp_path: Path
) -> None:
    endless = ["sh", "-c", "while :; do echo backed.up; done"]
    load = subprocess.Popen(endless, stdout=subprocess.PIPE)
    assert load.stdout is not None
    sender = start("send", cwd=server.data, environ=server.environ, stdin=load.stdout)
    load.stdout.close()
    backup = tmp_path / "backup"
    try:
        said(server, "send", "before", "41")
        assert str(backup) in said(server, "backup", str(backup), *beside(server))
    finally:
        load.kill()
        load.wait()
        told, _ = sender.communicate(timeout=10)
    assert re.fullmatch(r"\d+ stored\n", told)
    restored = tmp_path / "restored"
    assert statflow("restore", str(backup), "--data", str(restored)).code == 0
    with running(restored, last="Make an API key") as other:
        # Keys come with the backup.
        environ = {"STATFLOW_URL": other.url, "STATFLOW_KEY": server.key}
        words = ("query", "before", "--last", "1h", "--json")
        asked = statflow(*words, environ=environ)
        assert asked.code == 0, asked.err
        (series,) = json.loads(asked.out)["series"]
        assert series["summary"]["sum"] == 41
        assert other.statflow("audit", "--data", str(restored)).out.startswith("equal: ")


def test_without_a_server_keys_are_made_and_the_next_start_uses_them(tmp_path: Path) -> None:
    data = tmp_path / "data"
    missing = statflow("key", "list", "--data", str(data))
    assert (missing.code, "--data" in missing.err, data.exists()) == (2, True, False)
    key = statflow("key", "create", "--data", str(data)).out.strip()
    listed = statflow("key", "list", "--data", str(data)).out
    assert f"…{key[-4:]}" in listed
    with running(data, last="Make an API key") as server:
        assert server.key == ""
        assert "statflow key create" in "\n".join(server.lines)
        environ = {"STATFLOW_URL": server.url, "STATFLOW_KEY": key}
        sent = statflow("send", "x", environ=environ)
        assert (sent.code, sent.err) == (0, "1 stored\n")
        assert server.stop() == 0
    assert statflow("audit", "--data", str(data)).out == (
        "equal: 1 points appended = 1 counted, in 1 stats and 16 partitions\n"
    )
