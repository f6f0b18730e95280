"""Trades, holdings and lots between PostgreSQL's binary COPY and the arrays of the lot kernel.

A text stays where it is, in the buffer that came from the database; what names it is its position there.
"""

from collections.abc import Iterator
from datetime import date

import numpy as np

from posttrade.compiled import compiled
from posttrade.domain.lot_kernel import (
    AMOUNT_SCALE,
    POOL,
    QUANTITY_SCALE,
    RATE_SCALE,
    fits,
    match_key,
)
from posttrade.records.binary_copy import (
    BOOL,
    DATE,
    HEADER,
    NUMERIC,
    NUMERIC_SPACE,
    TEXT,
    count_rows,
    number_keys,
    read_int,
    read_numeric,
    write_array_head,
    write_bytes,
    write_date,
    write_field,
    write_int,
    write_numeric,
)

# Columns of a trade as read.
KEY, KEY_SIZE, ID, DAY, MOMENT, SEQUENCE, QUANTITY, AMOUNT, AMOUNT_BASE, RATE, METHOD, UNIT, UNIT_BASE, IS_USABLE = range(14)
# Columns of a holding as read, after KEY and KEY_SIZE: rows of its lots.
FIRST_LOT, END_OF_LOTS, IS_HOLDING_USABLE = range(2, 5)
TRADE_FIELDS, HOLDING_FIELDS = 14, 8

KEYS_AT_ONCE = 20_000
LOT_FIELDS = (
    "business_date, book_id, account_id, instrument_id, quantity, cost_amount, cost_amount_base, realised_amount, realised_amount_base,"
    " realised_price_amount_base, lot_ids, opened_dates, quantities, costs, costs_base, is_replayed, is_streamed, unnamed_quantity"
)
STREAMED_FIELDS = "business_date, book_id, account_id, instrument_id, is_matched, closings"
POOL_NAME = np.frombuffer(b"\0\0\0\7AVERAGE", np.uint8)
BYTES_A_KEY, BYTES_A_LOT, BYTES_A_CLOSING = 400, 16 + 3 * (4 + NUMERIC_SPACE), 112 + 6 * NUMERIC_SPACE
"""What is written at most for a key, a lot and a closing, without their texts."""


@compiled
def read_trades(data, start, rows):
    """The trades of a stream.

    The fields of a row are those of int_lots__trades_streamed. A number out of the kernel's reach makes the trade unusable, and so does a
    null, but for the time of execution and the source's sequence.

    Args:
        data: the buffer.
        start: where the stream begins, with its header.
        rows: how many it has.

    Returns:
        An array of `rows` by the columns of a trade as read.
    """
    trades = np.zeros((rows, 14), np.int64)
    position = start + len(HEADER)
    for row in range(rows):
        trade = trades[row]
        if read_int(data, position, 2) != TRADE_FIELDS:
            raise ValueError("a row of the trades has another number of fields than the kernel reads")
        position += 2
        trade[KEY] = position
        for _ in range(3):
            position += 4 + max(read_int(data, position, 4), 0)
        trade[KEY_SIZE] = position - trade[KEY]
        is_usable = True
        for column in range(ID, IS_USABLE):
            size = read_int(data, position, 4)
            value, is_read = position, size >= 0
            if not is_read:
                size = 0
                if column in (MOMENT, SEQUENCE):  # as the database orders them: last
                    value, is_read = np.iinfo(np.int64).max, True
            elif column in (QUANTITY, AMOUNT, AMOUNT_BASE, RATE):
                scale = QUANTITY_SCALE if column == QUANTITY else RATE_SCALE if column == RATE else AMOUNT_SCALE
                value, is_read = read_numeric(data, position + 4, scale)
            elif column in (UNIT, UNIT_BASE):
                value = np.int64(10) ** (AMOUNT_SCALE - read_int(data, position + 4, 4))
            elif column != ID:
                value = read_int(data, position + 4, size)
            trade[column] = value
            is_usable = is_usable and is_read
            position += 4 + size
        trade[IS_USABLE] = is_usable
    return trades


@compiled
def count_lots(data, start, rows):
    """The open lots in a stream of holdings."""
    position, lots = start + len(HEADER), 0
    for _ in range(rows):
        position += 2
        for _ in range(3):
            position += 4 + max(read_int(data, position, 4), 0)
        lots += read_int(data, position + 16, 4)
        for _ in range(5):
            position += 4 + max(read_int(data, position, 4), 0)
    return lots


