"""A line to no server: it answers from a script, then takes everything, and keeps what came."""

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from statflow_client.answers import Answer, NoAnswer
from statflow_client.line import Line

SILENCE = NoAnswer("nobody there")
BUSY = Answer(503, {}, b'{"code":"overloaded","detail":"busy"}')


def answer(status: int, said: object = None, **headers: str) -> Answer:
    """An answer in JSON."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, named, b"" if said is None else json.dumps(said).encode())


@dataclass(frozen=True)
class Posted:
    """One request."""

    key: str
    items: list[dict[str, Any]]

    @property
    def stats(self) -> list[str]:
        """The names in it."""
        return [item["stat"] for item in self.items]


@dataclass(eq=False)
class ScriptedLine(Line):
    """Answers what the script says, then 202; `gate` holds an answer back until it is set."""

    script: Sequence[Answer | NoAnswer] = ()
    posted: list[Posted] = field(default_factory=list)
    closed: int = 0
    arrived: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    gate: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    def post(self, key: str, body: bytes) -> Answer | NoAnswer:
        """Note it, and answer."""
        self.posted.append(Posted(key, json.loads(body)["items"]))
        self.arrived.release()
        assert self.gate.wait(10)
        place = len(self.posted) - 1
        if place < len(self.script):
            return self.script[place]
        return answer(
            202, {"accepted": len(self.posted[-1].items), "duplicates": 0, "rejected": []}
        )

    def close(self) -> None:
        """Count it."""
        self.closed += 1
