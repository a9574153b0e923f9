"""What quotes records of an answer and asks next; a stale answer is kept without effect."""

from collections.abc import Iterable

from contracts.approval import ApprovalGranted, ApprovalNotRequired, ApprovalRejected
from contracts.configuration import ConfigurationRejected, ConfigurationValidated, ConfiguredItem
from contracts.document import DocumentRenderFailed, QuoteDocumentRendered
from contracts.envelope import Fact
from contracts.pricing import PricingFailed, QuotePriced
from contracts.quote import (
    AnswerIgnored,
    DocumentAttached,
    Mover,
    PricedOffer,
    RevisionApproved,
    RevisionPriced,
    RevisionReturned,
    Stage,
)
from services.quotes.domain.asks import (
    ask_approval,
    ask_document,
    ask_price,
    asked_for,
    price_is_current,
    wish_again,
)
from services.quotes.domain.outcomes import present, presentable
from services.quotes.domain.quote import Revision, RevisionIds
from services.quotes.domain.situation import Situation, unknown_unit_words

Answer = (
    ConfigurationValidated
    | ConfigurationRejected
    | QuotePriced
    | PricingFailed
    | ApprovalNotRequired
    | ApprovalGranted
    | ApprovalRejected
    | QuoteDocumentRendered
    | DocumentRenderFailed
)

_STAGES: dict[type[Fact], Stage] = {
    ConfigurationValidated: "configuration",
    ConfigurationRejected: "configuration",
    QuotePriced: "pricing",
    PricingFailed: "pricing",
    ApprovalNotRequired: "approval",
    ApprovalGranted: "approval",
    ApprovalRejected: "approval",
    QuoteDocumentRendered: "document",
    DocumentRenderFailed: "document",
}

MAX_REASONS = 3


def record(situation: Situation, answer: Answer, answer_id: str) -> list[Fact]:
    """Record the answer, if it answers what the revision waits for, else say that it is ignored."""
    stale = _why_stale(situation, answer)
    if stale:
        ignored = AnswerIgnored(
            **_ids(answer),
            answers=answer.answers,
            answer_id=answer_id,
            answer_type=answer.wire_type(),
            reason=stale,
        )
        return [ignored]
    draft = situation.quote.current
    match answer:
        case ConfigurationValidated():
            return _validated(situation, draft, answer)
        case QuotePriced():
            return _priced(situation, draft, answer)
        case ApprovalNotRequired() | ApprovalGranted():
            return _approved(situation, draft, answer)
        case QuoteDocumentRendered():
            return _rendered(situation, answer)
        case _:
            return [_refused(answer)]


def _why_stale(situation: Situation, answer: Answer) -> str | None:
    quote = situation.quote
    if quote.outcome:
        return f"the quote is {quote.outcome.kind}"
    current = quote.current
    if answer.revision != current.number:
        return f"revision {current.number} is the current one"
    if current.awaiting is None or current.awaiting.id != answer.answers:
        return "the revision waits for another answer" if current.awaiting else "nothing is pending"
    if current.awaiting.stage != _STAGES[type(answer)]:
        return f"the revision waits for {current.awaiting.stage}"
    if isinstance(answer, ApprovalNotRequired | ApprovalGranted | QuoteDocumentRendered):
        return _why_unbound(current, answer.content_key)
    return None


def _why_unbound(current: Revision, content_key: str) -> str | None:
    submitted = current.submission
    same = submitted is not None and submitted.content_key == content_key
    return None if same else "the answer is bound to another content"


def _ids(answer: Answer) -> RevisionIds:
    return {"deal_id": answer.deal_id, "quote_id": answer.quote_id, "revision": answer.revision}


# ---- good answers


def _validated(situation: Situation, draft: Revision, answer: ConfigurationValidated) -> list[Fact]:
    if situation.unit is None:
        return [_unit_missing(situation, answer, "configuration")]
    wanted = wish_again(draft, situation.actor, submit=draft.wants_submit)
    return [ask_price(situation, draft, answer.items, wanted)]


