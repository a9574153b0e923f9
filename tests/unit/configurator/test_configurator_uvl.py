"""UVL: read as other tools write it, bound exactly, and refused in words where it can not be."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.configurator.domain.solving.solver import Solver
from services.configurator.domain.solving.space import FALSE
from services.configurator.domain.uvl import features as binding
from services.configurator.domain.uvl.features import bound
from services.configurator.domain.uvl.text import Constant, Named, Operation, UvlFault, parse

LAWS = settings(max_examples=200, deadline=None)
STATION = """
namespace Station
// a comment

include
\tArithmetic.aggregate-function

features
\t"Base station" {abstract true}
\t\tmandatory
\t\t\tRadio {Power 320.5, Maker 'North', Ports [1, 2], Note {Of 'it'}}
\t\t\t\talternative
\t\t\t\t\t"n78 8T8R" {Power -3}
\t\t\t\t\tn28 // low band
\t\toptional
\t\t\tGNSS {constraint GNSS => Radio}
\t\t[1..2]
\t\t\tA
\t\t\tB
\t\t\tC

constraints
\tA | B => !C & ("n78 8T8R" <=> GNSS)
\tsum(Power) <= 400 - 2 * 10
\tRadio.Power > 300
"""


def test_a_model_is_read_with_its_tree_attributes_and_constraints():
    model = parse(STATION)
    names = [each.name for each in model.root.all()]
    assert names == ["Base station", "Radio", "n78 8T8R", "n28", "GNSS", "A", "B", "C"]
    radio, *_ = (member for member in model.root.groups[0].members)
    assert radio.attributes == {"Power": Decimal("320.5"), "Maker": "North"}
    spans = [(each.least, each.most, len(each.members)) for each in model.root.groups]
    assert spans == [(1, 1, 1), (0, 1, 1), (1, 2, 3)]
    words = [text for text, _ in model.constraints]
    assert words[1:] == ["sum(Power) <= 400 - 2 * 10", "Radio.Power > 300", "GNSS => Radio"]
    assert model.constraints[3][1] == Operation("=>", (Named(("GNSS",)), Named(("Radio",))))
    assert model.root.attributes == {"abstract": True}
    right = model.constraints[1][1].operands[1]
    times = Operation("*", (Constant(Decimal(2)), Constant(Decimal(10))))
    assert right == Operation("+", (Constant(Decimal(400)), Operation("-", (times,))))


def test_a_name_with_hidden_characters_is_shown_without_them():
    found = bound(parse('features\n\tA\n\t\toptional\n\t\t\t"n\x1f78"'))
    assert [each.label for each in found.space.attributes.values()] == ["A", "n\ufffd78"]


def selectable(text):
    found = bound(parse(text))
    solver = Solver(found.space, found.rules, [FALSE] * len(found.names))
    witness = solver.solve({})
    assert witness is not None
    possible = solver.possible({}, witness)
    return {
        name: {1: "never", 2: "always", 3: "open"}[mask]
        for name, mask in zip(found.names, possible, strict=True)
    }


def test_what_can_be_selected_follows_from_tree_and_constraints():
    # Radio 320.5 W and at most 380 W; two of A, B, C or one, and C never with A or B.
    assert selectable(STATION) == {
        "Base station": "always",
        "Radio": "always",
        "n78 8T8R": "open",
        "n28": "open",
        "GNSS": "open",
        "A": "open",
        "B": "open",
        "C": "open",
    }
    assert selectable(STATION.replace("400 - 2 * 10", "300 + 18"))["n78 8T8R"] == "always"


def test_a_conflict_is_told_in_the_models_own_words():
    found = bound(parse(STATION))
    solver = Solver(found.space, found.rules, [FALSE] * len(found.names))
    place = {name: number for number, name in enumerate(found.names)}
    clash = solver.clash({place["A"]: 2}, [{place["C"]: 2}])
    assert clash is not None
    words = [found.words[found.rules[each].id] for each in clash.rules]
    assert words == ['A | B => !C & ("n78 8T8R" <=> GNSS)']


FEATURES = "features\n\tR\n\t\toptional\n\t\t\tA\n\t\t\tB {Cost 2}\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "one root feature; this one has 0"),
        ("features\n\tA\n\tB\n", "one root feature; this one has 2"),
        ("features\n\tA\n\t\toptional\n\t\t\tA\n", "line 4: there are two features 'A'"),
        (FEATURES + "constraints\n\tA => => B\n", "line 7: 'A => => B' can not be read at column 7"),
        (FEATURES + "constraints\n\tA => X\n", "a constraint names 'X', which is no feature"),
        (FEATURES + "constraints\n\tA.Cost > 1\n", "'A' has no attribute 'Cost'"),
        (FEATURES + "constraints\n\tsum(Weight) > 1\n", "no feature carries the attribute 'Weight'"),
        (FEATURES + "constraints\n\tsum(Cost)\n", "a constraint is a condition"),
        (FEATURES + "constraints\n\tB.Cost > A\n", "'A' is no number"),
        (FEATURES + "constraints\n\tB.Cost / B.Cost > 1\n", "a number is a constant"),
        ("imports\n\tother as o\nfeatures\n\tA\n", "imports are not read"),
        ("features\n\tA\n\t\t[4..5]\n\t\t\tB\n", "wants 4 of 1 features"),
        ("features\n\tA\n\t\t\toptional\n\t\t B\n", "indented|can not be read"),
        ("features\n\tA\nconstraints\n\t" + "(" * 80 + "A" + ")" * 80 + "\n", "nested deeper than 60"),
        ("features\n\tA\nconstraints\n\t" + "!" * 5000 + "A\n", "nested deeper than 60"),
        ("features\n\tA\nconstraints\n\t" + "A => " * 500 + "A\n", "nested deeper than 60"),
        ("features\n\tA\nconstraints\n\t'" + ")" * 99 + "' == A | " + "(A & " * 99 + "A" + ")" * 99 + "\n", "nested deeper than 60"),
        ("features\n" + "".join(" " * each + f"A{each}\n" + " " * each + "  or\n" for each in range(1, 400, 3)), "nested deeper than 60"),
        (FEATURES + "constraints\n\t" + "B.Cost * " * 60 + "1 > 1\n", "a product of more than 50"),
    ],
)  # fmt: skip
def test_what_can_not_be_read_is_refused_with_place_and_reason(text, said):
    with pytest.raises(UvlFault, match=said):
        bound(parse(text))


def test_a_minus_stands_after_a_name_too():
    # It was read as the sign of an attribute's value, and the line refused.
    (_, formula), *_ = parse(f"{FEATURES}constraints\n\tB.Cost - -1 == 1 -B.Cost\n").constraints
    cost = Named(("B", "Cost"))
    one = Constant(Decimal(1))
    left = Operation("+", (cost, Operation("-", (Operation("-", (one,)),))))
    assert formula == Operation("==", (left, Operation("+", (one, Operation("-", (cost,))))))


def test_long_sums_and_deep_equivalences_take_no_time():
    long = " + ".join(["B.Cost"] * 3000)
    deep = " <=> ".join(["A", "B"] * 25)
    assert selectable(f"{FEATURES}constraints\n\t{long} > 5999\n")["B"] == "always"
    assert selectable(f"{FEATURES}constraints\n\t{deep}\n")["A"] == "open"


def test_large_alternatives_are_counted(monkeypatch):
    monkeypatch.setattr(binding, "PAIRS_MAX", 8)
    members = "".join(f"\t\t\tM{each}\n" for each in range(20))
    found = selectable(f"features\n\tR\n\t\talternative\n{members}constraints\n\t!M0 & !M1\n")
    assert (found["M0"], found["M19"]) == ("never", "open")


def test_texts_are_read_by_several_threads_at_once():
    with ThreadPoolExecutor(4) as pool:
        read = list(pool.map(parse, [STATION] * 40))
    assert all(each == read[0] for each in read)


TOKENS = [
    "features", "constraints", "optional", "mandatory", "or", "[1..2]", "A", "B", '"C d"', "{", "}",
    "Cost 2", "=>", "&", "|", "!", "(", ")", "==", "sum(Cost)", "1.5", "-", "'x'", "\n", "\n\t",
    "\n\t\t", "\n\t\t\t", " ", ",", ".", "//", "cardinality", "Integer",
    "Real A", "String B", "len(B)", "floor(A)", "cardinality [1..3]", " < ", "A.Cost", "*",
]  # fmt: skip


@given(st.lists(st.sampled_from(TOKENS), max_size=60).map("".join) | st.text(max_size=80))
@settings(max_examples=600, deadline=None)
def test_any_text_is_read_or_refused(text):
    for each in (f"features\n\tA\n{text}", text):
        with suppress(UvlFault):
            bound(parse(each))


# ---- against an evaluator that knows nothing of bounds, clauses or solvers


@st.composite
def models(draw):
    """A random tree of up to eight features in UVL, with attributes and constraints."""
    count = draw(st.integers(2, 8))
    parents = [draw(st.integers(0, each - 1)) for each in range(1, count)]
    costs = [draw(st.integers(-3, 5)) for _ in range(count)]
    kinds = ["mandatory", "optional", "alternative", "or", "[1..2]", "[0..1]", "[2]"]
    lines = ["features"]

    def write(feature, depth):
        lines.append("\t" * depth + f"F{feature} {{Cost {costs[feature]}}}")
        below = [each + 1 for each, parent in enumerate(parents) if parent == feature]
        cut = draw(st.integers(0, len(below)))
        for members in (below[:cut], below[cut:]):
            if members:
                usable = [each for each in kinds if each != "[2]" or len(members) > 1]
                lines.append("\t" * (depth + 1) + draw(st.sampled_from(usable)))
                for each in members:
                    write(each, depth + 2)

    write(0, 1)
    name = st.integers(0, count - 1).map(lambda each: f"F{each}")
    logic = st.recursive(
        name,
        lambda inner: st.one_of(
            inner.map(lambda each: f"!({each})"),
            st.tuples(inner, st.sampled_from(["&", "|", "=>", "<=>"]), inner).map(
                lambda each: f"({each[0]}) {each[1]} ({each[2]})"
            ),
        ),
        max_leaves=5,
    )
    sums = st.tuples(
        st.sampled_from(["sum(Cost)", "avg(Cost)", "F1.Cost", "sum(F1, Cost)"]),
        st.sampled_from(["==", "<", ">=", "!="]),
        st.integers(-2, 6),
    ).map(lambda each: f"{each[0]} {each[1]} {each[2]}")
    rules = draw(st.lists(logic | sums, max_size=3))
    if rules:
        lines += ["constraints", *(f"\t{each}" for each in rules)]
    return "\n".join(lines) + "\n"


def holds(model, selected):
    by_name = {each.name: each for each in model.root.all()}
    if model.root.name not in selected:
        return False
    for feature in by_name.values():
        for group in feature.groups:
            chosen = sum(each.name in selected for each in group.members)
            least, most = (group.least, group.most) if feature.name in selected else (0, 0)
            if not least <= chosen <= most:
                return False
    return all(value_of(formula, by_name, selected) for _, formula in model.constraints)


def value_of(formula, by_name, selected):
    match formula:
        case Named(path=(name,)):
            return name in selected
        case Named(path=(name, attribute)):
            return by_name[name].attributes[attribute] if name in selected else 0
        case Constant(value=value):
            return value
        case Operation(sign="sum" | "avg" as sign, operands=operands):
            root = by_name[operands[0].path[0]] if len(operands) > 1 else by_name["F0"]
            costs = [each.attributes["Cost"] for each in root.all() if each.name in selected]
            return sum(costs) if sign == "sum" else sum(costs) / max(1, len(costs))
        case Operation(sign="!", operands=(inner,)):
            return not value_of(inner, by_name, selected)
        case Operation(sign=sign, operands=operands):
            return TELLS[sign](*(value_of(each, by_name, selected) for each in operands))


TELLS = {
    "&": lambda one, other: one and other,
    "|": lambda one, other: one or other,
    "=>": lambda one, other: not one or other,
    "<=>": lambda one, other: one == other,
    "==": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
    "<": lambda one, other: one < other,
    ">=": lambda one, other: one >= other,
    "-": lambda one: -one,
    "+": lambda *parts: sum(parts),
}


@pytest.mark.parametrize("most", [2_000, 0], ids=["clauses", "bounds"])
@given(text=models())
@LAWS
def test_features_are_possible_if_some_selection_meets_tree_and_constraints(text, most):
    model = parse(text)
    kept, binding.CLAUSES_MAX = binding.CLAUSES_MAX, most
    try:
        found = bound(model)
    finally:
        binding.CLAUSES_MAX = kept
    solver = Solver(found.space, found.rules, [FALSE] * len(found.names))
    valid = [
        selected
        for signs in product((True, False), repeat=len(found.names))
        if holds(model, selected := {n for n, yes in zip(found.names, signs, strict=True) if yes})
    ]
    witness = solver.solve({})
    assert (witness is None) == (not valid)
    if witness is not None:
        expected = [
            2 * any(name in each for each in valid) + any(name not in each for each in valid)
            for name in found.names
        ]
        assert solver.possible({}, witness) == expected
