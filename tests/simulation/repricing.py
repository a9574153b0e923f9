"""Every price of a run comes out of its facts again, byte for byte."""

from contracts.pricing import QuotePriced
from contracts.quote import PricingRequested
from services.pricer.replay_api import replay_pinned
from tests.simulation import catalogue
from tests.simulation.faults import Broken
from tests.simulation.world import World

# What was proved once in this process need not be priced again: prices without the ids of their quote.
_proved: set[tuple[str, str]] = set()


def prices_replay(world: World) -> int:
    """Replay all prices of a house at rest; returns how many there are.   Raises: Broken."""
    shelf, store = catalogue.load().books, world.rooms["pricer"].store
    asks = {
        each.meta.id: each.fact
        for each in world.watch.moments
        if isinstance(each.fact, PricingRequested)
    }
    count = 0
    for each in world.watch.moments:
        said = each.fact
        if not isinstance(said, QuotePriced):
            continue
        count += 1
        asked = asks[said.answers]
        ids = {"deal_id", "quote_id", "revision"}
        place = (
            asked.model_dump_json(exclude={*ids, "requested_by", "submit"}),
            said.model_dump_json(exclude={*ids, "answers"}),
        )
        if place in _proved:
            continue
        kept = store.body(said.trace_sha256)
        found = replay_pinned(asked, said, kept.content if kept else None, shelf)
        if not found.is_same:
            raise Broken("every price replays", "; ".join(found.differences), said.deal_id)
        _proved.add(place)
    return count
