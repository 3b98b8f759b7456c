"""Examples that ask, about a stat of whoever reads them; who has not logged in, sees made-up ones.

Law: only what asks is filled in. A command that is copied from a page counts nothing in a stat that
somebody relies on.
"""

import re
from contextlib import suppress
from typing import Final

from api.http.callers import bearer_token, identify
from api.http.context import Context
from api.http.messages import RawRequest
from api.http.problems import Problem
from engine.ports import StoreError
from engine.stats import Stat

EXAMPLE_STAT: Final = "my_first_metric"
"""The stat in the guide."""

LOOKED_AT: Final = 50
"""Stats, those that were active last; the first with a name that needs no quotes is taken."""

PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""A name that a URL, a shell and a string of any language take as it is."""

_ASKED: Final = re.compile(rf"(?<=[?&])(q|stat)={EXAMPLE_STAT}\b")


async def own_stat(context: Context, request: RawRequest) -> Stat | None:
    """A stat of whoever has logged in, if there is one that examples can name."""
    with suppress(Problem, StoreError):
        if bearer_token(request) is None:
            reader = await identify(context, request, "read")
            stats, _ = await context.directory.search(
                reader.account, sort="activity", limit=LOOKED_AT, prefix=reader.prefix
            )
            return next((one for one in stats if PLAIN.fullmatch(one.name)), None)
    return None


def about(stat: Stat | None, text: str) -> str:
    """The guide with that stat where it asks."""
    return text if stat is None else _ASKED.sub(rf"\1={stat.name}", text)
