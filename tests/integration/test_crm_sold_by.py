"""Segment, channel and partner for analysts: in the rows, in the views of `bi`, after a rebuild."""

import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from contracts.opportunity import OpportunityDetailsChanged, OpportunityLost, OpportunityWon
from infra.postgres import PLUMBING, migrate
from tests.integration.crm_service import NAME, Crm
from tests.unit.crm_projector.walks import Log, Walk, eur

SOLD_BY = {"segment": "public", "channel": "indirect", "partner": "partner-7"}
TODAY = Path(__file__).parents[2] / "services" / NAME / "migrations"
SINCE = "0006_sold_by_in_bi.sql"
NOTHING = dict.fromkeys(SOLD_BY)
COLUMNS = ", ".join(SOLD_BY)
VIEWS = [f"{figure}_by_{name}" for figure in ("win_rate", "discount_trend") for name in SOLD_BY]


def now_of(crm: Crm, view: str) -> list[dict[str, Any]]:
    return crm.rows(f"SELECT {COLUMNS} FROM {view}")


def sold_by_a_partner(crm: Crm) -> Walk:
    """One deal that says who sells it and is won, one that says nothing and is lost, both presented."""
    walk = Walk(Log("OPP-p", sold_by=SOLD_BY).open(), "Q-p").to_presented()
    walk.log.crm(OpportunityWon)
    bare = Walk(Log("OPP-b").open(), "Q-b", net=eur("108000")).to_presented()
    bare.log.crm(OpportunityLost, reason="price")
    crm.hear([*walk.log.facts, *bare.log.facts])
    return walk


@pytest.mark.parametrize("view", ["opportunity", "quote", "time_to_quote"])
def test_a_view_says_who_sells_it_and_null_where_the_crm_says_nothing(crm: Crm, view: str) -> None:
    sold_by_a_partner(crm)
    found = crm.rows(f"SELECT {COLUMNS} FROM bi.{view} ORDER BY segment NULLS LAST")
    assert found == [SOLD_BY, NOTHING]


@pytest.mark.parametrize("name", SOLD_BY)
def test_win_rate_and_discount_stand_by_each_of_them_with_a_row_for_nothing_told(
    crm: Crm, name: str
) -> None:
    sold_by_a_partner(crm)
    rates = crm.rows(
        f"SELECT {name} AS by, n_won, n_lost, n_open, n_decided, win_rate, win_rate_low, is_small_sample"
        f" FROM bi.win_rate_by_{name} ORDER BY 1 NULLS LAST"
    )
    assert [tuple(each.values()) for each in rates] == [
        (SOLD_BY[name], 1, 0, 0, 1, Decimal(1), Decimal("0.206549"), True),
        (None, 0, 1, 0, 1, Decimal(0), Decimal(0), True),
    ]
    trend = crm.rows(
        f"SELECT {name} AS by, currency, n_opportunities, list_amount, net_amount, discount_rate"
        f" FROM bi.discount_trend_by_{name} ORDER BY 1 NULLS LAST"
    )
    assert [tuple(each.values()) for each in trend] == [
        (SOLD_BY[name], "EUR", 1, Decimal(120000), Decimal(90000), Decimal("0.25")),
        (None, "EUR", 1, Decimal(120000), Decimal(108000), Decimal("0.1")),
    ]


def test_a_quote_keeps_what_it_was_priced_for_when_the_crm_says_otherwise_later(crm: Crm) -> None:
    log = Log(sold_by=SOLD_BY).open()
    walk = Walk(log).to_presented()
    log.sold_by = {"segment": "utilities"}
    changed = tuple(SOLD_BY)
    log.crm(OpportunityDetailsChanged, details=log.details, changed=changed)
    crm.hear(walk.log.facts)
    assert now_of(crm, "bi.opportunity") == [{**NOTHING, "segment": "utilities"}]
    assert now_of(crm, "bi.quote") == [SOLD_BY]
    assert crm.rows("SELECT segment, n_open FROM bi.win_rate_by_segment") == [
        {"segment": "public", "n_open": 1}
    ]


