"""Secrets that were planted in a running server stand neither in its log nor in its store."""

from pathlib import Path

import httpx
import pytest

from tests.api.cli.running import END_LIMIT_S, Running, running, statflow

pytestmark = pytest.mark.real

PLANTED = "sf_PLANTEDxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
PASSWORD = "pl4nted-hush"


def use(server: Running) -> list[str]:
    """Send secrets wherever a client might put them; returns those that must not be found."""
    with httpx.Client(base_url=server.url, trust_env=False) as http:
        head = {"authorization": f"Bearer {server.key}"}
        made = http.post("/v1/auth/api-keys", headers=head, json={"scopes": ["read"]}).json()
        http.post("/v1/ingest", headers=head, json={"stat": "a", "value": 1})
        mine = {"authorization": f"Bearer {made['key']}"}
        ticket = http.post("/v1/live/tickets", headers=mine).json()["ticket"]
        http.get("/v1/stats", headers={"authorization": f"Bearer {PLANTED}"})
        http.get("/v1/stats", headers={"authorization": f"Basic {PASSWORD}"})
        http.get(f"/v1/stats?api_key={PLANTED}")
        http.get(f"/v1/stats/{PLANTED}", headers=mine)
        http.get(f"/v1/live?ticket={PASSWORD}")
    return [server.key, made["key"], ticket, PLANTED, PASSWORD]


def stored(data: Path) -> bytes:
    """All bytes of the store's files."""
    files = [path for path in (data / "store").rglob("*") if path.is_file()]
    assert any("aof" in path.name for path in files)
    return b"".join(path.read_bytes() for path in files)


def test_no_secret_is_kept_or_logged(tmp_path: Path) -> None:
    with running(tmp_path, "serve", "--verbose", "--log-format", "json") as server:
        secrets = use(server)
        server.process.terminate()
        logged, _ = server.process.communicate(timeout=END_LIMIT_S)
    kept = stored(tmp_path)
    for secret in secrets:
        assert secret not in logged
        assert secret[-20:].encode() not in kept


def test_a_password_in_the_address_of_the_store_is_not_told() -> None:
    done = statflow("doctor", "--redis-url", f"redis://:{PASSWORD}@127.0.0.1:1/0")
    assert "127.0.0.1:1" in done.out
    assert PASSWORD not in done.out + done.err
