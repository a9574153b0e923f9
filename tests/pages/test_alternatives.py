"""From an opportunity of several quotes to the one to go on with."""

from contracts import places
from tests.e2e.place import Place, deal_of
from tests.pages.browsers import People, Shown


def test_the_quotes_of_a_deal_are_compared_and_one_is_gone_on_with(
    people: People, shown: Shown
) -> None:
    person = people.signed_in("seller")
    person.goes(places.opportunity(shown.alternatives.split("/")[-2]))
    person.page.get_by_role("link", name="Compare the 2 quotes").click()
    person.sees("Quotes side by side")
    number = shown.revised.rpartition("/")[2]
    person.page.get_by_role("link", name=f"Go on with this one {number}").click()
    person.page.wait_for_url(f"**{shown.revised}")
    person.page.get_by_role("link", name="Compare the 2 quotes of this deal").wait_for()


def test_a_further_alternative_comes_to_stand_beside_the_others(
    people: People, house: Place
) -> None:
    record = house.opens("street_micro")
    number = house.told(record, "Presented")["number"]
    person = people.signed_in("seller")
    person.goes(places.compare(deal_of(record)))
    person.sees("Go on with this one")
    further = house.seller.post(f"/quotes/{number}/clone")["number"]
    person.page.get_by_role("link", name=f"Go on with this one {further}").wait_for()
