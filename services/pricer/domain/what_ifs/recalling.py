"""Price many asks with one book: what a line comes to is worked out once for each distinct input.

The engine prices a line in a scene that notes what was looked at beside the line: how many of a
part the quote has, what else stands in the item. Another line of the same input gets the same
price, if all that was looked at is the same there. So the memory can not know less of a rule than
the engine does; what it can not watch is priced afresh.
"""

from bisect import bisect_right
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple, cast

from contracts.pricing import LineProblem
from services.pricer.domain.asks.basket import BasketLine
from services.pricer.domain.asks.scene import Scene
from services.pricer.domain.books.compiled import CompiledBook
from services.pricer.domain.books.price_models import PercentOfTotal
from services.pricer.domain.prices.pricing import Walk
from services.pricer.domain.waterfall.granted import ask_for
from services.pricer.domain.what_ifs.recalled import Found, Size, UnitFound, Words, sizes_of
from services.pricer.domain.what_ifs.watching import Query, Unwatched, WatchedScene

REMEMBERED_MAX = 400_000


@dataclass(slots=True)
class Node:
    """What was looked at next, and where each answer leads; or what it came to."""

    query: Query | None = None
    answers: "dict[Hashable, Node] | None" = None
    found: Any = None


class Memory:
    """What is known of lines under one book, and what of a context and a size it can tell apart.

    A book knows names, moments and quantities by the words that it has for them: between two
    moments that it names, it can not tell one from another.
    """

    def __init__(self, book: CompiledBook) -> None:
        self.book = book
        offers = [each for found in book.offers.values() for each in found]
        self.is_sound = not any(isinstance(each.source.price, PercentOfTotal) for each in offers)
        words = Words()
        for each in (*book.book.rules, *book.book.guardrails):
            words.collect(each)
        for offer in offers:
            words.collect(offer.entry.effective)
            words.collect(offer.source.effective)
        self.names = words.names
        self._moments = sorted(words.moments)
        self._sizes: dict[tuple[int, str | None], Size | None] = {}
        self._nodes: dict[Hashable, Node] = {}

    def __len__(self) -> int:
        """Return how many distinct inputs are known."""
        return len(self._nodes)

    def context(self, scene: Scene) -> tuple[Hashable, ...]:
        """Return what the book can tell of who asks, and when; the rates belong to it."""
        ask, named = scene.ask, self.names
        return (
            ask.customer_tier,
            ask.region,
            ask.currency,
            ask.account_id if ask.account_id in named else None,
            *(each if each in named else None for each in (ask.segment, ask.channel, ask.partner)),
            bisect_right(self._moments, scene.moment),
            scene.fx.id,
            scene.fx.version,
        )

    def sizes(self, line: BasketLine, account: str | None) -> Size | None:
        """Return how quantities are told apart for a line; None, where each is its own.

        They are told apart by ranges where the price is that of a unit, which they only choose.
        """
        if line.free or line.count <= 0:
            return None
        known = account if account in self.names else None
        place = id(line.offer), known
        if place not in self._sizes:
            self._sizes[place] = sizes_of(line.offer, self.book, known)
        return self._sizes[place]

    def find(self, key: Hashable, scene: Scene, line: BasketLine) -> Any:
        """Return what the same input came to; None, if it is not known."""
        node = self._nodes.get(key)
        while node is not None and node.found is None:
            if node.query is None or node.answers is None:
                return None
            node = node.answers.get(node.query(scene, line))
        return None if node is None else node.found

    def learn(self, key: Hashable, watched: WatchedScene, found: Any) -> None:
        """Keep what an input came to, with all that was looked at on the way."""
        if len(self._nodes) >= REMEMBERED_MAX:
            self._nodes.clear()
        node = self._nodes.setdefault(key, Node())
        for query, answer in watched.seen:
            if node.answers is None:
                node.query, node.answers = query, {}
            node = node.answers.setdefault(answer, Node())
        node.found = found


class RecallingWalk(Walk):
    """The engine's own walk of an ask; of each line it first asks the memory."""

    def __init__(self, memory: Memory, scene: Scene, problems: list[LineProblem]) -> None:
        super().__init__(scene, problems=problems)
        self.memory = memory
        self._context = memory.context(scene)
        self._keys: dict[int, Key] = {}
        self._down_at: dict[int, Decimal] = {}

    def _list(self, line: BasketLine) -> None:
        key = self._keys[line.number] = self._key(line)
        found = self._recalled("list", line, super()._list)
        if found is not None:
            run = found.give(line, self.scene)
            self.runs[line.number] = run
            self.scene.listed[line.number] = run.amount
        elif key.size and line.number in self.runs:
            # What comes next must not know the steps of a line that was priced in words.
            self.runs[line.number].steps.clear()

    def _down(self, line: BasketLine) -> None:
        if line.number in self.runs:
            found = self._recalled("down", line, super()._down)
            if found is not None:
                self.runs[line.number] = found.give(line, self.scene)
            self._down_at[line.number] = self.runs[line.number].amount

    def _second(self, line: BasketLine) -> None:
        """Hold a line against its floors again, if a discount on the quote has moved it.

        A unit price that stands on its floor after it was rounded is not below it as a line.
        """
        is_moved = self.runs[line.number].amount != self._down_at.get(line.number)
        if is_moved or line.free or not self._keys[line.number].size:
            super()._second(line)

    def _key(self, line: BasketLine) -> "Key":
        """Return everything of a line itself that its price may hang on."""
        scene, memory, item = self.scene, self.memory, line.item_id
        size = memory.sizes(line, scene.ask.account_id)
        product = scene.products[item]
        ours = scene.parameters[item] if memory.book.attributes else None
        exact = (line.quantity, line.base, line.count, line.free)
        return Key(
            size,
            (
                self._context,
                id(line.offer),
                size(line.base) if size else exact,
                line.unit,
                line.each,
                ask_for(line, scene),
                product if product in memory.names else None,
                tuple(sorted(ours.items())) if ours else None,
            ),
        )

    def _recalled(
        self, stage: str, line: BasketLine, step: Callable[[BasketLine], None]
    ) -> "Found | UnitFound | None":
        """Return what is known; None, if the step was taken, and is known from now on."""
        size, own = self._keys[line.number]
        key = (stage, own)
        found: Found | UnitFound | None = self.memory.find(key, self.scene, line)
        if found is not None:
            return found
        real = self.scene
        watched = WatchedScene(real, line, size or _itself)
        self.scene = cast("Scene", watched)
        try:
            step(line)
        except Unwatched:
            self.scene = real
            step(line)
            return None
        finally:
            self.scene = real
        real.listed.update(watched.listed.own)
        run = self.runs[line.number]
        kept = UnitFound.of(run, real) if size else Found.of(run)
        if kept is not None:
            self.memory.learn(key, watched, kept)
        return None


class Key(NamedTuple):
    """How quantities are told apart, and everything of a line that its price may hang on."""

    size: Size | None
    own: Hashable


def _itself(quantity: Decimal) -> Hashable:
    return quantity
