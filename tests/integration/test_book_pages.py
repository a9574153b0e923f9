"""The pages of price books: list, look, search, compare, publish, read prices in, try a price."""

import re

import pytest

from services.pricer.documents import BYTES_MAX
from tests.integration.pricer_service import TELECOM, a_version, running
from tests.unit.pricer.basket import an_entry
from tests.unit.pricer.test_pricer_shelf import a_catalogue
from tests.unit.pricer.test_pricer_shelf import a_version as a_file


@pytest.fixture
def pricer(make_database, clock, tmp_path):
    catalogue = a_catalogue(tmp_path / "catalogue", a_file(1))
    with running(make_database, clock, tmp_path, catalogue) as (found,):
        yield found


@pytest.fixture
def telecom(make_database, clock, tmp_path):
    with running(make_database, clock, tmp_path, TELECOM) as (found,):
        yield found


def text_of(answer, status: int = 200) -> str:
    """What a page says, without its marks."""
    assert answer.status_code == status, answer.text
    body = re.sub(r"<(script|template|svg).*?</\1>", " ", answer.text, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def test_the_list_says_what_prices_today_and_who_did_what(pricer):
    pricer.publishes(pricer.drafts(a_version(2, effective={"first": "2027-01-01"})))
    pricer.drafts(a_version(3))
    said = text_of(pricer.browses("/books"))
    for words in (
        "Version 3 draft",
        "Version 2 published",
        "Version 1 published prices today",
        "prices of the season",
        "a file of the catalogue",
    ):
        assert words in said
    assert "fx" in text_of(pricer.browses("/fx"))


@pytest.mark.parametrize("path", ["/books", "/fx", "/tester", "/what-ifs"])
def test_the_menu_shows_that_all_of_pricing_is_one_place(pricer, path):
    current = r'href="/pricer/books" aria-current="page"'
    assert current in pricer.browses(path, role="manager").text


def test_a_book_is_searched_and_paged(pricer):
    entries = [an_entry("X", "10")] + [an_entry(f"PART-{n:03}", "5.50") for n in range(120)]
    pricer.drafts(a_version(2, entries=entries))
    first = text_of(pricer.browses("/books/bts/2"))
    assert "121 found, 1 to 50 shown" in first
    assert "5.50 USD per pcs" in first
    assert "121 found, 101 to 121 shown" in text_of(pricer.browses("/books/bts/2?page=3"))
    found = text_of(pricer.browses("/books/bts/2?q=part-11"))
    assert "10 found" in found
    assert "PART-115" in found
    assert "PART-099" not in found
    assert "Nothing fits what you look for" in text_of(pricer.browses("/books/bts/2?q=nosuch"))


@pytest.mark.parametrize("show", ["entries", "rules", "guardrails", "settings", "acts"])
def test_every_part_of_the_telecom_book_is_shown(telecom, show):
    said = text_of(telecom.browses(f"/books/telecom-list/2?show={show}", role="approver"))
    assert {
        "entries": "QW-KIT-MACRO",
        "rules": "Quantity break on radios",
        "guardrails": "Floor (internal)",
        "settings": "List price minor units, half up",
        "acts": "file of the catalogue",
    }[show] in said


@pytest.mark.parametrize(
    "path", ["/books", "/books/bts/1", "/books/bts/1/lint", "/books/bts/1/publish", "/tester"]
)
@pytest.mark.parametrize("role", ["seller", "analyst"])
def test_costs_are_not_for_sellers(pricer, path, role):
    assert pricer.browses(path, role=role).status_code == 403


def test_the_changes_are_told_one_by_one(pricer):
    pricer.drafts(a_version(2, "12.50"))
    said = text_of(pricer.browses("/books/bts/2/diff"))
    assert "1 list prices up, by 25% at most" in said
    assert "entry X price 10 to 12.50 (+2.5, +25 %)" in said
    assert "Nothing was published before it" in text_of(pricer.browses("/books/bts/1/diff"))


def test_a_draft_is_published_on_its_page_with_a_reason(pricer):
    draft = pricer.drafts(a_version(2, "12.50"))
    page = text_of(pricer.browses("/books/bts/2/publish"))
    assert "it prices every new ask from 28 Nov 2026 on" in page
    assert "On that day bts version 1 prices now" in page
    path, fields = "/books/bts/2/publish", {"sha256": draft["sha256"], "once": "1"}
    assert "Say why in 3 to 1000 characters" in text_of(pricer.browses(path, fields), 422)
    answer = pricer.browses(path, {**fields, "reason": "a new season", "once": "2"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/pricer/books/bts/2")
    assert "Reason: a new season" in text_of(pricer.browses("/books/bts/2"))
    assert pricer.prices().json()["totals"]["net"]["amount"] == "12.50"


def test_a_draft_with_errors_has_no_button_and_is_refused(pricer):
    draft = pricer.drafts(a_version(2, "0"))
    page = text_of(pricer.browses("/books/bts/2/publish"))
    assert "It can not be published yet" in page
    assert "entries.X.price is 0; give an amount above zero" in page
    fields = {"sha256": draft["sha256"], "reason": "whatever"}
    said = text_of(pricer.browses("/books/bts/2/publish", fields), 422)
    assert "has 1 error: entries.X.price: is 0" in said


def test_who_looks_only_is_offered_nothing(pricer):
    pricer.drafts(a_version(2))
    page = pricer.browses("/books/bts/2/publish", role="approver")
    assert "A manager publishes and retires" in text_of(page)
    assert pricer.browses("/books/bts/2/publish", {}, role="approver").status_code == 403


def test_a_published_book_retires_and_a_draft_is_given_up(pricer):
    draft = pricer.drafts(a_version(2))
    pricer.publishes(draft)
    fields = {"sha256": draft["sha256"], "reason": "wrong"}
    assert pricer.browses("/books/bts/2/retire", fields).status_code == 303
    assert "It is retired" in text_of(pricer.browses("/books/bts/2/publish"))
    other = pricer.drafts(a_version(3))
    answer = pricer.browses("/books/bts/3/discard", {"sha256": other["sha256"]})
    assert answer.headers["location"] == "/pricer/books"


def test_a_pasted_list_is_looked_at_and_then_kept(pricer):
    fields = {"prices": "sku\tprice\r\nX\t12\r\nY\t5", "effective": "2027-01-01"}
    said = text_of(pricer.browses("/books/bts/1/import", {**fields, "look": "yes"}))
    assert "1 changed, 1 refused. Nothing is kept yet." in said
    assert "price 10 to 12 (+2, +20 %)" in said
    assert pricer.asks("GET", "/books/bts/2").status_code == 404
    answer = pricer.browses("/books/bts/1/import", {**fields, "keep": "yes"})
    assert answer.headers["location"] == "/pricer/books/bts/2"
    assert pricer.asks("GET", "/books/bts/2").json()["entries"][0]["price"]["amount"] == "12"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"prices": "sku\nX", "effective": "2027-01-01"}, "has no column price"),
        ({"prices": "sku,price\nX,1", "effective": "soon"}, "Please correct the form"),
        ({"prices": "", "effective": "2027-01-01"}, "Please correct the form"),
    ],
)
def test_a_pasted_list_that_can_not_be_read_is_refused_on_the_page(pricer, fields, words):
    assert words in text_of(pricer.browses("/books/bts/1/import", fields), 422)


