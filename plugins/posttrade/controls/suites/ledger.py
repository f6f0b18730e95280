"""Controls over settlement, payments and the journal, asked after posting."""

from posttrade.controls.catalogue import Control, Owner, Severity, Suite

CONTROLS = (
    Control(
        "journal_unbalanced", Suite.LEDGER, Severity.CRITICAL, Owner.BACK_OFFICE,
        "Every journal entry balances, in each currency and in base currency.",
        "Entry {entry_id} is out of balance by {amount} {currency_code} ({amount_base} in base currency).",
        "The database refuses such an entry: somebody has worked around it. Stop and find out who.",
        ("entry_id",),
        """select lines.entry_id::text as entry_id, lines.currency_code, sum(lines.amount) as amount, sum(lines.amount_base) as amount_base
        from ledger.journal_lines as lines inner join today using (business_date)
        group by lines.entry_id, lines.currency_code having sum(lines.amount) <> 0 or sum(lines.amount_base) <> 0""",
    ),
    Control(
        "entry_without_lines", Suite.LEDGER, Severity.CRITICAL, Owner.DATA_ENGINEERING,
        "Every journal entry has lines.",
        "Entry {entry_id} of {event_id} has no lines.",
        "Somebody has written to the journal by hand. Stop and find out who.",
        ("entry_id",),
        """select entries.entry_id::text as entry_id, entries.event_id from ledger.journal_entries as entries
        inner join today using (business_date)
        where not exists (select from ledger.journal_lines as lines where lines.entry_id = entries.entry_id)""",
    ),
    Control(
        "correction_without_reversal", Suite.LEDGER, Severity.CRITICAL, Owner.BACK_OFFICE,
        "What is corrected is reversed: of a trade, entitlement, corporate action or its cash no more than one entry stands.",
        "{event_type} {cause}: {standing} entries stand that were not reversed, {allowed} may.",
        "Clear post_journal; if it stays, somebody has posted by hand. Stop and find out who.",
        ("event_type", "cause"),
        """select causes.event_type, causes.cause, causes.allowed, count(*) as standing
        from today
        cross join lateral (
            select kinds.event_type, income.entitlement_id as cause, 1 as allowed,
                kinds.event_type || ':' || income.entitlement_id || ':' || income.business_date as event_id
            from marts.fct_income as income cross join (values ('INCOME'), ('CLIENT_DUE')) as kinds (event_type)
            where income.business_date <= today.business_date and income.entitlement_id in
                (select changed.entitlement_id from marts.fct_income as changed where changed.business_date = today.business_date)
            union
            select 'CORPORATE_ACTION', concat_ws(':', actions.event_id, actions.book_id, actions.account_id, actions.instrument_id), 1,
                'CORPORATE_ACTION:' || concat_ws(':', actions.event_id, actions.book_id, actions.account_id, actions.instrument_id,
                    actions.business_date)
            from marts.fct_corporate_actions as actions
            inner join marts.fct_corporate_actions as changed using (event_id, book_id, account_id, instrument_id)
            where actions.business_date <= today.business_date and changed.business_date = today.business_date
            union
            select cash.claim_type || '_CASH', concat_ws(':', cash.event_id, cash.book_id, cash.account_id, cash.instrument_id), 1,
                cash.claim_type || '_CASH:' || cash.claim_id
            from marts.fct_event_cash as cash
            inner join marts.fct_event_cash as changed using (claim_type, event_id, book_id, account_id, instrument_id)
            where cash.business_date <= today.business_date and changed.business_date = today.business_date
            union
            select kinds.event_type, movements.trade_id, (
                    select count(*) from intermediate.int_trades__movements as booked_anew
                    where booked_anew.business_date = today.business_date and booked_anew.movement_sign = 1
                        and booked_anew.trade_id = movements.trade_id and booked_anew.trade_version = movements.trade_version
                ),
                concat_ws(':', kinds.event_type, movements.trade_id, movements.trade_version, kinds.suffix)
            from intermediate.int_trades__movements as movements
            cross join (values ('TRADE', null), ('VALUE_DATE', 1), ('MATURITY', null)) as kinds (event_type, suffix)
            where movements.business_date = today.business_date and movements.movement_sign = -1
        ) as causes
        inner join ledger.journal_entries as entries
            on causes.event_id = entries.event_id and entries.reverses_entry_id is null and entries.business_date <= today.business_date
        where not exists (
            select from ledger.journal_entries as reversals
            where reversals.reverses_entry_id = entries.entry_id and reversals.business_date <= today.business_date
        )
        group by causes.event_type, causes.cause, causes.allowed
        having count(*) > causes.allowed""",
    ),
    Control(
        "journal_chain_broken", Suite.LEDGER, Severity.CRITICAL, Owner.BACK_OFFICE,
        "The journal of the date is as it was sealed when it was posted.",
        "{fault}: seal {seal_no}, entry {entry_id}.",
        "Change nothing by hand. Run ./posttrade verify and follow 'The journal chain is broken' in docs/operations.md.",
        ("fault", "seal_no", "entry_id"),
        """select case faults.fault
                when 'ENTRY_CHANGED' then 'An entry was changed after it was sealed'
                when 'ENTRY_REMOVED' then 'An entry was removed after it was sealed'
                when 'ENTRY_UNSEALED' then 'An entry was not written by a posting run'
                when 'SEAL_MISSING' then 'A seal is missing'
                else 'A seal was changed'
            end as fault, faults.seal_no, faults.entry_id::text as entry_id
        from today cross join lateral ledger.journal_faults(today.business_date, today.business_date) as faults""",
    ),
    Control(
        "trial_balance_not_zero", Suite.LEDGER, Severity.CRITICAL, Owner.BACK_OFFICE,
        "Debits and credits cancel out, in each currency.",
        "The trial balance is off by {balance_amount} {currency_code}.",
        "Rebuild the date (clear build_back_office); if it stays, look for the entry with the control on entries.",
        ("currency_code",),
        """select balances.currency_code, sum(balances.balance_amount) as balance_amount
        from marts.rpt_trial_balance as balances inner join today using (business_date)
        group by balances.currency_code having sum(balances.balance_amount) <> 0 or sum(balances.balance_amount_base) <> 0""",
    ),
    Control(
        "bridge_open", Suite.LEDGER, Severity.CRITICAL, Owner.BACK_OFFICE,
        "Accounting result and management result are the same.",
        "{book_id} {instrument_id}, {component}: management {management_amount}, accounting {accounting_amount}.",
        "Clear post_journal; if it stays, compare the entries of the instrument with its positions.",
        ("book_id", "instrument_id", "component"),
        """select bridge.book_id, bridge.instrument_id, bridge.component, bridge.management_amount, bridge.accounting_amount
        from marts.rpt_profit_bridge as bridge inner join today using (business_date) where bridge.difference_amount <> 0""",
    ),
    Control(
        "settlement_failed", Suite.LEDGER, Severity.INFO, Owner.BACK_OFFICE,
        "Nothing failed to settle.",
        "{instruction_id} of {trade_id} failed: {reason_code}; {days_late} days late.",
        "Call the counterparty; LACK means that securities are missing, CLAC that the counterparty's are.",
        ("instruction_id",),
        """select settlements.instruction_id, settlements.trade_id, settlements.reason_code, settlements.days_late
        from marts.fct_settlements as settlements inner join today using (business_date)
        where settlements.settlement_status = 'FAILED'""",
    ),
    Control(
        "fail_aged", Suite.LEDGER, Severity.WARNING, Owner.BACK_OFFICE,
        "Nothing is open more than four days past its settlement date.",
        "{instruction_id} of {trade_id} is open {days_late} days past its settlement date.",
        "Escalate to the counterparty; penalties grow by the day.",
        ("instruction_id",),
        """select settlements.instruction_id, settlements.trade_id, settlements.days_late
        from marts.fct_settlements as settlements inner join today using (business_date) where settlements.days_late > 4""",
    ),
    Control(
        "instruction_is_not_its_trade", Suite.LEDGER, Severity.CRITICAL, Owner.BACK_OFFICE,
        "What stands instructed is what the books ask for, once: the version in force, with its quantity, amount and settlement date.",
        "{instruction_id} instructs {quantity} for {amount} on {settlement_date} by version {trade_version} of {trade_id}, and its books"
        " ask for something else.",
        "Clear instruct_settlement of the date: it takes the instruction back and instructs what the books ask for.",
        ("instruction_id",),
        """, concerned as (
            select trades.trade_id from marts.fct_trades as trades inner join today using (business_date)
            union
            select instructions.trade_id from operations.settlement_instructions as instructions inner join today using (business_date)
        ),
        standing as (
            select
                instructions.*, today.business_date as today,
                row_number() over (partition by instructions.trade_id order by instructions.known_at, instructions.instruction_id) as place
            from concerned
            cross join today
            inner join operations.settlement_instructions as instructions
                on concerned.trade_id = instructions.trade_id and instructions.function = 'NEWM'
                and instructions.business_date <= today.business_date
            where not exists (
                select from operations.settlement_instructions as takings
                where takings.cancels_instruction_id = instructions.instruction_id and takings.business_date <= today.business_date
                    and not exists (
                        select from operations.settlement_instructions as withdrawals
                        where withdrawals.cancels_instruction_id = takings.instruction_id
                            and withdrawals.business_date <= today.business_date
                    )
            )
            and not exists (
                select from operations.settlement_statuses as statuses
                where statuses.instruction_id = instructions.instruction_id and statuses.status = 'CANCELLED'
                    and statuses.business_date <= today.business_date
            )
        )
        select
            standing.instruction_id, standing.trade_id, standing.trade_version, standing.quantity, standing.amount, standing.settlement_date
        from standing
        left join lateral (
            select * from marts.fct_trades as states
            where states.trade_id = standing.trade_id and states.business_date <= standing.today
            order by states.business_date desc
            limit 1
        ) as trades on true
        where standing.place > 1
            or (trades.trade_status, trades.version, trades.quantity, trades.net_amount, trades.settlement_date) is distinct from
            ('ACTIVE', standing.trade_version, standing.quantity, standing.amount, standing.settlement_date)""",
    ),
    Control(
        "instruction_missing", Suite.LEDGER, Severity.WARNING, Owner.BACK_OFFICE,
        "Every trade of the date that can be instructed is.",
        "Version {version} of {trade_id} over {quantity} {instrument_id} is not instructed, and nothing holds it.",
        "Clear instruct_settlement of the date.",
        ("trade_id",),
        """select trades.trade_id, trades.version, trades.instrument_id, trades.quantity
        from marts.fct_trades as trades inner join today using (business_date)
        inner join intermediate.int_reference__instruments_known as instruments
            on trades.instrument_id = instruments.instrument_id and instruments.business_date = today.business_date
            and instruments.is_delivered
        where trades.trade_status = 'ACTIVE' and trades.counterparty_id is not null
            and exists (
                select from books.standing_instructions as told
                where told.account_id = trades.account_id and told.currency_code = trades.currency_code
                    and told.business_date <= today.business_date
            )
            and not exists (
                select from operations.settlement_instructions as instructions
                where instructions.trade_id = trades.trade_id and instructions.trade_version = trades.version
                    and instructions.function = 'NEWM' and instructions.business_date <= today.business_date
                    and not exists (
                        select from operations.settlement_instructions as takings
                        where takings.cancels_instruction_id = instructions.instruction_id
                            and takings.business_date <= today.business_date
                            and not exists (
                                select from operations.settlement_instructions as withdrawals
                                where withdrawals.cancels_instruction_id = takings.instruction_id
                                    and withdrawals.business_date <= today.business_date
                            )
                    )
            )""",
    ),
    Control(
        "obligation_held", Suite.LEDGER, Severity.WARNING, Owner.BACK_OFFICE,
        "Every trade that must settle has an instruction, and every one that is paid without delivery a cash account for what it pays.",
        "{trade_id} cannot be settled: {reason}.",
        "Deliver the standing instruction or the counterparty; it is tried again on the next date.",
        ("trade_id",),
        """, paid_without_delivery as (
            select movements.trade_id, movements.account_id, sides.currency_code
            from intermediate.int_trades__movements as movements cross join today
            inner join intermediate.int_reference__instruments_known as instruments
                on movements.instrument_id = instruments.instrument_id and instruments.business_date = today.business_date
                and not instruments.is_delivered and not instruments.settles_daily
            cross join lateral (values (movements.currency_code), (movements.exchanged_currency_code)) as sides (currency_code)
            where movements.business_date <= today.business_date and movements.movement_sign = 1
                and movements.settlement_date >= today.business_date
                and not exists (
                    select from intermediate.int_trades__movements as taken_back
                    where taken_back.trade_id = movements.trade_id and taken_back.trade_version = movements.trade_version
                        and taken_back.movement_sign = -1 and taken_back.business_date <= today.business_date
                        and taken_back.business_date > movements.business_date
                )
            union
            select contracts.trade_id, contracts.account_id, sides.currency_code
            from intermediate.int_forwards__contracts as contracts inner join today using (business_date)
            cross join lateral (values (contracts.currency_code), (contracts.exchanged_currency_code)) as sides (currency_code)
            where contracts.contract_state = 'OUTSTANDING'
        )
        select held.trade_id, held.reason from operations.obligations_held as held, today
        where held.business_date <= today.business_date
        union
        select paid.trade_id, 'STANDING_INSTRUCTION_MISSING' from paid_without_delivery as paid cross join today
        where paid.currency_code is not null
            and not exists (
                select from books.standing_instructions as instructions
                where instructions.account_id = paid.account_id and instructions.currency_code = paid.currency_code
                    and instructions.business_date <= today.business_date
            )""",
    ),
    Control(
        "cash_without_account", Suite.LEDGER, Severity.WARNING, Owner.BACK_OFFICE,
        "All cash that was paid stands on a cash account.",
        "{settled_amount} {currency_code} of {account_id} stand on no cash account: it has no standing instruction for the currency.",
        "Deliver the standing instruction; on the date that knows it the cash goes to its cash account.",
        ("account_id", "currency_code"),
        """select substr(balances.cash_account_id, 6) as account_id, balances.currency_code, balances.settled_amount
        from marts.fct_cash_balances as balances inner join today using (business_date)
        where starts_with(balances.cash_account_id, 'NONE:') and balances.settled_amount <> 0""",
    ),
    Control(
        "cash_is_not_the_ledgers", Suite.LEDGER, Severity.WARNING, Owner.BACK_OFFICE,
        "What should stand on the cash accounts is, in each currency, the cash of the ledger.",
        "The cash accounts have {settled_amount} {currency_code}, the ledger {ledger_amount}.",
        "Clear build_middle_office with all that follows; if it stays, compare fct_cash_balances with the entries on cash from the first"
        " date that differs.",
        ("currency_code",),
        """, accounts as (
            select balances.currency_code, sum(balances.settled_amount) as amount
            from marts.fct_cash_balances as balances inner join today using (business_date) group by balances.currency_code
        ), booked as (
            select balances.currency_code, sum(balances.balance_amount) as amount
            from marts.rpt_trial_balance as balances inner join today using (business_date)
            where balances.gl_account = 'cash' group by balances.currency_code
        )
        select currency_code, coalesce(accounts.amount, 0) as settled_amount, coalesce(booked.amount, 0) as ledger_amount
        from accounts full outer join booked using (currency_code)
        where coalesce(accounts.amount, 0) <> coalesce(booked.amount, 0)""",
    ),
    Control(
        "payment_without_second_person", Suite.LEDGER, Severity.CRITICAL, Owner.BACK_OFFICE,
        "Every payment that left was approved by a second person.",
        "Payment {payment_id} left without the approval of a second person.",
        "The database refuses such a payment: somebody has worked around it. Stop and call the bank.",
        ("payment_id",),
        """select releases.payment_id from operations.payment_releases as releases inner join today using (business_date)
        inner join operations.payments on releases.payment_id = payments.payment_id
        left join operations.payment_decisions as decisions on releases.payment_id = decisions.payment_id
        where decisions.decision is distinct from 'APPROVED' or lower(btrim(decisions.checker)) = lower(btrim(payments.maker))""",
    ),
    Control(
        "payment_waits", Suite.LEDGER, Severity.INFO, Owner.BACK_OFFICE,
        "No payment waits past its pay date.",
        "Payment {payment_id} of {amount} {currency_code} to {client_id} waits for a second person since {pay_date}.",
        "Approve or reject it: the task in release_payments, or ./posttrade payments list.",
        ("payment_id",),
        """select payments.payment_id, payments.amount, payments.currency_code, payments.client_id,
            operations.pay_date_known(payments, today.business_date) as pay_date
        from operations.payments, today
        where payments.business_date <= today.business_date
            and operations.pay_date_known(payments, today.business_date) <= today.business_date
            and not exists (select from operations.payment_decisions as decisions where decisions.payment_id = payments.payment_id
                and decisions.business_date <= today.business_date)
            and payments.payment_id not in (select held.payment_id from operations.payments_held(today.business_date) as held)""",
    ),
    Control(
        "payment_held", Suite.LEDGER, Severity.WARNING, Owner.BACK_OFFICE,
        "No payment is more than what is left of its entitlement.",
        "Payment {payment_id} of {payment_amount} {currency_code} to {client_id}, account {account_id}, is held: the client is entitled to"
        " {entitled_amount} now, of which {promised_amount} are promised already.",
        "./posttrade payments withdraw it, or reject it if nobody has approved it; what is left is proposed at the next close.",
        ("payment_id",),
        """select payments.payment_id, payments.amount as payment_amount, payments.currency_code, payments.client_id, payments.account_id,
            held.entitled_amount, held.promised_amount
        from today cross join lateral operations.payments_held(today.business_date) as held
        inner join operations.payments on held.payment_id = payments.payment_id""",
    ),
    Control(
        "client_paid_too_much", Suite.LEDGER, Severity.WARNING, Owner.BACK_OFFICE,
        "No client was paid more than it is entitled to.",
        "Client {client_id} was overpaid by {overpaid_amount} {currency_code} on account {account_id} for {instrument_id}: {paid_amount}"
        " left, it is entitled to {entitled_amount}.",
        "Claim the difference back; it stands as a claim on the client in client_payable. ./posttrade payments list names it too.",
        ("entitlement_id", "client_id"),
        """select payments.entitlement_id, payments.client_id, payments.account_id, payments.instrument_id, payments.currency_code,
            sum(payments.amount) as paid_amount, coalesce(entitled.net_amount, 0) as entitled_amount,
            sum(payments.amount) - coalesce(entitled.net_amount, 0) as overpaid_amount
        from today
        inner join operations.payment_releases as releases on releases.business_date <= today.business_date
        inner join operations.payments on releases.payment_id = payments.payment_id
        left join lateral (
            select sum(income.net_amount) as net_amount from marts.fct_income as income
            where income.entitlement_id = payments.entitlement_id and income.client_id = payments.client_id
                and income.business_date <= today.business_date
        ) as entitled on true
        group by payments.entitlement_id, payments.client_id, payments.account_id, payments.instrument_id, payments.currency_code,
            entitled.net_amount
        having sum(payments.amount) > coalesce(entitled.net_amount, 0)""",
    ),
    Control(
        "client_paid_too_soon", Suite.LEDGER, Severity.WARNING, Owner.BACK_OFFICE,
        "No client was paid before the pay date.",
        "Payment {payment_id} of {amount} {currency_code} left for {client_id} on {released_date}; it is due on {pay_date}, as known now.",
        "Tell the client; the firm has paid it out of its own cash until the issuer pays.",
        ("payment_id",),
        """select payments.payment_id, payments.client_id, payments.currency_code, payments.amount, entitled.pay_date,
            releases.business_date as released_date
        from today
        inner join operations.payment_releases as releases on releases.business_date <= today.business_date
        inner join operations.payments on releases.payment_id = payments.payment_id
        cross join lateral (
            select income.pay_date from marts.fct_income as income
            where income.entitlement_id = payments.entitlement_id and income.business_date <= today.business_date
            order by income.business_date desc limit 1
        ) as entitled
        where entitled.pay_date > today.business_date""",
    ),
)  # fmt: skip
