"""Whose paper an offer is on: name, mark and colour of a brand, for the customer's page.

The same files give the PDF its letterhead; what is printed only is passed over here.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError

from contracts.values import Value

MARK_MAX_BYTES = 50_000
DARK, LIGHT = "#000000", "#ffffff"


class Brand(Value):
    """Who offers, in which colour (sRGB, #rrggbb), and under which mark: an SVG."""

    id: str = Field(pattern=r"^[a-z][a-z0-9-]{0,59}$")
    legal_name: str = Field(min_length=1, max_length=200)
    tagline: str = Field(max_length=200)
    primary: str = Field(pattern=r"^#[0-9a-f]{6}$")
    mark: bytes = Field(min_length=1, max_length=MARK_MAX_BYTES)

    @property
    def sheet(self) -> str:
        """The name of its style sheet."""
        return f"brand-{self.id}.css"

    @property
    def picture(self) -> str:
        """The name of its mark's file."""
        return f"brand-{self.id}.svg"

    @property
    def files(self) -> Mapping[str, bytes]:
        """The files that its page names."""
        return {self.sheet: self.style, self.picture: self.mark}

    @property
    def style(self) -> bytes:
        """Its style sheet: the head in its colour, with the writing that can be read on it."""
        colours = f"background:{self.primary};border-color:{self.primary};color:{ink(self.primary)}"
        return f".bar.brand-{self.id}{{{colours}}}\n".encode()


class BadBrands(Exception):
    """A brand's file can not be used; says where and why, so that the service does not start."""


def load(catalog_dir: Path) -> Mapping[str, Brand]:
    """Return the brands of the catalogue by id; none, if it has none.   Raises: BadBrands."""
    found = [_read(path) for path in sorted((catalog_dir / "brands").glob("*.yaml"))]
    return {each.id: each for each in found}


def _read(path: Path) -> Brand:
    try:
        told: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
        known = {name: told[name] for name in ("id", "legal_name", "tagline")}
        mark = (path.parent / Path(told["logo"]).name).read_bytes()
        return Brand.model_validate({**known, "primary": told["colours"]["primary"], "mark": mark})
    except (OSError, yaml.YAMLError, ValidationError, KeyError, TypeError) as fault:
        raise BadBrands(f"{path}: {fault}") from None


def ink(colour: str) -> str:
    """Return black or white, whichever can be read better on a colour; at least 4.5 to 1.

    >>> ink("#12355b"), ink("#f2c230")
    ('#ffffff', '#000000')
    """
    own = luminance(colour)
    return LIGHT if 1.05 / (own + 0.05) >= (own + 0.05) / 0.05 else DARK


def luminance(colour: str) -> float:
    """Return the relative luminance, 0 to 1.   Source: WCAG 2.2, relative luminance."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    red, green, blue = linear
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
