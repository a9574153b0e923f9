"""The import contracts and bans of the house hold, and each is seen to break by a planted fault."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "pyproject.toml"
PACKAGES = ("contracts", "infra", "services", "quotewright")
BIN = Path(sys.executable).parent

# contract -> (file, line that must break it and nothing else)
FAULTS = {
    "floors": [
        ("contracts/values.py", "import infra.settings"),
        ("infra/settings.py", "import services"),
        ("contracts/errors.py", "import quotewright"),
    ],
    "independent": [
        ("services/pricer/handlers.py", "import services.quotes.domain.deal"),
        ("services/documents/domain/brand.py", "import services.configurator.domain.language.units"),
        ("services/crm_projector/main.py", "from services.approvals.domain import case"),
    ],
    "rooms": [
        ("services/pricer/domain/what_ifs/tally.py", "import services.pricer.handlers"),
        ("services/pricer/handlers.py", "import services.pricer.consumer"),
        ("services/approvals/views.py", "import services.approvals.handlers"),
        ("services/approvals/consumer.py", "import services.approvals.main"),
        ("services/quotes/api/sellers.py", "import services.quotes.main"),
        ("services/configurator/domain/sessions/session_steps.py", "import services.configurator.api"),
        ("services/documents/render.py", "import services.documents.consumer"),
        ("services/crm_projector/crm/port.py", "import services.crm_projector.handlers"),
    ],
    "pure": [
        ("services/quotes/domain/deal.py", "import infra.work"),
        ("services/configurator/domain/language/units.py", "import random"),
        ("services/pricer/domain/books/book.py", "import os"),
        ("services/approvals/domain/case.py", "import time"),
        ("services/documents/domain/brand.py", "import weasyprint"),
        ("services/crm_projector/domain/deal.py", "from psycopg import sql"),
    ],
    "behind": [
        ("services/pricer/handlers.py", "import eventsourcing.domain"),
        ("contracts/envelope.py", "import kafka"),
        ("quotewright/cli.py", "from kafka import KafkaProducer"),
    ],
    "configurator": [
        ("services/configurator/domain/language/units.py", "import services.configurator.domain.solving.bounds"),
        ("services/configurator/domain/products/product.py", "import services.configurator.domain.prices.pricing"),
    ],
    "pricer": [
        ("services/pricer/domain/books/book.py", "import services.pricer.domain.asks.trace"),
        ("services/pricer/domain/lint/lint_ties.py", "import services.pricer.domain.levers.solving"),
    ],
    "plumbing": [
        ("infra/work.py", "from contracts.pricing import QuotePriced"),
        ("infra/relay.py", "import contracts.catalogue"),
    ],
}  # fmt: skip
PLANTED = [(contract, file, line) for contract, faults in FAULTS.items() for file, line in faults]

BANNED = {
    "import": "import importlib\n\nimportlib.import_module('services.pricer')\n",
    "clock": "from datetime import UTC, datetime\n\nNOW = datetime.now(UTC)\n",
    "id": "from uuid import uuid4\n\nQUOTE_ID = uuid4()\n",
    "chance": "import random\n\nDICE = random.random()\n",
}


def ids() -> dict[str, str]:
    """The import contracts of the project: id -> name."""
    options = tomllib.loads(CONFIG.read_text(encoding="utf-8"))["tool"]["importlinter"]
    return {each["id"]: each["name"] for each in options["contracts"]}


def verdicts(tree: Path) -> dict[str, str]:
    """Run lint-imports in a tree: id -> KEPT or BROKEN."""
    run = subprocess.run(
        [BIN / "lint-imports", "--no-cache", "--no-logo", "--config", CONFIG],
        cwd=tree, capture_output=True, text=True, timeout=60, check=False,
        env={"COLUMNS": "400", "PATH": str(BIN), "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    words = " ".join(run.stdout.split())
    found = {}
    for contract, name in ids().items():
        # A long name is wrapped over lines, so it is looked for in the words without breaks.
        told = re.search(re.escape(" ".join(name.split())) + r" (KEPT|BROKEN)", words)
        assert told, f"{contract} was not checked:\n{run.stdout}\n{run.stderr}"
        found[contract] = told.group(1)
    assert run.returncode == (1 if "BROKEN" in found.values() else 0)
    return found


def plant(tree: Path, file: str, line: str) -> Path:
    """Copy the packages and append an import to a file that is there."""
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, tree / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    place = tree / file
    place.write_text(f"{place.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")
    return tree


def test_every_import_contract_is_kept() -> None:
    assert verdicts(ROOT) == dict.fromkeys(ids(), "KEPT")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("contract", "file", "line"), PLANTED, ids=[f"{c}-{f}" for c, f, _ in PLANTED]
)
def test_a_planted_import_breaks_exactly_its_contract(
    contract: str, file: str, line: str, tmp_path: Path
) -> None:
    tree = plant(tmp_path, file, line)

    assert verdicts(tree) == {**dict.fromkeys(ids(), "KEPT"), contract: "BROKEN"}


def test_a_detour_over_a_shared_module_is_still_an_import_of_another_service(
    tmp_path: Path,
) -> None:
    tree = plant(tmp_path, "services/pricer/api.py", "import services.bridge")
    (tree / "services" / "bridge.py").write_text(
        "import services.quotes.domain.deal\n", encoding="utf-8"
    )

    assert verdicts(tree)["independent"] == "BROKEN"


def test_every_import_contract_has_a_planted_fault() -> None:
    assert set(FAULTS) == set(ids())


def test_every_service_stands_in_the_contracts_that_name_services() -> None:
    options = tomllib.loads(CONFIG.read_text(encoding="utf-8"))["tool"]["importlinter"]
    services = {
        f"services.{each.parent.name}" for each in (ROOT / "services").glob("*/__init__.py")
    }
    named = {each["id"]: each for each in options["contracts"]}

    assert len(services) == 6
    assert set(named["independent"]["modules"]) == services
    assert set(named["rooms"]["containers"]) == services
    assert set(named["pure"]["source_modules"]) == {f"{each}.domain" for each in services}


def bans(code: str, file: str) -> list[str]:
    """Run ruff's ban on some code as if it stood in a file; returns the rules that it breaks."""
    run = subprocess.run(
        [BIN / "ruff", "check", "--select", "TID251", "--output-format", "concise", "--no-cache",
         "--config", CONFIG, "--stdin-filename", file, "-"],
        cwd=ROOT, input=code, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert run.returncode in {0, 1}, run.stderr
    return re.findall(r" (TID\d+) ", run.stdout)


@pytest.mark.parametrize("what", BANNED)
@pytest.mark.parametrize(
    "file", ["services/pricer/domain/planted.py", "contracts/planted.py", "quotewright/planted.py"]
)
def test_a_clock_chance_random_ids_and_hidden_imports_are_banned_outside_infra(
    what: str, file: str
) -> None:
    assert set(bans(BANNED[what], file)) == {"TID251"}


@pytest.mark.parametrize("what", BANNED)
def test_infra_may_use_them(what: str) -> None:
    assert bans(BANNED[what], "infra/planted.py") == []


def test_no_file_outside_infra_lifts_the_ban_for_itself() -> None:
    lifted = [
        file.relative_to(ROOT).as_posix()
        for package in PACKAGES
        if package != "infra"
        for file in (ROOT / package).rglob("*.py")
        if re.search(r"noqa: .*TID251|ruff: noqa", file.read_text(encoding="utf-8"))
    ]

    assert lifted == []


def test_the_list_of_names_that_look_dead_holds_only_names_that_exist() -> None:
    listed = re.findall(
        r"used\.(\w+)", (ROOT / "tests" / "dead_code.py").read_text(encoding="utf-8")
    )
    texts = [
        file.read_text(encoding="utf-8")
        for each in PACKAGES
        for file in (ROOT / each).rglob("*.py")
    ]
    words = set(re.findall(r"\w+", " ".join(texts)))

    assert len(listed) > 20
    assert sorted(set(listed) - words) == []
