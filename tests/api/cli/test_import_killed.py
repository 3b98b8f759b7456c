"""An import on a real server: it goes on after kill -9, and ends as if nothing had happened."""

import signal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.cli.running import Running, running, statflow
from tests.api.importing.dumps import DAY, data_csv, days, kept, zipped

pytestmark = [pytest.mark.real, pytest.mark.slow]

STATS = 600
LIMIT_S = 60.0


def status(server: Running) -> Any:  # ruff: ignore[any-type]
    with httpx.Client(base_url=server.url, trust_env=False) as http:
        headers = {"authorization": f"Bearer {server.key}"}
        return http.get("/v1/import/stathat/status", headers=headers).json()


def test_an_import_goes_on_after_kill_9(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {
        f"data/{n}.csv": data_csv(f"stat {n}", days(*range(n, n + 200))) for n in range(STATS)
    }
    dump = kept(tmp_path, zipped(files), "dump.zip")
    with running(tmp_path / "data") as server:
        key = server.key
        with httpx.Client(base_url=server.url, trust_env=False, timeout=LIMIT_S) as http:
            headers = {"authorization": f"Bearer {key}", "content-type": "application/zip"}
            with dump.open("rb") as file:
                begun = http.post("/v1/import/stathat", content=file, headers=headers)
        assert begun.status_code == 202, begun.text
        while not 0 < status(server)["tally"]["stats_done"] < STATS:
            assert status(server)["state"] in ("waiting", "running")
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
    with running(tmp_path / "data", last="Make an API key") as server:
        environ = {"STATFLOW_URL": server.url, "STATFLOW_KEY": key}
        again = statflow("import", str(dump), environ=environ)
        if again.code:  # It is under way: wait for it, as people would.
            assert "has an import under way" in again.err
            with httpx.Client(base_url=server.url, trust_env=False) as http:
                auth = {"authorization": f"Bearer {key}"}
                while (found := http.get("/v1/import/stathat/status", headers=auth).json())[
                    "state"
                ] in ("waiting", "running"):
                    pass
            assert (found["state"], found["tally"]["stats_done"]) == ("done", STATS)
            again = statflow("import", str(dump), environ=environ)
        assert again.code == 0, again.err
        assert f"0 buckets of {STATS} stats (0 new)" in again.out
        assert f"{STATS * 200} buckets were there" in again.out
        said = statflow("query", "stat 7", "--from", str(DAY), "--to", str(DAY + 86_400),
                        "--resolution", "1d", "--agg", "sum", environ=environ)  # fmt: skip
        assert "7" in said.out, said
        audit = statflow("audit", "--data", str(tmp_path / "data"))
        assert audit.code == 0, audit.out + audit.err
        assert f"{STATS * 200} imported buckets" in audit.out
