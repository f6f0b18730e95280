-- What stands in each message: an instruction or a payment is in exactly one.
create table operations.outbox_items (
    channel text not null, item_id text not null, message_id text not null references operations.outbox,
    known_at timestamptz not null default clock_timestamp(),
    primary key (channel, item_id)
);
create trigger append_only before update or delete on operations.outbox_items
    for each statement execute function operations.refuse_change();
create trigger no_truncate before truncate on operations.outbox_items
    for each statement execute function operations.refuse_change();

-- Trades that owe a settlement instruction and cannot have one, and why. The last version known decides.
create view operations.obligations_held as
with last_versions as (
    select distinct on (trade_id) *
    from books.trade_versions
    order by trade_id, version desc
),
standing_instructions as (
    select distinct account_id, currency_code from books.standing_instructions
)
select
    last_versions.trade_id, last_versions.version as trade_version, last_versions.book_id, last_versions.account_id,
    last_versions.currency_code, last_versions.counterparty_id, last_versions.business_date,
    case
        when last_versions.counterparty_id is null then 'COUNTERPARTY_MISSING'
        else 'STANDING_INSTRUCTION_MISSING'
    end as reason
from last_versions
left join standing_instructions
    on last_versions.account_id = standing_instructions.account_id
    and last_versions.currency_code = standing_instructions.currency_code
where last_versions.event_type <> 'CANCEL'
    and exists (
        select from books.trade_versions as originals where originals.trade_id = last_versions.trade_id and originals.version = 1
    )
    and not exists (
        select from operations.settlement_instructions as instructions
        where instructions.trade_id = last_versions.trade_id and instructions.trade_version = last_versions.version
    )
    and (last_versions.counterparty_id is null or standing_instructions.account_id is null);
