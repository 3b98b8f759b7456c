"""The grammar of expressions over series: `a / b * 100`, `topk(5, moving(a, 5m))`.

    sum     = term (("+" | "-") term)*
    term    = factor (("*" | "/") factor)*
    factor  = "-" factor | number | name | function "(" argument ("," argument)* ")" | "(" sum ")"
    argument = duration | sum

Pure. A blank between two operands is a plus, because a URL turns `+` into one. Limits on length,
nesting and size keep the cost of any text small.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from math import isfinite
from typing import Final

from api.query.durations import NO_TIME, Duration, parse_duration
from api.query.errors import QueryError

TEXT_LIMIT = 1_000
"""Characters of an expression."""

DEPTH_LIMIT = 20
"""Parentheses and minus signs inside each other."""

NODES_LIMIT = 200
"""Names, numbers, operators and calls of one expression."""

TOPK_LIMIT = 100
"""Series that `topk` may keep: as many as a reply may have."""


@dataclass(frozen=True, slots=True)
class Number:
    """A constant."""

    value: float


@dataclass(frozen=True, slots=True)
class Name:
    """The series of one `stat=` or `match=`."""

    name: str


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands, bucket by bucket."""

    operator: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Call:
    """A function of series, and of a number or a duration where it wants one."""

    function: str
    series: tuple["Node", ...]
    number: int = 0
    duration: Duration = NO_TIME


Node = Number | Name | Binary | Call

REDUCING: Final = ("sum", "avg", "min", "max")
"""Functions that make one series of any number of them."""

FUNCTIONS: Final = (*REDUCING, "topk", "moving", "shift", "percent_of", "abs")


def parse_expression(text: str, names: Collection[str], parameter: str = "expr") -> Node:
    """Read an expression over `names`; QueryError says where it stops making sense."""
    if len(text) > TEXT_LIMIT:
        raise QueryError(
            "expression_invalid", parameter, f"{parameter}: at most {TEXT_LIMIT:,} characters"
        )
    return _Parser(text, names, parameter).whole()


