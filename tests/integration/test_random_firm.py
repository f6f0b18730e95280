"""A random firm through the close, against books kept in Decimal and against itself.

1,000 random histories in five days, of shares, bonds, a future, options on shares and on it, currency pairs and forwards: late, amended,
moved and cancelled trades, fees, own rates, three currencies, missing and corrected prices and curves, dividends, coupons, variation
margin, expiry. Splits, scrip dividends, spin-offs, mergers, rights, calls and redemptions are told in time or late, amended and
withdrawn; options and rights are exercised and assigned: all, a part, or a number of them.
All of it must agree with the oracle to the cent; and some books tell the history of another in other words:
delivered in another order and twice, on other days, cut in halves, with trades that are taken back. What a closed date is known as in the
end is the same for them, too. The days of firms of odd seeds are run twice, first with half of what they bring: what a run derived and
posted is made good by the next.

Every run draws a new firm and prints its seed; a firm that failed is drawn again until it passes. One firm again:
`./posttrade test tests/integration/test_random_firm.py --firm-seed=7`; one more firm: `-m year`.
"""

import secrets
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from decimal_firm import DayOfFirm, keep_books
from decimal_history import Happening, Key
from decimal_terms import Terms
from environment_of_tests import new_database
from integration.conftest import run_day_until
from integration.small_firm import SmallFirm, assert_books_tie, rows, trade, value
from random_firm import (
    CURRENCIES,
    DAYS,
    ELECTED,
    FRI,
    HISTORIES,
    LINKED,
    METHODS,
    TERMS,
    TURNS_INTO,
    TWINS,
    WITHOUT_PRICE,
    RandomFirm,
    books_of,
    keys_of,
    make_firm,
)  # fmt: skip

from posttrade.offices.derivations import build_back_office

pytestmark = pytest.mark.slow
MORE_FIRMS = 1
FAILED = "posttrade/failed_firms"
"""In pytest's cache: the seeds of firms that did not pass."""
BOTH = ("opening_value", "closing_value", "net_cash_in", "price", "accrual", "income", "fees", "new_trades", "amended_trades",
        "cancelled_trades", "late_trades", "corporate_actions", "total", "realised")  # fmt: skip
ONLY_BASE = ("fx_translation", "fx_transaction", "realised_price", "realised_fx")
RESULT_COLUMNS = (
    *(f"{name}_amount" for name in BOTH), *(f"{name}_amount_base" for name in BOTH), *(f"{name}_amount_base" for name in ONLY_BASE),
)  # fmt: skip
NAMES_OF_THE_ORACLE = {"net_cash_in": "paid", "new_trades": "new", "amended_trades": "amended", "cancelled_trades": "cancelled",
                       "late_trades": "late"}  # fmt: skip
POSITION_COLUMNS = (
    "traded_quantity", "cost_amount", "cost_amount_base", "market_value_amount", "market_value_amount_base",
    "accrued_interest_amount", "accrued_interest_amount_base", "unrealised_amount", "unrealised_amount_base",
)  # fmt: skip

EVENTS = {
    "SPLIT", "REVERSE_SPLIT", "STOCK_DIVIDEND", "SPIN_OFF", "MERGER", "RIGHTS_ISSUE", "RIGHTS_EXERCISE", "RIGHTS_LAPSE", "CALL",
    "PARTIAL_REDEMPTION", "OPTION_EXERCISE", "CASH_EXERCISE", "EXPIRY", "MATURITY",
}  # fmt: skip
"""Each kind has done something to some holding."""

