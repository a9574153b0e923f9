"""`quotewright whatif`: try a price book on past quotes, watch it, read what it found."""

import time
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

import typer
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from quotewright.client import Client, Where
from quotewright.options import (
    HOME,
    REFUSED,
    Home,
    Json,
    Token,
    Url,
    client_of,
    print_json,
    say,
    write,
)

DOOR = "/pricer/what-ifs"
LOOK_S = 0.5
# Columns of a terminal: no table of ours is wider.
WIDEST = 1000
OVER = {"done", "cancelled", "failed"}
what_if_app = typer.Typer(
    no_args_is_help=True, help="What-ifs: try a price book on past quotes; no price changes."
)
Id = Annotated[str, typer.Argument(help="the id of a what-if")]
Names = Annotated[list[str] | None, typer.Option(help="only these; may be given again")]
Day = Annotated[str | None, typer.Option(help="a day, as 2026-03-31")]
Version = Annotated[str | None, typer.Argument(help="a version, as telecom-list/3")]
File = Annotated[Path | None, typer.Option(help="a whole book (YAML)", exists=True, dir_okay=False)]
ChangesFile = Annotated[
    Path | None,
    typer.Option(help="entries, rules, guardrails to change (YAML)", exists=True, dir_okay=False),
]
Called = Annotated[str, typer.Option(help="for the list")]
Other = Annotated[str | None, typer.Option(help="a version; without it what was answered")]
Approvals = Annotated[bool, typer.Option(help="ask which approvals would arise")]
Wait = Annotated[bool, typer.Option(help="wait until it is over")]


@what_if_app.command()
def run(  # noqa: PLR0913, PLR0917 - the options of a command are its form
    book: Version = None,
    file: File = None,
    changes: ChangesFile = None,
    name: Called = "from the command line",
    compare_with: Other = None,
    first: Day = None,
    last: Day = None,
    tier: Names = None,
    region: Names = None,
    product: Names = None,
    on_day: Day = None,
    approvals: Approvals = True,
    wait: Wait = True,
    as_json: Json = False,
    url: Url = None,
    token: Token = None,
    home: Home = HOME,
) -> None:
    """Try a version, a file, or a version with changes; prints what it found.

    First and last day choose quotes; --on-day prices all as if asked on that day.
    """
    names = {"tiers": tier or [], "regions": region or [], "products": product or []}
    quotes = {"first": first, "last": last, **names}
    ask: dict[str, Any] = {"name": name, "quotes": quotes, "day": on_day, "approvals": approvals}
    ask |= _book(book, file, changes)
    if compare_with:
        ask["compare_with"] = _version(compare_with)
    client = client_of(Where(home, url, token), "admin")
    found = client.post(DOOR, ask)
    if wait:
        found = _waited(client, found, Console(stderr=True))
    print_json(found) if as_json else show_found(Console(), found)
    if found["what_if"]["state"] == "failed":
        raise typer.Exit(REFUSED)


@what_if_app.command(name="list")
def listed(as_json: Json = False, url: Url = None, token: Token = None, home: Home = HOME) -> None:
    """List what was tried, the newest first."""
    found = client_of(Where(home, url, token), "admin").get(f"{DOOR}?limit=50")
    if as_json:
        print_json(found)
        return
    if not found:
        say("nothing was tried yet; begin with `quotewright whatif run`")
    for each in found:
        it = each["what_if"]
        say(f"{it['what_if_id']}  {it['state']:9} {each['percent']:3} %  {it['name']}")


@what_if_app.command()
def show(
    what_if: Id, as_json: Json = False, url: Url = None, token: Token = None, home: Home = HOME
) -> None:
    """Print how far a what-if is, and what it found so far."""
    found = client_of(Where(home, url, token), "admin").get(f"{DOOR}/{quote(what_if, safe='')}")
    print_json(found) if as_json else show_found(Console(), found)


@what_if_app.command()
def cancel(what_if: Id, url: Url = None, token: Token = None, home: Home = HOME) -> None:
    """End a what-if; what it found so far stays."""
    client = client_of(Where(home, url, token), "admin")
    found = client.post(f"{DOOR}/{quote(what_if, safe='')}/cancel")
    say(f"{found['what_if']['name']}: {found['what_if']['state']}")


@what_if_app.command()
def export(  # noqa: PLR0913, PLR0917 - the options of a command are its form
    what_if: Id,
    to: Annotated[Path, typer.Argument(help="where to write it")],
    form: Annotated[Literal["csv", "parquet"], typer.Option(help="what to write")] = "csv",
    url: Url = None,
    token: Token = None,
    home: Home = HOME,
) -> None:
    """Write every quote before and after into a file."""
    client = client_of(Where(home, url, token), "admin")
    write(to, client.bytes(f"{DOOR}/{quote(what_if, safe='')}/quotes.{form}"))
    say(f"wrote {to}")


# ---- what is asked


