"""Facts of documents: the rendered PDF, by its hash."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from contracts.envelope import Fact
from contracts.values import Pin, Sha256


class QuoteDocumentRendered(Fact):
    """The PDF exists and lies with documents under its hash."""

    quote_id: UUID
    revision: int
    answers: str
    content_key: Sha256
    sha256: Sha256
    size_bytes: int = Field(ge=1)
    pages: int = Field(ge=1)
    media_type: str
    template: Pin
    language: str
    renderer: str


class DocumentRenderFailed(Fact):
    """The PDF could not be made; asking again after the mend is safe."""

    quote_id: UUID
    revision: int
    answers: str
    code: str
    message: str
    who_can_move_it: Literal["seller", "admin"]
