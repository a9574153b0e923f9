"""Binding what is said of the instances of a component, as `scoping` writes it."""

from services.configurator.domain.language import units
from services.configurator.domain.language.expression import Call, Literal, Name
from services.configurator.domain.solving import bounds as b
from services.configurator.domain.solving import variables as v
from services.configurator.domain.solving.binding import Binder, Term, joined


class InstanceBinder(Binder):
    """A binder that also knows all, any, total, and where an instance is there."""

    def _call(self, node: Call) -> Term:
        match node.function:
            case "all" | "any":
                terms = [self.condition(each) for each in node.arguments]
                pick = min if node.function == "all" else max
                return joined("condition", terms, b.extreme(pick, [each.bounds for each in terms]))
            case "total":
                terms = [self.number(each) for each in node.arguments]
                unit = terms[0].unit
                for each in terms[1:]:
                    unit = units.same(unit, each.unit, "add")
                running = v.RunningTotal([(each.scope, each.bounds) for each in terms])
                return joined("number", terms, running, unit)
            case "where":
                condition, value = self.condition(node.arguments[0]), self.number(node.arguments[1])
                found = b.choice(condition.bounds, value.bounds, b.constant(0))
                return joined("number", (condition, value), found, value.unit)
            case "there":
                return self._there(node)
            case _:
                return super()._call(node)

    def _there(self, node: Call) -> Term:
        count, number, said = node.arguments
        if not isinstance(count, Name) or not isinstance(number, Literal):
            raise TypeError(
                "made by `scoping` only: the number, which instance, what is said of it"
            )
        scope, found = v.there(self._space, count.id, int(number.value), self._bind(said).scope)
        return Term("condition", units.PLAIN, scope, found)
