"""Walk (a): an opportunity with requirements runs to the presented offer untouched, over each bus."""

import json
from hashlib import sha256

from tests.e2e.facts import UNTOUCHED
from tests.e2e.place import Place, asked, event

class TestUntouched:
    """Nobody does anything but the CRM, which opens an opportunity."""

    def test_an_opportunity_by_webhook_becomes_a_presented_quote(self, place: Place) -> None:
        record = place.opens("city_macro")
        told = place.told(record, "Presented")
        assert place.facts(told["number"]) == UNTOUCHED
        pdf = place.seller.ask("GET", f"/documents/{told['document_sha256']}").content
        assert pdf.startswith(b"%PDF-")
        assert sha256(pdf).hexdigest() == told["document_sha256"]
