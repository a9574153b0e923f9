"""Discounts above authority, over each bus: asked by webhook, answered by signed callback."""

from tests.e2e.facts import ABOVE, ACCEPTED, APPROVED
from tests.e2e.place import Place, items_of

DEEP = [{"percent": "25", "rationale": "Framework agreement over five years"}]


def test_a_discount_above_authority_goes_on_after_an_approvers_yes(place: Place) -> None:
    record = place.opens("rural_lte", discounts=ABOVE)
    number = place.told(record, "PendingApproval", who_can_move_it="approver")["number"]
    case = place.asked_to_approve(number)
    totals = place.quote(number)["current"]["offer"]["totals"]
    # 15 % of what may be discounted: some parts bear no sales discount.
    assert case["discount_percent"] == totals["sales_discount_percent"]
    assert case["rationale"] == ["Reference customer for the region"]
    assert "above 10 %" in " ".join(case["causes"])
    decided = place.decides(case, "approve", "Strategic site, margin holds.")
    assert decided["outcome"] == "granted"
    place.accepts(place.told(record, "Presented"))
    place.told(record, "Ordered")
    assert place.facts(number) == [*APPROVED, *ACCEPTED]


def test_a_rejected_discount_is_lowered_by_the_seller_and_runs_through(place: Place) -> None:
    record = place.opens("rural_lte", discounts=ABOVE)
    number = place.told(record, "PendingApproval")["number"]
    place.decides(place.asked_to_approve(number), "reject", "Offer 8 % at most.")
    told = place.told(record, "Returned")
    assert told["who_can_move_it"] == "seller"
    assert "Offer 8 % at most." in told["reason"]
    returned = place.quote(number)["current"]["returned"]
    assert (returned["stage"], returned["code"]) == ("approval", "approval.rejected")

    within = [{"percent": "8", "rationale": "As far as the director went"}]
    place.edits(number, items_of("rural_lte"), submit=True, discounts=within)
    assert place.told(record, "Presented")["presented_revision"] == 1
    facts = place.facts(number)
    assert facts.count("ApprovalRejected") == facts.count("RevisionReturned") == 1
    assert facts[-6:] == [
        "ApprovalNotRequired",
        "RevisionApproved",
        "DocumentRequested",
        "QuoteDocumentRendered",
        "DocumentAttached",
        "QuotePresented",
    ]


def test_a_deep_discount_needs_two_approvers_in_turn(place: Place) -> None:
    record = place.opens("rural_lte", discounts=DEEP)
    number = place.told(record, "PendingApproval")["number"]
    first = place.asked_to_approve(number, step=1)
    assert (first["steps"], first["level"]) == (2, "regional-sales-director")
    granted = place.decides(first, "approve", "Fits the region's plan.")
    assert granted["outcome"] == "step_granted"
    second = place.asked_to_approve(number, step=2)
    assert second["level"] == "finance-director"
    assert [each["by"] for each in second["granted"]] == [first["approvers"][0]]
    place.decides(second, "approve", "Cash flow holds.")
    place.told(record, "Presented")
    facts = place.facts(number)
    assert facts.count("ApprovalStepGranted") == facts.count("ApprovalGranted") == 1
    grants = place.quote(number)["current"]["approval"]["grants"]
    assert [each["step"] for each in grants] == [1, 2]