def test_an_opportunity_without_an_offer_counts_by_what_the_crm_says_now(crm: Crm) -> None:
    log = Log(sold_by=SOLD_BY).open()
    Walk(log).draft()
    crm.hear(log.facts)
    assert crm.rows("SELECT partner, n_open FROM bi.win_rate_by_partner") == [
        {"partner": "partner-7", "n_open": 1}
    ]
    assert now_of(crm, "bi.quote") == [NOTHING]
    assert crm.rows("SELECT * FROM bi.discount_trend_by_partner") == []


def test_a_rebuild_gives_the_same_rows_of_who_sells_it(crm: Crm) -> None:
    crm.patient = True
    sold_by_a_partner(crm)
    views = ["opportunity", "quote", "time_to_quote", *VIEWS]
    before = {each: crm.rows(f"SELECT * FROM bi.{each} ORDER BY 1, 2, 3") for each in views}
    revisions = now_of(crm, "quote_revision_1 ORDER BY segment")
    report = crm.rebuilt()
    assert (report["differ"], report["only_old"], report["only_new"]) == (0, 0, 0)
    assert {each: crm.rows(f"SELECT * FROM bi.{each} ORDER BY 1, 2, 3") for each in views} == before
    assert now_of(crm, "quote_revision_2 ORDER BY segment") == revisions == [SOLD_BY, NOTHING]


def test_a_rebuild_tells_who_sells_it_of_revisions_that_were_priced_before(crm: Crm) -> None:
    crm.patient = True
    sold_by_a_partner(crm)
    emptied = ", ".join(f"{name} = NULL" for name in SOLD_BY)
    crm.sql(f"UPDATE quote_revision_1 SET {emptied}")
    assert now_of(crm, "bi.quote ORDER BY segment") == [NOTHING, NOTHING]
    assert crm.rebuilt()["differ"] == 1
    assert now_of(crm, "bi.quote ORDER BY segment") == [SOLD_BY, NOTHING]


def test_analysts_may_read_every_view_of_who_sells_it(crm: Crm) -> None:
    sold_by_a_partner(crm)
    with psycopg.connect(crm.analyst_dsn, autocommit=True) as analyst:
        for view in VIEWS:
            assert len(analyst.execute(f"SELECT * FROM bi.{view}").fetchall()) == 2


def test_generations_from_before_have_the_columns_and_their_figures_stay(
    make_database: Callable[..., Any], tmp_path: Path
) -> None:
    older = tmp_path / NAME / "migrations"
    shutil.copytree(TODAY, older)
    (older / SINCE).unlink()
    dsn = make_database(crm_projector=[NAME, "bi"]).dsn(NAME)
    with psycopg.connect(dsn, options=f"-c search_path={NAME}") as store:
        migrate(store, [PLUMBING, older])
        store.execute("SELECT create_generation(2), create_generation(3)")
        store.execute("UPDATE generation SET stage = 'previous'")
        store.execute(
            "INSERT INTO generation (number, stage) VALUES (2, 'current'), (3, 'folding')"
        )
        store.execute(
            "INSERT INTO quote_revision_2 (quote_id, revision, deal_id, stage, since,"
            " is_representative, net) SELECT deal, 1, deal, 'priced', now(), false, 5"
            " FROM gen_random_uuid() deal"
        )
        store.execute("SELECT point_views_at(2)")
        store.commit()
        assert migrate(store, [PLUMBING, TODAY]) == [f"{NAME}/{SINCE}"]
        for number in (1, 2, 3):
            store.execute(f"SELECT {COLUMNS} FROM quote_revision_{number}")
        found = store.execute(f"SELECT net, {COLUMNS} FROM quote_revision").fetchall()
    assert found == [(5, None, None, None)]
