"""Answer for many terms at once, without a case: would anybody have to approve them, and who."""

from typing import Annotated

from pydantic import Field

from contracts.values import Percent, Pin, Value
from services.approvals.domain.policy import EVERY_UNIT, Measures, Policy, assess

TERMS_MAX = 1000


class Terms(Measures):
    """What a policy looks at; without a selling unit the authority for every unit answers."""

    selling_unit: str = Field(default=EVERY_UNIT, min_length=1, max_length=60)
    sales_discount_percent: Percent
    margin_percent: Percent
    worst_line_margin_percent: Percent
    guardrail_breaches: int = Field(ge=0, le=1_000_000)


class BulkQuestion(Value):
    """Terms that somebody thinks about, at most a thousand."""

    terms: Annotated[tuple[Terms, ...], Field(min_length=1, max_length=TERMS_MAX)]


class BulkPreview(Value):
    """For each of the terms, in their order, the levels that must grant; none: nobody has to.

    Who signs for a level hangs on who asks, which is not asked here.
    """

    policy: Pin
    levels: tuple[tuple[str, ...], ...]


def preview_all(policy: Policy, pin: Pin, question: BulkQuestion) -> BulkPreview:
    """Say for each of the terms which levels would have to approve today. Makes no fact."""
    return BulkPreview(
        policy=pin,
        levels=tuple(assess(policy, each.selling_unit, each).plan.steps for each in question.terms),
    )
