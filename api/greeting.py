"""What a server says when it starts."""

from collections.abc import Callable

from api.accounts.desk import Desk
from api.accounts.letters import link
from api.accounts.new_key import NewKey
from api.accounts.signing_up import ask_for_claim
from api.http.cookies import WHY_REFUSED, Cookies

Say = Callable[[str], None]
"""Takes a line for the operator."""


async def greet(say: Say, desk: Desk, cookies: Cookies, made: NewKey | None) -> None:
    """Say where the server is and how to begin; `made` is the key of the first start."""
    if cookies.transport == "refused":
        say(WHY_REFUSED)
    say(f"StatFlow serves {desk.public_url}")
    if made is None:
        say("Make an API key with: statflow key create")
    else:
        say(first_lines(desk.public_url, made.secret, await _claim_link(desk, cookies)))


async def _claim_link(desk: Desk, cookies: Cookies) -> str | None:
    """What lets whoever reads the first lines claim the owner's account."""
    if cookies.transport == "refused":
        return None
    return link(desk.public_url, "claim", await ask_for_claim(desk.documents, desk.now_ms))


def first_lines(address: str, key: str, claim: str | None = None) -> str:
    """What the first start prints: a key and a command that works when it is pasted."""
    owner = "" if claim is None else f"\nMake the owner's log-in, within a week:\n\n  {claim}\n"
    return f"""{owner}
Your API key, shown this once; keep it:

  {key}

Send a first point:

curl -X POST {address}/v1/ingest \\
  -H "Authorization: Bearer {key}" \\
  -H "Content-Type: application/json" \\
  -d '{{"stat":"my_first_metric","value":1,"type":"counter"}}'
"""
