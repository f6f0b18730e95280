-- The pay date of an event may be moved once its payment is proposed: the payment then leaves on the date that was last known.

create table operations.payment_dates (            -- each time a proposal's pay date was moved
    payment_id text not null references operations.payments,
    revision integer not null,
    pay_date date not null,
    business_date date not null, known_at timestamptz not null default clock_timestamp(),
    primary key (payment_id, revision)
);
create trigger append_only before update or delete on operations.payment_dates
    for each statement execute function operations.refuse_change();
create trigger no_truncate before truncate on operations.payment_dates
    for each statement execute function operations.refuse_change();

-- The pay date of a payment as known on a business date.
create function operations.pay_date_known(payment operations.payments, as_of date) returns date
    language sql stable as $$
    select coalesce(
        (
            select dates.pay_date from operations.payment_dates as dates
            where dates.payment_id = payment.payment_id and dates.business_date <= as_of
            order by dates.revision desc limit 1
        ),
        payment.pay_date
    )
$$;

create function operations.refuse_early_release() returns trigger
    language plpgsql as $$
declare due date;
begin
    select operations.pay_date_known(payments, new.business_date) into due
    from operations.payments where payments.payment_id = new.payment_id;
    if due > new.business_date then
        raise exception 'payment % is due on % and cannot be released on %', new.payment_id, due, new.business_date
            using errcode = 'check_violation';
    end if;
    return new;
end $$;
create trigger not_before_pay_date before insert on operations.payment_releases
    for each row execute function operations.refuse_early_release();
