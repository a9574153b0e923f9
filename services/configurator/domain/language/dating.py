"""Which rules, tables and budgets bind on which days: a model with dates answers by intervals.

Inside an interval the same ones bind on every day. The first begins on the day from which the
version answers, the last has no end.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from services.configurator.domain.language.components import rules_of
from services.configurator.domain.language.model import ProductModel, Requirement

# Each interval is bound and proved at the start of a process.
INTERVALS_MAX = 40
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Interval:
    """Days from the first to the last, both included; without a last day, all that follow."""

    first: date
    last: date | None = None

    def has(self, day: date) -> bool:
        """Say whether a day is one of these."""
        return self.first <= day and (self.last is None or day <= self.last)

    def __str__(self) -> str:
        if self.last is None:
            return f"from {self.first} on"
        if self.last == self.first:
            return f"on {self.first}"
        return f"from {self.first} until {self.last}"


def binds(requirement: Requirement, day: date) -> bool:
    """Say whether a rule, table or budget binds the configurations of a day."""
    begun = requirement.valid_from is None or requirement.valid_from <= day
    return begun and (requirement.valid_until is None or day <= requirement.valid_until)


def requirements(model: ProductModel) -> tuple[Requirement, ...]:
    """Return the rules (of components too), tables and budgets of a model, in this order."""
    return (*rules_of(model), *model.tables, *model.budgets)


def intervals(model: ProductModel) -> tuple[Interval, ...]:
    """Return the intervals in which the same requirements bind, the earliest first."""
    begins = {model.effective}
    for each in requirements(model):
        if each.valid_from is not None:
            begins.add(each.valid_from)
        if each.valid_until is not None and each.valid_until < date.max:
            begins.add(each.valid_until + _DAY)
    found = sorted(each for each in begins if each >= model.effective)
    lasts = [*(each - _DAY for each in found[1:]), None]
    return tuple(map(Interval, found, lasts))


def date_faults(model: ProductModel) -> list[str]:
    """Return what is wrong with the dates of a model."""
    kinds = (("rule", rules_of(model)), ("table", model.tables), ("budget", model.budgets))
    faults = [
        f"{kind} {each.id}: valid_until {each.valid_until} lies before valid_from"
        f" {each.valid_from}; write the later day last"
        for kind, section in kinds
        for each in section
        if each.valid_from and each.valid_until and each.valid_until < each.valid_from
    ]
    faults += [
        f"example {each.id}: day {each.day} lies before the version is effective; write"
        f" {model.effective} or a later one"
        for each in model.examples
        if each.day is not None and each.day < model.effective
    ]
    if not faults and len(found := intervals(model)) > INTERVALS_MAX:
        faults.append(
            f"the dates of rules, tables and budgets make {len(found)} intervals, more than"
            f" {INTERVALS_MAX}; let them begin and end on the same days"
        )
    return faults
