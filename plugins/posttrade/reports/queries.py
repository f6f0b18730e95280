"""The queries of the end-of-day report, one per figure or table.

Every query is set-based, takes the business date as `:business_date` and reads facts and marts up to that date only, so that the
report of an old date says the same however late it is written again. A listing carries `total_count`, the number of rows before
its cap, and the query with which an analyst sees them all.
"""

from dataclasses import dataclass

LISTED_ROWS = 25
LISTED_ALERTS = 60
LISTED_BOOKS = 80
DAYS_SHOWN = 60


@dataclass(frozen=True)
class Query:
    """A query and where its figures come from.

    Args:
        sql: reads `:business_date`, and `:cap` in a listing.
        sources: relations the figures come from, as the report prints them.
        see_all: the query an analyst pastes to see every row; `{business_date}` is filled in.
        cap: most rows a listing shows; 0 where the number of rows is bounded by nature.
    """

    sql: str
    sources: tuple[str, ...]
    see_all: str = ""
    cap: int = 0


FIRM = Query(
    sql="""
        select name, base_currency_code
        from books.firms
        where business_date <= :business_date
        order by business_date desc, revision desc
        limit 1
    """,
    sources=("books.firms",),
)

TRADES = Query(
    sql="""
        select
            count(*) as row_count,
            count(*) filter (where event_type = 'NEW') as new_count,
            count(*) filter (where event_type = 'AMEND') as amended_count,
            count(*) filter (where event_type = 'CANCEL') as cancelled_count,
            count(*) filter (where trade_status = 'WAITING') as waiting_count
        from marts.fct_trades
        where business_date = :business_date
    """,
    sources=("marts.fct_trades",),
    see_all="select * from fct_trades where business_date = '{business_date}'",
)

POSITIONS = Query(
    sql="""
        select
            count(*) filter (where traded_quantity <> 0) as row_count,
            count(*) filter (where is_price_stale and traded_quantity <> 0) as stale_count,
            count(*) filter (where is_price_missing and traded_quantity <> 0) as missing_count,
            coalesce(sum(market_value_amount_base), 0) as market_value_amount_base
        from marts.fct_positions
        where business_date = :business_date
    """,
    sources=("marts.fct_positions",),
    see_all="select * from fct_positions where business_date = '{business_date}'",
)

# Levels: 0 a book, 1 a desk, 3 the firm.
PROFIT_AND_LOSS = Query(
    sql="""
        with sums as (
            select
                desk_id,
                book_id,
                sum(price_amount_base) as price_amount,
                sum(accrual_amount_base) as accrual_amount,
                sum(fx_translation_amount_base + fx_transaction_amount_base) as fx_amount,
                sum(income_amount_base) as income_amount,
                sum(fees_amount_base) as fees_amount,
                sum(new_trades_amount_base) as new_trades_amount,
                sum(
                    amended_trades_amount_base + cancelled_trades_amount_base + late_trades_amount_base + corporate_actions_amount_base
                ) as corrections_amount,
                sum(total_amount_base) as total_amount,
                sum(total_amount_base_mtd) as month_amount,
                sum(total_amount_base_ytd) as year_amount,
                grouping(desk_id, book_id) as level
            from marts.rpt_profit_to_date
            where business_date = :business_date
            group by grouping sets ((desk_id, book_id), (desk_id), ())
        ),
        ranked as (
            select
                *,
                row_number() over (partition by level order by abs(total_amount) desc, book_id) as size_rank,
                count(*) over () as total_count
            from sums
        ),
        desks as (
            select desk_id, min(desk_name) as desk_name from marts.dim_books group by desk_id
        )
        select ranked.*, desks.desk_name, books.name as book_name
        from ranked
        left join desks on ranked.desk_id = desks.desk_id
        left join marts.dim_books as books on ranked.book_id = books.book_id
        where ranked.level > 0 or ranked.size_rank <= :cap
        order by ranked.level = 3, ranked.desk_id, ranked.level desc, ranked.book_id
    """,
    sources=("marts.rpt_profit_to_date", "marts.dim_books"),
    see_all="select * from rpt_profit_to_date where business_date = '{business_date}' order by book_id, instrument_id",
    cap=LISTED_BOOKS,
)

