"""`reprice`: prove every past price of quotes, show what the newest book changes, ask for it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.errors import NotFound
from quotewright.client import Client

Json = dict[str, Any]
PAGE = 200


@dataclass(frozen=True, slots=True)
class Checked:
    """One past price of a quote, priced again."""

    number: str
    revision: int
    found: Json

    def as_json(self) -> Json:
        """Return it as a program reads it."""
        return {"number": self.number, "revision": self.revision, **self.found}

    def line(self) -> str:
        """Return it as a person reads it."""
        book, fx = self.found["book"], self.found["fx"]
        by = f"{book['id']} version {book['version']}, {fx['id']} version {fx['version']}"
        head = f"{self.number} revision {self.revision}"
        if self.found["is_same"]:
            size = self.found["trace_bytes"]
            return f"{head}: the same {size} bytes by {by}, {self.found['engine']}"
        why = "; ".join(self.found["differences"])
        return f"{head}: NOT the same by {by}, {self.found['engine']}: {why}"


def check(client: Client, which: str) -> Iterator[Checked]:
    """Replay every past price of one quote, or of `all`; asks that have no price are passed over.

    Raises: NotFound, if there is no such quote.
    """
    for number in _numbers(client) if which == "all" else (which,):
        for each in client.get(f"/quotes/{number}/asks")["asks"]:
            body = {"id": each["id"], "asked": each["asked"]}
            try:
                found = client.post("/pricer/replays", body)
            except NotFound:
                continue
            yield Checked(number, each["asked"]["revision"], found)


def _numbers(client: Client) -> Iterator[str]:
    after = ""
    while True:
        page = client.get(f"/crm/opportunities?limit={PAGE}{after}")["opportunities"]
        for each in page:
            deal = client.get(f"/quotes/deals/{each['deal_id']}")
            yield from (quote["number"] for quote in deal["quotes"])
        if len(page) < PAGE:
            return
        after = f"&after={page[-1]['deal_id']}"


def told(found: Sequence[Checked]) -> str:
    """Say of each price whether it is the same, and how many of all are."""
    same = sum(each.found["is_same"] for each in found)
    summed = f"{same} of {len(found)} prices are the same, byte for byte"
    return "\n".join([*(each.line() for each in found), summed])


def difference(found: Json) -> Iterator[str]:
    """Say what the newest book changes: books, total, and every line that moves."""
    if found["is_same_book"]:
        yield "priced with the newest price book and rates already; nothing would change"
        return
    for name, what in (("book", "price book"), ("fx", "rates")):
        old, new = found["before"][name], found["after"][name]
        if old != new:
            yield f"{what}: {_version(old)} -> {_version(new)}"
    yield f"net: {_move(found['net'])}"
    for each in found["lines"]:
        if each["before"] != each["after"]:
            yield f"  {each['sku']} of {each['item_id']}: {_move(each)}"


def _version(pin: Json) -> str:
    return f"{pin['id']} version {pin['version']}"


def _move(moved: Json) -> str:
    sides = [_money(moved[name]) for name in ("before", "after")]
    change = moved["change"]
    by = f" ({Decimal(change['amount']):+,f})" if change else ""
    return f"{sides[0]} -> {sides[1]}{by}"


def _money(money: Json | None) -> str:
    return f"{Decimal(money['amount']):,f} {money['currency']}" if money else "nothing"
