"""What the command prints to be opened can be opened."""

import io

from rich.console import Console

from contracts import places
from quotewright import show
from tests.e2e.place import Place
from tests.pages.browsers import People


def test_every_address_that_is_printed_is_a_page(people: People, house: Place) -> None:
    said = io.StringIO()
    show.what_to_open(Console(file=said, width=40), house.stage.url, [])
    words = [line.split() for line in said.getvalue().splitlines()]
    found = [each[1] for each in words if each[:1] == ["open"]]
    assert found == [
        house.stage.url + path for path in (places.SIGN_IN, places.OPPORTUNITIES, places.INBOX)
    ]
    person = people.signed_in("approver")
    for url in found:
        answer = person.page.goto(url, wait_until="load")
        assert answer is not None
        assert answer.status == 200
        assert person.page.url == url
