-- An active trade owes its price, its accrued interest and its fee; one in an instrument whose gains are paid every day, or in a currency
-- forward, whose amounts are exchanged on its value date, the fee alone.
select
    trades.business_date,
    trades.trade_id
from {{ ref('fct_trades') }} as trades
inner join {{ ref('int_reference__instruments_known') }} as instruments
    on trades.business_date = instruments.business_date and trades.instrument_id = instruments.instrument_id
where
    trades.trade_status = 'ACTIVE'
    and trades.net_amount <> -(
        case
            when instruments.settles_daily or instruments.exchanges_at_maturity then 0
            else trades.gross_amount + trades.accrued_amount
        end + trades.fee_amount
    )
