"""An independent oracle: a whole firm kept in plain Python from the list of what happened, one trade after the other, in `Decimal`.

It shares no code with the product. What it knows on a date is what was delivered by then. Amounts are in the currency of the instrument
unless they are named `base`; buys and receipts of securities are positive, cash out is positive where it is called paid.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, localcontext
from math import inf

from decimal_books import DecimalBook, rounded

Key = tuple[str, str, str]
"""Book, account, instrument."""

ZERO = Decimal(0)
CORRECTIONS = ("amended", "cancelled", "late")


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
class Split:
    known: date
    event_id: str
    instrument: str
    ex: date
    new: Decimal
    old: Decimal


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
    base: str
    currencies: dict[str, str]
    """Of the instruments."""
    minor_units: dict[str, int]
    withheld: Decimal
    """Of a dividend to who holds long."""
    methods: dict[str, list[tuple[date, str]]]
    """Of the accounts: from which trade date on which way to choose lots."""
    trades: list[TradeEvent] = field(default_factory=list)
    prices: list[Quote] = field(default_factory=list)
    rates: list[Quote] = field(default_factory=list)
    splits: list[Split] = field(default_factory=list)
    dividends: list[Dividend] = field(default_factory=list)


@dataclass(frozen=True)
class Booked:
    """A version in the books: its amounts were fixed on the day it was booked."""

    event: TradeEvent
    rate: Decimal
    gross: Decimal
    fee: Decimal
    gross_base: Decimal
    fee_base: Decimal


@dataclass
class Position:
    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    cost_base: Decimal = ZERO
    value: Decimal = ZERO
    value_base: Decimal = ZERO


@dataclass
class DayOfFirm:
    """The books at the close of a date; what is absent is zero."""

    positions: dict[Key, Position] = field(default_factory=dict)
    lots: dict[Key, list[tuple[str, date, Decimal, Decimal, Decimal]]] = field(default_factory=dict)
    """Trade, day opened, quantity, cost, cost in base, oldest first."""
    results: dict[Key, dict[str, Decimal]] = field(default_factory=dict)


def keep_books(history: History) -> dict[date, DayOfFirm]:
    """The books of every date."""
    keeper = _Keeper(history)
    return {day: keeper.close(day) for day in history.days}


class _Keeper:
    def __init__(self, history: History) -> None:
        self.history = history
        self.versions: dict[str, list[TradeEvent]] = defaultdict(list)
        self.booked: dict[str, Booked] = {}
        self.before = DayOfFirm()
        self.day_before: date | None = None
        self.realised: dict[Key, tuple[Decimal, Decimal, Decimal]] = {}
        self.income: dict[tuple[str, Key], tuple[Decimal, Decimal]] = {}
        self.claims: dict[tuple[str, str], tuple[Decimal, Decimal]] = {}
        self.by_day: dict[date, list[TradeEvent]] = defaultdict(list)
        for one in history.trades:
            self.by_day[one.known].append(one)

    def minor(self, instrument: str) -> int:
        return self.history.minor_units[self.history.currencies[instrument]]

    def close(self, day: date) -> DayOfFirm:
        base_minor = self.history.minor_units[self.history.base]
        prices = _last_known(self.history.prices, day)
        rates = _last_known(self.history.rates, day) | {self.history.base: Decimal(1)}
        moved = self._book(day, rates)
        today = DayOfFirm()
        realised = self._match(day, today)
        for key, position in today.positions.items():
            minor, rate = self.minor(key[2]), rates[self.history.currencies[key[2]]]
            price = prices.get(key[2])
            position.value = position.cost if price is None else rounded(position.quantity * price, minor)
            position.value_base = rounded(position.value * rate, base_minor)
        income = self._receive(day, rates)
        flows: dict[tuple[str, str], tuple[Decimal, Decimal]] = defaultdict(lambda: (ZERO, ZERO))
        owed: dict[tuple[str, str, str], tuple[Decimal, Decimal]] = defaultdict(lambda: (ZERO, ZERO))
        for key in {*today.positions, *self.before.positions, *moved, *income, *realised, *self.realised}:
            currency = self.history.currencies[key[2]]
            result = self._result(
                day, key, moved.get(key, {}), income.get(key, (ZERO, ZERO)), prices.get(key[2]), rates[currency], today, base_minor
            )
            for name, now, then in zip(
                ("realised", "realised_base", "realised_price_base"),
                realised.get(key, (ZERO,) * 3),
                self.realised.get(key, (ZERO,) * 3),
                strict=True,
            ):
                result[name] = now - then
            result["realised_fx_base"] = result["realised_base"] - result["realised_price_base"]
            today.results[key] = result
            amount, amount_base = flows[key[0], currency]
            flows[key[0], currency] = (amount - result["paid"], amount_base - result["paid_base"])
            for kind in CORRECTIONS:
                amount, amount_base = owed[key[0], currency, kind]
                of_trades = moved.get(key, {})
                owed[key[0], currency, kind] = (
                    amount - of_trades.get(kind + "_paid", ZERO), amount_base - of_trades.get(kind + "_paid_base", ZERO)
                )  # fmt: skip
        self.realised = realised
        self._carry_claims(flows, owed, rates, today, base_minor)
        self.before, self.day_before = today, day
        return today

    def _book(self, day: date, rates: Mapping[str, Decimal]) -> dict[Key, dict[str, Decimal]]:
        """Book and take back versions; per key what that moved, by kind: quantity, gross, gross in base, fees."""
        moved: dict[Key, dict[str, Decimal]] = {}
        for trade_id in {one.trade_id for one in self.by_day[day]}:
            self.versions[trade_id] += [one for one in self.by_day[day] if one.trade_id == trade_id]
        for trade_id in {one.trade_id for one in self.by_day[day]}:
            known = {one.version: one for one in self.versions[trade_id]}
            last = known[max(known)]
            after = last if 1 in known and last.kind != "CANCEL" else None
            formerly = self.booked.get(trade_id)
            if (formerly.event if formerly else None) == after:
                continue
            if formerly:
                self._move(day, moved, formerly, "amended" if after else "cancelled", -1)
                del self.booked[trade_id]
            if after:
                booked = self._priced(after, rates)
                self.booked[trade_id] = booked
                is_new = after.trade_date > self.day_before if self.day_before else after.trade_date == day
                self._move(day, moved, booked, "amended" if formerly else "new" if is_new else "late", 1)
        return moved

    def _priced(self, event: TradeEvent, rates: Mapping[str, Decimal]) -> Booked:
        minor, base_minor = self.minor(event.instrument), self.history.minor_units[self.history.base]
        rate = event.rate or rates[self.history.currencies[event.instrument]]
        gross, fee = rounded(event.quantity * event.price, minor), rounded(event.fee, minor)
        return Booked(event, rate, gross, fee, rounded(gross * rate, base_minor), rounded(fee * rate, base_minor))

    def _move(self, day: date, moved: dict[Key, dict[str, Decimal]], booked: Booked, kind: str, sign: int) -> None:
        """What is booked of an earlier date counts in the units that the splits since have made of it."""
        event = booked.event
        sums = moved.setdefault((event.book, event.account, event.instrument), defaultdict(lambda: ZERO))
        factor = Decimal(1) if kind == "new" else self._factor(event.instrument, day, event.trade_date, day)
        with localcontext(prec=60):
            sums[kind] += (sign * event.quantity * factor).quantize(Decimal("1e-10"), ROUND_HALF_UP)
        sums[kind + "_gross"] += sign * booked.gross
        sums[kind + "_gross_base"] += sign * booked.gross_base
        sums[kind + "_paid"] += sign * (booked.gross + booked.fee)
        sums[kind + "_paid_base"] += sign * (booked.gross_base + booked.fee_base)
        sums["fee"] += sign * booked.fee
        sums["fee_base"] += sign * booked.fee_base

    def _match(self, day: date, today: DayOfFirm) -> dict[Key, tuple[Decimal, Decimal, Decimal]]:
        """Lots and positions from all that is booked, and what has been realised so far."""
        trades: dict[Key, list[Booked]] = defaultdict(list)
        for booked in self.booked.values():
            trades[booked.event.book, booked.event.account, booked.event.instrument].append(booked)
        realised = {}
        for key, of_key in trades.items():
            book = DecimalBook(self.minor(key[2]))
            steps: list[Split | Booked] = [
                split for split in self.history.splits if split.instrument == key[2] and split.known <= day and split.ex <= day
            ]
            for step in sorted([*steps, *of_key], key=_order):
                if isinstance(step, Split):
                    book.split(step.new, step.old)
                else:
                    event, cost, cost_base = step.event, step.gross + step.fee, step.gross_base + step.fee_base
                    book.trade(
                        event.trade_id, event.trade_date, event.quantity, cost, cost_base, step.rate, self._method(event), event.closes
                    )
            realised[key] = (book.realised, book.realised_base, book.realised_price_base)
            today.positions[key] = Position(book.quantity, book.cost, book.cost_base)
            today.lots[key] = [(lot.lot_id, lot.opened_date, lot.quantity, lot.cost, lot.cost_base) for lot in book.lots]
        return realised

    def _method(self, event: TradeEvent) -> str:
        stated = [method for since, method in self.history.methods[event.account] if since <= event.trade_date]
        return stated[-1]

    def _factor(self, instrument: str, day: date, after: date | None, until: date) -> Decimal:
        """What a unit became by the splits known whose ex date lies after one day and not after the other."""
        factor = Decimal(1)
        with localcontext(prec=60):
            for split in self.history.splits:
                if split.instrument == instrument and split.known <= day and (after is None or split.ex > after) and split.ex <= until:
                    factor *= split.new / split.old
        return factor

    def _receive(self, day: date, rates: Mapping[str, Decimal]) -> dict[Key, tuple[Decimal, Decimal]]:
        """What is due by dividends gone ex, less what was booked before: net of tax, and in base."""
        base_minor = self.history.minor_units[self.history.base]
        latest = {one.event_id: one for one in sorted(self.history.dividends, key=lambda one: one.known) if one.known <= day}
        received: dict[Key, tuple[Decimal, Decimal]] = defaultdict(lambda: (ZERO, ZERO))
        for dividend in latest.values():
            if dividend.ex > day:
                continue
            held: dict[Key, Decimal] = defaultdict(lambda: ZERO)
            for event_id, key in self.income:
                if event_id == dividend.event_id:
                    held[key] += 0
            for one in self.booked.values():
                if one.event.instrument == dividend.instrument and one.event.trade_date < dividend.ex:
                    factor = self._factor(dividend.instrument, day, one.event.trade_date, dividend.ex)
                    held[one.event.book, one.event.account, dividend.instrument] += one.event.quantity * factor
            for key, quantity in held.items():
                minor, rate = self.minor(key[2]), rates[self.history.currencies[key[2]]]
                gross = rounded(quantity * dividend.amount, minor)
                withheld = rounded(gross * self.history.withheld, minor) if quantity > 0 else ZERO
                gross_before, withheld_before = self.income.get((dividend.event_id, key), (ZERO, ZERO))
                self.income[dividend.event_id, key] = (gross, withheld)
                net = gross - gross_before - (withheld - withheld_before)
                net_base = rounded((gross - gross_before) * rate, base_minor) - rounded((withheld - withheld_before) * rate, base_minor)
                so_far = received[key]
                received[key] = (so_far[0] + net, so_far[1] + net_base)
        return received

    def _result(
        self, day: date, key: Key, moved: Mapping[str, Decimal], income: Sequence[Decimal], price: Decimal | None, rate: Decimal,
        today: DayOfFirm, base_minor: int,
    ) -> dict[str, Decimal]:  # fmt: skip
        """The result and its steps, from value to value; every step in base is the difference of two values at today's rate."""
        before, now = self.before.positions.get(key, Position()), today.positions.get(key, Position())
        minor = self.minor(key[2])
        of = {name: moved.get(name, ZERO) for kind in (*CORRECTIONS, "new") for name in (kind, kind + "_gross", kind + "_gross_base")}
        fee, fee_base = moved.get("fee", ZERO), moved.get("fee_base", ZERO)
        paid = sum((of[kind + "_gross"] for kind in (*CORRECTIONS, "new")), ZERO) + fee - income[0]
        paid_base = sum((of[kind + "_gross_base"] for kind in (*CORRECTIONS, "new")), ZERO) + fee_base - income[1]
        result = {
            "opening_value": before.value, "opening_value_base": before.value_base,
            "closing_value": now.value, "closing_value_base": now.value_base,
            "paid": paid, "paid_base": paid_base,
            "income": income[0], "income_base": income[1], "fees": -fee, "fees_base": -fee_base,
            "total": now.value - before.value - paid, "total_base": now.value_base - before.value_base - paid_base,
            "fx_transaction_base": ZERO,
        }  # fmt: skip

        def worth(quantity: Decimal, booked: Decimal) -> Decimal:
            return before.value + booked if price is None else rounded(quantity * price, minor)

        factor = self._factor(key[2], day, self.day_before, day) if self.day_before else Decimal(1)
        with localcontext(prec=60):
            quantity = (before.quantity * factor).quantize(Decimal("1e-10"), ROUND_HALF_UP)
        booked = ZERO
        value = worth(quantity, booked)
        at_todays_rate, value_base = rounded(before.value * rate, base_minor), rounded(value * rate, base_minor)
        result |= {"price": value - before.value, "price_base": value_base - at_todays_rate}
        result["fx_translation_base"] = at_todays_rate - before.value_base
        for kind in CORRECTIONS:
            quantity, booked = quantity + of[kind], booked + of[kind + "_gross"]
            then, then_base = value, value_base
            value = worth(quantity, booked)
            value_base = rounded(value * rate, base_minor)
            result[kind] = value - then - of[kind + "_gross"]
            result[kind + "_base"] = value_base - then_base - of[kind + "_gross_base"]
        then, then_base = value, value_base
        value = worth(now.quantity - of["new"], booked)
        value_base = rounded(value * rate, base_minor)
        result |= {"corporate_actions": value - then, "corporate_actions_base": value_base - then_base}
        result["new"] = now.value - value - of["new_gross"]
        result["new_base"] = now.value_base - value_base - of["new_gross_base"]
        return result

    def _carry_claims(
        self, flows: Mapping[tuple[str, str], tuple[Decimal, Decimal]], owed: Mapping[tuple[str, str, str], tuple[Decimal, Decimal]],
        rates: Mapping[str, Decimal], today: DayOfFirm, base_minor: int,
    ) -> None:  # fmt: skip
        """What each book is owed in a currency, valued anew; the change of its worth that neither a flow nor a correction explains is the
        currency's."""
        for book, currency in {*flows, *self.claims}:
            amount, amount_base = self.claims.get((book, currency), (ZERO, ZERO))
            flow, flow_base = flows.get((book, currency), (ZERO, ZERO))
            closing = amount + flow
            closing_base = rounded(closing * rates[currency], base_minor)
            self.claims[book, currency] = (closing, closing_base)
            gained = closing_base - amount_base - flow_base
            result = {
                "opening_value": amount, "opening_value_base": amount_base, "closing_value": closing, "closing_value_base": closing_base,
                "paid": flow, "paid_base": flow_base, "total": ZERO, "total_base": gained,
            }  # fmt: skip
            for kind in CORRECTIONS:
                more, more_base = owed.get((book, currency, kind), (ZERO, ZERO))
                corrected = (
                    rounded((amount + more) * rates[currency], base_minor) - rounded(amount * rates[currency], base_minor) - more_base
                )
                result[kind + "_base"] = corrected
                gained -= corrected
                amount += more
            today.results[book, "", f"CASH:{currency}"] = result | {"fx_transaction_base": gained}


def _order(step: Split | Booked) -> tuple[date, bool, float, float, str]:
    """A split comes before the trades of its ex date, they by their moment and the source's number."""
    if isinstance(step, Split):
        return step.ex, False, 0, 0, step.event_id
    event = step.event
    return event.trade_date, True, event.executed_at.timestamp(), inf if event.sequence is None else event.sequence, event.trade_id


def _last_known(quotes: Iterable[Quote], day: date) -> dict[str, Decimal]:
    """Of each name the quote of the latest day, in what was said last of it."""
    known = sorted((one for one in quotes if one.known <= day and one.of <= day), key=lambda one: (one.of, one.known))
    return {one.name: one.value for one in known}
