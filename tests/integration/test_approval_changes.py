"""The decision page shows the lines asked for, and what changed since the last approval."""

from collections.abc import Iterator
from datetime import timedelta
from json import dumps
from typing import Any
from uuid import UUID

import pytest

from contracts.errors import NotFound, Unavailable
from contracts.quote import RevisionSubmitted
from tests.integration.approval_browser import Approvals, forms_of, running, text_of
from tests.unit.approvals.offers import ASKED_AT, line, submitted

OTHER_KEY = "d" * 64
RADIO = line(1, "1000", "820")
MAST = line(2, "400", "300")


class Quotes:
    """Stands for quotes: tells the revisions it was given, or does not answer."""

    def __init__(self) -> None:
        self.revisions: dict[int, dict[str, Any]] = {}
        self.away = False
        self.asked: list[str] = []

    def ask(self, service: str, method: str, path: str, json: Any = None) -> bytes:
        assert (service, method, json) == ("quotes", "GET", None)
        self.asked.append(path)
        if self.away:
            raise Unavailable("quotes is not available now")
        number = int(path.rpartition("/")[2])
        if number not in self.revisions:
            raise NotFound("there is no such revision")
        return dumps(self.revisions[number]).encode()

    def tell(self, fact: RevisionSubmitted, *, approved: bool = False) -> None:
        """Show a revision as quotes does, with more members than anybody here reads."""
        self.revisions[fact.revision] = {
            "revision": fact.revision,
            "content_key": fact.content_key,
            "valid_until": fact.valid_until.isoformat(),
            "offer": fact.offer.model_dump(mode="json"),
            "approval": {"by_rule": "within-authority"} if approved else None,
            "etag": "whatever",
        }


@pytest.fixture
def quotes() -> Quotes:
    return Quotes()


@pytest.fixture
def approvals(make_database: Any, clock: Any, tmp_path: Any, quotes: Quotes) -> Iterator[Approvals]:
    with running(make_database, clock, tmp_path, quotes) as service:
        yield service


def grant_first(approvals: Approvals, quotes: Quotes, fact: RevisionSubmitted) -> None:
    quotes.tell(fact, approved=True)
    case = approvals.hear(fact)
    approvals.send(case, forms_of(approvals.page(case))["approve"])


def asked_again(approvals: Approvals, quotes: Quotes, fact: RevisionSubmitted) -> UUID:
    quotes.tell(fact)
    return approvals.hear(fact, 20, ASKED_AT + timedelta(hours=1))


def second(discount: str = "15", **more: Any) -> RevisionSubmitted:
    return submitted(discount, revision=2, content_key=OTHER_KEY, **more)


def test_the_lines_that_are_asked_for_stand_on_the_page(approvals, quotes):
    fees = [
        line(number, "90", "80").but({"charge": charge})
        for number, charge in ((3, "half_yearly"), (4, "every_4_months"))
    ]
    case = asked_again(approvals, quotes, submitted(lines=(RADIO, MAST, *fees)))
    words = text_of(approvals.page(case))
    assert "RRU-3 · half-yearly" in words
    assert "RRU-4 · every 4 months" in words
    assert "RRU-1 1 piece, list €1,000.00, net €820.00 each" in words
    assert "RRU-2" in words
    assert "Valid until 23 Dec 2026" in words
    assert "No revision of this quote was approved before." in words


def test_what_changed_since_the_revision_that_was_granted(approvals, quotes):
    grant_first(approvals, quotes, submitted("18", lines=(RADIO, MAST)))
    dearer = line(1, "1000", "850")
    case = asked_again(approvals, quotes, second(lines=(dearer, line(3, "90", "80"))))
    words = text_of(approvals.page(case))
    for each in (
        "Revision 1 was approved last.",
        "Net €930.00 was €1,120.00",
        "Discount 15% was 18%",
        "Valid until 23 Dec 2026 as before",
        "was 1 piece at €820.00, €820.00; now 1 piece at €850.00, €850.00",
    ):
        assert each in words
    changes = words.partition("Changes since")[2]
    assert changes.index("Changed") < changes.index("Added") < changes.index("Removed")


