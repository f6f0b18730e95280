-- The facts of the firm. Every table here is append-only; every fact carries
--   business_date  the accounting day it was booked in (given by the run, never by the clock)
--   known_at       the moment the firm learned it
--   file_id/line_no where it came from.
-- Roles and grants are in records/roles.py; append-only triggers are attached at the end of this file.

create schema landing;
create schema books;
create schema ledger;
create schema operations;

-- ------------------------------------------------------------------ functions

-- Half-even rounding ("banker's rounding", ISO/IEC/IEEE 60559 roundTiesToEven) to `digits` decimals, 0 to 4.
-- Postgres' round(numeric) rounds ties away from zero, which drifts sums upward.
create function books.round_half_even(value numeric, digits integer) returns numeric
    language sql immutable parallel safe strict
    return case
        when abs(value - trunc(value, digits)) * 2
             = case digits when 2 then 0.01 when 0 then 1 when 3 then 0.001 when 4 then 0.0001 else 0.1 end
         and mod(trunc(value, digits) * case digits when 2 then 100 when 0 then 1 when 3 then 1000 when 4 then 10000 else 10 end, 2) = 0
        then trunc(value, digits)
        else round(value, digits)
    end;

-- Average cost, folded over trades in order. Amounts carry the sign of the quantity (a buy adds cost, a sale takes proceeds);
-- realised is what a close brings over its share of the cost. A trade that passes through zero closes and then opens
-- at its own price; when a position is flat, no residue of rounding stays in its cost.
create type books.cost_state as (
    quantity numeric, cost_amount numeric, cost_amount_base numeric, realised_amount numeric, realised_amount_base numeric
);
create function books.add_at_average_cost(
    state books.cost_state, opening books.cost_state, quantity numeric, amount numeric, amount_base numeric,
    minor_unit integer, base_minor_unit integer
) returns books.cost_state
    language plpgsql immutable parallel safe as $$
declare
    closed numeric; cost numeric; cost_base numeric; part numeric; part_base numeric;
begin
    if state is null then state := opening; end if;
    if quantity is null then return state; end if;
    if state.quantity = 0 or sign(state.quantity) = sign(quantity) then
        state.quantity := state.quantity + quantity;
        state.cost_amount := state.cost_amount + amount;
        state.cost_amount_base := state.cost_amount_base + amount_base;
        return state;
    end if;
    closed := least(abs(quantity), abs(state.quantity));
    if closed = abs(quantity) then
        part := amount; part_base := amount_base;
    else
        part := books.round_half_even(amount * closed / abs(quantity), minor_unit);
        part_base := books.round_half_even(amount_base * closed / abs(quantity), base_minor_unit);
    end if;
    if closed = abs(state.quantity) then
        cost := state.cost_amount; cost_base := state.cost_amount_base;
    else
        cost := books.round_half_even(state.cost_amount * closed / abs(state.quantity), minor_unit);
        cost_base := books.round_half_even(state.cost_amount_base * closed / abs(state.quantity), base_minor_unit);
    end if;
    state.realised_amount := state.realised_amount - part - cost;
    state.realised_amount_base := state.realised_amount_base - part_base - cost_base;
    state.cost_amount := state.cost_amount - cost + (amount - part);
    state.cost_amount_base := state.cost_amount_base - cost_base + (amount_base - part_base);
    state.quantity := state.quantity + quantity;
    return state;
end $$;
create aggregate books.average_cost(books.cost_state, numeric, numeric, numeric, integer, integer) (
    sfunc = books.add_at_average_cost, stype = books.cost_state, parallel = safe
);

create function operations.refuse_change() returns trigger
    language plpgsql as $$
begin
    raise exception '% on %.% refused: facts are append-only; record a new version or a reversal instead',
        tg_op, tg_table_schema, tg_table_name using errcode = 'restrict_violation';
end $$;

-- ------------------------------------------------------------------ landing: what arrived, as it arrived

