"""Who and what the simulated firm deals with: books, accounts, clients, counterparties, instruments. All invented."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from posttrade.simulator.calendars import US_MARKETS
from posttrade.simulator.files import COLUMNS, write_csv
from posttrade.simulator.identifiers import iban, isin, lei

FIRM_ID = "FIRM"
BANK_ID = "BANK_NORTH"
CURRENCIES = ("EUR", "USD", "GBP")

DESKS = (
    ("EQUITIES_US", "US equities"),
    ("EQUITIES_EU", "European equities"),
    ("RATES", "Bonds"),
    ("DERIVATIVES", "Listed futures and options"),
    ("TREASURY", "Currencies and money market"),
    ("CLIENTS", "Clients"),
)
BOOKS = (
    ("EQ_US_CORE", "US equities, core", "EQUITIES_US"),
    ("EQ_US_TECH", "US equities, technology", "EQUITIES_US"),
    ("EQ_DE", "German equities", "EQUITIES_EU"),
    ("EQ_FR", "French equities", "EQUITIES_EU"),
    ("EQ_UK", "British equities", "EQUITIES_EU"),
    ("EQ_FUNDS", "Funds and exchange-traded funds", "EQUITIES_EU"),
    ("FI_EUR", "Euro government bonds", "RATES"),
    ("FI_USD", "US government bonds", "RATES"),
    ("FI_GBP", "British government bonds", "RATES"),
    ("DERIV", "Futures and options", "DERIVATIVES"),
    ("FX", "Foreign exchange", "TREASURY"),
    ("MONEY", "Deposits and repos", "TREASURY"),
    ("CL_EQUITY", "Client equity holdings", "CLIENTS"),
    ("CL_BONDS", "Client bond holdings", "CLIENTS"),
)
TRADERS = (
    ("T01", "Tilda Tickworth", "EQUITIES_US"), ("T02", "Barnaby Bidwell", "EQUITIES_US"),
    ("T03", "Odo Offerman", "EQUITIES_EU"), ("T04", "Lotte Limitz", "EQUITIES_EU"),
    ("T05", "Carla Couponi", "RATES"), ("T06", "Yannick Yieldson", "RATES"),
    ("T09", "Dorian Delta", "DERIVATIVES"), ("T10", "Petra Pipworth", "TREASURY"),
    ("T07", "Clara Careful", "CLIENTS"), ("T08", "Sam Servicio", "CLIENTS"),
)  # fmt: skip
CLIENTS = (
    ("CLIENT_1", "Example Orchard Foundation", "DE", "DEFF"),
    ("CLIENT_2", "Sample Lighthouse Pension Fund", "DE", "DEMM"),
    ("CLIENT_3", "Made-up Marmalade Family Office", "FR", "FRPP"),
    ("CLIENT_4", "Pretend Parasol Insurance", "FR", "FRPP"),
    ("CLIENT_5", "Fictional Ferry Company", "GB", "GB2L"),
    ("CLIENT_6", "Imaginary Windmill Trust", "GB", "GB2L"),
)
BROKERS = tuple(
    (f"BROKER_{number}", f"Example Broker {word}", f"XB{letters}{place}")
    for number, (word, letters, place) in enumerate(
        (
            ("Anchor", "AN", "US33"), ("Beacon", "BE", "US33"), ("Compass", "CO", "DEFF"), ("Dory", "DO", "DEFF"),
            ("Ebbtide", "EB", "FRPP"), ("Fathom", "FA", "FRPP"), ("Gangway", "GA", "GB2L"), ("Harbour", "HA", "GB2L"),
        ),
        start=1,
    )
)  # fmt: skip
CUSTODIANS = (
    ("CUSTODY_ALPHA", "Example Custody Alpha", "XCALDEFF"),
    ("CUSTODY_BETA", "Example Custody Beta", "XCBTFRPP"),
)
PLACES_OF_SETTLEMENT = {"EUR": "XSETDEFF", "USD": "XSETUS33", "GBP": "XSETGB2L"}
WITHHOLDING = (
    ("US", "DIVIDEND", "0.15"), ("DE", "DIVIDEND", "0.26375"), ("FR", "DIVIDEND", "0.25"), ("GB", "DIVIDEND", "0"),
    ("US", "COUPON", "0"), ("DE", "COUPON", "0"), ("FR", "COUPON", "0"), ("GB", "COUPON", "0.2"),
)  # fmt: skip

_TREES = (
    "Alder", "Birch", "Cedar", "Damson", "Elder", "Fir", "Gingko", "Hazel", "Ironwood", "Juniper", "Kapok", "Larch",
    "Maple", "Nutmeg", "Oak", "Palm", "Quince", "Rowan", "Spruce", "Teak", "Umbrella", "Viburnum", "Willow", "Yew",
)  # fmt: skip
_TRADES = ("Foods", "Rail", "Tools", "Energy", "Labs")
_EQUITIES = (  # market, issuer country, currency, legal form, how many, own book, own account
    ("XNYS", "US", "USD", "Inc", 35, "EQ_US_CORE", "OWN_EQ_US"),
    ("XNAS", "US", "USD", "Inc", 25, "EQ_US_TECH", "OWN_EQ_US"),
    ("XETR", "DE", "EUR", "AG", 25, "EQ_DE", "OWN_EQ_EU"),
    ("XPAR", "FR", "EUR", "SA", 15, "EQ_FR", "OWN_EQ_EU"),
    ("XLON", "GB", "GBP", "plc", 20, "EQ_UK", "OWN_EQ_UK"),
)
_BONDS = (  # market, country, currency, coupons a year, how many, how many pay in the window, own book, own account
    ("XETR", "DE", "EUR", 1, 14, 4, "FI_EUR", "OWN_FI_EUR"),
    ("XPAR", "FR", "EUR", 1, 8, 2, "FI_EUR", "OWN_FI_EUR"),
    ("XNYS", "US", "USD", 2, 10, 3, "FI_USD", "OWN_FI_USD"),
    ("XLON", "GB", "GBP", 2, 8, 2, "FI_GBP", "OWN_FI_GBP"),
)
_LATEST_REGULAR_DAY = 28
"""Coupon days up to the 28th exist in every month, so that every period is regular."""


@dataclass(frozen=True)
class Instrument:
    """An instrument's terms and where it starts.

    Args:
        first_price: thousandths of a currency unit (equity) or of a percent of nominal (bond).
        own_book_id: the book that trades it for the firm itself.
        own_account_id: the custody account of that book.
        contract_size: units in one contract; prices are for one unit.
        traded_from, traded_until: first and last trade date.
        is_sold_short: more may be sold than is held.
        ex_coupon_days: business days before the coupon date on which settlement without the coupon begins.
        terms: further columns of the instruments file.
    """

    instrument_id: str
    isin: str | None
    name: str
    product_line: str
    currency_code: str
    market_mic: str
    country_code: str
    own_book_id: str
    own_account_id: str
    first_price: int
    coupon_rate: Decimal | None = None
    coupon_frequency: int | None = None
    issue_date: date | None = None
    first_coupon_date: date | None = None
    maturity_date: date | None = None
    day_count: str | None = "ACT/ACT ICMA"
    contract_size: int = 1
    expiry_date: date | None = None
    traded_from: date = date.min
    traded_until: date = date.max
    is_sold_short: bool = False
    ex_coupon_days: int | None = None
    terms: Mapping[str, object] = field(default_factory=dict)

    @property
    def is_bond(self) -> bool:
        return self.product_line.startswith("bond_")

    @property
    def is_future(self) -> bool:
        return self.product_line == "future"

    @property
    def is_core(self) -> bool:
        """Of the lines that most trades are in: shares and fixed-rate bonds."""
        return self.product_line in ("equity", "bond_fixed")


@dataclass(frozen=True)
class Account:
    """A custody account.

    Args:
        holds: product lines the account may hold; empty for the firm's own accounts, which follow the instrument.
    """

    account_id: str
    name: str
    client_id: str | None
    custodian_id: str
    holds: tuple[str, ...] = ()


@dataclass(frozen=True)
class Holding:
    """A book's holding of one instrument in one account: what a trade adds to."""

    book_id: str
    account_id: str
    instrument_no: int


