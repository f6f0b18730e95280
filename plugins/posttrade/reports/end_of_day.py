"""The report an operator opens in the morning: one HTML file per business date that needs nothing but a browser."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from types import MappingProxyType

from sqlalchemy import Engine

from posttrade.reports import queries
from posttrade.reports.charts import bar_chart, day_chart
from posttrade.reports.figures import Figures, read_figures
from posttrade.reports.formats import money, quantity
from posttrade.reports.rendering import render, write_atomically
from posttrade.reports.verdict import verdict
from posttrade.settings import get_settings

REPORT_NAME = "end_of_day.html"
CHARTED_BOOKS = 20
COMPONENTS = (
    ("price_amount", "Price"),
    ("accrual_amount", "Accrual"),
    ("fx_amount", "FX"),
    ("income_amount", "Income"),
    ("fees_amount", "Fees"),
    ("new_trades_amount", "New trades"),
    ("corrections_amount", "Corrections"),
)


def write_end_of_day_report(business_date: date, engine: Engine, remedies: Mapping[str, str] = MappingProxyType({})) -> Path:
    """Writes the report of a business date; writing it again from the same facts gives the same bytes.

    Args:
        business_date: the day reported on.
        engine: of a role that may read the marts and the exceptions.
        remedies: what the owner of an alert does, by control id.

    Returns:
        The file, `<reports>/<business date>/end_of_day.html`.

    Raises:
        PosttradeError: the figures cannot be read.
    """
    content = render_end_of_day_report(read_figures(business_date, engine), remedies)
    return write_atomically(get_settings().reports / business_date.isoformat() / REPORT_NAME, content)


def render_end_of_day_report(figures: Figures, remedies: Mapping[str, str]) -> str:
    """The report as HTML.

    Args:
        figures: what it says.
        remedies: what the owner of an alert does, by control id.
    """
    largest = sorted(figures.books, key=lambda row: -abs(row["total_amount"]))[:CHARTED_BOOKS]
    return render(
        "end_of_day.html.j2",
        f=figures,
        v=verdict(figures),
        remedies=remedies,
        components=COMPONENTS,
        explained_labels=dict(queries.EXPLAINED_COMPONENTS),
        book_chart=bar_chart((row["book_id"], row["total_amount"]) for row in largest),
        day_chart=day_chart([(row["business_date"], row["total_amount"]) for row in figures.profit_by_day.rows]),
        traces=_traces(figures),
    )


def _traces(figures: Figures) -> list[tuple[str, str, str]]:
    day = figures.business_date
    profit = figures.firm_profit
    income = figures.income_events
    traced = (
        ("P&L of the day", money(profit["total_amount"]) if profit else "0.00", queries.PROFIT_AND_LOSS),
        ("P&L of the days", quantity(len(figures.profit_by_day.rows)), queries.PROFIT_BY_DAY),
        ("Trades booked", quantity(figures.trades["row_count"]), queries.TRADES),
        ("Positions", quantity(figures.positions["row_count"]), queries.POSITIONS),
        ("Open alerts", quantity(figures.alerts.total), queries.ALERTS),
        ("Breaks", quantity(figures.breaks.total), queries.BREAKS),
        ("Late and failed", quantity(figures.fails.total), queries.FAILS),
        ("Income events", quantity(income.total), queries.INCOME_EVENTS),
        ("Payments waiting", quantity(figures.payments.total), queries.PAYMENTS),
        ("Rejected rows", quantity(figures.exceptions.total), queries.EXCEPTIONS),
    )
    return [(name, value, query.see_all.format(business_date=day)) for name, value, query in traced]
