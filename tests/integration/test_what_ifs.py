"""What-ifs over real PostgreSQL: a book is tried on past asks, and nothing but its own rows changes."""

import csv
import io
import random
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from infra.ask import PeerUnavailable
from services.pricer import trying
from services.pricer.domain.asks.ask import PriceAsk
from services.pricer.domain.what_ifs.trial import Past, Trier, Versions
from services.pricer.trial_workers import Part, Workers, tried
from tests.integration.pricer_service import WHAT_IFS, Pricer, running
from tests.unit.pricer.history import BOOK, an_ask, shelf

SAME = {"version": {"id": "telecom-list", "version": 1}}
SKUS = sorted(shelf().compiled[BOOK].offers)
DEARER_SUPPORT = {
    "sku": "QW-SUP-PLUS",
    "category": "support",
    "charge": "yearly",
    "unit": "site",
    "price": {"model": "per_unit", "amount": "9999.00"},
    "cost": "600.00",
}


class HereAndNow:
    """Workers without processes of their own, which take a second to begin."""

    def __init__(self, versions: Versions, count: int) -> None:
        self._trier = Trier(versions)

    def part(self, asks: Sequence[Past]) -> Future[Part]:
        found: Future[Part] = Future()
        found.set_result(tried(self._trier, asks))
        return found

    def close(self) -> None:
        pass


class Dying(HereAndNow):
    """Workers that die of every part."""

    def part(self, asks: Sequence[Past]) -> Future[Part]:
        found: Future[Part] = Future()
        found.set_exception(BrokenProcessPool("died"))
        return found


@pytest.fixture
def pricer(
    make_database: Any, clock: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Pricer]:
    monkeypatch.setattr(trying, "Workers", HereAndNow)
    with running(make_database, clock, tmp_path) as (found,):
        yield found


def asks(count: int, seed: int = 1) -> list[PriceAsk]:
    chance = random.Random(seed)
    return [an_ask(chance, SKUS) for _ in range(count)]


def a_history(pricer: Pricer, count: int = 12) -> None:
    for number, ask in enumerate(asks(count)):
        pricer.hears(f"Q-{1001 + number}", ask)


def changed(**changes: Any) -> dict[str, Any]:
    return {"changed": {"of": SAME["version"], "changes": changes}}


def entry(sku: str) -> dict[str, Any]:
    found = shelf().compiled[BOOK].offers[sku][0].entry
    return dict(found.model_dump(mode="json"))


def with_price(sku: str, amount: str) -> dict[str, Any]:
    return entry(sku) | {"price": {"model": "per_unit", "amount": amount}}


class TestPublishing:
    """A what-if stands beside the form that publishes what it tried."""

    def draft(self, pricer: Pricer, percent: int, seen: str = "") -> dict[str, Any]:
        """Keep version 3 with support at so many percent of its price."""
        book = pricer.asks("GET", "/books/telecom-list/2").json()
        (support,) = (each for each in book["entries"] if each["sku"] == "QW-SUP-PLUS")
        support["price"]["amount"] = str(Decimal(support["price"]["amount"]) * percent / 100)
        path, more = "/books/telecom-list/3", {"if_match": f'"{seen}"'} if seen else {}
        found = pricer.asks("PUT", path, book | {"version": 3, "status": "draft"}, **more)
        assert found.status_code == 200, found.text
        return dict(found.json())

    def page(self, pricer: Pricer) -> str:
        text = pricer.browses("/books/telecom-list/3/publish").text
        return " ".join(re.sub(r"<[^>]+>", " ", text).split())

    def test_what_a_draft_would_change_stands_beside_its_form(self, pricer: Pricer) -> None:
        a_history(pricer)
        self.draft(pricer, 200)
        assert "Tried on past quotes" not in self.page(pricer)
        found = pricer.tries(version={"id": "telecom-list", "version": 3}, name="Dearer support")
        assert found["what_if"]["state"] == "done"
        page = self.page(pricer)
        assert "Tried on past quotes Dearer support Done, 12 of 12 quotes" in page
        total = found["report"]["currencies"][0]["total"]
        assert f"{total['cheaper']} cheaper, {total['dearer']} dearer" in page
        assert "another content" not in page

    def test_a_draft_that_changed_since_it_was_tried_is_told(self, pricer: Pricer) -> None:
        a_history(pricer, 1)
        seen = self.draft(pricer, 200)["sha256"]
        pricer.tries(version={"id": "telecom-list", "version": 3})
        self.draft(pricer, 300, seen)
        assert "It tried another content than this version has now." in self.page(pricer)

    def test_a_book_with_single_changes_is_no_try_of_the_version(self, pricer: Pricer) -> None:
        a_history(pricer, 1)
        self.draft(pricer, 200)
        of = {"id": "telecom-list", "version": 3}
        pricer.tries(changed={"of": of, "changes": {"entries": [DEARER_SUPPORT]}})
        assert "Tried on past quotes" not in self.page(pricer)


