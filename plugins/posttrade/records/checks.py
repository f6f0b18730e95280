"""The set-based checks: SQL that splits the rows of a file, judges them and inserts the good ones."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import psycopg
from psycopg import sql
from schwifty import BIC, IBAN
from schwifty.exceptions import SchwiftyException
from stdnum import isin, lei

from posttrade.messages.contracts import NEEDED_BY_A_CANCELLATION, TRADES, CheckDigits, Column, Contract, ValueType
from posttrade.messages.rows import SEPARATOR
from posttrade.records.facts_known import ALLOCATION_ACCOUNTS_KNOWN, NAMED_WITH_SOURCE
from posttrade.records.rules import ERRORS_BY_ITSELF, ERRORS_BY_RECORD

LONGEST_TEXT = 250
"""Characters; a key longer than an index entry would stop its whole file."""


def parse_statement(contract: Contract, columns: tuple[str, ...]) -> sql.Composed:
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
    if "announcement_no" in columns:
        # a numbered announcement is the revision of its number
        number = sql.Literal(columns.index("announcement_no") + 1)
        revision = sql.SQL("coalesce(nullif(btrim(cell[{}]), ''), {})").format(number, revision)
    return sql.SQL(
        "create temp table parsed on commit drop as select line_no, raw, {} as shown, defect, cardinality(cell) = {} as is_complete,"
        " {} as revision, {} from (select line_no, raw, defect, string_to_array(cells, {}) as cell from pg_temp.arrived) as split"
    ).format(
        _in_order_of_contract(contract, columns),
        sql.Literal(len(columns)),
        revision,
        sql.SQL(", ").join(picked),
        sql.Literal(SEPARATOR),
    )


def _in_order_of_contract(contract: Contract, columns: tuple[str, ...]) -> sql.Composable:
    """The line as it arrived; where the file has an order of its own, the line as the contract orders it, to be replayed."""
    if columns in contract.orders or (columns[:-1] in contract.orders and columns[-1] == "revision"):
        return sql.SQL("raw")
    expected, _ = contract.orders
    ordered = (*expected, "revision") if "revision" in columns else expected
    cells = [
        sql.SQL("""case when cell[{0}] ~ '[",]' then '"' || replace(cell[{0}], '"', '""') || '"' else cell[{0}] end""").format(
            sql.Literal(columns.index(name) + 1)
        )
        if name in columns
        else sql.SQL("''")
        for name in ordered
    ]
    return sql.SQL("case when defect is null and cardinality(cell) = {} then concat_ws(',', {}) else raw end").format(
        sql.Literal(len(columns)), sql.SQL(", ").join(cells)
    )


_TOLD_OF = """
with told_before as (
    select instrument_id, valid_from::text as valid_from, told_of from books.open_deal_terms where business_date <= %(business_date)s
    union
    select instrument_id, valid_from, case deal_state when 'RUNNING' then 'RATE' else 'END' end
    from pg_temp.parsed
    where deal_state in ('RUNNING', 'TERMINATED') and instrument_id is not null and valid_from is not null
)
update pg_temp.parsed as told set told_of = case
    when told.deal_state = 'RUNNING' then 'RATE'
    when told.deal_state = 'WITHDRAWN' and (told.instrument_id, told.valid_from, 'RATE') in (select * from told_before)
        and (told.instrument_id, told.valid_from, 'END') not in (select * from told_before) then 'RATE'
    else 'END'
end
where told.told_of is null
"""

COMPLETED = {"open_deal_terms": _TOLD_OF}
"""By kind of file: fills the empty cells of `pg_temp.parsed` that follow from the others and from what is on record."""


def judge_statement(cursor: psycopg.Cursor[Any], contract: Contract) -> sql.Composed:
    """Give each row its first error (`CODE` or `CODE:field`), and what identifies its content.

    The errors of form come first; the rows without any are then compared with each other and with what is on record.
    """
    form: list[sql.Composable] = [
        sql.SQL("when defect is not null then 'UNREADABLE'"),
        sql.SQL("when is_complete is not true then 'COLUMN_COUNT'"),
    ]
    for column in contract.columns:
        form += list(_form_errors(column, contract))
    if contract.is_restatable:
        form.append(sql.SQL("when revision !~ '^[1-9][0-9]{0,8}$' then 'NOT_A_NUMBER:revision'"))
    meaning: list[sql.Composable] = []
    for column in contract.columns:
        meaning += list(_meaning_errors(cursor, column))
    meaning += _cases(ERRORS_BY_ITSELF.get(contract.kind, ()))
    against_record: list[sql.Composable] = [one for column in contract.columns for one in _reference_errors(column)]
    against_record += _cases(ERRORS_BY_RECORD.get(contract.kind, ()))
    # What names a trade is no content: two fills without an id are told apart by their content, and a FIX event keeps its
    # content when the trade it belongs to becomes known.
    left_out = {"source_sequence", *contract.key} if contract is TRADES else set()
    # An empty cell of a column that may be left out is left out of the content: what was recorded before the column came stays equal.
    content = [
        sql.SQL("{} || {}").format(sql.Literal(f"{column.name}="), _normal(column))
        if column.may_be_left_out
        else sql.SQL("coalesce({}, '')").format(_normal(column))
        for column in contract.columns
        if column.name not in left_out
    ]
    return sql.SQL(
        """
