"""The mails that accounts send, in plain words. Pure.

Law: a token stands behind `#`, which browsers keep to themselves: it is in no log of a server.
"""

from api.notify.mail import Mail

IGNORE = "If it was not you, you can ignore this mail."


def link(public_url: str, page: str, token: str) -> str:
    """The address of a page of ours that takes a token."""
    return f"{public_url}/{page}#token={token}"


def confirm_sign_up(to: str, url: str) -> Mail:
    """Somebody signs up."""
    return Mail(
        to,
        "Confirm your address for StatFlow",
        f"Somebody, probably you, signed up for StatFlow with this address.\n\n"
        f"Finish within half an hour:\n\n  {url}\n\n{IGNORE}\n",
    )


def already_signed_up(to: str, url: str) -> Mail:
    """Somebody signs up who has an account; only their mailbox may tell."""
    return Mail(
        to,
        "You have an account with StatFlow",
        f"Somebody, probably you, signed up for StatFlow with this address, which has an account.\n"
        f"Log in, or ask for a new password:\n\n  {url}\n\n{IGNORE}\n",
    )


def reset_password(to: str, url: str) -> Mail:
    """Somebody has forgotten the password."""
    return Mail(
        to,
        "A new password for StatFlow",
        f"Choose a new password within half an hour:\n\n  {url}\n\n"
        f"It ends every session that is open. {IGNORE}\n",
    )


def confirm_address(to: str, url: str) -> Mail:
    """Somebody has another address, or confirms theirs."""
    return Mail(
        to,
        "Confirm your address for StatFlow",
        f"Confirm within half an hour that this is your address:\n\n  {url}\n\n{IGNORE}\n",
    )


def invitation(to: str, account: str, inviter: str, url: str) -> Mail:
    """Somebody is asked to join an account."""
    return Mail(
        to,
        f"Join {account} on StatFlow",
        f"{inviter} asks you to join {account} on StatFlow. Within a week:\n\n  {url}\n\n"
        "If you do not know what this is about, you can ignore this mail.\n",
    )


def notice(to: str, what: str, url: str) -> Mail:
    """Something about the safety of an account has changed."""
    return Mail(
        to,
        f"StatFlow: {what}",
        f"This has happened to your account: {what}.\n\n"
        f"If it was not you, ask for a new password at once:\n\n  {url}\n",
    )
