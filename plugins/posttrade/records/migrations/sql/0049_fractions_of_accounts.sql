-- What an event cannot deliver whole is the account's, not the book's: all its books together are given whole units, and the fraction that is
-- left of all of them is paid in cash.

-- Lots that come from another book of the account, at their cost. They keep their date and, where that is free, their name; lots of one
-- date follow those that were there; an account that keeps an average has one lot.
create function books.add_lots(opening books.lot_book, arrived books.lot_closing[], event_id text, method text, minor_unit integer, base_minor_unit integer)
    returns books.lot_book
    language plpgsql immutable parallel safe as $$
declare
    result books.lot_book := opening;
begin
    select array_agg(lot.lot_id order by lot.opened_date, lot.place), array_agg(lot.opened_date order by lot.opened_date, lot.place),
        array_agg(lot.quantity order by lot.opened_date, lot.place), array_agg(lot.cost order by lot.opened_date, lot.place),
        array_agg(lot.cost_base order by lot.opened_date, lot.place)
    into result.lot_ids, result.opened_dates, result.quantities, result.costs, result.costs_base
    from (
        select * from unnest(opening.lot_ids, opening.opened_dates, opening.quantities, opening.costs, opening.costs_base)
            with ordinality as held_lots (lot_id, opened_date, quantity, cost, cost_base, place)
        union all
        select
            case
                when one.lot_id <> 'AVERAGE' and one.lot_id <> all(coalesce(opening.lot_ids, '{}')) and one.same_no = 1 then one.lot_id
                else event_id || '/' || one.lot_id || case when one.same_no = 1 then '' else '/' || one.same_no end
            end,
            one.opened_date, one.quantity, one.cost_amount, one.cost_amount_base, one.place + 1000000
        from (
            select arrivals.*, row_number() over (partition by arrivals.lot_id order by arrivals.place) as same_no
            from unnest(arrived) with ordinality as arrivals (trade_id, is_transfer, lot_id, opened_date, quantity, cost_amount,
                cost_amount_base, proceeds_amount, proceeds_amount_base, realised_price_amount_base, place)
        ) as one
    ) as lot;
    if method = 'AVERAGE' then
        result.lot_ids := array['AVERAGE']; result.opened_dates := result.opened_dates[:1];
        result.quantities := array[(select sum(one) from unnest(result.quantities) as one)];
        result.costs := array[(select sum(one) from unnest(result.costs) as one)];
        result.costs_base := array[(select sum(one) from unnest(result.costs_base) as one)];
    end if;
    return books.match_lots(result, '{}', minor_unit, base_minor_unit);
end $$;

-- A trade that an event makes of a fraction: so many units for so much cash, with the sign of the units.
create function books.fraction_trade(event books.lot_event, units numeric, cash numeric, cash_base numeric) returns books.lot_event
    language sql immutable parallel safe as $$
    select row(
        event.trade_id, event.trade_date, units, cash, cash_base, event.fx_rate, case event.lot_method when 'SPECIFIC' then 'FIFO' else event.lot_method end,
        null, null, null, null, null, null, null, null, null, null, null, null, null, null
    )::books.lot_event
$$;

-- Allots what an event delivers of an instrument to the books of an account. `places` are its books among `books_now`, in the order of their
-- ids, `units` what the event makes of each, with fractions; `event` has the instrument's rate and method. All together are due the whole units
-- of their sum. Each book has the whole part of its own; what is left of the whole units goes to those with the largest remainders, one
-- each, ties by the book's id. Who gives up a fraction is paid the fraction of the account in the proportion of what it gives; the rest of it
-- goes with its lots to those that are rounded up, who pay the other book what the lots cost, so that nothing is realised and either
-- book has what it is worth. Where one book is long and another short, of what it is due or of what it then holds, there is no lot that could
-- go with it, and they settle the differences at the price of the fraction. What is paid between books adds up to nothing.
create function books.allot_fractions(
    books_now books.lot_book[], places integer[], units numeric[], event books.lot_event, minor_unit integer, base_minor_unit integer
) returns books.lot_book[]
    language plpgsql immutable parallel safe as $$
