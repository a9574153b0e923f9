"""Rules, tables and budgets with days: what binds when, and how a release with them is checked."""

from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quotewright.proofs import days_of_asks
from services.configurator import releasing, shelf
from services.configurator.domain.answers.explaining import conflict
from services.configurator.domain.products.catalogue import Catalogue
from services.configurator.domain.products.product import ModelRefused
from services.configurator.domain.releases.auditing import audit
from services.configurator.domain.releases.revising import changes
from tests.unit.configurator.small import (
    a_pump,
    a_rule,
    bound,
    decided,
    meets,
    published,
    valid_points,
)
from tests.unit.configurator.tabled import a_table
from tests.unit.configurator.test_configurator_laws import decisions, models
from tests.unit.configurator.test_configurator_tables import MODEL, ROWS

FIRST = date(2026, 1, 1)
DAYS = st.none() | st.integers(-3, 12).map(lambda each: FIRST + timedelta(days=each))
MARCH = {"valid_from": "2026-03-01", "valid_until": "2026-03-31"}


def dated(rule, **days):
    return {**rule, **days}


def told(**changed):
    return [str(each) for each in audit(published(**changed)) if each.code != "model.unused"]


@st.composite
def dated_models(draw):
    tree = draw(models())
    for section in ("rules", "tables", "budgets"):
        tree[section] = [
            dated(each, **dict(zip(("valid_from", "valid_until"), _days(draw), strict=True)))
            for each in tree[section]
        ]
    return tree


def _days(draw):
    first, last = draw(DAYS), draw(DAYS)
    return (last, first) if first and last and last < first else (first, last)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(dated_models(), decisions(), st.integers(0, 15))
def test_on_each_day_exactly_the_rules_of_that_day_bind(tree, some, later):
    day = FIRST + timedelta(days=later)
    model, product = a_pump(**tree), bound(**tree).on(day)
    assert product.days.has(day)
    binding = {
        each.id
        for each in (*model.rules, *model.tables, *model.budgets)
        if (each.valid_from or day) <= day <= (each.valid_until or day)
    }
    valid = valid_points(model, binding)
    clash = conflict(product, some)
    assert (clash is None) == any(meets(point, some) for point in valid)
    assert clash is None or set(clash.rules) <= binding


@pytest.mark.parametrize(
    ("month", "day", "binds"), [(2, 28, False), (3, 1, True), (3, 31, True), (4, 1, False)]
)
def test_both_days_are_included(month, day, binds):
    product = published(rules=[dated(a_rule("not outdoor"), **MARCH)])
    found = Catalogue([product]).product("pump_skid", date(2026, month, day))
    assert (conflict(found, decided(outdoor=True)) is not None) == binds
    assert found.pin == product.pin


def test_days_on_which_the_same_binds_share_one_solver():
    before, inside, after = published(rules=[dated(a_rule("not outdoor"), **MARCH)]).editions()
    assert before.solver is after.solver
    assert before.solver is not inside.solver


def test_a_model_that_is_void_on_some_days_is_refused_with_those_days():
    rules = [a_rule("outdoor"), dated(a_rule("not outdoor", 2), **MARCH)]
    with pytest.raises(ModelRefused) as refused:
        published(rules=rules)
    assert refused.value.faults == (
        (
            "from 2026-03-01 until 2026-03-31: the rules exclude every configuration;"
            " loosen one of these: R-1, R-2"
        ),
    )


def test_an_option_of_some_days_is_a_warning_and_one_of_no_day_a_fault():
    rules = [dated(a_rule("pump != high"), valid_until="2026-02-28")]
    assert told(rules=rules) == [
        (
            "warning: option 'pump.high': can not be chosen from 2026-01-01 until 2026-02-28;"
            " so it should be, or a rule lacks a day"
        )
    ]
    rules.append(dated(a_rule("pump != high", 2), valid_from="2026-03-01"))
    with pytest.raises(ModelRefused, match=r"'pump.high' can never be chosen"):
        published(rules=rules)


