"""The bus: one set of promises, kept by memory, by the embedded bus and by a real Kafka."""

import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

from contracts.envelope import Sealed
from infra.bus import Bus, Slice
from infra.bus_embedded import EmbeddedBus, Here
from infra.bus_kafka import KafkaBus
from infra.leadership import Leadership
from infra.local_kafka import LocalKafka
from infra.memory import MemoryBus
from infra.topics import Keeping, create_topics

DEADLINE_S = 30.0


class Positions:
    """What a service's store keeps for its consumer."""

    def __init__(self) -> None:
        self.saved: dict[int, int] = {}
        self.claims: list[int] = []

    def claim(self, partition: int) -> int:
        self.claims.append(partition)
        return self.saved.get(partition, 0)

    def save(self, piece: Slice) -> None:
        self.saved[piece.partition] = piece.after


def record(key: str, number: int) -> Sealed:
    return Sealed(
        key.encode(),
        (("ce_id", f"{key}/{number}".encode()), ("odd", b"\xff\x00")),
        f"{number}".encode(),
    )


def collect(source: Any, positions: Positions, wanted: int, timeout_s: float = 0.5) -> list[Slice]:
    """Poll and save until so many records have come."""
    pieces: list[Slice] = []
    deadline = time.monotonic() + DEADLINE_S
    while sum(len(each.records) for each in pieces) < wanted and time.monotonic() < deadline:
        piece = source.poll(10, timeout_s)
        if piece is not None:
            positions.save(piece)
            pieces.append(piece)
    return pieces


def values(pieces: list[Slice], key: str) -> list[int]:
    return [int(r.value) for each in pieces for r in each.records if r.key == key.encode()]


