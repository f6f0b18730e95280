"""${message}"""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "${up_revision}"
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    run_sql_file("${up_revision}_${message}.sql")
