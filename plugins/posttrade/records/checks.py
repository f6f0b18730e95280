"""The set-based checks: SQL that splits the rows of a file, judges them and inserts the good ones."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import psycopg
from psycopg import sql
from schwifty import BIC, IBAN
from schwifty.exceptions import SchwiftyException
from stdnum import isin, lei

from posttrade.domain.stated_bonds import Interest
from posttrade.messages.contracts import NEEDED_BY_A_CANCELLATION, TRADES, CheckDigits, Column, Contract, ValueType
from posttrade.messages.rows import SEPARATOR
from posttrade.procedures.schema import Procedure, latest_procedures

LONGEST_TEXT = 250
"""Characters; a key longer than an index entry would stop its whole file."""
LONGEST_CUTOFF = 1000
"""Business days; the firm's calendar must be known as far back."""

ALLOCATION_ACCOUNTS = (
    "select one.account_id from (select distinct on (account_id) account_id, account_type from books.accounts"
    " where business_date <= %(business_date)s order by account_id, business_date desc, revision desc) as one"
    " where one.account_type = 'ALLOCATION'"
)
"""The accounts whose trades are blocks, as known on the business date."""


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
    meaning += _cases(_errors_across_columns(contract))
    against_record: list[sql.Composable] = [one for column in contract.columns for one in _reference_errors(column)]
    against_record += _cases(_errors_against_record(contract))
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
    """What the row alone shows; what it means by what is on record is asked by `_reference_errors` and `_errors_against_record`."""
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


def _lines_where(holds: Callable[[Procedure], bool]) -> str:
    """The product lines whose procedure is so, as values of SQL."""
    return ", ".join(f"'{line}'" for line, procedure in latest_procedures().items() if holds(procedure))


INSTRUMENTS_KNOWN = (
    "select distinct on (instrument_id) * from books.instruments where business_date <= %(business_date)s"
    " order by instrument_id, business_date desc, revision desc"
)
"""Each instrument as it was last stated; for statements with the parameter `business_date`."""
_INSTRUMENTS = f"({INSTRUMENTS_KNOWN}) as one"
_INSTRUMENT_CURRENCIES = f"select one.instrument_id, one.currency_code from {_INSTRUMENTS}"
_INSTRUMENTS_OF_LINES = f"select one.instrument_id from {_INSTRUMENTS} where one.product_line = any(array[{{}}]::text[])"
_BASE_CURRENCY = (
    "select one.base_currency_code from books.firms as one where one.business_date <= %(business_date)s"
    " order by one.business_date desc, one.revision desc limit 1"
)
# What the amounts of a trade follow from; of an instrument in the books of a closed date it stays as it is. Trades are looked through only
# where a known instrument changes.
_KEPT_TERMS = {
    "product_line": ("product_line", "one.product_line"),
    "currency_code": ("currency_code", "one.currency_code"),
    "contract_size": ("coalesce(contract_size::numeric, 1)", "coalesce(one.contract_size, 1)"),
    "notional_currency_code": ("coalesce(notional_currency_code, '')", "coalesce(one.notional_currency_code, '')"),
}
_IS_KNOWN = "instrument_id in (select one.instrument_id from books.instruments as one where one.business_date <= %(business_date)s)"
_TRADED_BEFORE = (
    f"{_IS_KNOWN}"
    " and instrument_id in (select one.instrument_id from books.trade_versions as one where one.business_date < %(business_date)s)"
)
_VALUE_DATE = f"(select one.maturity_date from {_INSTRUMENTS} where one.instrument_id = formed.instrument_id)"
# Versions of trades dealt on or after the value date that a forward is brought forward to: in force, or still to come into force, as one
# that waits for its release. What a later version in force replaced or cancelled is over, and what was refused never came to be. For each
# forward that is brought forward the trades are looked through; one that is told for the first time has none.
_KEPT_OUT = "select beyond.trade_id, beyond.version from operations.trade_events_beyond_cutoff as beyond where beyond.released_date is null"
_DEALT_SINCE = (
    f"{_IS_KNOWN} and maturity_date::date < coalesce({_VALUE_DATE}, 'infinity')"
    " and exists (select from books.trade_versions as one"
    " where one.instrument_id = formed.instrument_id and one.trade_date >= formed.maturity_date::date and one.event_type <> 'CANCEL'"
    f" and not ((one.trade_id, one.version) in ({_KEPT_OUT}) and exists (select from operations.trade_releases as decided"
    " where decided.trade_id = one.trade_id and decided.version = one.version and decided.decision = 'REFUSED'))"
    " and not exists (select from books.trade_versions as later where later.trade_id = one.trade_id"
    " and (later.version > one.version or (later.event_type = 'CANCEL' and later.block_trade_id is null))"
    f" and (later.trade_id, later.version) not in ({_KEPT_OUT})"
    " and not exists (select from books.trades_held_for_terms as held where held.trade_id = later.trade_id"
    " and held.version = later.version and held.found_date is null)))"
)
_UNDERLYINGS = f"select one.instrument_id, one.underlying_instrument_id from {_INSTRUMENTS} where one.underlying_instrument_id is not null"
_EVENTS_OF_LINES = ", ".join(
    f"('{line}', '{event}')" for line, procedure in latest_procedures().items() for event in procedure.corporate_actions
)
_EVENTS_OF_INSTRUMENTS = (
    f"select one.instrument_id, possible.event_type from {_INSTRUMENTS}"
    f" inner join (values {_EVENTS_OF_LINES}) as possible (product_line, event_type) on one.product_line = possible.product_line"
)
# An exercise of one would pay accrued interest, or exchange currencies: neither is kept.
_LINES_WITHOUT_OPTIONS = _lines_where(
    lambda procedure: procedure.valuation.accrues_interest or "notional_currency_code" in procedure.required_terms
)
_OPTIONS = _lines_where(lambda procedure: "strike_price" in procedure.required_terms)
_EXERCISES = "'OPTION_EXERCISE', 'CASH_EXERCISE', 'RIGHTS_EXERCISE'"
# A merger delivers units only if it names what of.
_NEEDS_UNITS = (
    "(event_type in ('SPLIT', 'REVERSE_SPLIT', 'STOCK_DIVIDEND', 'SPIN_OFF', 'RIGHTS_ISSUE', 'RIGHTS_EXERCISE')"
    " or (event_type = 'MERGER' and received_instrument_id is not null))"
)


