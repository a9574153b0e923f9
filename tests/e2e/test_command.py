"""`quotewright` as its user meets it: a real process, its output, its exit code, never a traceback."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from infra.setup import LAUNCHER
from infra.webhooks import sign
from quotewright.client import RUNNING
from quotewright.laptop import CRM, ROOT
from tests.e2e.place import asked, event, until

START_S, ONCE_S = 60.0, 90.0
COMMAND = [sys.executable, "-c", "import sys; from quotewright.cli import main; sys.exit(main())"]


AMOUNT = re.compile(r"^ +([-+]?[\d,]+\.\d+)  ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Said:
    """What a command wrote, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def run(*words: str, home: Path | None = None) -> Said:
    """Run the command to its end; it must never show a traceback."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("QW_", "QUOTEWRIGHT"))}
    done = subprocess.run(
        [*COMMAND, *words, *(("--home", str(home)) if home else ())],
        cwd=ROOT,
        env={**environment, "COLUMNS": "80"},
        capture_output=True,
        text=True,
        timeout=ONCE_S,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr
    return Said(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def played(make_home: Callable[[str], Path]) -> tuple[Path, Said]:
    """A home with servers of its own, and what `demo --once` said there."""
    own = make_home("laptop")
    return own, run("demo", "--once", home=own)


@pytest.fixture(scope="module")
def served(played: tuple[Path, Said]) -> Iterator[Path]:
    """The same home, served by `up`; ends cleanly when told to."""
    own, _ = played
    log = own / "up.log"
    # By the script that a user starts: it is the main module of processes that the house begins.
    script = own / "quotewright"
    script.write_text(LAUNCHER)
    with log.open("wb") as out:
        serving = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", sys.executable, script, "up", "--home", str(own)],
            cwd=ROOT,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        # Its last line: what it prints comes into the file line by line.
        until(lambda: "quotewright waiting" in log.read_text(), "the house serves", START_S)
        yield own
    finally:
        serving.send_signal(signal.SIGTERM)
        code = serving.wait(30)
    assert code == 0
    assert not (own / RUNNING).exists()


def test_demo_once_prints_numbers_the_pdf_its_hash_and_hops(played: tuple[Path, Said]) -> None:
    _, said = played
    assert said.code == 0, said.err
    assert re.findall(r"^(Q-\d+)  ", said.out, re.MULTILINE) == ["Q-1001", "Q-1002"]
    paths = [Path(found) for found in re.findall(r"^  PDF (.+)$", said.out, re.MULTILINE)]
    told = re.findall(r"^  sha256 ([0-9a-f]{64})$", said.out, re.MULTILINE)
    assert [sha256(path.read_bytes()).hexdigest() for path in paths] == told
    assert said.out.count("OrderPlaced") == 2
    assert said.out.count("ApprovalGranted") == 1
    assert "…" not in said.out


def test_up_says_what_to_open_and_finds_what_was_there_before(served: Path) -> None:
    text = (served / "up.log").read_text()
    assert "Serving at http://127.0.0.1:" in text
    assert "quotewright history Q-1001" in text


class TestHistory:
    """The walk of a quote, hop by hop."""

    def test_it_prints_every_hop_with_time_fact_and_cause_uncut(self, served: Path) -> None:
        said = run("history", "Q-1002", home=served)
        assert said.code == 0
        head, columns, *hops = said.out.splitlines()
        assert head.startswith("Q-1002  deal ")
        assert columns.split() == [
            "#",
            "time",
            "(UTC)",
            "+ms",
            "fact",
            "said",
            "by",
            "because",
            "of",
        ]
        assert [hop.split()[0] for hop in hops] == [str(n) for n in range(1, len(hops) + 1)]
        assert any("DiscountApprovalRequested" in hop for hop in hops)
        assert any("OpportunityOpened" in h and "system/example-crm" in h for h in hops)
        assert "…" not in said.out

    def test_its_json_is_what_the_api_gives(self, served: Path) -> None:
        found = run("history", "Q-1002", "--json", home=served).json
        assert found["number"] == "Q-1002"
        assert found["hops"][-1]["fact"] == "OrderPlaced"


class TestExplain:
    """Why each price, why each approval."""

    def test_it_says_in_words_why_prices_and_approvals_are_what_they_are(
        self, served: Path
    ) -> None:
        said = run("explain", "Q-1002", home=served)
        assert said.code == 0
        assert "Customer tier gold: 5 % off." in said.out
        assert "Share of the discount of 15 % on the quote" in said.out
        assert "because the sales discount is" in said.out
        assert "granted by appr-regional-1 at" in said.out
        assert "{" not in said.out

    def test_its_steps_sum_to_the_net_of_each_line(self, served: Path) -> None:
        said = run("explain", "Q-1001", home=served)
        blocks = [block for block in said.out.split("\n\n")[1:-1] if block[:1].isdigit()]
        assert len(blocks) > 10
        for block in blocks:
            amounts = [Decimal(found.replace(",", "")) for found in AMOUNT.findall(block)]
            assert sum(amounts[:-1]) == amounts[-1], block
        assert "nobody had to approve" in said.out

    def test_one_line_also_says_what_did_not_apply(self, served: Path) -> None:
        said = run("explain", "Q-1001", "--line", "1", home=served)
        assert "not applied: region-nam is for region NAM; the quote's is EMEA" in said.out

    def test_each_step_of_a_line_names_its_rule_and_what_was_met(self, served: Path) -> None:
        said = run("explain", "Q-1002", "--line", "1", home=served)
        assert re.search(
            r"segment: tier-gold version 1, by the unit price: [\d,.]+ -> [\d,.]+;"
            r" because of tier gold, category ",
            said.out,
        )

    def test_its_json_holds_trace_and_cases(self, served: Path) -> None:
        found = run("explain", "Q-1002", "--json", home=served).json
        assert found["cases"][0]["state"] == "granted"
        assert found["prices"]["lines"][0]["steps"]


class TestReprice:
    """Past prices proved, and what a newer book would change."""

    def test_every_price_of_the_demo_is_the_same_byte_for_byte(self, served: Path) -> None:
        said = run("reprice", "all", "--check", home=served)
        assert said.code == 0, said.out + said.err
        *lines, summed = said.out.splitlines()
        assert len(lines) >= 2
        assert all(re.search(r"Q-100\d revision 1: the same \d+ bytes by ", each) for each in lines)
        assert summed == f"{len(lines)} of {len(lines)} prices are the same, byte for byte"
        one = run("reprice", "Q-1001", "--check", "--json", home=served).json
        assert [each["is_same"] for each in one] == [True]

    def test_an_issued_quote_has_no_newer_price(self, served: Path) -> None:
        before = run("explain", "Q-1001", "--json", home=served).json["quote"]
        said = run("reprice", "Q-1001", "--reason", "to try it", home=served)
        assert said.code in {0, 1}
        assert run("explain", "Q-1001", "--json", home=served).json["quote"] == before


class TestWaiting:
    """What every open quote waits for, and who can move it."""

    def test_it_names_who_can_move_a_quote_and_why(self, served: Path) -> None:
        assert run("waiting", home=served).out == "nothing waits\n"
        _open(served)
        said = until(lambda: _of_seller(run("waiting", home=served)), "it waits for its seller")
        head, row, *_ = said.out.splitlines()
        assert head.split()[:2] == ["quote", "customer"]
        assert row.startswith("Q-1003")
        assert "seller: seller-1" in row
        rows = run("waiting", "--json", home=served).json["waiting"]
        assert [each["number"] for each in rows] == ["Q-1003"]


class TestProve:
    """An old quote comes out of its pinned model as it was, or the command says what differs."""

    def test_a_quote_is_the_same_byte_for_byte(self, served: Path) -> None:
        said = run("prove", "Q-1002", home=served)
        assert (said.code, said.err) == (0, "")
        first, second = said.out.splitlines()
        assert re.fullmatch(
            r"Q-1002 revision 1, rural-site: the same \d{4,} bytes"
            r" from base_station version 1 \([0-9a-f]{12}\)",
            first,
        )
        assert "rural-hop: the same" in second

    def test_a_catalogue_without_the_pinned_version_is_exit_1(
        self, served: Path, catalog: Path
    ) -> None:
        model = catalog / "models" / "base_station.yaml"
        model.write_text(model.read_text().replace("quantity_max: 5000", "quantity_max: 4999"))
        said = run("prove", "Q-1001", "--catalog", str(catalog), home=served)
        assert said.code == 1
        assert "this catalogue does not have base_station version 1" in said.err


class TestModel:
    """A new version of a model: its faults, its changes, whom it hits, its way into the catalogue."""

    def test_the_lint_says_what_is_in_vain_and_what_is_wrong(self, catalog: Path) -> None:
        assert run("model", "lint", "--catalog", str(catalog)).code == 0
        said = run("model", "lint", str(_version_2(catalog, "station_type = macro")))
        assert said.code == 1
        assert re.search(
            r"error: v2\.yaml: line \d+: 'station_type\.micro' can never be chosen; remove it",
            said.out,
        )

    def test_the_lint_as_json_has_every_finding(self, catalog: Path) -> None:
        (found,) = run(
            "model", "lint", str(_version_2(catalog, "sectors < 9")), "--json"
        ).json.values()
        assert all(each.pop("line") for each in found)
        assert {
            "severity": "warning",
            "code": "model.redundant",
            "where": "rule BS-NEW-01",
            "message": "whatever the other rules allow meets it already; remove it, or say more",
        } in found

    def test_changes_are_told_in_words(self, catalog: Path) -> None:
        said = run("model", "diff", str(_version_2(catalog, "sectors < 4")))
        assert said.out.splitlines() == [
            "base_station: version 1 to 2, 2 changes",
            "  the product effective is now 2027-01-01, was 2026-01-01",
            "  rule 'BS-NEW-01' is new: As of 2027.",
        ]

    def test_every_open_quote_is_looked_at(self, served: Path, catalog: Path) -> None:
        _open(served)
        until(lambda: _of_seller(run("waiting", home=served)), "a quote is open")
        harmless = run("model", "revalidate", str(_version_2(catalog, "sectors < 9")), home=served)
        assert (harmless.code, harmless.out.splitlines()) == (
            0,
            [
                "Q-1003 revision 1, street-site: unchanged",
                "1 item of base_station in open quotes: 1 unchanged, 0 completed, 0 conflict",
            ],
        )
        hit = _version_2(catalog, "station_type = micro implies sectors = 3")
        said = run("model", "revalidate", str(hit), home=served)
        assert said.code == 1
        assert "Station type: Micro (medium range); Sectors: 1. As of 2027." in said.out
        assert "or: Give up Sectors: 1" in said.out

    def test_a_version_is_published_once_and_only_without_errors(self, catalog: Path) -> None:
        there = ("--catalog", str(catalog))
        wrong = _version_2(catalog, "station_type = micro implies sectors = 3")
        said = run("model", "publish", str(wrong), *there)
        assert (said.code, said.out.splitlines()[-1]) == (1, "not published: mend the errors first")
        good = _version_2(catalog, "climate = cold implies sectors != 6")
        said = run("model", "publish", str(good), *there)
        assert said.code == 0, said.err
        placed = catalog / "models" / "base_station_v2.yaml"
        assert placed.read_bytes() == good.read_bytes()
        again = run("model", "publish", str(good), *there)
        assert again.code == 1
        assert "what is published stays as it is; write version: 3" in again.err

    def test_what_is_no_yaml_is_told_with_its_line(self, tmp_path: Path) -> None:
        (tmp_path / "x.yaml").write_text("id: x\nrules: [\n")
        said = run("model", "diff", str(tmp_path / "x.yaml"))
        assert (said.code, said.err.count("\n")) == (1, 1)
        assert "x.yaml: not readable as YAML: line 3, column 1:" in said.err


def test_a_what_if_of_the_played_quotes_comes_to_its_end(served: Path, tmp_path: Path) -> None:
    """The other verbs of prices are in `test_price_commands.py`."""
    found = run("whatif", "run", "telecom-list/1", "--json", home=served).json
    done = found["what_if"]["quotes_done"]
    assert (found["what_if"]["state"], done) == ("done", found["what_if"]["quotes"])
    rows = tmp_path / "quotes.csv"
    run("whatif", "export", found["what_if"]["what_if_id"], str(rows), home=served)
    numbers = [line.split(",")[0] for line in rows.read_text().splitlines()[1:]]
    assert {"Q-1001", "Q-1002"} <= set(numbers)
    assert len(set(numbers)) == done


class TestParked:
    """What could not be handled: listed, shown, tried again."""

    def test_a_house_in_order_has_nothing_parked(self, served: Path) -> None:
        assert run("parked", "list", home=served).out == "nothing is parked\n"
        assert run("parked", "list", "--json", home=served).json["quotes"] == []

    def test_what_is_not_parked_is_one_sentence_and_exit_1(self, served: Path) -> None:
        said = run("parked", "show", "7", "--service", "quotes", home=served)
        assert (said.code, said.out) == (1, "")
        assert said.err == (
            "quotewright: nothing is parked under 7; list what is [parked.not_found]\n"
        )

    def test_retrying_nothing_is_done(self, served: Path) -> None:
        assert run("parked", "retry", "--service", "quotes", home=served).out == "0 of 0 handled\n"

    def test_an_unknown_service_is_wrong_usage(self, served: Path) -> None:
        said = run("parked", "show", "7", "--service", "teapot", home=served)
        assert said.code == 2
        assert "crm_projector" in said.err


class TestRebuild:
    """The views made anew beside the present ones, swapped, and swapped back."""

    def test_it_says_what_it_did_and_that_nothing_differed(self, served: Path) -> None:
        said = run("rebuild", "crm", home=served)
        assert "generation 2 is read now, 1 is kept and fed" in said.out
        assert "0 rows differed" in said.out
        found = run("rebuild", "crm", "--json", home=served).json
        assert (found["generation"], found["beside"], found["differ"]) == (3, 2, 0)
        assert found["facts"] > 20

    def test_back_and_forth_and_done_with_the_old(self, served: Path) -> None:
        back = run("rebuild", "crm", "--rollback", home=served)
        assert back.out == "generation 2 is read again; the other one is kept and fed\n"
        again = run("rebuild", "crm", "--rollback", "--json", home=served)
        assert again.json == {"generation": 3}
        assert "Q-1001" in run("history", "Q-1001", home=served).out
        done = run("rebuild", "crm", "--retire", home=served)
        assert done.out == "generation 2 is fed no more and dropped\n"
        none = run("rebuild", "crm", "--rollback", home=served)
        assert (none.code, none.err.count("\n")) == (1, 1)
        assert "[crm.no_such_generation]" in none.err

    def test_nothing_to_watch_and_nothing_to_give_up_are_said(self, served: Path) -> None:
        assert run("rebuild", "crm", "--watch", home=served).code == 1
        assert "no rebuild runs" in run("rebuild", "crm", "--give-up", home=served).err
        assert run("rebuild", "crm", "--watch", "--retire", home=served).code == 2


def test_a_token_opens_the_doors_of_its_role(served: Path) -> None:
    url = json.loads((served / RUNNING).read_text())["url"]
    made = run("token", "--role", "analyst", home=served).out.strip()
    told = run("token", "--role", "seller", "--json", home=served).json
    assert (told["subject"], told["roles"]) == ("seller-1", ["seller"])
    for token, status in ((made, 200), (told["token"], 403)):
        headers = {"authorization": f"Bearer {token}"}
        answer = httpx.get(f"{url}/crm/analytics/win-rate", headers=headers, trust_env=False)
        assert answer.status_code == status


class TestWrongInput:
    """One sentence that says what to do, and an honest exit code."""

    @pytest.mark.parametrize("command", ["history", "explain"])
    def test_an_unknown_quote_is_exit_1(self, served: Path, command: str) -> None:
        said = run(command, "Q-9999", home=served)
        assert (said.code, said.out) == (1, "")
        assert said.err.startswith("quotewright: there is no quote ")
        assert said.err.count("\n") == 1

    def test_an_unknown_line_is_exit_1(self, served: Path) -> None:
        said = run("explain", "Q-1001", "--line", "999", home=served)
        assert (said.code, said.err) == (
            1,
            "quotewright: Q-1001 has no priced line 999 [not_found]\n",
        )

    def test_an_unknown_role_is_exit_1(self, served: Path) -> None:
        said = run("token", "--role", "emperor", home=served)
        assert said.code == 1
        assert "no such role: emperor" in said.err

    @pytest.mark.parametrize(
        "words", [["history", "Q-1"], ["waiting"], ["token", "--role", "seller"]]
    )
    def test_no_house_is_exit_3(self, tmp_path: Path, words: list[str]) -> None:
        said = run(*words, home=tmp_path)
        assert (said.code, said.out) == (3, "")
        assert "start" in said.err
        assert said.err.count("\n") == 1

    def test_a_house_that_is_gone_is_exit_3(self, served: Path, tmp_path: Path) -> None:
        (tmp_path / "signing.pem").write_bytes((served / "signing.pem").read_bytes())
        (tmp_path / RUNNING).write_text('{"url": "http://127.0.0.1:9"}')
        said = run("waiting", home=tmp_path)
        assert said.code == 3
        assert "does not answer" in said.err

    @pytest.mark.parametrize(
        "words",
        [
            ["history"],
            ["fly"],
            ["up", "--bus", "carrier-pigeon"],
            ["token"],
            ["explain", "Q-1", "--line", "x"],
        ],
    )
    def test_wrong_usage_is_exit_2(self, tmp_path: Path, words: list[str]) -> None:
        assert run(*words, home=tmp_path).code == 2


def test_a_second_demo_on_a_home_in_use_is_exit_3(served: Path) -> None:
    said = run("demo", "--once", home=served)
    assert (said.code, said.out.count("\n")) == (3, 1)
    assert "already runs" in said.err


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    """A copy of the example's catalogue, to change."""
    return shutil.copytree(ROOT / "catalogs" / "telecom", tmp_path / "catalog")