class BusConformance:
    """What every bus promises."""

    @pytest.fixture
    def new_bus(self) -> Callable[[], Bus]:
        raise NotImplementedError

    @pytest.fixture
    def topic(self) -> str:
        return "quotewright.facts"

    @pytest.fixture
    def listen(self) -> Iterator[Callable[..., Any]]:
        """Open sources that are closed after the test."""
        sources: list[Any] = []

        def open_source(bus: Bus, group: str, topic: str, claim: Any) -> Any:
            sources.append(bus.source(group, topic, claim))
            return sources[-1]

        yield open_source
        for each in sources:
            each.close()

    def test_records_of_a_key_arrive_in_order_and_unchanged(
        self, new_bus: Any, topic: str, listen: Any
    ) -> None:
        bus, positions = new_bus(), Positions()
        bus.produce(topic, [record("a", 1), record("b", 1), record("a", 2)])
        bus.produce(topic, [record("a", 3)])
        pieces = collect(listen(bus, "one", topic, positions.claim), positions, 4)
        assert values(pieces, "a") == [1, 2, 3]
        assert values(pieces, "b") == [1]
        first = next(r for each in pieces for r in each.records if r.key == b"b")
        assert first.headers == (("ce_id", b"b/1"), ("odd", b"\xff\x00"))

    def test_however_short_a_source_is_asked_it_gets_what_there_is(
        self, new_bus: Any, topic: str, listen: Any
    ) -> None:
        bus = new_bus()
        bus.produce(topic, [record("a", 1)])
        for number in range(5):
            positions = Positions()
            source = listen(bus, f"short-{number}", topic, positions.claim)
            assert values(collect(source, positions, 1, timeout_s=0.001), "a") == [1]

    def test_every_group_hears_everything(self, new_bus: Any, topic: str, listen: Any) -> None:
        bus = new_bus()
        bus.produce(topic, [record("a", 1)])
        heard = []
        for group in ("one", "two"):
            positions = Positions()
            heard.append(
                values(collect(listen(bus, group, topic, positions.claim), positions, 1), "a")
            )
        assert heard == [[1], [1]]

    def test_a_new_source_goes_on_where_the_store_says(
        self, new_bus: Any, topic: str, listen: Any
    ) -> None:
        bus, positions = new_bus(), Positions()
        source = listen(bus, "one", topic, positions.claim)
        bus.produce(topic, [record("a", 1), record("a", 2)])
        collect(source, positions, 2)
        source.close()
        bus.produce(topic, [record("a", 3)])
        later = listen(new_bus(), "one", topic, positions.claim)
        assert values(collect(later, positions, 1), "a") == [3]

    def test_the_rest_of_a_topic_is_given_from_the_positions_to_its_end(
        self, new_bus: Any, topic: str, listen: Any
    ) -> None:
        bus, positions = new_bus(), Positions()
        bus.produce(topic, [record("a", 1), record("a", 2)])
        whole = [rest.value for _, rest in bus.after(topic, {})]
        assert whole == [b"1", b"2"]
        collect(listen(bus, "one", topic, positions.claim), positions, 2)
        assert list(bus.after(topic, positions.saved)) == []
        bus.produce(topic, [record("a", 3)])
        ((partition, rest),) = bus.after(topic, positions.saved)
        assert (rest.key, rest.value) == (b"a", b"3")
        assert rest.headers == record("a", 3).headers
        assert rest.offset >= positions.saved[partition]

    def test_a_source_knows_when_it_had_polled_everything(
        self, new_bus: Any, topic: str, listen: Any
    ) -> None:
        bus, positions = new_bus(), Positions()
        source = listen(bus, "one", topic, positions.claim)
        assert source.ended_at() is None
        bus.produce(topic, [record("a", 1)])
        collect(source, positions, 1)
        polled_at = time.monotonic()
        assert source.ended_at() is not None
        deadline = polled_at + DEADLINE_S
        while (source.ended_at() or 0) <= polled_at and time.monotonic() < deadline:
            source.poll(10, 0.2)
        assert polled_at < (source.ended_at() or 0) <= time.monotonic()

    def test_a_rewound_piece_comes_again(self, new_bus: Any, topic: str, listen: Any) -> None:
        bus, positions = new_bus(), Positions()
        source = listen(bus, "one", topic, positions.claim)
        bus.produce(topic, [record("a", 1), record("a", 2)])
        first = collect(source, Positions(), 2)
        for piece in reversed(first):
            source.rewind(piece)
        again = collect(source, positions, 2)
        assert values(again, "a") == [1, 2]

    def test_a_disowned_partition_is_claimed_anew(
        self, new_bus: Any, topic: str, listen: Any
    ) -> None:
        bus, positions = new_bus(), Positions()
        source = listen(bus, "one", topic, positions.claim)
        bus.produce(topic, [record("a", 1)])
        (piece,) = [each for each in collect(source, Positions(), 1) if each.records]
        before = len(positions.claims)
        source.disown(piece.partition)
        assert values(collect(source, positions, 1), "a") == [1]
        assert piece.partition in positions.claims[before:]

    def test_a_paused_partition_gives_nothing_until_it_is_resumed_and_the_others_go_on(
        self, new_bus: Any, topic: str, listen: Any
    ) -> None:
        bus, positions = new_bus(), Positions()
        source = listen(bus, "one", topic, positions.claim)
        keys = ["a", "b", "c", "d", "e", "f"]
        bus.produce(topic, [record(key, 1) for key in keys])
        pieces = collect(source, positions, len(keys))
        partition = {r.key.decode(): each.partition for each in pieces for r in each.records}
        source.pause(partition["a"])
        bus.produce(topic, [record(key, 2) for key in keys])
        others = [key for key in keys if partition[key] != partition["a"]]
        heard = collect(source, positions, len(others))
        assert sorted(r.key.decode() for each in heard for r in each.records) == others
        assert source.poll(10, 0.3) is None
        source.rewind(pieces[[each.partition for each in pieces].index(partition["a"])])
        assert source.poll(10, 0.3) is None
        source.resume(partition["a"])
        again = collect(source, positions, 2 * (len(keys) - len(others)))
        assert values(again, "a") == [1, 2]

    def test_a_partition_that_rests_half_read_goes_on_where_it_was(
        self, new_bus: Any, topic: str, listen: Any
    ) -> None:
        """The client of Kafka would set the other half aside and never give it."""
        bus, positions = new_bus(), Positions()
        source = listen(bus, "one", topic, positions.claim)
        others = ["b", "c", "d", "e", "f"]
        bus.produce(topic, [record("a", number) for number in range(1, 41)])
        [piece] = collect(source, Positions(), 1)
        source.rewind(piece)
        source.pause(piece.partition)
        for number in range(1, 6):
            bus.produce(topic, [record(key, number) for key in others])
            while source.poll(10, 0.2) is not None:
                continue
        source.resume(piece.partition)
        heard = collect(source, positions, 40)
        assert list(dict.fromkeys(values(heard, "a"))) == list(range(1, 41))

    def test_a_waiting_poll_wakes_up_for_a_new_record(
        self, new_bus: Any, topic: str, listen: Any
    ) -> None:
        bus, positions = new_bus(), Positions()
        source = listen(bus, "one", topic, positions.claim)
        bus.produce(topic, [record("a", 1)])
        collect(source, positions, 1)
        assert source.poll(10, 0.1) is None
        bus.produce(topic, [record("a", 2)])
        assert values(collect(source, positions, 1), "a") == [2]


