"""A database that was set back to before its published facts: noticed at start, and by the relay."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from contracts.envelope import Sealed
from infra.bus_embedded import EmbeddedBus, Here
from infra.comparing import BehindLog, compare_with_log
from infra.leadership import Leadership
from infra.relay import Relay
from tests.conftest import Database

TOPIC = "quotewright.facts"
STREAM = "thing.box/1"


class Thing:
    """A service's tables, with facts in them and in the log."""

    def __init__(self, pool: Any, database: Database) -> None:
        self.pool = pool
        self.leadership = Leadership(database.dsn("thing"), "thing")
        self.bus = EmbeddedBus(pool, self.leadership, Here())

    def sql(self, statement: str) -> None:
        with self.pool.connection() as connection:
            connection.execute(statement)

    def writes(self, *versions: int) -> None:
        for version in versions:
            self.sql(
                "INSERT INTO events (stream, version, topic, state, deal_id, meta) VALUES"
                f" ('{STREAM}', {version}, 'quotewright.Opened/1', '{{}}', gen_random_uuid(),"
                " '{}')"
            )

    def said(self, *ids: str, source: str = "thing") -> None:
        for each in ids:
            headers = (("ce_id", each.encode()), ("ce_source", source.encode()))
            self.bus.produce(TOPIC, [Sealed(b"deal", headers, b"{}")])

    def compare(self) -> None:
        compare_with_log("thing", self.pool, self.bus, TOPIC)


@pytest.fixture
def thing(
    make_database: Callable[..., Database], open_service: Callable[..., Any]
) -> Iterator[Thing]:
    database = make_database()
    made = Thing(open_service("thing", database), database)
    yield made
    made.leadership.close()


def test_tables_that_hold_what_the_log_holds_are_good(thing: Thing) -> None:
    thing.writes(1, 2, 3)
    thing.said(f"{STREAM}/1", f"{STREAM}/2", f"{STREAM}/2")  # a fact may be published twice
    thing.compare()


def test_a_fact_of_ours_that_only_the_log_holds_is_named(thing: Thing) -> None:
    thing.writes(1)
    thing.said(f"{STREAM}/1", f"{STREAM}/2", f"{STREAM}/3")
    with pytest.raises(BehindLog, match="restore a later moment") as refusal:
        thing.compare()
    assert refusal.value.facts["fact"] == f"{STREAM}/2"
    assert (refusal.value.facts["partition"], refusal.value.facts["offset"]) == (0, 1)


def test_empty_tables_under_a_log_of_ours_are_refused(thing: Thing) -> None:
    thing.said(f"{STREAM}/1")
    with pytest.raises(BehindLog):
        thing.compare()


def test_what_others_say_and_what_is_no_fact_is_passed_over(thing: Thing) -> None:
    thing.said("other.box/1/7", source="other")
    thing.said("", "no-number/x", "\u2160", f"{STREAM}/-1", f"{STREAM}/{10**12}")
    thing.bus.produce(TOPIC, [Sealed(b"k", (), b"")])
    thing.compare()


def test_only_what_follows_our_position_is_read(thing: Thing) -> None:
    """So that a forged record can be stepped over by hand, and a start is quick."""
    thing.said(f"{STREAM}/9")
    thing.sql(f"INSERT INTO positions (topic, partition, position) VALUES ('{TOPIC}', 0, 1)")
    thing.compare()


def test_many_facts_are_compared_whole(thing: Thing) -> None:
    count = 2500
    thing.sql(
        "INSERT INTO events (stream, version, topic, state)"
        f" SELECT '{STREAM}', n, 'quotewright.Opened/1', '{{}}' FROM generate_series(1, {count}) n"
    )
    headers = [
        (("ce_id", f"{STREAM}/{n}".encode()), ("ce_source", b"thing")) for n in range(1, count + 1)
    ]
    thing.bus.produce(TOPIC, [Sealed(b"deal", each, b"{}") for each in headers])
    thing.compare()
    thing.sql(f"DELETE FROM events WHERE version = {count}")
    with pytest.raises(BehindLog, match=f"{STREAM}/{count} "):
        thing.compare()


def test_another_fact_in_the_place_of_a_published_one_is_noticed(thing: Thing) -> None:
    """A failover lost a fact, and the process went on before anybody looked."""
    thing.writes(1)
    thing.bus.produce(
        TOPIC,
        [Sealed(b"deal", (("ce_id", f"{STREAM}/1".encode()), ("ce_source", b"thing")), b"{1}")],
    )
    with pytest.raises(BehindLog, match="hold as another fact"):
        thing.compare()


def test_a_relay_over_a_table_that_ends_before_what_it_published_stops(
    thing: Thing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.relay.LOOK_BACK_S", 0.0)
    relay = Relay(thing.pool, thing.leadership, thing.bus, TOPIC)
    thing.writes(1, 2)
    assert (relay.step(), relay.step()) == (2, 0)
    thing.sql("DELETE FROM events WHERE version = 2")  # a failover that lost the last commits
    thing.sql("UPDATE relay SET position = 1")
    assert relay.step() == 0
    for _ in range(2):
        with pytest.raises(BehindLog, match="is published, and the table ends at 1"):
            relay.step()


def test_what_a_crash_took_from_the_embedded_log_is_published_again_without_a_new_fact(
    thing: Thing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records and relay position do not wait for the disk; the facts themselves did."""
    monkeypatch.setattr("infra.relay.LOOK_BACK_S", 0.0)
    relay = Relay(thing.pool, thing.leadership, thing.bus, TOPIC)
    thing.writes(1, 2)
    assert (relay.step(), relay.step()) == (2, 0)
    thing.sql("UPDATE relay SET position = 1")
    assert (relay.step(), relay.step(), relay.step()) == (0, 1, 0)
