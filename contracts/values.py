"""Exact values that every fact is made of: Money, Percent, Quantity, Period, Pin.

Decimal throughout; a binary float is refused at the door, because 0.1 is not a tenth.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import (
    ROUND_DOWN,
    ROUND_HALF_UP,
    Context,
    Decimal,
    Inexact,
    InvalidOperation,
    localcontext,
)
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    RootModel,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
    model_validator,
)

from contracts.errors import Refused

# ISO 4217 minor units; every other currency of the table has two digits. Source: ISO 4217 list
# one, 2025.
_NONE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"
_FOUR = "CLF UYW"
MINOR_UNITS = {
    currency: digits
    for digits, currencies in ((0, _NONE), (3, _THREE), (4, _FOUR))
    for currency in currencies.split()
}
UNITS = {scale: Decimal(1).scaleb(-scale) for scale in (0, 2, 3, 4)}
MAX_SCALE = 6
# Far beyond any price or measure; keeps products within EXACT, and 1E+999999 out of the log.
MAX_DIGITS = 24
PLAIN = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,6})?", re.ASCII)
# The one way in which programs write decimals to us; `Decimal` itself reads 1_000, 1e3, +5, .5,
# blanks around it and the digits of every script, which each reader may take for something else.
PLAIN_DECIMAL = re.compile(rf"-?[0-9]{{1,{2 * MAX_DIGITS}}}(\.[0-9]{{1,{2 * MAX_DIGITS}}})?")
NOT_PLAIN = (
    "write a plain decimal, such as 1234.50: digits 0 to 9, one point, no blanks, no exponent"
)
PLAIN_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
NOT_A_DAY = "write a day as text, such as 2026-03-31"
# RFC 3339, with a blank for the T as it allows; its seconds may be left out.
PLAIN_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?"
    r"([Zz]|[+-][0-9]{2}:?[0-9]{2})?"
)
# With it every text that pydantic would take for a count of seconds is out.
NOT_A_CLOCK = "write the time as text, such as 12:30 or 2026-03-31T12:30:00"
NOT_AN_INSTANT = "write a time as text with its zone, such as 2026-03-31T12:00:00Z"
SCALES = tuple(Decimal(1).scaleb(-digits) for digits in range(MAX_DIGITS + 1))
ZERO, HUNDRED = Decimal(0), Decimal(100)
EXACT = Context(prec=60, rounding=ROUND_HALF_UP, traps=[Inexact, InvalidOperation])
# For percentages that are shown: a quotient seldom ends, so this one may round.
DISPLAYED = Context(prec=60, rounding=ROUND_HALF_UP, traps=[InvalidOperation])


# What pydantic itself does after its checks; a frozen value is not to be written otherwise.
_NEW, _PUT = object.__new__, object.__setattr__
Rooted = TypeVar("Rooted", bound=BaseModel)


def _rooted(made: Rooted, root: Decimal) -> Rooted:
    """Give a value of one member its member, as pydantic does after its checks."""
    _PUT(made, "__dict__", {"root": root})
    _PUT(made, "__pydantic_fields_set__", {"root"})
    _PUT(made, "__pydantic_extra__", None)
    _PUT(made, "__pydantic_private__", None)
    return made


class Value(BaseModel):
    """Base of every frozen value and fact. Producers are closed: an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)
    members: ClassVar[set[str]] = set()

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Keep the names of all members at hand."""
        super().__pydantic_init_subclass__(**kwargs)
        cls.members = set(cls.model_fields)

    def but(self, changes: Mapping[str, Any]) -> Self:
        """Return a copy with some members changed, unchecked, as `model_copy` does and faster."""
        copy = self.made({**self.__dict__, **changes})
        object.__setattr__(
            copy, "__pydantic_fields_set__", self.__pydantic_fields_set__ | changes.keys()
        )
        return copy

    @classmethod
    def made(cls, members: dict[str, Any]) -> Self:
        """Return a value of all its members, in order; unchecked: they came out of valid ones."""
        made = _NEW(cls)
        _PUT(made, "__dict__", members)
        _PUT(made, "__pydantic_fields_set__", cls.members)
        _PUT(made, "__pydantic_extra__", None)
        _PUT(made, "__pydantic_private__", None)
        return made


def _exact(value: Any, parse: ValidatorFunctionWrapHandler) -> Decimal:
    """Read a decimal; what is plain and short needs no further look: most of a fact's time."""
    if isinstance(value, str) and PLAIN.fullmatch(value):
        return Decimal(value)
    if isinstance(value, float | bool):
        raise ValueError("give decimals as text or integer; a binary float is not exact")
    if isinstance(value, str) and not PLAIN_DECIMAL.fullmatch(value):
        raise ValueError(NOT_PLAIN)
    return _sane(parse(value))