class TestMemoryBus(BusConformance):
    @pytest.fixture(params=[1, 3])
    def new_bus(self, request: pytest.FixtureRequest) -> Callable[[], Bus]:
        bus = MemoryBus(request.param)
        return lambda: bus


class TestEmbeddedBus(BusConformance):
    @pytest.fixture
    def new_bus(self, make_database: Any, open_service: Any) -> Iterator[Callable[[], Bus]]:
        database = make_database()
        pool = open_service("thing", database)
        with_locks = []

        def make() -> Bus:
            for each in with_locks:
                each.close()  # the earlier process is gone
            leadership = Leadership(database.dsn("thing"), "thing")
            with_locks.append(leadership)
            return EmbeddedBus(pool, leadership, Here())

        yield make
        for each in with_locks:
            each.close()

    def test_other_topics_do_not_come_but_the_position_passes_them(
        self, new_bus: Any, topic: str, listen: Any
    ) -> None:
        bus, positions = new_bus(), Positions()
        bus.produce("quotewright.other", [record("a", 1)])
        bus.produce(topic, [record("a", 2)])
        pieces = collect(listen(bus, "one", topic, positions.claim), positions, 1)
        assert values(pieces, "a") == [2]
        assert positions.saved == {0: 2}

    def test_only_the_leader_of_a_group_gets_records(
        self, new_bus: Any, topic: str, listen: Any, make_database: Any, open_service: Any
    ) -> None:
        database = make_database()
        pool = open_service("thing", database)
        first, second = (Leadership(database.dsn("thing"), "thing") for _ in range(2))
        one, two = (EmbeddedBus(pool, each, Here()) for each in (first, second))
        mine, theirs = (listen(each, "g", topic, Positions().claim) for each in (one, two))
        one.produce(topic, [record("a", 1)])
        assert mine.poll(10, 1) is not None
        assert theirs.poll(10, 0.2) is None
        first.close()
        assert theirs.poll(10, 5) is not None
        second.close()


@pytest.mark.kafka
class TestKafkaBus(BusConformance):
    @pytest.fixture
    def topic(self, kafka: LocalKafka) -> str:
        name = f"facts.{uuid4().hex[:8]}"
        create_topics(kafka.bootstrap.split(","), {}, {name: 3}, Keeping())
        return name

    @pytest.fixture
    def new_bus(self, kafka: LocalKafka) -> Iterator[Callable[[], Bus]]:
        buses: list[KafkaBus] = []

        def make() -> Bus:
            buses.append(KafkaBus(kafka.bootstrap.split(","), {}, None))
            return buses[-1]

        yield make
        for bus in buses:
            bus.close()

    def test_a_disowned_partition_is_claimed_only_when_the_group_gave_it_anew(
        self, new_bus: Any, topic: str, listen: Any
    ) -> None:
        bus, positions = new_bus(), Positions()
        generations: list[int] = []

        def claim(partition: int) -> int:
            generations.append(source._consumer.group_metadata().generation_id)
            return positions.claim(partition)

        source = listen(bus, "one", topic, claim)
        bus.produce(topic, [record("a", 1)])
        (piece,) = collect(source, Positions(), 1)
        given = generations[-1]
        source.disown(piece.partition)
        assert values(collect(source, positions, 1), "a") == [1]
        assert generations[-1] > given
