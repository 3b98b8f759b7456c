"""Where clients wait for what they will ask next, and where plain requests are answered at once.

Law: one task looks at all of them, so that a plain request costs no task, and those that come at
the same moment are stored together; nor does a request cost one that is turned away, because too
many wait already: it is told so by its head, and its body is never read. Who sends faster than the
plan allows is told so late, and so asks less often. Everything else wakes the
client's own task with the bytes that came, untouched. A client whose request is being answered is
not listened to.
"""

import logging
import os
from dataclasses import dataclass
from selectors import EVENT_READ, DefaultSelector
from typing import TYPE_CHECKING, Any, Final, Protocol

import trio

from api.express.discarding import discard, peek
from api.express.head import Head, read_head
from api.http.gate import no_room
from api.http.messages import PLACE_OF_ID, RawRequest, SharedReply
from api.http.request_ids import new_request_id

if TYPE_CHECKING:
    from api.express.conversation import Conversation
    from api.express.lane import ExpressLane

log = logging.getLogger("statflow.http")

RECEIVE_BYTES: Final = 256 * 1024
"""Read at a time."""

TURN_REQUESTS_MAX: Final = 256
"""Requests before others get a turn; some 4 ms."""

HELD_BACK_S: Final = 0.2
"""So late is whoever sends too fast told that it was: others have the time that it would take."""

HEADS_MAX: Final = 1_000
HEAD_BYTES_MAX: Final = 2_048
"""Programs send the same heads again and again: so many, of this size, are judged once."""


class Bundle(Protocol):
    """Requests that are answered together."""

    async def replies(self) -> list[SharedReply]:
        """The answers, in order; never raises."""


class Turn(Protocol):
    """Requests of one moment."""

    def take(self, sender: bytes, body: bytes) -> Bundle | SharedReply | None:
        """Put a request into a bundle; the answer when the sender may not send so much.

        None, and nothing done, when it is not plain.
        """


class Plain(Protocol):
    """What knows plain requests."""

    def sender(self, request: RawRequest) -> bytes | None:
        """What a head says about who sends; None when no plain request can have it."""

    def turn(self) -> Turn:
        """Begin with the requests of this moment."""


@dataclass(slots=True, eq=False)
class _Parked:
    """A client that waits; `asking` while a request of it is being answered, `data` at its end.

    `unwanted` are the bytes still to come of a request that was turned away.
    """

    client: "Conversation"
    fd: int
    task: trio.lowlevel.Task
    asking: bool = False
    listening: bool = False
    unwanted: int = 0
    data: bytes | None = None


@dataclass(frozen=True, slots=True)
class _Known:
    """A head that was judged: who sends so, if it may be plain, and how long the body is."""

    sender: bytes | None
    length: int


UNUSUAL: Final = _Known(None, 0)
"""Not for us, or without a body."""

FULL: Final = SharedReply(no_room().reply(PLACE_OF_ID))


