"""The few plain pages that links in messages lead to: no script, nothing from elsewhere. Pure."""

from html import escape
from typing import Final

from api.http.messages import Header

HTML: Final = b"text/html; charset=utf-8"

PAGE_HEADERS: Final[tuple[Header, ...]] = (
    (
        b"content-security-policy",
        b"default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    # The address holds a token.
    (b"referrer-policy", b"no-referrer"),
)


def page(heading: str, body: str) -> bytes:
    """A page; `body` is HTML, in which everything foreign is escaped already."""
    return (
        '<!doctype html>\n<html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(heading)}</title>\n<h1>{escape(heading)}</h1>\n{body}\n</html>\n"
    ).encode()