# What is listed in the file of instruments beside the terms the oracle knows.
LISTED: dict[str, dict[str, object]] = {
    "OPT": {
        "product_line": "option", "market_mic": "CMES", "contract_size": TERMS["OPT"].size, "expiry_date": TERMS["OPT"].expiry,
        "option_type": "CALL", "strike_price": TERMS["OPT"].strike, "underlying_instrument_id": "BBB",
    },
    "PUT": {
        "product_line": "option", "market_mic": "CMES", "contract_size": TERMS["PUT"].size, "expiry_date": TERMS["PUT"].expiry,
        "option_type": "PUT", "strike_price": TERMS["PUT"].strike, "underlying_instrument_id": "AAA",
    },
    "FUT": {
        "product_line": "future", "market_mic": "CMES", "contract_size": TERMS["FUT"].size, "expiry_date": TERMS["FUT"].expiry,
    },
    "FOP": {
        "product_line": "option", "market_mic": "CMES", "contract_size": TERMS["FOP"].size, "expiry_date": TERMS["FOP"].expiry,
        "option_type": "CALL", "strike_price": TERMS["FOP"].strike, "underlying_instrument_id": "FUT",
    },
    **{
        pair: {"product_line": "fx_spot", "market_mic": "XOFF", "notional_currency_code": TERMS[pair].exchanged}
        for pair in ("EURUSD", "USDEUR", "USDJPY")
    },
    **{
        name: {
            "product_line": "fx_forward", "market_mic": "XOFF", "notional_currency_code": TERMS[name].forward,
            "maturity_date": TERMS[name].value_date,
        }
        for name in ("FWD", "FWJ")
    },
    "BNU": {
        "product_line": "bond_fixed", "coupon_rate": "5.25", "coupon_frequency": 2, "day_count": "ACT/ACT ICMA",
        "issue_date": "2024-01-09", "maturity_date": "2030-01-09",
    },
    "BNE": {
        "product_line": "bond_fixed", "coupon_rate": "3.6", "coupon_frequency": 1, "day_count": "30/360", "issue_date": "2020-07-07",
        "maturity_date": "2030-07-07",
    },
}  # fmt: skip

Figures = dict[date, dict[Key, dict[str, Decimal]]]
"""By date and book, account and instrument: what a mart says, by column."""


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> Iterator[int]:
    """The firm that `--firm-seed` names, or so many after it; else one that failed before, else a new one; kept as failed until its test
    has passed."""
    cache = request.config.cache
    assert cache is not None
    failed = cache.get(FAILED, [])
    named, number = request.config.getoption("--firm-seed"), request.node.callspec.params["number"]
    drawn = named + number if named else failed[0] if failed and not number else 1 + secrets.randbelow(2**31)
    print(f"random firm: --firm-seed={drawn}")
    cache.set(FAILED, [drawn, *(one for one in failed if one != drawn)])
    yield drawn
    if getattr(request.node, "has_passed", False):
        cache.set(FAILED, [one for one in cache.get(FAILED, []) if one != drawn])


@pytest.mark.parametrize("number", [0, *(pytest.param(one, marks=pytest.mark.year) for one in range(1, 1 + MORE_FIRMS))])
def test_a_random_firm(number: int, seed: int, database_server: str, tmp_path_factory: pytest.TempPathFactory) -> None:  # noqa: ARG001
    firm = make_firm(seed)
    books = keep_books(firm.history)
    with new_database(database_server, tmp_path_factory.mktemp("firm")):
        close_days(firm, in_two_runs=seed % 2 == 1)
        positions = figures("fct_positions", POSITION_COLUMNS)
        results = figures("fct_profit_and_loss", RESULT_COLUMNS)
        assert {one for (one,) in rows("select distinct event_type from marts.fct_corporate_actions")} == EVENTS
        assert_agrees(books, positions, results)
        assert_lots_agree(books)
        assert_every_window_is_explained(positions, results)
        assert_twins_are_equal(firm, positions, results)
        assert_closed_dates_of_twins_are_known_alike(firm)
        assert_cancelled_trades_leave_their_history(firm)
        assert_methods_agree_once_flat(firm, positions, results)
        assert_journal_balances()
        assert_books_tie()


