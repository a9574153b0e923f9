"""What the doors of sessions take and answer, and the desk behind them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Response
from pydantic import Field

from contracts.configuration import Answer, ConfiguredItem, Decision, RequestedItem
from contracts.errors import NotFound, Refused
from contracts.values import Instant, Pin, Quantity, Value
from infra.ask import Asker
from infra.work import Cause
from services.configurator import handlers
from services.configurator.domain.answers.comparing import Comparison
from services.configurator.domain.answers.hashing import Proof, ProvedOptions
from services.configurator.domain.answers.states import AttributeState
from services.configurator.domain.prices.reasons import Why
from services.configurator.domain.products.catalogue import Catalogue
from services.configurator.domain.products.decisions import DECISIONS_MAX, fits
from services.configurator.domain.products.product import Product
from services.configurator.domain.sessions import session_steps as deciding
from services.configurator.domain.sessions.moving import Newer
from services.configurator.domain.sessions.session import Change, Entry, Head, Place, Session
from services.configurator.judging import judged, newer_of, product_of
from services.configurator.peers import Quotes
from services.configurator.sessions import Decide, Sessions, session_id_of, signed

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]
Ids = Annotated[tuple[Annotated[str, Field(max_length=100)], ...], Field(max_length=DECISIONS_MAX)]
Decisions = Annotated[tuple[Decision, ...], Field(max_length=DECISIONS_MAX)]


class BeginAsk(Value):
    """What to begin with: a product, a copy of a session of one's own, or an item of a quote."""

    product: str | None = Field(default=None, min_length=1, max_length=100)
    copy_of: UUID | None = None
    deal_id: UUID | None = None
    quote: str | None = Field(default=None, min_length=1, max_length=60)
    item_id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]{1,40}$")
    name: Name | None = None
    decisions: Decisions = ()


class DecideAsk(Value):
    """Answers to give, and questions whose answers are taken back, as one step."""

    decisions: Decisions = ()
    take_back: Ids = ()


class SessionExplainAsk(Value):
    """An option that somebody wants to choose; of a multi-choice, one id."""

    attribute: str = Field(min_length=1, max_length=100)
    option: Answer


class SessionCompleteAsk(Value):
    """How many, and what the item is called."""

    item_id: str = Field(default="item", pattern=r"^[A-Za-z0-9_-]{1,40}$")
    quantity: Quantity = Quantity(1)
    label: str | None = Field(default=None, max_length=200)


class MoveAsk(Value):
    """Which answers to give up on the way to the version of the day."""

    drop: Ids = ()


class HeldDecision(Decision):
    """A decision that stands: who made it, when, and with which revision."""

    by: str
    at: Instant
    revision: int


class OfSession(Proof):
    """What every answer about a session says: which one, as it was when, and what proves it."""

    session_id: UUID
    revision: int
    model: Pin
    exact: bool


class SessionAnswer(OfSession):
    """A session: what stands, what can be undone, and every option judged.

    `newer`: the version of the day is another one, and this is what it makes of the decisions.
    `left_out`: answers of the item it began with that the model does not know any more.
    """

    product: str
    name: str | None
    place: Place
    copied_from: UUID | None
    begun_at: Instant
    submitted: Place | None
    can_undo: bool
    can_redo: bool
    decisions: tuple[HeldDecision, ...]
    newer: Newer | None
    left_out: tuple[str, ...] = ()
    options: ProvedOptions


class ChangedOptions(OfSession):
    """The questions judged otherwise than at revision `since`; all, if that is not known."""

    since: int | None
    valid: bool
    complete: bool
    open_questions: tuple[str, ...]
    attributes: tuple[AttributeState, ...]


class SessionWhy(OfSession):
    """Why an option of a session can not be chosen."""

    why: Why


class SessionItem(OfSession):
    """A session completed to a valid configuration."""

    item: ConfiguredItem


class SessionComparison(Value):
    """Two sessions compared, each with what proves it."""

    left: OfSession
    right: OfSession
    comparison: Comparison


class NothingToBeginWith(Refused):
    """A session begins with one of: a product, a session to copy, an item of a quote."""

    code = "configuration.nothing_to_begin_with"


class NoSuchItem(NotFound):
    """The quote does not hold this item, or no longer."""

    code = "configuration.no_such_item"


@dataclass(frozen=True, slots=True)
class Touch:
    """Who touches which session, under which command, having seen what; and the answer's head."""

    session_id: UUID
    owner: str
    cause: Cause
    seen: str | None
    response: Response

    @property
    def day(self) -> date:
        """The day (UTC) whose rules answer."""
        return handlers.day_of(self.cause.now)


