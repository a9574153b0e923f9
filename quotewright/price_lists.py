"""`quotewright book import`: price lists, and exports of Salesforce, read into a price book."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
import yaml

from contracts.errors import Refused
from contracts.values import plain_day, plain_decimal
from quotewright.book_files import read_book
from quotewright.options import REFUSED, Json, print_json, say, write
from quotewright.playing import TELECOM

if TYPE_CHECKING:
    from services.pricer.domain.releases.price_list import Imported, Target
    from services.pricer.importing import Source

Catalog = Annotated[Path, typer.Option(help="the catalogue, for its parts.yaml")]
Files = Annotated[
    list[Path],
    typer.Argument(help="a CSV or XLSX list, or CSVs of an export", exists=True, dir_okay=False),
]
Onto = Annotated[
    Path, typer.Option(help="the version that it changes", exists=True, dir_okay=False)
]
Day = Annotated[str, typer.Option(help="first day of the new prices, as 2027-01-01")]
Out = Annotated[
    Path | None, typer.Option(help="where to write the next version; else only a report")
]
Complete = Annotated[
    bool, typer.Option("--complete", help="remove entries that the list leaves out")
]
OneSheet = Annotated[str | None, typer.Option(help="of a workbook; else the first")]
Pricebook = Annotated[
    str | None, typer.Option(help="of an export, by name or id; else the standard one")
]
Step = Annotated[str, typer.Option(help="of an export: the least step between two quantities")]


def import_list(  # noqa: PLR0913, PLR0917 - the options of a command are its form
    files: Files,
    onto: Onto,
    effective: Day,
    out: Out = None,
    complete: Complete = False,
    sheet: OneSheet = None,
    pricebook: Pricebook = None,
    step: Step = "0.001",
    catalog: Catalog = TELECOM,
    as_json: Json = False,
) -> None:
    """Read a price list into a book: say row by row what it changes (exit 1: rows are refused)."""
    from services.pricer.books import parts_of  # noqa: PLC0415 - a second to load
    from services.pricer.importing import imported, report  # noqa: PLC0415 - as above

    book = read_book(onto)
    to = _target(book.version + 1, effective, complete)
    source = _source(files, sheet, pricebook, step)
    found = imported(source, book, parts_of(catalog), to)
    print_json(report(found)) if as_json else _say(found)
    if out is not None:
        text = yaml.safe_dump(found.document, sort_keys=False, allow_unicode=True, width=120)
        write(out, text.encode())
        if not as_json:
            say(f"{out}: {book.id} version {to.version}, a draft")
    if found.counts["refused"]:
        raise typer.Exit(REFUSED)


def _target(version: int, effective: str, complete: bool) -> "Target":
    from services.pricer.domain.releases.price_list import Target  # noqa: PLC0415 - as above

    try:
        return Target(version, plain_day(effective), complete)
    except ValueError:
        raise Refused("write the day as 2027-01-01", field="effective") from None


def _source(files: list[Path], sheet: str | None, pricebook: str | None, step: str) -> "Source":
    from services.pricer.domain.releases.salesforce import Wanted  # noqa: PLC0415 - as above
    from services.pricer.importing import Source  # noqa: PLC0415 - as above

    try:
        wanted = Wanted(pricebook, plain_decimal(step))
    except ValueError:
        raise Refused("write the step as 0.001, or 1 for whole units", field="step") from None
    return Source({each.name: each.read_bytes() for each in files}, sheet, wanted)


def _say(found: "Imported") -> None:
    for each in found.outcomes:
        if each.verdict != "unchanged":
            say(str(each))
    for name in found.unread:
        say(f"column {name}: not read")
    say(", ".join(f"{number} {verdict}" for verdict, number in found.counts.items() if number))
