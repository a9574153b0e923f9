"""What a model says that an answer can depend on: the content that its pin names."""

from typing import Any

from services.configurator.domain.model import ProductModel

# A way to say more, left out while a model does not use it: models keep the pin they always had.
_SINCE = ("valid_from", "valid_until")


def said(model: ProductModel) -> dict[str, Any]:
    """Return the content of a model, its tables row by row wherever their files lie."""
    tree = model.model_dump(
        mode="json", exclude={"examples": True, "tables": {"__all__": {"file"}}}
    )
    for section in ("rules", "tables", "budgets"):
        for piece in tree[section]:
            for name in _SINCE:
                if piece[name] is None:
                    del piece[name]
    if not tree["tables"]:
        del tree["tables"]
    return tree