@dataclass(frozen=True, slots=True)
class SessionDesk:
    """Sessions, and the models that judge them."""

    sessions: Sessions
    catalogue: Catalogue
    asker: Asker

    def begin(self, ask: BeginAsk, touch: Touch, reader: str) -> SessionAnswer:
        """Begin a session; `reader` is the credential by which quotes is asked for an item.

        Raises: NothingToBeginWith, NoSuchSession, NoSuchItem, DecisionsRefused, TooManySessions.
        """
        cause = touch.cause
        head, product, decisions = self._beginning(ask, touch, reader)
        kept = [each for each in decisions if fits(product, each)]
        begun = deciding.begin(product, [*kept, *ask.decisions], signed(cause))
        found = self.sessions.begin(cause, head, begun)
        gone = tuple(each.attribute for each in decisions if each not in kept)
        return self.answer(found, touch).model_copy(update={"left_out": gone})

    def _beginning(
        self, ask: BeginAsk, touch: Touch, reader: str
    ) -> tuple[Head, Product, Sequence[Decision]]:
        """Return what a session begins with: of a product, of another session, of an item."""
        day = touch.day
        place = Place(deal_id=ask.deal_id, quote=ask.quote, item_id=ask.item_id)
        decisions: Sequence[Decision] = ()
        name = ask.name
        if ask.copy_of is not None:
            source = self.sessions.of(ask.copy_of, touch.owner)
            product, decisions = product_of(self.catalogue, source, day), source.decisions
            name = name or source.head.name
            place = source.head.place if place == Place() else place
        elif ask.quote is not None and ask.item_id is not None:
            item, deal_id = self._item(ask.quote, ask.item_id, reader)
            product, decisions = self.catalogue.product(item.product, day), item.decisions
            name = name or item.label
            place = Place(deal_id=deal_id, quote=ask.quote, item_id=ask.item_id)
        elif ask.product is not None:
            product = self.catalogue.product(ask.product, day)
        else:
            raise NothingToBeginWith(
                "name a product, a session to copy (copy_of), or an item (quote and item_id)",
                field="product",
            )
        head = Head(
            session_id=session_id_of(touch.cause.command_id),
            owner=touch.owner,
            product=product.model.id,
            name=name,
            place=place,
            copied_from=ask.copy_of,
            begun_at=touch.cause.now,
        )
        return head, product, decisions

    def _item(self, quote: str, item_id: str, reader: str) -> tuple[RequestedItem, UUID]:
        """Return an item of a quote as its reader may see it, and the deal."""
        found = Quotes(self.asker, reader).quote(quote)
        for each in found["current"]["items"]:
            if each["item_id"] == item_id:
                return RequestedItem.model_validate(each), UUID(found["deal_id"])
        raise NoSuchItem(f"{found['number']} has no item {item_id}", quote=found["number"])

    def decide(self, touch: Touch, changes: Sequence[Change]) -> SessionAnswer:
        """Append a step and answer with what follows."""

        def decided(session: Session) -> Entry | None:
            product = product_of(self.catalogue, session, touch.day)
            return deciding.decide(session, product, changes, signed(touch.cause))

        return self.change(touch, decided)

    def change(self, touch: Touch, decide: Decide) -> SessionAnswer:
        """Append what is decided and answer with what follows."""
        whose = (touch.session_id, touch.owner)
        return self.answer(self.sessions.change(touch.cause, whose, decide, touch.seen), touch)

    def answer(self, session: Session, touch: Touch) -> SessionAnswer:
        """Return the session in full; its revision is the entity tag."""
        touch.response.headers["etag"] = f'"{session.revision}"'
        head, over = session.head, session.submitted
        return SessionAnswer(
            **self.proved(session, touch.day),
            product=head.product,
            name=head.name,
            place=head.place,
            copied_from=head.copied_from,
            begun_at=head.begun_at,
            submitted=Place(quote=over.quote, item_id=over.item_id) if over else None,
            can_undo=session.can_undo,
            can_redo=session.can_redo,
            decisions=tuple(
                HeldDecision(**dict(each.decision), by=each.by, at=each.at, revision=each.revision)
                for each in session.held
            ),
            newer=newer_of(self.catalogue, session, touch.day),
            options=self._judged(session, touch.day),
        )

    def changed(self, session: Session, since: int, day: date) -> ChangedOptions:
        """Return what is judged otherwise than at a revision of the same version of the model."""
        now = self._judged(session, day)
        before = session.at(since) if 1 <= since <= session.revision else None
        same: frozenset[Any] = frozenset()
        if before is not None and before.model == session.model:
            same = frozenset(self._judged(before, day).attributes)
        return ChangedOptions(
            **self.proved(session, day),
            since=since if same else None,
            valid=now.valid,
            complete=now.complete,
            open_questions=now.open_questions,
            attributes=tuple(each for each in now.attributes if each not in same),
        )

    def proved(self, session: Session, day: date) -> dict[str, Any]:
        """Return the members of `OfSession`, by the rules of the day."""
        found = self._judged(session, day)
        proof = {name: getattr(found, name) for name in (*Proof.model_fields, "model", "exact")}
        return {**proof, "session_id": session.head.session_id, "revision": session.revision}

    def _judged(self, session: Session, day: date) -> ProvedOptions:
        return judged(product_of(self.catalogue, session, day), session.decisions)
