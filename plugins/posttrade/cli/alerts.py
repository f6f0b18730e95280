"""Alerts of the controls."""

from typing import Annotated

import typer

from posttrade.cli.surroundings import date_of, out, settings_for

alerts_app = typer.Typer(help="Alerts of the controls: list, acknowledge.", no_args_is_help=True)


@alerts_app.command("list")
def list_alerts(business_date: Annotated[str | None, typer.Option("--date", help="Only those of a business date.")] = None) -> None:
    """List the open alerts, the most severe first."""
    from posttrade.controls.alerts import list_open
    from posttrade.records.database import Role, engine
    from posttrade.runtime.postgres import running_server

    settings_for(None)
    with running_server():
        rows = list_open(engine(Role.OPERATOR), date_of(business_date) if business_date else None)
    for row in rows:
        row = dict(row) if not hasattr(row, "_mapping") else dict(row._mapping)
        out.print(
            f"{row['alert_id']}  {row['business_date']}  {row['severity']:<8}  {row['message']}  {row['cause_key']}",
            markup=False,
            soft_wrap=True,
        )
    out.print(f"{len(rows)} open.")


@alerts_app.command("acknowledge")
def acknowledge_alert(
    alert_id: str,
    by: Annotated[str, typer.Option(help="Your name.")],
    note: Annotated[str, typer.Option(help="What you do about it.")] = "",
) -> None:
    """Say that you look after an alert; a critical one goes on blocking until its cause is gone."""
    from posttrade.controls.alerts import acknowledge
    from posttrade.records.database import Role, engine
    from posttrade.runtime.postgres import running_server

    settings_for(None)
    with running_server():
        acknowledge(alert_id, by, note, engine(Role.OPERATOR))
    out.print("Acknowledged.")
