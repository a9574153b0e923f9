"""Letterheads: a brand of the catalogue, the looks in its colours, its logo, and the pin of it all.

Read once at the start; what was read is what is printed and what the pin says, until the next
start.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from contracts.values import Pin
from services.documents.domain.brand import Brand
from services.documents.domain.refusals import DocumentRefused, UnknownBrand
from services.documents.domain.words import WORDS

TEMPLATES = Path(__file__).parent / "templates"
COLOUR = re.compile(r"var\(--([a-z]+)\)")


class BrandRefused(DocumentRefused):
    """A brand's file does not fit its contract; the service does not start."""

    code = "documents.brand_refused"


@dataclass(frozen=True, slots=True)
class Letterhead:
    """A brand ready to print on. `pin` covers template, looks, brand, logo and words."""

    brand: Brand
    style: str
    logo: str
    pin: Pin


@dataclass(frozen=True, slots=True)
class Stationery:
    """The template and all letterheads."""

    template: str
    letterheads: Mapping[str, Letterhead]

    def letterhead(self, brand: str) -> Letterhead:
        """Return the letterhead of a brand.   Raises: UnknownBrand."""
        if brand not in self.letterheads:
            raise UnknownBrand(
                f"there is no brand {brand!r}; the catalogue has {', '.join(self.letterheads)}",
                field="brand",
                brand=brand,
                brands=list(self.letterheads),
            )
        return self.letterheads[brand]


def load(catalog_dir: Path, templates: Path = TEMPLATES) -> Stationery:
    """Read template and brands.   Raises: BrandRefused, naming file and field; OSError."""
    template = (templates / "quote.html").read_text(encoding="utf-8")
    style = (templates / "quote.css").read_text(encoding="utf-8")
    identity = yaml.safe_load((templates / "quote.yaml").read_text(encoding="utf-8"))
    found = {}
    for file in sorted((catalog_dir / "brands").glob("*.yaml")):
        brand = _brand(file)
        logo = (file.parent / brand.logo).read_text(encoding="utf-8")
        found[brand.id] = _letterhead(identity, template, style, (brand, logo))
    return Stationery(template, found)


def _brand(file: Path) -> Brand:
    try:
        brand = Brand.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except (ValidationError, yaml.YAMLError) as fault:
        raise BrandRefused(f"{file.name}: {fault}", file=file.name) from None
    if brand.id != file.stem:
        raise BrandRefused(f"{file.name}: the id is {brand.id!r}", file=file.name, field="id")
    return brand


def _letterhead(
    identity: Mapping[str, Any], template: str, style: str, printed: tuple[Brand, str]
) -> Letterhead:
    brand, logo = printed
    colours = brand.colours.model_dump()
    coloured = COLOUR.sub(lambda found: colours[found.group(1)], style)
    content = [template, coloured, brand.model_dump(mode="json"), logo, WORDS]
    digest = sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
    pin = Pin(
        id=f"{identity['id']}/{brand.id}@{brand.version}",
        version=identity["version"],
        sha256=digest,
    )
    return Letterhead(brand, coloured, logo, pin)
