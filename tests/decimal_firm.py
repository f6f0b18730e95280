"""An independent oracle: a whole firm kept in plain Python from the list of what happened, one trade after the other, in `Decimal`.

It shares no code with the product. What it knows on a date is what was delivered by then. Amounts are in the currency of the instrument
unless they are named `base`; buys and receipts of securities are positive, cash out is positive where it is called paid.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal, localcontext
from itertools import pairwise
from math import inf

from decimal_books import DecimalBook, OpenLot, rounded
from decimal_history import ZERO, CurvePoint, Dividend, Happening, History, Key, Quote, TradeEvent
from decimal_terms import Terms

CORRECTIONS = ("amended", "cancelled", "late")


@dataclass(frozen=True)
class Expiry:
    """What is left on the day after the last one is gone for this much a unit: the last price where gains are paid every day."""

    ex: date
    instrument: str
    cash: Decimal


@dataclass(frozen=True)
class Booked:
    """A version in the books: its amounts were fixed on the day it was booked."""

    event: TradeEvent
    rate: Decimal
    gross: Decimal
    fee: Decimal
    gross_base: Decimal
    fee_base: Decimal
    accrued: Decimal
    accrued_base: Decimal
    exchanged: Decimal
    """What a currency pair brings in its other currency."""
    exchanged_base: Decimal
    """What both claims of a pair are booked at: the side in base currency, which has no currency result, else what is given."""


@dataclass(frozen=True)
class Exchange:
    """What a trade of a currency forward exchanged, at the closing rates of its value date."""

    key: Key
    agreed: Decimal
    """Given in its own currency."""
    agreed_base: Decimal
    brought: Decimal
    """In the other one."""
    brought_base: Decimal
    value: Decimal
    """What was brought is worth in its own currency, less what was given."""

    @property
    def value_base(self) -> Decimal:
        return self.brought_base - self.agreed_base


@dataclass
class Position:
    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    cost_base: Decimal = ZERO
    exposure: Decimal = ZERO
    exposure_base: Decimal = ZERO
    value: Decimal = ZERO
    """The exposure, but nothing where gains are paid every day."""
    value_base: Decimal = ZERO
    accrued: Decimal = ZERO
    accrued_base: Decimal = ZERO
    unrealised: Decimal = ZERO
    unrealised_base: Decimal = ZERO
    agreed: Decimal = ZERO
    """What the forwards in it give on their value date."""


@dataclass
class Done:
    """What events did to a key so far: cash that came and cost that came from elsewhere, each in the own currency and in base."""

    cash: Decimal = ZERO
    cash_base: Decimal = ZERO
    cost: Decimal = ZERO
    cost_base: Decimal = ZERO

    def add(self, cash: Decimal, cash_base: Decimal, cost: Decimal = ZERO, cost_base: Decimal = ZERO) -> None:
        self.cash += cash
        self.cash_base += cash_base
        self.cost += cost
        self.cost_base += cost_base


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
        self.done: dict[Key, Done] = {}
        self.done_earlier: dict[Key, Done] = {}
        """Of it, what the events of the dates before did, as known now."""
        self.income: dict[tuple[str, Key], tuple[Decimal, Decimal, Decimal]] = {}
        self.claims: dict[tuple[str, str], tuple[Decimal, Decimal]] = {}
        self.exchanged: dict[tuple[str, int], Exchange] = {}
        """By trade and version, the forwards whose amounts are exchanged."""
        self.closed_at: dict[Key, Decimal] = {}
        """What all that was closed by expiry was closed at."""
        self.announced: dict[date, list[Happening]] = {}
        self.held: dict[str, dict[Key, Decimal]] = {}
        """What was held before the ex date of a dividend."""
        self.rates: dict[date, dict[str, Decimal]] = {}
        """The closing rates of each date."""
        self.by_day: dict[date, list[TradeEvent]] = defaultdict(list)
        for one in history.trades:
            self.by_day[one.known].append(one)

    def terms(self, instrument: str) -> Terms:
        return self.history.terms.get(instrument, Terms())

    def minor(self, instrument: str) -> int:
        return self.history.minor_units[self.history.currencies[instrument]]

    def close(self, day: date) -> DayOfFirm:
        base_minor = self.history.minor_units[self.history.base]
        prices = _last_known(self.history.prices, day)
        rates = _last_known(self.history.rates, day) | {self.history.base: Decimal(1)}
        self.rates[day] = rates
        moved = self._book(day)
        today = DayOfFirm()
        closed_before = dict(self.closed_at)
        announced = self._announced(day)
        realised, done = self._match(day, today, announced)
        exchanges: dict[Key, list[tuple[int, Exchange, str]]] = defaultdict(list)
        for exchange in self._exchange(day):
            exchanges[exchange[1].key].append(exchange)
        agreed: dict[Key, Decimal] = defaultdict(lambda: ZERO)
        for booked in self.booked.values():
            event = booked.event
            if self.terms(event.instrument).forward and (event.trade_id, event.version) not in self.exchanged:
                agreed[event.book, event.account, event.instrument] += booked.gross
        factors: dict[str, Decimal | None] = {}
        for name, terms in self.history.terms.items():
            if terms.forward:
                outright, factors[name] = self._forward_quotes(name, terms, day)
                prices |= {} if outright is None else {name: outright}
        for key, position in today.positions.items():
            minor, rate = self.minor(key[2]), rates[self.history.currencies[key[2]]]
            price = prices.get(key[2])
            terms = self.terms(key[2])
            position.exposure = position.cost if price is None else rounded(position.quantity * price * terms.size, minor)
            position.exposure_base = rounded(position.exposure * rate, base_minor)
            position.unrealised = position.exposure - position.cost
            if terms.forward:
                factor = factors[key[2]]
                position.agreed = agreed[key]
                if price is not None and factor is not None:
                    position.value = _fair_value(position.quantity, price, position.agreed, factor, minor)
                position.value_base = rounded(position.value * rate, base_minor)
                position.unrealised = position.value + position.agreed - position.cost
                position.unrealised_base = rounded(position.unrealised * rate, base_minor)
            elif terms.is_paid_daily:
                position.unrealised_base = rounded((position.exposure - position.cost) * rate, base_minor)
            else:
                position.value, position.value_base = position.exposure, position.exposure_base
                position.unrealised_base = position.exposure_base - position.cost_base
            if terms.bond:
                position.accrued = rounded(position.quantity * terms.bond.accrued(self.history.settled[day]) / 100, minor)
                position.accrued_base = rounded(position.accrued * rate, base_minor)
        income = self._receive(day)
        flows: dict[tuple[str, str], tuple[Decimal, Decimal]] = defaultdict(lambda: (ZERO, ZERO))
        owed: dict[tuple[str, str, str], tuple[Decimal, Decimal]] = defaultdict(lambda: (ZERO, ZERO))
        for key in {*today.positions, *self.before.positions, *moved, *income, *realised, *self.realised}:
            of_forwards = exchanges.get(key, [])
            gone = (
                sum((sign * one.value for sign, one, _ in of_forwards), ZERO),
                sum((sign * one.value_base for sign, one, _ in of_forwards), ZERO),
            )
            currency = self.history.currencies[key[2]]
            now_done, then_done = done.get(key, Done()), self.done.get(key, Done())
            came, came_base = now_done.cost - then_done.cost, now_done.cost_base - then_done.cost_base
            result = self._result(
                day, key, moved.get(key, {}), income.get(key, (ZERO, ZERO)), prices, rates, today, base_minor,
                (
                    self.closed_at.get(key, ZERO) - closed_before.get(key, ZERO) + now_done.cash - then_done.cash - came + gone[0],
                    now_done.cash_base - then_done.cash_base - came_base + gone[1],
                ),
                factors.get(key[2]),
            )  # fmt: skip
            for name, now, then in zip(
                ("realised", "realised_base", "realised_price_base"),
                realised.get(key, (ZERO,) * 3),
                self.realised.get(key, (ZERO,) * 3),
                strict=True,
            ):
                result[name] = now - then
            result["realised_fx_base"] = result["realised_base"] - result["realised_price_base"]
            today.results[key] = result
            if not self.terms(key[2]).is_paid_daily:
                earlier, (more, more_base) = self.done_earlier.get(key, Done()), owed[key[0], currency, "corporate_actions"]
                owed[key[0], currency, "corporate_actions"] = (
                    more + earlier.cash - then_done.cash, more_base + earlier.cash_base - then_done.cash_base
                )  # fmt: skip
            amount, amount_base = flows[key[0], currency]
            # cost that comes from another instrument counts as paid, and no cash is
            flows[key[0], currency] = (amount - result["paid"] + came, amount_base - result["paid_base"] + came_base)
            for sign, one, kind in of_forwards:
                other = self.terms(key[2]).forward
                assert other
                # what the position was worth went out of it as two amounts
                for owed_in, more, more_base, and_value in (
                    (currency, -one.agreed, -one.agreed_base, (one.value, one.value_base)),
                    (other, one.brought, one.brought_base, (ZERO, ZERO)),
                ):
                    amount, amount_base = flows[key[0], owed_in]
                    flows[key[0], owed_in] = (
                        amount + sign * (more - and_value[0]), amount_base + sign * (more_base - and_value[1])
                    )  # fmt: skip
                    if kind in CORRECTIONS:
                        amount, amount_base = owed[key[0], owed_in, kind]
                        owed[key[0], owed_in, kind] = (amount + sign * more, amount_base + sign * more_base)
            exchanged, of_trades = self.terms(key[2]).exchanged, moved.get(key, {})
            if exchanged:
                given, given_base = flows[key[0], currency]
                flows[key[0], currency] = (given - moved[key]["gross"], given_base - moved[key]["exchanged_base"])
                brought, brought_base = flows[key[0], exchanged]
                flows[key[0], exchanged] = (brought + moved[key]["exchanged"], brought_base + moved[key]["exchanged_base"])
            for kind in CORRECTIONS:
                amount, amount_base = owed[key[0], currency, kind]
                owed[key[0], currency, kind] = (
                    amount - of_trades.get(kind + "_paid", ZERO), amount_base - of_trades.get(kind + "_paid_base", ZERO)
                )  # fmt: skip
                if exchanged:
                    amount, amount_base = owed[key[0], exchanged, kind]
                    owed[key[0], exchanged, kind] = (
                        amount + of_trades.get(kind + "_exchanged", ZERO), amount_base + of_trades.get(kind + "_exchanged_base", ZERO)
                    )  # fmt: skip
        self.realised, self.done = realised, done
        self._carry_claims(flows, owed, rates, today, base_minor)
        self.before, self.day_before = today, day
        return today

    def _book(self, day: date) -> dict[Key, dict[str, Decimal]]:
        """Book and take back versions; per key what that moved, by kind: quantity, gross, gross in base, fees."""
        moved: dict[Key, dict[str, Decimal]] = {}
        self.moved_today: dict[tuple[str, int], str] = {}
        for one in self.by_day[day]:
            self.versions[one.trade_id].append(one)
        for trade_id in {one.trade_id for one in self.by_day[day]}:
            known = {one.version: one for one in self.versions[trade_id]}
            last = known[max(known)]
            after = last if 1 in known and all(one.kind != "CANCEL" for one in known.values()) else None
            formerly = self.booked.get(trade_id)
            if (formerly.event if formerly else None) == after:
                continue
            if formerly:
                self._move(day, moved, formerly, "amended" if after else "cancelled", -1)
                del self.booked[trade_id]
            if after:
                booked = self._priced(after)
                self.booked[trade_id] = booked
                is_new = after.trade_date > self.day_before if self.day_before else after.trade_date == day
                self._move(day, moved, booked, "amended" if formerly else "new" if is_new else "late", 1)
        return moved

    def _priced(self, event: TradeEvent) -> Booked:
        minor, base_minor = self.minor(event.instrument), self.history.minor_units[self.history.base]
        rate = event.rate or self._rate_from(event.instrument, event.trade_date)
        gross, fee = rounded(event.quantity * event.price * self.terms(event.instrument).size, minor), rounded(event.fee, minor)
        terms, accrued, exchanged, exchanged_base = self.terms(event.instrument), ZERO, ZERO, ZERO
        if terms.bond:
            accrued = rounded(event.quantity * terms.bond.accrued(self.history.settled[event.trade_date]) / 100, minor)
        if terms.exchanged:
            exchanged = rounded(event.quantity, self.history.minor_units[terms.exchanged])
            exchanged_base = exchanged if terms.exchanged == self.history.base else rounded(gross * rate, base_minor)
        return Booked(
            event, rate, gross, fee, rounded(gross * rate, base_minor), rounded(fee * rate, base_minor), accrued,
            rounded(accrued * rate, base_minor), exchanged, exchanged_base,
        )  # fmt: skip

    def _move(self, day: date, moved: dict[Key, dict[str, Decimal]], booked: Booked, kind: str, sign: int) -> None:
        """What is booked of an earlier date counts in the units that the splits since have made of it."""
        event = booked.event
        sums = moved.setdefault((event.book, event.account, event.instrument), defaultdict(lambda: ZERO))
        factor = Decimal(1) if kind == "new" else self._factor((event.book, event.account, event.instrument), day, event.trade_date)
        with localcontext(prec=60):
            sums[kind] += (sign * event.quantity * factor).quantize(Decimal("1e-10"), ROUND_HALF_UP)
        # nothing is paid for a forward before its date
        if self.terms(event.instrument).forward:
            sums[kind + "_agreed"] += sign * booked.gross
            self.moved_today[event.trade_id, event.version] = kind
        else:
            sums[kind + "_gross"] += sign * booked.gross
            sums[kind + "_gross_base"] += sign * booked.gross_base
        sums["gross"] += sign * booked.gross
        sums["accrued"] += sign * booked.accrued
        sums["accrued_base"] += sign * booked.accrued_base
        sums["exchanged"] += sign * booked.exchanged
        sums["exchanged_base"] += sign * booked.exchanged_base
        sums[kind + "_exchanged"] += sign * booked.exchanged
        sums[kind + "_exchanged_base"] += sign * booked.exchanged_base
        terms = self.terms(event.instrument)
        given, given_base = (booked.gross, booked.exchanged_base if terms.exchanged else booked.gross_base)
        if terms.is_paid_daily or terms.forward:
            given, given_base = ZERO, ZERO
        sums[kind + "_paid"] += sign * (given + booked.accrued + booked.fee)
        sums[kind + "_paid_base"] += sign * (given_base + booked.accrued_base + booked.fee_base)
        sums["fee"] += sign * booked.fee
        sums["fee_base"] += sign * booked.fee_base

    def _exchange(self, day: date) -> list[tuple[int, Exchange, str]]:
        """The forwards exchanged today, and those whose exchange is taken back (-1), each with how its trade was moved."""
        due = {
            (booked.event.trade_id, booked.event.version): booked
            for booked in self.booked.values()
            if (value_date := self.terms(booked.event.instrument).value_date) and value_date <= day
        }
        changed = [
            (-1, self.exchanged.pop(name), self.moved_today[name]) for name in [one for one in self.exchanged if one not in due]
        ]  # fmt: skip
        base_minor = self.history.minor_units[self.history.base]
        for name, booked in due.items():
            if name in self.exchanged:
                continue
            event, terms = booked.event, self.terms(booked.event.instrument)
            assert terms.forward and terms.value_date
            rate, rate_brought = self._rates_of(terms, event.instrument)
            one = Exchange(
                (event.book, event.account, event.instrument), booked.gross, rounded(booked.gross * rate, base_minor),
                rounded(event.quantity, self.history.minor_units[terms.forward]), rounded(event.quantity * rate_brought, base_minor),
                rounded(event.quantity * _spot(rate_brought, rate), self.minor(event.instrument)) - booked.gross,
            )  # fmt: skip
            self.exchanged[name] = one
            changed.append((1, one, self.moved_today.get(name, "")))
        return changed

    def _rates_of(self, terms: Terms, instrument: str) -> tuple[Decimal, Decimal]:
        """The closing rates of the value date, of its own currency and of the one it brings."""
        assert terms.forward and terms.value_date
        rates = self.rates[min(one for one in self.rates if one >= terms.value_date)]
        return rates[self.history.currencies[instrument]], rates[terms.forward]

    def _forward_quotes(self, instrument: str, terms: Terms, day: date) -> tuple[Decimal | None, Decimal | None]:
        """The outright rate and the discount factor for the value date, as known on a day: on straight lines between the quotes of one day,
        of the rate itself and of the logarithm of the factor, from spot and from 1 on that day."""
        assert terms.forward and terms.value_date
        if terms.value_date <= day:
            rate, rate_brought = self._rates_of(terms, instrument)
            return _spot(rate_brought, rate), Decimal(1)
        currency = self.history.currencies[instrument]

        def spot(of: date) -> Decimal:
            known = _last_known([one for one in self.history.rates if one.known <= day], of) | {self.history.base: Decimal(1)}
            return _spot(known[terms.forward or ""], known[currency])

        with localcontext(prec=60):
            rates = _curve(self.history.curves, f"{terms.forward}/{currency}", terms.value_date, day)
            outright = _on_the_line([(rates[0], spot(rates[0])), *rates[1]], terms.value_date) if rates else None
            factors = _curve(self.history.curves, currency, terms.value_date, day)
            logarithm = (
                _on_the_line([(factors[0], ZERO), *((of, one.ln()) for of, one in factors[1])], terms.value_date) if factors else None
            )
            return (
                None if outright is None else outright.quantize(Decimal("1e-10"), ROUND_HALF_UP),
                None if logarithm is None else logarithm.exp().quantize(Decimal("1e-12"), ROUND_HALF_UP),
            )

    def _announced(self, day: date) -> list[Happening]:
        """The events gone ex, as last known."""
        if day in self.announced:
            return self.announced[day]
        latest: dict[str, Happening] = {}
        for one in sorted(self.history.happenings, key=lambda one: one.known):
            if one.known <= day:
                latest[one.event_id] = one
        self.announced[day] = [one for one in latest.values() if one.ex <= day and not one.is_withdrawn]
        return self.announced[day]

    def _match(
        self, day: date, today: DayOfFirm, announced: Sequence[Happening]
    ) -> tuple[dict[Key, tuple[Decimal, Decimal, Decimal]], dict[Key, Done]]:
        """Lots and positions from all that is booked, date by date; gives what has been realised so far, and what events did."""
        trades: dict[date, list[Booked]] = defaultdict(list)
        for booked in self.booked.values():
            if not self.terms(booked.event.instrument).exchanged:
                trades[booked.event.trade_date].append(booked)
        books: dict[Key, DecimalBook] = {}
        done: dict[Key, Done] = defaultdict(Done)
        expiries = [
            Expiry(terms.expiry + timedelta(days=1), name, self._last_price(name, terms, day))
            for name, terms in self.history.terms.items() if terms.expiry and terms.expiry < day
        ] + [
            Expiry(terms.value_date, name, _spot(*reversed(self._rates_of(terms, name))))
            for name, terms in self.history.terms.items() if terms.value_date and terms.value_date <= day
        ]  # fmt: skip
        dividends = self._dividends(day)
        self.held, self.done_earlier = {}, {}
        dates = {*trades, *(one.ex for one in (*announced, *expiries, *dividends))}
        for date_now in sorted(dates):
            for dividend in dividends:
                if dividend.ex == date_now:
                    self.held[dividend.event_id] = {key: book.quantity for key, book in books.items() if key[2] == dividend.instrument}
            for event in _in_order([one for one in (*announced, *expiries) if one.ex == date_now]):
                made: dict[Key, Decimal] = {}
                for key in [key for key in books if key[2] == event.instrument]:
                    if isinstance(event, Expiry):
                        books[key].close(event.cash, self._rate_from(key[2], event.ex))
                    elif event.concerns(key[0], key[1]) and books[key].quantity:
                        target = (key[0], key[1], event.received or key[2])
                        there = books[target].quantity if event.received and target in books else ZERO
                        self._happen(event, key, books, done)
                        made[target] = books[target].quantity - there if target in books else ZERO
                if isinstance(event, Happening) and event.fraction_price is not None:
                    for account in sorted({key[1] for key in made}):
                        self._allot(event, {key: made[key] for key in sorted(made) if key[1] == account}, books, done)
            for booked in sorted(trades[date_now], key=_moment):
                event_of = booked.event
                key = (event_of.book, event_of.account, event_of.instrument)
                books.setdefault(key, DecimalBook(self.minor(key[2]))).trade(
                    event_of.trade_id, date_now, event_of.quantity, booked.gross + booked.fee, booked.gross_base + booked.fee_base,
                    booked.rate, self._method(key[1], date_now), event_of.closes,
                )  # fmt: skip
            if self.day_before and date_now <= self.day_before:
                self.done_earlier = {key: replace(one) for key, one in done.items()}
        realised = {}
        for key, book in books.items():
            # Where gains are paid every day no currency is held that could gain.
            terms = self.terms(key[2])
            of_base = book.realised_price_base if terms.is_paid_daily or terms.forward else book.realised_base
            realised[key] = (book.realised, of_base, book.realised_price_base)
            # what a forward brings is told trade by trade
            self.closed_at[key] = ZERO if terms.forward else book.closed_at
            today.positions[key] = Position(book.quantity, book.cost, book.cost_base)
            today.lots[key] = [(lot.lot_id, lot.opened_date, lot.quantity, lot.cost, lot.cost_base) for lot in book.lots]
        return realised, done

    def _happen(self, event: Happening, key: Key, books: dict[Key, DecimalBook], done: dict[Key, Done]) -> None:
        """What an event does to a holding, at the rates of its ex date."""
        book, rate, method = books[key], self._rate_from(key[2], event.ex), self._method(key[1], event.ex)
        if event.kind == "SPLIT":
            done[key].add(*book.split(event.event_id, event.ex, event.new, event.old, None, rate, method))
        elif event.kind == "REDEMPTION":
            done[key].add(*book.pay_back(event.part, event.cash, rate))
        elif event.kind == "LAPSE":
            book.pay_back(Decimal(1), ZERO, rate)
        elif event.kind == "SPIN_OFF":
            self._deliver(event, key, book.give(event.cost_part), books, done)
        elif event.kind == "MERGER":
            given = book.give(event.cost_part) if event.received else []
            if event.cash:
                done[key].add(*book.pay_back(Decimal(1), event.cash, rate))
            book.lots = []
            if event.received:
                self._deliver(event, key, given, books, done)
        elif event.kind == "EXERCISE":
            with localcontext(prec=60):
                units = abs(book.quantity) * event.part
            units = units.quantize(Decimal("1e-10"), ROUND_HALF_UP) if event.number is None else min(event.number, abs(book.quantity))
            if units < abs(book.quantity):
                taken = book.take(units.copy_sign(book.quantity), method)
            else:
                taken, book.lots = book.lots, []
            if event.received and self.terms(event.received).is_paid_daily:
                # what is paid every day has no book value that a premium could become
                given = [OpenLot(lot.lot_id, lot.opened_date, lot.quantity, ZERO, ZERO) for lot in taken]
                done[key].add(*book.pay_back(Decimal(1), ZERO, rate, taken))
                self._deliver(event, key, given, books, done)
            elif event.received:
                self._deliver(event, key, taken, books, done)
            else:
                done[key].add(*book.pay_back(Decimal(1), event.cash, rate, taken))
        else:
            raise AssertionError(event)

    def _deliver(self, event: Happening, key: Key, given: Sequence[OpenLot], books: dict[Key, DecimalBook], done: dict[Key, Done]) -> None:
        """What lots of one instrument gave arrives in another; an option brings its size at its strike, in units of what it
        brings, a put the other way round."""
        assert event.received
        into = (key[0], key[1], event.received)
        book = books.setdefault(into, DecimalBook(self.minor(into[2])))
        rate, rate_into = self._rate_from(key[2], event.ex), self._rate_from(into[2], event.ex)
        terms, cash = self.terms(key[2]), event.cash if event.kind == "EXERCISE" else ZERO
        with localcontext(prec=60):
            units = event.new / event.old
            if terms.strike is not None:
                size = -terms.size if terms.is_put else terms.size
                units, cash = size / self.terms(into[2]).size, size * terms.strike
            turned = rate / rate_into
        gave, gave_base = sum((lot.cost for lot in given), ZERO), sum((lot.cost_base for lot in given), ZERO)
        done[key].add(ZERO, ZERO, -gave, -gave_base)
        done[into].add(
            *book.receive(event.event_id, event.ex, list(given), units, turned, cash, rate_into, self._method(key[1], event.ex), None)
        )

    def _allot(self, event: Happening, made: Mapping[Key, Decimal], books: dict[Key, DecimalBook], done: dict[Key, Done]) -> None:
        """The books of an account, in the order of their ids, get whole units of what the event made of each.

        Together they have the whole units of their sum: each its own, and one more those with the largest remainders. Who is rounded down
        is paid the account's fraction by what it gives up; the rest of that goes to who is rounded up, who pays its cost. Where books
        are of both sides, they settle what they give and get at the price of the fraction.
        """
        assert event.fraction_price is not None
        (instrument,) = {key[2] for key in made}
        (account,) = {key[1] for key in made}
        rate, method = self._rate_from(instrument, event.ex), self._method(account, event.ex)
        minor, base_minor = self.minor(instrument), self.history.minor_units[self.history.base]
        total = sum(made.values(), ZERO)
        side = Decimal(-1) if total < 0 else Decimal(1)
        own = {key: units * side for key, units in made.items()}
        target = {key: units.to_integral_value(ROUND_FLOOR) for key, units in own.items()}
        left_over = int(abs(total)) - int(sum(target.values(), ZERO))
        for key in sorted(own, key=lambda one: (target[one] - own[one], one))[:left_over]:
            target[key] += 1
        gives = {key: own[key] - target[key] for key in own if own[key] != target[key]}
        if not gives:
            return
        fraction = sum(gives.values(), ZERO)
        # what is held besides may lie on the other side, or be too little to give from
        is_one_sided = all(units >= 0 and books[key].quantity * side >= max(gives.get(key, ZERO), ZERO) for key, units in own.items())
        given = sum((units for units in gives.values() if units > 0), ZERO)
        so_far, sold_so_far, cash_so_far, cash_base_so_far = (ZERO,) * 4
        pool: list[OpenLot] = []
        for key, units in gives.items():
            if is_one_sided and units < 0:
                continue
            so_far += units
            with localcontext(prec=60):
                share = fraction if so_far == given else (fraction * so_far / given).quantize(Decimal("1e-10"), ROUND_HALF_UP)
            sold = share - sold_so_far if is_one_sided else units
            sold_so_far += sold
            if sold:
                cash = rounded(sold_so_far * side * event.fraction_price, minor) - cash_so_far
                cash_base = rounded((cash_so_far + cash) * rate, base_minor) - cash_base_so_far
                cash_so_far, cash_base_so_far = cash_so_far + cash, cash_base_so_far + cash_base
                books[key].trade(event.event_id, event.ex, -sold * side, -cash, -cash_base, rate, method)
                done[key].add(cash, cash_base)
            if units != sold:
                moved = books[key].take((units - sold) * side, method)
                done[key].add(sum((lot.cost for lot in moved), ZERO), sum((lot.cost_base for lot in moved), ZERO))
                pool += moved
        for key, units in gives.items():
            if is_one_sided and units < 0:
                arrived = DecimalBook(minor, lots=pool)
                moved = arrived.take(-units * side, "FIFO")
                pool = arrived.lots
                done[key].add(-sum((lot.cost for lot in moved), ZERO), -sum((lot.cost_base for lot in moved), ZERO))
                books[key].add(event.event_id, moved, method)

    def _last_price(self, instrument: str, terms: Terms, day: date) -> Decimal:
        """What a unit is closed at that expires."""
        assert terms.expiry
        last = _last_known([one for one in self.history.prices if one.of <= terms.expiry], day).get(instrument, ZERO)
        return last * terms.size if terms.is_paid_daily else ZERO

    def _rate_from(self, instrument: str, day: date) -> Decimal:
        """The closing rate of the first business date on or after a day."""
        return self.rates[min(one for one in self.rates if one >= day)][self.history.currencies[instrument]]

    def _method(self, account: str, day: date) -> str:
        stated = [method for since, method in self.history.methods[account] if since <= day]
        return stated[-1]

    def _factor(self, key: Key, day: date, after: date | None) -> Decimal:
        """What a unit became by the splits known whose ex date lies after a day."""
        factor = Decimal(1)
        with localcontext(prec=60):
            for event in self._announced(day):
                if (
                    event.kind == "SPLIT"
                    and event.instrument == key[2]
                    and event.concerns(*key[:2])
                    and (after is None or event.ex > after)
                ):
                    factor *= event.new / event.old
        return factor

    def _dividends(self, day: date) -> list[Dividend]:
        """Those gone ex, coupons among them, as last known."""
        announced = [*self.history.dividends, *self._coupons(day), *self._interest_paid_back()]
        latest = {one.event_id: one for one in sorted(announced, key=lambda one: one.known) if one.known <= day}
        return [one for one in latest.values() if one.ex <= day]

    def _receive(self, day: date) -> dict[Key, tuple[Decimal, Decimal]]:
        """What is due by dividends gone ex, less what was booked before: net of tax, and in base."""
        base_minor = self.history.minor_units[self.history.base]
        received: dict[Key, tuple[Decimal, Decimal]] = defaultdict(lambda: (ZERO, ZERO))
        for dividend in self._dividends(day):
            held = {key: ZERO for event_id, key in self.income if event_id == dividend.event_id} | self.held[dividend.event_id]
            for account in {key[1] for key in held}:
                shares = self._shares(dividend, {key: held[key] for key in sorted(held) if key[1] == account})
                for key, (gross, withheld) in shares.items():
                    rate = self._rate_from(key[2], dividend.ex)
                    gross_before, withheld_before, net_base_before = self.income.get((dividend.event_id, key), (ZERO, ZERO, ZERO))
                    more, more_withheld = gross - gross_before, withheld - withheld_before
                    # as a whole, so that it comes to the same however it was told
                    net_base = rounded(gross * rate, base_minor) - rounded(withheld * rate, base_minor) - net_base_before
                    self.income[dividend.event_id, key] = (gross, withheld, net_base_before + net_base)
                    so_far = received[key]
                    received[key] = (so_far[0] + more - more_withheld, so_far[1] + net_base)
        return received

    def _shares(self, dividend: Dividend, held: Mapping[Key, Decimal]) -> dict[Key, tuple[Decimal, Decimal]]:
        """What the custodian pays one account and keeps back of it, both rounded once for the account, as the books get it: one after the
        other is given what is due to all so far, less what was given out."""
        minor = self.minor(dividend.instrument)
        is_taxed = sum(held.values()) > 0 and not self.terms(dividend.instrument).bond
        shares = {}
        quantity, given, kept = ZERO, ZERO, ZERO
        for key, more in held.items():
            quantity += more
            gross = rounded(quantity * dividend.amount, minor) - given
            given += gross
            withheld = rounded(given * self.history.withheld, minor) - kept if is_taxed else ZERO
            kept += withheld
            shares[key] = (gross, withheld)
        return shares

    def _interest_paid_back(self) -> list[Dividend]:
        """What is paid back of a bond brings its interest until it is paid, from the ex date on: what has accrued since the last coupon,
        and every coupon until then that goes ex when it is no longer held."""
        redeemed = [
            (one, bond) for one in self.history.happenings if one.kind == "REDEMPTION" and (bond := self.terms(one.instrument).bond)
        ]
        interest = [
            Dividend(
                one.known, f"{one.event_id} interest", one.instrument, one.ex,
                ZERO if one.is_withdrawn else bond.accrued(one.paid) / 100 * one.part,
            )
            for one, bond in redeemed
        ]  # fmt: skip
        return interest + [
            Dividend(
                one.known, f"{one.event_id} {due}", one.instrument, one.ex,
                bond.coupon / 100 * one.part if due <= one.paid and not one.is_withdrawn else ZERO,
            )
            for one, bond in redeemed
            for due in bond.coupon_dates
            if (ex := self._ex_of_coupon(due)) and ex > one.ex
        ]  # fmt: skip

    def _ex_of_coupon(self, due: date) -> date | None:
        """The first day whose trades settle on or after the coupon date."""
        return next((traded for traded, settled in self.history.settled.items() if settled >= due), None)

    def _coupons(self, day: date) -> list[Dividend]:
        """Those gone ex."""
        gone = []
        for instrument, terms in self.history.terms.items():
            for due in terms.bond.coupon_dates if terms.bond else ():
                ex = self._ex_of_coupon(due)
                # what was due before the books began is none of their coupons
                if terms.bond and ex and due > self.history.days[0] and ex <= day:
                    gone.append(Dividend(ex, f"{instrument} {due}", instrument, ex, terms.bond.coupon / 100))
        return gone

    def _result(
        self, day: date, key: Key, moved: Mapping[str, Decimal], income: Sequence[Decimal], prices: Mapping[str, Decimal],
        rates: Mapping[str, Decimal], today: DayOfFirm, base_minor: int, paid_by_events: Sequence[Decimal],
        discount_factor: Decimal | None = None,
    ) -> dict[str, Decimal]:  # fmt: skip
        """The result and its steps, from value to value; every step in base is the difference of two values at today's rate.

        What events paid is cash received less cost that came from another instrument.
        """
        rate = rates[self.history.currencies[key[2]]]
        before, now = self.before.positions.get(key, Position()), today.positions.get(key, Position())
        of = {
            name: moved.get(name, ZERO)
            for kind in (*CORRECTIONS, "new")
            for name in (kind, kind + "_gross", kind + "_gross_base", kind + "_agreed")
        }
        fee, fee_base = moved.get("fee", ZERO), moved.get("fee_base", ZERO)
        terms, accrued, accrued_base = self.terms(key[2]), moved.get("accrued", ZERO), moved.get("accrued_base", ZERO)
        result = {
            "opening_value": before.value + before.accrued, "opening_value_base": before.value_base + before.accrued_base,
            "closing_value": now.value + now.accrued, "closing_value_base": now.value_base + now.accrued_base,
            "fees": -fee, "fees_base": -fee_base, "fx_transaction_base": ZERO,
        }  # fmt: skip
        if terms.bond:
            result["accrual"] = now.accrued - before.accrued - accrued + income[0]
            result["accrual_base"] = now.accrued_base - rounded(before.accrued * rate, base_minor) - accrued_base + income[1]
        else:
            result |= {"income": income[0], "income_base": income[1]}
        if not terms.exchanged:
            self._explain(day, key, before, now, of, prices, rates, paid_by_events, result, discount_factor)
        result["fx_translation_base"] = (
            rounded(before.value * rate, base_minor) - before.value_base
            + rounded(before.accrued * rate, base_minor) - before.accrued_base
        )  # fmt: skip
        steps = ("price", *CORRECTIONS, "corporate_actions", "new", "accrual", "income", "fees")
        result["total"] = sum((result.get(name, ZERO) for name in steps), ZERO)
        result["total_base"] = sum((result.get(f"{name}_base", ZERO) for name in (*steps, "fx_translation")), ZERO)
        for ending in ("", "_base"):
            result["paid" + ending] = result["closing_value" + ending] - result["opening_value" + ending] - result["total" + ending]
        if not terms.is_paid_daily and not terms.exchanged:
            gross = sum((of[kind + "_gross"] for kind in (*CORRECTIONS, "new")), ZERO)
            gross_base = sum((of[kind + "_gross_base"] for kind in (*CORRECTIONS, "new")), ZERO)
            assert result["paid"] == gross + accrued + fee - income[0] - paid_by_events[0], key
            assert result["paid_base"] == gross_base + accrued_base + fee_base - income[1] - paid_by_events[1], key
        return result

    def _explain(
        self, day: date, key: Key, before: Position, now: Position, of: Mapping[str, Decimal], prices: Mapping[str, Decimal],
        rates: Mapping[str, Decimal], paid_by_events: Sequence[Decimal], result: dict[str, Decimal], discount_factor: Decimal | None,
    ) -> None:  # fmt: skip
        """The steps from the opening to the closing exposure, less what was paid at each.

        Up to the events of the day, a unit is worth what it brings of another instrument today beside its own price.

        In base, what is held is turned at today's rate and what was paid was at its own; where gains are paid every day, the gain so far
        is turned at today's rate.
        """
        instrument = key[2]
        minor, base_minor = self.minor(instrument), self.history.minor_units[self.history.base]
        terms, price, rate = self.terms(instrument), prices.get(instrument), rates[self.history.currencies[instrument]]
        brought = self._brought(key, day, prices, rates)

        opening, closing = (before.value, now.value) if terms.forward else (before.exposure, now.exposure)

        def worth(quantity: Decimal, booked: Decimal, agreed: Decimal, brought: Decimal = brought) -> Decimal:
            with localcontext(prec=60):
                if terms.forward:
                    is_unknown = price is None or discount_factor is None
                    return opening + booked if is_unknown else _fair_value(quantity, price, agreed, discount_factor, minor)
                return before.exposure + booked if price is None else rounded(quantity * (price * terms.size + brought), minor)

        factor = self._factor(key, day, self.day_before) if self.day_before else Decimal(1)
        with localcontext(prec=60):
            quantity = (before.quantity * factor).quantize(Decimal("1e-10"), ROUND_HALF_UP)
        booked, agreed = ZERO, before.agreed
        levels = [("price", worth(quantity, booked, agreed), ZERO, ZERO)]
        for kind in CORRECTIONS:
            quantity, booked, agreed = quantity + of[kind], booked + of[kind + "_gross"], agreed + of[kind + "_agreed"]
            levels.append((kind, worth(quantity, booked, agreed), of[kind + "_gross"], of[kind + "_gross_base"]))
        level = worth(now.quantity - of["new"], booked - paid_by_events[0], now.agreed - of["new_agreed"], ZERO)
        levels.append(("corporate_actions", level, -paid_by_events[0], -paid_by_events[1]))
        levels.append(("new", closing, of["new_gross"], of["new_gross_base"]))

        value, paid = opening, ZERO
        value_base = ZERO if terms.is_paid_daily else rounded(value * rate, base_minor)
        for name, then, gross, gross_base in levels:
            result[name] = then - value - gross
            paid += gross
            turned = rounded((then - before.exposure - paid if terms.is_paid_daily else then) * rate, base_minor)
            result[name + "_base"] = turned - value_base - (ZERO if terms.is_paid_daily else gross_base)
            value, value_base = then, turned

    def _brought(self, key: Key, day: date, prices: Mapping[str, Decimal], rates: Mapping[str, Decimal]) -> Decimal:
        """What a unit of today brings of other instruments today, as far as they have a price, in its own currency."""
        brought, factor = ZERO, Decimal(1)
        today = [
            one for one in self._announced(day)
            if one.instrument == key[2] and one.concerns(*key[:2]) and self.day_before and one.ex > self.day_before
        ]  # fmt: skip
        with localcontext(prec=60):
            for event in reversed(list(_in_order(today))):
                assert isinstance(event, Happening)
                if event.kind == "SPLIT":
                    factor *= event.new / event.old
                elif event.kind == "SPIN_OFF" and event.received in prices:
                    assert event.received
                    rate, rate_received = (rates[self.history.currencies[name]] for name in (key[2], event.received))
                    brought += event.new / event.old * prices[event.received] * rate_received / rate / factor
        return brought

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
            for kind in (*CORRECTIONS, "corporate_actions"):
                more, more_base = owed.get((book, currency, kind), (ZERO, ZERO))
                corrected = (
                    rounded((amount + more) * rates[currency], base_minor) - rounded(amount * rates[currency], base_minor) - more_base
                )
                result[kind + "_base"] = corrected
                gained -= corrected
                amount += more
            today.results[book, "", f"CASH:{currency}"] = result | {"fx_transaction_base": gained}


def _in_order(events: Iterable[Happening | Expiry]) -> Iterator[Happening | Expiry]:
    """Of events of one date, what delivers an instrument comes before what happens to it; what expires goes last."""
    waiting = sorted(events, key=lambda one: (one.instrument, isinstance(one, Expiry), getattr(one, "event_id", "")))
    while waiting:
        following = next((one for one in waiting if not any(_comes_before(other, one) for other in waiting)), waiting[0])
        waiting.remove(following)
        yield following


def _comes_before(one: Happening | Expiry, other: Happening | Expiry) -> bool:
    """It delivers what the other is on; but what is issued is there before it is exercised into what issued it."""
    if isinstance(one, Expiry) or one.received != other.instrument:
        return False
    return isinstance(other, Expiry) or other.kind != "SPIN_OFF" or other.received != one.instrument


def _moment(booked: Booked) -> tuple[float, float, str]:
    """Trades of a day follow one another by their moment and the source's number."""
    event = booked.event
    return event.executed_at.timestamp(), inf if event.sequence is None else event.sequence, event.trade_id