create temp table judged on commit drop as
with formed as materialized (
    select *, case {form} end as form_error from pg_temp.parsed
),
meant as materialized (
    select
        *,
        coalesce(form_error, case when form_error is null then case {meaning} end end) as own_error,
        case when form_error is null then case {against_record} end end as error_by_record
    from formed
),
hashed as materialized (
    select meant.*, case when own_error is null then md5(concat_ws({separator}, {content})) collate "C" end as content_sha from meant
),
named as materialized (
    select hashed.*, ({key}) collate "C" as key_text from hashed
),
ordered as (
    select named.*{order} from named
),
compared as (
    select ordered.*, case when own_error is not null then null {on_record} end as standing from ordered
),
-- What is on record as it stands is known, whatever was told since of what it names.
refused as (
    select
        compared.*,
        case
            when own_error is not null then own_error
            when error_by_record is not null and standing is distinct from 'KNOWN' then coalesce(standing, error_by_record)
        end as row_error
    from compared
),
numbered as (
    select
        refused.*,
        row_number() over (partition by key_text, revision, row_error is null order by line_no) as place,
        first_value(content_sha) over (partition by key_text, revision, row_error is null order by line_no) as first_sha
    from refused
)
select
    numbered.*,
    case
        when row_error is not null then row_error
        when place > 1 and content_sha = first_sha then 'KNOWN'
        when place > 1 then 'CONFLICT'
        else standing
    end as error
