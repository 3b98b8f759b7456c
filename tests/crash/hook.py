"""A receiver of webhooks in a process of its own, which may be killed like all the others.

Law: it writes down what it got before it answers, so whatever was answered is in the file. Now and
then it refuses, or hangs up without a word: then it has it, and the sender cannot know.

    python -m tests.crash.hook PORT FILE
"""

import json
import os
import sys
from collections.abc import Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import trio

from tests.api.notify.receiver import read_request, says
from tests.crash.waiting import until
from tests.source_tree import ROOT

START_LIMIT_S = 30.0
REFUSES_EVERY = 61
HANGS_UP_EVERY = 53


class Got(NamedTuple):
    """One message as it came: where, under which id, and what it says."""

    path: str
    id: str
    body: dict[str, Any]


class Hook:
    """The receiver; it may be started again after each end, and keeps its port."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "told.jsonl"
        self.output = directory / "hook.out"
        self.port = 0
        self._process: trio.Process | None = None

    async def start(self) -> None:
        """Start the process; returns when it listens."""
        words = [sys.executable, "-m", "tests.crash.hook", str(self.port), str(self.file)]
        with self.output.open("wb") as output:
            self._process = await trio.lowlevel.open_process(
                words, cwd=ROOT, stdin=None, stdout=output
            )
        await until(lambda: self.output.read_bytes().endswith(b"\n"), START_LIMIT_S)
        self.port = int(self.output.read_bytes())

    async def kill(self) -> None:
        """Kill -9; returns when it is gone."""
        if self._process is not None:
            self._process.kill()
            await self._process.wait()

    def got(self) -> Iterator[Got]:
        """All that was written down, in the order in which it came."""
        if not self.file.exists():
            return
        for line in self.file.read_bytes().split(b"\n")[:-1]:
            path, message_id, body = json.loads(line)
            yield Got(path, message_id, json.loads(body))


async def receive(port: int, file: Path) -> None:
    """Take messages for ever."""
    written = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    listeners = await trio.open_tcp_listeners(port, host="127.0.0.1")
    print(listeners[0].socket.getsockname()[1], flush=True)
    await trio.serve_listeners(partial(_take, written, count(1)), listeners)


async def _take(written: int, turns: Iterator[int], stream: trio.SocketStream) -> None:
    async with stream:
        try:
            request = await read_request(stream)
            if request is None:
                return
            told = request.path, request.headers["webhook-id"], request.body.decode()
            os.write(written, json.dumps(told).encode() + b"\n")
            turn = next(turns)
            if turn % HANGS_UP_EVERY:
                await says(200 if turn % REFUSES_EVERY else 503)(stream)
        except trio.BrokenResourceError:
            return


if __name__ == "__main__":
    trio.run(receive, int(sys.argv[1]), Path(sys.argv[2]))