declare
    side integer := case when (select sum(one) from unnest(units) as one) < 0 then -1 else 1 end;
    is_one_sided boolean;
    method text := case event.lot_method when 'SPECIFIC' then 'FIFO' else event.lot_method end;
    given numeric[];                         -- what each book gives up, on the side of the account; negative: what it is rounded up by
    fraction numeric; given_total numeric; given_before numeric := 0; sold_before numeric := 0;
    cash_before numeric := 0; cash_base_before numeric := 0;
    sold numeric; cash numeric; cash_base numeric; moved_units numeric;
    pool books.lot_book; step books.lot_book; effect books.lot_effect; effects books.lot_effect[] := '{}';
    place integer;
begin
    with held as (
        select number, one * side as quantity from unnest(units) with ordinality as given_units (one, number)
    ), ranked as (
        select held.*, row_number() over (order by quantity - floor(quantity) desc, number) as rank,
            trunc(sum(quantity) over ()) - sum(floor(quantity)) over () as left_over
        from held
    )
    select array_agg(quantity - floor(quantity) - case when rank <= left_over then 1 else 0 end order by number) into given from ranked;
    select sum(one), sum(one) filter (where one > 0) into fraction, given_total from unnest(given) as one;
    if given_total is null then return books_now; end if;
    select bool_and(units[number] * side >= 0 and books_now[places[number]].quantity * side >= greatest(given[number], 0))
    into is_one_sided from generate_subscripts(places, 1) as number;

    for number in 1 .. cardinality(places) loop
        place := places[number];
        effect := row(event.trade_id, 0, -given[number] * side, given[number] * side, 0, 0, 0, 0)::books.lot_effect;
        -- of the running totals, what the book adds
        if not is_one_sided then
            sold := given[number];
        elsif given[number] > 0 then
            given_before := given_before + given[number];
            sold := case when given_before = given_total then fraction else round(fraction * given_before / given_total, 10) end - sold_before;
        else
            sold := 0;
        end if;
        if sold <> 0 then
            sold_before := sold_before + sold;
            cash := books.round_half_even(sold_before * side * event.fraction_price, minor_unit) - cash_before;
            cash_base := books.round_half_even((cash_before + cash) * event.fx_rate, base_minor_unit) - cash_base_before;
            cash_before := cash_before + cash; cash_base_before := cash_base_before + cash_base;
            step := books.match_lots(
                books_now[place], array[books.fraction_trade(event, -sold * side, -cash, -cash_base)], minor_unit, base_minor_unit
            );
            books_now[place] := books.lots_after(books_now[place], step);
            effect.cash_amount := cash; effect.cash_amount_base := cash_base;
        end if;
        moved_units := given[number] - sold;
        if is_one_sided and moved_units > 0 then
            step := books.match_lots(
                books_now[place], array[books.fraction_trade(event, -moved_units * side, 0, 0)], minor_unit, base_minor_unit
            );
            select
                pool.lot_ids || array_agg(closing.lot_id), pool.opened_dates || array_agg(closing.opened_date),
                pool.quantities || array_agg(closing.quantity), pool.costs || array_agg(closing.cost_amount),
                pool.costs_base || array_agg(closing.cost_amount_base), sum(closing.cost_amount), sum(closing.cost_amount_base)
            into pool.lot_ids, pool.opened_dates, pool.quantities, pool.costs, pool.costs_base, cash, cash_base
            from unnest(step.closings) as closing;
            effect.cash_amount := effect.cash_amount + cash; effect.cash_amount_base := effect.cash_amount_base + cash_base;
            step.closings := '{}';
            step.realised_amount := 0; step.realised_amount_base := 0; step.realised_price_amount_base := 0;
            books_now[place] := books.lots_after(books_now[place], step);
        end if;
        effects := effects || effect;
    end loop;

    for number in 1 .. cardinality(places) loop
        place := places[number];
        if is_one_sided and given[number] < 0 then
            -- what was given first goes first
            event.lot_method := 'FIFO';
            step := books.match_lots(
                pool, array[books.fraction_trade(event, given[number] * side, 0, 0)], minor_unit, base_minor_unit
            );
            pool := step;
            effects[number].cash_amount := (select -sum(closing.cost_amount) from unnest(step.closings) as closing);
            effects[number].cash_amount_base := (select -sum(closing.cost_amount_base) from unnest(step.closings) as closing);
            books_now[place] := books.lots_after(
                books_now[place], books.add_lots(books_now[place], step.closings, event.trade_id, method, minor_unit, base_minor_unit)
            );
        end if;
        if given[number] <> 0 then
            books_now[place].effects := books_now[place].effects || effects[number];
        end if;
    end loop;
    return books_now;
