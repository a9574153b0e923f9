"""A scene that notes what a line looks at beside itself; what it can not note, it does not show."""

from collections.abc import Callable, Hashable
from decimal import Decimal
from typing import Any, NamedTuple

from services.pricer.domain.asks.ask import PriceAsk
from services.pricer.domain.asks.basket import BasketLine
from services.pricer.domain.asks.scene import Scene, Scope
from services.pricer.domain.books.compiled import Offer
from services.pricer.domain.books.rules import AmountRange, Counted
from services.pricer.domain.what_ifs.recalled import Size

# What shows the rest of the basket as it is; who looks there is priced afresh each time.
WHOLE_BASKET = frozenset({"lines", "counts", "amounts", "items", "discounts"})
Query = Callable[[Scene, BasketLine], Hashable]


class Unwatched(Exception):
    """Something looked at the whole basket."""


class WatchedAsk:
    """An ask whose basket is out of sight."""

    def __init__(self, ask: PriceAsk) -> None:
        self._ask = ask

    def __getattr__(self, name: str) -> Any:
        if name in WHOLE_BASKET:
            raise Unwatched(name)
        return getattr(self._ask, name)


class Written:
    """Amounts at list prices as a line writes down its own; those of others are out of sight."""

    def __init__(self) -> None:
        self.own: dict[int, Decimal] = {}

    def __setitem__(self, number: int, amount: Decimal) -> None:
        self.own[number] = amount

    def __getattr__(self, name: str) -> Any:
        raise Unwatched(name)

    def __getitem__(self, number: int) -> Decimal:
        raise Unwatched("listed")

    def __contains__(self, number: object) -> bool:
        raise Unwatched("listed")


class WatchedScene:
    """A scene that notes what a line looked at beside itself, with the answers."""

    def __init__(self, scene: Scene, line: BasketLine, size: Size) -> None:
        self._scene = scene
        self._line = line
        self._size = size
        self.ask = WatchedAsk(scene.ask)
        self.listed = Written()
        self.seen: list[tuple[Query, Hashable]] = []
        self._noted: set[Hashable] = set()

    def __getattr__(self, name: str) -> Any:
        if name in WHOLE_BASKET:
            raise Unwatched(name)
        return getattr(self._scene, name)

    @property
    def by_item(self) -> Any:
        """The lines of the items; note those of the line's own."""
        self._note("item", _item)
        return self._scene.by_item

    def companions(self, line: BasketLine) -> list["Companion"]:
        """Return which other parts stand in the item, and nothing else of them."""
        self._note("companions", _companions)
        return [Companion(each.offer) for each in self._scene.companions(line)]

    def counted(self, scope: Scope, counted: Counted, line: BasketLine) -> Decimal:
        """See `Scene.counted`."""
        if counted != "line":
            name, size = ("counted", scope, counted), self._size
            self._note(name, lambda scene, own: size(scene.counted(scope, counted, own)))
        return self._scene.counted(scope, counted, line)

    def amount_of(self, scope: Scope, wanted: AmountRange, line: BasketLine) -> Decimal:
        """See `Scene.amount_of`."""
        if wanted.counted != "line":
            name = ("amount", scope, wanted.counted)
            self._note(name, lambda scene, own: scene.amount_of(scope, wanted, own))
        return self._scene.amount_of(scope, wanted, line)

    def _note(self, name: Hashable, query: Query) -> None:
        if name not in self._noted:
            self._noted.add(name)
            self.seen.append((query, query(self._scene, self._line)))


class Companion(NamedTuple):
    """Another part of the same item, as far as it is watched."""

    offer: Offer


def _companions(scene: Scene, line: BasketLine) -> Hashable:
    return frozenset(id(each.offer) for each in scene.companions(line))


def _item(scene: Scene, line: BasketLine) -> Hashable:
    return tuple((each.sku, each.base) for each in scene.by_item[line.item_id])
