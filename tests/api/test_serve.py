"""The whole program with a real store server and real sockets."""

import gzip
import os
import resource
import shlex
import shutil
import signal
import socket
import ssl
import subprocess
import zlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import trio

from api.http.context import Context
from api.serve import serve
from api.settings import Settings, SettingsError
from engine.ports import Fenced

pytestmark = pytest.mark.real

START_S = 60.0


@dataclass(eq=False)
class Running:
    """A server that runs; `said` is what it printed."""

    context: Context
    said: list[str]
    verify: ssl.SSLContext | bool = True
    key: str = ""

    @property
    def address(self) -> str:
        """Where it is."""
        return self.context.public_url

    def client(self) -> httpx.AsyncClient:
        """A client with the first key."""
        headers = {"authorization": f"Bearer {self.key}"}
        return httpx.AsyncClient(base_url=self.address, headers=headers, verify=self.verify)


@dataclass(eq=False)
class Life:
    """Servers on one directory, one after the other."""

    data: Path
    key: str = ""
    said: list[str] = field(default_factory=list)
    bind: str = "127.0.0.1:0"

    @asynccontextmanager
    async def running(self, **settings: Any) -> AsyncGenerator[Running]:  # ruff: ignore[any-type]
        """A server; at the end it gets SIGTERM."""
        self.said = []
        wanted = Settings(
            bind=self.bind, data=str(self.data), maxmemory=128 * 2**20, partitions=4, **settings
        )
        verify = ssl.create_default_context(cafile=wanted.tls_cert) if wanted.tls_cert else True
        async with trio.open_nursery() as nursery:
            with trio.fail_after(START_S):
                context = await nursery.start(partial(serve, wanted, self.said.append))
                await context.node.wait_ready()
            for text in self.said:
                if "sf_" in text:
                    self.key = next(word for word in text.split() if word.startswith("sf_"))
            yield Running(context, self.said, verify, self.key)
            os.kill(os.getpid(), signal.SIGTERM)


@pytest.fixture
def life(tmp_path: Path) -> Life:
    return Life(tmp_path / "data")


