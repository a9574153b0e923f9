"""`quotewright parked` on a running house: look, try again, give up; with who and why kept for ever."""

import json
import os
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from contracts.envelope import Meta, headers_of
from contracts.opportunity import OpportunityDetails, OpportunityDetailsChanged, OpportunityRef
from quotewright.client import token_for
from quotewright.laptop import CRM, ROOT, free_port
from tests.e2e.place import Place, deal_of, until
from tests.e2e.test_command import COMMAND, Said

FACTS, DOOR = "quotewright.facts", "quotewright.crm.inbound"
Parked = Callable[..., Said]


def command(*words: str, url: str, token: str) -> Said:
    """Run the command against a house elsewhere; it must never show a traceback."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("QW_", "QUOTEWRIGHT"))}
    done = subprocess.run(
        [*COMMAND, "parked", *words, "--url", url, "--token", token],
        cwd=ROOT,
        env={**kept, "COLUMNS": "80"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr
    return Said(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def run(embedded: Place) -> Parked:
    token = token_for(embedded.stage.laptop.home, "admin-7", ["admin"])
    return partial(command, url=embedded.stage.url, token=token)


class Deal:
    """A deal that quotes knows, with one fact that it can not read and one waiting behind."""

    def __init__(self, place: Place) -> None:
        record = place.opens(None)
        place.drafts(record)
        self.place = place
        self.id: UUID = deal_of(record)
        self.stream = f"elsewhere.opportunity/{uuid4()}"
        ref = OpportunityRef(crm=f"crm://{CRM}", record_id=record)
        details = OpportunityDetails(
            name="Radio access",
            account_id="acct-001",
            account_name="Example Telecom",
            customer_tier="silver",
            region="EMEA",
            currency="EUR",
            selling_unit="emea-direct",
            owner_id="seller-1",
            stage="Proposal",
        )
        self.fact = OpportunityDetailsChanged(
            deal_id=self.id, opportunity=ref, details=details, changed=("customer_tier",)
        )
        self.broken = b'{"deal_id": "' + str(self.id).encode() + b'", "opportunity": "\\u001b[2J"}'
        self.says(1, self.broken)
        self.says(2, self.fact.model_dump_json().encode())
        self.first, self.second = until(self.parked, "both facts are parked")

    def says(self, version: int, value: bytes) -> None:
        meta = Meta(
            f"{self.stream}/{version}", "elsewhere", self.fact.wire_type(), 1, self.id,
            self.fact.subject(), datetime.now(UTC), str(self.id),
        )  # fmt: skip
        headers = {name: text.decode() for name, text in headers_of(meta)}
        self.place.produce(FACTS, str(self.id), headers, value)

    def parked(self) -> list[str] | None:
        """Return the numbers of both parked facts, once they are there."""
        rows = self.place.parked("/quotes", str(self.id))
        return [str(row["id"]) for row in rows] if len(rows) == 2 else None

    def tier(self) -> str:
        found: str = self.place.seller.get(f"/quotes/deals/{self.id}")["details"]["customer_tier"]
        return found


@pytest.fixture
def deal(embedded: Place) -> Deal:
    return Deal(embedded)


def test_the_list_names_deal_fact_and_reason_and_its_json_is_the_apis(
    deal: Deal, run: Parked
) -> None:
    said = run("list")
    assert said.code == 0
    rows = [line.split() for line in said.out.splitlines() if str(deal.id) in line]
    quotes = [row for row in rows if row[0] == "quotes"]
    assert [row[1] for row in quotes] == [deal.first, deal.second]
    assert {row[3] for row in quotes} == {"OpportunityDetailsChanged"}
    assert [row[-1] for row in quotes] == ["poison", "parked.behind"]
    assert "does not fit its contract at opportunity" in said.out
    found = run("list", "--json").json
    assert set(found) == set(run("list", "--discarded", "--json").json)
    assert [r["id"] for r in found["quotes"] if r["deal"] == str(deal.id)] == [
        int(deal.first), int(deal.second),
    ]  # fmt: skip


def test_show_prints_the_raw_record_and_how_it_reads_today(deal: Deal, run: Parked) -> None:
    said = run("show", deal.first, "--service", "quotes")
    assert said.code == 0
    assert deal.broken.decode() in said.out
    assert f"ce_id: {deal.stream}/1" in said.out
    assert "today: not readable" in said.out
    good = run("show", deal.second, "--service", "quotes")
    assert "today: readable as version 1" in good.out
    shown = run("show", deal.second, "--service", "quotes", "--json").json
    assert shown["today"]["readable"] is True
    assert json.loads(shown["value"])["details"]["customer_tier"] == "silver"


def test_what_could_steer_a_terminal_is_made_visible(deal: Deal, run: Parked) -> None:
    deal.says(3, b"\x1b[2J\x07")
    rows = until(lambda: deal.place.parked("/quotes", str(deal.id))[2:], "the third is parked")
    said = run("show", str(rows[0]["id"]), "--service", "quotes")
    assert "\x1b" not in said.out
    assert "\\x1b[2J\\x07" in said.out


def test_a_discard_tells_what_follows_and_a_retry_takes_it_in_order(
    deal: Deal, run: Parked
) -> None:
    why = "The CRM sent a test record; nothing of it is wanted."
    said = run("discard", deal.first, "--service", "quotes", "--reason", why)
    assert said.code == 0
    gone, order, follows, how = said.out.splitlines()
    assert gone == f"given up: {deal.first} OpportunityDetailsChanged of deal {deal.id}"
    assert order == "still parked of its deal, in this order:"
    assert follows.startswith(f"  {deal.second} OpportunityDetailsChanged")
    assert how.endswith(f"quotewright parked retry {deal.second} --service quotes")
    assert deal.tier() != "silver"

    retried = run("retry", deal.second, "--service", "quotes")
    assert (retried.code, retried.out) == (0, "1 of 1 handled\n")
    until(lambda: deal.tier() == "silver", "the following fact is applied")
    deal.says(3, deal.fact.model_dump_json().encode())
    until(
        lambda: deal.place.sql(
            "SELECT 1 FROM quotes.inbox WHERE stream = %s AND version = 3", (deal.stream,)
        ),
        "a new fact goes through",
    )
    assert deal.place.parked("/quotes", str(deal.id)) == []


def test_what_was_given_up_is_kept_raw_with_who_and_why_for_ever(deal: Deal, run: Parked) -> None:
    run("discard", deal.first, "--service", "quotes", "--reason", "not wanted")
    listed = run("list", "--discarded").out
    assert "given up by user/admin-7 at" in listed
    assert "not wanted" in listed
    kept = deal.place.sql(
        "SELECT value, discarded_by, why FROM quotes.discarded WHERE id = %s", (deal.first,)
    )
    assert kept == [(deal.broken, "user/admin-7", "not wanted")]
    for statement in (
        "DELETE FROM quotes.discarded",
        "UPDATE quotes.discarded SET why = 'because'",
        "TRUNCATE quotes.discarded",
    ):
        with pytest.raises(psycopg.errors.RaiseException, match="kept for ever"):
            deal.place.sql(statement)


def test_a_deal_behind_a_hole_goes_on_without_the_missing_facts_once_somebody_says_so(
    embedded: Place, run: Parked
) -> None:
    deal = Deal(embedded)
    deal.stream = f"elsewhere.opportunity/{uuid4()}"
    deal.says(2, deal.fact.model_dump_json().encode())
    late = until(
        lambda: next((row for row in embedded.parked("/quotes", str(deal.id))[2:]), None),
        "the fact behind the hole is parked",
    )
    assert late["code"] == "parked.missing"
    assert run("discard", deal.first, "--service", "quotes", "--reason", "a test").code == 0
    stuck = run("retry", str(late["id"]), "--service", "quotes")
    assert stuck.code == 1
    assert "2 of 3 handled" not in stuck.out
    assert "retry without them" in stuck.out
    on = run("retry", str(late["id"]), "--service", "quotes", "--without-missing")
    assert on.code == 0
    assert "1 of 1 handled" in on.out
    assert embedded.parked("/quotes", str(deal.id)) == []


def test_a_retry_that_fails_again_says_what_is_left_and_is_exit_1(deal: Deal, run: Parked) -> None:
    said = run("retry", deal.first, "--service", "quotes")
    assert said.code == 1
    assert said.out.startswith("0 of 2 handled\n")
    assert f"still parked: {deal.first} OpportunityDetailsChanged" in said.out
    assert f"still parked: {deal.second} OpportunityDetailsChanged" in said.out


def test_a_retry_says_what_is_left_also_where_a_key_is_no_text(
    embedded: Place, run: Parked
) -> None:
    """Found by a reviewer: such a deal counted as nothing left."""
    key = b"\xff" + uuid4().bytes
    embedded.produce(DOOR, key, {}, b"?")
    shown = key.decode("utf-8", "replace")
    (row,) = until(lambda: embedded.parked("/crm", shown), "the message is parked")
    said = run("retry", str(row["id"]), "--service", "crm_projector")
    assert (said.code, said.out.splitlines()[0]) == (1, "0 of 1 handled")
    gone = ("--service", "crm_projector", "--reason", "a test")
    assert run("discard", str(row["id"]), *gone).code == 0


class TestWrongInput:
    """One sentence that says what to do, and an honest exit code."""

    @pytest.mark.parametrize("verb", ["show", "retry", "discard"])
    def test_an_unknown_number_is_404_in_words_and_exit_1(self, run: Parked, verb: str) -> None:
        more = ["--reason", "not wanted"] if verb == "discard" else []
        said = run(verb, "999999", "--service", "quotes", *more)
        assert (said.code, said.out) == (1, "")
        assert said.err == (
            "quotewright: nothing is parked under 999999; list what is [parked.not_found]\n"
        )

    @pytest.mark.parametrize("number", [2**70, -(2**70), -1, 0])
    @pytest.mark.parametrize("ask", ["show", "retry", "discard"])
    def test_a_number_beyond_any_is_unknown_too(
        self, embedded: Place, ask: str, number: int
    ) -> None:
        place = f"/quotes/admin/parked/{number}"
        method, path, body = {
            "show": ("GET", place, None),
            "retry": ("POST", f"{place}/retry", None),
            "discard": ("POST", f"{place}/discard", {"reason": "not wanted"}),
        }[ask]
        problem = embedded.admin.refused(method, path, body, status=404)
        assert problem["code"] == "parked.not_found"

    @pytest.mark.parametrize(
        "body", [{}, {"reason": ""}, {"reason": "   "}, {"reason": "x" * 1001}]
    )
    def test_a_discard_without_a_reason_is_422(
        self, embedded: Place, deal: Deal, body: dict[str, Any]
    ) -> None:
        place = f"/quotes/admin/parked/{deal.first}/discard"
        embedded.admin.refused("POST", place, body, status=422)
        assert deal.parked() == [deal.first, deal.second]

    def test_going_on_without_missing_facts_is_for_one_deal(self, run: Parked) -> None:
        said = run("retry", "--service", "quotes", "--without-missing")
        assert said.code == 1
        assert "name a record" in said.err

    def test_the_command_wants_a_reason_too(self, run: Parked, deal: Deal) -> None:
        assert run("discard", deal.first, "--service", "quotes").code == 2
        said = run("discard", deal.first, "--service", "quotes", "--reason", "  ")
        assert (said.code, said.out) == (1, "")
        assert "--reason must say why" in said.err

    def test_a_seller_may_not(self, embedded: Place, deal: Deal) -> None:
        token = token_for(embedded.stage.laptop.home, "seller-1", ["seller"])
        for words in (
            ["list"],
            ["show", deal.first, "--service", "quotes"],
            ["discard", deal.first, "--service", "quotes", "--reason", "not wanted"],
        ):
            said = command(*words, url=embedded.stage.url, token=token)
            assert (said.code, said.out) == (1, "")
            assert "[auth.role_missing]" in said.err
        assert deal.parked() == [deal.first, deal.second]

    def test_a_house_that_does_not_answer_is_exit_3(self, run: Parked) -> None:
        said = run("list", url=f"http://127.0.0.1:{free_port()}")
        assert (said.code, said.out) == (3, "")
        assert "does not answer" in said.err
        assert said.err.count("\n") == 1
