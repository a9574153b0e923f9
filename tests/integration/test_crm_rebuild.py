"""Rebuilding crm_projector's views blue/green, on a real PostgreSQL, under the live path."""

from dataclasses import replace
from typing import Any

import psycopg
import pytest

from contracts.envelope import Opened, Sealed, seal
from contracts.errors import Unavailable
from contracts.quote import QuoteDeclined
from services.crm_projector import rebuild as job
from tests.integration.crm_service import TABLES, Crm
from tests.unit.crm_projector.walks import T0, Log, Walk

STATES = [each for each in TABLES if each != "deal_state"]


def three_deals(crm: Crm) -> list[Walk]:
    walks = []
    for n in range(3):
        walk = Walk(Log(f"OPP-{n}").open(), f"Q-{n}").to_presented("approvers")
        if n == 1:
            walk.accept()
        crm.hear(walk.log.facts)
        walks.append(walk)
    return walks


def declined(walk: Walk) -> list[Opened]:
    """The customer's no, as the facts still to be heard."""
    said = len(walk.log.facts)
    walk.say(QuoteDeclined, reason_code="price", comment=None, at=T0)
    return walk.log.facts[said:]


def in_generation(crm: Crm, number: int) -> dict[str, list[dict[str, Any]]]:
    return {each: crm.rows(f"SELECT * FROM {each}_{number} ORDER BY 1, 2") for each in STATES}


def deliveries(crm: Crm) -> list[dict[str, Any]]:
    return crm.rows("SELECT key, body, generation FROM deliveries ORDER BY key")


