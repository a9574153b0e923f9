"""The alert rules: they ask for metrics and labels that exist, and lead to what to do."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from infra.gauges import Standing
from infra.metrics import Meter
from infra.status import Hearing, Status, Tables
from tests.contract.test_docs import anchors, rows, section

ROOT = Path(__file__).parents[3]
RULES = ROOT / "infra/deploy/alerts.yaml"
OPERATIONS = ROOT / "docs/operations.md"
# Not ours: Prometheus makes `up`; node_exporter on the servers' machines tells of their disks.
FOREIGN = {
    "up": {"job", "instance"},
    "node_filesystem_avail_bytes": {"fstype", "mountpoint", "instance"},
    "node_filesystem_size_bytes": {"fstype", "mountpoint", "instance"},
}
WORDS = {"and", "or", "by", "sum", "min", "max", "rate", "increase", "histogram_quantile"}
# What Prometheus adds to every series it scrapes.
ADDED = {"job", "instance"}


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


@pytest.fixture(scope="module")
def known() -> dict[str, set[str]]:
    """Every metric that a process gives, with its labels, and the foreign ones."""
    meter = Meter()
    meter.registry.register(Standing(lambda: [a_status()]))
    meter.commands("quotes")
    meter.hearing("quotes", "facts")
    meter.answered("GET", "/readyz", 200, 0.1)
    found: dict[str, set[str]] = dict(FOREIGN)
    for family in text_string_to_metric_families(generate_latest(meter.registry).decode()):
        for each in family.samples:
            found.setdefault(each.name, set()).update(each.labels, ADDED)
    return found


def a_status() -> Status:
    return Status(
        service="quotes",
        version="1",
        bus="kafka",
        ready=True,
        reasons=(),
        consumers=[Hearing("facts", True, 0, 0.0)],
        relay_leads=True,
        relay_lag_s=0.0,
        tables=Tables(1, 1, 0.0, 0, 0, 0.0, 0, 0, 0.0, 0, 0.0, ()),
        migrations_missing=(),
        connections={"in_use": 0, "free": 1, "waiting": 0},
        loops={"relay": True},
    )


def asked(expression: str) -> tuple[dict[str, set[str]], set[str]]:
    """Return the metrics an expression asks for with the labels it picks by, and groups by."""
    picked: dict[str, set[str]] = {}
    bare = re.sub(r'"[^"]*"', '""', expression)
    grouped = {label for each in re.findall(r"by \(([^)]*)\)", bare) for label in each.split(", ")}
    without_groups = re.sub(r"by \([^)]*\)|\[\w+\]", "", bare)
    for name, inside in re.findall(r"([a-z_]\w*)(\{[^}]*\})?", without_groups):
        if name not in WORDS and name not in re.findall(r"(\w+)[=!]", without_groups):
            picked.setdefault(name, set()).update(re.findall(r"(\w+)\s*[=!]", inside))
    return picked, grouped


@pytest.mark.parametrize("rule", rules(), ids=lambda each: str(each["alert"]))
def test_a_rule_asks_for_metrics_and_labels_that_exist(
    rule: dict[str, Any], known: dict[str, set[str]]
) -> None:
    picked, grouped = asked(rule["expr"])
    assert picked
    assert set(picked) <= set(known)
    for name, labels in picked.items():
        assert labels <= known[name], name
    assert all(grouped <= known[name] for name in picked)
    told = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
    assert told <= (grouped or set.union(*(known[name] for name in picked)))


def test_the_check_would_see_a_metric_or_label_that_is_not_there() -> None:
    picked, grouped = asked('sum by (deal) (rate(quotewright_thing_total{kind="a"}[5m])) > 1')
    assert picked == {"quotewright_thing_total": {"kind"}}
    assert grouped == {"deal"}


@pytest.mark.parametrize("rule", rules(), ids=lambda each: str(each["alert"]))
def test_a_rule_leads_to_what_to_do(rule: dict[str, Any]) -> None:
    path, _, anchor = rule["annotations"]["runbook"].partition("#")
    assert ROOT / path == OPERATIONS
    assert anchor in anchors(OPERATIONS)
    assert rule["labels"]["severity"] in {"page", "ticket"}


def test_operations_lists_every_alarm_as_the_rule_says_it() -> None:
    told = [each[:2] for each in rows(section(OPERATIONS, "Alarms"))]
    assert told == [
        [f"[{each['alert']}](#{each['annotations']['runbook'].split('#')[1]})", f"`{each['expr']}`"]
        for each in rules()
    ]


def test_every_figure_of_a_persons_concern_has_an_alarm(known: dict[str, set[str]]) -> None:
    asked_for = {name for rule in rules() for name in asked(rule["expr"])[0]}
    silent = {
        name.removeprefix("quotewright_")
        for name in known
        if name.startswith("quotewright_") and not name.endswith(("_bucket", "_sum", "_count"))
    } - {name.removeprefix("quotewright_") for name in asked_for}
    # These explain; others that stand for the same trouble alarm.
    assert silent == {
        "build_info",
        "consumer_duplicates_total",
        "consumer_lag_facts",
        "consumer_parked_total",
        "consumer_retries_total",
        "parked_age_seconds",
        "parked_records",
        "relay_lag_facts",
        "reminders_overdue",
    }
