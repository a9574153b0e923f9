"""A realistic sample of every fact, of one fictitious deal. `sample(QuotePriced)` is for any test.

`python -m tests.contract.samples` freezes samples that have no file yet under `released/`; it never
changes a file that is there, because a released sample is what some log already holds.
"""

import json
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from contracts import approval, configuration, document, opportunity, pricing, quote
from contracts.catalogue import FACTS
from contracts.envelope import Fact, Meta
from tests.contract import example_deal as x

RELEASED = Path(__file__).parent / "released"
INDEX = RELEASED / "INDEX"
F = TypeVar("F", bound=Fact)

_ASK = f"quotes.quote/{x.QUOTE_ID}"
_DEAL = {"deal_id": x.DEAL_ID}
_CRM = {**_DEAL, "opportunity": x.OPPORTUNITY, "occurred_at": x.NOW - timedelta(seconds=2)}
_QUOTE = {**_DEAL, "quote_id": x.QUOTE_ID}
_REVISION = {**_QUOTE, "revision": 1}
_ANSWER = {**_REVISION, "answers": f"{_ASK}/2"}
_CASE = {**_REVISION, "case_id": x.CASE_ID}
_GRANT = approval.StepGrant(step=1, by="appr-regional-1", at=x.NOW, reason="Volume justifies it.")
_BODY = {"items": x.REQUESTED, "discounts": x.DISCOUNTS}
_PRICED = {"breaches": x.BREACHES, "internal": x.INTERNAL}
_PRINTED = {
    "number": x.NUMBER,
    "details": x.DETAILS,
    "offer": x.OFFER,
    "terms": x.TERMS,
    "content_key": x.CONTENT_KEY,
    "valid_until": x.VALID_UNTIL,
    "zone": x.ZONE,
}
_FILE = {
    "content_key": x.CONTENT_KEY,
    "sha256": x.DOCUMENT,
    "size_bytes": 48_211,
    "pages": 3,
    "template": x.TEMPLATE,
}
_SHOWN = {"content_key": x.CONTENT_KEY, "document_sha256": x.DOCUMENT}

