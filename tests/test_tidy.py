"""Files and bodies stay short enough to be read at one sitting, and nothing is left lying about."""

import ast
import re
from collections.abc import Callable, Iterator
from statistics import median

import pytest

from tests.source_tree import FOLDERS, ROOT, Source, read, sources

FILE_LINES_MAX = 400
BODY_LINES_MAX = 60

LEFT_OVERS = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3)) + r")\b")


def test_files_and_bodies_are_short(record_property: Callable[[str, object], None]) -> None:
    for folder in FOLDERS:
        if figures := figures_of(folder):
            record_property("report", figures)
    assert [fault for source in sources(*FOLDERS) for fault in length_faults(source)] == []


def test_every_file_says_what_it_is_for() -> None:
    assert [s.name for s in sources(*FOLDERS) if not ast.get_docstring(s.tree)] == []


def test_nothing_is_left_for_later() -> None:
    files = [
        path
        for folder in FOLDERS
        for kind in ("*.py", "*.lua", "*.ts", "*.tsx", "*.css")
        for path in (ROOT / folder).rglob(kind)
        if "node_modules" not in path.parts
    ]
    assert files
    left = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if LEFT_OVERS.search(line)
    ]
    assert left == []


@pytest.mark.parametrize(
    "text",
    [
        "x = 1\n" * (FILE_LINES_MAX + 1),
        "def f():\n" + "    x = 1\n" * (BODY_LINES_MAX + 1),
        "class C:\n    async def f(self):\n" + "        x = 1\n" * (BODY_LINES_MAX + 1),
    ],
)
def test_what_is_too_long_is_seen(text: str) -> None:
    assert list(length_faults(read("engine/x.py", text)))


def test_a_docstring_is_not_part_of_the_body() -> None:
    text = 'def f():\n    """Adds.\n' + "    Words.\n" * 70 + '    """\n    x = 1\n    return x\n'
    assert list(bodies(read("engine/x.py", text))) == [("f", 1, 2)]


def length_faults(source: Source) -> Iterator[str]:
    """The file if it is too long, and each body that is."""
    if source.lines > FILE_LINES_MAX:
        yield f"{source.name} has {source.lines} lines, at most {FILE_LINES_MAX}: split it"
    for name, line, length in bodies(source):
        if length > BODY_LINES_MAX:
            yield f"{source.name}:{line} {name} has {length} lines, at most {BODY_LINES_MAX}"


def bodies(source: Source) -> Iterator[tuple[str, int, int]]:
    """Name, line and length of every function's body, its docstring apart."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
            if body:
                yield node.name, node.lineno, (body[-1].end_lineno or 0) - body[0].lineno + 1


def figures_of(folder: str) -> str | None:
    """One line about a folder: how many files and bodies, how long in the middle and at the end."""
    files = sorted(source.lines for source in sources(folder))
    lengths = sorted(length for source in sources(folder) for _, _, length in bodies(source))
    if not files or not lengths:
        return None
    return (
        f"{folder:8} {len(files):3} files, lines {spread(files)}"
        f"; {len(lengths):4} bodies, lines {spread(lengths)}"
    )


def spread(lengths: list[int]) -> str:
    """Median, 90th percentile and maximum of sorted lengths."""
    return f"median {median(lengths):g} p90 {lengths[len(lengths) * 9 // 10]} max {lengths[-1]}"
