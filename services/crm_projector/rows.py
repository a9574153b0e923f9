"""The rows of one deal in the read tables: made from its state alone.

A table's columns are the keys of its rows; migrations/ declare them.
"""

from collections.abc import Mapping
from typing import Any

from contracts.values import Money
from services.crm_projector.domain.case import CaseState
from services.crm_projector.domain.deal import DealState
from services.crm_projector.domain.quote import QuoteState
from services.crm_projector.domain.revision import RevisionState
from services.crm_projector.domain.standing import standing

Row = Mapping[str, Any]
Key = tuple[str, tuple[Any, ...]]

KEYS: Mapping[str, tuple[str, ...]] = {
    "opportunity": ("deal_id",),
    "quote": ("quote_id",),
    "quote_revision": ("quote_id", "revision"),
    "approval": ("case_id",),
}
"""The projected tables, and the columns that identify a row of each."""
# A fact leaves out what is not said of these; the column is there all the same.
SOLD_BY = ("segment", "channel", "partner")


def rows_of(deal: DealState | None) -> dict[Key, Row]:
    """Return every row of the deal, by table and key; what lacks its essentials has no row yet."""
    if deal is None:
        return {}
    found: list[tuple[str, Row]] = []
    if deal.details is not None and deal.ref is not None:
        found.append(("opportunity", _opportunity(deal)))
    for quote in deal.quotes.values():
        found += [("approval", _approval(deal, quote, case)) for case in quote.cases.values()]
        if quote.number is None or quote.current is None:
            continue
        found.append(("quote", _quote(deal, quote, quote.current)))
        found += [
            ("quote_revision", _revision(deal, quote, each)) for each in quote.revisions.values()
        ]
    return {key_of(table, row): row for table, row in found}


def key_of(table: str, row: Row) -> Key:
    """Return what identifies the row."""
    return table, tuple(row[column] for column in KEYS[table])


def changed(before: Mapping[Key, Row], after: Mapping[Key, Row]) -> list[tuple[str, Row]]:
    """Return the rows to write so that `before` becomes `after`; a fold never takes a row away."""
    return [(key[0], row) for key, row in after.items() if before.get(key) != row]


def _opportunity(deal: DealState) -> Row:
    details, ref, told = deal.details, deal.ref, deal.opportunity
    if details is None or ref is None:
        return {}
    best = deal.representative
    offered = best.representative if best else None
    accepted = deal.accepted
    return {
        "deal_id": deal.deal_id,
        "crm": ref.crm,
        "record_id": ref.record_id,
        **details.model_dump(exclude={"amount"}),
        **{name: getattr(details, name) for name in SOLD_BY},
        "amount": _amount(details.amount),
        "stage_since": told.stage_since,
        "crm_outcome": told.outcome,
        "outcome": deal.outcome,
        "outcome_at": accepted.outcome_at if accepted else told.outcome_at,
        "is_disputed": deal.is_disputed,
        "lost_reason": told.lost_reason,
        "deal_status": deal.deal_status,
        "n_quotes": len(deal.quotes),
        "representative_quote_id": best.quote_id if best else None,
        "representative_revision": offered.revision if offered else None,
        "quoted_tier": offered.tier if offered else None,
        "opened_at": told.opened_at or deal.deal_opened_at,
        "first_priced_at": _first(deal, "first_priced_at"),
        "first_presented_at": _first(deal, "first_presented_at"),
        "accepted_at": accepted.outcome_at if accepted else None,
        "ordered_at": accepted.ordered_at if accepted else None,
        "changed_at": deal.changed_at,
    }


def _first(deal: DealState, name: str) -> Any:
    return min((at for each in deal.quotes.values() if (at := getattr(each, name))), default=None)


def _quote(deal: DealState, quote: QuoteState, current: RevisionState) -> Row:
    now = standing(quote, deal)
    shown = quote.representative
    return {
        "quote_id": quote.quote_id,
        "deal_id": deal.deal_id,
        "number": quote.number,
        "clone_of": quote.clone_of,
        "revision": current.revision,
        "status": now.status,
        **_figures(current),
        "valid_until": current.valid_until,
        "document_sha256": current.document_sha256,
        "presented_at": current.presented_at,
        "expires_at": current.expires_at,
        "representative_revision": shown.revision if shown else None,
        "outcome": quote.outcome,
        "outcome_at": quote.outcome_at,
        "reason_code": quote.reason_code,
        "reason": quote.reason,
        "order_id": quote.order_id,
        "drafted_at": quote.drafted_at,
        "drafted_by": quote.drafted_by,
        "first_priced_at": quote.first_priced_at,
        "first_presented_at": quote.first_presented_at,
        "waits_for": now.waits_for,
        "waits_since": now.since,
        "who_can_move_it": now.who_can_move_it,
        "movers": ", ".join(now.movers) or None,
        "waits_reason": now.reason if now.waits_for else None,
        "changed_at": quote.changed_at,
    }


def _revision(deal: DealState, quote: QuoteState, revision: RevisionState) -> Row:
    rule = revision.approved_by_rule
    return {
        "quote_id": quote.quote_id,
        "revision": revision.revision,
        "deal_id": deal.deal_id,
        "stage": revision.stage,
        "since": revision.since,
        "is_representative": quote.representative == revision,
        "tier": revision.tier,
        "region": revision.region,
        **{name: getattr(revision, name) for name in SOLD_BY},
        **_figures(revision),
        "sales_discount_percent": _percent(revision, "sales_discount_percent"),
        "margin": _amount(revision.margin),
        "margin_percent": _percent(revision, "margin_percent"),
        "valid_until": revision.valid_until,
        "approved_how": "rule" if rule else "approvers" if revision.approved_by else None,
        "approved_by_rule": rule,
        "approved_by": ", ".join(revision.approved_by) or None,
        "document_sha256": revision.document_sha256,
        "presented_at": revision.presented_at,
        "viewed_at": revision.viewed_at,
        "expires_at": revision.expires_at,
        "expired_at": revision.expired_at,
        "returned_from": revision.returned_from,
        "reason_code": revision.reason_code,
        "reason": revision.reason,
    }


def _approval(deal: DealState, quote: QuoteState, case: CaseState) -> Row:
    # The last step that mattered: the one that is due, or the one at which the case ended.
    step = next((each for each in case.steps if each.step == case.step), case.steps[-1])
    return {
        "case_id": case.case_id,
        "deal_id": deal.deal_id,
        "quote_id": quote.quote_id,
        "revision": case.revision,
        "outcome": case.outcome,
        "n_steps": len(case.steps),
        "step": case.step,
        "level": step.level,
        "approvers": ", ".join(step.approvers),
        "decided_by": ", ".join(case.decided_by) or None,
        "requested_by": case.requested_by,
        "requested_at": case.requested_at,
        "due_at": case.due_at,
        "decided_at": case.decided_at,
        "reason": case.reason,
        "rationale": "\n".join(case.rationale) or None,
        "currency": case.net.currency,
        "net": case.net.amount,
        "discount_percent": case.discount_percent.root,
    }


def _figures(revision: RevisionState) -> Row:
    """Return what one revision comes to; nothing while it is not priced."""
    return {
        "currency": revision.net.currency if revision.net else None,
        "list": _amount(revision.list),
        "net": _amount(revision.net),
        "discount_percent": _percent(revision, "discount_percent"),
    }


def _amount(money: Money | None) -> Any:
    return money.amount if money else None


def _percent(revision: RevisionState, name: str) -> Any:
    value = getattr(revision, name)
    return value.root if value is not None else None