BUILDERS: dict[type[Fact], dict[str, Any]] = {
    # ---- the CRM
    opportunity.OpportunityOpened: {
        **_CRM,
        "details": x.DETAILS,
        "requirements": x.REQUESTED,
        "discounts": x.DISCOUNTS,
    },
    opportunity.OpportunityDetailsChanged: {
        **_CRM,
        "details": x.DETAILS,
        "changed": ("amount", "expected_close"),
    },
    opportunity.OpportunityStageChanged: {
        **_CRM,
        "from_stage": "Proposal",
        "to_stage": "Negotiation",
    },
    opportunity.OpportunityWon: _CRM,
    opportunity.OpportunityLost: {**_CRM, "reason": "budget moved to next year"},
    opportunity.OpportunityReopened: {**_CRM, "stage": "Negotiation"},
    # ---- the deal
    quote.DealOpened: {**_DEAL, "opportunity": x.OPPORTUNITY, "details": x.DETAILS},
    quote.DealDetailsChanged: {**_DEAL, "details": x.DETAILS},
    quote.QuoteAdded: {**_QUOTE, "number": x.NUMBER},
    quote.DealClosed: {**_DEAL, "outcome": "accepted", "reason": None, "quote_id": x.QUOTE_ID},
    quote.DealReopened: {**_DEAL, "stage": "Negotiation"},
    # ---- asking
    quote.QuoteDrafted: {
        **_REVISION,
        **_BODY,
        "number": x.NUMBER,
        "details": x.DETAILS,
        "drafted_by": "user/seller-12",
        "clone_of": x.OTHER_QUOTE_ID,
    },
    quote.ConfigurationRequested: {
        **_REVISION,
        **_BODY,
        "submit": True,
        "requested_by": "user/seller-12",
    },
    quote.PricingRequested: {
        **_REVISION,
        "items": x.CONFIGURED,
        "account_id": x.DETAILS.account_id,
        "customer_tier": "gold",
        "region": "EMEA",
        "currency": "EUR",
        "discounts": x.DISCOUNTS,
        "day": x.NOW.date(),
        "pins": x.PINS,
        "submit": True,
        "requested_by": "user/seller-12",
    },
    quote.RevisionSubmitted: {
        **_REVISION,
        **_PRINTED,
        **_PRICED,
        "opportunity": x.OPPORTUNITY,
        "requested_by": "user/seller-12",
    },
    quote.DocumentRequested: {
        **_REVISION,
        **_PRINTED,
        "issued_on": x.NOW.date(),
        "brand": "example-networks",
        "language": "en",
    },
    # ---- recording
    quote.RevisionPriced: {
        **_ANSWER,
        **_PRICED,
        "offer": x.OFFER,
        "engine": "quotewright-pricer/1",
        "trace_sha256": x.digest("trace"),
    },
    quote.RevisionApproved: {
        **_ANSWER,
        "content_key": x.CONTENT_KEY,
        "by_rule": None,
        "grants": (_GRANT,),
    },
    quote.RevisionReturned: {
        **_ANSWER,
        "stage": "pricing",
        "code": "pricing.price_missing",
        "reason": "1 of 3 lines has no price",
        "who_can_move_it": "admin",
        "rejected_items": x.REJECTED,
        "problems": x.PROBLEMS,
    },
    quote.RevisionRecalled: {
        **_REVISION,
        "reason": "the seller edits an item",
        "recalled_by": "user/seller-12",
    },
    quote.DocumentAttached: {**_ANSWER, **_FILE},
    quote.AnswerIgnored: {
        **_ANSWER,
        "answer_id": f"pricer.answer/{x.QUOTE_ID}/1",
        "answer_type": "quotewright.QuotePriced",
        "reason": "the revision was asked for again",
    },
    # ---- outcomes
    quote.QuotePresented: {
        **_REVISION,
        **_SHOWN,
        "valid_until": x.VALID_UNTIL,
        "zone": x.ZONE,
        "expires_at": x.EXPIRES_AT,
        "net": x.NET,
        "presented_by": "user/seller-12",
    },
    quote.QuoteViewed: {**_REVISION, "at": x.NOW},
    quote.QuoteChangeRequested: {
        **_REVISION,
        "message": "Eight sites in the first phase, please.",
        "at": x.NOW,
    },
    quote.QuoteRevised: {
        **_QUOTE,
        **_BODY,
        "revision": 2,
        "from_revision": 1,
        "revised_by": "user/seller-12",
    },
    quote.QuoteAccepted: {
        **_REVISION,
        **_SHOWN,
        "evidence_sha256": x.digest("evidence"),
        "accepted_at": x.NOW,
    },
    quote.QuoteDeclined: {
        **_REVISION,
        "reason_code": "timing",
        "comment": "Permits come later.",
        "at": x.NOW,
    },
    quote.QuoteWithdrawn: {
        **_QUOTE,
        "reason": "another quote of the deal was accepted",
        "withdrawn_by": "service/quotes",
    },
    quote.QuoteExpired: {**_REVISION, "expires_at": x.EXPIRES_AT},
    quote.OrderPlaced: {
        **_REVISION,
        "order_id": x.ORDER_ID,
        "number": x.NUMBER,
        "lines": x.ORDER_LINES,
        "net": x.NET,
        "accepted_at": x.NOW,
    },
    # ---- the answers of the others
    configuration.ConfigurationValidated: {**_ANSWER, "items": x.CONFIGURED},
    configuration.ConfigurationRejected: {**_ANSWER, "items": x.REJECTED},
    pricing.QuotePriced: {
        **_ANSWER,
        **_PRICED,
        "book": x.BOOK,
        "fx": x.FX,
        "fx_rate": x.FX_RATE,
        "engine": "quotewright-pricer/1",
        "input_sha256": x.digest("input"),
        "trace_sha256": x.digest("trace"),
        "lines": x.LINES,
        "totals": x.TOTALS,
    },
    pricing.PricingFailed: {**_ANSWER, "problems": x.PROBLEMS, "who_can_move_it": "admin"},
    approval.ApprovalNotRequired: {
        **_ANSWER,
        "content_key": x.CONTENT_KEY,
        "policy": x.POLICY,
        "rule": "within-authority",
        "message": "a seller may grant up to 10 % while the margin is 25 % or more",
    },
    approval.DiscountApprovalRequested: {
        **_ANSWER,
        "case_id": x.CASE_ID,
        "number": x.NUMBER,
        "content_key": x.CONTENT_KEY,
        "policy": x.POLICY,
        "steps": (
            approval.ApprovalStep(
                step=1,
                level="regional-sales-director",
                approvers=("appr-regional-1", "appr-regional-2"),
                causes=(
                    approval.ApprovalCause(
                        rule="higher-discount",
                        measure="sales_discount_percent",
                        measured="12.5 %",
                        limit="10 %",
                        message="above 10 % and up to 20 % a regional sales director decides",
                    ),
                ),
            ),
        ),
        "requested_by": "user/seller-12",
        "rationale": ("volume of the first roll-out phase",),
        "net": x.NET,
        "discount_percent": "8.00",
        "due_at": x.NOW + timedelta(hours=24),
        "internal": approval.CaseInternal(margin_percent=x.MARGIN_PERCENT, margin=x.NET - x.COST),
    },
    approval.ApprovalStepGranted: {**_CASE, "grant": _GRANT, "next_step": 2},
    approval.ApprovalGranted: {
        **_CASE,
        "answers": f"{_ASK}/2",
        "content_key": x.CONTENT_KEY,
        "grants": (_GRANT,),
    },
    approval.ApprovalRejected: {
        **_CASE,
        "answers": f"{_ASK}/2",
        "step": 1,
        "by": "appr-regional-1",
        "at": x.NOW,
        "reason": "Stay at 10 %.",
    },
    approval.ApprovalRecalled: {**_CASE, "reason": "the revision was changed"},
    approval.LateDecisionRecorded: {
        **_CASE,
        "by": "appr-regional-1",
        "verdict": "approve",
        "reason": "Fine with me.",
        "at": x.NOW,
        "case_outcome": "recalled",
    },
    approval.ApprovalQuestionAsked: {
        **_CASE,
        "question_id": x.QUESTION_ID,
        "text": "Is the second phase signed?",
        "asked_by": "appr-regional-1",
        "at": x.NOW,
    },
    approval.ApprovalQuestionAnswered: {
        **_CASE,
        "question_id": x.QUESTION_ID,
        "text": "Yes, with 40 sites more.",
        "answered_by": "seller-12",
        "at": x.NOW + timedelta(hours=1),
    },
    document.QuoteDocumentRendered: {
        **_ANSWER,
        **_FILE,
        "media_type": "application/pdf",
        "language": "en",
        "renderer": "weasyprint 70.0",
    },
    document.DocumentRenderFailed: {
        **_ANSWER,
        "code": "document.brand_missing",
        "message": "the brand example-networks is not in the catalogue; publish it and ask again",
        "who_can_move_it": "admin",
    },
}