ACCOUNTS = (
    Account("OWN_EQ_US", "Own account, US equities", None, "CUSTODY_ALPHA"),
    Account("OWN_EQ_EU", "Own account, euro equities", None, "CUSTODY_ALPHA"),
    Account("OWN_EQ_UK", "Own account, British equities", None, "CUSTODY_ALPHA"),
    Account("OWN_FI_EUR", "Own account, euro bonds", None, "CUSTODY_ALPHA"),
    Account("OWN_FI_USD", "Own account, US bonds", None, "CUSTODY_ALPHA"),
    Account("OWN_FI_GBP", "Own account, British bonds", None, "CUSTODY_ALPHA"),
    Account("OWN_DERIV", "Own account, derivatives", None, "CUSTODY_ALPHA"),
    Account("OWN_TREASURY", "Own account, treasury", None, "CUSTODY_ALPHA"),
    Account("C1_EQUITY", "Orchard, equities", "CLIENT_1", "CUSTODY_ALPHA", ("equity",)),
    Account("C1_BONDS", "Orchard, bonds", "CLIENT_1", "CUSTODY_ALPHA", ("bond_fixed",)),
    Account("C2_EQUITY", "Lighthouse, equities", "CLIENT_2", "CUSTODY_BETA", ("equity",)),
    Account("C2_BONDS", "Lighthouse, bonds", "CLIENT_2", "CUSTODY_BETA", ("bond_fixed", "bond_floating")),
    Account("C3_MAIN", "Marmalade", "CLIENT_3", "CUSTODY_BETA", ("equity", "bond_fixed", "etf", "fund")),
    Account("C4_MAIN", "Parasol", "CLIENT_4", "CUSTODY_BETA", ("equity", "bond_fixed")),
    Account("C5_MAIN", "Ferry", "CLIENT_5", "CUSTODY_ALPHA", ("equity", "etf")),
    Account("C6_MAIN", "Windmill", "CLIENT_6", "CUSTODY_ALPHA", ("bond_fixed",)),
)


