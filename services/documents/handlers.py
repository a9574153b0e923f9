"""What documents does with an ask: render, keep the bytes, say so; or say why not."""

from contracts.document import DocumentRenderFailed, QuoteDocumentRendered
from contracts.envelope import Opened
from contracts.errors import Unavailable
from contracts.quote import DocumentRequested
from infra.work import Work
from services.documents.brands import Stationery
from services.documents.domain.offer import page_of
from services.documents.domain.page import Page
from services.documents.domain.refusals import DocumentRefused
from services.documents.render import Printed, Renderer

PDF = "application/pdf"
# A worker that dies takes its document along; a second try tells a hiccup from a killer.
ATTEMPTS = 2


def render_document(
    heard: Opened, work: Work, *, stationery: Stationery, renderer: Renderer
) -> None:
    """Answer DocumentRequested, always with exactly one fact; repeatable, and slow on purpose."""
    asked = heard.fact
    assert isinstance(asked, DocumentRequested)  # noqa: S101  the consumer's table says so
    work.append(
        f"documents.answer/{asked.quote_id}",
        _answer(asked, heard.meta.id, work, (stationery, renderer)),
    )


def preview(asked: DocumentRequested, stationery: Stationery, renderer: Renderer) -> Printed:
    """Render a marked draft that is kept nowhere.   Raises: DocumentRefused; RendererDown."""
    letterhead = stationery.letterhead(asked.brand)
    return renderer.render(page_of(asked, letterhead.brand, draft=True))


def _answer(
    asked: DocumentRequested, ask_id: str, work: Work, means: tuple[Stationery, Renderer]
) -> QuoteDocumentRendered | DocumentRenderFailed:
    stationery, renderer = means
    try:
        letterhead = stationery.letterhead(asked.brand)
        page = page_of(asked, letterhead.brand, draft=False)
        printed = _with_second_chance(renderer, page)
    except (DocumentRefused, Unavailable) as fault:
        return DocumentRenderFailed(
            deal_id=asked.deal_id,
            quote_id=asked.quote_id,
            revision=asked.revision,
            answers=ask_id,
            code=fault.code,
            message=fault.message,
            who_can_move_it=getattr(fault, "who_can_move_it", "admin"),
        )
    return QuoteDocumentRendered(
        deal_id=asked.deal_id,
        quote_id=asked.quote_id,
        revision=asked.revision,
        answers=ask_id,
        content_key=asked.content_key,
        sha256=work.keep(printed.content, PDF),
        size_bytes=len(printed.content),
        pages=printed.pages,
        media_type=PDF,
        template=letterhead.pin,
        language=page.language,
        renderer=printed.engine,
    )


def _with_second_chance(renderer: Renderer, page: Page) -> Printed:
    for _ in range(ATTEMPTS - 1):
        try:
            return renderer.render(page)
        except Unavailable:
            continue
    return renderer.render(page)
