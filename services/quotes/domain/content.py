"""The content key: one hash over everything that an approval and a document are bound to."""

import json
from datetime import date
from hashlib import sha256

from contracts.quote import PricingRequested, RevisionPriced, Terms


def content_key(
    asked: PricingRequested, price: RevisionPriced, terms: Terms, valid_until: date, zone: str
) -> str:
    """Return the SHA-256 of configuration, commercial input, terms, validity and priced result.

    Canonical JSON: keys sorted, no blanks, decimals as text. Quote and revision are not part of it.
    What came later to the ask is left out where it is not said, so that older keys stay.
    """
    commercial = {"account_id", "customer_tier", "region", "currency", "discounts", "day"}
    later = {"segment", "channel", "partner"}
    content = {
        "configuration": [each.model_dump(mode="json") for each in price.offer.items],
        "commercial": asked.model_dump(mode="json", include=commercial)
        | asked.model_dump(mode="json", include=later, exclude_none=True),
        "terms": terms.model_dump(mode="json"),
        "valid_until": valid_until.isoformat(),
        "zone": zone,
        "price": {
            **price.offer.model_dump(mode="json", exclude={"items", "discounts"}),
            "engine": price.engine,
            "trace_sha256": price.trace_sha256,
            "breaches": [each.model_dump(mode="json") for each in price.breaches],
            "internal": price.internal.model_dump(mode="json"),
        },
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(text.encode()).hexdigest()
