"""What the manual has an operator run, word for word, for tests that follow it."""

import re
from pathlib import Path

MANUAL = Path(__file__).parents[1] / "docs" / "operations.md"


def reset_of(topic: str) -> str:
    """Return the statements for every schema when a topic was made anew."""
    text = MANUAL.read_text(encoding="utf-8")
    (reset,) = re.findall(r"<!-- reset -->\n```sql\n(.*?)```", text, re.DOTALL)
    return str(reset).replace("quotewright.facts", topic)
