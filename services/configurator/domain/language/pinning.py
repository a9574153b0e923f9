"""What a model says that an answer can depend on: the content that its pin names."""

from collections.abc import Iterator
from typing import Any

from services.configurator.domain.language.model import ProductModel

# A way to say more, left out while a model does not use it: models keep the pin they always had.
_SINCE = ("valid_from", "valid_until")


def said(model: ProductModel) -> dict[str, Any]:
    """Return the content of a model, its tables row by row wherever their files lie."""
    tree = model.model_dump(
        mode="json", exclude={"examples": True, "tables": {"__all__": {"file"}}}
    )
    for piece in _requirements(tree):
        for name in _SINCE:
            if piece[name] is None:
                del piece[name]
    for section in ("tables", "components"):
        if not tree[section]:
            del tree[section]
    return tree


def _requirements(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every rule, table and budget, also those of components."""
    for section in ("rules", "tables", "budgets"):
        yield from tree.get(section, ())
    for component in tree["components"]:
        yield from _requirements(component)
