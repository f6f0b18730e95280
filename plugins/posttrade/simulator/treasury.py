"""The treasury of the simulated firm: currencies for spot and later dates, swaps, deposits, and repos with collateral."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

import numpy as np

from posttrade.simulator.calendars import MarketCalendar, home_sessions, is_dollar_holiday, is_euro_bank_day
from posttrade.simulator.deals import DealBook, signed_quantity
from posttrade.simulator.files import write_csv
from posttrade.simulator.forwards import outright, write_forward_market
from posttrade.simulator.own_books import CENT, CashFlow, cash_account_of
from posttrade.simulator.plan import PLANNED_DAYS
from posttrade.simulator.reference import BROKERS, Instrument
from posttrade.simulator.trade_files import TradeEvent, trade_id

ACCOUNT = "OWN_TREASURY"
FX_BOOK, MONEY_BOOK = "FX", "MONEY"
_TRADER = "T10"
_FIRST_NUMBER = 9_000_000
_SPOT_PAIRS = (("EUR", "USD"), ("EUR", "GBP"), ("GBP", "USD"))
_TICK = Decimal("0.00001")


@dataclass(frozen=True)
class Loan:
    """A deposit or repo. Rates are such that a day's interest on a round nominal is whole cents.

    Args:
        is_lent: the firm lends; else it borrows.
        nominal: of the deal as it was first told.
        rate: percent a year, ACT/360.
        is_amended: on the next day the nominal turns out to be a tenth larger.
        agreed: of a deal that runs until it is terminated, the rates that it bears from later days on. They and its end are told on the
            business date before they hold.
    """

    instrument_id: str
    product_line: str
    currency_code: str
    is_lent: bool
    nominal: int
    rate: Decimal
    start: date
    end: date
    is_amended: bool = False
    agreed: tuple[tuple[date, Decimal], ...] = ()

    def interest(self, nominal: Decimal) -> Decimal:
        """What is paid with the nominal at the end."""
        starts = [(self.start, self.rate), *self.agreed]
        ends = [day for day, _ in starts[1:]] + [self.end]
        years = sum((rate * (end - start).days for (start, rate), end in zip(starts, ends, strict=True)), Decimal(0)) / 100 / 360
        return (nominal * years).quantize(CENT, ROUND_HALF_EVEN)


@dataclass(frozen=True)
class Collateral:
    """Securities that move with a repo: received if positive, given if negative."""

    deal_instrument_id: str
    book_id: str
    account_id: str
    instrument_id: str
    start: str
    end: str
    quantity: int


class Treasury:
    """Deals of the treasury, and what they make the bank pay and receive.

    Args:
        bonds: instruments that collateral is chosen from.
        dates: business dates of the firm.
        rate: units of the base currency for one unit of a currency, as the market has it on the current day.
        seed: makes the days repeatable.
    """

    def __init__(self, bonds: Sequence[Instrument], dates: Sequence[date], rate: Callable[[str], Decimal], seed: int) -> None:
        self._dates = dates
        self._rate = rate
        self._seed = seed
        plan = home_sessions(dates[0], max(len(dates), PLANNED_DAYS))
        self._london = MarketCalendar("XLON", plan[0], plan[-1] + timedelta(days=200))
        far = self._joint_day(plan[0] + timedelta(days=91), ("EUR", "USD", "GBP"))
        self._forwards = [
            (f"{notional}{currency} {maturity}", notional, currency, maturity)
            for notional, currency, maturity in (("EUR", "USD", plan[4]), ("EUR", "USD", far), ("GBP", "USD", far))
        ]
        self._loans = [
            Loan(f"DEPOSIT {plan[3]} 1", "deposit", "EUR", True, 5_000_000, Decimal("1.98"), plan[0], plan[3], is_amended=True),
            Loan(f"DEPOSIT {plan[11]} 2", "deposit", "USD", False, 2_000_000, Decimal("3.96"), plan[1], plan[11]),
            Loan(f"REPO {plan[3]} 1", "repo", "EUR", True, 1_000_000, Decimal("2.16"), plan[1], plan[3]),
            Loan(f"REPO {plan[4]} 2", "repo", "EUR", False, 1_900_000, Decimal("2.16"), plan[2], plan[4]),
            Loan(
                "REPO OPEN 1", "repo_open", "EUR", True, 1_000_000, Decimal("2.16"), plan[0], plan[4], agreed=((plan[2], Decimal("1.80")),)
            ),
        ]
        calm = [one for one in bonds if one.product_line == "bond_fixed" and one.currency_code == "EUR" and not _pays_soon(one, plan)]
        received, given = calm[0], calm[1]
        reverse_repo, repo = self._loans[2:4]
        self.collateral = (
            _collateral(reverse_repo, MONEY_BOOK, ACCOUNT, received, 1_100_000),
            _collateral(repo, given.own_book_id, given.own_account_id, given, -2_000_000),
        )
        self.bought_to_give = given.instrument_id
        self._deals = DealBook()
        self._tomorrow: list[TradeEvent] = []
        self._paid: dict[tuple[str, str], Decimal] = {}
        self._number = 0

    # -------------------------------------------------------------- files

    def instrument_rows(self) -> Iterator[dict[str, object]]:
        """The rows of the instruments file, by column."""
        for notional, currency in _SPOT_PAIRS:
            yield _pair(f"{notional}{currency}", f"{notional}/{currency} spot", "fx_spot", notional, currency)
        for name, notional, currency, maturity in self._forwards:
            yield _pair(name, f"{notional}/{currency} forward {maturity}", "fx_forward", notional, currency) | {"maturity_date": maturity}
        for loan in self._loans:
            terms = {
                "instrument_id": loan.instrument_id, "product_line": loan.product_line, "currency_code": loan.currency_code,
                "market_mic": "XXXX", "issuer_country_code": "DE", "coupon_rate": loan.rate, "day_count": "ACT/360",
                "issue_date": loan.start,
            }  # fmt: skip
            if loan.agreed:
                yield terms | {"name": "Open repo"}
            else:
                name = f"{loan.product_line.capitalize()} until {loan.end}"
                yield terms | {"name": name, "coupon_frequency": 1, "first_coupon_date": loan.end, "maturity_date": loan.end}

    def write_market(self, folder: Path, day_no: int) -> None:
        """Writes the market files that only the treasury needs."""
        write_forward_market(folder, self._dates[day_no], [one[1:] for one in self._forwards], self._spot)
        told = [row for loan in self._loans for row in self._agreed_on(loan, day_no)]
        if told:
            write_csv(folder, "open_deal_terms", told)

    def _agreed_on(self, loan: Loan, day_no: int) -> Iterator[tuple[str, date, str, Decimal | None]]:
        if day_no + 1 == len(self._dates):
            return
        tomorrow = self._dates[day_no + 1]
        for day, rate in loan.agreed:
            if day == tomorrow:
                yield loan.instrument_id, day, "RUNNING", rate
        if loan.agreed and loan.end == tomorrow:
            yield loan.instrument_id, loan.end, "TERMINATED", None

    def trade_day(self, day_no: int) -> Iterator[TradeEvent]:
        """The treasury's trade events of a business date; some are amended, cancelled or told on the next."""
        told, self._tomorrow = self._tomorrow, []
        told += self._exchanges(day_no)
        told += self._lending(day_no)
        for event in told:
            self._deals.see(event)
            yield event

    def _exchanges(self, day_no: int) -> Iterator[TradeEvent]:
        day = self._dates[day_no]
        random = np.random.default_rng([self._seed, 21, day_no])
        for place in range(4):
            notional, currency = _SPOT_PAIRS[int(random.integers(0, len(_SPOT_PAIRS)))]
            price = (self._spot(notional, currency) * Decimal(1 + float(random.normal(0, 0.0002)))).quantize(_TICK)
            stated = str(self._spot_date(day, (notional, currency))) if place % 2 else ""
            size = int(random.integers(2, 40)) * 50_000
            deal = self._event(day, f"{notional}{currency}", bool(random.random() < 0.5), size, price, currency, FX_BOOK, stated)
            is_late = place == 2 and day_no % 2 == 1
            if is_late:
                self._tomorrow.append(deal)
                continue
            yield deal
            if place == 0:
                self._tomorrow.append(deal._replace(version=2, event_type="AMEND", price=str(price + 10 * _TICK)))
            if place == 3:
                yield deal._replace(version=2, event_type="CANCEL")
        for name, notional, currency, maturity in self._forwards:
            # On the first date in every one of them, so that one falls due soon.
            if maturity <= day + timedelta(days=2) or (day_no and random.random() < 0.3):
                continue
            spot = self._spot(notional, currency)
            price = outright(spot, notional, currency, (maturity - day).days)
            size = int(random.integers(2, 20)) * 50_000
            is_bought = bool(random.random() < 0.5)
            yield self._event(day, name, is_bought, size, price, currency, FX_BOOK, str(maturity))
            if maturity > self._dates[0] + timedelta(days=30):
                # A swap: the same amount back and forth, for spot and for the date of the forward.
                stated = str(self._spot_date(day, (notional, currency)))
                yield self._event(day, f"{notional}{currency}", is_bought, size, spot.quantize(_TICK), currency, FX_BOOK, stated)
                yield self._event(day, name, not is_bought, size, price, currency, FX_BOOK, str(maturity))

    def _lending(self, day_no: int) -> Iterator[TradeEvent]:
        day = self._dates[day_no]
        for loan in self._loans:
            if loan.start == day:
                deal = self._event(
                    day, loan.instrument_id, loan.is_lent, loan.nominal, Decimal(100), loan.currency_code, MONEY_BOOK, str(day)
                )
                yield deal
                if loan.is_amended:
                    self._tomorrow.append(deal._replace(version=2, event_type="AMEND", quantity=str(loan.nominal * 11 // 10)))

    def _event(
        self, day: date, instrument_id: str, is_bought: bool, quantity: int, price: Decimal, currency: str, book_id: str, settles: str
    ) -> TradeEvent:
        self._number += 1
        return TradeEvent(
            trade_id=trade_id(0, day, _FIRST_NUMBER + self._number),
            version=1,
            event_type="NEW",
            trade_date=str(day),
            executed_at=f"{day}T{9 + self._number % 7:02d}:30:00.000+00:00",
            settlement_date=settles,
            book_id=book_id,
            account_id=ACCOUNT,
            trader_id=_TRADER,
            counterparty_id=BROKERS[self._number % len(BROKERS)][0],
            instrument_id=instrument_id,
            side="BUY" if is_bought else "SELL",
            quantity=str(quantity),
            price=str(price),
            currency_code=currency,
            fee="0.00",
        )

    # -------------------------------------------------------------- own record

    def positions(self, day_no: int) -> Iterator[tuple[str, str, str, int]]:
        """Book, account, instrument and quantity of what is not due by a business date; exchanges for spot leave none."""
        day = self._dates[day_no]
        ends = self._ends()
        held: dict[tuple[str, str, str], int] = defaultdict(int)
        for deal in self._deals.in_force():
            if deal.instrument_id in ends and ends[deal.instrument_id] > day:
                held[deal.book_id, deal.account_id, deal.instrument_id] += int(signed_quantity(deal))
        for key, quantity in held.items():
            if quantity:
                yield *key, quantity

    def values(self, day_no: int) -> Iterator[tuple[str, float]]:
        """Book and value in base currency of each position, as an estimate that limits are set by."""
        notionals = {name: notional for name, notional, _, _ in self._forwards}
        currencies = {loan.instrument_id: loan.currency_code for loan in self._loans} | notionals
        for book, _, name, quantity in self.positions(day_no):
            yield book, quantity * float(self._rate(currencies[name]))

    def cash(self, day_no: int) -> Iterator[CashFlow]:
        """What the bank moves on a business date: all that is due by then, as known then, less what it has moved before."""
        day = self._dates[day_no]
        due: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for deal in self._deals.in_force():
            for value_date, currency, amount in self._payments(deal):
                if value_date <= day:
                    due[cash_account_of(ACCOUNT, currency), currency] += amount
        for key, amount in sorted(due.items()):
            change = amount - self._paid.get(key, Decimal(0))
            self._paid[key] = amount
            if change:
                yield CashFlow(day, *key, change, "treasury")

    def _payments(self, deal: TradeEvent) -> Iterator[tuple[date, str, Decimal]]:
        """Value date, currency and amount of everything a deal makes the firm receive, or pay if negative."""
        quantity = signed_quantity(deal)
        loan = next((one for one in self._loans if one.instrument_id == deal.instrument_id), None)
        if loan is not None:
            yield loan.start, loan.currency_code, -quantity
            yield loan.end, loan.currency_code, quantity + loan.interest(quantity)
            return
        notional = deal.instrument_id[:3]
        maturity = self._ends().get(deal.instrument_id)
        dealt = date.fromisoformat(deal.trade_date)
        value_date = maturity or self._spot_date(dealt, (notional, deal.currency_code))
        yield value_date, notional, quantity
        yield value_date, deal.currency_code, (-quantity * Decimal(deal.price)).quantize(CENT, ROUND_HALF_EVEN)

    def _ends(self) -> dict[str, date]:
        forwards = {name: maturity for name, _, _, maturity in self._forwards}
        return forwards | {loan.instrument_id: loan.end for loan in self._loans}

    def _spot(self, notional: str, currency: str) -> Decimal:
        return self._rate(notional) / self._rate(currency)

    def _spot_date(self, dealt: date, currencies: Iterable[str]) -> date:
        """Two days on which banks of the currencies other than the dollar work; then the first on which those of all work."""
        others = [one for one in currencies if one != "USD"]
        day, left = dealt, 2
        while left:
            day += timedelta(days=1)
            left -= day.weekday() < 5 and all(self._is_bank_day(day, one) for one in others)
        return self._joint_day(day, (*others, "USD"))

    def _joint_day(self, day: date, currencies: Iterable[str]) -> date:
        names = tuple(currencies)
        while not all(self._is_bank_day(day, one) for one in names):
            day += timedelta(days=1)
        return day

    def _is_bank_day(self, day: date, currency: str) -> bool:
        if day.weekday() > 4:
            return False
        if currency == "EUR":
            return is_euro_bank_day(day)
        if currency == "USD":
            return not is_dollar_holiday(day)
        return self._london.is_open(day) if currency == "GBP" else True


def _pair(name: str, title: str, product_line: str, notional: str, currency: str) -> dict[str, object]:
    return {
        "instrument_id": name, "name": title, "product_line": product_line, "currency_code": currency, "market_mic": "XOFF",
        "issuer_country_code": "XX", "notional_currency_code": notional,
    }  # fmt: skip


def _collateral(loan: Loan, book_id: str, account_id: str, bond: Instrument, quantity: int) -> Collateral:
    return Collateral(loan.instrument_id, book_id, account_id, bond.instrument_id, str(loan.start), str(loan.end), quantity)


def _pays_soon(one: Instrument, plan: Sequence[date]) -> bool:
    """Whether a bond pays a coupon while it may be collateral."""
    assert one.maturity_date is not None and one.coupon_frequency is not None
    months = {(one.maturity_date.month - 1 + 12 // one.coupon_frequency * period) % 12 + 1 for period in range(one.coupon_frequency)}
    return bool(months & {plan[0].month, (plan[-1] + timedelta(days=20)).month})
