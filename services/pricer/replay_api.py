"""The door of the proof: an old ask is priced again and held against what was answered."""

from typing import Annotated

from fastapi import APIRouter, Depends

from contracts.errors import NotFound
from contracts.pricing import QuotePriced
from contracts.quote import PricingRequested
from contracts.values import Pin, Value
from infra.web import Principal, allow
from infra.work import Commands
from services.pricer.books import Shelf, Shelves
from services.pricer.domain.asks.engines import ENGINES
from services.pricer.domain.prices.replaying import Replayed, Versions, replay

Prover = Annotated[Principal, Depends(allow("admin", "service"))]


class ReplayAsk(Value):
    """An ask for a price as its fact has it, and the id of that fact."""

    id: str
    asked: PricingRequested


class ReplayAnswer(Value):
    """Whether the price came out the same, byte for byte, by which versions; else what differs."""

    is_same: bool
    differences: tuple[str, ...]
    book: Pin
    fx: Pin
    engine: str
    trace_bytes: int


class NeverPriced(NotFound):
    """The ask was not answered with a price: there is nothing to prove."""

    code = "pricer.never_priced"


def routes(commands: Commands, shelves: Shelves) -> APIRouter:
    """Return the route of the proof."""
    router = APIRouter(prefix="/pricer")

    @router.post("/replays")
    def replayed(body: ReplayAsk, _prover: Prover) -> ReplayAnswer:
        """Price an old ask again by the versions of its answer; makes no fact."""
        said = _answer(commands, body)
        kept = commands.body(said.trace_sha256)
        found = replay_pinned(body.asked, said, kept.content if kept else None, shelves.now())
        return ReplayAnswer(
            is_same=found.is_same,
            differences=found.differences,
            book=said.book,
            fx=said.fx,
            engine=said.engine,
            trace_bytes=found.trace_bytes,
        )

    return router


def replay_pinned(
    asked: PricingRequested, said: QuotePriced, trace: bytes | None, shelf: Shelf
) -> Replayed:
    """Price again by exactly the versions of the answer; one that is missing is said by name.

    Retired books and those that are out of force count too: they priced it then.
    """
    missing = []
    book = shelf.compiled.get((said.book.id, said.book.version))
    if book is None or book.pin != said.book:
        missing.append(_named("price book", said.book))
    fx = shelf.tables.get((said.fx.id, said.fx.version))
    if fx is None or fx.pin != said.fx:
        missing.append(_named("FX table", said.fx))
    if said.engine not in ENGINES:
        missing.append(f"engine {said.engine} is missing")
    if missing or book is None or fx is None:
        return Replayed(tuple(missing))
    return replay(asked, said, trace, Versions(book, fx))


def _named(what: str, pin: Pin) -> str:
    return f"{what} {pin.id} version {pin.version} ({pin.sha256[:12]}) is missing"


def _answer(commands: Commands, body: ReplayAsk) -> QuotePriced:
    for each in commands.read(f"pricer.answer/{body.asked.quote_id}"):
        if isinstance(each.fact, QuotePriced) and each.fact.answers == body.id:
            return each.fact
    raise NeverPriced(f"the ask {body.id} has no price to prove", id=body.id)
