{{ config(indexes=[{'columns': ['business_date', 'book_id', 'account_id', 'instrument_id'], 'unique': true}]) }}

-- What the custodian has confirmed as delivered or received, per book, account and instrument, carried from day to day.

with gone_ex as (
    select
        instrument_id,
        books.product(new_units / old_units) as factor
    from {{ restatements() }} as known
    where ex_date > {{ previous_business_date() }}
    group by instrument_id
),

moved as (
    select
        instructions.book_id,
        instructions.account_id,
        instructions.instrument_id,
        sum(statuses.settled_quantity) as quantity
    from {{ ref('stg_operations__settlement_statuses') }} as statuses
    inner join {{ ref('stg_operations__settlement_instructions') }} as instructions
        on statuses.instruction_id = instructions.instruction_id
    where statuses.business_date = {{ business_date() }}
    group by instructions.book_id, instructions.account_id, instructions.instrument_id
),

opening as (
    {% if is_incremental() %}
        -- in the units of today: what went ex today restates what the custodian held
        select
            carried.book_id,
            carried.account_id,
            carried.instrument_id,
            round(carried.quantity * coalesce(gone_ex.factor, 1), 10) as quantity
        from {{ this }} as carried
        left join gone_ex on carried.instrument_id = gone_ex.instrument_id
        where carried.business_date = {{ previous_business_date() }}
    {% else %}
        select * from moved where false
    {% endif %}
),

settled as (
    select
        {{ business_date() }} as business_date,
        book_id,
        account_id,
        instrument_id,
        sum(quantity)::numeric(28, 10) as quantity
    from (
        select * from opening
        union all
        select * from moved
    ) as parts
    group by book_id, account_id, instrument_id
    having sum(quantity) <> 0
)

select * from settled