create table landing.files (
    file_id        text primary key,            -- <kind>:<first 32 hex digits of the SHA-256 of the body>
    kind           text not null,               -- name of the file contract: trades, prices, ...
    source_system  text not null,               -- CSV, FIX, FO_DB, SIM, ...: the scheme of trade ids
    file_name      text not null,
    sha256         text not null,
    byte_count     bigint not null,
    row_count      bigint not null,
    outcome        text not null check (outcome in ('RECORDED', 'REFUSED')),
    reason         text,                        -- why a refused file was refused
    business_date  date not null,
    known_at       timestamptz not null default clock_timestamp(),
    check ((outcome = 'REFUSED') = (reason is not null))
);

create table landing.trade_rows (
    file_id        text not null references landing.files,
    line_no        bigint not null,
    raw            text not null,
    primary key (file_id, line_no)
);

-- ------------------------------------------------------------------ books: reference data (restatable: latest business_date, then revision, wins)

create table books.firms (
    firm_id text not null, name text not null, lei text, base_currency_code text not null, home_calendar text not null,
    business_date date not null, revision integer not null, content_sha text not null, file_id text not null, line_no bigint not null,
    known_at timestamptz not null default clock_timestamp(),
    primary key (firm_id, business_date, revision)
);
create table books.desks (
    desk_id text not null, name text not null,
    business_date date not null, revision integer not null, content_sha text not null, file_id text not null, line_no bigint not null,
    known_at timestamptz not null default clock_timestamp(),
    primary key (desk_id, business_date, revision)
);
create table books.books (
    book_id text not null, name text not null, desk_id text not null,
    loss_limit_amount numeric(24,4) not null,      -- base currency, positive: the day's loss beyond which the book is critical
    position_limit_amount numeric(24,4) not null,  -- base currency, positive: largest absolute market value per instrument
    business_date date not null, revision integer not null, content_sha text not null, file_id text not null, line_no bigint not null,
    known_at timestamptz not null default clock_timestamp(),
    primary key (book_id, business_date, revision)
);
create table books.traders (
    trader_id text not null, name text not null, desk_id text not null,
    business_date date not null, revision integer not null, content_sha text not null, file_id text not null, line_no bigint not null,
    known_at timestamptz not null default clock_timestamp(),
    primary key (trader_id, business_date, revision)
);
create table books.clients (
    client_id text not null, name text not null, lei text, country_code text not null, iban text not null, bic text not null,
    business_date date not null, revision integer not null, content_sha text not null, file_id text not null, line_no bigint not null,
    known_at timestamptz not null default clock_timestamp(),
    primary key (client_id, business_date, revision)
);
create table books.counterparties (
    counterparty_id text not null, name text not null, lei text, bic text not null, role text not null, -- BROKER, CUSTODIAN, BANK
    business_date date not null, revision integer not null, content_sha text not null, file_id text not null, line_no bigint not null,
    known_at timestamptz not null default clock_timestamp(),
    primary key (counterparty_id, business_date, revision)
);
create table books.accounts (                      -- custody accounts; client_id null = the firm's own
    account_id text not null, name text not null, client_id text, custodian_id text not null,
    business_date date not null, revision integer not null, content_sha text not null, file_id text not null, line_no bigint not null,
    known_at timestamptz not null default clock_timestamp(),
    primary key (account_id, business_date, revision)
);
create table books.cash_accounts (
    cash_account_id text not null, bank_id text not null, currency_code text not null, iban text not null,
    business_date date not null, revision integer not null, content_sha text not null, file_id text not null, line_no bigint not null,
    known_at timestamptz not null default clock_timestamp(),
    primary key (cash_account_id, business_date, revision)
);
create table books.standing_instructions (         -- SSI: where securities and cash of an account move, per currency
    account_id text not null, currency_code text not null, place_of_settlement_bic text not null,
    custody_account_number text not null, cash_account_id text not null,
    business_date date not null, revision integer not null, content_sha text not null, file_id text not null, line_no bigint not null,
    known_at timestamptz not null default clock_timestamp(),
    primary key (account_id, currency_code, business_date, revision)
);
create table books.withholding_rates (
    account_id text not null, issuer_country_code text not null, income_type text not null, -- DIVIDEND, COUPON
    rate numeric(9,6) not null check (rate >= 0 and rate < 1),                           -- fraction of the gross amount
    business_date date not null, revision integer not null, content_sha text not null, file_id text not null, line_no bigint not null,
    known_at timestamptz not null default clock_timestamp(),
    primary key (account_id, issuer_country_code, income_type, business_date, revision)
);
create table books.instruments (
    instrument_id text not null, isin text, name text not null, product_line text not null, -- equity, bond_fixed
    currency_code text not null, market_mic text not null, issuer_country_code text not null,
    coupon_rate numeric(12,8), coupon_frequency integer, day_count text,  -- rate in percent a year; coupons a year; e.g. ACT/ACT ICMA
    issue_date date, first_coupon_date date, maturity_date date,
    business_date date not null, revision integer not null, content_sha text not null, file_id text not null, line_no bigint not null,
    known_at timestamptz not null default clock_timestamp(),
    primary key (instrument_id, business_date, revision)
);