def close_days(firm: RandomFirm, in_two_runs: bool) -> None:
    """Every day by one run; or by two, the first of which knows every other row of each file."""
    history = firm.history
    assert len(keys_of(one for one in history.trades if one.version == 1 and "-" not in one.book and one.book[0] == "B")) >= HISTORIES
    small = SmallFirm(
        base=history.base,
        instruments=[{"instrument_id": name, "currency_code": currency} | LISTED.get(name, {}) for name, currency in CURRENCIES.items()],
        books=books_of(firm),
        accounts=sorted(history.methods),
    )
    methods = [
        {"account_id": account, "valid_from": max(since, date(2000, 1, 1)), "lot_method": method}
        for account, stated in history.methods.items() for since, method in stated
    ]  # fmt: skip
    withheld = [
        {"account_id": account, "issuer_country_code": "US", "income_type": "DIVIDEND", "rate": history.withheld}
        for account in history.methods
    ]
    for day in DAYS:
        files = files_of(firm, day)
        if day == DAYS[0]:
            small.make_known(day)
            files |= {"lot_methods": methods, "withholding_rates": withheld}
        if in_two_runs:
            for kind, told in files.items():
                small.deliver(day, kind, told[::2], "_early")
            run_day_until(build_back_office, day)
        for kind, told in files.items():
            small.deliver(day, kind, told[1::2] if in_two_runs else told)
        small.day(day)
    assert rows("select field, value, reason from operations.exceptions") == []


def files_of(firm: RandomFirm, day: date) -> dict[str, list[dict[str, object]]]:
    """By kind, the rows of the files of a day."""
    history = firm.history
    curves = [one for one in history.curves if one.known == day]
    events = [announcement(one) for one in history.happenings if one.known == day]
    amounts = {one.event_id: one.amount for one in history.dividends if one.amount}
    events += [
        {"event_id": one.event_id, "instrument_id": one.instrument, "event_type": "CASH_DIVIDEND",
         "event_status": "ANNOUNCED" if one.amount else "WITHDRAWN", "ex_date": one.ex, "pay_date": "2026-02-02",
         "currency_code": CURRENCIES[one.instrument], "amount_per_unit": one.amount or amounts[one.event_id]}
        for one in history.dividends if one.known == day
    ]  # fmt: skip
    return {
        "prices": [
            {"instrument_id": one.name, "price_date": one.of, "price": one.value, "currency_code": CURRENCIES[one.name]}
            for one in history.prices if one.known == day
        ],
        "fx_rates": [
            {"currency_code": one.name, "base_currency_code": history.base, "rate_date": one.of, "rate": f"{one.value:f}"}
            for one in history.rates if one.known == day
        ],
        "forward_rates": [
            {"notional_currency_code": one.name[:3], "currency_code": one.name[4:], "rate_date": one.of, "value_date": one.value_date,
             "rate": one.value}
            for one in curves if "/" in one.name
        ],
        "discount_factors": [
            {"currency_code": one.name, "factor_date": one.of, "value_date": one.value_date, "factor": one.value}
            for one in curves if "/" not in one.name
        ],
        "corporate_actions": events,
        "trades": [
            trade(
                one.trade_id, one.trade_date, one.quantity, f"{one.price:f}", version=one.version, event_type=one.kind,
                executed_at=one.executed_at.isoformat(), book_id=one.book, account_id=one.account, instrument_id=one.instrument,
                currency_code=CURRENCIES[one.instrument], fee_amount=f"{one.fee:f}",
                fx_rate="" if one.rate is None else f"{one.rate:f}", source_sequence="" if one.sequence is None else one.sequence,
                closes_trade_id=one.closes or "",
            )
            for one in firm.deliveries if one.known == day
        ],
    }  # fmt: skip


