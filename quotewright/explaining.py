"""`explain`: why each price is what it is, and why each approval was needed or not, in words."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.text import Text

from contracts.charges import say_charge
from contracts.errors import NotFound
from quotewright.client import Client

Json = dict[str, Any]
AMOUNT_WIDTH = 14
# Where an amount and its sentence stand in a step as it is kept.
AMOUNT, WORDS = 6, 7
# What a step works on; before and after are always the amount of the line.
BASES = {"unit": "by the unit price", "line": "by the line", "quote": "by a share of the quote"}


def explanation(client: Client, number: str, line: int | None) -> Json:
    """Collect the newest revision, its price trace, its approval cases and the policy's words.

    Raises: NotFound, if the quote or the line does not exist.
    """
    quote = client.get(f"/quotes/{number}")
    revision = quote["current"]
    trace = revision.get("trace_sha256")
    priced = client.get(f"/pricer/traces/{trace}") if trace else {"lines": []}
    lines = [each for each in priced["lines"] if line in {None, each["line"]}]
    if line is not None and not lines:
        raise NotFound(f"{number} has no priced line {line}", line=line)
    known = client.get(f"/crm/quotes/{quote['number']}")["approvals"]
    cases = [
        client.get(f"/approvals/cases/{each['case_id']}")
        for each in known
        if each["revision"] == revision["revision"]
    ]
    return {
        "quote": quote,
        "prices": {**priced, "lines": lines},
        "cases": cases,
        "policy": client.get("/approvals/policy"),
    }


def explain(console: Console, found: Json, *, skipped: bool) -> None:
    """Print an explanation; `skipped` also says which rules did not apply, and why."""
    for text in report(found, skipped=skipped):
        console.print(Text(text), soft_wrap=True)


def report(found: Json, *, skipped: bool) -> Iterator[str]:
    """Give the lines of the report."""
    yield from _head(found["quote"], found["prices"])
    after = found["prices"].get("internal", {}).get("off_invoice", [])
    for line in found["prices"]["lines"]:
        yield ""
        yield from _line(line, skipped=skipped)
        for number, *step in after:
            if number == line["line"]:
                amount = _amount(Decimal(step[AMOUNT]), signed=True)
                yield f"{amount}  after the invoice: {step[WORDS]}"
    yield ""
    yield from _approvals(found)


def _head(quote: Json, prices: Json) -> Iterator[str]:
    revision = quote["current"]
    yield f"{quote['number']}  revision {revision['revision']}, {quote['status']}"
    if not revision["offer"]:
        why = (revision["returned"] or {}).get("reason")
        yield f"no price: {why}" if why else "no price yet"
        return
    totals = revision["offer"]["totals"]
    yield (
        f"list {_money(totals['list'])}, discount {totals['discount_percent']} %,"
        f" net {_money(totals['net'])}"
    )
    if term := totals.get("term"):
        yield (
            f"over {term['months']} months: total contract value {_money(term['tcv'])},"
            f" annual contract value {_money(term['acv'])}"
        )
    yield from _for_insiders(prices.get("internal", {}))
    book, fx = prices["book"], prices["fx"]
    yield (
        f"priced for {prices['day']} by price book {book['id']} version {book['version']},"
        f" rates {fx['id']} version {fx['version']}, {prices['engine']}"
    )
    for each in prices["breaches"]:
        where = f"line {each['line']}" if each["line"] else "the quote"
        yield f"floor: {where}: {each['message']}"


def _for_insiders(internal: Json) -> Iterator[str]:
    """Say what is left of the price, also after the invoice, to those who may see costs."""
    for what, name in (("margin", "margin"), ("pocket", "pocket_margin")):
        if not internal.get(what):
            continue
        head = f"cost {_money(internal['cost'])}"
        if what == "pocket":
            head = f"pocket price {_money(internal['pocket'])}"
        margin = f"{_money(internal[name])} ({internal[f'{name}_percent']} %)"
        yield f"{head}, {name.replace('_', ' ')} {margin}"


def _line(line: Json, *, skipped: bool) -> Iterator[str]:
    yield (
        f"{line['line']}. {line['quantity']} x {line['sku']}  {line['name']}"
        f"  ({line['item_id']}, {say_charge(line['charge']).lower()})"
    )
    for number, step in enumerate(line["steps"]):
        amount = Decimal(step["after"] if number == 0 else step["amount"])
        note = f" [{step['note']}]" if step.get("note") else ""
        yield f"{_amount(amount, signed=number > 0)}  {step['sentence']}{note}"
        if skipped:
            yield f"{'':>{AMOUNT_WIDTH}}  {_detail(step)}"
    yield f"{_amount(Decimal(line['net_total']['amount']))}  net, {_money(line['net_unit'])} each"
    for each in line["skipped"] if skipped else ():
        yield f"{'':>{AMOUNT_WIDTH}}  not applied: {each['rule']} {each['why']}"


def _detail(step: Json) -> str:
    """Say which rule made a step, on what, from and to what, and what of its condition was met."""
    version = f" version {step['version']}" if step["version"] else ""
    moved = f"{Decimal(step['before']):,f} -> {Decimal(step['after']):,f}"
    met = ", ".join(f"{name} {value}" for name, value in step.get("matched", {}).items())
    because = f"; because of {met}" if met else ""
    return f"{step['stage']}: {step['rule']}{version}, {BASES[step['basis']]}: {moved}{because}"


def _approvals(found: Json) -> Iterator[str]:
    revision = found["quote"]["current"]
    approval = revision["approval"]
    if approval and approval["by_rule"]:
        yield "Approval: nobody had to approve"
        words = _words_of_rules(found["policy"]["policy"])
        for rule in approval["by_rule"].split(", "):
            yield f"  {words.get(rule, 'within authority')} ({rule})"
        return
    if not found["cases"]:
        yield "Approval: not asked yet"
        return
    for case in found["cases"]:
        yield from _case(case)


def _case(case: Json) -> Iterator[str]:
    request = case["request"]
    policy = request["policy"]
    yield (
        f"Approval: {case['state']}, asked by {request['requested_by']}"
        f" under {policy['id']} version {policy['version']}"
    )
    for why in request["rationale"]:
        yield f"  the seller's reason: {why}"
    grants = {each["step"]: each for each in case["grants"]}
    for step in request["steps"]:
        yield f"  step {step['step']}, {step['level'].replace('-', ' ')}:"
        for cause in step["causes"]:
            yield f"    because {cause['message']} ({cause['rule']})"
        yield f"    {_decision(case, step, grants)}"
    for late in case["late"]:
        yield f"  too late, without effect: {late['by']} would {late['verdict']}: {late['reason']}"


def _decision(case: Json, step: Json, grants: Mapping[int, Json]) -> str:
    grant, closing = grants.get(step["step"]), case["closing"] or {}
    if grant:
        words = grant["reason"] or "no words"
        return f"granted by {grant['by']} at {_time(grant['at'])}: {words}"
    if case["state"] == "rejected" and closing.get("step") == step["step"]:
        return f"rejected by {closing['by']} at {_time(closing['at'])}: {closing['reason']}"
    if case["state"] == "recalled":
        return f"recalled: {closing.get('reason', '')}"
    if case["step"] == step["step"]:
        who = ", ".join(case["approvers"]) or "nobody can; an administrator must act"
        return f"waits for {who}, due {_time(case['request']['due_at'])}"
    return "not reached"


def _words_of_rules(policy: Json) -> dict[str, str]:
    """Return what each rule says, by `<table>/<rule>`."""
    tables: Sequence[Json] = [
        table for authority in policy["authorities"] for table in authority["tables"]
    ]
    return {f"{t['id']}/{rule['id']}": rule["says"] for t in tables for rule in t["rules"]}


def _amount(amount: Decimal, *, signed: bool = False) -> str:
    return f"{amount:>{'+' if signed else ''}{AMOUNT_WIDTH},f}"


def _money(money: Json) -> str:
    return f"{Decimal(money['amount']):,f} {money['currency']}"


def _time(text: str) -> str:
    return f"{text[:19].replace('T', ' ')} UTC"
