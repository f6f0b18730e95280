-- What is exercised of a part of a holding takes the lots that the method of the account chooses, no longer a part of every lot.

alter type books.lot_event
    add attribute exercised_fraction numeric;      -- a restatement told for all that is held holds for this part of it only; null: for all

drop function books.part_exercised(books.lot_event, numeric);

-- How many units of those held an event is for, with their sign: all, unless it says how many or which part. More than is held cannot be
-- exercised; a control tells of it.
create function books.units_exercised(event books.lot_event, held numeric) returns numeric
    language sql immutable parallel safe
    return sign(held) * least(abs(held), coalesce(event.exercised_quantity, round(abs(held) * event.exercised_fraction, 10)));

-- The trade that takes so many units out of a holding for nothing, by the lots that the event's method chooses.
create function books.exercised_trade(event books.lot_event, units numeric) returns books.lot_event
    language plpgsql immutable parallel safe as $$
declare
    trade books.lot_event;
begin
    trade.trade_id := event.trade_id; trade.trade_date := event.trade_date; trade.fx_rate := event.fx_rate;
    trade.quantity := -units; trade.amount := 0; trade.amount_base := 0;
    trade.lot_method := case event.lot_method when 'SPECIFIC' then 'FIFO' else event.lot_method end;
    return trade;
end $$;

-- Takes the events of one key in order and gives its lots and closings after them. A trade against the position closes lots in
-- the order of its method and, if it goes through zero, opens a lot at its own price with the rest. The last of a lot
-- takes what is left of its cost, so nothing remains on nothing. Ties go to the older lot. A restatement rounds the running
-- totals over the lots, so that the parts add up to the whole; it first moves cost to another instrument, then closes the part that
-- is paid in cash, then gives the new units, and last sells what cannot be delivered whole, out of the lots that the
-- method of the account takes; where lots are named one by one, nobody has named one, and the oldest is taken. What is exercised of a
-- part of the holding takes lots in the same way.
create or replace function books.match_lots(opening books.lot_book, events books.lot_event[], minor_unit integer, base_minor_unit integer)
    returns books.lot_book
    language plpgsql immutable parallel safe cost 10000 as $$
