"""A configuration of an earlier version, looked at with a newer one: what becomes of an open quote.

What is stored stands if it is still valid, defaults included: a new default is no reason to change
an offer. Else only what a person decided is kept, and the rest is found anew.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal

from contracts.configuration import (
    BomLine,
    ConfiguredItem,
    Decision,
    Parameter,
    RejectedItem,
    Repair,
    RequestedItem,
)
from contracts.values import Pin
from services.configurator.domain.answers.configuring import (
    bill_of_materials,
    configure,
    parameters_at,
)
from services.configurator.domain.answers.explaining import repairs
from services.configurator.domain.products.decisions import BINDING, binding, fits
from services.configurator.domain.products.product import Product
from services.configurator.domain.products.wording import answer_words, decision_words
from services.configurator.domain.solving.constraints import Forbidden
from services.configurator.domain.solving.space import Masks

Verdict = Literal["unchanged", "completed", "conflict", "open", "undecided"]
VERDICTS: dict[str, Verdict] = {
    "configuration.incomplete": "open",
    "configuration.undecided": "undecided",
}


@dataclass(frozen=True, slots=True)
class Revalidated:
    """What the newer version makes of one item.

    `unchanged`: the same answers, parameters and parts; `completed`: it is valid, with these
    `changes` in words. Else `rejected` says why not: `conflict`: what a person decided can not hold
    any more, with the smallest repairs; `open`: there are questions that nobody answered;
    `undecided`: it would take too long to say.
    """

    verdict: Verdict
    was: Pin
    now: Pin
    changes: tuple[str, ...] = ()
    rejected: RejectedItem | None = None


def revalidate(product: Product, item: ConfiguredItem) -> Revalidated:
    """Return what becomes of an item that another version of the product configured.

    The same item and version give the same answer. Raises nothing.
    """
    countable = item.quantity.root <= product.model.quantity_max
    point = _standing(product, item.decisions) if countable else None
    if point is None:
        answer = _found_anew(product, item)
        if isinstance(answer, RejectedItem):
            verdict = VERDICTS.get(answer.code, "conflict")
            return Revalidated(verdict, item.model, product.pin, rejected=answer)
        decisions, parameters, parts = answer.decisions, answer.parameters, answer.bill_of_materials
    else:
        decisions = item.decisions
        parameters, parts = parameters_at(product, point), bill_of_materials(product, point)
    changes = tuple(
        chain(
            _answers(product, item.decisions, decisions),
            _differences(_measured(item.parameters), _measured(parameters)),
            _differences(_listed(item.bill_of_materials), _listed(parts)),
        )
    )
    return Revalidated("completed" if changes else "unchanged", item.model, product.pin, changes)


def _found_anew(product: Product, item: ConfiguredItem) -> ConfiguredItem | RejectedItem:
    """Configure what persons decided; what the model itself answered then is found anew."""
    decided = [each for each in item.decisions if each.source in BINDING]
    asked = RequestedItem(
        item_id=item.item_id,
        product=item.product,
        quantity=item.quantity,
        decisions=tuple(decided),
    )
    answer = configure(product, asked)
    gone = [each for each in decided if not fits(product, each)]
    if not gone or not isinstance(answer, RejectedItem):
        return answer
    # What the version does not know can only be given up; with what else, is asked of the rest.
    rest = binding(product, [each for each in decided if each not in gone])
    dropped = [f"{each.attribute} ({each.value})" for each in gone]
    return answer.model_copy(
        update={
            "repairs": tuple(
                Repair(
                    drop=tuple(each.attribute for each in (*gone, *more)),
                    message="; ".join(
                        [
                            f"Give up {', '.join(dropped)}",
                            *(decision_words(product, each) for each in more),
                        ]
                    ),
                )
                for more in repairs(product, rest) or [()]
            )
        }
    )


def _standing(product: Product, decisions: Sequence[Decision]) -> Masks | None:
    """Return the point that the answers name, if they are whole and every rule holds there."""
    given = {each.attribute: each for each in decisions}
    if not all(fits(product, each) for each in given.values()):
        return None
    point = product.space.full()
    for name in product.space.attributes.keys() - given.keys():
        away = product.space.away(name)
        if not away:
            return None
        for place, mask in away.items():
            point[place] = mask
    for each in given.values():
        for place, mask in product.space.of_answer(each.attribute, each.value).items():
            point[place] = mask
    rules = product.solver.constraints
    stands = all(each.holds(point) for each in rules if not isinstance(each, Forbidden))
    return point if stands else None


# ---- what changed, in words


def _answers(product: Product, old: Sequence[Decision], new: Sequence[Decision]) -> Iterator[str]:
    was = {each.attribute: each.value for each in old}
    for each in new:
        attribute = product.space.attributes[each.attribute]
        now = answer_words(attribute, each.value)
        if each.attribute not in was:
            yield f"{attribute.label}: {now} (asked anew)"
        elif was[each.attribute] != each.value:
            yield f"{attribute.label}: now {now}, was {_as_known(product, each, was)}"
    asked = {each.attribute for each in new}
    for name in was:
        if name not in asked:
            known = product.space.attributes.get(name)
            yield f"{known.label if known else name}: not asked any more"


def _as_known(product: Product, decision: Decision, was: Mapping[str, object]) -> str:
    """Return the earlier answer in words of the newer version, by its id if that has none."""
    before = decision.model_copy(update={"value": was[decision.attribute]})
    if fits(product, before):
        return answer_words(product.space.attributes[decision.attribute], before.value)
    return str(before.value)


# By the name or SKU: what it was, and what a person calls it.
Named = dict[str, tuple[str, str]]


def _measured(parameters: Sequence[Parameter]) -> Named:
    return {
        each.name: (f"{each.value} {each.unit or ''}".rstrip(), each.label) for each in parameters
    }


def _listed(parts: Sequence[BomLine]) -> Named:
    return {
        f"{each.sku} {each.kind}": (f"{each.quantity}", f"{each.name} ({each.sku})")
        for each in parts
    }


def _differences(was: Named, now: Named) -> Iterator[str]:
    for name in [*now, *(each for each in was if each not in now)]:
        before, after = was.get(name), now.get(name)
        if before is None and after is not None:
            yield f"{after[1]}: {after[0]}, new"
        elif after is None and before is not None:
            yield f"{before[1]}: gone, was {before[0]}"
        elif before and after and before != after:
            renamed = f" as {before[1]}" if before[1] != after[1] else ""
            yield f"{after[1]}: now {after[0]}, was {before[0]}{renamed}"
