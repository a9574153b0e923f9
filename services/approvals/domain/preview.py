"""Answer without a case: who would have to approve these terms, and what would need nobody."""

from decimal import Context, Decimal

from pydantic import Field

from contracts.approval import ApprovalStep
from contracts.values import Money, Percent, Pin, Value, rounded, share
from services.approvals.domain.directory import Directory
from services.approvals.domain.opening import passing_rules
from services.approvals.domain.policy import Measures, Policy, assess
from services.approvals.domain.steps import Ask, person, plan_for

WHOLE = Decimal(100)
# Discounts are given, shown and measured in hundredths of a percent.
GRID = Decimal("0.01")
PRECISE = Context(prec=60)


class Question(Value):
    """Terms that somebody thinks about; the offer's margin stands for a worst line's not given.

    `owner_id` owns the opportunity: neither he nor who asks may approve.
    """

    selling_unit: str = Field(min_length=1, max_length=60)
    sales_discount_percent: Percent
    margin_percent: Percent
    worst_line_margin_percent: Percent | None = None
    guardrail_breaches: int = Field(default=0, ge=0, le=1000)
    net: Money | None = None
    requested_by: str | None = Field(default=None, max_length=200)
    owner_id: str | None = Field(default=None, max_length=200)


class NeedsNobody(Value):
    """The largest discount that nobody has to approve, and its net price (if a net was given)."""

    sales_discount_percent: Percent
    net: Money | None


class Preview(Value):
    """The answer. `largest_without_approval` is None where no discount from 0 % up would do."""

    policy: Pin
    within_authority: bool
    rules: str
    steps: tuple[ApprovalStep, ...]
    largest_without_approval: NeedsNobody | None


def preview(policy: Policy, pin: Pin, directory: Directory, question: Question) -> Preview:
    """Say who would have to approve these terms today. Makes no fact."""
    ask = Ask(
        selling_unit=question.selling_unit,
        measures=_measures(question),
        breaches=(),
        barred=frozenset(
            person(each) for each in (question.requested_by, question.owner_id) if each
        ),
    )
    outcome = plan_for(policy, directory, ask)
    return Preview(
        policy=pin,
        within_authority=outcome.assessment.within_authority,
        rules=passing_rules(outcome.assessment),
        steps=outcome.steps,
        largest_without_approval=largest_without_approval(policy, question),
    )


def largest_without_approval(policy: Policy, question: Question) -> NeedsNobody | None:
    """Return the largest discount from 0 % up, in hundredths, that needs nobody, if there is one.

    Costs stay as they are, so a lower discount brings the margins up. Price floors are taken as
    still broken. Exact, because a linted policy is never milder for worse terms: if a discount
    needs somebody, so does every higher one.
    """
    if question.sales_discount_percent.root >= WHOLE:
        return None  # the price before discount can not be told from nothing
    low, high = -1, int(WHOLE / GRID) - 1
    while low < high:
        middle = (low + high + 1) // 2
        at = _at(question, middle * GRID)
        fits = assess(policy, question.selling_unit, at).within_authority
        low, high = (middle, high) if fits else (low, middle - 1)
    if low < 0:
        return None
    discount = low * GRID
    net = question.net and _net_at(question.net, question.sales_discount_percent.root, discount)
    return NeedsNobody(sales_discount_percent=Percent(discount), net=net)


def _measures(question: Question) -> Measures:
    worst = question.worst_line_margin_percent
    return Measures(
        sales_discount_percent=question.sales_discount_percent,
        margin_percent=question.margin_percent,
        worst_line_margin_percent=question.margin_percent if worst is None else worst,
        guardrail_breaches=question.guardrail_breaches,
    )


def _at(question: Question, discount: Decimal) -> Measures:
    """Return the measures as they would be at another discount, costs unchanged."""
    now = _measures(question)
    given = now.sales_discount_percent.root
    return Measures(
        sales_discount_percent=Percent(discount),
        margin_percent=_margin_at(now.margin_percent.root, given, discount),
        worst_line_margin_percent=_margin_at(now.worst_line_margin_percent.root, given, discount),
        guardrail_breaches=now.guardrail_breaches,
    )


def _margin_at(margin: Decimal, given: Decimal, discount: Decimal) -> Percent:
    """Return the margin at another discount: the same cost against the new price."""
    if discount == given:
        return Percent(margin)
    # In units of the undiscounted price / 100 / 100: cost and the new price.
    cost = PRECISE.multiply(WHOLE - given, WHOLE - margin)
    price = PRECISE.multiply(WHOLE - discount, WHOLE)
    return share(PRECISE.subtract(price, cost), price)


def _net_at(net: Money, given: Decimal, discount: Decimal) -> Money:
    base = PRECISE.divide(net.amount, WHOLE - given)
    return rounded(PRECISE.multiply(base, WHOLE - discount), net.currency)
