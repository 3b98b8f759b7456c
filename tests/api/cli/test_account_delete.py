"""`statflow account delete`: access ends at once, stats go through the trash, the first stays."""

import time
from collections.abc import Generator
from pathlib import Path

import httpx
import pytest

from tests.api.cli.running import Running, running

pytestmark = pytest.mark.real

REFUSED_S = 30.0
"""Three times what a revocation may take: the machine is busy."""


@pytest.fixture
def live(tmp_path: Path) -> Generator[Running]:
    with running(tmp_path / "data") as live:
        yield live


def operator(live: Running, *words: str) -> tuple[int, str, str]:
    """A command of the operator beside the server: its code, what it printed and said."""
    done = live.statflow(*words, "--data", str(live.data))
    return done.code, done.out.strip(), done.err.strip()


def test_an_account_ends_beside_the_server_that_runs(live: Running) -> None:
    _, number, _ = operator(live, "account", "create", "shop")
    _, key, _ = operator(live, "key", "create", "--account", number)
    with httpx.Client(base_url=live.url, headers={"authorization": f"Bearer {key}"}) as http:
        assert http.post("/v1/ingest", json={"stat": "a"}).status_code == 202
        code, out, err = operator(live, "account", "delete", number)
        assert (code, out) == (2, "")
        assert err == f"statflow: account {number} is shop: confirm by --yes that it is to go"
        assert http.get("/v1/stats").status_code == 200
        code, out, _ = operator(live, "account", "delete", number, "--yes")
        assert (code, out) == (
            0, f"account {number} (shop) is deleted; its stats are gone for good in 48 hours",
        )  # fmt: skip
        until_refused(http)
    assert "deleted" in operator(live, "account", "show", number)[1]


def until_refused(http: httpx.Client) -> None:
    """Wait until the key is no longer good."""

    deadline = time.monotonic() + REFUSED_S
    while http.get("/v1/stats").status_code != 401:
        assert time.monotonic() < deadline, "the key still works"
        time.sleep(0.02)


def test_the_first_account_and_one_that_is_not_there_stay(live: Running) -> None:
    code, out, err = operator(live, "account", "delete", "1", "--yes")
    assert (code, out) == (1, "")
    assert "belongs to the installation" in err
    code, out, err = operator(live, "account", "delete", "9", "--yes")
    assert (code, out) == (1, "")
    assert "9" in err
