"""`quotewright parked`: what could not be handled, trying it again, giving it up."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console

from contracts.errors import Refused, Unavailable
from quotewright.client import Client, Where
from quotewright.options import (
    HOME,
    NOT_NOW,
    REFUSED,
    Home,
    Token,
    Url,
    client_of,
    print_json,
)
from quotewright.options import Json as AsJson
from quotewright.prefixes import PREFIXES
from quotewright.show import Json, columns, minute, say

STUCK_S, LOOK_S = 10.0, 0.1
SHOWN_MAX = 200
parked_app = typer.Typer(
    no_args_is_help=True, help="What could not be handled: look, try again, give up."
)
Service = Annotated[str, typer.Option(help=f"one of {', '.join(PREFIXES)}")]
Number = Annotated[int, typer.Argument(min=1, help="the number in the list")]


@parked_app.command(name="list")
def parked_list(
    discarded: Annotated[
        bool, typer.Option("--discarded", help="what was given up, by whom and why")
    ] = False,
    as_json: AsJson = False,
    url: Url = None,
    token: Token = None,
    home: Home = HOME,
) -> None:
    """List what is parked in every service, oldest first, at most 200 of each."""
    client = client_of(Where(home, url, token), "admin")
    what = "discarded" if discarded else "parked"
    found: dict[str, list[Json]] = {}
    missing: dict[str, Unavailable] = {}
    for name, prefix in PREFIXES.items():
        try:
            found[name] = client.get(f"{prefix}/admin/{what}")
        except Unavailable as fault:
            missing[name] = fault
    if not found:
        raise next(iter(missing.values()))
    print_json(found) if as_json else say(Console(), _listed(found, what))
    for name, why in missing.items():
        Console(stderr=True).print(f"{name} is not in the list: {why.message}", soft_wrap=True)
    if missing:
        raise typer.Exit(NOT_NOW)


@parked_app.command(name="show")
def parked_show(  # noqa: PLR0913, PLR0917 - the options of a command are its form
    number: Number,
    service: Service,
    as_json: AsJson = False,
    url: Url = None,
    token: Token = None,
    home: Home = HOME,
) -> None:
    """Show one parked record raw, and how it reads through today's upcasters."""
    place = _place(service)
    found = client_of(Where(home, url, token), "admin").get(f"{place}/{number}")
    print_json(found) if as_json else say(Console(), _shown(found))


@parked_app.command(name="retry")
def parked_retry(  # noqa: PLR0913, PLR0917 - the options of a command are its form
    service: Service,
    number: Annotated[
        int | None, typer.Argument(min=1, help="one deal by a record's number; else all")
    ] = None,
    without_missing: Annotated[
        bool, typer.Option(help="go on over facts of the deal that have not come")
    ] = False,
    as_json: AsJson = False,
    url: Url = None,
    token: Token = None,
    home: Home = HOME,
) -> None:
    """Try parked records again, a whole deal in order; says what is left."""
    place = _place(service)
    if without_missing and number is None:
        raise Refused("--without-missing is for one deal: name a record of it", field="number")
    client = client_of(Where(home, url, token), "admin")
    found = retried(client, place, number, without_missing=without_missing)
    print_json(found) if as_json else say(Console(), _after_retry(found))
    if found["left"]:
        raise typer.Exit(REFUSED)


@parked_app.command(name="discard")
def parked_discard(  # noqa: PLR0913, PLR0917 - the options of a command are its form
    number: Number,
    service: Service,
    reason: Annotated[str, typer.Option(help="why, for whoever asks later")],
    as_json: AsJson = False,
    url: Url = None,
    token: Token = None,
    home: Home = HOME,
) -> None:
    """Give one parked record up for good; it is kept raw, with who and why."""
    place = _place(service)
    if not reason.strip():
        raise Refused("--reason must say why the record is given up", field="reason")
    client = client_of(Where(home, url, token), "admin")
    found = client.post(f"{place}/{number}/discard", {"reason": reason})
    print_json(found) if as_json else say(Console(), _after_discard(found, service))


def retried(
    client: Client, place: str, number: int | None, *, without_missing: bool = False
) -> Json:
    """Ask for a retry and wait until everything asked for is through or has failed again.

    `number` is a record of the deal to try; None tries all. `left` are those still parked of what
    was asked for, at most 200, `left_count` how many that are; `untried` how many of the service
    nobody has taken up.   Raises: NotFound, if nothing is parked under the number.
    """
    of = f"&deal_of={number}" if number else ""
    wanted = {row["id"] for row in _pages(client, place, of)}
    over = "?without_missing=true" if without_missing else ""
    asked = client.post(f"{place}/{number}/retry{over}" if number else f"{place}/retry")["asked"]
    retrying = _waited(client, place)
    left = [row for row in _pages(client, place) if row["id"] in wanted]
    return {
        "asked": asked,
        "left": left[:SHOWN_MAX],
        "left_count": len(left),
        "untried": retrying,
    }


