"""A result explained step by step and added up over a year's and a month's end, on firms small enough to work out by hand."""

from datetime import date
from decimal import Decimal
from math import log, prod
from statistics import stdev
from typing import Any

import pytest
from integration.conftest import close_day
from integration.tiny_firm import cancel, figures, trade, write_days
from sqlalchemy import text
from typer.testing import CliRunner

from posttrade.cli import app
from posttrade.errors import PosttradeError
from posttrade.offices.derivations import run_dbt
from posttrade.records.database import Role, engine
from posttrade.reports.book_returns import read_book_returns
from posttrade.reports.end_of_day import render_end_of_day_report
from posttrade.reports.figures import read_figures
from posttrade.settings import get_settings

YEAR_END = {
    "2025-12-30": ("10.00", "20.00", "1.10", [
        trade("T1", 1, "NEW", "2025-12-30", "AAA", "BUY", 100, "9.90"),
        trade("T1", 2, "AMEND", "2025-12-30", "AAA", "BUY", 100, "9.80", "1.00"),
        trade("T2", 1, "NEW", "2025-12-30", "AAA", "BUY", 50, "9.90"),
        trade("T3", 1, "NEW", "2025-12-30", "AAA", "BUY", 10, "10.00"),
        trade("T4", 1, "NEW", "2025-12-30", "BBB", "BUY", 200, "19.90"),
    ]),
    "2025-12-31": ("11.00", "20.50", "1.20", [
        trade("T2", 2, "AMEND", "2025-12-30", "AAA", "BUY", 40, "9.95"),
        cancel("T3", 2, "2025-12-30", "AAA"),
        trade("T5", 1, "NEW", "2025-12-30", "AAA", "BUY", 30, "10.20"),
        trade("T6", 1, "NEW", "2025-12-31", "AAA", "SELL", 20, "11.00"),
        trade("T6", 2, "AMEND", "2025-12-31", "AAA", "SELL", 20, "11.10", "0.50"),
    ]),
    "2026-01-02": ("10.50", "21.00", "1.15", [trade("T7", 1, "NEW", "2026-01-02", "BBB", "SELL", 200, "21.10")]),
    "2026-01-05": ("10.60", "21.00", "1.16", []),
}  # fmt: skip

# price, fx translation, fx transaction, fees, amended, cancelled, late, new trades, total: by hand, in dollars.
#
# 12-30  AAA: 160 at the close for 980.00 + 495.00 + 100.00; T1 amended on its own day is its last version, and nothing else.
#        BBB: 200 x 20.00 = 4,000.00 EUR for 3,980.00 EUR, at 1.10.
# 12-31  AAA: price 160 x 1.00. T2: 10 fewer at 11.00 is -110.00, paid 398.00 in place of 495.00 is 97.00. T3: 10 fewer is -110.00,
#        100.00 less paid. T5: 330.00 - 306.00. T6: -20 x 11.00 = -220.00, 222.00 received.
#        BBB: 4,000.00 EUR x 0.10; then 100.00 EUR at 1.20. Claims of -3,980.00 EUR x 0.10.
# 01-02  AAA: 150 x -0.50. BBB: 4,100.00 EUR x -0.05; 100.00 EUR at 1.15; sold for 20.00 EUR above the close, at 1.15.
#        Claims: -3,980.00 EUR x -0.05.
# 01-05  AAA: 150 x 0.10. Claims: 240.00 EUR x 0.01.
EXPLAINED: dict[tuple[str, str], tuple[str, ...]] = {
    ("2025-12-30", "AAA"): ("0", "0", "0", "-1.00", "0", "0", "0", "25.00", "24.00"),
    ("2025-12-30", "BBB"): ("0", "0", "0", "0", "0", "0", "0", "22.00", "22.00"),
    ("2025-12-30", "CASH:EUR"): ("0", "0", "0", "0", "0", "0", "0", "0", "0"),
    ("2025-12-31", "AAA"): ("160.00", "0", "0", "-0.50", "-13.00", "-10.00", "24.00", "2.00", "162.50"),
    ("2025-12-31", "BBB"): ("120.00", "400.00", "0", "0", "0", "0", "0", "0", "520.00"),
    ("2025-12-31", "CASH:EUR"): ("0", "0", "-398.00", "0", "0", "0", "0", "0", "-398.00"),
    ("2026-01-02", "AAA"): ("-75.00", "0", "0", "0", "0", "0", "0", "0", "-75.00"),
    ("2026-01-02", "BBB"): ("115.00", "-205.00", "0", "0", "0", "0", "0", "23.00", "-67.00"),
    ("2026-01-02", "CASH:EUR"): ("0", "0", "199.00", "0", "0", "0", "0", "0", "199.00"),
    ("2026-01-05", "AAA"): ("15.00", "0", "0", "0", "0", "0", "0", "0", "15.00"),
    ("2026-01-05", "CASH:EUR"): ("0", "0", "2.40", "0", "0", "0", "0", "0", "2.40"),
}