EXPLAINED_COMPONENTS = (
    ("price", "Price"),
    ("accrual", "Accrual"),
    ("fx_translation", "FX on securities held"),
    ("fx_transaction", "FX on claims and cash"),
    ("income", "Income"),
    ("fees", "Fees"),
    ("new_trades", "New trades"),
    ("amended_trades", "Amended trades"),
    ("cancelled_trades", "Cancelled trades"),
    ("late_trades", "Late trades"),
    ("corporate_actions", "Corporate actions"),
    ("total", "Total"),
    ("realised", "of which realised"),
)

_EXPLAINED_VALUES = ", ".join(
    f"({place}, '{name}', {name}_amount_base, {name}_amount_base_mtd, {name}_amount_base_ytd)"
    for place, (name, _) in enumerate(EXPLAINED_COMPONENTS)
)

PROFIT_EXPLAINED = Query(
    sql=f"""
        select
            components.component,
            sum(components.day_amount) as day_amount,
            sum(components.month_amount) as month_amount,
            sum(components.year_amount) as year_amount
        from (select * from marts.rpt_profit_to_date where business_date = :business_date) as results
        cross join lateral (
            values {_EXPLAINED_VALUES}
        ) as components (place, component, day_amount, month_amount, year_amount)
        group by components.place, components.component
        order by components.place
    """,
    sources=("marts.rpt_profit_to_date",),
)

PROFIT_BY_DAY = Query(
    sql=f"""
        with days as (
            select business_date
            from marts.dim_business_dates
            where business_date <= :business_date and (is_closed or business_date = :business_date)
            order by business_date desc
            limit {DAYS_SHOWN}
        )
        select days.business_date, coalesce(sum(results.total_amount_base), 0) as total_amount
        from days
        left join marts.fct_profit_and_loss as results on days.business_date = results.business_date
        group by days.business_date
        order by days.business_date
    """,
    sources=("marts.fct_profit_and_loss", "marts.dim_business_dates"),
    see_all="select business_date, sum(total_amount_base) from fct_profit_and_loss group by business_date order by 1",
)

CONTRIBUTORS = Query(
    sql="""
        with sums as (
            select instrument_id, sum(total_amount_base) as total_amount
            from marts.fct_profit_and_loss
            where business_date = :business_date
            group by instrument_id
        ),
        ranked as (
            select
                *,
                row_number() over (order by total_amount desc, instrument_id) as gain_rank,
                row_number() over (order by total_amount, instrument_id) as loss_rank
            from sums
        )
        select ranked.instrument_id, instruments.name as instrument_name, ranked.total_amount
        from ranked
        left join marts.dim_instruments as instruments on ranked.instrument_id = instruments.instrument_id
        where (gain_rank <= 5 and total_amount > 0) or (loss_rank <= 5 and total_amount < 0)
        order by ranked.total_amount desc, ranked.instrument_id
    """,
    sources=("marts.fct_profit_and_loss", "marts.dim_instruments"),
)

ALERTS = Query(
    sql="""
        with open_alerts as (
            select control_id, severity, owner, cause_key, message, alert_status
            from marts.fct_alerts
            where business_date = :business_date and alert_status <> 'RESOLVED'
        )
        select *, count(*) over () as total_count
        from open_alerts
        order by array_position(array['critical', 'warning', 'info'], severity), control_id, cause_key
        limit :cap
    """,
    sources=("marts.fct_alerts",),
    see_all="select * from fct_alerts where business_date = '{business_date}' and alert_status <> 'RESOLVED'",
    cap=LISTED_ALERTS,
)

ALERT_COUNTS = Query(
    sql="""
        select
            count(*) filter (where severity = 'critical' and alert_status <> 'RESOLVED') as critical_count,
            count(*) filter (where severity = 'warning' and alert_status <> 'RESOLVED') as warning_count,
            count(*) filter (where severity = 'info' and alert_status <> 'RESOLVED') as info_count,
            count(*) filter (where alert_status = 'ACKNOWLEDGED') as acknowledged_count,
            count(*) filter (where alert_status = 'RESOLVED') as resolved_count
        from marts.fct_alerts
        where business_date = :business_date
    """,
    sources=("marts.fct_alerts",),
)

