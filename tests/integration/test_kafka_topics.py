"""Kafka's topics and doors: made as wanted, looked at when they are there, entered by name and certificate."""

import gc
import json
import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from kafka.admin import (
    ConfigResource,
    KafkaAdminClient,
    NewTopic,
    UserScramCredentialUpsertion,
)
from structlog.testing import capture_logs

from contracts.envelope import Sealed
from contracts.errors import Unavailable
from infra import settings, topics
from infra.bus_kafka import KafkaBus
from infra.local_kafka import LocalKafka
from infra.service import House
from infra.settings import Settings, SettingsError
from infra.topics import DAY_MS, Found, Keeping, TopicRefused, create_topics, differences
from services.pricer.main import build
from tests.integration.secure_kafka import PASSWORD, USER, SecureKafka, certify

GOOD = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "min.insync.replicas": "2",
    "max.message.bytes": "1048576",
}
THREE = Keeping(replication=3)
SOON_MS = 4_000
DEADLINE_S = 60.0


def told(
    keeping: Keeping = THREE, partitions: int = 12, replication: int = 3, **changes: str
) -> Any:
    configs = {**GOOD, **{name.replace("_", "."): text for name, text in changes.items()}}
    found = differences(Found("facts", partitions, replication, configs), 12, keeping)
    return [(each.setting, each.found, each.wanted, each.refused) for each in found]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"partitions": 24, "retention_ms": "-1", "max_message_bytes": "9000000"}, []),
        ({"min_insync_replicas": "3"}, []),
        ({"cleanup_policy": "compact"}, [("cleanup.policy", "compact", "delete", True)]),
        (
            {"cleanup_policy": "compact,delete"},
            [("cleanup.policy", "compact,delete", "delete", True)],
        ),
        ({"min_insync_replicas": "4"}, [("min.insync.replicas", "4", "at most 3", True)]),
        ({"min_insync_replicas": "1"}, [("min.insync.replicas", "1", "2", False)]),
        ({"retention_ms": "604800000"}, [("retention.ms", "604800000", "-1", False)]),
        ({"retention_bytes": "1000"}, [("retention.bytes", "1000", "-1", False)]),
        ({"partitions": 6}, [("partitions", "6", "12", False)]),
        ({"replication": 2}, [("replication", "2", "3", False)]),
        ({"max_message_bytes": "1000"}, [("max.message.bytes", "1000", "1048576", False)]),
    ],
)
def test_a_topic_that_is_less_than_wanted_is_told_and_a_dangerous_one_refused(
    changes: Any, expected: Any
) -> None:
    assert told(**changes) == expected


def test_days_of_retention_are_compared_with_what_was_asked_for() -> None:
    week = Keeping(replication=3, retention_days=7)

    assert told(week, retention_ms=str(8 * DAY_MS)) == []
    assert told(week, retention_ms="-1") == []
    assert told(week, retention_ms=str(6 * DAY_MS)) == [
        ("retention.ms", str(6 * DAY_MS), str(7 * DAY_MS), False)
    ]


def test_more_replicas_in_sync_than_there_are_is_a_wrong_setting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("QW_MIN_IN_SYNC", "3")
    monkeypatch.setenv("QW_REPLICATION", "2")

    with pytest.raises(SettingsError, match="QW_MIN_IN_SYNC: must not be above QW_REPLICATION"):
        settings.load()


# ---- on a real broker


def configs_of(kafka: LocalKafka, topic: str) -> dict[str, str]:
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    told = admin.describe_configs([ConfigResource("topic", topic)], config_filter="all")
    admin.close()
    return {name: each["value"] for name, each in told["topic"][topic].items() if name in GOOD}


@pytest.fixture
def topic() -> str:
    return f"facts.{uuid4().hex[:8]}"


@pytest.mark.kafka
def test_a_missing_topic_is_made_as_the_settings_say(kafka: LocalKafka, topic: str) -> None:
    where = kafka.bootstrap.split(",")

    assert create_topics(where, {}, {topic: 3}, Keeping(retention_days=30)) == [topic]
    assert configs_of(kafka, topic) == {
        **GOOD,
        "retention.ms": "2592000000",
        "min.insync.replicas": "1",
    }
    with capture_logs() as lines:
        assert create_topics(where, {}, {topic: 3}, Keeping(retention_days=30)) == []
    assert lines == []


