"""The pages of a house with 2,000 quotes: how long they take, how soon they change, what they weigh.

All six services run in one process, as in the demo, and the pages ask one another over HTTP there.
Times are those of a client in another process of the same machine, from the first byte sent to the
last byte read, over a connection that stays open; each ask is for another quote, deal or case, or
with other answers ("same answers": as when only the quantity is typed), and the pages take turns. How the store was filled, `many_quotes` says.

Streams: a command or a webhook of the CRM changes what an open page shows; the time runs from the
moment it is sent, so the command's own time is in it, to the arrival of the first drawing that
shows the change. Weights: what a browser with an empty cache transfers for a page, headers and all.
"""

import gzip
import http.client
import re
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from itertools import cycle
from pathlib import Path

from contracts import places
from tests.bench import many_quotes, previews
from tests.bench.faces import HTML, WAIT_S, Client, Face, faces_of
from tests.bench.many_quotes import Played
from tests.bench.report import Row, median, percentile
from tests.e2e.place import Place, deal_of, items_of

ASKS = 30
CHANGES = 60
QUOTES = "2,000"
SPEED_S = 2.0
ASKERS = 4
MS = {"p50": (80.0, 25.0), "p99": (250.0, 80.0)}
# Half of 40 questions answered, and all of these open: 260 of the options are listed.
LARGE, LARGE_MS = "guided, 500 options", {"p50": (250.0, 120.0), "p99": (250.0, 200.0)}
CHANGED_MS = 500.0
WEIGHT_KB = 100.0
FILES = re.compile(r'(?:href|src)="(/[^"]+/look/[^"]+)"')


def measured(home: Path, rounds: int) -> list[Row]:
    """Fill a store, serve it, and measure its pages."""
    with many_quotes.serving(home) as (place, played):
        faces = faces_of(place)
        return [
            *_times(place, faces, rounds),
            *_changes(place, played),
            *_weights(place, faces),
            _speed(place, faces, rounds),
            *previews.rows(place, rounds),
        ]


# ---- how long they take


def _times(place: Place, faces: Sequence[Face], rounds: int) -> list[Row]:
    """Ask for the pages in turn, after a round to warm up."""
    clients = [Client(place, face.role) for face in faces]
    ways = [zip(cycle(face.paths), cycle(face.forms), strict=False) for face in faces]
    took: list[list[float]] = [[] for _ in faces]
    for number in range(rounds + 1):
        for _ in range(ASKS):
            for _face, client, way, times in zip(faces, clients, ways, took, strict=True):
                began = time.perf_counter()
                client.get(*next(way))
                if number:
                    times.append(time.perf_counter() - began)
    for client in clients:
        client.close()
    return [row for face, times in zip(faces, took, strict=True) for row in _time(face, times)]


def _time(face: Face, times: Sequence[float]) -> Iterator[Row]:
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        floor, goal = (LARGE_MS if face.name == LARGE else MS)[name]
        yield Row(
            metric=f"page of {QUOTES} quotes, {face.name}, {name}",
            value=round(1000 * percentile(times, share), 1),
            unit="ms",
            better="lower",
            bound="value",
            reference=f"fastest of {len(times)} asks in the same run",
            reference_value=round(1000 * min(times), 1),
            floor=floor,
            goal=goal,
        )


# ---- how soon they change


class Stream:
    """An open page that changes: reads what its stream sends, as a browser does."""

    def __init__(self, client: Client, path: str) -> None:
        self._http = client.connection()
        headers = {**client.headers, "accept": "text/event-stream"}
        self._http.request("GET", path, headers=headers)
        self._answer = self._http.getresponse()
        if self._answer.status != http.client.OK:
            raise AssertionError(f"{path}: {self._answer.status}")
        self._arrived = threading.Condition()
        self._drawn: list[tuple[float, bytes]] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with suppress(OSError, http.client.HTTPException):  # ends when the page is closed
            self._note()

    def _note(self) -> None:
        lines: list[bytes] = []
        while line := self._answer.readline():
            if line.strip():
                lines.append(line)
                continue
            if any(each.startswith(b"data:") for each in lines):
                with self._arrived:
                    self._drawn.append((time.perf_counter(), b"".join(lines)))
                    self._arrived.notify_all()
            lines = []

    def shows(self, text: str) -> float:
        """Return when the first drawing that shows this text arrived, waiting for it."""
        wanted, seen = text.encode(), 0

        def look() -> bool:
            nonlocal seen
            while seen < len(self._drawn) and wanted not in self._drawn[seen][1]:
                seen += 1
            return seen < len(self._drawn)

        with self._arrived:
            if not self._arrived.wait_for(look, WAIT_S):
                raise AssertionError(f"the open page never showed {text!r}")
            at = self._drawn[seen][0]
            del self._drawn[:seen]
        return at

    def close(self) -> None:
        """Close the page."""
        if self._http.sock:
            self._http.sock.shutdown(socket.SHUT_RDWR)
        self._thread.join(WAIT_S)
        self._http.close()


