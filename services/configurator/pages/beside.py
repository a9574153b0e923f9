"""What stands beside the questions: the price of now, and who would have to approve it.

Both are asked of peers with a deadline. Without an answer the page says so and shows the rest.
The price is that of the day in UTC, where quotes asks for that of the selling unit's zone; and the
approvers foreseen may hold somebody who wrote of the draft before, whom approvals bars in the end.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from contracts.charges import months_of
from contracts.configuration import ConfiguredItem, RejectedItem, RequestedItem
from contracts.errors import QuotewrightError, Unavailable
from contracts.pricing import DiscountAsk
from infra.ask import Asker
from services.configurator import handlers, peers
from services.configurator.domain.products.catalogue import Catalogue
from services.configurator.pages.option_prices import OptionPrices
from services.configurator.pages.setting import Setting
from services.configurator.peers import Json

NO_PRICE = "The price can not be had now. Go on: the quote is priced once this is put into it."
NO_APPROVAL = "Who would have to approve can not be said now; it is asked again at the next change."
KEPT = 256
PRICED = {"item_id", "product", "quantity", "bill_of_materials"}


def configured(
    catalogue: Catalogue, item: RequestedItem, day: date
) -> ConfiguredItem | RejectedItem:
    """Configure as `handlers.configured` does; what was asked before on this day is kept.

    A page asks for all items of a quote at every change of one.
    """
    return _configured(catalogue, item.model_dump_json(), day)


@lru_cache(KEPT)
def _configured(catalogue: Catalogue, item: str, day: date) -> ConfiguredItem | RejectedItem:
    """Kept by the item's text: as values, the answers `true` and 1 would be the same."""
    return handlers.configured(catalogue, RequestedItem.model_validate_json(item), day)


class Beside:
    """Asks pricer and approvals about an item among the others of its quote, and its `options`."""

    def __init__(self, asker: Asker, catalogue: Catalogue) -> None:
        self.options = OptionPrices(asker)
        self._asker = asker
        self._catalogue = catalogue

    def told(
        self,
        setting: Setting,
        item: ConfiguredItem,
        discounts: Sequence[DiscountAsk],
        asked: tuple[str, date],
    ) -> dict[str, Any]:
        """Return price and approval for the page, or sentences in their place.

        `asked`: who asks, and the day.
        """
        actor, day = asked
        others, missing = self._others(setting, item.item_id, day)
        ask = _ask(setting.deal["details"], [*others, item], discounts, day)
        ask["pins"] = setting.pins
        try:
            priced = peers.price(self._asker, ask)
        except Unavailable:
            return {"price_words": NO_PRICE}
        except QuotewrightError as fault:
            return {"price_words": f"There is no price yet: {fault.message}."}
        price = {
            "item": _of_item(priced, item.item_id),
            "whole": priced["totals"] if others else None,
            "missing": missing,
        }
        return {"price": price, **self._approval(setting, actor, priced)}

    def _approval(self, setting: Setting, actor: str, priced: Json) -> dict[str, Any]:
        details = setting.deal["details"]
        if "internal" not in priced:
            return {"approval_words": NO_APPROVAL}
        try:
            found = peers.approval(self._asker, details, actor, priced)
        except Unavailable:
            return {"approval_words": NO_APPROVAL}
        except QuotewrightError as fault:
            return {"approval_words": f"Approval can not be foreseen: {fault.message}."}
        return {"approval": found}

    def _others(
        self, setting: Setting, item_id: str, day: date
    ) -> tuple[list[ConfiguredItem], list[str]]:
        """Return the quote's other items as configured, and the names of those that are not."""
        found: list[ConfiguredItem] = []
        missing: list[str] = []
        for each in setting.items:
            if each.item_id == item_id:
                continue
            answer = configured(self._catalogue, each, day)
            if isinstance(answer, RejectedItem):
                missing.append(_name(each))
            else:
                found.append(answer)
        return found, missing


def _name(item: RequestedItem) -> str:
    return item.label or item.item_id


def _ask(
    details: Json, items: Sequence[ConfiguredItem], discounts: Sequence[DiscountAsk], day: date
) -> Json:
    known = {each.item_id for each in items}
    return {
        "items": [each.model_dump(mode="json", include=PRICED) for each in items],
        **{name: details[name] for name in peers.PRICED_FOR},
        "discounts": [
            each.model_dump(mode="json")
            for each in discounts
            if each.item_id is None or each.item_id in known
        ],
        "day": day.isoformat(),
    }


def _of_item(priced: Json, item_id: str) -> list[dict[str, Any]]:
    """Return what the item costs, by charge: list and net; the longest period last."""
    sums: dict[str, tuple[Decimal, Decimal]] = {}
    for line in priced["lines"]:
        if line["item_id"] == item_id:
            before, net = sums.get(line["charge"], (Decimal(0), Decimal(0)))
            sums[line["charge"]] = (
                before + Decimal(line["list_total"]["amount"]),
                net + Decimal(line["net_total"]["amount"]),
            )
    currency = priced["totals"]["currency"]
    return [
        {
            "charge": charge,
            "list": {"amount": str(before), "currency": currency},
            "net": {"amount": str(net), "currency": currency},
        }
        for charge, (before, net) in sorted(sums.items(), key=lambda each: months_of(each[0]))
    ]