@pytest.mark.parametrize(
    ("days", "fault"),
    [
        (
            {"valid_from": "2026-03-02", "valid_until": "2026-03-01"},
            "valid_until 2026-03-01 lies before valid_from 2026-03-02; write the later day last",
        ),
    ],
)
def test_wrong_days_are_refused(days, fault):
    with pytest.raises(ModelRefused, match=fault):
        published(rules=[dated(a_rule("outdoor"), **days)])


def test_too_many_intervals_are_refused_before_they_are_proved():
    days = [FIRST + timedelta(days=each) for each in range(60)]
    rules = [dated(a_rule("outdoor", n), valid_from=str(day)) for n, day in enumerate(days)]
    with pytest.raises(ModelRefused, match=r"make 60 intervals, more than 40; let them begin"):
        published(rules=rules)


def test_what_ends_before_the_version_begins_never_binds():
    rules = [dated(a_rule("outdoor"), valid_until="2025-12-31")]
    assert told(rules=rules) == [
        (
            "warning: rule R-1: ends on 2025-12-31, and the version answers 2026-01-01 at the"
            " earliest; remove it"
        )
    ]


def test_an_example_speaks_of_its_day_or_of_the_days_of_its_rule():
    rules = [dated(a_rule("not outdoor"), **MARCH)]
    both = [
        {"id": "E-1", "answers": {"outdoor": True}, "conflicts": "R-1"},
        {"id": "E-2", "answers": {"outdoor": True}, "day": "2026-04-01"},
    ]
    assert not [each for each in told(rules=rules, examples=both) if "example" in each]
    always = [{"id": "E-3", "answers": {"outdoor": True}}]
    (fault,) = [each for each in told(rules=rules, examples=always) if "example" in each]
    assert fault.endswith("(R-1) (from 2026-03-01 until 2026-03-31)")


# ---- releases with tables


def test_the_lint_tells_rows_in_vain_rows_twice_and_numbers_that_no_row_has():
    table = a_table("pump stages", "low 0..1", "low 1", "mid|high 0", "high 3", "high 3")
    found = told(tables=[table], rules=[a_rule("stages != 3 or outdoor")])
    assert found == [
        "warning: table T-1: tables/t_1.csv line 3: says what line 2 says; remove it",
        "warning: table T-1: tables/t_1.csv line 6: says what line 5 says; remove it",
        "warning: table T-1: no row has stages 2; add a row, or narrow the range",
    ]
    redundant, unused = told(
        tables=[a_table("pump outdoor", "* no", "high yes", "low yes")],
        rules=[a_rule("outdoor implies pump = low")],
    )
    assert "whatever the other rules allow meets it already" in redundant
    assert unused.startswith("warning: table T-1: tables/t_1.csv line 3: no valid configuration")


def test_a_table_that_says_nothing_is_redundant():
    assert "warning: table T-1: whatever the other rules allow meets it already;" in "".join(
        told(tables=[a_table("pump", "*")])
    )


def test_an_option_that_no_row_has_names_the_table():
    with pytest.raises(ModelRefused, match=r"'pump.high' .* no row of T-1 has it: add one"):
        published(tables=[a_table("pump", "low|mid")])


def test_an_example_may_contradict_a_table():
    example = {"id": "E-1", "answers": {"pump": "high", "outdoor": True}, "conflicts": "T-1"}
    table = a_table("pump outdoor", "low|mid *", "high no")
    assert told(tables=[table], examples=[example]) == []


def test_a_difference_says_which_rows_and_days_changed():
    old = a_pump(tables=[a_table("pump outdoor", "low *", "mid no")], rules=[a_rule("outdoor")])
    new = a_pump(
        tables=[a_table("outdoor pump", "no mid", "no high", valid_until="2026-12-31")],
        rules=[dated(a_rule("outdoor"), valid_from="2026-03-01")],
    )
    assert [str(each) for each in changes(old, new)] == [
        "rule 'R-1' valid from is now 2026-03-01, was not given",
        "table 'T-1' valid until is now 2026-12-31, was not given",
        "table 'T-1' row is new: no, high",
        "table 'T-1' row is gone: *, low",
    ]
    wider = a_pump(tables=[a_table("pump stages", "low *")])
    assert [str(each) for each in changes(old, wider) if "table" in each.where] == [
        "table 'T-1' column stages is new",
        "table 'T-1' column outdoor is gone",
        "table 'T-1' has 1 rows of other columns, had 2",
    ]


