"""Alerts that change and annotations that come, as events of a live stream.

Law: a stream that does not keep up ends and comes back; it is never told half of what happened.
"""

from typing import Final

from api.accounts.keys import Identity
from api.http.context import Context
from api.http.feed import LiveEvent, Tell
from api.http.streams import OpenStream
from api.notify.history import TransitionInfo
from api.notify.news import News

BEHIND: Final = "too much happened at once; look at the history"


def wanted_news(*, alerts: bool, annotations: bool) -> frozenset[str]:
    """The names of the events that a stream wants besides points."""
    return frozenset({"alert"} if alerts else ()) | ({"annotation"} if annotations else set())


async def tell_news(
    context: Context, caller: Identity, names: frozenset[str], tell: Tell, stream: OpenStream
) -> None:
    """Tell what happens from now on, until the client falls behind."""
    if not names:
        return
    with context.office.news.listening(caller.account) as news:
        async for one in news:
            if one.name in names and _may_see(caller, one):
                await tell([LiveEvent.of(one.name, one.data)])
    stream.end(BEHIND)


def _may_see(caller: Identity, news: News) -> bool:
    """A key with a prefix hears of its own stats only."""
    if isinstance(news.data, TransitionInfo) and news.data.stat_name is not None:
        return caller.may_touch(news.data.stat_name)
    return True
