"""What the independent oracle is told: the list of what happened to a firm, in any order.

Amounts are in the currency of the instrument; a sale has a negative quantity.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from decimal_terms import Terms

Key = tuple[str, str, str]
"""Book, account, instrument."""

ZERO = Decimal(0)


@dataclass(frozen=True)
class TradeEvent:
    """A version of a trade as delivered on the business date `known`; a sale has a negative quantity."""

    known: date
    trade_id: str
    version: int
    kind: str
    """NEW, AMEND, CANCEL."""
    trade_date: date
    executed_at: datetime
    book: str
    account: str
    instrument: str
    quantity: Decimal
    price: Decimal
    fee: Decimal = ZERO
    rate: Decimal | None = None
    """Base for one unit of the trade's currency, agreed with the trade."""
    sequence: int | None = None
    """The source's number; among trades of one moment those without one come last."""
    closes: str | None = None
    """The trade whose lot it closes, where the account chooses by name."""


@dataclass(frozen=True)
class Quote:
    """A price of an instrument or the rate of a currency, of the day `of`, delivered on `known`."""

    known: date
    name: str
    of: date
    value: Decimal


@dataclass(frozen=True)
class CurvePoint:
    """What a pair or a currency is quoted at on the day `of` for a later date, delivered on `known`."""

    known: date
    name: str
    """EUR/USD for an outright forward rate, USD for a discount factor."""
    of: date
    value_date: date
    value: Decimal


@dataclass(frozen=True)
class Happening:
    """What happens to a holding on its ex date, before the trades of that date. The latest one known of an event id counts."""

    known: date
    event_id: str
    instrument: str
    ex: date
    kind: str
    """SPLIT (stock dividends too), SPIN_OFF (rights issues too), MERGER, REDEMPTION (calls too), EXERCISE, LAPSE."""
    new: Decimal = Decimal(1)
    """So many units, of the same instrument or of what is received, ..."""
    old: Decimal = Decimal(1)
    """... for so many units held."""
    fraction_price: Decimal | None = None
    """What a new unit is paid at that cannot be delivered whole; None: fractions stay."""
    received: str | None = None
    cost_part: Decimal = Decimal(1)
    """Of the cost, what goes with it to what is received."""
    cash: Decimal = ZERO
    """Paid for a unit that is gone; of an exercise that receives another instrument, what the holder pays."""
    part: Decimal = Decimal(1)
    """Of a redemption, of every lot; of an exercise, of the holding."""
    number: Decimal | None = None
    """Of an exercise: so many units, or all if that is less."""
    account: str | None = None
    book: str | None = None
    is_withdrawn: bool = False
    told_as: str = ""
    """What the announcement calls it."""
    pay: date | None = None
    """What is paid for it is paid then, if that is after the ex date."""

    @property
    def paid(self) -> date:
        return max(self.ex, self.pay or self.ex)

    def concerns(self, book: str, account: str) -> bool:
        return self.account in (None, account) and self.book in (None, book)


@dataclass(frozen=True)
class Dividend:
    """What a unit is paid; 0 once it is withdrawn. The latest one known of an event id counts."""

    known: date
    event_id: str
    instrument: str
    ex: date
    amount: Decimal


@dataclass
class History:
    """What happened, in any order."""

    days: list[date]
    settled: dict[date, date]
    """When what is traded on a day settles, in the order of the trade dates."""
    base: str
    currencies: dict[str, str]
    """Of the instruments."""
    minor_units: dict[str, int]
    withheld: Decimal
    """Of a dividend to who holds long."""
    methods: dict[str, list[tuple[date, str]]]
    """Of the accounts: from which trade date on which way to choose lots."""
    terms: dict[str, Terms] = field(default_factory=dict)
    """Of the instruments that are no shares."""
    trades: list[TradeEvent] = field(default_factory=list)
    prices: list[Quote] = field(default_factory=list)
    rates: list[Quote] = field(default_factory=list)
    curves: list[CurvePoint] = field(default_factory=list)
    happenings: list[Happening] = field(default_factory=list)
    dividends: list[Dividend] = field(default_factory=list)