-- ------------------------------------------------------------------ books: market data and announcements (restatable)

create table books.prices (                        -- official close; per unit for equities, clean percent of nominal for bonds
    instrument_id text not null, price_date date not null, price numeric(28,10) not null check (price > 0), currency_code text not null,
    business_date date not null, revision integer not null, content_sha text not null, file_id text not null, line_no bigint not null,
    known_at timestamptz not null default clock_timestamp(),
    primary key (instrument_id, price_date, business_date, revision)
);
create table books.fx_rates (                      -- units of base currency for one unit of currency_code
    currency_code text not null, base_currency_code text not null, rate_date date not null, rate numeric(28,12) not null check (rate > 0),
    business_date date not null, revision integer not null, content_sha text not null, file_id text not null, line_no bigint not null,
    known_at timestamptz not null default clock_timestamp(),
    primary key (currency_code, base_currency_code, rate_date, business_date, revision)
);
create table books.corporate_actions (             -- announcements
    event_id text not null, instrument_id text not null, event_type text not null,   -- CASH_DIVIDEND, SPECIAL_DIVIDEND
    event_status text not null,                                                       -- ANNOUNCED, WITHDRAWN
    ex_date date not null, record_date date, pay_date date not null,
    amount_per_unit numeric(28,10) not null, currency_code text not null,
    business_date date not null, revision integer not null, content_sha text not null, file_id text not null, line_no bigint not null,
    known_at timestamptz not null default clock_timestamp(),
    primary key (event_id, business_date, revision),
    check (pay_date >= ex_date)
);

-- ------------------------------------------------------------------ books: statements of custodian and bank (restatable)

create table books.custodian_positions (
    custodian_id text not null, account_id text not null, instrument_id text not null, statement_date date not null,
    settled_quantity numeric(28,10) not null,
    business_date date not null, revision integer not null, content_sha text not null, file_id text not null, line_no bigint not null,
    known_at timestamptz not null default clock_timestamp(),
    primary key (account_id, instrument_id, statement_date, business_date, revision)
);
create table books.bank_balances (
    cash_account_id text not null, statement_date date not null, closing_balance_amount numeric(24,4) not null, currency_code text not null,
    business_date date not null, revision integer not null, content_sha text not null, file_id text not null, line_no bigint not null,
    known_at timestamptz not null default clock_timestamp(),
    primary key (cash_account_id, statement_date, business_date, revision)
);

-- ------------------------------------------------------------------ books: trades (events: a version never changes)

