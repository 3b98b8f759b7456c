"""The appends' own way to the store server: a stream on the event loop, without a thread between.

Law: as for `storage/link.py`, nothing is sent twice, and whoever is cancelled still waits for the
reply. After any failure the connection is closed, so that a late reply is never taken for the reply
to something else.
"""

from collections.abc import Sequence
from typing import Any, Final

import hiredis
import redis.exceptions as errors
import trio
from redis.connection import parse_url

from engine.ports import StoreError, Unavailable
from storage.link import ANSWER_LIMIT_S, translated
from storage.scripts import Argument, Call, Reply, evalsha, forgotten, script_load

RECEIVE_BYTES: Final = 64 * 1024
"""Read at a time."""

NOTHING_YET: Final = object()

BROKEN: Final = (OSError, trio.BrokenResourceError, hiredis.ProtocolError)


class Connection:
    """One connection to the server at `url` (`unix:///path` or `redis://`), for one at a time.

    Nothing is opened before the first call; a server that comes back is simply found again.
    """

    def __init__(self, url: str, *, answer_limit_s: float = ANSWER_LIMIT_S) -> None:
        self._address: dict[str, Any] = dict(parse_url(url))  # type: ignore[no-untyped-call]
        self._answer_limit_s = answer_limit_s
        self._stream: trio.SocketStream | None = None
        self._reader = _new_reader()
        self._turn = trio.Lock()

    def __repr__(self) -> str:
        return f"<Connection {'closed' if self._stream is None else 'open'}>"

    async def run_scripts(self, calls: Sequence[Call]) -> list[Reply]:
        """Run scripts together; each reply is a value, or an exception of redis-py or the engine.

        Raises Unavailable when it is not known what became of them, Refused when none was run. A
        script that the server has forgotten was surely not run: it is loaded and sent again.
        """
        async with self._turn:
            replies = await self._ask([evalsha(call) for call in calls])
            missing = forgotten(replies)
            if missing:
                again = await self._loaded([calls[number] for number in missing])
                for number, reply in zip(missing, again, strict=True):
                    replies[number] = reply
            return replies

    def close(self) -> None:
        """Close it; the next call opens a new one."""
        if self._stream is not None:
            self._stream.socket.close()
        self._stream, self._reader = None, _new_reader()

    async def _loaded(self, calls: Sequence[Call]) -> list[Reply]:
        """The replies to calls whose scripts are loaded first."""
        try:
            await self._ask([script_load(name) for name in sorted({call[0] for call in calls})])
            return await self._ask([evalsha(call) for call in calls])
        except StoreError as error:
            # Of these calls alone: the others have been answered, and perhaps stored.
            return [error] * len(calls)

    async def _ask(self, commands: Sequence[Sequence[Argument]]) -> list[Reply]:
        """The replies to commands that are sent together, in order."""
        whole = False
        try:
            with trio.move_on_after(self._answer_limit_s, shield=True):
                replies = await self._exchange(await self._opened(), commands)
                whole = True
                return replies
            raise Unavailable(f"the store did not answer within {self._answer_limit_s:g} s")
        except BROKEN as error:
            raise Unavailable(str(error)) from error
        finally:
            if not whole:
                self.close()

    async def _exchange(
        self, stream: trio.SocketStream, commands: Sequence[Sequence[Argument]]
    ) -> list[Reply]:
        await stream.send_all(b"".join(map(_packed, commands)))
        replies: list[Reply] = []
        while len(replies) < len(commands):
            data = await stream.receive_some(RECEIVE_BYTES)
            if not data:
                raise OSError("the store closed the connection")
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not NOTHING_YET:
                replies.append(reply)
        return replies

    async def _opened(self) -> trio.SocketStream:
        """The open stream; a new one where the server has ended the last."""
        if self._stream is not None:
            # Nobody has asked anything: what there is to read can only be the end.
            if not self._stream.socket.is_readable():
                return self._stream
            self.close()
        self._stream = stream = await self._dial()
        for reply in await self._exchange(stream, self._introduction()):
            if isinstance(reply, Exception):
                raise translated(reply) or Unavailable(str(reply))
        return stream

    async def _dial(self) -> trio.SocketStream:
        if "path" in self._address:
            return await trio.open_unix_socket(self._address["path"])
        return await trio.open_tcp_stream(
            self._address.get("host", "localhost"), self._address.get("port", 6379)
        )

    def _introduction(self) -> list[tuple[Argument, ...]]:
        """What is said before anything else: who we are, and which data we want."""
        said: list[tuple[Argument, ...]] = []
        user, password = self._address.get("username"), self._address.get("password")
        if password is not None:
            said.append(("AUTH", password) if user is None else ("AUTH", user, password))
        if self._address.get("db"):
            said.append(("SELECT", self._address["db"]))
        return said


def _packed(parts: Sequence[Argument]) -> bytes:
    whole: Any = tuple(parts)  # Its stub asks for a tuple of one.
    packed: bytes = hiredis.pack_command(whole)
    return packed


def _new_reader() -> hiredis.Reader:
    return hiredis.Reader(
        protocolError=hiredis.ProtocolError, replyError=_error, notEnoughData=NOTHING_YET
    )


def _error(text: str) -> errors.ResponseError:
    kind = errors.NoScriptError if text.startswith("NOSCRIPT") else errors.ResponseError
    return kind(text)
