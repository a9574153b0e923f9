"""What approvers do beside the main job: ask the seller, and decide by the link of a mail."""

from playwright.sync_api import expect

from contracts import places
from tests.e2e.facts import ABOVE
from tests.e2e.place import Place
from tests.pages.browsers import People, axe, mailed


def asked(house: Place) -> tuple[str, str]:
    """Bring a quote to approval; returns its number and its case."""
    number = house.told(house.opens("rural_lte", discounts=ABOVE), "PendingApproval")["number"]
    return number, house.asked_to_approve(number)["case_id"]


def test_an_approver_asks_and_the_seller_answers_by_way_of_the_quote(
    house: Place, people: People
) -> None:
    approver, seller = people.signed_in("approver"), people.signed_in("seller")
    number, case = asked(house)
    seller.goes(places.quote(number))
    approver.goes(places.case(case))
    approver.page.get_by_label("Question").fill("Is the second phase signed?")
    approver.presses("Ask")
    approver.sees("Waits for an answer")
    seller.sees("The approver asks: Is the second phase signed?")  # live
    seller.page.get_by_role("link", name="Is the second phase signed?").click()
    seller.page.get_by_label("Your answer").fill("Yes, with 40 sites more.")
    seller.page.get_by_role("button", name="Send the answer to question 1").click()
    seller.sees("Yes, with 40 sites more.")
    approver.page.reload()
    approver.sees("seller-1 answers: Yes, with 40 sites more.")


def test_an_open_case_follows_what_another_approver_decides_and_keeps_what_is_written(
    house: Place, people: People
) -> None:
    first = people.signed_in("approver")
    second = people.stranger()
    _, case = asked(house)
    first.goes(places.case(case))
    reason = first.page.get_by_label("Reason", exact=True).last
    reason.fill("The margin is needed.")
    second.signs_in_with(house, "appr-regional-2", "approver", places.case(case))
    second.presses("Approve")
    second.sees("Every step is signed")
    first.sees("Every step is signed")  # live
    first.sees("This can not be sent any more")
    expect(first.page.get_by_role("button", name="Approve", exact=True)).to_have_count(0)
    expect(first.page.locator("textarea").last).to_have_value("The margin is needed.")
    assert axe(first.page) == []


def test_an_overview_changes_while_a_manager_looks(house: Place, people: People) -> None:
    manager = people.signed_in("manager")
    manager.goes(places.OVERVIEW)
    pending = manager.page.locator("#h-waits ~ p")
    before = pending.first.inner_text()
    asked(house)
    expect(pending.first).not_to_have_text(before)  # live
    pending.get_by_role("link").first.click()
    manager.page.wait_for_url(f"**{places.WAITING}?who=approver&waits_for=approval")
    manager.sees("Pending approval")


def test_a_mailed_link_decides_once_without_signing_in(house: Place, people: People) -> None:
    number, case = asked(house)
    path = mailed(house, case, 2)
    holder, second = people.stranger(java_script_enabled=False), people.stranger()
    for each in (holder, second):
        each.goes(path)
        each.sees("This link decides once")
    holder.presses("Approve")
    holder.sees("Your decision is recorded: you approved step 1.")
    house.heard_of(number, "ApprovalGranted")
    second.goes(path)
    second.sees("This link was used")
