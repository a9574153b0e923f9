"""A new version of a model: how long it takes to load, and to look at every open quote with it."""

import random
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from contracts.configuration import ConfiguredItem, Decision, RequestedItem
from contracts.values import Quantity
from services.configurator import keeping
from services.configurator.domain.answers.configuring import configure
from services.configurator.domain.language import expression
from services.configurator.domain.language.model import Part, ProductModel, Rule
from services.configurator.domain.products.product import Product, publish
from services.configurator.domain.releases.revalidating import revalidate
from services.configurator.domain.solving.space import bits
from services.configurator.keeping import Keeper
from services.configurator.shelf import load, read_model, read_parts
from tests.bench.report import Row, median

CATALOG = Path(__file__).resolve().parents[2] / "catalogs" / "telecom"
STORED, DIFFERENT, AFRESH = 10_000, 250, 50
NEW_RULES = (
    ("BS-NEW-01", "station_type = micro implies sectors = 3"),
    ("BS-NEW-02", "climate = cold implies backup_hours >= 1[h]"),
)


def measured(count: int) -> list[Row]:
    """Measure in process, so many rounds; nothing is written."""
    path, parts = CATALOG / "models" / "base_station.yaml", read_parts(CATALOG / "parts.yaml")
    loads, largest, first, starts, looks, afresh = [], [], [], [], [], []
    for seed in range(count):
        first.append(_loaded())
        starts.append(_started_again())
        _forget()
        began = time.perf_counter()
        publish(read_model(path.with_name("radio_site.yaml")), parts)
        largest.append((time.perf_counter() - began) * 1000)
        _forget()
        began = time.perf_counter()
        old = publish(read_model(path), parts)
        loads.append((time.perf_counter() - began) * 1000)
        chance = random.Random(seed)
        items = [_stored(old, chance) for _ in range(DIFFERENT)]
        new = _next(old.model, parts)
        began = time.perf_counter()
        found = [revalidate(new, items[each % DIFFERENT]).verdict for each in range(STORED)]
        looks.append(time.perf_counter() - began)
        assert len(set(found)) > 1, "the new rules hit nobody: nothing is measured"
        began = time.perf_counter()
        for item in items[:AFRESH]:
            configure(new, _asked(item.decisions))
        afresh.append((time.perf_counter() - began) / AFRESH * STORED)
    return [
        Row("base station, model read and proved at a start", median(loads), "ms", "lower", "value",
            "", None, 300, None),
        Row("radio site, the largest model, read and proved at a start", median(largest), "ms",
            "lower", "value", "", None, 300, None),
        Row("telecom catalogue, all models at a start that finds them kept", median(starts), "ms",
            "lower", "value", "first start: all read and proved, ms", median(first), 300, None),
        Row("10,000 stored quotes on a new version, outcome of each", median(looks), "s", "lower",
            "value", "each configured afresh, s", median(afresh), 60, 5),
    ]  # fmt: skip


def _loaded(kept: Path | None = None) -> float:
    """Load the catalogue as a new process does, its modules imported; returns milliseconds."""
    _forget()
    began = time.perf_counter()
    load(CATALOG, Keeper(kept) if kept else None)
    return (time.perf_counter() - began) * 1000


def _forget() -> None:
    """Forget what a new process does not have."""
    expression.parse.cache_clear()
    expression._reader.cache_clear()
    keeping._engine.cache_clear()


def _started_again() -> float:
    """Load as a service does at its start where an earlier one kept what it proved."""
    with TemporaryDirectory() as folder:
        load(CATALOG, Keeper(Path(folder)))
        return _loaded(Path(folder))


def _next(model: ProductModel, parts: Mapping[str, Part]) -> Product:
    rules = [Rule(id=id_, owner="power", rule=rule, message="New.") for id_, rule in NEW_RULES]
    return publish(
        model.model_copy(update={"version": 2, "rules": (*model.rules, *rules), "examples": ()}),
        parts,
    )


def _stored(product: Product, chance: random.Random) -> ConfiguredItem:
    """Click at random, always on something possible, and let the rest be found."""
    held: dict[int, int] = {}
    decisions: tuple[Decision, ...] = ()
    point = product.solver.solve({})
    assert point is not None
    for name in chance.sample(sorted(product.space.places), 8):
        for place in product.space.places[name]:
            values = list(bits(product.space.full()[place]))
            for bit in chance.sample(values, len(values)):
                found = product.solver.solve({**held, place: bit})
                if found is not None:
                    held[place], point = bit, found
                    break
        value = product.space.answer(name, point)
        decisions = (*decisions, Decision(attribute=name, value=value, source="user"))
    # What has no default is a person's too.
    for attribute in product.model.attributes:
        if attribute.default is None and attribute.id not in {each.attribute for each in decisions}:
            for place in product.space.places[attribute.id]:
                held[place] = point[place]
            value = product.space.answer(attribute.id, point)
            decisions = (*decisions, Decision(attribute=attribute.id, value=value, source="user"))
    found_item = configure(product, _asked(decisions))
    assert isinstance(found_item, ConfiguredItem), found_item
    return found_item


def _asked(decisions: tuple[Decision, ...]) -> RequestedItem:
    return RequestedItem(
        item_id="one", product="base_station", quantity=Quantity(1), decisions=decisions
    )