async def test_the_first_minute_of_a_newcomer(life: Life) -> None:
    async with life.running() as server:
        text = "\n".join(server.said)
        assert f"StatFlow serves {server.address}" in text
        command = text[text.index("curl -X POST") :].strip()
        assert command.splitlines()[-1].lstrip().startswith("-d '{")
        done = await trio.run_process(
            ["sh", "-c", command], capture_stdout=True, stderr=subprocess.DEVNULL
        )
        answer = msgspec.json.decode(done.stdout)
        assert (answer["accepted"], answer["durable"]) == (1, True)
        async with server.client() as client:
            data = (await client.get(f"/v1/stats/{answer['stat_id']}/data?from=-5m")).json()
            assert data["summary"]["sum"] == 1
        host, port = server.address.removeprefix("http://").split(":")
        async with await trio.open_tcp_stream(host, int(port)) as stream:
            await stream.send_all(
                f"GET /v1/live?stats={answer['stat_id']} HTTP/1.1\r\nHost: x\r\n"
                f"Authorization: Bearer {server.key}\r\n\r\n".encode()
            )
            await _until(stream, b"event: snapshot")
            await trio.run_process(
                ["sh", "-c", command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            sent_at = trio.current_time()
            await _until(stream, b"event: change")
            assert trio.current_time() - sent_at < 1
    assert life.said[-1].startswith("stopped")


async def test_the_owner_claims_their_account_once_and_logs_in(life: Life) -> None:
    async with life.running() as server:
        claim = next(word for text in server.said for word in text.split() if "/claim#" in word)
        assert claim.startswith(f"{server.address}/claim#token=")
        owner = {"email": "ann@example.com", "password": "correct horse battery"}
        claimed = owner | {"token": claim.partition("=")[2]}
        async with httpx.AsyncClient(base_url=server.address) as browser:
            answer = await browser.post("/v1/auth/claim", json=claimed)
            assert (answer.status_code, set(browser.cookies)) == (201, {"sf_s", "sf_d"})
            assert (await browser.post("/v1/auth/claim", json=claimed)).status_code == 410
            own = {"origin": server.address, "x-csrf-token": answer.json()["csrf"]}
            made = await browser.post("/v1/auth/api-keys", json={"scopes": ["read"]}, headers=own)
            assert made.status_code == 201
            assert (await browser.post("/v1/auth/login", json=owner)).status_code == 200
            asked = await browser.post("/v1/auth/reset", json={"email": owner["email"]})
            assert asked.status_code == 202
            with trio.fail_after(START_S):
                # Nobody is told when a mail has left.
                while not (mails := list((life.data / "outbox").glob("*.eml"))):  # ruff: ignore[async-busy-wait]
                    await trio.sleep(0.01)
            assert b"/reset#token=3D" in mails[0].read_bytes()
    async with life.running() as server:
        assert not any("/claim#" in text for text in server.said)
        async with httpx.AsyncClient(base_url=server.address, cookies=browser.cookies) as again:
            assert (await again.get("/v1/auth/session")).json()["role"] == "owner"


async def test_a_live_stream_of_a_person_ends_when_they_log_out(life: Life) -> None:
    async with life.running() as server, httpx.AsyncClient(base_url=server.address) as browser:
        new = {"email": "ann@example.com", "password": "correct horse battery"}
        entered = await browser.post("/v1/auth/signup", json=new)
        own = {"origin": server.address, "x-csrf-token": entered.json()["csrf"]}
        async with browser.stream("GET", "/v1/live?match=*") as live:
            parts = live.aiter_text()
            assert "welcome" in await anext(parts)
            await browser.post("/v1/auth/logout", headers=own)
            with trio.fail_after(1.5):
                text = "".join([part async for part in parts])
        assert "no longer valid" in text


async def test_passwords_do_not_travel_in_the_clear(life: Life) -> None:
    life.bind = "0.0.0.0:0"
    async with life.running() as server:
        assert not any("/claim#" in text for text in server.said)
        assert any("log-in is off" in text for text in server.said)
        async with httpx.AsyncClient(base_url=server.address) as browser:
            new = {"email": "ann@example.com", "password": "correct horse battery"}
            answer = await browser.post("/v1/auth/login", json=new)
            assert (answer.status_code, answer.json()["code"]) == (403, "insecure_transport")


async def _until(stream: trio.SocketStream, wanted: bytes) -> None:
    """Read until the text has come; what comes with it is gone."""
    got = b""
    with trio.fail_after(60):
        while wanted not in got:
            got += await stream.receive_some()


async def test_a_later_start_finds_everything_and_shows_no_key(life: Life) -> None:
    item = {"stat": "a", "value": 2.5, "type": "value"}
    async with life.running() as server, server.client() as client:
        assert (await client.post("/v1/ingest", json=item)).status_code == 202
    async with life.running() as server, server.client() as client:
        text = "\n".join(server.said)
        assert "sf_" not in text
        assert "statflow key create" in text
        (stat,) = (await client.get("/v1/stats")).json()["stats"]
        assert (stat["name"], stat["latest"]) == ("a", 2.5)
        again = await client.post("/v1/ingest", json=item)
        assert again.json()["stat_id"] == stat["id"]
        data = (await client.get(f"/v1/stats/{stat['id']}/data?from=-1h")).json()
        assert data["summary"]["sum"] == 5


async def test_metrics_are_for_this_machine_or_for_an_admin(life: Life) -> None:
    async with life.running() as server, httpx.AsyncClient(base_url=server.address) as client:
        near = await client.get("/metrics")
        assert near.status_code == 200
        assert "statflow_store_memory_bytes" in near.text
        proxied = await client.get("/metrics", headers={"x-forwarded-for": "203.0.113.7"})
        assert proxied.status_code == 401
        ready = (await client.get("/readyz")).json()
        assert (ready["status"], ready["warnings"]) == ("ready", [])


async def test_43_many_repeats_at_once(life: Life) -> None:
    async with life.running() as server:
        limits = httpx.Limits(max_connections=50)
        headers = {"authorization": f"Bearer {server.key}", "idempotency-key": "k1"}
        answers: list[httpx.Response] = []
        async with httpx.AsyncClient(
            base_url=server.address, headers=headers, limits=limits, timeout=60
        ) as client:

            async def send() -> None:
                # A loaded machine may be told to come again: then the same key is sent again.
                answer = await client.post("/v1/ingest", json={"stat": "a"})
                while answer.status_code == 503:
                    await trio.sleep(float(answer.headers["retry-after"]))
                    answer = await client.post("/v1/ingest", json={"stat": "a"})
                answers.append(answer)

            async with trio.open_nursery() as nursery:
                for _ in range(200):
                    nursery.start_soon(send)
            assert {answer.status_code for answer in answers} == {202}
            assert sum("idempotent-replayed" in answer.headers for answer in answers) == 199
            stat_id = answers[0].json()["stat_id"]
            data = (await client.get(f"/v1/stats/{stat_id}/data?from=-5m")).json()
            assert data["summary"]["count"] == 1


async def test_an_engine_that_lost_its_store_ends_the_process(life: Life) -> None:
    with pytest.RaisesGroup(Fenced, flatten_subgroups=True):
        async with life.running() as server, server.client() as client:
            store: Any = server.context.node.store
            for partition in range(4):
                await store.acquire(partition)
            with suppress(httpx.HTTPError):
                await client.post("/v1/ingest", json={"stat": "a"}, timeout=30)
            await trio.sleep(START_S)


async def test_a_busy_port_is_one_line(life: Life) -> None:
    async with life.running() as server:
        bind = server.address.removeprefix("http://")
        with pytest.raises(SettingsError, match="cannot be had"):
            await serve(Settings(bind=bind, data=str(life.data)))


async def test_it_listens_at_several_addresses(life: Life) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        second = f"127.0.0.1:{probe.getsockname()[1]}"
        life.bind = f"127.0.0.1:0,{second}"
        with pytest.raises(SettingsError, match=f"{second} cannot be had"):
            await serve(Settings(bind=life.bind, data=str(life.data)))
    async with life.running() as server, server.client() as client:
        for address in (server.address, f"http://{second}"):
            answer = await client.post(f"{address}/v1/ingest", json={"stat": "a"})
            assert answer.status_code == 202


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes a certificate")
async def test_it_speaks_tls(life: Life, tmp_path: Path) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    make = (
        f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
        f" -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 -out {cert} -keyout {key}"
    )
    await trio.run_process(shlex.split(make), stderr=subprocess.DEVNULL)
    async with life.running(tls_cert=str(cert), tls_key=str(key)) as server:
        assert server.address.startswith("https://")
        async with server.client() as client:
            assert (await client.post("/v1/ingest", json={"stat": "a"})).status_code == 202


def children() -> list[int]:
    """Processes that this one started."""
    listed = Path(f"/proc/self/task/{os.getpid()}/children")
    return [int(number) for number in listed.read_text().split()]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="finds the store server in /proc")
async def test_48_a_store_that_hangs_is_answered_in_time(life: Life) -> None:
    before = set(children())
    async with life.running() as server, server.client() as client:
        item = {"stat": "a", "value": 1, "type": "counter"}
        assert (await client.post("/v1/ingest", json=item)).status_code == 202
        (store,) = set(children()) - before
        os.kill(store, signal.SIGSTOP)
        try:
            for attempt in range(3):
                began = trio.current_time()
                refused = await client.post(
                    "/v1/ingest", json=item, headers={"idempotency-key": f"k{attempt}"}, timeout=10
                )
                assert refused.status_code == 503
                assert int(refused.headers["retry-after"]) >= 1
                assert refused.json()["code"] in {"outcome_unknown", "store_unavailable"}
                assert trio.current_time() - began <= (2.5 if attempt == 0 else 1)
        finally:
            os.kill(store, signal.SIGCONT)
        with trio.fail_after(START_S):
            for attempt in range(3):
                answer = await client.post(
                    "/v1/ingest", json=item, headers={"idempotency-key": f"k{attempt}"}
                )
                while answer.status_code == 503:
                    await trio.sleep(0.1)
                    answer = await client.post(
                        "/v1/ingest", json=item, headers={"idempotency-key": f"k{attempt}"}
                    )
                assert answer.status_code == 202
        stat_id = answer.json()["stat_id"]
        data = (await client.get(f"/v1/stats/{stat_id}/data?from=-5m")).json()
        assert data["summary"]["count"] == 4


async def test_27_a_gzip_bomb_takes_no_memory(life: Life) -> None:
    squeeze = zlib.compressobj(9, wbits=31)
    zeros = bytes(2**20)
    bomb = b"".join(squeeze.compress(zeros) for _ in range(256)) + squeeze.flush()
    async with life.running() as server, server.client() as client:
        headers = {"content-encoding": "gzip", "content-type": "application/json"}
        await client.post("/v1/ingest/batch", content=gzip.compress(b"{}"), headers=headers)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        answer = await client.post("/v1/ingest/batch", content=bomb, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 1024


async def test_40_two_authorization_headers(life: Life) -> None:
    async with life.running() as server, httpx.AsyncClient(base_url=server.address) as client:
        twice = [("authorization", f"Bearer {server.key}")] * 2
        answer = await client.post("/v1/ingest", json={"stat": "a"}, headers=twice)
        assert (answer.status_code, answer.json()["code"]) == (400, "duplicate_header")