@compiled
def read_holdings(data, start, rows):
    """The lots that were open before, of a stream.

    The fields of a row are those of int_lots__holdings_streamed; each array has elements.

    Args:
        data: the buffer.
        start: where the stream begins, with its header.
        rows: how many it has.

    Returns:
        An array of `rows` by KEY, KEY_SIZE, FIRST_LOT, END_OF_LOTS, IS_HOLDING_USABLE; the lots: id, date, quantity, cost, cost in base.
    """
    holdings = np.zeros((rows, 5), np.int64)
    lots = np.zeros((count_lots(data, start, rows), 5), np.int64)
    position, lot = start + len(HEADER), 0
    for row in range(rows):
        holding = holdings[row]
        if read_int(data, position, 2) != HOLDING_FIELDS:
            raise ValueError("a row of the holdings has another number of fields than the kernel reads")
        position += 2
        holding[KEY] = position
        for _ in range(3):
            position += 4 + max(read_int(data, position, 4), 0)
        holding[KEY_SIZE] = position - holding[KEY]
        holding[FIRST_LOT] = lot
        holding[IS_HOLDING_USABLE] = 1
        elements = 0
        for column in range(5):
            elements = read_int(data, position + 16, 4)
            position += 24
            for element in range(elements):
                size = read_int(data, position, 4)
                value, is_read = position, True
                if column == 1:
                    value = read_int(data, position + 4, 4)
                elif column > 1:
                    value, is_read = read_numeric(data, position + 4, QUANTITY_SCALE if column == 2 else AMOUNT_SCALE)
                lots[lot + element, column] = value
                if not is_read:
                    holding[IS_HOLDING_USABLE] = 0
                position += 4 + size
        lot += elements
        holding[END_OF_LOTS] = lot
    return holdings, lots


@compiled
def comes_before(one, other):
    """Whether a trade was executed before another: trade date, time of execution, the source's sequence."""
    for column in (DAY, MOMENT, SEQUENCE):
        if one[column] != other[column]:
            return one[column] < other[column]
    return False


@compiled
def order_by_key(trades, numbers, keys):
    """The trades of each key together, in the order they were executed.

    Args:
        trades: as read.
        numbers: of the key of each.
        keys: how many there are.

    Returns:
        The rows of the trades in order; where each key begins in it, with the end of the last.
    """
    starts = np.zeros(keys + 1, np.int64)
    for row in range(len(trades)):
        starts[numbers[row] + 1] += 1
    for key in range(keys):
        starts[key + 1] += starts[key]
    order = np.empty(len(trades), np.int64)
    filled = starts.copy()
    for row in range(len(trades)):
        order[filled[numbers[row]]] = row
        filled[numbers[row]] += 1
    for key in range(keys):
        first, last = starts[key], starts[key + 1]
        gap = np.int64(1)
        while gap < (last - first) // 9:
            gap = 3 * gap + 1
        while gap > 0:  # Shell's sort: in place, and as fast as any on the few trades of a key
            for place in range(first + gap, last):
                row, before = order[place], place - gap
                while before >= first and comes_before(trades[row], trades[order[before]]):
                    order[before + gap] = order[before]
                    before -= gap
                order[before + gap] = row
            gap //= 3
    return order, starts


@compiled
def can_be_matched(trades, rows, first, last):
    """Whether the kernel may match a key: it can read all of its trades, they share one method, and no two came at once."""
    for place in range(first, last):
        if trades[rows[place], IS_USABLE] == 0 or trades[rows[place], METHOD] != trades[rows[first], METHOD]:
            return False
        if place > first and not comes_before(trades[rows[place - 1]], trades[rows[place]]):
            return False
    return True


@compiled
def write_lot_id(out, position, data, lot_id):
    """The name of a lot."""
    if lot_id == POOL:
        return write_field(out, position, POOL_NAME, 0)
    return write_field(out, position, data, lot_id)


@compiled
def write_bool(out, position, value):
    """A boolean with its length."""
    position = write_int(out, position, 1, 4)
    out[position] = value
    return position + 1


@compiled
def write_key(out, position, data, fields, business_date, trade):
    """The beginning of a row with so many fields: business date, book, account and instrument."""
    position = write_date(out, write_int(out, position, fields, 2), business_date)
    return write_bytes(out, position, data, trade[KEY], trade[KEY_SIZE])


