"""Prove a policy before it is used: no gap, no overlap, no dead rule, never milder for worse terms.

Bounds are constant between thresholds, so one value per threshold and per space between two stands
for all values: the proof is complete, not a sample.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import pairwise, product
from math import prod

from contracts.errors import Refused
from contracts.values import Value
from services.approvals.domain.directory import Directory
from services.approvals.domain.policy import EVERY_UNIT, WORSE, Measure, Policy, Table

MAX_CELLS = 50_000


class Finding(Value):
    """One fault of a policy or directory: its code, where it stands, what is wrong."""

    code: str
    where: str
    message: str


class PolicyFaulty(Refused):
    """A policy or directory has faults and is not used; `findings` names every one."""

    code = "approval.policy_faulty"
    title = "The authority policy has faults"


def check(policy: Policy, directory: Directory) -> None:
    """Refuse a faulty policy.   Raises: PolicyFaulty."""
    findings = lint(policy, directory)
    if findings:
        told = "; ".join(f"{each.where}: {each.message}" for each in findings[:10])
        raise PolicyFaulty(
            f"policy {policy.id} version {policy.version}: {told}", findings=findings
        )


def lint(policy: Policy, directory: Directory) -> tuple[Finding, ...]:
    """Return every fault; with broken references, only these, since the rest can not be judged."""
    broken = (*_references(policy, directory), *_plans(policy), *_units(policy))
    if broken:
        return broken
    tables = [table for authority in policy.authorities for table in authority.tables]
    return (
        *(each for table in tables for each in _table(policy, table)),
        *_unstaffed(policy, directory),
    )


def _references(policy: Policy, directory: Directory) -> Iterator[Finding]:
    levels = [each.id for each in policy.levels]
    plans = [each.id for each in policy.plans]
    people = [each.id for each in directory.approvers]
    for what, ids in (("level", levels), ("plan", plans), ("approver", people)):
        for each in sorted({each for each in ids if ids.count(each) > 1}):
            yield Finding(
                code="policy.twice", where=each, message=f"this {what} stands there twice"
            )
    for plan in policy.plans:
        yield from _unknown(plan.steps, levels, f"plan {plan.id}", "level")
    for approver in directory.approvers:
        yield from _unknown(approver.levels, levels, f"approver {approver.id}", "level")
    for authority in policy.authorities:
        for table in authority.tables:
            ids = [rule.id for rule in table.rules]
            for rule in table.rules:
                yield from _unknown((rule.needs,), plans, f"{table.id}/{rule.id}", "plan")
                if ids.count(rule.id) > 1:
                    message = "another rule of the table has this id"
                    yield Finding(
                        code="policy.twice", where=f"{table.id}/{rule.id}", message=message
                    )


def _unknown(used: Iterable[str], known: list[str], where: str, what: str) -> Iterator[Finding]:
    for each in used:
        if each not in known:
            yield Finding(
                code=f"policy.unknown_{what}", where=where, message=f"there is no {what} {each}"
            )


def _plans(policy: Policy) -> Iterator[Finding]:
    """A stricter plan holds every step of a milder one, so worse terms never lose an approver."""
    for milder, stricter in pairwise(policy.plans):
        rest = iter(stricter.steps)
        if not all(step in rest for step in milder.steps):
            message = f"it must hold the steps of {milder.id}, in their order, and more"
            yield Finding(code="policy.plan_order", where=f"plan {stricter.id}", message=message)


def _units(policy: Policy) -> Iterator[Finding]:
    units = [unit for authority in policy.authorities for unit in authority.selling_units]
    if EVERY_UNIT not in units:
        message = "no authority holds for `*`, so a new selling unit would have none"
        yield Finding(code="policy.gap", where="authorities", message=message)
    for unit in sorted({each for each in units if units.count(each) > 1}):
        message = f"selling unit {unit} is named twice"
        yield Finding(code="policy.overlap", where="authorities", message=message)


def _table(policy: Policy, table: Table) -> Iterator[Finding]:
    axes = [_axis(table, measure) for measure in table.measures]
    if prod(len(axis) for axis in axes) > MAX_CELLS:
        message = "it has too many thresholds to be proved; split it"
        yield Finding(code="policy.too_wide", where=table.id, message=message)
        return
    rank = {plan.id: index for index, plan in enumerate(policy.plans)}
    cells: dict[tuple[int, ...], int] = {}
    reached: set[str] = set()
    for index in product(*(range(len(axis)) for axis in axes)):
        values = {name: axes[n][index[n]] for n, name in enumerate(table.measures)}
        rules = [rule for rule in table.rules if rule.holds(values)]
        reached.update(rule.id for rule in rules)
        if len(rules) == 1:
            cells[index] = rank[rules[0].needs]
            continue
        where = ", ".join(f"{name} {value:f}" for name, value in values.items())
        said = (
            f"rules {', '.join(each.id for each in rules)} all hold" if rules else "no rule holds"
        )
        code = "policy.overlap" if rules else "policy.gap"
        yield Finding(code=code, where=table.id, message=f"at {where} {said}")
    for rule in table.rules:
        if rule.id not in reached:
            message = "no value can ever reach it"
            where = f"{table.id}/{rule.id}"
            yield Finding(code="policy.unreachable_rule", where=where, message=message)
    yield from _milder(table, axes, cells)


def _axis(table: Table, measure: Measure) -> list[Decimal]:
    """Return one value of every cell of a measure, from the best for us to the worst."""
    rows = (rule.when[measure] for rule in table.rules if measure in rule.when)
    ends = sorted({end for bounds in rows for end in bounds.thresholds()})
    if not ends:
        return [Decimal(0)]
    between = [(low + high) / 2 for low, high in pairwise(ends)]
    return sorted([ends[0] - 1, *ends, *between, ends[-1] + 1], reverse=WORSE[measure] < 0)


def _milder(
    table: Table, axes: list[list[Decimal]], cells: dict[tuple[int, ...], int]
) -> Iterator[Finding]:
    """Compare every cell with its next worse neighbour in each measure."""
    for index, rank in cells.items():
        for n, name in enumerate(table.measures):
            worse = (*index[:n], index[n] + 1, *index[n + 1 :])
            if cells.get(worse, rank) < rank:
                message = (
                    f"{name} {axes[n][worse[n]]:f} needs less than the better {axes[n][index[n]]:f}"
                )
                yield Finding(code="policy.not_monotone", where=table.id, message=message)


def _unstaffed(policy: Policy, directory: Directory) -> Iterator[Finding]:
    """A step that nobody can ever sign would leave quotes stuck."""
    named = {unit for each in policy.authorities for unit in each.selling_units}
    named |= {unit for each in directory.approvers for unit in each.selling_units}
    for unit in sorted(named):
        plans = {rule.needs for table in policy.authority(unit).tables for rule in table.rules}
        wanted = {level for plan in policy.plans if plan.id in plans for level in plan.steps}
        for level in sorted(wanted):
            if not directory.at(level, unit):
                message = f"selling unit {unit} has no active approver of this level"
                yield Finding(code="policy.level_without_approver", where=level, message=message)
