"""Price lists read into a book: what each row becomes, in the words that an author reads."""

import io
import zipfile
from datetime import date

import openpyxl
import pytest

from services.pricer import sheets
from services.pricer.domain.books.book import PriceBook, read_book
from services.pricer.domain.lint.lint import Part
from services.pricer.domain.releases.price_list import Target
from services.pricer.importing import ImportRefused, Source, imported, report
from services.pricer.sheets import SheetRefused
from tests.unit.pricer.basket import a_book, an_entry

TO = Target(2, date(2027, 1, 1))
PARTS = {
    each: Part(each, "pcs", "one_time") for each in ("MACRO", "RRU", "ANT", "CAB", "NEW", "CIVIL")
} | {"SUP": Part("SUP", "pcs", "yearly")}


def a_csv(*lines: str, head: str = "sku,price") -> bytes:
    return "\n".join((head, *lines)).encode()


def a_workbook(*rows: list, title: str = "Prices") -> bytes:
    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def importing(raw: bytes, to: Target = TO, **more):
    return imported(Source({"list": raw}, **more), a_book(), PARTS, to)


def outcomes(raw: bytes, to: Target = TO) -> list[str]:
    return [str(each) for each in importing(raw, to).outcomes]


def test_each_row_says_what_it_becomes():
    raw = a_csv(
        "MACRO,43260,,",
        "RRU,3150.00,,",
        "NEW,99.50,60,hardware",
        "GONE,1,1,hardware",
        head="sku,price,cost,category",
    )
    assert outcomes(raw) == [
        "row 2: MACRO: changed, price 42000 to 43260 (+1260, +3 %)",
        "row 3: RRU: unchanged",
        "row 4: NEW: new",
        (
            "row 5: GONE: refused, the part master has no such part; add it there first,"
            " or correct sku"
        ),
    ]


def test_the_draft_is_the_book_with_the_rows_in_place():
    found = importing(a_csv("MACRO,43260"))
    draft = read_book(found.document)
    assert (draft.version, draft.status, draft.effective.first) == (2, "draft", date(2027, 1, 1))
    assert [each.sku for each in draft.entries] == [each.sku for each in a_book().entries]
    assert draft.entries[0].price.amount == 43260
    assert draft.entries[1:] == a_book().entries[1:]
    assert draft.rounding == a_book().rounding


def test_a_complete_list_removes_what_it_leaves_out_and_keeps_what_it_gets_wrong():
    found = importing(a_csv("MACRO,43260", "RRU,free"), Target(2, date(2027, 1, 1), complete=True))
    assert found.counts == {"new": 0, "changed": 1, "unchanged": 0, "refused": 1, "removed": 4}
    assert [each["sku"] for each in found.document["entries"]] == ["MACRO", "RRU"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("MACRO,", "has no price; fill it in, or leave the row out"),
        ('MACRO,"42,000"', "price 42,000 is no plain number; write it as 1234.50"),
        ("MACRO,1e5", "price 1e5 is no plain number; write it as 1234.50"),
        ("MACRO,=A2*2", "price is a formula; paste its value"),
        ("MACRO,0", "price is 0; give an amount above zero"),
        ("MACRO,-1", "price is -1; give an amount above zero"),
        ("MACRO,1.1234567", "price give an amount below 1000000000000 with at most 6 decimals"),
        (",12", "names no part; fill in sku"),
        ("MACRO,1,2", "has more cells than there are columns; put text with commas in quotes"),
        (f"MACRO,{'1' * 501}", "has a cell of more than 500 characters"),
    ],
)
def test_a_row_that_is_no_price_is_refused_with_its_reason(line, words):
    (outcome,) = importing(a_csv(line)).outcomes
    assert (outcome.verdict, outcome.words) == ("refused", words)


@pytest.mark.parametrize(
    ("head", "line", "words"),
    [
        ("sku,price,category", "NEW,1,toys", "category toys is not declared in the book; correct it"),
        ("sku,price,unit", "MACRO,1,m", "is sold per m, one_time; the part master says pcs, one_time: make them agree"),
        ("sku,price,currency", "MACRO,1,CHF", "currency CHF is not sold in; use one of USD, EUR, JPY, BHD"),
        ("sku,price,model", "MACRO,1,magic", "model magic is unknown; use one of per_unit, package, markup, margin, percent_of_total, derived, volume, graduated, block, package_volume, package_graduated"),
    ],
)  # fmt: skip
def test_a_cell_that_does_not_fit_the_book_is_refused(head, line, words):
    (outcome,) = importing(a_csv(line, head=head)).outcomes
    assert (outcome.verdict, outcome.words) == ("refused", words)