end $$;

-- The lots of several instruments that events turn into one another, and of several books of one account, which are due whole units
-- together. The events of all of them come in one order, those of one event one after the other; `event_places` names the book
-- and instrument of each by its place in `book_ids` and `instrument_ids`, which are in the order of both. An instrument that is received must
-- be among them.
create function books.match_account_lots(
    book_ids text[], instrument_ids text[], openings books.lot_book[], minor_units integer[], event_places integer[],
    events books.lot_event[], base_minor_unit integer
) returns table (book_id text, instrument_id text, lots books.lot_book)
    language plpgsql immutable parallel safe as $$
declare
    books_now books.lot_book[] := openings;
    event books.lot_event;
    step books.lot_book;
    received books.lot_book;
    transfers books.lot_closing[];
    place integer; target integer; fraction_price numeric;
    places integer[] := '{}'; units numeric[] := '{}';      -- of the event at hand: its books, and what it made of each
begin
    for one in 1 .. cardinality(instrument_ids) loop
        books_now[one] := books.match_lots(openings[one], '{}', minor_units[one], base_minor_unit);
    end loop;
    for number in 1 .. coalesce(cardinality(events), 0) loop
        event := events[number]; place := event_places[number]; target := place;
        fraction_price := event.fraction_price; event.fraction_price := null;
        step := books.match_lots(books_now[place], array[event], minor_units[place], base_minor_unit);
        books_now[place] := books.lots_after(books_now[place], step);
        if event.quantity is null and event.into_instrument_id is not null and step.effects <> '{}' then
            target := (
                select min(other.place_no) from unnest(book_ids, instrument_ids) with ordinality as other (book_id, instrument_id, place_no)
                where other.book_id = book_ids[place] and other.instrument_id = event.into_instrument_id
            );
            if target is null then
                raise exception 'event % delivers %, which is not among the instruments given', event.trade_id, event.into_instrument_id
                    using errcode = 'check_violation';
            end if;
            transfers := array(select closing from unnest(step.closings) as closing where closing.is_transfer);
            received := books.receive_lots(books_now[target], event, transfers, minor_units[target], base_minor_unit);
            books_now[target] := books.lots_after(books_now[target], received);
        end if;
        continue when fraction_price is null;
        if step.effects <> '{}' then
            places := places || target;
            units := units || case when target = place then step.quantity else received.effects[1].quantity_change end;
        end if;
        -- the last book of the event
        continue when events[number + 1].quantity is null and events[number + 1].trade_id = event.trade_id;
        if places <> '{}' then
            event.fraction_price := fraction_price;
            if event.into_instrument_id is not null then
                event.fx_rate := event.into_fx_rate; event.lot_method := event.into_lot_method;
            end if;
            books_now := books.allot_fractions(books_now, places, units, event, minor_units[places[1]], base_minor_unit);
            places := '{}'; units := '{}';
        end if;
    end loop;
    for one in 1 .. cardinality(instrument_ids) loop
        book_id := book_ids[one]; instrument_id := instrument_ids[one]; lots := books_now[one];
        return next;
    end loop;
end $$;
drop function books.match_linked_lots(text[], books.lot_book[], integer[], integer[], books.lot_event[], integer);