declare
    ids text[] := coalesce(opening.lot_ids, '{}');
    dates date[] := coalesce(opening.opened_dates, '{}');
    quantities numeric[] := coalesce(opening.quantities, '{}');
    costs numeric[] := coalesce(opening.costs, '{}');
    costs_base numeric[] := coalesce(opening.costs_base, '{}');
    closings books.lot_closing[] := '{}';
    effects books.lot_effect[] := '{}';
    effect books.lot_effect;
    unnamed numeric := 0; realised numeric := 0; realised_base numeric := 0; realised_price_base numeric := 0;
    total numeric := 0; total_cost numeric := 0; total_cost_base numeric := 0;
    head integer := 1;                      -- the oldest lot that is still open
    tail integer := cardinality(quantities);
    is_pooled boolean := false;             -- all that is open is one lot, held in the variables below and not in the arrays
    lot_id text; lot_date date; lot_quantity numeric; lot_cost numeric; lot_cost_base numeric;
    event books.lot_event;
    rest numeric; rest_amount numeric; rest_base numeric;
    taken numeric; part numeric; part_base numeric; cost numeric; cost_base numeric; price_base numeric;
    before numeric; cost_before numeric; base_before numeric; paid_before numeric; paid_base_before numeric;
    chosen integer; best numeric; unit numeric;
    left_over books.lot_book; exercised books.lot_book;
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
            effect := row(event.trade_id, 0, 0, 0, 0, 0, 0, 0)::books.lot_effect;
            for lot in head .. tail loop effect.held_quantity := effect.held_quantity + quantities[lot]; end loop;
            continue when effect.held_quantity = 0;
            part := books.units_exercised(event, effect.held_quantity);
            if abs(part) < abs(effect.held_quantity) then
                left_over := row(
                    ids[head:tail], dates[head:tail], quantities[head:tail], costs[head:tail], costs_base[head:tail],
                    null, null, null, null, null, null, null, null, null
                )::books.lot_book;
                -- taken out as by a trade that brings nothing ...
                left_over := books.match_lots(left_over, array[books.exercised_trade(event, part)], minor_unit, base_minor_unit);
                -- ... and exercised as if it were all that is held
                event.exercised_quantity := null; event.exercised_fraction := null;
                select array_agg(closing.lot_id order by place), array_agg(closing.opened_date order by place),
                    array_agg(closing.quantity order by place), array_agg(closing.cost_amount order by place),
                    array_agg(closing.cost_amount_base order by place)
                into exercised.lot_ids, exercised.opened_dates, exercised.quantities, exercised.costs, exercised.costs_base
                from unnest(left_over.closings) with ordinality as closing (
                    trade_id, is_transfer, lot_id, opened_date, quantity, cost_amount, cost_amount_base, proceeds_amount,
                    proceeds_amount_base, realised_price_amount_base, place
                );
                exercised := books.match_lots(exercised, array[event], minor_unit, base_minor_unit);
                closings := closings || exercised.closings; effects := effects || exercised.effects;
                realised := realised + exercised.realised_amount; realised_base := realised_base + exercised.realised_amount_base;
                realised_price_base := realised_price_base + exercised.realised_price_amount_base;
                ids := left_over.lot_ids; dates := left_over.opened_dates; quantities := left_over.quantities;
                costs := left_over.costs; costs_base := left_over.costs_base;
                head := 1; tail := cardinality(quantities);
                continue;
            end if;
            before := 0; cost_before := 0; base_before := 0; paid_before := 0; paid_base_before := 0;
            for lot in head .. tail loop
                rest := before + quantities[lot];
                -- of the running totals, what the lot adds
                cost := books.round_half_even((cost_before + costs[lot]) * event.cost_moved, minor_unit)
                    - books.round_half_even(cost_before * event.cost_moved, minor_unit);
                cost_base := books.round_half_even((base_before + costs_base[lot]) * event.cost_moved, base_minor_unit)
                    - books.round_half_even(base_before * event.cost_moved, base_minor_unit);
                cost_before := cost_before + costs[lot]; base_before := base_before + costs_base[lot];
                if event.cost_moved <> 0 or event.into_instrument_id is not null then
                    closings := closings || row(
                        event.trade_id, true, ids[lot], dates[lot], quantities[lot], cost, cost_base, cost, cost_base, 0
                    )::books.lot_closing;
                    effect.cost_moved := effect.cost_moved - cost; effect.cost_moved_base := effect.cost_moved_base - cost_base;
                end if;
                costs[lot] := costs[lot] - cost; costs_base[lot] := costs_base[lot] - cost_base;
                if event.closed_fraction > 0 then
                    taken := round(rest * event.closed_fraction, 10) - round(before * event.closed_fraction, 10);
                    part := books.round_half_even(round(rest * event.closed_fraction, 10) * event.cash_per_unit, minor_unit);
                    part_base := books.round_half_even(part * event.fx_rate, base_minor_unit) - paid_base_before;
                    part := part - paid_before;
                    paid_before := paid_before + part; paid_base_before := paid_base_before + part_base;
                    if event.closed_fraction = 1 then
                        cost := costs[lot]; cost_base := costs_base[lot];
                    else
                        cost := books.round_half_even(costs[lot] * event.closed_fraction, minor_unit);
                        cost_base := books.round_half_even(costs_base[lot] * event.closed_fraction, base_minor_unit);
                    end if;
                    price_base := books.round_half_even((part - cost) * event.fx_rate, base_minor_unit);
                    closings := closings || row(
                        event.trade_id, false, ids[lot], dates[lot], taken, cost, cost_base, part, part_base, price_base
                    )::books.lot_closing;
                    realised := realised + part - cost; realised_base := realised_base + part_base - cost_base;
                    realised_price_base := realised_price_base + price_base;
                    costs[lot] := costs[lot] - cost; costs_base[lot] := costs_base[lot] - cost_base;
                end if;
                unit := event.new_units * (1 - coalesce(event.closed_fraction, 0));
                quantities[lot] := round(rest * unit / event.old_units, 10) - round(before * unit / event.old_units, 10);
                before := rest;
            end loop;
            if event.new_units = 0 or event.closed_fraction = 1 then head := 1; tail := 0; end if;
            effect.cash_amount := paid_before; effect.cash_amount_base := paid_base_before;
            effect.quantity_change := -effect.held_quantity;
            for lot in head .. tail loop effect.quantity_change := effect.quantity_change + quantities[lot]; end loop;
            rest := effect.held_quantity + effect.quantity_change;
            rest := rest - trunc(rest);
            if event.fraction_price is null or event.into_instrument_id is not null or rest = 0 then
                effects := effects || effect;
                continue;
            end if;
            event.quantity := -rest;
            if event.lot_method = 'SPECIFIC' then event.lot_method := 'FIFO'; end if;
            event.amount := books.round_half_even(-rest * event.fraction_price, minor_unit);
            event.amount_base := books.round_half_even(event.amount * event.fx_rate, base_minor_unit);
            effect.quantity_change := effect.quantity_change - rest; effect.fraction_quantity := rest;
            effect.cash_amount := effect.cash_amount - event.amount;
            effect.cash_amount_base := effect.cash_amount_base - event.amount_base;
            effects := effects || effect;
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
        total_cost_base, realised, realised_base, realised_price_base, unnamed, closings, effects
    )::books.lot_book;
