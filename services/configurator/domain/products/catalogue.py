"""The catalogue of published products: which version answers for which day."""

from collections.abc import Iterable, Iterator
from datetime import date

from contracts.errors import NotFound
from contracts.values import Pin
from services.configurator.domain.language.naming import nearest
from services.configurator.domain.products.product import ModelRefused, Product


class UnknownProduct(NotFound):
    """No model of this product is effective on the day."""

    code = "configuration.unknown_product"
    title = "Unknown product"


class Catalogue:
    """Published products by id; versions of one product in the order they become effective."""

    def __init__(self, products: Iterable[Product]) -> None:
        self._versions: dict[str, list[Product]] = {}
        for each in products:
            versions = self._versions.setdefault(each.model.id, [])
            if any(each.model.version == other.model.version for other in versions):
                raise ModelRefused(
                    each.model.id, [f"version {each.model.version} stands twice; count one up"]
                )
            versions.append(each)
            versions.sort(key=lambda product: (product.model.effective, product.model.version))

    def products(self, day: date) -> list[Product]:
        """Return the newest effective version of every product, by id."""
        found = [self._effective(name, day) for name in sorted(self._versions)]
        return [each.on(day) for each in found if each is not None]

    def versions(self) -> Iterator[Product]:
        """Yield every version of every product, effective or not yet."""
        for name in sorted(self._versions):
            yield from self._versions[name]

    def product(self, name: str, day: date) -> Product:
        """Return the newest version effective on the day, as it answers on that day.

        Raises: UnknownProduct.
        """
        found = self._effective(name, day) if name in self._versions else None
        if found is None:
            known = [each.model.id for each in self.products(day)]
            raise UnknownProduct(
                f"there is no product '{name[:100]}'{nearest(name[:100], known)}",
                field="product",
                product=name[:100],
            )
        return found.on(day)

    def newest(self, name: str) -> Product | None:
        """Return the version of a product with the highest number, effective or not yet."""
        versions = self._versions.get(name, ())
        return max(versions, key=lambda each: each.model.version, default=None)

    def pinned(self, pin: Pin) -> Product:
        """Return exactly the version that the pin names.   Raises: UnknownProduct."""
        for each in self._versions.get(pin.id, ()):
            if each.pin == pin:
                return each
        known = [
            f"{each.pin.version} ({each.pin.sha256[:12]})"
            for each in self._versions.get(pin.id, ())
        ]
        raise UnknownProduct(
            f"this catalogue does not have {pin.id} version {pin.version} ({pin.sha256[:12]});"
            f" it has {', '.join(known) or 'none of it'}",
            field="model",
            product=pin.id,
        )

    def skus(self) -> list[str]:
        """Return every SKU that any version of any product can ask for, sorted."""
        return sorted({line.mapping.sku for product in self.versions() for line in product.parts})

    def _effective(self, name: str, day: date) -> Product | None:
        ready = [each for each in self._versions[name] if each.model.effective <= day]
        return ready[-1] if ready else None
