"""Price a whole ask: check it, price its lines, discount the quote, add up, and write the trace.

Either every line has a price, or the answer is a list of problems that say what to do; never part
of a price.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, Inexact, InvalidOperation, localcontext

from contracts.pricing import FxRate, GuardrailBreach, LineProblem
from contracts.values import EXACT
from services.pricer.domain import granted, guardrail
from services.pricer.domain.answer import Settled, priced
from services.pricer.domain.ask import BasketLine, PriceAsk, Priced, lines_of, problem
from services.pricer.domain.book import FxTable
from services.pricer.domain.checks import check
from services.pricer.domain.compiled import CompiledBook
from services.pricer.domain.matching import RuleConflict
from services.pricer.domain.running import Running
from services.pricer.domain.scene import ROUNDS, Scene, exact_sum, scene_of
from services.pricer.domain.terms import over_term
from services.pricer.domain.waterfall import NoCost, price_line


@dataclass(frozen=True, slots=True)
class Unpriced:
    """Why there is no price, line by line."""

    problems: tuple[LineProblem, ...]


def price(ask: PriceAsk, book: CompiledBook, fx: FxTable) -> Priced | Unpriced:
    """Price the ask with exactly this book and FX table; the same input gives the same bytes."""
    # The digits of a result must not hang on the context that a thread happens to have.
    with localcontext(ROUNDS):
        found = _price(ask, book, fx)
        if not ask.terms or isinstance(found, Unpriced):
            return found
        whole = over_term(ask, found, book, lambda each: _price(each, book, fx))
        return whole if isinstance(whole, Priced) else Unpriced(whole)


def _price(ask: PriceAsk, book: CompiledBook, fx: FxTable) -> Priced | Unpriced:
    lines, problems = lines_of(ask, book)
    rate = fx.rate(book.book.currency, ask.currency)
    problems = [*check(ask, book, fx, lines), *problems]
    if problems:
        return Unpriced(tuple(problems))
    scene = scene_of(book, ask, rate.rate if rate else Decimal(1), lines)
    runs = [_run(line, scene) for line in lines]
    failed = [each for each in runs if isinstance(each, LineProblem)]
    if failed:
        return Unpriced(tuple(failed))
    return _settle(scene, fx, rate, [each for each in runs if isinstance(each, Running)])


def _run(line: BasketLine, scene: Scene) -> Running | LineProblem:
    try:
        return price_line(line, scene)
    except NoCost:
        text = f"{line.sku} has no cost in the price book, so its margin is unknown; add the cost"
        return problem("no_cost", text, "cost", line)
    except RuleConflict as fault:
        left, right = fault.rules
        text = (
            f"the rules {left} and {right} tie for {line.sku}; give one of them a higher priority"
        )
        return problem("rule_conflict", text, "rules", line)
    except (Inexact, InvalidOperation):
        text = f"the price of {line.sku} can not be held exactly; use fewer decimals"
        return problem("inexact", text, "quantity", line)


def _settle(
    scene: Scene, fx: FxTable, rate: FxRate | None, runs: Sequence[Running]
) -> Priced | Unpriced:
    if problems := granted.after_rounding(scene, runs):
        return Unpriced(tuple(problems))
    for run in runs:
        guardrail.second_pass(run, scene)
    net = exact_sum(run.amount for run in runs)
    costs = [cost_of(run, scene) for run in runs]
    breaches: list[GuardrailBreach] = [each for run in runs for each in run.breaches]
    breaches.extend(guardrail.of_quote(scene, net, exact_sum(costs)))
    return priced(Settled(scene, fx, rate, tuple(runs), tuple(costs), tuple(breaches)))


def cost_of(run: Running, scene: Scene) -> Decimal:
    """Return our cost of a line in the quote's currency, in minor units."""
    cost = scene.money(run.line.entry.cost or Decimal(0))
    return scene.round_line(EXACT.multiply(cost, run.line.quantity))
