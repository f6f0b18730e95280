"""Airflow connections for the offices, which do not know Airflow: they find the address in the environment."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowFailException, AirflowNotFoundException

from posttrade.settings import get_settings

FRONT_OFFICE = "front_office"
VARIABLE = "AIRFLOW_CONN_FRONT_OFFICE"


@contextmanager
def front_office_connection() -> Iterator[None]:
    """Hand over the connection `front_office` of Airflow's own store for the block; setting and environment win.

    Raises:
        AirflowFailException: the connection is of a type that is no database.
    """
    if get_settings().front_office_url or VARIABLE in os.environ:
        yield
        return
    address = _stored_address()
    if address is None:
        yield
        return
    os.environ[VARIABLE] = address
    try:
        yield
    finally:
        del os.environ[VARIABLE]


def _stored_address() -> str | None:
    try:
        connection = Connection.get(FRONT_OFFICE)
    except AirflowNotFoundException:
        return None
    hook = connection.get_hook()
    if not hasattr(hook, "sqlalchemy_url"):
        raise AirflowFailException(
            f"The Airflow connection {FRONT_OFFICE!r} is of type {connection.conn_type!r}, which is no database. "
            "Use one of type Postgres, or set POSTTRADE_FRONT_OFFICE_URL."
        )
    return str(hook.sqlalchemy_url.render_as_string(hide_password=False))
