"""The peer runner itself: every form of file, right and wrong, in folders of the tests' own."""

import gzip
import json
import random
from hashlib import sha256
from itertools import product

import pytest

from tests.peer import __main__ as runner
from tests.peer import engines, generated, reading
from tests.peer.engines import Peer, price
from tests.peer.table_files import read_tables

DOMAINS = {"engine": ["petrol", "diesel", "none"], "gear": [5, 6], "hook": [True, False]}
ALLOWED = [
    (["engine", "gear"], [["petrol", 5], ["diesel", 6], ["petrol", 6], ["none", 5]]),
    (["hook", "engine"], [[True, "diesel"], [False, "diesel"], [False, "petrol"]]),
]
LAYOUT = {
    "variables": DOMAINS,
    "tables": [{"variables": scope, "tuples": rows} for scope, rows in ALLOWED],
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CASES", str(tmp_path))
    found = tmp_path / "configurator" / "models"
    found.mkdir(parents=True)
    return found


def written(path, said):
    text = said if isinstance(said, bytes) else json.dumps(said).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)


def told(capsys):
    code = runner.main(["configurator"])
    return code, capsys.readouterr().out


# ---- what is expected, by trying all that there is


def configurations(**chosen):
    for point in product(*DOMAINS.values()):
        row = dict(zip(DOMAINS, point, strict=True))
        tables = all([row[each] for each in scope] in rows for scope, rows in ALLOWED)
        if tables and all(row[name] == value for name, value in chosen.items()):
            yield row


def options(row):
    return [
        (f"{name}={str(value).lower() if isinstance(value, bool) else value}", row[name] == value)
        for name, values in DOMAINS.items()
        for value in values
    ]


def expected(**chosen):
    rows = [options(row) for row in configurations(**chosen)]
    both = [({yes for _, yes in column}) for column in zip(*rows, strict=True)]
    packed = bytes((True in can) + 2 * (False in can) for can in both)
    return {
        "selectable": sum(True in can for can in both),
        "open": sum(len(can) == 2 for can in both),
        "digest": sha256(packed).hexdigest()[:24],
        "configurations": str(len(rows)),
    }


def least(**chosen):
    return min(
        sum(price(name) for name, yes in options(row) if yes) for row in configurations(**chosen)
    )


def car():
    """Return what is expected of the tables: nothing that our engines found."""
    choice = {"option": "gear=6", "value": True}
    return {
        "model": "car",
        "root": expected(),
        "configurations": expected()["configurations"],
        "core": [],
        "dead": ["engine=none"],
        "click_sequences": [
            [
                {"choose": "gear=6", "value": True, **expected(gear=6)},
                {"choose": "engine=petrol", "value": True, **expected(gear=6, engine="petrol")},
            ]
        ],
        "conflicts": [
            {
                "choices": [choice, {"option": "engine=petrol", "value": True}],
                "blocked": {"option": "hook=true", "value": True},
                "min_choices_to_give_up": 1,
            }
        ],
        "cheapest_completion": [
            {"choices": [], "min_total": least()},
            {"choices": [choice], "min_total": least(gear=6)},
        ],
    }


@pytest.mark.parametrize("ending", [".tables.json.gz", ".tables.json"])
def test_tables_are_held_against_their_expectations(folder, capsys, ending):
    written(folder / f"car{ending}", LAYOUT)
    written(folder / "car.expected.json", car())
    code, out = told(capsys)
    assert code == 0
    assert "7 options, solver and circuit" in out or "solver alone" in out
    assert " 0 failed" in out.splitlines()[-1]


def test_without_the_compiler_the_solver_answers_and_says_that_it_is_slower(
    folder, capsys, monkeypatch
):
    monkeypatch.setattr(engines, "compiled", lambda *_: None)
    written(folder / "car.tables.json", LAYOUT)
    written(folder / "car.expected.json", car())
    code, out = told(capsys)
    assert code == 0
    assert "solver alone, slower" in out
    assert " 0 failed" in out.splitlines()[-1]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("root", "digest"), "0" * 24),
        (("root", "selectable"), 3),
        (("dead",), []),
        (("click_sequences", 0, 1, "open"), 7),
        (("conflicts", 0, "min_choices_to_give_up"), 2),
        (("cheapest_completion", 1, "min_total"), 5),
    ],
)
def test_an_expectation_that_does_not_hold_is_a_failed_case(folder, capsys, place, value):
    case = car()
    inner = case
    for each in place[:-1]:
        inner = inner[each]
    inner[place[-1]] = value
    written(folder / "car.tables.json.gz", LAYOUT)
    written(folder / "car.expected.json", case)
    code, out = told(capsys)
    assert code == 1
    assert "not as expected" in out
    assert " 0 failed" not in out.splitlines()[-1]


