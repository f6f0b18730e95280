"""Posts the journal of a business date: what happened becomes balanced entries by the posting rules of each product line.

The entries a date should hold are worked out from its events and compared with those it holds. What is missing is posted,
what should no longer be there is reversed with a link, and the rest is left alone; so a second run posts nothing.
"""

from datetime import date

import sqlalchemy
from sqlalchemy import text

from posttrade.errors import PosttradeError
from posttrade.offices.journal_amounts import (
    CAUSES_CONCERNED,
    EVENT_AMOUNTS,
    FORWARDS_EXCHANGED,
    MARGIN_EARNED,
    NO_BALANCES,
    OPENING_BALANCES,
    VALUATION_AMOUNTS,
)
from posttrade.procedures.schema import load_procedures
from posttrade.records.journal_seals import seal_entries
from posttrade.records.refusals import refusals_said

POSTING_LOCK = 7_405_010


@refusals_said()
def post_journal(business_date: date, engine: sqlalchemy.Engine) -> dict[str, int]:
    """Post what the day's trades, settlements, income, corporate actions and payments owe to the ledger, then value what it holds.

    Args:
        business_date: the date to post; its middle-office marts must be built.
        engine: of the poster.

    Returns:
        Entries `posted`, `reversed` and `unchanged`.

    Raises:
        PosttradeError: there is something to post and the accounting period of the date is closed, or no posting rule tells where
            to post an amount.
    """
    counts = {"posted": 0, "reversed": 0, "unchanged": 0}
    with engine.begin() as connection:
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": POSTING_LOCK})
        _publish_posting_rules(connection, business_date)
        opening = OPENING_BALANCES if _has_balances(connection) else NO_BALANCES
        for amounts, is_valuation in ((EVENT_AMOUNTS.format(opening=opening), False), (VALUATION_AMOUNTS.format(opening=opening), True)):
            connection.execute(text("drop table if exists pg_temp.event_amounts, pg_temp.wanted_lines, pg_temp.wanted_entries"))
            parameters = {"business_date": business_date, "is_valuation": is_valuation}
            if not is_valuation:
                for statement in (*FORWARDS_EXCHANGED, *CAUSES_CONCERNED, *MARGIN_EARNED):
                    connection.execute(text(statement), {"business_date": business_date})
            connection.execute(text(amounts), parameters)
            _refuse_amounts_without_rule(connection)
            connection.execute(text(WANTED_LINES))
            connection.execute(text("analyze pg_temp.wanted_lines"))
            if not is_valuation:
                connection.execute(text(KEEP_TRANSLATION), parameters)
            connection.execute(text(WANTED_ENTRIES))
            connection.execute(text("analyze pg_temp.wanted_entries"))
            counts["reversed"] += _post(connection, REVERSE_UNWANTED, parameters)
            if not is_valuation:
                counts["reversed"] += _post(connection, REVERSE_TAKEN_BACK, parameters)
            posted = _post(connection, POST_MISSING, parameters)
            wanted = connection.scalar(text("select count(*) from pg_temp.wanted_entries"))
            counts["posted"] += posted
            counts["unchanged"] += int(wanted or 0) - posted
        written = counts["posted"] + counts["reversed"]
        if written and seal_entries(connection, business_date) != written:
            raise RuntimeError(f"the seal of {business_date} does not hold the {written} entries that were posted")
    return counts


def _has_balances(connection: sqlalchemy.Connection) -> bool:
    return connection.scalar(text("select to_regclass('intermediate.int_accounting__balances_carried')")) is not None


def _post(connection: sqlalchemy.Connection, statement: str, parameters: dict[str, object]) -> int:
    """Run a statement that writes entries and their lines; gives the number of entries."""
    return int(connection.scalar(text(statement), parameters) or 0)


def _publish_posting_rules(connection: sqlalchemy.Connection, business_date: date) -> None:
    connection.execute(
        text(
            "create temp table if not exists posting_rules (product_line text, event_type text, amount_type text,"
            " debit text, credit text) on commit drop"
        )
    )
    rules = [
        {
            "product_line": procedure.product_line,
            "event_type": str(rule.event_type),
            "amount_type": str(rule.amount_type),
            "debit": rule.debit,
            "credit": rule.credit,
        }
        for procedure in load_procedures()
        if procedure.is_in_force(business_date)
        for rule in procedure.posting_rules
    ]
    connection.execute(text("insert into pg_temp.posting_rules values (:product_line, :event_type, :amount_type, :debit, :credit)"), rules)


