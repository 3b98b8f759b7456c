"""Markdown as our guide needs it: marks become tags, all else stays text."""

import pytest

from api.http.docs.markdown import code_blocks, headings, inline, to_html


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a < b & c", "a &lt; b &amp; c"),
        ("`a<b`", "<code>a&lt;b</code>"),
        ("**so**", "<strong>so</strong>"),
        ("[x](/docs)", '<a href="/docs">x</a>'),
        ("[x](#y)", '<a href="#y">x</a>'),
        ("[x](javascript:alert)", "[x](javascript:alert)"),
        ('[x](/"onload=)', '<a href="/&quot;onload=">x</a>'),
        ("<script>", "&lt;script&gt;"),
    ],
)
def test_in_a_line(text: str, html: str) -> None:
    assert inline(text) == html


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("# Send points", '<h1 id="send-points">Send points</h1>'),
        ("one\ntwo\n\nthree", "<p>one two</p>\n<p>three</p>"),
        ("- a\n- b\n  c", "<ul><li>a</li><li>b c</li></ul>"),
        ("1. a\n2. b", "<ol><li>a</li><li>b</li></ol>"),
        ("## A\ntext", '<h2 id="a">A</h2>\n<p>text</p>'),
        (
            "| a | b |\n|---|---|\n| 1 | `2` |",
            '<div class="wide"><table><tr><th>a</th><th>b</th></tr>'
            "<tr><td>1</td><td><code>2</code></td></tr></table></div>",
        ),
    ],
)
def test_blocks(text: str, html: str) -> None:
    assert to_html(text) == html


def test_code_is_kept_as_it_is() -> None:
    text = "before\n```sh\n# no heading\n\n| no table |\n```\nafter"
    assert code_blocks(text) == [("sh", "# no heading\n\n| no table |")]
    assert "# no heading\n\n| no table |" in to_html(text)
    assert headings(text, 1) == []
