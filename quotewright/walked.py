"""What one walk of the demo led to."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Walked:
    """What one walk led to; times are seconds since the CRM sent the opportunity.

    `offer` is where its customer sees it; who has that address may answer, so JSON leaves it out.
    """

    title: str
    number: str
    net: str
    pdf: Path
    pdf_sha256: str
    presented_s: float
    ordered_s: float
    approved_by: str | None
    hops: list[dict[str, Any]]
    offer: str

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "title": self.title,
            "quote": self.number,
            "net": self.net,
            "pdf": str(self.pdf),
            "pdf_sha256": self.pdf_sha256,
            "presented_s": round(self.presented_s, 3),
            "ordered_s": round(self.ordered_s, 3),
            "approved_by": self.approved_by,
            "hops": self.hops,
        }