def announcement(event: Happening) -> dict[str, object]:
    """A line of corporate_actions.csv."""
    told_as = event.told_as or {
        "SPLIT": "SPLIT" if event.new > event.old else "REVERSE_SPLIT", "LAPSE": "RIGHTS_LAPSE",
        "REDEMPTION": "CALL" if event.part == 1 else "PARTIAL_REDEMPTION",
    }.get(event.kind, event.kind)  # fmt: skip
    line: dict[str, object] = {
        "event_id": event.event_id, "instrument_id": event.instrument, "event_type": told_as,
        "event_status": "WITHDRAWN" if event.is_withdrawn else "ANNOUNCED", "ex_date": event.ex, "pay_date": event.paid,
        "currency_code": CURRENCIES[event.instrument], "received_instrument_id": event.received, "fraction_price": event.fraction_price,
        "account_id": event.account, "book_id": event.book, "exercised_quantity": event.number,
        "amount_per_unit": event.cash or None, "redeemed_fraction": None if event.part == 1 else event.part,
        "new_units": event.new if event.kind == "SPLIT" or event.received else None,
        "old_units": event.old if event.kind == "SPLIT" or event.received else None,
        "cost_fraction": event.cost_part if event.kind == "SPIN_OFF" or (event.received and event.cash and not event.book) else None,
    }  # fmt: skip
    return {name: "" if one is None else f"{one:f}" if isinstance(one, Decimal) else one for name, one in line.items()}


def figures(mart: str, columns: tuple[str, ...]) -> Figures:
    found: Figures = defaultdict(dict)
    for day, book, account, instrument, *values in rows(
        f"select business_date, book_id, account_id, instrument_id, {', '.join(columns)} from marts.{mart}"
    ):
        found[day][book, account, instrument] = dict(zip(columns, values, strict=True))
    return found


def assert_agrees(books: dict[date, DayOfFirm], positions: Figures, results: Figures) -> None:
    """Every figure of every key and date is the oracle's; what the one does not have is zero in the other."""
    differences: dict[tuple[str, str], list[tuple[object, ...]]] = defaultdict(list)
    for day, books_of_day in books.items():
        expected_positions = {
            key: dict(
                zip(
                    POSITION_COLUMNS,
                    (
                        one.quantity,
                        one.cost,
                        one.cost_base,
                        one.value,
                        one.value_base,
                        one.accrued,
                        one.accrued_base,
                        one.unrealised,
                        one.unrealised_base,
                    ),
                    strict=True,
                )
            )
            for key, one in books_of_day.positions.items()
        }
        expected_results = {
            key: {
                column: one.get(NAMES_OF_THE_ORACLE.get(name, name) + ("_base" if column.endswith("_base") else ""), Decimal(0))
                for column in RESULT_COLUMNS
                for name in [column.split("_amount")[0]]
            }
            for key, one in books_of_day.results.items()
        }
        for expected, found in ((expected_positions, positions[day]), (expected_results, results[day])):
            assert sum(any(one.values()) for one in expected.values()) > HISTORIES / 2
            for key in {*expected, *found}:
                for column in POSITION_COLUMNS if found is positions[day] else RESULT_COLUMNS:
                    figure, oracle = found.get(key, {}).get(column, Decimal(0)), expected.get(key, {}).get(column, Decimal(0))
                    if figure != oracle:
                        differences[key[2], column].append((str(day), *key, f"{figure} and not {oracle}"))
    assert not differences, "\n".join(f"{name} {len(found)}: {found[:4]}" for name, found in differences.items())


def assert_lots_agree(books: dict[date, DayOfFirm]) -> None:
    found: dict[tuple[date, Key], list[tuple[Any, ...]]] = defaultdict(list)
    for day, book, account, instrument, *lot in rows(
        "select business_date, book_id, account_id, instrument_id, replace(lot_id, 'CSV~', ''), opened_date, open_quantity,"
        " cost_amount, cost_amount_base from marts.fct_lots"
    ):
        found[day, (book, account, instrument)].append(tuple(lot))
    expected = {(day, key): lots for day, one in books.items() for key, lots in one.lots.items() if lots}
    assert {name: sorted(lots) for name, lots in expected.items()} == {name: sorted(lots) for name, lots in found.items()}


