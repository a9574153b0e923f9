"""The documents say what the code does: links, commands, tables, examples and printed output."""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
from pydantic import SecretStr

from contracts.catalogue import FACTS
from contracts.opportunity import OpportunityRef, deal_id_of
from infra import VERSION
from infra.local import LocalPostgres
from infra.settings import PREFIX, Settings
from infra.web import Readiness
from infra.webhooks import sign
from quotewright import cli, demo
from quotewright.house import BUILDERS
from quotewright.laptop import CRM, Laptop, Servers
from services.approvals.api import OUTCOMES, Callback, DecisionAnswer
from services.approvals.domain.case import Case, evolve
from services.approvals.messages import Happening, delivery
from services.crm_projector.api import Taken
from services.crm_projector.crm.generic import SOURCE, normalised, parsed, read_envelope
from services.crm_projector.domain.inbound import Kind
from services.crm_projector.domain.write_back import QuoteChanged
from tests.unit.approvals.cases import opened

ROOT = Path(__file__).parents[2]
ARCHITECTURE = ROOT / "ARCHITECTURE.md"
CRM_HOWTO = ROOT / "docs/howto/connect-a-crm.md"
APPROVAL_HOWTO = ROOT / "docs/howto/answer-an-approval.md"
SERVICE_READMES = [ROOT / "services" / name / "README.md" for name in sorted(BUILDERS)]
ADRS = sorted((ROOT / "docs/adr").glob("0*.md"))
PARTS = ["Context", "Decision", "Consequences", "The line people will quote"]
DOCS = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *SERVICE_READMES,
    ROOT / "infra/deploy/README.md",
]

