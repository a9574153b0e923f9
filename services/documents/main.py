"""Wire documents: the stationery from the catalogue, a warm renderer, the consumer, the doors."""

from pathlib import Path

import fontpkg_inter

from contracts.document import DocumentRenderFailed, QuoteDocumentRendered
from contracts.envelope import Registry
from contracts.quote import UPCASTERS, DocumentRequested
from infra.parts import Parts
from infra.service import serve
from infra.settings import Settings
from infra.work import Commands
from services.documents import api, brands, consumer
from services.documents.process import setup_of
from services.documents.render import WarmRenderer

READS = Registry([DocumentRequested, QuoteDocumentRendered, DocumentRenderFailed], UPCASTERS)
TYPEFACE = Path(fontpkg_inter.ROOT) / "files" / "Inter[opsz,wght].ttf"


def build(settings: Settings, commands: Commands) -> Parts:
    """Wire the service; its worker warms up meanwhile.   Raises: BrandRefused."""
    stationery = brands.load(settings.catalog_dir)
    renderer = WarmRenderer(setup_of(stationery, TYPEFACE, settings.local_dir / "fonts"))
    return Parts(
        name="documents",
        hears=consumer.hears(stationery, renderer),
        registry=READS,
        router=api.routes(commands, stationery, renderer),
        # One at a time: a document is slow, and its answer should not wait for the next one.
        batch_size=1,
        trouble=lambda: None if renderer.ready() else "the printer is warming up",
        close=renderer.close,
    )


if __name__ == "__main__":
    serve("documents", build)
