"""Which selling units there are, by the catalogue: asks that name another one are refused."""

from pathlib import Path

import yaml

from contracts.errors import Refused

FILE = "selling_units.yaml"


class UnknownSellingUnit(Refused):
    """Nobody sells under this name, so nobody's authority can be asked for."""

    code = "pricer.unknown_selling_unit"
    title = "The selling unit is unknown"


class BadSellingUnits(Exception):
    """The file can not be used; says where and why, so that the service does not start with it."""


def load(catalog_dir: Path) -> frozenset[str]:
    """Return their ids, none of a catalogue without the file.   Raises: BadSellingUnits."""
    path = catalog_dir / FILE
    if not path.exists():
        return frozenset()
    try:
        units = yaml.safe_load(path.read_text("utf-8"))["units"]
        return frozenset(str(each["id"]) for each in units)
    except (OSError, yaml.YAMLError, ValueError, TypeError, KeyError) as fault:
        raise BadSellingUnits(f"{path}: {fault}") from None


def check(selling_unit: str, known: frozenset[str]) -> None:
    """Refuse a selling unit that the catalogue does not know.   Raises: UnknownSellingUnit."""
    if known and selling_unit not in known:
        text = f"the selling unit {selling_unit!r} is not in {FILE}; use one of"
        raise UnknownSellingUnit(
            f"{text} {', '.join(sorted(known))}, or add it there", field="selling_unit"
        )
