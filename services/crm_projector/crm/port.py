"""What every CRM adapter gives: let a call in, put it into our words, tell a quote's state."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from infra.webhooks import HasHeaders
from services.crm_projector.domain.inbound import InboundEvent
from services.crm_projector.domain.write_back import QuoteChanged


class CrmPort(Protocol):
    """One kind of CRM. Adapters hold no state between calls; dedup, order and echoes are ours."""

    @property
    def event_type(self) -> str:
        """The type under which a write-back leaves us."""
        ...

    def verify(self, crm: str, request: HasHeaders, raw: bytes) -> AbstractContextManager[object]:
        """Let a call of the CRM in, once; what fails inside may come again.

        Raises: Unauthenticated, for an unsigned, stale or replayed call.
        """
        ...

    def normalise(self, crm: str, raw: bytes) -> Sequence[InboundEvent]:
        """Return what the body says, in its order; empty if nothing of it concerns us.

        Raises: MalformedEvent, naming the fields.
        """
        ...

    def write_back(self, told: QuoteChanged) -> Mapping[str, Any]:
        """Return the body that puts the quote's newest state into the CRM; plain JSON."""
        ...
