"""The HTTP door: deny by default, problems as answers, causes of commands, bounded requests."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID, uuid4

import httpx
import pytest
import structlog
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.staticfiles import StaticFiles
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, SecretStr

from contracts.errors import Conflict, NotFound, Refused, Unavailable
from contracts.values import Money, Quantity
from infra.auth import ANONYMOUS, ROLES, Audience, Security, service_key
from infra.doors import ASKED, Asked, Limits
from infra.json_body import depth_above
from infra.seen import MemorySeen
from infra.web import (
    PolicyMissing,
    Principal,
    Readiness,
    Surroundings,
    allow,
    application,
    cause_of,
    if_match,
    policies,
    public,
    raw_body,
)
from infra.webhooks import Verifier, sign
from infra.work import Cause

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
KEY, KEY_SHA256 = service_key("pricer", lambda size: b"\x07" * size)
SECRET = SecretStr("whsec_" + "AQEB" * 8)
SERVICE = {"authorization": f"Bearer {KEY}"}


Why = Annotated[Cause, Depends(cause_of)]
Raw = Annotated[bytes, Depends(raw_body)]


class Order(BaseModel):
    quantity: Quantity
    note: str = Field(max_length=10)


class OutOfBounds(Refused):
    code = "test.out_of_bounds"


def router() -> APIRouter:
    routes = APIRouter()

    @routes.get("/things/{thing_id}")
    def thing(
        thing_id: UUID, principal: Annotated[Principal, Depends(allow("service", "seller"))]
    ) -> Any:
        return {
            "by": principal.actor,
            "id": thing_id,
            "price": Money.of("0.10", "EUR"),
            "n": Decimal("1.10"),
        }

    @routes.post("/things")
    def order(
        body: Order,
        principal: Annotated[Principal, Depends(allow("service"))],
        cause: Why,
        expected: Annotated[str | None, Depends(if_match)],
    ) -> Any:
        return {"cause": cause.__class__.__name__, "note": body.note, "expected": expected} | told(
            cause
        )

    @routes.get("/sellers-only")
    def sellers(principal: Annotated[Principal, Depends(allow("seller"))]) -> None:
        pytest.fail("nobody may come here")

    @routes.post("/links/{token}")
    def link(
        principal: Annotated[Principal, Depends(public())],
        cause: Why,
        raw: Raw,
    ) -> Any:
        return {"by": principal.actor, "bytes": len(raw)} | told(cause)

    verifier = Verifier({"crm": [SECRET]}, MemorySeen(), lambda: NOW)

    @routes.post("/hooks/{system}", dependencies=[Depends(public())])
    def hook(system: str, request: Request, raw: Raw, cause: Why) -> Any:
        call = verifier.verified(request, raw, system)
        with verifier.once(call):
            if b"refuse" in call.body:
                raise OutOfBounds("say it differently")
            return told(call.cause(cause))

    @routes.get("/errors/{kind}", dependencies=[Depends(public())])
    def error(kind: str) -> None:
        raise {
            "refused": OutOfBounds(
                "at most 5", field="quantity", status="draft", most=Quantity("5")
            ),
            "missing": NotFound("no quote Q-1", number="Q-1"),
            "stale": Conflict("reload"),
            "away": Unavailable("the database does not answer now"),
            "bug": RuntimeError("postgresql://qw:hunter2@db"),
        }[kind]

    return routes


def told(cause: Cause) -> dict[str, Any]:
    return {
        name: getattr(cause, name)
        for name in ("command_id", "actor", "now", "request_sha256", "traceparent")
    }


def made(
    *routers: APIRouter, readiness: Readiness | None = None, limits: Limits | None = None
) -> FastAPI:
    ids = iter(range(1000))
    return application(
        "Test",
        routers or [router()],
        Security(None, Audience("i", "a"), {"pricer": KEY_SHA256}, lambda: NOW),
        lambda: readiness or Readiness(ready=True),
        Surroundings(
            clock=lambda: NOW,
            new_id=lambda: f"id-{next(ids)}",
            limits=limits or Limits(),
        ),
    )


def asked(app: FastAPI, method: str, path: str, **how: Any) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://cpq.example") as client:
            return await client.request(method, path, **how)

    return asyncio.run(ask())


@pytest.fixture
def app() -> FastAPI:
    return made()


def problem(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["correlation_id"] == answer.headers["x-correlation-id"]
    return answer.status_code, body["code"]


# ---- who may


def test_every_route_tells_its_policy(app):
    assert policies(app) == {
        ("GET", "/things/{thing_id}"): frozenset({"service", "seller"}),
        ("POST", "/things"): frozenset({"service"}),
        ("GET", "/sellers-only"): frozenset({"seller"}),
        ("POST", "/links/{token}"): "public",
        ("POST", "/hooks/{system}"): "public",
        ("GET", "/errors/{kind}"): "public",
        ("GET", "/healthz"): "public",
        ("GET", "/readyz"): "public",
        ("GET", "/openapi.json"): "public",
    }


def test_a_route_without_a_policy_keeps_the_app_from_starting():
    routes = APIRouter()
    routes.add_api_route("/open", lambda: None, methods=["GET"])
    with pytest.raises(PolicyMissing, match="GET /open declares 0 policies"):
        made(routes)


def test_a_route_with_two_policies_keeps_the_app_from_starting():
    routes = APIRouter(dependencies=[Depends(public())])
    routes.add_api_route(
        "/both", lambda: None, methods=["GET"], dependencies=[Depends(allow("admin"))]
    )
    with pytest.raises(PolicyMissing, match="declares 2 policies"):
        made(routes)


def test_a_policy_deep_inside_a_dependency_counts():
    def caller(principal: Annotated[Principal, Depends(allow("admin"))]) -> str:
        return principal.id

    routes = APIRouter()
    routes.add_api_route("/deep", lambda who: who, methods=["GET"], dependencies=[Depends(caller)])
    assert policies(made(routes))["GET", "/deep"] == frozenset({"admin"})


def test_the_routes_of_an_included_router_are_guarded_each():
    outer = APIRouter()
    outer.include_router(router())
    app = made(outer)
    assert policies(app)["GET", "/sellers-only"] == frozenset({"seller"})
    assert problem(asked(app, "GET", "/sellers-only")) == (401, "auth.refused")


def test_what_can_not_be_guarded_keeps_the_app_from_starting(tmp_path):
    mounted, prefixed, inside_prefix = APIRouter(), APIRouter(), APIRouter(prefix="/outer")
    dependent = APIRouter(dependencies=[Depends(public())])
    mounted.mount("/files", StaticFiles(directory=tmp_path))
    prefixed.include_router(router(), prefix="/nested")
    inside_prefix.include_router(router())
    dependent.include_router(router())
    for routes in (mounted, prefixed, inside_prefix, dependent):
        with pytest.raises(PolicyMissing, match="only plain API routes"):
            made(routes)


@pytest.mark.parametrize("roles", [(), ("boss",), ("seller", "Boss")])
def test_a_role_that_does_not_exist_can_not_be_allowed(roles):
    with pytest.raises(ValueError, match="allow"):
        allow(*roles)


def test_each_role_alone_can_be_allowed():
    assert [allow(role).roles for role in sorted(ROLES)] == [
        frozenset({role}) for role in sorted(ROLES)
    ]


def test_the_same_router_serves_two_apps_each_behind_its_own_guard():
    shared = router()
    first, second = made(shared), made(shared, limits=Limits(body_bytes=3))
    assert asked(first, "POST", "/links/t", content=b"12345").status_code == 200
    assert asked(second, "POST", "/links/t", content=b"12345").status_code == 413


def test_a_stranger_is_asked_who_he_is(app):
    answer = asked(app, "GET", f"/things/{uuid4()}")
    assert problem(answer) == (401, "auth.refused")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_stranger_learns_nothing_by_a_malformed_request(app):
    wrong = {"content": b"{", "headers": {"content-type": "application/json"}}
    assert problem(asked(app, "POST", "/things", **wrong)) == (401, "auth.refused")
    assert problem(asked(app, "GET", "/things/no-uuid")) == (401, "auth.refused")


def test_two_authorizations_are_none(app):
    answer = asked(
        app,
        "GET",
        f"/things/{uuid4()}",
        headers=[("authorization", f"Bearer {KEY}"), ("authorization", "x")],
    )
    assert problem(answer) == (401, "auth.refused")


def test_a_known_caller_without_the_role_is_told_whom_to_ask(app):
    answer = asked(app, "GET", "/sellers-only", headers=SERVICE)
    assert problem(answer) == (403, "auth.role_missing")
    assert answer.json()["roles"] == ["seller"]


def test_a_public_route_does_not_look_at_credentials(app):
    answer = asked(app, "POST", "/links/t", headers=SERVICE)
    assert answer.json()["by"] == ANONYMOUS.actor


# ---- the cause of a command


def test_the_same_key_of_the_same_caller_is_the_same_command(app):
    how = {"json": {"quantity": "5", "note": "x"}, "headers": SERVICE | {"idempotency-key": "k-1"}}
    first, again = (asked(app, "POST", "/things", **how).json() for _ in range(2))
    assert first == again
    assert (first["command_id"], first["actor"]) == ("service/pricer:k-1", "service/pricer")
    assert first["now"] == "2026-03-02T09:00:00Z"


def test_a_colon_in_a_name_never_makes_two_commands_one(app):
    def command_of(name: str, key: str) -> str:
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/things",
            "query_string": b"",
            "headers": [(b"idempotency-key", key.encode())],
            "app": app,
            ASKED: Asked(Principal(name, frozenset({"seller"}), "user"), b""),
        }
        return asyncio.run(cause_of(Request(scope))).command_id

    names = ("a", "a:b", "a%3Ab", "a%253Ab")
    keys = ("c", "b:c", "3Ab:c")
    found = [command_of(name, key) for name in names for key in keys]
    assert len(set(found)) == len(found)


def test_without_a_key_each_request_is_a_command_of_its_own(app):
    how = {"json": {"quantity": "5", "note": "x"}, "headers": SERVICE}
    first, second = (asked(app, "POST", "/things", **how).json()["command_id"] for _ in range(2))
    assert first.startswith("service/pricer:id-")
    assert first != second


def test_the_request_hash_tells_requests_apart(app):
    def digest(path: str, content: bytes) -> str:
        return str(asked(app, "POST", path, content=content).json()["request_sha256"])

    assert digest("/links/a", b"1") == hashlib.sha256(b"POST\n/links/a?\n1").hexdigest()
    assert len({digest("/links/a", b"1"), digest("/links/a", b"2"), digest("/links/b", b"1")}) == 3
    assert digest("/links/a?x=1", b"1") != digest("/links/a?x=2", b"1")


def test_strangers_with_different_links_do_not_share_their_keys(app):
    ids = [
        asked(app, "POST", f"/links/{token}", headers={"idempotency-key": "1"}).json()["command_id"]
        for token in ("secret-a", "secret-b")
    ]
    assert ids[0] != ids[1]
    assert "secret" not in "".join(ids)


@pytest.mark.parametrize("key", ["", "with space", "x" * 201, "ümlaut"])
def test_a_malformed_idempotency_key_is_refused(app, key):
    answer = asked(app, "POST", "/links/t", headers=[(b"idempotency-key", key.encode("latin-1"))])
    assert problem(answer) == (422, "request.refused")
    assert answer.json()["field"] == "Idempotency-Key"


def test_a_trace_goes_on_if_it_is_one(app):
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    for given_trace, expected in ((trace, trace), ("00-zz", None), ("", None)):
        answer = asked(app, "POST", "/links/t", headers={"traceparent": given_trace})
        assert answer.json()["traceparent"] == expected


@pytest.mark.parametrize(
    ("given_tag", "expected"),
    [
        ('"quotes.quote/1/7"', "quotes.quote/1/7"),
        ('W/"a"', "a"),
        ("quotes.quote/1/7", "quotes.quote/1/7"),
        ("*", None),
    ],
)
def test_the_expected_state_is_the_entity_tag(app, given_tag, expected):
    how = {"json": {"quantity": "5", "note": "x"}, "headers": SERVICE | {"if-match": given_tag}}
    assert asked(app, "POST", "/things", **how).json()["expected"] == expected


@pytest.mark.parametrize("given_tag", ['"a", "b"', '"', "", "a b"])
def test_an_unclear_expected_state_is_refused(app, given_tag):
    how = {"json": {"quantity": "5", "note": "x"}, "headers": SERVICE | {"if-match": given_tag}}
    assert problem(asked(app, "POST", "/things", **how)) == (422, "request.refused")


# ---- answers


def test_decimals_leave_as_text(app):
    thing_id = str(uuid4())
    answer = asked(app, "GET", f"/things/{thing_id}", headers=SERVICE)
    assert answer.json() == {
        "by": "service/pricer",
        "id": thing_id,
        "price": {"amount": "0.10", "currency": "EUR"},
        "n": "1.10",
    }


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("refused", (422, "test.out_of_bounds")),
        ("missing", (404, "not_found")),
        ("stale", (409, "conflict")),
        ("away", (503, "unavailable")),
    ],
)
def test_our_errors_answer_as_problems(app, kind, expected):
    assert problem(asked(app, "GET", f"/errors/{kind}")) == expected


def test_a_problem_names_its_facts_and_none_of_them_hides_a_member(app):
    body = asked(app, "GET", "/errors/refused").json()
    assert (body["field"], body["most"], body["detail"], body["status"]) == (
        "quantity",
        "5",
        "at most 5",
        422,
    )


def test_what_comes_back_later_says_so(app):
    assert asked(app, "GET", "/errors/away").headers["retry-after"] == "1"


def test_an_unexpected_error_leaks_nothing_and_is_logged(app, caplog):
    with structlog.testing.capture_logs() as lines:
        answer = asked(app, "GET", "/errors/bug")
    assert problem(answer) == (500, "internal")
    assert "hunter2" not in answer.text
    failed = [line for line in lines if line["event"] == "request_failed"]
    assert [(line["route"], line["exc_info"]) for line in failed] == [("/errors/{kind}", True)]


def test_unknown_paths_and_methods_are_problems_too(app):
    assert problem(asked(app, "GET", "/nowhere")) == (404, "http.not_found")
    wrong_method = asked(app, "DELETE", "/things")
    assert problem(wrong_method) == (405, "http.method_not_allowed")
    assert wrong_method.headers["allow"] == "POST"


def test_wrong_fields_are_listed_without_their_values(app):
    body = {"quantity": "-7777", "note": "a-secret-that-is-too-long", "extra": 1}
    answer = asked(app, "POST", "/things", json=body, headers=SERVICE)
    assert problem(answer) == (422, "request.invalid")
    assert [(each["field"], each["rule"]) for each in answer.json()["fields"]] == [
        ("quantity", "value_error"),
        ("note", "string_too_long"),
    ]
    assert "Must be above 0" in answer.json()["fields"][0]["message"]
    assert not any(secret in answer.text for secret in ("7777", "a-secret"))


def test_a_wrong_path_or_missing_body_names_its_place(app):
    assert (
        asked(app, "GET", "/things/x", headers=SERVICE).json()["fields"][0]["field"]
        == "path.thing_id"
    )
    assert asked(app, "POST", "/things", headers=SERVICE).json()["fields"][0]["field"] == "body"


def test_text_that_is_no_json_is_a_fault_of_the_body_and_not_of_a_field(app):
    headers = {**SERVICE, "content-type": "application/json"}
    answer = asked(app, "POST", "/things", content=b"{not json", headers=headers)
    assert [each["field"] for each in answer.json()["fields"]] == ["body"]


def test_headers_keep_browsers_and_caches_out(app):
    headers = asked(app, "GET", "/nowhere").headers
    assert {
        name: headers[name]
        for name in ("cache-control", "x-content-type-options", "x-frame-options")
    } == {
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
    }
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.parametrize(
    ("given_id", "kept"), [("c-1", True), ("a b", False), ("x" * 129, False), ("<b>", False)]
)
def test_a_sound_correlation_id_is_kept_and_another_replaced(app, given_id, kept):
    answered = asked(app, "GET", "/healthz", headers={"x-correlation-id": given_id}).headers[
        "x-correlation-id"
    ]
    assert (answered == given_id) is kept
    assert answered


def test_the_request_line_names_the_route_and_not_the_link(app):
    with structlog.testing.capture_logs(
        processors=[structlog.contextvars.merge_contextvars]
    ) as lines:
        asked(app, "POST", "/links/a-capability", headers={"x-correlation-id": "c-1"})
    (line,) = lines
    assert (
        line["event"],
        line["route"],
        line["status"],
        line["correlation_id"],
        line["actor"],
    ) == (
        "request",
        "/links/{token}",
        200,
        "c-1",
        "anonymous",
    )
    assert "a-capability" not in str(line)


# ---- what a request may weigh


async def chunks(count: int, size: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * size


def test_a_body_that_says_it_is_too_large_is_refused(app):
    assert problem(asked(app, "POST", "/links/t", content=b"x" * (1024 * 1024 + 1))) == (
        413,
        "request.too_large",
    )
    assert (
        asked(app, "POST", "/links/t", content=b"x" * (1024 * 1024)).json()["bytes"] == 1024 * 1024
    )


def test_a_body_that_does_not_say_its_size_is_counted(app):
    assert problem(asked(app, "POST", "/links/t", content=chunks(17, 65536))) == (
        413,
        "request.too_large",
    )
    assert asked(app, "POST", "/links/t", content=chunks(16, 65536)).json()["bytes"] == 1024 * 1024


@pytest.mark.parametrize("length", ["-1", "1e3", "0x10", "9" * 30, "²"])
def test_a_strange_content_length_is_refused(app, length):
    headers = [(b"content-length", length.encode("latin-1"))]
    assert problem(asked(app, "POST", "/links/t", headers=headers, content=chunks(1, 1))) == (
        413,
        "request.too_large",
    )


def test_a_body_that_never_ends_is_cut_off():
    app = made(limits=Limits(body_deadline_s=0.02))

    async def forever() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.Event().wait()

    assert problem(asked(app, "POST", "/links/t", content=forever())) == (408, "request.too_slow")


def test_half_a_body_of_a_lost_connection_is_no_command(app):
    messages = iter(
        [{"type": "http.request", "body": b"half", "more_body": True}, {"type": "http.disconnect"}]
    )
    sent: list[Any] = []

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/links/t",
        "raw_path": b"/links/t",
        "query_string": b"",
        "headers": [],
    }
    asyncio.run(app(scope, receive, send))
    assert sent[0]["status"] == 408


def nested(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


def test_json_that_nests_without_end_is_refused(app):
    for body in (nested(65), b"[" * 100_000, nested(40) + nested(65)):
        answer = asked(
            app, "POST", "/links/t", content=body, headers={"content-type": "application/json"}
        )
        assert (problem(answer), answer.json()["rule"]) == ((422, "request.refused"), "json_depth")
    flat = json.dumps([{}] * 500 + ["[[[[" * 50]).encode()
    for body in (nested(64), flat):
        answer = asked(
            app, "POST", "/links/t", content=body, headers={"content-type": "application/json"}
        )
        assert answer.status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b'{"quantity": "1", "quantity": "2", "note": "x"}',
        b'{"quantity": "1", "note": "x", "more": [{"quantity": 1, "\\u0071uantity": 2}]}',
        '{"quantity": 1, "quantity": 2}'.encode("utf-16"),
    ],
)
def test_json_in_which_a_key_stands_twice_is_refused(app, body):
    """Which of the two counts would hang on who reads it."""
    headers = {"content-type": "application/json", **SERVICE}
    for path in ("/links/t", "/things"):
        answer = asked(app, "POST", path, content=body, headers=headers)
        assert problem(answer) == (422, "request.refused")
        assert answer.json()["detail"] == "'quantity' stands twice in one object; keep one"
        assert (answer.json()["field"], answer.json()["rule"]) == ("quantity", "json_key_twice")


def test_what_is_no_json_is_told_as_before(app):
    headers = {"content-type": "application/json", **SERVICE}
    for body in (b'{"quantity": 1, "quantity', b"{" * 50, b"\xff\xfe"):
        answer = asked(app, "POST", "/things", content=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (422, "request.invalid")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet='ab"[]{}\\ü', max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(alphabet='a"[{\\', max_size=3), inner, max_size=3)
    ),
    max_leaves=12,
)


def depth_of(value: Any) -> int:
    inner = (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    )
    return 0 if inner is None else 1 + max(map(depth_of, inner), default=0)


@settings(max_examples=150)
@given(json_values, st.integers(0, 6), st.booleans())
def test_the_depth_is_that_of_the_parsed_json(value, most, ascii_only):
    body = json.dumps(value, ensure_ascii=ascii_only).encode()
    assert depth_above(body, most) is (depth_of(value) > most)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"quantity":"5","note":"a\\u0000b"}', 422),
        (b'{"quantity":"5","note":"\\\\\\u0000"}', 422),
        (b'{"quantity":"5","note":"\\\\u0000"}', 200),
        (b'{"quantity":"5","note":"\\ud800"}', 422),
        (b'{"quantity":5.5,"note":"x"}', 422),
        (b'{"quantity":NaN,"note":"x"}', 422),
        (b'{"quantity":"5","note":"\xff"}', 400),
        (b"[" * 60 + b"]" * 60, 422),
        (b"", 422),
    ],
)
def test_strange_json_is_refused_and_never_a_failure_of_ours(app, body, status):
    answer = asked(
        app, "POST", "/things", content=body, headers=SERVICE | {"content-type": "application/json"}
    )
    assert answer.status_code == status
    assert answer.headers["x-correlation-id"]


@pytest.mark.parametrize("path", ["/errors/a%00b", "/errors/missing?q=%00"])
def test_an_address_with_a_nul_is_refused(app, path):
    assert problem(asked(app, "GET", path)) == (422, "request.refused")


# ---- signed calls


def hooked(app: FastAPI, body: bytes, headers: dict[str, str]) -> httpx.Response:
    return asked(app, "POST", "/hooks/crm", content=body, headers=headers)


def test_a_signed_call_is_its_systems_command_once(app):
    headers = sign(SECRET, "m/1", NOW, b"{}")
    first = hooked(app, b"{}", headers)
    assert (first.json()["command_id"], first.json()["actor"]) == ("system/crm:m/1", "system/crm")
    assert problem(hooked(app, b"{}", headers)) == (401, "webhook.refused")


def test_an_unsigned_call_is_refused(app):
    assert problem(hooked(app, b"{}", {})) == (401, "webhook.refused")


def test_a_signed_call_that_was_refused_may_come_again(app):
    headers = sign(SECRET, "m/2", NOW, b"refuse")
    for _ in range(2):
        assert problem(hooked(app, b"refuse", headers)) == (422, "test.out_of_bounds")


# ---- operations


def test_a_process_that_is_behind_says_how_far_and_is_not_ready():
    app = made(
        readiness=Readiness(
            ready=False, lag={"pricer": 7}, reasons=["the database does not answer now"]
        )
    )
    answer = asked(app, "GET", "/readyz")
    assert (answer.status_code, answer.json()) == (
        503,
        {"ready": False, "lag": {"pricer": 7}, "reasons": ["the database does not answer now"]},
    )
    assert asked(app, "GET", "/healthz").json() == {"status": "alive"}


def test_the_description_shows_roles_and_the_form_of_errors(app):
    for _ in range(2):
        document = asked(app, "GET", "/openapi.json").json()
    order = document["paths"]["/things"]["post"]
    assert order["x-roles"] == ["service"]
    assert order["security"] == [{"bearer": []}]
    assert sorted(order["responses"]) == ["200", "default"]
    schema = order["responses"]["default"]["content"]["application/problem+json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/Problem"}
    assert {"Problem", "FieldProblem", "Order"} <= document["components"]["schemas"].keys()
    assert document["paths"]["/links/{token}"]["post"]["security"] == []
