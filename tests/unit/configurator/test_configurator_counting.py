"""Counting: what a circuit counts is what looking at every configuration counts."""

import asyncio
import json
import threading
import time
from datetime import UTC, date, datetime
from hashlib import sha256
from itertools import product as every
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings

from infra.auth import Audience, Principal, Security
from infra.web import Readiness, application
from services.configurator import counts, shelf
from services.configurator.compiling import can_compile
from services.configurator.counter import NO_COMPILER, REST, TOO_LARGE, TRIES_MAX, Counter, by_d4
from services.configurator.domain.answers.completing import completion
from services.configurator.domain.answers.counting import ENCODING, about, formula_of
from services.configurator.domain.products.decisions import domains_of
from services.configurator.domain.solving.space import values_of
from tests.unit.configurator.compiler import circuit_text
from tests.unit.configurator.small import (
    a_choice,
    a_multi,
    a_pump,
    a_rule,
    bound,
    decided,
    meets,
    published,
    valid_points,
)
from tests.unit.configurator.test_configurator_laws import decisions, models

INDUSTRIAL = Path(__file__).parents[3] / "catalogs" / "industrial"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
POWER = {
    "id": "B-1",
    "label": "Power",
    "owner": "lab",
    "consumption": "pump.power",
    "capacity": "motor.power",
    "margin_percent": 0,
    "message": "The motor is too small.",
}
needs_d4 = pytest.mark.skipif(not can_compile(), reason="d4 has no wheel for this machine")


def plainly(_variables, clauses):
    return circuit_text([list(each) for each in clauses])


def never(_variables, _clauses):
    raise AssertionError("compiled again")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "circuits"


def by_hand(product, chosen, leaves_out=()):
    """Count the points that meet the rules, by trying all."""
    named = [*product.model.rules, *product.model.tables]
    rules = {each.id for each in named} - set(leaves_out)
    return sum(meets(point, chosen) for point in valid_points(product.model, rules))


@given(models(), decisions())
@settings(max_examples=60, deadline=None)
def test_the_count_is_the_number_of_whole_configurations(model, chosen):
    product = bound(**model)
    found = Counter(Path("/dev/null/nowhere"), plainly).remaining(product, chosen)
    assert found.count == str(by_hand(product, chosen))
    assert found.leaves_out == tuple(each.id for each in product.model.budgets)


@needs_d4
@given(models(), decisions())
@settings(max_examples=6, deadline=None)
def test_d4_counts_the_same(model, chosen):
    product = bound(**model)
    found = Counter(Path("/dev/null/nowhere"), by_d4).remaining(product, chosen)
    assert found.count == str(by_hand(product, chosen))


def test_a_model_without_a_choice_has_one_configuration(folder):
    one = bound(attributes=[a_choice("pump", ["low"], power=[100])])
    assert Counter(folder, plainly).remaining(one, ()).count == "1"


def test_rules_that_exclude_everything_leave_nothing(folder):
    assert Counter(folder, plainly).remaining(bound(rules=[a_rule("1 > 2")]), ()).count == "0"


@needs_d4
@pytest.mark.parametrize(("rule", "count"), [("1 > 2", "0"), ("2 > 1", "1")])
def test_d4_counts_what_is_trivial(folder, rule, count):
    one = bound(attributes=[a_choice("pump", ["low"], power=[100])], rules=[a_rule(rule)])
    assert Counter(folder, by_d4).remaining(one, ()).count == count


def test_without_rules_every_combination_counts_once(folder):
    found = Counter(folder, plainly).remaining(bound(), ())
    assert (found.count, found.words, found.leaves_out, found.not_counted) == (
        "288",
        "288",
        (),
        None,
    )


@pytest.mark.parametrize(
    ("chosen", "left"),
    [
        ({"stages": 2}, 72),
        ({"pump": "mid", "outdoor": True}, 48),
        ({"extras": ("valve",)}, 72),
        ({"extras": ()}, 72),
        ({"pump": "low", "motor": "big", "extras": ("sensor", "valve"), "stages": 0}, 2),
    ],
)
def test_decisions_narrow_the_count(folder, chosen, left):
    assert Counter(folder, plainly).remaining(bound(), decided(**chosen)).count == str(left)


def test_decisions_that_contradict_leave_nothing(folder):
    product = bound(rules=[a_rule("pump = high implies motor = big")])
    chosen = decided(pump="high", motor="small")
    assert Counter(folder, plainly).remaining(product, chosen).count == "0"