BREAKS = Query(
    sql="""
        select
            break_type, account_id, instrument_id, cash_account_id, currency_code,
            our_amount, their_amount, difference_amount, first_business_date, age_days,
            count(*) over () as total_count
        from marts.fct_breaks
        where business_date = :business_date
        order by age_days desc, break_type, account_id, instrument_id, cash_account_id, currency_code
        limit :cap
    """,
    sources=("marts.fct_breaks",),
    see_all="select * from fct_breaks where business_date = '{business_date}' order by age_days desc",
    cap=LISTED_ROWS,
)

SETTLEMENT_STATUSES = Query(
    sql="""
        select
            settlement_status,
            count(*) as row_count,
            count(*) filter (where days_late > 0 and settlement_status in ('PENDING', 'PARTIAL', 'FAILED')) as late_count,
            max(days_late) filter (where settlement_status in ('PENDING', 'PARTIAL', 'FAILED')) as most_days_late
        from marts.fct_settlements
        where business_date = :business_date
        group by settlement_status
        order by array_position(array['SETTLED', 'PENDING', 'PARTIAL', 'FAILED', 'CANCELLED'], settlement_status)
    """,
    sources=("marts.fct_settlements",),
    see_all="select * from fct_settlements where business_date = '{business_date}'",
)

FAILS = Query(
    sql="""
        select
            instruction_id, account_id, instrument_id, counterparty_id, settlement_status, settlement_date, days_late,
            outstanding_quantity, amount - settled_amount as outstanding_amount, currency_code, reason_code,
            count(*) over () as total_count
        from marts.fct_settlements
        where
            business_date = :business_date
            and (settlement_status = 'FAILED' or (settlement_status in ('PENDING', 'PARTIAL') and days_late > 0))
        order by days_late desc, instruction_id
        limit :cap
    """,
    sources=("marts.fct_settlements",),
    see_all=(
        "select * from fct_settlements where business_date = '{business_date}' and (settlement_status = 'FAILED'"
        " or settlement_status in ('PENDING', 'PARTIAL') and days_late > 0) order by days_late desc"
    ),
    cap=LISTED_ROWS,
)

# Income that moved today or is yet to be paid, with the pay date it was last known by and what of it was paid (1) or taken back (-1) today.
_INCOME_CLAIMS = """
        with dates as (
            select previous_business_date from marts.dim_business_dates where business_date = :business_date
        ),
        concerned as (
            select distinct entitlement_id from marts.fct_income
            where
                business_date <= :business_date
                and (business_date = :business_date or pay_date > coalesce((select previous_business_date from dates), '-infinity'))
        ),
        claims as (
            select
                income.entitlement_id, income.business_date, income.event_id, income.income_type, income.instrument_id, income.ex_date,
                income.currency_code, income.gross_amount, income.withholding_amount, income.net_amount,
                first_value(income.pay_date) over (partition by income.entitlement_id order by income.business_date desc) as pay_date,
                coalesce(sign(cash.cash_amount * cash.claim_amount), 0) as moved
            from marts.fct_income as income
            inner join concerned on income.entitlement_id = concerned.entitlement_id
            left join marts.fct_event_cash as cash
                on
                    cash.business_date = :business_date
                    and cash.claim_type = 'INCOME'
                    and cash.claim_id = concat_ws(':', income.entitlement_id, income.business_date)
            where income.business_date <= :business_date
        )
"""

# What was booked today, what is paid out today, and what is booked and still to come, per kind and currency.
INCOME = Query(
    sql=_INCOME_CLAIMS
    + """
        select
            income_type,
            currency_code,
            coalesce(sum(gross_amount) filter (where business_date = :business_date), 0) as booked_amount,
            sum(gross_amount * moved) as received_amount,
            coalesce(sum(gross_amount) filter (where pay_date > :business_date), 0) as due_amount,
            coalesce(sum(withholding_amount) filter (where pay_date > :business_date), 0) as due_withholding_amount,
            min(pay_date) filter (where pay_date > :business_date) as next_pay_date
        from claims
        where business_date = :business_date or moved <> 0 or pay_date > :business_date
        group by income_type, currency_code
        order by income_type, currency_code
    """,
    sources=("marts.fct_income", "marts.fct_event_cash"),
)

