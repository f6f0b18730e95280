"""Accounting periods."""

from typing import Annotated

import typer

from posttrade.cli.surroundings import out, settings_for

periods_app = typer.Typer(help="Accounting periods: list, close.", no_args_is_help=True)


@periods_app.command("list")
def show_periods() -> None:
    """List the months of the firm: closed by whom, ready to be closed, or open."""
    from posttrade.offices.periods import list_periods
    from posttrade.records.database import Role, engine
    from posttrade.runtime.postgres import running_server

    settings_for(None)
    with running_server():
        periods = list_periods(engine(Role.OPERATOR))
    for one in periods:
        out.print(f"{one.period}  {one.first_date} to {one.last_date}  {one.state}", markup=False, soft_wrap=True)
    if not periods:
        out.print("No business date is closed yet.")


@periods_app.command("close")
def close_month(
    month: Annotated[str, typer.Argument(help="The month, e.g. 2026-01.")], by: Annotated[str, typer.Option(help="Your name.")]
) -> None:
    """Close a month for good: nothing is booked in it any more; corrections go to the open date."""
    from posttrade.offices.periods import close_period
    from posttrade.records.database import Role, engine
    from posttrade.runtime.postgres import running_server

    settings_for(None)
    with running_server():
        close_period(month, by, engine(Role.OPERATOR))
    out.print(f"{month} is closed.")
