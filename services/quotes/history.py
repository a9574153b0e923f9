"""The walk of a quote, and whom it waits for: asked of crm_projector, which keeps every fact."""

import json
from typing import Any
from urllib.parse import quote

from contracts.errors import NotFound, QuotewrightError, Unavailable
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


def step(asker: Asker, number: str, revision: int, authorization: str) -> dict[str, Any] | None:
    """Return who can grant the step that a revision waits for, asked in its reader's name.

    None, while nobody knows: no case is open yet, or the answer can not be had now.
    """
    try:
        body = asker.ask(
            "crm_projector",
            "GET",
            f"/crm/quotes/{quote(number, safe='')}",
            headers={"authorization": authorization},
        )
    except QuotewrightError:
        return None  # the page is worth reading without it
    found = json.loads(body)
    if (found["revision"], found["waits_for"]) != (revision, "approval"):
        return None
    cases = (each for each in found["approvals"] if each["outcome"] == "pending")
    case = next((each["case_id"] for each in cases if each["revision"] == revision), None)
    if case is None:
        return None
    return {
        "who": found["who_can_move_it"],
        "movers": found["movers"],
        "reason": found["waits_reason"],
        "since": found["waits_since"],
        "case_id": case,
    }
