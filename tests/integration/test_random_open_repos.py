"""Random repos without an end through the close, against what they pay by the terms known of each day.

Sixty deals of six days in three currencies, lent and borrowed: rates told ahead, on their day and late, again and taken back; ends told and
moved; parts that come and go, late, amended and cancelled. Each day is run twice, first with half of what it brings. Rates are such that
a night pays a whole number of thousandths of a percent, so that no cent is rounded and the oracle is a sum of nights.

`--firm-seed=7` draws the same deals again.
"""

import random
import secrets
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

import pytest
from integration.conftest import run_day_until
from integration.small_firm import SmallFirm, assert_books_tie, assert_rebuilt_the_same, rows, trade

from posttrade.offices.derivations import build_back_office

DEALS = 60
DAYS = (*(date(2026, 1, day) for day in range(5, 10)), date(2026, 1, 12))
NIGHT = timedelta(1)
FIRST_RATE = 10
"""Thousandths of a percent that a night pays; 360 nights of them are 3.6 %."""
CURRENCIES = ("EUR", "USD", "JPY")
UNITS = {"EUR": 1_000, "USD": 1_000, "JPY": 100_000}
"""Nominal of which a thousandth of a percent is one minor unit, 0.01 or 1 yen."""


class Told(NamedTuple):
    """What is agreed from a day on: what a night pays, or None where that is taken back; or an end, and whether it holds."""

    known: int
    valid_from: date
    of: str
    """RATE or END"""
    rate: int | None
    revision: int

    @property
    def state(self) -> str:
        return "WITHDRAWN" if self.rate is None else "RUNNING" if self.of == "RATE" else "TERMINATED"


class Version(NamedTuple):
    """What a version says of a trade; quantity is None where it is cancelled."""

    known: int
    trade_id: str
    version: int
    traded: int
    quantity: int | None


@dataclass
class Deal:
    """An open repo, of one book and account: what was told of it, in order, and its trades."""

    name: str
    currency: str
    told: list[Told] = field(default_factory=list)
    trades: list[Version] = field(default_factory=list)

    def tell(self, known: int, valid_from: date, of: str, rate: int | None) -> None:
        revision = 1 + sum((one.valid_from, one.of) == (valid_from, of) for one in self.told)
        self.told.append(Told(known, valid_from, of, rate, revision))


class Figures(NamedTuple):
    """Nominal still out, positive where it is lent; the interest accrued on it; and the cash it has brought, all in its currency."""

    quantity: Decimal
    accrued: Decimal
    cash: Decimal


def figures_known_at(deal: Deal, day: int) -> Figures:
    """What a date holds by all that is known of it: nominal goes out and comes back with the interest of all nights before."""
    rates: dict[date, int | None] = {DAYS[0]: FIRST_RATE}
    ends: dict[date, int | None] = {}
    for one in deal.told:
        if one.known <= day:
            (rates if one.of == "RATE" else ends)[one.valid_from] = one.rate
    rates = {valid_from: rate for valid_from, rate in rates.items() if rate is not None} | (
        {} if rates[DAYS[0]] is not None else {DAYS[0]: FIRST_RATE}
    )
    (end,) = [one for one, holds in ends.items() if holds is not None] or [None]

    def paid_until(until: date) -> Decimal:
        """Of one unit, by all nights from the first on."""
        nights = [DAYS[0] + number * NIGHT for number in range((until - DAYS[0]).days)]
        return sum((Decimal(rates[max(one for one in rates if one <= night)]) for night in nights), Decimal(0)) / 100_000

    latest = {one.trade_id: one for one in deal.trades if one.known <= day}
    in_force = [(DAYS[one.traded], one.quantity) for one in latest.values() if one.quantity is not None]
    cash = sum((-quantity * (1 + paid_until(traded)) for traded, quantity in in_force), Decimal(0))
    out = sum((Decimal(quantity) for _, quantity in in_force), Decimal(0))
    if end is not None and end <= DAYS[day]:
        return Figures(Decimal(0), Decimal(0), cash + out * (1 + paid_until(end)))
    return Figures(out, out * paid_until(DAYS[day]), cash)


def draw_deal(chance: random.Random, name: str) -> Deal:
    deal = Deal(name, chance.choice(CURRENCIES))
    last = len(DAYS) - 1
    unit = UNITS[deal.currency] * chance.choice((-1, 1))
    last_traded = chance.randrange(1, last)
    for number in range(chance.randrange(1, 6)):
        traded = 0 if number == 0 else chance.randrange(last_traded + 1)
        known = chance.choice((traded, traded, min(traded + 1, last), chance.randrange(traded, last + 1)))
        size = unit * (chance.randrange(500, 1000) if number == 0 else chance.randrange(-90, 90) or 1)
        deal.trades.append(Version(known, f"{name}-{number}", 1, traded, size))
        for version in (2, 3):
            if chance.random() < 0.3:
                known = chance.randrange(known, last + 1)
                size_now = None if chance.random() < 0.3 else size + unit * chance.randrange(1, 90)
                deal.trades.append(Version(known, f"{name}-{number}", version, traded, size_now))
                if size_now is None:
                    break
    deal.trades.sort(key=lambda one: (one.known, one.version))
    for known in sorted(chance.choices(range(last + 1), k=chance.randrange(6))):
        of_rates = [one.valid_from for one in deal.told if one.of == "RATE" and one.rate is not None]
        valid_from = chance.choice((*DAYS, *of_rates, *of_rates))
        is_taken_back = valid_from in of_rates and chance.random() < 0.5
        deal.tell(known, valid_from, "RATE", None if is_taken_back else chance.randrange(1, 30))
    end: date | None = None
    for known in sorted(chance.choices(range(last + 1), k=chance.randrange(4))):
        if end is not None:
            deal.tell(known, end, "END", None)
        end = chance.choice((*DAYS[last_traded + 1 :], None))
        if end is not None:
            deal.tell(known, end, "END", 1)
    deal.told.sort(key=lambda one: (one.known, one.revision))
    return deal


