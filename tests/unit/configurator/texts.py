"""Texts to read a parser with: written by its grammar, then spoilt, or of any characters at all."""

from hypothesis import strategies as st

# ---- the expression language

NAMES = [
    "pump",
    "motor",
    "extras",
    "stages",
    "outdoor",
    "low",
    "sensor",
    "power",
    "x",
    "in_",
    "not_a",
]
_NAME = st.sampled_from(NAMES)
_NUMBER = st.one_of(
    st.integers(0, 10**12 - 1).map(str),
    st.decimals(0, 9999, places=3, allow_nan=False).map(lambda each: f"{each:f}"),
)
_UNIT = st.sampled_from(["", "[W]", "[kW]", "[m3/h]", "[%]"])
_ITEM = st.one_of(_NAME, st.tuples(_NUMBER, _UNIT).map("".join))
_ATOM = st.one_of(
    st.tuples(_NUMBER, _UNIT).map("".join),
    _NAME,
    st.tuples(_NAME, _NAME).map(".".join),
    st.tuples(_NAME, _NAME).map(lambda each: f"({each[0]} has {each[1]})"),
    st.tuples(_NAME, st.lists(_ITEM, min_size=1, max_size=4)).map(
        lambda each: f"({each[0]} in {{{', '.join(each[1])}}})"
    ),
)
_SIGNS = ["+", "-", "*", "/", "=", "!=", "<", "<=", ">", ">=", "and", "or", "implies", "iff"]


def _larger(inner):
    return st.one_of(
        st.tuples(inner, st.sampled_from(_SIGNS), inner).map(lambda each: f"({' '.join(each)})"),
        inner.map(lambda each: f"(not {each})"),
        inner.map(lambda each: f"-{each}"),
        st.tuples(
            st.sampled_from(["if", "min", "max", "ceil", "count", "sum"]),
            st.lists(inner, min_size=1, max_size=3),
        ).map(lambda each: f"{each[0]}({', '.join(each[1])})"),
    )


EXPRESSIONS = st.recursive(_ATOM, _larger, max_leaves=12)
_WORDS = [
    *NAMES,
    *_SIGNS,
    *("(", ")", "{", "}", ",", ".", "[W]", "[", "]", "not", "has", "in", "if", "count", "1", "2.5"),
    *(
        " ",
        "\n",
        "\t",
        "\u00a0",
        "\u0660",
        "é",
        "\x00",
        "999999999999",
        "9999999999999",
        "--",
        "<>",
    ),
]
WORD_SALADS = st.lists(st.sampled_from(_WORDS), max_size=60).map(" ".join)


# ---- UVL

_PLAIN = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,7}", fullmatch=True)
_QUOTED = st.from_regex(r"[A-Za-z][A-Za-z 0-9./()\-]{0,7}", fullmatch=True).map('"{}"'.format)
_VALUE = st.sampled_from(
    [" 3", " -2.5", " 'a text'", " true", " [1, 2]", " {of 'it'}", "", ' "named"', " '' "]
)


@st.composite
def feature_models(draw):
    """Return a UVL text and the names of its features in the order of the tree."""
    # A keyword of the language is no name unless it is quoted.
    keywords = {"mandatory", "optional", "alternative", "or", "true", "false", "cardinality"}
    keywords |= {"Boolean", "Integer", "Real", "String", "features", "constraints", "constraint"}
    names = draw(st.lists(st.one_of(_PLAIN, _QUOTED), min_size=1, max_size=9, unique_by=_bare))
    names = [each if _bare(each) not in keywords else f'"{each}"' for each in names]
    lines, pending = ["features", f"\t{names[0]}"], list(reversed(names[1:]))
    order = [_bare(names[0])]
    depth = 1
    while pending:
        members = [pending.pop() for _ in range(min(len(pending), draw(st.integers(1, 3))))]
        head = draw(
            st.sampled_from(["mandatory", "optional", "alternative", "or", "[1..*]", "[1]"])
        )
        lines.append("\t" * (depth + 1) + head)
        for each in members:
            extra = draw(st.sampled_from(["", " // remark"])) if draw(st.booleans()) else ""
            value = f" {{a{draw(_VALUE)}}}" if draw(st.booleans()) else ""
            lines.append("\t" * (depth + 2) + each + value + extra)
            order.append(_bare(each))
        if draw(st.booleans()):
            depth += 2
    rules = draw(st.lists(_conditions(names), max_size=3))
    if rules:
        lines += ["constraints", *(f"\t{each}" for each in rules)]
    return "\n".join(lines) + "\n", order


def _bare(name):
    return name.strip('"')


def _conditions(names):
    literal = st.sampled_from(names)
    return st.recursive(
        st.one_of(literal, st.just("sum(a) <= 3"), st.just("1 + 2 * 3 > -4")),
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from(["&", "|", "=>", "<=>"]), inner).map(
                lambda each: f"({' '.join(each)})"
            ),
            inner.map(lambda each: f"!({each})"),
        ),
        max_leaves=5,
    )


_SCRAPS = [
    "\n",
    "\t",
    "\n\t\t",
    " ",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    '"',
    "'",
    "=>",
    "<=>",
    "!",
    "&",
    "|",
]
_SCRAPS += [
    "//",
    "\r\n",
    "\f",
    "\x0b",
    "\x85",
    "\u2028",
    "or",
    "mandatory",
    "[1..2]",
    "[9..1]",
    "sum(",
]
_SCRAPS += [
    "constraints",
    "features",
    "cardinality",
    "Integer ",
    "imports\n\tx\n",
    "-",
    ".",
    ",",
    "0",
]


@st.composite
def spoilt(draw, texts):
    """Return a text of `texts` with up to four scraps put in, parts cut out or doubled."""
    text = draw(texts)
    for _ in range(draw(st.integers(1, 4))):
        first = draw(st.integers(0, len(text)))
        last = min(len(text), first + draw(st.integers(0, 12)))
        scrap = draw(st.sampled_from([*_SCRAPS, "", text[first:last] * 2]))
        text = text[:first] + scrap + text[last:]
    return text
