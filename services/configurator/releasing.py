"""A release of a product model: a file on its way into the catalogue."""

import os
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from contracts.errors import Conflict
from services.configurator import shelf, tabulating
from services.configurator.domain.language.model import ProductModel, Table
from services.configurator.domain.products.catalogue import Catalogue
from services.configurator.domain.products.product import Product
from services.configurator.pictures import PictureFile

READABLE = 0o644
DIALECT = "https://json-schema.org/draft/2020-12/schema"


class ReleaseRefused(Conflict):
    """The file does not follow on what the catalogue has; the message says what to change."""

    code = "model.release"
    title = "This version can not be published"


def candidate(path: Path, catalog_dir: Path) -> Product:
    """Read a model against the part master of a catalogue.   Raises: ModelRefused."""
    return shelf.read_product(path, shelf.read_parts(catalog_dir / "parts.yaml"))


def follows(product: Product, catalogue: Catalogue) -> None:
    """Check that a version comes after the newest one.   Raises: ReleaseRefused.

    What is published stays as it is: quotes are pinned to it.
    """
    newest = catalogue.newest(product.model.id)
    if newest is None:
        return
    old, new = newest.model, product.model
    if new.version <= old.version:
        raise ReleaseRefused(
            f"{new.id} has version {old.version} already, and what is published stays as it is;"
            f" write version: {old.version + 1}",
            field="version",
        )
    if new.effective < old.effective:
        raise ReleaseRefused(
            f"{new.id} version {new.version} would be effective on {new.effective}, before version"
            f" {old.version} ({old.effective}); write a later day",
            field="effective",
        )


def place(path: Path, product: Product, catalog_dir: Path) -> Path:
    """Put the file and those of its tables into the catalogue; returns where the file stands.

    All of them or none, the model last: it is what a service looks for. A table that is there
    already with the same rows is shared. Nothing is written over.
    Raises: ReleaseRefused, if there is a file for this version, or other rows under a table's name.
    """
    models = catalog_dir / "models"
    if not models.is_dir():
        raise ReleaseRefused(f"there is no folder {models}", field="catalog")
    target = models / f"{product.model.id}_v{product.model.version}.yaml"
    placed = []
    try:
        for table in product.model.tables:
            if _is_new(table, models, product.model.version):
                raw = tabulating.content_of(path.parent, table.file)
                _write(raw, models / table.file)
                placed.append(models / table.file)
        _write(path.read_bytes(), target)
    except BaseException:
        for each in placed:
            each.unlink(missing_ok=True)
        raise
    return target


def _is_new(table: Table, models: Path, version: int) -> bool:
    """Say whether a table's file is still to be written.   Raises: ReleaseRefused."""
    target = models / table.file
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.parent.resolve().is_relative_to(models.resolve()):
        raise ReleaseRefused(f"{target.parent} leads out of the catalogue", field="file")
    if not os.path.lexists(target):
        return True
    try:
        there = tabulating.read(models, table.file)
    except tabulating.Unreadable as fault:
        raise ReleaseRefused(f"in the catalogue, {fault}", field="file") from None
    if there != [list(each) for each in (table.columns, *table.rows)]:
        other = f"{table.file.removesuffix('.csv')}_v{version}.csv"
        raise ReleaseRefused(
            f"the catalogue has other rows in {table.file}, and what is published stays as it is;"
            f" rename the file of {table.id}, for example to {other}",
            field="file",
        )
    return False


def _write(raw: bytes, target: Path) -> None:
    """Write a file that appears whole.   Raises: ReleaseRefused, if there is one."""
    with NamedTemporaryFile(dir=target.parent, prefix=".", suffix=".new") as written:
        written.write(raw)
        written.flush()
        os.fchmod(written.fileno(), READABLE)
        try:
            os.link(written.name, target)
        except FileExistsError:
            raise ReleaseRefused(f"{target.name} is in the catalogue already") from None


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a product model, for the editors of those who write one."""
    found = ProductModel.model_json_schema()
    _allow_numbers(found)
    return {"$schema": DIALECT, **found}


def pictures_schema() -> dict[str, Any]:
    """Return the JSON Schema of a catalogue's file of pictures."""
    return {"$schema": DIALECT, **PictureFile.model_json_schema()}


def _allow_numbers(tree: Any) -> None:
    """Let an exact decimal be a number too: in YAML 7.8 is written as it is, and read exactly."""
    if isinstance(tree, dict):
        if tree.get("description") == "exact decimal":
            tree["type"] = ["string", "number"]
        for each in tree.values():
            _allow_numbers(each)
    elif isinstance(tree, list):
        for each in tree:
            _allow_numbers(each)
