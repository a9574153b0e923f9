"""WeasyPrint, held to our rules: no address is opened, our fonts only, our stylesheet only.

The one module that knows the library. Two of its methods are overridden beneath its public surface,
which is why the version is pinned: reading well-formed markup with the C parser instead of the
HTML5 parser, and leaving out the browser stylesheet (ours is complete). Together a third of it.
"""

from collections.abc import Mapping
from importlib.metadata import version
from xml.etree.ElementTree import Element

import cssselect2  # type: ignore[import-untyped]
import weasyprint
from weasyprint.text.ffi import harfbuzz, pango
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher, URLFetcherResponse

Assets = Mapping[str, tuple[bytes, Mapping[str, str]]]


class AddressRefused(ValueError):
    """A document names something that is not ours to open."""


class OnlyAssets(URLFetcher):  # type: ignore[misc]
    """Gives out our own assets by name; every other address is refused, whatever its scheme."""

    def __init__(self, assets: Assets) -> None:
        super().__init__(allowed_protocols=(), allow_redirects=False, fail_on_errors=True)
        self._assets = assets

    def fetch(self, url: str, headers: object = None) -> URLFetcherResponse:
        """Return the asset.   Raises: AddressRefused."""
        del headers
        if url not in self._assets:
            raise AddressRefused(f"documents open no addresses, so not {url[:100]!r}")
        content, kind = self._assets[url]
        return URLFetcherResponse(url, content, kind)


class Sheet(weasyprint.HTML):  # type: ignore[misc]
    """A document from a parsed tree, without the browser stylesheet."""

    def __init__(self, tree: Element, fetcher: OnlyAssets) -> None:
        self.base_url = None
        self.url_fetcher = fetcher
        self.media_type = "print"
        self.wrapper_element = cssselect2.ElementWrapper.from_html_root(tree, content_language=None)
        self.etree_element = self.wrapper_element.etree_element

    def _ua_stylesheets(self, forms: bool = False) -> list[weasyprint.CSS]:
        del forms
        return []


class Typesetter:
    """Turns trees into PDF bytes, in the looks of a brand; the same tree gives the same bytes."""

    def __init__(self, styles: Mapping[str, str], assets: Assets) -> None:
        """Parse every brand's stylesheet once."""
        self._fonts = FontConfiguration()
        self._fetcher = OnlyAssets(assets)
        self._styles = {
            brand: weasyprint.CSS(string=text, font_config=self._fonts, url_fetcher=self._fetcher)
            for brand, text in styles.items()
        }
        self._images: dict[object, object] = {}

    @property
    def engine(self) -> str:
        """Name the versions that the bytes depend on."""
        number = pango.pango_version()
        layout = f"pango {number // 10000}.{number // 100 % 100}.{number % 100}"
        packages = [f"{name} {version(name)}" for name in ("weasyprint", "pydyf", "fonttools")]
        return ", ".join([*packages, layout, f"harfbuzz {_harfbuzz()}"])

    def pdf(self, tree: Element, brand: str) -> tuple[bytes, int]:
        """Return the PDF and its number of pages.   Raises: AddressRefused."""
        document = Sheet(tree, self._fetcher).render(
            stylesheets=[self._styles[brand]], font_config=self._fonts, cache=self._images
        )
        return document.write_pdf(), len(document.pages)


def _harfbuzz() -> str:
    """Find the version of the shaping library by the only question that the binding offers."""
    found = [0, 0, 0]
    for place, highest in enumerate((30, 30, 30)):
        while found[place] < highest:
            found[place] += 1
            if not harfbuzz.hb_version_atleast(*found):
                found[place] -= 1
                break
    return ".".join(map(str, found))