def _refuse_amounts_without_rule(connection: sqlalchemy.Connection) -> None:
    """What no rule posts would be missing from the ledger."""
    found = connection.execute(text(AMOUNTS_WITHOUT_RULE)).all()
    if found:
        missing = "; ".join(
            f"{one.product_line} {one.event_type} {one.amount_type}, {one.occurrences} of them, the first {one.event_id}"
            f" of {one.amount:f} {one.currency_code}"
            for one in found
        )
        raise PosttradeError(
            f"No posting rule says where these amounts belong: {missing}.",
            "Give the procedure of the product line a rule for the event and the amount under posting_rules, then run the day again.",
        )


AMOUNTS_WITHOUT_RULE = """
select product_line, event_type, amount_type, count(*) as occurrences, min(event_id) as event_id,
    (array_agg(amount order by event_id))[1] as amount, (array_agg(currency_code order by event_id))[1] as currency_code
from pg_temp.event_amounts
where (amount <> 0 or amount_base <> 0)
    and (product_line, event_type, amount_type) not in (select product_line, event_type, amount_type from pg_temp.posting_rules)
group by product_line, event_type, amount_type
order by product_line, event_type, amount_type
"""

WANTED_LINES = """
create temp table wanted_lines on commit drop as
select
    event_amounts.event_id, event_amounts.event_type,
    row_number() over (
        partition by event_amounts.event_id order by event_amounts.amount_type, sides.gl_account, sides.sign desc
    )::integer as line_no,
    event_amounts.book_id, event_amounts.account_id, event_amounts.instrument_id, sides.gl_account, event_amounts.currency_code,
    event_amounts.amount * sides.sign as amount, event_amounts.amount_base * sides.sign as amount_base
from pg_temp.event_amounts
inner join pg_temp.posting_rules
    on event_amounts.product_line = posting_rules.product_line and event_amounts.event_type = posting_rules.event_type
    and event_amounts.amount_type = posting_rules.amount_type
cross join lateral (values (posting_rules.debit, 1), (posting_rules.credit, -1)) as sides (gl_account, sign)
where event_amounts.amount <> 0 or event_amounts.amount_base <> 0
"""

# What an entry says in the currencies it is in: the rate of the day it is stated on is no reason to take it back.
_CONTENT_BEFORE_TRANSLATION = """
    md5(string_agg(concat_ws('|', gl_account, currency_code, amount::numeric(24, 4)), ';' order by gl_account, currency_code, amount))
"""

# What stood when the date began and is said again today in the currencies it is in stands as it was stated then, in base currency too,
# whether or not an earlier run of the date took it back. Both amounts of a currency forward are stated at the rates of its value date.
KEEP_TRANSLATION = f"""
with stood as (
    select entries.event_id, entries.event_type, entries.entry_id
    from (select distinct event_id from pg_temp.wanted_lines) as wanted
    inner join ledger.journal_entries as entries on wanted.event_id = entries.event_id
    where entries.business_date < :business_date and entries.reverses_entry_id is null and entries.event_type <> 'MATURITY'
        and not exists (
            select from ledger.journal_entries as reversals
            where reversals.reverses_entry_id = entries.entry_id and reversals.business_date < :business_date
        )
),
said_again as (
    select event_id, min(book_id) as book_id, {_CONTENT_BEFORE_TRANSLATION} as content
    from pg_temp.wanted_lines where event_id in (select event_id from stood)
    group by event_id
),
kept as (
    select stood.*, said_again.book_id
    from stood
    inner join said_again on stood.event_id = said_again.event_id
    where said_again.content = (
        select {_CONTENT_BEFORE_TRANSLATION} from ledger.journal_lines as lines
        where lines.book_id = said_again.book_id and lines.entry_id = stood.entry_id
    )
),
replaced as (
    delete from pg_temp.wanted_lines where event_id in (select event_id from kept)
)
insert into pg_temp.wanted_lines
select
    kept.event_id, kept.event_type, lines.line_no, lines.book_id, lines.account_id, lines.instrument_id, lines.gl_account,
    lines.currency_code, lines.amount, lines.amount_base
from kept
inner join ledger.journal_lines as lines on kept.book_id = lines.book_id and kept.entry_id = lines.entry_id
"""

