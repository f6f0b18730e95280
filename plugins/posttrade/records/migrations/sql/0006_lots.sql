-- Lots: what is open, what a trade closed, and how both are worked out.

alter table books.trade_versions
    add column fx_rate numeric(28,12),     -- base currency for one unit of the trade's, agreed with the trade; null: the day's
    add column closes_trade_id text;       -- the lot a closing trade names, for the method SPECIFIC
alter table books.product_lines
    add column lot_method text;            -- null in rows published before
create table books.lot_methods (           -- what an account uses in place of its product lines' method
    account_id text not null, valid_from date not null, -- of the trades it holds for, by trade date
    lot_method text not null check (lot_method in ('FIFO', 'LIFO', 'HIGHEST_COST', 'LOWEST_COST', 'AVERAGE', 'SPECIFIC')),
    business_date date not null, revision integer not null, content_sha text not null, file_id text not null, line_no bigint not null,
    known_at timestamptz not null default clock_timestamp(),
    primary key (account_id, valid_from, business_date, revision)
);
create trigger append_only before update or delete on books.lot_methods
    for each statement execute function operations.refuse_change();
create trigger no_truncate before truncate on books.lot_methods
    for each statement execute function operations.refuse_change();

-- One lot that a trade closed, wholly or in part, or whose cost an event moved to another instrument.
create type books.lot_closing as (
    trade_id text,                         -- the trade or event that closed
    is_transfer boolean,                   -- cost moved, nothing realised
    lot_id text,
    opened_date date,
    quantity numeric,                      -- as the lot's: positive when a long lot is sold; of a transfer, all the lot held
    cost_amount numeric,
    cost_amount_base numeric,
    proceeds_amount numeric,               -- net of fees, local currency; negative when a short lot is bought back
    proceeds_amount_base numeric,          -- at the rate of the closing trade
    realised_price_amount_base numeric     -- the local result at the closing trade's rate; the rest of the result is currency
);

-- The lots of one book, account and instrument. The arrays run together, one element per open lot, oldest first; quantity and
-- cost carry the sign of the position (a long lot's cost is positive, a short lot's is what it brought, negative).
create type books.lot_book as (
    lot_ids text[],                        -- the trade that opened the lot; AVERAGE for the pool of the average-cost method
    opened_dates date[],
    quantities numeric[],
    costs numeric[],                       -- fees included, local currency
    costs_base numeric[],                  -- at the rate of the opening trade
    quantity numeric,
    cost_amount numeric,
    cost_amount_base numeric,
    realised_amount numeric,               -- of the events given
    realised_amount_base numeric,
    realised_price_amount_base numeric,
    unnamed_quantity numeric,              -- closed by the method SPECIFIC without naming a lot that could give it
    closings books.lot_closing[]
);
create type books.lot_event as (
    trade_id text,
    trade_date date,
    quantity numeric,                      -- buy positive; null: the event restates the lots that are open
    amount numeric,                        -- gross and fees, sign of the quantity
    amount_base numeric,
    fx_rate numeric,                       -- base for one unit of local currency, the trade's own
    lot_method text,                       -- FIFO, LIFO, HIGHEST_COST, LOWEST_COST, AVERAGE, SPECIFIC
    closes_trade_id text,                  -- the lot named by a trade under SPECIFIC
    new_units numeric,                     -- a restatement: so many new units ...
    old_units numeric,                     -- ... for so many old ones
    cost_moved numeric                     -- a restatement: the fraction of the cost that goes to another instrument
);

-- Takes the events of one key in order and gives its lots and closings after them. A trade against the position closes lots in
-- the order of its method and, if it goes through zero, opens a lot at its own price with the rest. The last of a lot
-- takes what is left of its cost, so nothing remains on nothing. Ties go to the older lot. A restatement rounds the running
-- totals over the lots, so that the parts add up to the whole.
create function books.match_lots(opening books.lot_book, events books.lot_event[], minor_unit integer, base_minor_unit integer)
    returns books.lot_book
    language plpgsql immutable parallel safe cost 10000 as $$
