"""What the command prints to be opened can be opened."""

import io
from pathlib import Path

from rich.console import Console

from contracts import places
from quotewright import show
from quotewright.walked import Walked
from tests.e2e.place import Place
from tests.pages.browsers import People, Shown


def test_every_address_that_is_printed_is_a_page(
    people: People, house: Place, shown: Shown
) -> None:
    said = io.StringIO()
    show.what_to_open(Console(file=said, width=40), house.stage.url, [walk_to(shown.open_offer)])
    words = [line.split() for line in said.getvalue().splitlines()]
    found = [each[1] for each in words if each[:1] == ["open"] and "://" in each[1]]
    printed = (places.SIGN_IN, places.OPPORTUNITIES, places.INBOX, shown.open_offer)
    assert found == [house.stage.url + path for path in printed]
    person = people.signed_in("approver")
    for url in found:
        answer = person.page.goto(url, wait_until="load")
        assert answer is not None
        assert answer.status == 200
        assert person.page.url == url


def walk_to(offer: str) -> Walked:
    """Return a walk whose customer sees this."""
    return Walked("a walk", "Q-1001", "1.00 EUR", Path("Q-1001.pdf"), "", 1, 2, None, [], offer)
