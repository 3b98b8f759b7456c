"""What a rule said before it was changed, so that the past is explained by the rule of then. Pure.

The former rules travel with the present one, in what whoever made it keeps with it.
"""

import json
from dataclasses import replace
from typing import Final

from engine.rules import Rule, pack_rule, unpack_rule

REVISIONS_KEPT: Final = 10
"""Former rules that are kept with one, some 1 KiB each; before them the oldest is taken."""

_PAST: Final = "past"


def revised(before: Rule, after: Rule, now_ms: int) -> Rule:
    """The rule that takes the place of another now, with what was before."""
    past = before.extra.get(_PAST, [])
    extra = {name: value for name, value in before.extra.items() if name != _PAST}
    former = json.loads(pack_rule(replace(before, extra=extra)))
    kept = [[now_ms, former], *past][:REVISIONS_KEPT]
    return replace(after, extra={**after.extra, _PAST: kept})


def as_of(rule: Rule, at_ms: int) -> Rule:
    """The rule as it was at a moment, or the oldest that is known."""
    found = rule
    for until_ms, former in rule.extra.get(_PAST, []):
        if at_ms >= until_ms:
            break
        found = unpack_rule(json.dumps(former).encode())
    return found
