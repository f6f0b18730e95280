-- Floating-rate bonds on overnight rates that are compounded in arrears.

alter table books.instruments
    add column lookback_days integer,        -- a day of interest has the rate of so many business days before it; stated with an overnight rate only
    add column is_observation_shifted text,  -- true: the days a rate counts for are shifted with it; false if empty
    add column lockout_days integer,         -- the last so many business days of a period have the rate of the one before them; 0 if empty
    add column payment_delay_days integer,   -- business days from the end of a period to its payment, but at maturity; 0 if empty
    add column rate_decimals integer;        -- the compounded rate in percent is rounded to so many, half up; not rounded if empty
