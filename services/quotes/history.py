"""The walk of a quote, asked of crm_projector, which keeps every fact."""

import json
from typing import Any
from urllib.parse import quote

from contracts.errors import NotFound, Unavailable
from infra.ask import Asker


def history(asker: Asker, number: str) -> list[dict[str, Any]] | None:
    """Return the quote's hops, the first one first; None, if they can not be had now."""
    try:
        body = asker.ask("crm_projector", "GET", f"/crm/quotes/{quote(number, safe='')}/history")
    except NotFound:
        return []  # the projection is a moment behind
    except Unavailable:
        return None
    found = json.loads(body)["hops"]
    return list(found)