def _errors_across_columns(contract: Contract) -> tuple[tuple[str, str], ...]:
    """Conditions and errors of what the columns of a row say together."""
    checks: tuple[tuple[str, str], ...] = ()
    if contract is TRADES:
        checks = (
            ("event_type = 'NEW' and version <> '1'", "WRONG_VERSION:version"),
            ("event_type <> 'NEW' and version = '1'", "WRONG_VERSION:version"),
            ("event_type <> 'NEW' and trade_id is null", "MISSING:trade_id"),
            ("settlement_date::date < trade_date::date", "BEFORE_TRADE_DATE:settlement_date"),
        )
    elif contract.kind == "instruments":
        checks = (
            *(
                (f"product_line = '{line}' and {column} is null", f"MISSING:{column}")
                for line, procedure in latest_procedures().items()
                for column in procedure.required_terms
            ),
            ("maturity_date::date <= issue_date::date", "BEFORE_ISSUE_DATE:maturity_date"),
            (r"step_rates !~ '^-?\d+(\.\d+)?( +-?\d+(\.\d+)?)*$'", "NOT_A_NUMBER:step_rates"),
            ("rate_cap::numeric < rate_floor::numeric", "BELOW_THE_FLOOR:rate_cap"),
            ("notional_currency_code = currency_code", "SAME_CURRENCY:notional_currency_code"),
        )
    elif contract.kind == "forward_rates":
        checks = (
            ("notional_currency_code = currency_code", "SAME_CURRENCY:notional_currency_code"),
            ("value_date::date <= rate_date::date", "NOT_AFTER_ITS_DATE:value_date"),
        )
    elif contract.kind == "discount_factors":
        checks = (("value_date::date <= factor_date::date", "NOT_AFTER_ITS_DATE:value_date"),)
    elif contract.kind == "corporate_actions":
        checks = (
            ("pay_date::date < ex_date::date", "BEFORE_EX_DATE:pay_date"),
            ("event_type in ('CASH_DIVIDEND', 'SPECIAL_DIVIDEND') and amount_per_unit is null", "MISSING:amount_per_unit"),
            (f"{_NEEDS_UNITS} and new_units is null", "MISSING:new_units"),
            (f"{_NEEDS_UNITS} and old_units is null", "MISSING:old_units"),
            ("event_type in ('SPLIT', 'STOCK_DIVIDEND') and new_units::numeric <= old_units::numeric", "OTHER_RATIO:new_units"),
            ("event_type = 'REVERSE_SPLIT' and new_units::numeric >= old_units::numeric", "OTHER_RATIO:new_units"),
            (
                "event_type in ('REDEMPTION', 'CALL', 'PARTIAL_REDEMPTION', 'RIGHTS_EXERCISE', 'CASH_EXERCISE')"
                " and amount_per_unit is null",
                "MISSING:amount_per_unit",
            ),
            ("event_type = 'MERGER' and amount_per_unit is null and received_instrument_id is null", "MISSING:amount_per_unit"),
            ("event_type = 'PARTIAL_REDEMPTION' and redeemed_fraction is null", "MISSING:redeemed_fraction"),
            ("redeemed_fraction::numeric >= 1", "OUT_OF_RANGE:redeemed_fraction"),
            (
                "event_type in ('SPIN_OFF', 'RIGHTS_ISSUE', 'RIGHTS_EXERCISE', 'OPTION_EXERCISE') and received_instrument_id is null",
                "MISSING:received_instrument_id",
            ),
            ("received_instrument_id = instrument_id", "SAME_INSTRUMENT:received_instrument_id"),
            (
                "cost_fraction is null and (event_type in ('SPIN_OFF', 'RIGHTS_ISSUE')"
                " or (event_type = 'MERGER' and received_instrument_id is not null and amount_per_unit is not null))",
                "MISSING:cost_fraction",
            ),
            ("cost_fraction::numeric < 0 or cost_fraction::numeric > 1", "NOT_A_PART:cost_fraction"),
            ("event_type in ('SPLIT', 'REVERSE_SPLIT') and account_id is not null", "NOT_EXPECTED:account_id"),
            (f"book_id is not null and event_type not in ({_EXERCISES})", "NOT_EXPECTED:book_id"),
            ("book_id is not null and account_id is null", "MISSING:account_id"),
            (f"exercised_quantity is not null and event_type not in ({_EXERCISES})", "NOT_EXPECTED:exercised_quantity"),
            ("exercised_quantity is not null and account_id is null", "MISSING:account_id"),
            ("exercised_quantity is not null and book_id is null", "MISSING:book_id"),
            ("exercised_quantity is not null and redeemed_fraction is not null", "NOT_EXPECTED:redeemed_fraction"),
        )
    elif contract.kind == "bond_repayments":
        checks = (("repaid_percent::numeric not between 0 and 100", "NOT_A_PERCENTAGE:repaid_percent"),)
    elif contract.kind == "bond_coupon_dates":
        checks = (("date_state = 'WITHDRAWN' and coupon_percent is not null", "NOT_EXPECTED:coupon_percent"),)
    elif contract.kind == "open_deal_terms":
        checks = (
            ("deal_state = 'RUNNING' and rate is null", "MISSING:rate"),
            ("deal_state <> 'RUNNING' and rate is not null", "NOT_EXPECTED:rate"),
            ("(deal_state, told_of) in (('RUNNING', 'END'), ('TERMINATED', 'RATE'))", "NOT_EXPECTED:told_of"),
        )
    elif contract.kind == "allocations":
        checks = (("block_trade_id !~ '^(CSV|FIX|FODB)~.'", "NO_SOURCE:block_trade_id"),)
    elif contract.kind == "firms":
        checks = ((f"posting_cutoff_days::integer not between 0 and {LONGEST_CUTOFF}", "OUT_OF_BOUNDS:posting_cutoff_days"),)
    elif contract.kind == "withholding_rates":
        checks = (("rate::numeric < 0 or rate::numeric >= 1", "OUT_OF_RANGE:rate"),)
    return checks


