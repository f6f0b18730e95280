{{ config(indexes=[{'columns': ['instruction_id']}]) }}

-- An instruction appears on the dates it is open, new or changed; not again once it is done.

with opening as (
    {% if is_incremental() %}
        select instruction_id
        from {{ this }}
        where
            business_date = {{ previous_business_date() }}
            and settlement_status in ('PENDING', 'PARTIAL', 'FAILED')
    {% else %}
        select ''::text as instruction_id where false
    {% endif %}
),

shown as (
    select instruction_id from opening
    union
    select instruction_id
    from {{ ref('stg_operations__settlement_instructions') }}
    where business_date = {{ business_date() }}
    union
    select instruction_id
    from {{ ref('stg_operations__settlement_statuses') }}
    where business_date = {{ business_date() }}
),

moved as (
    select
        statuses.instruction_id,
        sum(statuses.settled_quantity) as settled_quantity,
        sum(statuses.settled_amount) as settled_amount
    from {{ ref('stg_operations__settlement_statuses') }} as statuses
    inner join shown on statuses.instruction_id = shown.instruction_id
    where statuses.business_date <= {{ business_date() }}
    group by statuses.instruction_id
),

last_statuses as (
    select distinct on (statuses.instruction_id)
        statuses.instruction_id,
        statuses.status,
        statuses.reason_code
    from {{ ref('stg_operations__settlement_statuses') }} as statuses
    inner join shown on statuses.instruction_id = shown.instruction_id
    where statuses.business_date <= {{ business_date() }}
    order by statuses.instruction_id, statuses.status_date desc, statuses.business_date desc, statuses.status_id desc
),

stated as (
    select
        instructions.*,
        last_statuses.reason_code,
        coalesce(moved.settled_quantity, 0) as settled_quantity,
        coalesce(moved.settled_amount, 0) as settled_amount,
        case
            -- cancelled before it left the house, or the cancellation of such a one: the custodian knows of neither
            when withdrawn.instruction_id is not null then 'CANCELLED'
            -- a cancellation is done once it is answered, whether it came in time or not
            when instructions.function = 'CANC' then case when last_statuses.status is null then 'PENDING' else 'CANCELLED' end
            when moved.settled_quantity = instructions.quantity then 'SETTLED'
            when last_statuses.status = 'CANCELLED' then 'CANCELLED'
            when moved.settled_quantity <> 0 then 'PARTIAL'
            when last_statuses.status = 'FAILED' then 'FAILED'
            else 'PENDING'
        end as settlement_status
    from shown
    inner join {{ ref('stg_operations__settlement_instructions') }} as instructions
        on shown.instruction_id = instructions.instruction_id
    left join moved on shown.instruction_id = moved.instruction_id
    left join last_statuses on shown.instruction_id = last_statuses.instruction_id
    left join {{ ref('stg_operations__instructions_withdrawn') }} as withdrawn
        on shown.instruction_id = withdrawn.instruction_id and withdrawn.withdrawn_date <= {{ business_date() }}
),

settlements as (
    select
        {{ business_date() }} as business_date,
        instruction_id,
        trade_id,
        function,
        book_id,
        account_id,
        instrument_id,
        counterparty_id,
        quantity::numeric(28, 10) as quantity,
        amount::numeric(24, 4) as amount,
        currency_code,
        settlement_date,
        settlement_status,
        settled_quantity::numeric(28, 10) as settled_quantity,
        settled_amount::numeric(24, 4) as settled_amount,
        case
            when settlement_status in ('PENDING', 'PARTIAL', 'FAILED') and function <> 'CANC' then quantity - settled_quantity
            else 0
        end::numeric(28, 10) as outstanding_quantity,
        reason_code,
        case
            when settlement_status in ('PENDING', 'PARTIAL', 'FAILED') and function <> 'CANC'
                then greatest({{ business_date() }} - settlement_date, 0)
            else 0
        end as days_late
    from stated
)

select * from settlements