# Total of day, month, year; realised of day, month, year. T6 sells 20 of 170 that cost 1,685.00, so 198.24, for 221.50.
# T7 sells for 4,853.00 what cost 4,378.00.
TO_DATE: dict[tuple[str, str], tuple[str, ...]] = {
    ("2025-12-31", "AAA"): ("162.50", "186.50", "186.50", "23.26", "23.26", "23.26"),
    ("2025-12-31", "BBB"): ("520.00", "542.00", "542.00", "0", "0", "0"),
    ("2026-01-02", "AAA"): ("-75.00", "-75.00", "-75.00", "0", "0", "0"),
    ("2026-01-02", "BBB"): ("-67.00", "-67.00", "-67.00", "475.00", "475.00", "475.00"),
    ("2026-01-05", "AAA"): ("15.00", "-60.00", "-60.00", "0", "0", "0"),
    ("2026-01-05", "BBB"): ("0", "-67.00", "-67.00", "0", "475.00", "475.00"),
    ("2026-01-05", "CASH:EUR"): ("2.40", "201.40", "201.40", "0", "0", "0"),
}

MONTH_END = {
    "2026-01-29": ("10.00", "20.00", "1.10", [
        trade("T1", 1, "NEW", "2026-01-29", "AAA", "BUY", 100, "9.90"),
        trade("T2", 1, "NEW", "2026-01-29", "BBB", "BUY", 100, "19.90"),
    ]),
    "2026-01-30": ("11.00", "21.00", "1.10", [trade("T3", 1, "NEW", "2026-01-30", "BBB", "SELL", 100, "20.90")]),
    "2026-02-02": ("10.80", "21.00", "1.10", []),
}  # fmt: skip


def amounts(rows: dict[tuple[str, str], tuple[str, ...]]) -> dict[tuple[str, str], tuple[Decimal, ...]]:
    return {key: tuple(Decimal(value) for value in row) for key, row in rows.items()}


def closed(days: Any) -> None:
    for day in write_days(get_settings().inbox, days):
        close_day(day)


RETURN_COLUMNS = ("return_ratio", "return_ratio_mtd", "return_ratio_ytd", "unit_price")
TO_DATE_COLUMNS = tuple(f"{name}_amount_base{period}" for name in ("total", "realised") for period in ("", "_mtd", "_ytd"))


