"""Matches the lots of many keys of one day, compiled: the same rule as `books.match_lots` in the database, for trades alone.

Everything is a whole number: quantities in millionths, money in ten-thousandths, rates in 10**-12. A product of two of them divided
by a third is exact, although it may not fit in 64 bits on the way: a floating-point quotient is off by a few units at most, and the
remainder, worked out modulo 2**64, says by how many.
"""

import numpy as np

from posttrade.compiled import compiled

QUANTITY_SCALE = 6
AMOUNT_SCALE = 4
RATE_SCALE = 12

FIFO, LIFO, HIGHEST_COST, LOWEST_COST, AVERAGE = range(1, 6)
POOL = -1
"""The name of the one lot of the average-cost method, where other lots are named by what opened them."""

LARGEST_AMOUNT = 2**51
LARGEST_QUANTITY = 10**17


@compiled
def floor_of_product(value, factor, divisor):
    """`value * factor / divisor` as a whole number and a remainder.

    Args:
        value: below 2**52 in size, of either sign.
        factor: zero or more.
        divisor: above zero, at most 10**17; the quotient must stay below 2**52.

    Returns:
        The quotient rounded down, and what is left of `value * factor`, zero or more and below `divisor`.
    """
    quotient = np.int64(np.floor(np.float64(value) * np.float64(factor) / np.float64(divisor)))
    rest = value * factor - quotient * divisor
    more = rest // divisor
    return quotient + more, rest - more * divisor


@compiled
def round_half_even(quotient, rest, divisor, unit):
    """`quotient + rest / divisor` rounded to whole units, a half to the even one; as `books.round_half_even`.

    Args:
        quotient: rounded down.
        rest: zero or more, below `divisor`.
        divisor: above zero.
        unit: the smallest unit of money, in the scale of the quotient.
    """
    units = quotient // unit
    twice = 2 * (quotient - units * unit)
    if twice > unit or (twice == unit and rest > 0) or (twice == unit - 1 and 2 * rest > divisor):
        units += 1
    elif (twice == unit and rest == 0) or (twice == unit - 1 and 2 * rest == divisor):
        units += units & 1
    return units * unit


@compiled
def part_of(value, taken, whole, unit):
    """What falls to `taken` of `whole`, both of one sign, out of `value`, rounded to money."""
    quotient, rest = floor_of_product(value, abs(taken), abs(whole))
    return round_half_even(quotient, rest, abs(whole), unit)


@compiled
def at_rate(value, rate, unit):
    """An amount at a rate, rounded to money."""
    quotient, rest = floor_of_product(value, rate, np.int64(10**RATE_SCALE))
    return round_half_even(quotient, rest, np.int64(10**RATE_SCALE), unit)


@compiled
def costs_more(cost, quantity, other_cost, other_quantity):
    """Whether a unit of a lot costs more than one of another lot of the same side, exactly."""
    difference = np.float64(cost) * np.float64(other_quantity) - np.float64(other_cost) * np.float64(quantity)
    if abs(difference) > 2.0**62 or abs(np.float64(cost) * np.float64(other_quantity)) < 2.0**52:
        return difference > 0
    return cost * other_quantity - other_cost * quantity > 0


