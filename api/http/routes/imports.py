"""Imports: bring in what StatHat, or another server, has counted; look how far it is; undo it."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final

import msgspec
import trio
from msgspec import Struct

from api.http.dates import date_text
from api.http.messages import Reply
from api.http.problems import Problem, unavailable, wrong_field
from api.http.route import Call, Nothing, Route
from api.importing.archive import UPLOAD_BYTES_MAX, Archive
from api.importing.faults import DumpFault, Fault, PulledFault
from api.importing.jobs import Busy, Full
from api.importing.kept import TooLarge
from api.importing.pulling import TIMEFRAME, TIMEFRAMES, TOKEN, Source
from api.importing.record import ImportRecord, Pull, State, Tally
from api.notify.addresses import AddressFault, read_target
from engine.stats import Kind, canonical_name
from storage.documents import DOCUMENTS_MAX, TooManyDocuments

NAME_LENGTH_MAX: Final = 255
TIMEFRAMES_MAX: Final = 4


class ImportParams(Struct, frozen=True, forbid_unknown_fields=True):
    """`dry_run`: only say what would come in. `name`: what the file is called.

    A CSV of one stat does not say which: `stat` and `type` (counter, value) do.
    """

    dry_run: bool = False
    name: str = "upload"
    stat: str | None = None
    type: Kind | None = None


class ImportBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Another server that answers `/x/TOKEN`: `url` is what stands in front of it.

    `timeframes` are asked for in turn, each a duration and an interval: `5y1d`, `1w15m`.
    """

    token: str
    url: str = "https://www.stathat.com"
    timeframes: tuple[str, ...] = TIMEFRAMES
    dry_run: bool = False


class ImportInfo(Struct, frozen=True):
    """An import: `state` is waiting, running, done, failed, undoing or undone.

    `percent` from 0 to 100; `rate` in stats a second and `seconds_left` while it runs. `tally`
    counts what came in, and `errors` (the first 200) what could not.
    """

    id: str
    state: State
    name: str
    dry_run: bool
    percent: float
    rate: float | None
    seconds_left: int | None
    tally: Tally
    errors: tuple[Fault, ...]
    reason: str | None
    created: str
    ended: str | None


class ImportList(Struct, frozen=True):
    """The imports of the account, the newest first."""

    imports: list[ImportInfo]
    next: str | None = None


class StatusParams(Struct, frozen=True, forbid_unknown_fields=True):
    """`id`: which import; the newest when it is left out."""

    id: str | None = None


async def begin_import(call: Call[ImportParams, ImportBody]) -> Reply:
    """Take an upload, or the way to another server; the rest happens meanwhile."""
    importing, account = call.context.importing, call.caller.account
    if call.caller.prefix is not None:
        raise Problem("insufficient_scope", "A key that is limited to a prefix imports nothing.")
    if not await importing.wait_ready():
        raise unavailable("not_ready", 1)
    with _refusals(), importing.taking(account) as number:
        made = ImportRecord(
            number=number, account=account, name=call.params.name[:NAME_LENGTH_MAX],
            created_ms=importing.now_ms,
        )  # fmt: skip
        if call.request.upload is not None:
            record = await _uploaded(call, made)
        elif call.request.body:
            record = await _other_server(call, made)
        else:
            what = "a token and a url as JSON, or a file as it is"
            raise wrong_field("token", what, "field_required")
        await importing.begin(record)
    return call.json(202, info_of(record, importing.now_ms))


async def show_status(call: Call[StatusParams, Nothing]) -> Reply:
    """How far an import is."""
    return call.json(200, _info(call, await _found(call, call.params.id)))


async def list_imports(call: Call[Nothing, Nothing]) -> Reply:
    """All imports."""
    found = await call.context.importing.all(call.caller.account)
    return call.json(200, ImportList([_info(call, one) for one in found]))


async def undo_import(call: Call[Nothing, Nothing]) -> Reply:
    """Forget all that an import brought: buckets, alerts, and stats that nobody used since."""
    record = await _found(call, call.ids["id"])
    if record.state == "undone" or record.dry_run:
        return call.json(200, _info(call, record))
    if not await call.context.importing.wait_ready():
        raise unavailable("not_ready", 1)
    with _refusals():
        undoing = await call.context.importing.undo(record)
    return call.json(202, _info(call, undoing))