create table books.trade_versions (
    trade_id text not null,                        -- <source_system>~<id given by the source>
    version integer not null check (version >= 1), -- 1 for NEW; AMEND and CANCEL count up
    event_type text not null check (event_type in ('NEW', 'AMEND', 'CANCEL')),
    source_system text not null,
    execution_id text,                             -- the venue's id where the source gives one (FIX tag 17)
    book_id text, account_id text, trader_id text, counterparty_id text, instrument_id text,
    trade_date date, executed_at timestamptz, source_sequence bigint,
    settlement_date date,                          -- null: the market's standard cycle
    quantity numeric(28,10),                       -- buy positive, sell negative; nominal for bonds
    price numeric(28,10),                          -- clean, in percent of nominal for bonds
    currency_code text,
    fee_amount numeric(24,4),                      -- positive: cost to the book
    content_sha text not null,
    business_date date not null, file_id text not null, line_no bigint not null,
    known_at timestamptz not null default clock_timestamp(),
    primary key (trade_id, version),
    check (event_type = 'CANCEL' or num_nulls(book_id, account_id, instrument_id, trade_date, executed_at, quantity, price, currency_code, fee_amount) = 0),
    check (quantity <> 0)
);
create index on books.trade_versions (business_date, trade_id);

-- ------------------------------------------------------------------ books: terms worked out by domain/ (rebuildable, keyed by the terms they came from)