def test_a_fee_that_recurs_after_another_period_is_told_with_both(approvals, quotes):
    yearly, quarterly = (MAST.but({"charge": each}) for each in ("yearly", "quarterly"))
    grant_first(approvals, quotes, submitted("18", lines=(RADIO, yearly)))
    case = asked_again(approvals, quotes, second(lines=(RADIO, quarterly)))
    changes = text_of(approvals.page(case)).partition("Changes since")[2]
    assert "RRU-2 · quarterly 1 piece at €300.00" in changes
    assert "RRU-2 · yearly 1 piece at €300.00" in changes


def test_a_revision_that_needed_nobody_counts_as_approved(approvals, quotes):
    quotes.tell(submitted("5", "30"), approved=True)
    approvals.hear(submitted("5", "30"))
    case = asked_again(approvals, quotes, second())
    assert "Revision 1 was approved last." in text_of(approvals.page(case))


def test_without_an_answer_of_quotes_the_totals_stand_there_and_the_page_says_so(approvals, quotes):
    grant_first(approvals, quotes, submitted())
    case = asked_again(approvals, quotes, second())
    quotes.away = True
    quotes.asked.clear()
    page = approvals.page(case)
    words = text_of(page)
    assert "The lines can not be shown now: quotes does not answer." in words
    assert "Discount 15% was 18%" in words
    assert "Lines can not be compared now: quotes does not answer." in words
    assert len(quotes.asked) == 1, "who does not answer is not asked again for the same page"
    assert set(forms_of(page)) == {"approve", "reject"}


def test_without_any_answer_it_is_not_said_that_nothing_was_approved(approvals, quotes):
    case = approvals.hear(second())
    quotes.away = True
    words = text_of(approvals.page(case))
    assert "What was approved before can not be shown now" in words


def test_another_content_of_the_same_revision_is_never_shown_as_the_one_asked_for(
    approvals, quotes
):
    case = approvals.hear(submitted())
    quotes.tell(submitted("12", content_key=OTHER_KEY, lines=(MAST,)))
    words = text_of(approvals.page(case))
    assert "The seller has changed the offer since" in words
    assert "RRU-2" not in words


def test_the_same_revision_granted_with_another_content_is_compared_by_its_totals(
    approvals, quotes
):
    grant_first(approvals, quotes, submitted())
    case = asked_again(approvals, quotes, submitted("15", content_key=OTHER_KEY))
    words = text_of(approvals.page(case))
    assert "Revision 1 was approved with another content before." in words
    assert "Discount 15% was 18%" in words
    assert "quotes does not have both contents at hand" in words


def test_what_was_granted_later_is_not_what_was_granted_before(approvals, quotes):
    case = approvals.hear(submitted())
    approvals.send(case, forms_of(approvals.page(case))["approve"])
    later = asked_again(approvals, quotes, second())
    approvals.send(later, forms_of(approvals.page(later))["approve"])
    assert "No revision of this quote was approved before." in text_of(approvals.page(case))


def test_an_answer_that_is_no_offer_counts_as_no_answer(approvals, quotes):
    case = approvals.hear(submitted())
    quotes.revisions[1] = {"revision": 1, "offer": {"lines": "many"}, "approval": None}
    assert "quotes does not answer" in text_of(approvals.page(case))


def test_html_in_the_name_of_a_line_is_text(approvals, quotes):
    evil = RADIO.model_copy(update={"name": "<script>alert(1)</script>"})
    case = asked_again(approvals, quotes, submitted(lines=(evil,)))
    page = approvals.page(case)
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_a_seller_sees_the_lines_and_the_changes_without_margins(approvals, quotes):
    grant_first(approvals, quotes, submitted())
    case = asked_again(approvals, quotes, second())
    page = text_of(approvals.page(case, "seller-1", "seller"))
    assert "Revision 1 was approved last." in page
    assert "argin" not in page
