"""`quotewright book`: what a price book says wrongly, what it changes, and how it is published.

`lint` and `diff` work on files; `list`, `publish` and `retire` ask a running house.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import quote

import typer

from contracts.errors import NotFound, Refused
from quotewright.book_files import linted, plain, read_document
from quotewright.client import Client, Where
from quotewright.options import HOME, REFUSED, Home, Json, Token, Url, client_of, print_json, say
from quotewright.playing import TELECOM
from quotewright.price_lists import import_list

if TYPE_CHECKING:
    from services.pricer.domain.lint.lint import Finding

book_app = typer.Typer(
    no_args_is_help=True,
    help="Price books and FX tables: lint, compare versions, import, publish.",
)
Catalog = Annotated[Path, typer.Option(help="the catalogue: parts.yaml and fx/*.yaml")]
File = Annotated[
    Path, typer.Argument(help="a price book, as YAML or JSON", exists=True, dir_okay=False)
]
Kind = Annotated[Literal["book", "fx"], typer.Option(help="price books, or FX tables")]
Reason = Annotated[str, typer.Option(help="why, for whoever asks later")]
PATHS = {"book": "books", "fx": "fx"}


@book_app.command("list")
def list_versions(
    kind: Kind = "book",
    as_json: Json = False,
    url: Url = None,
    token: Token = None,
    home: Home = HOME,
) -> None:
    """List the versions of a house: their state, days, size, and who did what last."""
    found = client_of(Where(home, url, token), "manager").get(f"/pricer/{PATHS[kind]}?limit=200")
    if as_json:
        print_json(found)
        return
    for each in found:
        days = f"{each['effective']['first']} to {each['effective']['last'] or 'further notice'}"
        size = f"{each['entries']} entries, {each['rules']} rules"
        by = f"; {each['by']}: {each['reason']}" if each["reason"] else ""
        say(f"{each['id']} {each['version']}  {each['status']}  {days}  {size}{by}")


@book_app.command()
def lint(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="books; by default all of the catalogue", exists=True, dir_okay=False),
    ] = None,
    catalog: Catalog = TELECOM,
    as_json: Json = False,
) -> None:
    """Say what is wrong in a price book, and what to change (exit 1: errors)."""
    paths = files or sorted((catalog / "price_books").glob("*.yaml"))
    if not paths:
        raise Refused(f"there is no price book in {catalog / 'price_books'}", field="catalog")
    found_in = {str(path): linted(path, catalog) for path in paths}
    if as_json:
        print_json(
            {
                path: [
                    {"severity": it.severity, "place": it.place, "message": it.message}
                    for it in found
                ]
                for path, found in found_in.items()
            }
        )
    else:
        for path, found in found_in.items():
            _report(path, found)
    if any(each.severity == "error" for found in found_in.values() for each in found):
        raise typer.Exit(REFUSED)


@book_app.command()
def diff(
    file: File,
    against: Annotated[
        Path,
        typer.Option(help="the version to compare with", exists=True, dir_okay=False),
    ],
    as_json: Json = False,
) -> None:
    """Say in words and numbers what a version changes against another."""
    from services.pricer.domain.releases.differing import difference  # noqa: PLC0415 - a second to load

    old, new = read_document(against), read_document(file)
    if type(old) is not type(new):
        raise Refused("compare two price books, or two FX tables", field="against")
    found = difference(old, new)
    if as_json:
        changes = [
            {"sort": it.sort, "what": it.what, "name": it.name, "words": str(it)}
            for it in found.changes
        ]
        print_json({"counts": found.counts, "changes": changes})
        return
    say(f"{old.id} version {old.version} to {new.id} version {new.version}")
    for each in found.changes:
        say(f"  {each}")
    for what, counts in found.counts.items():
        told = ", ".join(f"{number} {sort}" for sort, number in counts.items() if number)
        say(f"{what}: {told}")


@book_app.command()
def publish(  # noqa: PLR0913, PLR0917 - the options of a command are its form
    file: File,
    reason: Reason,
    draft_only: Annotated[
        bool, typer.Option("--draft-only", help="keep it as a draft; publish it on its page")
    ] = False,
    url: Url = None,
    token: Token = None,
    home: Home = HOME,
) -> None:
    """Bring a book or an FX table into a running house and publish it, if the lint passes it."""
    client = client_of(Where(home, url, token), "manager")
    document = plain(file)
    kind: Literal["book", "fx"] = "fx" if "pairs" in document else "book"
    path = _path(kind, document.get("id"), document.get("version"))
    found = _drafted(client, path, document)
    for each in found["findings"]:
        say(f"{each['severity']}: {each['place']}: {each['message']}")
    if draft_only:
        say(f"{found['id']} version {found['version']}: kept as a draft, {found['sha256'][:12]}")
        return
    said = {"sha256": found["sha256"], "reason": reason}
    done = client.post(f"{path}/publish", said)
    say(
        f"{done['id']} version {done['version']}: published, in force from"
        f" {done['effective']['first']}"
    )


book_app.command("import")(import_list)


@book_app.command()
def retire(  # noqa: PLR0913, PLR0917 - the options of a command are its form
    name: Annotated[str, typer.Argument(help="its id")],
    version: Annotated[int, typer.Argument(help="its version")],
    reason: Reason,
    kind: Kind = "book",
    url: Url = None,
    token: Token = None,
    home: Home = HOME,
) -> None:
    """Take a published version out of use; what was priced with it keeps its prices."""
    client = client_of(Where(home, url, token), "manager")
    path = _path(kind, name, version)
    seen = client.get(path)["sha256"]
    done = client.post(f"{path}/retire", {"sha256": seen, "reason": reason})
    say(f"{done['id']} version {done['version']}: retired")


# ---- what commands share


def _report(path: str, found: "list[Finding]") -> None:
    for each in found:
        say(f"{each.severity}: {each}")
    errors = sum(each.severity == "error" for each in found)
    warnings = len(found) - errors
    words = [f"{errors} error{'s' * (errors != 1)}", f"{warnings} warning{'s' * (warnings != 1)}"]
    say(f"{path}: {', '.join(words)}")


def _path(kind: Literal["book", "fx"], name: object, version: object) -> str:
    """Return where a version stands in a house; a document that names none stands nowhere."""
    if name is None or version is None:
        raise Refused("the document has no id or no version; begin it with both", field="id")
    return f"/pricer/{PATHS[kind]}/{quote(str(name), safe='')}/{quote(str(version), safe='')}"


def _drafted(client: Client, path: str, document: dict[str, Any]) -> dict[str, Any]:
    """Keep a draft in the house; it takes the place of the draft that is there now."""
    try:
        there = client.get(path)
    except NotFound:
        there = None
    is_draft = there is not None and there["status"] == "draft"
    seen = {"if_match": f'"{there["sha256"]}"'} if is_draft else {}
    found: dict[str, Any] = client.put(path, document, **seen)
    return found
