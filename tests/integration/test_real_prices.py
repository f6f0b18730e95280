"""Real daily prices through the close: quantity, cost and result against the adjusted close, day by day.

Prices: AAPL, GOOG, IBM and MSFT 2000-2013 as shipped by the package bokeh-sampledata; the file's adjusted close carries each day's return
with dividends and splits. Ex dates and amounts are what the adjusted close implies, and as published: Microsoft 3.00 USD special and 0.08
USD regular ex 2004-11-15 (Form 10-Q for the quarter ended 2004-12-31), 0.08 USD a quarter after it; IBM 0.18 USD, from May 2005 on 0.20
USD a quarter (IBM's dividend history); Apple two for one on 2005-02-28.

The suite closes the 17 days that hold a split and two dividends. All 250 days:
`./posttrade test -m year tests/integration/test_real_prices.py`.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from integration.conftest import close_day, close_day_by_dbt
from sqlalchemy import text

from posttrade.domain.calendars import sessions_between
from posttrade.records.database import Role, engine
from posttrade.records.fingerprint import fingerprint
from posttrade.settings import get_settings

pytestmark = pytest.mark.slow
stocks = pytest.importorskip("bokeh_sampledata.stocks")

MARKETS = {"AAPL": "XNAS", "GOOG": "XNAS", "IBM": "XNYS", "MSFT": "XNAS"}
UNITS = 1000
# Stock, ex date, pay date, USD a share.
DIVIDENDS = [
    ("IBM", date(2004, 11, 8), date(2004, 12, 10), "0.18"),
    ("MSFT", date(2004, 11, 15), date(2004, 12, 2), "3.08"),
    ("IBM", date(2005, 2, 8), date(2005, 3, 10), "0.18"),
    ("MSFT", date(2005, 2, 15), date(2005, 3, 10), "0.08"),
    ("IBM", date(2005, 5, 6), date(2005, 6, 10), "0.20"),
    ("MSFT", date(2005, 5, 16), date(2005, 6, 9), "0.08"),
    ("IBM", date(2005, 8, 8), date(2005, 9, 10), "0.20"),
    ("MSFT", date(2005, 8, 15), date(2005, 9, 8), "0.08"),
]
SPLIT = ("AAPL", date(2005, 2, 28), 2)
# The file states its adjusted closes to twelve decimals.
STATED_TO = Decimal("1e-10")

REFERENCE = {
    "firms": "firm_id,name,lei,base_currency_code,home_calendar\nEXAMPLE,Example Firm,,USD,XNYS\n",
    "desks": "desk_id,name\nUS,US equities\n",
    # a book per stock
    "books": "book_id,name,desk_id,loss_limit_amount,position_limit_amount\n"
    + "".join(f"{name},{name} alone,US,100000000,100000000\n" for name in MARKETS),
    "counterparties": (
        "counterparty_id,name,lei,bic,role\nBRK,Example Broker,,EXBKUS33,BROKER\nCUS,Example Custodian,,EXCUUS33,CUSTODIAN\n"
    ),
    "accounts": "account_id,name,client_id,custodian_id\nA,Own account,,CUS\n",
    "cash_accounts": "cash_account_id,bank_id,currency_code,iban\nC,CUS,USD,DE89370400440532013000\n",
    "standing_instructions": (
        "account_id,currency_code,place_of_settlement_bic,custody_account_number,cash_account_id\nA,USD,EXCUUS33,123,C\n"
    ),
    "instruments": (
        "instrument_id,isin,name,product_line,currency_code,market_mic,issuer_country_code,coupon_rate,coupon_frequency,day_count,"
        "issue_date,first_coupon_date,maturity_date\n"
        + "".join(f"{name},,{name},equity,USD,{market},US,,,,,,\n" for name, market in MARKETS.items())
    ),
}


def history(name: str, field: str) -> dict[date, Decimal]:
    data = getattr(stocks, name)
    return {date.fromisoformat(day): Decimal(str(value)) for day, value in zip(data["date"], data[field], strict=True)}


def units_held(name: str, day: date) -> int:
    return UNITS * (SPLIT[2] if name == SPLIT[0] and day >= SPLIT[1] else 1)


def corporate_actions(first: date, last: date) -> str:
    lines = [
        f"{name}-{ex},{name},CASH_DIVIDEND,ANNOUNCED,{ex},,{pay},{amount},USD,,"
        for name, ex, pay, amount in DIVIDENDS
        if first < ex <= last and amount != "3.08"
    ]
    if first < date(2004, 11, 15) <= last:
        for kind, amount in (("SPECIAL_DIVIDEND", "3.00"), ("CASH_DIVIDEND", "0.08")):
            lines.append(f"MSFT-{kind},MSFT,{kind},ANNOUNCED,2004-11-15,2004-11-17,2004-12-02,{amount},USD,,")
    name, ex, ratio = SPLIT
    if first < ex <= last:
        lines.append(f"{name}-{ex},{name},SPLIT,ANNOUNCED,{ex},,{ex},,USD,{ratio},1")
    header = "event_id,instrument_id,event_type,event_status,ex_date,record_date,pay_date,amount_per_unit,currency_code,new_units,old_units"
    return "\n".join([header, *lines]) + "\n"


def write_inbox(inbox: Path, days: list[date]) -> None:
    closes = {name: history(name, "close") for name in MARKETS}
    for day in days:
        folder = inbox / day.isoformat()
        folder.mkdir(parents=True)
        lines = [f"{name},{day},{closes[name][day]},USD" for name in MARKETS]
        (folder / "prices.csv").write_text(
            "\n".join(["instrument_id,price_date,price,currency_code", *lines, f"#control,rows,{len(lines)}\n"])
        )
    for kind, content in (REFERENCE | {"corporate_actions": corporate_actions(days[0], days[-1])}).items():
        (inbox / days[0].isoformat() / f"{kind}.csv").write_text(content)
    trades = [
        f"{name},1,NEW,,{days[0]},{days[0]}T15:59:00-05:00,,,{name},A,,BRK,{name},BUY,{UNITS},{closes[name][days[0]]},USD,0"
        for name in MARKETS
    ]
    header = (
        "trade_id,version,event_type,execution_id,trade_date,executed_at,source_sequence,settlement_date,book_id,account_id,trader_id,"
        "counterparty_id,instrument_id,side,quantity,price,currency_code,fee_amount"
    )
    control = f"#control,rows,{len(trades)},quantity,{UNITS * len(trades)}\n"
    (inbox / days[0].isoformat() / "trades.csv").write_text("\n".join([header, *trades, control]))


def test_the_file_implies_the_published_dividends_and_the_split() -> None:
    days = sessions_between("XNYS", date(2004, 11, 1), date(2005, 10, 31))
    implied = []
    for name in MARKETS:
        closes, adjusted = history(name, "close"), history(name, "adj_close")
        for before, day in pairwise(days):
            ratio = SPLIT[2] if (name, day) == SPLIT[:2] else 1
            amount = closes[before] * adjusted[day] / adjusted[before] - closes[day] * ratio
            if abs(amount) > Decimal("1e-6"):
                implied.append((name, day, amount.quantize(Decimal("0.000001"))))
    assert sorted(implied) == sorted((name, ex, Decimal(amount)) for name, ex, _, amount in DIVIDENDS)


def close_days(days: Sequence[date]) -> None:
    """By what dbt ran for another day; then once more by dbt itself where something happens: nothing changes."""
    for day in days:
        close_day(day)
    closed = fingerprint(engine(Role.AUDITOR))
    for day in (SPLIT[1], DIVIDENDS[2][1], days[-1]):
        if days[0] < day <= days[-1]:
            close_day_by_dbt(day)
    assert fingerprint(engine(Role.AUDITOR)) == closed


@pytest.mark.usefixtures("fresh_database")
@pytest.mark.parametrize(
    ("first", "count"),
    [
        pytest.param(date(2005, 2, 4), 17, id="a split and two dividends"),
        pytest.param(date(2004, 11, 1), 250, id="250 days", marks=[pytest.mark.year, pytest.mark.timeout(7200)]),
    ],
)
def test_the_result_with_income_is_the_return_of_the_adjusted_close(first: date, count: int) -> None:
    days = sessions_between("XNYS", first, date(2005, 12, 30))[:count]
    last = days[-1]
    write_inbox(get_settings().inbox, list(days))
    close_days(days)
    with engine(Role.AUDITOR).connect() as connection:
        results = {
            (row.instrument_id, row.business_date): row
            for row in connection.execute(text("select * from marts.fct_profit_and_loss where product_line = 'equity'"))
        }
        positions = {(row.instrument_id, row.business_date): row for row in connection.execute(text("select * from marts.fct_positions"))}
        returns = {(row.book_id, row.business_date): row for row in connection.execute(text("select * from marts.rpt_book_returns"))}
        bridge = connection.scalar(text("select count(*) from marts.rpt_profit_bridge where difference_amount <> 0"))
        cash = connection.scalar(
            text("select sum(settled_amount) from marts.fct_cash_balances where business_date = :last"), {"last": last}
        )
    assert len(returns) == len(positions) == len(MARKETS) * count
    for name in MARKETS:
        closes, adjusted = history(name, "close"), history(name, "adj_close")
        for before, day in pairwise(days):
            opening = units_held(name, before) * closes[before]
            implied = opening * (adjusted[day] / adjusted[before] - 1)
            # Closes are stated to the cent, so each result is a number of cents; the adjusted close says which.
            assert abs(results[name, day].total_amount_base - implied) < Decimal("0.001"), (name, day)
            assert (positions[name, day].traded_quantity, positions[name, day].cost_amount) == (
                units_held(name, day),
                UNITS * closes[first],
            )
            assert positions[name, day].market_value_amount == units_held(name, day) * closes[day]
        # Of all days: the change of value and the dividends.
        received = sum(UNITS * Decimal(amount) for stock, ex, _, amount in DIVIDENDS if stock == name and first < ex <= last)
        gained = units_held(name, last) * closes[last] - UNITS * closes[first] + received
        assert sum(results[name, day].total_amount for day in days) == gained
        assert sum(results[name, day].income_amount for day in days) == received
        assert sum(results[name, day].realised_amount for day in days) == 0
    assert bridge == 0
    # A book of one stock returns what the adjusted close does: each day, and linked since the purchase at the first close.
    for name in MARKETS:
        closes, adjusted = history(name, "close"), history(name, "adj_close")
        assert returns[name, first].return_ratio == 0
        for before, day in pairwise(days):
            assert abs(returns[name, day].return_ratio - (adjusted[day] / adjusted[before] - 1)) < STATED_TO, (name, day)
            assert abs(returns[name, day].unit_price / 100 - adjusted[day] / adjusted[first]) < STATED_TO, (name, day)
            month, year = (
                next((one for one in reversed(days) if one < day.replace(day=1)), first),
                next((one for one in reversed(days) if one < date(day.year, 1, 1)), first),
            )
            assert abs(returns[name, day].return_ratio_mtd - (adjusted[day] / adjusted[month] - 1)) < STATED_TO, (name, day)
            assert abs(returns[name, day].return_ratio_ytd - (adjusted[day] / adjusted[year] - 1)) < STATED_TO, (name, day)

        # Exactly: what the units are worth and the dividends that left, over what they were worth; linked from the purchase on.
        linked = Decimal(100)
        for before, day in pairwise(days):
            paid = sum(UNITS * Decimal(amount) for stock, ex, _, amount in DIVIDENDS if stock == name and ex == day)
            growth = (units_held(name, day) * closes[day] + paid) / (units_held(name, before) * closes[before])
            linked *= growth
            assert abs(returns[name, day].return_ratio - (growth - 1)) < Decimal("1e-12"), (name, day)
            assert abs(returns[name, day].unit_price - linked) < Decimal("1e-8"), (name, day)
    # What was paid by then is in the bank, and nothing else: no custodian answered, so nothing has settled.
    assert (cash or 0) == sum(UNITS * Decimal(amount) for _, ex, pay, amount in DIVIDENDS if first < ex <= last and pay <= last)
