"""What needs a house of its own: time that passes, and catalogues that are spoilt and mended."""

import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from infra.clock import wall_clock
from quotewright.demo import ready
from quotewright.laptop import ROOT
from quotewright.playing import opportunity
from services.pricer.domain.books.book import content_sha256
from tests.e2e.place import Place, until

CATALOG = ROOT / "catalogs" / "telecom"
PUMPS = ROOT / "catalogs" / "industrial"
BOOK = "price_books/telecom-list-2.yaml"
BEFORE = "price_books/telecom-list-1.yaml"


class MovingClock:
    """The wall clock, and what the test adds to it."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return wall_clock() + self.ahead

    def move_to(self, moment: datetime) -> None:
        self.ahead = moment - wall_clock()


def test_an_offer_can_not_be_accepted_after_its_last_day_and_then_expires(
    open_place: Callable[..., Place],
) -> None:
    clock = MovingClock()
    place = open_place(clock)
    record = place.opens("street_micro")
    told = place.told(record, "Presented")
    link = place.link(told["number"], 1)
    end = datetime.fromisoformat(place.customer.get(link)["expires_at"])
    yes = {"name": "A. Example", "document_sha256": told["document_sha256"]}

    clock.move_to(end + timedelta(seconds=1))
    problem = place.customer.refused("POST", f"{link}/accept", yes, status=409)
    assert problem["code"] == "quote.expired"
    assert problem["valid_until"] == told["valid_until"]
    assert [each for each in place.tellings(record) if each["status"] == "Expired"] == []

    clock.move_to(end + timedelta(minutes=16))
    expired = place.told(record, "Expired")
    assert (expired["waits_for"], expired["who_can_move_it"]) == ("renewal", "seller")
    again = place.customer.refused("POST", f"{link}/accept", yes, status=409)
    assert again["code"] == "quote.expired"


def test_an_offer_is_accepted_in_the_last_second_of_its_last_day(
    open_place: Callable[..., Place],
) -> None:
    clock = MovingClock()
    place = open_place(clock)
    record = place.opens("street_micro")
    told = place.told(record, "Presented")
    link = place.link(told["number"], 1)
    end = datetime.fromisoformat(place.customer.get(link)["expires_at"])
    clock.move_to(end - timedelta(seconds=20))
    yes = {"name": "A. Example", "document_sha256": told["document_sha256"]}
    assert place.customer.post(f"{link}/accept", yes)["status"] == "accepted"
    clock.move_to(end + timedelta(hours=1))
    place.told(record, "Ordered")
    due = "SELECT count(*) FROM quotes.reminders WHERE due_at <= %s"
    until(lambda: place.sql(due, (end.astimezone(UTC) + timedelta(hours=1),)) == [(0,)], "swept")
    assert [each for each in place.tellings(record) if each["status"] == "Expired"] == []


class Catalogs:
    """Copies of the catalogue, with what has gone wrong in them."""

    def __init__(self, folder: Path) -> None:
        # The last price book ran out, and nobody has published the next.
        self.without_prices = self._copy(folder / "without-prices", brands=False)
        # The next one is there; the letterhead is not.
        self.without_brand = self._copy(folder / "without-brand", brands=False)
        self._publish_next(self.without_brand)
        self.mended = self._copy(folder / "mended", brands=True)
        self._publish_next(self.mended)

    def _copy(self, to: Path, *, brands: bool) -> Path:
        shutil.copytree(CATALOG, to)
        (to / BEFORE).unlink()
        book = yaml.safe_load((to / BOOK).read_text(encoding="utf-8"))
        ended = {**book, "effective": {"first": date(2026, 1, 1), "last": date(2026, 1, 31)}}
        _write(to / BOOK, ended)
        if not brands:
            shutil.rmtree(to / "brands")
            (to / "brands").mkdir()
        return to

    def _publish_next(self, catalog: Path) -> None:
        book = yaml.safe_load((CATALOG / BOOK).read_text(encoding="utf-8"))
        following = {**book, "version": 3, "effective": {"first": date(2026, 2, 1), "last": None}}
        _write(catalog / "price_books" / "telecom-list-3.yaml", following)


def _write(file: Path, book: dict[str, Any]) -> None:
    sealed = {**book, "sha256": content_sha256(book)}
    file.write_text(yaml.safe_dump(sealed, sort_keys=False), encoding="utf-8")


def test_a_failed_price_and_a_failed_document_are_mended_and_asked_again(
    open_place: Callable[..., Place], tmp_path: Path
) -> None:
    catalogs = Catalogs(tmp_path)
    place = open_place(catalog=catalogs.without_prices)
    assert place.restart is not None
    record = place.opens("street_micro")
    unpriced = place.told(record, "Returned")
    number = unpriced["number"]
    assert (unpriced["who_can_move_it"], unpriced["net"]) == ("admin", None)
    assert "no price book is in force" in unpriced["reason"]
    assert place.quote(number)["current"]["returned"]["stage"] == "pricing"
    _waits_for_repair(place, number, "admin")

    place.restart(catalogs.without_brand)
    place.seller.post(f"/quotes/{number}/retry")
    unprinted = place.told(record, "Returned", who_can_move_it="admin", net=_net(place, number))
    assert "example-networks" in unprinted["reason"]
    assert place.quote(number)["current"]["returned"]["stage"] == "document"
    _waits_for_repair(place, number, "admin")

    # Meanwhile the house is brought to this release: what it has said is of the first version.
    before = place.quote(number)["current"]
    _said_by_the_release_before(place)
    place.restart(catalogs.mended)
    assert place.quote(number)["current"] == before
    _priced_again_to_the_same_bytes(place, number)
    place.seller.post(f"/quotes/{number}/retry")
    assert place.told(record, "Presented")["net"] == unprinted["net"]
    facts = place.facts(number)
    assert facts.count("PricingFailed") == facts.count("DocumentRenderFailed") == 1
    assert facts.count("QuotePresented") == facts.count("RevisionPriced") == 1
    row = place.waiting(number)
    assert row is not None
    assert row["waits_for"] == "answer"


def _said_by_the_release_before(place: Place) -> None:
    """Let facts whose second version only allows more bear the first, in the stores."""
    changed = []
    for name in ("QuotePriced", "RevisionPriced", "RevisionSubmitted", "DocumentRequested"):
        topics = (f"quotewright.{name}/1", f"quotewright.{name}/2")
        for service in ("quotes", "pricer"):
            update = f"UPDATE {service}.events SET topic = %s WHERE topic = %s RETURNING topic"
            changed += place.sql(update, topics)
        update = "UPDATE crm_projector.fact_log SET version = 1 WHERE type = %s"
        place.sql(update, (f"quotewright.{name}",))
    assert len(changed) == 4


def _priced_again_to_the_same_bytes(place: Place, number: str) -> None:
    same = []
    for each in place.admin.get(f"/quotes/{number}/asks")["asks"]:
        asked = {"id": each["id"], "asked": each["asked"]}
        answer = place.admin.ask("POST", "/pricer/replays", asked)
        if answer.status_code != 404:  # that ask was answered without a price
            same.append(answer.json()["is_same"])
    assert same == [True]


def _net(place: Place, number: str) -> dict[str, str]:
    """Return the quote's net price, once it has one."""
    priced = until(lambda: place.quote(number)["current"]["offer"], f"{number} is priced")
    net: dict[str, str] = priced["totals"]["net"]
    return net


def _waits_for_repair(place: Place, number: str, who: str) -> None:
    row = place.waiting(number)
    assert row is not None
    assert (row["waits_for"], row["who_can_move_it"]) == ("repair", who)


def test_another_trade_walks_through_the_same_house(open_place: Callable[..., Place]) -> None:
    place = open_place(catalog=PUMPS)
    ready(place.stage, timeout_s=180)
    record = "006-pumps-1"
    place.stage.say("opportunity.opened", opportunity(record, "cooling_water", PUMPS))
    told = place.told(record, "Presented")
    pdf = place.seller.ask("GET", f"/documents/{told['document_sha256']}").content
    assert pdf.startswith(b"%PDF-")
    place.accepts(told)
    place.told(record, "Ordered")
    (item,) = place.quote(told["number"])["current"]["items"]
    assert (item["product"], item["quantity"]) == ("pump_skid", "2")
