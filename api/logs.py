"""What the program logs, to stderr: lines for people, or JSON for whatever collects them.

Law: no secret reaches a log, whoever wrote the message: what looks like one is blotted out in the
finished line, traces included.
"""

import logging
import re
from datetime import UTC, datetime
from typing import Final, Literal

import msgspec

LogFormat = Literal["text", "json"]

TEXT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"

BLOT: Final = "***"

# API keys but for their ids; what stands in front of the host of a URL; what a header carries;
# signing secrets.
SECRETS: Final = re.compile(
    r"(?<=sf_)(?P<id>[0-9A-Za-z]{8})[0-9A-Za-z]{30,}"
    r"|(?<=://)[^/@\s'\"]+(?=@)"
    r"|(?<=whsec_)[0-9A-Za-z+/=_-]+"
    r"|(?<=bearer )[^\s'\"]+|(?<=basic )[^\s'\"]+",
    re.IGNORECASE,
)


def log_to_stderr(level: int, form: LogFormat = "text") -> None:
    """Show what the program logs from this level on."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if form == "json" else TextLines(TEXT))
    logging.basicConfig(level=level, handlers=[handler])


def without_secrets(text: str) -> str:
    """The text with whatever looks like a secret blotted out; of API keys the id stays."""
    return SECRETS.sub(lambda found: (found["id"] or "") + BLOT, text)


class TextLines(logging.Formatter):
    """A line for each record, and its trace below."""

    def format(self, record: logging.LogRecord) -> str:
        return without_secrets(super().format(record))


class JsonLines(logging.Formatter):
    """A JSON object for each record, on one line whatever its message holds."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC)
        line = {
            "time": at.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": without_secrets(record.getMessage()),
        }
        if record.exc_info:
            line["trace"] = without_secrets(self.formatException(record.exc_info))
        return msgspec.json.encode(line).decode()
