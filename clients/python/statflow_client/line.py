"""The connection to the server: one, kept open, made anew when it broke.

Law: every way to fail is `NoAnswer`; nothing is decided here, and nothing is sent twice but over a
connection that the server had closed while it was idle.
"""

import gzip
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from ssl import create_default_context
from typing import Final, Protocol

from statflow_client.answers import Answer, NoAnswer
from statflow_client.places import Place

ANSWER_S: Final = 10.0
"""To connect, and between two pieces of an answer; the server promises one within two seconds."""

ANSWER_BYTES_MAX: Final = 1 << 20

PLAIN_BYTES_MAX: Final = 1400
"""A body that fits into one packet is not packed."""


class Line(Protocol):
    """Whatever carries a batch to a server and brings its answer."""

    def post(self, key: str, body: bytes) -> Answer | NoAnswer:
        """Send; it takes as long as it takes."""

    def close(self) -> None:
        """End the connection; the next `post` makes another."""


class HttpLine:
    """The line to a real server."""

    def __init__(self, place: Place, agent: str) -> None:
        self._place = place
        self._agent = agent
        self._connection: HTTPConnection | None = None

    def __repr__(self) -> str:
        return f"<HttpLine to {self._place!r}>"

    def post(self, key: str, body: bytes) -> Answer | NoAnswer:
        """Send a batch under its key."""
        headers = {
            "Authorization": f"Bearer {self._place.key}",
            "Content-Type": "application/json",
            "Idempotency-Key": key,
            "User-Agent": self._agent,
        }
        if len(body) > PLAIN_BYTES_MAX:
            body = gzip.compress(body, 1)
            headers["Content-Encoding"] = "gzip"
        idle = self._connection is not None
        answer = self._try(headers, body)
        if idle and isinstance(answer, NoAnswer):
            answer = self._try(headers, body)
        return answer

    def close(self) -> None:
        """End the connection; from another thread too, whose `post` then has no answer."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _try(self, headers: dict[str, str], body: bytes) -> Answer | NoAnswer:
        try:
            self._connection = connection = self._connection or self._connect()
            connection.request("POST", self._place.path, body, headers)
            with connection.getresponse() as response:
                answer = _read(response)
                if response.will_close or not response.isclosed():
                    self.close()
        except (OSError, HTTPException, UnicodeError) as error:
            self.close()
            return NoAnswer(f"{self._place.host}:{self._place.port}: {_reason(error)}")
        return answer

    def _connect(self) -> HTTPConnection:
        place = self._place
        if place.secure:
            context = create_default_context()
            return HTTPSConnection(place.host, place.port, timeout=ANSWER_S, context=context)
        return HTTPConnection(place.host, place.port, timeout=ANSWER_S)


def _read(response: HTTPResponse) -> Answer:
    body = response.read(ANSWER_BYTES_MAX)
    return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, body)


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
