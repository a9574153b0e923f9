"""Pictures: what may be drawn, what is refused and why, and what is served to whom."""

import json
import re
from datetime import date
from pathlib import Path
from shutil import copytree
from xml.etree import ElementTree as ET  # reads what our own module wrote

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from contracts import places
from services.configurator import pictures, releasing, shelf
from services.configurator.domain.products.catalogue import Catalogue
from services.configurator.domain.products.product import ModelRefused
from services.configurator.vetting import (
    BYTES_MAX,
    DEPTH_MAX,
    ELEMENTS,
    ELEMENTS_MAX,
    PAINT,
    SVG,
    DrawingRefused,
    vetted,
)
from tests.unit.configurator.assembled import published as skid_of_lines
from tests.unit.configurator.guide import DEAL, Guide, catalogue, drawn

CATALOGS = Path(__file__).parents[3] / "catalogs"
TODAY = date(2026, 3, 2)
XLINK = "http://www.w3.org/1999/xlink"
LAUGHS = '<!DOCTYPE svg [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'


def svg(inside: str, root: str = 'viewBox="0 0 16 10"') -> bytes:
    return f'<svg xmlns="{SVG}" {root}>{inside}</svg>'.encode()


# ---- what is drawn, and what is not


def test_what_draws_is_let_through_and_written_anew() -> None:
    given_ = svg(
        "<!-- by hand --><title>A &amp; B</title><style> .a { fill: #123456; stroke-width: 2 }"
        " @media (prefers-color-scheme: dark) { .a, path { fill: #abc } }</style>"
        '<g class="a" transform="translate(2, 3) rotate(-4.5)"><path d="M0 0 L4-2.5 Z"/></g>'
    )
    assert vetted(given_).decode() == (
        f'<svg viewBox="0 0 16 10" xmlns="{SVG}"><title>A &amp; B</title>'
        "<style>.a{fill:#123456;stroke-width:2}"
        "@media (prefers-color-scheme: dark){.a, path{fill:#abc}}</style>"
        '<g class="a" transform="translate(2, 3) rotate(-4.5)"><path d="M0 0 L4-2.5 Z"></path></g>'
        "</svg>\n"
    )


@pytest.mark.parametrize(
    ("hostile", "fault"),
    [
        (svg("<script>alert(1)</script>"), "line 1: <script> is none of g, rect,"),
        (svg('<rect onload="alert(1)"/>'), "onload of <rect> does not draw; remove it"),
        (svg("<foreignObject/>"), "<foreignObject> is none of"),
        (svg('<image href="https://example.com/a.png"/>'), "<image> is none of"),
        (svg('<use href="#a"/>'), "<use> is none of"),
        (svg('<a href="javascript:alert(1)"><rect/></a>'), "<a> is none of"),
        (svg('<rect href="//example.com"/>'), "href of <rect> does not draw"),
        (svg(f'<rect xmlns:x="{XLINK}" x:href="#a"/>'), "of <rect> does not draw"),
        (svg("<animate/>"), "<animate> is none of"),
        (svg('<set attributeName="onload" to="x"/>'), "<set> is none of"),
        (svg('<rect style="fill: red"/>'), "style of <rect> does not draw"),
        (svg('<rect fill="url(#a)"/>'), "fill of <rect> is 'url(#a)'; only plain numbers"),
        (svg('<rect fill="&#117;rl(//example.com)"/>'), "fill of <rect> is 'url(//example.com)'"),
        (svg('<g transform="url(#a)"/>'), "transform of <g> is 'url(#a)'; only translate"),
        (svg("<style>@import 'https://example.com/a.css';</style>"), "the style says '@import"),
        (svg("<style>@font-face {font-family: a}</style>"), "the style is for '@font-face'"),
        (svg("<style>.a {fill: url(//example.com/a)}</style>"), "fill of the style is"),
        (svg("<style>.a {background: red}</style>"), "sets background, which does not draw"),
        (svg("<style>.a {fill: \\75 rl(x)}</style>"), "fill of the style is"),
        (svg("<style>[x] {fill: red}</style>"), "the style is for '[x]'"),
        (svg("<style>.a {fill: red} /* more */</style>"), "the style says '/* more */'"),
        (svg("<style><![CDATA[</style><script>]]></style>"), "the style says"),
        (svg("<style><rect/></style>"), "<rect> is none of"),
        (svg("<text><rect/></text>"), "<rect> is none of"),
        (svg('<svg viewBox="0 0 1 1"/>'), "<svg> is none of"),
        (svg('<rect xmlns="http://www.w3.org/1999/xhtml"/>'), "<rect> is none of"),
        (svg('<x:script xmlns:x="http://www.w3.org/1999/xhtml"/>'), "<script> is none of"),
        (svg("words"), "<svg> holds the text words; put it into <text>"),
        (svg("", ""), '<svg> needs viewBox="0 0 WIDTH HEIGHT"'),
        (svg("", 'viewBox="0 0 -1 5"'), "viewBox of <svg> is '0 0 -1 5'"),
        (b"<html/>", 'the outermost element must be <svg xmlns="http://www.w3.org/2000/svg">'),
        (LAUGHS.encode() + svg("<text>&b;</text>"), "a DOCTYPE can bring entities and files in"),
        (b'<?xml-stylesheet href="a.css"?>' + svg(""), "the instruction <?xml-stylesheet?>"),
        (svg("<text>&b;</text>"), "not well-formed XML (undefined entity)"),
        (svg("<g>"), "not well-formed XML (mismatched tag)"),
        (b"", "not well-formed XML (no element found)"),
        (svg("<text>\xff</text>").replace(b"\xc3\xbf", b"\xff"), "not well-formed XML"),
        (svg("<g>" * DEPTH_MAX + "</g>" * DEPTH_MAX), f"or {DEPTH_MAX} in each other"),
        (svg("<g/>" * ELEMENTS_MAX), f"more than {ELEMENTS_MAX} elements"),
        (svg("<g/>" * BYTES_MAX), f"larger than {BYTES_MAX} bytes; draw it simpler"),
        (svg('<path d="' + "M0 0" * 3000 + '"/>'), "d of <path> is"),
    ],
)
def test_what_does_not_only_draw_is_refused(hostile: bytes, fault: str) -> None:
    with pytest.raises(DrawingRefused) as refused:
        vetted(hostile)
    assert fault in str(refused.value)


