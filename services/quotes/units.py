"""Reads the selling units from the catalogue folder."""

from collections.abc import Mapping
from pathlib import Path

import yaml
from pydantic import ValidationError

from services.quotes.domain.selling_units import SellingUnit, SellingUnits


class BadSellingUnits(Exception):
    """The file can not be used; says where and why, so that the service does not start with it."""


def load(catalog_dir: Path) -> Mapping[str, SellingUnit]:
    """Return the selling units of `selling_units.yaml` by id.   Raises: BadSellingUnits."""
    path = catalog_dir / "selling_units.yaml"
    try:
        found = SellingUnits.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as fault:
        raise BadSellingUnits(f"{path}: {fault}") from None
    return found.by_id()
