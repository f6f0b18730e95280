"""Published valuations and reorganisations through the close; sources and figures stand in data/conformance/positions.yaml.

Every case is a book of its own; its trades are of one day, in the order given, and what a trade is done at is its own rate.
"""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from integration.small_firm import SmallFirm, assert_books_tie, trade, value

pytestmark = pytest.mark.usefixtures("fresh_database")
MON, TUE = date(2026, 1, 5), date(2026, 1, 6)
CASES = yaml.safe_load((Path(__file__).parents[1] / "data" / "conformance" / "positions.yaml").read_text())
# 1 / 1.1588, the rate of one case; the others are in the base currency or in CHF at 1
RATES = {"USD": "0.8629616845", "CHF": "1"}
AT = "book_id = :book and account_id = :account and instrument_id = :instrument and business_date = :day"
# what the position would bring at today's rate less what it brought at the rates of its purchases
FX = "sum(cost_amount * fx_rate - cost_amount_base)"
FIGURES = {
    "quantity": f"select sum(traded_quantity) from marts.fct_positions where {AT}",
    "cost": f"select sum(cost_amount) from marts.fct_positions where {AT}",
    "cost_base": f"select sum(cost_amount_base) from marts.fct_positions where {AT}",
    "unrealised": f"select sum(unrealised_amount) from marts.fct_positions where {AT}",
    "unrealised_base": f"select sum(unrealised_amount_base) from marts.fct_positions where {AT}",
    "unrealised_fx_base": f"select round({FX}, 2) from marts.fct_positions where {AT}",
    "realised": f"select sum(realised_amount) from marts.fct_realised_results where {AT}",
    "realised_base": f"select sum(realised_amount_base) from marts.fct_realised_results where {AT}",
    "price": f"select sum(price_amount + new_trades_amount) from marts.fct_profit_and_loss where {AT}",
    "fees": f"select sum(fees_amount) from marts.fct_profit_and_loss where {AT}",
    "total": f"select sum(total_amount) from marts.fct_profit_and_loss where {AT}",
}


def trades_of(number: int, case: dict[str, Any], account: str) -> list[dict[str, object]]:
    return [
        trade(
            f"{number}-{account}-{place}", MON, row["quantity"], row["price"], executed_at=f"{MON}T15:{place:02}:00Z", book_id=f"B{number}",
            account_id=account, instrument_id=row.get("instrument", case["id"]), currency_code=case.get("currency", "EUR"),
            fee_amount=row.get("fee", "0"), fx_rate=row.get("rate", ""),
        )
        for place, row in enumerate(case["trades"])
    ]  # fmt: skip


def test_published_positions() -> None:
    currencies = {name: case.get("currency", "EUR") for case in CASES for name in case["prices"]}
    firm = SmallFirm(
        base="EUR",
        instruments=[{"instrument_id": name, "currency_code": currency} for name, currency in currencies.items()],
        books=[f"B{number}" for number in range(len(CASES))],
        accounts=("AVERAGE", "FIFO"),
    )
    methods = [{"account_id": "FIFO", "valid_from": "2000-01-01", "lot_method": "FIFO"}]
    trades = [one for number, case in enumerate(CASES) for account in ("AVERAGE", "FIFO") for one in trades_of(number, case, account)]
    prices = {name: price for case in CASES for name, price in case["prices"].items()}
    events = [
        {"event_id": f"{case['id']}-{place}", "event_status": "ANNOUNCED", "ex_date": TUE, "pay_date": TUE,
         "currency_code": case.get("currency", "EUR")} | event
        for case in CASES for place, event in enumerate(case.get("events", []))
    ]  # fmt: skip
    firm.day(MON, trades, prices, RATES, lot_methods=methods)
    firm.day(TUE, [], prices, RATES, corporate_actions=events)

    wrong = []
    for number, case in enumerate(CASES):
        day = TUE if case.get("events") else MON
        for account, instruments in case["expected"].items():
            for instrument, answers in instruments.items():
                key = {"book": f"B{number}", "account": account, "instrument": instrument, "day": day}
                for name, expected in answers.items():
                    found = value(FIGURES[name], **key) or 0
                    if found != Decimal(str(expected)):
                        wrong.append((case["id"], account, instrument, name, str(found), expected))
    assert wrong == []
    assert_books_tie()
