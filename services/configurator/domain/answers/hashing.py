"""What proves an answer: hashes of the model, of what was decided, and of the domains that follow.

The same model hash and decisions hash give the same digest, in any process and after any clicks.
"""

import json
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any

from contracts.configuration import Decision
from contracts.values import Sha256, Value
from services.configurator.domain.answers.options import options
from services.configurator.domain.answers.states import OptionsAnswer
from services.configurator.domain.products.product import Product

# Every verdict is found by the house's own complete search (`solver`).
SEARCH = "search"


class Proof(Value):
    """What an answer was found from, and by what; hex SHA-256 each.

    `digest`: of the whole domain vector, every option of every attribute in the model's order.
    """

    model_hash: Sha256
    decisions_hash: Sha256
    engine: str
    digest: Sha256


class ProvedOptions(OptionsAnswer):
    """The whole state after some decisions, with what proves it."""

    model_hash: Sha256
    decisions_hash: Sha256
    engine: str
    digest: Sha256


def proved(product: Product, decisions: Sequence[Decision]) -> ProvedOptions:
    """Judge every option after the (checked, binding) decisions.   Raises: SearchBound."""
    found = options(product, decisions)
    return ProvedOptions(
        **dict(found),
        model_hash=product.pin.sha256,
        decisions_hash=decisions_hash(decisions),
        engine=SEARCH,
        digest=digest(found),
    )


def decisions_hash(decisions: Iterable[Decision]) -> str:
    """Return the hash of the decisions that bind, in whatever order they came."""
    said = [[each.attribute, _value(each), each.source] for each in decisions]
    return _hashed(sorted(said, key=lambda each: str(each[0])))


def digest(found: OptionsAnswer) -> str:
    """Return the hash of the domains: each attribute, whether it is forced, what is selectable."""
    return _hashed(
        [
            [each.attribute, each.forced, [[one.option, one.selectable] for one in each.options]]
            for each in found.attributes
        ]
    )


def _value(decision: Decision) -> object:
    value = decision.value
    return sorted(set(value)) if isinstance(value, tuple) else value


def _hashed(content: Any) -> str:
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
    return sha256(text.encode()).hexdigest()
