"""Why a record is parked, in words that hold no value of it."""

from contracts.errors import Poison, QuotewrightError
from infra.bus import Slice
from infra.reading import Sifted
from infra.rows import Parked

ATTEMPTS_MAX = 3


class Missing(Poison):
    """A hole in a stream: the relay never leaves one, so somebody must look."""

    code = "parked.missing"

    def __init__(self) -> None:
        super().__init__(
            "facts of its stream before this one have not come; have them published again,"
            " or retry without them"
        )


class Behind(Poison):
    """The record itself is good; an earlier one of its deal is parked."""

    code = "parked.behind"


class NeverBack(Poison):
    """The process died, or had to be killed, while the handler ran: several times."""

    code = "parked.never_back"


def park(piece: Slice, sifted: Sifted, fault: Exception) -> Parked:
    """Return the row of a record that could not be handled, raw, with the reason."""
    record = sifted.record
    return Parked(
        0,
        piece.topic,
        piece.partition,
        record.offset,
        record.key,
        record.headers,
        record.value,
        reason_of(fault),
        code_of(fault),
        stream=sifted.stream or None,
        version=sifted.version or None,
        follows=sifted.version - 1 if isinstance(fault, Missing) else None,
    )


def reason_of(fault: Exception) -> str:
    """Say what went wrong without the values that a bug's message may carry."""
    if isinstance(fault, QuotewrightError):
        return fault.message
    return f"a bug in the handler: {type(fault).__name__}"


def code_of(fault: Exception) -> str:
    """Name the kind of fault: an error's own code, `bug` for anything else."""
    return fault.code if isinstance(fault, QuotewrightError) else "bug"