def test_a_price_list_may_say_any_period_and_a_word_that_is_none_is_refused_with_those_that_are():
    raw = a_csv(
        "SUP,625,quarterly,support",
        "SUP,200,every_3_months,support",
        "SUP,99,quaterly,support",
        head="sku,price,charge,category",
    )
    parts = {**PARTS, "SUP": Part("SUP", "pcs", "quarterly")}
    found = imported(Source({"list": raw}), a_book(), parts, TO)
    known = (
        "charge: must be one_time, monthly, quarterly, half_yearly, yearly or every_N_months, with"
    )
    assert [str(each)[:100] for each in found.outcomes] == [
        "row 2: SUP: new",
        f"row 3: SUP: refused, {known}"[:100],
        f"row 4: SUP: refused, {known}"[:100],
    ]
    made = read_book(found.document).entries
    assert [each.charge for each in made if each.sku == "SUP"] == ["yearly", "quarterly"]


def test_rows_of_one_part_are_its_tiers():
    raw = a_csv("ANT,1249.99,10,volume", "ANT,1199,,", head="sku,price,up_to,model")
    found = importing(raw)
    assert found.counts["changed"] == 2
    assert found.document["entries"][2]["price"] == {
        "model": "tiered",
        "mode": "volume",
        "tiers": [{"up_to": "10", "unit": "1249.99"}, {"up_to": None, "unit": "1199"}],
    }


def test_two_rows_of_one_part_without_bounds_are_both_refused():
    assert outcomes(a_csv("ANT,1", "ANT,2")) == [
        f"row {row}: ANT: refused, stands in rows 2, 3; keep one, or say up to which quantity"
        " each holds"
        for row in (2, 3)
    ]


def test_a_markup_is_a_price_too():
    found = importing(a_csv("CIVIL,20,markup", head="sku,price,model"))
    assert str(found.outcomes[0]).endswith("price, markup on cost 18 to 20 (+2 points)")


def test_what_no_column_says_is_told_and_not_read():
    assert importing(a_csv("MACRO,1,red", head="sku,price,colour")).unread == ("colour",)


def test_the_report_shows_refused_rows_first():
    told = report(importing(a_csv("MACRO,1", "GONE,1")))
    assert [each["row"] for each in told["rows"]] == [3, 2]
    assert told["counts"]["refused"] == 1


def test_a_list_without_prices_is_refused():
    with pytest.raises(ImportRefused, match="has no column price"):
        importing(a_csv("MACRO", head="sku"))


# ---- files


def test_a_workbook_reads_as_its_csv_does():
    raw = a_workbook(["SKU", "Price", "Up to"], ["ANT", 1249.99, 10], ["ANT", 1199, None])
    assert importing(raw).document == (
        importing(a_csv("ANT,1249.99,10", "ANT,1199,", head="sku,price,up_to")).document
    )


def test_a_formula_in_a_workbook_is_refused():
    (outcome,) = importing(a_workbook(["sku", "price"], ["MACRO", "=6*7"])).outcomes
    assert outcome.words == "price is a formula; paste its value"


def test_another_sheet_is_read_by_its_name():
    book = openpyxl.load_workbook(io.BytesIO(a_workbook(["read me"])))
    for row in (["sku", "price"], ["MACRO", 5]):
        (book["EU"] if "EU" in book.sheetnames else book.create_sheet("EU")).append(row)
    out = io.BytesIO()
    book.save(out)
    assert importing(out.getvalue(), sheet="EU").counts["changed"] == 1
    with pytest.raises(SheetRefused, match="has no sheet 'US'; name one of Prices, EU"):
        importing(out.getvalue(), sheet="US")


@pytest.mark.parametrize("delimiter", [";", "\t", ","])
def test_semicolons_and_tabs_part_cells_as_well(delimiter):
    raw = delimiter.join(("sku", "price")) + "\r\n" + delimiter.join(("MACRO", "5")) + "\r\n"
    assert importing(b"\xef\xbb\xbf" + raw.encode()).counts["changed"] == 1


