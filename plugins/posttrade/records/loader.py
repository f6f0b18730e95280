"""Records files: COPY into a working table, set-based checks, good rows into the facts, bad ones into the exceptions.

One file is one transaction. Reading the same file again, or the same content under another name, adds nothing.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

import psycopg
import sqlalchemy
from psycopg import sql
from schwifty import BIC, IBAN
from schwifty.exceptions import SchwiftyException
from sqlalchemy import text
from stdnum import isin, lei

from posttrade.messages.contracts import NEEDED_BY_A_CANCELLATION, TRADES, CheckDigits, Column, Contract, ValueType
from posttrade.messages.rows import SEPARATOR, RefusedFile, Row, SourceFile

LOADING_LOCK = 7_405_040
COPIED_ROWS = 5_000


@dataclass
class Counts:
    """What became of the rows of one or more files."""

    recorded: int = 0
    known: int = 0
    rejected: int = 0
    refused: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    def as_dict(self) -> dict[str, int]:
        return {one.name: getattr(self, one.name) for one in fields(self)}


def record_file(
    contract: Contract, read: Callable[[], SourceFile], business_date: date, engine: sqlalchemy.Engine, refused_name: str = "",
    refused_sha: str = "",
) -> Counts:
    """Record one file.

    Args:
        contract: what its kind must carry.
        read: reads the file; raises `RefusedFile` if it must be refused whole.
        business_date: the open date, in which its facts are booked.
        engine: of the loader.
        refused_name: its name, for a file that cannot be read.
        refused_sha: the SHA-256 of its body, likewise.
    """
    with engine.begin() as connection:
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": LOADING_LOCK})
        try:
            source = read()
        except RefusedFile as refusal:
            return _record_refusal(connection, contract, refused_name, refused_sha, refusal.reason, business_date)
        file_id = f"{contract.kind}:{source.sha256[:32]}"
        if connection.scalar(text("select 1 from landing.files where file_id = :file_id"), {"file_id": file_id}):
            return Counts()
        driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
        return _record_rows(driver, contract, source, file_id, business_date)


def _record_refusal(
    connection: sqlalchemy.Connection, contract: Contract, name: str, sha256: str, reason: str, business_date: date
) -> Counts:
    recorded = connection.execute(
        text(
            "insert into landing.files (file_id, kind, source_system, file_name, sha256, byte_count, row_count, outcome, reason,"
            " business_date) values (:file_id, :kind, 'CSV', :name, :sha256, 0, 0, 'REFUSED', :reason, :business_date)"
            " on conflict (file_id) do nothing"
        ),
        {
            "file_id": f"{contract.kind}:{sha256[:32]}",
            "kind": contract.kind,
            "name": name,
            "sha256": sha256,
            "reason": reason,
            "business_date": business_date,
        },
    )
    return Counts(refused=recorded.rowcount)


def _record_rows(
    driver: psycopg.Connection[Any], contract: Contract, source: SourceFile, file_id: str, business_date: date
) -> Counts:
    cursor = driver.cursor()
    cursor.execute("drop table if exists pg_temp.arrived, pg_temp.parsed, pg_temp.judged")
    cursor.execute("create temp table arrived (line_no bigint, raw text, cells text, defect text) on commit drop")
    row_count = _copy(cursor, source.rows)
    settings = {"business_date": business_date, "source": source.source_system, "file_id": file_id}
    cursor.execute(_parse_statement(contract, source.columns), settings)
    cursor.execute("analyze pg_temp.parsed")
    cursor.execute(_judge_statement(cursor, contract), settings)
    cursor.execute(
        "insert into landing.files (file_id, kind, source_system, file_name, sha256, byte_count, row_count, outcome, business_date)"
        " values (%s, %s, %s, %s, %s, %s, %s, 'RECORDED', %s)",
        (file_id, contract.kind, source.source_system, source.file_name, source.sha256, source.byte_count, row_count, business_date),
    )
    if contract is TRADES:
        cursor.execute(
            "insert into landing.trade_rows (file_id, line_no, raw) select %(file_id)s, line_no, raw from pg_temp.judged"
            " where error is distinct from 'KNOWN'",
            settings,
        )
    cursor.execute(_insert_statement(contract), settings)
    recorded = cursor.rowcount
    rejected = _record_exceptions(cursor, contract, source, file_id, business_date)
    cursor.execute("select count(*) from pg_temp.judged where error = 'KNOWN'")
    found = cursor.fetchone()
    return Counts(recorded, found[0] if found else 0, rejected)


def _copy(cursor: psycopg.Cursor[Any], rows: Iterable[Row]) -> int:
    """COPY the rows; the control characters that delimit and quote cannot occur in them."""
    count = 0
    statement = "copy pg_temp.arrived from stdin (format csv, delimiter E'\\x02', quote E'\\x03', null '')"
    with cursor.copy(statement) as copy:
        chunk: list[str] = []
        for row in rows:
            chunk.append(f"{row.line_no}\x02{row.raw}\x02{row.cells}\x02{row.defect}\n")
            count += 1
            if len(chunk) == COPIED_ROWS:
                copy.write("".join(chunk))
                chunk.clear()
        copy.write("".join(chunk))
    return count


def _parse_statement(contract: Contract, columns: tuple[str, ...]) -> sql.Composed:
    """Split the cells into the contract's columns, still text; empty is null."""
    picked = []
    for column in contract.columns:
        position = columns.index(column.name) + 1 if column.name in columns else 0
        cell = sql.SQL("nullif(btrim(cell[{}]), '')").format(sql.Literal(position)) if position else sql.SQL("null::text")
        picked.append(sql.SQL("{} as {}").format(cell, sql.Identifier(column.name)))
    revision = (
        sql.SQL("coalesce(nullif(btrim(cell[{}]), ''), '1')").format(sql.Literal(columns.index("revision") + 1))
        if "revision" in columns
        else sql.SQL("'1'")
    )
    return sql.SQL(
        "create temp table parsed on commit drop as select line_no, raw, defect, cardinality(cell) = {} as is_complete, {} as revision,"
        " {} from (select line_no, raw, defect, string_to_array(cells, {}) as cell from pg_temp.arrived) as split"
    ).format(sql.Literal(len(columns)), revision, sql.SQL(", ").join(picked), sql.Literal(SEPARATOR))


