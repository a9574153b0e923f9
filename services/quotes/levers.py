"""A seller's levers, asked of the pricer about a draft: target price, breaks, other quantities."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from contracts.commercial import NOTHING_ASKED
from contracts.errors import Unavailable
from contracts.pricing import DiscountAsk
from infra.ask import Asker
from services.quotes.domain.asks import Wish, ask_price, wish_again
from services.quotes.domain.errors import NotPriced
from services.quotes.domain.repricing import Repricing, repricing
from services.quotes.domain.situation import Situation

Json = dict[str, Any]
PRICED_BY = {
    "items", "account_id", "customer_tier", "region", "currency", "discounts", "day", "pins",
    "segment", "channel", "partner",
}  # fmt: skip


class Levers:
    """Asks the pricer; a draft that is not configured and priced has no levers."""

    def __init__(self, asker: Asker) -> None:
        self._asker = asker

    def target_price(self, situation: Situation, target: Mapping[str, Any]) -> Any:
        """Return the discount that hits a target.   Raises: NotPriced, Refused, Unavailable."""
        asked = {"ask": question(situation), "target": dict(target)}
        return self._told("/pricer/target-price", asked)

    def next_breaks(self, situation: Situation) -> Any:
        """Return the next break of each item.   Raises: NotPriced, Refused, Unavailable."""
        return self._told("/pricer/next-breaks", {"ask": question(situation)})

    def quantities(self, situation: Situation, item_id: str, quantities: Sequence[str]) -> Any:
        """Return what an item costs at quantities.   Raises: NotPriced, Refused, Unavailable."""
        asked = {"ask": question(situation), "item_id": item_id, "quantities": list(quantities)}
        return self._told("/pricer/quantities", asked)

    def largest_discount(self, situation: Situation) -> Any:
        """Return the largest discount on the quote that needs nobody.

        Raises: NotPriced, Refused, Unavailable.
        """
        details = situation.deal.details
        asked = {
            "ask": question(situation),
            "selling_unit": details.selling_unit,
            "owner_id": details.owner_id,
            "requested_by": situation.actor,
        }
        return self._told("/pricer/largest-discount", asked)

    def repricing(self, situation: Situation) -> Repricing:
        """Return what the newest book would change.   Raises: NotPriced, Refused, Unavailable."""
        draft = situation.quote.current
        asked = question(situation, fresh=True)
        if draft.price is None:
            raise _not_priced(situation)
        try:
            return repricing(draft.price.offer, self._told("/pricer/preview", asked))
        except (KeyError, ValueError):
            raise Unavailable("pricer does not answer with a price now") from None

    def _told(self, path: str, body: Json) -> Any:
        return json.loads(self._asker.ask("pricer", "POST", path, body))


def question(situation: Situation, *, fresh: bool = False) -> Json:
    """Return the ask for a price as it would be said now, for a stateless question.

    `fresh`: by the newest book and rates.   Raises: NotPriced; UnknownSellingUnit.
    """
    draft = situation.quote.current
    if not draft.is_configured or draft.pricing is None:
        raise _not_priced(situation)
    again = wish_again(draft, situation.actor, submit=False)
    wish = Wish(again.items, again.discounts, False, fresh, again.by, again.commercial)
    asked = ask_price(situation, draft, draft.configured, wish)
    terms = (asked.commercial or NOTHING_ASKED).terms
    return asked.model_dump(mode="json", include=PRICED_BY) | {
        "terms": [each.model_dump(mode="json") for each in terms]
    }


def discounts_of(answer: Mapping[str, Any]) -> tuple[DiscountAsk, ...]:
    """Return the discounts that hit a target.   Raises: Unavailable, if the answer has none."""
    try:
        return tuple(DiscountAsk.model_validate(each) for each in answer["discounts"])
    except (KeyError, TypeError, ValueError):
        raise Unavailable("pricer does not answer with discounts now") from None


def _not_priced(situation: Situation) -> NotPriced:
    number = situation.quote.number
    return NotPriced(f"{number} has no price yet; configure and price it first", quote=number)