def returns_are_right() -> None:
    # The book's securities: 6,000.00 for 5,954.00 paid; 6,570.00 and 112.50 taken out; 1,575.00 and 4,853.00 taken out; 1,590.00.
    growth = [Decimal(6000) / 5954, Decimal("6682.50") / 6000, Decimal(6428) / 6570, Decimal(1590) / 1575]
    returns = list(figures("rpt_book_returns", RETURN_COLUMNS, ("business_date", "book_id")).values())
    month, year, unit = growth[0] * growth[1], growth[2] * growth[3], 100 * prod(growth)
    assert [row[0] for row in returns] == [pytest.approx(one - 1, abs=Decimal("1e-12")) for one in growth]
    assert returns[1][1:3] == (pytest.approx(month - 1, abs=Decimal("1e-11")),) * 2
    assert returns[3][1:3] == (pytest.approx(year - 1, abs=Decimal("1e-11")),) * 2
    assert returns[3][3] == pytest.approx(unit, abs=Decimal("1e-9"))

    (book,) = read_book_returns(engine(Role.ANALYST))
    assert (book.book_id, book.first_date, book.last_date, book.date_count) == ("B", date(2025, 12, 30), date(2026, 1, 5), 4)
    assert (book.opening_value_amount_base, book.closing_value_amount_base) == (0, 1590)
    assert book.time_weighted == pytest.approx(float(prod(growth) - 1))
    # 5,954.00 paid; 112.50 a day later, 4,853.00 after three and 1,590.00 after six days are worth as much at the rate.
    day = 1 + (book.money_weighted_yearly or 0)
    assert 112.5 * day ** (-1 / 365) + 4853 * day ** (-3 / 365) + 1590 * day ** (-6 / 365) == pytest.approx(5954, abs=1e-4)
    assert book.money_weighted == pytest.approx(day ** (6 / 365) - 1)
    assert book.volatility == pytest.approx(stdev(log(one) for one in growth) * 2)
    # The fall of 2 January; the rise after it does not make it good.
    assert book.max_drawdown == pytest.approx(1 - 6428 / 6570)

    # The last two days begin with 6,570.00, counted at the close before.
    (later,) = read_book_returns(engine(Role.ANALYST), "B", date(2026, 1, 1), date(2026, 1, 5))
    assert (later.first_date, later.opening_value_amount_base) == (date(2026, 1, 2), 6570)
    assert later.time_weighted == pytest.approx(float(growth[2] * growth[3] - 1))
    day = 1 + (later.money_weighted_yearly or 0)
    assert 4853 * day ** (-2 / 365) + 1590 * day ** (-5 / 365) == pytest.approx(6570, abs=1e-4)
    printed = CliRunner().invoke(app, ["returns", "--book", "B", "--from", "2026-01-01"]).output
    assert [cell.strip() for cell in printed.splitlines()[-2].split("│")[1:10]] == [
        "B", "2026-01-02", "2026-01-05", "2", "6,570.00", "1,590.00", "-1.23%", f"{day ** (5 / 365) - 1:.2%}", f"{day - 1:.2%}"
    ]  # fmt: skip
    with pytest.raises(PosttradeError, match=r"The book X has no returns\. Books with returns: B"):
        read_book_returns(engine(Role.ANALYST), "X")
    with pytest.raises(
        PosttradeError, match="needs 2 closed dates with capital in securities; in these dates there is only one, 2026-01-05"
    ):
        read_book_returns(engine(Role.ANALYST), "B", date(2026, 1, 3))
    with pytest.raises(PosttradeError, match="The first date, 2026-01-05, is after the last, 2026-01-02"):
        read_book_returns(engine(Role.ANALYST), None, date(2026, 1, 5), date(2026, 1, 2))


def report_is_right() -> None:
    """The firm's lines of 2025-12-31: the day, and the month, which has the new trades and fees of the day before too."""
    figures_of_day = read_figures(date(2025, 12, 31), engine(Role.AUDITOR))
    explained = {row["component"]: (row["day_amount"], row["month_amount"]) for row in figures_of_day.profit_explained.rows}
    assert explained == {
        "price": (280, 280),
        "accrual": (0, 0),
        "fx_translation": (400, 400),
        "fx_transaction": (-398, -398),
        "income": (0, 0),
        "fees": (Decimal("-0.50"), Decimal("-1.50")),
        "new_trades": (2, 49),
        "amended_trades": (-13, -13),
        "cancelled_trades": (-10, -10),
        "late_trades": (24, 24),
        "corporate_actions": (0, 0),
        "total": (Decimal("284.50"), Decimal("330.50")),
        "realised": (Decimal("23.26"), Decimal("23.26")),
    }
    (book,) = figures_of_day.books
    assert (book["fx_amount"], book["corrections_amount"], book["month_amount"], book["year_amount"]) == (
        2,
        1,
        Decimal("330.50"),
        Decimal("330.50"),
    )
    page = render_end_of_day_report(figures_of_day, {})
    assert '<th scope="row">Late trades</th><td class="n positive">24.00</td>' in page
    assert '<th scope="row">Total</th><td class="n positive">284.50</td><td class="n positive">330.50</td>' in page