def assert_every_window_is_explained(positions: Figures, results: Figures) -> None:
    """The result of any days is the value at their end less the value at their start less what was paid in."""
    keys = {key for day in DAYS for key in results[day] if not key[2].startswith("CASH:")}
    for ending in ("amount", "amount_base"):
        for key in keys:
            held = [positions[day].get(key, defaultdict(Decimal)) for day in DAYS]
            worth = [Decimal(0)] + [one[f"market_value_{ending}"] + one[f"accrued_interest_{ending}"] for one in held]
            of_days = [results[day].get(key, defaultdict(Decimal)) for day in DAYS]
            for first in range(len(DAYS)):
                for last in range(first, len(DAYS)):
                    total = sum(one[f"total_{ending}"] for one in of_days[first : last + 1])
                    paid = sum(one[f"net_cash_in_{ending}"] for one in of_days[first : last + 1])
                    assert total == worth[last + 1] - worth[first] - paid, (key, ending, first, last)


def assert_twins_are_equal(firm: RandomFirm, positions: Figures, results: Figures) -> None:
    """What a book says in other words comes to the same."""
    of_book: dict[str, set[Key]] = defaultdict(set)
    for day in DAYS:
        for key in {*positions[day], *results[day]}:
            of_book[key[0]].add(key)
    held = {book: {key[2] for key in keys if not key[2].startswith("CASH:")} for book, keys in of_book.items()}
    pairs = [
        (kind, key, (twin, key[1].replace(book, twin), key[2]))
        for kind, twins in firm.twins.items() for book, twin in twins for key in of_book[book]
    ]  # fmt: skip
    assert len(pairs) > 150
    for kind, key, twin in pairs:
        for day in DAYS:
            formerly, now = results[day].get(key, defaultdict(Decimal)), results[day].get(twin, defaultdict(Decimal))
            place, place_now = positions[day].get(key, defaultdict(Decimal)), positions[day].get(twin, defaultdict(Decimal))
            if kind == "PERMUTED":
                for column in RESULT_COLUMNS:
                    assert abs(formerly[column] - now[column]) <= cents_shared(firm, key, column, held[key[0]]), (day, key, column)
                assert dict(place) == dict(place_now) or not any({*place.values(), *place_now.values()}), (day, key)
            elif kind == "SPLIT":
                assert place["traded_quantity"] == place_now["traded_quantity"], (day, key)
                # A result can be realised earlier or later by a cent, so cost can differ by one; and what has no price stands at cost.
                if day <= WITHOUT_PRICE.get(key[2], date.min):
                    continue
                for column in RESULT_COLUMNS:
                    is_equal = abs(formerly[column] - now[column]) <= cents_shared(firm, key, column, held[key[0]])
                    assert column.startswith("realised") or is_equal, (day, key, column)
        if kind == "SPLIT":
            for column in ("total_amount", "total_amount_base"):
                difference = abs(to_date(results, key, column) - to_date(results, twin, column))
                assert difference <= cents_shared(firm, key, column, held[key[0]]), (key, column)
        if kind in ("LATER", "CANCELLED"):
            last, last_now = positions[FRI].get(key, defaultdict(Decimal)), positions[FRI].get(twin, defaultdict(Decimal))
            for column in ("traded_quantity", "cost_amount", "market_value_amount", "market_value_amount_base"):
                assert last[column] == last_now[column], (kind, key, column)
            for column in ("total_amount", "realised_amount"):
                difference = abs(to_date(results, key, column) - to_date(results, twin, column))
                assert difference <= cents_shared(firm, key, column, held[key[0]]), (kind, key, column)
    # In base currency what was booked on another day has another rate in its security, and in the claim the other way round.
    books = [(kind, book, twin) for kind, twins in firm.twins.items() for book, twin in twins]
    for kind, book, twin in books:
        total, total_of_twin = (
            sum(to_date(results, key, "total_amount_base") for key in of_book[one]) for one in (book, twin)
        )  # fmt: skip
        assert abs(total - total_of_twin) <= cents_shared(firm, (book, "", "CASH:"), "total_amount_base", held[book]), (kind, book)
    assert any(sum(to_date(results, key, "total_amount_base") for key in of_book[book]) for _, book, _ in books)


