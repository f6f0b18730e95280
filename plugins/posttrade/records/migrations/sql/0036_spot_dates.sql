-- When a currency pair dealt for spot is paid, by the day it was dealt.
create table books.spot_dates (
    currency_code text not null,
    notional_currency_code text not null,
    trade_date date not null,
    spot_date date not null,
    known_at timestamptz not null default clock_timestamp(),
    primary key (currency_code, notional_currency_code, trade_date)
);
create trigger append_only before update or delete on books.spot_dates
    for each statement execute function operations.refuse_change();
create trigger no_truncate before truncate on books.spot_dates
    for each statement execute function operations.refuse_change();
