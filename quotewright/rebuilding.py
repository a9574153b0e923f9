"""`quotewright rebuild`: start a rebuild, watch it with rate and time left, say what differed."""

import time
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from contracts.errors import Refused
from quotewright.client import Client

Json = dict[str, Any]
DOOR = "/crm/rebuild"
LOOK_S = 0.2
BUILDING = {"folding", "catching_up", "comparing"}


class GivenUp(Refused):
    """Somebody ended the rebuild while we watched it."""

    code = "crm.rebuild_given_up"


def start(client: Client) -> int:
    """Start a rebuild; returns the number of the generation that it makes."""
    return int(client.post(DOOR)["generation"])


def running(client: Client) -> int:
    """Return the generation that is being built.   Raises: Refused, if none is."""
    for each in _all(client):
        if each["stage"] in BUILDING:
            return int(each["number"])
    raise Refused("no rebuild runs; start one with `quotewright rebuild crm`")


def done(step: str, number: int) -> str:
    """Say what a step did to a generation."""
    told = {
        "rollback": "generation {} is read again; the other one is kept and fed",
        "retire": "generation {} is fed no more and dropped",
        "give-up": "the rebuild of generation {} has ended, what it made is dropped",
    }
    return told[step].format(number)


def watch(console: Console, client: Client, number: int) -> Json:
    """Show how far the rebuild is until people read the new generation; returns its report."""
    columns = (
        TextColumn("{task.fields[stage]}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    began, first = time.monotonic(), None
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("rebuild", total=None, stage="starting", rate="")
        while True:
            found = _one(client, number)
            if found["stage"] not in BUILDING:
                return _told(found)
            report = found["report"]
            first = report["facts"] if first is None else first  # it may have begun long ago
            rate = (report["facts"] - first) / max(time.monotonic() - began, LOOK_S)
            progress.update(
                bar,
                completed=report["facts"],
                total=max(report["facts_total"], report["facts"]),
                stage=found["trouble"] or found["stage"].replace("_", " "),
                rate=f"{rate:,.0f} facts/s",
            )
            time.sleep(LOOK_S)


def say(console: Console, found: Json) -> None:
    """Print what a rebuild made and how it differs from what was there."""
    for line in _lines(found):
        console.print(Text(line), soft_wrap=True)


def _lines(found: Json) -> Iterator[str]:
    differing = sum(found[name] for name in ("differ", "only_old", "only_new"))
    yield f"generation {found['generation']} is read now, {found['beside']} is kept and fed"
    yield f"{found['deals']} deals, {found['facts']} facts folded anew"
    yield f"{found['unreadable']} facts could not be read"
    yield (
        f"{differing} rows differed: {found['differ']} in both generations,"
        f" {found['only_old']} only in the old, {found['only_new']} only in the new"
    )
    for each in found["examples"]:
        what = f"only in the {each['only']}" if each["only"] else ", ".join(each["columns"])
        yield f"  {each['table']} {'/'.join(each['key'])}: {what}"
    yield "back: quotewright rebuild crm --rollback; done with the old: --retire"


def _told(found: Json) -> Json:
    report = {**found["report"], "generation": found["number"]}
    report.pop("is_compared", None)
    return report


def _one(client: Client, number: int) -> Json:
    for each in _all(client):
        if each["number"] == number:
            return each
    raise GivenUp("the rebuild was given up; what it had made is dropped")


def _all(client: Client) -> list[Json]:
    found: list[Json] = client.get(DOOR)["generations"]
    return found
