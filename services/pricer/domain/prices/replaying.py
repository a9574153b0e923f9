"""The proof of an old price: priced again from its facts, it must be the same, byte for byte."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from pydantic import BaseModel

from contracts.pricing import QuotePriced
from contracts.quote import PricingRequested
from services.pricer.domain.asks.ask import PriceAsk, Priced, Unpriced
from services.pricer.domain.books.book import FxTable
from services.pricer.domain.books.compiled import CompiledBook
from services.pricer.domain.prices.pricing import price

PARTS = ("lines", "totals", "breaches", "internal", "fx_rate")


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of it: nothing in `differences` means the same bytes, so many of the trace."""

    differences: tuple[str, ...]
    trace_bytes: int = 0

    @property
    def is_same(self) -> bool:
        """Whether the price is the same to the last byte."""
        return not self.differences


def replay(
    asked: PricingRequested, said: QuotePriced, trace: bytes | None, versions: "Versions"
) -> Replayed:
    """Price an old ask by the book, the rates and the engine that its answer names, and compare.

    `trace` is what was kept under the hash of the answer; None, if it is not there.
    """
    found = price(PriceAsk.of(asked), versions.book, versions.fx, said.engine)
    if isinstance(found, Unpriced):
        return Replayed(tuple(f"no price: {each.message}" for each in found.problems))
    return Replayed(tuple(_differences(said, found, trace)), len(found.trace))


@dataclass(frozen=True, slots=True)
class Versions:
    """The book and the rates that an answer is pinned to."""

    book: CompiledBook
    fx: FxTable


def _differences(said: QuotePriced, found: Priced, trace: bytes | None) -> Iterator[str]:
    if found.input_sha256 != said.input_sha256:
        yield f"the input hash was {said.input_sha256[:12]} and is {found.input_sha256[:12]}"
    for name in PARTS:
        before, now = _text(getattr(said, name)), _text(getattr(found, name))
        if before != now:
            yield f"{name} differ"
    digest = sha256(found.trace).hexdigest()
    if digest != said.trace_sha256:
        yield f"the trace hash was {said.trace_sha256[:12]} and is {digest[:12]}"
    if trace is None:
        yield f"the trace {said.trace_sha256[:12]} is not kept any more"
    elif trace != found.trace:
        yield "the kept trace has other bytes"


def _text(value: BaseModel | tuple[BaseModel, ...] | None) -> list[str]:
    """Return what a fact says of it, as it is stored."""
    if value is None:
        return []
    parts = value if isinstance(value, tuple) else (value,)
    return [each.model_dump_json() for each in parts]
