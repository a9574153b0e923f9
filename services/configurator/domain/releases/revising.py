"""What changed between two versions of a model, in words: for the release note and its reviewer."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from contracts.values import Value
from services.configurator.domain.language.model import (
    Attribute,
    AttributeOfComponent,
    Component,
    OfChoice,
    OfInteger,
    OfMulti,
    Option,
    PartMapping,
    ProductModel,
)
from services.configurator.domain.releases.revising_tables import Change, row_changes

# Looked at piece by piece, not as a whole.
APART = frozenset({"id", "kind", "options", "measures", "columns", "rows"})
APART_OF_COMPONENTS = frozenset({"id", "attributes", "rules", "bill_of_materials", "components"})

Attributes = Attribute | AttributeOfComponent


def changes(old: ProductModel, new: ProductModel) -> list[Change]:
    """Return every difference in the order of the newer model; none, if both say the same."""
    return [
        *_head(old, new),
        *_measures(old, new),
        *_pieces("group", old.groups, new.groups),
        *_attributes(old.attributes, new.attributes),
        *_components(old.components, new.components),
        *_pieces("parameter", old.parameters, new.parameters),
        *_pieces("rule", old.rules, new.rules),
        *_pieces("table", old.tables, new.tables),
        *_rows(old, new),
        *_pieces("budget", old.budgets, new.budgets),
        *_parts(old.bill_of_materials, new.bill_of_materials),
        *_pieces("example", old.examples, new.examples),
    ]


def _head(old: ProductModel, new: ProductModel) -> Iterator[Change]:
    fields = ("name", "description", "effective", "quantity_max")
    was = {field: getattr(old, field) for field in fields}
    now = {field: getattr(new, field) for field in fields}
    yield from _changed("the product", was, now)


def _measures(old: ProductModel, new: ProductModel) -> Iterator[Change]:
    yield from _changed("the measures:", old.measures, new.measures)


def _attributes(
    old: Sequence[Attributes], new: Sequence[Attributes], prefix: str = ""
) -> Iterator[Change]:
    was = {each.id: each for each in old}
    for attribute in new:
        before = was.get(attribute.id)
        if before is None or before.kind == attribute.kind:
            continue
        where = f"attribute '{prefix}{attribute.id}'"
        yield Change("changed", where, f"is a {attribute.kind}, was a {before.kind}")
    yield from _pieces("attribute", old, new, prefix)
    for attribute in new:
        before = was.get(attribute.id)
        if before is not None:
            yield from _options(attribute, before, f"{prefix}{attribute.id}.")


def _options(attribute: Attributes, before: Attributes, prefix: str) -> Iterator[Change]:
    now, was = _options_of(attribute), _options_of(before)
    yield from _pieces("option", was, now, prefix)
    known = {each.id: each for each in was}
    for option in now:
        if option.id in known:
            where = f"option '{prefix}{option.id}'"
            yield from _changed(where, known[option.id].measures, option.measures)


def _components(
    old: Sequence[Component], new: Sequence[Component], prefix: str = ""
) -> Iterator[Change]:
    """Yield what became of components, then of what those have that both versions know."""
    yield from _pieces("component", old, new, prefix)
    was = {each.id: each for each in old}
    for component in new:
        before = was.get(component.id)
        if before is not None:
            inside = f"{prefix}{component.id}."
            yield from _attributes(before.attributes, component.attributes, inside)
            yield from _components(before.components, component.components, inside)
            yield from _pieces("rule", before.rules, component.rules, inside)
            yield from _parts(before.bill_of_materials, component.bill_of_materials, inside)


def _options_of(attribute: Attributes) -> Sequence[Option]:
    return attribute.options if isinstance(attribute, OfChoice | OfMulti) else ()


def _rows(old: ProductModel, new: ProductModel) -> Iterator[Change]:
    was = {each.id: each for each in old.tables}
    for table in new.tables:
        if table.id in was:
            yield from row_changes(was[table.id], table)


def _parts(
    old: Iterable[PartMapping], new: Iterable[PartMapping], prefix: str = ""
) -> Iterator[Change]:
    was, now = _quantities(old), _quantities(new)
    for option, sku in [*now, *(each for each in was if each not in now)]:
        where = f"bill of materials, {prefix}{option} -> {sku}"
        before, after = was.get((option, sku)), now.get((option, sku))
        if before is None:
            yield Change("added", where, f"is new: {after}")
        elif after is None:
            yield Change("removed", where, "is gone")
        elif before != after:
            yield Change("changed", where, f"quantity is now {after}, was {before}")


def _quantities(lines: Iterable[PartMapping]) -> dict[tuple[str, str], str]:
    """Return the quantity of each part of each option; where lines repeat, all of them."""
    found: dict[tuple[str, str], str] = {}
    for each in lines:
        pair = (each.option, each.sku)
        found[pair] = f"{found[pair]} and {each.quantity}" if pair in found else each.quantity
    return found


# ---- pieces with an id


def _pieces(
    kind: str, old: Iterable[Value], new: Iterable[Value], prefix: str = ""
) -> Iterator[Change]:
    was, now = ({_id(each): each for each in pieces} for pieces in (old, new))
    for name, piece in now.items():
        where = f"{kind} '{prefix}{name}'"
        if name not in was:
            yield Change("added", where, f"is new{_said(piece)}")
        else:
            yield from _changed(where, _fields(was[name]), _fields(piece))
    for name, piece in was.items():
        if name not in now:
            yield Change("removed", f"{kind} '{prefix}{name}'", f"is gone{_said(piece)}")
    order = [name for name in now if name in was]
    if order != [name for name in was if name in now]:
        where = f"the {kind}s of '{prefix[:-1]}'" if prefix else f"the {kind}s"
        yield Change("changed", where, f"stand in another order: {', '.join(order)}")


def _id(piece: Value) -> str:
    return str(getattr(piece, "id"))  # noqa: B009 - every piece of a model has one


def _said(piece: Value) -> str:
    words = getattr(piece, "message", None) or getattr(piece, "label", None)
    if isinstance(piece, Component):
        words = "{}, {} to {}".format(words, *piece.count)
    return f": {words}" if words else ""


def _fields(piece: Value) -> dict[str, Any]:
    apart = APART_OF_COMPONENTS if isinstance(piece, Component) else APART
    found = {name: getattr(piece, name) for name in type(piece).model_fields if name not in apart}
    if isinstance(piece, Component):
        return found | {"count": "{} to {}".format(*piece.count)}
    if not isinstance(piece, OfInteger):
        return found
    return found | {"range": "{} to {}".format(*piece.range)}


def _changed(where: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Change]:
    for field in [*now, *(each for each in was if each not in now)]:
        before, after = was.get(field), now.get(field)
        name = field.replace("_", " ")
        if field not in was:
            yield Change("added", where, f"{name} is new: {_shown(after)}")
        elif field not in now:
            yield Change("removed", where, f"{name} is gone, was {_shown(before)}")
        elif before != after:
            words = f"{name} is now {_shown(after)}, was {_shown(before)}"
            yield Change("changed", where, words)


def _shown(value: object) -> str:
    match value:
        case None:
            return "not given"
        case "":
            return "a plain number"
        case ():
            return "none of them"
        case bool():
            return "yes" if value else "no"
        case Decimal():
            return f"{value.normalize():f}"
        case tuple():
            return ", ".join(map(_shown, value))
        case dict():
            return "; ".join(f"{name} {_shown(each)}" for name, each in value.items())
        case str():
            return f"'{value}'"
        case _:
            return str(value)
