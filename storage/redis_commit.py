"""A checkpoint as keys and arguments of `commit.lua`. Pure."""

from engine.imported import PUT, UNDO
from engine.ports import TRANSITIONS_KEPT, USAGE_DAYS, Checkpoint, Judged
from engine.tiers import DAY_S
from engine.usage import day_of
from storage.codec import encode_partials
from storage.imports import place_of
from storage.keys import Keys, score
from storage.scripts import Argument, Call


def commit_call(keys: Keys, checkpoint: Checkpoint) -> Call:
    """The call that writes a checkpoint."""
    puts = [c for c in checkpoint.commands if c.kind == "stat.put"]
    purges = [c for c in checkpoint.commands if c.kind == "stat.purge"]
    imported = [c for c in checkpoint.commands if c.kind == PUT]
    undone = [c for c in checkpoint.commands if c.kind == UNDO]
    has_rows = len(checkpoint.partials.rollups) > 0
    arguments: list[Argument] = [
        checkpoint.epoch, checkpoint.number, str(checkpoint.position),
        encode_partials(checkpoint.partials) if has_rows else b"",
        sum(letter.points for letter in checkpoint.dead),
        len(puts), len(purges), len(checkpoint.dead), *_counts(checkpoint.judged),
        len(checkpoint.usage), USAGE_DAYS * DAY_S, len(imported), len(undone),
    ]  # fmt: skip
    for command in imported:
        number, tier, start = place_of(command.body)
        arguments += [command.stat, number, score(tier, start), command.body]
    for command in (*undone, *puts, *purges):
        arguments += [command.stat, command.body]
    for letter in checkpoint.dead:
        arguments += [str(letter.position), letter.error, letter.points]
    arguments += _arguments(checkpoint.judged)
    for owner, points in checkpoint.usage.items():
        arguments += [owner, points]
    names = [
        keys.meta, keys.log, keys.recent, keys.records, keys.purged, keys.dead, keys.active,
        keys.history, keys.alerts, keys.changes, keys.outbox,
        f"{keys.usage}:{day_of(checkpoint.position)}", keys.imports, keys.imported,
    ]  # fmt: skip
    return "commit", names, arguments


def _counts(judged: Judged) -> list[Argument]:
    return [
        len(judged.documents), len(judged.transitions), len(judged.messages), TRANSITIONS_KEPT,
    ]  # fmt: skip


def _arguments(judged: Judged) -> list[Argument]:
    arguments: list[Argument] = []
    for key, document in judged.documents.items():
        arguments += [key, document or b""]
    arguments += judged.transitions
    for message in judged.messages:
        arguments += [message.id, message.episode, message.at_ms, message.body]
    return arguments
