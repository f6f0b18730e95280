"""Runs one SQL file of a revision."""

from pathlib import Path

from alembic import op


def run_sql_file(name: str) -> None:
    """Run `sql/<name>` as one script on the migration's connection."""
    script = (Path(__file__).parent / "sql" / name).read_text()
    # The driver's own cursor: SQLAlchemy would read colons in the script as parameters.
    driver = op.get_bind().connection.driver_connection
    if driver is None:
        raise RuntimeError("the migration has no open connection")
    driver.execute(script)
