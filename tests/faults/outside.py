"""The shim of `outside.c`: compiled here and loaded into store servers; Linux with a compiler."""

import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("outside.c")
COMPILE_LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Outside:
    """What the servers of a test meet outside; `environment` is for processes that start them."""

    directory: Path
    library: Path

    @property
    def environment(self) -> dict[str, str]:
        """What loads the shim into a server."""
        return {"LD_PRELOAD": str(self.library), "FAULTS": str(self.directory)}

    def want(self, fsync_ms: int = 0, clock_s: int = 0) -> None:
        """Bend the world from now on: slower disks, another time of day."""
        with open(self.directory / "wanted", "r+b") as wanted:
            wanted.write(struct.pack("qq", fsync_ms, clock_s))

    def synced_bytes(self, file: Path) -> int:
        """How much of an append-only file would survive the loss of power."""
        note = self.directory / f"{file.name}.synced"
        return int(note.read_text()) if note.exists() else 0

    @contextmanager
    def around_servers(self) -> Generator[None, None, None]:
        """Servers that this process starts inside the block get the shim."""
        with pytest.MonkeyPatch.context() as patch:
            for name, text in self.environment.items():
                patch.setenv(name, text)
            yield


def make_outside(directory: Path) -> Outside:
    """Compile the shim; skips the test where that cannot be."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if sys.platform != "linux" or compiler is None:
        pytest.skip("needs Linux and a C compiler: a shim in the server makes this fault")
    directory.mkdir()
    library = directory / "outside.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE), "-ldl"]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=COMPILE_LIMIT_S, check=False
    )
    if done.returncode:
        pytest.skip(f"the C compiler cannot make the shim: {done.stderr.strip()[-200:]}")
    (directory / "wanted").write_bytes(bytes(struct.calcsize("qq")))
    os.chmod(directory / "wanted", 0o600)
    return Outside(directory, library)