_NUMBER = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![A-Za-z0-9_.])"
_TOKEN = re.compile(
    rf"\s*(?:(?P<number>{_NUMBER})|(?P<duration>[0-9][0-9A-Za-z.]*)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<sign>[-+*/(),]))"
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


_END: Final = "end"


class _Parser:
    """Recursive descent over the tokens of one text."""

    def __init__(self, text: str, names: Collection[str], parameter: str) -> None:
        self.text = text
        self.names = names
        self.parameter = parameter
        self.depth = 0
        self.nodes = 0
        self.place = 0
        self.tokens = self._split()

    def whole(self) -> Node:
        node = self._sum()
        if self._now.kind != _END:
            raise self._error(f"{self._now.text} is not expected here")
        return node

    def _split(self) -> list[_Token]:
        tokens, at = [], 0
        end = len(self.text.rstrip())
        while at < end:
            match = _TOKEN.match(self.text, at)
            if match is None:
                raise self._error("this character means nothing", at)
            kind = match.lastgroup or ""
            tokens.append(_Token(kind, match[kind], match.start(kind)))
            at = match.end()
        return [*tokens, _Token(_END, "the end", end)]

    @property
    def _now(self) -> _Token:
        return self.tokens[self.place]

    def _next(self) -> _Token:
        token = self._now
        self.place += 1
        return token

    def _taken(self, sign: str) -> bool:
        if self._now.kind == "sign" and self._now.text == sign:
            self.place += 1
            return True
        return False

    def _sum(self) -> Node:
        node = self._term()
        while True:
            if self._taken("-"):
                node = self._counted(Binary("-", node, self._term()))
            elif self._taken("+") or self._blank_plus():
                node = self._counted(Binary("+", node, self._term()))
            else:
                return node

    def _blank_plus(self) -> bool:
        now = self._now
        starts = now.kind in ("number", "name") or now.text == "("
        return starts and self.text[now.at - 1].isspace()

    def _term(self) -> Node:
        node = self._factor()
        while self._now.text in ("*", "/"):
            node = self._counted(Binary(self._next().text, node, self._factor()))
        return node

    def _factor(self) -> Node:
        self.depth += 1
        if self.depth > DEPTH_LIMIT:
            raise self._error(f"at most {DEPTH_LIMIT} levels of parentheses")
        node = self._operand()
        self.depth -= 1
        return self._counted(node)

    def _operand(self) -> Node:
        token = self._next()
        if token.kind == "number":
            if not isfinite(float(token.text)):
                raise self._error(f"{token.text} is beyond all numbers", token.at)
            return Number(float(token.text))
        if token.text == "-":
            return Binary("-", Number(0.0), self._factor())
        if token.text == "(":
            node = self._sum()
            self._expect(")")
            return node
        if token.kind == "name":
            return self._call(token) if self._taken("(") else self._name(token)
        raise self._error(
            f"a series, a number or a function is expected, not {token.text}", token.at
        )

    def _name(self, token: _Token) -> Name:
        if token.text not in self.names:
            known = ", ".join(self.names)
            raise self._error(f"there is no series {token.text}, only {known}", token.at)
        return Name(token.text)

    def _call(self, token: _Token) -> Call:
        if token.text not in FUNCTIONS:
            raise self._error(
                f"there is no function {token.text}, only {', '.join(FUNCTIONS)}", token.at
            )
        series: list[Node] = []
        spans: list[Duration] = []
        while True:
            if self._now.kind == "duration":
                spans.append(self._duration(self._next()))
            else:
                series.append(self._sum())
            if not self._taken(","):
                break
        self._expect(")")
        return self._checked(token, series, spans)

    def _duration(self, token: _Token) -> Duration:
        span = parse_duration(token.text)
        if not span:
            raise self._error(f"{token.text} is no duration; for example 5m, 1h, 1w", token.at)
        return span

    def _checked(self, token: _Token, arguments: list[Node], spans: list[Duration]) -> Call:
        """The call, when its arguments are what the function wants, in any order."""
        name, number = token.text, 0
        series = tuple(a for a in arguments if not (name == "topk" and isinstance(a, Number)))
        if name == "topk":
            numbers = [a.value for a in arguments if isinstance(a, Number)]
            if len(numbers) != 1 or numbers[0] not in range(1, TOPK_LIMIT + 1):
                raise self._error(f"topk wants a whole number from 1 to {TOPK_LIMIT}", token.at)
            number = int(numbers[0])
        if len(spans) != (name in ("moving", "shift")):
            raise self._error(f"{name} wants {_wants(name)}", token.at)
        most = {"percent_of": 2, "topk": TOPK_LIMIT}.get(
            name, TOPK_LIMIT if name in REDUCING else 1
        )
        if not 1 <= len(series) <= most:
            raise self._error(f"{name} wants {_wants(name)}", token.at)
        return Call(name, series, number, spans[0] if spans else NO_TIME)

    def _expect(self, sign: str) -> None:
        if not self._taken(sign):
            raise self._error(f"{sign} is expected, not {self._now.text}")

    def _counted(self, node: Node) -> Node:
        self.nodes += 1
        if self.nodes > NODES_LIMIT:
            raise self._error(f"at most {NODES_LIMIT} names, numbers and operators")
        return node

    def _error(self, why: str, at: int | None = None) -> QueryError:
        at = self._now.at if at is None else at
        return QueryError(
            "expression_invalid", self.parameter,
            f"{self.parameter}: {why} (character {at + 1})",
        )  # fmt: skip


def _wants(name: str) -> str:
    """What a function takes, as an example."""
    examples = {
        "moving": "a series and a duration, as in moving(a, 5m)",
        "shift": "a series and a duration, as in shift(a, 1w)",
        "percent_of": "one or two series, as in percent_of(a, b)",
        "abs": "one series, as in abs(a)",
        "topk": "a number and series, as in topk(5, a)",
    }
    return examples.get(name, f"series, as in {name}(a, b)")
