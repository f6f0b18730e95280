"""What the lot kernel writes, as rows of PostgreSQL's binary COPY: the lots of a key, and what its trades closed."""

import numpy as np

from posttrade.compiled import compiled
from posttrade.domain.lot_kernel import AMOUNT_SCALE, POOL, QUANTITY_SCALE
from posttrade.records.binary_copy import (
    BOOL,
    DATE,
    NUMERIC,
    NUMERIC_SPACE,
    TEXT,
    write_array_head,
    write_bytes,
    write_date,
    write_field,
    write_int,
    write_numeric,
)

LOT_FIELDS = (
    "business_date, book_id, account_id, instrument_id, quantity, cost_amount, cost_amount_base, realised_amount, realised_amount_base,"
    " realised_price_amount_base, lot_ids, opened_dates, quantities, costs, costs_base, is_replayed, is_streamed, unnamed_quantity"
)
STREAMED_FIELDS = "business_date, book_id, account_id, instrument_id, is_matched, closings"
POOL_NAME = np.frombuffer(b"\0\0\0\7AVERAGE", np.uint8)
BYTES_A_KEY, BYTES_A_LOT, BYTES_A_CLOSING = 400, 16 + 3 * (4 + NUMERIC_SPACE), 112 + 6 * NUMERIC_SPACE
"""What is written at most for a key, a lot and a closing, without their texts."""


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
def write_key(out, position, data, fields, business_date, key_start, key_size):
    """The beginning of a row with so many fields: business date, book, account and instrument."""
    position = write_date(out, write_int(out, position, fields, 2), business_date)
    return write_bytes(out, position, data, key_start, key_size)


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
