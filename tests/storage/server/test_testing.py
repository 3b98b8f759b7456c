"""The servers that other tests torment."""

import os
from pathlib import Path

import pytest
import redis

from storage.server.testing import binaries, embedded_server

pytestmark = pytest.mark.real

BINARIES = [pytest.param(path, id=f"{path.parent.name}-{path.name}") for path in binaries()]


@pytest.mark.parametrize("binary", BINARIES)
def test_it_survives_what_tests_do_to_it(tmp_path: Path, binary: Path) -> None:
    with embedded_server(tmp_path, binary=binary, maxmemory=10_000_000) as server:
        first = server.pid
        with server.client() as client:
            client.set("a", "1")
            assert client.config_get("maxmemory") == {"maxmemory": "10000000"}
        server.kill()
        with server.client() as client, pytest.raises(redis.ConnectionError):
            client.get("a")
        server.restart(maxmemory=20_000_000)
        assert server.pid != first
        with server.client() as client:
            assert client.get("a") == b"1"
            assert client.config_get("maxmemory") == {"maxmemory": "20000000"}
        server.terminate()
        server.restart()
        with server.client() as client:
            assert client.get("a") == b"1"
    with pytest.raises(ProcessLookupError):
        os.kill(server.pid, 0)


def test_a_stopped_server_keeps_its_callers_waiting(tmp_path: Path) -> None:
    with embedded_server(tmp_path) as server:
        with server.client(timeout_s=0.02) as impatient:
            impatient.ping()
            server.stop()
            with pytest.raises(redis.TimeoutError):
                impatient.ping()
            server.cont()
        with server.client() as client:
            assert client.ping()
        server.stop()  # and the end of the block kills it all the same


def test_a_server_that_does_not_start_shows_its_log(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="sometimes"), embedded_server(tmp_path, hz="sometimes"):
        pytest.fail("started with a wrong option")
