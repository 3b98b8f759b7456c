"""What an asker can get wrong, as one type. Pure."""


class QueryError(ValueError):
    """A question that cannot be answered as asked.

    `code` is stable and meant for programs, `parameter` names the query parameter, and the message
    is for people: it quotes the text and says what would be right.
    """

    def __init__(self, code: str, parameter: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.parameter = parameter


CODES = {
    "time_invalid": "A time could not be read",
    "timezone_invalid": "No such time zone",
    "range_invalid": "The range is empty or contradicts itself",
    "resolution_invalid": "No such resolution",
    "points_invalid": "The wanted number of points is out of bounds",
    "too_many_points": "The reply would have too many points",
    "agg_invalid": "No such aggregate",
    "fill_invalid": "No such way to fill gaps",
    "compare_invalid": "The comparison does not fit the resolution",
    "group_invalid": "No such grouping",
    "expression_invalid": "The expression cannot be understood",
    "csv_invalid": "The text is not CSV as it is written here",
}
"""Every code of `QueryError`, with the title of its problem."""

QUOTED_CHARACTERS = 60


def quote(text: str) -> str:
    """`text` in double quotes, cut to a length that fits in a message."""
    return f'"{text}"' if len(text) <= QUOTED_CHARACTERS else f'"{text[:QUOTED_CHARACTERS]}…"'
