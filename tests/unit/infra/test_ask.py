"""Questions to peers: the answer, the peer's own problem, or a graceful "not available now"."""

from collections.abc import Callable, Iterator

import httpx
import pytest
import structlog
from pydantic import SecretStr

from contracts.errors import Conflict, Forbidden, NotFound, Refused, Unauthenticated
from infra.ask import MAX_ANSWER_BYTES, HttpAsker, PeerUnavailable

PROBLEM = {
    "type": "urn:quotewright:problem:price.no_tier",
    "title": "This is not possible",
    "status": 422,
    "detail": "no tier starts at 1",
    "code": "price.no_tier",
    "correlation_id": "c-9",
    "sku": "RRU-4T4R",
    "message": "a fact with an awkward name",
}


def asking(answer: Callable[[httpx.Request], httpx.Response]) -> HttpAsker:
    return HttpAsker(
        {"pricer": "http://pricer.internal"},
        SecretStr("qwk_caller_key"),
        transport=httpx.MockTransport(answer),
    )


def test_a_question_gets_its_answer():
    heard: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        heard.append(request)
        return httpx.Response(200, content=b'{"net":"1.10"}')

    with structlog.contextvars.bound_contextvars(correlation_id="c-1"):
        body = asking(answer).ask("pricer", "POST", "/pricer/preview", {"sku": "RRU"})
    (request,) = heard
    assert body == b'{"net":"1.10"}'
    assert (request.method, str(request.url)) == ("POST", "http://pricer.internal/pricer/preview")
    assert request.content == b'{"sku":"RRU"}'
    assert request.headers["authorization"] == "Bearer qwk_caller_key"
    assert request.headers["x-correlation-id"] == "c-1"


@pytest.mark.parametrize(
    ("status", "kind"), [(404, NotFound), (409, Conflict), (422, Refused), (400, Refused)]
)
def test_a_peers_refusal_is_passed_on_with_its_facts(status, kind):
    with pytest.raises(kind) as refused:
        asking(lambda _: httpx.Response(status, json=PROBLEM)).ask("pricer", "GET", "/pricer/x")
    assert refused.value.message == "no tier starts at 1"
    assert refused.value.facts == {
        "sku": "RRU-4T4R",
        "peer": "pricer",
        "peer_code": "price.no_tier",
    }


def test_a_question_in_a_persons_name_bears_his_token_and_no_key_of_ours():
    heard: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        heard.append(request)
        return httpx.Response(200)

    told = {"authorization": "Bearer theirs", "if-match": '"e/1"'}
    asking(answer).ask("pricer", "PUT", "/pricer/x", {}, told)
    assert heard[0].headers.get_list("authorization") == ["Bearer theirs"]
    assert heard[0].headers["if-match"] == '"e/1"'


@pytest.mark.parametrize(("status", "kind"), [(401, Unauthenticated), (403, Forbidden)])
def test_a_person_learns_what_he_may_not_and_our_own_key_is_not_his_matter(status, kind):
    asker = asking(lambda _: httpx.Response(status, json=PROBLEM))
    with pytest.raises(kind) as refused:
        asker.ask("pricer", "GET", "/pricer/x", headers={"authorization": "Bearer theirs"})
    assert refused.value.message == "no tier starts at 1"
    with pytest.raises(PeerUnavailable):
        asker.ask("pricer", "GET", "/pricer/x")


@pytest.mark.parametrize("content", [b"", b"<html>", b"[1]", b"\xff"])
def test_a_refusal_without_a_problem_is_still_a_refusal(content):
    with pytest.raises(Refused, match="pricer refuses this"):
        asking(lambda _: httpx.Response(422, content=content)).ask("pricer", "GET", "/pricer/x")


@pytest.mark.parametrize("status", [301, 401, 403, 408, 429, 500, 502, 503])
def test_a_peer_that_fails_or_does_not_know_us_is_not_available_now(status):
    with pytest.raises(PeerUnavailable, match="pricer is not available now") as told:
        asking(lambda _: httpx.Response(status, json=PROBLEM, headers={"location": "/x"})).ask(
            "pricer", "GET", "/x"
        )
    assert told.value.facts == {"peer": "pricer", "peer_status": status}


@pytest.mark.parametrize(
    "fault",
    [httpx.ReadTimeout, httpx.ConnectTimeout, httpx.ConnectError, httpx.RemoteProtocolError],
)
def test_a_peer_that_does_not_answer_is_not_available_now(fault):
    def answer(request: httpx.Request) -> httpx.Response:
        raise fault("secret detail of the network", request=request)

    with pytest.raises(PeerUnavailable) as told:
        asking(answer).ask("pricer", "GET", "/pricer/x")
    assert "secret" not in str(told.value.problem())


def test_a_peer_that_nobody_named_is_not_available():
    with pytest.raises(PeerUnavailable, match="QW_PEERS"):
        asking(lambda _: httpx.Response(200)).ask("documents", "GET", "/documents/x")


def test_an_answer_without_end_is_left():
    def endless() -> Iterator[bytes]:
        for _ in range(MAX_ANSWER_BYTES // 65536 + 2):
            yield b"x" * 65536

    with pytest.raises(PeerUnavailable, match="too much"):
        asking(lambda _: httpx.Response(200, content=endless())).ask("pricer", "GET", "/x")