def test_rows_messages_and_days_are_part_of_what_a_quote_is_pinned_to():
    table = a_table("pump outdoor", "low *", "* no")
    same = {**table, "file": "tables/other.csv"}
    other = {**table, "rows": [["low", "*"], ["mid|high", "no"]]}
    pins = [
        published(tables=each).pin.sha256
        for each in ([], [table], [other], [{**table, "valid_from": "2026-03-01"}])
    ]
    assert len(set(pins)) == 4
    assert published(tables=[same]).pin.sha256 == pins[1]


@pytest.fixture
def a_release(tmp_path):
    """A model with a table in a folder, and a catalogue to publish it to."""
    (tmp_path / "new" / "tables").mkdir(parents=True)
    (tmp_path / "house" / "models").mkdir(parents=True)
    (tmp_path / "new" / "skid.yaml").write_text(MODEL)
    (tmp_path / "new" / "tables" / "sites.csv").write_bytes(ROWS)
    return tmp_path / "new" / "skid.yaml", tmp_path / "house"


def _place(path, house):
    return releasing.place(path, shelf.read_product(path, {}), house)


def test_a_release_takes_the_files_of_its_tables_along(a_release):
    path, house = a_release
    placed = _place(path, house)
    assert (house / "models" / "tables" / "sites.csv").read_bytes() == ROWS
    assert shelf.read_product(placed, {}).pin == shelf.read_product(path, {}).pin
    path.write_text(MODEL.replace("version: 1", "version: 2"))
    _place(path, house)


def test_a_release_writes_over_no_table_and_leaves_nothing_when_refused(a_release):
    path, house = a_release
    _place(path, house)
    (path.parent / "tables" / "sites.csv").write_bytes(ROWS + b"high,yes\n")
    path.write_text(MODEL.replace("version: 1", "version: 2"))
    with pytest.raises(releasing.ReleaseRefused, match=r"for example to tables/sites_v2\.csv"):
        _place(path, house)
    (path.parent / "tables" / "sites_v2.csv").write_bytes(ROWS + b"high,yes\n")
    path.write_text(MODEL.replace("sites.csv", "sites_v2.csv"))
    with pytest.raises(releasing.ReleaseRefused, match="in the catalogue already"):
        _place(path, house)
    files = sorted(each.name for each in house.rglob("*") if each.is_file())
    assert files == ["pump_skid_v1.yaml", "sites.csv"]


# ---- the day of an old quote


def test_a_quote_is_proved_on_the_days_of_its_asks_the_latest_first():
    def hop(id_, fact, time, causation=None):
        return {"id": id_, "fact": fact, "time": time, "causation": causation}

    hops = [
        hop("quote/q/2", "ConfigurationRequested", "2026-02-28T23:30:00+00:00"),
        hop("a/1", "ConfigurationValidated", "2026-03-01T00:00:01+00:00", "quote/q/2"),
        hop("quote/q/3", "ConfigurationRequested", "2026-03-05T01:00:00+02:00"),
        hop("a/2", "ConfigurationRejected", "2026-03-04T23:00:01+00:00", "quote/q/3"),
        hop("quote/q/4", "ConfigurationRequested", "2026-03-09T08:00:00+00:00"),
        hop("a/3", "ConfigurationValidated", "2026-03-09T08:00:01+00:00", "quote/q/4"),
        hop("quote/q/5", "PricingRequested", "2026-03-09T08:00:02+00:00", "a/3"),
    ]
    assert days_of_asks(hops, "quote/q/3") == [date(2026, 2, 28)]
    assert days_of_asks(hops, "quote/q/5") == [date(2026, 3, 9), date(2026, 2, 28)]