class Waiting:
    """The clients of a lane that wait; `plain` answers what it knows."""

    def __init__(self, lane: "ExpressLane", plain: Plain | None) -> None:
        self._lane = lane
        self._plain = plain
        self._selector = DefaultSelector()
        self._parked: dict[int, _Parked] = {}
        self._heads: dict[bytes, _Known] = {}

    def __repr__(self) -> str:
        return f"<Waiting {len(self._parked)} clients, {len(self._heads)} heads>"

    async def data(self, client: "Conversation") -> bytes | None:
        """What a client sends next that is not plain; empty at its end, None to look after it."""
        parked = _Parked(client, client.fd, trio.lowlevel.current_task())
        self._parked[parked.fd] = parked
        self._listen(parked)

        def leave(_: object) -> trio.lowlevel.Abort:
            self._leave(parked)
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(leave)
        return parked.data

    async def run(self) -> None:
        """Listen to all of them, for ever."""
        # Most systems can wait for a selector, like for a file.
        waiter: Any = self._selector
        try:
            async with trio.open_nursery() as nursery:
                while True:
                    await trio.lowlevel.wait_readable(waiter.fileno())
                    ready = self._selector.select(0)
                    for at in range(0, len(ready), TURN_REQUESTS_MAX):
                        some = [key.data for key, _ in ready[at : at + TURN_REQUESTS_MAX]]
                        self._take(some, nursery)
                        await trio.lowlevel.checkpoint()
        finally:
            self._selector.close()

    def _take(self, ready: list[_Parked], nursery: trio.Nursery) -> None:
        turn = None if self._plain is None else self._plain.turn()
        asked: dict[Bundle, list[_Parked]] = {}
        for parked in ready:
            if not parked.listening:
                continue  # It has left a moment ago.
            if parked.asking:
                self._unlisten(parked)
            elif parked.unwanted:
                self._discard(parked)
            elif self._lane.entrance.closed and self._turned_away(parked):
                continue
            elif (data := _received(parked.fd)) is not None:
                known = self._whole(data)
                bundle = self._bundle(turn, known, data)
                if isinstance(bundle, SharedReply):
                    parked.asking = True
                    parked.client.asks()
                    nursery.start_soon(self._tell_late, parked, bundle)
                elif bundle is not None:
                    parked.asking = True
                    parked.client.asks()
                    asked.setdefault(bundle, []).append(parked)
                elif known.length and self._lane.entrance.closed:
                    self._refuse(parked)
                else:
                    self._wake(parked, data)
        for bundle, askers in asked.items():
            nursery.start_soon(self._answer, bundle, askers)

    def _turned_away(self, parked: _Parked) -> bool:
        """Whether a request was turned away: its head told that it must be."""
        head = peek(parked.fd, HEAD_BYTES_MAX)
        end = head.find(b"\r\n\r\n") + 4
        known = self._known(head[:end]) if end >= 4 else UNUSUAL
        if not known.length or known.sender is not None:
            return False
        parked.unwanted = end + known.length
        self._refuse(parked)
        if parked.listening:
            self._discard(parked)
        return True

    def _refuse(self, parked: _Parked) -> None:
        self._lane.meters.refused("overloaded")
        self._tell(parked, FULL, trio.current_time())

    def _discard(self, parked: _Parked) -> None:
        """Drop what has come of a request that was turned away."""
        gone = discard(parked.fd, parked.unwanted)
        if gone == 0:
            self._wake(parked, b"")
        elif gone is not None:
            parked.unwanted -= gone

    def _whole(self, data: bytes) -> _Known:
        """The head, if it is that of one whole request; else `UNUSUAL`."""
        end = data.find(b"\r\n\r\n") + 4
        if not 4 <= end <= HEAD_BYTES_MAX:
            return UNUSUAL
        known = self._known(data[:end])
        return known if len(data) - end == known.length else UNUSUAL

    def _bundle(self, turn: Turn | None, known: _Known, data: bytes) -> Bundle | SharedReply | None:
        """Where the request went, or its answer, if it is plain."""
        if turn is None or known.sender is None:
            return None
        try:
            return turn.take(known.sender, data[-known.length :])
        except Exception:  # The circle of a request: its own task will say what is wrong.
            log.exception("a request is not plain")
            return None

    def _known(self, head: bytes) -> _Known:
        return self._heads.get(head) or self._learn(head)

    def _learn(self, head: bytes) -> _Known:
        if len(self._heads) >= HEADS_MAX:
            self._heads.clear()
        known = self._heads[head] = self._judged(read_head(head, self._lane.routes))
        return known

    def _judged(self, head: object) -> _Known:
        if not isinstance(head, Head) or head.expects or head.last or not head.length:
            return UNUSUAL
        if head.route in self._lane.by_characters:
            return UNUSUAL  # What is too long may be the rest of it.
        method, _, path = head.route.decode("ascii").partition(" ")
        request = RawRequest(method, path, head.query, head.headers, b"", "")
        sender = None if self._plain is None else self._plain.sender(request)
        return _Known(sender, head.length)

    async def _answer(self, bundle: Bundle, askers: list[_Parked]) -> None:
        replies = await bundle.replies()
        now_s = trio.current_time()
        for parked, reply in zip(askers, replies, strict=True):
            if self._parked.get(parked.fd) is not parked:
                continue  # It has left.
            parked.asking = False
            self._tell(parked, reply, now_s)

    async def _tell_late(self, parked: _Parked, reply: SharedReply) -> None:
        await trio.sleep(HELD_BACK_S)
        if self._parked.get(parked.fd) is parked:
            parked.asking = False
            self._tell(parked, reply, trio.current_time())

    def _tell(self, parked: _Parked, reply: SharedReply, now_s: float) -> None:
        told = parked.client.tell(self._lane.answers.shared(reply, new_request_id()), now_s)
        if not told or self._lane.stopping:
            # Whoever neither reads nor has sent all is not understood any more: that is the end.
            self._wake(parked, b"" if parked.unwanted else None)
        elif not parked.listening:
            self._listen(parked)

    def _listen(self, parked: _Parked) -> None:
        parked.listening = True
        self._selector.register(parked.fd, EVENT_READ, parked)

    def _unlisten(self, parked: _Parked) -> None:
        if parked.listening:
            parked.listening = False
            self._selector.unregister(parked.fd)

    def _leave(self, parked: _Parked) -> None:
        self._unlisten(parked)
        del self._parked[parked.fd]

    def _wake(self, parked: _Parked, data: bytes | None) -> None:
        self._leave(parked)
        parked.data = data
        trio.lowlevel.reschedule(parked.task)


def _received(fd: int) -> bytes | None:
    """What came; empty at the end, None when there is nothing after all."""
    try:
        return os.read(fd, RECEIVE_BYTES)
    except BlockingIOError:
        return None
    except OSError:
        return b""