def test_a_fault_says_its_line_and_nobody_reads_thousands() -> None:
    with pytest.raises(DrawingRefused) as refused:
        vetted(svg("\n<script/>" * 1000))
    assert [each.partition(":")[0] for each in refused.value.faults] == [
        f"line {number}" for number in range(2, 7)
    ]


names = st.sampled_from(sorted(ELEMENTS)) | st.sampled_from(["script", "image", "a", "use", "set"])
told = st.sampled_from(
    ["red", "#fff", "url(#a)", "0 0 4 4", "javascript:x", "1", "M0 0", "</style>"]
)
kinds = st.sampled_from([*sorted(PAINT), "d", "x", "class", "viewBox", "onload", "href", "style"])
styles = st.sampled_from(
    [".a {fill: red}", "@import url(a);", ".a {src: url(a)}", "g {opacity: 1}"]
)
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=8) | styles
trees = st.recursive(
    st.tuples(names, st.dictionaries(kinds, told, max_size=2), st.just([]), texts),
    lambda below: st.tuples(
        names, st.dictionaries(kinds, told, max_size=2), st.lists(below, max_size=3), texts
    ),
    max_leaves=4,
)


@given(st.lists(trees, max_size=2))
def test_nothing_outside_the_list_is_ever_served(inside) -> None:
    root = ET.Element(f"{{{SVG}}}svg", {"viewBox": "0 0 4 4"})
    for each in inside:
        _put(root, each)
    try:
        served = ET.fromstring(vetted(ET.tostring(root)))  # noqa: S314
    except DrawingRefused:
        return
    for element in served.iter():
        space, _, name = element.tag[1:].partition("}")
        assert (space, name in ELEMENTS) == (SVG, True)
        assert element.attrib.keys() <= ELEMENTS[name] | PAINT | {"class", "transform"}
        said = [*element.attrib.values(), *([element.text or ""] if name == "style" else [])]
        assert not any(re.search(r"url|script|import|<|@(?!media)", each) for each in said)


def _put(around, tree) -> None:
    name, attributes, below, text = tree
    element = ET.SubElement(around, f"{{{SVG}}}{name}", attributes)
    element.text = text if name in {"style", "text", "title"} else None
    for each in below:
        _put(element, each)


# ---- the file of a catalogue