from numbered
"""
    ).format(
        form=sql.SQL(" ").join(form),
        meaning=sql.SQL(" ").join(meaning) if meaning else sql.SQL("when false then ''"),
        against_record=sql.SQL(" ").join(against_record) if against_record else sql.SQL("when false then ''"),
        content=sql.SQL(", ").join(content),
        separator=sql.Literal(SEPARATOR),
        order=sql.SQL(_ORDER_OF_KEY if contract.is_restatable else ""),
        key=_key_text(contract),
        on_record=_compared_with_record(contract),
    )


# A row comes first of its key among those that nothing on record speaks against; one that something does, among all.
_ORDER_OF_KEY = """,
    case
        when own_error is not null then true
        when error_by_record is not null then rank() over (partition by key_text, own_error is null order by {revision}) = 1
        else rank() over (partition by key_text, own_error is null, error_by_record is null order by {revision}) = 1
    end as is_first_of_key""".format(revision="case when own_error is null then revision::integer end")


def _cases(checks: Iterable[tuple[str, str]]) -> list[sql.Composable]:
    return [sql.SQL("when {} then {}").format(sql.SQL(condition), sql.Literal(error)) for condition, error in checks]


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
        yield sql.SQL("when length({}) > {} then {}").format(name, sql.Literal(LONGEST_TEXT), sql.Literal(f"TOO_LONG:{column.name}"))
        return
    pattern, code = _form(column.type)
    yield sql.SQL("when {} is not null and ({} !~ {} or not pg_input_is_valid({}, {})) then {}").format(
        name, name, sql.Literal(pattern), name, sql.Literal(column.type.value), sql.Literal(f"{code}:{column.name}")
    )


def _form(value_type: ValueType) -> tuple[str, str]:
    """What a text of that type looks like, and the reason code of one that does not."""
    if value_type is ValueType.DATE:
        return r"^\d{4}-\d{2}-\d{2}$", "NOT_A_DATE"
    if value_type is ValueType.TIMESTAMP:
        return r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}(:?\d{2})?)$", "NOT_A_TIMESTAMP"
    decimals = re.fullmatch(r"numeric\((\d+),(\d+)\)", value_type.value)
    if decimals is None:
        return r"^[+-]?\d{1,18}$", "NOT_A_NUMBER"
    digits, scale = int(decimals[1]), int(decimals[2])
    # More decimals than the column holds would be rounded in silence.
    return rf"^[+-]?\d{{1,{digits - scale}}}(\.\d{{1,{scale}}}0*)?$", "NOT_A_NUMBER"


def _meaning_errors(cursor: psycopg.Cursor[Any], column: Column) -> Iterator[sql.Composed]:
    """What the row alone shows; what it means by what is on record is asked by `_reference_errors` and `ERRORS_BY_RECORD`."""
    name = sql.Identifier(column.name)
    if column.is_positive:
        yield sql.SQL("when {}::{} <= 0 then {}").format(name, sql.SQL(column.type.value), sql.Literal(f"NOT_POSITIVE:{column.name}"))
    if column.check_digits:
        cursor.execute(sql.SQL("select distinct {} from pg_temp.parsed where {} is not null").format(name, name))
        wrong = [value for (value,) in cursor.fetchall() if not has_valid_check_digits(value, column.check_digits)]
        if wrong:
            yield sql.SQL("when {} = any({}) then {}").format(name, sql.Literal(wrong), sql.Literal(f"CHECK_DIGITS:{column.name}"))


def _reference_errors(column: Column) -> Iterator[sql.Composed]:
    name = sql.Identifier(column.name)
    if column.refers_to:
        schema, table, key = column.refers_to.split(".")
        # Reference data is small and read once into a hash; instructions are many and looked up by their key.
        known = "{name} in (select {key} from {table})" if schema == "books" else (
            "exists (select from {table} as referred where referred.{key} = formed.{name})"
        )  # fmt: skip
        yield sql.SQL("when {name} is not null and not " + known + " then {error}").format(
            name=name,
            key=sql.Identifier(key),
            table=sql.Identifier(schema, table),
            error=sql.Literal(f"UNKNOWN_REFERENCE:{column.name}"),
        )


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


def _normal(column: Column) -> sql.Composable:
    """The text that is the same for the same value: 1.50 and 1.5, 09:00+01:00 and 08:00Z."""
    name = sql.Identifier(column.name)
    if column.type not in (ValueType.TEXT, ValueType.DATE, ValueType.TIMESTAMP):
        return sql.SQL("trim_scale({}::numeric)::text").format(name)
    if column.type is ValueType.TIMESTAMP:
        return sql.SQL("to_char({}::timestamptz at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')").format(name)
    return name


def _key_text(contract: Contract) -> sql.Composable:
    if contract is TRADES:
        # A fill without an id is named by its content, the source's sequence number if it gives one, and its place among
        # equal ones of the file.
        fill = sql.SQL(
            "case when own_error is not null then null when source_sequence is null then content_sha"
            " else md5(content_sha || '|' || source_sequence::bigint) end"
        )
        return sql.SQL(
            "case when own_error is not null then line_no::text else %(source)s || '~' || coalesce(trade_id, '#' || {fill} || '-' ||"
            " row_number() over (partition by {fill}, trade_id is null order by line_no)) || '|' || version::bigint end"
        ).format(fill=fill)
    parts = sql.SQL(" || '|' || ").join(_normal(contract.column(name)) for name in contract.key)
    return sql.SQL("case when own_error is not null then line_no::text else {} end").format(parts)


def _compared_with_record(contract: Contract) -> sql.Composable:
    table = sql.SQL(contract.table)
    if contract is TRADES:
        # The keys are sorted by byte; the index that finds a trade is in the database's own order, and is used only for a key in it.
        return sql.SQL(
            "when trade_id like '%%/%%' and exists (select from books.trade_versions as allocated"
            " where allocated.trade_id = regexp_replace(key_text, '[|][0-9]+$', '') collate \"default\""
            " and allocated.block_trade_id is not null) then 'ALLOCATED:trade_id'"
            " else (select case when recorded.content_sha = ordered.content_sha then 'KNOWN' else 'CONFLICT' end"
            " from books.trade_versions as recorded"
            " where recorded.trade_id = regexp_replace(key_text, '[|][0-9]+$', '') collate \"default\""
            " and recorded.version = ordered.version::integer)"
        )
    key_of_record = sql.SQL(" and ").join(
        sql.SQL("recorded.{0} = ordered.{0}::{1}").format(sql.Identifier(name), sql.SQL(contract.column(name).type.value))
        for name in contract.key
    )
    if not contract.is_restatable:
        return sql.SQL(
            "else (select case when recorded.content_sha = ordered.content_sha then 'KNOWN' else 'CONFLICT' end"
            " from {} as recorded where {})"
        ).format(table, key_of_record)
    numbers = sql.SQL(_ANNOUNCEMENTS_NUMBERED if contract.kind == "corporate_actions" else "")
    # A row that restates its key after another of the same file is compared with that one, not with the record. What comes
    # late for a closed date adds nothing if it is what that date knows. A revision after the first is what holds even where a former
    # date says so already: a revision between the two may be on its way, or may have come late before it. It does not undo what a date
    # after its own has told by then, in the first place.
    return sql.SQL(
        """
        {numbers}
        else coalesce(
            case
                when is_first_of_key and %(delivered_for)s < %(business_date)s
                and ordered.content_sha = (select recorded.content_sha {last_told_by_its_date})
                and (
                    ordered.revision::integer = 1
                    or (select recorded.business_date > %(delivered_for)s and recorded.revision = 1 {last_told})
                ) then 'KNOWN'
            end,
            (
                select 'KNOWN' from {table} as recorded
                where {key} and recorded.business_date between %(delivered_for)s and %(business_date)s and ordered.revision::integer > 1
                    and recorded.revision = ordered.revision::integer and recorded.content_sha = ordered.content_sha
                limit 1
            ),
            (
                select case when recorded.content_sha = ordered.content_sha then 'KNOWN' else 'CONFLICT' end
                from {table} as recorded
                where {key} and recorded.business_date = %(business_date)s and recorded.revision = ordered.revision::integer
            ),
            case
                when ordered.revision::integer = 1 and is_first_of_key
                and ordered.content_sha = (select recorded.content_sha {last_told}) then 'KNOWN'
            end
        )
        """
    ).format(
        table=table,
        key=key_of_record,
        numbers=numbers,
        last_told=_LAST_TOLD.format(table=table, key=key_of_record, day=sql.SQL("%(business_date)s")),
        last_told_by_its_date=_LAST_TOLD.format(table=table, key=key_of_record, day=sql.SQL("%(delivered_for)s")),
    )


_LAST_TOLD = sql.SQL(
    "from {table} as recorded where {key} and recorded.business_date <= {day}"
    " order by recorded.business_date desc, recorded.revision desc limit 1"
)

# An announcement with a number is compared with that number, whenever it came; once an event is numbered, all its messages must be.
_ANNOUNCEMENTS_NUMBERED = """
        when announcement_no is not null then coalesce(
            (
                select case when recorded.content_sha = ordered.content_sha then 'KNOWN' else 'CONFLICT' end
                from books.corporate_actions as recorded
                where recorded.event_id = ordered.event_id and recorded.announcement_no = ordered.announcement_no::integer
            ),
            (
                select 'CONFLICT'
                from books.corporate_actions as recorded
                where recorded.event_id = ordered.event_id and recorded.business_date = %(business_date)s
                    and recorded.revision = ordered.revision::integer
            )
        )
        when exists (
            select from books.corporate_actions as recorded
            where recorded.event_id = ordered.event_id and recorded.announcement_no is not null
        ) then 'MISSING:announcement_no'