@pytest.mark.kafka
def test_services_that_start_together_may_all_make_the_topics(kafka: LocalKafka) -> None:
    wanted = [f"facts.{uuid4().hex[:8]}" for _ in range(8)]

    def start(_: int) -> list[str]:
        return create_topics(kafka.bootstrap.split(","), {}, dict.fromkeys(wanted, 3), Keeping())

    with ThreadPoolExecutor(6) as pool:
        made = [name for names in pool.map(start, range(6)) for name in names]
    assert sorted(made) == sorted(wanted)


class SlowToHear(KafkaAdminClient):
    """A client whose broker has not heard of a topic's settings for the first `asks` asks."""

    asks = 2

    def describe_configs(self, *args: Any, **named: Any) -> Any:
        told = super().describe_configs(*args, **named)
        if SlowToHear.asks:
            SlowToHear.asks -= 1
            return {"topic": {key: {} for key in told["topic"]}}
        return told


@pytest.mark.kafka
def test_a_topic_that_its_broker_just_learns_of_is_asked_for_again(
    kafka: LocalKafka, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = kafka.bootstrap.split(",")
    create_topics(where, {}, {topic: 3}, Keeping())
    monkeypatch.setattr(topics, "KafkaAdminClient", SlowToHear)

    monkeypatch.setattr(SlowToHear, "asks", 2)
    assert create_topics(where, {}, {topic: 3}, Keeping()) == []
    assert SlowToHear.asks == 0

    monkeypatch.setattr(SlowToHear, "asks", 1000)
    monkeypatch.setattr(topics, "ASK_MS", 300)
    with pytest.raises(Unavailable, match=f"shows no settings of the topic {topic}: .* DescribeC"):
        create_topics(where, {}, {topic: 3}, Keeping())


@pytest.mark.kafka
def test_a_topic_that_differs_is_told_and_left_as_it_is(kafka: LocalKafka, topic: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    admin.create_topics([NewTopic(topic, 1, 1, topic_configs={"retention.ms": "60000"})])
    admin.close()

    with capture_logs() as lines:
        create_topics(kafka.bootstrap.split(","), {}, {topic: 3}, Keeping())
    assert [(each["event"], each["log_level"], each["topic"], each["setting"], each["found"],
             each["wanted"]) for each in lines] == [
        ("topic_differs", "warning", topic, "retention.ms", "60000", "-1"),
        ("topic_differs", "warning", topic, "partitions", "1", "3"),
    ]  # fmt: skip
    assert configs_of(kafka, topic)["retention.ms"] == "60000"


@pytest.mark.kafka
def test_no_process_starts_on_a_compacted_topic(
    kafka: LocalKafka, topic: str, make_database: Any
) -> None:
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    admin.create_topics([NewTopic(topic, 1, 1, topic_configs={"cleanup.policy": "compact"})])
    admin.close()
    names = {
        "facts_topic": topic,
        "inbound_topic": f"{topic}.in",
        "parked_topic": f"{topic}.parked",
    }
    found = Settings(
        bus="kafka",
        dsn=make_database(pricer=["pricer"]).dsn("pricer"),
        kafka_bootstrap=tuple(kafka.bootstrap.split(",")),
        **names,
    )

    with pytest.raises(TopicRefused) as refused:
        House(found, {"pricer": build})
    assert refused.value.message == (
        f"the topic {topic} has cleanup.policy compact, wanted is delete: compaction throws away all"
        " facts of a deal but the last; change the topic, or name another one"
    )


# ---- names, passwords, certificates


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafka]:
    with SecureKafka(tmp_path_factory.mktemp("secure")) as cluster:
        admin = KafkaAdminClient(bootstrap_servers=cluster.bootstrap)
        added = admin.alter_user_scram_credentials(
            [UserScramCredentialUpsertion(USER, "SCRAM_SHA_512", PASSWORD)]
        )
        assert added == {USER: None}
        admin.close()
        yield cluster


def door(secure: SecureKafka, mechanism: str, **changes: str) -> tuple[list[str], dict[str, Any]]:
    """Return address and client options, read from the environment as a process does."""
    tls = {"security_protocol": "SASL_SSL", "ssl_cafile": str(secure.ca_file)}
    plain = {"security_protocol": "SASL_PLAINTEXT"}
    given = {
        **(tls if mechanism.startswith("SCRAM") else plain),
        "sasl_mechanism": mechanism,
        "sasl_plain_username": USER,
        "sasl_plain_password": PASSWORD,
        **changes,
    }
    port = secure.tls_port if mechanism.startswith("SCRAM") else secure.password_port
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QW_KAFKA_SECURITY", json.dumps(given))
        return [f"127.0.0.1:{port}"], settings.load().kafka_client()


@pytest.mark.kafka
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
def test_topics_are_made_written_and_read_by_name_and_password(
    secure: SecureKafka, topic: str, mechanism: str
) -> None:
    # PLAIN without TLS; SCRAM within TLS, by a certificate authority that only this test trusts.
    where, client = door(secure, mechanism)
    assert create_topics(where, client, {topic: 1}, Keeping()) == [topic]
    bus = KafkaBus(where, client)
    bus.produce(topic, [Sealed(b"deal", (), b"1")])
    source = bus.source("one", topic, lambda partition: 0)
    until = time.monotonic() + DEADLINE_S
    piece = None
    while piece is None and time.monotonic() < until:
        piece = source.poll(10, 0.5)

    assert piece is not None
    assert [each.value for each in piece.records] == [b"1"]
    source.close()
    bus.close()


WRONG = {
    "password": ("SCRAM-SHA-512", {"sasl_plain_password": "wrong-and-secret"}, "the name or the password"),
    "plain password": ("PLAIN", {"sasl_plain_password": "wrong-and-secret"}, "the name or the password"),
    "name": ("PLAIN", {"sasl_plain_username": "wrong-and-secret"}, "the name or the password"),
    "mechanism": ("PLAIN", {"sasl_mechanism": "SCRAM-SHA-256"}, "sasl_mechanism"),
    "authority": ("SCRAM-SHA-512", {"ssl_cafile": ""}, "the TLS handshake fails"),
}  # fmt: skip


# The client leaves sockets of a failed handshake to the garbage collector, which tells of them.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.kafka
@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_door_key_is_told_without_being_shown(
    secure: SecureKafka, topic: str, what: str, tmp_path: Path
) -> None:
    mechanism, changes, said = WRONG[what]
    if "ssl_cafile" in changes:
        certify(tmp_path / "another.pem", tmp_path / "broker.pem")
        changes = {"ssl_cafile": str(tmp_path / "another.pem")}
    where, client = door(secure, mechanism, **changes)
    client["bootstrap_timeout_ms"] = SOON_MS

    with capture_logs() as lines, pytest.raises(Unavailable) as refused:
        create_topics(where, client, {topic: 1}, Keeping())
    # The client may read the end of the connection before the broker's reason.
    assert said in refused.value.message or "it breaks off" in refused.value.message
    assert "QW_KAFKA_SECURITY" in refused.value.message
    everything = f"{refused.value!r} {refused.value.__cause__!r} {refused.value.problem()} {lines}"
    assert PASSWORD not in everything
    assert "wrong-and-secret" not in everything
    del refused
    gc.collect()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.kafka
def test_a_bus_that_is_not_let_in_is_not_available(
    secure: SecureKafka, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Captured log records would keep the client's broken sockets alive until the session ends.
    monkeypatch.setattr(logging.getLogger("kafka"), "propagate", False)
    where, client = door(secure, "PLAIN", sasl_plain_password="wrong-and-secret")
    client["bootstrap_timeout_ms"] = SOON_MS
    bus = KafkaBus(where, client)

    with pytest.raises(Unavailable, match="does not take records now"):
        bus.produce(topic, [Sealed(b"deal", (), b"1")])
    with pytest.raises(Unavailable, match="does not answer"):
        bus.source("one", topic, lambda partition: 0)
    bus.close()
    gc.collect()