def terms_told(deals: list[Deal], day: int) -> list[dict[str, object]]:
    """The rows of a day's open_deal_terms.csv."""
    return [
        {
            "instrument_id": deal.name, "valid_from": one.valid_from, "deal_state": one.state, "told_of": one.of, "revision": one.revision,
            "rate": Decimal(one.rate) * 360 / 1000 if one.of == "RATE" and one.rate is not None else "",
        }
        for deal in deals for one in deal.told if one.known == day
    ]  # fmt: skip


def message(deal: Deal, one: Version) -> dict[str, object]:
    kind = "CANCEL" if one.quantity is None else "NEW" if one.version == 1 else "AMEND"
    quantity = next(other.quantity for other in deal.trades if other.trade_id == one.trade_id and other.quantity is not None)
    return trade(
        one.trade_id, DAYS[one.traded], one.quantity or quantity or 0, "100", version=one.version, event_type=kind,
        instrument_id=deal.name, currency_code=deal.currency,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.usefixtures("fresh_database")
def test_random_open_repos_pay_every_night_by_what_is_known_of_it(request: pytest.FixtureRequest) -> None:
    seed = request.config.getoption("--firm-seed") or 1 + secrets.randbelow(2**31)
    print(f"random open repos: --firm-seed={seed}")
    chance = random.Random(seed)
    deals = [draw_deal(chance, f"D{number:02}") for number in range(DEALS)]
    firm = SmallFirm(
        base="EUR",
        instruments=[
            {"instrument_id": one.name, "product_line": "repo_open", "market_mic": "XXXX", "currency_code": one.currency,
             "coupon_rate": "3.6", "day_count": "ACT/360", "issue_date": DAYS[0]}
            for one in deals
        ],
    )  # fmt: skip
    found: dict[tuple[int, str], Figures] = {}
    for day, business_date in enumerate(DAYS):
        messages = [message(deal, one) for deal in deals for one in deal.trades if one.known == day]
        terms = terms_told(deals, day)
        firm.make_known(business_date)
        firm.deliver(business_date, "fx_rates", [
            {"currency_code": name, "base_currency_code": "EUR", "rate_date": business_date, "rate": f"{chance.uniform(*rates):.6f}"}
            for name, rates in (("USD", (0.8, 1.0)), ("JPY", (0.005, 0.007)))
        ])  # fmt: skip
        firm.deliver(business_date, "trades", messages[::2], "_early")
        firm.deliver(business_date, "open_deal_terms", terms[::2], "_early")
        run_day_until(build_back_office, business_date)
        firm.deliver(business_date, "trades", messages[1::2])
        firm.deliver(business_date, "open_deal_terms", terms[1::2], "_later")
        firm.day(business_date)
        assert rows("select field, value, reason from operations.exceptions") == []
        positions: dict[str, tuple[Decimal, Decimal]] = defaultdict(lambda: (Decimal(0), Decimal(0)))
        positions |= {
            name: (quantity, accrued)
            for name, quantity, accrued in rows(
                "select instrument_id, traded_quantity, accrued_interest_amount from marts.fct_positions where business_date = :day",
                day=business_date,
            )
        }
        cash: dict[str, Decimal] = defaultdict(Decimal)
        cash |= rows("select instrument_id, sum(amount) from ledger.journal_lines where gl_account = 'cash' group by instrument_id")
        found |= {(day, one.name): Figures(*positions[one.name], cash[one.name]) for one in deals}
    expected = {(day, one.name): figures_known_at(one, day) for day in range(len(DAYS)) for one in deals}
    assert len({one.quantity for one in expected.values()}) > DEALS
    differences = {key: (found[key], figures) for key, figures in expected.items() if found[key] != figures}
    assert not differences, f"{len(differences)} of {len(expected)}: {list(differences.items())[:6]}"
    results = dict(rows("select instrument_id, sum(total_amount) from marts.fct_profit_and_loss group by instrument_id"))
    worth = {one.name: sum(expected[len(DAYS) - 1, one.name]) for one in deals}
    assert {name: results.get(name, 0) for name in worth} == worth
    assert_books_tie()
    assert_rebuilt_the_same()
