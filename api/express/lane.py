"""The connections that are on the express lane, and how long each may wait.

Law: a wait costs its connection an assignment, not a timer: one look, four times a second, ends
all those that are over.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import trio

from api.express.answers import Answers
from api.express.conversation import Conversation, Handler
from api.express.entrance import Entrance
from api.express.routes import Routes
from api.express.waiting import Plain, Waiting
from api.http.messages import Header
from api.http.meters import Meters
from api.http.room import BodyRoom
from api.http.server import GuardedStream, hypercorn_config

LOOK_EVERY_S: Final = 0.25
"""By so much a client may be given up too late."""


class ExpressLane:
    """Answers the requests that `handlers` knows by method and path (`GET /v1/stats/{id}/data`).

    Of those `by_characters` the Content-Length may be in characters. What `plain` knows is answered
    many at a time.
    """

    def __init__(
        self,
        handlers: Mapping[bytes, Handler],
        room: BodyRoom,
        meters: Meters,
        by_characters: frozenset[bytes] = frozenset(),
        plain: Plain | None = None,
    ) -> None:
        self.room = room
        self.meters = meters
        self.by_characters = by_characters
        self.routes = Routes(handlers)
        self.answers = Answers(_server_headers)
        self.stopping = False
        self.entrance = Entrance()
        self.waiting = Waiting(self, plain)
        self._open: set[Conversation] = set()

    def __repr__(self) -> str:
        return f"<ExpressLane {len(self._open)} connections, {len(self.routes)} routes>"

    async def run(self) -> None:
        """Listen to clients that wait, and give up those that are silent for too long, for ever."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.waiting.run)
            nursery.start_soon(self._look)

    async def _look(self) -> None:
        while True:
            await trio.sleep(LOOK_EVERY_S)
            now_s = trio.current_time()
            for conversation in self._open:
                if conversation.until_s <= now_s:
                    conversation.reading.cancel()

    def stop(self) -> None:
        """Answer what has begun; close a connection as soon as it waits for a request."""
        self.stopping = True
        for conversation in self._open:
            if conversation.idle:
                conversation.reading.cancel()

    async def serve(self, stream: GuardedStream) -> bool:
        """Talk to a client; True when the server behind is to go on, with what the stream has."""
        conversation = Conversation(self, stream)
        self._open.add(conversation)
        try:
            rest = await conversation.run()
        finally:
            self._open.discard(conversation)
        if rest is None:
            return False
        stream.give_back(rest)
        return True


def _server_headers() -> Iterable[Header]:
    return hypercorn_config().response_headers("h11")
