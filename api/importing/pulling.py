"""Another server that answers as StatHat did: its answers are kept as files, then read as a dump.

Law: only where the guard lets us, one request at a time, each with an end. What is here is not
asked for again. A server that says "slow down", even with status 200, is obeyed.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote

import httpx
import trio

from api.importing.faults import Fault, FileFault, PulledFault
from api.importing.stathat_json import read_json, refusal
from api.notify.addresses import AddressFault
from api.notify.guard import Blocked, Guard
from api.notify.outgoing import answering

ANSWER_BYTES: Final = 64 * 2**20
ANSWER_S: Final = 120.0

IDS_A_CALL: Final = 5
"""StatHat passes over further ids."""

PAGES_MAX: Final = 100
"""Pages of the list of stats; a page has up to 10,000."""

TRIES_MAX: Final = 6
"""A server that fails so often in a row is given up."""

SLOWED_MAX: Final = 120
PAUSE_S: Final = 1.0
PAUSE_S_MAX: Final = 60.0

TIMEFRAMES: Final = ("5y1d", "60d1h")
"""What is asked for unless somebody knows better: days of years, hours of weeks."""

TOKEN: Final = re.compile(r"[A-Za-z0-9_\-]{1,200}", re.ASCII)
TIMEFRAME: Final = re.compile(r"[0-9]{1,5}[mhdwMy][0-9]{1,5}[mhdwMy]", re.ASCII)

Fetch = Callable[[Guard, str], Awaitable[tuple[int, bytes]]]
"""Asks for a URL; status and body. Raises PulledFault."""

Step = Callable[[int, int], Awaitable[None]]
"""Hears how many answers are here, of how many."""


async def fetch(guard: Guard, url: str) -> tuple[int, bytes]:
    """Ask for a URL; whatever goes wrong is a PulledFault."""
    with trio.move_on_after(ANSWER_S):
        try:
            return await _exchange(guard, url)
        except (Blocked, AddressFault) as error:
            raise PulledFault(f"{error}", "webhook_address", final=True) from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            text = f"{error}"[:200] or type(error).__name__
            raise PulledFault(f"the other server cannot be reached: {text}") from error
    raise PulledFault(f"the other server gave no whole answer within {ANSWER_S:g} s")


class Source:
    """One account of another server."""

    def __init__(self, guard: Guard, url: str, token: str, fetch: Fetch = fetch) -> None:
        self._guard = guard
        self._base = f"{url.rstrip('/')}/x/{quote(token, safe='')}"
        self._fetch = fetch

    def __repr__(self) -> str:
        return "<Source>"

    async def check(self) -> None:
        """Whether the server knows the token; PulledFault otherwise, at once."""
        status, body = await self._fetch(self._guard, f"{self._base}/statlist?offset=0")
        if not _slowed(status, body):
            _good(status, body)

    async def pull(self, folder: Path, timeframes: Sequence[str], step: Step) -> list[Fault]:
        """Keep all answers in a folder; returns what the server did not give."""
        await trio.Path(folder).mkdir(parents=True, exist_ok=True, mode=0o700)
        ids = await self._list(folder)
        faults: list[Fault] = []
        groups = [ids[place : place + IDS_A_CALL] for place in range(0, len(ids), IDS_A_CALL)]
        calls = [
            (f"data-{t}-{n:06}.json", f"/data/{'/'.join(group)}?t={t}")
            for t in timeframes
            for n, group in enumerate(groups)
        ]
        calls.append(("alerts.json", "/alerts"))
        for number, (name, path) in enumerate(calls):
            try:
                await self._keep(folder / name, path)
            except PulledFault as fault:
                if not fault.final:
                    raise
                faults.append(Fault(path, f"{fault}"))
            await step(number + 1, len(calls))
        return faults

    async def _list(self, folder: Path) -> list[str]:
        """The ids of all stats, page by page."""
        ids: list[str] = []
        for page in range(PAGES_MAX):
            data = await self._keep(
                folder / f"statlist-{page:03}.json", f"/statlist?offset={len(ids)}"
            )
            new = [one for one in read_json(data).ids if one not in set(ids)]
            if not new:
                return ids
            ids += [quote(one, safe="") for one in new]
        return ids

    async def _keep(self, path: Path, address: str) -> bytes:
        """The answer to an address, kept; one that is kept already is not asked for again."""
        kept = trio.Path(path)
        if await kept.exists():
            return await kept.read_bytes()
        body = await self._patiently(f"{self._base}{address}")
        draft = kept.with_suffix(".part")
        await draft.write_bytes(body)
        await draft.rename(kept)
        return body

    async def _patiently(self, url: str) -> bytes:
        tries = slowed = 0
        while True:
            try:
                status, body = await self._fetch(self._guard, url)
                if not _slowed(status, body):
                    return _good(status, body)
                slowed, tries = slowed + 1, 0
                if slowed > SLOWED_MAX:
                    raise PulledFault("the other server says for hours that it is asked too often")
            except PulledFault as fault:
                tries += 1
                if fault.final or tries >= TRIES_MAX or slowed > SLOWED_MAX:
                    raise
            await trio.sleep(min(PAUSE_S_MAX, PAUSE_S * 2 ** min(slowed + tries, 10)))


def _slowed(status: int, body: bytes) -> bool:
    """Whether we are asked to slow down."""
    said = refusal(body) if status == 200 else None
    return status == 429 or (said is not None and "limit" in said.lower())


def _good(status: int, body: bytes) -> bytes:
    """An answer that can be read, or PulledFault."""
    if status in (401, 403):
        raise PulledFault("the other server does not know the token", "import_auth", final=True)
    if status == 404:
        raise PulledFault(
            "the other server has nothing there: is the token right, and the URL that in front of"
            " /x/TOKEN?", "import_auth", final=True,
        )  # fmt: skip
    if status != 200:
        raise PulledFault(f"the other server answers {status}")
    if (said := refusal(body)) is not None:
        raise PulledFault(f"the other server refuses: {said}", "import_auth", final=True)
    try:
        read_json(body)
    except FileFault as fault:
        raise PulledFault(
            f"the other server does not answer as StatHat: {fault}", final=True
        ) from None
    return body


async def _exchange(guard: Guard, url: str) -> tuple[int, bytes]:
    plain = {"accept-encoding": "identity"}
    async with answering(
        guard, "GET", url, plain, bytes_max=ANSWER_BYTES, total_s=ANSWER_S
    ) as answer:
        # Raw: what is packed would have to be unpacked, and may be a bomb.
        body = b"".join([part async for part in answer.aiter_raw()])
        return answer.status_code, body
