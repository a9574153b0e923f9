"""The proof of an old quote: configured again on its pinned model, as on the day of its ask.

Here is also what commands about models read of a house; what answers otherwise is no house.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from contracts.configuration import ConfiguredItem, RequestedItem
from contracts.values import Instant
from quotewright.client import Client

if TYPE_CHECKING:
    from services.configurator.domain.products.catalogue import Catalogue


PAGE = 200


class Current(BaseModel):
    """The revision that a quote is at."""

    revision: int
    configured: tuple[ConfiguredItem, ...]


class Quote(BaseModel):
    """A quote."""

    current: Current


class Revision(BaseModel):
    """A revision of a quote, as it was asked for and as it was configured."""

    etag: str
    items: tuple[RequestedItem, ...]
    configured: tuple[ConfiguredItem, ...]


class Hop(BaseModel):
    """A fact of the walk of a quote."""

    id: str
    fact: str
    time: Instant
    causation: str | None


class History(BaseModel):
    """The walk of a quote."""

    hops: tuple[Hop, ...]


class Waits(BaseModel):
    """What waits: since when, and the number of its quote."""

    number: str | None
    waits_since_at: Instant


class Waiting(BaseModel):
    """A page of what waits."""

    waiting: tuple[Waits, ...]


def asks_of(client: Client, number: str, revision: int) -> Revision:
    """Return a revision in which each configured item was asked for.   Raises: NotRunning."""
    found = client.read(f"/quotes/{number}/revisions/{revision}", Revision)
    if {each.item_id for each in found.configured} - {each.item_id for each in found.items}:
        raise client.stranger()
    return found


def open_quotes(client: Client) -> Iterator[str]:
    """Return the numbers of all open quotes.   Raises: NotRunning, if there is no end of them."""
    after, seen = "", set()
    while True:
        page = client.read(f"/crm/waiting?limit={PAGE}{after}", Waiting).waiting
        yield from (each.number for each in page if each.number)
        if len(page) < PAGE:
            return
        since = page[-1].waits_since_at.isoformat().replace("+", "%2B")
        after = f"&after_since={since}" + (f"&after={page[-1].number}" if page[-1].number else "")
        # Pages go on to later ones; a house that comes back to one never ends.
        if after in seen:
            raise client.stranger()
        seen.add(after)


def proved(
    catalogue: "Catalogue",
    item: RequestedItem,
    was: ConfiguredItem,
    days: Callable[[], list[date]],
) -> tuple[bool, str]:
    """Return whether the item comes out as it is stored, byte for byte, and the words for it.

    A model whose rules have dates answers as on the days of the quote's asks, the latest first.
    """
    from services.configurator.domain.answers.configuring import configure  # noqa: PLC0415

    product = catalogue.pinned(was.model)
    pin = f"{was.model.id} version {was.model.version} ({was.model.sha256[:12]})"
    text = was.model_dump_json()
    tried = [(f" on {day}", product.on(day)) for day in days()] if product.later else []
    for on_day, edition in tried or [("", product)]:
        now = configure(edition, item)
        if now.model_dump_json() == text:
            return True, f"{was.item_id}: the same {len(text.encode())} bytes from {pin}{on_day}"
    old, new = was.model_dump(mode="json"), now.model_dump(mode="json")
    fields = ", ".join(each for each in old if old[each] != new.get(each))
    return False, f"{was.item_id}: NOT the same from {pin}: {fields} differ"


def days_of_asks(hops: Sequence[dict[str, Any]], etag: str) -> list[date]:
    """Return the days (UTC) of the asks that were answered before a revision's last word.

    `hops` are the walk of the quote, `etag` that word; the latest first, each once. A revision may
    begin with the configuration of an earlier one, so every earlier day may be the one.
    """
    return list(dict.fromkeys(_days(hops, etag)))


def _days(hops: Sequence[dict[str, Any]], etag: str) -> Iterator[date]:
    known = {hop["id"]: at for at, hop in enumerate(hops)}
    for hop in reversed(hops[: known.get(etag, len(hops) - 1) + 1]):
        asked_at = known.get(hop["causation"] or "")
        if hop["fact"] != "ConfigurationValidated" or asked_at is None:
            continue
        asked = hops[asked_at]
        if asked["fact"] == "ConfigurationRequested":
            yield datetime.fromisoformat(asked["time"]).astimezone(UTC).date()
