"""Which discounts a draft has after one more was granted or taken back."""

from collections.abc import Iterable

from contracts.pricing import DiscountAsk

Target = tuple[str | None, str | None]


def granted(discounts: Iterable[DiscountAsk], new: DiscountAsk) -> tuple[DiscountAsk, ...]:
    """Return the discounts with a new one, in place of what was granted on the same.

    What is granted on the whole quote stands last, as it is taken off last.
    """
    kept = [each for each in discounts if each.target != new.target]
    found = [*kept, new]
    return (
        *(each for each in found if each.item_id is not None),
        *(each for each in found if each.item_id is None),
    )


def taken_back(discounts: Iterable[DiscountAsk], target: Target) -> tuple[DiscountAsk, ...]:
    """Return the discounts without what was granted on a part, an item or the quote."""
    return tuple(each for each in discounts if each.target != target)
