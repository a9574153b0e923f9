"""Turn an assessment into steps: who may sign each, and why, in words.

No person stands in two steps: nobody can sign twice, and no order of signing ends in a dead end.
"""

from collections.abc import Iterator

from contracts.approval import ApprovalCause, ApprovalStep
from contracts.pricing import GuardrailBreach
from contracts.quote import RevisionSubmitted
from contracts.values import Percent, Value
from services.approvals.domain.directory import Directory
from services.approvals.domain.policy import (
    WORSE,
    Assessment,
    Hit,
    Measure,
    Measures,
    Policy,
    assess,
)

NOBODY = "directory.nobody"
ESCALATED = "directory.escalated"
# Causes travel outside `internal`, so a margin is never written there: only its limit is.
WITHHELD = "see internal"
LABELS: dict[Measure, str] = {
    "sales_discount_percent": "the sales discount",
    "margin_percent": "the margin of the offer",
    "worst_line_margin_percent": "the margin of the worst line",
    "guardrail_breaches": "the number of price floors it falls below",
}
OPEN_FIGURES = {"sales_discount_percent", "guardrail_breaches"}
# A line that the seller gives away has no margin percentage; it counts as losing all of its cost.
GIVEN_AWAY = Percent(-100)


class Ask(Value):
    """An offer that asks for approval, as far as the policy needs it.

    `barred` are the ids of those who may not decide: who asked, and who owns the opportunity.
    """

    selling_unit: str
    measures: Measures
    breaches: tuple[GuardrailBreach, ...]
    barred: frozenset[str]


class Outcome(Value):
    """What the policy wants for an ask: the assessment and its steps, none if within authority."""

    assessment: Assessment
    steps: tuple[ApprovalStep, ...]


def person(actor: str) -> str:
    """Return the id behind `user/<id>`; other actors keep their prefix and are nobody's id."""
    return actor.removeprefix("user/")


def ask_of(fact: RevisionSubmitted) -> Ask:
    """Read the measures from a submitted revision."""
    breaches = tuple(each for each in fact.breaches if each.action == "approval")
    return Ask(
        selling_unit=fact.details.selling_unit,
        measures=Measures(
            sales_discount_percent=fact.offer.totals.sales_discount_percent,
            margin_percent=fact.internal.margin_percent,
            worst_line_margin_percent=worst_line_margin(fact),
            guardrail_breaches=len(breaches),
        ),
        breaches=breaches,
        barred=frozenset({fact.details.owner_id, *map(person, (fact.requested_by, *fact.hands))}),
    )


def worst_line_margin(fact: RevisionSubmitted) -> Percent:
    """Return the lowest margin of a line; what the price book itself gives free does not count."""
    priced = {line.line: line for line in fact.offer.lines if line.list_total}
    margins = [
        each.margin_percent if priced[each.line].net_total else GIVEN_AWAY
        for each in fact.internal.lines
        if each.line in priced
    ]
    return min(margins, default=fact.internal.margin_percent)


def plan_for(policy: Policy, directory: Directory, ask: Ask) -> Outcome:
    """Say who has to approve, in which order, and why."""
    assessment = assess(policy, ask.selling_unit, ask.measures)
    steps: list[ApprovalStep] = []
    for number, level in enumerate(assessment.plan.steps, start=1):
        busy = ask.barred.union(*(step.approvers for step in steps))
        taken_by, approvers = _who(policy, directory, ask, level, busy)
        causes = [*_causes(assessment, ask, level), *_moved(policy, level, taken_by, approvers)]
        steps.append(
            ApprovalStep(step=number, level=taken_by, approvers=approvers, causes=tuple(causes))
        )
    return Outcome(assessment=assessment, steps=tuple(steps))


def _who(
    policy: Policy, directory: Directory, ask: Ask, level: str, busy: frozenset[str]
) -> tuple[str, tuple[str, ...]]:
    """Return the lowest level from `level` up where somebody may sign, and who; else nobody."""
    discount, margin = ask.measures.sales_discount_percent, ask.measures.margin_percent
    for candidate in policy.levels_from(level):
        able = tuple(
            each.id
            for each in directory.at(candidate, ask.selling_unit)
            if each.id not in busy and each.limit.covers(discount, margin)
        )
        if able:
            return candidate, able
    return level, ()


def _causes(assessment: Assessment, ask: Ask, level: str) -> Iterator[ApprovalCause]:
    """Yield why this level has to sign: the bounds that were passed, rule by rule."""
    for hit in assessment.hits:
        if level in hit.plan.steps:
            yield from _passed(hit, ask)


def _passed(hit: Hit, ask: Ask) -> Iterator[ApprovalCause]:
    values = ask.measures.values()
    for measure, bounds in hit.rule.when.items():
        end = bounds.passed(WORSE[measure])
        if end is None:
            continue
        word, limit = end
        unit = "" if measure == "guardrail_breaches" else " %"
        measured = f"{values[measure]:f}{unit}" if measure in OPEN_FIGURES else WITHHELD
        shown = f" {measured}," if measure in OPEN_FIGURES else ""
        floors = "; ".join(each.message for each in ask.breaches)
        more = f" ({floors})" if measure == "guardrail_breaches" and floors else ""
        yield ApprovalCause(
            rule=f"{hit.table}/{hit.rule.id}",
            measure=measure,
            measured=measured,
            limit=f"{limit:f}{unit}",
            message=f"{LABELS[measure]} is{shown} {word} {limit:f}{unit}{more}: {hit.rule.says}",
        )


def _moved(
    policy: Policy, wanted: str, taken_by: str, approvers: tuple[str, ...]
) -> Iterator[ApprovalCause]:
    """Yield why another level signs than the policy names, or that nobody can."""
    titles = {each.id: each.title for each in policy.levels}
    why = "everybody there asked for it, owns the deal, signs another step, or has a lower limit"
    if not approvers:
        message = (
            f"nobody in the directory can sign as {titles[wanted]} or above ({why}); "
            "an administrator adds an approver or raises a limit, then the seller submits again"
        )
        yield _directory_cause(NOBODY, message)
    elif taken_by != wanted:
        message = f"no {titles[wanted]} can sign ({why}); {titles[taken_by]} signs instead"
        yield _directory_cause(ESCALATED, message)


def _directory_cause(rule: str, message: str) -> ApprovalCause:
    return ApprovalCause(rule=rule, measure="approvers", measured="0", limit="1", message=message)