def plain_day(text: str) -> date:
    """Read a day as programs write it.   Raises: ValueError, saying how it is written."""
    if not PLAIN_DAY.fullmatch(text):
        raise ValueError(NOT_A_DAY)
    return date.fromisoformat(text)


def plain_decimal(text: str) -> Decimal:
    """Read a decimal as programs write it.   Raises: ValueError, saying how it is written.

    >>> plain_decimal("12.50")
    Decimal('12.50')
    """
    if not PLAIN_DECIMAL.fullmatch(text):
        raise ValueError(NOT_PLAIN)
    return _sane(Decimal(text))


def _sane(value: Decimal) -> Decimal:
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int):
        raise ValueError("must be a finite number")
    if value.adjusted() >= MAX_DIGITS or exponent < -MAX_DIGITS:
        raise ValueError(f"must have at most {MAX_DIGITS} digits before and after the point")
    return value


def _plainly(value: Decimal) -> str:
    """Write 1000 and never 1E+3, which few readers of JSON take for a decimal."""
    return f"{value:f}"


ExactDecimal = Annotated[
    Decimal,
    WrapValidator(_exact),
    PlainSerializer(_plainly, return_type=str, when_used="json"),
    WithJsonSchema(
        {"type": "string", "pattern": r"^-?\d+(\.\d+)?$", "description": "exact decimal"}
    ),
]


def is_none(value: object) -> bool:
    """Say whether a member says nothing: what came to be later is left out where it is not used."""
    return value is None


def _aware(value: datetime) -> datetime:
    if value.tzinfo is None or value.utcoffset() is None:
        raise ValueError("must carry a time zone")
    return value


def _day(value: Any) -> Any:
    """Let through what says a day; a number would be read as seconds since 1970."""
    if isinstance(value, str):
        said = PLAIN_DAY.fullmatch(value) is not None
    else:
        said = isinstance(value, date)
    if not said:
        raise ValueError(NOT_A_DAY)
    return value


def _instant(value: Any, parse: ValidatorFunctionWrapHandler) -> datetime:
    """Read a moment with its zone; a number would be read as seconds since 1970."""
    if isinstance(value, str):
        if not PLAIN_INSTANT.fullmatch(value):
            raise ValueError(NOT_AN_INSTANT)
    elif not isinstance(value, datetime):
        raise ValueError(NOT_AN_INSTANT)
    return _aware(parse(value))


def _written(value: Any) -> Any:
    """Let through a time of the day or a local moment that is written as one, never a number."""
    if not isinstance(value, time | datetime) and (not isinstance(value, str) or ":" not in value):
        raise ValueError(NOT_A_CLOCK)
    return value


