"""The built pages: a table of files, read once, and again when there is a new build.

Law: only what stands in the table is sent, so no path leads out of the folder. A build replaces
the folder in one step; between the two looks at it, the pages of the build before are still good.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import trio

from api.http.accepting import CODINGS

BUILT: Final = Path(__file__).resolve().parents[1] / "static"

START: Final = "index.html"
"""The one page; its script draws what the address names."""

LASTING: Final = "assets/"
"""Files below are named by their content and never change."""

SUFFIXES: Final = {"gzip": ".gz", "br": ".br"}

MEDIA: Final = {
    ".html": b"text/html; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".css": b"text/css; charset=utf-8",
    ".svg": b"image/svg+xml",
    ".woff2": b"font/woff2",
    ".png": b"image/png",
}

SITE_BYTES_MAX: Final = 16 * 2**20
"""Of all files in all their forms; they are kept in memory."""


@dataclass(frozen=True, slots=True, repr=False)
class File:
    """One file in each of its forms; "" is the form that every client takes."""

    media: bytes
    tag: bytes
    lasting: bool
    forms: Mapping[str, bytes]


class Site:
    """What is in the folder of the build; empty until there is one."""

    def __init__(self, folder: Path = BUILT) -> None:
        self.folder = folder
        self._files: dict[str, File] = {}
        self._seen = 0

    def __repr__(self) -> str:
        return f"<Site {len(self._files)} files>"

    async def file(self, name: str) -> File | None:
        """A file by its path in the folder; None when the build has none."""
        if name == START or name not in self._files:
            await self._look()
        return self._files.get(name)

    async def _look(self) -> None:
        """Read the folder again if another build is there now."""
        try:
            seen = os.stat(self.folder / START).st_mtime_ns
        except OSError:
            # None yet, or just being replaced.
            return
        if seen != self._seen:
            self._files = await trio.to_thread.run_sync(_read, self.folder)
            self._seen = seen


def _read(folder: Path) -> dict[str, File]:
    contents = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }
    assert sum(map(len, contents.values())) <= SITE_BYTES_MAX, "BUG: the pages are too large"
    return {
        name: _file(name, contents)
        for name in contents
        if os.path.splitext(name)[1] in MEDIA
    }  # fmt: skip


def _file(name: str, contents: Mapping[str, bytes]) -> File:
    packed = {code: contents.get(name + SUFFIXES[code]) for code in CODINGS}
    forms = {code: body for code, body in packed.items() if body is not None}
    tag = sha256(contents[name]).hexdigest()[:20].encode()
    media = MEDIA[os.path.splitext(name)[1]]
    return File(media, tag, name.startswith(LASTING), {**forms, "": contents[name]})