class TestTrying:
    """A book is tried on what was asked."""

    def test_the_same_book_changes_nothing(self, pricer: Pricer) -> None:
        a_history(pricer)
        found = pricer.tries(**SAME)
        assert found["what_if"]["state"] == "done"
        assert (found["what_if"]["quotes_done"], found["percent"]) == (12, 100)
        for each in found["report"]["currencies"]:
            total = each["total"]
            assert total["net_before"] == total["net_after"]
            assert (total["cheaper"], total["dearer"]) == (0, 0)
            assert (total["approvals_new"], total["approvals_gone"]) == (0, 0)

    def test_a_dearer_part_makes_the_quotes_that_have_it_dearer(self, pricer: Pricer) -> None:
        a_history(pricer)
        sku = SKUS[0]
        dearer = {each for each in range(12) if sku in _skus(asks(12)[each])}
        assert dearer, "the history has the part"
        found = pricer.tries(**changed(entries=[with_price(sku, "99999.00")]))
        counted = sum(each["total"]["dearer"] for each in found["report"]["currencies"])
        assert counted == len(dearer)

    def test_the_last_ask_of_a_quote_counts_alone(self, pricer: Pricer) -> None:
        first, second = asks(2)
        pricer.hears("Q-1001", first, 1)
        pricer.hears("Q-1001", second, 2)
        assert pricer.tries(**SAME)["what_if"]["quotes"] == 1

    def test_an_ask_that_is_heard_twice_is_kept_once(self, pricer: Pricer) -> None:
        (ask,) = asks(1)
        pricer.hears("Q-1001", ask)
        pricer.hears("Q-1001", ask)
        assert pricer.rows("SELECT count(*) AS n FROM asks") == [{"n": 1}]

    def test_quotes_are_chosen_by_tier_and_region(self, pricer: Pricer) -> None:
        a_history(pricer)
        wanted = [each for each in asks(12) if each.customer_tier == "gold"]
        found = pricer.tries(**SAME, quotes={"tiers": ["gold"]})
        assert found["what_if"]["quotes"] == len(wanted)
        names = {s["name"] for c in found["report"]["currencies"] for s in c["by_tier"]}
        assert names == {"gold"}

    def test_no_fact_is_said_and_no_price_changes(self, pricer: Pricer) -> None:
        a_history(pricer, 3)
        before = pricer.rows("SELECT position, stream FROM events ORDER BY position")
        pricer.tries(**changed(entries=[with_price(SKUS[0], "99999.00")]))
        assert pricer.rows("SELECT position, stream FROM events ORDER BY position") == before

    def test_a_book_that_lacks_a_part_leaves_quotes_without_a_price(self, pricer: Pricer) -> None:
        a_history(pricer)
        with_part = sum(SKUS[0] in _skus(each) for each in asks(12))
        found = pricer.tries(**changed(without=[SKUS[0]]))
        assert found["report"]["unpriced"] == [
            {"side": "after", "code": "pricer.no_price", "quotes": with_part}
        ]


