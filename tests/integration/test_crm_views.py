"""crm_projector on a real PostgreSQL and the embedded bus: rows, analytics, doors."""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest

from contracts.approval import ApprovalQuestionAnswered, ApprovalQuestionAsked
from contracts.envelope import Opened, Sealed, seal
from contracts.opportunity import OpportunityLost, OpportunityOpened, OpportunityWon
from contracts.quote import DealOpened, QuoteRevised
from tests.integration.crm_service import Crm
from tests.unit.crm_projector.test_generic_crm import BODY, binary, raw
from tests.unit.crm_projector.walks import T0, Log, Walk, eur, streams_of

# ---- rows and write-backs


def test_a_walk_stands_in_the_rows_and_in_one_delivery_of_its_newest_state(crm: Crm) -> None:
    walk = Walk(Log().open()).to_presented("approvers").accept()
    crm.hear(walk.log.facts)
    (quote,) = crm.rows("SELECT number, status, net, waits_for FROM quote")
    assert quote == {
        "number": "Q-1001",
        "status": "Ordered",
        "net": Decimal("90000.00"),
        "waits_for": None,
    }
    (case,) = crm.rows("SELECT outcome, decided_by, step FROM approval")
    assert case == {"outcome": "granted", "decided_by": "appr-regional-1, appr-global-1", "step": 2}
    (delivery,) = crm.rows("SELECT key, target, event_type, body, generation FROM deliveries")
    assert (delivery["key"], delivery["target"], delivery["event_type"]) == (
        f"quote/{walk.quote_id}",
        "crm",
        "quotewright.quote.changed",
    )
    assert (delivery["body"]["status"], delivery["body"]["client"]) == ("Ordered", "quotewright")
    assert "margin" not in json.dumps(delivery["body"])


def test_an_opportunity_that_tells_its_segment_channel_and_partner_has_its_row(crm: Crm) -> None:
    log = Log()
    more = {"segment": "public", "channel": "indirect", "partner": "partner-7"}
    details = log.details.model_copy(update=more)
    log.crm(OpportunityOpened, details=details)
    log.deal(DealOpened, opportunity=log.ref, details=details)
    crm.hear(log.facts)
    assert crm.rows("SELECT region FROM opportunity") == [{"region": details.region}]


def test_a_batch_writes_each_deal_and_tells_each_quote_once(crm: Crm) -> None:
    log = Log().open()
    Walk(log, "Q-1001").to_presented()
    Walk(log, "Q-1002").to_presented()
    assert len(log.facts) < crm.service.parts.batch_size
    crm.hear(log.facts)
    assert crm.rows("SELECT revision FROM deal_state") == [{"revision": 1}]
    told = crm.rows("SELECT generation, body ->> 'status' AS status FROM deliveries")
    assert told == [{"generation": 1, "status": "Presented"}] * 2


def test_one_fact_at_a_time_and_any_interleaving_give_the_same_rows(
    make_crm: Callable[[], Crm],
) -> None:
    log = Log().open()
    first, second = Walk(log, "Q-1001"), Walk(log, "Q-1002", net=eur("100000"))
    first.to_presented("approvers")
    second.to_presented()
    first.accept()
    whole, single = make_crm(), make_crm()
    whole.hear(log.facts)
    choose, streams, shuffled = random.Random(7), list(streams_of(log.facts).values()), []
    while streams:
        stream = choose.choice(streams)
        shuffled.append(stream.pop(0))
        streams = [each for each in streams if each]
    for each in shuffled:
        single.hear([each])
    states = [{**each.tables(), "deal_state": None} for each in (whole, single)]
    assert states[0] == states[1]


def test_every_fact_is_copied_raw_also_one_that_nobody_here_can_read(crm: Crm) -> None:
    log = Log().open()
    sealed = seal(log.facts[0].fact, log.facts[0].meta)
    meta = replace(log.facts[1].meta, type="quotewright.FromTheFuture", id="future.thing/1/1")
    strange = Sealed(sealed.key, seal(log.facts[1].fact, meta).headers, b"\x00 not json")
    crm.send(crm.settings.facts_topic, [sealed, strange, sealed])
    while crm.facts():
        pass
    copies = crm.rows("SELECT id, type, value FROM fact_log ORDER BY seq")
    assert [(each["id"], bytes(each["value"])) for each in copies] == [
        (log.facts[0].meta.id, sealed.value),
        ("future.thing/1/1", b"\x00 not json"),
    ]


