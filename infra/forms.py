"""Forms that browsers send: they come from a page of ours, in the session that is signed in."""

from starlette.types import Scope

from contracts.errors import Forbidden, Refused
from infra.cookies import FORM_TOKEN, SAFE, SESSION, cookies_of, fits, form_of, is_form

OURS = frozenset({b"same-origin", b"none"})


class FormRefused(Forbidden):
    """A form does not come from a page of this session."""

    code = "form.refused"
    title = "The form is out of date"


class FormUnreadable(Refused):
    """A form is not what a browser sends."""

    code = "form.unreadable"
    title = "The form can not be read"


def session_of(scope: Scope) -> str | None:
    """Return the browser's session; who sends a header of his own is no browser of ours."""
    if any(name == b"authorization" for name, _ in scope["headers"]):
        return None
    return cookies_of(scope).get(SESSION)


def check_form(scope: Scope, body: bytes, session: str | None) -> None:
    """Refuse what another site makes a browser send.

    Raises: FormRefused, FormUnreadable.
    """
    if scope["method"] in SAFE:
        return
    headers = dict(scope["headers"])
    given = headers.get(b"x-form-token", b"").decode("latin-1")
    if is_form(scope):
        if headers.get(b"sec-fetch-site", b"none") not in OURS:
            raise FormRefused("send the form from our own page")
        given = _form(body).get(FORM_TOKEN) or given
    if session is not None and not fits(session, given):
        raise FormRefused("load the page again, then send the form once more")


def _form(body: bytes) -> dict[str, str]:
    try:
        form = form_of(body)
    except ValueError:
        raise FormUnreadable("send the form as UTF-8, with the fields of the page") from None
    if any("\x00" in each for pair in form.items() for each in pair):
        raise FormUnreadable("send text without NUL characters")
    return form
