"""What is otherwise in one revision than in another: items, discounts, prices, validity, terms."""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeVar, get_args

from contracts.configuration import ConfiguredItem, RequestedItem
from contracts.pricing import ChargeTotal, PricedLine, Totals
from contracts.values import LineQuantity, Money, Percent
from services.quotes.domain.quote import Revision

Side = str | LineQuantity | Money | Percent | date
Kind = Literal["item", "answer", "parameter", "discount", "total", "line", "validity", "term"]
T = TypeVar("T")

WHOLE = "Whole offer"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is otherwise. A side is None where there is no such thing.

    `key` is its lasting name, `place` and `what` are words: of which item or line, and what of it.
    """

    kind: Kind
    key: tuple[str, ...]
    place: str
    what: str
    before: Side | None
    after: Side | None

    @property
    def of(self) -> str:
        """Of which thing it is a change, as one word: an answer, a discount, a total, a line."""
        own = self.key if self.kind in {"answer", "parameter", "term"} else self.key[:-1]
        return "/".join(own)


@dataclass(frozen=True, slots=True)
class _Found:
    """What a revision says of one thing, under the words of its own time."""

    place: str
    what: str
    value: Side


_Sheet = Mapping[tuple[Kind, tuple[str, ...]], _Found]


def differences(before: Revision, after: Revision) -> tuple[Change, ...]:
    """Return what is otherwise, in the order of `after`, what is gone last within its kind.

    Nothing, between a revision and itself; the way back is the mirror of the way there.
    """
    shared = _Shared(
        are_configured=before.is_configured and after.is_configured,
        are_submitted=before.submission is not None and after.submission is not None,
        items=_item_ids(before) & _item_ids(after),
        lines=_lines(before).keys() & _lines(after).keys(),
    )
    sheets = [dict(_sheet(each, shared)) for each in (before, after)]
    return tuple(sorted(_compared(*sheets), key=lambda each: KINDS.index(each.kind)))


KINDS: tuple[Kind, ...] = get_args(Kind)
_LineKey = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class _Shared:
    """What both revisions have; of what only one has, it is enough to say that it has it.

    Terms and validity are set as a revision is sent to approval; before that there are none.
    """

    are_configured: bool
    are_submitted: bool
    items: AbstractSet[str]
    lines: AbstractSet[_LineKey]


def _item_ids(revision: Revision) -> AbstractSet[str]:
    return {each.item_id for each in revision.items}


def _lines(revision: Revision) -> Mapping[_LineKey, PricedLine]:
    lines = revision.price.offer.lines if revision.price else ()
    named = _numbered(((each.item_id, each.sku, each.charge), each) for each in lines)
    return {(*name, str(at)): line for (name, at), line in named}


def _compared(before: _Sheet, after: _Sheet) -> Iterable[Change]:
    gone = [name for name in before if name not in after]
    for name in (*after, *gone):
        old, new = before.get(name), after.get(name)
        if old is not None and new is not None and old.value == new.value:
            continue
        yield Change(
            *name,
            place=_agreed([each.place for each in (old, new) if each], name[1][0]),
            what=_agreed([each.what for each in (old, new) if each], name[1][-1]),
            before=old.value if old else None,
            after=new.value if new else None,
        )


def _agreed(words: list[str], otherwise: str) -> str:
    """Return the words that both sides use; where they do not agree, the lasting name."""
    return words[0] if len(set(words)) == 1 else otherwise


_Sheets = Iterable[tuple[tuple[Kind, tuple[str, ...]], _Found]]


def _sheet(revision: Revision, shared: _Shared) -> _Sheets:
    """Give everything that a revision says, each under its kind and lasting name."""
    known = revision.configured if shared.are_configured else ()
    configured = {each.item_id: each for each in known}
    names = {each.item_id: _name(each, configured) for each in revision.items}
    for item in revision.items:
        place = names[item.item_id]
        yield ("item", (item.item_id, "quantity")), _Found(place, "Quantity", item.quantity)
        if item.item_id in shared.items:
            yield ("item", (item.item_id, "product")), _Found(place, "Product", item.product)
            yield from (
                _answers(configured[item.item_id], place)
                if shared.are_configured
                else _decisions(item, place)
            )
    yield from _discounts(revision, names)
    yield from _totals(revision)
    for key, line in _lines(revision).items():
        yield from _line(line, key, is_shared=key in shared.lines)
    if shared.are_submitted:
        yield from _commercial(revision)


def _name(item: RequestedItem, configured: Mapping[str, ConfiguredItem]) -> str:
    known = configured.get(item.item_id)
    return item.label or (known.name if known else item.product)


def _answers(item: ConfiguredItem, place: str) -> _Sheets:
    for (name, at), option in _numbered((each.attribute, each) for each in item.options):
        found = _Found(place, option.label, option.value)
        yield ("answer", (item.item_id, str(at), name)), found
    for each in item.parameters:
        value = f"{each.value} {each.unit}" if each.unit else f"{each.value}"
        yield ("parameter", (item.item_id, each.name)), _Found(place, each.label, value)


def _decisions(item: RequestedItem, place: str) -> _Sheets:
    for (name, at), each in _numbered((each.attribute, each) for each in item.decisions):
        value = ", ".join(each.value) if isinstance(each.value, tuple) else f"{each.value}"
        yield ("answer", (item.item_id, str(at), name)), _Found(place, name, value)


def _discounts(revision: Revision, names: Mapping[str, str]) -> _Sheets:
    for (item_id, at), each in _numbered((each.item_id, each) for each in revision.discounts):
        place = WHOLE if item_id is None else names.get(item_id, item_id)
        key = (place if item_id is None else item_id, str(at))
        yield ("discount", (*key, "percent")), _Found(place, "Discount", each.percent)
        yield ("discount", (*key, "rationale")), _Found(place, "Reason", each.rationale)


def _totals(revision: Revision) -> _Sheets:
    if revision.price is None:
        return
    totals = revision.price.offer.totals
    yield from _amounts(totals, WHOLE)
    for each in totals.by_charge:
        yield from _amounts(each, each.charge)


def _amounts(total: Totals | ChargeTotal, place: str) -> _Sheets:
    for name, value in (("List", total.list), ("Discount", total.discount), ("Net", total.net)):
        yield ("total", (place, name)), _Found(place, name, value)


def _line(line: PricedLine, key: _LineKey, *, is_shared: bool) -> _Sheets:
    figures: tuple[tuple[str, str, Side], ...] = (
        ("net_total", "Net", line.net_total),
        ("quantity", "Quantity", line.quantity),
        ("list_unit", "List each", line.list_unit),
        ("net_unit", "Net each", line.net_unit),
        ("list_total", "List", line.list_total),
        ("discount", "Discount", line.discount),
    )
    for name, label, value in figures if is_shared else figures[:1]:
        yield ("line", (*key, name)), _Found(line.name, label, value)


def _commercial(revision: Revision) -> _Sheets:
    submitted = revision.submission
    if submitted is None:
        return
    until = submitted.valid_until
    yield ("validity", (WHOLE, "valid_until")), _Found(WHOLE, "Valid until", until)
    for name in ("payment", "delivery", "warranty", "incoterm"):
        text: str = getattr(submitted.terms, name)
        yield ("term", (WHOLE, name)), _Found(WHOLE, name.capitalize(), text)


H = TypeVar("H", bound=Hashable)


def _numbered(named: Iterable[tuple[H, T]]) -> Iterable[tuple[tuple[H, int], T]]:
    """Number what has the same name, so that each has a name of its own."""
    seen: Counter[H] = Counter()
    for name, each in named:
        seen[name] += 1
        yield (name, seen[name]), each