"""


def insert_statement(contract: Contract) -> sql.SQL | sql.Composed:
    if contract is TRADES:
        return sql.SQL(
            """
            insert into books.trade_versions (trade_id, version, event_type, source_system, execution_id, book_id, account_id, trader_id,
                counterparty_id, instrument_id, trade_date, executed_at, source_sequence, settlement_date, quantity, price, currency_code,
                fee_amount, fx_rate, closes_trade_id, is_block, content_sha, business_date, file_id, line_no)
            select regexp_replace(key_text, '[|][0-9]+$', ''), version::integer, event_type, %(source)s, execution_id, book_id, account_id,
                trader_id, counterparty_id, instrument_id, trade_date::date, executed_at::timestamptz, source_sequence::bigint,
                settlement_date::date, case side when 'SELL' then -quantity::numeric else quantity::numeric end, price::numeric,
                currency_code, fee_amount::numeric, fx_rate::numeric,
                case when closes_trade_id !~ {named_with_source} then %(source)s || '~' else '' end || closes_trade_id,
                event_type <> 'CANCEL' and coalesce(account_id in ({blocks}), false), content_sha, %(business_date)s, %(file_id)s, line_no
            from pg_temp.judged where error is null
            """
        ).format(blocks=sql.SQL(ALLOCATION_ACCOUNTS_KNOWN), named_with_source=sql.Literal(NAMED_WITH_SOURCE))
    names = [column.name for column in contract.columns]
    values = [sql.SQL("{}::{}").format(sql.Identifier(column.name), sql.SQL(column.type.value)) for column in contract.columns]
    revision = (", revision", ", revision::integer") if contract.is_restatable else ("", "")
    return sql.SQL(
        "insert into {table} ({names}{revision}, content_sha, business_date, file_id, line_no)"
        " select {values}{revision_value}, content_sha, %(business_date)s, %(file_id)s, line_no from pg_temp.judged where error is null"
    ).format(
        table=sql.SQL(contract.table),
        names=sql.SQL(", ").join(map(sql.Identifier, names)),
        values=sql.SQL(", ").join(values),
        revision=sql.SQL(revision[0]),
        revision_value=sql.SQL(revision[1]),
    )