def _numbered(scope, rows):
    return [[DOMAINS[n].index(each) for n, each in zip(scope, row, strict=True)] for row in rows]


@pytest.mark.parametrize(
    "layout",
    [
        {"domains": DOMAINS, "tables": [{"scope": s, "rows": r} for s, r in ALLOWED]},
        {"variables": list(DOMAINS), "domains": list(DOMAINS.values()),
         "tables": [list(each) for each in ALLOWED]},
        {"variables": [{"name": n, "values": v} for n, v in DOMAINS.items()],
         "constraints": [{"vars": [list(DOMAINS).index(n) for n in s], "tuples": r} for s, r in ALLOWED]},
        {"variables": [[n, v] for n, v in DOMAINS.items()],
         "tables": {"a": {"scope": ALLOWED[0][0], "tuples": ALLOWED[0][1]},
                    "b": {"scope": ALLOWED[1][0], "tuples": ALLOWED[1][1]}}},
        {"domains": DOMAINS,
         "tables": [{"scope": s, "rows": _numbered(s, r)} for s, r in ALLOWED]},
        {"variables": {"engine": {"values": DOMAINS["engine"]}, "gear": {"min": 5, "max": 6}, "hook": "yes"},
         "domains": {"yes": [True, False]},
         "tables": [{"variables": s, "tuples": [dict(zip(s, r, strict=True)) for r in rows]} for s, rows in ALLOWED]},
    ],
)  # fmt: skip
def test_other_layouts_of_tables_mean_the_same(tmp_path, layout):
    written(tmp_path / "as_is.tables.json", LAYOUT)
    written(tmp_path / "other.tables.json", layout)
    assert read_tables(tmp_path / "other.tables.json") == read_tables(
        tmp_path / "as_is.tables.json"
    )


TABLE = {"variables": ["engine"], "tuples": [["petrol"]]}


