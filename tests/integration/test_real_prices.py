"""Real daily prices through the close: Microsoft's special dividend of November 2004.

Prices: AAPL, GOOG, IBM and MSFT 2000-2013 as shipped by the package bokeh-sampledata. Dividends: Microsoft 3.00 USD special and
0.08 USD regular, both ex 2004-11-15, paid 2004-12-02 (Form 10-Q of Microsoft for the quarter ended 2004-12-31); IBM 0.18 USD ex
2004-11-08, paid 2004-12-10 (IBM's dividend history). The file's adjusted close carries each day's return with dividends.
"""

from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from integration.conftest import close_day
from sqlalchemy import text

from posttrade.domain.calendars import sessions_between
from posttrade.domain.performance import ExternalFlow, Valuation, accumulated_returns, period_returns
from posttrade.records.database import Role, engine
from posttrade.settings import get_settings

stocks = pytest.importorskip("bokeh_sampledata.stocks")

FIRST, LAST = date(2004, 11, 1), date(2004, 12, 3)
MARKETS = {"AAPL": "XNAS", "GOOG": "XNAS", "IBM": "XNYS", "MSFT": "XNAS"}
UNITS = 1000
DIVIDENDS = {"MSFT": [(date(2004, 11, 15), Decimal("3.08"))], "IBM": [(date(2004, 11, 8), Decimal("0.18"))]}
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
    "corporate_actions": (
        "event_id,instrument_id,event_type,event_status,ex_date,record_date,pay_date,amount_per_unit,currency_code\n"
        "MSFT-SPECIAL,MSFT,SPECIAL_DIVIDEND,ANNOUNCED,2004-11-15,2004-11-17,2004-12-02,3.00,USD\n"
        "MSFT-REGULAR,MSFT,CASH_DIVIDEND,ANNOUNCED,2004-11-15,2004-11-17,2004-12-02,0.08,USD\n"
        "IBM-REGULAR,IBM,CASH_DIVIDEND,ANNOUNCED,2004-11-08,2004-11-10,2004-12-10,0.18,USD\n"
    ),
}


def history(name: str, field: str) -> dict[date, Decimal]:
    data = getattr(stocks, name)
    return {date.fromisoformat(day): Decimal(str(value)) for day, value in zip(data["date"], data[field], strict=True)}


def write_inbox(inbox: Path, days: list[date]) -> None:
    closes = {name: history(name, "close") for name in MARKETS}
    for day in days:
        folder = inbox / day.isoformat()
        folder.mkdir(parents=True)
        lines = [f"{name},{day},{closes[name][day]},USD" for name in MARKETS]
        (folder / "prices.csv").write_text(
            "\n".join(["instrument_id,price_date,price,currency_code", *lines, f"#control,rows,{len(lines)}\n"])
        )
    for kind, content in REFERENCE.items():
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


def test_the_result_with_income_is_the_return_of_the_adjusted_close(fresh_database: str) -> None:  # noqa: ARG001
    days = sessions_between("XNYS", FIRST, LAST)
    assert len(days) >= 20
    write_inbox(get_settings().inbox, list(days))
    for day in days:
        close_day(day)

    with engine(Role.AUDITOR).connect() as connection:
        results = {
            (row.instrument_id, row.business_date): row.total_amount_base
            for row in connection.execute(text("select * from marts.fct_profit_and_loss where product_line = 'equity'"))
        }
        returns = {(row.book_id, row.business_date): row for row in connection.execute(text("select * from marts.rpt_book_returns"))}
        bridge = connection.scalar(text("select count(*) from marts.rpt_profit_bridge where difference_amount <> 0"))
        cash = connection.scalar(text("select settled_amount from marts.fct_cash_balances where business_date = :last"), {"last": LAST})
    compared = 0
    for name in MARKETS:
        closes, adjusted = history(name, "close"), history(name, "adj_close")
        for before, day in pairwise(days):
            opening = UNITS * closes[before]
            implied = opening * (adjusted[day] / adjusted[before] - 1)
            # Closes are stated to the cent; nothing smaller than a cent a share can be told from the file.
            assert abs(results[name, day] - implied) <= UNITS * Decimal("0.01"), (name, day)
            compared += 1
    assert compared == len(MARKETS) * (len(days) - 1)
    # The income itself, to the cent: 1,000 shares at 3.08.
    special = date(2004, 11, 15)
    assert results["MSFT", special] == UNITS * (Decimal("27.39") - Decimal("29.97") + Decimal("3.08"))
    assert bridge == 0
    # A book of one stock returns what the adjusted close does: each day, over the month, and since the purchase at the first close.
    for name in MARKETS:
        adjusted = history(name, "adj_close")
        assert returns[name, FIRST].return_ratio == 0
        for before, day in pairwise(days):
            assert abs(returns[name, day].return_ratio - (adjusted[day] / adjusted[before] - 1)) < STATED_TO, (name, day)
            assert abs(returns[name, day].unit_price / 100 - adjusted[day] / adjusted[FIRST]) < STATED_TO, (name, day)
        december = adjusted[LAST] / adjusted[date(2004, 11, 30)] - 1
        assert abs(returns[name, LAST].return_ratio_mtd - december) < STATED_TO
        assert abs(returns[name, LAST].return_ratio_ytd - (adjusted[LAST] / adjusted[FIRST] - 1)) < STATED_TO

        # The other road: the domain's returns on values and flows of the file.
        closes = history(name, "close")
        valuations = [Valuation(day, UNITS * closes[day]) for day in days]
        flows = [ExternalFlow(FIRST, UNITS * closes[FIRST])]
        flows += [ExternalFlow(ex_date, -UNITS * per_unit) for ex_date, per_unit in DIVIDENDS.get(name, ())]
        by_domain = period_returns(valuations, flows)
        assert [one.return_ratio for one in by_domain] == pytest.approx([float(returns[name, day].return_ratio) for day in days], abs=1e-12)
        accumulated = accumulated_returns(one.return_ratio for one in by_domain)[1:]
        assert accumulated == pytest.approx([float(returns[name, day].unit_price) / 100 - 1 for day in days], abs=1e-10)
    # Paid on 2004-12-02; nothing has settled because no custodian answered.
    assert cash == UNITS * Decimal("3.08")
