"""Who may come in as one of StatHat's clients: whoever has a key of an account that lets them in.

Law: keys that do not exist are counted by address, like wrong API keys, so that none is guessed.
"""

import trio

from api.accounts.addresses import site_of
from api.http.context import Context
from api.http.messages import RawRequest
from api.http.problems import Problem, unavailable
from api.stathat.access import Access, Secret


async def admitted(context: Context, request: RawRequest, key: str, kind: Secret) -> Access:
    """The access that a key opens; Problem when it opens none."""
    access = await context.stathat.find(key, kind)
    if access is None:
        take_guess(context, request)
        raise Problem("invalid_key", "There is no such key.")
    if not access.enabled:
        raise Problem("invalid_key", "StatHat's clients are switched off in this account.")
    return access


def take_guess(context: Context, request: RawRequest) -> None:
    """Count a key that does not exist; Problem when there were too many from one address."""
    site = site_of(context.client_of(request))
    wait_s = context.desk.throttles.wrong_keys.take(site, trio.current_time())
    if wait_s:
        raise unavailable("rate_limited", wait_s, "Too many keys that do not exist.")
