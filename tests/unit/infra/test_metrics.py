"""What is counted, under which labels, and what it is called."""

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from contracts.errors import NotFound, Refused, Unavailable
from infra.desk import StillRacing
from infra.metrics import Meter
from infra.rows import CommandRepeated, Fenced, LostRace


@pytest.fixture
def meter() -> Meter:
    return Meter()


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (None, "done"),
        (Refused("no"), "refused"),
        (NotFound("no"), "refused"),
        (StillRacing("no"), "conflict"),
        (Unavailable("no"), "unavailable"),
        (ZeroDivisionError(), "failed"),
        (KeyboardInterrupt(), "failed"),
    ],
)
def test_a_command_is_timed_under_its_outcome(
    meter: Meter, fault: BaseException | None, outcome: str
) -> None:
    counted = meter.commands("quotes")
    with pytest.raises(type(fault)) if fault else counted.command(), counted.command():
        if fault:
            raise fault
    labels = {"service": "quotes", "outcome": outcome}
    count = meter.registry.get_sample_value("quotewright_command_duration_seconds_count", labels)
    assert count == (1 if fault else 2)


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (LostRace("no"), "lost_race"),
        (CommandRepeated("no"), "repeated"),
        (Fenced("no"), "fenced"),
        (Unavailable("no"), "unavailable"),
        (ValueError(), "failed"),
    ],
)
def test_a_transaction_is_counted_under_its_outcome(
    meter: Meter, fault: Exception, outcome: str
) -> None:
    with pytest.raises(type(fault)), meter.commands("quotes").commit():
        raise fault
    labels = {"service": "quotes", "outcome": outcome}
    assert meter.registry.get_sample_value("quotewright_commits_total", labels) == 1


def test_strange_methods_and_statuses_share_one_label(meter: Meter) -> None:
    for method in ("BREW", "PROPFIND", "\N{SNOWMAN}"):
        meter.answered(method, "-", 0, 0.1)
    labels = {"method": "other", "route": "-", "status": "other"}
    name = "quotewright_http_request_duration_seconds_count"
    assert meter.registry.get_sample_value(name, labels) == 3


def test_every_series_of_a_service_is_there_before_anything_happens(meter: Meter) -> None:
    """So that a rate over it is 0 and not nothing, and the first one is seen as a rise."""
    meter.commands("quotes")
    meter.hearing("quotes", "facts")
    names = {each.name for family in meter.registry.collect() for each in family.samples}
    assert {
        "quotewright_commits_total",
        "quotewright_command_duration_seconds_count",
        "quotewright_consumer_parked_total",
        "quotewright_consumer_duplicates_total",
        "quotewright_consumer_fenced_total",
        "quotewright_consumer_retries_total",
    } <= names


def test_names_follow_prometheus_conventions(meter: Meter) -> None:
    families = [
        each
        for each in text_string_to_metric_families(generate_latest(meter.registry).decode())
        if each.name.startswith("quotewright_")
    ]
    assert len(families) > 5
    for each in families:
        assert each.documentation
        if each.type == "histogram":
            assert each.name.endswith(("_seconds", "_records"))