FENCE = re.compile(
    r"(?:<!-- (?P<name>[^>]*?) -->\n)?```(?P<kind>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
SPAN = re.compile(r"`([^`\n]+)`")
OURS = re.compile(r"(contracts|infra|services|quotewright|tests|catalogs|docs)/[\w./-]*\w")


def text_of(doc: Path) -> str:
    return doc.read_text(encoding="utf-8")


def prose(doc: Path) -> str:
    """Return a document without its code blocks."""
    return FENCE.sub("", text_of(doc))


def block(doc: Path, name: str) -> str:
    """Return the code block under the marker of this name."""
    found = [each["text"] for each in FENCE.finditer(text_of(doc)) if each["name"] == name]
    assert len(found) == 1, f"{doc.name} has {len(found)} blocks {name!r}"
    return found[0]


def anchors(doc: Path) -> set[str]:
    """Return the anchors of the headings, as code hosts make them."""
    titles = re.findall(r"^#+ (.*)$", prose(doc), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in titles}


def section(doc: Path, title: str) -> str:
    return text_of(doc).split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


def rows(table: str) -> Iterator[list[str]]:
    """Give the cells of each row below a table's head."""
    lines = [each for each in table.splitlines() if each.startswith("|")]
    for line in lines[2:]:
        yield [cell.strip() for cell in line.strip("|").split(" | ")]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


# ---- what they point at


@pytest.mark.parametrize("doc", DOCS, ids=named)
def test_every_relative_link_leads_somewhere(doc: Path) -> None:
    lost = []
    for target in LINK.findall(prose(doc)):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        place = (doc.parent / path).resolve() if path else doc
        if not place.exists() or (anchor and anchor not in anchors(place)):
            lost.append(target)

    assert lost == []


@pytest.mark.parametrize("doc", DOCS, ids=named)
def test_every_file_that_is_named_exists(doc: Path) -> None:
    spans = [each.partition(":")[0] for each in SPAN.findall(prose(doc))]
    files = [each for each in spans if OURS.fullmatch(each) and "*" not in each]

    assert [each for each in files if not (ROOT / each).exists()] == []


@pytest.mark.parametrize("doc", DOCS, ids=named)
def test_every_command_that_is_named_exists(doc: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    verbs = set(typer.main.get_command(cli.app).commands)  # type: ignore[attr-defined]
    commands = "\n".join(
        [*SPAN.findall(prose(doc)), *(e["text"] for e in FENCE.finditer(text_of(doc)))]
    )

    assert set(re.findall(r"^make ([a-z-]+)", commands, re.MULTILINE)) - targets == set()
    assert (
        set(re.findall(r"^(?:\.venv/bin/)?quotewright ([a-z]+)", commands, re.MULTILINE)) - verbs
        == set()
    )


def test_the_readme_begins_with_two_make_targets() -> None:
    first = section(ROOT / "README.md", "Two commands")

    assert re.findall(r"^make (\w+)", first, re.MULTILINE)[:2] == ["demo", "test"]


# ---- how long they are


def test_the_architecture_fits_150_lines() -> None:
    assert len(text_of(ARCHITECTURE).splitlines()) <= 150


@pytest.mark.parametrize("doc", SERVICE_READMES, ids=named)
def test_a_services_readme_fits_60_lines(doc: Path) -> None:
    assert len(text_of(doc).splitlines()) <= 60


@pytest.mark.parametrize("doc", sorted({*DOCS} - {*SERVICE_READMES}), ids=named)
def test_a_line_of_prose_ends_before_the_word_that_passes_120_columns(doc: Path) -> None:
    lines = [each for each in prose(doc).splitlines() if not each.startswith("|")]

    assert [each for each in lines if len(each.rpartition(" ")[0]) > 120] == []


# ---- tables that must be whole


def test_the_settings_table_has_every_setting_with_its_default() -> None:
    def shown(default: object) -> str:
        if default is None:
            return "none"
        if isinstance(default, str | Path):
            return f"`{default}`"
        return f"`{json.dumps(default)}`"

    told = [(each[0], each[1]) for each in rows(section(ROOT / "docs/operations.md", "Settings"))]

    assert told == [
        (f"`{PREFIX}{name.upper()}`", shown(each.get_default(call_default_factory=True)))
        for name, each in Settings.model_fields.items()
    ]


def test_the_fact_table_has_every_fact_once() -> None:
    told = [
        fact for each in rows(section(ARCHITECTURE, "The facts")) for fact in each[1].split(", ")
    ]

    assert sorted(told) == sorted(each.__name__ for each in FACTS)


def test_every_module_of_infra_has_its_place_in_the_architecture() -> None:
    told = re.findall(r"`(\w+\.py)`?", section(ARCHITECTURE, "infra, by what it is for"))
    there = [each.name for each in (ROOT / "infra").glob("*.py") if each.name != "__init__.py"]

    assert sorted(told) == sorted(there)


def test_every_term_of_the_glossary_lives_where_it_says() -> None:
    lost = []
    for term, _, where in rows_of_glossary():
        path, _, names = where.strip("`").partition(": ")
        code = (ROOT / path).read_text(encoding="utf-8")
        lost += [
            f"{term}: {name}"
            for name in names.split(", ")
            if not re.search(rf"^(?:class|def) {name}\b|^{name}(?: =|:)", code, re.MULTILINE)
        ]

    assert lost == []


def rows_of_glossary() -> list[list[str]]:
    tables = text_of(ROOT / "GLOSSARY.md").split("\n## ")[1:]
    return [row for each in tables for row in rows(each)]


def test_a_term_stands_in_the_glossary_once() -> None:
    terms = [row[0] for row in rows_of_glossary()]

    assert len(terms) == len(set(terms)) > 50


# ---- decisions


@pytest.mark.parametrize("doc", ADRS, ids=named)
def test_a_decision_has_its_four_parts_and_says_what_enforces_it(doc: Path) -> None:
    assert re.findall(r"^## (.*)$", text_of(doc), re.MULTILINE) == PARTS
    assert "Enforced by" in section(doc, PARTS[-1])


def test_decisions_are_numbered_without_a_hole_and_all_listed() -> None:
    numbers = [int(each.name[:4]) for each in ADRS]
    listed = LINK.findall(text_of(ROOT / "docs/adr/README.md"))

    assert all(after == before + 1 for before, after in pairwise([0, *numbers]))
    assert listed == [each.name for each in ADRS]
    for each in ADRS:
        assert text_of(each).startswith(f"# {each.name[:4]}. ")


def test_the_release_that_the_code_says_is_the_projects() -> None:
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]

    assert project["version"] == VERSION


# ---- examples


@pytest.mark.parametrize("doc", DOCS, ids=named)
def test_every_block_marked_json_is_json(doc: Path) -> None:
    for each in FENCE.finditer(text_of(doc)):
        if each["kind"] == "json":
            json.loads(each["text"])


@pytest.fixture(scope="module")
def snippets() -> dict[str, Any]:
    """Return the functions that the guide shows."""
    space: dict[str, Any] = {}
    for name in ("send", "envelope"):
        exec(compile(block(CRM_HOWTO, name), f"{CRM_HOWTO}: {name}", "exec"), space)  # noqa: S102
    return space


def the_event() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(block(CRM_HOWTO, "event"))
    return found


def test_the_guides_event_is_one_of_ours_and_its_deal_is_the_one_answered() -> None:
    event = normalised(f"{SOURCE}{CRM}", parsed(block(CRM_HOWTO, "event").encode()))
    answer = json.loads(block(CRM_HOWTO, "answer"))

    assert event.record_id == "006-4711"
    assert [Taken(**each).deal_id for each in answer["events"]] == [
        deal_id_of(OpportunityRef(crm=f"{SOURCE}{CRM}", record_id="006-4711"))
    ]


def test_the_guide_names_every_type_of_event() -> None:
    (line,) = [each[1] for each in rows(section(CRM_HOWTO, "2. The event")) if each[0] == "`type`"]

    assert [f"opportunity.{each}" for each in re.findall(r"\.(\w+)`", line)] == list(get_args(Kind))


def test_the_guides_signer_signs_as_we_verify(snippets: dict[str, Any]) -> None:
    secret, event_id, seconds, body, signature = block(CRM_HOWTO, "signature").splitlines()
    at = datetime.fromtimestamp(int(seconds), UTC)
    headers = snippets["signed"](secret, event_id, int(seconds), body.encode())

    assert headers["webhook-signature"] == signature
    assert headers == sign(SecretStr(secret), event_id, at, body.encode())


def test_the_guides_record_is_read_at_the_door_topic(snippets: dict[str, Any]) -> None:
    record = snippets["record_of"](the_event())

    assert record["key"] == b"006-4711"
    assert read_envelope(record["headers"], record["value"]) == normalised(
        f"{SOURCE}{CRM}", parsed(json.dumps(the_event()).encode())
    )


def test_the_guides_write_back_is_what_we_send() -> None:
    message = json.loads(block(CRM_HOWTO, "write-back"))

    assert list(message) == ["type", "timestamp", "data"]
    assert QuoteChanged(**message["data"]).model_dump(mode="json") == message["data"]
    assert list(message["data"]) == list(QuoteChanged.model_fields)


def test_the_guides_ask_has_the_members_of_a_real_one() -> None:
    case = evolve(Case(), opened())
    real = delivery(case, "requested", ["appr-regional-1"])
    shown = json.loads(block(APPROVAL_HOWTO, "ask"))
    assert real is not None

    assert shown["type"] == real.event_type
    assert list(shown["data"]) == list(real.body)
    assert shown["data"]["callback"] == real.body["callback"]


def test_the_guide_names_every_message_and_every_outcome_of_approvals() -> None:
    text = text_of(APPROVAL_HOWTO)

    assert [
        each for each in get_args(Happening) if f"`quotewright.approval.{each}`" not in text
    ] == []
    assert [each for each in OUTCOMES.values() if f"200 `{each}`" not in text] == []


def test_the_guides_callback_and_its_answer_fit() -> None:
    shown = json.loads(block(APPROVAL_HOWTO, "callback"))

    assert Callback(**shown).model_dump(mode="json", exclude_unset=True).keys() == shown.keys()
    assert list(json.loads(block(APPROVAL_HOWTO, "callback-answer"))) == list(
        DecisionAnswer.model_fields
    )


@pytest.mark.parametrize("doc", [CRM_HOWTO, APPROVAL_HOWTO], ids=named)
def test_every_refusal_that_a_guide_names_exists(doc: Path) -> None:
    code = "\n".join(
        each.read_text(encoding="utf-8")
        for folder in ("infra", "services")
        for each in (ROOT / folder).rglob("*.py")
    )
    refusals = [each for each in prose(doc).splitlines() if re.match(r"\| 4\d\d ", each)]
    told = [span for each in refusals for span in SPAN.findall(each.split(" | ")[0])]

    assert len(told) > 4
    assert [each for each in told if f'code = "{each}"' not in code] == []


def test_the_readiness_that_operations_shows_has_our_members() -> None:
    shown = json.loads(block(ROOT / "docs/operations.md", "readyz"))

    assert list(shown) == list(Readiness.__dataclass_fields__)


# ---- what one will really see


def plain(printed: str) -> list[str]:
    """Return the lines with what differs from run to run replaced, and blanks folded."""
    changes = {
        r"\d\d:\d\d:\d\d\.\d{3} +\d+": "TIME N",
        r"\d\d:\d\d:\d\d\.\d{3}": "TIME",
        r"Q-\d+": "Q-N",
        r"PDF \S*/demo/": "PDF ",
        r"after \d+\.\d\d s": "after N s",
        r"\b[0-9a-f]{64}\b": "SHA256",
    }
    for pattern, word in changes.items():
        printed = re.sub(pattern, word, printed)
    return [" ".join(each.split()) for each in printed.splitlines()]


@pytest.mark.slow
def test_the_demo_prints_what_the_readme_shows(home: Path) -> None:
    """A folder of another home is no difference, so `--home` stands for the checkout's `.local`."""
    begin = "from quotewright.cli import main; main()"
    ran = subprocess.run(
        [sys.executable, "-c", begin, "demo", "--once", "--home", str(home)],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "120"},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    printed = iter(plain(ran.stdout))
    shown = [each for each in plain(block(ROOT / "README.md", "output: make demo ONCE=1")) if each]

    # One pass over what was printed: the lines must come in this order.
    assert [each for each in shown if each != "..." and each not in printed] == []


@pytest.mark.slow
def test_the_guides_event_becomes_a_presented_quote(
    postgres: LocalPostgres, home: Path, snippets: dict[str, Any]
) -> None:
    servers = Servers(postgres, None, "docs")
    with demo.stage(Laptop(home, "embedded", servers)) as place:
        address = f"{place.url}/crm/webhooks/{CRM}"
        taken = snippets["send"](address, place.laptop.secrets.crm_inbound, the_event())
        told = place.told("006-4711", "Presented")

    assert taken == json.loads(block(CRM_HOWTO, "answer"))
    shown = json.loads(block(CRM_HOWTO, "write-back"))["data"]
    assert told.keys() - {"_taken_at"} == shown.keys()


@pytest.fixture(scope="module")
def home(make_home: Callable[[str], Path]) -> Path:
    """One home for both houses."""
    return make_home("docs")
