"""What Prometheus sees of how the services of a process stand, looked up when it asks."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from infra import VERSION
from infra.status import Hearing, Status, Tables

Figure = tuple[str, str, Callable[[Tables], float]]
# Name, meaning, where it stands. Absent while the database does not answer: no figure is better
# than an old one, and `database_up` says why.
TABLES: Sequence[Figure] = (
    ("relay_position", "Number of the last fact published", lambda t: t.relay_position),
    ("relay_newest_position", "Number of the newest fact written", lambda t: t.newest_position),
    ("relay_lag_facts", "Facts written and not published", lambda t: t.relay_lag),
    ("parked_records", "Records parked, with those that wait behind", lambda t: t.parked_records),
    ("parked_deals", "Deals with parked records", lambda t: t.parked_deals),
    ("parked_age_seconds", "Age of the oldest parked record", lambda t: t.parked_age_s),
    ("deliveries_due", "Webhooks to be sent", lambda t: t.deliveries_due),
    ("deliveries_stuck", "Webhooks that wait for a person", lambda t: t.deliveries_stuck),
    ("deliveries_age_seconds", "Age of the oldest webhook not taken", lambda t: t.deliveries_age_s),
    ("reminders_overdue", "Reminders whose time has come", lambda t: t.reminders_overdue),
    ("reminders_overdue_seconds", "By how long the oldest is", lambda t: t.reminders_age_s),
)
CONSUMERS: Sequence[tuple[str, str, Callable[[Hearing], float | None]]] = (
    ("consumer_active", "1 if this process consumes the topic", lambda c: c.active),
    ("consumer_lag_facts", "Records that are there and not handled", lambda c: c.lag),
    ("consumer_lag_seconds", "Age of the oldest record not handled, at most", lambda c: c.lag_s),
)
SERVICES: Sequence[tuple[str, str, Callable[[Status], float]]] = (
    ("service_ready", "1 if the service is ready", lambda s: s.ready),
    ("database_up", "1 if the service's database answers", lambda s: s.tables is not None),
    ("relay_leading", "1 if this process publishes the service's facts", lambda s: s.relay_leads),
    ("relay_lag_seconds", "Age of the oldest fact not published", lambda s: s.relay_lag_s),
    ("migrations_missing", "Migrations not applied", lambda s: len(s.migrations_missing)),
)


class Standing(Collector):
    """Collects the gauges of the services that `statuses` tells of."""

    def __init__(self, statuses: Callable[[], Sequence[Status]]) -> None:
        self._statuses = statuses

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Look once, and give every gauge of it."""
        statuses = self._statuses()
        yield _gauge("build_info", "1, with the release that runs", ["version"], [([VERSION], 1)])
        for name, help_, figure in SERVICES:
            yield _gauge(
                name, help_, ["service"], (([each.service], figure(each)) for each in statuses)
            )
        for name, help_, of_tables in TABLES:
            rows = (([s.service], of_tables(s.tables)) for s in statuses if s.tables is not None)
            yield _gauge(name, help_, ["service"], rows)
        for name, help_, of_consumer in CONSUMERS:
            told = [
                ([each.service, consumer.topic], value)
                for each in statuses
                for consumer in each.consumers
                if (value := of_consumer(consumer)) is not None
            ]
            yield _gauge(name, help_, ["service", "topic"], told)
        yield _gauge(
            "database_connections",
            "Connections of the pool: in use, free, and requests that wait for one",
            ["service", "state"],
            (([s.service, name], n) for s in statuses for name, n in s.connections.items()),
        )
        yield _gauge(
            "loop_up",
            "1 if the loop works; 0 if it fails again and again or does not come back",
            ["service", "loop"],
            (([s.service, name], up) for s in statuses for name, up in s.loops.items()),
        )


def _gauge(
    name: str, help_: str, labels: Sequence[str], rows: Iterable[tuple[list[str], float]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"quotewright_{name}", help_, labels=labels)
    for row, value in rows:
        family.add_metric(row, float(value))
    return family
