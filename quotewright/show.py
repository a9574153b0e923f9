"""What the command prints: walks, history, explanations, the waiting list, parked records."""

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from contracts.errors import NotFound
from quotewright.client import Client

if TYPE_CHECKING:
    from quotewright.demo import Walked

Json = dict[str, Any]
RETRY_S = 10.0


def walked(console: Console, walk: "Walked") -> None:
    """Print one walk: the outcome, then its hops with times."""
    console.print(f"\n[bold]{walk.number}[/]  {walk.title}")
    console.print(
        f"  presented after {walk.presented_s:.2f} s, ordered after {walk.ordered_s:.2f} s,"
        f" net {walk.net}"
    )
    console.print(f"  PDF {walk.pdf}\n  sha256 {walk.pdf_sha256}", soft_wrap=True)
    console.print(_hops(walk.hops))


def what_to_open(console: Console, url: str, walks: Sequence["Walked"]) -> None:
    """Print three things to open or try."""
    number = walks[-1].number if walks else "Q-1001"
    console.print(
        f"\n[bold]Serving at {url}[/] (Ctrl-C ends it). In another terminal:", soft_wrap=True
    )
    console.print(f"  .venv/bin/quotewright history {number}")
    console.print(f"  .venv/bin/quotewright explain {number}")
    console.print("  .venv/bin/quotewright waiting")
    for walk in walks[:1]:
        console.print(f"  open {walk.pdf}", soft_wrap=True)


def history(console: Console, found: Json) -> None:
    """Print a quote's walk hop by hop."""
    console.print(f"[bold]{found['number']}[/]  deal {found['deal_id']}", soft_wrap=True)
    console.print(_hops(found["hops"]))
    if found["is_cut"]:
        console.print("older hops only; the rest is cut")


def _hops(hops: Sequence[Json]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name, how in (("", "right"), ("time (UTC)", "left"), ("+ms", "right"), ("fact", "left")):
        table.add_column(name, justify="right" if how == "right" else "left", no_wrap=True)
    table.add_column("said by", no_wrap=True)
    table.add_column("because of", no_wrap=True)
    order = {hop["id"]: number for number, hop in enumerate(hops, 1)}
    for number, hop in enumerate(hops, 1):
        cause = order.get(hop["causation"] or "")
        wait = hop["since_previous_ms"]
        table.add_row(
            str(number),
            hop["time"][11:23],
            "" if wait is None else str(wait),
            hop["fact"],
            hop["source"],
            f"{cause}" if cause else (hop["actor"] or ""),
        )
    return table


def waiting(console: Console, rows: Sequence[Json]) -> None:
    """Print the waiting list."""
    if not rows:
        console.print("nothing waits")
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("quote", "customer", "waits for", "since (UTC)", "who can move it", "why"):
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(
            str(row.get("number") or ""),
            str(row.get("account_name") or ""),
            str(row.get("waits_for") or ""),
            str(row.get("waits_since_at") or "")[:19].replace("T", " "),
            str(row.get("who_can_move_it") or ""),
            str(row.get("reason") or ""),
        )
    console.print(table)


def explanation(client: Client, number: str, line: int | None) -> Json:
    """Collect why each price is what it is and why each approval was needed or not.

    Raises: NotFound, if the quote or the line does not exist.
    """
    quote = client.get(f"/quotes/{number}")
    revision = quote["current"]
    trace = revision.get("trace_sha256")
    priced = client.get(f"/pricer/traces/{trace}") if trace else {"lines": []}
    lines = [each for each in priced["lines"] if line in {None, each["line"]}]
    if line is not None and not lines:
        raise NotFound(f"{number} has no priced line {line}", line=line)
    approvals = client.get(f"/crm/quotes/{number}")
    return {"quote": quote, "prices": {**priced, "lines": lines}, "approvals": approvals}


def explain(console: Console, found: Json) -> None:
    """Print an explanation."""
    console.print_json(data=found)


def rebuild(console: Console, client: Client) -> Json:
    """Rebuild page by page with a progress bar; returns what differed."""
    columns = (TextColumn("rebuilding"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    total: Json = {"deals": 0, "facts": 0, "differences": []}
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("rebuild", total=None)
        page: Json = {"next": None}
        while True:
            page = client.post("/crm/rebuild", {"after": page["next"]})
            total["deals"] += page.get("deals", 0)
            progress.update(bar, completed=total["deals"])
            if page.get("next") is None:
                return total


def parked(console: Console, found: Mapping[str, Sequence[Json]]) -> None:
    """Print what is parked in every service."""
    if not any(found.values()):
        console.print("nothing is parked")
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("service", "number", "deal", "fact", "why", "since (UTC)"):
        table.add_column(name, overflow="fold")
    for service, rows in found.items():
        for row in rows:
            since = (row["parked_at"] or "")[:19].replace("T", " ")
            fact = (row["fact"] or "unreadable").rpartition(".")[2]
            table.add_row(service, str(row["id"]), row["deal"], fact, row["reason"], since)
    console.print(table)


def retried(client: Client, place: str, one: str) -> Json:
    """Ask for a retry and wait until the records asked for are gone or have failed again."""
    before = {row["id"]: row["attempts"] for row in client.get(place)}
    asked = client.post(f"{place}{one}/retry")["asked"]
    until = time.monotonic() + RETRY_S
    while asked and time.monotonic() < until:
        rows = {row["id"]: row for row in client.get(place)}
        failed = [row for key, row in rows.items() if row["attempts"] > before.get(key, 0)]
        if failed or not rows.keys() & before.keys():
            break
        time.sleep(0.1)
    left = client.get(place)
    return {"asked": asked, "left": left}


def after_retry(console: Console, found: Json) -> None:
    """Print what became of a retry."""
    done = found["asked"] - len(found["left"])
    console.print(f"{max(done, 0)} of {found['asked']} handled")
    for row in found["left"]:
        console.print(f"  still parked: {row['id']} {row['fact'] or 'unreadable'}: {row['reason']}")
