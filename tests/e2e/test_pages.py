"""The main job through the pages, in real Chromium: seller, approver, customer, each at a browser."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from contracts import places
from tests.e2e.browsing import Person, chromium
from tests.e2e.facts import ABOVE
from tests.e2e.place import Place, deal_of, until

pytestmark = pytest.mark.browser
APPROVER = "appr-regional-1"
Sits = Callable[..., Person]


# No wider: the driver's event loop runs for as long, and other tests have loops of their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def sits(browser: Browser, embedded: Place) -> Iterator[Sits]:
    """Let somebody sit down at a browser; in the end nobody may have seen a complaint."""
    people: list[Person] = []

    def down(**how: Any) -> Person:
        people.append(Person(browser, embedded.stage.url, **how))
        return people[-1]

    yield down
    for each in people:
        each.close()
    assert [each.complaints for each in people] == [[]] * len(people)


def test_a_quote_goes_from_opportunity_to_acceptance_while_everybody_looks(
    embedded: Place, sits: Sits
) -> None:
    seller, approver, customer = sits(), sits(), sits()
    seller.signs_in("seller-1", places.OPPORTUNITIES)
    record = embedded.opens("rural_lte", discounts=ABOVE)
    seller.sees(f"Radio access {record}")  # live: nobody has loaded the page again
    number = embedded.told(record, "PendingApproval")["number"]
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
    embedded.told(record, "Ordered")


def test_the_same_works_without_javascript(embedded: Place, sits: Sits) -> None:
    plain = {"java_script_enabled": False}
    seller, approver, customer = sits(**plain), sits(**plain), sits(**plain)
    record = embedded.opens("rural_lte", discounts=ABOVE)
    number = embedded.told(record, "PendingApproval")["number"]
    seller.signs_in("seller-1", places.quote(number))
    approver.signs_in(APPROVER, places.INBOX)
    approver.page.get_by_role("link", name=f"Open the case of {number}").click()
    approver.presses("Approve")
    seller.sees_after_reloads("Presented", until)
    customer.goes(embedded.link(number, 1))
    customer.page.fill("#f-name", "A. Example")
    customer.presses("Accept the offer")
    customer.sees("Thank you, the offer is accepted.")
    seller.sees_after_reloads("Accepted", until)


@pytest.mark.parametrize("width", [360, 1200, 2560])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_accessible_and_fits_its_window(
    embedded: Place, sits: Sits, width: int, scheme: str
) -> None:
    how = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    record = embedded.opens("street_micro")
    number = embedded.told(record, "Presented")["number"]
    above = embedded.opens("rural_lte", discounts=ABOVE)
    case = embedded.asked_to_approve(embedded.told(above, "PendingApproval")["number"])["case_id"]
    somebody, seller, approver = sits(**how), sits(**how), sits(**how)
    for path in (places.SIGN_IN, embedded.link(number, 1)):
        somebody.goes(path)
        somebody.is_well_served()
    seller.signs_in("seller-1", places.OPPORTUNITIES)
    seller.is_well_served()
    for path in (places.opportunity(deal_of(record)), places.quote(number)):
        seller.goes(path)
        seller.is_well_served()
    approver.signs_in(APPROVER, places.INBOX)
    approver.is_well_served()
    approver.goes(places.case(case))
    approver.is_well_served()