INCOME_EVENTS = Query(
    sql=_INCOME_CLAIMS
    + """
        , events as (
            select
                event_id, income_type, instrument_id, ex_date, pay_date, currency_code,
                sum(gross_amount) as gross_amount,
                sum(withholding_amount) as withholding_amount,
                sum(net_amount) as net_amount,
                bool_or(business_date = :business_date) as is_new
            from claims
            where business_date = :business_date or moved <> 0 or pay_date > :business_date
            group by event_id, income_type, instrument_id, ex_date, pay_date, currency_code
        )
        -- of an ex date that was moved, what is left of the former one
        select events.*, count(*) over () as total_count
        from events
        where
            (gross_amount, withholding_amount) <> (0, 0)
            or not exists (
                select from events as others
                where others.event_id = events.event_id and others.ex_date <> events.ex_date
            )
        order by pay_date, event_id, ex_date, currency_code
        limit :cap
    """,
    sources=("marts.fct_income", "marts.fct_event_cash"),
    see_all="select * from fct_income where business_date <= '{business_date}' and pay_date >= '{business_date}'",
    cap=LISTED_ROWS,
)

PAYMENTS = Query(
    sql="""
        select
            payment_id, client_id, account_id, amount, currency_code, pay_date, maker, business_date,
            count(*) over () as total_count
        from marts.fct_payments
        where payment_status = 'WAITING' and business_date <= :business_date
        order by pay_date, payment_id
        limit :cap
    """,
    sources=("marts.fct_payments",),
    see_all="select * from fct_payments where payment_status = 'WAITING' order by pay_date",
    cap=LISTED_ROWS,
)

EXCEPTIONS = Query(
    sql="""
        select
            exceptions.file_name, exceptions.line_no, exceptions.kind, exceptions.reason_code, exceptions.field,
            exceptions.value, exceptions.reason, exceptions.remedy,
            count(*) over () as total_count
        from operations.exceptions as exceptions
        where
            exceptions.business_date = :business_date
            and not exists (
                select from operations.exception_resolutions as resolutions
                where resolutions.exception_id = exceptions.exception_id
            )
        order by exceptions.file_name, exceptions.line_no, exceptions.reason_code
        limit :cap
    """,
    sources=("operations.exceptions",),
    see_all="select * from operations.exceptions where business_date = '{business_date}' order by file_name, line_no",
    cap=LISTED_ROWS,
)

REFUSED_FILES = Query(
    sql="""
        select file_name, kind, reason, count(*) over () as total_count
        from landing.files
        where business_date = :business_date and outcome = 'REFUSED'
        order by file_name, file_id
        limit :cap
    """,
    sources=("landing.files",),
    see_all="select * from landing.files where business_date = '{business_date}' and outcome = 'REFUSED'",
    cap=LISTED_ROWS,
)

BRIDGE = Query(
    sql="""
        select
            count(*) as row_count,
            count(*) filter (where difference_amount <> 0) as differing_count,
            coalesce(sum(management_amount), 0) as management_amount,
            coalesce(sum(accounting_amount), 0) as accounting_amount,
            coalesce(sum(difference_amount), 0) as difference_amount
        from marts.rpt_profit_bridge
        where business_date = :business_date
    """,
    sources=("marts.rpt_profit_bridge",),
)

BRIDGE_DIFFERENCES = Query(
    sql="""
        select
            book_id, instrument_id, component, management_amount, accounting_amount, difference_amount,
            count(*) over () as total_count
        from marts.rpt_profit_bridge
        where business_date = :business_date and difference_amount <> 0
        order by abs(difference_amount) desc, book_id, instrument_id, component
        limit :cap
    """,
    sources=("marts.rpt_profit_bridge",),
    see_all="select * from rpt_profit_bridge where business_date = '{business_date}' and difference_amount <> 0",
    cap=LISTED_ROWS,
)
