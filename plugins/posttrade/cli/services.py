"""Airflow, the database and what runs on them: up, down, status, prepare, airflow, sql."""

import os
import subprocess
from typing import Annotated

import sqlalchemy
import sqlalchemy.exc
import typer
from rich.table import Table

from posttrade.cli.application import app
from posttrade.cli.surroundings import out, prepare_installation, settings_for


@app.command()
def up(port: Annotated[int | None, typer.Option(help="Port of the web pages on 127.0.0.1.")] = None) -> None:
    """Start Airflow on the firm's database, and keep both running."""
    from posttrade.runtime import airflow_services, postgres

    settings = settings_for(None)
    with postgres.running_server():
        prepare_installation(settings)
        access = airflow_services.up(settings, port or settings.web_port)
        if not settings.has_own_database:
            postgres.keep(True)
    out.print(f"Airflow is up: {access.address}")
    out.print(f"Log in as {access.username} with the password {access.password}")
    for name, password in access.others.items():
        out.print(f"Log in as {name} with the password {password}")
    out.print("Stop it with ./posttrade down")


@app.command()
def down() -> None:
    """Stop Airflow and the embedded database."""
    from posttrade.runtime import airflow_services, postgres

    settings = settings_for(None)
    stopped = airflow_services.down(settings)
    if not settings.has_own_database and postgres.is_running():
        postgres.keep(False)
        postgres.stop()
        stopped = [*stopped, "postgres"]
    out.print(f"Stopped: {', '.join(stopped)}." if stopped else "Nothing was running.")


@app.command()
def status() -> None:
    """Say what runs, where the data is and which business date is open."""
    from posttrade.records.database import Role, administrator_url, engine
    from posttrade.runtime import airflow_services, postgres

    settings = settings_for(None)
    table = Table(show_header=False, box=None)
    table.add_row("data", str(settings.home))
    table.add_row("inbox", str(settings.inbox))
    table.add_row("outbox", str(settings.outbox))
    table.add_row("reports", str(settings.reports))
    is_running = settings.has_own_database or postgres.is_running()
    address = administrator_url().set(password=None, username=None).render_as_string() if is_running else "not running"
    table.add_row("database", address)
    for name, process in airflow_services.status(settings).items():
        table.add_row(name, f"running, process {process}" if process else "not running")
    if is_running:
        from posttrade.offices.business_days import open_date

        try:
            table.add_row("open date", str(open_date(engine(Role.OPERATOR)) or "none yet: the first day opens the firm"))
        except sqlalchemy.exc.ProgrammingError:
            table.add_row("open date", "the schema is not set up; ./posttrade run does it")
    else:
        table.add_row("open date", "shown while the database runs")
    out.print(table)


@app.command()
def prepare() -> None:
    """Bring the database and Airflow's metadata to this version; `run` and `up` do it by themselves."""
    from posttrade.runtime.postgres import running_server

    settings = settings_for(None)
    with running_server():
        prepare_installation(settings)
    out.print("The database and Airflow's metadata are up to date.")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})
def airflow(context: typer.Context) -> None:
    """Run an Airflow command on this installation, e.g. airflow dags test close_business_day 2026-01-05."""
    from posttrade.runtime import airflow_services
    from posttrade.runtime.postgres import running_server

    settings = settings_for(None)
    with running_server():
        code = airflow_services.run_command(settings, context.args)
    raise typer.Exit(code)


@app.command()
def sql(
    query: Annotated[str | None, typer.Option("--command", "-c", help="Print the rows of this query.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Comma-separated, for machines.")] = False,
) -> None:
    """Open psql on the marts as the read-only analyst, or print the rows of one query."""
    from posttrade.records.database import Role, url
    from posttrade.runtime import postgres

    settings = settings_for(None)
    with postgres.running_server():
        address = url(Role.ANALYST)
        environment = {
            **os.environ,
            "PGHOST": str(address.host),
            "PGPORT": str(address.port or 5432),
            "PGUSER": str(address.username),
            "PGPASSWORD": str(address.password),
            "PGDATABASE": str(address.database),
        }
        arguments = [str(postgres.binary("psql")), "--no-psqlrc", "--set", "ON_ERROR_STOP=1"]
        if as_csv:
            arguments.append("--csv")
        if query is not None:
            arguments += ["--command", query]
        outcome = subprocess.run(arguments, env=environment, check=False)
    del settings
    raise typer.Exit(outcome.returncode)
