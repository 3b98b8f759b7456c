"""What an asker can get wrong, as one type. Pure."""

from typing import Literal

Code = Literal[
    "parameter_invalid", "range_invalid", "resolution_invalid", "too_many_points",
    "expression_invalid", "csv_invalid",
]  # fmt: skip
"""Every code of `QueryError`; where none says more, it is the parameter that is invalid."""


class QueryError(ValueError):
    """A question that cannot be answered as asked.

    `code` is stable and meant for programs, `parameter` names the query parameter, and the message
    is for people: it quotes the text and says what would be right.
    """

    def __init__(self, code: Code, parameter: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.parameter = parameter


QUOTED_CHARACTERS = 60


def quote(text: str) -> str:
    """`text` in double quotes, cut to a length that fits in a message."""
    return f'"{text}"' if len(text) <= QUOTED_CHARACTERS else f'"{text[:QUOTED_CHARACTERS]}…"'
