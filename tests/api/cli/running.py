"""A real server of our own command, on a port of its own, and commands beside it."""

import io
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from unittest.mock import patch

import httpx

from api.cli.main import main
from tests.source_tree import ROOT

READY_LIMIT_S = 60.0
END_LIMIT_S = 20.0

PROGRAM = (sys.executable, "-m", "api.cli.main")

Process = subprocess.Popen[str]


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Running:
    """A server: its address, its first key if it was new, the lines that it printed."""

    process: Process
    data: Path
    url: str
    key: str
    lines: Sequence[str]

    @property
    def environ(self) -> dict[str, str]:
        """What its clients need."""
        return {"STATFLOW_URL": self.url, "STATFLOW_KEY": self.key}

    def statflow(self, *words: str, stdin: str = "") -> Done:
        """Run a command beside it."""
        return statflow(*words, environ=self.environ, stdin=stdin)

    def stop(self) -> int:
        """Stop it cleanly; returns its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(END_LIMIT_S)


@contextmanager
def running(data: Path, *words: str, last: str = "-d '") -> Generator[Running]:
    """`statflow serve`, or another command that serves, until the end of the block.

    It has begun when a line begins with `last`.
    """
    process = start(*(words or ("serve",)), "--data", str(data), "--bind", "127.0.0.1:0", cwd=data)
    try:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line.rstrip("\n"))
            if line.strip().startswith(last):
                break
        text = "\n".join(lines)
        address = re.search(r"http://127\.0\.0\.1:\d+", text)
        assert address is not None, f"it did not start:\n{text}"
        key = re.search(r"sf_\w{46}", text)
        _wait_ready(address[0])
        yield Running(process, data, address[0], key[0] if key else "", lines)
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=END_LIMIT_S)


def _wait_ready(url: str) -> None:
    deadline = time.monotonic() + READY_LIMIT_S
    with httpx.Client(base_url=url, trust_env=False) as http:
        while http.get("/readyz").status_code != 200:
            assert time.monotonic() < deadline, "it does not become ready"
            time.sleep(0.02)


def start(
    *words: str,
    cwd: Path,
    environ: Mapping[str, str] | None = None,
    stdin: IO[bytes] | int = subprocess.DEVNULL,
) -> Process:
    """Start a command in a process of its own."""
    cwd.mkdir(parents=True, exist_ok=True)
    return subprocess.Popen(
        [*PROGRAM, *words],
        cwd=cwd,
        env=clean(environ or {}),
        text=True,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def statflow(*words: str, environ: Mapping[str, str] | None = None, stdin: str = "") -> Done:
    """Run a command to its end, in this process, which saves half a second of imports."""
    printed = io.BytesIO(), io.BytesIO()
    out, err = (io.TextIOWrapper(stream, write_through=True) for stream in printed)
    with (
        tempfile.TemporaryFile("w+") as file,
        patch.dict(os.environ, clean(environ or {}), clear=True),
        patch("sys.stdin", file),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        file.write(stdin)
        file.seek(0)
        try:
            code = main(words)
        except SystemExit as end:
            code = int(end.code or 0)
        return Done(code, *(stream.getvalue().decode() for stream in printed))


def clean(environ: Mapping[str, str]) -> dict[str, str]:
    """Our environment without settings of whoever runs the tests."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("STATFLOW_")}
    return {**ours, "PYTHONPATH": str(ROOT), **environ}
