"""Price books that are kept in our own tables: drafted, published, retired, used at once."""

import json
import time

import pytest

from services.pricer.domain.books.book import content_sha256
from tests.integration.pricer_service import a_version, running
from tests.unit.pricer.test_pricer_shelf import a_catalogue
from tests.unit.pricer.test_pricer_shelf import a_version as a_file


@pytest.fixture
def pricers(make_database, clock, tmp_path):
    catalogue = a_catalogue(tmp_path / "catalogue", a_file(1))
    with running(make_database, clock, tmp_path, catalogue, houses=2) as found:
        yield found


@pytest.fixture
def pricer(pricers):
    return pricers[0]


def net(answer) -> tuple[int, str]:
    assert answer.status_code == 200, answer.text
    tree = answer.json()
    return tree["book"]["version"], tree["totals"]["net"]["amount"]


def test_a_published_book_prices_at_once_in_every_process(pricers):
    one, other = pricers
    assert [net(each.prices()) for each in pricers] == [(1, "10.00"), (1, "10.00")]
    draft = one.drafts(a_version(2, "12.50"))
    assert [net(each.prices()) for each in pricers] == [(1, "10.00"), (1, "10.00")]
    began = time.perf_counter()
    assert one.publishes(draft).status_code == 200
    assert net(other.prices()) == (2, "12.50")
    assert time.perf_counter() - began < 1
    assert net(one.prices()) == (2, "12.50")


def test_the_document_is_kept_under_the_hash_that_names_it(pricer):
    written = a_version(2, "12.50")
    draft = pricer.drafts(written)
    assert draft["sha256"] == content_sha256(written)
    kept = pricer.service.plumbing.body(draft["sha256"])
    assert content_sha256(json.loads(kept.content)) == draft["sha256"]
    assert pricer.asks("GET", "/books/bts/2").json()["sha256"] == draft["sha256"]


def test_every_act_says_who_when_and_why(pricer):
    pricer.publishes(pricer.drafts(a_version(2)))
    acts = pricer.asks("GET", "/books/bts/2/acts").json()
    assert [(it["act"], it["by"], it["at"], it["reason"]) for it in acts] == [
        ("drafted", "user/manager-1", "2026-11-28T09:00:00Z", None),
        ("published", "user/manager-1", "2026-11-28T09:00:00Z", "prices of the season"),
    ]


def test_what_is_published_never_changes(pricer):
    pricer.publishes(pricer.drafts(a_version(2)))
    answer = pricer.asks("PUT", "/books/bts/2", a_version(2, "99"))
    assert (answer.status_code, answer.json()["code"]) == (409, "pricer.version_fixed")
    assert "write version: 3" in answer.json()["detail"]
    with pytest.raises(Exception, match="never changes"):
        pricer.rows("UPDATE book_acts SET sha256 = 'x' RETURNING 1 AS one")


def test_a_version_of_the_catalogues_files_is_taken(pricer):
    answer = pricer.asks("PUT", "/books/bts/1", a_version(1, "99"))
    assert (answer.status_code, answer.json()["code"]) == (409, "pricer.version_fixed")


def test_a_draft_is_replaced_by_who_has_seen_it(pricer):
    first = pricer.drafts(a_version(2, "11"))
    blind = pricer.asks("PUT", "/books/bts/2", a_version(2, "12"))
    assert (blind.status_code, blind.json()["code"]) == (409, "pricer.draft_changed")
    second = pricer.drafts(a_version(2, "12"), if_match=f'"{first["sha256"]}"')
    late = pricer.publishes(first)
    assert (late.status_code, late.json()["code"]) == (409, "pricer.draft_changed")
    assert pricer.publishes(second).status_code == 200


def test_a_draft_with_errors_is_kept_and_not_published(pricer):
    draft = pricer.drafts(a_version(2, "0"))
    assert draft["counts"] == {"error": 1, "warning": 0}
    answer = pricer.publishes(draft)
    assert (answer.status_code, answer.json()["code"]) == (422, "pricer.lint_refuses")
    assert answer.json()["findings"] == ["entries.X.price: is 0; give an amount above zero"]
    assert net(pricer.prices()) == (1, "10.00")


