"""The real PDF: typeset by the warm worker, read back by pypdf and by poppler's tools."""

import io
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from pypdf import PdfReader

from contracts.quote import DocumentRequested
from services.documents import brands
from services.documents.domain.offer import page_of
from services.documents.domain.page import Page
from services.documents.domain.refusals import RenderTooSlow, TemplateFailed, UnprintableText
from services.documents.main import TYPEFACE
from services.documents.process import setup_of
from services.documents.render import Limits, Printed, RendererDown, WarmRenderer
from tests.unit.documents.asked import a_term, an_ask, an_offer, charged

CATALOGUE = Path("catalogs/telecom")
STATIONERY = brands.load(CATALOGUE)
BRAND = STATIONERY.letterhead("example-networks").brand
# The faces are cut once per machine; tests use the same cache as a laptop's services.
FONTS = Path(".local/fonts")
HOSTILE = (
    "<b>bold</b> & <link rel=attachment href=file:///etc/passwd> "
    '"><img src=file:///etc/passwd> <style>*{background:url(file:///etc/passwd)}</style> '
    "{{ page.words }} {% for x in y %} ]]> <!ENTITY x SYSTEM 'file:///etc/passwd'> &x;"
)

Start = Callable[..., WarmRenderer]


@pytest.fixture(scope="module")
def start() -> Iterator[Start]:
    """Start renderers; all end with the module."""
    running: list[WarmRenderer] = []

    def started(
        limits: Limits | None = None, stationery: brands.Stationery = STATIONERY
    ) -> WarmRenderer:
        running.append(WarmRenderer(setup_of(stationery, TYPEFACE, FONTS), limits))
        return running[-1]

    yield started
    for renderer in running:
        renderer.close()


@pytest.fixture(scope="module")
def renderer(start: Start) -> WarmRenderer:
    return start()


def final(asked: DocumentRequested | None = None) -> Page:
    return page_of(asked or an_ask(), BRAND, draft=False)


def text_of(printed: Printed) -> str:
    """Read all text with single spaces."""
    pages = PdfReader(io.BytesIO(printed.content)).pages
    return squeezed(" ".join(each.extract_text() for each in pages))


def squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def tool(name: str, printed: Printed, folder: Path, *after: str) -> str:
    file = folder / "quote.pdf"
    file.write_bytes(printed.content)
    done = subprocess.run([name, file, *after], capture_output=True, check=True, text=True)
    return done.stdout


def attachments(printed: Printed) -> list[str]:
    return list(PdfReader(io.BytesIO(printed.content)).attachments)


# ---- what it says


def test_the_pdf_tells_everything_that_was_offered(renderer: WarmRenderer) -> None:
    asked = an_ask()
    page = final(asked)
    printed = renderer.render(page)
    found = text_of(printed)
    expected = [
        page.total, page.number, page.customer, page.project, page.issued, page.validity,
        *[row.label for row in page.terms], *[row.value for row in page.terms], *page.notes,
        *page.discounts, page.sender.footer,
        *[cell for product in page.products for group in (*product.choices, *product.specification)
          for row in group.rows for cell in (row.label, row.value)],
        *[cell for charge in page.charges for product in charge.products
          for row in product.rows for cell in (row.list_unit, row.list, row.discount, row.net)],
    ]  # fmt: skip
    assert [each for each in expected if squeezed(each) not in found] == []


def test_a_german_offer_by_the_quarter_is_read_in_german(renderer: WarmRenderer) -> None:
    offer = charged({"QW-SVC-CARE": "quarterly", "QW-SVC-INST": "half_yearly"})
    found = text_of(renderer.render(final(an_ask(offer, language="de"))))
    for each in ("Vierteljährlich", "pro Quartal", "Zwischensumme halbjährlich", "pro Halbjahr"):
        assert each in found


def test_poppler_reads_total_and_part_numbers_too(renderer: WarmRenderer, tmp_path: Path) -> None:
    page = final()
    found = squeezed(tool("pdftotext", renderer.render(page), tmp_path, "-layout", "-"))
    assert squeezed(page.total) in found
    assert "QW-KIT-MACRO" in found


def test_every_page_is_counted_and_names_quote_revision_and_content(
    renderer: WarmRenderer,
) -> None:
    printed = renderer.render(final(an_ask(an_offer(5))))
    pages = PdfReader(io.BytesIO(printed.content)).pages
    assert printed.pages == len(pages)
    for at, each in enumerate(pages, 1):
        found = squeezed(each.extract_text())
        assert f"Page {at} of {printed.pages}" in found
        assert "Quotation Q-1042 · Revision 1 · Reference c0ffee000000" in found


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_term_and_its_contract_values_are_printed(
    renderer: WarmRenderer, language: str
) -> None:
    offer = an_offer()
    totals = offer.totals.model_copy(update={"term": a_term()})
    asked = an_ask(offer.model_copy(update={"totals": totals}), language=language)
    told = text_of(renderer.render(final(asked)))
    term = final(asked).term
    assert term is not None
    for row in term.rows:
        assert squeezed(f"{row.label} {row.value}") in told
    for each in term.periods:
        assert squeezed(f"{each.months} {each.amount}") in told


