"""What is wrong with a document that is no book, entry or rule."""

from collections.abc import Mapping
from typing import Any


def rule_of(error: Mapping[str, Any]) -> str:
    """Return the rule that an error of pydantic names; one of ours says it itself."""
    return str(error["msg"]).removeprefix("Value error, ")
