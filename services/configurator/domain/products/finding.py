"""What the lint of a release says: findings, and of a model with dates, on which days they hold."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from services.configurator.domain.language.components import key_id
from services.configurator.domain.products.product import Product
from services.configurator.domain.solving.effort import SearchBound, WorkBound

# What binds on some days only is judged on those: `rule R-1`, `table T-1`, `budget B-1`.
_DATED = ("rule ", "table ", "budget ")


Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to change: how bad, of which kind, where in the model, and what to do.

    `dated`: it is told even if it holds on some days only.
    """

    severity: Severity
    code: str
    where: str
    message: str
    dated: bool = False

    def __str__(self) -> str:
        return f"{self.severity}: {self.where}: {self.message}"


def undecided(where: str, bound: SearchBound) -> Finding:
    """Return the finding that a question passes the bound of the search: nothing is claimed.

    Raises: WorkBound, if it is the bound of all questions together: none can be asked any more.
    """
    if isinstance(bound, WorkBound):
        raise bound
    return Finding("warning", bound.code, where, bound.message, dated=True)


def over_days(found: Sequence[tuple[Product, Sequence[Finding]]]) -> Iterator[Finding]:
    """Yield what was found in all intervals, or in all in which its rule binds.

    What is wrong in some of them only is told with its days; what is in vain there is not told.
    """
    told = dict.fromkeys(each for _, findings in found for each in findings)
    for each in told:
        having = [product for product, findings in found if each in findings]
        able = [product for product, _ in found if _judges(product, each.where)]
        if len(having) >= len(able):
            yield each
        elif each.severity == "error" or each.dated:
            days = ", ".join(str(product.days) for product in having)
            yield replace(each, message=f"{each.message} ({days})")


def _judges(product: Product, where: str) -> bool:
    if not where.startswith(_DATED):
        return True
    named = where.split()[1]
    return any(key_id(each.id) == named for each in product.solver.constraints)
