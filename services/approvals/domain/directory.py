"""The directory of approvers: who signs at which level, for which selling units, to which limit.

People stand here by id (the subject of their token). An id goes into facts for ever, so it can not
be a mail address; who shall be asked by mail has one beside it, which goes into no fact.
"""

from typing import Annotated

from pydantic import Field

from contracts.values import Percent, Value
from services.approvals.domain.policy import EVERY_UNIT, Id

MAIL = r"^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){0,8}$"


class Limit(Value):
    """How far a signature reaches: the highest discount, the lowest margin, both included."""

    max_discount_percent: Percent
    min_margin_percent: Percent

    def covers(self, discount: Percent, margin: Percent) -> bool:
        """Say whether an offer of this discount and margin may be signed."""
        return discount <= self.max_discount_percent and margin >= self.min_margin_percent


class Approver(Value):
    """One person who may approve. An inactive one stays listed and decides nothing."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+|:-]{0,199}$")]
    active: bool
    levels: tuple[Id, ...] = Field(min_length=1)
    selling_units: tuple[str, ...] = Field(min_length=1)
    limit: Limit
    mail: Annotated[str, Field(pattern=MAIL)] | None = None

    def serves(self, selling_unit: str) -> bool:
        """Say whether the person signs for this selling unit."""
        return EVERY_UNIT in self.selling_units or selling_unit in self.selling_units


class Directory(Value):
    """All approvers, as one published list."""

    approvers: tuple[Approver, ...]

    def find(self, approver_id: str) -> Approver | None:
        """Return the approver of this id, active or not."""
        return next((each for each in self.approvers if each.id == approver_id), None)

    def without_mail(self) -> "Directory":
        """Return the same people, none of whom is asked by mail."""
        silent = (each.model_copy(update={"mail": None}) for each in self.approvers)
        return Directory(approvers=tuple(silent))

    def at(self, level: str, selling_unit: str) -> tuple[Approver, ...]:
        """Return the active approvers of a level who serve the selling unit."""
        return tuple(
            each
            for each in self.approvers
            if each.active and level in each.levels and each.serves(selling_unit)
        )