def _judge_statement(cursor: psycopg.Cursor[Any], contract: Contract) -> sql.Composed:
    """Give each row its first error (`CODE` or `CODE:field`), and what identifies its content.

    The errors of form come first; the rows without any are then compared with each other and with what is on record.
    """
    form = [sql.SQL("when defect is not null then 'UNREADABLE'"), sql.SQL("when is_complete is not true then 'COLUMN_COUNT'")]
    for column in contract.columns:
        form += list(_form_errors(column, contract))
    if contract.is_restatable:
        form.append(sql.SQL("when revision !~ '^[1-9][0-9]{0,8}$' then 'NOT_A_NUMBER:revision'"))
    sound = []
    for column in contract.columns:
        sound += list(_meaning_errors(cursor, column))
    sound += list(_errors_across_columns(contract))
    content = [sql.SQL("coalesce({}, '')").format(_normal(column)) for column in contract.columns if column.name != "source_sequence"]
    return sql.SQL(
        """
create temp table judged on commit drop as
with formed as (
    select *, case {form} end as form_error from pg_temp.parsed
),
meant as (
    select *, coalesce(form_error, case when form_error is null then case {sound} end end) as own_error from formed
),
hashed as (
    select meant.*, case when own_error is null then md5(concat_ws('|', {content})) end as content_sha from meant
),
named as (
    select hashed.*, {key} as key_text from hashed
),
numbered as (
    select
        named.*,
        row_number() over (partition by key_text, revision, own_error is null order by line_no) as place,
        first_value(content_sha) over (partition by key_text, revision, own_error is null order by line_no) as first_sha
    from named
)
select
    numbered.*,
    case
        when own_error is not null then own_error
        when place > 1 and content_sha = first_sha then 'KNOWN'
        when place > 1 then 'CONFLICT'
        {on_record}
    end as error
from numbered
"""
    ).format(
        form=sql.SQL(" ").join(form),
        sound=sql.SQL(" ").join(sound) if sound else sql.SQL("when false then ''"),
        content=sql.SQL(", ").join(content),
        key=_key_text(contract),
        on_record=_compared_with_record(contract),
    )


