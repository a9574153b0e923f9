"""The shelf: product models and the part master, read from YAML files and published.

Decimals are read exactly (never as floats). A file that does not fit is refused with its name and
path.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from infra.collecting import waiting
from services.configurator import composing, locating, tabulating
from services.configurator.domain.language.model import Part, ProductModel
from services.configurator.domain.products.catalogue import Catalogue
from services.configurator.domain.products.product import ModelRefused, Product, publish
from services.configurator.keeping import Keeper
from services.configurator.opening import TooLarge, content

M = TypeVar("M", bound=BaseModel)
FILE_BYTES_MAX = 2_000_000
FAULTS_MAX, FAULT_LENGTH_MAX = 20, 300


def load(catalog_dir: Path, keeper: Keeper | None = None) -> Catalogue:
    """Read `parts.yaml` and `models/*.yaml` of a catalogue directory and publish every model.

    What a keeper has of the same files is not read and proved again.
    Raises: ModelRefused, naming the file and every fault.
    """
    master = catalog_dir / "parts.yaml"
    parts = read_parts(master)
    paths = sorted((catalog_dir / "models").glob("*.yaml"))
    with waiting():
        if keeper is None:
            return Catalogue(read_product(path, parts) for path in paths)
        return Catalogue(
            keeper.product(path, master, partial(read_product, path, parts)) for path in paths
        )


def read_product(path: Path, parts: Mapping[str, Part]) -> Product:
    """Read one product model and publish it.

    Raises: ModelRefused, naming the file, every fault, and its line where one can be said.
    """
    model = read_model(path)
    try:
        return publish(model, parts)
    except ModelRefused as refused:
        lines = lines_of(path, refused.faults)
        raise ModelRefused(path.name, map(_at, lines, refused.faults)) from None


def lines_of(path: Path, faults: Iterable[str]) -> list[int | None]:
    """Return for each fault of a model the line in its file, where one can be said."""
    tree = yaml.compose(_text(path), Loader=composing.SafeLoader)
    return [locating.line_of(tree, each) for each in faults]


def read_parts(path: Path) -> Mapping[str, Part]:
    """Read the part master: what parts lists need of each SKU (prices are the pricer's)."""
    entries = _content(path).get("parts")
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        raise ModelRefused(path.name, ["'parts' must be a list of mappings with sku, name, kind"])
    kept = [{name: each.get(name) for name in Part.model_fields} for each in entries]
    try:
        return {each.sku: each for each in map(Part.model_validate, kept)}
    except ValidationError as fault:
        raise ModelRefused(path.name, _sentences(fault)) from None


def read_model(path: Path) -> ProductModel:
    """Read one product model with its tables; its sense is checked by publishing it.

    Raises: ModelRefused, naming the file and every fault of its structure.
    """
    tree = _content(path)
    if unreadable := [_plain(each) for each in tabulating.fill(path.parent, tree)]:
        raise ModelRefused(path.name, map(_at, lines_of(path, unreadable), unreadable))
    return _made(ProductModel, path, tree)


def read_as(kind: type[M], path: Path) -> M:
    """Read another file of the catalogue by its structure.   Raises: ModelRefused."""
    return _made(kind, path, _content(path))


def said_at(path: Path, place: Sequence[str | int], fault: str) -> str:
    """Return a fault with the line of its file to which keys and indexes lead."""
    tree = yaml.compose(_text(path), Loader=composing.SafeLoader)
    return _plain(_at(locating.line_at(tree, place), fault))


def _made(kind: type[M], path: Path, given: Mapping[str, Any]) -> M:
    try:
        return kind.model_validate(given)
    except ValidationError as fault:
        tree = yaml.compose(_text(path), Loader=composing.SafeLoader)
        faults = [
            _at(locating.line_at(tree, each["loc"]), sentence)
            for each, sentence in zip(_errors(fault), _sentences(fault), strict=False)
        ]
        raise ModelRefused(path.name, faults) from None


def _text(path: Path) -> str:
    try:
        return content(path, FILE_BYTES_MAX).decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        what = f"not UTF-8 from byte {fault.start + 1} on; save it as UTF-8"
        raise ModelRefused(path.name, [what]) from None
    except TooLarge:
        what = f"the file is larger than {FILE_BYTES_MAX} bytes; split it"
        raise ModelRefused(path.name, [what]) from None
    except OSError as fault:
        raise ModelRefused(path.name, [f"can not be read: {fault.strerror}"]) from None


def _content(path: Path) -> dict[str, Any]:
    text = _text(path)
    try:
        document = composing.compose(text)
    except composing.Hostile as fault:
        raise ModelRefused(path.name, [str(fault)]) from None
    except yaml.YAMLError as fault:
        raise ModelRefused(path.name, [f"not readable as YAML: {_one_line(fault)}"]) from None
    except (ValueError, ArithmeticError) as fault:  # 2026-13-45, .inf, a number of 5,000 digits
        what = f"a number or a day can not be read: {fault}"
        raise ModelRefused(path.name, [_plain(what)]) from None
    if document.doubles:
        faults = [f"line {line}: '{key}' stands twice; keep one" for line, key in document.doubles]
        raise ModelRefused(path.name, map(_plain, faults[:FAULTS_MAX]))
    if not isinstance(document.content, dict):
        raise ModelRefused(path.name, ["the file must hold one mapping"])
    return document.content


def _one_line(fault: yaml.YAMLError) -> str:
    """Return what a YAML parser says, with the line a person counts from 1."""
    if not isinstance(fault, yaml.MarkedYAMLError) or fault.problem_mark is None:
        return _plain(str(fault))
    mark = fault.problem_mark
    return f"line {mark.line + 1}, column {mark.column + 1}: {fault.problem}"


def _at(line: int | None, fault: str) -> str:
    return fault if line is None else f"line {line}: {fault}"


# What the checker of structure says, in words that tell an author what to write.
REMEDIES = {
    "string_type": "must be text; put it in quotes",
    "extra_forbidden": "there is no such field here; mend its name or remove it",
    "int_type": "must be a whole number, without quotes",
    "date_type": "must be a day, as in 2026-11-28",
    "date_from_datetime_inexact": "must be a day, as in 2026-11-28",
    "date_from_datetime_parsing": "must be a day, as in 2026-11-28",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "missing": "is missing; write it",
}


def _errors(fault: ValidationError) -> list[Any]:
    """Return the faults, without those of a list that is too short since its members have some."""
    errors = fault.errors()
    places = [each["loc"] for each in errors]
    return [
        each
        for each in errors
        if each["type"] != "too_short"
        or not any(
            len(place) > len(each["loc"]) and place[: len(each["loc"])] == each["loc"]
            for place in places
        )
    ][:FAULTS_MAX]


def _sentences(fault: ValidationError) -> list[str]:
    return [
        _plain(
            f"{'.'.join(map(str, each['loc']))}: {REMEDIES.get(each['type'], _said(each['msg']))}"
        )
        for each in _errors(fault)
    ]


def _said(message: str) -> str:
    return message.removeprefix("Value error, ")


def _plain(text: str) -> str:
    """Return a text in one line of bounded length, without what a terminal would obey."""
    shown = "".join(each if each.isprintable() else " " for each in text[:FAULT_LENGTH_MAX])
    return f"{' '.join(shown.split())}{' ...' if len(text) > FAULT_LENGTH_MAX else ''}"