def test_without_a_closed_day_there_are_no_returns(fresh_database: str) -> None:  # noqa: ARG001
    with pytest.raises(PosttradeError, match="There are no returns yet"):
        read_book_returns(engine(Role.ANALYST))


def test_every_step_of_a_result_and_its_sums_over_the_end_of_a_year(fresh_database: str) -> None:  # noqa: ARG001
    closed(YEAR_END)
    components = ("price", "fx_translation", "fx_transaction", "fees", "amended_trades", "cancelled_trades", "late_trades", "new_trades")
    columns = tuple(f"{name}_amount_base" for name in (*components, "total"))
    found = figures("fct_profit_and_loss", columns)
    assert {key: row for key, row in found.items() if key[1] != "CASH:USD"} == amounts(EXPLAINED)
    assert set(figures("fct_profit_and_loss", ("residual_amount", "residual_amount_base")).values()) == {(0, 0)}
    # In euro: 100.00 for the price, 20.00 above the close, and nothing for the currency.
    local = figures("fct_profit_and_loss", ("price_amount", "new_trades_amount", "fx_amount", "total_amount"))
    assert local["2026-01-02", "BBB"] == (100, 20, 0, 120)
    # Value at both ends and what was paid in between.
    ends = figures("fct_profit_and_loss", ("opening_value_amount_base", "closing_value_amount_base", "net_cash_in_amount_base"))
    assert ends["2025-12-31", "AAA"] == (1600, 1650, Decimal("-112.50"))
    assert ends["2026-01-02", "CASH:EUR"] == (-4776, 276, 4853)

    found = figures("rpt_profit_to_date", TO_DATE_COLUMNS)
    assert {key: found[key] for key in TO_DATE} == amounts(TO_DATE)
    assert figures("rpt_profit_to_date", ("amended_trades_amount_base_ytd", "fx_transaction_amount_base_mtd"))["2025-12-31", "AAA"] == (
        -13,
        0,
    )
    assert ("2026-01-05", "CASH:USD") in found

    returns_are_right()
    report_is_right()
    outcome = run_dbt(["test", "--select", "test_type:data"], date(2026, 1, 5))
    assert len(outcome.results) >= 20
    with engine(Role.AUDITOR).connect() as connection:
        assert connection.scalar(text("select count(*) from marts.rpt_profit_bridge where difference_amount <> 0")) == 0


def test_the_sums_of_a_month_begin_anew_and_those_of_the_year_go_on(fresh_database: str) -> None:  # noqa: ARG001
    closed(MONTH_END)
    found = figures("rpt_profit_to_date", TO_DATE_COLUMNS[:3])
    # AAA: 10.00, 100.00, -20.00. BBB, in euro at 1.10: 10.00, then 100.00 for the price less 10.00 for the sale below the close.
    assert {key: row for key, row in found.items() if not key[1].startswith("CASH")} == amounts(
        {
            ("2026-01-29", "AAA"): ("10.00", "10.00", "10.00"),
            ("2026-01-29", "BBB"): ("11.00", "11.00", "11.00"),
            ("2026-01-30", "AAA"): ("100.00", "110.00", "110.00"),
            ("2026-01-30", "BBB"): ("99.00", "110.00", "110.00"),
            ("2026-02-02", "AAA"): ("-20.00", "-20.00", "90.00"),
            ("2026-02-02", "BBB"): ("0", "0", "110.00"),
        }
    )
