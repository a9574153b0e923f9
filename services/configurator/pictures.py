"""Pictures of the catalogue: what a question or an option looks like, beside its help in words.

They stand in `pictures.yaml` and the folder `pictures`, apart from the models: a new drawing
changes neither the pin nor the hash of a model. They are read and vetted as the process starts.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Annotated

from pydantic import Field

from contracts.values import Value
from services.configurator import shelf
from services.configurator.domain.language.model import ChoiceAttribute, MultiAttribute
from services.configurator.domain.language.naming import nearest
from services.configurator.domain.products.catalogue import Catalogue
from services.configurator.domain.products.product import ModelRefused, Product
from services.configurator.opening import TooLarge, content
from services.configurator.vetting import BYTES_MAX, DrawingRefused, vetted

FILE, FOLDER = "pictures.yaml", "pictures"
ADDRESS = "/configurator/pictures"
DIGITS = 16
Words = Annotated[str, Field(min_length=3, max_length=300, pattern=r"\S")]
Place = tuple[str, str, str | None]


class Spot(Value):
    """Where a picture is shown: at a question, or at one option of it.

    The attribute of a component is named with it, as in `radio.band`: shown at every instance.
    """

    product: str = Field(min_length=1, max_length=100)
    attribute: str = Field(min_length=1, max_length=100)
    option: str | None = Field(default=None, min_length=1, max_length=100)


class Picture(Value):
    """A drawing: its file in the folder `pictures`, what it shows for those who do not see it."""

    file: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,59}\.svg$", description="as in sectors.svg")
    alt: Words
    caption: Words | None = None
    shown_at: tuple[Spot, ...] = Field(min_length=1, max_length=100)


class PictureFile(Value):
    """The file `pictures.yaml` of a catalogue."""

    pictures: tuple[Picture, ...] = Field(max_length=500)


class ShownPicture(Value):
    """The picture of a question, or of one option: its address, and the same in words.

    Another drawing has another address; it can be kept for ever.
    """

    attribute: str
    option: str | None
    address: str
    alt: str
    caption: str | None


@dataclass(frozen=True, slots=True)
class Pictures:
    """All pictures of a catalogue, by place; `drawings` by the name that their address ends in."""

    shown: Mapping[Place, ShownPicture] = field(default_factory=dict)
    drawings: Mapping[str, bytes] = field(default_factory=dict)

    def at(self, product: str, attribute: str, option: str | None = None) -> ShownPicture | None:
        """Return the picture of a question or an option, by the ids of the model in use."""
        return self.shown.get((product, attribute, option))

    def of(self, product: Product) -> tuple[ShownPicture, ...]:
        """Return all pictures of a version of a product."""
        known = set(_places(product))
        return tuple(
            shown
            for (name, attribute, option), shown in self.shown.items()
            if name == product.model.id and (attribute, option) in known
        )


def load(catalog_dir: Path, catalogue: Catalogue) -> Pictures:
    """Read the pictures of a catalogue; none, if it has no file of them.

    Raises: ModelRefused, naming the file, the line, the rule that is broken and what to do.
    """
    path = catalog_dir / FILE
    if not path.exists():
        return Pictures()
    reading = _Reading(path, catalogue)
    for number, each in enumerate(shelf.read_as(PictureFile, path).pictures):
        reading.take(number, each)
    if reading.faults:
        raise ModelRefused(path.name, reading.faults)
    return Pictures(reading.shown, reading.drawings)


class _Reading:
    def __init__(self, path: Path, catalogue: Catalogue) -> None:
        self._path = path
        self._products: dict[str, list[Product]] = {}
        for each in catalogue.versions():
            self._products.setdefault(each.model.id, []).append(each)
        self.shown: dict[Place, ShownPicture] = {}
        self.drawings: dict[str, bytes] = {}
        self.faults: list[str] = []

    def take(self, number: int, picture: Picture) -> None:
        name = self._drawn(number, picture.file)
        for at, spot in enumerate(picture.shown_at):
            for attribute in self._attributes(("pictures", number, "shown_at", at), spot):
                place = (spot.product, attribute, spot.option)
                if place in self.shown:
                    words = f"{_said(spot)} has a picture already; keep one of them"
                    self._fault(("pictures", number, "shown_at", at), words)
                    break
                self.shown[place] = ShownPicture(
                    attribute=attribute,
                    option=spot.option,
                    address=f"{ADDRESS}/{name}",
                    alt=picture.alt,
                    caption=picture.caption,
                )

    def _drawn(self, number: int, name: str) -> str:
        """Return the name under which the drawing is served."""
        place = ("pictures", number, "file")
        folder = self._path.parent / FOLDER
        path = folder / name
        try:
            if path.resolve().parent != folder.resolve():
                self._fault(place, f"{FOLDER}/{name} leads out of its folder; put the file there")
                return ""
            drawing = vetted(content(path, BYTES_MAX))
        except TooLarge:
            self._fault(place, f"{FOLDER}/{name}: larger than {BYTES_MAX} bytes; simplify it")
        except (OSError, RuntimeError) as fault:
            why = getattr(fault, "strerror", None) or "it leads in a circle"
            self._fault(place, f"{FOLDER}/{name} can not be read: {why}; add it, or mend the name")
        except DrawingRefused as refused:
            for each in refused.faults:
                self._fault(place, f"{FOLDER}/{name}, {each}")
        else:
            served = f"{sha256(drawing).hexdigest()[:DIGITS]}.svg"
            self.drawings[served] = drawing
            return served
        return ""

    def _attributes(self, place: Sequence[str | int], spot: Spot) -> list[str]:
        """Return the questions of all versions that a spot names; none, with a fault, if none."""
        versions = self._products.get(spot.product)
        if versions is None:
            hint = nearest(spot.product, self._products)
            words = f"product '{spot.product}' is not in this catalogue{hint}"
            self._fault((*place, "product"), words)
            return []
        places = {each: None for version in versions for each in _written(version)}
        named = [each for each in places if spot.attribute in each[:2]]
        if not named:
            hint = nearest(spot.attribute, {each[0] for each in places})
            words = f"attribute '{spot.attribute}': {spot.product} asks no such question{hint}"
            self._fault((*place, "attribute"), words)
        elif not any(each[2] == spot.option for each in named):
            hint = nearest(str(spot.option), {each[2] for each in named if each[2]})
            words = f"option '{spot.option}': {spot.attribute} has no such option{hint}"
            self._fault((*place, "option"), words)
        return [each[1] for each in named if each[2] == spot.option]

    def _fault(self, place: Sequence[str | int], words: str) -> None:
        self.faults.append(shelf.said_at(self._path, place, words))


def _said(spot: Spot) -> str:
    return ".".join(filter(None, (spot.product, spot.attribute, spot.option)))


def _places(product: Product) -> Iterator[tuple[str, str | None]]:
    """Yield each question of a version, and each with its options."""
    for attribute in product.space.attributes.values():
        yield attribute.id, None
        if isinstance(attribute, ChoiceAttribute | MultiAttribute):
            yield from ((attribute.id, each.id) for each in attribute.options)


def _written(product: Product) -> Iterator[tuple[str, str, str | None]]:
    """Yield each place with the name of its attribute as the model has it written."""
    origins = product.space.copies.origins
    for attribute, option in _places(product):
        yield ".".join(origins.get(attribute, (attribute,))), attribute, option