create table books.settlement_cycles (             -- one row per market and trade date
    market_mic text not null, trade_date date not null, settlement_date date not null,
    known_at timestamptz not null default clock_timestamp(),
    primary key (market_mic, trade_date)
);
create table books.bond_accruals (                 -- accrued interest per 100 nominal if settled on accrual_date
    instrument_id text not null, terms_sha text not null, accrual_date date not null, accrued_percent numeric(18,10) not null,
    known_at timestamptz not null default clock_timestamp(),
    primary key (instrument_id, terms_sha, accrual_date)
);
create table books.bond_coupons (
    instrument_id text not null, terms_sha text not null, coupon_date date not null, -- unadjusted end of the period
    period_start_date date not null, pay_date date not null,                        -- coupon_date rolled Following on the market's calendar
    coupon_percent numeric(18,10) not null, redemption_percent numeric(18,10) not null, -- per 100 nominal
    known_at timestamptz not null default clock_timestamp(),
    primary key (instrument_id, terms_sha, coupon_date)
);
create table books.business_days (                 -- the home calendar, one row per session
    business_date date primary key, previous_business_date date not null, next_business_date date not null,
    known_at timestamptz not null default clock_timestamp()
);
create table books.currencies (                    -- ISO 4217
    currency_code text primary key, minor_unit integer not null,
    known_at timestamptz not null default clock_timestamp()
);
create table books.product_lines (                 -- published from procedures/*.yaml
    product_line text not null, valid_from date not null, name text not null,
    price_divisor numeric(12,4) not null,          -- 1 per unit; 100 for percent of nominal
    accrues_interest boolean not null, content_sha text not null,
    known_at timestamptz not null default clock_timestamp(),
    primary key (product_line, valid_from, content_sha)
);

-- ------------------------------------------------------------------ operations

create table operations.exceptions (               -- rows that could not be recorded
    exception_id text primary key,                 -- md5 of file_id, line_no and reason_code
    file_id text not null, kind text not null, source_system text not null, file_name text not null, line_no bigint not null,
    reason_code text not null,                     -- MISSING, NOT_A_NUMBER, UNKNOWN_REFERENCE, CONFLICT, ...
    field text, value text, reason text not null,  -- a sentence: what is wrong, what was expected
    remedy text not null, raw text not null,
    business_date date not null, known_at timestamptz not null default clock_timestamp()
);
create table operations.exception_resolutions (
    exception_id text primary key references operations.exceptions,
    action text not null check (action in ('REPLAYED', 'DISMISSED')),
    file_id text, line_no bigint, resolved_by text not null, note text,
    business_date date not null, known_at timestamptz not null default clock_timestamp()
);
create table operations.day_closings (
    business_date date primary key, known_at timestamptz not null default clock_timestamp()
);
create table operations.settlement_instructions (  -- one per obligation
    instruction_id text primary key,               -- PT + 14 hex digits of md5(trade_id, trade_version, function): 16 characters, as SWIFT :20C: allows
    trade_id text not null, trade_version integer not null,
    function text not null check (function in ('NEWM', 'CANC', 'RETN')), -- new, cancel of a pending one, return of a settled one
    cancels_instruction_id text references operations.settlement_instructions,
    book_id text not null, account_id text not null, instrument_id text not null, counterparty_id text not null,
    quantity numeric(28,10) not null,              -- receive positive, deliver negative
    amount numeric(24,4) not null, currency_code text not null, -- receive cash positive, pay negative
    trade_date date not null, settlement_date date not null,
    place_of_settlement_bic text not null, custody_account_number text not null, cash_account_id text not null,
    business_date date not null, known_at timestamptz not null default clock_timestamp()
);
create index on operations.settlement_instructions (trade_id);
create index on operations.settlement_instructions (business_date);
create table operations.settlement_statuses (
    status_id text primary key,                    -- the custodian's reference
    instruction_id text not null references operations.settlement_instructions,
    status text not null check (status in ('PENDING', 'SETTLED', 'PARTIAL', 'FAILED', 'CANCELLED')),
    status_date date not null,
    settled_quantity numeric(28,10) not null, settled_amount numeric(24,4) not null, -- moved by this status; signs as instructed
    reason_code text,
    content_sha text not null, business_date date not null, file_id text not null, line_no bigint not null,
    known_at timestamptz not null default clock_timestamp()
);
create index on operations.settlement_statuses (instruction_id);
create index on operations.settlement_statuses (business_date);

create table operations.payments (                 -- proposals; approval and release are facts of their own
    payment_id text primary key,                   -- PY + 14 hex digits of md5(entitlement_id, client_id)
    entitlement_id text not null, client_id text not null, account_id text not null, book_id text not null, instrument_id text not null,
    gross_amount numeric(24,4) not null, withholding_amount numeric(24,4) not null,
    amount numeric(24,4) not null check (amount > 0), currency_code text not null,
    creditor_name text not null, creditor_iban text not null, creditor_bic text not null, cash_account_id text not null,
    pay_date date not null, maker text not null,
    business_date date not null, known_at timestamptz not null default clock_timestamp()
);
create table operations.payment_decisions (
    payment_id text primary key references operations.payments,
    decision text not null check (decision in ('APPROVED', 'REJECTED')),
    checker text not null, note text,
    business_date date not null, known_at timestamptz not null default clock_timestamp()
);
create function operations.refuse_same_person() returns trigger
    language plpgsql as $$
declare maker_name text;
begin
    select maker into strict maker_name from operations.payments where payment_id = new.payment_id;
    if lower(btrim(maker_name)) = lower(btrim(new.checker)) then
        raise exception 'payment % was prepared by %; a second person must decide on it', new.payment_id, maker_name
            using errcode = 'check_violation';
    end if;
    return new;
end $$;
create trigger four_eyes before insert on operations.payment_decisions
    for each row execute function operations.refuse_same_person();

create table operations.payment_releases (         -- approved and put into the outbox: at most once
    payment_id text primary key references operations.payments,
    message_id text not null,
    business_date date not null, known_at timestamptz not null default clock_timestamp()
);
create function operations.refuse_unapproved_release() returns trigger
    language plpgsql as $$
begin
    if not exists (select from operations.payment_decisions d where d.payment_id = new.payment_id and d.decision = 'APPROVED') then
        raise exception 'payment % is not approved and cannot be released', new.payment_id using errcode = 'check_violation';
    end if;
    return new;
end $$;
create trigger approved_first before insert on operations.payment_releases
    for each row execute function operations.refuse_unapproved_release();

create table operations.outbox (                   -- what leaves the house; written once, delivered at least once under one name
    message_id text primary key, channel text not null, -- settlement, payments
    file_name text not null unique, payload text not null, payload_sha text not null, item_count integer not null,
    business_date date not null, known_at timestamptz not null default clock_timestamp()
);
create table operations.outbox_deliveries (
    message_id text primary key references operations.outbox, known_at timestamptz not null default clock_timestamp()
);

create table operations.alerts (                   -- once per control, cause and business date
    alert_id text primary key,                     -- md5 of control_id, cause_key, business_date
    control_id text not null, severity text not null check (severity in ('critical', 'warning', 'info')),
    owner text not null, cause_key text not null,  -- the failing row's key, readable: book_id=EQ_US|instrument_id=...
    message text not null, keys jsonb not null,
    business_date date not null, known_at timestamptz not null default clock_timestamp()
);
create index on operations.alerts (business_date);
create table operations.alert_events (             -- the life after opening
    alert_id text not null references operations.alerts, event_no integer not null,
    event text not null check (event in ('ACKNOWLEDGED', 'RESOLVED', 'REOPENED')),
    actor text not null, note text,
    business_date date not null, known_at timestamptz not null default clock_timestamp(),
    primary key (alert_id, event_no)
);
create table operations.control_results (          -- last result of each control per business date, kept as history of runs
    control_id text not null, business_date date not null, run_no integer not null,
    suite text not null, severity text not null, is_passed boolean not null, failing_count bigint not null,
    known_at timestamptz not null default clock_timestamp(),
    primary key (control_id, business_date, run_no)
);

-- ------------------------------------------------------------------ ledger

create table ledger.journal_entries (
    entry_id uuid primary key,                     -- md5 of event_id and sequence_no
    event_id text not null, event_type text not null, sequence_no integer not null,
    reverses_entry_id uuid unique references ledger.journal_entries,
    content_sha text not null,                     -- md5 over the lines
    business_date date not null, known_at timestamptz not null default clock_timestamp(),
    unique (event_id, sequence_no)
);
create index on ledger.journal_entries (business_date);
create table ledger.journal_lines (
    book_id text not null, entry_id uuid not null references ledger.journal_entries, line_no integer not null,
    account_id text not null default '', instrument_id text not null default '', -- '' where the line has none
    gl_account text not null, currency_code text not null,
    amount numeric(24,4) not null, amount_base numeric(24,4) not null, -- debit positive, credit negative
    business_date date not null,
    primary key (book_id, entry_id, line_no)
);
create index on ledger.journal_lines (business_date);

-- An entry balances per currency and in base. Checked once per statement, set-based: the lines of an entry
-- are inserted in one statement, so every batch that balances keeps the whole balanced.
create function ledger.refuse_unbalanced() returns trigger
    language plpgsql as $$
declare bad record;
begin
    select entry_id, currency_code, sum(amount) as amount into bad
    from new_lines group by entry_id, currency_code having sum(amount) <> 0 limit 1;
    if found then
        raise exception 'journal entry % is out of balance by % %', bad.entry_id, bad.amount, bad.currency_code
            using errcode = 'check_violation';
    end if;
    select entry_id, sum(amount_base) as amount into bad
    from new_lines group by entry_id having sum(amount_base) <> 0 limit 1;
    if found then
        raise exception 'journal entry % is out of balance by % in base currency', bad.entry_id, bad.amount
            using errcode = 'check_violation';
    end if;
    return null;
end $$;
create trigger balanced after insert on ledger.journal_lines
    referencing new table as new_lines for each statement execute function ledger.refuse_unbalanced();

-- ------------------------------------------------------------------ append-only everywhere

do $$
declare t record;
begin
    for t in select schemaname, tablename from pg_tables where schemaname in ('landing', 'books', 'ledger', 'operations') loop
        execute format('create trigger append_only before update or delete on %I.%I for each statement execute function operations.refuse_change()', t.schemaname, t.tablename);
        execute format('create trigger no_truncate before truncate on %I.%I for each statement execute function operations.refuse_change()', t.schemaname, t.tablename);
    end loop;
end $$;
