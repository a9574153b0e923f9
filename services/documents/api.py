"""The doors of documents: read a kept document by its hash, look at a draft. Makes no facts."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from contracts.errors import NotFound
from contracts.quote import DocumentRequested
from contracts.values import Sha256
from infra.web import Principal, allow
from infra.work import Commands
from services.documents import handlers
from services.documents.brands import Stationery
from services.documents.render import Renderer

READERS = ("seller", "approver", "manager", "admin", "service")

Reader = Annotated[Principal, Depends(allow(*READERS))]
Drafter = Annotated[Principal, Depends(allow("seller", "admin", "service"))]

# The address is the content's hash, so it never changes; private, since the reader signed in.
KEPT = {"Cache-Control": "private, max-age=31536000, immutable"}
NOT_KEPT = {"Cache-Control": "no-store"}


class DocumentUnknown(NotFound):
    """No document is kept under this hash."""

    code = "documents.unknown"


def routes(commands: Commands, stationery: Stationery, renderer: Renderer) -> APIRouter:
    """Return the routes below /documents."""
    router = APIRouter(prefix="/documents")

    @router.get("/{sha256}", response_class=Response)
    def document(sha256: Sha256, _reader: Reader) -> Response:
        """Return the bytes of a rendered document."""
        kept = commands.body(sha256)
        if kept is None:
            raise DocumentUnknown(f"no document is kept under {sha256}", sha256=sha256)
        named = {"ETag": f'"{sha256}"', "Content-Disposition": _inline(sha256[:12])}
        return Response(kept.content, media_type=kept.media_type, headers={**KEPT, **named})

    @router.post("/preview", response_class=Response)
    def preview(asked: DocumentRequested, _drafter: Drafter) -> Response:
        """Render the offer as a marked draft; nothing is kept."""
        printed = handlers.preview(asked, stationery, renderer)
        named = {"Content-Disposition": _inline("draft")}
        return Response(printed.content, media_type=handlers.PDF, headers={**NOT_KEPT, **named})

    return router


def _inline(name: str) -> str:
    return f'inline; filename="quote-{name}.pdf"'
