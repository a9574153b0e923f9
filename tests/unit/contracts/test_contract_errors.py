"""The kinds of error, and the problem document (RFC 9457) that each renders."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from contracts import errors
from contracts.values import CurrencyMismatch, Money, Percent


class BeyondAuthority(errors.Refused):
    """A rule of some service, as an example."""

    code = "approval.beyond_authority"
    title = "Beyond your authority"


def test_a_problem_has_the_members_of_its_kind_and_the_named_facts() -> None:
    fault = BeyondAuthority(
        "18 % is above 10 %; ask a director",
        approver="u-7",
        discount=Percent(18),
        net=Money.of(5, "EUR"),
    )

    assert fault.problem() == {
        "type": "urn:quotewright:problem:approval.beyond_authority",
        "title": "Beyond your authority",
        "status": 422,
        "detail": "18 % is above 10 %; ask a director",
        "code": "approval.beyond_authority",
        "approver": "u-7",
        "discount": "18",
        "net": {"amount": "5.00", "currency": "EUR"},
    }
    assert str(fault) == fault.message == "18 % is above 10 %; ask a director"


def test_facts_of_any_kind_become_json() -> None:
    at = datetime(2026, 3, 2, tzinfo=UTC)
    fault = errors.Conflict(
        "reload", at=at, limits={1: Decimal("2.50")}, parts=(Percent(1), None, True, 3, ["x"])
    )

    assert json.loads(json.dumps(fault.problem())) == {
        "type": "urn:quotewright:problem:conflict",
        "title": "Changed in the meantime",
        "status": 409,
        "detail": "reload",
        "code": "conflict",
        "at": "2026-03-02 00:00:00+00:00",
        "limits": {"1": "2.50"},
        "parts": ["1", None, True, 3, ["x"]],
    }


@pytest.mark.parametrize("name", ["type", "title", "status", "detail", "code"])
def test_a_fact_never_takes_the_place_of_a_member_of_the_standard(name: str) -> None:
    problem = errors.Refused("no", **{name: "forged"}).problem()

    assert problem[name] != "forged"


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (errors.QuotewrightError, 500, "internal"),
        (errors.Refused, 422, "refused"),
        (errors.NotFound, 404, "not_found"),
        (errors.Conflict, 409, "conflict"),
        (errors.Unavailable, 503, "unavailable"),
        (errors.Poison, 422, "poison"),
        (errors.Unauthenticated, 401, "unauthenticated"),
        (errors.Forbidden, 403, "forbidden"),
        (CurrencyMismatch, 422, "money.currency_mismatch"),
    ],
)
def test_each_kind_has_its_status_and_code(
    kind: type[errors.QuotewrightError], status: int, code: str
) -> None:
    problem = kind("why").problem()

    assert (problem["status"], problem["code"], problem["type"]) == (
        status,
        code,
        f"urn:quotewright:problem:{code}",
    )
