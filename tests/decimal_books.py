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

    def give(self, part: Decimal) -> list[OpenLot]:
        """So much of the cost goes to another instrument; gives what goes, lot by lot, with the units that stand for it.

        The total is rounded, the parts add up to it.
        """
        given = []
        before, before_base = Decimal(0), Decimal(0)
        with localcontext(prec=60):
            for lot in self.lots:
                after, after_base = before + lot.cost, before_base + lot.cost_base
                cost = rounded(after * part, self.decimals) - rounded(before * part, self.decimals)
                cost_base = cents(after_base * part) - cents(before_base * part)
                before, before_base = after, after_base
                given.append(OpenLot(lot.lot_id, lot.opened_date, lot.quantity, cost, cost_base))
                lot.cost -= cost
                lot.cost_base -= cost_base
        return given

    def take(self, units: Decimal, method: str) -> list[OpenLot]:
        """So many units, with the sign of the position, leave with their cost, out of the lots that the method chooses."""
        if method == "AVERAGE" and self.lots:
            self.lots = [OpenLot("AVERAGE", self.lots[0].opened_date, self.quantity, self.cost, self.cost_base)]
        taken = []
        with localcontext(prec=60):
            while units and self.lots:
                lot = self._choose(method, None)
                if abs(units) >= abs(lot.quantity):
                    gone = lot
                    self.lots.remove(lot)
                else:
                    cost = rounded(lot.cost * units / lot.quantity, self.decimals)
                    gone = OpenLot(lot.lot_id, lot.opened_date, units, cost, cents(lot.cost_base * units / lot.quantity))
                    lot.quantity -= gone.quantity
                    lot.cost -= gone.cost
                    lot.cost_base -= gone.cost_base
                units -= gone.quantity
                taken.append(gone)
        return taken

    def pay_back(self, part: Decimal, cash_per_unit: Decimal, rate: Decimal, of: list[OpenLot] | None = None) -> tuple[Decimal, Decimal]:
        """This part of every lot, or of those that have left, ends at this much cash for a unit; gives the cash, own currency and base.

        The totals of units and cash are rounded, the parts add up to them.
        """
        before, paid, paid_base = Decimal(0), Decimal(0), Decimal(0)
        with localcontext(prec=60):
            for lot in self.lots if of is None else of:
                after = before + lot.quantity
                cash = rounded(_ten(after * part) * cash_per_unit, self.decimals) - paid
                cash_base = cents((paid + cash) * rate) - paid_base
                paid, paid_base = paid + cash, paid_base + cash_base
                cost = lot.cost if part == 1 else rounded(lot.cost * part, self.decimals)
                cost_base = lot.cost_base if part == 1 else cents(lot.cost_base * part)
                self.realised += cash - cost
                self.realised_base += cash_base - cost_base
                self.realised_price_base += cents((cash - cost) * rate)
                lot.quantity -= _ten(after * part) - _ten(before * part)
                lot.cost -= cost
                lot.cost_base -= cost_base
                before = after
        self.lots = [lot for lot in self.lots if lot.quantity]
        return paid, paid_base

    def receive(
        self, event_id: str, day: date, given: list[OpenLot], units: Decimal, turned: Decimal, cash_per_unit: Decimal, rate: Decimal,
        method: str, fraction_price: Decimal | None,
    ) -> tuple[Decimal, Decimal, Decimal, Decimal]:  # fmt: skip
        """What another instrument gave arrives: so many units for each of its units, their cost turned into this currency, and cash is paid
        for each of them.

        Lots keep their days and, where that is free, their names. Where the other side is held, what arrives closes it. With a price for
        fractions what is no whole unit is sold at it. Gives cash received and cost taken over, each in the own currency and in base.
        """
        before, arrived, paid, paid_base, moved, moved_base = (Decimal(0),) * 6
        cost_before, names, lots = Decimal(0), {lot.lot_id for lot in self.lots}, []
        with localcontext(prec=60):
            for lot in given:
                before, cost_before = before + lot.quantity, cost_before + lot.cost
                quantity = _ten(before * units) - arrived
                cost = rounded(cost_before * turned, self.decimals) - moved
                cash = rounded(before * cash_per_unit, self.decimals) - paid
                cash_base = cents((paid + cash) * rate) - paid_base
                arrived, moved, moved_base = arrived + quantity, moved + cost, moved_base + lot.cost_base
                paid, paid_base = paid + cash, paid_base + cash_base
                name = f"{event_id}/{lot.lot_id}" if lot.lot_id == "AVERAGE" or lot.lot_id in names else lot.lot_id
                lots.append(OpenLot(name, lot.opened_date, quantity, cost + cash, lot.cost_base + cash_base))
        if self.lots and (self.quantity > 0) != (arrived > 0):
            for lot in lots:
                self.trade(lot.lot_id, lot.opened_date, lot.quantity, lot.cost, lot.cost_base, rate, method)
        else:
            self.lots = sorted(self.lots + lots, key=lambda lot: lot.opened_date)
            if method == "AVERAGE":
                self.lots = [OpenLot("AVERAGE", self.lots[0].opened_date, self.quantity, self.cost, self.cost_base)]
        fraction = arrived % 1
        cash, cash_base = -paid, -paid_base
        if fraction_price is not None and fraction:
            brought = rounded(fraction * fraction_price, self.decimals)
            self.trade(event_id, day, -fraction, -brought, -cents(brought * rate), rate, method)
            cash, cash_base = cash + brought, cash_base + cents(brought * rate)
        return cash, cash_base, moved, moved_base

    def add(self, event_id: str, lots: list[OpenLot], method: str) -> None:
        """Lots of another book of the account, at their cost; they keep their days and, where that is free, their names."""
        names, seen = {lot.lot_id for lot in self.lots}, list[str]()
        for lot in lots:
            number = seen.count(lot.lot_id) + 1
            seen.append(lot.lot_id)
            if lot.lot_id == "AVERAGE" or lot.lot_id in names or number > 1:
                lot.lot_id = f"{event_id}/{lot.lot_id}" + (f"/{number}" if number > 1 else "")
        self.lots = sorted(self.lots + lots, key=lambda lot: lot.opened_date)
        if method == "AVERAGE":
            self.lots = [OpenLot("AVERAGE", self.lots[0].opened_date, self.quantity, self.cost, self.cost_base)]

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
