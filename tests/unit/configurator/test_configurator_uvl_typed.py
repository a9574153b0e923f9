"""UVL: numbers, texts and features that occur several times, exactly as trying every value says."""

from itertools import combinations_with_replacement, pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.configurator.domain.solving.solver import Solver
from services.configurator.domain.uvl import instances, typed
from services.configurator.domain.uvl.features import bound
from services.configurator.domain.uvl.text import UvlFault, parse

LAWS = settings(max_examples=100, deadline=None)

BICYCLE = """features
    Bicycle
        mandatory
            Brake {Weight 3}
            String Maker
            Integer Inch
        [1..3]
            Bell {Weight 1}
            Stabilisers cardinality [1..5] {Maker 'Ours', Price 5}
                optional
                    Reflector
            Dynamo {Weight 3}

constraints
    sum(Weight) < 7
    Inch > 22 => !Stabilisers
    sum(Price) < 10
    Stabilisers => Maker == Stabilisers.Maker
"""


def asked(text, **selected):
    """Return which features can be, given what is selected or not, and what values can be."""
    found = bound(parse(text))
    solver = Solver(found.space, found.rules, found.first)
    names = {name: place for place, name in enumerate(found.names)}
    domains = {names[name.replace("_", " ")]: 2 if yes else 1 for name, yes in selected.items()}
    witness = solver.solve(domains)
    if witness is None:
        return None, None
    possible = solver.possible(domains, witness)
    flags = {name: {1: "never", 2: "always", 3: "open"}[possible[at]] for name, at in names.items()}
    values = {
        name: [word for bit, word in enumerate(told.words, 1) if possible[place] >> bit & 1]
        for name, (place, told) in found.values.items()
    }
    return flags, values


def test_a_number_that_is_only_compared_is_any_number():
    flags, values = asked(BICYCLE)
    assert flags["Inch"] == "always"
    assert flags["Stabilisers"] == "open"
    assert values["Inch"] == ["less than 0", "0", "between 0 and 22", "22", "more than 22"]
    assert values["Maker"] == ["''", "'Ours'", "another text"]


def test_what_is_selected_bounds_numbers_and_texts():
    _, values = asked(BICYCLE, Stabilisers=True)
    assert values["Inch"] == ["less than 0", "0", "between 0 and 22", "22"]
    assert values["Maker"] == ["'Ours'"]


def test_attributes_count_once_for_each_instance():
    # 5 for each pair: two would be 10, and less than 10 is allowed.
    _, values = asked(BICYCLE.replace("sum(Price) < 10", "sum(Price) > 5"), Stabilisers=True)
    assert values is not None
    assert asked(BICYCLE.replace("< 10", "< 5"), Stabilisers=True) == (None, None)
    assert (
        asked(BICYCLE.replace("sum(Price) < 10", "sum(Price) == 25"))[0]["Stabilisers"] == "always"
    )
    assert asked(BICYCLE.replace("sum(Price) < 10", "sum(Price) == 30")) == (None, None)
    assert asked(BICYCLE.replace("sum(Price) < 10", "sum(Price) == 12")) == (None, None)


SUM = """features
\tR
\t\toptional
\t\t\tInteger A
\t\t\tInteger B
\t\t\tX {Cost 3}
constraints
\tA => A >= 1 & A <= 4
\tB >= 0 & B <= 3
\tA + 2 * B - X.Cost == 1
"""


def test_numbers_that_are_calculated_with_take_all_values_between_their_bounds():
    flags, values = asked(SUM, A=True, B=True)
    assert values["A"] == ["1", "2", "4"]
    assert values["B"] == ["0", "1", "2", "3"][:2]  # A 4 and B 0 with X; A 2 and B 1 with X
    assert flags["X"] == "open"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("features\n\tR\n\t\toptional\n\t\t\tInteger A\nconstraints\n\tA * A < 5\n",
         "line 4: 'A' is calculated with, and has no bounds; add a constraint such as A >= 0"),
        ("features\n\tR\n\t\toptional\n\t\t\tInteger A\nconstraints\n\tA + A * A < 5 & A > 0 & A < 5000\n",
         "line 4: 'A' is calculated with, and may be 1 to 4999; give it closer bounds"),
        ("features\n\tReal A\nconstraints\n\tA * A < 5\n", "line 2: 'A' is calculated with, and a Real"),
        ("features\n\tString A\nconstraints\n\tlen(A) * len(A) < 5\n", "and a String can not be"),
        ("features\n\tString A\nconstraints\n\tA < 'x'\n", "they are not compared by <"),
        ("features\n\tString A\nconstraints\n\tA == 4\n", "'A' is no number"),
        ("features\n\tInteger A\nconstraints\n\tlen(A) == 4\n", "'A' is no text"),
        ("features\n\tInteger A\nconstraints\n\tA\n\tB > 1\n", "names 'B', which is no feature"),
        ("features\n\tA cardinality [1..*]\n", r"line 2: 'A' occurs \[1..\*\] times, without an upper"),
        ("features\n\tA cardinality [3..2]\n", "write at least and at most"),
        ("features\n\tA cardinality [0..0]\n", "write at least and at most"),
        ("features\n\tA\n\t\tor\n\t\t\tB cardinality [1..999999999]\n", "line 4: 'B' occurs up to 999999999"),
        ('features\n\tA\n\t\tor\n\t\t\tB cardinality [1..2]\n\t\t\t"B[1]"\n', "named like instances"),
    ],
)  # fmt: skip
def test_what_can_not_be_bounded_is_refused_with_feature_and_line(text, said):
    with pytest.raises(UvlFault, match=said):
        bound(parse(text))