def _form_errors(column: Column, contract: Contract) -> Iterator[sql.Composed]:
    name = sql.Identifier(column.name)
    if column.is_required:
        needed = sql.SQL("")
        if contract is TRADES and column.name not in NEEDED_BY_A_CANCELLATION:
            needed = sql.SQL(" and event_type is distinct from 'CANCEL'")
        yield sql.SQL("when {} is null{} then {}").format(name, needed, sql.Literal(f"MISSING:{column.name}"))
    if column.allowed:
        yield sql.SQL("when {} is not null and {} <> all({}) then {}").format(
            name, name, sql.Literal(list(column.allowed)), sql.Literal(f"NOT_ALLOWED:{column.name}")
        )
    if column.type is ValueType.TEXT:
        return
    pattern, code = {
        ValueType.DATE: (r"^\d{4}-\d{2}-\d{2}$", "NOT_A_DATE"),
        ValueType.TIMESTAMP: (r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d{1,6}\d*)?(Z|[+-]\d{2}(:?\d{2})?)$", "NOT_A_TIMESTAMP"),
        ValueType.INTEGER: (r"^[+-]?\d{1,18}$", "NOT_A_NUMBER"),
        ValueType.QUANTITY: (r"^[+-]?\d{1,18}(\.\d{1,10}0*)?$", "NOT_A_NUMBER"),
        ValueType.AMOUNT: (r"^[+-]?\d{1,20}(\.\d{1,4}0*)?$", "NOT_A_NUMBER"),
        ValueType.RATE: (r"^[+-]?\d{1,16}(\.\d{1,12}0*)?$", "NOT_A_NUMBER"),
    }[column.type]
    yield sql.SQL("when {} is not null and ({} !~ {} or not pg_input_is_valid({}, {})) then {}").format(
        name, name, sql.Literal(pattern), name, sql.Literal(column.type.value), sql.Literal(f"{code}:{column.name}")
    )


def _meaning_errors(cursor: psycopg.Cursor[Any], column: Column) -> Iterator[sql.Composed]:
    name = sql.Identifier(column.name)
    if column.is_positive:
        yield sql.SQL("when {}::{} <= 0 then {}").format(name, sql.SQL(column.type.value), sql.Literal(f"NOT_POSITIVE:{column.name}"))
    if column.refers_to:
        schema, table, key = column.refers_to.split(".")
        yield sql.SQL("when {} is not null and {} not in (select {} from {}) then {}").format(
            name, name, sql.Identifier(key), sql.Identifier(schema, table), sql.Literal(f"UNKNOWN_REFERENCE:{column.name}")
        )
    if column.check_digits:
        cursor.execute(sql.SQL("select distinct {} from pg_temp.parsed where {} is not null").format(name, name))
        wrong = [value for (value,) in cursor.fetchall() if not has_valid_check_digits(value, column.check_digits)]
        if wrong:
            yield sql.SQL("when {} = any({}) then {}").format(name, sql.Literal(wrong), sql.Literal(f"CHECK_DIGITS:{column.name}"))


def has_valid_check_digits(value: str, kind: CheckDigits) -> bool:
    """Whether an identifier proves itself: ISIN (ISO 6166), LEI (ISO 17442), BIC (ISO 9362), IBAN (ISO 13616)."""
    if kind is CheckDigits.ISIN:
        return bool(isin.is_valid(value))
    if kind is CheckDigits.LEI:
        return bool(lei.is_valid(value))
    try:
        if kind is CheckDigits.BIC:
            BIC(value)
        else:
            IBAN(value)
    except SchwiftyException:
        return False
    return True


def _errors_across_columns(contract: Contract) -> Iterator[sql.Composed]:
    checks: tuple[tuple[str, str], ...] = ()
    if contract is TRADES:
        checks = (
            (
                "event_type <> 'CANCEL' and (instrument_id, currency_code) not in (select instrument_id, currency_code from books.instruments)",
                "OTHER_CURRENCY:currency_code",
            ),
            ("event_type = 'NEW' and version <> '1'", "WRONG_VERSION:version"),
            ("event_type <> 'NEW' and version = '1'", "WRONG_VERSION:version"),
            ("event_type <> 'NEW' and trade_id is null", "MISSING:trade_id"),
            ("settlement_date::date < trade_date::date", "BEFORE_TRADE_DATE:settlement_date"),
            ("trade_date::date > %(business_date)s", "IN_THE_FUTURE:trade_date"),
        )
    elif contract.kind == "instruments":
        checks = (
            ("product_line = 'bond_fixed' and coupon_rate is null", "MISSING:coupon_rate"),
            ("product_line = 'bond_fixed' and coupon_frequency is null", "MISSING:coupon_frequency"),
            ("product_line = 'bond_fixed' and day_count is null", "MISSING:day_count"),
            ("product_line = 'bond_fixed' and issue_date is null", "MISSING:issue_date"),
            ("product_line = 'bond_fixed' and maturity_date is null", "MISSING:maturity_date"),
        )
    elif contract.kind == "corporate_actions":
        checks = (("pay_date::date < ex_date::date", "BEFORE_EX_DATE:pay_date"),)
    elif contract.kind == "withholding_rates":
        checks = (("rate::numeric < 0 or rate::numeric >= 1", "OUT_OF_RANGE:rate"),)
    for condition, error in checks:
        yield sql.SQL("when {} then {}").format(sql.SQL(condition), sql.Literal(error))  # type: ignore[arg-type]