def _waited(client: Client, place: str) -> int:
    """Wait until nothing is being retried, or nothing moves; returns how many still are."""
    moved_at, before = time.monotonic(), -1
    while time.monotonic() - moved_at < STUCK_S:
        retrying = int(client.get(f"{place}/count")["retrying"])
        if not retrying:
            return 0
        if retrying != before:
            moved_at, before = time.monotonic(), retrying
        time.sleep(LOOK_S)
    return before


def _pages(client: Client, place: str, of: str = "") -> Iterator[Json]:
    """Give all parked records, of a deal or of the service."""
    page = client.get(f"{place}?limit={SHOWN_MAX}{of}")
    while page:
        yield from page
        page = client.get(f"{place}?limit={SHOWN_MAX}{of}&after={page[-1]['id']}")


def _place(service: str) -> str:
    if service not in PREFIXES:
        raise typer.BadParameter(f"one of {', '.join(PREFIXES)}", param_hint="--service")
    return f"{PREFIXES[service]}/admin/parked"


# ---- what is printed


def _listed(found: Mapping[str, Sequence[Json]], what: str) -> Iterator[str]:
    if not any(found.values()):
        yield f"nothing is {what}"
        return
    head = ("service", "number", "deal", "fact", "since (UTC)", "tried", "code")
    rows = [(service, row) for service, each in found.items() for row in each]
    shown = [
        (
            service,
            str(row["id"]),
            _plain(row["deal"]),
            _fact(row),
            minute(row["parked_at"]),
            str(row["attempts"]),
            row["code"],
        )
        for service, row in rows
    ]
    first, *rest = columns(head, shown, "<><<<><")
    yield first
    for line, (_, row) in zip(rest, rows, strict=True):
        yield line
        yield f"        {row['reason']}"
        if "why" in row:
            yield f"        given up by {row['by']} at {minute(row['at'])}: {_plain(row['why'])}"
    for service, each in found.items():
        if len(each) == SHOWN_MAX:
            yield f"{service}: the first {SHOWN_MAX}; there may be more"


def _shown(found: Json) -> Iterator[str]:
    """Give one record: why, where from, its headers, its raw body, how it reads today."""
    yield f"{found['id']}  {_fact(found)}  deal {_plain(found['deal'])}"
    yield f"  {found['reason']} [{found['code']}], tried {found['attempts']} times"
    yield f"  {found['topic']}, partition {found['partition']}, offset {found['offset']}"
    yield from (f"  {_plain(name)}: {_plain(value)}" for name, value in found["headers"])
    yield _plain(found["value"])
    today = found["today"]
    if not today["readable"]:
        yield f"today: not readable: {today['why']}"
        return
    changes = today["changes"]
    yield f"today: readable as version {today['version']}" + (
        ", with these differences:" if changes else ", as it stands"
    )
    for each in changes:
        sides = [
            f"{sign} {_plain(_text(each[side]))}"
            for sign, side in (("-", "raw"), ("+", "read"))
            if side in each
        ]
        yield f"  {_plain(each['path'])}"
        yield from (f"    {side}" for side in sides)


def _after_retry(found: Json) -> Iterator[str]:
    left, count = found["left"], found["left_count"]
    yield f"{max(found['asked'] - count, 0)} of {found['asked']} handled"
    yield from (f"  still parked: {row['id']} {_fact(row)}: {row['reason']}" for row in left)
    if count > len(left):
        yield f"  and {count - len(left)} more"
    if found["untried"]:
        yield f"{found['untried']} were not taken up yet: does the service run, and is it ready?"


def _after_discard(found: Json, service: str) -> Iterator[str]:
    gone, following = found["discarded"], found["following"]
    yield f"given up: {gone['id']} {_fact(gone)} of deal {_plain(gone['deal'])}"
    if not following:
        yield "nothing of its deal is parked any more; new facts go through"
        return
    yield "still parked of its deal, in this order:"
    yield from (f"  {row['id']} {_fact(row)}: {row['reason']}" for row in following)
    yield f"they go on with: quotewright parked retry {following[0]['id']} --service {service}"


def _fact(row: Json) -> str:
    return _plain(str(row["fact"] or "unreadable").rpartition(".")[2])


def _text(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)


def _plain(text: str) -> str:
    """Return the text with whatever could steer a terminal made visible: it came from outside."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
