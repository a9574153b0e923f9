"""The sender: signed, tried again with patience, one per key at a time, nobody waits for a dead receiver."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from contracts.errors import Unavailable
from infra.deliveries import BACKOFF_MAX_S, MAX_BODY_BYTES, PER_TARGET, Sender, client, webhook_id
from infra.outbox import DueDelivery, MemoryOutbox
from infra.seen import MemorySeen
from infra.settings import Endpoint
from infra.webhooks import Verifier
from infra.work import Delivery

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DEAL = UUID("00000000-0000-4000-8000-000000000001")
SECRET = SecretStr("whsec_" + "AQEB" * 8)
OLD_SECRET = SecretStr("whsec_" + "AgIC" * 8)
ENDPOINTS = {
    "crm": Endpoint(url="http://crm.example/hooks", secret=SECRET, old_secret=OLD_SECRET),
    "approvals": Endpoint(url="http://approvals.example/hooks", secret=SECRET),
}
Answer = Callable[[httpx.Request], httpx.Response]


class Post:
    """A sender with its outbox, a clock to turn, and a receiver that notes what it gets."""

    def __init__(self, answer: Answer, jitter: Callable[[float], float]) -> None:
        self.now = NOW
        self.outbox = MemoryOutbox()
        self.got: list[httpx.Request] = []
        self.answer = answer
        self.http = httpx.Client(transport=httpx.MockTransport(self._take))
        self.sender = Sender(self.outbox, ENDPOINTS, self.http, lambda: self.now, jitter)

    def _take(self, request: httpx.Request) -> httpx.Response:
        self.got.append(request)
        return self.answer(request)

    def put(self, key: str, state: str = "priced", target: str = "crm") -> None:
        self.outbox.put(Delivery(key, target, "deal.changed", {"state": state}, DEAL), self.now)

    def waits_s(self) -> float:
        """Seconds until the only message is due again."""
        for seconds in range(2 * int(BACKOFF_MAX_S)):
            if self.outbox.due(self.now + timedelta(seconds=seconds), 1, [], []):
                return seconds
        raise AssertionError("it is never due again")


@pytest.fixture(autouse=True)
def lines() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as found:
        yield found


@pytest.fixture
def posting() -> Iterator[Callable[..., Post]]:
    made: list[Post] = []

    def post(
        answer: Answer | int = 200, jitter: Callable[[float], float] = lambda most: most
    ) -> Post:
        made.append(Post(answer if callable(answer) else lambda _: httpx.Response(answer), jitter))
        return made[-1]

    yield post
    for each in made:
        each.sender.close()


def test_a_message_goes_out_once_and_is_gone(posting):
    post = posting(204)
    post.put("deal/1")
    assert post.sender.run_once() == 1
    assert post.outbox.due(NOW + timedelta(days=1), 9, [], []) == []
    (request,) = post.got
    assert (request.method, str(request.url)) == ("POST", "http://crm.example/hooks")
    assert json.loads(request.content) == {
        "type": "deal.changed",
        "timestamp": "2026-03-02T09:00:00+00:00",
        "data": {"state": "priced"},
    }


@pytest.mark.parametrize("secret", [SECRET, OLD_SECRET])
def test_a_receiver_verifies_it_by_the_new_secret_and_by_the_old(posting, secret):
    post = posting(200)
    post.put("deal/1")
    post.sender.run_once()
    verifier = Verifier({"quoting": [secret]}, MemorySeen(), lambda: NOW)
    call = verifier.verified(post.got[0], post.got[0].content, "quoting")
    assert call.id == post.got[0].headers["webhook-id"]


def test_a_message_keeps_its_id_and_bytes_over_attempts_and_is_signed_anew(posting):
    post = posting(503)
    post.put("deal/1")
    for _ in range(2):
        post.sender.run_once()
        post.now += timedelta(seconds=60)
    first, second = post.got
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.content == second.content
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]


def test_a_newer_message_of_the_key_has_another_id_though_the_first_was_taken(posting):
    post = posting(200)
    for state in ("priced", "approved"):
        post.put("deal/1", state)
        post.sender.run_once()
    assert post.got[0].headers["webhook-id"] != post.got[1].headers["webhook-id"]


@settings(max_examples=50)
@given(st.text(min_size=1, max_size=60))
def test_an_id_always_is_one_that_a_receiver_accepts(key):
    outbox = MemoryOutbox()
    outbox.put(Delivery(key, "crm", "t", {}, DEAL), NOW)
    (due,) = outbox.due(NOW, 1, [], [])
    assert len(webhook_id(due)) <= 64
    assert "." not in webhook_id(due)


def test_a_row_that_was_gone_and_came_back_never_bears_an_id_again():
    # A commit that runs beside the removal of the row may count the same generation twice.
    due = DueDelivery("deal/1", "crm", "t", {}, DEAL, 1, 0, NOW)
    later = replace(due, created_at=NOW + timedelta(microseconds=1))
    assert webhook_id(due) != webhook_id(later)


def test_waits_grow_twofold_up_to_a_quarter_of_an_hour(posting):
    post = posting(500)
    post.put("deal/1")
    waits = []
    for _ in range(13):
        post.sender.run_once()
        waits.append(post.waits_s())
        post.now += timedelta(seconds=waits[-1])
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]


def test_the_wait_is_drawn_from_nothing_to_the_ceiling(posting):
    ceilings: list[float] = []
    post = posting(500, lambda most: ceilings.append(most) or most / 2)
    post.put("deal/1")
    post.sender.run_once()
    post.now += timedelta(seconds=1)
    post.sender.run_once()
    assert (ceilings, post.waits_s()) == ([1.0, 2.0], 1)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_may_mend_itself_is_tried_for_ever(posting, status):
    post = posting(status)
    post.put("deal/1")
    for _ in range(20):
        post.sender.run_once()
        post.now += timedelta(seconds=BACKOFF_MAX_S)
    assert (len(post.got), post.outbox.stuck()) == (20, {})


@pytest.mark.parametrize("status", [301, 307, 400, 401, 404, 413, 422])
def test_a_receiver_that_refuses_is_asked_three_times_then_a_person(posting, status):
    post = posting(
        lambda _: httpx.Response(status, headers={"location": "http://169.254.169.254/"})
    )
    post.put("deal/1")
    for _ in range(6):
        post.sender.run_once()
        post.now += timedelta(seconds=BACKOFF_MAX_S)
    assert len(post.got) == 3
    assert {request.url.host for request in post.got} == {"crm.example"}
    assert post.outbox.stuck() == {"deal/1": f"the receiver answers {status}"}


def test_a_receiver_that_is_gone_is_not_asked_again(posting):
    post = posting(410)
    post.put("deal/1")
    post.sender.run_once()
    assert post.outbox.stuck() == {"deal/1": "the receiver answers 410"}


def test_a_receiver_that_names_a_time_gets_it_within_reason(posting):
    for asked, expected in (("30", 30), ("99999", 900), ("soon", 1), ("-5", 1), ("٣", 1)):
        headers = [(b"retry-after", asked.encode())]
        post = posting(lambda _, headers=headers: httpx.Response(503, headers=headers))
        post.put("deal/1")
        post.sender.run_once()
        assert (asked, post.waits_s()) == (asked, expected)


@pytest.mark.parametrize(
    "fault", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError]
)
def test_a_receiver_that_does_not_answer_is_tried_again(posting, fault):
    def answer(request: httpx.Request) -> httpx.Response:
        raise fault("http://user:secret@crm.example", request=request)

    post = posting(answer)
    post.put("deal/1")
    post.sender.run_once()
    assert (post.waits_s(), post.outbox.stuck()) == (1, {})


def test_an_error_of_ours_puts_the_message_off_and_the_others_go_on(posting, lines):
    def answer(request: httpx.Request) -> httpx.Response:
        if b'"odd"' in request.content:
            raise ZeroDivisionError
        return httpx.Response(200)

    post = posting(answer)
    post.put("deal/1", "odd")
    post.put("deal/2")
    assert post.sender.run_once() == 2
    assert (post.waits_s(), post.outbox.stuck()) == (1, {})
    assert "delivery_broke" in {line["event"] for line in lines}


class AwayOutbox(MemoryOutbox):
    def done(self, key: str, generation: int) -> None:
        raise Unavailable("the database does not answer now")


def test_a_table_that_is_away_is_not_asked_in_a_hurry(posting, lines):
    post = posting(200)
    post.sender = Sender(away := AwayOutbox(), ENDPOINTS, post.http, lambda: NOW, lambda most: most)
    away.put(Delivery("deal/1", "crm", "t", {}, DEAL), NOW)
    woken: list[bool] = []
    assert post.sender.run_once() == 1
    assert [
        each.result(timeout=5) for each in post.sender.dispatch(lambda: woken.append(True))
    ] == [False]
    assert (woken, len(away.due(NOW, 9, [], []))) == ([], 1)
    assert [line["event"] for line in lines] == ["delivery_not_settled"] * 2


def test_a_target_without_an_endpoint_waits_for_a_person(posting):
    post = posting(200)
    post.put("deal/1", target="fax")
    post.sender.run_once()
    assert (post.got, post.outbox.stuck()) == ([], {"deal/1": "QW_ENDPOINTS has no fax"})


def test_a_message_that_is_too_large_waits_for_a_person(posting):
    post = posting(200)
    post.put("deal/1", "x" * MAX_BODY_BYTES)
    post.sender.run_once()
    assert (post.got, list(post.outbox.stuck())) == ([], ["deal/1"])


def test_a_message_that_changes_under_way_goes_out_again_with_what_is_new(posting):
    post = posting()
    states = iter(["approved"])

    def answer(_: httpx.Request) -> httpx.Response:
        for state in states:
            post.put("deal/1", state)
        return httpx.Response(200)

    post.answer = answer
    post.put("deal/1", "priced")
    assert post.sender.run_once() == 2
    assert [json.loads(request.content)["data"]["state"] for request in post.got] == [
        "priced",
        "approved",
    ]


def test_a_key_under_way_is_not_sent_beside_itself(posting):
    started, finish = threading.Event(), threading.Event()

    def answer(_: httpx.Request) -> httpx.Response:
        started.set()
        assert finish.wait(5)
        return httpx.Response(200)

    post = posting(answer)
    post.put("deal/1", "priced")
    (under_way,) = post.sender.dispatch()
    assert started.wait(5)
    post.put("deal/1", "approved")
    assert post.sender.dispatch() == []
    finish.set()
    under_way.result(timeout=5)
    assert post.sender.run_once() == 1


def test_nobody_waits_for_a_dead_receiver(posting):
    finish = threading.Event()

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "crm.example":
            assert finish.wait(5)
        return httpx.Response(200)

    post = posting(answer)
    for number in range(3 * PER_TARGET):
        post.put(f"deal/{number}")
    dead = post.sender.dispatch()
    post.put("case/1", target="approvals")
    (alive,) = post.sender.dispatch()
    alive.result(timeout=5)
    assert (len(dead), any(each.done() for each in dead)) == (PER_TARGET, False)
    finish.set()
    for each in dead:
        each.result(timeout=5)
    assert post.sender.run_once() == 2 * PER_TARGET


def test_whoever_waits_is_woken_after_each_message(posting):
    woken = threading.Semaphore(0)
    post = posting(503)
    post.put("deal/1")
    post.put("deal/2")
    post.sender.dispatch(woken.release)
    assert [woken.acquire(timeout=5) for _ in range(2)] == [True, True]


def test_a_long_answer_is_left_unread(posting):
    read: list[int] = []

    def endless() -> Iterator[bytes]:
        for number in range(1000):
            read.append(number)
            yield b"x" * 8192

    post = posting(lambda _: httpx.Response(200, content=endless()))
    post.put("deal/1")
    post.sender.run_once()
    assert (len(read) < 20, post.outbox.due(NOW, 9, [], [])) == (True, [])


def test_our_client_follows_nobody_and_no_proxy_of_the_environment(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    http = client()
    assert (http.follow_redirects, http.trust_env, http.timeout.read) == (False, False, 10.0)
    http.close()