def info_of(record: ImportRecord, now_ms: int) -> ImportInfo:
    """What is told of an import."""
    rate = left_s = None
    done, running = record.fraction, record.state == "running"
    if running and record.started_ms is not None and done > 0:
        spent_s = max(0.001, (now_ms - record.started_ms) / 1000)
        rate = round(record.tally.stats_done / spent_s, 1)
        left_s = round(spent_s * (1 - done) / done)
    return ImportInfo(
        record.id, record.state, record.name, record.dry_run, round(100 * done, 1), rate, left_s,
        record.tally, record.faults, record.reason, date_text(record.created_ms),
        None if record.ended_ms is None else date_text(record.ended_ms),
    )  # fmt: skip


async def _uploaded(call: Call[ImportParams, ImportBody], made: ImportRecord) -> ImportRecord:
    """The record of an upload that is on disk and looks like a dump; Problem otherwise."""
    params, kept, upload = call.params, call.context.importing.kept, call.request.upload
    assert upload is not None, "BUG: nothing is uploaded"
    stat = None if params.stat is None else canonical_name(params.stat)
    record = msgspec.structs.replace(made, stat=stat, kind=params.type, dry_run=params.dry_run)
    try:
        await kept.receive(record, upload)
        archive = await trio.to_thread.run_sync(Archive, kept.source(record), record.name)
        archive.close()
    except TooLarge:
        problem = Problem("body_too_large", f"At most {UPLOAD_BYTES_MAX} bytes.", close=True)
    except DumpFault as fault:
        problem = Problem("import_invalid", f"{fault}.")
    except OSError:
        problem = unavailable("read_only", 60, "The disk takes no upload at the moment.")
    except Problem as refusal:
        problem = refusal
    else:
        return record
    await kept.forget_files(record)
    raise problem


async def _other_server(call: Call[ImportParams, ImportBody], made: ImportRecord) -> ImportRecord:
    """The record of an import from a server that knows the token; Problem otherwise."""
    body, means = call.body, call.context.importing.means
    if not TOKEN.fullmatch(body.token):
        raise wrong_field("token", "the access token, letters and digits")
    good = [one for one in body.timeframes if TIMEFRAME.fullmatch(one)]
    if not good or len(good) != len(body.timeframes) or len(good) > TIMEFRAMES_MAX:
        raise wrong_field("timeframes", f"1 to {TIMEFRAMES_MAX} such as 5y1d or 1w15m")
    try:
        await means.guard.check(read_target(body.url))
        await Source(means.guard, body.url, body.token, means.fetch).check()
    except AddressFault as fault:
        raise wrong_field("url", f"{fault}", fault.code) from None
    except PulledFault as fault:
        raise Problem(fault.code, f"{fault}.") from None
    sealed = means.vault.seal(body.token, made.id)
    return msgspec.structs.replace(
        made, name=body.url[:NAME_LENGTH_MAX], dry_run=body.dry_run or call.params.dry_run,
        pull=Pull(body.url, sealed, tuple(dict.fromkeys(good))),
    )  # fmt: skip


async def _found(call: Call[Any, Any], name: str | None) -> ImportRecord:
    record = await call.context.importing.get(call.caller.account, name)
    if record is None:
        raise Problem("not_found", "There is no such import.")
    return record


def _info(call: Call[Any, Any], record: ImportRecord) -> ImportInfo:
    return info_of(record, call.context.importing.now_ms)


@contextmanager
def _refusals() -> Generator[None]:
    """Problems of those who must wait."""
    try:
        yield
    except Busy:
        raise Problem("import_running", "Wait until it has ended, or undo it.") from None
    except Full:
        raise unavailable("overloaded", 60, "Too many imports wait; try again later.") from None
    except TooManyDocuments:
        raise Problem("plan_limit", f"At most {DOCUMENTS_MAX} imports are remembered.") from None


BUSY: Final = ("import_running", "overloaded", "not_ready", "store_unavailable")

ROUTES: Final = (
    Route(
        "POST", "/v1/import/stathat", "Import a dump, or from another server", "admin",
        {202: ImportInfo}, ImportParams, ImportBody, begin_import,
        problems=(
            "import_invalid", "import_auth", "import_source", "webhook_url", "webhook_address",
            "read_only", "plan_limit", *BUSY,
        ),
        body_required=False, upload=True,
        media=("application/json", "application/zip", "application/octet-stream", "text/csv"),
    ),
    Route(
        "GET", "/v1/import/stathat/status", "See how far an import is", "admin",
        {200: ImportInfo}, StatusParams, Nothing, show_status,
    ),
    Route(
        "GET", "/v1/import/stathat", "List the imports", "admin",
        {200: ImportList}, Nothing, Nothing, list_imports,
    ),
    Route(
        "DELETE", "/v1/import/stathat/{id}", "Undo an import", "admin",
        {200: ImportInfo, 202: ImportInfo}, Nothing, Nothing, undo_import, problems=BUSY,
    ),
)  # fmt: skip
