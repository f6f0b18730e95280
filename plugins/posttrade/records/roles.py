"""Who may do what. Grants are stated here in full and applied at every migration."""

import sqlalchemy
from sqlalchemy import text

from posttrade.records.database import Role
from posttrade.secrets import secret

FACT_SCHEMAS = ("landing", "books", "ledger", "operations")
DERIVED_SCHEMAS = ("staging", "intermediate", "marts")
READERS_OF_FACTS = (Role.LOADER, Role.TRANSFORMER, Role.POSTER, Role.OPERATOR, Role.AUDITOR)
READERS_OF_DERIVATIONS = (Role.LOADER, Role.POSTER, Role.OPERATOR, Role.AUDITOR)
LOADED_IN_OPERATIONS = ("exceptions", "exception_resolutions", "settlement_statuses", "book_states")


def create_roles(connection: sqlalchemy.Connection) -> None:
    """Create the roles that are missing and set their passwords to those of the secrets file."""
    for role in Role:
        known = connection.execute(text("select 1 from pg_roles where rolname = :name"), {"name": role}).first()
        if not known:
            connection.execute(text(f"create role {role} nologin"))
        connection.execute(text(f"grant {role} to current_user"))
        if role is not Role.OWNER:
            # A utility statement takes no parameters: quote the password with the server's own function.
            password = connection.scalar(text("select quote_literal(:password)"), {"password": secret(role)})
            connection.execute(text(f"alter role {role} login password {str(password).replace(':', chr(92) + ':')}"))


def grant_all(connection: sqlalchemy.Connection) -> None:
    """Apply the grants: read where a role needs to read, insert where it records, create only for dbt's own schemas."""
    database = connection.scalar(text("select quote_ident(current_database())"))
    statements = [
        f"revoke all on database {database} from public",
        "revoke create on schema public from public",
        *(f"grant connect on database {database} to {role}" for role in Role if role is not Role.AIRFLOW),
        f"grant temporary on database {database} to {Role.LOADER}, {Role.TRANSFORMER}, {Role.POSTER}, {Role.OPERATOR}",
        *(f"create schema if not exists {schema} authorization {Role.TRANSFORMER}" for schema in DERIVED_SCHEMAS),
    ]
    for schema in FACT_SCHEMAS:
        readers = ", ".join(READERS_OF_FACTS)
        statements += [
            f"grant usage on schema {schema} to {readers}",
            f"grant select on all tables in schema {schema} to {readers}",
        ]
    for schema in DERIVED_SCHEMAS:
        readers = ", ".join(READERS_OF_DERIVATIONS + ((Role.ANALYST,) if schema == "marts" else ()))
        statements += [
            f"grant usage on schema {schema} to {readers}",
            f"grant select on all tables in schema {schema} to {readers}",
            f"alter default privileges for role {Role.TRANSFORMER} in schema {schema} grant select on tables to {readers}",
        ]
    statements += [
        f"grant insert on all tables in schema landing, books to {Role.LOADER}",
        # what the calendar says now of days that nothing was booked in
        f"grant delete, update (previous_business_date, next_business_date, known_at) on books.business_days to {Role.LOADER}",
        *(f"grant insert on operations.{table} to {Role.LOADER}" for table in LOADED_IN_OPERATIONS),
        f"grant insert on operations.book_states to {Role.TRANSFORMER}",
        f"grant insert on all tables in schema ledger to {Role.POSTER}",
        f"grant insert on all tables in schema operations to {Role.OPERATOR}",
        f"grant insert on ledger.period_closings to {Role.OPERATOR}",
        f"revoke insert on ledger.period_closings from {Role.POSTER}",
        f"revoke insert on operations.settlement_statuses from {Role.OPERATOR}",
        f"alter role {Role.ANALYST} set default_transaction_read_only = on",
        f"alter role {Role.ANALYST} set search_path = marts",
        f"alter role {Role.AUDITOR} set default_transaction_read_only = on",
    ]
    for statement in statements:
        connection.execute(text(statement))