def test_a_budget_is_left_out_and_named(folder):
    product = bound(rules=[a_rule("stages >= 1")], budgets=[POWER])
    found = Counter(folder, plainly).remaining(product, ())
    assert (found.count, found.leaves_out) == (str(288 * 3 // 4), ("B-1",))


def test_a_rule_that_is_no_short_list_of_clauses_is_left_out_and_named(folder):
    """Half of 14 options, by weight: thousands of boxes. The rule beside it counts."""
    options = [f"o{number}" for number in range(14)]
    model = a_pump().model_dump(mode="json")["attributes"]
    many = a_multi("many", options, power=[100 + 7 * each for each in range(14)])
    product = bound(
        attributes=[*model, many, a_choice("few", ["one", "two", "three"])],
        rules=[a_rule("many.power <= 1000[W]", 1), a_rule("few != two", 2)],
    )
    found = Counter(folder, plainly).remaining(product, ())
    assert (found.count, found.leaves_out) == (str(288 * 2 * 2**14), ("R-1",))


# ---- what is kept


def test_a_circuit_is_compiled_once_and_found_again_by_the_next_process(folder):
    product = bound(rules=[a_rule("pump = high implies motor = big")], budgets=[POWER])
    first = Counter(folder, plainly).remaining(product, ())
    assert [each.name for each in folder.iterdir()] == [f"{product.pin.sha256}-2026-01-01.json"]
    assert Counter(folder, never).remaining(product, ()) == first
    other = Counter(folder, plainly).remaining(bound(rules=[a_rule("outdoor")]), ())
    assert (first.count, other.count) == ("224", "144")


@pytest.mark.parametrize(
    "spoilt",
    [
        "",
        "[]",
        "{",
        '{"encoding": 0, "leaves_out": [], "circuit": "o 1 0"}',
        '{"encoding": 1}',
        '{"encoding": 1, "leaves_out": [], "circuit": 5}',
        '{"encoding": 1, "leaves_out": [], "circuit": "o 1 0\\nt 2 0\\n1 2 999 0"}',
        "\x00",
    ],
)
def test_what_can_not_be_used_is_compiled_anew(folder, spoilt):
    product = bound(rules=[a_rule("pump = high implies motor = big")])
    folder.mkdir()
    (folder / f"{product.pin.sha256}.json").write_text(spoilt)
    assert Counter(folder, plainly).remaining(product, ()).count == "224"
    assert Counter(folder, never).remaining(product, ()).count == "224"


def test_other_clauses_need_another_encoding():
    """Kept circuits are found by pin and encoding: if this digest changes, raise ENCODING."""
    formula = formula_of(bound(rules=[a_rule("stages * pump.power < motor.power + 50[W]")]))
    digest = sha256(json.dumps(formula.clauses).encode()).hexdigest()
    assert (ENCODING, digest[:16]) == (1, "c237d94954f4d7d2")


def test_a_folder_that_can_not_be_written_costs_time_only():
    assert Counter(Path("/dev/null/nowhere"), plainly).remaining(bound(), ()).count == "288"


# ---- without


def test_without_a_compiler_nothing_is_counted_and_it_says_why(folder, monkeypatch):
    monkeypatch.setattr("services.configurator.counter.can_compile", lambda: False)
    found = Counter(folder).remaining(bound(), ())
    assert (found.count, found.words, found.not_counted) == (None, "not counted", NO_COMPILER)


def test_a_model_that_does_not_compile_is_not_counted_and_not_tried_again(folder):
    asked = []
    counter = Counter(folder, lambda *formula: asked.append(formula))
    for _ in range(3):
        found = counter.remaining(bound(budgets=[POWER]), ())
        assert (found.count, found.leaves_out, found.not_counted) == (None, ("B-1",), TOO_LARGE)
    assert len(asked) == 1
    assert not folder.exists()


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0"),
        (9_999, "9,999"),
        (10_000, "about 10,000"),
        (12_480, "about 12,000"),
        (999_999, "about 1.0 million"),
        (3_425_000, "about 3.4 million"),
        (3_450_000, "about 3.5 million"),
        (99_600_000, "about 100 million"),
        (735_000_000_000, "about 740 billion"),
        (10**15 - 1, "about 1.0 x 10^15"),
        (135527270263445913600000, "about 1.4 x 10^23"),
    ],
)
def test_a_count_in_words(count, words):
    assert about(count) == words


# ---- the pump skid, and the door


@needs_d4
def test_the_answers_of_a_question_share_out_what_remains(tmp_path):
    """10^23 configurations: each has one medium, so the counts of the media add up to all."""
    skid = shelf.load(INDUSTRIAL).product("pump_skid", date(2026, 3, 2))
    counter = Counter(tmp_path)
    whole = counter.remaining(skid, ())
    assert whole.leaves_out == tuple(each.id for each in skid.model.budgets)
    media = next(each for each in skid.model.attributes if each.id == "medium").options
    each = [int(counter.remaining(skid, decided(medium=one.id)).count) for one in media]
    assert all(each)
    assert (sum(each), whole.words) == (int(whole.count), "about 1.4 x 10^23")


@needs_d4
def test_the_count_is_what_the_solver_says_of_each_configuration(tmp_path):
    """Two engines, one answer: 1,980 seals of one skid, everything else decided."""
    skid = shelf.load(INDUSTRIAL).product("pump_skid", date(2026, 3, 2))
    open_ = ("seal", "seal_plan", "seal_faces", "elastomer", "coupling")
    duty = decided(medium="diesel", flow="q50", head="h50", market="eu", instruments=("leak",))
    chosen = [each for each in completion(skid, duty).decisions if each.attribute not in open_]
    budgets = {each.id for each in skid.model.budgets}
    rules = [n for n, each in enumerate(skid.solver.constraints) if each.id not in budgets]
    answers = [values_of(skid.space.attributes[each]) for each in open_]
    valid = sum(
        skid.solver.solve(
            domains_of(skid, [*chosen, *decided(**dict(zip(open_, values, strict=True)))]), rules
        )
        is not None
        for values in every(*answers)
    )
    assert valid > 10
    assert Counter(tmp_path).remaining(skid, chosen).count == str(valid)


