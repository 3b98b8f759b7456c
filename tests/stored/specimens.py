"""One record of each kind as it was stored once, with every field set, so that later ones read it.

Law: a specimen that is in a release is never written again; what is kept in another form gets
others beside the old ones. Run this file to write those that are missing:

    .venv/bin/python -m tests.stored.specimens
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from api.accounts import audit, deleting
from api.accounts import records as people
from api.accounts.records import Kept, read_record
from api.boards.kept import BoardRecord, ShareRecord
from api.importing.record import ImportRecord
from api.notify.annotation import Annotation, pack_annotation, unpack_annotation
from api.notify.channel import Channel, pack_channel, unpack_channel
from api.notify.delivery import Delivery, pack_delivery, unpack_delivery
from api.notify.ping import Ping, pack_ping, unpack_ping
from api.notify.quiet import Quiet, pack_quiet, unpack_quiet
from api.plans.record import PlanRecord, pack_plan, unpack_plan
from api.stathat.access import Granted, Secrets
from engine.alert_state import State, pack_state, unpack_state
from engine.rules import Rule, pack_rule, unpack_rule
from engine.silences import Silence, pack_silence, unpack_silence
from engine.transition import Transition, pack_transition, unpack_transition
from storage.catalog import KeyRecord
from storage.documents import Document
from storage.redis_catalog import pack_key, unpack_key
from tests.stored.filling import filled

FIXTURES: Final = Path(__file__).parent / "fixtures"

DIGEST: Final = bytes(range(32))


class Form(NamedTuple):
    """How records of a model are written and read."""

    model: type[Any]
    write: Callable[[Any], bytes]
    read: Callable[[bytes], Any]


def _of_people(model: type[Any]) -> Form:
    def write(record: Any) -> bytes:  # ruff: ignore[any-type]
        body = Kept("specimen", 1, "one", record, 0).becomes(record).body
        assert body is not None
        return body

    return Form(model, write, lambda body: read_record(_document(body), model).record)


def _as_json(model: type[Any]) -> Form:
    return Form(model, msgspec.json.encode, msgspec.json.Decoder(model).decode)


def _document(body: bytes) -> Document:
    return Document("specimen", 1, "one", body, 1)


FORMS: Final[Mapping[str, Form]] = {
    "user": _of_people(people.User),
    "sessions": _of_people(people.Presence),
    "members": _of_people(people.Members),
    "signup": _of_people(people.SignUp),
    "reset": _of_people(people.Reset),
    "change": _of_people(people.Change),
    "claim": _of_people(people.Claim),
    "invite": _of_people(people.Invite),
    "deletion": _of_people(deleting.Deletion),
    "stathat": _of_people(Granted),
    "stathat-secrets": _as_json(Secrets),
    "event": Form(audit.Entry, audit.pack_entry, audit.unpack_entry),
    "key": Form(KeyRecord, pack_key, lambda record: unpack_key(DIGEST, record)),
    "plan": Form(PlanRecord, pack_plan, lambda body: unpack_plan("1", body)),
    "board": _as_json(BoardRecord),
    "share": _as_json(ShareRecord),
    "import": _as_json(ImportRecord),
    "channel": Form(Channel, pack_channel, unpack_channel),
    "delivery": Form(Delivery, pack_delivery, unpack_delivery),
    "ping": Form(Ping, pack_ping, unpack_ping),
    "annotation": Form(Annotation, pack_annotation, unpack_annotation),
    "quiet": Form(Quiet, pack_quiet, unpack_quiet),
    "rule": Form(Rule, pack_rule, unpack_rule),
    "state": Form(State, pack_state, unpack_state),
    "silence": Form(Silence, pack_silence, unpack_silence),
    "transition": Form(Transition, pack_transition, unpack_transition),
}
"""How today's program keeps each kind."""


def plain(value: object) -> Any:  # ruff: ignore[any-type]
    """A record as JSON can say it, field by field."""
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, msgspec.Struct):
        return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, tuple | list | frozenset):
        return [plain(one) for one in value]
    return value


def read(name: str, data: bytes) -> Any:  # ruff: ignore[any-type]
    """What today's program makes of a specimen; its name begins with that of its kind."""
    return json.loads(json.dumps(plain(FORMS[name.partition(".")[0]].read(data))))


def main() -> None:
    """Write the specimens that are missing."""
    for name, form in FORMS.items():
        path = FIXTURES / f"{name}.json"
        if not path.exists():
            data = form.write(filled(form.model))
            shown = {"bytes": data.hex(), "holds": read(name, data)}
            path.write_text(json.dumps(shown, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
