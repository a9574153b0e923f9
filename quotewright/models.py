"""`quotewright model`: what a product model says wrongly, what a new version changes, whom it hits.

Only `revalidate` asks a running house; the rest works on files.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from contracts.errors import Refused
from infra.clock import wall_clock
from quotewright.client import Client, Where
from quotewright.options import (
    HOME,
    REFUSED,
    Home,
    Json,
    Number,
    Token,
    Url,
    client_of,
    print_json,
    say,
)
from quotewright.playing import TELECOM
from quotewright.proofs import History, Quote, asks_of, days_of_asks, open_quotes, proved

if TYPE_CHECKING:
    from services.configurator.domain.products.product import Product
    from services.configurator.domain.releases.revalidating import Revalidated

USUAL = ("unchanged", "completed", "conflict")
VERDICTS = (*USUAL, "open", "undecided")
model_app = typer.Typer(
    no_args_is_help=True,
    help="Product models: lint, compare versions, publish, look at open quotes.",
)
Catalog = Annotated[Path, typer.Option(help="the catalogue: parts.yaml and models/*.yaml")]
File = Annotated[Path, typer.Argument(help="a product model", exists=True, dir_okay=False)]


@model_app.command()
def lint(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="models; by default all of the catalogue", exists=True, dir_okay=False),
    ] = None,
    catalog: Catalog = TELECOM,
    as_json: Json = False,
) -> None:
    """Say what is wrong or in vain in a model, proved over all configurations (exit 1: errors)."""
    paths = files or sorted((catalog / "models").glob("*.yaml"))
    if not paths:
        raise Refused(f"there is no model in {catalog / 'models'}", field="catalog")
    linted = {str(path): _linted(path, catalog) for path in paths}
    if as_json:
        print_json(linted)
    else:
        for line in _report(linted):
            say(line)
    if any(each["severity"] == "error" for found in linted.values() for each in found):
        raise typer.Exit(REFUSED)


@model_app.command()
def diff(
    file: File,
    against: Annotated[
        Path | None,
        typer.Option(
            help="by default the newest version in the catalogue", exists=True, dir_okay=False
        ),
    ] = None,
    catalog: Catalog = TELECOM,
    as_json: Json = False,
) -> None:
    """Say in words what a version changes."""
    from services.configurator.domain.releases.revising import changes  # noqa: PLC0415 - a second to load
    from services.configurator.shelf import load, read_model  # noqa: PLC0415

    new = read_model(file)
    if against is not None:
        old = read_model(against)
        if old.id != new.id:
            raise Refused(
                f"{against.name} is of {old.id}, {file.name} of {new.id}", field="against"
            )
    else:
        newest = load(catalog).newest(new.id)
        if newest is None:
            raise Refused(f"the catalogue has no {new.id} yet: all of it is new", field="file")
        old = newest.written
    found = changes(old, new)
    if as_json:
        print_json([asdict(each) for each in found])
        return
    say(f"{new.id}: version {old.version} to {new.version}, {_counted(len(found), 'change')}")
    for each in found:
        say(f"  {each}")


@model_app.command()
def publish(file: File, catalog: Catalog = TELECOM) -> None:
    """Put a version into the catalogue if nothing is wrong with it; services read it at a start."""
    from services.configurator import releasing, shelf  # noqa: PLC0415 - a second to load

    product = releasing.candidate(file, catalog)
    releasing.follows(product, shelf.load(catalog))
    found = _audited(file, product)
    for line in _report({str(file): found}):
        say(line)
    if any(each["severity"] == "error" for each in found):
        say("not published: mend the errors first")
        raise typer.Exit(REFUSED)
    placed = releasing.place(file, product, catalog)
    model = product.model
    say(f"published {model.id} version {model.version}, effective {model.effective}: {placed}")


@model_app.command()
def revalidate(  # noqa: PLR0913, PLR0917 - the options of a command are its form
    file: File,
    catalog: Catalog = TELECOM,
    as_json: Json = False,
    url: Url = None,
    token: Token = None,
    home: Home = HOME,
) -> None:
    """Say what a version makes of every open quote of a house (exit 1: one does not hold)."""
    from services.configurator.releasing import candidate  # noqa: PLC0415 - a second to load

    product = candidate(file, catalog).on(wall_clock().astimezone(UTC).date())
    found = list(_revalidated(client_of(Where(home, url, token), "admin"), product))
    if as_json:
        print_json([each.as_json() for each in found])
    else:
        for each in found:
            say(each.line())
        counts: Counter[str] = Counter(each.outcome.verdict for each in found)
        told = ", ".join(f"{counts[each]} {each}" for each in VERDICTS if each in {*USUAL, *counts})
        say(f"{_counted(len(found), 'item')} of {product.model.id} in open quotes: {told}")
    if any(each.outcome.rejected for each in found):
        raise typer.Exit(REFUSED)


@model_app.command()
def schema(
    pictures: Annotated[bool, typer.Option("--pictures", help="that of pictures.yaml")] = False,
) -> None:
    """Print the JSON Schema of the model language, by which an editor completes and checks."""
    from services.configurator import releasing  # noqa: PLC0415 - a second to load

    print_json(releasing.pictures_schema() if pictures else releasing.schema())


def prove(  # noqa: PLR0913, PLR0917 - the options of a command are its form
    number: Number,
    revision: Annotated[int | None, typer.Option(min=1, help="by default the newest")] = None,
    catalog: Catalog = TELECOM,
    url: Url = None,
    token: Token = None,
    home: Home = HOME,
) -> None:
    """Configure an old quote again on the model it is pinned to; the answer must be the same."""
    from services.configurator.shelf import load  # noqa: PLC0415 - a second to load

    client = client_of(Where(home, url, token), "admin")
    wanted = revision or client.read(f"/quotes/{number}", Quote).current.revision
    view = asks_of(client, number, wanted)
    if not view.configured:
        raise Refused(f"{number} revision {wanted} is not configured yet; nothing to prove")
    catalogue, differs = load(catalog), False

    def days() -> list[date]:
        told = client.read(f"/crm/quotes/{number}/history", History)
        return days_of_asks(told.model_dump(mode="json")["hops"], view.etag)

    for stored in view.configured:
        asked = next(each for each in view.items if each.item_id == stored.item_id)
        same, line = proved(catalogue, asked, stored, days)
        differs |= not same
        say(f"{number} revision {wanted}, {line}")
    if differs:
        raise typer.Exit(REFUSED)


# ---- lint


def _linted(path: Path, catalog: Path) -> list[dict[str, Any]]:
    """Return the findings about a file; one that can not be published has only errors."""
    from services.configurator.domain.products.product import ModelRefused  # noqa: PLC0415 - a second to load
    from services.configurator.releasing import candidate  # noqa: PLC0415

    try:
        return _audited(path, candidate(path, catalog))
    except ModelRefused as refused:
        known = {"severity": "error", "code": refused.code, "where": refused.product, "line": None}
        return [known | {"message": fault} for fault in refused.faults]


def _audited(path: Path, product: "Product") -> list[dict[str, Any]]:
    from services.configurator.domain.releases.auditing import audit  # noqa: PLC0415 - a second to load
    from services.configurator.shelf import lines_of  # noqa: PLC0415

    found = audit(product)
    lines = lines_of(path, [f"{each.where}: {each.message}" for each in found])
    return [
        {
            "severity": each.severity,
            "code": each.code,
            "where": each.where,
            "message": each.message,
            "line": line,
        }
        for each, line in zip(found, lines, strict=True)
    ]


def _report(linted: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    for path, found in linted.items():
        for each in found:
            where = f"line {each['line']}: {each['where']}" if each["line"] else each["where"]
            yield f"{each['severity']}: {where}: {each['message']} [{each['code']}]"
        counts = Counter(each["severity"] for each in found)
        errors, warnings = counts["error"], counts["warning"]
        yield f"{path}: {_counted(errors, 'error')}, {_counted(warnings, 'warning')}"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


# ---- open quotes


@dataclass(frozen=True, slots=True)
class Looked:
    """What a version makes of one item of an open quote."""

    number: str
    revision: int
    item_id: str
    outcome: "Revalidated"

    def as_json(self) -> dict[str, Any]:
        """Return it as a program reads it."""
        rejected = self.outcome.rejected
        return {
            "number": self.number,
            "revision": self.revision,
            "item_id": self.item_id,
            "verdict": self.outcome.verdict,
            "was": self.outcome.was.model_dump(mode="json"),
            "now": self.outcome.now.model_dump(mode="json"),
            "changes": list(self.outcome.changes),
            "rejected": rejected.model_dump(mode="json") if rejected else None,
        }

    def line(self) -> str:
        """Return it as a person reads it."""
        head = f"{self.number} revision {self.revision}, {self.item_id}: {self.outcome.verdict}"
        if self.outcome.rejected is None:
            return "\n    ".join([head, *self.outcome.changes])
        repairs = [f"or: {each.message}" for each in self.outcome.rejected.repairs]
        return "\n    ".join([head, self.outcome.rejected.message, *repairs])


def _revalidated(client: Client, product: "Product") -> Iterator[Looked]:
    from services.configurator.domain.releases.revalidating import revalidate as look  # noqa: PLC0415

    for number in open_quotes(client):
        current = client.read(f"/quotes/{number}", Quote).current
        for each in current.configured:
            if each.product == product.model.id:
                yield Looked(number, current.revision, each.item_id, look(product, each))