def test_the_tester_shows_the_waterfall_of_each_line(telecom):
    asked = "customer_tier=gold&region=NAM&currency=USD&day=2026-11-28&discount=5"
    said = text_of(
        telecom.browses(f"/tester?{asked}&part1=QW-BBU-M18&quantity1=12&part2=NOSUCH&quantity2=1")
    )
    assert "Without a price" in said
    assert "NOSUCH has no entry" in said
    assert "Margin (internal)" in said
    assert "Customer tier gold: 5 % off." in said
    assert "telecom-list version 2" in said
    assert "net" not in said.partition("Together")[2].partition("List")[0], "one charge is no sum"


def test_the_tester_sums_each_charge_and_calls_it_by_its_period(pricer):
    twice = [
        an_entry("X", "5", category="hardware"),
        an_entry("X", "2", "7.00", category="hardware", charge="half_yearly"),
    ]
    pricer.drafts(a_version(2, entries=twice))
    said = text_of(pricer.browses("/tester?book=bts/2&part1=X&quantity1=3"))
    assert "One-time, net" in said
    assert "Half-yearly, net" in said
    assert "X 3 pcs, half-yearly" in said
    assert "hardware, half-yearly" in text_of(pricer.browses("/books/bts/2"))


def test_the_tester_tries_a_draft_and_says_why_a_faulty_one_can_not_price(pricer):
    pricer.drafts(a_version(2, "12.50"))
    assert "$12.50" in text_of(pricer.browses("/tester?book=bts/2&part1=X")).replace("US$", "$")
    pricer.drafts(a_version(3, "0"))
    assert "so it can not price" in text_of(pricer.browses("/tester?book=bts/3&part1=X"))
    assert "there is no price book" in text_of(pricer.browses("/tester?book=bts/9")).lower()