Day = Annotated[date, BeforeValidator(_day)]
Clock = Annotated[time, BeforeValidator(_written)]
LocalMoment = Annotated[datetime, BeforeValidator(_written)]
Instant = Annotated[datetime, WrapValidator(_instant)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217 code")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="hex SHA-256")]


class CurrencyMismatch(Refused):
    """Two amounts of different currencies met; convert by a pinned rate first."""

    code = "money.currency_mismatch"


class Money(Value):
    """An exact amount of one currency, padded to its minor unit.

    Unit prices may be finer (6 digits).

    >>> Money.of("1180", "EUR")
    Money('1180.00 EUR')
    >>> str(Money.of("1180", "JPY") + Money.of("20", "JPY"))
    '1200 JPY'
    """

    amount: ExactDecimal
    currency: Currency

    @model_validator(mode="after")
    def _pad_to_minor_unit(self) -> Self:
        scale = minor_unit(self.currency)
        if self.amount.same_quantum(UNITS[scale]):
            return self
        exponent = self.amount.as_tuple().exponent
        if not isinstance(exponent, int) or -exponent > MAX_SCALE:
            raise ValueError(f"at most {MAX_SCALE} decimal places")
        if -exponent < scale:
            object.__setattr__(
                self, "amount", EXACT.quantize(self.amount, Decimal(1).scaleb(-scale))
            )
        return self

    @classmethod
    def of(cls, amount: str | int | Decimal, currency: str) -> "Money":
        """Return the amount in the currency, from text, integer or Decimal, never from a float."""
        return cls.model_validate({"amount": amount, "currency": currency})

    @classmethod
    def zero(cls, currency: str) -> "Money":
        """Return nothing, in the currency."""
        return cls.of(0, currency)

    @classmethod
    def total(cls, parts: Iterable["Money"], currency: str) -> "Money":
        """Add the parts exactly; the sum of nothing is zero."""
        result = cls.zero(currency)
        for part in parts:
            result = result + part
        return result

    def __add__(self, other: "Money") -> "Money":
        return _made(EXACT.add(self.amount, self._same(other)), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return _made(EXACT.subtract(self.amount, self._same(other)), self.currency)

    def __neg__(self) -> "Money":
        return _made(EXACT.minus(self.amount), self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.amount < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.amount <= self._same(other)

    def __gt__(self, other: "Money") -> bool:
        return self.amount > self._same(other)

    def __ge__(self, other: "Money") -> bool:
        return self.amount >= self._same(other)

    def __bool__(self) -> bool:
        return bool(self.amount)

    def __str__(self) -> str:
        return f"{self.amount:f} {self.currency}"

    def __repr__(self) -> str:
        return f"Money('{self}')"

    def rounded(self, scale: int | None = None, mode: str = ROUND_HALF_UP) -> "Money":
        """Round to `scale` digits, by default the currency's minor unit; half away from zero."""
        return rounded(self.amount, self.currency, scale, mode)

    def _same(self, other: "Money") -> Decimal:
        if other.currency != self.currency:
            raise CurrencyMismatch(
                f"{self} and {other} have different currencies",
                left=self.currency,
                right=other.currency,
            )
        return other.amount


# Codes that have passed validation once; there are a few hundred currencies at most.
_SEEN_CURRENCIES: set[str] = set()


def _made(amount: Decimal, currency: str) -> Money:
    """Make Money of an amount that came out of valid ones: validating it again tells nothing new.

    Raises: ValueError, if it has grown beyond what can be read back.
    """
    if amount.adjusted() >= MAX_DIGITS:
        raise ValueError(f"must have at most {MAX_DIGITS} digits before the point")
    return Money.made({"amount": amount, "currency": currency})


def minor_unit(currency: str) -> int:
    """Return the number of decimal places of a currency's minor unit (ISO 4217)."""
    return MINOR_UNITS.get(currency, 2)


def unit_of(currency: str) -> Decimal:
    """Return one minor unit of a currency, as in 0.01.

    >>> unit_of("EUR"), unit_of("JPY")
    (Decimal('0.01'), Decimal('1'))
    """
    return UNITS[MINOR_UNITS.get(currency, 2)]


def rounded(
    amount: Decimal, currency: str, scale: int | None = None, mode: str = ROUND_HALF_UP
) -> Money:
    """Round a raw amount once, at a named point, and make it Money."""
    digits = minor_unit(currency) if scale is None else scale
    with localcontext(Context(prec=60, traps=[InvalidOperation])):
        exact = amount.quantize(Decimal(1).scaleb(-digits), rounding=mode)
    if minor_unit(currency) <= digits <= MAX_SCALE and currency in _SEEN_CURRENCIES:
        return _made(exact, currency)
    money = Money(amount=exact, currency=currency)
    _SEEN_CURRENCIES.add(currency)
    return money


def allocate(amount: Money, weights: Sequence[Decimal]) -> list[Money]:
    """Split an amount by weights so that the parts sum to it exactly.

    By largest remainder, ties to the earlier; weights that sum to zero split equally. Each part is
    within one minor unit of its exact share. Raises: ValueError, if the amount is finer than the
    currency's minor unit: round it first, at a named point.

    >>> weights = [Decimal(1), Decimal(2), Decimal(3), Decimal(4)]
    >>> [str(part) for part in allocate(Money.of("1.02", "EUR"), weights)]
    ['0.10 EUR', '0.20 EUR', '0.31 EUR', '0.41 EUR']
    """
    if not weights:
        return []
    unit = Decimal(1).scaleb(-minor_unit(amount.currency))
    with localcontext(Context(prec=60, traps=[InvalidOperation])):
        if amount.amount % unit:
            raise ValueError(f"{amount} is finer than the minor unit; round it before it is split")
        shares = list(weights) if sum(weights, Decimal(0)) else [Decimal(1)] * len(weights)
        whole = sum(shares, Decimal(0))
        exact = [amount.amount * share / whole for share in shares]
        floors = [each.quantize(unit, rounding=ROUND_DOWN) for each in exact]
        missing = amount.amount - sum(floors, Decimal(0))
        step = unit if missing >= 0 else -unit
        # Signed by the step: among weights of both signs none is pushed away from its share.
        order = sorted(range(len(shares)), key=lambda i: ((floors[i] - exact[i]) * step, i))
        for index in order[: int(abs(missing) / unit)]:
            floors[index] += step
    return [Money(amount=part, currency=amount.currency) for part in floors]


class Percent(RootModel[ExactDecimal]):
    """An exact percentage: `Percent("12.5")` is 12.5 %. A surcharge is negative.

    A markup may pass 100.
    """

    model_config = ConfigDict(frozen=True)

    def __init__(self, root: str | int | Decimal) -> None:
        super().__init__(root=root)

    @classmethod
    def made(cls, root: Decimal) -> "Percent":
        """Return a percentage of what is known to be one, unchecked."""
        return _rooted(_NEW(cls), root)

    @property
    def fraction(self) -> Decimal:
        """The percentage as a fraction of one, exactly."""
        return EXACT.scaleb(self.root, -2)

    def of(self, amount: Decimal) -> Decimal:
        """Return this share of the amount, exact and unrounded."""
        return EXACT.multiply(amount, self.fraction)

    def __lt__(self, other: "Percent") -> bool:
        return self.root < other.root

    def __le__(self, other: "Percent") -> bool:
        return self.root <= other.root

    def __gt__(self, other: "Percent") -> bool:
        return self.root > other.root

    def __ge__(self, other: "Percent") -> bool:
        return self.root >= other.root

    def __str__(self) -> str:
        return f"{self.root:f} %"

    def __repr__(self) -> str:
        return f"Percent('{self.root:f}')"


def share(part: Decimal, whole: Decimal, digits: int = 2) -> Percent:
    """Return part/whole as a percentage for display and thresholds, rounded half up to `digits`.

    A whole of zero gives 0. Never feed the result back into a price: it is rounded.
    """
    return Percent.made(percentage(part, whole, digits))


def percentage(part: Decimal, whole: Decimal, digits: int = 2) -> Decimal:
    """Return the bare number of `share`."""
    if not whole:
        return ZERO
    exact = DISPLAYED.divide(DISPLAYED.multiply(part, HUNDRED), whole)
    found = exact.quantize(SCALES[digits], None, DISPLAYED)
    return found if found.adjusted() < MAX_DIGITS else Percent(found).root


MAX_QUANTITY = Decimal(1000000)


def _sane_quantity(value: Decimal) -> Decimal:
    exponent = value.as_tuple().exponent
    if value <= 0 or value > MAX_QUANTITY or (isinstance(exponent, int) and exponent < -3):
        raise ValueError(f"must be above 0, at most {MAX_QUANTITY}, with at most 3 decimal places")
    return value


class LineQuantity(RootModel[ExactDecimal]):
    """How many of something a priced line has; a credit is negative, usage may be in millions."""

    model_config = ConfigDict(frozen=True)

    def __init__(self, root: str | int | Decimal) -> None:
        super().__init__(root=root)

    @classmethod
    def made(cls, root: Decimal) -> "LineQuantity":
        """Return a quantity of what is known to be one, unchecked."""
        return _rooted(_NEW(cls), root)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LineQuantity) and self.root == other.root

    def __hash__(self) -> int:
        return hash(self.root)

    def __str__(self) -> str:
        return f"{self.root.normalize():f}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}('{self}')"


class Quantity(LineQuantity):
    """How many of something: above zero, at most a million, three decimal places."""

    root: Annotated[ExactDecimal, AfterValidator(_sane_quantity)]

    def __mul__(self, other: "Quantity") -> "Quantity":
        return Quantity(EXACT.multiply(self.root, other.root))


class Pin(Value):
    """Which version of a catalogue document was used: id, version and the hash of its content."""

    id: str
    version: int = Field(ge=1)
    sha256: Sha256


class Period(Value):
    """Days from the first to the last, both included; no last day means until further notice."""

    first: Day
    last: Day | None = None

    def holds(self, day: date) -> bool:
        """Say whether the day lies inside."""
        return self.first <= day and (self.last is None or day <= self.last)
