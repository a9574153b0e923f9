"""Kafka's topics as they must be: made when missing, and looked at when they are there already.

A topic that would lose facts is refused; one that only differs is told in the log. We never change
a setting of a topic that exists.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import structlog
from kafka.admin import ConfigResource, KafkaAdminClient
from kafka.errors import KafkaError, TopicAlreadyExistsError

from contracts.errors import QuotewrightError, Unavailable
from infra.patience import Patience

log = structlog.get_logger("infra.topics")
FOR_EVER = -1
DAY_MS = 86_400_000
RECORD_MAX_BYTES = 1_048_576
ASK_MS = 10_000
REASONS = {
    "SaslAuthenticationFailed": "it refuses the name or the password",
    "UnsupportedSaslMechanism": "it does not take this sasl_mechanism",
    "Handshake failed": "the TLS handshake fails; look at security_protocol and ssl_cafile",
    # The client often reads the end of the connection before the answer that says why.
    "socket disconnected": "it breaks off, as for a wrong security_protocol, name or password",
}


class TopicRefused(QuotewrightError):
    """A topic would lose records, or take none.   Attributes: topic, setting, found, wanted."""

    code = "kafka.topic_refused"
    title = "The topic can not be used"


@dataclass(frozen=True, slots=True)
class Keeping:
    """How topics are kept: replicas, how many of them acknowledge, and how long records lie.

    `retention_days` None means for ever; `min_in_sync` None means a majority.
    """

    replication: int = 1
    min_in_sync: int | None = None
    retention_days: int | None = None

    def configs(self) -> dict[str, str]:
        """Return the settings of a topic that we make."""
        days = self.retention_days
        return {
            "cleanup.policy": "delete",
            "retention.ms": str(FOR_EVER if days is None else days * DAY_MS),
            "retention.bytes": str(FOR_EVER),
            "min.insync.replicas": str(self.min_in_sync or self.replication // 2 + 1),
            "max.message.bytes": str(RECORD_MAX_BYTES),
        }


@dataclass(frozen=True, slots=True)
class Found:
    """A topic as the cluster has it."""

    name: str
    partitions: int
    replication: int
    configs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting that is not as wanted, and why that matters; `refused` if facts would be lost."""

    topic: str
    setting: str
    found: str
    wanted: str
    why: str
    refused: bool = False


def create_topics(
    bootstrap: Sequence[str],
    security: Mapping[str, Any],
    topics: Mapping[str, int],
    keeping: Keeping,
) -> list[str]:
    """Create the topics that are missing and look at the others; returns the names of the new.

    `topics` maps names to partitions. Raises: Unavailable, if the cluster does not answer or does
    not let us in; TopicRefused, if an existing topic would lose records or take none.
    """
    with _Heard() as heard:
        try:
            bounds = {"bootstrap_timeout_ms": ASK_MS, "reconnect_backoff_max_ms": 500}
            admin = KafkaAdminClient(bootstrap_servers=list(bootstrap), **{**bounds, **security})
        except KafkaError as fault:
            where = ", ".join(bootstrap)
            raise Unavailable(f"no Kafka at {where}: {heard.reason(fault)}") from None
    try:
        existing = set(admin.list_topics())
        made = [name for name in sorted(topics) if name not in existing and _make(
            admin, name, topics[name], keeping)]  # fmt: skip
        for found in _found(admin, sorted(topics.keys() - set(made))):
            _judge(found, topics[found.name], keeping)
    except KafkaError as fault:
        raise Unavailable(f"the topics can not be made or read: {type(fault).__name__}") from None
    finally:
        admin.close()
    return made