def _normal(column: Column) -> sql.Composed:
    """The text that is the same for the same value: 1.50 and 1.5, 09:00+01:00 and 08:00Z."""
    name = sql.Identifier(column.name)
    if column.type in (ValueType.QUANTITY, ValueType.AMOUNT, ValueType.RATE, ValueType.INTEGER):
        return sql.SQL("trim_scale({}::numeric)::text").format(name)
    if column.type is ValueType.TIMESTAMP:
        return sql.SQL("(({}::timestamptz) at time zone 'UTC')::text").format(name)
    return sql.SQL("{}").format(name)


def _key_text(contract: Contract) -> sql.Composable:
    if contract is TRADES:
        # A fill without an id is named by its content and its place among equal ones of the file.
        return sql.SQL(
            "case when own_error is not null then line_no::text else %(source)s || '~' || coalesce(trade_id, '#' || content_sha || '-' ||"
            " row_number() over (partition by content_sha, trade_id is null order by line_no)) || '|' || version::bigint end"
        )
    parts = sql.SQL(" || '|' || ").join(_normal(contract.column(name)) for name in contract.key)
    return sql.SQL("case when own_error is not null then line_no::text else {} end").format(parts)


def _compared_with_record(contract: Contract) -> sql.Composable:
    table = sql.SQL(contract.table)  # type: ignore[arg-type]
    if contract is TRADES:
        return sql.SQL(
            "else (select case when recorded.content_sha = numbered.content_sha then 'KNOWN' else 'CONFLICT' end"
            " from books.trade_versions as recorded where recorded.trade_id = regexp_replace(key_text, '[|][0-9]+$', '')"
            " and recorded.version = numbered.version::integer)"
        )
    key_of_record = sql.SQL(" and ").join(
        sql.SQL("recorded.{0} = numbered.{0}::{1}").format(sql.Identifier(name), sql.SQL(contract.column(name).type.value))
        for name in contract.key
    )
    if not contract.is_restatable:
        return sql.SQL(
            "else (select case when recorded.content_sha = numbered.content_sha then 'KNOWN' else 'CONFLICT' end from {} as recorded where {})"
        ).format(table, key_of_record)
    return sql.SQL(
        """
        when (
            select recorded.content_sha from {table} as recorded where {key} and recorded.business_date <= %(business_date)s
            order by recorded.business_date desc, recorded.revision desc limit 1
        ) = content_sha then 'KNOWN'
        when exists (
            select from {table} as recorded where {key} and recorded.business_date = %(business_date)s
                and recorded.revision = numbered.revision::integer
        ) then 'CONFLICT'
        """
    ).format(table=table, key=key_of_record)


def _insert_statement(contract: Contract) -> sql.Composed:
    if contract is TRADES:
        return sql.SQL(
            """
            insert into books.trade_versions (trade_id, version, event_type, source_system, execution_id, book_id, account_id, trader_id,
                counterparty_id, instrument_id, trade_date, executed_at, source_sequence, settlement_date, quantity, price, currency_code,
                fee_amount, content_sha, business_date, file_id, line_no)
            select regexp_replace(key_text, '[|][0-9]+$', ''), version::integer, event_type, %(source)s, execution_id, book_id, account_id,
                trader_id, counterparty_id, instrument_id, trade_date::date, executed_at::timestamptz, source_sequence::bigint,
                settlement_date::date, case side when 'SELL' then -quantity::numeric else quantity::numeric end, price::numeric,
                currency_code, fee_amount::numeric, content_sha, %(business_date)s, %(file_id)s, line_no
            from pg_temp.judged where error is null
            """
        )
    names = [column.name for column in contract.columns]
    values = [
        sql.SQL("{}::{}").format(sql.Identifier(column.name), sql.SQL(column.type.value)) for column in contract.columns
    ]
    revision = (", revision", ", revision::integer") if contract.is_restatable else ("", "")
    return sql.SQL(
        "insert into {table} ({names}{revision}, content_sha, business_date, file_id, line_no)"
        " select {values}{revision_value}, content_sha, %(business_date)s, %(file_id)s, line_no from pg_temp.judged where error is null"
    ).format(
        table=sql.SQL(contract.table),  # type: ignore[arg-type]
        names=sql.SQL(", ").join(map(sql.Identifier, names)),
        values=sql.SQL(", ").join(values),
        revision=sql.SQL(revision[0]),  # type: ignore[arg-type]
        revision_value=sql.SQL(revision[1]),  # type: ignore[arg-type]
    )