@pytest.fixture(autouse=True)
def _patient(crm: Crm) -> None:
    """Let the consumer wait where the generations have changed, as it does in the service."""
    crm.patient = True


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of a few facts, so that a rebuild takes many steps."""
    monkeypatch.setattr(job, "FACTS_PAGE", 7)
    monkeypatch.setattr(job, "LAST_FACTS_MAX", 2)


# ---- what it makes


def test_a_rebuild_of_right_rows_finds_no_difference_and_tells_nobody(crm: Crm) -> None:
    three_deals(crm)
    before, told = crm.tables(), deliveries(crm)
    report = crm.rebuilt()
    assert (report["deals"], report["facts"], report["unreadable"]) == (
        3,
        len(crm.rows("SELECT 1 FROM fact_log")),
        0,
    )
    assert (report["differ"], report["only_old"], report["only_new"]) == (0, 0, 0)
    assert {**crm.tables(), "deal_state": None} == {**before, "deal_state": None}
    assert deliveries(crm) == told


@pytest.mark.usefixtures("small_pages")
def test_many_small_steps_make_the_same_rows_from_nothing(crm: Crm) -> None:
    three_deals(crm)
    before = {each: crm.rows(f"SELECT * FROM {each} ORDER BY 1, 2") for each in STATES}
    crm.sql(*(f"DELETE FROM {each}_1" for each in TABLES))
    report = crm.rebuilt()
    assert in_generation(crm, 2) == before
    assert report["only_new"] == sum(map(len, before.values()))


def test_a_rebuild_names_what_differed_and_keeps_the_old_rows(crm: Crm) -> None:
    three_deals(crm)
    before = crm.rows("SELECT * FROM quote ORDER BY number")
    crm.sql(
        "UPDATE quote_1 SET net = 1, status = 'Lost' WHERE number = 'Q-1'",
        "INSERT INTO quote_revision_1 (quote_id, revision, deal_id, stage, since, is_representative)"
        " SELECT quote_id, 99, deal_id, 'drafted', now(), false FROM quote WHERE number = 'Q-2'",
        "INSERT INTO deal_state_1 VALUES (gen_random_uuid(), 1, '{}')",
    )
    report = crm.rebuilt()
    assert (report["differ"], report["only_old"], report["only_new"]) == (1, 1, 0)
    wrong, surplus = sorted(report["examples"], key=lambda each: each["table"])
    assert (wrong["table"], wrong["columns"], wrong["only"]) == ("quote", ["status", "net"], None)
    assert (surplus["table"], surplus["key"][1], surplus["only"]) == ("quote_revision", "99", "old")
    assert crm.rows("SELECT * FROM quote ORDER BY number") == before
    assert crm.rows("SELECT count(*) AS n FROM deal_state") == [{"n": 3}]
    assert crm.rows("SELECT status FROM quote_1 WHERE number = 'Q-1'") == [{"status": "Lost"}]


def test_a_new_column_is_null_until_the_rebuild_and_not_compared(crm: Crm) -> None:
    three_deals(crm)
    crm.sql("ALTER TABLE quote_0 ADD COLUMN told text", "SELECT point_views_at(1)")
    assert {each["told"] for each in crm.rows("SELECT * FROM quote")} == {None}
    report = crm.rebuilt()
    assert (report["differ"], report["only_old"], report["only_new"]) == (0, 0, 0)
    walk = Walk(Log("OPP-9").open(), "Q-9").to_presented()
    crm.hear(walk.log.facts)
    for number in (1, 2):
        assert crm.rows(f"SELECT number FROM quote_{number} WHERE number = 'Q-9'")


def test_a_state_of_an_earlier_version_is_read_and_renewed_by_a_rebuild(crm: Crm) -> None:
    walk = Walk(Log().open()).to_presented()
    crm.hear(walk.log.facts)
    crm.sql("UPDATE deal_state_1 SET state = state || '{\"gone\": 1}'")
    crm.rebuilt()
    assert crm.rows("SELECT 1 FROM deal_state WHERE state ? 'gone'") == []
    crm.hear(declined(walk))
    assert crm.rows("SELECT status FROM quote_1") == crm.rows("SELECT status FROM quote")


# ---- while the live path goes on


@pytest.mark.usefixtures("small_pages")
def test_facts_heard_at_any_moment_of_a_rebuild_stand_in_both_generations(crm: Crm) -> None:
    walks = three_deals(crm)
    late = [each for walk in walks[::2] for each in declined(walk)]
    for n in range(3, 9):
        late += Walk(Log(f"OPP-{n}").open(), f"Q-{n}").to_presented().log.facts
    number = crm.start_rebuild()
    for each in late:
        crm.build()
        crm.hear([each])
    while crm.build():
        pass
    assert crm.generation(number)["stage"] == "current"
    report = crm.generation(number)["report"]
    assert (report["differ"], report["only_old"], report["only_new"]) == (0, 0, 0)
    assert in_generation(crm, 1) == in_generation(crm, 2)
    assert len(crm.rows("SELECT 1 FROM quote")) == 9


def test_each_quote_is_told_once_for_a_batch_that_meets_the_swap(crm: Crm) -> None:
    walk = Walk(Log().open()).to_presented()
    crm.hear(walk.log.facts)
    assert [each["generation"] for each in deliveries(crm)] == [1]
    crm.rebuilt()
    assert [each["generation"] for each in deliveries(crm)] == [1]
    crm.hear(declined(walk))
    (told,) = deliveries(crm)
    assert (told["generation"], told["body"]["status"]) == (2, "Declined")


def test_a_commit_for_generations_that_have_changed_is_decided_again(crm: Crm) -> None:
    walk = Walk(Log().open()).to_presented()
    crm.hear(walk.log.facts)
    crm.rebuilt()
    crm.patient = False
    with pytest.raises(AssertionError, match="not available, would wait up to"):
        crm.hear(declined(walk))
    assert {each["status"] for each in crm.rows("SELECT status FROM quote")} == {"Presented"}


# ---- what is parked


def unreadable(walk: Walk) -> list[Sealed]:
    """A fact of the walk that nobody can read yet, and one behind it."""
    said = len(walk.log.facts)
    walk.say(QuoteDeclined, reason_code="price", comment=None, at=T0)
    walk.say(QuoteDeclined, reason_code="timing", comment="really", at=T0)
    bad, good = walk.log.facts[said:]
    return [
        replace(seal(bad.fact, bad.meta), value=b"\x00 not json"),
        seal(good.fact, good.meta),
    ]


def test_a_parked_fact_and_those_behind_it_are_not_folded_by_a_rebuild_either(crm: Crm) -> None:
    walk = Walk(Log().open()).to_presented()
    crm.hear(walk.log.facts)
    crm.send(crm.settings.facts_topic, unreadable(walk))
    crm.hear([])
    assert crm.rows("SELECT count(*) AS n FROM fact_log WHERE held") == [{"n": 2}]
    report = crm.rebuilt()
    assert (report["differ"], report["held"]) == (0, 2)
    assert crm.rows("SELECT status FROM quote") == [{"status": "Presented"}]


def test_what_is_retried_after_a_rebuild_went_by_is_folded_in_both_and_told_once(crm: Crm) -> None:
    walk = Walk(Log().open()).to_presented()
    crm.hear(walk.log.facts)
    bad, behind = unreadable(walk)
    crm.send(crm.settings.facts_topic, [bad, behind])
    crm.hear([])
    number = crm.start_rebuild()
    crm.build()
    crm.mend(bad.value, seal(walk.log.facts[-2].fact, walk.log.facts[-2].meta).value)
    crm.retry_parked()
    while crm.build():
        pass
    assert crm.generation(number)["stage"] == "current"
    assert in_generation(crm, 1) == in_generation(crm, 2)
    assert crm.rows("SELECT reason FROM quote") == [{"reason": "really"}]
    assert [each["body"]["reason"] for each in deliveries(crm)] == ["really"]


def test_a_fact_that_can_not_be_read_ends_its_deals_fold_and_is_reported(crm: Crm) -> None:
    walks = three_deals(crm)
    broken = walks[0].log.facts[-1].meta.id
    crm.sql(f"UPDATE fact_log SET value = 'broken' WHERE id = '{broken}'")
    report = crm.rebuilt()
    assert (report["unreadable"], report["differ"]) == (1, 3)
    assert crm.rows("SELECT status FROM quote WHERE number = 'Q-0'") == [{"status": "Approved"}]


# ---- back, and done


def test_a_rollback_is_at_once_and_nothing_was_missed_meanwhile(crm: Crm) -> None:
    walks = three_deals(crm)
    crm.sql("UPDATE quote_1 SET net = 1")
    crm.rebuilt()
    crm.hear(declined(walks[0]))
    assert crm.ask("POST", "/crm/rebuild/rollback") == {"generation": 1}
    rows = crm.rows("SELECT number, net, status FROM quote ORDER BY number")
    assert [(each["net"], each["status"]) for each in rows] == [
        (90000, "Declined"),  # written anew by the live path
        (1, "Ordered"),
        (1, "Presented"),
    ]
    crm.hear(declined(walks[2]))
    assert crm.ask("POST", "/crm/rebuild/rollback") == {"generation": 2}
    assert crm.rows("SELECT status FROM quote WHERE number = 'Q-2'") == [{"status": "Declined"}]


def test_a_retired_generation_is_fed_no_more_and_dropped(crm: Crm) -> None:
    walks = three_deals(crm)
    crm.rebuilt()
    assert crm.ask("POST", "/crm/rebuild/retire") == {"generation": 1}
    crm.hear(declined(walks[0]))
    assert crm.build() == 1
    assert crm.build() == 0
    assert crm.rows("SELECT to_regclass('quote_1') AS it") == [{"it": None}]
    crm.hear(declined(walks[2]))
    refused = crm.call("POST", "/crm/rebuild/rollback", "admin")
    assert (refused.status_code, refused.json()["code"]) == (422, "crm.no_such_generation")
    assert len(crm.rows("SELECT 1 FROM quote WHERE status = 'Declined'")) == 2


def test_the_next_rebuild_drops_the_previous_generation(crm: Crm) -> None:
    three_deals(crm)
    crm.rebuilt()
    crm.rebuilt()
    found = crm.ask("GET", "/crm/rebuild")["generations"]
    assert [(each["number"], each["stage"]) for each in found] == [(2, "previous"), (3, "current")]
    assert crm.rows("SELECT to_regclass('quote_1') AS it") == [{"it": None}]


def test_a_second_rebuild_while_one_runs_is_refused_and_one_can_be_given_up(crm: Crm) -> None:
    three_deals(crm)
    number = crm.start_rebuild()
    refused = crm.call("POST", "/crm/rebuild", "admin")
    assert refused.status_code == 409
    assert refused.json()["code"] == "crm.rebuild_runs"
    assert f"generation {number} is being built since" in refused.json()["detail"]
    assert crm.ask("POST", "/crm/rebuild/give-up") == {"generation": number}
    while crm.build():
        pass
    assert crm.rows("SELECT to_regclass('quote_2') AS it") == [{"it": None}]
    assert crm.rebuilt()["differ"] == 0


def test_two_builders_of_one_rebuild_do_not_write_over_one_another(crm: Crm) -> None:
    three_deals(crm)
    crm.start_rebuild()
    with crm.plumbing.pool.connection() as connection:
        cursor = connection.cursor(row_factory=psycopg.rows.dict_row)
        stale = cursor.execute(job.UNFINISHED).fetchone()
        crm.build()
        builder = job.Rebuilding(crm.plumbing.pool, crm.service.parts.registry)
        with pytest.raises((Unavailable, psycopg.errors.SerializationFailure)):
            builder._step(connection, stale or {})
    while crm.build():
        pass
    assert crm.rows("SELECT count(*) AS n FROM deal_state") == [{"n": 3}]
