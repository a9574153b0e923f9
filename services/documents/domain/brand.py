"""A brand: whose paper the quote is printed on. Data of the catalogue, checked here."""

from typing import Annotated

from pydantic import Field

from contracts.values import Value

Colour = Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$", description="sRGB, #rrggbb, lower case")]
Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,59}$")]
Text = Annotated[str, Field(min_length=1, max_length=200)]


class Colours(Value):
    """The colours of a brand; they become CSS custom properties, so nothing but #rrggbb passes.

    `primary` bears titles and rules, `accent` the small signs, `wash` the quiet backgrounds.
    """

    primary: Colour
    accent: Colour
    wash: Colour


class Brand(Value):
    """Who sends the quote. `logo` is an SVG file beside the brand's own file."""

    id: Slug
    version: int = Field(ge=1)
    legal_name: Text
    tagline: Text
    address: tuple[Text, ...] = Field(min_length=1, max_length=6)
    contact: tuple[Text, ...] = Field(max_length=4)
    colours: Colours
    logo: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,59}\.svg$")]
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")]
    footer: Annotated[str, Field(min_length=1, max_length=400)]
