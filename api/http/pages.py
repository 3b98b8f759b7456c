"""HTML for people with a browser: the frame of a page, its headers, and problems as pages. Pure.

Law: a page loads nothing from elsewhere and runs no script that stands in it; whatever came from
outside is a text node. What begins with `/v1/` is for programs and never answers with a page.
"""

from collections.abc import Iterable
from html import escape
from typing import Final

import msgspec

from api.http.messages import Header, RawReply, RawRequest, Reply, reply
from api.http.problems import MEDIA as PROBLEM
from api.http.problems import ProblemBody

HTML_MEDIA: Final = "text/html"
HTML: Final = b"text/html; charset=utf-8"

STYLE_PATH: Final = "/docs/style.css"

POLICY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    b" connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none';"
    b" frame-ancestors 'none'"
)

PAGE_HEADERS: Final[tuple[Header, ...]] = (
    (b"content-security-policy", POLICY),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)

STRICT_TRANSPORT: Final[Header] = (b"strict-transport-security", b"max-age=31536000")
"""For a year after a visit over TLS a browser comes by TLS only."""

ICON: Final = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E"
    "%3Crect width='32' height='32' rx='7' fill='%232f6fed'/%3E%3Cpath d='M5 21l6-7 5 4 5-9 6 6'"
    " fill='none' stroke='%23fff' stroke-width='3'/%3E%3C/svg%3E"
)
"""The mark of the web face, whose own file has another name with every build."""

FRAME: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="{icon}">
<link rel="stylesheet" href="{style}">
</head>
<body>
<header><a class="brand" href="/">StatFlow</a>
<nav><a href="/docs">Guide</a> <a href="/docs/reference">Reference</a>
<a href="/openapi.json">OpenAPI</a></nav></header>
<main>
{body}
</main>
</body>
</html>
"""


def page(title: str, body: str) -> bytes:
    """A whole page; `title` is text, `body` is HTML."""
    return FRAME.format(title=escape(title), icon=ICON, style=STYLE_PATH, body=body).encode()


def page_reply(
    request_id: str, public_url: str, status: int, html: bytes, headers: Iterable[Header] = ()
) -> RawReply:
    """A page with the headers that every page has."""
    strict = (STRICT_TRANSPORT,) if public_url.startswith("https://") else ()
    return reply(request_id, status, HTML, html, [*PAGE_HEADERS, *strict, *headers])


def shown_as_page(path: str) -> bool:
    """Whether people come here with a browser."""
    return not path.startswith("/v1/")


def for_people(request: RawRequest, public_url: str, answer: Reply) -> Reply:
    """The answer; a problem becomes a page when a browser asks for one."""
    if not (isinstance(answer, RawReply) and shown_as_page(request.path)):
        return answer
    if dict(answer.headers).get(b"content-type") != PROBLEM or not _prefers_html(request):
        return answer
    problem = msgspec.json.decode(answer.body, type=ProblemBody)
    kept = [header for header in answer.headers if header[0] in _KEPT]
    return page_reply(request.id, public_url, answer.status, _problem_page(problem), kept)


# What a problem says in its headers, a page says too.
_KEPT: Final = frozenset({b"allow", b"connection", b"retry-after", b"upgrade", b"www-authenticate"})


def _prefers_html(request: RawRequest) -> bool:
    """Browsers name HTML; programs say nothing, anything, or JSON."""
    accept = b",".join(request.all(b"accept")).decode("latin1").lower()
    return any(part.split(";")[0].strip() == HTML_MEDIA for part in accept.split(","))


def _problem_page(problem: ProblemBody) -> bytes:
    body = (
        f"<h1>{escape(problem.title)}</h1>\n<p>{escape(problem.detail)}</p>\n"
        f'<p class="small">{problem.status} <code>{escape(problem.code)}</code>, request'
        f' <code>{escape(problem.request_id)}</code></p>\n<p><a href="/">To the start</a></p>'
    )
    return page(problem.title, body)