# ---- analytics


def outcomes(tier: str, won: int, lost: int, open_: int) -> list[Opened]:
    """Opportunities of a tier; the first one has three quotes and a second revision: it counts once."""
    facts: list[Opened] = []
    for n in range(won + lost + open_):
        log = Log(record_id=f"OPP-{tier}-{n}", tier=tier).open()
        if n == 0:
            for letter in "abc":
                walk = Walk(log, f"Q-{tier}-{letter}").to_presented()
            walk.revision = 2
            walk.say(QuoteRevised, from_revision=1, items=(), discounts=(), revised_by="user/s")
        if n < won:
            log.crm(OpportunityWon)
        elif n < won + lost:
            log.crm(OpportunityLost, reason="price")
        facts += log.facts
    return facts


def test_win_rate_counts_opportunities_with_their_interval(crm: Crm) -> None:
    crm.hear([*outcomes("gold", 8, 2, 3), *outcomes("silver", 0, 1, 2), *outcomes("new", 0, 0, 1)])
    gold, new, silver = crm.call("GET", "/crm/analytics/win-rate", "analyst").json()["by_tier"]
    assert gold == {
        "tier": "gold",
        "n_won": 8,
        "n_lost": 2,
        "n_open": 3,
        "n_decided": 10,
        "win_rate": "0.800000",
        "win_rate_low": "0.490162",
        "win_rate_high": "0.943318",
        "is_small_sample": False,
    }
    assert (silver["win_rate"], silver["n_open"], silver["is_small_sample"]) == (
        "0.000000",
        2,
        True,
    )
    assert (new["win_rate"], new["win_rate_low"], new["win_rate_high"]) == (None, None, None)


# Source: the score interval's closed form in 50 digits; 8/10 and 0/10 also stand in common tables.
@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [
        (8, 10, "0.490162", "0.943318"),
        (0, 10, "0.000000", "0.277533"),
        (10, 10, "0.722467", "1.000000"),
        (50, 100, "0.403832", "0.596168"),
        (1, 1, "0.206549", "1.000000"),
    ],
)
def test_wilson_bounds_are_the_known_ones(crm: Crm, hits: int, n: int, low: str, high: str) -> None:
    (found,) = crm.rows(f"SELECT bi.wilson({hits}, {n}, -1) AS l, bi.wilson({hits}, {n}, 1) AS h")
    assert (str(found["l"]), str(found["h"])) == (low, high)


def test_a_wilson_bound_is_where_the_score_test_turns(crm: Crm) -> None:
    found = crm.rows(
        "SELECT hits, n, bi.wilson(hits, n, -1) AS l, bi.wilson(hits, n, 1) AS h"
        " FROM generate_series(1, 40, 3) n, generate_series(0, n) hits WHERE hits BETWEEN 1 AND n - 1"
    )
    for each in found:
        share = Decimal(each["hits"]) / each["n"]
        for bound in (each["l"], each["h"]):
            z = abs(share - bound) / (bound * (1 - bound) / each["n"]).sqrt()
            assert abs(z - Decimal("1.959964")) < Decimal("0.0005")


def test_discount_trend_is_weighted_and_takes_one_revision_per_opportunity(crm: Crm) -> None:
    small = Walk(Log("OPP-s").open(), "Q-s", list=eur("10000"), net=eur("9000")).to_presented()
    log = Log("OPP-l").open()
    alternative = Walk(log, "Q-x", list=eur("90000"), net=eur("10000")).to_presented()
    large = Walk(log, "Q-l", list=eur("90000"), net=eur("63000")).to_presented()
    later = Walk(
        Log("OPP-m", starts=T0 + timedelta(days=31)).open(), "Q-m", list=eur("5"), net=eur("4")
    ).to_presented()
    for each in (small, alternative, later):
        crm.hear(each.log.facts)
    assert large.log is log
    months = crm.call("GET", "/crm/analytics/discount-trend?last=2026-03-31", "manager").json()
    (march,) = months["by_month"]
    assert (march["month_date"], march["n_opportunities"], march["list_amount"]) == (
        "2026-03-01",
        2,
        "100000.00",
    )
    assert Decimal(march["discount_rate"]) == Decimal("0.28")
    assert Decimal(march["mean_discount_rate"]) == Decimal("0.2")