def test_a_german_pdf_speaks_german(renderer: WarmRenderer) -> None:
    found = text_of(renderer.render(final(an_ask(an_offer(2), language="de"))))
    assert "Angebot Q-1042" in found
    assert re.search(r"Seite 1 von \d", found)
    assert "1.352.150,80 EUR" in found


def test_a_draft_says_so_on_every_page_and_a_final_document_on_none(
    renderer: WarmRenderer,
) -> None:
    draft = renderer.render(page_of(an_ask(), BRAND, draft=True))
    for each in PdfReader(io.BytesIO(draft.content)).pages:
        assert "DRAFT" in each.extract_text()
    assert "draft" not in text_of(renderer.render(final())).lower()


def test_no_internal_figure_is_printed(renderer: WarmRenderer) -> None:
    found = text_of(renderer.render(final())).lower()
    secrets = ("margin", "cost", "floor", "internal", "gold", "user-7", "acc-0815", "competitor")
    assert [each for each in secrets if each in found] == []


def test_amounts_of_any_length_stay_whole_and_on_the_paper(
    renderer: WarmRenderer, tmp_path: Path
) -> None:
    offer = an_offer()
    scale = {"list_total", "discount", "net_total", "list_unit"}
    lines = tuple(
        each.model_copy(
            update={name: getattr(each, name).of(getattr(each, name).amount * 100_000, "EUR")
                    for name in scale}
        )
        for each in offer.lines
    )  # fmt: skip
    page = final(an_ask(offer.model_copy(update={"lines": lines})))
    widest = page.model_copy(update={"longest_figure": 17})
    found = tool("pdftotext", renderer.render(widest), tmp_path, "-layout", "-")
    for row in page.charges[0].products[0].rows:
        assert row.net in found
    boxes = tool("pdftotext", renderer.render(widest), tmp_path, "-bbox", "-")
    # A4 is 595 points wide, its right margin 45.
    assert max(float(each) for each in re.findall(r'xMax="([\d.]+)"', boxes)) < 552


# ---- what it is made of


def test_only_our_typeface_is_in_it_embedded_and_subset(
    renderer: WarmRenderer, tmp_path: Path
) -> None:
    rows = tool("pdffonts", renderer.render(final()), tmp_path).splitlines()[2:]
    assert rows
    for row in rows:
        assert re.match(r"[A-Z]{6}\+Quotewright-Sans", row), row
        assert re.search(r"yes\s+yes\s+yes", row), row


def test_the_same_ask_gives_the_same_bytes_in_another_process(
    renderer: WarmRenderer, start: Start
) -> None:
    other = start()
    page = final(an_ask(an_offer(2)))
    # Another document in between must leave no trace.
    renderer.render(final(an_ask(language="de")))
    first, second = renderer.render(page), renderer.render(page)
    assert sha256(second.content).hexdigest() == sha256(first.content).hexdigest()
    assert sha256(other.render(page).content).hexdigest() == sha256(first.content).hexdigest()


def test_the_engine_names_every_version_the_bytes_depend_on(renderer: WarmRenderer) -> None:
    engine = renderer.render(final()).engine
    named = [part.split()[0] for part in engine.split(", ")]
    assert named == ["weasyprint", "pydyf", "fonttools", "pango", "harfbuzz", "inter"]


# ---- who would harm it


def test_hostile_text_is_printed_as_text_and_reads_no_file(renderer: WarmRenderer) -> None:
    offer = an_offer(name=HOSTILE)
    asked = an_ask(offer)
    details = asked.details.model_copy(update={"account_name": HOSTILE, "name": HOSTILE[:290]})
    terms = asked.terms.model_copy(update={"payment": HOSTILE, "notes": (HOSTILE,)})
    printed = renderer.render(final(asked.model_copy(update={"details": details, "terms": terms})))
    found = text_of(printed)
    assert "<link rel=attachment href=file:///etc/passwd>" in found
    assert "{{ page.words }}" in found
    assert "root:" not in found
    assert attachments(printed) == []