FILE = """\
pictures:
  - file: sectors.svg
    alt: Three sectors, seen from above.
    shown_at:
      - {product: base_station, attribute: sectors}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "sectors.svg").write_bytes(svg("<g/>"))
    (tmp_path / "outside.svg").write_bytes(svg("<g/>"))
    (tmp_path / "pictures.yaml").write_text(FILE)
    return tmp_path


def test_a_picture_is_found_at_its_question_by_the_hash_of_what_it_draws(folder: Path) -> None:
    found = pictures.load(folder, catalogue())
    shown = found.at("base_station", "sectors")
    assert shown is not None and shown.alt == "Three sectors, seen from above."
    assert found.drawings[shown.address.rpartition("/")[2]] == vetted(svg("<g/>"))
    assert found.at("base_station", "mount") is None
    (folder / "pictures" / "sectors.svg").write_bytes(svg("<g><g/></g>"))
    other = pictures.load(folder, catalogue()).at("base_station", "sectors")
    assert other is not None and other.address != shown.address


def test_a_catalogue_without_pictures_is_as_before(tmp_path: Path) -> None:
    assert pictures.load(tmp_path, catalogue()) == pictures.Pictures()


def test_a_picture_of_a_component_is_shown_at_each_of_its_instances(folder: Path) -> None:
    skid = skid_of_lines()
    text = FILE.replace("base_station, attribute: sectors", "skid, attribute: line.size")
    (folder / "pictures.yaml").write_text(text)
    found = pictures.load(folder, Catalogue([skid]))
    assert [each.attribute for each in found.of(skid)] == ["line_1_size", "line_2_size"]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("base_station", "bass_station", "line 5: product 'bass_station' is not in this catalogue"),
        ("base_station", "bass_station", "did you mean base_station?"),
        (
            "attribute: sectors",
            "attribute: sector",
            "line 5: attribute 'sector': base_station asks",
        ),
        ("sectors}", "mount, option: towr}", "option 'towr': mount has no such option; did you"),
        ("sectors}", "sectors, option: x}", "line 5: option 'x': sectors has no such option"),
        ("sectors.svg", "sector.svg", "line 2: pictures/sector.svg can not be read: No such file"),
        ("sectors.svg", "../outside.svg", "line 2: pictures.0.file"),
        ("sectors.svg", "linked.svg", "line 2: pictures/linked.svg leads out of its folder"),
        ("sectors.svg", "large.svg", "line 2: pictures/large.svg: larger than"),
        ("sectors.svg", "hostile.svg", "pictures/hostile.svg, line 1: <script> is none of"),
        ("    alt: Three sectors, seen from above.\n", "", "pictures.0.alt: is missing; write it"),
        ("alt: Three", "colour: red\n    alt: Three", "colour: there is no such field here"),
        ("sectors}", "sectors}\n      - {product: base_station, attribute: sectors}", "line 6:"),
        ("sectors}", "sectors}\n      - {product: base_station, attribute: sectors}", "keep one"),
    ],
)
def test_a_fault_of_the_file_says_where_and_what_to_do(
    folder: Path, old: str, new: str, fault: str
) -> None:
    (folder / "pictures" / "linked.svg").symlink_to(folder / "outside.svg")
    (folder / "pictures" / "large.svg").write_bytes(b" " * (BYTES_MAX + 1))
    (folder / "pictures" / "hostile.svg").write_bytes(svg("<script/>"))
    assert old in FILE
    (folder / "pictures.yaml").write_text(FILE.replace(old, new, 1))
    with pytest.raises(ModelRefused) as refused:
        pictures.load(folder, catalogue())
    assert refused.value.message.startswith("pictures.yaml: ")
    assert fault in refused.value.message


def test_the_published_schema_is_that_of_the_file_and_our_catalogues_meet_it() -> None:
    schema = json.loads((CATALOGS / "pictures.schema.json").read_text())
    assert schema == releasing.pictures_schema(), (
        "quotewright model schema --pictures > catalogs/pictures.schema.json"
    )
    paths = sorted(CATALOGS.glob("*/pictures.yaml"))
    assert len(paths) == 2
    for path in paths:
        tree = yaml.safe_load(path.read_text())
        assert [x.message for x in Draft202012Validator(schema).iter_errors(tree)] == []
        assert path.read_text().startswith(
            "# yaml-language-server: $schema=../pictures.schema.json"
        )
        files = {each.name for each in (path.parent / "pictures").iterdir()}
        assert files == {each["file"] for each in tree["pictures"]}


def test_pictures_leave_the_pins_of_models_as_they_are(tmp_path: Path) -> None:
    copytree(CATALOGS / "industrial", tmp_path / "plain")
    (tmp_path / "plain" / "pictures.yaml").unlink()
    skids = [
        shelf.load(each).product("pump_skid", TODAY).pin
        for each in (tmp_path / "plain", CATALOGS / "industrial")
    ]
    assert skids[0] == skids[1]


# ---- what is served, and shown


def test_a_drawing_is_served_so_that_a_browser_only_draws_it() -> None:
    guide = Guide()
    shown = drawn().at("base_station", "sectors")
    assert shown is not None
    found = guide.gets(shown.address)
    assert (found.status_code, found.content) == (200, vetted(found.content))
    headers = {
        "content-type": "image/svg+xml",
        "x-content-type-options": "nosniff",
        "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox;"
        " frame-ancestors 'none'",
        "cache-control": "private, max-age=31536000, immutable",
    }
    assert {name: found.headers[name] for name in headers} == headers
    again = guide.gets(shown.address, if_none_match=found.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    assert guide.gets(f"{pictures.ADDRESS}/0000000000000000.svg").status_code == 404


def test_a_question_shows_its_picture_and_its_options_show_theirs() -> None:
    page = Guide().gets(f"{places.first_item(DEAL)}?product=base_station").text
    macro = drawn().at("base_station", "station_type", "macro")
    bands = drawn().at("base_station", "nr_bands")
    assert macro is not None and bands is not None
    assert f'<img src="{macro.address}" alt="{macro.alt}" width="96" height="60"' in page
    assert f'<img src="{bands.address}" alt="{bands.alt}" width="320" height="200"' in page
    assert f"<figcaption>{bands.caption}</figcaption>" in page


def test_all_pictures_of_a_product_are_told_with_its_questions() -> None:
    station = next(each for each in catalogue().versions() if each.model.id == "radio_site")
    found = drawn().of(station)
    assert len(found) == 17
    assert {each.option for each in found if each.attribute == "station_type"} == {
        "macro",
        "micro",
        "indoor",
    }
    assert drawn().of(catalogue().product("microwave_link", TODAY)) == ()
