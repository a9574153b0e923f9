"""The five kinds of error, each rendering itself as RFC 9457 problem+json.

A subclass names its facts as keyword arguments, carries a `code` (`approval.beyond_authority`) and
a sentence that says what to do. Exceptions are caught at the doors only (api, consumer, command
line).
"""

from typing import Any, ClassVar


class QuotewrightError(Exception):
    """Base of all errors that a person or a peer system may see.

    `facts` become members of the problem document, so they never hold secrets, costs or personal
    data.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong on our side"

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.message = message
        self.facts = facts

    def problem(self) -> dict[str, Any]:
        """Return the problem+json members.

        Type, title, status, detail, code and the named facts.
        """
        members = {
            "type": f"urn:quotewright:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.message,
            "code": self.code,
        }
        # A fact that bears the name of a standard member does not take its place.
        return members | {n: _plain(v) for n, v in self.facts.items() if n not in members}


class Refused(QuotewrightError):
    """A business rule said no: shown to a person, never retried by a machine."""

    status = 422
    code = "refused"
    title = "This is not possible"


class NotFound(QuotewrightError):
    """What was asked for does not exist, or not for this caller."""

    status = 404
    code = "not_found"
    title = "Not found"


class Conflict(QuotewrightError):
    """Somebody else was faster: reload, look, and decide again."""

    status = 409
    code = "conflict"
    title = "Changed in the meantime"


class Unavailable(QuotewrightError):
    """A broker, database, CRM or peer service does not answer now; retried with a bound."""

    status = 503
    code = "unavailable"
    title = "Not available now"


class Poison(QuotewrightError):
    """A fact that can not be read: parked with its raw bytes, retried after a mend."""

    status = 422
    code = "poison"
    title = "Unreadable fact"


class Unauthenticated(QuotewrightError):
    """No credential, or one that does not verify. Says nothing about why to a stranger."""

    status = 401
    code = "unauthenticated"
    title = "Who are you?"


class Forbidden(QuotewrightError):
    """The caller is known and may not do this."""

    status = 403
    code = "forbidden"
    title = "Not allowed for your role"


def _plain(value: Any) -> Any:
    """Turn a fact of an error into JSON: models by their own dump, everything else by str."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    dump = getattr(value, "model_dump", None)
    return dump(mode="json") if dump else str(value)