@pytest.mark.parametrize(
    "markup",
    [
        '<link rel="attachment" href="file:///etc/passwd"/>',
        '<a rel="attachment" href="file:///etc/passwd">x</a>',
        '<img src="file:///etc/passwd"/>',
        '<img src="http://127.0.0.1:9/x.png"/>',
        '<img src="data:image/svg+xml,&lt;svg/&gt;"/>',
        '<p style="background:url(file:///etc/passwd)">x</p>',
        "<style>@import url(file:///etc/passwd);</style>",
        '<object data="file:///etc/passwd"></object>',
    ],
)
def test_even_our_own_template_can_open_no_address(start: Start, markup: str) -> None:
    head = '<link rel="attachment"' in markup or "<style>" in markup
    place = "</head>" if head else "</body>"
    template = STATIONERY.template.replace(place, markup + place)
    planted = brands.Stationery(template, STATIONERY.letterheads)
    renderer = start(stationery=planted)
    try:
        printed = renderer.render(final())
    except (RendererDown, TemplateFailed):
        return  # refused aloud, at the specimen already
    finally:
        renderer.close()
    assert attachments(printed) == []
    assert "root:" not in text_of(printed)
    assert b"/etc/passwd" not in b"".join(
        each.get_data() for each in PdfReader(io.BytesIO(printed.content)).pages[0]["/Resources"]
        .get("/XObject", {}).values() if hasattr(each, "get_data")
    )  # fmt: skip


@pytest.mark.parametrize("name", ["東京メトロ", "محطة", "bell \x07", "nul \x00"])
def test_signs_that_the_typeface_lacks_are_refused_by_name(
    renderer: WarmRenderer, name: str
) -> None:
    asked = an_ask()
    details = asked.details.model_copy(update={"account_name": name})
    with pytest.raises(UnprintableText, match=r"U\+"):
        renderer.render(final(asked.model_copy(update={"details": details})))
    assert renderer.render(final()).pages >= 2


def test_latin_greek_and_cyrillic_are_printed(renderer: WarmRenderer) -> None:
    asked = an_ask()
    name = "Łódź Telekom – Αθήνα – Київ – Đà Nẵng €"
    details = asked.details.model_copy(update={"account_name": name})
    assert name in text_of(renderer.render(final(asked.model_copy(update={"details": details}))))


# ---- when it breaks


def test_a_killed_worker_is_followed_by_one_that_renders_the_same(start: Start) -> None:
    renderer = start()
    before = renderer.render(final())
    os.kill(renderer.process_id, signal.SIGKILL)
    with pytest.raises(RendererDown):
        renderer.render(final())
    assert renderer.render(final()).content == before.content


def test_a_document_that_takes_too_long_is_given_up_and_the_next_one_works(start: Start) -> None:
    renderer = start()
    renderer.render(final())
    os.kill(renderer.process_id, signal.SIGSTOP)
    renderer._limits = Limits(render_s=0.2)
    with pytest.raises(RenderTooSlow):
        renderer.render(final())
    renderer._limits = Limits()
    assert renderer.render(final()).pages >= 2


def test_a_used_up_worker_is_replaced_without_anybody_waiting(start: Start) -> None:
    renderer = start(Limits(documents=1))
    first = renderer.render(final())
    used_up = renderer.process_id
    successor = renderer._successor
    assert successor is not None
    successor.await_greeting(60)
    assert renderer.render(final()).content == first.content
    assert renderer.process_id == successor.process_id != used_up


def test_a_worker_ends_with_the_service_that_started_it() -> None:
    owner = (
        "import os, signal\n"
        "from tests.integration.test_quote_pdf import *\n"
        "renderer = WarmRenderer(setup_of(STATIONERY, TYPEFACE, FONTS))\n"
        "renderer.render(final())\n"
        "print(renderer.process_id, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", owner], capture_output=True, text=True, check=False, timeout=60
    )
    worker = int(done.stdout)
    gone = threading.Event()
    for _ in range(100):
        if not Path(f"/proc/{worker}").exists() or _is_zombie(worker):
            return
        gone.wait(0.05)
    pytest.fail(f"worker {worker} lives on without its service")


def _is_zombie(process_id: int) -> bool:
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_threads_take_turns(renderer: WarmRenderer) -> None:
    page, found = final(), []
    threads = [
        threading.Thread(target=lambda: found.append(renderer.render(page).content))
        for _ in range(3)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert len(found) == 3
    assert len(set(found)) == 1


def test_a_worker_that_can_not_start_says_why(tmp_path: Path) -> None:
    broken = tmp_path / "no-font.ttf"
    broken.write_bytes(b"not a font")
    renderer = WarmRenderer(setup_of(STATIONERY, broken, tmp_path / "fonts"))
    try:
        with pytest.raises(RendererDown, match="did not start"):
            renderer.render(final())
    finally:
        renderer.close()
