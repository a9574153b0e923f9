"""What proves an answer: hashes of the model, of what was decided, and of the domains that follow.

The same model hash and decisions hash give the same digest, in any process and after any clicks.
"""

import json
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any

from contracts.configuration import Decision
from contracts.values import Sha256, Value

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


def decisions_hash(decisions: Iterable[Decision]) -> str:
    """Return the hash of the decisions that bind, in whatever order they came."""
    said = [[each.attribute, _value(each), each.source] for each in decisions]
    return _hashed(sorted(said, key=lambda each: str(each[0])))


def digest(vector: Sequence[tuple[str, bool, Sequence[tuple[object, bool]]]]) -> str:
    """Return the hash of the domains: attribute, whether it is forced, each option, selectable."""
    return _hashed(vector)


def _value(decision: Decision) -> object:
    value = decision.value
    return sorted(set(value)) if isinstance(value, tuple) else value


def _hashed(content: Any) -> str:
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
    return sha256(text.encode()).hexdigest()