def _last_known(quotes: Iterable[Quote], day: date) -> dict[str, Decimal]:
    """Of each name the quote of the latest day, in what was said last of it."""
    known = sorted((one for one in quotes if one.known <= day and one.of <= day), key=lambda one: (one.of, one.known))
    return {one.name: one.value for one in known}


def _spot(rate_brought: Decimal, rate: Decimal) -> Decimal:
    """What a unit of one currency is worth in another, of their rates into base currency."""
    with localcontext(prec=60):
        return (rate_brought / rate).quantize(Decimal("1e-10"), ROUND_HALF_UP)


def _fair_value(quantity: Decimal, outright: Decimal | None, agreed: Decimal, factor: Decimal | None, minor: int) -> Decimal:
    """Hull, Options, Futures, and Other Derivatives, chapter 5: (F - K) for each unit, discounted; K times quantity is what was agreed."""
    assert outright is not None and factor is not None
    with localcontext(prec=60):
        return rounded((quantity * outright - agreed) * factor, minor)


def _curve(
    points: Iterable[CurvePoint], name: str, value_date: date, day: date
) -> tuple[date, list[tuple[date, Decimal]]] | None:  # fmt: skip
    """The last day up to `day` whose quotes reach a value date, and those quotes in order, as said last."""
    known = sorted((one for one in points if one.name == name and one.known <= day and one.of <= day), key=lambda one: one.known)
    days = [one.of for one in known if one.value_date >= value_date]
    if not days:
        return None
    return max(days), sorted({one.value_date: one.value for one in known if one.of == max(days)}.items())


def _on_the_line(points: Sequence[tuple[date, Decimal]], value_date: date) -> Decimal:
    """A value between the points on either side of a date."""
    (start, low), (end, high) = next(pair for pair in pairwise(points) if pair[0][0] < value_date <= pair[1][0])
    return low + (high - low) * Decimal((value_date - start).days) / Decimal((end - start).days)