def test_analysts_read_bi_and_nothing_else(crm: Crm) -> None:
    crm.hear(Walk(Log().open()).to_presented().log.facts)
    with psycopg.connect(crm.analyst_dsn, autocommit=True) as analyst:
        views = "opportunity quote approval win_rate_by_tier discount_trend waiting time_to_quote"
        for view in views.split():
            analyst.execute(f"SELECT * FROM bi.{view}")
        assert analyst.execute("SELECT number, discount_rate FROM bi.quote").fetchall() == [
            ("Q-1001", Decimal("0.25"))
        ]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            analyst.execute("SELECT * FROM crm_projector.quote")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            analyst.execute("CREATE TABLE bi.mine (x int)")
        analyst.execute("SET default_transaction_read_only = off")  # a default, so not the guard
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            analyst.execute("CREATE TABLE bi.mine (x int)")


def test_every_view_and_column_of_bi_says_what_it_means(crm: Crm) -> None:
    mute = crm.rows(
        "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relnamespace = 'bi'::regnamespace AND a.attnum > 0"
        " AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid) IS NULL)"
    )
    assert mute == []


def test_bi_holds_no_float_no_json_and_no_array(crm: Crm) -> None:
    kinds = crm.rows(
        "SELECT DISTINCT data_type FROM information_schema.columns WHERE table_schema = 'bi'"
    )
    assert {each["data_type"] for each in kinds} <= {
        "uuid",
        "text",
        "numeric",
        "integer",
        "bigint",
        "boolean",
        "date",
        "timestamp with time zone",
    }


def test_time_to_quote_keeps_those_who_still_wait(crm: Crm) -> None:
    crm.hear([*Walk(Log("OPP-a").open()).to_presented().log.facts, *Log("OPP-b").open().facts])
    found = crm.rows("SELECT seconds_to_quote, is_pending FROM bi.time_to_quote ORDER BY 2")
    assert [(each["is_pending"], each["seconds_to_quote"] is None) for each in found] == [
        (False, False),
        (True, True),
    ]


# ---- the read side over HTTP


def test_the_waiting_list_names_who_can_move_a_quote_and_since_when(crm: Crm) -> None:
    walk = Walk(Log().open()).draft().configure().price()
    walk.ask_approvers(walk.submit())
    crm.hear(walk.log.facts)
    (waits,) = crm.call("GET", "/crm/waiting?who=approver", "seller").json()["waiting"]
    assert (waits["number"], waits["waits_for"], waits["movers"]) == (
        "Q-1001",
        "approval",
        "appr-regional-1",
    )
    assert waits["waits_since_at"] == walk.log.facts[-1].meta.time.isoformat()
    assert crm.call("GET", "/crm/waiting?who=customer", "seller").json() == {"waiting": []}


def test_the_history_shows_every_hop_with_its_cause_and_the_wait(crm: Crm) -> None:
    walk = Walk(Log().open()).to_presented()
    other = Walk(walk.log, "Q-2").draft()
    crm.hear(other.log.facts)
    answer = crm.call("GET", "/crm/quotes/Q-1001/history", "seller").json()
    hops = answer["hops"]
    assert [each["fact"] for each in hops] == [
        type(each.fact).__name__ for each in walk.log.facts if each not in other.log.facts[-2:]
    ]
    assert hops[0] == {
        **hops[0],
        "id": walk.log.facts[0].meta.id,
        "time": T0.isoformat(),
        "causation": None,
        "actor": "service/test",
        "since_previous_ms": None,
        "since_cause_ms": None,
    }
    assert {(each["since_previous_ms"], each["since_cause_ms"]) for each in hops[1:]} == {
        (60_000, 60_000)
    }


def test_the_history_tells_the_words_of_questions_and_answers_with_their_case(crm: Crm) -> None:
    walk = Walk(Log().open()).draft().configure().price()
    walk.ask_approvers(walk.submit())
    about = {"case_id": walk.case_id, "question_id": UUID(int=7), "at": T0}
    for kind, more in (
        (ApprovalQuestionAsked, {"text": "Is it <b>signed</b>?", "asked_by": "appr-1"}),
        (ApprovalQuestionAnswered, {"text": "Yes.", "answered_by": "seller-1"}),
    ):
        walk.answer("approvals.case", kind, **about, **more)
    crm.hear(walk.log.facts)
    hops = crm.call("GET", "/crm/quotes/Q-1001/history", "seller").json()["hops"]
    said = [(each["fact"], each["said"], each["case_id"]) for each in hops if "said" in each]
    assert said == [
        ("ApprovalQuestionAsked", "Is it <b>signed</b>?", str(walk.case_id)),
        ("ApprovalQuestionAnswered", "Yes.", str(walk.case_id)),
    ]