def test_a_retired_book_stays_readable_and_prices_nothing_new(pricers):
    one, other = pricers
    draft = one.drafts(a_version(2, "12.50"))
    one.publishes(draft)
    assert net(other.prices()) == (2, "12.50")
    said = {"sha256": draft["sha256"], "reason": "it named a wrong price"}
    assert one.asks("POST", "/books/bts/2/retire", said).status_code == 200
    assert net(other.prices()) == (1, "10.00")
    pin = {"id": "bts", "version": 2, "sha256": draft["sha256"]}
    refused = other.prices(pins={"book": pin})
    assert refused.json()["problems"][0]["code"] == "pricer.retired_pin"
    assert other.asks("GET", "/books/bts/2").json()["entries"][0]["price"]["amount"] == "12.50"
    assert other.asks("GET", "/books/bts/2").json()["status"] == "retired"


def test_a_file_of_the_catalogue_retires_too(pricer):
    pricer.publishes(pricer.drafts(a_version(2)))
    seen = pricer.asks("GET", "/books/bts/1").json()["sha256"]
    said = {"sha256": seen, "reason": "nobody sells at these prices"}
    assert pricer.asks("POST", "/books/bts/1/retire", said).json()["status"] == "retired"
    refused = pricer.prices(pins={"book": {"id": "bts", "version": 1, "sha256": seen}})
    assert refused.json()["problems"][0]["code"] == "pricer.retired_pin"


def test_a_discarded_draft_leaves_its_number(pricer):
    draft = pricer.drafts(a_version(2, "11"))
    said = {"sha256": draft["sha256"]}
    assert pricer.asks("POST", "/books/bts/2/discard", said).status_code == 204
    assert pricer.asks("GET", "/books/bts/2").status_code == 404
    assert pricer.publishes(pricer.drafts(a_version(2, "12"))).status_code == 200
    assert net(pricer.prices()) == (2, "12.00")


def test_the_same_command_is_one_act(pricer):
    draft = pricer.drafts(a_version(2))
    for _ in range(2):
        assert pricer.publishes(draft, idempotency_key="once").json()["status"] == "published"
    assert len(pricer.asks("GET", "/books/bts/2/acts").json()) == 2


def test_books_are_listed_and_one_is_read_whole_by_insiders(pricer):
    draft = pricer.drafts(a_version(2))
    listed = pricer.asks("GET", "/books", role="seller").json()
    assert [(it["id"], it["version"], it["status"], it["entries"]) for it in listed] == [
        ("bts", 2, "draft", 1),
        ("bts", 1, "published", 1),
    ]
    answer = pricer.asks("GET", "/books/bts/2", role="approver")
    assert answer.headers["etag"] == f'"{draft["sha256"]}"'
    assert answer.json()["entries"][0]["cost"] == "1.00"
    missing = pricer.asks("GET", "/books/bts/9")
    assert (missing.status_code, missing.json()["code"]) == (404, "pricer.book_unknown")


def test_fx_tables_are_published_the_same_way(pricers):
    one, other = pricers
    table = {
        "id": "fx",
        "version": 2,
        "status": "draft",
        "effective": {"first": "2026-06-01"},
        "source": "made up",
        "pairs": [
            {"base": "USD", "quote": quote, "rate": "0.8"} for quote in ("EUR", "JPY", "BHD")
        ],
    }
    assert net(other.prices(currency="EUR")) == (1, "5.00")
    assert one.publishes(one.drafts(table, "fx"), "fx").status_code == 200
    assert net(other.prices(currency="EUR")) == (1, "8.00")


@pytest.mark.parametrize(
    ("role", "method", "path"),
    [
        ("seller", "PUT", "/books/bts/2"),
        ("approver", "PUT", "/books/bts/2"),
        ("seller", "GET", "/books/bts/1"),
        ("analyst", "GET", "/books/bts/1"),
        ("approver", "POST", "/books/bts/2/publish"),
    ],
)
def test_who_may_not_write_or_see_costs_is_refused(pricer, role, method, path):
    assert pricer.asks(method, path, {}, role=role).status_code == 403


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"{", "is no clean JSON"),
        (b"[]", "is not a mapping"),
        (b'{"id": "a", "id": "b"}', "'id' stands twice"),
        (b'{"id": "bts", "version": 1e400}', "without an exponent"),
        (b'{"id": "bts", "version": 2}', "name: Field required"),
        (b"\xff\xfe", "is not UTF-8"),
    ],
)
def test_what_is_no_book_is_refused_with_its_place(pricer, raw, words):
    headers = {"authorization": f"Bearer {pricer.token('manager-1', 'manager')}"}
    answer = pricer.sends("PUT", "/pricer/books/bts/2", headers=headers, content=raw)
    assert answer.status_code == 422, answer.text
    assert words in answer.json()["detail"]
