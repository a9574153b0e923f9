"""Human numbers of quotes."""

from uuid import UUID

from infra.work import Work
from services.quotes.domain.quote import stream_of_quote

BEFORE_FIRST = 1000


def number_quote(work: Work, quote_id: UUID) -> str:
    """Give a new quote its number, `Q-1001` and up; numbers may have holes, never doubles."""
    number = f"Q-{BEFORE_FIRST + work.next_number('quote')}"
    work.name(number, stream_of_quote(quote_id))
    return number
