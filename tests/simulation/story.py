"""The story of a broken run: the last steps, what broke, the deal's facts as a table."""

from typing import TYPE_CHECKING
from uuid import UUID

from tests.simulation.faults import Broken, Dice

if TYPE_CHECKING:
    from tests.simulation.world import World

STEPS_SHOWN = 25
FACTS_SHOWN = 40


def tell(world: "World", fault: Broken) -> str:
    """Return the story in plain text; the last line replays it."""
    return "\n".join(
        [
            f"seed {world.seed}: {fault.rule}",
            f"  {fault.what}",
            "",
            f"the last steps ({_faults(world.dice)})",
            *world.story[-STEPS_SHOWN:],
            "",
            *_table(world, fault),
            "",
            f"make simulate SEED={world.seed}",
        ]
    )


def _faults(dice: Dice) -> str:
    thrown = ", ".join(f"{name} {count}" for name, count in sorted(dice.thrown.items()))
    return f"faults so far: {thrown or 'none'}"


def _table(world: "World", fault: Broken) -> list[str]:
    """Return the deal's facts in the order of their commits; without a deal, everybody's."""
    deal = fault.deal_id if isinstance(fault.deal_id, UUID) else str(fault.deal_id or "")
    found = [each for each in world.watch.moments if str(each.fact.deal_id) == str(deal)]
    found = found or world.watch.moments
    lines = [f"the facts of {deal or 'all deals'}, as committed"]
    for each in found[-FACTS_SHOWN:]:
        name = each.meta.type.removeprefix("quotewright.")
        kind, _, rest = each.meta.id.partition("/")
        place = f"{kind}/{rest[:8]}/{rest.rpartition('/')[2]}"
        lines.append(
            f"{each.step:>5}  {each.at:%m-%d %H:%M:%S}  {name:<27} {place:<36} {each.meta.actor}"
        )
    return lines
