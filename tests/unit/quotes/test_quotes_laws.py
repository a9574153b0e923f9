"""Laws of quotes: random walks of sellers, customers, the CRM, peers and the clock never break one."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from contracts.envelope import Fact
from contracts.errors import QuotewrightError
from contracts.quote import (
    AnswerIgnored,
    ConfigurationRequested,
    DocumentRequested,
    OrderPlaced,
    PricingRequested,
    QuoteAccepted,
    QuoteExpired,
    QuotePresented,
    RevisionSubmitted,
)
from infra.work import Reminder, Work
from services.quotes.domain.content import content_key
from services.quotes.domain.evolving import fold
from services.quotes.domain.outcomes import Acceptance, accept
from services.quotes.domain.quote import Quote, Revision, stream_of_quote
from services.quotes.domain.situation import Situation
from services.quotes.domain.status import waiting
from services.quotes.domain.validity import end_of_day
from tests.unit.quotes.bench import Bench

ASKS = (ConfigurationRequested, PricingRequested, RevisionSubmitted, DocumentRequested)
UNITS = ("emea-direct", "americas-direct", "apac-partner")
PICK = st.integers(0, 1000)
MOSTLY = st.sampled_from([True, True, True, False])
SELDOM = st.sampled_from([False, False, True])


class SaidTwice(Bench):
    """Says every command twice: the second must be the outcome of the first and nothing more."""

    def run(
        self,
        handler: Callable[[Work], None],
        command_id: str | None = None,
        actor: str = "user/ann",
    ) -> list[Fact]:
        """Run a command, then again under its id."""
        said_id = command_id or f"{actor}:{self.commands}"
        first = super().run(handler, said_id, actor)
        assert super().run(handler, said_id, actor) == first
        return first


class Negotiation(RuleBasedStateMachine):
    """One deal, up to four quotes, everybody acting in any order; refusals are fine, breaches are not."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = SaidTwice()
        self.shown: dict[tuple[UUID, int], tuple[Any, ...]] = {}
        self.ended: dict[UUID, tuple[Any, int]] = {}
        self.set_once: dict[str, Reminder] = {}
        self.snapshot: list[tuple[Quote, list[Fact]]] = []

    @initialize(unit=st.sampled_from(UNITS), untouched=MOSTLY, alternatives=st.integers(0, 2))
    def open_deal(self, unit: str, untouched: bool, alternatives: int) -> None:
        self.bench.hear(self.bench.opened(self.bench.item(), selling_unit=unit))
        for _ in range(alternatives):
            self.bench.draft(self.bench.item())
        if untouched:
            for each in self.bench.deal().quotes:
                self.walk(each.quote_id)
        self.look()

    # ---- everybody acts

    def quote(self, pick: int) -> UUID | None:
        refs = self.bench.deal().quotes
        return refs[pick % len(refs)].quote_id if refs else None

    def attempt(self, pick: int, act: Callable[[UUID], object]) -> None:
        quote_id = self.quote(pick)
        if quote_id is None:
            return
        try:
            act(quote_id)
        except QuotewrightError as refused:
            assert refused.status < 500  # noqa: PT017 - a refusal is fine, a fault is not
        self.look()

    def look(self) -> None:
        found = [
            (each.quote_id, self.bench.facts(each.quote_id)) for each in self.bench.deal().quotes
        ]
        self.set_once |= self.bench.store.reminders
        self.snapshot = [(quote, facts) for _, facts in found if (quote := fold(facts))]

    @precondition(lambda self: len(self.bench.deal().quotes) < 4)
    @rule(clone=st.booleans(), pick=PICK)
    def another_quote(self, clone: bool, pick: int) -> None:
        origin = self.quote(pick)
        try:
            if clone and origin:
                self.bench.clone(origin)
            else:
                self.bench.draft(self.bench.item())
        except QuotewrightError as refused:
            assert refused.status < 500  # noqa: PT017
        self.look()

    @rule(
        pick=PICK,
        quantity=st.integers(1, 2),
        percent=st.sampled_from(["0", "5"]),
        submit=st.booleans(),
    )
    def edit(self, pick: int, quantity: int, percent: str, submit: bool) -> None:
        item, off = self.bench.item(quantity=quantity), self.bench.discount(percent)
        self.attempt(pick, lambda q: self.bench.edit(q, item, discounts=[off], submit=submit))

    @rule(pick=PICK)
    def submit(self, pick: int) -> None:
        self.attempt(pick, self.bench.submit)

    @rule(pick=PICK)
    def present(self, pick: int) -> None:
        self.attempt(pick, self.bench.present)

    @rule(pick=PICK)
    def walk_to_the_end(self, pick: int) -> None:
        self.attempt(pick, self.walk)

    @rule(pick=PICK)
    def next_revision_to_the_end(self, pick: int) -> None:
        self.attempt(pick, self.bench.revise)
        self.attempt(pick, self.walk)

    def walk(self, quote_id: UUID) -> None:
        for act in (self.bench.submit, self.bench.settle, self.bench.present):
            try:
                act(quote_id)
            except QuotewrightError as refused:
                assert refused.status < 500  # noqa: PT017

    @rule(pick=PICK)
    def revise(self, pick: int) -> None:
        self.attempt(pick, self.bench.revise)

    @rule(pick=PICK)
    def retry(self, pick: int) -> None:
        self.attempt(pick, self.bench.retry)

    @rule(pick=PICK)
    def recall(self, pick: int) -> None:
        self.attempt(pick, self.bench.recall)

    @rule(pick=PICK, sure=SELDOM)
    def withdraw(self, pick: int, sure: bool) -> None:
        if sure:
            self.attempt(pick, self.bench.withdraw)

    @rule(pick=PICK, revision=st.sampled_from([None, None, 1, 2]), right_document=MOSTLY)
    def accept(self, pick: int, revision: int | None, right_document: bool) -> None:
        changes = {} if right_document else {"document_sha256": "e" * 64}
        self.attempt(pick, lambda q: self.bench.accept(q, revision, **changes))

    @rule(pick=PICK, revision=st.integers(1, 2), sure=SELDOM)
    def decline(self, pick: int, revision: int, sure: bool) -> None:
        if sure:
            self.attempt(pick, lambda q: self.bench.decline(q, revision))

    @rule(pick=PICK, revision=st.integers(1, 2))
    def view_and_ask_for_a_change(self, pick: int, revision: int) -> None:
        self.attempt(pick, lambda q: self.bench.view(q, revision))
        self.attempt(pick, lambda q: self.bench.request_change(q, revision))

    @rule(pick=PICK, well=st.booleans(), case=st.booleans())
    def a_peer_answers(self, pick: int, well: bool, case: bool) -> None:
        self.bench.needs_approval = case
        quote_id = self.quote(pick)
        ask = self.bench.ask_of(quote_id) if quote_id else None
        if quote_id is None or ask is None:
            return
        awaiting = self.bench.quote(quote_id).current.awaiting
        assert awaiting is not None
        answer = self.bench.good_answer if well else self.bench.bad_answer
        self.bench.hear(answer(ask, awaiting.id))
        self.look()

    @rule(pick=PICK, which=PICK, well=st.booleans())
    def a_late_answer_comes(self, pick: int, which: int, well: bool) -> None:
        quote_id = self.quote(pick)
        if quote_id is None:
            return
        awaiting = self.bench.quote(quote_id).current.awaiting
        stream = self.bench.store.read(stream_of_quote(quote_id))
        old = [each for each in stream if isinstance(each.fact, ASKS)]
        old = [each for each in old if awaiting is None or each.id != awaiting.id]
        if old:
            late = old[which % len(old)]
            answer = self.bench.good_answer if well else self.bench.bad_answer
            said = self.bench.hear(answer(late.fact, late.id))
            assert [type(each) for each in said] == [AnswerIgnored]
        self.look()

    @rule(
        tier=st.sampled_from(["gold", "silver"]),
        currency=st.sampled_from(["EUR", "USD"]),
        unit=st.sampled_from((*UNITS, *UNITS, "unknown-unit")),
        book=st.integers(3, 4),
    )
    def the_crm_changes_details(self, tier: str, currency: str, unit: str, book: int) -> None:
        self.bench.book = book
        changed = self.bench.changed(customer_tier=tier, currency=currency, selling_unit=unit)
        self.bench.hear(changed)
        self.look()

    @rule(lost=SELDOM)
    def the_crm_closes(self, lost: bool) -> None:
        self.bench.hear(self.bench.lost() if lost else self.bench.won())
        self.look()

    @rule()
    def the_crm_reopens(self) -> None:
        self.bench.hear(self.bench.reopened())
        self.look()

    @rule(days=st.sampled_from([1, 20, 50, 400]))
    def time_passes(self, days: int) -> None:
        self.bench.later(days=days, minutes=1)
        # A reminder may fire after it was dropped: bring back every one that was ever set.
        self.set_once |= self.bench.store.reminders
        self.bench.store.reminders = dict(self.set_once)
        self.bench.ring_due()
        self.look()

    # ---- the laws

    @invariant()
    def a_presented_revision_never_changes(self) -> None:
        for quote, _ in self.snapshot:
            for revision in quote.revisions:
                if revision.presented:
                    key = quote.quote_id, revision.number
                    now = fixed(revision)
                    assert self.shown.setdefault(key, now) == now

    @invariant()
    def presenting_had_everything_for_the_same_content(self) -> None:
        for quote, _ in self.snapshot:
            for revision in quote.revisions:
                if revision.presented:
                    assert_bound(revision)

    @invariant()
    def a_deal_has_at_most_one_order(self) -> None:
        orders = [
            each for _, facts in self.snapshot for each in facts if isinstance(each, OrderPlaced)
        ]
        assert len(orders) <= 1
        if orders:
            assert all(quote.outcome for quote, _ in self.snapshot)
            assert all(quote.current.awaiting is None for quote, _ in self.snapshot)

    @invariant()
    def an_outcome_is_terminal(self) -> None:
        for quote, facts in self.snapshot:
            if quote.outcome is None:
                continue
            outcome, count = self.ended.setdefault(quote.quote_id, (quote.outcome, len(facts)))
            assert quote.outcome == outcome
            assert {type(each) for each in facts[count:]} <= {AnswerIgnored}

    @invariant()
    def acceptance_and_expiry_name_the_last_presented_revision_in_its_time(self) -> None:
        for _, facts in self.snapshot:
            for index, fact in enumerate(facts):
                if isinstance(fact, QuoteAccepted | QuoteExpired):
                    assert_in_its_time(facts[:index], fact)

    @invariant()
    def the_last_presented_revision_is_acceptable_while_it_is_valid(self) -> None:
        deal = self.bench.deal()
        for quote, _ in self.snapshot:
            last = quote.last_presented
            presented = last.presented if last else None
            if quote.outcome or last is None or presented is None:
                continue
            if self.bench.now >= presented.expires_at:
                continue
            assert not last.expired
            yes = Acceptance(last.number, presented.document_sha256, "a" * 64)
            moment = Situation(quote, deal, None, "anonymous", self.bench.now)
            siblings = [each for each, _ in self.snapshot if each != quote]
            assert accept(moment, siblings, yes).deal

    @invariant()
    def a_lost_deal_has_no_open_quote(self) -> None:
        closed = self.bench.deal().closed
        if closed and closed.outcome == "lost":
            assert all(quote.outcome for quote, _ in self.snapshot)

    @invariant()
    def an_open_quote_always_waits_for_an_answer_or_for_somebody(self) -> None:
        for quote, _ in self.snapshot:
            if quote.outcome is None and quote.current.awaiting is None:
                assert waiting(quote).who != "nobody"


