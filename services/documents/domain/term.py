"""What an offer with recurring charges comes to over its whole term, in words and figures."""

from collections.abc import Mapping

from contracts.commercial import TermPeriod, TermTotals
from services.documents.domain.formats import Formats
from services.documents.domain.page import Period, Row, Term


def term_of(term: TermTotals, formats: Formats, words: Mapping[str, str]) -> Term:
    """Return the section; months that are all alike need no table.

    Raises: AmountTooFine, ForeignCurrency.
    """
    charged = {
        "one_time": term.one_time,
        "recurring": term.recurring,
        "tcv": term.tcv,
        "acv": term.acv,
    }
    alike = len(term.periods) == 1
    return Term(
        heading=words["term"].format(months=term.months),
        rows=tuple(
            Row(label=words[name], value=formats.total(money, f"totals.term.{name}"))
            for name, money in charged.items()
        ),
        periods=() if alike else tuple(_period(each, formats, words) for each in term.periods),
        note=words["term_note"],
    )


def _period(period: TermPeriod, formats: Formats, words: Mapping[str, str]) -> Period:
    last = period.first_month + period.months - 1
    name = "month" if period.months == 1 else "months"
    return Period(
        months=words[name].format(first=period.first_month, last=last),
        amount=formats.total(period.recurring, "totals.term.periods.recurring"),
    )
