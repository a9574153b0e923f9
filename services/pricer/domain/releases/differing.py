"""What a version of a price book changes against another: in words, amounts and percent."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from contracts.values import EXACT, Percent, Value, share
from services.pricer.domain.asks.trace import say_number
from services.pricer.domain.books.book import FxTable, PriceBook
from services.pricer.domain.releases.rule_words import brief

Sort = Literal["added", "removed", "changed"]
SORTS: tuple[Sort, ...] = ("added", "removed", "changed")
# What a list's members are known by, in this order; others are known by their place.
NAMED_BY = ("id", "sku", "up_to", "base")
# What is told by itself, or says nothing about prices.
PASSED_OVER = {"sha256", "status", "version", "entries", "rules", "guardrails", "groups"} | {
    "categories",
    "pairs",
}
PERCENTAGES = {"percent", "markup on cost", "margin on price"}
COUNTERS = {"version", "priority"}
NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")


@dataclass(frozen=True, slots=True)
class Moved:
    """One value that is another one now; `by` and `percent` where both are numbers.

    `percent` is of what it was, for display; None where that was zero.
    """

    field: str
    was: str
    now: str
    by: Decimal | None = None
    percent: Percent | None = None

    def __str__(self) -> str:
        if self.by is None:
            return f"{self.field} {_quoted(self.was)} to {_quoted(self.now)}"
        head = f"{self.field} {self.was} to {self.now}"
        told = _signed(self.by)
        if self.field.rpartition(", ")[2] in PERCENTAGES:
            told += " points"
        if self.percent is not None:
            told += f", {_signed(self.percent.root)} %"
        return f"{head} ({told})"


@dataclass(frozen=True, slots=True)
class Change:
    """One entry, rule, guardrail or setting that was added, removed or changed."""

    sort: Sort
    what: str
    name: str
    moved: tuple[Moved, ...] = ()
    told: str = ""

    def __str__(self) -> str:
        head = f"{self.what} {self.name}".strip()
        if self.sort == "changed":
            return f"{head}: {'; '.join(map(str, self.moved))}"
        return f"{head}: {self.sort}" + (f", {self.told}" if self.told else "")

    @property
    def price_percent(self) -> Decimal | None:
        """How much a list price moved, in percent; None, if it did not or can not be said so."""
        for each in self.moved:
            if each.field.startswith("price") and each.percent is not None:
                return each.percent.root
        return None


@dataclass(frozen=True, slots=True)
class Difference:
    """All changes, in the order of the book; and what they come to."""

    changes: tuple[Change, ...]

    @property
    def counts(self) -> dict[str, dict[Sort, int]]:
        """How many of each thing were added, removed, changed."""
        found: dict[str, dict[Sort, int]] = {}
        for (what, sort), number in Counter((it.what, it.sort) for it in self.changes).items():
            found.setdefault(what, dict.fromkeys(SORTS, 0))[sort] = number
        return found

    @property
    def prices(self) -> dict[str, Any]:
        """How many list prices went up and down, and the widest of each, in percent."""
        moved = [it.price_percent for it in self.changes if it.what == "entry"]
        ups = [it for it in moved if it is not None and it > 0]
        downs = [it for it in moved if it is not None and it < 0]
        return {
            "raised": len(ups),
            "lowered": len(downs),
            "most_raised_percent": max(ups, default=None),
            "most_lowered_percent": min(downs, default=None),
        }


def difference(old: PriceBook | FxTable, new: PriceBook | FxTable) -> Difference:
    """Return what makes the new one out of the old one; of one kind, of any two versions."""
    found: list[Change] = []
    if settings := _moved(_settings(old), _settings(new)):
        found.append(Change("changed", "settings", "", settings))
    if isinstance(old, PriceBook) and isinstance(new, PriceBook):
        for what, name in (
            ("category", "categories"),
            ("entry", "entries"),
            ("group", "groups"),
            ("rule", "rules"),
            ("guardrail", "guardrails"),
        ):
            found.extend(_of(what, getattr(old, name), getattr(new, name), new.currency))
    elif isinstance(old, FxTable) and isinstance(new, FxTable):
        found.extend(_of("rate", old.pairs, new.pairs, ""))
    return Difference(tuple(found))


def moved(old: Value, new: Value, currency: str) -> tuple[Moved, ...]:
    """Return the values that differ between two versions of one thing of a book.

    A price or an effect of another kind is told whole; of the same kind, by what moved in it.
    """
    whole = next((name for name in ("price", "effect") if _other_kind(old, new, name)), None)
    if whole is None:
        return _moved(_flat(old), _flat(new))
    told = Moved(whole, brief(old, currency), brief(new, currency))
    return (told, *_moved(_flat(old, (whole,)), _flat(new, (whole,))))


def _other_kind(old: Value, new: Value, name: str) -> bool:
    was, now = old.__dict__.get(name), new.__dict__.get(name)
    return isinstance(was, Value) and type(was) is not type(now)


def _of(what: str, old: Sequence[Value], new: Sequence[Value], currency: str) -> Iterator[Change]:
    """Compare members by name; those that are equal cost one comparison."""
    doubled = _doubled(old) | _doubled(new)
    was = {_name(each, doubled): each for each in old}
    now = {_name(each, doubled): each for each in new}
    for name, each in was.items():
        if name not in now:
            yield Change("removed", what, name, told=brief(each, currency))
    for name, each in now.items():
        before = was.get(name)
        if before is None:
            yield Change("added", what, name, told=brief(each, currency))
        elif before != each:
            yield Change("changed", what, name, moved(before, each, currency))
    if list(was) != list(now) and was.keys() == now.keys() and what == "group":
        order = Moved("order", ", ".join(was), ", ".join(now))
        yield Change("changed", "groups", "", (order,))


def _doubled(members: Sequence[Value]) -> set[str]:
    """Return the parts that have several entries: by charge, by currency, by days."""
    counted = Counter(str(each.__dict__.get("sku")) for each in members)
    return {name for name, number in counted.items() if number > 1}


def _name(each: Value, doubled: set[str]) -> str:
    tree = each.__dict__
    if "base" in tree and "quote" in tree:
        return f"{tree['base']}/{tree['quote']}"
    name = str(tree.get("sku") or tree.get("id"))
    if name not in doubled:
        return name
    period = tree.get("effective")
    told = [tree.get("charge"), tree.get("currency"), period and f"from {period.first}"]
    return f"{name} ({', '.join(str(it) for it in told if it)})"


# ---- values by their place


def _settings(document: PriceBook | FxTable) -> dict[str, str]:
    return _flat(document, PASSED_OVER)


def _flat(value: Value, without: Iterable[str] = ()) -> dict[str, str]:
    tree = value.model_dump(mode="json", exclude=set(without) | {"sku"}, exclude_none=True)
    return dict(_leaves(tree, ()))


def _leaves(tree: Any, place: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if isinstance(tree, Mapping):
        for name, each in tree.items():
            yield from _leaves(each, (*place, _said(name)))
    elif isinstance(tree, list) and any(isinstance(each, dict) for each in tree):
        for number, each in enumerate(tree, 1):
            yield from _leaves(each, (*place, _known_by(each, number, len(tree))))
    elif isinstance(tree, list):
        if tree:
            yield _words(place), ", ".join(map(str, tree))
    else:
        yield _words(place), _plain(tree)


def _known_by(member: Mapping[str, Any], number: int, of: int) -> str:
    name = next((each for each in NAMED_BY if member.get(each) is not None), None)
    if name is not None:
        return f"{_said(name)} {_plain(member[name])}"
    is_last_tier = number == of and member.keys() & {"unit", "percent", "amount", "flat"}
    return "above" if is_last_tier else str(number)


def _words(place: tuple[str, ...]) -> str:
    """Name a value: a price of one amount is just the price."""
    if place[-1] == "amount" and len(place) == 2:
        return place[0]
    return ", ".join(place)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _said(name: str) -> str:
    return name.replace("_", " ")


def _number(text: str) -> Decimal | None:
    return Decimal(text) if NUMBER.fullmatch(text) else None


def _moved(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[Moved, ...]:
    return tuple(
        _one(field, old.get(field, "-"), new.get(field, "-"))
        for field in dict.fromkeys([*old, *new])
        if not _same(old.get(field), new.get(field))
    )


def _same(was: str | None, now: str | None) -> bool:
    if was is None or now is None or was == now:
        return was == now
    before, after = _number(was), _number(now)
    return before is not None and before == after


def _one(field: str, was: str, now: str) -> Moved:
    before, after = _number(was), _number(now)
    if before is None or after is None or field in COUNTERS:
        return Moved(field, was, now)
    by = EXACT.subtract(after, before)
    of_amount = before > 0 and field.rpartition(", ")[2] not in PERCENTAGES
    return Moved(field, was, now, by, share(by, before) if of_amount else None)


def _quoted(text: str) -> str:
    """Put a text of several words in quotes, so that its end is seen."""
    return f"“{text}”" if " " in text else text


def _signed(number: Decimal) -> str:
    return f"{'+' if number > 0 else ''}{say_number(number)}"