@pytest.mark.parametrize(
    ("name", "said", "why"),
    [
        ("a.tables.json", [], "an object was expected, not a list"),
        ("a.tables.json", {"cars": 1}, "the variables with their values was expected under 'variables'"),
        ("a.tables.json", {"variables": DOMAINS}, "the tables was expected under 'tables'"),
        ("a.tables.json", {"variables": {"x": [1, 1]}, "tables": []}, "not one or more, all different"),
        ("a.tables.json", {"variables": {"x": [1, True]}, "tables": []}, "truth values mixed"),
        ("a.tables.json", {"variables": {"x": 3.5}, "tables": []}, "the values of 'x' were expected as a list"),
        ("a.tables.json", {"variables": DOMAINS, "tables": [TABLE | {"tuples": [["steam"]]}]},
         "table 0: 'steam' is no value of 'engine'"),
        ("a.tables.json", {"variables": DOMAINS, "tables": [TABLE | {"tuples": [[[1]]]}]}, "not a list"),
        ("a.tables.json", {"variables": DOMAINS, "tables": [TABLE | {"tuples": [["petrol", 5]]}]},
         "table 0: a row has 2 values, for 1 variables"),
        ("a.tables.json", {"variables": DOMAINS, "tables": [TABLE | {"variables": ["wheel"]}]},
         "table 0: there is no variable 'wheel'"),
        ("a.tables.json", {"variables": DOMAINS, "tables": [TABLE | {"negative": True}]}, "allowed ones expected"),
        ("a.tables.json", {"variables": DOMAINS, "tables": 4}, "as a list or an object"),
        ("a.tables.json", b"{", "it is no JSON"),
        ("a.tables.json", b"[" * 200_000, "it is no JSON"),
        ("a.dimacs", b"c 1 A\np cnf 1 1\n1 x 0\n", "line 3: '1 x 0' is no line of DIMACS"),
        ("a.dimacs", b"p cnf 1 1\n2 0\n", "line 2: '2 0' is no line of DIMACS: variable 2 of 1"),
        ("a.dimacs", b"1 2 3", "line 1"),
        ("a.dimacs", b"p cnf 2 1\n1 2\n", "every clause closed by 0"),
        ("a.dimacs", b"c 1 A\nc 2 A\np cnf 2 1\n1 2 0\n", "two variables have the same name"),
        ("a.dimacs", b"\xff\xfe", "line 1: it can not be read"),
        ("a.uvl", b"features\n\tA\n\tB\n", "one root feature"),
        ("a.expected.json", {"model": "gone"}, "there is no model 'gone'"),
        ("revalidate_a.expected.json", {"from": "gone"}, "the newer model was expected under 'to'"),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong_is_one_failed_case_with_its_reason(folder, capsys, name, said, why):
    written(folder / name, said)
    code, out = told(capsys)
    assert code == 1
    assert f"{name}: refused:" in out
    assert why in out
    assert out.splitlines()[-1] == "configurator: 0 passed, 1 failed"


@pytest.mark.parametrize("name", ["a.dimacs.gz", "a.tables.json.gz", "a.uvl.gz"])
def test_a_packed_file_that_is_broken_is_one_failed_case(folder, capsys, name):
    for said in (b"no gzip", gzip.compress(b"c 1 A\n" * 9999)[:40], gzip.compress(b"x" * 99)[:-6]):
        (folder / name).write_bytes(said)
        code, out = told(capsys)
        assert code == 1
        assert "it can not be read" in out
        assert out.splitlines()[-1] == "configurator: 0 passed, 1 failed"


@pytest.mark.parametrize("name", ["a.dimacs.gz", "a.tables.json.gz", "a.uvl.gz"])
def test_a_file_that_unpacks_without_end_is_not_unpacked(folder, capsys, monkeypatch, name):
    monkeypatch.setattr(reading, "TEXT_BYTES_MAX", 4 << 20)
    monkeypatch.setattr(reading, "JSON_BYTES_MAX", 4 << 20)
    line = b"c " + b" " * 1000 + b"\n"
    (folder / name).write_bytes(gzip.compress(line * (8 << 10)))
    code, out = told(capsys)
    assert code == 1
    assert "it unpacks to more than 4 MiB" in out


def test_a_case_of_another_form_says_what_was_expected(folder, capsys):
    written(folder / "car.tables.json", LAYOUT)
    for case, why in [
        ({"model": "car"}, "'root' was expected, as an object"),
        ({**car(), "click_sequences": {}}, "'click_sequences' was expected, as a list"),
        ({**car(), "root": {"count": 4}}, "one of selectable, forced_in"),
        ({**car(), "conflicts": [{"choices": []}]}, "'blocked' was expected"),
        ({**car(), "click_sequences": [[{"choose": "wheel", "value": True}]]}, "names 'wheel'"),
        ({**car(), "click_sequences": [[3]]}, "refused"),
    ]:
        written(folder / "car.expected.json", case)
        code, out = told(capsys)
        assert code == 1
        assert why in out


def test_a_folder_that_is_missing_is_a_failed_case(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("CASES", str(tmp_path))
    code, out = told(capsys)
    assert code == 1
    assert "there is no folder" in out
    assert out.splitlines()[-1] == "configurator: 0 passed, 1 failed"


def test_a_model_without_expectations_is_held_against_itself(folder, capsys):
    (folder / "shop.dimacs").write_text("c 1 A\nc 2 B\np cnf 2 1\n-1 2 0\n")
    (folder / "bike.uvl").write_text("features\n\tInteger A\nconstraints\n\tA > 4\n")
    code, out = told(capsys)
    assert code == 0
    assert out.splitlines()[-1].startswith("configurator: ")


def test_a_uvl_model_may_have_expectations_of_its_own(folder, capsys):
    (folder / "bike.uvl").write_text(
        "features\n\tR\n\t\toptional\n\t\t\tInteger A\n\t\t\tB {Price 3}\nconstraints\n"
        "\tA > 4 => B\n\tA => A > 4\n\tsum(Price) < 4\n"
    )
    root = {"selectable": 3, "forced_in": 1, "open": 2}
    clicks = [{"choose": "A", "value": True, "selectable": 3, "forced_in": 3}]
    conflict = {
        "choices": [{"option": "A", "value": True}],
        "blocked": {"option": "B", "value": False},
        "min_choices_to_give_up": 1,
    }
    case = {"root": root, "click_sequences": [clicks], "conflicts": [conflict]}
    written(folder / "bike.expected.json", {"model": "bike", **case})
    code, out = told(capsys)
    assert out.splitlines()[-1].endswith(" 0 failed"), out
    assert code == 0


# ---- one version replayed on the next

OLD = ("A", "B", "C", "D")
# Of A and B one at least; C wants A. In the next version D is gone, E is new and comes with B.
BEFORE = "p cnf 4 2\n1 2 0\n-3 1 0\n"
NEW = ("A", "B", "C", "E")
AFTER = "p cnf 4 4\n1 2 0\n-3 1 0\n-2 4 0\n-3 -2 0\n"


def versions(folder):
    for name, names, text in (("shop_1", OLD, BEFORE), ("shop_2", NEW, AFTER)):
        lines = [f"c {number} {each}\n" for number, each in enumerate(names, 1)]
        (folder / f"{name}.dimacs").write_text("".join(lines) + text)


def said(**choices):
    return [{"option": name, "value": value} for name, value in choices.items()]


LISTS = [
    {"decisions": said(A=True, B=False, C=True, D=False), "outcome": "unchanged"},
    {"decisions": said(B=True), "outcome": "completed"},
    {"decisions": said(A=True, B=True, C=True), "outcome": "conflict", "min_choices_to_give_up": 1},
    {"decisions": said(D=True, A=True), "outcome": "conflict", "min_choices_to_give_up": 1,
     "gone": ["D"]},
    {"decisions": said(D=True, B=True, C=True, A=True), "outcome": "conflict",
     "min_choices_to_give_up": 2},
    {"decisions": said(A=True, C=True), "outcome": "completed", "selectable": 3, "forced_out": 1},
]  # fmt: skip


def test_decision_lists_are_replayed_on_the_next_version(folder, capsys):
    versions(folder)
    case = {"from": "shop_1", "to": "shop_2.dimacs", "removed_options": ["D"], "added": 1}
    written(folder / "revalidate_shop.expected.json", {**case, "cases": LISTS})
    code, out = told(capsys)
    assert code == 0, out
    assert "revalidate_shop.expected.json: 13 as expected" in out


@pytest.mark.parametrize(
    "case",
    [
        {"from_model": {"model": "shop_1"}, "to_model": {"model": "shop_2"}, "lists": LISTS},
        {"models": ["shop_1", "shop_2"],
         "quotes": [{"choices": each["decisions"], "expected": {"outcome": each["outcome"]}} for each in LISTS]},
        {"old": "shop_1", "new": "shop_2",
         "replays": [{"choices": each["decisions"], "verdict": each["outcome"]} for each in LISTS]},
    ],
)  # fmt: skip
def test_other_words_for_a_replay_mean_the_same(folder, capsys, case):
    versions(folder)
    written(folder / "revalidate_shop.expected.json", case)
    assert told(capsys)[0] == 0


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"outcome": "conflict"}, "not as expected: list 0: unchanged, not conflict"),
        ({"outcome": "fine"}, "list 0: the outcome is 'fine'; unchanged, valid"),
        ({"decisions": said(C=True, A=False)}, "contradict each other in the earlier model"),
        ({"decisions": said(Z=True)}, "a choice names 'Z', which is no option of the model"),
        ({"decisions": "A"}, "decisions were expected as a list of objects"),
        ({"decisions": [4]}, "decisions were expected as a list of objects"),
        ({"min_choices_to_give_up": 1}, "the minimum repair: 0, not 1"),
    ],
)
def test_a_replay_that_comes_out_otherwise_is_a_failed_case(folder, capsys, change, why):
    versions(folder)
    case = {"from": "shop_1", "to": "shop_2", "cases": [{**LISTS[0], **change}]}
    written(folder / "revalidate_shop.expected.json", case)
    code, out = told(capsys)
    assert code == 1
    assert why in out


# ---- models that are drawn


def test_drawn_tables_say_the_same_by_both_engines(tmp_path, monkeypatch):
    for name, value in {"VARIABLES": 14, "VALUES": 50, "TABLES": 12, "ROWS": 900}.items():
        monkeypatch.setattr(generated, name, value)
    for seed in range(3):
        path = tmp_path / f"{seed}.tables.json"
        written(path, generated.tables(random.Random(seed)))
        peer = Peer(read_tables(path))
        if peer.circuit is None:
            pytest.skip("no compiler here, so there are not two engines")
        assert peer.by_circuit([]) == peer.by_solver([])
        assert peer.circuit.count([]) >= 1


def test_drawn_clauses_say_the_same_by_both_engines(monkeypatch):
    monkeypatch.setattr(generated, "OPTIONS", 300)
    monkeypatch.setattr(generated, "RULES", 40)
    peer = Peer(generated.clauses(random.Random(3)))
    if peer.circuit is None:
        pytest.skip("no compiler here, so there are not two engines")
    assert peer.by_circuit([]) == peer.by_solver([])