class TestCarryingOut:
    """In parts, by processes of its own, again from where it stood."""

    def test_parts_come_to_the_same_as_one(
        self, pricer: Pricer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        a_history(pricer)
        tried = changed(entries=[with_price(SKUS[0], "99999.00")])
        whole = pricer.tries(**tried)
        monkeypatch.setattr(trying, "PART_QUOTES", 5)
        parted = pricer.tries(**tried)
        assert parted["report"] == whole["report"]
        assert len(pricer.rows("SELECT * FROM what_if_parts")) == 1 + 3

    def test_processes_of_its_own_find_the_same(
        self, pricer: Pricer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        a_history(pricer)
        here = pricer.tries(**SAME)
        monkeypatch.setattr(trying, "Workers", Workers)
        assert pricer.tries(**SAME)["report"] == here["report"]

    def test_one_that_fails_again_and_again_is_given_up(
        self, pricer: Pricer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        a_history(pricer, 1)
        monkeypatch.setattr(trying, "Workers", Dying)
        found = pricer.tries(**SAME)
        assert found["what_if"]["state"] == "failed"
        assert "BrokenProcessPool" in found["what_if"]["trouble"]

    def test_it_goes_on_after_a_restart(
        self, pricer: Pricer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        a_history(pricer)
        monkeypatch.setattr(trying, "PART_QUOTES", 5)
        id_ = pricer.asks("POST", WHAT_IFS, {"name": "x", **SAME}).json()["what_if"]["what_if_id"]
        pricer.works(1)
        assert pricer.found(id_)["percent"] == 41
        pricer.service.parts.close()  # what a killed process held in memory is gone
        pricer.works()
        assert pricer.found(id_)["what_if"]["quotes_done"] == 12

    def test_a_cancelled_one_ends_and_keeps_what_it_found(
        self, pricer: Pricer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        a_history(pricer)
        monkeypatch.setattr(trying, "PART_QUOTES", 5)
        id_ = pricer.asks("POST", WHAT_IFS, {"name": "x", **SAME}).json()["what_if"]["what_if_id"]
        pricer.works(1)
        assert (
            pricer.asks("POST", f"{WHAT_IFS}/{id_}/cancel").json()["what_if"]["state"]
            == "cancelled"
        )
        assert pricer.works() == 0
        found = pricer.found(id_)
        assert found["what_if"]["quotes_done"] == 5
        assert sum(each["total"]["quotes"] for each in found["report"]["currencies"]) == 5

    def test_the_same_command_asks_once(self, pricer: Pricer) -> None:
        body = {"name": "x", **SAME}
        both = [pricer.asks("POST", WHAT_IFS, body, idempotency_key="k-1") for _ in range(2)]
        assert both[0].json() == both[1].json()
        assert len(pricer.asks("GET", WHAT_IFS).json()) == 1

    def test_only_so_many_may_wait(self, pricer: Pricer) -> None:
        codes = [
            pricer.asks("POST", WHAT_IFS, {"name": "x", **SAME}).status_code for _ in range(21)
        ]
        assert codes == [202] * 20 + [409]


class TestApprovals:
    """What approvers would have to do is asked of approvals, in bulk."""

    def test_a_lower_price_asks_for_more_approvals(self, pricer: Pricer) -> None:
        a_history(pricer)
        halved = []
        for sku in SKUS:
            given = entry(sku)
            halved.append(given | {"price": {"model": "cost_plus", "markup_on_cost": "1"}})
        found = pricer.tries(**changed(entries=halved, without=_rails()))
        new = sum(each["total"]["approvals_new"] for each in found["report"]["currencies"])
        assert new > 0
        assert sum(each["after"] for each in found["report"]["approvals"]) >= new
        assert sum(pricer.approvers.asked) <= 24

    def test_without_an_answer_it_is_unknown_and_the_rest_stands(self, pricer: Pricer) -> None:
        a_history(pricer, 4)
        pricer.approvers.fault = PeerUnavailable("approvals is not available now")
        found = pricer.tries(**SAME)
        assert found["what_if"]["state"] == "done"
        unknown = sum(each["total"]["approvals_unknown"] for each in found["report"]["currencies"])
        assert unknown == 4


class TestFiles:
    """One row per quote."""

    def test_the_csv_has_a_row_for_every_quote(self, pricer: Pricer) -> None:
        a_history(pricer)
        id_ = pricer.tries(**SAME)["what_if"]["what_if_id"]
        answer = pricer.asks("GET", f"{WHAT_IFS}/{id_}/quotes.csv")
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert sorted(each["quote"] for each in rows) == [f"Q-{1001 + n}" for n in range(12)]
        assert all(each["net_before"] == each["net_after"] != "" for each in rows)

    def test_the_parquet_file_has_the_same(self, pricer: Pricer, tmp_path: Any) -> None:
        a_history(pricer)
        id_ = pricer.tries(**SAME)["what_if"]["what_if_id"]
        path = tmp_path / "quotes.parquet"
        path.write_bytes(pricer.asks("GET", f"{WHAT_IFS}/{id_}/quotes.parquet").content)
        found = duckdb.sql(f"SELECT quote, net_before - net_after FROM '{path}'").fetchall()
        assert sorted(found) == [(f"Q-{1001 + n}", 0) for n in range(12)]


class TestRefusals:
    """What can not be tried is refused in words."""

    @pytest.mark.parametrize(
        ("ask", "status", "words"),
        [
            ({}, 422, "exactly one"),
            ({"version": {"id": "telecom-list", "version": 9}}, 404, "no price book"),
            (changed(), 422, "nothing is changed"),
            (changed(without=["nobody"]), 422, "nobody is not in the book"),
            (changed(entries=[with_price(SKUS[0], "-1")]), 422, SKUS[0]),
            ({"document": {"id": "x"}}, 422, "version"),
            ({**SAME, "quotes": {"tiers": ["a\x00b"]}}, 422, "NUL"),
        ],
    )
    def test_a_bad_ask(self, pricer: Pricer, ask: dict[str, Any], status: int, words: str) -> None:
        answer = pricer.asks("POST", WHAT_IFS, {"name": "x", **ask})
        assert answer.status_code == status, answer.text
        assert words in answer.text

    def test_a_seller_neither_asks_nor_reads(self, pricer: Pricer) -> None:
        assert pricer.asks("POST", WHAT_IFS, {"name": "x", **SAME}, "seller").status_code == 403
        assert pricer.asks("GET", WHAT_IFS, role="seller").status_code == 403


def _skus(ask: PriceAsk) -> set[str]:
    return {part.sku for item in ask.items for part in item.bill_of_materials}


def _rails() -> list[str]:
    return [each.id for each in shelf().compiled[BOOK].book.guardrails]
