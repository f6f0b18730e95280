{# What the firm knew at a moment: the rows of the dates closed by then. Closed dates are never rewritten, so these are the rows of
   each date's own evening. Functions for analysts, as positions_as_known_at('2026-01-06 18:00+00'); figures_as_known_at adds to a date's
   evening what was learned of it until the moment. #}
{% macro known_at_functions() -%}
    {%- for name, mart in [
        ('positions_as_known_at', 'fct_positions'),
        ('results_as_known_at', 'fct_profit_and_loss'),
        ('changes_as_known_at', 'rpt_what_changed'),
    ] %}
        create or replace function marts.{{ name }}(moment timestamptz)
            returns setof marts.{{ mart }}
            language sql stable as $$
            select figures.* from marts.{{ mart }} as figures
            where figures.business_date <= (
                select max(dates.business_date) from marts.dim_business_dates as dates where dates.closed_at <= moment
            )
        $$;
    {%- endfor %}
        create or replace function marts.figures_as_known_at(figure_date date, moment timestamptz)
            returns table (
                book_id text, account_id text, instrument_id text, quantity numeric, market_value_amount_base numeric,
                accrued_interest_amount_base numeric, total_to_date_amount_base numeric
            )
            language sql stable as $$
            with asked as (
                select max(dates.business_date) as known_date
                from marts.dim_business_dates as dates where dates.closed_at <= figures_as_known_at.moment
                having max(dates.business_date) >= figures_as_known_at.figure_date
            ),
            figures as (
                select
                    positions.book_id, positions.account_id, positions.instrument_id, positions.traded_quantity as quantity,
                    positions.market_value_amount_base, positions.accrued_interest_amount_base, 0::numeric as total_amount_base
                from asked cross join marts.fct_positions as positions
                where positions.business_date = figures_as_known_at.figure_date
                union all
                select
                    results.book_id, results.account_id, results.instrument_id, 0, 0, 0, results.total_amount_base
                from asked cross join marts.fct_profit_and_loss as results
                where results.business_date <= figures_as_known_at.figure_date
                union all
                select
                    learned.book_id, learned.account_id, learned.instrument_id, learned.changed_quantity,
                    case when learned.instrument_id like 'CASH:%' then 0 else learned.market_value_amount_base end,
                    learned.accrued_interest_amount_base, learned.total_amount_base
                from asked inner join marts.rpt_what_changed as learned on learned.business_date <= asked.known_date
                where learned.figure_date = figures_as_known_at.figure_date
            )
            select
                figures.book_id, figures.account_id, figures.instrument_id, sum(figures.quantity), sum(figures.market_value_amount_base),
                sum(figures.accrued_interest_amount_base), sum(figures.total_amount_base)
            from figures group by figures.book_id, figures.account_id, figures.instrument_id
        $$;
{%- endmacro %}
