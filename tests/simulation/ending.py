"""What must hold when faults have stopped and nothing moves any more."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from services.crm_projector.domain.deal import DealState, evolve
from services.crm_projector.domain.standing import standing
from services.crm_projector.domain.write_back import quote_changed
from services.crm_projector.rows import rows_of
from services.quotes.domain.evolving import fold
from services.quotes.domain.quote import Quote, stream_of_quote
from services.quotes.domain.status import waiting
from tests.simulation.bus import TOPIC, header
from tests.simulation.faults import Broken
from tests.simulation.repricing import prices_replay
from tests.simulation.seen import Moment
from tests.simulation.world import World

ROW: TypeAdapter[Mapping[str, Any]] = TypeAdapter(Mapping[str, Any])


def check_unafflicted(world: World) -> None:
    """Check what faults that stay must not touch: deals without a parked record go on."""
    afflicted = {each.key for room in world.rooms.values() for each in room.store.parked(10_000)}
    _all_published(world)
    for quote in _open_quotes(world):
        if str(quote.deal_id).encode() not in afflicted:
            _waits_for_a_person(world, quote)


def check_rest(world: World) -> None:
    """Check a house at rest, mended.   Raises: Broken."""
    for room in world.rooms.values():
        if room.store.parked():
            why = [each.reason for each in room.store.parked()]
            raise Broken("everything parked can be mended or discarded", f"{room.name}: {why}")
        if room.store.due_reminders(world.now(), 1):
            raise Broken("every due reminder fires", room.name)
        if room.store.outbox.due(world.now().replace(year=2030), 1, (), ()):
            raise Broken("every message is taken", room.name)
    _all_published(world)
    _all_heard(world)
    _all_answered(world)
    for quote in _open_quotes(world):
        _waits_for_a_person(world, quote)
    _cases_of_what_ended_are_closed(world)
    _views_are_folds(world)
    prices_replay(world)


# ---- the log


def _all_published(world: World) -> None:
    """Nothing committed is lost; each service's facts of a deal are published in their order."""
    for name, room in world.rooms.items():
        by_deal: dict[bytes, list[str]] = {}
        for recorded, _ in room.store.log():
            by_deal.setdefault(str(recorded.meta.deal_id).encode(), []).append(recorded.id)
        for key, ids in by_deal.items():
            mine = set(ids)
            found = [each for each in world.bus.published.by_deal.get(key, []) if each in mine]
            if found != ids:
                missing = sorted(mine - set(found)) or "in another order"
                raise Broken("no fact is lost, none overtakes", f"{name}: {missing}", key.decode())


def _all_heard(world: World) -> None:
    """Every service handled every fact it hears, once, each deal's in the order of the log."""
    wanted: dict[str, dict[bytes, list[str]]] = {name: {} for name in world.rooms}
    hears = {
        name: {each.wire_type() for each in room.hearing.hears}
        for name, room in world.rooms.items()
    }
    types = {each.meta.id: each.meta.type for each in world.watch.moments}
    for key, ids in world.bus.published.by_deal.items():
        for name in world.rooms:
            wanted[name][key] = [each for each in ids if types[each] in hears[name]]
    for name, by_deal in wanted.items():
        for key, ids in by_deal.items():
            deal_id = UUID(key.decode())
            found = world.watch.heard.get((name, deal_id), [])
            if found != ids:
                first = next(
                    (pair for pair in zip(found, ids, strict=False) if pair[0] != pair[1]),
                    (len(found), len(ids)),
                )
                raise Broken(
                    "each fact is handled once, in its deal's order",
                    f"{name}: {first}",
                    key.decode(),
                )


def _all_answered(world: World) -> None:
    """Every ask of quotes has its answer."""
    asks = {
        "quotewright.ConfigurationRequested",
        "quotewright.PricingRequested",
        "quotewright.RevisionSubmitted",
        "quotewright.DocumentRequested",
    }
    for each in world.watch.moments:
        if each.meta.type in asks and each.meta.id not in world.watch.answered:
            raise Broken("every ask is answered", each.meta.id, each.fact.deal_id)


# ---- quotes and cases


def _open_quotes(world: World) -> Iterator[Quote]:
    store = world.rooms["quotes"].store
    for quote_id, seen in world.watch.quotes.items():
        if seen.outcome is None:
            quote = fold(each.fact for each in store.read(stream_of_quote(quote_id)))
            assert quote is not None
            yield quote


