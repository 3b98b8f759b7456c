"""Throughput by `wrk`: as many requests as the connections and one core can send."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.cores import LOAD, only_on
from bench.words import Request, pieces

SCRIPT: Final = Path(__file__).with_name("wrk.lua")

ANSWER_LIMIT_S: Final = 10
ENDING_S: Final = 30.0
"""After its time `wrk` may take so long to end."""

_TALLY: Final = re.compile(
    r"^tally requests=(\d+) duration_us=(\d+) refused=(\d+) broken=(\d+)$", re.MULTILINE
)


class NoLoad(Exception):
    """`wrk` is not here, or did not do what it should; the text says what."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What came of a run: answers of 2xx, other answers, connections that broke or were silent."""

    accepted: int
    refused: int
    broken: int
    seconds: float

    @property
    def rate_s(self) -> float:
        """Accepted requests a second."""
        return self.accepted / self.seconds


def load(
    port: int,
    requests: Sequence[Request],
    seconds: float,
    connections: int,
    headers: Mapping[str, str],
    *,
    handed_over: bool = False,
) -> Tally:
    """Send the requests in turn on keep-alive connections for a while.

    `handed_over`: each connection first asks for `/healthz`.
    """
    if shutil.which("wrk") is None:
        raise NoLoad("wrk is not installed: bench/peers.sh installs it")
    # One more than connections: before it begins, wrk asks the script for a request to look at.
    past = connections + 1 if handed_over else 0
    with tempfile.NamedTemporaryFile("w", suffix=".requests") as file, only_on(LOAD):
        file.write("".join(map(pieces, requests)))
        file.flush()
        words = [
            "wrk", "-t", "1", "-c", str(connections), "-d", f"{max(1, round(seconds))}s",
            "--timeout", f"{ANSWER_LIMIT_S}s", "-s", str(SCRIPT), f"http://127.0.0.1:{port}", "--",
            file.name, str(past),
            *(word for header in headers.items() for word in header),
        ]  # fmt: skip
        limit_s = seconds + ENDING_S
        ended = subprocess.run(words, capture_output=True, text=True, timeout=limit_s, check=False)
    return parsed(ended.stdout, ended.stderr)


def parsed(printed: str, complaints: str = "") -> Tally:
    """The tally that our script lets `wrk` print."""
    found = _TALLY.search(printed)
    if found is None:
        raise NoLoad(f"wrk printed no tally:\n{printed[-500:]}{complaints[-500:]}")
    requests, duration_us, refused, broken = map(int, found.groups())
    return Tally(requests - refused, refused, broken, duration_us / 1e6)
