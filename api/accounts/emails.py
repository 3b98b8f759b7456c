"""E-mail addresses of people: which may be had, and when two are the same. Pure.

Law: whatever passes here can stand in a header of a mail as it is.
"""

import re
from typing import Final

from api.accounts.faults import AccountFault

EMAIL_LENGTH_MAX: Final = 254
"""Characters; what SMTP can carry."""

_LOCAL: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL: Final = re.compile(rf"(?P<local>{_LOCAL})@(?P<domain>{_LABEL}(?:\.{_LABEL})*)")

LOCAL_LENGTH_MAX: Final = 64


def read_email(given: str, field: str = "email") -> str:
    """The address as it is kept, in lower case; AccountFault when it is none."""
    found = _EMAIL.fullmatch(given.strip(" "))
    if found is None or len(found[0]) > EMAIL_LENGTH_MAX or len(found["local"]) > LOCAL_LENGTH_MAX:
        raise AccountFault("email", "an address such as ann@example.com", field)
    return found[0].lower()


def mailbox_of(email: str) -> str:
    """What addresses have in common that reach the same person: no dots, nothing after a plus."""
    local, _, domain = email.partition("@")
    return f"{local.partition('+')[0].replace('.', '')}@{domain}"
