"""The main job through the pages: seller, approver, customer, each at a browser of his own.

Walked on the embedded bus and over a real Kafka.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from contracts import places
from tests.e2e.facts import ABOVE
from tests.e2e.place import Place, deal_of
from tests.pages.browsers import APPROVER, People


@pytest.fixture(
    params=["house", pytest.param("over_kafka", marks=[pytest.mark.kafka, pytest.mark.prove])]
)
def place(request: pytest.FixtureRequest) -> Place:
    """A running house, over each bus in turn."""
    found: Place = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def people(browser: Browser, place: Place) -> Iterator[People]:
    """People at browsers in front of that house."""
    found = People(browser, place.stage.url, {})
    yield found
    found.leave()


def test_a_quote_goes_from_opportunity_to_acceptance_while_everybody_looks(
    place: Place, people: People
) -> None:
    seller, approver, customer = (people.stranger() for _ in range(3))
    seller.signs_in("seller-1", places.OPPORTUNITIES)
    record = place.opens("rural_lte", discounts=ABOVE)
    seller.sees(f"Radio access {record}")  # live: nobody has loaded the page again
    number = place.told(record, "PendingApproval")["number"]
    seller.goes(places.opportunity(deal_of(record)))
    seller.page.click(f"text={number}")
    seller.sees("In approval")

    approver.signs_in(APPROVER, places.INBOX)
    approver.page.get_by_role("link", name=f"Open the case of {number}").click()
    approver.presses("Approve")
    approver.sees("Granted")

    seller.sees("Presented")  # live again
    seller.page.get_by_role("link", name="Open as the customer").wait_for()
    link = seller.page.get_by_role("link", name="Open as the customer").get_attribute("href")
    customer.goes(str(link))
    customer.page.fill("#f-name", "A. Example")
    customer.presses("Accept the offer")
    customer.sees("Thank you, the offer is accepted.")
    seller.sees("Accepted")
    place.told(record, "Ordered")


def test_the_same_works_without_javascript(place: Place, people: People) -> None:
    seller, approver, customer = (people.stranger(java_script_enabled=False) for _ in range(3))
    record = place.opens("rural_lte", discounts=ABOVE)
    number = place.told(record, "PendingApproval")["number"]
    seller.signs_in("seller-1", places.quote(number))
    approver.signs_in(APPROVER, places.INBOX)
    approver.page.get_by_role("link", name=f"Open the case of {number}").click()
    approver.presses("Approve")
    seller.sees_after_reloads("Presented")
    customer.goes(place.link(number, 1))
    customer.page.fill("#f-name", "A. Example")
    customer.presses("Accept the offer")
    customer.sees("Thank you, the offer is accepted.")
    seller.sees_after_reloads("Accepted")
