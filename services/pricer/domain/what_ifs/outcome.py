"""One quote under both books, as a row: what lists, CSV and Parquet files show."""

from typing import NamedTuple

from services.pricer.domain.what_ifs.trial import Figures, Terms, Tried


class Row(NamedTuple):
    """One quote under both books; amounts in millionths, None where there is no price."""

    quote: str
    revision: int
    day: str
    account_id: str
    tier: str
    region: str
    currency: str
    selling_unit: str | None
    products: tuple[str, ...]
    lines: int | None
    list_before: int | None
    list_after: int | None
    net_before: int | None
    net_after: int | None
    cost_before: int | None
    cost_after: int | None
    terms_before: Terms | None
    terms_after: Terms | None
    breaches_before: str
    breaches_after: str
    approval_before: str | None
    approval_after: str | None
    problem_before: str | None
    problem_after: str | None


class _Sums(NamedTuple):
    """What a whole quote comes to, in millionths; None without a price."""

    lines: int | None = None
    list: int | None = None
    net: int | None = None
    cost: int | None = None


def row_of(tried: Tried) -> Row:
    """Return the row of one quote, before approvals are asked."""
    past = tried.past
    before, after = tried.before, tried.after
    old, new = _sums(before), _sums(after)
    return Row(
        quote=past.quote,
        revision=past.revision,
        day=past.day,
        account_id=past.account_id,
        tier=past.tier,
        region=past.region,
        currency=past.currency,
        selling_unit=past.selling_unit,
        products=past.products,
        lines=new.lines if old.lines is None else old.lines,
        list_before=old.list,
        list_after=new.list,
        net_before=old.net,
        net_after=new.net,
        cost_before=old.cost,
        cost_after=new.cost,
        terms_before=None if isinstance(before, str) else before.terms,
        terms_after=None if isinstance(after, str) else after.terms,
        breaches_before=_breaches(before),
        breaches_after=_breaches(after),
        approval_before=None,
        approval_after=None,
        problem_before=before if isinstance(before, str) else None,
        problem_after=after if isinstance(after, str) else None,
    )


def _sums(found: Figures | str) -> _Sums:
    if isinstance(found, str):
        return _Sums()
    lines = list_ = net = cost = 0
    for each in found.shares:
        lines += each.lines
        list_ += each.list
        net += each.net
        cost += each.cost
    return _Sums(lines, list_, net, cost)


def _breaches(found: Figures | str) -> str:
    if isinstance(found, str):
        return ""
    return " ".join(sorted({name for name, _ in found.breaches}))