@compiled
def match_key(
    method,
    unit,
    unit_base,
    first,
    last,
    event_ids,
    event_dates,
    event_quantities,
    event_amounts,
    event_amounts_base,
    event_rates,
    lots,
    head,
    tail,
    closings,
    closed,
):
    """Take the trades of one key in order; the rule of `books.match_lots`.

    Args:
        method: FIFO, LIFO, HIGHEST_COST, LOWEST_COST or AVERAGE.
        unit: the minor unit of the local currency, in ten-thousandths.
        unit_base: of the base currency.
        first: of the key's events.
        last: one beyond its last event.
        event_ids: one element per event in this and the next arrays.
        event_dates: trade dates.
        event_quantities: bought positive.
        event_amounts: gross and fees, with the sign of the quantity.
        event_amounts_base: the same in base currency.
        event_rates: base for one unit of local currency.
        lots: rows of id, date, quantity, cost, cost in base; changed in place, with room for one more row per event.
        head: row of the key's oldest lot.
        tail: one beyond its newest.
        closings: rows to fill: event, lot's id, lot's date, quantity, cost, cost in base, proceeds, proceeds in base, price result in base.
        closed: rows filled so far.

    Returns:
        Row of the oldest open lot, one beyond the newest, rows of closings filled, and the three realised amounts: local, base, and
        the part of the base amount that comes from the price.
    """
    realised = realised_base = realised_price_base = np.int64(0)
    if method == AVERAGE and tail > head:
        for lot in range(head + 1, tail):
            for column in range(2, 5):
                lots[head, column] += lots[lot, column]
        tail = head + 1
        lots[head, 0] = POOL
        if lots[head, 2] == 0:
            tail = head
    for event in range(first, last):
        rest, amount, amount_base = event_quantities[event], event_amounts[event], event_amounts_base[event]
        while rest != 0 and head < tail and (lots[head, 2] > 0) != (rest > 0):
            chosen = head
            if method == LIFO:
                chosen = tail - 1
            elif method == HIGHEST_COST:
                for other in range(head + 1, tail):
                    if costs_more(lots[other, 3], lots[other, 2], lots[chosen, 3], lots[chosen, 2]):
                        chosen = other
            elif method == LOWEST_COST:
                for other in range(head + 1, tail):
                    if costs_more(lots[chosen, 3], lots[chosen, 2], lots[other, 3], lots[other, 2]):
                        chosen = other
            held, cost, cost_base = lots[chosen, 2], lots[chosen, 3], lots[chosen, 4]
            taken, proceeds, proceeds_base = -held, -amount, -amount_base
            if abs(rest) < abs(held):
                taken = rest
                cost, cost_base = part_of(cost, taken, held, unit), part_of(cost_base, taken, held, unit_base)
            elif taken != rest:
                proceeds, proceeds_base = part_of(proceeds, taken, rest, unit), part_of(proceeds_base, taken, rest, unit_base)
            price_base = at_rate(proceeds - cost, event_rates[event], unit_base)
            closing = closings[closed]
            closing[0], closing[1], closing[2], closing[3] = event, lots[chosen, 0], lots[chosen, 1], -taken
            closing[4], closing[5], closing[6], closing[7], closing[8] = cost, cost_base, proceeds, proceeds_base, price_base
            closed += 1
            rest, amount, amount_base = rest - taken, amount + proceeds, amount_base + proceeds_base
            realised, realised_base = realised + proceeds - cost, realised_base + proceeds_base - cost_base
            realised_price_base += price_base
            if taken != -held:
                lots[chosen, 2], lots[chosen, 3], lots[chosen, 4] = held + taken, lots[chosen, 3] - cost, lots[chosen, 4] - cost_base
            elif chosen == head:
                head += 1
            else:
                for follower in range(chosen, tail - 1):
                    lots[follower] = lots[follower + 1]
                tail -= 1
        if rest == 0:
            continue
        if method == AVERAGE and head < tail:
            lots[head, 2] += rest
            lots[head, 3] += amount
            lots[head, 4] += amount_base
        else:
            lots[tail, 0] = POOL if method == AVERAGE else event_ids[event]
            lots[tail, 1], lots[tail, 2], lots[tail, 3], lots[tail, 4] = event_dates[event], rest, amount, amount_base
            tail += 1
    return head, tail, closed, realised, realised_base, realised_price_base


@compiled
def fits(first, last, event_quantities, event_amounts, event_amounts_base, event_rates, lots, head, tail):
    """Whether all that the events of a key and its lots can add up to stays within what the kernel can work with."""
    quantity = amount = amount_base = 0.0
    rate = np.int64(10**RATE_SCALE)
    for lot in range(head, tail):
        quantity += abs(np.float64(lots[lot, 2]))
        amount += abs(np.float64(lots[lot, 3]))
        amount_base += abs(np.float64(lots[lot, 4]))
    for event in range(first, last):
        quantity += abs(np.float64(event_quantities[event]))
        amount += abs(np.float64(event_amounts[event]))
        amount_base += abs(np.float64(event_amounts_base[event]))
        rate = max(rate, event_rates[event])
    # the amount at the rate of any of its trades
    return quantity < LARGEST_QUANTITY and amount_base < LARGEST_AMOUNT and amount * (np.float64(rate) / 10.0**RATE_SCALE) < LARGEST_AMOUNT