def test_a_page_counts_what_is_compiled_and_has_the_rest_compiled_aside(tmp_path):
    pump = published()
    compiled = threading.Event()

    def nothing(variables, clauses):
        compiled.set()
        return plainly_nothing(variables, clauses)

    counter = Counter(tmp_path, nothing)
    assert counter.at_hand(pump, ()) is None
    assert compiled.wait(10)
    assert counter.remaining(pump, ()) == counter.at_hand(pump, ())


def test_a_model_that_did_not_compile_is_tried_again_aside_a_few_times(tmp_path):
    """A machine that was busy for 20 s at the first page left the count out until a restart."""
    now = [datetime(2026, 3, 2, 9, tzinfo=UTC)]
    pump, tried = published(), threading.Semaphore(0)

    def nothing(_variables, _clauses):
        tried.release()

    counter = Counter(tmp_path, nothing, lambda: now[0])
    assert counter.at_hand(pump, ()) is None
    assert tried.acquire(timeout=10)
    tries = 1
    for _ in range(6):
        assert counter.remaining(pump, ()).not_counted == TOO_LARGE
        assert counter.at_hand(pump, ()) is None
        assert not tried.acquire(blocking=False), "not again before it has rested"
        now[0] += 10**tries * REST / 10
        assert counter.at_hand(pump, ()) is None
        if tries < TRIES_MAX:
            assert tried.acquire(timeout=10)
            tries += 1
    assert tries == TRIES_MAX


def test_a_second_try_that_succeeds_is_what_counts_from_then_on(tmp_path):
    now = [datetime(2026, 3, 2, 9, tzinfo=UTC)]
    pump, done = published(), threading.Event()
    answers = [lambda *_: None, plainly_nothing]

    def at_last(variables, clauses):
        found = answers.pop(0)(variables, clauses)
        done.set()
        return found

    counter = Counter(tmp_path, at_last, lambda: now[0])
    assert counter.remaining(pump, ()).not_counted == TOO_LARGE
    done.clear()
    now[0] += REST
    assert counter.remaining(pump, ()).not_counted == TOO_LARGE
    assert done.wait(10)
    until(lambda: counter.remaining(pump, ()).count is not None)


def until(holds):
    """Wait for what another thread does in milliseconds."""
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_page_does_not_wait_for_a_count_of_a_large_circuit(tmp_path, monkeypatch):
    pump = published()
    counter = Counter(tmp_path, plainly_nothing)
    assert counter.remaining(pump, ()).count is not None
    monkeypatch.setattr("services.configurator.counter.EDGES_AT_HAND", 0)
    assert counter.at_hand(pump, ()) is None


class Keys(Security):
    """Lets a caller in under the role that his header names."""

    def principal(self, authorization):
        return Principal("u-1", frozenset({authorization or ""}), "user")


@pytest.fixture
def ask(tmp_path):
    security = Keys(None, Audience("quotewright", "quotewright"), {}, lambda: NOW)
    catalogue = shelf.load(INDUSTRIAL)
    router = counts.routes(catalogue, Counter(tmp_path, plainly_nothing))
    app = application("configurator", [router], security, lambda: Readiness(True))

    def asked(body, role="seller"):
        async def once():
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://c") as client:
                path = "/configurator/products/pump_skid/count"
                return await client.post(path, headers={"authorization": role}, json=body)

        return asyncio.run(once())

    return asked


def plainly_nothing(_variables, _clauses):
    """A circuit of no clause: every assignment counts."""
    return "o 1 0\nt 2 0\n1 2 0"


def test_the_door_counts_under_the_decisions(ask):
    decision = {"attribute": "medium", "value": "water", "source": "user"}
    found = ask({"decisions": [decision]})
    assert found.status_code == 200
    answer = found.json()
    assert answer["model"]["id"] == "pump_skid"
    assert answer["remaining"]["count"].isdigit()
    assert answer["remaining"]["words"].startswith("about ")
    assert answer["remaining"]["leaves_out"] == [
        "PS-BUDGET-MOTOR",
        "PS-BUDGET-NPSH",
        "PS-BUDGET-LOAD",
        "PS-BUDGET-SIGNALS",
    ]
    assert answer["remaining"]["not_counted"] is None


def test_the_door_refuses_what_does_not_fit(ask):
    wrong = {"attribute": "medium", "value": "watr", "source": "user"}
    found = ask({"decisions": [wrong]})
    assert (found.status_code, "did you mean water" in found.text) == (422, True)
    assert ask({"decisions": []}, "customer").status_code == 403
