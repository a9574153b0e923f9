"""One price book more in a running house: the example's list with changes, as its next version."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from quotewright.book_files import plain
from quotewright.laptop import ROOT
from tests.e2e.place import Place

TELECOM = ROOT / "catalogs" / "telecom" / "price_books" / "telecom-list-2.yaml"


@contextmanager
def published(place: Place, more: Mapping[str, list[Any]]) -> Iterator[None]:
    """Publish the list with more in some of its members, from today on; retire it at the end."""
    tree: dict[str, Any] = plain(TELECOM)
    manager = place.person("manager")
    version = 1 + max(each["version"] for each in manager.get("/pricer/books"))
    tree |= {name: [*tree.get(name, []), *added] for name, added in more.items()}
    tree |= {
        "version": version,
        "status": "draft",
        "effective": {"first": datetime.now(UTC).date().isoformat(), "last": None},
    }
    tree.pop("sha256", None)
    path = f"/pricer/books/{tree['id']}/{version}"
    seen = {"sha256": manager.put(path, tree)["sha256"], "reason": "a test"}
    manager.post(f"{path}/publish", seen)
    yield
    manager.post(f"{path}/retire", seen)