_SENTENCES = {
    "UNREADABLE": ("{defect}", "Have the sender send the message again."),
    "COLUMN_COUNT": ("the line does not have as many cells as the header has columns", "Add or remove cells, then replay the row."),
    "MISSING": ("{field} is missing", "Fill it in, then replay the row."),
    "NOT_ALLOWED": ("{field} is {value!r}, which is not one of {allowed}", "Correct it, then replay the row."),
    "NOT_A_DATE": ("{field} is {value!r}, which is no date of the form 2026-01-31", "Correct it, then replay the row."),
    "NOT_A_TIMESTAMP": (
        "{field} is {value!r}, which is no moment with its offset such as 2026-01-31T09:30:00+01:00", "Correct it, then replay the row."),
    "NOT_A_NUMBER": ("{field} is {value!r}, which is no number that fits the column", "Correct it, then replay the row."),
    "NOT_POSITIVE": ("{field} is {value}, and must be more than zero", "Correct it, then replay the row."),
    "OUT_OF_RANGE": ("{field} is {value}, and must be at least 0 and less than 1", "Correct it, then replay the row."),
    "UNKNOWN_REFERENCE": ("{field} is {value!r}, which is not on record", "Record it first, then replay the row unchanged."),
    "CHECK_DIGITS": ("{field} is {value!r}, whose check digits do not hold", "Correct it, then replay the row."),
    "OTHER_CURRENCY": ("{field} is {value!r}, which is not the instrument's currency", "Correct it, then replay the row."),
    "WRONG_VERSION": (
        "version {value} does not go with the event: NEW is version 1, AMEND and CANCEL count up from 2", "Correct it, then replay the row."),
    "BEFORE_TRADE_DATE": ("{field} {value} lies before the trade date", "Correct it, then replay the row."),
    "BEFORE_EX_DATE": ("{field} {value} lies before the ex date", "Correct it, then replay the row."),
    "IN_THE_FUTURE": ("{field} {value} lies after the business date", "Correct it, or send the row again on its day."),
    "CONFLICT": (
        "the key is on record with other content", "If the new content is right, send it as a new version or with a higher revision."),
}  # fmt: skip


def _record_exceptions(
    cursor: psycopg.Cursor[Any], contract: Contract, source: SourceFile, file_id: str, business_date: date
) -> int:
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in contract.columns)
    cursor.execute(
        sql.SQL(
            "select line_no, raw, error, defect, {} from pg_temp.judged where error is not null and error <> 'KNOWN' order by line_no"
        ).format(names)
    )
    values_by_row = cursor.fetchall()
    rows = []
    for line_no, raw, error, defect, *cells in values_by_row:
        code, _, field = error.partition(":")
        value = dict(zip((column.name for column in contract.columns), cells, strict=True)).get(field)
        allowed = ", ".join(contract.column(field).allowed) if code == "NOT_ALLOWED" else ""
        reason, remedy = _SENTENCES[code]
        sentence = reason.format(field=field, value=value, allowed=allowed, defect=defect)
        rows.append(
            (file_id, str(line_no), code, file_id, contract.kind, source.source_system, source.file_name, line_no, code, field or None,
             value, f"{source.file_name}, line {line_no}: {sentence}.", remedy, raw, business_date)
        )  # fmt: skip
    cursor.executemany(
        "insert into operations.exceptions (exception_id, file_id, kind, source_system, file_name, line_no, reason_code, field, value,"
        " reason, remedy, raw, business_date) values (md5(%s || '|' || %s || '|' || %s), %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
        " on conflict (exception_id) do nothing",
        rows,
    )
    return len(rows)
