"""./posttrade: run, look at and look after the firm's days. Each module holds commands of one kind."""

from posttrade.cli.application import app, main

# Commands hang themselves on; the help shows them in this order.
# isort: off
from posttrade.cli import days, services, figures, development  # noqa: F401
from posttrade.cli import alerts, exceptions, payments, periods, trades
# isort: on

app.add_typer(exceptions.exceptions_app, name="exceptions")
app.add_typer(alerts.alerts_app, name="alerts")
app.add_typer(payments.payments_app, name="payments")
app.add_typer(periods.periods_app, name="periods")
app.add_typer(trades.trades_app, name="trades")

__all__ = ["app", "main"]