def sample(fact: type[F], **changes: Any) -> F:
    """Return the sample of a fact, with other values where given."""
    return fact.model_validate({**BUILDERS[fact], **changes})


def meta_of(fact: Fact, stream: str = f"quotes.quote/{x.QUOTE_ID}", version: int = 3) -> Meta:
    """Return full attributes of a recorded fact."""
    return Meta(
        id=f"{stream}/{version}",
        source=stream.partition(".")[0],
        type=fact.wire_type(),
        version=fact.VERSION,
        deal_id=fact.deal_id,
        subject=fact.subject(),
        time=x.NOW,
        correlation=str(fact.deal_id),
        causation=f"{stream}/{version - 1}",
        actor="user/seller-12",
        traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    )


def released() -> list[tuple[str, int, Path]]:
    """Return wire type, version and file of every frozen sample."""
    found = []
    for file in sorted(RELEASED.glob("*.json")):
        wire_type, _, version = file.stem.rpartition(".")
        found.append((wire_type, int(version), file))
    return found


def freeze() -> None:
    """Write the samples that have no file yet, and the index of all."""
    for fact in FACTS:
        file = RELEASED / f"{fact.wire_type()}.{fact.VERSION}.json"
        if not file.exists():
            text = json.dumps(sample(fact).model_dump(mode="json"), indent=2, ensure_ascii=False)
            file.write_text(text + "\n", encoding="utf-8")
    lines = [f"{sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for _, _, file in released()]
    INDEX.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    freeze()
