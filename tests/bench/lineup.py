"""The configurator with one more product, of 500 options, as the house of the pages serves it."""

import json
import shutil

from infra.parts import Parts, Plumbing
from infra.settings import Settings
from services.configurator import main
from tests.unit.configurator import large

# A part that the telecom price book knows.
SKU = "QW-KIT-MACRO"


def configurator(settings: Settings, plumbing: Plumbing) -> Parts:
    """Wire the configurator on a copy of the catalogue that holds the product."""
    folder = settings.local_dir / "catalog"
    if not folder.exists():
        shutil.copytree(settings.catalog_dir, folder)
        model = folder / "models" / "lineup.yaml"
        model.write_text(json.dumps(large.tree(SKU)), encoding="utf-8")
    return main.build(settings.model_copy(update={"catalog_dir": folder}), plumbing)