def test_a_margin_is_shown_to_those_who_may_see_it_only(crm: Crm) -> None:
    crm.hear(Walk(Log().open()).to_presented().log.facts)
    shown = {
        role: crm.call("GET", "/crm/quotes/Q-1001", role).json()
        for role in ("seller", "approver", "manager", "analyst", "admin")
    }
    assert "margin" not in json.dumps(shown.pop("seller"))
    margins = {each["revisions"][0]["internal"]["margin"] for each in shown.values()}
    assert margins == {"30000.00"}


def test_opportunities_are_filtered_and_paged(crm: Crm) -> None:
    for n in range(5):
        crm.hear(Log(f"OPP-{n}", starts=T0 + timedelta(hours=n)).open().facts)
    first = crm.call("GET", "/crm/opportunities?owner=seller-1&limit=3", "seller").json()
    last = first["opportunities"][-1]["deal_id"]
    rest = crm.call("GET", f"/crm/opportunities?after={last}", "seller").json()["opportunities"]
    seen = [each["record_id"] for each in first["opportunities"] + rest]
    assert seen == ["OPP-4", "OPP-3", "OPP-2", "OPP-1", "OPP-0"]
    assert crm.call("GET", "/crm/opportunities?tier=none", "seller").json()["opportunities"] == []
    assert crm.call("GET", "/crm/opportunities?limit=201", "seller").status_code == 422


def test_what_is_not_there_is_not_found(crm: Crm) -> None:
    for path in ("/crm/quotes/Q-0", "/crm/quotes/Q-0/history", f"/crm/opportunities/{UUID(int=1)}"):
        assert crm.call("GET", path, "seller").status_code == 404


def test_sellers_do_not_rebuild_and_do_not_see_analytics(crm: Crm) -> None:
    assert crm.call("POST", "/crm/rebuild", "manager").status_code == 403
    assert crm.call("GET", "/crm/analytics/win-rate", "seller").status_code == 403


# ---- CRMs at the doors


def test_a_signed_webhook_becomes_a_fact_once(crm: Crm) -> None:
    first = crm.webhook(raw())
    crm.clock.advance(seconds=5)
    again = crm.webhook(raw())
    assert (first.status_code, first.json()["events"][0]["facts"]) == (200, ["OpportunityOpened"])
    assert again.json() == first.json()
    assert len(crm.rows("SELECT 1 FROM events")) == 1


def test_a_replayed_or_unsigned_webhook_is_not_let_in(crm: Crm) -> None:
    assert crm.webhook(raw()).status_code == 200
    assert crm.webhook(raw()).status_code == 401
    assert crm.call("POST", "/crm/webhooks/example", content=raw()).status_code == 401


def test_a_malformed_webhook_names_the_field_and_may_come_again(crm: Crm) -> None:
    refused = crm.webhook(raw(BODY | {"type": "opportunity.exploded"}))
    assert (refused.status_code, refused.json()["fields"][0]["field"]) == (422, "type")
    assert crm.webhook(raw()).status_code == 200


def test_another_event_under_a_used_id_is_a_conflict(crm: Crm) -> None:
    crm.webhook(raw())
    crm.clock.advance(seconds=5)
    other = BODY | {"opportunity": BODY["opportunity"] | {"stage": "Proposal"}}
    assert crm.webhook(raw(other)).status_code == 409


def test_the_topic_takes_cloudevents_once_and_parks_what_does_not_fit(crm: Crm) -> None:
    records = [
        Sealed(b"k", binary(), raw()),
        Sealed(b"other", binary(), b"{"),
        Sealed(b"k", binary(), raw()),
    ]
    crm.send(crm.settings.inbound_topic, records)
    while crm.door():
        pass
    assert len(crm.rows("SELECT 1 FROM events")) == 1
    (parked,) = crm.rows("SELECT value, code FROM parked")
    assert (bytes(parked["value"]), parked["code"]) == (b"{", "poison")
