"""The grammar of UVL, and the parser made of it."""

from functools import cache
from threading import Lock

from lark import Lark, Token, Tree
from lark.indenter import Indenter

GRAMMAR = r"""
start: _NL* (namespace | include | imports | features | constraints)*
namespace: "namespace" reference _NL
include: "include" _NL _INDENT (LEVEL _NL)+ _DEDENT
imports: "imports" _NL _INDENT (reference ["as" reference] _NL)+ _DEDENT
features: "features" _NL _INDENT feature+ _DEDENT
feature: [TYPE] reference [cardinality] [attributes] _NL [_INDENT group+ _DEDENT]
cardinality: "cardinality" RANGE
group: (GROUP | RANGE) _NL _INDENT feature+ _DEDENT
attributes: "{" [attribute ("," attribute)*] "}"
attribute: "constraint" expression -> own
         | "constraints" "[" expression ("," expression)* "]" -> own
         | name [value]
?value: NUMBER -> number | PLUS NUMBER -> signed | STRING -> text | QUOTED -> text
      | BOOLEAN -> truth | attributes | "[" [value ("," value)*] "]" -> values
constraints: "constraints" _NL _INDENT (constraint _NL)+ _DEDENT
constraint: expression

?expression: implication | implication "<=>" expression -> iff
?implication: disjunction | disjunction "=>" implication -> implies
?disjunction: conjunction ("|" conjunction)*
?conjunction: negation ("&" negation)*
?negation: comparison | "!" negation -> negated
?comparison: sum | sum COMPARE sum
?sum: product (PLUS product)*
?product: unary (TIMES unary)*
?unary: atom | PLUS unary -> signed
?atom: NUMBER -> number | STRING -> text | BOOLEAN -> truth | "(" expression ")"
     | FUNCTION "(" reference ("," reference)* ")" -> call | reference
reference: name ("." name)*
name: ID | QUOTED

TYPE.3: /(Boolean|Integer|Real|String)(?=[ \t])/
GROUP.3: /(mandatory|optional|alternative|or)(?=[ \t]*(\/\/[^\n]*)?(\r?\n|$))/
FUNCTION.3: /(sum|avg|len|floor|ceil)(?=[ \t]*\()/
BOOLEAN.3: /(true|false)\b/
LEVEL: /[A-Za-z]+(\.([A-Za-z-]+|\*))?/
COMPARE: "==" | "!=" | "<=" | ">=" | "<" | ">"
PLUS: "+" | "-"
TIMES: "*" | "/"
RANGE: /\[[0-9]{1,9}([ ]*\.\.[ ]*([0-9]{1,9}|\*))?\]/
NUMBER.2: /[0-9]{1,15}(\.[0-9]{1,9})?(?![A-Za-z0-9_])/
ID: /[^\s"'.,(){}\[\]!&|=<>+*\/:\-]+/
QUOTED: /"[^"\n]+"/
STRING: /'[^'\n]*'/
_NL: /(\r?\n[\t ]*(\/\/[^\n]*)?)+/
%ignore /[ \t\f]+/
%ignore /\/\/[^\n]*/
%declare _INDENT _DEDENT
"""


class _Indents(Indenter):
    NL_type = "_NL"
    OPEN_PAREN_types: list[str] = []  # noqa: RUF012, as the library declares it
    CLOSE_PAREN_types: list[str] = []  # noqa: RUF012
    INDENT_type = "_INDENT"
    DEDENT_type = "_DEDENT"
    tab_len = 8


_ONE_AT_A_TIME = Lock()


def parsed(text: str) -> Tree[Token]:
    """Parse a text.   Raises: lark's errors.

    The library keeps the indentation of the text that it reads in the parser, so one is read at a
    time.
    """
    with _ONE_AT_A_TIME:
        return _parser().parse(text)


@cache
def _parser() -> Lark:
    return Lark(GRAMMAR, parser="lalr", postlex=_Indents(), propagate_positions=True)