declare
    ids text[] := coalesce(opening.lot_ids, '{}');
    dates date[] := coalesce(opening.opened_dates, '{}');
    quantities numeric[] := coalesce(opening.quantities, '{}');
    costs numeric[] := coalesce(opening.costs, '{}');
    costs_base numeric[] := coalesce(opening.costs_base, '{}');
    closings books.lot_closing[] := '{}';
    unnamed numeric := 0; realised numeric := 0; realised_base numeric := 0; realised_price_base numeric := 0;
    total numeric := 0; total_cost numeric := 0; total_cost_base numeric := 0;
    head integer := 1;                      -- the oldest lot that is still open
    tail integer := cardinality(quantities);
    is_pooled boolean := false;             -- all that is open is one lot, held in the variables below and not in the arrays
    lot_id text; lot_date date; lot_quantity numeric; lot_cost numeric; lot_cost_base numeric;
    event books.lot_event;
    rest numeric; rest_amount numeric; rest_base numeric;
    taken numeric; part numeric; part_base numeric; cost numeric; cost_base numeric; price_base numeric;
    before numeric; cost_before numeric; base_before numeric;
    chosen integer; best numeric; unit numeric;
begin
    foreach event in array events loop
        if event.quantity is null then
            if is_pooled then
                if lot_quantity <> 0 then
                    tail := 1; ids[1] := lot_id; dates[1] := lot_date; quantities[1] := lot_quantity;
                    costs[1] := lot_cost; costs_base[1] := lot_cost_base;
                end if;
                is_pooled := false;
            end if;
            before := 0; cost_before := 0; base_before := 0;
            for lot in head .. tail loop
                -- of the running totals, what the lot adds
                cost := books.round_half_even((cost_before + costs[lot]) * event.cost_moved, minor_unit)
                    - books.round_half_even(cost_before * event.cost_moved, minor_unit);
                cost_base := books.round_half_even((base_before + costs_base[lot]) * event.cost_moved, base_minor_unit)
                    - books.round_half_even(base_before * event.cost_moved, base_minor_unit);
                if event.cost_moved <> 0 then
                    closings := closings || row(
                        event.trade_id, true, ids[lot], dates[lot], quantities[lot], cost, cost_base, cost, cost_base, 0
                    )::books.lot_closing;
                end if;
                cost_before := cost_before + costs[lot]; base_before := base_before + costs_base[lot];
                costs[lot] := costs[lot] - cost; costs_base[lot] := costs_base[lot] - cost_base;
                rest := before + quantities[lot];
                quantities[lot] := round(rest * event.new_units / event.old_units, 10)
                    - round(before * event.new_units / event.old_units, 10);
                before := rest;
            end loop;
            if event.new_units = 0 then head := 1; tail := 0; end if;
            continue;
        end if;
        rest := event.quantity; rest_amount := event.amount; rest_base := event.amount_base;

        if event.lot_method = 'AVERAGE' then
            if not is_pooled then
                lot_id := 'AVERAGE'; lot_date := dates[head]; lot_quantity := 0; lot_cost := 0; lot_cost_base := 0;
                for lot in head .. tail loop
                    lot_quantity := lot_quantity + quantities[lot];
                    lot_cost := lot_cost + costs[lot];
                    lot_cost_base := lot_cost_base + costs_base[lot];
                end loop;
                head := 1; tail := 0; is_pooled := true;
            end if;
        elsif is_pooled then
            if lot_quantity <> 0 then
                tail := 1; ids[1] := lot_id; dates[1] := lot_date; quantities[1] := lot_quantity;
                costs[1] := lot_cost; costs_base[1] := lot_cost_base;
            end if;
            is_pooled := false;
        end if;

        loop
            if is_pooled then
                exit when rest = 0 or lot_quantity = 0 or (lot_quantity > 0) = (rest > 0);
            else
                exit when tail < head or rest = 0;
                exit when (quantities[head] > 0) = (rest > 0);
                chosen := head;
                case event.lot_method
                    when 'FIFO' then null;
                    when 'LIFO' then chosen := tail;
                    when 'HIGHEST_COST', 'LOWEST_COST' then
                        best := costs[head] / quantities[head];
                        for candidate in head + 1 .. tail loop
                            unit := costs[candidate] / quantities[candidate];
                            if (event.lot_method = 'HIGHEST_COST' and unit > best)
                                or (event.lot_method = 'LOWEST_COST' and unit < best) then
                                best := unit; chosen := candidate;
                            end if;
                        end loop;
                    when 'SPECIFIC' then
                        chosen := head - 1 + coalesce(array_position(ids[head:tail], event.closes_trade_id), 0);
                        if chosen < head then
                            chosen := head;
                            unnamed := unnamed + least(abs(rest), abs(quantities[head]));
                        end if;
                    else raise exception 'lot method % is unknown', event.lot_method using errcode = 'check_violation';
                end case;
                lot_id := ids[chosen]; lot_date := dates[chosen]; lot_quantity := quantities[chosen];
                lot_cost := costs[chosen]; lot_cost_base := costs_base[chosen];
            end if;

            if abs(rest) >= abs(lot_quantity) then
                taken := -lot_quantity; cost := lot_cost; cost_base := lot_cost_base;
            else
                taken := rest;
                cost := books.round_half_even(lot_cost * -taken / lot_quantity, minor_unit);
                cost_base := books.round_half_even(lot_cost_base * -taken / lot_quantity, base_minor_unit);
            end if;
            if taken = rest then
                part := rest_amount; part_base := rest_base;
                rest := 0; rest_amount := 0; rest_base := 0;
            else
                part := books.round_half_even(rest_amount * taken / rest, minor_unit);
                part_base := books.round_half_even(rest_base * taken / rest, base_minor_unit);
                rest := rest - taken; rest_amount := rest_amount - part; rest_base := rest_base - part_base;
            end if;
            price_base := books.round_half_even((-part - cost) * event.fx_rate, base_minor_unit);
            closings := closings || row(
                event.trade_id, false, lot_id, lot_date, -taken, cost, cost_base, -part, -part_base, price_base
            )::books.lot_closing;
            realised := realised - part - cost; realised_base := realised_base - part_base - cost_base;
            realised_price_base := realised_price_base + price_base;

            lot_quantity := lot_quantity + taken; lot_cost := lot_cost - cost; lot_cost_base := lot_cost_base - cost_base;
            continue when is_pooled;
            if lot_quantity <> 0 then
                quantities[chosen] := lot_quantity; costs[chosen] := lot_cost; costs_base[chosen] := lot_cost_base;
            elsif chosen = head then
                head := head + 1;
            else
                for follower in chosen .. tail - 1 loop
                    ids[follower] := ids[follower + 1]; dates[follower] := dates[follower + 1];
                    quantities[follower] := quantities[follower + 1];
                    costs[follower] := costs[follower + 1]; costs_base[follower] := costs_base[follower + 1];
                end loop;
                tail := tail - 1;
            end if;
        end loop;

        continue when rest = 0;
        if is_pooled then
            if lot_quantity = 0 then lot_date := event.trade_date; end if;
            lot_quantity := lot_quantity + rest; lot_cost := lot_cost + rest_amount; lot_cost_base := lot_cost_base + rest_base;
        else
            tail := tail + 1;
            ids[tail] := event.trade_id; dates[tail] := event.trade_date; quantities[tail] := rest;
            costs[tail] := rest_amount; costs_base[tail] := rest_base;
        end if;
    end loop;

    if is_pooled then
        ids := '{}'; dates := '{}'; quantities := '{}'; costs := '{}'; costs_base := '{}';
        if lot_quantity <> 0 then
            tail := 1; ids[1] := lot_id; dates[1] := lot_date; quantities[1] := lot_quantity;
            costs[1] := lot_cost; costs_base[1] := lot_cost_base;
        end if;
    end if;
    for lot in head .. tail loop
        total := total + quantities[lot]; total_cost := total_cost + costs[lot]; total_cost_base := total_cost_base + costs_base[lot];
    end loop;
    return row(
        ids[head:tail], dates[head:tail], quantities[head:tail], costs[head:tail], costs_base[head:tail], total, total_cost,
        total_cost_base, realised, realised_base, realised_price_base, unnamed, closings
    )::books.lot_book;
end $$;

drop aggregate books.average_cost(books.cost_state, numeric, numeric, numeric, integer, integer);
drop function books.add_at_average_cost(books.cost_state, books.cost_state, numeric, numeric, numeric, integer, integer);
drop type books.cost_state;
