"""The simulator's own record of what the firm holds and is owed, kept apart from the product to compare the two."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import numpy.typing as npt

from posttrade.simulator.calendars import MarketCalendar
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


class OwnBooks:
    """Positions of every holding, by day of arrival and by trade date.

    Args:
        holdings: what can be held.
        dates: business dates of the firm.
    """

    def __init__(self, holdings: Sequence[Holding], dates: Sequence[date]) -> None:
        self._holdings = holdings
        self._dates = dates
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
            if one.coupon_rate is None or one.coupon_frequency is None:
                continue
            calendar = calendars[one.market_mic]
            per_unit = one.coupon_rate / one.coupon_frequency / 100
            for coupon_date in self._coupon_dates(one):
                ex_date = calendar.coupon_ex_date(coupon_date)
                yield from self._entitlements(
                    one, number, f"CPN:{one.instrument_id}:{coupon_date}", "COUPON", ex_date,
                    calendar.rolled_following(coupon_date), per_unit,
                )  # fmt: skip

    def _coupon_dates(self, one: Instrument) -> Iterator[date]:
        if one.first_coupon_date is None or one.maturity_date is None or one.coupon_frequency is None:
            return
        period = 0
        last_day = self._dates[-1].toordinal() + 15
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


_RATES = {(account, country, kind): Decimal(rate) for account, country, kind, rate in withholding_rates()}
_CASH_ACCOUNTS = {(account, currency): cash for account, currency, _, _, cash in standing_instructions()}
