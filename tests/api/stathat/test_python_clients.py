"""The clients for Python that people have installed, unmodified, against a server on real sockets.

Their host is hard-coded, with http on port 80 or https on port 443: the interpreters that run them
resolve it as a hosts entry would, and trust an authority of our own as operators tell them to.
"""

import os
import shlex
import shutil
import ssl
import subprocess
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from api.stathat.access import Access
from tests.api.http.harness import Server, serving
from tests.api.http.sockets import served

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="makes a certificate"),
]

INSTALL_LIMIT_S = 120
RUN_LIMIT_S = 30

HOSTS = """
import os, socket
ports, look_up = {80: int(os.environ["HTTP"]), 443: int(os.environ["HTTPS"])}, socket.getaddrinfo
def getaddrinfo(host, port, *rest, **more):
    if host in ("api.stathat.com", b"api.stathat.com"):
        host, port = "127.0.0.1", ports[int(port)]
    return look_up(host, port, *rest, **more)
socket.getaddrinfo = getaddrinfo
"""
"""A hosts entry, and ports that need no rights."""

MINIMAL = """
import os, stathat
stats = stathat.StatHat(os.environ["EZKEY"])
assert stats.count("wtfs/minute", 10) and stats.value("latency ~ ms & more", 8.5)
"""

THREADED = """
import os, stathatasync
stats = stathatasync.StatHat(os.environ["EZKEY"])
stats.count("wtfs/minute", 10)
stats.value("connections.active", 85092)
stats.queue.join()
"""

STRICT = """
import os, stathat
ezkey, ukey, key = [os.environ[name] for name in ("EZKEY", "UKEY", "KEY")]
assert stathat.ez_count(ezkey, "sent~total,female", 2) and stathat.ez_value(ezkey, "load", 1e6)
assert stathat.classic_count(ukey, key, 3)
try:
    stathat.ez_count("nobody", "x")
except stathat.StatHatError as error:
    assert "ezkey" in str(error) or "key" in str(error), error
else:
    raise AssertionError("a wrong key was not told")
"""

FLASK = """
import os, flask, flask_stathat
app = flask.Flask("shop")
app.config["STATHAT_EZ_KEY"] = os.environ["EZKEY"]
stats = flask_stathat.StatHat(app)
@app.route("/")
def page():
    stats.count("page views", 1); stats.count("page views", 2); stats.value("größe", 0.5)
    return "ok"
assert app.test_client().get("/").data == b"ok"
"""


def old_python() -> str | None:
    """A Python 2.7, for which most of these clients were written."""
    for place in (*os.environ.get("PATH", "").split(os.pathsep), *_versions()):
        program = Path(place) / "python2.7"
        if program.is_file() and not _answers(program, "-c", "import ssl"):
            return str(program)
    return None


def _versions() -> list[str]:
    root = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    return [str(folder / "bin") for folder in sorted(root.glob("versions/2.7*"))]


def _answers(program: Path, *words: str) -> int:
    return subprocess.run([program, *words], capture_output=True, check=False).returncode


# An old requests is what the oldest client was written for.
@pytest.mark.parametrize(
    ("old", "wanted", "script", "stored"),
    [
        (
            True, ["stathat==0.0.2", "requests==0.14.2"], MINIMAL,
            {"wtfs/minute": (1, 10.0), "latency ms & more": (1, 8.5)},
        ),
        (
            True, ["stathat-async==0.0.3", "stathat==0.0.2", "requests==0.14.2"], THREADED,
            {"wtfs/minute": (1, 10.0), "connections.active": (1, 85092.0)},
        ),
        (
            True, ["python-stathat==0.2.0"], STRICT,
            {
                "sent total": (1, 2.0), "sent female": (1, 2.0), "load": (1, 1e6),
                "classic": (2, 4.0),
            },
        ),
        (
            False, ["flask-stathat==0.1.2", "flask", "requests"], FLASK,
            {"page views": (2, 3.0), "größe": (1, 0.5)},
        ),
    ],
    ids=["stathat", "stathat-async", "python-stathat", "flask-stathat"],
)  # fmt: skip
async def test_their_points_arrive(
    tmp_path: Path, old: bool, wanted: list[str], script: str, stored: dict[str, tuple[int, float]]
) -> None:
    program = old_python() if old else sys.executable
    if program is None:
        pytest.skip("there is no Python 2.7 here")
    library = tmp_path / "library"
    await _install(program, library, wanted)
    (library / "sitecustomize.py").write_text(HOSTS)
    async with serving() as server, _at_two_ports(server, tmp_path) as ports:
        await server.send("POST", "/v1/ingest", json={"stat": "classic", "value": 1})
        access = await server.context.stathat.of(1)
        environ = {**ports, **_keys(access, server.stat("classic").id)}
        with trio.fail_after(RUN_LIMIT_S):
            done = await trio.run_process(
                [program, "-c", script],
                env={**os.environ, **environ, "PYTHONPATH": str(library)},
                capture_stdout=True,
                capture_stderr=True,
                check=False,
            )
        assert done.returncode == 0, done.stderr.decode()
        found = await server.stored()
    assert {name: found.get(name) for name in stored} == stored


def _keys(access: Access, stat: int) -> dict[str, str]:
    secrets = access.secrets
    key = access.stat_key(stat)
    return {"EZKEY": secrets.ezkey, "UKEY": secrets.user_key, "KEY": key}


async def _install(program: str, library: Path, wanted: list[str]) -> None:
    words = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"]
    with trio.move_on_after(INSTALL_LIMIT_S):
        done = await trio.run_process(
            [program, *words, str(library), *wanted],
            check=False, capture_stdout=True, capture_stderr=True,
        )  # fmt: skip
        if done.returncode == 0:
            return
    pytest.skip(f"{wanted[0]} cannot be had")


@asynccontextmanager
async def _at_two_ports(server: Server, folder: Path) -> AsyncGenerator[Mapping[str, str]]:
    """The server with and without TLS; what clients need to find and to trust it."""
    certificate, key = folder / "ca.pem", folder / "key.pem"
    make = (
        f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=api.stathat.com"
        f" -addext subjectAltName=DNS:api.stathat.com -out {certificate} -keyout {key}"
    )
    await trio.run_process(shlex.split(make), stderr=subprocess.DEVNULL)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    trusted = {"SSL_CERT_FILE": str(certificate), "REQUESTS_CA_BUNDLE": str(certificate)}
    async with served(server.app) as plain, served(server.app, tls=tls) as secure:
        yield {"HTTP": str(plain.port), "HTTPS": str(secure.port), **trusted}
