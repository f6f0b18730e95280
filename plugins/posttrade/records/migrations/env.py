"""Alembic's entry: runs the revisions on the connection that records/migrate.py hands over."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, transaction_per_migration=False, version_table_schema="public")
with context.begin_transaction():
    context.run_migrations()
