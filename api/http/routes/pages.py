"""The pages that people open: one document for every address of theirs, and its files.

Law: a page carries no data and needs no key; its script asks the API as anybody else does. Nothing
runs or is drawn but what this server sent, and no other site may frame it.
"""

from html import escape
from typing import Final

from api.http.accepting import CODINGS, takes
from api.http.context import Context
from api.http.messages import RawRequest, Reply, reply
from api.http.pages import PAGE_HEADERS, STRICT_TRANSPORT, page_reply
from api.http.pages import page as plain_page
from api.http.problems import Problem
from api.http.route import Nothing, Route
from api.http.site import LASTING, START, File

FROM_ANYWHERE: Final = (b"cross-origin-resource-policy", b"cross-origin")
ASKED_AGAIN: Final = (b"cache-control", b"no-cache")
KEPT: Final = (b"cache-control", b"public, max-age=31536000, immutable")

NOT_BUILT: Final = """<h1>StatFlow</h1>
<p>This is a StatFlow server at <code>ADDRESS</code>. Programs send points, charts move at once.</p>
<p>Its pages are not built yet. <code>make run</code> does that beside the server (reload this in a
minute); <code>make web</code> does it alone and says what is missing. The API serves:</p>
<pre tabindex="0">curl -X POST ADDRESS/v1/ingest \\
  -H "Authorization: Bearer sf_your_key_here" \\
  -H "Content-Type: application/json" \\
  -d '{"stat":"my_first_metric","value":1,"type":"counter"}'</pre>
<p>Go on: <a href="/docs">the guide</a>, <a href="/docs/reference">every route</a>. Is it well:
<a href="/healthz">/healthz</a>, <a href="/readyz">/readyz</a>.</p>"""


async def page(context: Context, request: RawRequest) -> Reply:
    """The document; without a build, a plain page that says how to make one."""
    found = await context.site.file(START)
    if found is None:
        address = context.public_url
        html = plain_page("StatFlow", NOT_BUILT.replace("ADDRESS", escape(address)))
        return page_reply(request.id, address, 200, html)
    return _sent(context, request, found)


async def asset(context: Context, request: RawRequest) -> Reply:
    """One of the document's files."""
    found = await context.site.file(request.path.removeprefix("/"))
    if found is None:
        raise Problem("not_found", "There is no such file; perhaps there is a newer build.")
    return _sent(context, request, found)


def _sent(context: Context, request: RawRequest, file: File) -> Reply:
    """The file in the best form that the client takes, or that it has the file already."""
    coding = next((one for one in CODINGS if one in file.forms and takes(request, one)), "")
    tag = b'"%s%s"' % (file.tag, coding.encode())
    safe = [*PAGE_HEADERS, (b"permissions-policy", b"camera=(), geolocation=(), microphone=()")]
    if context.public_url.startswith("https://"):
        safe.append(STRICT_TRANSPORT)
    if file.lasting:
        # A page in a sandboxed frame has an origin of its own.
        safe = [header for header in safe if header[0] != FROM_ANYWHERE[0]]
        safe += [(b"access-control-allow-origin", b"*"), FROM_ANYWHERE]
    headers = [
        *safe,
        KEPT if file.lasting else ASKED_AGAIN,
        (b"etag", tag),
        (b"vary", b"accept-encoding"),
    ]
    if tag in (request.header(b"if-none-match") or b""):
        return reply(request.id, 304, file.media, b"", headers)
    if coding:
        headers.append((b"content-encoding", coding.encode()))
    return reply(request.id, 200, file.media, file.forms[coding], headers)


PATHS: Final = (
    "/", "/login", "/signup", "/claim", "/verify", "/reset", "/join",
    "/stats", "/stats/{id}", "/explore", "/dashboards", "/dashboards/{id}",
    "/alerts", "/alerts/{id}", "/settings", "/settings/{id}",
)  # fmt: skip
"""Addresses of the pages; the script that draws them has the same list."""

ROUTES: Final = (
    Route(
        "GET", "/", "The pages for people", None, {200: "text/html"}, Nothing, Nothing, raw=page
    ),
)  # fmt: skip

PAGES: Final = (
    *(
        Route("GET", path, "A page", None, {200: "text/html"}, Nothing, Nothing, raw=page)
        for path in PATHS[1:]
    ),
    Route(
        "GET", f"/{LASTING}{{id}}", "A file of the pages", None,
        {200: "application/octet-stream"}, Nothing, Nothing, raw=asset,
    ),
)  # fmt: skip