end $$;

-- Opens, in an instrument that an event delivers, the lots that came from another. `transfers` are the closings of the old instrument.
-- Lots keep their date, and are pooled where the account keeps an average; lots of the other side are closed by what arrives, and what
-- cannot be delivered whole is sold, both out of the lots that the method of the account takes.
create or replace function books.receive_lots(
    opening books.lot_book, event books.lot_event, transfers books.lot_closing[], minor_unit integer, base_minor_unit integer
) returns books.lot_book
    language plpgsql immutable parallel safe as $$
declare
    transfer books.lot_closing;
    trades books.lot_event[] := '{}';
    sale books.lot_event;
    result books.lot_book;
    sold books.lot_book;
    effect books.lot_effect := row(event.trade_id, 0, 0, 0, 0, 0, 0, 0);
    rate numeric := event.fx_rate / event.into_fx_rate;
    method text := case event.into_lot_method when 'SPECIFIC' then 'FIFO' else event.into_lot_method end;
    quantity numeric; cost numeric; cost_base numeric; paid numeric; paid_base numeric; moved numeric; lot_id text;
    held numeric := 0; received numeric := 0; cost_total numeric := 0; base_total numeric := 0;
    paid_total numeric := 0; paid_base_total numeric := 0;
begin
    if event.fx_rate = event.into_fx_rate then rate := 1; end if;
    foreach transfer in array transfers loop
        held := held + transfer.quantity; cost_total := cost_total + transfer.cost_amount;
        -- of the running totals, what the lot adds
        quantity := round(held * event.into_units / event.old_units, 10) - received;
        received := received + quantity;
        moved := books.round_half_even(cost_total * rate, minor_unit) - effect.cost_moved;
        paid := books.round_half_even(held * coalesce(event.into_cash_per_unit, 0), minor_unit) - paid_total;
        paid_base := books.round_half_even((paid_total + paid) * event.into_fx_rate, base_minor_unit) - paid_base_total;
        paid_total := paid_total + paid; paid_base_total := paid_base_total + paid_base;
        effect.cost_moved := effect.cost_moved + moved;
        effect.cost_moved_base := effect.cost_moved_base + transfer.cost_amount_base;
        lot_id := transfer.lot_id;
        if lot_id = 'AVERAGE' or lot_id = any(opening.lot_ids) then lot_id := event.trade_id || '/' || lot_id; end if;
        continue when quantity = 0;
        trades := trades || row(
            lot_id, transfer.opened_date, quantity, moved + paid, transfer.cost_amount_base + paid_base, event.into_fx_rate, method,
            null, null, null, null, null, null, null, null, null, null, null, null, null, null
        )::books.lot_event;
    end loop;
    if coalesce(opening.quantity, 0) = 0 or (opening.quantity > 0) = (received > 0) then
        result := opening;
        select array_agg(lot.lot_id order by lot.opened_date, lot.place), array_agg(lot.opened_date order by lot.opened_date, lot.place),
            array_agg(lot.quantity order by lot.opened_date, lot.place), array_agg(lot.cost order by lot.opened_date, lot.place),
            array_agg(lot.cost_base order by lot.opened_date, lot.place)
        into result.lot_ids, result.opened_dates, result.quantities, result.costs, result.costs_base
        from (
            select * from unnest(opening.lot_ids, opening.opened_dates, opening.quantities, opening.costs, opening.costs_base)
                with ordinality as held_lots (lot_id, opened_date, quantity, cost, cost_base, place)
            union all
            select one.trade_id, one.trade_date, one.quantity, one.amount, one.amount_base, one.place + 1000000
            from unnest(trades) with ordinality as one (trade_id, trade_date, quantity, amount, amount_base, fx_rate, lot_method,
                closes_trade_id, new_units, old_units, cost_moved, closed_fraction, cash_per_unit, fraction_price, into_instrument_id,
                into_units, into_cash_per_unit, into_fx_rate, into_lot_method, exercised_quantity, exercised_fraction,
                place)
        ) as lot;
        if method = 'AVERAGE' and trades <> '{}' then
            result.lot_ids := array['AVERAGE']; result.opened_dates := result.opened_dates[:1];
            result.quantities := array[(select sum(one) from unnest(result.quantities) as one)];
            result.costs := array[(select sum(one) from unnest(result.costs) as one)];
            result.costs_base := array[(select sum(one) from unnest(result.costs_base) as one)];
        end if;
        result := books.match_lots(result, '{}', minor_unit, base_minor_unit);
    else
        result := books.match_lots(opening, trades, minor_unit, base_minor_unit);
    end if;
    effect.held_quantity := held; effect.quantity_change := received;
    effect.cash_amount := -paid_total; effect.cash_amount_base := -paid_base_total;
    if event.fraction_price is not null and received <> trunc(received) then
        effect.fraction_quantity := received - trunc(received);
        sale := row(
            event.trade_id, event.trade_date, -effect.fraction_quantity,
            books.round_half_even(-effect.fraction_quantity * event.fraction_price, minor_unit), 0, event.into_fx_rate, method,
            null, null, null, null, null, null, null, null, null, null, null, null, null, null
        )::books.lot_event;
        sale.amount_base := books.round_half_even(sale.amount * event.into_fx_rate, base_minor_unit);
        sold := books.match_lots(result, array[sale], minor_unit, base_minor_unit);
        sold.realised_amount := sold.realised_amount + result.realised_amount;
        sold.realised_amount_base := sold.realised_amount_base + result.realised_amount_base;
        sold.realised_price_amount_base := sold.realised_price_amount_base + result.realised_price_amount_base;
        sold.closings := result.closings || sold.closings;
        result := sold;
        effect.quantity_change := effect.quantity_change - effect.fraction_quantity;
        effect.cash_amount := effect.cash_amount - sale.amount;
        effect.cash_amount_base := effect.cash_amount_base - sale.amount_base;
    end if;
    result.effects := array[effect];
    return result;