@pytest.mark.parametrize(
    "query",
    [
        "day=never",
        "discount=lots",
        "part1=X&quantity1=many",
        "book=%3Cscript%3E",
        "currency=XXX&part1=X",
        "region=MARS&part1=X",
        "part99999999=X",
        "day=2026-01-01&part1=X&quantity1=1e9",
        "day=1999-01-01&part1=X",
    ],
)
def test_whatever_is_typed_the_tester_answers_in_words(pricer, query):
    said = text_of(pricer.browses(f"/tester?{query}"))
    assert "Try a price" in said


@pytest.mark.parametrize("wrong", ["discount=lots", "day=1999-01-01", "book=bts/77", "day=never"])
def test_what_is_picked_stays_to_be_seen_while_something_typed_is_wrong(pricer, wrong):
    """The lists of tiers, regions and currencies were gone with the first mistake."""
    page = pricer.browses(f"/tester?{wrong}&customer_tier=gold&region=LATAM&part1=X&quantity1=3")
    for chosen in ("gold", "LATAM"):
        assert f'<option value="{chosen}" selected>' in page.text


def test_a_currency_that_is_none_is_told_as_the_currency_and_not_as_a_quantity(pricer):
    said = text_of(pricer.browses("/tester?currency=E&part1=X"))
    assert "Currency:" in said
    assert "quantity as a number" not in said


def test_the_script_of_the_tester_is_given_the_price_alone(pricer):
    token = pricer.token("manager-1", "manager")
    headers = {"accept": "text/html", "cookie": f"qw_session={token}", "hx-request": "true"}
    answer = pricer.sends("GET", "/pricer/tester?part1=X", headers=headers)
    assert "<html" not in answer.text
    assert "Together" in answer.text


# ---- how much may be sent


def test_more_than_a_megabyte_is_pasted_and_tried(pricer):
    """Story: files of 32 MB came in by upload, and the same list was refused in the form."""
    prices = "sku,price\nX,12\n" + (" " * 1000 + "\n") * 1100
    assert len(prices) > 1024 * 1024
    fields = {"prices": prices, "effective": "2027-01-01", "look": "yes"}
    assert "1 changed" in text_of(pricer.browses("/books/bts/1/import", fields))
    whole = {"name": "a try", "document": a_version(2) | {"note": "x" * 1_100_000}}
    answer = pricer.asks("POST", "/what-ifs", whole)
    assert (answer.status_code, answer.json()["code"]) == (422, "pricer.book_refused")
    yaml = text_of(pricer.browses("/what-ifs", {"name": "a try", "changes": "x" * 1_100_000}), 422)
    assert "start with `id:`" in yaml


def test_more_than_32_megabytes_are_refused_whole_with_the_limit(pricer):
    answer = pricer.asks("POST", "/what-ifs", {"name": "x" * BYTES_MAX})
    told = answer.json()
    assert (answer.status_code, told["code"]) == (413, "request.too_large")
    assert told["detail"] == "send at most 32 MB; nothing of it was taken"
    assert told["limit_bytes"] == BYTES_MAX
