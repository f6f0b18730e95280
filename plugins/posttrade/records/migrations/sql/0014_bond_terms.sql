-- The terms of bonds beyond fixed coupons, the rates floating ones follow, and the plans by which amortising ones are repaid.

alter table books.instruments
    add column last_coupon_date date,        -- the last coupon before maturity, where the last period is odd
    add column stub text,                    -- where an odd period goes that no date is given for; short initial if empty
    add column is_month_end text,            -- true: coupons fall on the last day of the month
    add column accrual_convention text,      -- where the ends of interest periods go; Unadjusted if empty
    add column payment_convention text,      -- where payments go; Following if empty
    add column business_calendar text,       -- of both conventions and of fixings; the market's if empty
    add column ex_coupon_days integer,       -- so many days before a coupon the first settlement without it lies ...
    add column ex_coupon_calendar text,      -- ... counted on this calendar; in calendar days if empty
    add column accrued_decimals integer,     -- accrued interest per 100 is rounded to so many, half up
    add column step_rates text,              -- percent a year of the second and later periods, a blank between; the last one stays
    add column index_name text,              -- the index a floating rate follows
    add column spread numeric(12,8),         -- percentage points over the index
    add column rate_cap numeric(12,8),       -- highest rate, spread included; percent a year
    add column rate_floor numeric(12,8),     -- lowest rate, spread included; percent a year
    add column fixing_days integer;          -- business days from the fixing to the first day of its period; 0 if empty

create table books.index_fixings (
    index_name text not null, fixing_date date not null, rate numeric(12,8) not null, -- percent a year
    business_date date not null, revision integer not null, content_sha text not null, file_id text not null, line_no bigint not null,
    known_at timestamptz not null default clock_timestamp(),
    primary key (index_name, fixing_date, business_date, revision)
);
create table books.bond_repayments (
    instrument_id text not null, repayment_date date not null,                        -- a coupon date, unadjusted
    repaid_percent numeric(12,8) not null check (repaid_percent between 0 and 100),   -- of the original nominal; 0 takes a repayment back
    business_date date not null, revision integer not null, content_sha text not null, file_id text not null, line_no bigint not null,
    known_at timestamptz not null default clock_timestamp(),
    primary key (instrument_id, repayment_date, business_date, revision)
);

-- Which terms hold from a business date on for an instrument stated so: a new fixing, a correction or another repayment plan makes
-- new terms, and what was worked out from the former ones stays beside them. Without a row the terms are content_sha.
create table books.bond_terms (
    instrument_id text not null, content_sha text not null, business_date date not null, revision integer not null,
    terms_sha text not null,
    known_at timestamptz not null default clock_timestamp(),
    primary key (instrument_id, content_sha, business_date, revision)
);

do $$
declare t text;
begin
    foreach t in array array['index_fixings', 'bond_repayments', 'bond_terms'] loop
        execute format('create trigger append_only before update or delete on books.%I for each statement execute function operations.refuse_change()', t);
        execute format('create trigger no_truncate before truncate on books.%I for each statement execute function operations.refuse_change()', t);
    end loop;
end $$;

alter table books.bond_coupons
    add column ex_date date;                 -- null in rows recorded before: the coupon date
alter table books.bond_coupons
    alter column coupon_percent drop not null;
comment on column books.bond_coupons.coupon_date is 'End of the interest period: the first day that no longer bears its interest.';
comment on column books.bond_coupons.ex_date is 'First settlement date without this coupon; the coupon date where there is no ex-coupon period.';
comment on column books.bond_coupons.coupon_percent is
    'Per 100 of the nominal outstanding in the period, positive for the holder; null while the rate of the period is not fixed.';
comment on column books.bond_coupons.redemption_percent is
    'Repaid on the pay date, per 100 of the original nominal; over the life of a bond they add up to 100.';
comment on column books.bond_accruals.accrued_percent is
    'Per 100 of the nominal outstanding in the period, if settled on accrual_date; negative from the ex date to the coupon date.';
