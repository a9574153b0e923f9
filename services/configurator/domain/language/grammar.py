"""The grammar of the expression language, and the parser made of it."""

from collections.abc import Collection
from typing import Any

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

GRAMMAR = r"""
?start: implication
?implication: disjunction | disjunction (IMPLIES | IFF) implication -> binary
?disjunction: conjunction | disjunction OR conjunction -> binary
?conjunction: negation | conjunction AND negation -> binary
?negation: comparison | NOT negation -> unary
?comparison: sum | sum COMPARE sum -> binary
    | sum "in" "{" item ("," item)* "}" -> member
    | sum HAS NAME -> has
?item: literal | name
?sum: product | sum (PLUS | MINUS) product -> binary
?product: sign | product (TIMES | DIVIDE) sign -> binary
?sign: atom | MINUS sign -> unary
?atom: literal | name | NAME "." NAME -> measure | "(" implication ")"
    | FUNCTION "(" implication ("," implication)* ")" -> call
literal: NUMBER
name: NAME

IMPLIES: "implies"
IFF: "iff"
OR: "or"
AND: "and"
NOT: "not"
HAS: "has"
COMPARE: "=" | "!=" | "<=" | ">=" | "<" | ">"
PLUS: "+"
MINUS: "-"
TIMES: "*"
DIVIDE: "/"
FUNCTION.2: /(if|count|sum|all|any|min|max|ceil)(?=\s*\()/
NUMBER: /[0-9]{1,12}(\.[0-9]{1,9})?(\[[^\[\]\s]{1,12}\])?/
NAME: /[a-z][a-z0-9_]{0,59}/
%ignore /\s+/
"""

# The first of these whose terminals can all stand at a place is what is missing there.
_WANTED = (
    (frozenset({"NUMBER", "NAME", "LPAR"}), "a number, a name or '('"),
    (frozenset({"NUMBER", "NAME"}), "the id of an option or a number"),
    (frozenset({"NAME"}), "a name"),
    (frozenset({"LBRACE"}), "'{'"),
    (frozenset({"RBRACE"}), "'}'"),
    (frozenset({"RPAR"}), "')'"),
    (frozenset({"$END"}), "an operator or the end"),
)


def parser(transformer: Transformer[Token, Any]) -> Lark:
    """Return the parser that builds what the transformer makes of each production, bottom up."""
    return Lark(GRAMMAR, parser="lalr", transformer=transformer, maybe_placeholders=False)


def refusal(error: UnexpectedInput, text: str, accepted: Collection[str]) -> str:
    """Say where a text can not be read, and what was expected there: terminals of the grammar."""
    place = error.pos_in_stream or 0
    if isinstance(error, UnexpectedCharacters):
        return f"unexpected {text[place]!r} at position {place + 1}"
    if not isinstance(error, UnexpectedToken):
        raise error
    named = str(error.token)
    if error.token.type == "$END":
        place, named = len(text), "the end"
    wanted = next(words for needs, words in _WANTED if needs.issubset(accepted))
    return f"expected {wanted} at position {place + 1}, found {named!r}"