def test_too_many_values_and_instances_are_refused(monkeypatch):
    monkeypatch.setattr(typed, "VALUES_MAX", 6)
    monkeypatch.setattr(instances, "CONTEXTS_MAX", 3)
    many = " & ".join(f"A != {each}" for each in range(9))
    with pytest.raises(UvlFault, match="line 2: 'A' has more than 6 values to tell apart"):
        bound(parse(f"features\n\tInteger A\nconstraints\n\t{many}\n"))
    text = "features\n\tR\n\t\tor\n\t\t\tB cardinality [1..5]\n\t\t\t\tor\n\t\t\t\t\tC\n"
    with pytest.raises(UvlFault, match="holds for more than 3 combinations of instances"):
        bound(parse(f"{text}constraints\n\tC => R\n"))


LENGTHS = """features
\tR
\t\toptional
\t\t\tString C
\t\t\tString D
constraints
\tlen(C) == 3
\tD == C
\tC == 'Fun'
"""


def test_texts_have_lengths():
    assert asked(LENGTHS)[1] == {"C": ["'Fun'"], "D": ["'Fun'"]}
    assert asked(LENGTHS.replace("== 3", "== 4")) == (None, None)
    other = asked(LENGTHS.replace("C == 'Fun'", "C != 'Fun'"))[1]
    assert set(other["D"]) == {"another text of 3 characters"}


def test_a_number_may_be_the_length_of_a_text():
    text = "features\n\tR\n\t\tmandatory\n\t\t\tInteger N\n\t\t\tString S\n"
    rules = "constraints\n\tN == len(S)\n\tS == 'Radio' | len(S) == 2\n\tN > 2\n"
    assert asked(text + rules)[1] == {"N": ["5"], "S": ["'Radio'"]}


def test_many_features_that_are_compared_are_read_or_refused_in_time():
    names = [f"N{each}" for each in range(2_000)]
    text = "features\n\tR\n\t\toptional\n" + "".join(f"\t\t\tInteger {n}\n" for n in names)
    apart = "".join(f"\t{n} > {2 * at}\n" for at, n in enumerate(names))
    assert bound(parse(f"{text}constraints\n{apart}")).values["N7"][1].words[2:4] == (
        "between 0 and 14",
        "14",
    )
    chained = "".join(f"\t{one} < {other}\n" for one, other in pairwise(names))
    with pytest.raises(UvlFault, match="'N0' has more than 1000 values to tell apart"):
        bound(parse(f"{text}constraints\n{chained}"))


def test_a_rounded_number_is_bounded_by_whole_ones():
    text = "features\n\tReal A\nconstraints\n\tfloor(A) == 2\n\tceil(A) == 3\n\tA > 2.5\n"
    told = asked(text)[1]["A"]
    assert set(told) == {"between 2.5 and 3"} or set(told) == {"between 5/2 and 3"}


# ---- against trying every number


@st.composite
def numbered(draw):
    """Two or three integers and a flag, with comparisons among them and with constants."""
    count = draw(st.integers(1, 3))
    names = [f"N{each}" for each in range(count)]
    kinds = [draw(st.sampled_from(["Integer", "Real"])) for _ in names[:2]]
    kinds += ["Integer"] * (count - len(kinds))
    atoms = st.one_of(
        st.tuples(st.sampled_from(names), _SIGN, st.integers(-2, 4)),
        st.tuples(st.sampled_from(names), _SIGN, st.sampled_from(names)),
        st.tuples(st.sampled_from(names), _SIGN, st.just("F.Cost")),
        st.tuples(
            st.sampled_from(names).map(lambda each: f"2 * {each}"), _SIGN, st.integers(-3, 5)
        ),
        st.tuples(
            st.sampled_from(names).map(lambda each: f"floor({each})"), _SIGN, st.integers(-1, 3)
        ),
        st.tuples(
            st.sampled_from(names).map(lambda each: f"ceil({each})"), _SIGN, st.integers(-1, 3)
        ),
    ).map(lambda each: f"{each[0]} {each[1]} {each[2]}")
    rules = draw(
        st.lists(_combined(atoms | st.sampled_from([*names, "F"])), min_size=1, max_size=3)
    )
    lines = ["features", "\tR", "\t\toptional", "\t\t\tF {Cost 2}"]
    lines += [f"\t\t\t{kind} {name}" for name, kind in zip(names, kinds, strict=True)]
    return "\n".join([*lines, "constraints", *(f"\t{each}" for each in rules)]) + "\n", kinds


_SIGN = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])


