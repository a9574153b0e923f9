"""A product of 500 options, generated: what a page that large is measured and tried with."""

import random
from functools import cache
from typing import Any

from contracts.configuration import Decision
from services.configurator.domain.answers.completing import completion
from services.configurator.domain.language.model import Part, ProductModel
from services.configurator.domain.products.product import Product, publish

STEPS, QUESTIONS, OPTIONS = 8, 40, 500
# Questions without a default, one at the start of a step; and those that take several answers.
OPEN = frozenset({0, 5, 10, 15})
MULTI = frozenset({3, 13, 23, 33})
RULES = 80
SEED = 6


@cache
def product() -> Product:
    """Return the product, published once."""
    model = ProductModel.model_validate(tree())
    return publish(model, {"P-1": Part(sku="P-1", name="Frame", kind="hardware")})


def forms(count: int) -> list[dict[str, str]]:
    """Return forms with half of the questions answered, all of these open; no two the same."""
    chance, found = random.Random(SEED), []
    choices = sorted(set(range(QUESTIONS)) - MULTI)
    while len(found) < count:
        answers = {each: chance.randrange(12) for each in chance.sample(choices, QUESTIONS // 2)}
        made = [decided(*each) for each in answers.items()]
        if completion(product(), made) is not None:
            form = {"product": "lineup", "quantity": "1"}
            form |= {f"a-q{each}": f"o{option}" for each, option in answers.items()}
            found.append(form | {f"u-q{each}": "on" for each in answers})
    return found


def decided(question: int, option: int) -> Decision:
    """Return the decision of a person for one option."""
    value = f"o{option}"
    return Decision(
        attribute=f"q{question}", value=(value,) if question in MULTI else value, source="user"
    )


def tree(sku: str = "P-1") -> dict[str, Any]:
    """Return the model as its file would say it: forty questions, rules between them, a budget."""
    chance = random.Random(SEED)
    choices = [each for each in range(QUESTIONS) if each not in MULTI]
    needs = " + ".join(f"q{each}.power" for each in choices[1:])
    return {
        "id": "lineup",
        "version": 1,
        "effective": "2026-01-01",
        "name": "Lineup of 500 options",
        "description": "As many options as a page is drawn with.",
        "quantity_max": 100,
        "measures": {"power": "W"},
        "groups": [
            {"id": f"step{each}", "label": f"Step {each + 1}", "help": "What stands together."}
            for each in range(STEPS)
        ],
        "attributes": [_question(each) for each in range(QUESTIONS)],
        "rules": [_rule(number, chance, choices) for number in range(RULES)],
        "budgets": [
            {
                "id": "POWER",
                "label": "Power",
                "owner": "engineering",
                "consumption": needs,
                "capacity": "q0.power",
                "margin_percent": 10,
                "message": "The supply feeds all that is chosen, with ten percent in reserve.",
            }
        ],
        "bill_of_materials": [{"option": "q0.o0", "sku": sku, "quantity": "1"}],
    }


def _question(number: int) -> dict[str, Any]:
    count = OPTIONS // QUESTIONS + number % 2
    options = [
        {
            "id": f"o{each}",
            "label": f"Answer {each + 1} of {number + 1}",
            "measures": {"power": 9_000 - 200 * each if number == 0 else 20 + 10 * each},
        }
        for each in range(count)
    ]
    kind = "multi" if number in MULTI else "choice"
    first: Any = [] if kind == "multi" else "o0"
    return {
        "id": f"q{number}",
        "kind": kind,
        "group": f"step{number * STEPS // QUESTIONS}",
        "label": f"Question {number + 1}",
        "help": "One of many questions.",
        "options": options,
        "default": None if number in OPEN else first,
    }


def _rule(number: int, chance: random.Random, choices: list[int]) -> dict[str, Any]:
    """Return a rule by which a later answer shuts out some answers of another question."""
    one, other = sorted(chance.sample(choices, 2))
    at = chance.randrange(1, 12)
    out = ", ".join(f"o{each}" for each in sorted(chance.sample(range(1, 12), 4)))
    return {
        "id": f"R-{number:02}",
        "owner": "engineering",
        "rule": f"q{one} = o{at} implies not (q{other} in {{{out}}})",
        "message": f"Answer {at + 1} of question {one + 1} leaves no room for these.",
    }
