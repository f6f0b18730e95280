"""Pulls what the front office and the outside world deliver for a business date, and records it."""

import hashlib
import os
from datetime import date
from functools import partial
from pathlib import Path
from urllib.parse import quote

import sqlalchemy
from sqlalchemy import text

from posttrade.domain.money import currencies
from posttrade.messages.contracts import (
    ALLOCATIONS,
    CONTRACTS,
    MARKET_CONTRACTS,
    REFERENCE_CONTRACTS,
    STATEMENT_CONTRACTS,
    TRADES,
    Contract,
)
from posttrade.messages.csv_files import read_csv
from posttrade.messages.fix_drop_copy import read_drop_copy
from posttrade.messages.front_office_table import pull_trades
from posttrade.offices.business_days import open_date, refuse_day_without_business
from posttrade.records.loader import Counts, Delivery, record_file, refuse_unknown_file
from posttrade.records.trades import find_executions
from posttrade.settings import get_settings


def record_reference_data(business_date: date, engine: sqlalchemy.Engine) -> dict[str, int]:
    """Record firms, books, clients, accounts, instruments and what belongs to them, in the order in which they refer.

    Raises:
        PosttradeError: the date is no business day of the firm; nothing but the firm itself is recorded.
    """
    with engine.begin() as connection:
        connection.execute(
            text(
                "insert into books.currencies (currency_code, minor_unit)"
                " select * from unnest(cast(:codes as text[]), cast(:units as integer[])) on conflict do nothing"
            ),
            {"codes": list(currencies()), "units": list(currencies().values())},
        )
    # The firm comes first: it may say which days are business days.
    counts = _record_csv_files(REFERENCE_CONTRACTS[:1], business_date, engine)
    refuse_day_without_business(business_date, engine)
    return (counts + _record_csv_files(REFERENCE_CONTRACTS[1:], business_date, engine)).as_dict()


def record_market_data(business_date: date, engine: sqlalchemy.Engine) -> dict[str, int]:
    """Record prices, rates, discount factors, index fixings, plans and dates of bonds, terms of open deals and corporate actions."""
    return _record_csv_files(MARKET_CONTRACTS, business_date, engine).as_dict()


def record_statements(business_date: date, engine: sqlalchemy.Engine) -> dict[str, int]:
    """Record settlement statuses and the statements of custodian and bank."""
    return _record_csv_files(STATEMENT_CONTRACTS, business_date, engine).as_dict()


def record_trades(business_date: date, engine: sqlalchemy.Engine) -> dict[str, int]:
    """Record the trades of all three sources, CSV drops, FIX drop copies and the front office's table, and the allocations of blocks.

    Returns:
        Rows `recorded`, `known` already, `rejected` to the exceptions, and files `refused` whole, among them those whose name is that of
        no kind.
    """
    counts = _refuse_unknown_files(business_date, engine) + _record_csv_files((TRADES,), business_date, engine)
    booked_in = _booking_date(business_date, engine)
    for path in sorted((get_settings().inbox / business_date.isoformat()).glob("*.fix")):
        counts += record_file(
            TRADES,
            _delivery(path, "FIX", business_date),
            partial(read_drop_copy, path, find_executions(engine)),
            booked_in,
            engine,
        )
    url = _front_office_url()
    if url:
        delivery = Delivery(f"front_office_trades {business_date}", "", "FODB", business_date)
        counts += record_file(TRADES, delivery, partial(pull_trades, url, business_date), booked_in, engine)
    counts += _record_csv_files((ALLOCATIONS,), business_date, engine)
    return counts.as_dict()


def _record_csv_files(contracts: tuple[Contract, ...], business_date: date, engine: sqlalchemy.Engine) -> Counts:
    counts = Counts()
    booked_in = _booking_date(business_date, engine)
    folder = get_settings().inbox / business_date.isoformat()
    for contract in contracts:
        for path in sorted((*folder.glob(f"{contract.kind}.csv"), *folder.glob(f"{contract.kind}_*.csv"))):
            counts += record_file(
                contract,
                _delivery(path, "CSV", business_date),
                partial(read_csv, path, contract),
                booked_in,
                engine,
            )
    return counts


def _booking_date(business_date: date, engine: sqlalchemy.Engine) -> date:
    """The date itself while it is open; what is found for a closed date is booked in the open one."""
    with engine.connect() as connection:
        is_closed = connection.scalar(text("select 1 from operations.day_closings where business_date = :day"), {"day": business_date})
    return (open_date(engine) if is_closed else None) or business_date


def _front_office_url() -> str | None:
    """The front-office database: the setting, Airflow's connection `front_office`, or a SQLite file beside the day folders."""
    settings = get_settings()
    given = settings.front_office_url or os.environ.get("AIRFLOW_CONN_FRONT_OFFICE")
    if given:
        return given
    sqlite = settings.inbox / "front_office.sqlite"
    if not sqlite.exists():
        return None
    # Opened to read only, so that a look at it never creates or locks it.
    address = sqlalchemy.URL.create("sqlite", database=f"file:{quote(str(sqlite))}", query={"mode": "ro", "uri": "true"})
    return address.render_as_string(hide_password=False)


def _delivery(path: Path, source_system: str, business_date: date) -> Delivery:
    body = path.read_bytes()
    return Delivery(path.name, hashlib.sha256(body).hexdigest(), source_system, business_date, len(body))


def _refuse_unknown_files(business_date: date, engine: sqlalchemy.Engine) -> Counts:
    counts = Counts()
    folder = get_settings().inbox / business_date.isoformat()
    for path in sorted(folder.glob("[!.]*")):
        if path.suffix.lower() in (".csv", ".fix") and path.is_file() and not _is_of_a_kind(path.name):
            delivery = _delivery(path, path.suffix[1:].upper(), business_date)
            counts += refuse_unknown_file(delivery, _booking_date(business_date, engine), engine)
    return counts


def _is_of_a_kind(name: str) -> bool:
    kinds = (name == f"{kind}.csv" or (name.startswith(f"{kind}_") and name.endswith(".csv")) for kind in CONTRACTS)
    return name.endswith(".fix") or any(kinds)
