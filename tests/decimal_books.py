"""An independent oracle: books kept in plain Python, one trade after the other, in `Decimal`; shares no code with the product."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, localcontext


def cents(value: Decimal) -> Decimal:
    return rounded(value, 2)


def rounded(value: Decimal, decimals: int) -> Decimal:
    """Half even."""
    with localcontext(prec=60):
        return value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_EVEN)


@dataclass
class OpenLot:
    lot_id: str
    opened_date: date
    quantity: Decimal
    cost: Decimal
    cost_base: Decimal


@dataclass
class DecimalBook:
    """The lots of one key; its own currency has so many decimals, the base currency two."""

    decimals: int = 2
    lots: list[OpenLot] = field(default_factory=list)
    realised: Decimal = Decimal(0)
    realised_base: Decimal = Decimal(0)
    realised_price_base: Decimal = Decimal(0)
    closed_at: Decimal = Decimal(0)

    @property
    def quantity(self) -> Decimal:
        return sum((lot.quantity for lot in self.lots), Decimal(0))

    @property
    def cost(self) -> Decimal:
        return sum((lot.cost for lot in self.lots), Decimal(0))

    @property
    def cost_base(self) -> Decimal:
        return sum((lot.cost_base for lot in self.lots), Decimal(0))

    def trade(
        self, trade_id: str, day: date, quantity: Decimal, amount: Decimal, amount_base: Decimal, rate: Decimal, method: str,
        names: str | None = None,
    ) -> None:  # fmt: skip
        """One trade: buys positive, the amount with fees and the sign of the quantity."""
        if method == "AVERAGE" and self.lots:
            self.lots = [OpenLot("AVERAGE", self.lots[0].opened_date, self.quantity, self.cost, self.cost_base)]
        with localcontext(prec=60):
            while quantity and self.lots and (self.lots[0].quantity > 0) != (quantity > 0):
                lot = self._choose(method, names)
                closed = min(abs(quantity), abs(lot.quantity))
                if closed == abs(lot.quantity):
                    cost, cost_base = lot.cost, lot.cost_base
                else:
                    cost = rounded(lot.cost * closed / abs(lot.quantity), self.decimals)
                    cost_base = cents(lot.cost_base * closed / abs(lot.quantity))
                if closed == abs(quantity):
                    part, part_base = amount, amount_base
                else:
                    part = rounded(amount * closed / abs(quantity), self.decimals)
                    part_base = cents(amount_base * closed / abs(quantity))
                self.realised += -part - cost
                self.realised_base += -part_base - cost_base
                self.realised_price_base += cents((-part - cost) * rate)
                lot.quantity += closed if quantity > 0 else -closed
                lot.cost -= cost
                lot.cost_base -= cost_base
                quantity -= closed if quantity > 0 else -closed
                amount -= part
                amount_base -= part_base
                if not lot.quantity:
                    self.lots.remove(lot)
        if quantity:
            if method == "AVERAGE" and self.lots:
                pool = self.lots[0]
                pool.quantity += quantity
                pool.cost += amount
                pool.cost_base += amount_base
            else:
                self.lots.append(OpenLot("AVERAGE" if method == "AVERAGE" else trade_id, day, quantity, amount, amount_base))

    def split(
        self, event_id: str, day: date, new_units: Decimal, old_units: Decimal, fraction_price: Decimal | None = None,
        rate: Decimal = Decimal(1), method: str = "FIFO",
    ) -> tuple[Decimal, Decimal]:  # fmt: skip
        """So many new units for so many old ones; the cost stays. The total is rounded to ten decimals, the parts add up to it.

        With a price for fractions, what is no whole unit is sold at it like by a trade that names no lot. Gives the cash it brought,
        in the book's own currency and in base.
        """
        with localcontext(prec=60):
            before = Decimal(0)
            for lot in self.lots:
                after = before + lot.quantity
                lot.quantity = _ten(after * new_units / old_units) - _ten(before * new_units / old_units)
                before = after
        fraction = self.quantity % 1
        if fraction_price is None or not fraction:
            return Decimal(0), Decimal(0)
        cash = rounded(fraction * fraction_price, self.decimals)
        self.trade(event_id, day, -fraction, -cash, -cents(cash * rate), rate, method)
        return cash, cents(cash * rate)

    def close(self, cash_per_unit: Decimal, rate: Decimal) -> None:
        """All lots end at this much cash for a unit, at the rate of the day. The total is rounded, the parts add up to it."""
        before = Decimal(0)
        for lot in self.lots:
            after = before + lot.quantity
            cash = rounded(after * cash_per_unit, self.decimals) - rounded(before * cash_per_unit, self.decimals)
            before = after
            self.closed_at += cash
            self.realised += cash - lot.cost
            self.realised_base += cents(cash * rate) - lot.cost_base
            self.realised_price_base += cents((cash - lot.cost) * rate)
        self.lots = []

    def _choose(self, method: str, names: str | None) -> OpenLot:
        if method == "LIFO":
            return self.lots[-1]
        if method == "HIGHEST_COST":
            return max(self.lots, key=lambda lot: lot.cost / lot.quantity)
        if method == "LOWEST_COST":
            return min(self.lots, key=lambda lot: lot.cost / lot.quantity)
        if method == "SPECIFIC":
            return next((lot for lot in self.lots if lot.lot_id == names), self.lots[0])
        return self.lots[0]


def _ten(value: Decimal) -> Decimal:
    return value.quantize(Decimal("1e-10"), "ROUND_HALF_UP")


def fold(book: DecimalBook, trades: Iterable[tuple[object, ...]]) -> DecimalBook:
    """The book after the trades, each the arguments of `DecimalBook.trade`."""
    for one in trades:
        book.trade(*one)  # type: ignore[arg-type]
    return book
