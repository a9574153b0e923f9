"""Every error as RFC 9457 problem+json: ours, validation, routing, and the unexpected."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from contracts.errors import NotFound, QuotewrightError, Refused
from contracts.values import NOT_PLAIN
from infra.wording import words_of

MEDIA_TYPE = "application/problem+json"
MAX_FIELDS = 50
MAX_TEXT = 300
# Shows a problem to a browser; None, if it is none that asks.
DrawProblem = Callable[[Request, Mapping[str, Any]], Response | None]


class FieldProblem(BaseModel):
    """One wrong member of a request: where, which rule, what to do."""

    field: str
    rule: str
    message: str


class Problem(BaseModel):
    """The form of every error answer; further members name the facts."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str
    correlation_id: str | None = None
    fields: list[FieldProblem] | None = None


class RequestInvalid(Refused):
    """The request does not fit its contract."""

    code = "request.invalid"
    title = "The request does not fit"


def problem_response(problem: Mapping[str, Any], correlation_id: str | None) -> JSONResponse:
    """Render a problem; adds the correlation id and what the status asks for in headers."""
    status = int(problem["status"])
    body = (
        dict(problem) if correlation_id is None else {**problem, "correlation_id": correlation_id}
    )
    headers = {}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = "Bearer"
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["retry-after"] = "1"
    return JSONResponse(body, status, headers, MEDIA_TYPE)


def unexpected(request: Request, correlation_id: str) -> Response:
    """Render an error that nobody foresaw; the log has the rest under the correlation id."""
    known = QuotewrightError(f"the error is logged; tell us its id, {correlation_id}").problem()
    with suppress(Exception):  # what failed may be the drawing itself
        drawn = _drawn(request, known)
        if drawn is not None:
            return drawn
    return problem_response(known, correlation_id)


def field_problems(errors: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """List wrong fields without their values: a value may be a secret or a whole body."""
    found = []
    for each in list(errors)[:MAX_FIELDS]:
        loc = [str(part) for part in each["loc"]]
        path = loc[1:] if loc[:1] == ["body"] else loc
        if each["type"] == "json_invalid":  # its place is an offset into the text, not a field
            path = []
        found.append(
            {
                "field": ".".join(path)[:MAX_TEXT] or "body",
                "rule": str(each["type"]),
                "message": words_of(each)[:MAX_TEXT],
            }
        )
    return found


def field_errors(errors: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return what is wrong with each field of a form, in words for who filled it in."""
    found = zip(field_problems(errors), errors, strict=False)
    return {each["field"].partition(".")[0]: _plain(raw, each["message"]) for each, raw in found}


def _plain(raw: Mapping[str, Any], message: str) -> str:
    limits = raw.get("ctx", {})
    match raw["type"]:
        case "missing":
            return "Fill this in."
        case "string_too_short" if limits["min_length"] > 1:
            return f"Write at least {limits['min_length']} characters."
        case "string_too_short":
            return "Fill this in."
        case "string_too_long":
            return f"Write at most {limits['max_length']} characters."
        case "literal_error":
            return "Choose one of the list."
        case "decimal_parsing" | "decimal_type" | "int_parsing" | "finite_number":
            return "Write a number."
        case "value_error" if NOT_PLAIN in raw["msg"]:
            return "Write a number."
        case _:
            return message


# What FastAPI says of a body that json or UTF-8 gives up on, and what helps who sent it.
UNPARSED = "There was an error parsing the body"
UNREADABLE = "the body can not be read; send JSON in UTF-8, with numbers of at most 4300 digits"


def install(app: FastAPI, draw: DrawProblem | None = None) -> None:
    """Make the app answer every error as a problem; to browsers as a page, if `draw` can."""
    app.state.draw_problem = draw
    app.add_exception_handler(QuotewrightError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _routing)


async def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, QuotewrightError)  # noqa: S101
    # A fact may be named like a member of the problem itself; the members win.
    reserved = {
        "status": error.status,
        "title": error.title,
        "code": error.code,
        "detail": error.message,
    }
    return _answer(request, {**error.problem(), **reserved})


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    if all(each["loc"][0] == "path" for each in error.errors()):
        # A person sees no fields in an address; programs are told which part does not fit.
        nothing = NotFound("nothing stands at this address; perhaps a part of it got lost")
        page = _drawn(request, nothing.problem())
        if page is not None:
            return page
    fields = field_problems(error.errors())
    named = ", ".join(each["field"] for each in fields[:3])
    return await _ours(request, RequestInvalid(f"correct {named} and send it again", fields=fields))


async def _routing(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    phrase = HTTPStatus(error.status_code).phrase
    code = f"http.{phrase.lower().replace(' ', '_').replace('-', '_')}"
    problem = {
        "type": f"urn:quotewright:problem:{code}",
        "title": phrase,
        "status": error.status_code,
        "detail": UNREADABLE if error.detail == UNPARSED else str(error.detail)[:MAX_TEXT],
        "code": code,
    }
    answer = _answer(request, problem)
    answer.headers.update(error.headers or {})
    return answer


def _answer(request: Request, problem: Mapping[str, Any]) -> Response:
    return _drawn(request, problem) or problem_response(problem, _correlation(request))


def _drawn(request: Request, problem: Mapping[str, Any]) -> Response | None:
    """Return the problem as a page; None, if a program asks or there are no pages."""
    draw: DrawProblem | None = request.app.state.draw_problem
    return draw(request, problem) if draw else None


def _correlation(request: Request) -> str | None:
    found = request.scope.get("correlation_id")
    return None if found is None else str(found)