@compiled
def write_lots(out, position, data, lots, head, tail, realised):
    """What a row of int_lots__matched has beside its key.

    Args:
        out: the buffer to fill.
        position: where.
        data: the buffer with the texts.
        lots: rows of id, date, quantity, cost, cost in base.
        head: the first open one.
        tail: one beyond the last.
        realised: the three realised amounts.
    """
    for column in range(2, 5):
        total = np.int64(0)
        for lot in range(head, tail):
            total += lots[lot, column]
        if column == 2:
            position = write_numeric(out, position, total, QUANTITY_SCALE, 10)
        else:
            position = write_numeric(out, position, total, AMOUNT_SCALE, 4)
    for amount in realised:
        position = write_numeric(out, position, amount, AMOUNT_SCALE, 4)
    for column in range(5):
        length = position
        element_type = TEXT if column == 0 else DATE if column == 1 else NUMERIC
        position = write_array_head(out, length + 4, element_type, tail - head)
        for lot in range(head, tail):
            if column == 0:
                position = write_lot_id(out, position, data, lots[lot, 0])
            elif column == 1:
                position = write_date(out, position, lots[lot, 1])
            elif column == 2:
                position = write_numeric(out, position, lots[lot, 2], QUANTITY_SCALE, 10)
            else:
                position = write_numeric(out, position, lots[lot, column], AMOUNT_SCALE, 4)
        write_int(out, length, position - length - 4, 4)
    return position


@compiled
def write_closings(out, position, data, closings, closed, event_ids, closing_type):
    """Closings as an array of books.lot_closing, whose object identifier is given."""
    length = position
    position = write_array_head(out, length + 4, closing_type, closed)
    for number in range(closed):
        closing, beginning = closings[number], position
        position = write_int(out, position + 4, 10, 4)
        position = write_field(out, write_int(out, position, TEXT, 4), data, event_ids[closing[0]])
        position = write_bool(out, write_int(out, position, BOOL, 4), False)  # not a transfer
        position = write_lot_id(out, write_int(out, position, TEXT, 4), data, closing[1])
        position = write_date(out, write_int(out, position, DATE, 4), closing[2])
        position = write_numeric(out, write_int(out, position, NUMERIC, 4), closing[3], QUANTITY_SCALE, 10)
        for column in range(4, 9):
            position = write_numeric(out, write_int(out, position, NUMERIC, 4), closing[column], AMOUNT_SCALE, 4)
        write_int(out, beginning, position - beginning - 4, 4)
    write_int(out, length, position - length - 4, 4)
    return position


@compiled
def match_and_write(
    data, business_date, trades, order, starts, holding_of, holdings, held_lots, first_key, end_of_keys, longest, closing_type
):
    """Match the lots of a run of keys, and write them as rows of two binary COPYs.

    Args:
        data: the buffer with the texts.
        business_date: days since 2000-01-01.
        trades: as read.
        order: rows of the trades, key by key.
        starts: where each key begins in it.
        holding_of: row of the key's holding, or -1.
        holdings: as read.
        held_lots: their lots.
        first_key: the first of the run.
        end_of_keys: one beyond its last.
        longest: bytes of the longest text with its length.
        closing_type: object identifier of books.lot_closing.

    Returns:
        Rows with the fields LOT_FIELDS, of the keys matched; rows with the fields STREAMED_FIELDS, of all keys; how many keys are left to
        the database.
    """
    rows = order[starts[first_key] : starts[end_of_keys]]
    ids, dates, quantities = trades[rows, ID], trades[rows, DAY], trades[rows, QUANTITY]
    amounts, amounts_base, rates = trades[rows, AMOUNT], trades[rows, AMOUNT_BASE], trades[rows, RATE]
    opened = most = np.int64(0)
    for key in range(first_key, end_of_keys):
        holding = holding_of[key]
        held = holdings[holding, END_OF_LOTS] - holdings[holding, FIRST_LOT] if holding >= 0 else np.int64(0)
        opened += held
        most = max(most, held + starts[key + 1] - starts[key])
    lots = np.empty((most, 5), np.int64)
    # every lot is closed whole once at most, and every trade closes one lot in part at most
    closings = np.empty((2 * most, 9), np.int64)
    space_of_keys = (end_of_keys - first_key) * (BYTES_A_KEY + 3 * longest)
    out = np.empty(space_of_keys + (opened + len(rows)) * (BYTES_A_LOT + longest), np.uint8)
    out_closed = np.empty(space_of_keys + (opened + 2 * len(rows)) * (BYTES_A_CLOSING + 2 * longest), np.uint8)
    position, position_closed, left = np.int64(0), np.int64(0), 0
    for key in range(first_key, end_of_keys):
        first, last = starts[key] - starts[first_key], starts[key + 1] - starts[first_key]
        trade, holding = trades[rows[first]], holding_of[key]
        tail = np.int64(0)
        is_matched = can_be_matched(trades, rows, first, last)
        if holding >= 0:
            is_matched = is_matched and holdings[holding, IS_HOLDING_USABLE] == 1
            for lot in range(holdings[holding, FIRST_LOT], holdings[holding, END_OF_LOTS]):
                lots[tail] = held_lots[lot]
                tail += 1
        is_matched = is_matched and fits(first, last, quantities, amounts, amounts_base, rates, lots, np.int64(0), tail)
        position_closed = write_key(out_closed, position_closed, data, 6, business_date, trade)
        position_closed = write_bool(out_closed, position_closed, is_matched)
        closed = np.int64(0)
        if is_matched:
            head, tail, closed, realised, realised_base, realised_price_base = match_key(
                trade[METHOD], trade[UNIT], trade[UNIT_BASE], first, last, ids, dates, quantities, amounts, amounts_base, rates,
                lots, np.int64(0), tail, closings, closed,
            )  # fmt: skip
            position = write_key(out, position, data, 18, business_date, trade)
            position = write_lots(out, position, data, lots, head, tail, (realised, realised_base, realised_price_base))
            position = write_bool(out, write_bool(out, position, False), True)  # not replayed, streamed
            position = write_numeric(out, position, np.int64(0), AMOUNT_SCALE, 10)  # every close found its lot by the method
        else:
            left += 1
        position_closed = write_closings(out_closed, position_closed, data, closings, closed, ids, closing_type)
    return out[:position], out_closed[:position_closed], left


