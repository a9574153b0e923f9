"""What a line is charged: once, or again after each period of whole months.

Every period has one spelling and every spelling says its months, so that who adds up or orders
charges needs no list of them, and a period that nobody sold yet needs no new version of a fact.
"""

from typing import Annotated

from pydantic import AfterValidator, Field

ONE_TIME = "one_time"
# Periods that have a name of their own, with their months.
NAMED = {"monthly": 1, "quarterly": 3, "half_yearly": 6, "yearly": 12}
# As long as the longest term (`contracts/commercial.py`).
PERIOD_MONTHS_MAX = 120
MONTHS = {ONE_TIME: 0, **NAMED} | {
    f"every_{months}_months": months
    for months in range(1, PERIOD_MONTHS_MAX + 1)
    if months not in NAMED.values()
}
# The same words for readers in any language.
PATTERN = (
    "^(one_time|monthly|quarterly|half_yearly|yearly"
    "|every_([245789]|1[013-9]|[2-9][0-9]|1[01][0-9]|120)_months)$"
)

CHOICE = (
    f"{ONE_TIME}, {', '.join(NAMED)} or every_N_months, with N from 2 to {PERIOD_MONTHS_MAX}"
    " where the period has no name"
)


def _known(word: str) -> str:
    if word not in MONTHS:
        raise ValueError(f"must be {CHOICE}")
    return word


Charge = Annotated[str, AfterValidator(_known), Field(json_schema_extra={"pattern": PATTERN})]


def months_of(charge: str) -> int:
    """Return the months of one period; a one-time charge has none. Charges are ordered by it.

    >>> months_of("one_time"), months_of("quarterly"), months_of("every_24_months")
    (0, 3, 24)
    """
    return MONTHS[charge]


def say_charge(charge: str) -> str:
    """Return what people call a charge, in English.

    >>> say_charge("one_time"), say_charge("half_yearly"), say_charge("every_4_months")
    ('One-time', 'Half-yearly', 'Every 4 months')
    """
    named = charge in NAMED or charge == ONE_TIME
    return charge.replace("_", "-" if named else " ").capitalize()
