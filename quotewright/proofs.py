"""The proof of an old quote: configured again on its pinned model, as on the day of its ask."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from contracts.configuration import ConfiguredItem, RequestedItem

if TYPE_CHECKING:
    from services.configurator.domain.products.catalogue import Catalogue


def proved(
    catalogue: "Catalogue",
    asked: dict[str, Any],
    stored: dict[str, Any],
    days: Callable[[], list[date]],
) -> tuple[bool, str]:
    """Return whether the item comes out as it is stored, byte for byte, and the words for it.

    A model whose rules have dates answers as on the days of the quote's asks, the latest first.
    """
    from services.configurator.domain.answers.configuring import configure  # noqa: PLC0415

    was = ConfiguredItem.model_validate(stored)
    product = catalogue.pinned(was.model)
    pin = f"{was.model.id} version {was.model.version} ({was.model.sha256[:12]})"
    text, item = was.model_dump_json(), RequestedItem.model_validate(asked)
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