def differences(found: Found, partitions: int, keeping: Keeping) -> Iterator[Difference]:
    """Compare a topic with what is wanted; more of anything is no difference."""
    name, has, wants = found.name, found.configs, keeping.configs()
    policy, in_sync = has["cleanup.policy"], int(has["min.insync.replicas"])
    if policy != "delete":
        why = "compaction throws away all facts of a deal but the last"
        yield Difference(name, "cleanup.policy", policy, "delete", why, refused=True)
    if in_sync > found.replication:
        why = "no record can ever be acknowledged"
        wanted = f"at most {found.replication}"
        yield Difference(name, "min.insync.replicas", str(in_sync), wanted, why, refused=True)
    for setting in ("retention.ms", "retention.bytes"):
        if _sooner(int(has[setting]), int(wants[setting])):
            why = "a consumer that is away longer stops and has to be reset"
            yield Difference(name, setting, has[setting], wants[setting], why)
    counts = (
        ("partitions", found.partitions, partitions, "fewer processes can share the work"),
        ("replication", found.replication, keeping.replication, "a lost disk loses more"),
        ("min.insync.replicas", in_sync, int(wants["min.insync.replicas"]),
         "a record may be acknowledged and lost with one disk"),
        ("max.message.bytes", int(has["max.message.bytes"]), RECORD_MAX_BYTES,
         "a large fact can not be published"),
    )  # fmt: skip
    for setting, count, least, why in counts:
        if count < least:
            yield Difference(name, setting, str(count), str(least), why)


def _judge(found: Found, partitions: int, keeping: Keeping) -> None:
    for each in differences(found, partitions, keeping):
        if each.refused:
            raise TopicRefused(
                f"the topic {each.topic} has {each.setting} {each.found}, wanted is {each.wanted}:"
                f" {each.why}; change the topic, or name another one",
                topic=each.topic,
                setting=each.setting,
                found=each.found,
                wanted=each.wanted,
            )
        log.warning(
            "topic_differs",
            topic=each.topic,
            setting=each.setting,
            found=each.found,
            wanted=each.wanted,
            why=each.why,
        )


def _sooner(found: int, wanted: int) -> bool:
    return found != FOR_EVER and (wanted == FOR_EVER or found < wanted)


def _make(admin: KafkaAdminClient, name: str, partitions: int, keeping: Keeping) -> bool:
    """Make a topic; False if another process was faster."""
    wanted = {
        "num_partitions": partitions,
        "replication_factor": keeping.replication,
        "configs": keeping.configs(),
    }
    try:
        admin.create_topics({name: wanted}, wait_for_metadata=True)
    except TopicAlreadyExistsError:
        return False
    return True


def _found(admin: KafkaAdminClient, names: Sequence[str]) -> list[Found]:
    """Return the topics; one that another process is just making is asked for again."""
    if not names:
        return []
    asked = [ConfigResource("topic", name) for name in names]
    trying = Patience(ASK_MS / 1000).begin()
    while True:
        told = admin.describe_configs(asked, config_filter="all")["topic"]
        there = {each["name"]: each["partitions"] for each in admin.describe_topics(list(names))}
        unheard = [name for name in names if not (told.get(name) and there.get(name))]
        if not unheard:
            return [_as_found(name, there[name], told[name]) for name in names]
        if not trying.again():
            raise Unavailable(
                f"Kafka shows no settings of the topic {unheard[0]}: we may not describe it"
                " (give us the right DescribeConfigs), or its broker has not heard of it yet"
            )


def _as_found(
    name: str, partitions: Sequence[Mapping[str, Any]], configs: Mapping[str, Mapping[str, Any]]
) -> Found:
    return Found(
        name,
        len(partitions),
        min(len(each["replica_nodes"]) for each in partitions),
        {setting: str(entry["value"]) for setting, entry in configs.items()},
    )


class _Heard(logging.Handler):
    """Listens to the client while it connects, for it raises a timeout whatever was wrong.

    Its many lines go nowhere else meanwhile: one sentence says it.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._text = ""
        self._logger = logging.getLogger("kafka")

    def emit(self, record: logging.LogRecord) -> None:
        self._text += record.getMessage()

    def __enter__(self) -> Self:
        self._logger.addHandler(self)
        self._logger.propagate = False
        return self

    def __exit__(self, *fault: object) -> None:
        self._logger.propagate = True
        self._logger.removeHandler(self)

    def reason(self, fault: KafkaError) -> str:
        """Say what went wrong, and which setting to look at; never with a value of it."""
        for name, sentence in REASONS.items():
            if name in self._text:
                return f"{sentence} (QW_KAFKA_SECURITY)"
        return type(fault).__name__
