"""The peers of the guided page: quotes in the reader's own name, pricer and approvals in ours."""

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import quote as escaped
from uuid import UUID

from pydantic import Field, ValidationError

from contracts.errors import QuotewrightError, Refused, Unavailable
from contracts.pricing import PriceColumn, PricingPins
from contracts.values import Currency, Day, Value
from infra.ask import Asker

Json = dict[str, Any]
BUSY = frozenset({"configuring", "pricing"})
LOOK_S = 0.1
LOOKS_MAX = 15
# A line that is given away has no margin percentage; approvals takes it as losing all of its cost.
GIVEN_AWAY = Decimal(-100)


# Whose prices are asked for: what a deal says of its customer.
PRICED_FOR = ("account_id", "customer_tier", "region", "currency")


class Quotes:
    """quotes, asked and told by its HTTP API; it decides what the reader may do."""

    def __init__(self, asker: Asker, credential: str) -> None:
        self._asker = asker
        self._named = {"authorization": credential}

    def quote(self, number: str) -> Json:
        """Return a quote as its reader may see it.   Raises: NotFound, Unavailable."""
        return self._ask("GET", f"/quotes/{escaped(number, safe='')}")

    def deal(self, deal_id: UUID | str) -> Json:
        """Return a deal.   Raises: NotFound, Unavailable."""
        return self._ask("GET", f"/quotes/deals/{deal_id}")

    def draft(self, deal_id: UUID | str, key: str) -> Json:
        """Draft an empty quote; with the same key it is the same quote."""
        return self._ask("POST", f"/quotes/deals/{deal_id}/quotes", {}, {"idempotency-key": key})

    def edit(self, number: str, body: Json, etag: str, key: str) -> Json:
        """Replace items and discounts, if the quote still is what its reader saw.

        Raises: Conflict, Refused, Unavailable.
        """
        told = {"idempotency-key": key, "if-match": f'"{etag}"'}
        return self._ask("PUT", f"/quotes/{escaped(number, safe='')}/draft", body, told)

    def settled(self, number: str) -> None:
        """Wait a moment until the quote is configured and priced: who comes to it sees a price.

        The edit is stored already, so that not knowing how it goes on is no failure of it.
        """
        with suppress(QuotewrightError):
            for _ in range(LOOKS_MAX):
                if self.quote(number)["status"] not in BUSY:
                    return
                time.sleep(LOOK_S)

    def _ask(
        self, method: str, path: str, body: Any = None, told: Mapping[str, str] | None = None
    ) -> Json:
        named = {**self._named, **(told or {})}
        return dict(json.loads(self._asker.ask("quotes", method, path, body, named)))


def price(asker: Asker, ask: Json) -> Json:
    """Return the pricer's answer.   Raises: Refused, with what has no price; Unavailable.

    A draft keeps the book that it was priced with, but not where the deal's region or currency asks
    for another.
    """
    try:
        return _posted(asker, "pricer", "/pricer/preview", ask)
    except Refused:
        if not ask["pins"]:
            raise
    return _posted(asker, "pricer", "/pricer/preview", {**ask, "pins": {}})


class PriceContext(Value):
    """For whom list prices are wanted: the members of a deal that they hang on; today by default.

    `pins` are the versions that a quote keeps.
    """

    account_id: str = Field(max_length=200)
    customer_tier: str = Field(max_length=100)
    region: str = Field(max_length=100)
    currency: Currency
    day: Day | None = None
    pins: PricingPins = PricingPins()


def column(asker: Asker, skus: Sequence[str], context: PriceContext, today: date) -> PriceColumn:
    """Return the pricer's list prices of these parts.   Raises: Refused, Unavailable.

    Pins that do not fit the context are let go, as for a price.
    """
    ask = context.model_dump(mode="json") | {
        "skus": list(skus),
        "day": (context.day or today).isoformat(),
    }
    try:
        found = _posted(asker, "pricer", "/pricer/prices", ask)
    except Refused:
        if context.pins == PricingPins():
            raise
        found = _posted(asker, "pricer", "/pricer/prices", {**ask, "pins": {}})
    try:
        return PriceColumn.model_validate(found)
    except ValidationError:
        raise Unavailable("pricer does not answer with list prices now") from None


def approval(asker: Asker, details: Json, requested_by: str, priced: Json) -> Json:
    """Return who would have to approve these prices in a deal.   Raises: Refused, Unavailable.

    The answer holds no margin, but the question does: it never reaches the reader.
    """
    totals, internal = priced["totals"], priced["internal"]
    lines = {each["line"]: each for each in priced["lines"]}
    margins = [
        Decimal(each["margin_percent"])
        if Decimal(lines[each["line"]]["net_total"]["amount"])
        else GIVEN_AWAY
        for each in internal["lines"]
        if Decimal(lines[each["line"]]["list_total"]["amount"])
    ]
    worst = min(margins, default=Decimal(internal["margin_percent"]))
    breaches = [each for each in priced["breaches"] if each["action"] == "approval"]
    question = {
        "selling_unit": details["selling_unit"],
        "owner_id": details["owner_id"],
        "sales_discount_percent": totals["sales_discount_percent"],
        "margin_percent": internal["margin_percent"],
        "worst_line_margin_percent": f"{worst:f}",
        "guardrail_breaches": len(breaches),
        "net": totals["net"],
        "requested_by": requested_by,
    }
    return _posted(asker, "approvals", "/approvals/preview", question)


def _posted(asker: Asker, service: str, path: str, body: Json) -> Json:
    return dict(json.loads(asker.ask(service, "POST", path, body)))