def _book(book: str | None, file: Path | None, changes: Path | None) -> dict[str, Any]:
    if (book is None) == (file is None) or (file is not None and changes is not None):
        raise typer.BadParameter("give a version, a version with --changes, or --file")
    if file is not None:
        return {"document": _yaml(file)}
    version = _version(str(book))
    if changes is None:
        return {"version": version}
    return {"changed": {"of": version, "changes": _yaml(changes)}}


def _version(text: str) -> dict[str, Any]:
    name, _, number = text.rpartition("/")
    if not name or not (number.isascii() and number.isdigit()):
        raise typer.BadParameter(f"{text!r} is no version; write it as telecom-list/3")
    return {"id": name, "version": int(number)}


def _yaml(path: Path) -> Any:
    """Read a file; numbers and days travel as text, exact.   Raises: Refused."""
    from services.pricer.documents import from_yaml  # noqa: PLC0415 - a second to load

    return _plain(from_yaml(path.read_bytes(), path.name))


def _plain(tree: Any) -> Any:
    match tree:
        case dict():
            return {str(name): _plain(each) for name, each in tree.items()}
        case list():
            return [_plain(each) for each in tree]
        case Decimal():
            return f"{tree:f}"
        case date():
            return tree.isoformat()
    return tree


# ---- what was found


def _waited(client: Client, found: Any, console: Console) -> Any:
    with console.status("begins") as status:
        while found["what_if"]["state"] not in OVER:
            it = found["what_if"]
            status.update(f"{it['quotes_done']} of {it['quotes']} quotes, {found['percent']} %")
            time.sleep(LOOK_S)
            found = client.get(f"{DOOR}/{it['what_if_id']}")
    return found


def show_found(console: Console, found: Any) -> None:
    """Print how far a what-if is, and what it found so far."""
    it = found["what_if"]
    console.print(f"{it['name']}: {it['state']}, {it['quotes_done']} of {it['quotes']} quotes")
    console.print(f"id {it['what_if_id']}")
    if it["trouble"]:
        console.print(it["trouble"])
    if it["state"] == "done" and not it["quotes"]:
        console.print("no past quote is of this kind; choose other days, or fewer conditions")
    report = found["report"] or {"currencies": []}
    for each in report["currencies"]:
        table = _table(each)
        wanted = Measurement.get(console, console.options.update(max_width=WIDEST), table)
        if wanted.maximum <= console.width:
            console.print(table)
            continue
        # A figure that is cut is none: a narrow terminal, or a file, gets a sentence for each row.
        for sentence in _sentences(each):
            console.print(sentence, soft_wrap=True)
    for name in ("guardrails", "approvals", "unpriced"):
        for line in _lines(name, report.get(name, [])):
            console.print(line)


def _table(currency: Any) -> Table:
    table = Table(title=currency["currency"], title_justify="left")
    for head in ("", "quotes", "net before", "net after", "change", "margin", "discount"):
        table.add_column(head, justify="left" if not head else "right")
    for head in ("cheaper", "dearer", "breaches", "new approvals"):
        table.add_column(head, justify="right")
    for row in _rows(currency):
        table.add_row(
            row["name"],
            str(row["quotes"]),
            *(row[f"net_{side}"]["amount"] for side in ("before", "after", "change")),
            f"{row['margin_percent_before']} to {row['margin_percent_after']} %",
            f"{row['discount_percent_before']} to {row['discount_percent_after']} %",
            str(row["cheaper"]),
            str(row["dearer"]),
            f"{row['breaches_before']} to {row['breaches_after']}",
            str(row["approvals_new"]),
        )
    return table


def _rows(currency: Any) -> list[Any]:
    rows = [currency["total"]]
    return rows + [
        each for name in ("tier", "region", "product") for each in currency[f"by_{name}"]
    ]


def _sentences(currency: Any) -> Iterator[str]:
    yield currency["currency"]
    for row in _rows(currency):
        before, after, change = (
            Decimal(row[f"net_{side}"]["amount"]) for side in ("before", "after", "change")
        )
        quotes = f"{row['quotes']} quote{'' if row['quotes'] == 1 else 's'}"
        yield (
            f"  {row['name']}: {quotes}, net {before:,f} to {after:,f} ({change:+,f}),"
            f" margin {row['margin_percent_before']} to {row['margin_percent_after']} %,"
            f" discount {row['discount_percent_before']} to {row['discount_percent_after']} %,"
            f" {row['cheaper']} cheaper, {row['dearer']} dearer,"
            f" breaches {row['breaches_before']} to {row['breaches_after']},"
            f" new approvals {row['approvals_new']}"
        )


def _lines(name: str, rows: Any) -> Iterator[str]:
    for each in rows:
        match name:
            case "guardrails":
                yield f"guardrail {each['guardrail']}: {each['before']} to {each['after']}"
            case "approvals":
                yield f"approvals by {each['level']}: {each['before']} to {each['after']}"
            case _:
                yield f"without a price {each['side']}: {each['quotes']} quotes, {each['code']}"
