"""The project's own files, parsed once for the tests that judge code without running it."""

import ast
import gc
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

PRODUCT = ("engine", "storage", "api")
FOLDERS = (*PRODUCT, "clients", "bench", "tests")


@dataclass(frozen=True, slots=True)
class Source:
    """One Python file: `name` is its path below the checkout, `module` its dotted name."""

    name: str
    module: str
    text: str
    tree: ast.Module

    @property
    def folder(self) -> str:
        """The top-level folder that the file is in."""
        return self.name.partition("/")[0]

    @property
    def lines(self) -> int:
        """How long the file is."""
        return len(self.text.splitlines())


def sources(*folders: str) -> tuple[Source, ...]:
    """Every Python file of these folders, sorted by name."""
    return tuple(source for folder in folders for source in _sources(folder))


@cache
def _sources(folder: str) -> tuple[Source, ...]:
    # Millions of objects that stay: the collector must look at them neither now nor ever.
    gc.disable()
    try:
        return tuple(
            read(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
            for path in sorted((ROOT / folder).rglob("*.py"))
            if "node_modules" not in path.parts
        )
    finally:
        gc.freeze()
        gc.enable()


def read(name: str, text: str) -> Source:
    """`text` as if it were the file `name` of the checkout."""
    module = name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return Source(name, module, text, ast.parse(text, name))


def names_used(source: Source) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of everything that a file imports, or reaches through an import.

    After `import numpy as np`, the expression `np.random.rand` is `numpy.random.rand`.
    """
    meaning: dict[str, str] = {}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                shown = alias.name if alias.asname else alias.name.partition(".")[0]
                meaning[alias.asname or shown] = shown
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                full = f"{'.' * node.level}{node.module or ''}.{alias.name}"
                meaning[alias.asname or alias.name] = full
                yield node.lineno, full
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and (dotted := _dotted(node)):
            first, _, rest = dotted.partition(".")
            if first in meaning:
                yield node.lineno, f"{meaning[first]}.{rest}"


def _dotted(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (base := _dotted(node.value)):
        return f"{base}.{node.attr}"
    return None
