-- What a client is entitled to may change after its payment was proposed. What it is more is a further payment; what it is less holds the
-- payment back until a person has decided.

alter table operations.payments
    add column payment_no integer not null default 1, -- further payments of the same entitlement count on
    add column entitled_amount numeric(24,4);         -- net entitlement as known when it was proposed; the amount if empty

create index on operations.payments (entitlement_id, client_id);

create table operations.entitlements_known (       -- each time the net amount of an entitlement with a payment became another
    entitlement_id text not null, client_id text not null, revision integer not null,
    net_amount numeric(24,4) not null,
    business_date date not null, known_at timestamptz not null default clock_timestamp(),
    primary key (entitlement_id, client_id, revision)
);
create table operations.payment_withdrawals (      -- approved, and taken back before it left
    payment_id text primary key references operations.payments,
    withdrawn_by text not null check (btrim(withdrawn_by) <> ''), note text not null check (btrim(note) <> ''),
    business_date date not null, known_at timestamptz not null default clock_timestamp()
);
do $$
declare t text;
begin
    foreach t in array array['entitlements_known', 'payment_withdrawals'] loop
        execute format('create trigger append_only before update or delete on operations.%I for each statement execute function operations.refuse_change()', t);
        execute format('create trigger no_truncate before truncate on operations.%I for each statement execute function operations.refuse_change()', t);
    end loop;
end $$;

-- The net amount that the client of a payment is entitled to, as known on a business date.
create function operations.entitled_amount_known(payment operations.payments, as_of date) returns numeric
    language sql stable as $$
    select coalesce(
        (
            select known.net_amount from operations.entitlements_known as known
            where known.entitlement_id = payment.entitlement_id and known.client_id = payment.client_id and known.business_date <= as_of
            order by known.revision desc limit 1
        ),
        payment.entitled_amount,
        payment.amount
    )
$$;

-- What of an entitlement was promised by the payments before this one: sent, approved or waiting.
create function operations.promised_before(payment operations.payments, as_of date) returns numeric
    language sql stable as $$
    select coalesce(sum(earlier.amount), 0)
    from operations.payments as earlier
    where earlier.entitlement_id = payment.entitlement_id and earlier.client_id = payment.client_id
        and earlier.payment_no < payment.payment_no
        and not exists (
            select from operations.payment_decisions as decided
            where decided.payment_id = earlier.payment_id and decided.decision = 'REJECTED' and decided.business_date <= as_of
        )
        and not exists (
            select from operations.payment_withdrawals as withdrawn
            where withdrawn.payment_id = earlier.payment_id and withdrawn.business_date <= as_of
        )
$$;

-- Payments that have not left and would, with what was promised before them, be more than their entitlement: they wait for a person.
create function operations.payments_held(as_of date)
    returns table (payment_id text, is_approved boolean, entitled_amount numeric, promised_amount numeric)
    language sql stable security definer set search_path = pg_catalog as $$
    select payments.payment_id, coalesce(decided.decision = 'APPROVED', false), entitled.amount, promised.amount
    from operations.payments as payments
    left join operations.payment_decisions as decided on payments.payment_id = decided.payment_id and decided.business_date <= as_of
    cross join lateral (select operations.entitled_amount_known(payments, as_of) as amount) as entitled
    cross join lateral (select operations.promised_before(payments, as_of) as amount) as promised
    where payments.business_date <= as_of
        and decided.decision is distinct from 'REJECTED'
        and not exists (
            select from operations.payment_withdrawals as withdrawn
            where withdrawn.payment_id = payments.payment_id and withdrawn.business_date <= as_of
        )
        and not exists (
            select from operations.payment_releases as released
            where released.payment_id = payments.payment_id and released.business_date <= as_of
        )
        and promised.amount + payments.amount > entitled.amount
$$;
create view operations.held_payments as select * from operations.payments_held('infinity');

create function operations.refuse_beyond_entitlement() returns trigger
    language plpgsql as $$
declare payment operations.payments;
declare entitled numeric;
declare promised numeric;
begin
    select * into strict payment from operations.payments where payments.payment_id = new.payment_id;
    entitled := operations.entitled_amount_known(payment, new.business_date);
    promised := operations.promised_before(payment, new.business_date);
    if promised + payment.amount > entitled then
        raise exception 'payment % of % % is held: the client is entitled to % now, and % of it is promised by other payments',
            payment.payment_id, trim_scale(payment.amount), payment.currency_code, trim_scale(entitled), trim_scale(promised)
            using errcode = 'check_violation',
                hint = 'Reject it, or withdraw it if it is approved: ./posttrade payments; what is left is proposed anew at the next close.';
    end if;
    return new;
end $$;
create trigger within_entitlement before insert on operations.payment_releases
    for each row execute function operations.refuse_beyond_entitlement();
create trigger within_entitlement before insert on operations.payment_decisions
    for each row when (new.decision = 'APPROVED') execute function operations.refuse_beyond_entitlement();

create function operations.refuse_withdrawn_release() returns trigger
    language plpgsql as $$
declare person text;
begin
    select withdrawn.withdrawn_by into person from operations.payment_withdrawals as withdrawn where withdrawn.payment_id = new.payment_id;
    if found then
        raise exception 'payment % was withdrawn by % and cannot be released', new.payment_id, person using errcode = 'check_violation';
    end if;
    return new;
end $$;
create trigger not_withdrawn before insert on operations.payment_releases
    for each row execute function operations.refuse_withdrawn_release();

create function operations.refuse_withdrawal() returns trigger
    language plpgsql as $$
begin
    if exists (select from operations.payment_releases as released where released.payment_id = new.payment_id) then
        raise exception 'payment % has left', new.payment_id
            using errcode = 'check_violation', hint = 'Call the bank, and claim back from the client what was too much.';
    end if;
    if not exists (
        select from operations.payment_decisions as decided where decided.payment_id = new.payment_id and decided.decision = 'APPROVED'
    ) then
        raise exception 'payment % is not approved', new.payment_id
            using errcode = 'check_violation', hint = 'One that waits is rejected: ./posttrade payments list.';
    end if;
    return new;
end $$;
create trigger approved_and_here before insert on operations.payment_withdrawals
    for each row execute function operations.refuse_withdrawal();
