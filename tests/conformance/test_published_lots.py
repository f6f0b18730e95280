"""Published results of lot matching, through the function that the close uses."""

from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from lot_books import LotTrade, match

DATA = Path(__file__).parents[1] / "data" / "conformance"
CASES = yaml.safe_load((DATA / "lots.yaml").read_text()) + yaml.safe_load((DATA / "bug_reports.yaml").read_text())["lots"]
RUNS = [(case, method) for case in CASES for method in case["expected"]]


def cents(value: object) -> Decimal:
    return Decimal(str(value)).quantize(Decimal("0.01"), ROUND_HALF_EVEN)


def trade_of(number: int, row: dict[str, Any]) -> LotTrade:
    if "new_units" in row:
        return LotTrade(f"E{number}", row["date"], new_units=Decimal(row["new_units"]), old_units=Decimal(row["old_units"]))
    quantity, rate = Decimal(str(row["quantity"])), Decimal(row.get("rate", "1"))
    if "total" in row:
        amount = Decimal(row["total"]).copy_sign(quantity)
    else:
        amount = cents(quantity * Decimal(row["price"])) + Decimal(row.get("fee", "0"))
    return LotTrade(row.get("id", f"T{number}"), row["date"], quantity, amount, cents(amount * rate), rate, row.get("closes"))


@pytest.mark.parametrize(("case", "method"), RUNS, ids=[f"{case['case']}, {method}" for case, method in RUNS])
def test_published_lots(case: dict[str, Any], method: str, migrated_database: psycopg.Connection[Any]) -> None:
    trades = [trade_of(number, row) for number, row in enumerate(case["trades"])]
    book = match(migrated_database, trades, method)
    found = {
        "quantity": book.quantity,
        "cost": book.cost_amount,
        "cost_base": book.cost_amount_base,
        "realised": book.realised_amount,
        "realised_base": book.realised_amount_base,
        "realised_price_base": book.realised_price_amount_base,
        "realised_fx_base": book.realised_amount_base - book.realised_price_amount_base,
        "unnamed": book.unnamed_quantity,
        "lots": [(lot.quantity, lot.cost_amount) for lot in book.lots],
    }
    answers = dict(case["expected"][method])
    tolerance = Decimal(answers.pop("tolerance", "0"))
    if "lots" in answers:
        assert found["lots"] == [(Decimal(quantity), Decimal(cost)) for quantity, cost in answers.pop("lots")]
    assert {"quantity", "cost"} <= set(answers)
    for name, expected in answers.items():
        assert abs(Decimal(str(found[name])) - Decimal(str(expected))) <= tolerance, name