WANTED_ENTRIES = """
create temp table wanted_entries on commit drop as
select
    event_id, min(event_type) as event_type, min(book_id) as book_id,
    md5(string_agg(concat_ws('|', book_id, account_id, instrument_id, gl_account, currency_code, amount::numeric(24, 4),
        amount_base::numeric(24, 4)), ';' order by line_no)) as content_sha
from pg_temp.wanted_lines
group by event_id
"""

_ACTIVE_ENTRIES = """
active as (
    select entries.*
    from ledger.journal_entries as entries
    where entries.reverses_entry_id is null and entries.business_date <= :business_date
        -- as of the date: what a later date took back still stood then
        and not exists (
            select from ledger.journal_entries as reversals
            where reversals.reverses_entry_id = entries.entry_id and reversals.business_date <= :business_date
        )
)
"""

_WRITE_REVERSALS = """
numbered as (
    select
        unwanted.*,
        (select max(sequence_no) + 1 from ledger.journal_entries as earlier where earlier.event_id = unwanted.event_id) as next_no
    from unwanted
),
new_entries as (
    insert into ledger.journal_entries (entry_id, event_id, event_type, sequence_no, reverses_entry_id, content_sha, business_date)
    select md5(event_id || '|' || next_no)::uuid, event_id, event_type, next_no, entry_id, md5('reversal of ' || content_sha),
        :business_date
    from numbered
    returning entry_id, reverses_entry_id
),
new_lines as (
    insert into ledger.journal_lines (book_id, entry_id, line_no, account_id, instrument_id, gl_account, currency_code, amount,
        amount_base, business_date)
    select lines.book_id, new_entries.entry_id, lines.line_no, lines.account_id, lines.instrument_id, lines.gl_account,
        lines.currency_code, -lines.amount, -lines.amount_base, :business_date
    from new_entries
    inner join ledger.journal_lines as lines on new_entries.reverses_entry_id = lines.entry_id
)
select count(*) from new_entries
"""

# Entries this date posted in an earlier run whose cause has changed or gone since.
REVERSE_UNWANTED = f"""
with {_ACTIVE_ENTRIES},
unwanted as (
    select active.*
    from active
    left join pg_temp.wanted_entries as wanted
        on active.event_id = wanted.event_id and active.content_sha = wanted.content_sha
    where active.business_date = :business_date
        and (active.event_type = 'REVALUATION') = :is_valuation
        and wanted.event_id is null
),
{_WRITE_REVERSALS}
"""

# What an earlier date booked and today takes back, or states otherwise: trades that are amended or cancelled with what was paid of them on
# their value date, and income, corporate actions and their cash, whatever changed them.
REVERSE_TAKEN_BACK = f"""
with {_ACTIVE_ENTRIES},
unwanted as (
    select active.*
    from pg_temp.entries_concerned as concerned
    inner join active on concerned.event_id = active.event_id
    where active.business_date < :business_date and not :is_valuation
        and not exists (
            select from pg_temp.wanted_entries as wanted
            where wanted.event_id = active.event_id and wanted.content_sha = active.content_sha
        )
),
{_WRITE_REVERSALS}
"""

POST_MISSING = f"""
with {_ACTIVE_ENTRIES},
missing as (
    select
        wanted.*,
        coalesce((select max(sequence_no) from ledger.journal_entries as earlier where earlier.event_id = wanted.event_id), 0) + 1
            as next_no
    from pg_temp.wanted_entries as wanted
    where not exists (select from active where active.event_id = wanted.event_id)
        and (wanted.event_type = 'REVALUATION') = :is_valuation
),
new_entries as (
    insert into ledger.journal_entries (entry_id, event_id, event_type, sequence_no, content_sha, business_date)
    select md5(event_id || '|' || next_no)::uuid, event_id, event_type, next_no, content_sha, :business_date
    from missing
    returning entry_id, event_id
),
new_lines as (
    insert into ledger.journal_lines (book_id, entry_id, line_no, account_id, instrument_id, gl_account, currency_code, amount,
        amount_base, business_date)
    select lines.book_id, new_entries.entry_id, lines.line_no, lines.account_id, lines.instrument_id, lines.gl_account,
        lines.currency_code, lines.amount, lines.amount_base, :business_date
    from new_entries
    inner join pg_temp.wanted_lines as lines on new_entries.event_id = lines.event_id
)
select count(*) from new_entries
"""
