"""The command desk settles races and a database that is away until a deadline, never beyond it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest

from contracts.envelope import Fact, Registry
from contracts.errors import Refused
from infra.desk import CommandDesk, StillRacing
from infra.memory import MemoryStore
from infra.patience import Patience
from infra.postgres import NoDatabase
from infra.work import Cause, Recorded, Work

DEAL = UUID("00000000-0000-4000-8000-000000000001")
STREAM = "thing.one/1"


class Noted(Fact):
    """A fact for tests."""

    word: str


class Time:
    """Seconds that pass only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def patience(self, deadline_s: float) -> Patience:
        return Patience(deadline_s, lambda: self.now, self.sleep, lambda ceiling_s: ceiling_s)

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Weather(MemoryStore):
    """A store whose database goes away: before it has written, or after."""

    def __init__(self) -> None:
        super().__init__("thing", Registry([Noted]))
        self.away = 0
        self.lost_answers = 0
        self.others = 0

    def by_command(self, command_id: str) -> tuple[tuple[Recorded, ...], str | None]:
        self._look()
        return super().by_command(command_id)

    def carry_out(self, work: Work, stands_on: Mapping[str, int]) -> None:
        self._look()
        if self.others:
            self.others -= 1
            other = Work(self, Cause(f"other-{self.others}", work.now, "user/o"))
            other.append(STREAM, Noted(deal_id=DEAL, word="theirs"))
            self.commit([other])
        super().carry_out(work, stands_on)
        if self.lost_answers:
            self.lost_answers -= 1
            raise NoDatabase("the database does not answer now")

    def _look(self) -> None:
        if self.away:
            self.away -= 1
            raise NoDatabase("the database does not answer now")


@pytest.fixture
def store() -> Weather:
    return Weather()


@pytest.fixture
def time() -> Time:
    return Time()


def desk_of(store: Weather, time: Time) -> CommandDesk:
    return CommandDesk(store, lambda _: None, time.patience(10.0))


def note(work: Work) -> None:
    work.append(STREAM, Noted(deal_id=DEAL, word="mine"))


def words(store: MemoryStore) -> list[str]:
    return [each.fact.word for each in store.read(STREAM)]  # type: ignore[attr-defined]


def test_a_lost_answer_is_found_by_its_id(store: Weather, time: Time, clock: Any) -> None:
    store.lost_answers = 1
    done = desk_of(store, time).run(Cause("c1", clock(), "user/u"), note)
    assert [each.id for each in done] == [f"{STREAM}/1"]
    assert words(store) == ["mine"]


def test_a_database_that_comes_back_in_time_is_waited_for(
    store: Weather, time: Time, clock: Any
) -> None:
    store.away = 12
    desk_of(store, time).run(Cause("c1", clock(), "user/u"), note)
    assert words(store) == ["mine"]
    assert 1 < time.now < 10


@pytest.mark.parametrize(("what", "fault"), [("away", NoDatabase), ("others", StillRacing)])
def test_no_try_begins_after_the_deadline(
    store: Weather, time: Time, clock: Any, what: str, fault: type[Exception]
) -> None:
    setattr(store, what, 10_000)
    with pytest.raises(fault):
        desk_of(store, time).run(Cause("c1", clock(), "user/u"), note)
    assert 9 < time.now < 10
    assert "mine" not in words(store)


def test_races_that_end_are_won(store: Weather, time: Time, clock: Any) -> None:
    store.others = 9
    desk_of(store, time).run(Cause("c1", clock(), "user/u"), note)
    assert words(store) == ["theirs"] * 9 + ["mine"]


def test_a_twin_that_is_refused_because_the_first_was_carried_out_gets_its_answer(
    store: Weather, time: Time, clock: Any
) -> None:
    def once(work: Work) -> None:
        if work.read(STREAM):
            raise Refused("it is done already")
        note(work)

    desk = desk_of(store, time)
    first = desk.run(Cause("c1", clock(), "user/u"), once)
    again = desk.run(Cause("c1", clock(), "user/u"), once)
    assert [each.id for each in again] == [each.id for each in first]
    with pytest.raises(Refused, match="done already"):
        desk.run(Cause("c2", clock(), "user/u"), once)
