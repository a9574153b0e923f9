"""The page of a quote: what it shows, to whom, and what can be done on it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Request
from starlette.responses import Response, StreamingResponse

from contracts import places
from contracts.envelope import Fact
from contracts.errors import Conflict, QuotewrightError, Refused, Unavailable
from contracts.quote import RevisionPriced
from infra.auth import Principal
from infra.live import Live
from infra.pages import FormInvalid, Pages, credential, filled, form, see
from infra.work import Commands
from services.quotes import words
from services.quotes.api.doorway import (
    Doorway,
    ReasonBody,
    deal_of,
    facts_of,
    folded,
    quote_id_of,
    quote_of,
)
from services.quotes.api.reading import side_by_side
from services.quotes.api.sellers import INSIDERS
from services.quotes.domain.errors import NotPriced
from services.quotes.domain.quote import Quote, stream_of_quote
from services.quotes.domain.status import status_of_quote
from services.quotes.domain.undoing import last_edit
from services.quotes.history import history, step
from services.quotes.pages import charts
from services.quotes.pages.editing import is_percentage
from services.quotes.traces import Traces
from services.quotes.views import differences_view, edit_view, quote_view, waterfall_view

# What can be done in which status, as far as a page offers it; the domain has the last word.
MOVES: Mapping[str, frozenset[str]] = {
    "draft": frozenset({"edit", "withdraw", "clone"}),
    "configuring": frozenset({"edit", "retry", "withdraw"}),
    "pricing": frozenset({"edit", "retry", "withdraw"}),
    "priced": frozenset({"submit", "edit", "withdraw", "clone"}),
    "in_approval": frozenset({"recall", "withdraw", "clone"}),
    "approved": frozenset({"recall", "withdraw", "clone"}),
    "ready": frozenset({"present", "recall", "withdraw", "clone"}),
    "returned": frozenset({"edit", "withdraw", "clone"}),
    "presented": frozenset({"revise", "withdraw", "clone"}),
    "expired": frozenset({"revise", "withdraw", "clone"}),
}
OVER = frozenset({"clone"})
Between = tuple[int | None, int | None]
NEWEST: Between = (None, None)
SELLERS = frozenset({"seller", "admin"})
CLOSERS = SELLERS | {"manager"}
# So many lines are drawn one by one on the quote's page; more have a page of their own.
LINES_MAX = 10
# Tables of more differences are folded.
FOLDED_FROM = 12
SAID = (Refused, Conflict, Unavailable)


def moves(status: str, roles: frozenset[str]) -> frozenset[str]:
    """Return what somebody with these roles is offered to do."""
    found = MOVES.get(status, OVER)
    if roles & SELLERS:
        return found
    return found & {"withdraw"} if roles & CLOSERS else frozenset()


class QuotePages:
    """Draws quotes, and says beside them why something could not be done."""

    def __init__(self, commands: Commands, doorway: Doorway, pages: Pages, live: Live) -> None:
        self.commands = commands
        self._doorway = doorway
        self._pages = pages
        self._live = live
        self._traces = Traces(doorway.asker)

    def show(
        self, request: Request, quote: str, caller: Principal, between: Between = NEWEST
    ) -> Response:
        """Draw the page of a quote, with the differences between two revisions."""
        told = self._told(request, quote, caller, between)
        return self._pages.show(request, "quote.html", 200, **told)

    def lines(self, request: Request, quote: str, n: int, caller: Principal) -> Response:
        """Draw every line of a revision from its list price to its net price."""
        found = quote_of(self.commands, quote)
        price = found.revision(n).price
        if price is None:
            raise NotPriced(f"revision {n} of {found.number} has no price", quote=found.number)
        prices = self._waterfall(price, caller)
        told = {"number": found.number, "revision": n, "prices": prices, "charts": charts}
        return self._pages.show(request, "lines.html", 200, **told)

    def must_confirm(self, request: Request, quote: str, caller: Principal) -> bool:
        """Say whether a form asks for the first time for what is for good, and could have it."""
        status = status_of_quote(quote_of(self.commands, quote))
        try:
            filled(ReasonBody, form(request))
        except FormInvalid:
            return False
        return "sure" not in form(request) and "withdraw" in moves(status, caller.roles)

    def confirm(self, request: Request, quote: str, reason: str) -> Response:
        """Ask once more before a quote is withdrawn."""
        number = quote_of(self.commands, quote).number
        return self._pages.show(request, "withdraw.html", 200, number=number, reason=reason)

    def compare(self, request: Request, deal_id: UUID) -> Response:
        """Draw all quotes of a deal side by side."""
        told = side_by_side(self.commands, deal_id)
        return self._pages.show(request, "compare.html", 200, it=told)

    def compare_stream(self, request: Request, deal_id: UUID) -> StreamingResponse:
        """Send the quotes of a deal anew whenever one of them changes.   Raises: DealNotFound."""
        deal_of(self.commands, deal_id)

        def draw() -> str:
            told = side_by_side(self.commands, deal_id)
            return self._pages.draw(request, "compare_body.html", it=told)

        return self._live.stream(request, {str(deal_id)}, draw)

    def _waterfall(self, price: RevisionPriced, caller: Principal) -> dict[str, Any]:
        steps = self._traces.steps(price, internal=bool(INSIDERS & caller.roles))
        return waterfall_view(price, steps)

    def stream(
        self, request: Request, quote: str, caller: Principal, between: Between = NEWEST
    ) -> StreamingResponse:
        """Send the page's body anew whenever it changes."""
        found = quote_of(self.commands, quote)

        # One for as long as the page is open: drawn anew it is the same, unless the quote is not.
        once = request.app.state.new_id()

        def draw() -> str:
            told = self._told(request, str(found.quote_id), caller, between)
            return self._pages.draw(request, "quote_body.html", **{**told, "once": once})

        return self._live.stream(request, {str(found.deal_id)}, draw)

    def move(
        self, request: Request, quote: str, caller: Principal, act: Callable[[UUID], object]
    ) -> Response:
        """Do something to a quote, and send its reader back to it."""
        quote_id = quote_id_of(self.commands, quote)
        try:
            act(quote_id)
        except SAID as fault:
            told = {
                **self._told(request, str(quote_id), caller, NEWEST),
                **_refused(request, fault),
            }
            return self._pages.show(request, "quote.html", fault.status, **told)
        return see(places.quote(quote_of(self.commands, str(quote_id)).number))

    def _told(
        self, request: Request, quote: str, caller: Principal, between: Between
    ) -> dict[str, Any]:
        facts = facts_of(self.commands, quote)
        found = folded(quote, facts)
        view = quote_view(found, internal=bool(INSIDERS & caller.roles))
        last = view["presented_revision"]
        path = self._doorway.links.path(found.quote_id, last) if last else None
        price = found.current.price
        whole = [
            each.model_dump(mode="json") for each in found.current.discounts if is_percentage(each)
        ]
        return {
            "quote": view,
            "moves": moves(view["status"], caller.roles),
            "link": path if caller.roles & CLOSERS else None,
            "draft_pdf": view["current"]["offer"] is not None,
            "discount": whole[0] if whole else {"percent": "", "rationale": ""},
            "hops": history(self._doorway.asker, found.number),
            "said": _said(found, facts),
            "step": self._step(request, view),
            "changed": _changed(found, facts, caller),
            "n_quotes": len(deal_of(self.commands, found.deal_id).quotes),
            "prices": self._waterfall(price, caller) if price else None,
            "charts": charts,
            "LINES_MAX": LINES_MAX,
            "FOLDED_FROM": FOLDED_FROM,
            "different": differences_view(found, *between),
            "between": urlencode(_chosen(between)),
            "fault": None,
            "values": {},
            "errors": {},
        }

    def _step(self, request: Request, view: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return who can grant what the quote waits for; only while it is in approval."""
        if view["status"] != "in_approval":
            return None
        revision = view["current"]["revision"]
        return step(self._doorway.asker, view["number"], revision, credential(request))


def _changed(quote: Quote, facts: Sequence[Fact], caller: Principal) -> dict[str, Any] | None:
    """Return the reader's own last change of the draft, while it can be undone."""
    if "edit" not in moves(status_of_quote(quote), caller.roles):
        return None
    edit = last_edit(facts)
    return edit_view(edit) if edit and edit.by == caller.actor else None


def _said(quote: Quote, facts: Sequence[Fact]) -> dict[str, str]:
    """Return what people said with the facts of a quote, by the ids of these."""
    told = ((number, words.said(fact)) for number, fact in enumerate(facts, start=1))
    stream = stream_of_quote(quote.quote_id)
    return {f"{stream}/{number}": text for number, text in told if text}


def _chosen(between: Between) -> dict[str, int]:
    """Return which revisions were chosen, as the page's address says it."""
    named = zip(("from", "to"), between, strict=True)
    return {name: number for name, number in named if number is not None}


def _refused(request: Request, fault: QuotewrightError) -> dict[str, Any]:
    """Return what a page shows beside itself after a refusal: why, and what was typed."""
    errors = fault.errors if isinstance(fault, FormInvalid) else {}
    return {"fault": fault, "values": form(request), "errors": errors}
