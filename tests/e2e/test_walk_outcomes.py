"""What becomes of offers, over each bus: revised, accepted, declined, withdrawn."""

from tests.e2e.facts import ACCEPTED
from tests.e2e.place import Json, Place, items_of


def changed(example: str, quantity: str) -> list[Json]:
    """Return the items of an example in another quantity."""
    return [{**item, "quantity": quantity} for item in items_of(example)]


def test_revision_two_replaces_revision_one_only_when_it_is_presented(place: Place) -> None:
    record = place.opens("street_micro")
    one = place.told(record, "Presented")
    number, first = one["number"], place.link(one["number"], 1)
    place.seller.post(f"/quotes/{number}/revise")
    place.edits(number, changed("street_micro", "30"), submit=False)
    place.reaches(number, "priced")
    assert place.customer.get(first)["may_be_accepted"] is True

    place.seller.post(f"/quotes/{number}/submit")
    two = place.told(record, "Presented", presented_revision=2)
    assert two["net"] != one["net"]
    kept = place.seller.get(f"/quotes/{number}/revisions/1")
    assert (kept["status"], kept["offer"]["totals"]["net"]) == ("superseded", one["net"])
    assert place.customer.get(first)["may_be_accepted"] is False
    yes = {"name": "A. Example", "document_sha256": one["document_sha256"]}
    problem = place.customer.refused("POST", f"{first}/accept", yes, status=409)
    assert problem["code"] == "quote.superseded"

    place.accepts(two)
    assert place.told(record, "Ordered")["net"] == two["net"]


def test_revision_one_can_be_accepted_while_two_is_a_draft(place: Place) -> None:
    record = place.opens("street_micro")
    one = place.told(record, "Presented")
    place.seller.post(f"/quotes/{one['number']}/revise")
    place.accepts(one)
    place.told(record, "Ordered")
    assert place.facts(one["number"])[-4:] == [
        "DealClosed",
        "RevisionRecalled",
        "QuoteAccepted",
        "OrderPlaced",
    ]
    order = place.sql("SELECT count(*) FROM bi.quote WHERE number = %s", (one["number"],))
    assert order == [(1,)]


def test_accepting_one_alternative_places_the_order_and_withdraws_the_other(place: Place) -> None:
    record = place.opens("city_macro")
    first = place.told(record, "Presented")
    other = place.drafts(record)["number"]
    place.edits(other, items_of("street_micro"), submit=True)
    second = place.told(record, "Presented", number=other)

    accepted = place.accepts(second, "B. Example")
    assert accepted["status"] == "accepted"
    ordered = place.told(record, "Ordered", number=other)
    assert ordered["order_id"] is not None
    assert place.told(record, "Withdrawn")["number"] == first["number"]
    assert place.facts(first["number"])[-1] == "QuoteWithdrawn"
    assert [each for each in place.facts(other) if each in ACCEPTED] == ACCEPTED
    deal = place.seller.get(f"/quotes/deals/{place.quote(other)['deal_id']}")
    assert (deal["closed"], deal["ordered"]) == ("accepted", other)


def test_a_customer_declines_with_a_reason(place: Place) -> None:
    record = place.opens("street_micro")
    told = place.told(record, "Presented")
    no = {"reason_code": "timing", "comment": "The budget comes next year."}
    place.customer.post(f"{place.link(told['number'], 1)}/decline", no)
    place.told(record, "Declined")
    read = place.person("analyst").get(f"/crm/quotes/{told['number']}")
    assert (read["outcome"], read["reason_code"]) == ("declined", "timing")
    assert place.waiting(told["number"]) is None


def test_a_seller_withdraws_with_a_reason(place: Place) -> None:
    record = place.opens("street_micro")
    number = place.told(record, "Presented")["number"]
    link = place.link(number, 1)
    place.seller.post(f"/quotes/{number}/withdraw", {"reason": "Wrong site list"})
    assert place.told(record, "Withdrawn")["reason"] == "Wrong site list"
    assert place.customer.get(link)["may_be_accepted"] is False
    again = place.seller.refused(
        "POST", f"/quotes/{number}/withdraw", {"reason": "Twice"}, status=409
    )
    assert again["code"] == "quote.not_open"