end $$;

-- The lots of several instruments of one book and account that events turn into one another. The events of all of them come in one
-- order; `event_places` names the instrument of each by its place in `instrument_ids`. An instrument that is received must be among
-- them.
create or replace function books.match_linked_lots(
    instrument_ids text[], openings books.lot_book[], minor_units integer[], event_places integer[], events books.lot_event[],
    base_minor_unit integer
) returns table (instrument_id text, lots books.lot_book)
    language plpgsql immutable parallel safe as $$
declare
    books_now books.lot_book[] := openings;
    event books.lot_event;
    step books.lot_book;
    received books.lot_book;
    transfers books.lot_closing[];
    place integer; into_place integer;
begin
    for one in 1 .. cardinality(instrument_ids) loop
        books_now[one] := books.match_lots(openings[one], '{}', minor_units[one], base_minor_unit);
    end loop;
    for number in 1 .. coalesce(cardinality(events), 0) loop
        event := events[number]; place := event_places[number];
        step := books.match_lots(books_now[place], array[event], minor_units[place], base_minor_unit);
        books_now[place] := books.lots_after(books_now[place], step);
        continue when event.quantity is not null or event.into_instrument_id is null or step.effects = '{}';
        into_place := array_position(instrument_ids, event.into_instrument_id);
        if into_place is null then
            raise exception 'event % delivers %, which is not among the instruments given', event.trade_id, event.into_instrument_id
                using errcode = 'check_violation';
        end if;
        transfers := array(select closing from unnest(step.closings) as closing where closing.is_transfer);
        received := books.receive_lots(books_now[into_place], event, transfers, minor_units[into_place], base_minor_unit);
        books_now[into_place] := books.lots_after(books_now[into_place], received);
    end loop;
    for one in 1 .. cardinality(instrument_ids) loop
        instrument_id := instrument_ids[one]; lots := books_now[one];
        return next;
    end loop;
end $$;
