"""The expression language of product models: from a text to a tree.

The grammar is that of `grammar`. Length, number of words and depth are bounded, so a hostile text
is refused in bounded time and memory.
"""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache, lru_cache

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedInput

from contracts.errors import Refused
from services.configurator.domain.language.grammar import parser, refusal

MAX_LENGTH = 2000
MAX_TOKENS = 300
MAX_DEPTH = 30

Number = int | Fraction


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


def exact(value: Decimal) -> Number:
    """Return a decimal as a whole number or a fraction."""
    return int(value) if value == value.to_integral_value() else Fraction(value)


@lru_cache(maxsize=2000)
def parse(text: str) -> Node:
    """Read one expression.   Raises: ExpressionFault, with the position and what to write."""
    if len(text) > MAX_LENGTH:
        raise ExpressionFault(f"the expression is longer than {MAX_LENGTH} characters; split it")
    node = _short(text) or _read(text)
    if _depth(node) > MAX_DEPTH:
        raise ExpressionFault(f"the expression is nested deeper than {MAX_DEPTH}; split it")
    return node


def _short(text: str) -> Node | None:
    """Return what a text says that is too short for too many words; None: read it word by word."""
    if len(text) > MAX_TOKENS:
        return None
    try:
        return _reader().parse(text)  # type: ignore[return-value]  # what the transformer makes
    except UnexpectedInput:
        return None


def _read(text: str) -> Node:
    reading = _reader().parse_interactive(text)
    try:
        for number, _ in enumerate(reading.iter_parse()):
            if number == MAX_TOKENS:
                raise ExpressionFault(f"the expression has more than {MAX_TOKENS} words; split it")
        found: Node = reading.feed_eof()  # type: ignore[no-untyped-call]  # lark's
    except UnexpectedInput as error:
        accepted = reading.accepts()  # type: ignore[no-untyped-call]
        raise ExpressionFault(refusal(error, text, accepted)) from None
    return found


@cache
def _reader() -> Lark:
    return parser(_Tree())


@v_args(inline=True)
class _Tree(Transformer[Token, Node]):
    """Makes a node of each production of the grammar."""

    def literal(self, token: Token) -> Literal:
        number, _, unit = token.partition("[")
        return Literal(exact(Decimal(number)), unit.removesuffix("]"))

    def name(self, token: Token) -> Name:
        return Name(str(token))

    def measure(self, attribute: Token, measure: Token) -> Measure:
        return Measure(str(attribute), str(measure))

    def call(self, function: Token, *arguments: Node) -> Call:
        return Call(str(function), arguments)

    def unary(self, sign: Token, operand: Node) -> Unary:
        return Unary(str(sign), operand)

    def binary(self, left: Node, sign: Token, right: Node) -> Binary:
        return Binary(str(sign), left, right)

    def member(self, subject: Node, *items: Name | Literal) -> Member:
        return Member(subject, items)

    def has(self, subject: Node, sign: Token, option: Token) -> Has:
        if not isinstance(subject, Name):
            place = (sign.start_pos or 0) + 1
            raise ExpressionFault(
                f"expected the name of a multi-choice attribute before 'has' at position {place}"
            )
        return Has(subject.id, str(option))


def _depth(node: Node) -> int:
    """Return how deep operators are nested; a chain of one kind of them is as deep as its parts."""
    if isinstance(node, Binary):
        return max(_depth(node.left), _depth(node.right) + 1)
    if isinstance(node, Unary):
        return _depth(node.operand) + 1
    if isinstance(node, Call):
        return max(map(_depth, node.arguments)) + 1
    return _depth(node.subject) if isinstance(node, Member) else 0