def _waits_for_a_person(world: World, quote: Quote) -> None:
    waits = waiting(quote)
    if waits.who == "nobody":
        raise Broken("an open quote waits for a person", f"{quote.number}: {waits}", quote.deal_id)
    if waits.status == "in_approval" and quote.current.awaiting:
        ask = quote.current.awaiting.id
        open_ones = [
            each
            for each in world.watch.cases.values()
            if each.closed is None and each.request.answers == ask
        ]
        if not open_ones:
            raise Broken("who waits for approval has a case", f"{quote.number}", quote.deal_id)


def _cases_of_what_ended_are_closed(world: World) -> None:
    """A case stays open only while its submission is what its revision waits for."""
    for case_id, case in world.watch.cases.items():
        quote = world.watch.quotes[case.request.quote_id]
        waits = quote.outcome is None and quote.current.pending == case.request.answers
        if case.closed is None and not waits:
            raise Broken("what is taken back closes its case", f"{case_id}", quote.deal_id)


# ---- views


def _views_are_folds(world: World) -> None:
    """Rows of the live path are those of a fresh fold, in whichever interleaving of streams.

    Once in one that the dice choose, once in the order in which a rebuild reads the copies.
    """
    store: Any = world.rooms["crm_projector"].store
    logged = _first_of_each(world)
    if set(store.copies) != set(logged):
        differing = sorted(set(store.copies) ^ set(logged))
        raise Broken("the projector copies every fact once", str(differing[:3]))
    for deal_id in dict.fromkeys(each.fact.deal_id for each in world.watch.moments):
        moments = [each for each in world.watch.moments if each.fact.deal_id == deal_id]
        state = _folded(_shuffled(moments, world))
        by_id = {each.meta.id: each for each in moments}
        copied = [each["id"] for each in store.in_the_order_taken_up()]
        if state != _folded([by_id[each] for each in copied if each in by_id]):
            raise Broken("a rebuild folds what the live path folds", "", deal_id)
        _same_rows(store.rows, state, deal_id)
        if state is not None:
            _told(world, state)


def _same_rows(stored: Mapping[Any, Any], state: DealState | None, deal_id: UUID) -> None:
    fresh = {
        (table, *map(str, key)): json.loads(ROW.dump_json(row))
        for (table, key), row in rows_of(state).items()
    }
    mine = {place: row for place, row in stored.items() if row["deal_id"] == str(deal_id)}
    for place in dict.fromkeys([*fresh, *mine]):
        row, want = mine.get(place, {}), fresh.get(place, {})
        if row != want:
            names = [name for name in (want or row) if row.get(name) != want.get(name)]
            raise Broken("a view is the fold of its facts", f"{place}: {names}", deal_id)


def _first_of_each(world: World) -> dict[str, Any]:
    """Return the ids of all readable records of the log, foreign ones of unknown types too."""
    found: dict[str, Any] = {}
    for partition in world.bus.topic(TOPIC).partitions:
        for record in partition:
            if header(record, "ce_specversion") == "1.0":
                found.setdefault(header(record, "ce_id"), record)
    return found


def _shuffled(moments: Sequence[Moment], world: World) -> Iterator[Moment]:
    """Give facts in an interleaving of their streams that the dice choose."""
    streams: dict[str, list[Moment]] = {}
    for each in moments:
        streams.setdefault(each.meta.stream, []).append(each)
    while streams:
        stream = world.rng.choice(list(streams))
        yield streams[stream].pop(0)
        if not streams[stream]:
            del streams[stream]


def _folded(moments: Iterable[Moment]) -> DealState | None:
    state: DealState | None = None
    for each in moments:
        state = evolve(state, each.fact, each.meta)
    return state


def _told(world: World, state: DealState) -> None:
    """The CRM holds the newest state of every quote, and it waits for a person there too."""
    for quote_id, quote in state.quotes.items():
        want = quote_changed(quote, state)
        if want is None:
            continue
        has = world.partners.records.get(str(quote_id))
        told = want.model_dump(mode="json", exclude={"sequence"})
        got = {name: has.get(name) for name in told} if has else None
        if got != told:
            names = [name for name in told if (got or {}).get(name) != told[name]]
            raise Broken(
                "the CRM is told the newest state", f"{quote.number}: {names}", state.deal_id
            )
        now = standing(quote, state)
        if quote.outcome == "open" and now.who_can_move_it == "nobody":
            raise Broken(
                "a view shows a person to wait for", f"{quote.number}: {now}", state.deal_id
            )
