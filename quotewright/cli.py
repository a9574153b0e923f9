"""`quotewright`: one command for the laptop and the operator.

Exit codes: 0 done; 1 refused, not found, or something needs a person; 2 wrong usage; 3 not
available now.
"""

import sys
import time
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from contracts.errors import QuotewrightError, Unavailable
from infra import log as logs
from infra.settings import SettingsError, load
from quotewright import rebuilding, repricing, show, status
from quotewright.books import book_app
from quotewright.client import Client, Where, token_for
from quotewright.explaining import explain as print_explanation
from quotewright.explaining import explanation
from quotewright.models import model_app, prove
from quotewright.options import (
    HOME,
    NOT_NOW,
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
from quotewright.parked import parked_app
from quotewright.playing import TELECOM
from quotewright.prefixes import SCHEMAS
from quotewright.what_ifs import what_if_app

# A service answers its status within 3 s, also when its database hangs.
STATUS_S = 8.0
app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(parked_app, name="parked")
app.add_typer(model_app, name="model")
app.add_typer(what_if_app, name="whatif")
app.add_typer(book_app, name="book")
app.command()(prove)

Bus = Annotated[Literal["embedded", "kafka"], typer.Option(help="how facts travel")]
Sold = Annotated[
    Path,
    typer.Option(
        "--catalog", envvar="QW_CATALOG_DIR", help="what is sold", exists=True, file_okay=False
    ),
]


@app.command()
def up(bus: Bus = "embedded", home: Home = HOME, catalog: Sold = TELECOM) -> None:
    """Start the house on this laptop and keep serving (Ctrl-C ends it)."""
    from quotewright import demo as play  # noqa: PLC0415 - all services: a second to load
    from quotewright.laptop import Laptop  # noqa: PLC0415

    play.up(Laptop(home, bus, catalog=catalog), Console())


@app.command()
def demo(
    bus: Bus = "embedded",
    once: Annotated[bool, typer.Option("--once", help="play the walks, then end")] = False,
    home: Home = HOME,
    catalog: Sold = TELECOM,
    as_json: Json = False,
) -> None:
    """Play two quotes from opportunity to order; then keep serving, or end with --once."""
    from quotewright import demo as play  # noqa: PLC0415 - all services: a second to load
    from quotewright.laptop import Laptop  # noqa: PLC0415

    console = Console(stderr=as_json)
    walks = play.demo(Laptop(home, bus, catalog=catalog), once=once, console=console)
    if as_json:
        print_json([each.as_json() for each in walks])


@app.command()
def history(
    number: Number, as_json: Json = False, url: Url = None, token: Token = None, home: Home = HOME
) -> None:
    """Print a quote's walk hop by hop: time, fact, cause."""
    found = client_of(Where(home, url, token), "admin").get(f"/crm/quotes/{number}/history")
    print_json(found) if as_json else show.history(Console(), found)


@app.command()
def explain(  # noqa: PLR0913, PLR0917 - the options of a command are its form
    number: Number,
    line: Annotated[int | None, typer.Option(help="one line only")] = None,
    as_json: Json = False,
    url: Url = None,
    token: Token = None,
    home: Home = HOME,
) -> None:
    """Say why each price is what it is, and why each approval was needed or not."""
    found = explanation(client_of(Where(home, url, token), "admin"), number, line)
    print_json(found) if as_json else print_explanation(Console(), found, skipped=line is not None)


@app.command()
def reprice(  # noqa: PLR0913, PLR0917 - the options of a command are its form
    number: Annotated[str, typer.Argument(help="a quote's number, as Q-1001; to check also: all")],
    check: Annotated[
        bool, typer.Option("--check", help="price every past ask again; it must be the same bytes")
    ] = False,
    reason: Annotated[str | None, typer.Option(help="ask for the newest prices, and why")] = None,
    as_json: Json = False,
    url: Url = None,
    token: Token = None,
    home: Home = HOME,
) -> None:
    """Prove past prices (--check), show what the newest book would change, or ask for it."""
    client = client_of(Where(home, url, token), "admin")
    if check:
        found = list(repricing.check(client, number))
        print_json([each.as_json() for each in found]) if as_json else say(repricing.told(found))
        raise typer.Exit(REFUSED if any(not each.found["is_same"] for each in found) else 0)
    if number == "all":
        raise typer.BadParameter("give one quote's number, or --check to prove all prices")
    difference = client.get(f"/quotes/{number}/repricing")
    print_json(difference) if as_json else say("\n".join(repricing.difference(difference)))
    if reason is not None and not difference["is_same_book"]:
        client.post(f"/quotes/{number}/repricing", {**difference["after"], "reason": reason})
        say(f"{number} is being priced anew")


@app.command()
def waiting(as_json: Json = False, url: Url = None, token: Token = None, home: Home = HOME) -> None:
    """List what every open quote waits for, since when, and who can move it."""
    found = client_of(Where(home, url, token), "admin").get("/crm/waiting?limit=200")
    print_json(found) if as_json else show.waiting(Console(), found["waiting"])


@app.command(name="status")
def show_status(
    as_json: Json = False,
    watch: Annotated[
        float | None, typer.Option(min=0.5, help="look again every so many seconds")
    ] = None,
    url: Url = None,
    token: Token = None,
    home: Home = HOME,
) -> None:
    """Say how every service stands, and what needs a person (exit 1; 3: nobody answers)."""
    where = Where(home, url, token)
    address = where.address()
    client = Client(address, where.bearer("admin"), STATUS_S)
    while True:
        seen = status.look(client, address)
        console = Console()
        if watch is not None:
            console.clear()
        print_json(seen.as_json()) if as_json else status.show(console, seen)
        if watch is None:
            raise typer.Exit(REFUSED if seen.needs() else 0)
        time.sleep(watch)


@app.command()
def rebuild(  # noqa: PLR0913, PLR0917 - the options of a command are its form
    what: Annotated[Literal["crm"], typer.Argument(help="the read tables and analytics")],
    watch: Annotated[bool, typer.Option("--watch", help="watch the one that runs")] = False,
    rollback: Annotated[bool, typer.Option("--rollback", help="read the one before again")] = False,
    retire: Annotated[bool, typer.Option("--retire", help="drop the one before")] = False,
    give_up: Annotated[bool, typer.Option("--give-up", help="end the one that runs")] = False,
    as_json: Json = False,
    url: Url = None,
    token: Token = None,
    home: Home = HOME,
) -> None:
    """Rebuild the CRM views beside the present ones from our own facts, then swap them."""
    del what
    steps = {"rollback": rollback, "retire": retire, "give-up": give_up}
    asked = [name for name, wanted in steps.items() if wanted]
    if len(asked) + watch > 1:
        raise typer.BadParameter("only one of --watch, --rollback, --retire, --give-up")
    client = client_of(Where(home, url, token), "admin")
    if asked:
        done = client.post(f"{rebuilding.DOOR}/{asked[0]}")
        print_json(done) if as_json else say(rebuilding.done(asked[0], done["generation"]))
        return
    number = rebuilding.running(client) if watch else rebuilding.start(client)
    found = rebuilding.watch(Console(stderr=as_json), client, number)
    print_json(found) if as_json else rebuilding.say(Console(), found)


@app.command(name="token")
def make_token(
    role: Annotated[list[str], typer.Option(help="seller, approver, manager, analyst or admin")],
    subject: Annotated[str | None, typer.Option(help="who it is for, an id")] = None,
    hours: Annotated[int, typer.Option(min=1, max=24)] = 8,
    as_json: Json = False,
    home: Home = HOME,
) -> None:
    """Print a bearer token for a role, signed by this laptop's key."""
    who = subject or f"{role[0]}-1"
    made = token_for(home, who, role, hours)
    told = {"token": made, "subject": who, "roles": role, "hours": hours}
    print_json(told) if as_json else say(made)


@app.command()
def provision() -> None:
    """Create roles and schemas as QW_ADMIN_DSN; harmless when repeated."""
    from infra.postgres import provision as provision_database  # noqa: PLC0415 - slow to load

    settings = load()
    if settings.admin_dsn is None:
        raise SettingsError("QW_ADMIN_DSN: must be the connection string of an administrator")
    provision_database(settings.admin_dsn.get_secret_value(), SCHEMAS)
    say("roles, schemas and the bus are there")


def main() -> None:
    """Run the command; a problem is one sentence on stderr and an honest exit code."""
    logs.configure("error", "console")
    try:
        app()
    except QuotewrightError as fault:
        code = str(fault.facts.get("code", fault.code))
        sys.stderr.write(f"quotewright: {fault.message} [{code}]\n")
        sys.exit(NOT_NOW if isinstance(fault, Unavailable | SettingsError) else REFUSED)
    except KeyboardInterrupt:
        sys.exit(130)
