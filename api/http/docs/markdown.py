"""As much of Markdown as our own guide needs, as HTML. Pure.

Headings, paragraphs, lists, tables, fenced code; in a line `code`, **strong** and [links](…). All
else is text, and all text is escaped.
"""

import re
from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

FENCE: Final = "```"
HEADING: Final = re.compile(r"(#{1,4}) (.+)")
ITEM: Final = re.compile(r"(?:[*-]|\d+\.) +(.+)")
INLINE: Final = re.compile(
    r"`(?P<code>[^`]+)`|\*\*(?P<strong>[^*]+)\*\*|\[(?P<text>[^\]]+)\]\((?P<link>[^)\s]+)\)"
)
LINKS: Final = re.compile(r"(?:https?://|/|#)")
"""How a link may begin."""


def to_html(text: str) -> str:
    """A document as the inside of a page."""
    return "\n".join(_block(block) for block in _blocks(text.splitlines()))


def anchor(heading: str) -> str:
    """The id of a heading: `Send points` is `send-points`."""
    return re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")


def headings(text: str, level: int) -> list[str]:
    """The headings of one level, in order."""
    blocks = _blocks(text.splitlines())
    found = (HEADING.fullmatch(block[0]) for block in blocks)
    return [match[2] for match in found if match and len(match[1]) == level]


def code_blocks(text: str) -> list[tuple[str, str]]:
    """(language, text) of every fenced block."""
    blocks = [block for block in _blocks(text.splitlines()) if block[0].startswith(FENCE)]
    return [(block[0].removeprefix(FENCE), "\n".join(block[1:])) for block in blocks]


def inline(text: str) -> str:
    """One line or paragraph."""
    parts, end = [], 0
    for match in INLINE.finditer(text):
        parts += [escape(text[end : match.start()]), _marked(match)]
        end = match.end()
    return "".join([*parts, escape(text[end:])])


def _blocks(lines: Sequence[str]) -> Iterator[list[str]]:
    """Runs of lines that belong together; fenced code comes with its fence first."""
    block: list[str] = []
    fenced = False
    for line in lines:
        if line.startswith(FENCE) and fenced:
            yield block
            block, fenced = [], False
        elif fenced:
            block.append(line)
        elif line.startswith(FENCE) or not line.strip() or HEADING.fullmatch(line):
            if block:
                yield block
            fenced = line.startswith(FENCE)
            block = [line] if fenced else []
            if HEADING.fullmatch(line):
                yield [line]
        else:
            block.append(line)
    if block:
        yield block


def _block(block: Sequence[str]) -> str:
    first = block[0]
    if first.startswith(FENCE):
        label = escape(first.removeprefix(FENCE))
        code = escape("\n".join(block[1:]))
        return f'<figure><figcaption>{label}</figcaption><pre tabindex="0">{code}</pre></figure>'
    if heading := HEADING.fullmatch(first):
        level = len(heading[1])
        return f'<h{level} id="{anchor(heading[2])}">{inline(heading[2])}</h{level}>'
    if first.startswith("|"):
        return _table(block)
    if ITEM.match(first):
        return _list(block)
    return f"<p>{inline(' '.join(block))}</p>"


def _list(block: Sequence[str]) -> str:
    kind = "ol" if block[0][0].isdigit() else "ul"
    items: list[str] = []
    for line in block:
        match = ITEM.match(line)
        if match:
            items.append(match[1])
        else:
            items[-1] += f" {line.strip()}"
    return f"<{kind}>{''.join(f'<li>{inline(item)}</li>' for item in items)}</{kind}>"


def _table(block: Sequence[str]) -> str:
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in block]
    head = "".join(f"<th>{inline(cell)}</th>" for cell in rows[0])
    body = "".join(
        f"<tr>{''.join(f'<td>{inline(cell)}</td>' for cell in row)}</tr>" for row in rows[2:]
    )
    return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'


def _marked(match: re.Match[str]) -> str:
    if match["code"]:
        return f"<code>{escape(match['code'])}</code>"
    if match["strong"]:
        return f"<strong>{escape(match['strong'])}</strong>"
    if not LINKS.match(match["link"]):
        return escape(match[0])
    return f'<a href="{escape(match["link"])}">{escape(match["text"])}</a>'
