"""The session of a browser: a person's bearer token in a cookie that no script can read.

A form shows that it stands on a page of ours by a token derived from that cookie: another site can
neither read nor guess it.
"""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl

from starlette.responses import Response
from starlette.types import Scope

SESSION = "qw_session"
ZONE = "qw_zone"
FORM_TOKEN = "form_token"  # noqa: S105, the name of a field
FORM = "application/x-www-form-urlencoded"
FIELDS_MAX = 2000
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def cookies_of(scope: Scope) -> Mapping[str, str]:
    """Return the cookies of a request; none, if they can not be read."""
    given = [value.decode("latin-1") for name, value in scope["headers"] if name == b"cookie"]
    try:
        found = SimpleCookie("; ".join(given))
    except CookieError:
        return {}
    return {name: each.value for name, each in found.items()}


def form_token(session: str) -> str:
    """Return what every form of this session has to bring along."""
    return urlsafe_b64encode(sha256(b"form:" + session.encode()).digest()).decode().rstrip("=")


def fits(session: str, given: str) -> bool:
    """Say whether the token is the session's, in constant time."""
    return hmac.compare_digest(form_token(session).encode(), given.encode())


def is_form(scope: Scope) -> bool:
    """Say whether a request brings a form."""
    kinds = [value for name, value in scope["headers"] if name == b"content-type"]
    return len(kinds) == 1 and kinds[0].decode("latin-1").partition(";")[0].strip() == FORM


def form_of(body: bytes) -> dict[str, str]:
    """Return the fields of a form, without the white space around them; the last of a name counts.

    Raises: ValueError, if it is not UTF-8, or has more fields than any page of ours.
    """
    pairs = parse_qsl(
        body.decode("ascii"),
        keep_blank_values=True,
        errors="strict",
        max_num_fields=FIELDS_MAX,
    )
    return {name: value.strip() for name, value in pairs}


def keep_session(response: Response, token: str, lifetime_s: int, *, secure: bool) -> None:
    """Give the browser its session."""
    response.set_cookie(
        SESSION, token, max_age=lifetime_s, httponly=True, samesite="lax", secure=secure
    )


def end_session(response: Response, *, secure: bool) -> None:
    """Take the session back."""
    response.delete_cookie(SESSION, httponly=True, samesite="lax", secure=secure)
