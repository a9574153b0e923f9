"""The expression language of product models: a small grammar, by recursive descent.

    implies := or (("implies" | "iff") implies)?
    or      := and ("or" and)*
    and     := not ("and" not)*
    not     := "not" not | compare
    compare := sum (("=" | "!=" | "<" | "<=" | ">" | ">=") sum | "in" set | "has" name)?
    set     := "{" (name | number) ("," (name | number))* "}"
    sum     := product (("+" | "-") product)*
    product := sign (("*" | "/") sign)*
    sign    := "-" sign | atom
    atom    := number ("[" unit "]")? | name ("." name)? | "(" implies ")"
             | function "(" implies ("," implies)* ")"

Length, number of tokens and depth are bounded, so a hostile text is refused in bounded time and
memory.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from contracts.errors import Refused

MAX_LENGTH = 2000
MAX_TOKENS = 300
MAX_DEPTH = 30

Number = int | Fraction
FUNCTIONS = frozenset({"if", "count", "sum", "all", "any", "min", "max", "ceil"})
KEYWORDS = frozenset({"and", "or", "not", "implies", "iff", "in", "has"})

_TOKEN = re.compile(
    r"(?P<number>[0-9]{1,12}(?:\.[0-9]{1,9})?)(?P<unit>\[[^\[\]\s]{1,12}\])?"
    r"|(?P<name>[a-z][a-z0-9_]{0,59})"
    r"|(?P<sign><=|>=|!=|[=<>+\-*/(){},.])"
)


class ExpressionFault(Refused):
    """An expression can not be read; the message says where and what was expected."""

    code = "model.expression"


@dataclass(frozen=True, slots=True)
class Literal:
    """A number with its unit; no unit is a plain number."""

    value: Number
    unit: str


@dataclass(frozen=True, slots=True)
class Name:
    """An attribute, an option or a parameter, by id; the binder knows which."""

    id: str


@dataclass(frozen=True, slots=True)
class Measure:
    """What the chosen options of an attribute carry of a measure, in sum."""

    attribute: str
    measure: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function and its arguments."""

    function: str
    arguments: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Unary:
    """`not` or `-` before an operand."""

    sign: str
    operand: "Node"


@dataclass(frozen=True, slots=True)
class Binary:
    """An operator between two operands."""

    sign: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Member:
    """An attribute is one of these options or numbers."""

    subject: "Node"
    items: tuple[Name | Literal, ...]


@dataclass(frozen=True, slots=True)
class Has:
    """An option of a multi-choice is chosen."""

    attribute: str
    option: str


Node = Literal | Name | Measure | Call | Unary | Binary | Member | Has


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    unit: str
    place: int


def exact(value: Decimal) -> Number:
    """Return a decimal as a whole number or a fraction."""
    fraction = Fraction(value)
    return fraction.numerator if fraction.denominator == 1 else fraction


def parse(text: str) -> Node:
    """Read one expression.   Raises: ExpressionFault, with the position and what to write."""
    if len(text) > MAX_LENGTH:
        raise ExpressionFault(f"the expression is longer than {MAX_LENGTH} characters; split it")
    return _Reader(_tokens(text), len(text)).whole()


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        match = _TOKEN.match(text, place)
        if match is None:
            raise ExpressionFault(f"unexpected {text[place]!r} at position {place + 1}")
        kind = match.lastgroup if match.lastgroup != "unit" else "number"
        word = match["number"] or match["name"] or match["sign"]
        if kind == "name" and word in KEYWORDS:
            kind = "sign"
        found.append(_Token(kind or "sign", word, (match["unit"] or "[]")[1:-1], place))
        place = match.end()
        if len(found) > MAX_TOKENS:
            raise ExpressionFault(f"the expression has more than {MAX_TOKENS} words; split it")
    return found


class _Reader:
    """A cursor over the tokens; one method per production of the grammar."""

    def __init__(self, tokens: list[_Token], length: int) -> None:
        self._tokens = tokens
        self._end = _Token("end", "the end", "", length)
        self._at = 0
        self._depth = 0

    def whole(self) -> Node:
        node = self._implies()
        if self._next.kind != "end":
            raise self._unexpected("an operator or the end")
        return node

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at] if self._at < len(self._tokens) else self._end

    def _take(self, *signs: str) -> str | None:
        if self._next.kind == "sign" and self._next.text in signs:
            self._at += 1
            return self._tokens[self._at - 1].text
        return None

    def _need(self, sign: str) -> None:
        if self._take(sign) is None:
            raise self._unexpected(repr(sign))

    def _name(self, what: str) -> str:
        if self._next.kind != "name":
            raise self._unexpected(what)
        self._at += 1
        return self._tokens[self._at - 1].text

    def _unexpected(self, wanted: str) -> ExpressionFault:
        token = self._next
        return ExpressionFault(
            f"expected {wanted} at position {token.place + 1}, found {token.text!r}"
        )

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ExpressionFault(f"the expression is nested deeper than {MAX_DEPTH}; split it")

    def _implies(self) -> Node:
        self._deeper()
        node = self._chain(("or",), lambda: self._chain(("and",), self._not))
        sign = self._take("implies", "iff")
        if sign:
            node = Binary(sign, node, self._implies())
        self._depth -= 1
        return node

    def _chain(self, signs: tuple[str, ...], operand: Callable[[], Node]) -> Node:
        node = operand()
        while sign := self._take(*signs):
            node = Binary(sign, node, operand())
        return node

    def _not(self) -> Node:
        if not self._take("not"):
            return self._compare()
        self._deeper()
        node = Unary("not", self._not())
        self._depth -= 1
        return node

    def _compare(self) -> Node:
        node = self._sum()
        if sign := self._take("=", "!=", "<", "<=", ">", ">="):
            return Binary(sign, node, self._sum())
        if self._take("in"):
            return Member(node, self._items())
        if self._take("has"):
            if not isinstance(node, Name):
                raise self._unexpected("the name of a multi-choice attribute before 'has'")
            return Has(node.id, self._name("the id of an option"))
        return node

    def _items(self) -> tuple[Name | Literal, ...]:
        self._need("{")
        items = [self._item()]
        while self._take(","):
            items.append(self._item())
        self._need("}")
        return tuple(items)

    def _item(self) -> Name | Literal:
        if self._next.kind == "number":
            return self._literal()
        return Name(self._name("the id of an option or a number"))

    def _sum(self) -> Node:
        return self._chain(("+", "-"), lambda: self._chain(("*", "/"), self._sign))

    def _sign(self) -> Node:
        if not self._take("-"):
            return self._atom()
        self._deeper()
        node = Unary("-", self._sign())
        self._depth -= 1
        return node

    def _literal(self) -> Literal:
        token = self._next
        self._at += 1
        return Literal(exact(Decimal(token.text)), token.unit)

    def _atom(self) -> Node:
        if self._next.kind == "number":
            return self._literal()
        if self._take("("):
            node = self._implies()
            self._need(")")
            return node
        name = self._name("a number, a name or '('")
        if name in FUNCTIONS and self._take("("):
            return self._call(name)
        if self._take("."):
            return Measure(name, self._name("the name of a measure"))
        return Name(name)

    def _call(self, function: str) -> Call:
        arguments = [self._implies()]
        while self._take(","):
            arguments.append(self._implies())
        self._need(")")
        return Call(function, tuple(arguments))
