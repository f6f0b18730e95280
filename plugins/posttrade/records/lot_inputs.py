"""What the lot kernel reads, from PostgreSQL's binary COPY into arrays: trades, holdings, what holds for their instruments and accounts.

A text stays where it is, in the buffer that came from the database; what names it is its position there.
"""

import numpy as np

from posttrade.compiled import compiled
from posttrade.domain.lot_kernel import AMOUNT_SCALE, QUANTITY_SCALE, RATE_SCALE
from posttrade.records.binary_copy import HEADER, number_keys, read_int, read_numeric, skip_fields

# Columns of a trade as read.
KEY, KEY_SIZE, ID, DAY, MOMENT, SEQUENCE, QUANTITY, AMOUNT, AMOUNT_BASE, RATE, IS_USABLE = range(11)
# Columns of a holding as read, after KEY and KEY_SIZE: rows of its lots.
FIRST_LOT, END_OF_LOTS, IS_HOLDING_USABLE = range(2, 5)
# Columns of what holds for an instrument or an account from one day until another, after KEY and KEY_SIZE.
VALID_FROM, VALID_UNTIL, METHOD, UNIT, UNIT_BASE, HAS_EVENT = range(2, 8)
# Columns of a key, after KEY and KEY_SIZE: the row of its holding, or -1; the rows of its instrument and of its account.
HOLDING, FIRST_OF_INSTRUMENT, END_OF_INSTRUMENT, FIRST_OF_ACCOUNT, END_OF_ACCOUNT, IS_REPLAYED = range(2, 8)
TRADE_FIELDS, HOLDING_FIELDS, INSTRUMENT_FIELDS, ACCOUNT_FIELDS, KEY_FIELDS = 11, 8, 7, 4, 3


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
    trades = np.zeros((rows, 11), np.int64)
    position = start + len(HEADER)
    for row in range(rows):
        trade = trades[row]
        if read_int(data, position, 2) != TRADE_FIELDS:
            raise ValueError("a row of the trades has another number of fields than the kernel reads")
        trade[KEY] = position + 2
        position = skip_fields(data, trade[KEY], KEY_FIELDS)
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
        position = skip_fields(data, position + 2, KEY_FIELDS)
        lots += read_int(data, position + 16, 4)
        position = skip_fields(data, position, HOLDING_FIELDS - KEY_FIELDS)
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
        holding[KEY] = position + 2
        position = skip_fields(data, holding[KEY], KEY_FIELDS)
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
def read_validities(data, start, rows, fields):
    """What holds for instruments, or accounts, from one day until another.

    The fields of a row are those of int_lots__instruments_streamed, or the first four of them; the rows of an instrument or account
    stand together.

    Args:
        data: the buffer.
        start: where the stream begins, with its header.
        rows: how many it has.
        fields: of a row.

    Returns:
        An array of `rows` by KEY, KEY_SIZE, VALID_FROM, VALID_UNTIL, METHOD (0: none of the kernel's), UNIT, UNIT_BASE, HAS_EVENT.
    """
    validities = np.zeros((rows, 8), np.int64)
    position = start + len(HEADER)
    for row in range(rows):
        validity = validities[row]
        if read_int(data, position, 2) != fields:
            raise ValueError("a row of the instruments or accounts has another number of fields than the kernel reads")
        position += 2
        validity[KEY], validity[KEY_SIZE] = position, 4 + read_int(data, position, 4)
        position += validity[KEY_SIZE]
        for column in range(VALID_FROM, VALID_FROM + fields - 1):
            size = read_int(data, position, 4)
            if size > 0:
                value = read_int(data, position + 4, size)
                validity[column] = 10 ** (AMOUNT_SCALE - value) if column in (UNIT, UNIT_BASE) else value
            position += 4 + max(size, 0)
    return validities


@compiled
def read_keys(data, start, rows):
    """Keys of a stream: an array of `rows` by KEY, KEY_SIZE."""
    keys = np.zeros((rows, 2), np.int64)
    position = start + len(HEADER)
    for row in range(rows):
        if read_int(data, position, 2) != KEY_FIELDS:
            raise ValueError("a row of the keys has another number of fields than the kernel reads")
        keys[row, KEY] = position + 2
        position = skip_fields(data, keys[row, KEY], KEY_FIELDS)
        keys[row, KEY_SIZE] = position - keys[row, KEY]
    return keys


