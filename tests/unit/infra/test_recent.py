"""What is kept of a stream is always its beginning, so folding on from it is folding the whole."""

from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from contracts.envelope import Fact, Registry
from infra.memory import MemoryStore
from infra.recent import Recent
from infra.work import Cause, Recorded, Work

DEAL = UUID("00000000-0000-4000-8000-000000000001")
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
STREAMS_MAX = 2


class Added(Fact):
    """A fact for tests."""

    number: int


def fold(so_far: int, facts: tuple[Recorded, ...]) -> int:
    for each in facts:
        so_far = so_far * 7 + (each.fact.number if isinstance(each.fact, Added) else 0)
    return so_far


streams = st.sampled_from(["thing.a/1", "thing.b/1", "thing.c/1"])
moves = st.lists(
    st.tuples(st.sampled_from(["append", "read", "late read"]), streams, st.integers(1, 3)),
    max_size=40,
)


@given(moves)
def test_a_fold_that_goes_on_from_what_is_kept_is_the_fold_of_the_whole(
    asked: list[tuple[str, str, int]],
) -> None:
    """Whoever appends, whoever reads, and however late a slow reader puts down what it read."""
    store, recent = MemoryStore("thing", Registry([Added])), Recent(STREAMS_MAX)
    for place, (what, stream, count) in enumerate(asked):
        before = tuple(store.read(stream))
        if what == "append":
            work = Work(store, Cause(f"c{place}", NOW, "user/u"))
            work.append(stream, *[Added(deal_id=DEAL, number=n) for n in range(count)])
            store.commit([work])
        if what == "late read":
            recent.put(stream, before[:count])
        if what == "read":
            recent.put(stream, before)
        for each in ("thing.a/1", "thing.b/1", "thing.c/1"):
            whole, kept = tuple(store.read(each)), recent.get(each)
            assert kept == whole[: len(kept)]
            assert fold(fold(0, kept), whole[len(kept) :]) == fold(0, whole)


def test_the_stream_not_used_for_longest_goes() -> None:
    store, recent = MemoryStore("thing", Registry([Added])), Recent(STREAMS_MAX)
    for number, stream in enumerate(("thing.a/1", "thing.b/1", "thing.c/1")):
        work = Work(store, Cause(f"c{number}", NOW, "user/u"))
        work.append(stream, Added(deal_id=DEAL, number=number))
        store.commit([work])
        recent.put(stream, tuple(store.read(stream)))
    assert [len(recent.get(each)) for each in ("thing.a/1", "thing.b/1", "thing.c/1")] == [0, 1, 1]
