"""A selling unit: zone, validity, automatic steps, brand and commercial terms, as data."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Self
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from contracts.quote import Terms
from contracts.values import Value


class SellingUnit(Value):
    """Who sells, and how: read from `selling_units.yaml`, used when an ask is said."""

    id: str = Field(pattern=r"^[a-z0-9-]{1,60}$")
    name: str
    zone: str
    validity_days: int = Field(ge=1, le=366)
    auto_submit: bool
    auto_present: bool
    brand: str
    language: str = Field(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")
    terms: Terms

    @field_validator("zone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError):
            raise ValueError("must be a zone of the IANA time zone database") from None
        return value

    def today(self, now: datetime) -> date:
        """Return the calendar day in the unit's zone at this moment."""
        return now.astimezone(ZoneInfo(self.zone)).date()


class SellingUnits(Value):
    """All selling units of the catalogue."""

    units: tuple[SellingUnit, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        ids = [each.id for each in self.units]
        if len(set(ids)) < len(ids):
            raise ValueError("two selling units have the same id")
        return self

    def by_id(self) -> Mapping[str, SellingUnit]:
        """Return the units by their id."""
        return {each.id: each for each in self.units}