def _priced(situation: Situation, draft: Revision, answer: QuotePriced) -> list[Fact]:
    price = RevisionPriced(
        **_ids(answer),
        answers=answer.answers,
        offer=_offer(draft.configured, draft, answer),
        engine=answer.engine,
        trace_sha256=answer.trace_sha256,
        breaches=answer.breaches,
        internal=answer.internal,
    )
    if not draft.wants_submit:
        return [price]
    if situation.unit is None:
        return [price, _unit_missing(situation, answer, "approval")]
    then = situation.after(price)
    priced = then.quote.current
    if price_is_current(then, priced):
        return [price, ask_approval(then, priced)]
    # Tier, region or day moved while the price was on its way: nobody approves an old price.
    again = wish_again(priced, situation.actor, submit=True)
    return [price, ask_price(then, priced, priced.configured, again)]


def _offer(items: tuple[ConfiguredItem, ...], draft: Revision, answer: QuotePriced) -> PricedOffer:
    return PricedOffer(
        items=items,
        lines=answer.lines,
        totals=answer.totals,
        discounts=draft.discounts,
        book=answer.book,
        fx=answer.fx,
        fx_rate=answer.fx_rate,
        commercial=asked_for(draft.commercial),
    )


def _approved(
    situation: Situation, draft: Revision, answer: ApprovalNotRequired | ApprovalGranted
) -> list[Fact]:
    approved = RevisionApproved(
        **_ids(answer),
        answers=answer.answers,
        content_key=answer.content_key,
        by_rule=answer.rule if isinstance(answer, ApprovalNotRequired) else None,
        grants=answer.grants if isinstance(answer, ApprovalGranted) else (),
    )
    if situation.unit is None or draft.submission is None:
        return [approved, _unit_missing(situation, answer, "document")]
    return [approved, ask_document(situation, draft.submission)]


def _rendered(situation: Situation, answer: QuoteDocumentRendered) -> list[Fact]:
    attached = DocumentAttached(
        **_ids(answer),
        answers=answer.answers,
        content_key=answer.content_key,
        sha256=answer.sha256,
        size_bytes=answer.size_bytes,
        pages=answer.pages,
        template=answer.template,
    )
    then = situation.after(attached)
    if situation.unit and situation.unit.auto_present and presentable(then) is None:
        return [attached, *present(then)]
    return [attached]


# ---- failures and refusals


def _refused(answer: Answer) -> RevisionReturned:
    match answer:
        case ConfigurationRejected():
            code = answer.items[0].code if answer.items else "configuration.rejected"
            reason = _words(f"{each.item_id}: {each.message}" for each in answer.items)
            returned = _returned(answer, code, reason, "seller")
            return returned.model_copy(update={"rejected_items": answer.items})
        case PricingFailed():
            code = answer.problems[0].code if answer.problems else "pricing.failed"
            reason = _words(
                f"{each.sku or each.item_id or 'quote'}: {each.message}" for each in answer.problems
            )
            returned = _returned(answer, code, reason, answer.who_can_move_it)
            return returned.model_copy(update={"problems": answer.problems})
        case ApprovalRejected():
            reason = f"{answer.by} refused step {answer.step}: {answer.reason}"
            return _returned(answer, "approval.rejected", reason, "seller")
        case DocumentRenderFailed():
            return _returned(answer, answer.code, answer.message, answer.who_can_move_it)
        case _:
            raise AssertionError(f"{answer.wire_type()} refuses nothing")


def _returned(answer: Answer, code: str, reason: str, mover: Mover) -> RevisionReturned:
    return RevisionReturned(
        **_ids(answer),
        answers=answer.answers,
        stage=_STAGES[type(answer)],
        code=code,
        reason=reason,
        who_can_move_it=mover,
    )


def _words(reasons: Iterable[str]) -> str:
    """Join the first reasons; all of them stand in the fact beside."""
    listed = list(reasons)
    more = f"; and {len(listed) - MAX_REASONS} more" if len(listed) > MAX_REASONS else ""
    return "; ".join(listed[:MAX_REASONS]) + more or "no reason given"


def _unit_missing(situation: Situation, answer: Answer, stage: Stage) -> RevisionReturned:
    words = unknown_unit_words(situation.deal.details.selling_unit)
    returned = _returned(answer, "quote.unknown_selling_unit", words, "admin")
    return returned.model_copy(update={"stage": stage})