def assert_closed_dates_of_twins_are_known_alike(firm: RandomFirm) -> None:
    """What a closed date is known as now does not depend on when its trades were told, nor on trades that were told and taken back: what it
    reported and all that was learned of it since come to the same.

    Of a future in a foreign currency, the gain is turned into base on the day it is booked on and is a claim from then on: booked on
    another day it has another rate, and the claim the other way round. So it is looked at with the claims of its currency, where the margin
    of each day is rounded for each trade or exercise that changed it.
    """
    versions: dict[str, int] = defaultdict(int)
    for one in firm.history.trades:
        # and what is exercised into one
        versions[one.book] += any(TERMS.get(name, Terms()).is_paid_daily for name in (one.instrument, TURNS_INTO.get(one.instrument, "")))
    differences: list[tuple[object, ...]] = []
    compared = learned = 0
    for day in DAYS:
        known: dict[Key, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 4)
        held: dict[str, set[str]] = defaultdict(set)
        for book, account, instrument, *amounts in rows("select * from marts.figures_as_known_at(:day, now())", day=day):
            if not instrument.startswith("CASH:"):
                held[book].add(instrument)
            if TERMS.get(instrument, Terms()).is_paid_daily:
                known[book, "", f"CASH:{CURRENCIES[instrument]}"][3] += amounts.pop()
                amounts.append(Decimal(0))
            known[book, account, instrument] = [now + one for now, one in zip(known[book, account, instrument], amounts, strict=True)]
        restated = set(rows("select book_id, account_id, instrument_id from marts.rpt_what_changed where figure_date = :day", day=day))
        pairs = {
            ((book, account.replace(one, book), instrument), (twin, account.replace(one, twin), instrument))
            for kind in ("PERMUTED", "LATER", "CANCELLED")
            for book, twin in firm.twins[kind]
            for one, account, instrument in list(known)
            if one in (book, twin)
        }
        for key, twin in pairs:
            quantity, *worth, total = (one - other for one, other in zip(known[key], known[twin], strict=True))
            is_alike = not quantity
            # What has no price stands at what it was booked at, of which the report of a date has its own part.
            if day >= WITHOUT_PRICE.get(key[2], date.min):
                cents = cents_shared(firm, key, "total_amount_base", held[key[0]] | held[twin[0]])
                if key[2].startswith("CASH:"):
                    cents += len(DAYS) * (versions[key[0]] + versions[twin[0]]) * Decimal("0.01")
                is_alike &= not any(worth) and abs(total) <= cents
            if not is_alike:
                differences.append((str(day), key, twin[0], known[key], known[twin]))
            compared += 1
            learned += twin in restated
    assert not differences, f"{len(differences)} of {compared}: {differences[:6]}"
    assert compared > learned > TWINS


def cents_shared(firm: RandomFirm, key: Key, column: str, held: set[str]) -> Decimal:
    """By how much two books that hold the same may differ, as the books of an account share the cents of what it is paid: of each income
    event that they have, what is paid and what is kept back, and what of it was taken back, may each be a minor unit more or less."""
    is_claim = key[2].startswith("CASH:")
    instruments = held if is_claim else {key[2]}
    if not is_claim and not column.startswith(("income", "accrual", "total", "net_cash_in")):
        return Decimal(0)
    paid = {one.event_id for one in firm.history.dividends if one.instrument in instruments}
    paid |= {one.event_id for one in firm.history.happenings if one.instrument in instruments and TERMS.get(one.instrument, Terms()).bond}
    minor = max((Decimal(1).scaleb(-firm.history.minor_units[CURRENCIES[name]]) for name in instruments), default=Decimal(0))
    return 4 * len(paid) * (Decimal("0.02") if column.endswith("_base") else minor)


def to_date(results: Figures, key: Key, column: str) -> Decimal:
    return sum((results[day][key][column] for day in DAYS if key in results[day]), Decimal(0))


