"""Table rules: what their cells mean, how a file is refused, and that a solver answers them fast."""

import os

import pytest
from hypothesis import given, settings

from services.configurator import shelf
from services.configurator.domain.answers.explaining import conflict, repairs
from services.configurator.domain.products.decisions import domains_of
from services.configurator.domain.products.product import ModelRefused
from tests.unit.configurator.small import PARTS, bound, decided
from tests.unit.configurator.tabled import a_table, tables, written_out
from tests.unit.configurator.test_configurator_laws import decisions

WRONG_CELLS = [
    ("pump", "hihg", "column 'pump': 'hihg' is no value of 'pump'; did you mean high?"),
    ("pump", "low|", "column 'pump': '' is no value of 'pump'; did you mean high or low or mid?"),
    ("stages", "4..2", "the range runs from 4 down to 2; write 2..4"),
    ("stages", "2..4", "'stages' runs from 0 to 3; 2..4 lies outside"),
    ("stages", "many", "'many' is no whole number; write a number, a range as 1..4"),
    ("stages", "9" * 30, "is no whole number"),
    ("outdoor", "true", "'true' is no value of 'outdoor'; did you mean no or yes?"),
    ("extras.valve", "*|no", "* already is any value; write it alone"),
]
WRONG_COLUMNS = [
    ("pimp", "column 1: there is no attribute 'pimp'; did you mean pump?"),
    ("pump.low", "column 1: 'pump' is a choice; write 'pump' alone"),
    ("extras", "as extras.sensor, and write yes or no below it"),
    ("extras.valv", "'extras' has no option 'valv'; did you mean valve?"),
    ("pump pump", "column 2: 'pump' stands twice; keep one"),
]


@pytest.mark.parametrize(("column", "cell", "fault"), WRONG_CELLS)
def test_a_wrong_cell_is_refused_with_file_line_column_and_what_to_write(column, cell, fault):
    table = {**a_table(f"motor {column}"), "rows": [["small", "*"], ["big", cell]]}
    with pytest.raises(ModelRefused) as refused:
        bound(tables=[table])
    (told,) = refused.value.faults
    assert told.startswith(f"table T-1: tables/t_1.csv line 3, column '{column}': ")
    assert fault in told


@pytest.mark.parametrize(("columns", "fault"), WRONG_COLUMNS)
def test_a_wrong_column_is_refused(columns, fault):
    with pytest.raises(ModelRefused) as refused:
        bound(tables=[a_table(columns, "* *")])
    assert refused.value.faults[0].startswith("table T-1: tables/t_1.csv line 1, column ")
    assert fault in refused.value.faults[0]


@settings(max_examples=60, deadline=None)
@given(tables().filter(bool), decisions())
def test_a_table_answers_as_its_rows_with_every_alternative_written_out(drawn, some):
    short, long = bound(tables=drawn), bound(tables=[written_out(each) for each in drawn])
    held = domains_of(short, some)
    found = short.solver.solve(held)
    assert (found is None) == (long.solver.solve(held) is None)
    if found is not None:
        assert short.solver.possible(held, found) == long.solver.possible(held, found)
    assert conflict(short, some) == conflict(long, some)
    assert repairs(short, some) == repairs(long, some)


# ---- files

MODEL = """\
id: pump_skid
version: 1
effective: 2026-01-01
name: Pump skid
description: A pump.
quantity_max: 5
measures: {}
groups:
  - {id: all, label: All, help: Everything.}
attributes:
  - id: pump
    kind: choice
    group: all
    label: Pump
    help: Choose.
    options: [{id: low, label: Low}, {id: high, label: High}]
  - {id: outdoor, kind: flag, group: all, label: Outdoor, help: Where.}
tables:
  - {id: T-1, owner: lab, file: tables/sites.csv, message: Not every pump stands outdoors.}
"""
ROWS = b"pump,outdoor\nlow,*\nhigh,no\n"


@pytest.fixture
def a_folder(tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "skid.yaml").write_text(MODEL)
    (tmp_path / "tables" / "sites.csv").write_bytes(ROWS)
    return tmp_path


def refusal(folder):
    with pytest.raises(ModelRefused) as refused:
        shelf.read_product(folder / "skid.yaml", PARTS)
    (fault,) = refused.value.faults
    return fault


def test_a_table_is_read_beside_its_model(a_folder):
    product = shelf.read_product(a_folder / "skid.yaml", PARTS)
    assert product.model.tables[0].columns == ("pump", "outdoor")
    assert product.model.tables[0].rows == (("low", "*"), ("high", "no"))
    clash = conflict(product, decided(pump="high", outdoor=True))
    assert clash.rules == ("T-1",)
    assert product.messages["T-1"] == "Not every pump stands outdoors."