BLOCK_ACCOUNT = "BLOCKS"
"""Where blocks are booked until they are allocated."""
LOT_METHODS = (("C4_MAIN", "2026-01-01", "HIGHEST_COST"),)


def instruments(dates: Sequence[date], seed: int) -> tuple[Instrument, ...]:
    """The 120 equities and 40 fixed-rate bonds of the world; some bonds pay a coupon within `dates`."""
    random = np.random.default_rng([seed, 1])
    return (*_equities(random), *_bonds(random, dates))


def _equities(random: np.random.Generator) -> Iterator[Instrument]:
    number = 0
    for market, country, currency, form, count, book, account in _EQUITIES:
        for _ in range(count):
            tree, trade = _TREES[number % len(_TREES)], _TRADES[number // len(_TREES)]
            yield Instrument(
                instrument_id=f"{tree[:3].upper()}{trade[0]}.{market}",
                isin=isin(country, f"EX{number:07d}"),
                name=f"{tree} {trade} {form}",
                product_line="equity",
                currency_code=currency,
                market_mic=market,
                country_code=country,
                own_book_id=book,
                own_account_id=account,
                first_price=int(random.integers(1_500, 24_000)) * 10,
            )
            number += 1


def _bonds(random: np.random.Generator, dates: Sequence[date]) -> Iterator[Instrument]:
    number = 0
    for market, country, currency, frequency, count, count_in_window, book, account in _BONDS:
        # The earliest coupon that somebody who bought on the first day is entitled to, as the market's cycle has it.
        coupon_days = dates[2 if market in US_MARKETS else 3 :] or dates
        for place in range(count):
            if place < count_in_window:
                coupon_day = coupon_days[place % min(len(coupon_days), 3)]
            else:
                coupon_day = date(dates[0].year, int(random.integers(1, 13)), int(random.integers(1, 29)))
            coupon_day = coupon_day.replace(day=min(coupon_day.day, _LATEST_REGULAR_DAY))
            issue_date = coupon_day.replace(year=coupon_day.year - int(random.integers(2, 6)))
            years = int(random.integers(4, 12)) + len(dates) // 240
            rate = Decimal(int(random.integers(4, 39))) / 8
            yield Instrument(
                instrument_id=f"GOV{country}{place + 1:02d}.{market}",
                isin=isin(country, f"BX{number:07d}"),
                name=f"Example Treasury {country} {rate} % {coupon_day.year + years}",
                product_line="bond_fixed",
                currency_code=currency,
                market_mic=market,
                country_code=country,
                own_book_id=book,
                own_account_id=account,
                first_price=int(random.integers(94_000, 106_000)),
                coupon_rate=rate,
                coupon_frequency=frequency,
                issue_date=issue_date,
                first_coupon_date=months_later(issue_date, 12 // frequency),
                maturity_date=coupon_day.replace(year=coupon_day.year + years),
            )
            number += 1


def months_later(day: date, months: int) -> date:
    """The same day of the month, `months` later; for days up to the 28th."""
    years, month = divmod(day.month - 1 + months, 12)
    return day.replace(year=day.year + years, month=month + 1)


def holdings(universe: Sequence[Instrument], received: Sequence[tuple[str, str]] = ()) -> tuple[Holding, ...]:
    """Every (book, account, instrument) that trades: the firm's own first, then the clients'.

    An instrument lies in an account for one book only, so that a custodian's position is that book's position.

    Args:
        universe: the instruments.
        received: instruments that turn into others: whoever may hold the first may hold the second.
    """
    own = [Holding(one.own_book_id, one.own_account_id, number) for number, one in enumerate(universe)]
    clients = [
        Holding("CL_BONDS" if one.is_bond else "CL_EQUITY", account.account_id, number)
        for place, account in enumerate(ACCOUNTS)
        for number, one in enumerate(universe)
        if one.product_line in account.holds and (number + place) % 2 == 0
    ]
    held = dict.fromkeys((*own, *clients))
    numbers = {one.instrument_id: number for number, one in enumerate(universe)}
    for name, other in received:
        held.update(dict.fromkeys(replace(one, instrument_no=numbers[other]) for one in list(held) if one.instrument_no == numbers[name]))
    return tuple(held)


def cash_accounts() -> Iterator[tuple[str, str, str, str]]:
    """Cash accounts at the bank: the firm's own money and, apart from it, the clients'."""
    for owner, first_number in (("OWN", 1), ("CLIENT", 11)):
        for number, currency in enumerate(CURRENCIES, start=first_number):
            yield f"CASH_{owner}_{currency}", BANK_ID, currency, iban("DE", f"99999999{number:010d}")


def standing_instructions() -> Iterator[tuple[str, str, str, str, str]]:
    """Where securities and cash of each account move, per currency."""
    for number, account in enumerate(ACCOUNTS, start=1):
        owner = "CLIENT" if account.client_id else "OWN"
        for currency in CURRENCIES:
            place = PLACES_OF_SETTLEMENT[currency]
            yield account.account_id, currency, place, f"SAFE{number:06d}", f"CASH_{owner}_{currency}"


def withholding_rates() -> Iterator[tuple[str, str, str, str]]:
    """Tax kept back by the issuer's country, per account; a British client is not taxed on British interest."""
    for account in ACCOUNTS:
        for country, income_type, rate in WITHHOLDING:
            is_exempt = income_type == "COUPON" and account.client_id in ("CLIENT_5", "CLIENT_6")
            yield account.account_id, country, income_type, "0" if is_exempt else rate


def write_reference_data(folder: Path, universe: Sequence[Instrument], further: Iterable[Mapping[str, object]], base_currency: str) -> None:
    """Writes every reference file except books, whose limits depend on what the firm comes to hold.

    Args:
        folder: inbox folder of the first business date.
        universe: the instruments with a market.
        further: the deals without one, by column of the instruments file.
        base_currency: of the firm.
    """
    write_csv(folder, "firms", [(FIRM_ID, "Example Investment Firm", lei("EXMP00FIRM00000000"), base_currency, "XETR")])
    write_csv(folder, "desks", DESKS)
    write_csv(folder, "traders", TRADERS)
    write_csv(folder, "clients", _clients())
    write_csv(folder, "counterparties", _counterparties())
    accounts = [(a.account_id, a.name, a.client_id, a.custodian_id, None) for a in ACCOUNTS]
    write_csv(folder, "accounts", [*accounts, (BLOCK_ACCOUNT, "Blocks to be allocated", None, CUSTODIANS[0][0], "ALLOCATION")])
    write_csv(folder, "lot_methods", LOT_METHODS)
    write_csv(folder, "cash_accounts", cash_accounts())
    write_csv(folder, "standing_instructions", standing_instructions())
    write_csv(folder, "withholding_rates", withholding_rates())
    rows = [[one.get(name) for name in COLUMNS["instruments"]] for one in further]
    write_csv(folder, "instruments", [*map(_instrument_row, universe), *rows])


def _clients() -> Iterator[tuple[Any, ...]]:
    for number, (client_id, name, country, place) in enumerate(CLIENTS, start=1):
        accounts = {
            "DE": f"88888888{number:010d}",
            # The French account number ends in its own check digits, the "cle RIB".
            "FR": f"8888888888{number:011d}{97 - (89 * 88888 + 15 * 88888 + 3 * number) % 97:02d}",
            "GB": f"EXMP888888{number:08d}",
        }
        account = iban(country, accounts[country])
        yield client_id, name, lei(f"EXMP00CLIENT{number:06d}"), country, account, f"XCLB{place}"


def _counterparties() -> Iterator[tuple[Any, ...]]:
    parties = [
        *((party, name, bic, "BROKER") for party, name, bic in BROKERS),
        *((party, name, bic, "CUSTODIAN") for party, name, bic in CUSTODIANS),
        (BANK_ID, "Example Bank North", "XBNKDEFF", "BANK"),
    ]
    for number, (party, name, bic, role) in enumerate(parties, start=1):
        yield party, name, lei(f"EXMP00PARTY{number:07d}"), bic, role


def _instrument_row(one: Instrument) -> tuple[Any, ...]:
    """The cells of an instrument; `terms` has the columns that few need."""
    terms = {
        "ex_coupon_days": one.ex_coupon_days,
        "contract_size": one.contract_size if one.contract_size > 1 else None,
        "expiry_date": one.expiry_date,
    }
    return (
        one.instrument_id, one.isin, one.name, one.product_line, one.currency_code, one.market_mic, one.country_code,
        one.coupon_rate, one.coupon_frequency, one.day_count if one.is_bond and one.coupon_frequency else None,
        one.issue_date, one.first_coupon_date, one.maturity_date,
        *((terms | dict(one.terms)).get(name) for name in COLUMNS["instruments"][13:]),
    )  # fmt: skip