def packed(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/"), content)
    return out.getvalue()


def infected(before: bytes = b'<!DOCTYPE a [<!ENTITY b "bbbb">]>') -> bytes:
    """A real workbook with something before its sheet: entities that swell, if nothing is said."""
    out = io.BytesIO()
    source = zipfile.ZipFile(io.BytesIO(a_workbook(["sku", "price"], ["MACRO", 1])))
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in source.namelist():
            content = source.read(name)
            if "sheet1" in name:
                content = before + content
            archive.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        ("sku,price\nMACRO,5 \u20ac".encode("cp1252"), "is not UTF-8 in line 2"),
        ("sku,price\nMACRO,5".encode("utf-16"), "is not UTF-8"),
        (b"sku,price\nMACRO,5\0", "NUL"),
        (b'sku,price\nMACRO,"5', "close every quote"),
        (b"sku,price,sku\n", "two columns named 'sku'"),
        (b"PK\x03\x04 and no more", "is a broken archive"),
        (packed(hello=b"world"), "is no workbook"),
        (packed(bomb=b"\0" * (sheets.UNPACKED_MAX + 1)), "unpacks to more than 200 MB"),
        (packed(**{f"m{n}": b"" for n in range(600)}), "unpacks to more than"),
        (b"\xd0\xcf\x11\xe0 old", "is an old or encrypted workbook"),
        (infected(), "holds a DOCTYPE"),
        (infected(b"<!--" + b"x" * 5000 + b"--><!DOCTYPE a>"), "holds a DOCTYPE"),
        (infected(b"<a>" + b"<c/>" * sheets.ELEMENTS_MAX), "cells, rows or strings, empty or not"),
        (b"sku,price\n" + b"A,1\n" * (sheets.ROWS_MAX + 1), "has more than 200000 rows"),
        (b"x" * (sheets.BYTES_MAX + 1), "is larger than 32 MB"),
    ],
    ids=lambda it: it if isinstance(it, str) else "",
)  # fmt: skip
def test_a_hostile_file_is_refused_in_words(raw, words):
    with pytest.raises(SheetRefused, match=words):
        sheets.read(raw, "list")


@pytest.mark.parametrize("sign", ["=1+1", "=cmd|' /C calc'!A0", "+1", "@SUM(A1)", "1.234,5", "1_0"])
def test_what_a_spreadsheet_would_reckon_is_no_price(sign):
    found = importing(a_csv(f"MACRO;{sign}", head="sku;price"))
    (row,) = found.outcomes
    assert row.verdict == "refused"
    assert "price" in row.words


def test_line_breaks_and_marks_before_the_text_are_no_cells():
    told = sheets.read(b'\xef\xbb\xbfsku,price,note\nMACRO,5,"two\nlines"\nRRU,6,\n', "list")
    assert told.columns == ("sku", "price", "note")
    assert [bool(each.wrong) for each in told.rows] == [True, False]


def test_a_row_far_below_is_read_and_one_beyond_any_sheet_is_refused():
    """A file of a few bytes may claim any number of empty rows."""
    book = openpyxl.Workbook()
    book.active.append(["sku", "price"])
    book.active.cell(row=200_000, column=1, value="MACRO")
    out = io.BytesIO()
    book.save(out)
    assert [each.number for each in sheets.read(out.getvalue(), "list").rows] == [200_000]
    far = io.BytesIO()
    with zipfile.ZipFile(out) as source, zipfile.ZipFile(far, "w") as archive:
        for name in source.namelist():
            content = source.read(name).replace(b'"200000"', b'"999999999"')
            archive.writestr(name, content.replace(b"A200000", b"A999999999"))
    with pytest.raises(SheetRefused, match="has more than 1048576 lines"):
        sheets.read(far.getvalue(), "list")


def test_a_kept_cost_stays_when_the_list_has_none():
    found = importing(a_csv("MACRO,1"))
    assert found.document["entries"][0]["cost"] == an_entry("MACRO", "42000", "27300")["cost"]


# ---- packages, percentages of a total, derived books


def price_in(raw: bytes, book: PriceBook | None = None, place: int = 0) -> dict:
    """The price that a list makes of an entry, as its document says it."""
    found = imported(Source({"list": raw}), book or a_book(), PARTS, TO)
    assert found.counts["refused"] == 0, [str(each) for each in found.outcomes]
    read_book(found.document)
    return found.document["entries"][place]["price"]