@pytest.mark.parametrize(
    "written",
    [
        b"\xef\xbb\xbf" + ROWS,
        ROWS.replace(b"\n", b"\r\n"),
        ROWS.replace(b"\n", b"\r"),
        ROWS + b",\n\n",
        b'"pump", outdoor\n low,* \n"high",no',
    ],
)
def test_a_table_reads_the_same_however_a_program_saved_it(a_folder, written):
    pin = shelf.read_product(a_folder / "skid.yaml", PARTS).pin
    (a_folder / "tables" / "sites.csv").write_bytes(written)
    assert shelf.read_product(a_folder / "skid.yaml", PARTS).pin == pin


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        (b"", "is empty; write a line of column names"),
        (b"pump,outdoor\n", "needs a line of column names and at least one row"),
        (b"pump;outdoor\nlow;yes\n", "line 1: cells are separated by semicolons"),
        (b"pump\toutdoor\nlow\tyes\n", "line 1: holds a character that can not be printed"),
        (b"pump,outdoor\n\nlow,yes\n", "line 2: is empty; remove it"),
        (b"pump,outdoor\nlow,yes,no\n", "line 2: has 3 cells, but 2 columns"),
        (b"pump,outdoor\nlow,\n", "line 2, column 'outdoor': the cell is empty; write * for any"),
        (b'pump,outdoor\n"low,yes\n', "line 2: can not be read as CSV"),
        (b"pump,outdoor\nlow,\xff\n", "line 2: is not UTF-8; save the file as UTF-8"),
        (b"pump,outdoor\nlow,\x00\n", "line 2: holds a character that can not be printed"),
        (b"pump,outdoor\nlow,\x1b[2J\n", "line 2: holds a character that can not be printed"),
        (b"pump,outdoor\n" + b"low|" * 500 + b"low,no\n", "line 2: has a cell longer than 1000"),
        (b"pump" + b",pump" * 60 + b"\n", "line 1: has 61 cells, more than 40; split the table"),
        (b"pump,outdoor\n" + b"low,no\n" * 10_001, "has 10001 rows, more than 10000; say them"),
        (b"pump,outdoor\n" + b"low,no\n" * 1_000_000, "is larger than 2000000 bytes"),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_its_line(a_folder, written, fault):
    (a_folder / "tables" / "sites.csv").write_bytes(written)
    told = refusal(a_folder)
    assert told.startswith("line 19: table T-1: tables/sites.csv")
    assert fault in told
    assert told.isprintable()


@pytest.mark.parametrize(
    "file",
    ["../sites.csv", "/etc/sites.csv", "tables/../../sites.csv", "tables//sites.csv", "a.txt"],
)
def test_a_table_stands_below_its_model(a_folder, file):
    (a_folder / "skid.yaml").write_text(MODEL.replace("tables/sites.csv", file))
    assert "must be the path of a CSV file below the folder of the model" in refusal(a_folder)


def test_a_link_does_not_lead_a_table_out_of_the_folder(a_folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "secret.csv"
    elsewhere.write_bytes(ROWS)
    (a_folder / "tables" / "sites.csv").unlink()
    (a_folder / "tables" / "sites.csv").symlink_to(elsewhere)
    assert "leads out of the folder of the model" in refusal(a_folder)


def test_what_is_no_plain_file_is_not_waited_for(a_folder):
    (a_folder / "tables" / "sites.csv").unlink()
    assert "can not be read: No such file" in refusal(a_folder)
    os.mkfifo(a_folder / "tables" / "sites.csv")
    assert "is no file" in refusal(a_folder)


def test_rows_are_not_written_into_the_model(a_folder):
    (a_folder / "skid.yaml").write_text(MODEL.replace("owner: lab", "owner: lab, rows: []"))
    assert "'rows' stand in the CSV file; remove them here" in refusal(a_folder)


def test_all_tables_together_have_a_bound(a_folder):
    (a_folder / "tables" / "sites.csv").write_bytes(b"pump,outdoor\n" + b"low,no\n" * 10_000)
    lines = MODEL.splitlines()
    more = [lines[-1].replace("T-1", f"T-{each}") for each in range(1, 13)]
    (a_folder / "skid.yaml").write_text("\n".join([*lines[:-1], *more]))
    assert "the tables have 220000 cells, more than 200000" in refusal(a_folder)