@compiled
def fixed_widths(data, starts, sizes, width):
    """Stretches of bytes side by side, padded with zeros."""
    out = np.zeros((len(starts), width), np.uint8)
    for row in range(len(starts)):
        for offset in range(sizes[row]):
            out[row, offset] = data[starts[row] + offset]
    return out


@compiled
def longest_text(data, trades, held_lots):
    """Bytes of the longest key or id, with the length before it."""
    longest = np.int64(len(POOL_NAME))
    for row in range(len(trades)):
        longest = max(longest, trades[row, KEY_SIZE], 4 + read_int(data, trades[row, ID], 4))
    for lot in range(len(held_lots)):
        longest = max(longest, 4 + read_int(data, held_lots[lot, 0], 4))
    return longest


def match_streams(
    trade_stream: bytes, holding_stream: bytes, business_date: date, closing_type: int
) -> Iterator[tuple[bytes, bytes, int, int]]:
    """Match the trades of a day against what was held.

    Args:
        trade_stream: binary COPY of the trades, see `read_trades`.
        holding_stream: of the holdings, see `read_holdings`.
        business_date: of the day.
        closing_type: object identifier of books.lot_closing.

    Yields:
        Rows of int_lots__matched and of int_lots__streamed as in a binary COPY of LOT_FIELDS and STREAMED_FIELDS; how many keys they
        are of; how many of those are left to the database.
    """
    data = np.frombuffer(trade_stream + holding_stream, np.uint8)
    trades = read_trades(data, 0, count_rows(data, 0))
    after = len(trade_stream)
    holdings, held_lots = read_holdings(data, after, count_rows(data, after))
    numbers, firsts = number_keys(
        data, np.concatenate((trades[:, KEY], holdings[:, KEY])), np.concatenate((trades[:, KEY_SIZE], holdings[:, KEY_SIZE]))
    )
    longest = int(longest_text(data, trades, held_lots))
    # what nobody traded is left alone; in the order of the keys, what is written goes into their index page by page
    firsts = firsts[firsts < len(trades)]
    keys = len(firsts)
    texts = fixed_widths(data, trades[firsts, KEY], trades[firsts, KEY_SIZE], longest).view(f"S{longest}")[:, 0]
    place_of = np.full(int(numbers.max(initial=-1)) + 1, -1, np.int64)
    place_of[np.argsort(texts, kind="stable")] = np.arange(keys)
    places = place_of[numbers]
    holding_of = np.full(keys, -1, np.int64)
    is_traded = places[len(trades) :] >= 0
    holding_of[places[len(trades) :][is_traded]] = np.flatnonzero(is_traded)
    order, starts = order_by_key(trades, places[: len(trades)], keys)
    days = (business_date - date(2000, 1, 1)).days
    for first_key in range(0, keys, KEYS_AT_ONCE):
        end = min(first_key + KEYS_AT_ONCE, keys)
        lots, streamed, left = match_and_write(
            data, days, trades, order, starts, holding_of, holdings, held_lots, first_key, end, longest, closing_type
        )
        yield lots.tobytes(), streamed.tobytes(), end - first_key, left
