"""Rules that leave a price to luck, or that never have a say: ties, and rules in another's shadow.

Only rules that can meet are compared: those of one group that name the same part, category or
account, or none.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import combinations
from typing import Any, NamedTuple

from contracts.values import Period
from services.pricer.domain.books.rules import (
    Condition,
    PercentOff,
    QuantityBreaks,
    Rule,
    StackingGroup,
)
from services.pricer.domain.lint.lint_known import Found, Known
from services.pricer.domain.waterfall.matching import rank

# What two conditions may name; they can not both hold, where both do and share nothing.
NAMED = (
    "tiers",
    "regions",
    "accounts",
    "segments",
    "channels",
    "partners",
    "currencies",
    "products",
    "charges",
)
ALIKE = (
    "alongside_skus",
    "alongside_categories",
    "attributes",
    "together",
    "quantity",
    "amount",
    "between",
)


# What is better by amount nobody knows beforehand; only what stands alone beats it.
UNKNOWN = (0, Decimal("Infinity"))


def lint_ties(known: Known) -> Iterable[Found]:
    """Find rules of one group of which one must win, and nothing says which.   Raises: Spent."""
    told: set[tuple[str, str]] = set()
    for group, rules in _groups(known):
        one_wins = group.select in {"most_specific", "highest_priority"}
        competing = [each for each in rules if one_wins or each.exclusive]
        for left, right in _meeting(group, competing, known):
            if (left.id, right.id) not in told and _both_hold(left.when, right.when):
                told.add((left.id, right.id))
                text = f"ties with {right.id} in group {group.id}; give one a higher priority"
                if left.exclusive:
                    text = f"and {right.id} each stand alone in group {group.id}"
                    text = f"{text}; give one a higher priority"
                yield f"rules.{left.id}", f"{text} or a narrower condition"


def lint_shadows(known: Known) -> Iterable[Found]:
    """Find rules that another one always beats.   Raises: Spent."""
    for group, rules in _groups(known):
        places: dict[tuple[str | None, str], list[_Ranked]] = {}
        ranked = [_Ranked(_rank(group, it), frozenset(_keys(it)), it) for it in rules]
        for each in sorted(ranked, key=lambda it: it.rank, reverse=True):
            if each.rank == UNKNOWN:
                continue
            for account in each.rule.when.accounts or (None,):
                for key in each.keys:
                    places.setdefault((account, key), []).append(each)
        for each in ranked:
            above = _above(each, places, known)
            if above is not None:
                text = f"never applies: {above.id} in group {group.id} covers all that it covers"
                best = group.select == "best_for_customer" and not above.exclusive
                mend = "let it take more off" if best else "raise its priority"
                yield f"rules.{each.rule.id}", f"{text}, and wins; drop it or {mend}"


class _Ranked(NamedTuple):
    """A rule with what is asked of it again and again."""

    rank: tuple[Decimal | int, ...]
    keys: frozenset[str]
    rule: Rule


def _groups(known: Known) -> Iterator[tuple[StackingGroup, list[Rule]]]:
    """Give the groups with their rules."""
    by_group: dict[str, list[Rule]] = {}
    for rule in known.book.rules:
        by_group.setdefault(rule.group, []).append(rule)
    for group in known.book.groups:
        yield group, by_group.get(group.id, [])


def _rank(group: StackingGroup, rule: Rule) -> tuple[Decimal | int, ...]:
    """Order the rules of a group by who wins; those of one rank do not beat each other.

    An exclusive rule beats all others, whatever the group selects by; between two of them the
    priority decides.
    """
    if rule.exclusive:
        return 1, rule.priority
    match group.select:
        case "most_specific":
            return 0, *rank(rule)
        case "highest_priority":
            return 0, rule.priority
        case "best_for_customer":
            effect = rule.effect
            if isinstance(effect, PercentOff) and effect.round is None:
                return 0, effect.percent.root
            return UNKNOWN
    return (0,)


def _keys(rule: Rule) -> list[str]:
    keys = [f"sku:{each}" for each in rule.when.skus]
    keys += [f"category:{each}" for each in rule.when.categories]
    return keys or ["any"]


def _meeting(
    group: StackingGroup, rules: Sequence[Rule], known: Known
) -> Iterator[tuple[Rule, Rule]]:
    """Give pairs of the same rank that can cover the same line."""
    places: dict[tuple[Any, ...], list[Rule]] = {}
    # Where only priority counts, a rule for a part meets one for everything.
    named = any(_keys(it) != ["any"] for it in rules)
    for rule in rules:
        keys = _keys(rule)
        by_priority = named and (group.select != "most_specific" or rule.exclusive)
        if by_priority or (rule.when.skus and rule.when.categories):
            keys = [
                f"sku:{each.sku}" for each in known.covered(rule.when.skus, rule.when.categories)
            ]
        for key in dict.fromkeys(keys):
            if key.startswith("category:") and not known.covers_any((), (key[9:],)):
                continue
            for account in rule.when.accounts or (None,):
                place = (_rank(group, rule), account, key)
                places.setdefault(place, []).append(rule)
    for meeting in places.values():
        for left, right in combinations(meeting, 2):
            known.budget.spend()
            yield left, right


def _above(
    each: _Ranked, places: dict[tuple[str | None, str], list[_Ranked]], known: Known
) -> Rule | None:
    """Return a rule that covers everything that this one covers and always beats it."""
    accounts = (*each.rule.when.accounts[:1], None)
    for place in ((it, key) for it in accounts for key in (min(each.keys), "any")):
        for other in places.get(place, ()):
            if other.rank <= each.rank:
                break
            known.budget.spend()
            covers = "any" in other.keys or each.keys <= other.keys
            if covers and _always(other.rule) and _implies(each.rule.when, other.rule.when):
                return other.rule
    return None


def _always(rule: Rule) -> bool:
    """Say whether a rule changes the price whatever the quantity is."""
    if not isinstance(rule.effect, QuantityBreaks):
        return True
    return all(each.percent is None or each.percent.root for each in rule.effect.breaks)


def _implies(narrow: Condition, wide: Condition) -> bool:
    """Say whether the wide condition holds wherever the narrow one does."""
    for name in NAMED:
        ours, theirs = getattr(narrow, name), getattr(wide, name)
        if theirs and not (ours and set(ours) <= set(theirs)):
            return False
    if wide.effective is not None and not _within(narrow.effective, wide.effective):
        return False
    return all(not getattr(wide, it) or getattr(wide, it) == getattr(narrow, it) for it in ALIKE)


def _within(inner: Period | None, outer: Period) -> bool:
    if inner is None or inner.first < outer.first:
        return False
    return outer.last is None or (inner.last is not None and inner.last <= outer.last)


def _both_hold(left: Condition, right: Condition) -> bool:
    """Say whether two conditions can hold for the same line; the scope is looked at before."""
    for name in NAMED:
        ours, theirs = getattr(left, name), getattr(right, name)
        if ours and theirs and not set(ours) & set(theirs):
            return False
    wanted = {each.name: set(each.values) for each in left.attributes}
    if any(
        each.name in wanted and not wanted[each.name] & set(each.values)
        for each in right.attributes
    ):
        return False
    return all(
        _meet(*_ends(getattr(left, name)), *_ends(getattr(right, name)))
        for name in ("effective", "quantity", "amount", "between")
        if _comparable(getattr(left, name), getattr(right, name))
    )


def _comparable(left: Any, right: Any) -> bool:
    """Say whether two ranges are of the same thing; an amount of a line is none of the quote."""
    if left is None or right is None:
        return False
    names = ("counted", "currency")
    return all(getattr(left, it, None) == getattr(right, it, None) for it in names)


End = date | datetime | Decimal | None


def _ends(held: Any) -> tuple[End, End]:
    first = held.first if hasattr(held, "first") else held.at_least
    last = held.last if hasattr(held, "last") else held.up_to
    return first, last


def _meet(first: Any, last: Any, other_first: Any, other_last: Any) -> bool:
    """Say whether two ranges share a point, both ends included."""
    before = last is not None and other_first is not None and last < other_first
    after = other_last is not None and first is not None and other_last < first
    return not before and not after
