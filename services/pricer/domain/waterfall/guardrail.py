"""Guardrails: floors under lines and under the whole quote, looked at twice.

The first pass looks at the net unit price of a line; the second at lines and quote after
discounts on the quote were allocated, so that nothing slips under a floor from above. A floor is
rounded up, never down.
"""

from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal
from typing import Literal

from contracts.pricing import GuardrailBreach
from services.pricer.domain.asks.basket import BasketLine
from services.pricer.domain.asks.rounding import quantized
from services.pricer.domain.asks.scene import Scene
from services.pricer.domain.asks.trace import say
from services.pricer.domain.books.book import Guardrail
from services.pricer.domain.waterfall.charging import NoCost, price_for_margin
from services.pricer.domain.waterfall.conditions import elsewhere, why_not
from services.pricer.domain.waterfall.plans import Plan
from services.pricer.domain.waterfall.running import Running


class BelowFloor(Exception):
    """A guardrail refuses the price; the line is None where it is that of the whole quote."""

    def __init__(self, rail: Guardrail, line: BasketLine | None) -> None:
        super().__init__(rail.id)
        self.rail = rail
        self.line = line


def floor_unit(rail: Guardrail, line: BasketLine, scene: Scene) -> Decimal:
    """Return the lowest price of one stated unit in the quote's currency, rounded up.

    Raises: NoCost; NoRate.
    """
    digits = scene.rounding.unit_digits
    if rail.margin_on_price is not None:
        entry = line.entry
        if entry.cost is None:
            raise NoCost(line)
        cost = scene.money(entry.cost, entry.currency) * line.each
        return price_for_margin(cost, rail.margin_on_price, digits)
    price = scene.money(rail.price or Decimal(0)) * line.each
    return quantized(price, digits, ROUND_CEILING)


def floors_of(line: BasketLine, scene: Scene, plan: Plan) -> Sequence[tuple[Guardrail, Decimal]]:
    """Return the floors under a stated unit; those of one base unit are kept with the plan.

    Raises: NoCost; NoRate.
    """
    floors = plan.floors
    if floors is None or line.each != 1:
        floors = tuple((rail, floor_unit(rail, line, scene)) for rail in plan.rails)
        if line.each == 1:
            plan.floors = floors
    if plan.asks:
        return [
            (rail, floor)
            for rail, floor in floors
            if rail.when is None or why_not(rail.when, line, scene) is None
        ]
    return floors


def first_pass(run: Running, scene: Scene) -> None:
    """Hold the net unit price of a line against its floors, as it would be printed."""
    run.floors = floors_of(run.line, scene, run.plan)
    for rail, floor in run.floors:
        if run.unit is not None:
            below = scene.rounding.unit(run.unit) < floor
        else:
            below = abs(scene.rounding.line(run.amount)) < _floor_line(floor, run, scene)
        if below:
            _touch(run, scene, rail, ("guardrail", floor, floor * run.line.count))


def second_pass(run: Running, scene: Scene) -> None:
    """Hold a line with its share of the quote's discounts against its floors again."""
    for rail, floor in run.floors:
        least = _floor_line(floor, run, scene)
        if abs(run.amount) >= least:
            continue
        known = any(each.guardrail == rail.id for each in run.breaches)
        if not known or rail.action != "approval":
            least = -least if run.line.count < 0 else least
            _touch(run, scene, rail, ("second_guardrail", floor, least))


def _floor_line(floor: Decimal, run: Running, scene: Scene) -> Decimal:
    return scene.rounding.line(floor * abs(run.line.count))


def _touch(
    run: Running, scene: Scene, rail: Guardrail, found: tuple[str, Decimal, Decimal]
) -> None:
    """Lift the line to the floor, flag it, or refuse; what is lifted the seller has not given."""
    stage, floor, least = found
    note = f"{rail.name}: floor {say(floor, scene.currency)} for each unit"
    if rail.action == "reject":
        raise BelowFloor(rail, run.line)
    if rail.action == "clamp":
        words = "The lowest price of this part applies."
        lifted = run.take(stage, (rail.id, rail.version), words, (floor, least), note=note)
        run.given = max(run.given - lifted, Decimal(0))
        message = f"{run.line.place} was lifted to its lowest price ({rail.name})"
    else:
        message = f"{run.line.place} is below its floor and needs approval ({rail.name})"
        price = run.unit, run.amount
        run.take(stage, (rail.id, rail.version), f"{message}.", price, note=note)
    if all(each.guardrail != rail.id for each in run.breaches):
        action: Literal["clamped", "approval"] = "clamped" if rail.action == "clamp" else "approval"
        breach = GuardrailBreach(
            guardrail=rail.id, line=run.line.number, action=action, message=message
        )
        run.breaches = (*run.breaches, breach)


def of_quote(scene: Scene, net: Decimal, cost: Decimal) -> list[GuardrailBreach]:
    """Hold the margin of the whole quote against its floors; exact, without a division.

    Raises: BelowFloor.
    """
    found = []
    for rail in scene.book.book.guardrails:
        if rail.scope != "quote" or rail.margin_on_price is None:
            continue
        if rail.when is not None and elsewhere(rail.when, scene):
            continue
        if net * (1 - rail.margin_on_price.fraction) < cost:
            if rail.action == "reject":
                raise BelowFloor(rail, None)
            message = f"the whole quote is below its floor and needs approval ({rail.name})"
            found.append(
                GuardrailBreach(guardrail=rail.id, line=None, action="approval", message=message)
            )
    return found
