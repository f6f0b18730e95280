{{ config(materialized='view') }}

with journal_lines as (
    select
        lines.business_date,
        lines.entry_id::text as entry_id,
        lines.line_no,
        entries.event_id,
        entries.event_type,
        entries.sequence_no,
        entries.reverses_entry_id::text as reverses_entry_id,
        lines.book_id,
        lines.account_id,
        lines.instrument_id,
        lines.gl_account,
        lines.currency_code,
        lines.amount,
        lines.amount_base
    from {{ ref('stg_ledger__journal_lines') }} as lines
    inner join {{ ref('stg_ledger__journal_entries') }} as entries on lines.entry_id = entries.entry_id
)

select * from journal_lines
