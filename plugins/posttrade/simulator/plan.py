"""Lays out what the simulated firm trades beside shares and fixed-rate bonds, and the events of its first days.

Everything is laid out along the first business dates: what is due on the fourth of them is due whatever the calendar says.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from posttrade.simulator.calendars import MarketCalendar, home_sessions
from posttrade.simulator.events import UnitEvent, in_order
from posttrade.simulator.identifiers import isin
from posttrade.simulator.lines import INDEX_NAME, SPIN_OFF_SHARE, Announcement, Fixing, Lines, bank_days_before
from posttrade.simulator.reference import ACCOUNTS, Instrument, months_later

PLANNED_DAYS = 12
"""How many business dates the plan looks ahead, however few are simulated."""
_LATEST_REGULAR_DAY = 28
_RIGHTS_SHARE = Decimal("0.15")
_CALL_STRIKE, _PUT_STRIKE = 0.9, 0.8


def plan_lines(core: Sequence[Instrument], first_date: date, days: int) -> Lines:
    """The other product lines of a firm that opens on a date.

    Args:
        core: the shares and fixed-rate bonds.
        first_date: first business date.
        days: business dates to come.
    """
    plan = home_sessions(first_date, max(days, PLANNED_DAYS))
    lines = Lines(tuple(core))
    _Planner(lines, plan).lay_out()
    lines.events = in_order(lines.events)
    return lines


class _Planner:
    def __init__(self, lines: Lines, plan: Sequence[date]) -> None:
        self._lines = lines
        self._plan = plan
        self._all = list(lines.instruments)
        self._count = 0

    def lay_out(self) -> None:
        """Adds the instruments of every line and what happens to them."""
        self._add_funds()
        self._add_bonds()
        self._add_futures()
        shares = {book: [one for one in self._all if one.own_book_id == book] for book in ("EQ_US_CORE", "EQ_DE", "EQ_FR", "EQ_UK")}
        self._split(shares["EQ_US_CORE"][3])
        self._spin_off(shares["EQ_FR"][4])
        self._issue_rights(shares["EQ_DE"][5])
        self._merge(shares["EQ_UK"][6])
        self._add_options(shares["EQ_DE"][8])
        self._lines.instruments = tuple(self._all)

    # -------------------------------------------------------------- instruments

    def _add(self, one: Instrument) -> int:
        self._all.append(one)
        return len(self._all) - 1

    def _number(self, instrument_id: str) -> int:
        return next(number for number, one in enumerate(self._all) if one.instrument_id == instrument_id)

    def _isin(self, country: str) -> str:
        self._count += 1
        return isin(country, f"OX{self._count:07d}")

    def _add_funds(self) -> None:
        etfs = (
            ("WORLD.XETR", "Example World Shares ETF", "XETR", "IE", 84_200),
            ("EUROPE.XPAR", "Example Europe Shares ETF", "XPAR", "IE", 61_500),
            ("AMERICA.XNYS", "Sample America Shares ETF", "XNYS", "US", 412_300),
        )
        for name, title, market, country, price in etfs:
            currency = "USD" if market == "XNYS" else "EUR"
            self._add(Instrument(name, self._isin(country), title, "etf", currency, market, country, "EQ_FUNDS", "OWN_EQ_EU", price))
        fund = ("BALANCED.XLUX", self._isin("LU"), "Pretend Balanced Fund", "fund", "EUR", "XLUX", "LU", "EQ_FUNDS", "OWN_EQ_EU", 118_640)
        self._lines.prices.fund_numbers.add(self._add(Instrument(*fund)))

    def _add_bonds(self) -> None:
        self._add_floating()
        years = timedelta(days=366)
        zero = Instrument(
            instrument_id="ZERO01.XETR", isin=self._isin("DE"), name="Example Zero Bond 2031", product_line="bond_zero", market_mic="XETR",
            country_code="DE", first_price=86_500, issue_date=self._plan[0] - 2 * years, maturity_date=self._plan[0] + 5 * years,
            currency_code="EUR", own_book_id="FI_EUR",
                own_account_id="OWN_FI_EUR",
        )  # fmt: skip
        self._add(zero)
        due = self._plan[4]
        ex_date = MarketCalendar("XPAR", self._plan[0], due).coupon_ex_date(due)
        self._add(
            replace(
                zero, instrument_id="BILL01.XPAR", isin=self._isin("FR"), name="Example Treasury Bill", market_mic="XPAR",
                country_code="FR", first_price=99_960, issue_date=due - timedelta(days=182), maturity_date=due,
                traded_until=ex_date - timedelta(days=1),
            )
        )  # fmt: skip
        self._lines.events.append(
            UnitEvent(f"RED:BILL01.XPAR:{due}", "REDEMPTION", "BILL01.XPAR", "", ex_date, due, Decimal(0), cash=Decimal(1))
        )
        self._add_amortising()
        coupon_day = _regular(self._plan[10])
        issue_date = coupon_day.replace(year=coupon_day.year - 3)
        self._add(
            Instrument(
                instrument_id="GILTX.XLON", isin=self._isin("GB"), name="Example Treasury GB 4 1/4 %, six days ex",
                product_line="bond_fixed",
                currency_code="GBP", market_mic="XLON", country_code="GB", own_book_id="FI_GBP", own_account_id="OWN_FI_GBP",
                first_price=98_700, coupon_rate=Decimal("4.25"), coupon_frequency=2, issue_date=issue_date,
                first_coupon_date=months_later(issue_date, 6),
                maturity_date=coupon_day.replace(year=coupon_day.year + 6), ex_coupon_days=6,
                terms={"ex_coupon_calendar": "UK-SETTLEMENT"},
            )
        )  # fmt: skip

    def _add_floating(self) -> None:
        fixing_days = 2
        shared = {"index_name": INDEX_NAME, "spread": Decimal("0.60"), "fixing_days": fixing_days, "business_calendar": "TARGET"}
        starts = set()
        for number, coupon_day in enumerate((_regular(self._plan[3]), months_later(_regular(self._plan[8]), 1)), start=1):
            issue_date = coupon_day.replace(year=coupon_day.year - 3)
            maturity_date = coupon_day.replace(year=coupon_day.year + 4)
            self._add(
                Instrument(
                    instrument_id=f"FLOAT{number:02d}.XETR", isin=self._isin("DE"), name=f"Sample Bank floater {maturity_date.year}",
                    product_line="bond_floating", currency_code="EUR", market_mic="XETR", country_code="DE", own_book_id="FI_EUR",
                    own_account_id="OWN_FI_EUR", first_price=100_150, coupon_frequency=4, issue_date=issue_date,
                    first_coupon_date=months_later(issue_date, 3), maturity_date=maturity_date, day_count="ACT/360", terms=shared,
                )
            )  # fmt: skip
            starts |= {months_later(issue_date, 3 * period) for period in range(28)}
        first, last = self._plan[0] - timedelta(days=100), self._plan[-1] + timedelta(days=10)
        fixing_dates = sorted({bank_days_before(start, fixing_days) for start in starts if first <= start <= last})
        # With the spread, exact in percent for every number of days of 360.
        rates = (Decimal("2.10"), Decimal("2.01"), Decimal("2.19"), Decimal("1.92"))
        self._lines.fixings = [Fixing(day, rates[place % len(rates)]) for place, day in enumerate(fixing_dates)]

    def _add_amortising(self) -> None:
        due = _regular(self._plan[3])
        calendar = MarketCalendar("XETR", self._plan[0], due)
        issue_date, name = due.replace(year=due.year - 2), "AMORT01.XETR"
        self._add(
            Instrument(
                instrument_id=name, isin=self._isin("DE"), name="Sample Railway 3 % amortising", product_line="bond_amortising",
                market_mic="XETR", country_code="DE", first_price=99_400, coupon_rate=Decimal(3), coupon_frequency=1, issue_date=issue_date,
                first_coupon_date=due.replace(year=due.year - 1), maturity_date=due.replace(year=due.year + 3),
                currency_code="EUR", own_book_id="FI_EUR",
                own_account_id="OWN_FI_EUR",
            )
        )  # fmt: skip
        # 20 of 100 a year: a quarter of the 80 that are left.
        self._lines.repayments = [(name, due.replace(year=due.year + years), Decimal(20)) for years in (-1, 0, 1, 2)]
        self._lines.events.append(
            UnitEvent(
                f"RED:{name}:{due}", "PARTIAL_REDEMPTION", name, "", calendar.coupon_ex_date(due), calendar.rolled_following(due),
                Decimal("0.75"), cash=Decimal("0.25"),
            )
        )  # fmt: skip

    def _add_futures(self) -> None:
        far = _third_friday(self._plan[0] + timedelta(days=60))
        near = self._plan[3]
        for name, title, market, currency, size, price, expiry in (
            ("EX40Q.XEUR", "Example Europe 40 future", "XEUR", "EUR", 10, 4_812_000, far),
            ("EX40W.XEUR", "Example Europe 40 future, weekly", "XEUR", "EUR", 10, 4_806_000, near),
            ("AM500Q.CMES", "Sample America 500 future", "CMES", "USD", 5, 5_934_000, far),
        ):
            self._add(
                Instrument(
                    name, None, f"{title} {expiry}", "future", currency, market, "DE" if market == "XEUR" else "US", "DERIV", "OWN_DERIV",
                    price, contract_size=size, expiry_date=expiry, traded_until=expiry, is_sold_short=True,
                )
            )  # fmt: skip
            self._expire(name, expiry)

    def _add_options(self, share: Instrument) -> None:
        far = _third_friday(self._plan[0] + timedelta(days=60))
        number, stem = self._number(share.instrument_id), share.instrument_id.split(".")[0]
        for kind, part, expiry, is_sold_short in (
            ("CALL", _CALL_STRIKE, self._plan[3], False),
            ("PUT", _PUT_STRIKE, self._plan[2], False),
            ("CALL", 1.05, far, True),
            ("PUT", 0.95, far, True),
        ):
            strike = max(1, round(share.first_price * part / 1000))
            name = f"{stem}{kind[0]}{strike}{expiry:%y%m%d}.XEUR"
            terms = {"option_type": kind, "strike_price": strike, "underlying_instrument_id": share.instrument_id}
            option = self._add(
                Instrument(
                    name, None, f"{share.name} {kind.lower()} {strike} {expiry}", "option", "EUR", "XEUR", "DE", "DERIV", "OWN_DERIV",
                    1_000, contract_size=100, expiry_date=expiry, traded_until=expiry, is_sold_short=is_sold_short, terms=terms,
                )
            )  # fmt: skip
            self._lines.prices.options.append((option, number, strike * 1000, kind == "CALL", expiry))
            ex_date = self._expire(name, expiry)
            if kind == "CALL" and expiry == self._plan[3]:
                self._exercise(name, share, strike, ex_date)

    # -------------------------------------------------------------- events

    def _expire(self, name: str, expiry: date) -> date:
        """What was not exercised is gone on the next day."""
        ex_date = expiry + timedelta(days=1)
        self._lines.events.append(UnitEvent(f"EXP:{name}", "EXPIRY", name, "", ex_date, ex_date, Decimal(0)))
        return ex_date

    def _exercise(self, name: str, share: Instrument, strike: int, ex_date: date) -> None:
        pay_date = next(day for day in self._plan if day >= ex_date)
        shares, paid = Decimal(100), Decimal(-100 * strike)
        self._lines.events.append(
            UnitEvent(f"EXE:{name}", "OPTION_EXERCISE", name, "", ex_date, pay_date, Decimal(0), share.instrument_id, shares, paid)
        )
        self._announce(4, f"EXE:{name}", name, "OPTION_EXERCISE", ex_date, pay_date, "EUR", received_instrument_id=share.instrument_id)

    def _announce(
        self,
        told_no: int,
        event_id: str,
        instrument_id: str,
        event_type: str,
        ex_date: date,
        pay_date: date,
        currency: str,
        **terms: object,
    ) -> None:
        row = {
            "event_id": event_id, "instrument_id": instrument_id, "event_type": event_type, "event_status": "ANNOUNCED",
            "ex_date": ex_date, "pay_date": pay_date, "currency_code": currency,
        }  # fmt: skip
        self._lines.announcements.append(Announcement(told_no, row | terms))

    def _on_ex_date(
        self,
        told_no: int,
        ex_no: int,
        event_id: str,
        event_type: str,
        one: Instrument,
        retained: int,
        received: str,
        units: int,
        **terms: object,
    ) -> None:
        """An event that delivers on its ex date and pays nothing."""
        ex_date = self._plan[ex_no]
        self._lines.events.append(
            UnitEvent(event_id, event_type, one.instrument_id, "", ex_date, ex_date, Decimal(retained), received, Decimal(units))
        )
        if received:
            terms["received_instrument_id"] = received
        self._announce(told_no, event_id, one.instrument_id, event_type, ex_date, ex_date, one.currency_code, **terms)

    def _split(self, share: Instrument) -> None:
        self._on_ex_date(
            0, 1, f"SPLIT:{share.instrument_id}", "SPLIT", share, 2, "", 0, record_date=self._plan[1], new_units=2, old_units=1
        )  # fmt: skip
        self._lines.prices.splits[1] = [(self._number(share.instrument_id), 2)]

    def _spin_off(self, share: Instrument) -> None:
        name = _named_after(share, "S")
        child = self._add(
            replace(
                share, instrument_id=name, isin=self._isin(share.country_code), name=f"{share.name} Services", traded_from=self._plan[2]
            )
        )
        self._on_ex_date(
            0, 2, f"SPIN:{share.instrument_id}", "SPIN_OFF", share, 1, name, 1, new_units=1, old_units=1, cost_fraction=SPIN_OFF_SHARE
        )  # fmt: skip
        self._lines.prices.spin_offs[2] = [(self._number(share.instrument_id), child)]

    def _issue_rights(self, share: Instrument) -> None:
        """One right for a share; each buys a share at half its price. Some clients let theirs lapse."""
        name, subscription = _named_after(share, "R"), max(1, round(share.first_price / 2000))
        right = self._add(
            replace(
                share, instrument_id=name, isin=self._isin(share.country_code), name=f"{share.name} rights", traded_from=self._plan[1],
                traded_until=self._plan[2],
            )
        )  # fmt: skip
        self._on_ex_date(
            0, 1, f"RIGHTS:{share.instrument_id}", "RIGHTS_ISSUE", share, 1, name, 1, new_units=1, old_units=1, cost_fraction=_RIGHTS_SHARE
        )  # fmt: skip
        self._lines.prices.rights[1] = [(self._number(share.instrument_id), right, subscription * 1000)]
        ex_date = self._plan[3]
        for account in ACCOUNTS:
            event_id, account_id = f"TAKEUP:{name}:{account.account_id}", account.account_id
            if account_id == "C3_MAIN":
                self._lines.events.append(UnitEvent(event_id, "RIGHTS_LAPSE", name, account_id, ex_date, ex_date, Decimal(0)))
                self._announce(2, event_id, name, "RIGHTS_LAPSE", ex_date, ex_date, share.currency_code, account_id=account_id)
                continue
            if account_id != share.own_account_id and "equity" not in account.holds:
                continue
            self._lines.events.append(
                UnitEvent(
                    event_id, "RIGHTS_EXERCISE", name, account_id, ex_date, ex_date, Decimal(0), share.instrument_id, Decimal(1),
                    Decimal(-subscription),
                )
            )  # fmt: skip
            self._announce(
                2, event_id, name, "RIGHTS_EXERCISE", ex_date, ex_date, share.currency_code, account_id=account_id, new_units=1,
                old_units=1, received_instrument_id=share.instrument_id, amount_per_unit=subscription,
            )  # fmt: skip

    def _merge(self, buyer: Instrument) -> None:
        name = _named_after(buyer, "T")
        target = self._add(
            replace(
                buyer, instrument_id=name, isin=self._isin(buyer.country_code), name=f"{buyer.name.split()[0]} & Daughters plc",
                first_price=buyer.first_price * 2, traded_until=self._plan[2],
            )
        )  # fmt: skip
        self._on_ex_date(
            1, 3, f"MERGER:{name}", "MERGER", self._all[target], 0, buyer.instrument_id, 2, new_units=2, old_units=1
        )  # fmt: skip
        self._lines.prices.mergers.append((target, self._number(buyer.instrument_id), 2))


def _named_after(share: Instrument, letter: str) -> str:
    stem, market = share.instrument_id.split(".")
    return f"{stem}{letter}.{market}"


def _regular(day: date) -> date:
    return day.replace(day=min(day.day, _LATEST_REGULAR_DAY))


def _third_friday(day: date) -> date:
    """The third Friday of the month of `day`."""
    first = day.replace(day=1)
    return first + timedelta(days=(4 - first.weekday()) % 7 + 14)
