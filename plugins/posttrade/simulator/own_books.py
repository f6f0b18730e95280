"""The simulator's own record of what the firm holds and is owed, kept apart from the product to compare the two."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import numpy.typing as npt

from posttrade.errors import PosttradeError
from posttrade.simulator.calendars import MarketCalendar, is_euro_bank_day
from posttrade.simulator.events import UnitEvent, units_after, units_before
from posttrade.simulator.lines import Lines
from posttrade.simulator.market import Dividend
from posttrade.simulator.reference import (
    Holding,
    Instrument,
    months_later,
    standing_instructions,
    withholding_rates,
)

CENT = Decimal("0.01")


@dataclass(frozen=True)
class Income:
    """What one book and account receive for one event: the truth that the bank pays by."""

    event_id: str
    income_type: str
    book_id: str
    account_id: str
    instrument_id: str
    ex_date: date
    pay_date: date
    quantity: int
    gross: Decimal
    withholding: Decimal
    net: Decimal
    currency_code: str
    cash_account_id: str


@dataclass(frozen=True)
class CashFlow:
    """Money that the bank moves without an instruction: received if positive."""

    flow_date: date
    cash_account_id: str
    currency_code: str
    amount: Decimal
    cause: str


class OwnBooks:
    """Positions of every holding, by day of arrival and by trade date.

    Args:
        holdings: what can be held.
        dates: business dates of the firm.
        lines: the other product lines and the events that change positions.
    """

    def __init__(self, holdings: Sequence[Holding], dates: Sequence[date], lines: Lines | None = None) -> None:
        self._holdings = holdings
        self._dates = dates
        self._lines = lines or Lines(())
        self._numbers = {holding: number for number, holding in enumerate(holdings)}
        names = {one.instrument_id: number for number, one in enumerate(self._lines.instruments)}
        eventful = {names[name] for name in self._lines.eventful if name}
        self._instrument_numbers = names
        self._eventful = [number for number, holding in enumerate(holdings) if holding.instrument_no in eventful]
        self._paid: dict[tuple[str, int], Decimal] = {}
        self.positions: npt.NDArray[np.int64] = np.zeros(len(holdings), dtype=np.int64)
        self._by_trade_date: npt.NDArray[np.int64] = np.zeros((len(holdings), len(dates)), dtype=np.int64)

    def book(self, holding_no: int, trade_day_no: int, quantity: int) -> None:
        """Adds what one event, arriving now, changes; `quantity` is signed."""
        self.positions[holding_no] += quantity
        self._by_trade_date[holding_no, trade_day_no] += quantity

    def book_all(self, holding_nos: npt.NDArray[np.int64], trade_day_no: int, quantities: npt.NDArray[np.int64]) -> None:
        """Adds many trades of one trade date that arrive now; quantities are signed."""
        np.add.at(self.positions, holding_nos, quantities)
        np.add.at(self._by_trade_date[:, trade_day_no], holding_nos, quantities)

    def take_stock(self, day_no: int) -> None:
        """Works out what every holding has become by a business date: events that go ex on it have happened."""
        self.positions[:] = self._by_trade_date.sum(axis=1)
        self.positions[self._eventful] = 0
        for number in self._eventful:
            holding = self._holdings[number]
            for trade_day_no, quantity in self._traded(number):
                for name, units in units_after(
                    self._lines.events, self._name(number), holding.account_id, Decimal(quantity), self._dates[trade_day_no],
                    self._dates[day_no], delivered=False,
                ):  # fmt: skip
                    other = self._numbers[replace(holding, instrument_no=self._instrument_numbers[name])]
                    self.positions[other] += _whole(units)

    def event_cash(self, day_no: int) -> Iterator[CashFlow]:
        """What events pay on a business date: on their pay date what is known by then, afterwards what trades told late change."""
        for event in self._lines.events:
            if not event.cash or not self._dates[0] < event.pay_date <= self._dates[day_no]:
                continue
            for number in self._eventful:
                holding = self._holdings[number]
                if self._name(number) != event.instrument_id:
                    continue
                one = self._lines.instruments[holding.instrument_no]
                amount = (self._entitled(event, holding) * event.cash).quantize(CENT, ROUND_HALF_EVEN)
                change = amount - self._paid.get((event.event_id, number), Decimal(0))
                if change:
                    self._paid[event.event_id, number] = amount
                    cash_account_id = _CASH_ACCOUNTS[holding.account_id, one.currency_code]
                    yield CashFlow(self._dates[day_no], cash_account_id, one.currency_code, change, event.event_id)

    def _entitled(self, event: UnitEvent, holding: Holding) -> Decimal:
        """Units of the event's instrument that a book and account held when it went ex, as known now."""
        total = Decimal(0)
        for number in self._eventful:
            other = self._holdings[number]
            if (other.book_id, other.account_id) == (holding.book_id, holding.account_id):
                for trade_day_no, quantity in self._traded(number):
                    total += units_before(
                        self._lines.events, event, self._name(number), other.account_id, Decimal(quantity), self._dates[trade_day_no]
                    )
        return total

    def _traded(self, number: int) -> Iterator[tuple[int, int]]:
        row = self._by_trade_date[number]
        for trade_day_no in np.flatnonzero(row).tolist():
            yield trade_day_no, int(row[trade_day_no])

    def _name(self, number: int) -> str:
        return self._lines.instruments[self._holdings[number].instrument_no].instrument_id

    def income(
        self, universe: Sequence[Instrument], dividends: Sequence[Dividend], calendars: dict[str, MarketCalendar]
    ) -> Iterator[Income]:
        """Every entitlement to an event that goes ex after the first business date and not after the last."""
        for dividend in dividends:
            one = universe[dividend.instrument_no]
            yield from self._entitlements(
                one, dividend.instrument_no, dividend.event_id, "DIVIDEND", dividend.ex_date, dividend.pay_date,
                dividend.amount_per_unit,
            )  # fmt: skip
        for number, one in enumerate(universe):
            if one.coupon_frequency is None:
                continue
            calendar = calendars[one.market_mic]
            for coupon_date in self._coupon_dates(one):
                last_cum = calendar.sessions_before(coupon_date, one.ex_coupon_days) if one.ex_coupon_days else coupon_date
                ex_date = calendar.coupon_ex_date(last_cum)
                if not self._dates[0] < ex_date <= self._dates[-1]:
                    continue
                per_unit = self._percent(one, coupon_date) / 100
                yield from self._entitlements(
                    one, number, f"CPN:{one.instrument_id}:{coupon_date}", "COUPON", ex_date,
                    _pay_date(calendar, one, coupon_date), per_unit,
                )  # fmt: skip

    def _percent(self, one: Instrument, coupon_date: date) -> Decimal:
        """The coupon in percent of the nominal outstanding."""
        assert one.coupon_frequency is not None
        if one.coupon_rate is not None:
            return one.coupon_rate / one.coupon_frequency
        return self._lines.percent_of_period(one, months_later(coupon_date, -12 // one.coupon_frequency), coupon_date)

    def _coupon_dates(self, one: Instrument) -> Iterator[date]:
        if one.first_coupon_date is None or one.maturity_date is None or one.coupon_frequency is None:
            return
        period = 0
        last_day = self._dates[-1].toordinal() + 25
        while (day := months_later(one.first_coupon_date, period * 12 // one.coupon_frequency)) <= one.maturity_date:
            if self._dates[0] < day and day.toordinal() <= last_day:
                yield day
            period += 1

    def _entitlements(
        self, one: Instrument, instrument_no: int, event_id: str, income_type: str, ex_date: date, pay_date: date,
        per_unit: Decimal,
    ) -> Iterator[Income]:  # fmt: skip
        if not self._dates[0] < ex_date <= self._dates[-1]:
            return
        days_before = sum(1 for day in self._dates if day < ex_date)
        for number, holding in enumerate(self._holdings):
            if holding.instrument_no != instrument_no:
                continue
            quantity = int(self._by_trade_date[number, :days_before].sum())
            gross = (quantity * per_unit).quantize(CENT, ROUND_HALF_EVEN)
            if gross == 0:
                continue
            rate = _RATES[holding.account_id, one.country_code, income_type]
            withholding = (gross * rate).quantize(CENT, ROUND_HALF_EVEN)
            yield Income(
                event_id=event_id,
                income_type=income_type,
                book_id=holding.book_id,
                account_id=holding.account_id,
                instrument_id=one.instrument_id,
                ex_date=ex_date,
                pay_date=pay_date,
                quantity=quantity,
                gross=gross,
                withholding=withholding,
                net=gross - withholding,
                currency_code=one.currency_code,
                cash_account_id=_CASH_ACCOUNTS[holding.account_id, one.currency_code],
            )


def cash_account_of(account_id: str, currency_code: str) -> str:
    """The cash account that belongs to a custody account."""
    return _CASH_ACCOUNTS[account_id, currency_code]


def _pay_date(calendar: MarketCalendar, one: Instrument, coupon_date: date) -> date:
    if one.terms.get("business_calendar") != "TARGET":
        return calendar.rolled_following(coupon_date)
    return next(day for day in (coupon_date + timedelta(days=days) for days in range(10)) if is_euro_bank_day(day))


def _whole(units: Decimal) -> int:
    whole = int(units)
    if whole != units:
        raise PosttradeError(f"An event leaves {units} units; the simulated firm holds whole ones.", "Give the event other units.")
    return whole


_RATES = {(account, country, kind): Decimal(rate) for account, country, kind, rate in withholding_rates()}
_CASH_ACCOUNTS = {(account, currency): cash for account, currency, _, _, cash in standing_instructions()}