def _version_2(catalog: Path, rule: str) -> Path:
    """Return a next version of the base station with one rule more."""
    text = (catalog / "models" / "base_station.yaml").read_text()
    for old, new in {
        "version: 1\n": "version: 2\n",
        "effective: 2026-01-01": "effective: 2027-01-01",
        "rules:\n": f'rules:\n  - {{id: BS-NEW-01, owner: power, rule: "{rule}",'
        ' message: "As of 2027."}\n',
    }.items():
        text = text.replace(old, new, 1)
    path = catalog.parent / "v2.yaml"
    path.write_text(text)
    return path


def _open(home: Path) -> None:
    """Let the CRM open an opportunity that its seller has to submit."""
    url = json.loads((home / RUNNING).read_text())["url"]
    secret = SecretStr(json.loads((home / "secrets.json").read_text())["crm_inbound"])
    account = {"id": "acct-002", "name": "Example Wireless", "tier": "silver", "region": "NAM"}
    wanted = asked(
        "006-wait", "street_micro", selling_unit="americas-direct", account=account, currency="USD"
    )
    raw = json.dumps(event("opportunity.opened", "006-wait", opportunity=wanted)).encode()
    signed = sign(secret, "msg_wait", datetime.now(UTC), raw)
    taken = httpx.post(f"{url}/crm/webhooks/{CRM}", content=raw, headers=signed, trust_env=False)
    assert taken.is_success, taken.text


def _of_seller(said: Said) -> Said | None:
    return said if "seller: seller-1" in said.out else None
