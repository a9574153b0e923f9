"""From an opportunity of several quotes to the one to go on with."""

from contracts import places
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
