"""Why a single item was refused, in a sentence that says what would be right. Pure.

Law: the sentence follows from code and field alone, so that a repeated request is told the same.
"""

from typing import Final

from api.http.item import ITEM_ID_LIMIT
from api.http.problems import TABLE
from api.http.repeats import Refusal
from engine.points import AHEAD_LIMIT_MS, VALUE_LIMIT
from engine.stats import NAME_LENGTH_MAX

SENTENCES: Final[dict[str, str]] = {
    "item_type": 'An item is an object: {"stat":"page.views","value":1,"type":"counter"}.',
    "unknown_field": (
        "{field}: no such field; known are stat, value, type, timestamp (or t) and id."
    ),
    "field_required": "{field}: is missing.",
    "field_type": "{field}: has the wrong type.",
    "duplicate_field": (
        "{field}: stands twice in the item (t is short for timestamp, count for value)."
    ),
    "value_type": "{field}: must be a number.",
    "value_out_of_range": f"{{field}}: must lie between -{VALUE_LIMIT:g} and {VALUE_LIMIT:g}.",
    "stat_name_length": f"{{field}}: 1 to {NAME_LENGTH_MAX} characters, not only spaces.",
    "stat_name_chars": (
        "{field}: no control characters, line breaks, or marks that nobody sees or that turn text."
    ),
    "stat_name_prefix": "{field}: the API key may only use names with its prefix.",
    "stat_type": "type: counter or value.",
    "stat_type_conflict": (
        "type: the stat has the other type; its first point decided. Use another name."
    ),
    "stat_in_trash": "stat: is in the trash; restore it, or purge it to begin anew.",
    "id_invalid": f"id: a text of 1 to {ITEM_ID_LIMIT} printable characters.",
    "timestamp_invalid": (
        "{field}: epoch seconds (or ms, µs, ns), or ISO 8601 with a zone: 2026-03-29T01:02:00Z."
    ),
    "timestamp_too_old": "{field}: is before the oldest time that is kept.",
    "timestamp_in_future": f"{{field}}: is more than {AHEAD_LIMIT_MS // 1000} s ahead.",
    "plan_limit": "stat: the plan allows no more stats; those that exist go on counting.",
}


def reason(refusal: Refusal) -> str:
    """The sentence for one refused item."""
    sentence = SENTENCES.get(refusal.code)
    if sentence is None:
        return f"{TABLE[refusal.code][1]}."
    return sentence.replace("{field}", refusal.field)
