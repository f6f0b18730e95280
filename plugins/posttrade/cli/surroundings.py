"""What commands share: the settings and the database they run on, and how they read and show values."""

import os
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from posttrade.errors import PosttradeError
from posttrade.settings import Settings, get_settings

out = Console(highlight=False, width=None if Console().is_terminal else 150)


def settings_for(inbox: Path | None) -> Settings:
    """The settings; an inbox given on the command line counts for every process started from here."""
    settings = get_settings()
    marker = settings.home / "inbox.path"
    if inbox is not None:
        if not inbox.is_dir():
            raise PosttradeError(f"There is no folder {inbox}.", "Give a folder with sub-folders named by date: 2026-01-05.")
        settings.home.mkdir(parents=True, exist_ok=True)
        marker.write_text(str(inbox.resolve()))
    if marker.exists() and "POSTTRADE_INBOX_DIR" not in os.environ:
        os.environ["POSTTRADE_INBOX_DIR"] = marker.read_text().strip()
        get_settings.cache_clear()
    settings = get_settings()
    settings.home.mkdir(parents=True, exist_ok=True)
    with suppress(PermissionError):
        settings.home.chmod(0o711)
    return settings


def prepare_installation(settings: Settings) -> None:
    """The database at this version's schema, Airflow's metadata beside it, its environment in this process."""
    from posttrade.records.migrate import migrate
    from posttrade.runtime import airflow_services
    from posttrade.runtime.environment import airflow_environment

    with out.status("Preparing the database and Airflow"):
        migrate()
        airflow_services.prepare(settings)
    os.environ.update(airflow_environment(settings))


def with_engine(role_name: str, work: Any) -> Any:
    """Run `work(engine, open business date)` on the running database."""
    from posttrade.offices.business_days import open_date
    from posttrade.records.database import Role, engine
    from posttrade.runtime.postgres import running_server

    settings_for(None)
    with running_server():
        day = open_date(engine(Role.OPERATOR))
        if day is None:
            raise PosttradeError("No business date is open yet.", "Close the first day with ./posttrade run.")
        return work(engine(Role[role_name]), day)


def date_of(given: str) -> date:
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise PosttradeError(f"{given!r} is no date.", "Write it as 2026-01-05.") from None


def moment_of(given: str) -> datetime:
    moment: datetime | None = None
    with suppress(ValueError):
        moment = datetime.fromisoformat(given)
    if moment is None or moment.tzinfo is None:
        raise PosttradeError(f"{given!r} is no moment with its offset.", "Write it as 2026-01-06T18:00:00+00:00.")
    return moment


def shown(value: object) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    if value is None or isinstance(value, str | date):
        return str(value or "")
    return f"{value:,.2f}"


def percent(ratio: float | None) -> str:
    if ratio is None:
        return "–"
    # Of a few days a yearly rate says no more than that it is large.
    return f"{ratio:.2%}" if ratio < 10 else ">1,000%"
