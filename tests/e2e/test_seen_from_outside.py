"""What Prometheus and a person see of a running house."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as text_format

from infra.metrics import COMMAND_OUTCOMES, COMMIT_OUTCOMES, METHODS, STATUSES
from quotewright.prefixes import PREFIXES
from tests.contract.test_route_roles import table
from tests.e2e.place import Place, until

FACTS = "quotewright.facts"
STATES = {"in_use", "free", "waiting"}


class Scrape:
    """What one `GET /metrics` gave, read by Prometheus' own parser."""

    def __init__(self, text: str, parse: Callable[[str], Any] = text_format) -> None:
        self.samples = [each for family in parse(text) for each in family.samples]

    def value(self, name: str, **labels: str) -> float | None:
        """Return the one sample of this name with these labels."""
        found = [
            each.value
            for each in self.samples
            if each.name == f"quotewright_{name}" and labels.items() <= each.labels.items()
        ]
        assert len(found) < 2, (name, labels)
        return found[0] if found else None

    def sum(self, name: str, **labels: str) -> float:
        """Return the sum of all samples of this name with these labels."""
        return sum(
            each.value
            for each in self.samples
            if each.name == f"quotewright_{name}" and labels.items() <= each.labels.items()
        )


def scrape(place: Place, service: str = "quotes") -> Scrape:
    answer = httpx.get(f"{_process(place, service)}/metrics", timeout=20, trust_env=False)
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return Scrape(answer.text)


def _process(place: Place, service: str) -> str:
    return place.apart.url(service) if place.apart else place.stage.url


def test_a_walk_moves_what_is_counted(place: Place) -> None:
    before = {name: scrape(place, name) for name in PREFIXES}
    record = place.opens("street_micro")
    told = place.told(record, "Presented")
    place.accepts(told)
    place.told(record, "Ordered")

    def caught_up() -> dict[str, Scrape] | None:
        now = {name: scrape(place, name) for name in PREFIXES}
        behind = [now[name].sum("relay_lag_facts", service=name) for name in PREFIXES]
        behind += [now[name].sum("consumer_lag_facts", service=name) for name in PREFIXES]
        behind += [now[name].sum("consumer_lag_seconds", service=name) for name in PREFIXES]
        # Looks into the tables are kept for a second: the figures may still be those from before.
        moved = [_gained(before[name], now[name])("relay_position", service=name) for name in now]
        return None if any(behind) or not all(moved) else now

    after = until(caught_up, "nobody is behind")
    for name in PREFIXES:
        gained = _gained(before[name], after[name])
        assert gained("relay_position", service=name) > 0
        assert gained("commits_total", service=name, outcome="done") > 0
        assert gained("consumer_batch_records_sum", service=name) > 0
        assert gained("consumer_handling_duration_seconds_count", service=name) > 0
        assert after[name].value("database_up", service=name) == 1
        assert after[name].value("service_ready", service=name) == 1
        assert after[name].sum("consumer_lag_seconds", service=name) == 0
        assert after[name].value("relay_lag_seconds", service=name) == 0
    gained = _gained(before["quotes"], after["quotes"])
    assert gained("command_duration_seconds_count", service="quotes", outcome="done") > 0
    accept = "/quotes/offers/{quote_id}/{revision}/{token}/accept"
    assert gained("http_request_duration_seconds_count", route=accept, status="2xx") == 1


def _gained(before: Scrape, after: Scrape) -> Callable[..., float]:
    return lambda name, **labels: after.sum(name, **labels) - before.sum(name, **labels)


def test_a_parked_fact_shows_as_a_parked_deal(embedded: Place) -> None:
    def parked() -> list[float | None]:
        seen = scrape(embedded)
        place = {"service": "quotes"}
        counted = seen.value("consumer_parked_total", service="quotes", topic=FACTS)
        return [
            seen.value("parked_deals", **place),
            seen.value("parked_records", **place),
            counted,
        ]

    deals, records, total = parked()
    assert deals is not None
    assert records is not None
    assert total is not None
    deal = str(uuid4())
    headers = {
        "ce_id": f"crm_projector.opportunity/{deal}/1",
        "ce_type": "quotewright.OpportunityOpened",
    }
    embedded.produce(FACTS, deal, headers, b"no fact")
    embedded.produce(FACTS, deal, headers, b"no fact either")
    until(lambda: parked() == [deals + 1, records + 2, total + 2], "the poison is seen")
    assert (scrape(embedded).value("parked_age_seconds", service="quotes") or 0) > 0


def test_no_label_holds_anything_but_names_of_ours(embedded: Place) -> None:
    record = embedded.opens("street_micro")
    told = embedded.told(record, "Presented")
    embedded.accepts(told)
    embedded.customer.ask("GET", "/quotes/offers/no/such/offer")
    embedded.customer.ask("GET", f"/{uuid4()}/{record}?secret={uuid4()}")
    embedded.seller.ask("BREW", f"/quotes/{told['number']}")
    routes = {path for _, path in table()} | {"-"}
    loops = {"relay", "timers", "sender", "rebuild", "what-ifs"}
    topics = {FACTS, "quotewright.crm.inbound"}
    allowed = {
        "service": set(PREFIXES),
        "topic": topics,
        "route": routes,
        "method": {*METHODS, "other"},
        "status": {*STATUSES, "other"},
        "outcome": {*COMMAND_OUTCOMES, *COMMIT_OUTCOMES},
        "state": STATES,
        "loop": loops | {f"consumer.{topic}" for topic in topics},
    }
    seen = scrape(embedded)
    strange = [
        (sample.name, label, value)
        for sample in seen.samples
        for label, value in sample.labels.items()
        if label not in {"le", "version"} and value not in allowed.get(label, ())
    ]
    assert strange == []
    assert len(seen.samples) < 8_000


def test_openmetrics_is_given_to_who_asks_for_it(embedded: Place) -> None:
    accept = "application/openmetrics-text; version=1.0.0"
    answer = httpx.get(
        f"{embedded.stage.url}/metrics", headers={"accept": accept}, timeout=20, trust_env=False
    )
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert Scrape(answer.text, open_metrics).value("database_up", service="quotes") == 1


def test_the_status_of_a_service_is_for_an_administrator(embedded: Place) -> None:
    status = embedded.admin.get("/quotes/admin/status")
    assert (status["service"], status["ready"], status["bus"]) == ("quotes", True, "embedded")
    assert status["migrations_missing"] == []
    assert "service/0001_plumbing.sql" not in status["migrations_missing"]
    assert [each["topic"] for each in status["consumers"]] == [FACTS]
    embedded.seller.refused("GET", "/quotes/admin/status", status=403)
    embedded.customer.refused("GET", "/quotes/admin/status", status=401)
