"""Blocks: a trade in an account for allocation is booked as the trades of its allocations, once they add up to it."""

from datetime import date
from typing import Any

import psycopg
import sqlalchemy
from sqlalchemy import text


def allocate_blocks(cursor: psycopg.Cursor[Any], business_date: date) -> int:
    """Record the allocations of the blocks that a date has touched as trades of their own, as far as they are not yet.

    An allocation has the block's dates, price and currency; its quantity, account and, where stated, book and fee are its own. The
    rest of the block's fee is shared by quantity, rounded half-even to the currency's minor unit, with the remainder on the last.
    What changed is a new version; what belongs to no booked division of its block any more is cancelled.

    Args:
        cursor: of the transaction that holds the loading lock.
        business_date: the open date, in which they are booked.

    Returns:
        How many versions were recorded.
    """
    cursor.execute(ALLOCATE, {"business_date": business_date})
    return cursor.rowcount


def list_waiting_blocks(engine: sqlalchemy.Engine) -> list[dict[str, Any]]:
    """The blocks whose last version or last division is not booked, and why."""
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(text("select * from operations.waiting_blocks order by trade_id")).mappings()]


ALLOCATE = """
with touched as materialized (
    select blocks.trade_id from books.trade_versions as blocks
    where blocks.is_block and exists (
        select from books.trade_versions as events
        where events.trade_id = blocks.trade_id and events.business_date = %(business_date)s
    )
    union
    select block_trade_id from books.allocations where business_date = %(business_date)s
),
states as materialized (
    select states.*
    from books.block_states(%(business_date)s, array(select trade_id from touched)) as states
    where exists (select from touched)
),
divided as (
    select
        blocks.*, allocations.allocation_no, allocations.account_id as to_account_id,
        coalesce(allocations.book_id, blocks.book_id) as to_book_id, sign(blocks.quantity) * allocations.quantity as to_quantity,
        allocations.fee_amount as own_fee_amount, allocations.file_id as from_file_id, allocations.line_no as from_line_no,
        currencies.minor_unit,
        row_number() over (
            partition by blocks.trade_id, allocations.fee_amount is null order by allocations.allocation_no desc
        ) = 1 as is_last,
        sum(allocations.quantity) over (partition by blocks.trade_id, allocations.fee_amount is null) as sharing_quantity,
        blocks.fee_amount - coalesce(sum(allocations.fee_amount) over (partition by blocks.trade_id), 0) as shared_fee_amount
    from states
    inner join books.trade_versions as blocks on states.trade_id = blocks.trade_id and states.booked_version = blocks.version
    inner join books.allocations as allocations
        on states.trade_id = allocations.block_trade_id and states.booked_allocation_version = allocations.version
    inner join books.currencies as currencies on blocks.currency_code = currencies.currency_code
),
shared as (
    select
        divided.*,
        books.round_half_even(shared_fee_amount * abs(to_quantity) / sharing_quantity, minor_unit) as share_amount
    from divided
),
wanted as (
    select
        trade_id || '/' || allocation_no as trade_id, trade_id as block_trade_id, source_system, to_book_id as book_id,
        to_account_id as account_id, trader_id, counterparty_id, instrument_id, trade_date, executed_at, source_sequence,
        settlement_date, to_quantity as quantity, price, currency_code,
        case
            when own_fee_amount is not null then own_fee_amount
            when is_last
                then shared_fee_amount - coalesce(
                    sum(share_amount) filter (where own_fee_amount is null and not is_last) over (partition by trade_id), 0)
            else share_amount
        end as fee_amount,
        fx_rate, closes_trade_id, from_file_id as file_id, from_line_no as line_no
    from shared
),
named as (
    select
        wanted.*,
        md5(row(book_id, account_id, trader_id, counterparty_id, instrument_id, trade_date,
            to_char(executed_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), source_sequence, settlement_date,
            trim_scale(quantity), trim_scale(price), currency_code, trim_scale(fee_amount), trim_scale(fx_rate), closes_trade_id)::text)
            as content_sha
    from wanted
),
recorded as (
    select distinct on (versions.trade_id) versions.*
    from touched inner join books.trade_versions as versions on touched.trade_id = versions.block_trade_id
    order by versions.trade_id, versions.version desc
)
insert into books.trade_versions (trade_id, version, event_type, source_system, block_trade_id, book_id, account_id, trader_id,
    counterparty_id, instrument_id, trade_date, executed_at, source_sequence, settlement_date, quantity, price, currency_code, fee_amount,
    fx_rate, closes_trade_id, content_sha, business_date, file_id, line_no)
select
    named.trade_id, coalesce(recorded.version, 0) + 1, case when recorded.version is null then 'NEW' else 'AMEND' end,
    named.source_system, named.block_trade_id, named.book_id, named.account_id, named.trader_id, named.counterparty_id,
    named.instrument_id, named.trade_date, named.executed_at, named.source_sequence, named.settlement_date, named.quantity,
    named.price, named.currency_code, named.fee_amount, named.fx_rate, named.closes_trade_id, named.content_sha,
    %(business_date)s, named.file_id, named.line_no
from named
left join recorded on named.trade_id = recorded.trade_id
where recorded.trade_id is null or recorded.event_type = 'CANCEL' or recorded.content_sha <> named.content_sha
union all
select
    recorded.trade_id, recorded.version + 1, 'CANCEL', recorded.source_system, recorded.block_trade_id, null, null, null, null, null,
    null, null, null, null, null, null, null, null, null, null, md5('CANCEL'), %(business_date)s, blocks.file_id, blocks.line_no
from recorded
inner join states on recorded.block_trade_id = states.trade_id
inner join books.trade_versions as blocks on states.trade_id = blocks.trade_id and states.version = blocks.version
where recorded.event_type <> 'CANCEL' and not exists (select from named where named.trade_id = recorded.trade_id)
"""
