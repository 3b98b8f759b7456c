"""Where points go: `STATFLOW_URL` and `STATFLOW_KEY`, unless the program says it. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

DEFAULT_URL: Final = "http://127.0.0.1:8080"

INGEST_PATH: Final = "/v1/ingest/batch"

KEY_FORM: Final = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass(frozen=True, slots=True)
class Place:
    """A server and the key for it."""

    host: str
    port: int
    path: str
    key: str
    secure: bool

    def __repr__(self) -> str:
        return f"<Place {self.host}:{self.port}{self.path}>"


def place_of(url: str | None, key: str | None, environ: Mapping[str, str]) -> Place:
    """The server that is meant; ValueError, with the remedy, when none is or there is no key."""
    url = (url or environ.get("STATFLOW_URL") or DEFAULT_URL).strip()
    parts = urlsplit(url if "://" in url else f"http://{url}")
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        port = 0
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port:
        raise ValueError(f"{url} is no address of a server: set STATFLOW_URL to http://HOST:PORT")
    key = (key or environ.get("STATFLOW_KEY") or "").strip()
    if not KEY_FORM.fullmatch(key):
        raise ValueError("there is no API key: set STATFLOW_KEY=sf_…, with the scope write")
    path = parts.path.rstrip("/") + INGEST_PATH
    return Place(parts.hostname, port, path, key, parts.scheme == "https")
