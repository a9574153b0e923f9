"""What a process counts and times, as Prometheus reads it.

A meter per process, with parts per service and per consumer. Counting costs a lock and an addition.
Every label is a name of ours (service, topic, route template, outcome), so no value of a fact, a
quote, a person or a secret ever becomes one, and their number is bounded by the code.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder

from contracts.errors import Conflict, QuotewrightError, Unavailable
from infra.rows import CommandRepeated, Fenced, LostRace
from infra.web import public

# When a series began is of no use here, and would be a third of all lines.
disable_created_metrics()  # type: ignore[no-untyped-call]

HTTP_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
COMMAND_S = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
HANDLING_S = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
BATCH_RECORDS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
COMMAND_OUTCOMES = ("done", "refused", "conflict", "unavailable", "failed")
COMMIT_OUTCOMES = ("done", "lost_race", "repeated", "fenced", "unavailable", "failed")
STATUSES = ("1xx", "2xx", "3xx", "4xx", "5xx")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


class Meter:
    """The counts of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._http = self._timer(
            "http_request_duration_seconds",
            "HTTP requests by route template and class of status",
            ("method", "route", "status"),
            HTTP_S,
        )
        self._commands = self._timer(
            "command_duration_seconds",
            "Commands at a door, from the first read to the commit, all races included",
            ("service", "outcome"),
            COMMAND_S,
        )
        self._commits = self._count("commits", "Transactions by outcome", ("service", "outcome"))
        hears = ("service", "topic")
        self._batch = self._timer(
            "consumer_batch_records", "Records handled at a time", hears, BATCH_RECORDS
        )
        self._handling = self._timer(
            "consumer_handling_duration_seconds", "Batches, handlers and commit", hears, HANDLING_S
        )
        self._hearing = (
            self._count("consumer_retries", "Batches put back: something did not answer", hears),
            self._count("consumer_fenced", "Partitions that somebody else had taken over", hears),
            self._count("consumer_duplicates", "Facts dropped, as consumed before", hears),
            self._count("consumer_parked", "Records parked", hears),
        )

    def commands(self, service: str) -> "CommandMeter":
        """Return the part that counts a service's commands and commits."""
        return CommandMeter(
            {each: self._commands.labels(service, each) for each in COMMAND_OUTCOMES},
            {each: self._commits.labels(service, each) for each in COMMIT_OUTCOMES},
        )

    def hearing(self, service: str, topic: str) -> "HearingMeter":
        """Return the part that counts one consumer."""
        batch, handling = (each.labels(service, topic) for each in (self._batch, self._handling))
        return HearingMeter(
            batch, handling, [each.labels(service, topic) for each in self._hearing]
        )

    def answered(self, method: str, route: str, status: int, took_s: float) -> None:
        """Count a request; what no route answers has the route `-`."""
        kind = f"{status // 100}xx"
        self._http.labels(
            method if method in METHODS else "other", route, kind if kind in STATUSES else "other"
        ).observe(took_s)

    def _timer(
        self, name: str, help_: str, labels: Sequence[str], buckets: Sequence[float]
    ) -> Histogram:
        return Histogram(
            f"quotewright_{name}", help_, labels, buckets=buckets, registry=self.registry
        )

    def _count(self, name: str, help_: str, labels: Sequence[str]) -> Counter:
        return Counter(f"quotewright_{name}", help_, labels, registry=self.registry)


class CommandMeter:
    """Counts one service's commands and transactions."""

    def __init__(self, commands: dict[str, Histogram], commits: dict[str, Counter]) -> None:
        self._commands = commands
        self._commits = commits

    @contextmanager
    def command(self) -> Iterator[None]:
        """Time a command and count it by its outcome."""
        began = perf_counter()
        outcome = "done"
        try:
            yield
        except BaseException as fault:
            outcome = _command_outcome(fault)
            raise
        finally:
            self._commands[outcome].observe(perf_counter() - began)

    @contextmanager
    def commit(self) -> Iterator[None]:
        """Count a transaction by its outcome."""
        outcome = "done"
        try:
            yield
        except BaseException as fault:
            outcome = _commit_outcome(fault)
            raise
        finally:
            self._commits[outcome].inc()


class HearingMeter:
    """Counts one consumer."""

    def __init__(self, batch: Histogram, handling: Histogram, counts: Sequence[Counter]) -> None:
        self._batch = batch
        self._handling = handling
        self._retries, self._fenced, self._duplicates, self._parked = counts

    def handled(self, records: int, took_s: float) -> None:
        """Count a batch that was handled, or put back."""
        self._batch.observe(records)
        self._handling.observe(took_s)

    def put_back(self) -> None:
        """Count a batch that will be read again."""
        self._retries.inc()

    def fenced(self) -> None:
        """Count a partition lost to another process."""
        self._fenced.inc()

    def dropped(self, records: int) -> None:
        """Count facts that came twice."""
        self._duplicates.inc(records)

    def parked(self, records: int) -> None:
        """Count records that were parked."""
        self._parked.inc(records)


def _command_outcome(fault: BaseException) -> str:
    if isinstance(fault, Unavailable):
        return "unavailable"
    if isinstance(fault, Conflict):
        return "conflict"
    return "refused" if isinstance(fault, QuotewrightError) else "failed"


def _commit_outcome(fault: BaseException) -> str:
    kinds: dict[type[BaseException], str] = {
        LostRace: "lost_race",
        CommandRepeated: "repeated",
        Fenced: "fenced",
        Unavailable: "unavailable",
    }
    return next((name for kind, name in kinds.items() if isinstance(fault, kind)), "failed")


def metrics_route(registry: Callable[[], CollectorRegistry]) -> APIRouter:
    """Return `GET /metrics` of a process.

    Public as the probes are: it says nothing of a deal or a person. The ingress does not route it.
    """
    router = APIRouter(tags=["operations"])

    @router.get("/metrics", dependencies=[Depends(public())])
    def metrics(request: Request) -> Response:
        """Give all metrics in Prometheus' text format, or as OpenMetrics to who asks for it."""
        encode, media_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry()), headers={"content-type": media_type})

    return router