def _changes(place: Place, played: Played) -> list[Row]:
    """Change a draft by commands and an opportunity by webhooks, while pages of both are open."""
    return [
        _changed("quote's page", _edits(place, played.draft)),
        *(
            _changed(f"{name}, by the CRM", times)
            for name, times in _updates(place, played.records[0]).items()
        ),
    ]


def _edits(place: Place, number: str) -> list[float]:
    """Edit the reason of a draft's discount again and again; returns when its page showed it."""
    took = []
    items = items_of("street_micro")
    client = Client(place, "seller")
    with closing(client), closing(Stream(client, f"{places.quote(number)}/live")) as page:
        for turn in range(CHANGES + 1):
            reason = f"change {turn} of many"
            discounts = [{"percent": f"{turn % 9 + 1}", "rationale": reason}]
            began = time.perf_counter()
            place.edits(number, items, submit=False, discounts=discounts)
            took.append(page.shows(reason) - began)
            place.reaches(number, "priced")
    return took[1:]


def _updates(place: Place, record: str) -> Mapping[str, list[float]]:
    """Let the CRM name an opportunity anew; returns when the list and its page showed it."""
    took: dict[str, list[float]] = {"opportunities": [], "opportunity's page": []}
    client = Client(place, "seller")
    deal = places.opportunity(deal_of(record))
    streams = [f"{places.OPPORTUNITIES}/live", f"{deal}/live"]
    with (
        closing(client),
        closing(Stream(client, streams[0])) as all_,
        closing(Stream(client, streams[1])) as one,
    ):
        for turn in range(CHANGES + 1):
            name = f"Name {turn} of many"
            began = time.perf_counter()
            place.says("opportunity.updated", record, opportunity={"id": record, "name": name})
            for times, page in zip(took.values(), (all_, one), strict=True):
                times.append(page.shows(name) - began)
    return {name: times[1:] for name, times in took.items()}


def _changed(name: str, times: Sequence[float]) -> Row:
    return Row(
        metric=f"event to changed page, {name}, p99",
        value=round(1000 * percentile(times, 0.99), 1),
        unit="ms",
        better="lower",
        bound="value",
        reference="p50 of the same run",
        reference_value=round(1000 * percentile(times, 0.5), 1),
        floor=CHANGED_MS,
        goal=CHANGED_MS / 2,
    )


# ---- what they weigh


def _weights(place: Place, faces: Sequence[Face]) -> list[Row]:
    """Weigh each page with its style and scripts, as transferred; the PDF is not in it."""
    rows = []
    for face in faces:
        with closing(Client(place, face.role)) as client:
            own, body = _weighed(client, face.paths[0], face.forms[0])
            files = {each.replace("&amp;", "&") for each in FILES.findall(body.decode())}
            rest = sum(_weighed(client, each)[0] for each in files)
        rows.append(
            Row(
                metric=f"weight of the page, {face.name}",
                value=round((own + rest) / 1000, 1),
                unit="kB",
                better="lower",
                bound="value",
                reference="without style and scripts, which browsers keep",
                reference_value=round(own / 1000, 1),
                floor=WEIGHT_KB,
                goal=WEIGHT_KB / 2,
            )
        )
    return rows


def _weighed(client: Client, path: str, form: Mapping[str, str] | None = None) -> tuple[int, bytes]:
    answer, body = client.get(path, form)
    head = sum(len(name) + len(value) + 4 for name, value in answer.getheaders())
    text = gzip.decompress(body) if answer.getheader("content-encoding") == "gzip" else body
    return head + len(body), text


# ---- how many a second


def _speed(place: Place, faces: Sequence[Face], rounds: int) -> Row:
    """Ask for pages of quotes and for their JSON in turn, some clients at once; medians."""
    paths = next(face.paths for face in faces if face.name == "quote")
    page, plain = [], []
    for _ in range(rounds + 1):
        page.append(_a_second(place, paths, HTML))
        plain.append(_a_second(place, paths, "application/json"))
    return Row(
        metric=f"pages of quotes, {ASKERS} readers",
        value=round(median(page[1:]), 1),
        unit="1/s",
        better="higher",
        bound="ratio",
        reference="the same quotes as JSON",
        reference_value=round(median(plain[1:]), 1),
        floor=None,
        goal=None,
    )


def _a_second(place: Place, paths: Sequence[str], accept: str) -> float:
    counts = [0] * ASKERS
    began = time.perf_counter()

    def ask(number: int) -> None:
        with closing(Client(place, "seller", accept)) as client:
            for path in cycle(paths[number:] or paths):
                client.get(path)
                counts[number] += 1
                if time.perf_counter() - began > SPEED_S:
                    return

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(ASKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - began)
