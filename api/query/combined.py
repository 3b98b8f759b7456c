"""`group=` and `expr=`: from the stats that were selected to the lines of the answer.

Pure. Each name in an expression is a list of stats; `group` first makes one line of each of them,
or keeps the greatest.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from api.query.errors import QueryError, quote
from api.query.expression import Line, Need, evaluate, lookback, needs
from api.query.grammar import REDUCING, TOPK_LIMIT, Binary, Call, Name, Node, parse_expression

TOPK_DEFAULT = 10
"""Lines that `group=topk` keeps when it does not say how many."""


@dataclass(frozen=True, slots=True)
class Combination:
    """What to compute over names; `label` is what a single result is called, or None.

    None means that a line keeps the name of the stat that it was made of.
    """

    root: Node
    label: str | None

    def needs(self) -> list[Need]:
        """What has to be read."""
        return needs(self.root)

    def lookback(self, step_s: int) -> int:
        """How many buckets before the first one are read."""
        return lookback(self.root, step_s)

    def lines(self, table: Mapping[Need, Sequence[Line]], size: int, step_s: int) -> list[Line]:
        """The lines of the answer, without the buckets that were only looked back on."""
        found = evaluate(self.root, lambda need: table.get(need, ()), size, step_s)
        ahead = self.lookback(step_s)
        if self.label is not None and len(found) == 1:
            return [Line(self.label, found[0].values[ahead:])]
        return [Line(line.name or self.label or "", line.values[ahead:]) for line in found]


def combination(names: Iterable[str], group: str | None, expr: str | None) -> Combination | None:
    """Read `group` and `expr` over these names; None when neither is given."""
    names = list(names)
    if group is None and expr is None:
        return None
    grouped = None if group is None else _parse_group(group)
    if expr is None:
        assert grouped is not None
        root: Node = _grouped(grouped, [Name(name) for name in names])
        return Combination(root, grouped[0] if grouped[0] in REDUCING else None)
    root = parse_expression(expr, names)
    if grouped is not None:
        root = _with_group(root, grouped)
    return Combination(root, None if _keeps_names(root) else expr.strip())


_GROUP = re.compile(r"(sum|avg|min|max|topk)(?:[:(]([0-9]{1,3})\)?)?")

Group = tuple[str, int]


def _parse_group(text: str) -> Group:
    match = _GROUP.fullmatch(text.strip())
    number = int(match[2] or TOPK_DEFAULT) if match else 0
    if match is None or (match[2] and match[1] != "topk") or not 1 <= number <= TOPK_LIMIT:
        raise QueryError(
            "parameter_invalid", "group",
            f"group: {quote(text)} is none of sum, avg, min, max, topk or topk:5",
        )  # fmt: skip
    return match[1], number


def _grouped(group: Group, series: Sequence[Node]) -> Call:
    function, number = group
    return Call(function, tuple(series), number if function == "topk" else 0)


def _with_group(node: Node, group: Group) -> Node:
    """The same expression with every name grouped."""
    match node:
        case Name():
            return _grouped(group, [node])
        case Call():
            inner = tuple(_with_group(argument, group) for argument in node.series)
            return Call(node.function, inner, node.number, node.duration)
        case Binary():
            return Binary(
                node.operator, _with_group(node.left, group), _with_group(node.right, group)
            )
        case _:
            return node


def _keeps_names(node: Node) -> bool:
    """Whether even a single result is still one of the stats."""
    match node:
        case Name():
            return True
        case Call(function="topk" | "moving" | "shift"):
            return all(_keeps_names(argument) for argument in node.series)
        case _:
            return False