def assert_cancelled_trades_leave_their_history(firm: RandomFirm) -> None:
    """No total has them (the twins say so); the record has all of them."""
    trades = "select 'CSV~' || trade_id as trade_id from unnest(cast(:names as text[])) as trade_id"
    (versions, cancelled, booked, taken_back) = rows(
        f"""with given as ({trades})
        select (select count(*) from books.trade_versions inner join given using (trade_id)),
            (select count(distinct trade_id) from marts.fct_trades inner join given using (trade_id) where trade_status = 'CANCELLED'),
            (select count(*) from intermediate.int_trades__movements inner join given using (trade_id) where movement_sign = 1),
            (select count(*) from intermediate.int_trades__movements inner join given using (trade_id) where movement_sign = -1)""",
        names=firm.cancelled,
    )[0]
    assert (versions, cancelled) == (2 * len(firm.cancelled), len(firm.cancelled))
    came = {(one.trade_id, one.version): one.known for one in firm.history.trades if one.trade_id in set(firm.cancelled)}
    overnight = sum(came[name, 1] < came[name, 2] for name in firm.cancelled)
    assert (booked, taken_back) == (overnight, overnight)
    assert 0 < overnight < len(firm.cancelled)


def assert_methods_agree_once_flat(firm: RandomFirm, positions: Figures, results: Figures) -> None:
    """Whichever lots were closed first: once all are, the result is the same, and all of it is realised or income; of instruments that
    turned into one another, that of all together, for the choice of lots is a choice of the cost that went. What is kept back of income is
    left out: it depends on what else the account holds."""
    withheld = {
        tuple(key): amounts
        for *key, amount, amount_base in rows(
            "select book_id, account_id, instrument_id, sum(withholding_amount), sum(withholding_amount_base) from marts.fct_income"
            " group by 1, 2, 3"
        )
        for amounts in [(amount, amount_base)]
    }
    compared = 0
    alone = [{one} for one in CURRENCIES if not TERMS.get(one, Terms()).exchanged and one not in {ELECTED}.union(*LINKED)]
    for book in firm.flat_books:
        for instruments in (*alone, *LINKED):
            ends: list[tuple[Decimal, Decimal]] = []
            for account in METHODS:
                together, together_base = Decimal(0), Decimal(0)
                for instrument in instruments:
                    key = (book, f"{account}-{book}", instrument)
                    assert positions[FRI].get(key, defaultdict(Decimal))["traded_quantity"] == 0
                    for ending in ("amount", "amount_base"):
                        total, realised, income, accrual = (
                            to_date(results, key, f"{name}_{ending}") for name in ("total", "realised", "income", "accrual")
                        )
                        # No lot holds the currency's result on accrued interest; and what is paid every day is turned into base currency
                        # every day, what is realised when it is.
                        terms = TERMS.get(instrument, Terms())
                        if terms.forward:
                            # each trade rounds what it brings, and lots what all of them do
                            few = 20 * Decimal(1).scaleb(-firm.history.minor_units[CURRENCIES[instrument]])
                            assert ending == "amount_base" or abs(total - realised) <= few, (key, total, realised)
                        elif ending == "amount" or not (terms.is_paid_daily or terms.bond):
                            assert total == realised + income + accrual, (key, ending)
                    kept, kept_base = withheld.get(key, (Decimal(0), Decimal(0)))
                    together += to_date(results, key, "total_amount") + kept
                    together_base += to_date(results, key, "total_amount_base") + kept_base
                has_one_currency = len({CURRENCIES[one] for one in instruments}) == 1
                ends.append((together if has_one_currency else Decimal(0), together_base))
            for place, column in enumerate(("total_amount", "total_amount_base")):
                found = [one[place] for one in ends]
                assert max(found) - min(found) <= sum(
                    cents_shared(firm, (book, "", name), column, instruments) for name in instruments
                ), (book, instruments, ends)  # fmt: skip
            compared += set(ends) != {(Decimal(0), Decimal(0))}
    assert compared > len(firm.flat_books)


def assert_journal_balances() -> None:
    lines = "from ledger.journal_lines group by entry_id"
    assert value(f"select count(*) from (select 1 {lines}) as entries") > 0
    assert value(f"select count(*) from (select 1 {lines}, currency_code having sum(amount) <> 0) as unbalanced") == 0
    assert value(f"select count(*) from (select 1 {lines} having sum(amount_base) <> 0) as unbalanced") == 0
