"""Who waits at the same moment is written together; everybody hears of his own outcome."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from contracts.errors import Unavailable
from infra.coalescing import Coalescer

DEADLINE_S = 20.0


class Disk:
    """A place to write to that is slow for as long as a test wants."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.go = threading.Event()
        self.faults: dict[str, Exception] = {}
        self.broken: BaseException | None = None

    def write(self, commands: Sequence[str]) -> Sequence[Exception | None]:
        self.batches.append(list(commands))
        assert self.go.wait(DEADLINE_S)
        if self.broken:
            raise self.broken
        return [self.faults.get(each) for each in commands]


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


def queued(coalescer: Coalescer[str], pool: ThreadPoolExecutor, disk: Disk) -> list[Future[None]]:
    """Let one command be in the middle of its writing, and three wait behind it, in this order."""
    futures = [pool.submit(coalescer.commit, "first")]
    eventually(lambda: disk.batches == [["first"]])
    for number, name in enumerate(("a", "b", "c"), 1):
        futures.append(pool.submit(coalescer.commit, name))
        eventually(lambda number=number: coalescer.waiting() == number)  # type: ignore[misc]
    return futures


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def coalescer(disk: Disk) -> Coalescer[str]:
    return Coalescer(disk.write)


def test_a_lone_command_waits_for_nobody(disk: Disk, coalescer: Coalescer[str]) -> None:
    disk.go.set()
    coalescer.commit("one")
    coalescer.commit("two")
    assert disk.batches == [["one"], ["two"]]


def test_those_who_come_while_one_is_written_are_written_together(
    disk: Disk, coalescer: Coalescer[str]
) -> None:
    with ThreadPoolExecutor(4) as pool:
        futures = queued(coalescer, pool, disk)
        disk.go.set()
        assert [each.result(DEADLINE_S) for each in futures] == [None] * 4
    assert disk.batches == [["first"], ["a", "b", "c"]]


def test_everybody_hears_of_his_own_outcome(disk: Disk, coalescer: Coalescer[str]) -> None:
    disk.faults["b"] = KeyError("b")
    with ThreadPoolExecutor(4) as pool:
        futures = queued(coalescer, pool, disk)
        disk.go.set()
        faults = [each.exception(DEADLINE_S) for each in futures]
    assert faults == [None, None, disk.faults["b"], None]


def test_when_the_database_goes_away_everybody_of_the_batch_hears_it(
    disk: Disk, coalescer: Coalescer[str]
) -> None:
    disk.broken = Unavailable("the database does not answer now")
    with ThreadPoolExecutor(4) as pool:
        futures = queued(coalescer, pool, disk)
        disk.go.set()
        assert [type(each.exception(DEADLINE_S)) for each in futures] == [Unavailable] * 4


def test_a_leader_that_is_interrupted_leaves_nobody_waiting(
    disk: Disk, coalescer: Coalescer[str]
) -> None:
    disk.broken = SystemExit()
    with ThreadPoolExecutor(4) as pool:
        futures = queued(coalescer, pool, disk)
        disk.go.set()
        told = {type(each.exception(DEADLINE_S)) for each in futures}
    assert told == {SystemExit, Unavailable}
    disk.broken = None
    coalescer.commit("later")
    assert disk.batches[-1] == ["later"]


def test_as_many_as_allowed_write_at_once(disk: Disk) -> None:
    coalescer = Coalescer(disk.write, leaders_max=2)
    with ThreadPoolExecutor(3) as pool:
        futures = [pool.submit(coalescer.commit, name) for name in ("a", "b", "c")]
        eventually(lambda: len(disk.batches) == 2 and coalescer.waiting() == 1)
        disk.go.set()
        assert [each.result(DEADLINE_S) for each in futures] == [None] * 3
    assert sorted(len(each) for each in disk.batches) == [1, 1, 1]
