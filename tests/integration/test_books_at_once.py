"""Two people act on the same version or what-if at the same moment; parents go round in no circle."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from tests.integration.pricer_service import WHAT_IFS, a_version, running
from tests.unit.pricer.test_pricer_shelf import a_catalogue
from tests.unit.pricer.test_pricer_shelf import a_version as a_file


@pytest.fixture
def pricer(make_database, clock, tmp_path):
    catalogue = a_catalogue(tmp_path / "catalogue", a_file(1))
    with running(make_database, clock, tmp_path, catalogue) as (found,):
        yield found


def test_of_two_who_publish_one_version_at_once_one_does_and_the_other_is_told(pricer):
    draft = pricer.drafts(a_version(2, "12.50"))
    with ThreadPoolExecutor(2) as both:
        asked = [both.submit(partial(pricer.publishes, draft, idempotency_key=f"by-{who}"))
                 for who in ("ann", "bob")]  # fmt: skip
        answers = sorted((each.result() for each in asked), key=lambda it: it.status_code)
    assert answers[0].status_code == 200
    assert answers[1].status_code in {409, 422}
    assert "published" in answers[1].json()["detail"]
    acts = pricer.asks("GET", "/books/bts/2/acts").json()
    assert str(acts).count("prices of the season") == 1
    assert pricer.prices().json()["totals"]["net"]["amount"] == "12.50"


def test_books_derived_from_one_another_in_a_circle_are_never_published(pricer):
    def derived(number, parent):
        above = {"id": "bts", "version": parent, "percent_off": "5", "inherit": True}
        return pricer.asks(
            "PUT", f"/books/bts/{number}", a_version(number, parent=above, entries=[])
        )

    for number, parent in ((4, 6), (5, 4), (6, 5)):
        told = derived(number, parent)
        if told.status_code == 200:
            told = pricer.publishes(told.json())
        assert told.status_code == 422
        assert "is not published; publish it first, or correct parent" in told.json()["detail"]
    for number, parent in ((7, 1), (8, 7), (9, 8)):  # a chain is none
        assert pricer.publishes(derived(number, parent).json()).status_code == 200


def test_a_what_if_that_is_over_can_not_be_cancelled_any_more(pricer):
    begun = pricer.asks("POST", WHAT_IFS, {"name": "a", "version": {"id": "bts", "version": 1}})
    id_ = begun.json()["what_if"]["what_if_id"]
    pricer.works()
    answer = pricer.asks("POST", f"{WHAT_IFS}/{id_}/cancel")
    assert answer.status_code == 200
    assert pricer.found(id_)["what_if"]["state"] == "done"


def test_a_cancelled_what_if_is_not_ended_by_the_work_that_was_under_way(pricer):
    begun = pricer.asks("POST", WHAT_IFS, {"name": "a", "version": {"id": "bts", "version": 1}})
    id_ = begun.json()["what_if"]["what_if_id"]
    with ThreadPoolExecutor(2) as both:
        work = both.submit(pricer.works)
        stop = both.submit(pricer.asks, "POST", f"{WHAT_IFS}/{id_}/cancel")
        assert (work.result(), stop.result().status_code)[1] == 200
    state = stop.result().json()["what_if"]["state"]
    assert state in {"done", "cancelled"}
    assert pricer.found(id_)["what_if"]["state"] == state


def test_what_is_tried_of_a_book_that_is_given_up_meanwhile_is_carried_out(pricer):
    draft = pricer.drafts(a_version(2, "12.50"))
    begun = pricer.asks("POST", WHAT_IFS, {"name": "a", "version": {"id": "bts", "version": 2}})
    path = "/books/bts/2/discard"
    assert pricer.asks("POST", path, {"sha256": draft["sha256"]}).status_code < 300
    pricer.works()
    assert pricer.found(begun.json()["what_if"]["what_if_id"])["what_if"]["state"] == "done"
