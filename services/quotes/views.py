"""What a quote looks like: to us, with or without internal figures, and to its customer."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from pydantic import BaseModel

from contracts.quote import PricingRequested, RevisionPriced
from contracts.values import LineQuantity, Money, Percent
from services.quotes.domain import waterfall
from services.quotes.domain.deal import Deal
from services.quotes.domain.differences import Change, Side, differences
from services.quotes.domain.quote import Quote, Revision
from services.quotes.domain.status import status_of, status_of_quote, waiting
from services.quotes.domain.undoing import Edit
from services.quotes.domain.waterfall import Bar, Steps


def deal_view(deal: Deal, quotes: list[Quote]) -> dict[str, Any]:
    """Return a deal with a line per quote."""
    return {
        "deal_id": str(deal.deal_id),
        "opportunity": _json(deal.opportunity),
        "details": _json(deal.details),
        "closed": deal.closed.outcome if deal.closed else None,
        "ordered": deal.ordered.number if deal.ordered else None,
        "quotes": [
            {"quote_id": str(each.quote_id), "number": each.number, "status": status_of_quote(each)}
            for each in quotes
        ],
    }


def quote_view(quote: Quote, *, internal: bool) -> dict[str, Any]:
    """Return the quote with its newest revision in full and a line per revision.

    `internal`: with costs and margins.
    """
    waits = waiting(quote)
    last = quote.last_presented
    return {
        "quote_id": str(quote.quote_id),
        "number": quote.number,
        "deal_id": str(quote.deal_id),
        "clone_of": str(quote.clone_of) if quote.clone_of else None,
        "status": waits.status,
        "waits_for": {"who": waits.who, "reason": waits.reason},
        "outcome_reason": quote.outcome.reason if quote.outcome else None,
        "outcome_comment": quote.outcome.comment if quote.outcome else None,
        "change_asked": last.change_asked if last and not quote.outcome else None,
        "presented_revision": last.number if last else None,
        "revisions": [_line(quote, each) for each in quote.revisions],
        "current": revision_view(quote, quote.current, internal=internal),
    }


def _line(quote: Quote, revision: Revision) -> dict[str, Any]:
    net = revision.price.offer.totals.net if revision.price else None
    presented = revision.presented
    return {
        "revision": revision.number,
        "status": status_of(quote, revision),
        "net": _json(net),
        "valid_until": presented.valid_until.isoformat() if presented else None,
    }


def revision_view(quote: Quote, revision: Revision, *, internal: bool) -> dict[str, Any]:
    """Return one revision in full; `etag` is what If-Match takes."""
    price, submitted = revision.price, revision.submission
    view = {
        "quote_id": str(quote.quote_id),
        "number": quote.number,
        "revision": revision.number,
        "status": status_of(quote, revision),
        "etag": revision.etag,
        "items": [_json(each) for each in revision.items],
        "discounts": [_json(each) for each in revision.discounts],
        "commercial": _json(revision.commercial),
        "details": _json(submitted.details if submitted else quote.drafted_details),
        "configured": [_json(each) for each in revision.configured if revision.is_configured],
        "priced_for": _priced_for(revision.pricing),
        "offer": _json(price.offer) if price else None,
        "engine": price.engine if price else None,
        "trace_sha256": price.trace_sha256 if price else None,
        "breaches": [_json(each) for each in price.breaches] if price else [],
        "terms": _json(submitted.terms) if submitted else None,
        "content_key": submitted.content_key if submitted else None,
        "valid_until": submitted.valid_until.isoformat() if submitted else None,
        "zone": submitted.zone if submitted else None,
        "approval": _json(revision.approval),
        "document": _json(revision.document),
        "returned": _json(revision.returned),
        "recalled": revision.recalled,
        "presented": _json(revision.presented),
    }
    if internal:
        view["internal"] = _json(price.internal) if price else None
    return view


def _priced_for(asked: PricingRequested | None) -> dict[str, Any]:
    """Return for whom the last ask was, and through whom it is sold; only what was said."""
    if asked is None:
        return {}
    names = ("customer_tier", "region", "segment", "channel", "partner")
    return {name: getattr(asked, name) for name in names if getattr(asked, name) is not None}


def differences_view(quote: Quote, first: int | None, last: int | None) -> dict[str, Any]:
    """Return what is otherwise in one revision than in another.

    Where none is named: the newest, against the one before.   Raises: RevisionNotFound.
    """
    to = quote.current.number if last is None else last
    from_ = max(to - 1, 1) if first is None else first
    found = differences(quote.revision(from_), quote.revision(to))
    return {
        "number": quote.number,
        "from": from_,
        "to": to,
        "net_change": _net_change(quote.revision(from_), quote.revision(to)),
        "changes": [_change(each) for each in found],
    }


def _net_change(before: Revision, after: Revision) -> dict[str, Any] | None:
    """Return by how much the net price is higher or lower; None, where that can not be said."""
    if before.price is None or after.price is None:
        return None
    old, new = before.price.offer.totals.net, after.price.offer.totals.net
    if old.currency != new.currency or old == new:
        return None
    return {"is_lower": new < old, "by": _json(old - new if new < old else new - old)}


def edit_view(edit: Edit) -> dict[str, Any]:
    """Return what a change of a draft was, as its author sees it."""
    found = differences(edit.before, edit.after)
    told = [_change(each) for each in found if each.kind in {"item", "answer", "discount", "wish"}]
    return {"number": edit.number, "changes": told}


def _change(change: Change) -> dict[str, Any]:
    return {
        "kind": change.kind,
        "of": change.of,
        "place": change.place,
        "what": change.what,
        "before": _side(change.before),
        "after": _side(change.after),
    }


def _side(side: Side | None) -> dict[str, Any] | None:
    """Return a value with its type, since a page writes numbers and days as its reader does."""
    match side:
        case None:
            return None
        case Money():
            return {"type": "money", "value": _json(side)}
        case Percent():
            return {"type": "percent", "value": _json(side)}
        case LineQuantity():
            return {"type": "number", "value": _json(side)}
        case date():
            return {"type": "day", "value": side.isoformat()}
        case str():
            return {"type": "text", "value": side}


def waterfall_view(price: RevisionPriced, steps: Steps | None) -> dict[str, Any]:
    """Return the bars from list to net price, of the whole offer and of each line."""
    offer = price.offer
    currency = offer.totals.currency
    return {
        "has_steps": steps is not None,
        "whole": _bars(waterfall.of_offer(offer, steps), currency),
        "lines": [
            {
                "line": each.line,
                "name": each.name,
                "sku": each.sku,
                "charge": each.charge,
                "bars": _bars(waterfall.of_line(each, steps), currency),
            }
            for each in offer.lines
        ],
    }


def _bars(bars: Sequence[Bar], currency: str) -> list[dict[str, Any]]:
    return [
        {
            "kind": each.kind,
            "label": each.label,
            "words": each.words,
            "note": each.note,
            "start": f"{each.start:f}",
            "end": f"{each.end:f}",
            "amount": {"amount": waterfall.plain(each.amount, currency), "currency": currency},
            "after": {"amount": waterfall.plain(each.end, currency), "currency": currency},
        }
        for each in bars
    ]


def offer_view(quote: Quote, revision: Revision) -> dict[str, Any]:
    """Return what the customer sees of a presented revision: named fields only.

    Costs, margins, price books, discount reasons and approvals are not among them.
    """
    submitted, presented = revision.submission, revision.presented
    assert submitted is not None, "presented means submitted"  # noqa: S101
    assert presented is not None, "only presented revisions are shown"  # noqa: S101
    status = status_of(quote, revision)
    return {
        "quote_id": str(quote.quote_id),
        "number": quote.number,
        "revision": revision.number,
        "status": status,
        "may_be_accepted": status == "presented",
        "change_asked": revision.change_asked,
        "customer": submitted.details.account_name,
        "subject": submitted.details.name,
        "items": [
            each.model_dump(
                mode="json",
                include={"item_id", "product", "name", "quantity", "options", "parameters"},
            )
            for each in submitted.offer.items
        ],
        "lines": [_json(each) for each in submitted.offer.lines],
        "totals": submitted.offer.totals.model_dump(
            mode="json", include={"currency", "by_charge", "list", "discount", "net", "term"}
        ),
        "terms": _json(submitted.terms),
        "valid_until": presented.valid_until.isoformat(),
        "zone": presented.zone,
        "expires_at": presented.expires_at.isoformat(),
        "document_sha256": presented.document_sha256,
    }


def _json(value: BaseModel | None) -> Any:
    return None if value is None else value.model_dump(mode="json")