@compiled
def look_up(data, validities, starts, sizes):
    """Where the rows of instruments or accounts are that texts name.

    Args:
        data: the buffer.
        validities: as read.
        starts: where each text begins.
        sizes: its length.

    Returns:
        For each text its first row and one beyond its last; the same number twice where there is none.
    """
    numbers, _ = number_keys(data, np.concatenate((validities[:, KEY], starts)), np.concatenate((validities[:, KEY_SIZE], sizes)))
    firsts, ends = np.zeros(len(numbers), np.int64), np.zeros(len(numbers), np.int64)
    for row in range(len(validities) - 1, -1, -1):
        number = numbers[row]
        firsts[number] = row
        if ends[number] == 0:
            ends[number] = row + 1
    asked = numbers[len(validities) :]
    return firsts[asked], ends[asked]


@compiled
def keys_of_day(data, stretches, places, keys, trades, holdings, instruments, accounts):
    """What is known of each key.

    Args:
        data: the buffer.
        stretches: rows of KEY, KEY_SIZE: of the trades, of the holdings, and of the keys that are worked out again from their first trade.
        places: of the key of each stretch, in the order of the keys.
        keys: how many there are.
        trades: how many stretches are of trades.
        holdings: how many are of holdings.
        instruments: validities of the instruments.
        accounts: of the accounts.

    Returns:
        An array of `keys` by KEY, KEY_SIZE, HOLDING, FIRST_OF_INSTRUMENT, END_OF_INSTRUMENT, FIRST_OF_ACCOUNT, END_OF_ACCOUNT, IS_REPLAYED.
    """
    known = np.zeros((keys, 8), np.int64)
    known[:, HOLDING] = -1
    account_starts, instrument_starts = np.zeros(keys, np.int64), np.zeros(keys, np.int64)
    account_sizes, instrument_sizes = np.zeros(keys, np.int64), np.zeros(keys, np.int64)
    for row in range(len(stretches)):
        key = known[places[row]]
        if key[KEY] == 0:
            key[KEY], key[KEY_SIZE] = stretches[row, KEY], stretches[row, KEY_SIZE]
            account = key[KEY] + 4 + read_int(data, key[KEY], 4)
            instrument = account + 4 + read_int(data, account, 4)
            account_starts[places[row]], account_sizes[places[row]] = account, instrument - account
            instrument_starts[places[row]], instrument_sizes[places[row]] = instrument, key[KEY] + key[KEY_SIZE] - instrument
        if row >= trades + holdings:
            key[IS_REPLAYED] = 1
        elif row >= trades:
            key[HOLDING] = row - trades
    known[:, FIRST_OF_INSTRUMENT], known[:, END_OF_INSTRUMENT] = look_up(data, instruments, instrument_starts, instrument_sizes)
    known[:, FIRST_OF_ACCOUNT], known[:, END_OF_ACCOUNT] = look_up(data, accounts, account_starts, account_sizes)
    return known


@compiled
def method_on(day, key, instruments, accounts):
    """The number of the lot method in force for a key: its account's own, or that of its instrument's product line; 0 for none."""
    for row in range(key[FIRST_OF_ACCOUNT], key[END_OF_ACCOUNT]):
        if accounts[row, VALID_FROM] <= day < accounts[row, VALID_UNTIL]:
            return accounts[row, METHOD]
    for row in range(key[FIRST_OF_INSTRUMENT], key[END_OF_INSTRUMENT]):
        if instruments[row, VALID_FROM] <= day < instruments[row, VALID_UNTIL]:
            return instruments[row, METHOD]
    return np.int64(0)


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
def is_plain(key, instruments):
    """Whether nothing but trades changes a key today: no event works on its instrument, and no earlier day is worked out again."""
    first = key[FIRST_OF_INSTRUMENT]
    return key[IS_REPLAYED] == 0 and first < key[END_OF_INSTRUMENT] and instruments[first, HAS_EVENT] == 0


@compiled
def method_of_trades(trades, rows, first, last, key, instruments, accounts):
    """The lot method by which the kernel may match the trades of a key, or 0: it can read them all, they share one method, and no two came
    at once."""
    method = method_on(trades[rows[first], DAY], key, instruments, accounts)
    for place in range(first, last):
        trade = trades[rows[place]]
        if trade[IS_USABLE] == 0 or method_on(trade[DAY], key, instruments, accounts) != method:
            return np.int64(0)
        if place > first and not comes_before(trades[rows[place - 1]], trade):
            return np.int64(0)
    return method
