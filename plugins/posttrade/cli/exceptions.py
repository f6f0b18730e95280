"""Rows that could not be recorded."""

from typing import Annotated

import typer

from posttrade.cli.surroundings import date_of, out, settings_for, with_engine

exceptions_app = typer.Typer(help="Rows that could not be recorded: list, replay after correction, dismiss.", no_args_is_help=True)


@exceptions_app.command("list")
def list_rejected(business_date: Annotated[str | None, typer.Option("--date", help="Only those of a business date.")] = None) -> None:
    """List the rows that wait for correction."""
    from posttrade.records.database import Role, engine
    from posttrade.records.exceptions import list_exceptions
    from posttrade.runtime.postgres import running_server

    settings_for(None)
    with running_server():
        rows = list_exceptions(engine(Role.LOADER), date_of(business_date) if business_date else None)
    for row in rows:
        out.print(
            f"{row['exception_id']}  {row['file_name']}:{row['line_no']}  {row['reason']} {row['remedy']}", markup=False, soft_wrap=True
        )
        out.print(f"    {row['raw']}", markup=False, soft_wrap=True)
    out.print(f"{len(rows)} waiting.")


@exceptions_app.command("replay")
def replay_rejected(
    exception_id: str,
    raw: Annotated[str, typer.Option(help="The corrected line, as the file should have had it.")],
    by: Annotated[str, typer.Option(help="Your name.")],
) -> None:
    """Record a rejected row after correction; it is booked in the open date."""
    from posttrade.records.exceptions import replay_exception

    with_engine("LOADER", lambda engine, day: replay_exception(exception_id, raw, by, day, engine))
    out.print("Recorded.")


@exceptions_app.command("dismiss")
def dismiss_rejected(
    exception_id: str, by: Annotated[str, typer.Option(help="Your name.")], note: Annotated[str, typer.Option(help="Why.")]
) -> None:
    """Put a rejected row aside for good; it stays on record."""
    from posttrade.records.exceptions import dismiss_exception

    with_engine("LOADER", lambda engine, day: dismiss_exception(exception_id, by, note, day, engine))
    out.print("Dismissed.")