def fixed(revision: Revision) -> tuple[Any, ...]:
    """Return what must not change: everything but looks and the passing of time."""
    return (
        revision.items,
        revision.discounts,
        revision.configured,
        revision.pricing,
        revision.price,
        revision.submission,
        revision.approval,
        revision.document,
        revision.presented,
        revision.awaiting,
        revision.etag,
    )


def assert_bound(revision: Revision) -> None:
    """Check that configuration, price, approval, document and what was presented are one content."""
    submitted, presented = revision.submission, revision.presented
    assert revision.pricing is not None
    assert revision.price is not None
    assert revision.approval is not None
    assert revision.document is not None
    assert submitted is not None
    assert presented is not None
    assert revision.configured_from == revision.items
    assert revision.price.offer.items == revision.configured
    assert revision.pricing.discounts == revision.discounts
    key = content_key(
        revision.pricing, revision.price, submitted.terms, submitted.valid_until, submitted.zone
    )
    found = {
        each.content_key for each in (submitted, revision.approval, revision.document, presented)
    }
    assert found == {key}
    assert presented.document_sha256 == revision.document.sha256
    assert presented.expires_at == end_of_day(presented.valid_until, presented.zone)


def assert_in_its_time(before: list[Fact], fact: QuoteAccepted | QuoteExpired) -> None:
    """Check an acceptance or expiry against the quote as it was then."""
    quote = fold(before)
    assert quote is not None
    assert quote.outcome is None
    last = quote.last_presented
    assert last is not None
    assert isinstance(last.presented, QuotePresented)
    assert last.number == fact.revision
    if isinstance(fact, QuoteAccepted):
        assert fact.accepted_at < last.presented.expires_at
        assert fact.document_sha256 == last.presented.document_sha256
        assert fact.content_key == last.presented.content_key
    else:
        assert fact.expires_at == last.presented.expires_at


TestNegotiation = Negotiation.TestCase
TestNegotiation.settings = settings(
    max_examples=60,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
