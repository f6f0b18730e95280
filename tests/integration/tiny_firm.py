"""A firm small enough to work out by hand: one book per test case, written as the files of its days."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import text

from posttrade.records.database import Role, engine

# Two shares: AAA in the firm's own currency, BBB in euro.
CURRENCIES = {"AAA": "USD", "BBB": "EUR"}
MARKETS = {"AAA": "XNYS", "BBB": "XETR"}
REFERENCE = {
    "firms": "firm_id,name,lei,base_currency_code,home_calendar\nEXAMPLE,Example Firm,,USD,XNYS\n",
    "desks": "desk_id,name\nD,Desk\n",
    "books": "book_id,name,desk_id,loss_limit_amount,position_limit_amount\nB,Book,D,1000000,1000000\n",
    "counterparties": (
        "counterparty_id,name,lei,bic,role\nBRK,Example Broker,,EXBKUS33,BROKER\nCUS,Example Custodian,,EXCUUS33,CUSTODIAN\n"
    ),
    "accounts": "account_id,name,client_id,custodian_id\nA,Own account,,CUS\n",
    "cash_accounts": ("cash_account_id,bank_id,currency_code,iban\nC,CUS,USD,DE89370400440532013000\nE,CUS,EUR,DE89370400440532013000\n"),
    "standing_instructions": (
        "account_id,currency_code,place_of_settlement_bic,custody_account_number,cash_account_id\n"
        "A,USD,EXCUUS33,123,C\nA,EUR,EXCUUS33,123,E\n"
    ),
    "instruments": (
        "instrument_id,isin,name,product_line,currency_code,market_mic,issuer_country_code,coupon_rate,coupon_frequency,day_count,"
        "issue_date,first_coupon_date,maturity_date\n"
        + "".join(f"{name},,{name},equity,{CURRENCIES[name]},{MARKETS[name]},US,,,,,,\n" for name in CURRENCIES)
    ),
}
TRADE_COLUMNS = (
    "trade_id,version,event_type,execution_id,trade_date,executed_at,source_sequence,settlement_date,book_id,account_id,trader_id,"
    "counterparty_id,instrument_id,side,quantity,price,currency_code,fee_amount"
)


def trade(
    trade_id: str, version: int, event_type: str, trade_date: str, instrument: str, side: str, quantity: int, price: str, fee: str = "0"
) -> str:
    """A line of a trades file."""
    return (
        f"{trade_id},{version},{event_type},,{trade_date},{trade_date}T1{version}:00:00-05:00,,,B,A,,BRK,{instrument},{side},"
        f"{quantity},{price},{CURRENCIES[instrument]},{fee}"
    )


def cancel(trade_id: str, version: int, trade_date: str, instrument: str) -> str:
    """A line that cancels a trade."""
    return trade(trade_id, version, "CANCEL", trade_date, instrument, "BUY", 1, "1")


def write_days(inbox: Path, days: Mapping[str, tuple[str, str, str, Iterable[str]]]) -> list[date]:
    """Write the files of some days: per day the price of AAA, the price of BBB, dollars for a euro, and lines of trades."""
    for number, (day, (price_aaa, price_bbb, rate, trades)) in enumerate(days.items()):
        folder = inbox / day
        folder.mkdir(parents=True)
        (folder / "prices.csv").write_text(
            f"instrument_id,price_date,price,currency_code\nAAA,{day},{price_aaa},USD\nBBB,{day},{price_bbb},EUR\n"
        )
        (folder / "fx_rates.csv").write_text(f"currency_code,base_currency_code,rate_date,rate\nEUR,USD,{day},{rate}\n")
        lines = list(trades)
        quantity = sum(Decimal(line.split(",")[14]) for line in lines)
        (folder / "trades.csv").write_text("\n".join([TRADE_COLUMNS, *lines, f"#control,rows,{len(lines)},quantity,{quantity}\n"]))
        if number == 0:
            for kind, content in REFERENCE.items():
                (folder / f"{kind}.csv").write_text(content)
    return [date.fromisoformat(day) for day in days]


def figures(mart: str, columns: tuple[str, ...], keys: tuple[str, ...] = ("business_date", "instrument_id")) -> dict[Any, tuple[Any, ...]]:
    """Columns of a mart by its keys; dates as text."""
    with engine(Role.AUDITOR).connect() as connection:
        rows = connection.execute(text(f"select {', '.join(keys)}, {', '.join(columns)} from marts.{mart} order by {', '.join(keys)}"))
        return {tuple(str(value) for value in row[: len(keys)]): tuple(row[len(keys) :]) for row in rows}
