"""The two programs that a look at the pages needs: a server of its own, and a browser."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

STOP_S = 60.0


def chromium_path() -> str | None:
    """The browser that CHROMIUM names, or one on PATH."""
    named = os.environ.get("CHROMIUM")
    return named or shutil.which("chromium") or shutil.which("chromium-browser")


def browser_arguments() -> list[str]:
    """The superuser's browser cannot lock itself in."""
    return ["--no-sandbox"] if os.geteuid() == 0 else []


@contextmanager
def running_server(data: Path, *more: str) -> Generator[tuple[str, str]]:
    """The address and the key of a new server while it runs; `more` are arguments of its own."""
    command = [sys.executable, "-m", "api.cli.main", "serve", "--bind", "127.0.0.1:0"]
    command += ["--data", str(data), "--webhook-allow", "127.0.0.0/8", *more]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield _greeting(server)
        finally:
            server.terminate()
            server.wait(STOP_S)


def _greeting(server: "subprocess.Popen[str]") -> tuple[str, str]:
    """What a first start prints."""
    assert server.stdout is not None
    text = ""
    for line in server.stdout:
        text += line
        address = re.search(r"serves (http://\S+)", text)
        key = re.search(r"sf_[0-9A-Za-z]{46}", text)
        if address and key:
            return address[1], key[0]
    raise AssertionError(f"the server ended: {text}")