def _errors_against_record(contract: Contract) -> tuple[tuple[str, str], ...]:
    """Conditions and errors of what a row says against what is on record of what it names: the instrument, its end, the firm.

    All of that may be told otherwise later. These errors are of rows that are not on record as they stand: what was taken when it was right
    is not asked again when its message is repeated.
    """
    checks: tuple[tuple[str, str], ...] = ()
    below_zero = _lines_where(lambda procedure: procedure.valuation.has_negative_prices)
    has_no_negative_price = f"instrument_id not in ({_INSTRUMENTS_OF_LINES.format(below_zero)})"
    forwards = _lines_where(lambda procedure: procedure.settlement.exchanges_at_maturity)
    is_forward = f"instrument_id in ({_INSTRUMENTS_OF_LINES.format(forwards)})"
    # a cancellation of what should not have been recorded is one
    takes_place = "event_type <> 'CANCEL'"
    if contract is TRADES:
        checks = (
            (f"{takes_place} and price::numeric <= 0 and {has_no_negative_price}", "NOT_POSITIVE:price"),
            (f"{takes_place} and (instrument_id, currency_code) not in ({_INSTRUMENT_CURRENCIES})", "OTHER_CURRENCY:currency_code"),
            (f"{takes_place} and fx_rate::numeric <> 1 and currency_code = ({_BASE_CURRENCY})", "NOT_ONE:fx_rate"),
            (f"{takes_place} and trade_date::date > %(business_date)s", "IN_THE_FUTURE:trade_date"),
            (f"{takes_place} and {is_forward} and trade_date::date >= {_VALUE_DATE}", "NOT_BEFORE_VALUE_DATE:trade_date"),
            (f"{takes_place} and {is_forward} and settlement_date::date <> {_VALUE_DATE}", "OTHER_VALUE_DATE:settlement_date"),
            # posttrade.records.ends
            (f"{takes_place} and (instrument_id, trade_date::date) in (select * from pg_temp.traded_no_more)", "TRADED_NO_MORE:trade_date"),
            (
                f"{takes_place} and (instrument_id, settlement_date::date) in (select * from pg_temp.settled_no_more)",
                "NOT_BEFORE_REPAYMENT:settlement_date",
            ),
            (f"{takes_place} and (instrument_id, trade_date::date) in (select * from pg_temp.traded_expired)", "AFTER_EXPIRY:trade_date"),
        )
    elif contract.kind == "instruments":
        checks = (
            *(
                (
                    f"(instrument_id, {given}) not in (select one.instrument_id, {known} from {_INSTRUMENTS}) and {_TRADED_BEFORE}"
                    # an exchange may adjust an option to a split by its size
                    + (f" and product_line not in ({_OPTIONS})" if column == "contract_size" else ""),
                    f"IN_THE_BOOKS:{column}",
                )
                for column, (given, known) in _KEPT_TERMS.items()
            ),
            (f"product_line in ({forwards}) and {_DEALT_SINCE}", "NOT_AFTER_ITS_TRADES:maturity_date"),
            # the underlying may come in the same file
            (
                "underlying_instrument_id not in (select instrument_id from books.instruments)"
                " and underlying_instrument_id not in"
                " (select one.instrument_id from pg_temp.parsed as one where one.instrument_id is not null)",
                "UNKNOWN_REFERENCE:underlying_instrument_id",
            ),
            (
                f"product_line in ({_OPTIONS}) and (underlying_instrument_id in ({_INSTRUMENTS_OF_LINES.format(_LINES_WITHOUT_OPTIONS)})"
                " or underlying_instrument_id in (select one.instrument_id from pg_temp.parsed as one"
                f" where one.instrument_id is not null and one.product_line in ({_LINES_WITHOUT_OPTIONS})))",
                "UNDERLYING_NOT_KEPT:underlying_instrument_id",
            ),
        )
    elif contract.kind == "prices":
        checks = (
            (f"price::numeric < 0 and {has_no_negative_price}", "NEGATIVE:price"),
            (is_forward, "NOT_PRICED:instrument_id"),
        )
    elif contract.kind == "corporate_actions":
        checks = (
            (
                f"event_type = 'OPTION_EXERCISE' and (instrument_id, received_instrument_id) not in ({_UNDERLYINGS})",
                "OTHER_UNDERLYING:received_instrument_id",
            ),
            (
                f"event_type = 'OPTION_EXERCISE' and received_instrument_id in ({_INSTRUMENTS_OF_LINES.format(_LINES_WITHOUT_OPTIONS)})",
                "UNDERLYING_NOT_KEPT:received_instrument_id",
            ),
            (f"(instrument_id, currency_code) not in ({_INSTRUMENT_CURRENCIES})", "OTHER_CURRENCY:currency_code"),
            (f"(instrument_id, event_type) not in ({_EVENTS_OF_INSTRUMENTS})", "NOT_OF_THE_LINE:event_type"),
        )
    elif contract.kind == "open_deal_terms":
        open_lines = _lines_where(lambda procedure: procedure.bond is not None and procedure.bond.interest is Interest.OPEN)
        checks = ((f"instrument_id not in ({_INSTRUMENTS_OF_LINES.format(open_lines)})", "NOT_AN_OPEN_DEAL:instrument_id"),)
    elif contract.kind == "allocations":
        checks = ((f"account_id in ({ALLOCATION_ACCOUNTS})", "ALLOCATION_ACCOUNT:account_id"),)
    return checks


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
                currency_code, fee_amount::numeric, fx_rate::numeric, %(source)s || '~' || closes_trade_id,
                event_type <> 'CANCEL' and coalesce(account_id in ({blocks}), false), content_sha, %(business_date)s, %(file_id)s, line_no
            from pg_temp.judged where error is null
            """
        ).format(blocks=sql.SQL(ALLOCATION_ACCOUNTS))
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
