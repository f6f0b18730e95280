"""Controls over positions and results, asked after the middle office's marts are built."""

from posttrade.controls.catalogue import Control, Owner, Severity, Suite

# Pairs and value dates of the forwards still to be exchanged whose quotes are older than their product line asks for, or never came.
_FORWARDS_OPEN = """select distinct instruments.notional_currency_code || '/' || instruments.currency_code as pair,
    instruments.maturity_date as value_date, instruments.currency_code,
    coalesce('{at} of ' || forwards.{quote_date}::text, '{without}') as standing
    from marts.fct_positions as positions inner join today using (business_date)
    inner join intermediate.int_reference__instruments_known as instruments using (business_date, instrument_id)
    inner join intermediate.int_market__forwards as forwards using (business_date, instrument_id)
    where (positions.traded_quantity <> 0 or positions.agreed_amount <> 0) and instruments.maturity_date > today.business_date
        and (forwards.{quote_date} is null
            or instruments.stale_after_business_days <= (select count(*) from books.business_days as days
                where days.business_date > forwards.{quote_date} and days.business_date <= today.business_date))"""

CONTROLS = (
    Control(
        "book_in_the_red", Suite.BOOKS, Severity.INFO, Owner.MIDDLE_OFFICE,
        "No book lost money today.",
        "{book_id} lost {loss_amount} today.",
        "Look at its components in fct_profit_and_loss.",
        ("book_id",),
        """select results.book_id, -sum(results.total_amount_base) as loss_amount
        from marts.fct_profit_and_loss as results inner join today using (business_date)
        group by results.book_id having sum(results.total_amount_base) < 0""",
    ),
    Control(
        "loss_limit_breached", Suite.BOOKS, Severity.CRITICAL, Owner.MIDDLE_OFFICE,
        "No book lost more than its limit.",
        "{book_id} lost {used_amount}, beyond its limit of {limit_amount}.",
        "Inform the head of the desk and risk; nothing leaves the house until the cause is mended or the limit is raised.",
        ("book_id",),
        """select limits.book_id, limits.used_amount, limits.limit_amount
        from marts.fct_limit_utilisation as limits inner join today using (business_date)
        where limits.limit_type = 'LOSS' and limits.is_breached""",
    ),
    Control(
        "position_limit_breached", Suite.BOOKS, Severity.CRITICAL, Owner.MIDDLE_OFFICE,
        "No position is larger than its limit.",
        "{book_id} holds {used_amount} of {instrument_id}, beyond its limit of {limit_amount}.",
        "Inform the trader and risk; check that the trades behind it are right.",
        ("book_id", "instrument_id"),
        """select limits.book_id, limits.instrument_id, limits.used_amount, limits.limit_amount
        from marts.fct_limit_utilisation as limits inner join today using (business_date)
        where limits.limit_type = 'POSITION' and limits.is_breached""",
    ),
    Control(
        "price_missing", Suite.BOOKS, Severity.CRITICAL, Owner.MIDDLE_OFFICE,
        "Everything held has had a price.",
        "{instrument_id} is held and has no price; it stands at cost.",
        "Deliver its price in prices.csv and clear record_market_data.",
        ("instrument_id",),
        """select distinct positions.instrument_id from marts.fct_positions as positions inner join today using (business_date)
        where positions.is_price_missing and positions.traded_quantity <> 0 and positions.agreed_amount is null""",
    ),
    Control(
        "forward_rate_missing", Suite.BOOKS, Severity.CRITICAL, Owner.MIDDLE_OFFICE,
        "Every currency forward is valued by outright rates of the date that reach its value date.",
        "{pair} for {value_date}: no outright rates of the date reach the value date; forwards stand {standing}.",
        "Deliver in forward_rates.csv a rate of the date for its value date or a later one and clear record_market_data.",
        ("pair", "value_date"),
        _FORWARDS_OPEN.format(quote_date="rate_date", at="at the rate", without="at nothing, for none ever did"),
    ),
    Control(
        "discount_factor_missing", Suite.BOOKS, Severity.CRITICAL, Owner.MIDDLE_OFFICE,
        "Every currency forward is discounted by factors of the date that reach its value date.",
        "{pair} for {value_date}: no discount factors of {currency_code} of the date reach the value date; forwards stand {standing}.",
        "Deliver in discount_factors.csv a factor of the date for its value date or a later one and clear record_market_data.",
        ("pair", "value_date"),
        _FORWARDS_OPEN.format(quote_date="factor_date", at="by the factor", without="at nothing, for none ever did"),
    ),
    Control(
        "forward_held_after_its_date", Suite.BOOKS, Severity.CRITICAL, Owner.MIDDLE_OFFICE,
        "A currency forward whose value date has come holds nothing and has nothing to give.",
        "{instrument_id} of {book_id} in {account_id} was to be exchanged on {value_date}: it holds {traded_quantity}, and {agreed_amount}"
        " of what was agreed is to be given.",
        "Look for a trade dealt on or after the value date: have it cancelled, or correct maturity_date in instruments.csv and clear"
        " record_reference_data.",
        ("book_id", "account_id", "instrument_id"),
        """select positions.book_id, positions.account_id, positions.instrument_id, instruments.maturity_date as value_date,
            positions.traded_quantity, positions.agreed_amount
        from marts.fct_positions as positions inner join today using (business_date)
        inner join intermediate.int_reference__instruments_known as instruments using (business_date, instrument_id)
        where instruments.exchanges_at_maturity and instruments.maturity_date <= today.business_date
            and (positions.traded_quantity <> 0 or positions.agreed_amount <> 0)""",
    ),
    Control(
        "price_stale", Suite.BOOKS, Severity.WARNING, Owner.MIDDLE_OFFICE,
        "Everything held has a price as fresh as its product line asks for.",
        "{instrument_id} is valued at its price of {price_date}.",
        "Check whether its market was closed; else deliver the price and clear record_market_data.",
        ("instrument_id",),
        """select distinct positions.instrument_id, positions.price_date
        from marts.fct_positions as positions inner join today using (business_date)
        inner join intermediate.int_reference__instruments_known as instruments using (business_date, instrument_id)
        where positions.traded_quantity <> 0 and positions.price_date < today.business_date and positions.agreed_amount is null
            and instruments.stale_after_business_days <= (select count(*) from books.business_days as days
                where days.business_date > positions.price_date and days.business_date <= today.business_date)""",
    ),
    Control(
        "price_outlier", Suite.BOOKS, Severity.WARNING, Owner.MIDDLE_OFFICE,
        "No price moved further in a day than its product line finds usual, what an event gone ex brought counted in.",
        "{instrument_id} moved from {previous_price} to {price}, more than {outlier_percent} % in a day.",
        "Check the price with a second source, and for a corporate action that is missing or not in the price.",
        ("instrument_id",),
        """, gone_ex as (
            select terms.instrument_id, exp(sum(ln(terms.retained_factor))) as units,
                sum(terms.received_units / terms.old_units * received.price * terms.received_fx_rate / terms.fx_rate) as received_amount
            from intermediate.int_corporate_actions__terms_known as terms inner join today using (business_date)
            inner join books.business_days as days on today.business_date = days.business_date
            left join intermediate.int_market__closing_prices as received on terms.received_instrument_id = received.instrument_id
                and received.business_date = today.business_date
            where terms.ex_date > days.previous_business_date and terms.ex_date <= today.business_date and terms.account_id = ''
                and terms.event_type in ('SPLIT', 'REVERSE_SPLIT', 'STOCK_DIVIDEND', 'SPIN_OFF', 'RIGHTS_ISSUE')
            group by terms.instrument_id
        ), announced as (
            select distinct on (actions.event_id) actions.* from books.corporate_actions as actions, today
            where actions.business_date <= today.business_date
            order by actions.event_id, actions.announcement_no desc nulls last, actions.business_date desc, actions.revision desc
        ), dividends as (
            select announced.instrument_id, sum(announced.amount_per_unit) as amount
            from announced, today inner join books.business_days as days on today.business_date = days.business_date
            where announced.event_type in ('CASH_DIVIDEND', 'SPECIAL_DIVIDEND') and announced.event_status = 'ANNOUNCED'
                and announced.account_id is null
                and announced.ex_date > days.previous_business_date and announced.ex_date <= today.business_date
            group by announced.instrument_id
        )
        select prices.instrument_id, previous.price as previous_price, prices.price,
            instruments.outlier_move * 100 as outlier_percent
        from intermediate.int_market__closing_prices as prices inner join today using (business_date)
        inner join books.business_days as days on today.business_date = days.business_date
        inner join intermediate.int_market__closing_prices as previous on prices.instrument_id = previous.instrument_id
            and previous.business_date = days.previous_business_date
        inner join intermediate.int_reference__instruments_known as instruments on prices.instrument_id = instruments.instrument_id
            and instruments.business_date = today.business_date
        left join gone_ex on prices.instrument_id = gone_ex.instrument_id
        left join dividends on prices.instrument_id = dividends.instrument_id
        where abs(
            prices.price * coalesce(gone_ex.units, 1) + coalesce(gone_ex.received_amount, 0) + coalesce(dividends.amount, 0)
            - previous.price
        ) > abs(previous.price) * instruments.outlier_move""",
    ),
    Control(
        "price_in_other_currency", Suite.BOOKS, Severity.CRITICAL, Owner.MIDDLE_OFFICE,
        "Prices are in the currency of their instrument.",
        "{instrument_id} is priced in {price_currency} and trades in {currency_code}.",
        "Deliver the price in the instrument's currency with a higher revision.",
        ("instrument_id",),
        """select prices.instrument_id, prices.currency_code as price_currency, instruments.currency_code
        from intermediate.int_market__closing_prices as prices inner join today using (business_date)
        inner join intermediate.int_reference__instruments_known as instruments on prices.instrument_id = instruments.instrument_id
            and instruments.business_date = today.business_date
        where prices.currency_code <> instruments.currency_code""",
    ),
    Control(
        "negative_settled_position", Suite.BOOKS, Severity.CRITICAL, Owner.BACK_OFFICE,
        "No account has delivered more securities than it had; options may be written, and what is not delivered may be owed.",
        "{account_id} stands at {settled_quantity} settled of {instrument_id}.",
        "Ask the custodian: securities were delivered that the account did not hold.",
        ("account_id", "instrument_id"),
        """select positions.account_id, positions.instrument_id, sum(positions.settled_quantity) as settled_quantity
        from marts.fct_positions as positions inner join today using (business_date)
        inner join intermediate.int_reference__instruments_known as instruments using (business_date, instrument_id)
        where instruments.is_delivered and instruments.option_type is null
        group by positions.account_id, positions.instrument_id having sum(positions.settled_quantity) < 0""",
    ),
    Control(
        "components_do_not_add_up", Suite.BOOKS, Severity.CRITICAL, Owner.DATA_ENGINEERING,
        "The components of every result add up to its total.",
        "The result of {instrument_id} in {book_id} is off by {difference_amount}.",
        "Rebuild the date (clear build_middle_office); if it stays, the model is wrong.",
        ("book_id", "account_id", "instrument_id"),
        """select results.book_id, results.account_id, results.instrument_id, total_amount_base - (price_amount_base
            + accrual_amount_base + fx_amount_base + income_amount_base + fees_amount_base + new_trades_amount_base
            + prior_day_corrections_amount_base + corporate_actions_amount_base) as difference_amount
        from marts.fct_profit_and_loss as results inner join today using (business_date)
        where total_amount_base <> price_amount_base + accrual_amount_base + fx_amount_base + income_amount_base
            + fees_amount_base + new_trades_amount_base + prior_day_corrections_amount_base + corporate_actions_amount_base
            or total_amount <> price_amount + accrual_amount + fx_amount + income_amount + fees_amount
            + new_trades_amount + prior_day_corrections_amount + corporate_actions_amount""",
    ),
    Control(
        "result_unexplained", Suite.BOOKS, Severity.CRITICAL, Owner.MIDDLE_OFFICE,
        "What every position and every claim gained in value beyond what was paid is explained by its components.",
        "Of the result of {instrument_id} in {book_id}, {residual_amount} is left unexplained, {residual_amount_base} in base currency.",
        "Compare opening value, closing value and net cash in with the day's trades; a kind of movement no component knows is an error.",
        ("book_id", "account_id", "instrument_id"),
        """select results.book_id, results.account_id, results.instrument_id, results.residual_amount, results.residual_amount_base
        from marts.fct_profit_and_loss as results inner join today using (business_date)
        where results.residual_amount <> 0 or results.residual_amount_base <> 0""",
    ),
    Control(
        "position_is_not_its_lots", Suite.BOOKS, Severity.CRITICAL, Owner.DATA_ENGINEERING,
        "The lots of a position add up to its quantity and its cost.",
        "{account_id} holds {traded_quantity} of {instrument_id} in {book_id} at a cost of {cost_amount}; its lots say {lot_quantity} at"
        " {lot_cost_amount}.",
        "Rebuild the date (clear build_middle_office).",
        ("book_id", "account_id", "instrument_id"),
        """, lots as (
            select lots.book_id, lots.account_id, lots.instrument_id, sum(lots.open_quantity) as quantity,
                sum(lots.cost_amount) as cost_amount, sum(lots.cost_amount_base) as cost_amount_base
            from marts.fct_lots as lots inner join today using (business_date)
            group by lots.book_id, lots.account_id, lots.instrument_id
        )
        select positions.book_id, positions.account_id, positions.instrument_id, positions.traded_quantity, positions.cost_amount,
            coalesce(lots.quantity, 0) as lot_quantity, coalesce(lots.cost_amount, 0) as lot_cost_amount
        from marts.fct_positions as positions inner join today using (business_date)
        left join lots on positions.book_id = lots.book_id and positions.account_id = lots.account_id
            and positions.instrument_id = lots.instrument_id
        where (positions.traded_quantity, positions.cost_amount, positions.cost_amount_base)
            is distinct from (coalesce(lots.quantity, 0), coalesce(lots.cost_amount, 0), coalesce(lots.cost_amount_base, 0))""",
    ),
    Control(
        "lot_not_named", Suite.BOOKS, Severity.WARNING, Owner.MIDDLE_OFFICE,
        "A close under the method SPECIFIC names a lot that can give all of it.",
        "{trade_id} in {instrument_id}, {account_id} and {book_id} {named_lot}: {other_lots_quantity} were taken of the oldest lots"
        " in its place, and {opened_quantity} found nothing to close and opened a position of the other side. Have it amended with a"
        " lot that has them (closes_trade_id; in FIX tag 1752).",
        "Ask the front office which lot is meant and have the trade amended with its closes_trade_id (of an execution by FIX, corrected"
        " with its tag 1752), or cancelled; a lot of another source is named as on record, such as FIX~E1. The lots are then worked out"
        " again from the first trade, and the difference is booked in the open date.",
        ("book_id", "account_id", "instrument_id", "trade_id"),
        """select missed.book_id, missed.account_id, missed.instrument_id, missed.trade_id, missed.other_lots_quantity,
            missed.opened_quantity, case when missed.closes_trade_id is null then 'names no lot'
                else 'names the lot ' || missed.closes_trade_id || ', which has not as much left' end as named_lot
        from intermediate.int_lots__named_lots_missed as missed inner join today using (business_date)""",
    ),
    Control(
        "option_expired_in_the_money", Suite.BOOKS, Severity.WARNING, Owner.MIDDLE_OFFICE,
        "No option with value expires without being exercised.",
        "{account_id} let {held_quantity} of {instrument_id} in {book_id} expire; its underlying stood at {underlying_price}, the strike is"
        " {strike_price}.",
        "Ask the clearing member whether it was exercised; if so, deliver OPTION_EXERCISE or CASH_EXERCISE in corporate_actions.csv.",
        ("book_id", "account_id", "instrument_id"),
        """select actions.book_id, actions.account_id, actions.instrument_id, sum(actions.entitled_quantity) as held_quantity,
            prices.price as underlying_price, instruments.strike_price
        from marts.fct_corporate_actions as actions inner join today using (business_date)
        inner join intermediate.int_reference__instruments_known as instruments using (business_date, instrument_id)
        inner join books.business_days as days on days.business_date = today.business_date
        inner join intermediate.int_market__closing_prices as prices on prices.instrument_id = instruments.underlying_instrument_id
            and prices.business_date = days.previous_business_date
        where actions.event_type = 'EXPIRY'
            and case instruments.option_type when 'CALL' then prices.price > instruments.strike_price
                when 'PUT' then prices.price < instruments.strike_price end
        group by actions.book_id, actions.account_id, actions.instrument_id, prices.price, instruments.strike_price
        having sum(actions.entitled_quantity) <> 0""",
    ),
    Control(
        "option_not_adjusted", Suite.BOOKS, Severity.WARNING, Owner.MIDDLE_OFFICE,
        "An option follows the split of its underlying.",
        "{instrument_id} is held as {contract_size} for {strike_price} each; its underlying {underlying_instrument_id} went {new_units} for"
        " {old_units} on {ex_date} ({event_id}).",
        "Deliver what the exchange says: a SPLIT or REVERSE_SPLIT of the option with the same ex date in corporate_actions.csv, or its new"
        " contract_size, and its new strike_price in instruments.csv.",
        ("instrument_id", "event_id"),
        """, splits as (
            select terms.* from intermediate.int_corporate_actions__terms_known as terms inner join today using (business_date)
            where terms.event_type in ('SPLIT', 'REVERSE_SPLIT', 'STOCK_DIVIDEND') and terms.new_units <> terms.old_units
        ), held as (
            select distinct positions.instrument_id from marts.fct_positions as positions inner join today using (business_date)
            where positions.traded_quantity <> 0
        )
        select options.instrument_id, splits.event_id, options.contract_size, options.strike_price, options.underlying_instrument_id,
            splits.new_units, splits.old_units, splits.ex_date
        from splits
        inner join intermediate.int_reference__instruments_known as options on options.business_date = splits.business_date
            and options.underlying_instrument_id = splits.instrument_id and options.option_type is not null
        inner join held on held.instrument_id = options.instrument_id
        cross join lateral (
            select versions.contract_size, versions.strike_price from books.instruments as versions
            where versions.instrument_id = options.instrument_id and versions.business_date < splits.ex_date
            order by versions.business_date desc, versions.revision desc limit 1
        ) as formerly
        where splits.account_id = '' and (
            formerly.strike_price is not distinct from options.strike_price
            or formerly.contract_size is not distinct from options.contract_size and not exists (
                select from splits as of_option
                where of_option.instrument_id = options.instrument_id and of_option.ex_date = splits.ex_date))""",
    ),
    Control(
        "trade_rate_off_market", Suite.BOOKS, Severity.WARNING, Owner.MIDDLE_OFFICE,
        "The rate agreed with a trade is within 5 % of the day's.",
        "{trade_id} states the rate {fx_rate}; the day's rate of {currency_code} is {market_rate}.",
        "Check the trade with the front office: one unit of the trade's currency in base currency is expected; amend it if it is wrong.",
        ("trade_id",),
        """select movements.trade_id, movements.fx_rate, movements.currency_code, rates.rate as market_rate
        from intermediate.int_trades__movements as movements inner join today using (business_date)
        inner join intermediate.int_market__closing_fx_rates as rates using (business_date, currency_code)
        where movements.movement_sign = 1 and abs(movements.fx_rate / rates.rate - 1) > 0.05""",
    ),
    Control(
        "position_is_not_its_trades", Suite.BOOKS, Severity.CRITICAL, Owner.DATA_ENGINEERING,
        "A position is yesterday's, what was booked today, and what corporate actions changed.",
        "{account_id} holds {held_quantity} of {instrument_id} in {book_id}; its trades say {booked_quantity}.",
        "Rebuild the date (clear build_middle_office); if it stays, a day before it was built from other facts.",
        ("book_id", "account_id", "instrument_id"),
        """, moved as (
            select movements.book_id, movements.account_id, movements.instrument_id, movements.quantity
            from intermediate.int_trades__movements as movements inner join today using (business_date)
            where movements.exchanged_currency_code is null
            union all
            select actions.book_id, actions.account_id, actions.instrument_id, actions.quantity_change
            from marts.fct_corporate_actions as actions inner join today using (business_date)
        ), opening as (
            select positions.book_id, positions.account_id, positions.instrument_id, positions.traded_quantity as quantity
            from marts.fct_positions as positions inner join books.business_days as days
                on positions.business_date = days.previous_business_date
            inner join today on days.business_date = today.business_date
        ), expected as (
            select book_id, account_id, instrument_id, sum(quantity) as quantity
            from (select * from moved union all select * from opening) as parts group by book_id, account_id, instrument_id
        ), held as (
            select positions.book_id, positions.account_id, positions.instrument_id, positions.traded_quantity as quantity
            from marts.fct_positions as positions inner join today using (business_date)
        )
        select book_id, account_id, instrument_id, coalesce(held.quantity, 0) as held_quantity,
            coalesce(expected.quantity, 0) as booked_quantity
        from held full outer join expected using (book_id, account_id, instrument_id)
        where coalesce(held.quantity, 0) <> coalesce(expected.quantity, 0)""",
    ),
    Control(
        "held_after_its_end", Suite.BOOKS, Severity.CRITICAL, Owner.MIDDLE_OFFICE,
        "Nothing is held of an instrument that has been repaid, has expired or has become another.",
        "{account_id} holds {traded_quantity} of {instrument_id} in {book_id}: what is dealt in it from {end_date} on comes after its end,"
        " and nothing pays it back.",
        "Have the trades that come after the end cancelled or amended; if the instrument runs longer, deliver its maturity_date or"
        " expiry_date in instruments.csv, what holds of its end in open_deal_terms.csv, or the event amended or withdrawn in"
        " corporate_actions.csv.",
        ("book_id", "account_id", "instrument_id"),
        """, ends as (
            select terms.instrument_id, terms.ex_date as end_date
            from intermediate.int_corporate_actions__terms_known as terms inner join today using (business_date)
            where terms.event_type in ('REDEMPTION', 'CALL', 'MATURITY', 'EXPIRY', 'MERGER', 'RIGHTS_LAPSE')
                and (terms.closed_fraction = 1 or terms.new_units = 0) and terms.account_id = ''
            union all
            select instruments.instrument_id, max(coupons.coupon_date)
            from intermediate.int_reference__instruments_known as instruments inner join today using (business_date)
            inner join books.bond_coupons as coupons on instruments.instrument_id = coupons.instrument_id
                and instruments.terms_sha = coupons.terms_sha and coupons.redemption_percent > 0
            group by instruments.instrument_id having max(coupons.coupon_date) <= min(instruments.business_date)
        )
        select positions.book_id, positions.account_id, positions.instrument_id, positions.traded_quantity, min(ends.end_date) as end_date
        from marts.fct_positions as positions inner join today using (business_date)
        inner join ends on positions.instrument_id = ends.instrument_id
        where positions.traded_quantity <> 0
        group by positions.book_id, positions.account_id, positions.instrument_id, positions.traded_quantity""",
    ),
    Control(
        "bond_without_accrual", Suite.BOOKS, Severity.CRITICAL, Owner.MIDDLE_OFFICE,
        "Every bond that is held accrues interest, or is of a line that accrues none.",
        "{instrument_id} is held and no accrued interest could be worked out.",
        "Check its terms in instruments.csv and bond_repayments.csv and the fixing of its period in index_fixings.csv, then clear"
        " prepare_terms.",
        ("instrument_id",),
        """select distinct positions.instrument_id from marts.fct_positions as positions inner join today using (business_date)
        where positions.traded_quantity <> 0 and positions.accrued_interest_amount is null""",
    ),
    Control(
        "trade_without_terms", Suite.BOOKS, Severity.CRITICAL, Owner.MIDDLE_OFFICE,
        "The amounts of every trade follow from terms that are known.",
        "Version {version} of {trade_id} in {instrument_id} is not in the books: {reason}.",
        "Deliver the fixing, repayment or rate in index_fixings.csv, bond_repayments.csv or fx_rates.csv (then clear record_market_data),"
        " the corrected row in instruments.csv (then clear record_reference_data), have the trade amended with its settlement date, or add"
        " the market or currency to procedures/settlement_cycles.yaml (then clear prepare_terms). What comes on a later date is booked on"
        " that date.",
        ("trade_id", "version"),
        """, out_of_reach as (
            select beyond.trade_id, beyond.version from today
            inner join operations.trade_events_beyond_cutoff as beyond on beyond.business_date <= today.business_date
                and coalesce(beyond.released_date > today.business_date, true)
        ), waiting as (
            select held.trade_id, held.version, held.instrument_id, held.reason from today
            inner join books.trades_held_for_terms as held on held.business_date <= today.business_date
                and coalesce(held.found_date > today.business_date, true)
        )
        select waiting.trade_id, waiting.version, waiting.instrument_id, waiting.reason from waiting, today
        where (waiting.trade_id, waiting.version) not in (select trade_id, version from out_of_reach)
            and not exists (
                select from books.trade_versions as later
                where later.trade_id = waiting.trade_id and later.business_date <= today.business_date
                    and (later.event_type = 'CANCEL' and later.block_trade_id is null
                        or later.version > waiting.version
                        and (later.trade_id, later.version) not in (select trade_id, version from waiting))
                    and (later.trade_id, later.version) not in (select trade_id, version from out_of_reach))""",
    ),
    Control(
        "coupon_not_fixed", Suite.BOOKS, Severity.CRITICAL, Owner.MIDDLE_OFFICE,
        "Every coupon has a rate when it goes ex.",
        "The coupon of {coupon_date} of {instrument_id} has gone ex; the rate of its period from {period_start_date} is not known, and"
        " nothing was booked.",
        "Deliver the fixing in index_fixings.csv; the coupon is booked in the open date.",
        ("instrument_id", "coupon_date"),
        """, unfixed as (
            select instruments.instrument_id, coupons.coupon_date, coupons.period_start_date, min(cycles.trade_date) as ex_trade_date
            from intermediate.int_reference__instruments_known as instruments inner join today using (business_date)
            inner join books.bond_coupons as coupons on instruments.instrument_id = coupons.instrument_id
                and instruments.terms_sha = coupons.terms_sha and coupons.coupon_percent is null
                and coalesce(coupons.ex_date, coupons.coupon_date) <= instruments.standard_settlement_date
            inner join books.settlement_cycles as cycles on instruments.market_mic = cycles.market_mic
                and cycles.settlement_date >= coalesce(coupons.ex_date, coupons.coupon_date)
            where instruments.accrues_interest
            group by instruments.instrument_id, coupons.coupon_date, coupons.period_start_date
        )
        select unfixed.instrument_id, unfixed.coupon_date, unfixed.period_start_date from unfixed, today
        where unfixed.ex_trade_date <= today.business_date and exists (
            select from intermediate.int_trades__movements as movements
            where movements.instrument_id = unfixed.instrument_id and movements.business_date <= today.business_date
                and movements.trade_date < unfixed.ex_trade_date
            group by movements.book_id, movements.account_id having sum(movements.quantity) <> 0)""",
    ),
    Control(
        "position_break", Suite.BOOKS, Severity.WARNING, Owner.BACK_OFFICE,
        "Our settled positions are the custodian's.",
        "{account_id}: we hold {our_amount} of {instrument_id}, the custodian says {their_amount}; open for {age_days} days.",
        "Compare the statuses of the account's instructions with the custodian's statement.",
        ("account_id", "instrument_id"),
        """select breaks.account_id, breaks.instrument_id, breaks.our_amount, breaks.their_amount, breaks.age_days
        from marts.fct_breaks as breaks inner join today using (business_date) where breaks.break_type = 'POSITION'""",
    ),
    Control(
        "cash_break", Suite.BOOKS, Severity.WARNING, Owner.BACK_OFFICE,
        "Our cash is the bank's.",
        "{cash_account_id}: we have {our_amount} {currency_code}, the bank says {their_amount}; open for {age_days} days.",
        "Compare the day's settlements, income and payments with the bank's statement.",
        ("cash_account_id",),
        """select breaks.cash_account_id, breaks.currency_code, breaks.our_amount, breaks.their_amount, breaks.age_days
        from marts.fct_breaks as breaks inner join today using (business_date) where breaks.break_type = 'CASH'""",
    ),
    Control(
        "exercise_beyond_holding", Suite.BOOKS, Severity.WARNING, Owner.BACK_OFFICE,
        "No more is exercised than is held.",
        "{event_id} tells {exercised_quantity} of {instrument_id} exercised in {account_id} and {book_id}; {booked_quantity} were held.",
        "Ask the clearing member, then correct the event or deliver the missing trade; the difference is booked in the open date.",
        ("event_id",),
        """, known as (
            select distinct on (actions.event_id) actions.*
            from today inner join books.corporate_actions as actions on actions.business_date <= today.business_date
            where actions.event_id in (select event_id from books.corporate_actions where exercised_quantity is not null)
            order by actions.event_id, actions.announcement_no desc nulls last, actions.business_date desc, actions.revision desc
        )
        select known.event_id, known.account_id, known.book_id, known.instrument_id, known.exercised_quantity,
            coalesce(booked.quantity, 0) as booked_quantity
        from today
        inner join books.business_days as days on today.business_date = days.business_date
        inner join known on known.event_status = 'ANNOUNCED' and known.ex_date <= today.business_date
            and (known.ex_date > days.previous_business_date or known.business_date = today.business_date)
        left join lateral (
            select abs(sum(actions.quantity_change)) as quantity from marts.fct_corporate_actions as actions
            where actions.event_id = known.event_id and actions.instrument_id = known.instrument_id
                and actions.business_date <= today.business_date
        ) as booked on true
        where coalesce(booked.quantity, 0) < known.exercised_quantity""",
    ),
    Control(
        "withholding_rate_missing", Suite.BOOKS, Severity.WARNING, Owner.BACK_OFFICE,
        "Every entitlement has a withholding rate.",
        "{account_id} earns {income_type} on {instrument_id} and has no withholding rate for {issuer_country_code}; none was kept back.",
        "Deliver the rate in withholding_rates.csv; the difference is booked in the open date.",
        ("entitlement_id",),
        """select distinct income.entitlement_id, income.account_id, income.income_type, income.instrument_id,
            instruments.issuer_country_code
        from marts.fct_income as income inner join today using (business_date)
        inner join intermediate.int_reference__instruments_known as instruments on income.instrument_id = instruments.instrument_id
            and instruments.business_date = today.business_date
        where not exists (select from books.withholding_rates as rates where rates.account_id = income.account_id
            and rates.issuer_country_code = instruments.issuer_country_code and rates.income_type = income.income_type
            and rates.business_date <= today.business_date)""",
    ),
)  # fmt: skip
