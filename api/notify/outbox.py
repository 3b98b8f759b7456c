"""The directory of mails that nobody sends: newest names last, oldest files first to go."""

import os
import time
from itertools import count
from pathlib import Path
from typing import Final

OUTBOX_MAX: Final = 1_000
"""Mails kept."""

_serial = count()


def keep(directory: Path, message: bytes) -> Path:
    """Write a mail into the directory, readable for its owner only; OSError when that fails."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = f"{time.time_ns() // 1000:017d}-{os.getpid()}-{next(_serial):04d}.eml"
    path, unfinished = directory / name, directory / f"{name}.part"
    # Links in mails open accounts.
    unfinished.touch(0o600, exist_ok=False)
    unfinished.write_bytes(message)
    unfinished.rename(path)
    for old in sorted(directory.glob("*.eml*"))[:-OUTBOX_MAX]:
        old.unlink(missing_ok=True)
    return path