@pytest.mark.parametrize(
    ("head", "lines", "price"),
    [
        (
            "model,size,free_units,rounding",
            ["package,10,5,down"],
            {
                "model": "package",
                "size": "10",
                "amount": "900",
                "free_units": "5",
                "rounding": "down",
            },
        ),
        (
            "model,up_to,size",
            ["package_graduated,100,10", "package_graduated,,50"],
            {
                "model": "package_tiers",
                "mode": "graduated",
                "tiers": [
                    {"up_to": "100", "size": "10", "amount": "900"},
                    {"up_to": None, "size": "50", "amount": "900"},
                ],
            },
        ),
        (
            "model,up_to,overage_unit,overage_above",
            ["block,10,,", "block,,12.50,10"],
            {
                "model": "block",
                "blocks": [
                    {"up_to": "10", "amount": "900"},
                    {
                        "up_to": None,
                        "amount": "900",
                        "overage_unit": "12.50",
                        "overage_above": "10",
                    },
                ],
            },
        ),
        (
            "model,floor",
            ["markup,950"],
            {"model": "cost_plus", "markup_on_cost": "900", "floor": "950"},
        ),
        (
            "model,of_parts,of_categories,within,basis,minimum,maximum",
            ["percent_of_total,RRU ANT,hardware|support,item,net,100,5000"],
            {
                "model": "percent_of_total",
                "percent": "900",
                "skus": ["RRU", "ANT"],
                "categories": ["hardware", "support"],
                "within": "item",
                "basis": "net",
                "minimum": "100",
                "maximum": "5000",
            },
        ),
    ],
)
def test_every_model_has_a_form(head, lines, price):
    raw = a_csv(*(f"MACRO,900,{each}" for each in lines), head=f"sku,price,{head}")
    assert price_in(raw) == price


def a_derived_book(**price: object) -> PriceBook:
    entry = an_entry("MACRO", "1") | {"price": {"model": "derived", **price}}
    parent = {"id": "list", "version": 1, "sha256": "a" * 64}
    return a_book(entries=[entry], parent=parent)


@pytest.mark.parametrize(
    ("line", "price"),
    [
        ("12.5,,,", {"percent_off": "12.5"}),
        (",,,", {}),
        (",10,up,-0.01", {"round": {"multiple": "10", "mode": "up", "add": "-0.01"}}),
    ],
)
def test_an_entry_is_derived_from_the_parent_book(line, price):
    raw = a_csv(f"MACRO,derived,{line}", head="sku,model,price,round_to,round_mode,round_add")
    assert price_in(raw, a_derived_book()) == {"model": "derived", **price}


def test_an_empty_cell_keeps_a_detail_of_the_price_and_a_dash_takes_it_away():
    rounded = {"multiple": "10", "mode": "up"}
    book = a_derived_book(percent_off="5", round=rounded)
    head = "sku,model,price,round_to,round_mode"
    kept = price_in(a_csv("MACRO,derived,,,", head=head), book)
    assert kept == {"model": "derived", "percent_off": "5", "round": rounded}
    changed = price_in(a_csv("MACRO,derived,7,,down", head=head), book)
    assert changed["round"] == {"multiple": "10", "mode": "down"}
    gone = price_in(a_csv("MACRO,derived,-,-,-", head=head), book)
    assert gone == {"model": "derived"}


@pytest.mark.parametrize(
    ("head", "line", "words"),
    [
        ("model,size", "package,", "has no size; fill it in"),
        ("model,size,rounding", "package,10,nearest", "rounding nearest is unknown; use one of up"),
        ("model,size", "block,10", "size is for package or package_volume or package_graduated"),
        ("floor", "10", "floor is for markup or margin, not per_unit; empty it, or correct model"),
        ("model,free_units", "package_volume,1", "free_units is for package, not package_volume"),
        ("model,within", "percent_of_total,deal", "within deal is unknown; use one of item, quote"),
        ("model,basis", "percent_of_total,gross", "basis gross is unknown; use one of list"),
        ("model,of_parts", "percent_of_total,GONE", "of_parts names GONE, and the part master"),
        ("model,of_categories", "percent_of_total,toys", "of_categories names toys, and the book"),
        ("model,minimum", "percent_of_total,much", "minimum much is no plain number"),
        ("model", "derived", "is derived, and the book names no parent; add it there"),
        ("model,round_to,round_mode", "derived,-5,up", "must be above zero"),
        ("model,round_to", "derived,5", "has one of round_to and round_mode; fill in both"),
        ("model,round_mode", "derived,sideways", "round_mode sideways is unknown; use one of half"),
        ("model", "usage", "model usage is unknown; use one of per_unit, package, markup"),
    ],
)
def test_a_cell_that_no_model_can_read_is_refused_by_its_column(head, line, words):
    (told,) = outcomes(a_csv(f"MACRO,9,{line}", head=f"sku,price,{head}"))
    assert told.startswith("row 2: MACRO: refused, ")
    assert words in told
