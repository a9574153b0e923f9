"""Why a record is parked, in words that hold no value of it."""

from contracts.errors import Poison, QuotewrightError
from infra.bus import Slice
from infra.rows import Parked
from infra.wire import Arrived


class Missing(Poison):
    """A hole in a stream: the relay never leaves one, so somebody must look."""

    code = "parked.missing"


class Behind(Poison):
    """The record itself is good; an earlier one of its deal is parked."""

    code = "parked.behind"


def park(piece: Slice, record: Arrived, fault: Exception) -> Parked:
    """Return the row of a record that could not be handled, raw, with the reason."""
    code = fault.code if isinstance(fault, QuotewrightError) else "bug"
    return Parked(
        0,
        piece.topic,
        piece.partition,
        record.offset,
        record.key,
        record.headers,
        record.value,
        reason_of(fault),
        code,
    )


def reason_of(fault: Exception) -> str:
    """Say what went wrong without the values that a bug's message may carry."""
    if isinstance(fault, QuotewrightError):
        return fault.message
    return f"a bug in the handler: {type(fault).__name__}"