def _combined(atoms):
    return st.one_of(
        atoms,
        st.tuples(atoms, st.sampled_from(["&", "|", "=>"]), atoms).map(
            lambda each: f"({each[0]}) {each[1]} ({each[2]})"
        ),
        atoms.map(lambda each: f"!({each})"),
    )


def _python(rule):
    """Return a constraint in Python's own words."""
    said = rule.replace("!(", "not (").replace("&", "and").replace("|", "or")
    if "=>" in said:
        left, right = said.split("=>")
        said = f"not ({left}) or ({right})"
    return said.replace("F.Cost", "COST")


@given(numbered())
@LAWS
def test_a_feature_with_a_value_is_possible_if_some_number_meets_the_constraints(given_):
    text, kinds = given_
    rules = [_python(each.strip()) for each in text.split("constraints\n")[1].splitlines()]
    names = [f"N{each}" for each in range(len(kinds))]
    # Quarters are three numbers between whole ones, enough for those that are compared.
    domains = [
        [None, *range(-4, 7)]
        if kind == "Integer"
        else [None, *(each / 4 for each in range(-16, 26))]
        for kind in kinds
    ]
    compiled = [compile(each, "rule", "eval") for each in rules]
    seen = set()
    for flag, *values in product((False, True), *domains):
        selected = tuple(each is not None for each in (flag or None, *values))
        if selected in seen:
            continue
        known = _Known(dict(zip(names, values, strict=True)), flag)
        if all(eval(each, {"floor": _floor, "ceil": _ceil}, known) for each in compiled):  # noqa: S307
            seen.add(selected)

    flags, _ = asked(text)

    if not seen:
        assert flags is None
        return
    for place, name in enumerate(["F", *names]):
        can = {each[place] for each in seen}
        expected = {(True,): "always", (False,): "never"}.get(tuple(can), "open")
        assert flags[name] == expected


class _Known(dict):
    """What names mean: a number where it is compared, a truth where it stands alone."""

    def __init__(self, values, flag):
        super().__init__(F=flag, COST=2 if flag else 0)
        self.update({name: _Number(value) for name, value in values.items()})


class _Number(float):
    def __new__(cls, value):
        made = super().__new__(cls, 0 if value is None else value)
        made.there = value is not None
        return made

    def __bool__(self):
        return self.there


def _floor(each):
    return each // 1


def _ceil(each):
    return -(-each // 1)


# ---- against spelling out every instance


@st.composite
def several(draw):
    """A feature that occurs several times, with two optional features below it, and rules."""
    least = draw(st.integers(0, 2))
    most = draw(st.integers(max(1, least), 3))
    group = draw(st.sampled_from(["mandatory", "optional"]))
    inner = draw(st.sampled_from(["optional", "or", "alternative"]))
    atom = st.sampled_from(["F", "A", "B", "X", "!A", "!B", "!X", "sum(Cost) > 3", "sum(Cost) < 6"])
    rule = st.tuples(atom, st.sampled_from(["&", "|", "=>"]), atom)
    rules = draw(st.lists(rule, min_size=1, max_size=3))
    lines = ["features", "\tR", f"\t\t{group}", f"\t\t\tF cardinality [{least}..{most}] {{Cost 2}}"]
    lines += [f"\t\t\t\t{inner}", "\t\t\t\t\tA {Cost 1}", "\t\t\t\t\tB", "\t\toptional", "\t\t\tX"]
    lines += ["constraints", *(f"\t{' '.join(each)}" for each in rules)]
    return "\n".join(lines) + "\n", (least, most, group, inner, rules)


INNER = {
    "optional": [(False, False), (True, False), (False, True), (True, True)],
    "or": [(True, False), (False, True), (True, True)],
    "alternative": [(True, False), (False, True)],
}


@given(several())
@LAWS
def test_instances_mean_what_spelling_them_out_means(given_):
    text, (least, most, group, inner, rules) = given_
    valid = set()
    for x in (False, True):
        if group == "optional":
            _try(valid, x, False, (), rules)
        for count in range(least, most + 1):
            for found in combinations_with_replacement(INNER[inner], count):
                _try(valid, x, True, found, rules)
    flags, _ = asked(text)
    if not valid:
        assert flags is None
        return
    for place, name in enumerate("FABX"):
        can = {each[place] for each in valid}
        expected = {(True,): "always", (False,): "never"}.get(tuple(can), "open")
        assert flags[name] == expected


def _try(valid, x, selected, found, rules):
    anywhere = any(a for a, _ in found), any(b for _, b in found)
    cost = sum(2 + a for a, _ in found)
    inside = {"A", "B", "!A", "!B"}
    for left, sign, right in rules:
        ways = [anywhere]
        if inside & {left, right}:
            ways += found
        for a, b in ways:
            known = {"F": selected, "A": a, "B": b, "X": x}
            known |= {f"!{name}": not value for name, value in known.items()}
            known |= {"sum(Cost) > 3": cost > 3, "sum(Cost) < 6": cost < 6}
            one, other = known[left], known[right]
            holds = {"&": one and other, "|": one or other, "=>": not one or other}[sign]
            if not holds:
                return
    valid.add((selected, *anywhere, x))
