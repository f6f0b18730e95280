"""A day's trades and holdings, as PostgreSQL's binary COPY brings them, to rows of lots and of what was closed, as it takes them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import accumulate

import numpy as np

from posttrade.compiled import compiled
from posttrade.domain.lot_kernel import AMOUNT_SCALE, fits, match_key
from posttrade.records.binary_copy import count_rows, number_keys, read_int, write_numeric
from posttrade.records.lot_inputs import (
    ACCOUNT_FIELDS,
    AMOUNT,
    AMOUNT_BASE,
    DAY,
    END_OF_LOTS,
    FIRST_LOT,
    FIRST_OF_INSTRUMENT,
    HOLDING,
    ID,
    INSTRUMENT_FIELDS,
    IS_HOLDING_USABLE,
    KEY,
    KEY_SIZE,
    QUANTITY,
    RATE,
    UNIT,
    UNIT_BASE,
    is_plain,
    keys_of_day,
    method_of_trades,
    order_by_key,
    read_holdings,
    read_keys,
    read_trades,
    read_validities,
)
from posttrade.records.lot_outputs import (
    BYTES_A_CLOSING,
    BYTES_A_KEY,
    BYTES_A_LOT,
    POOL_NAME,
    write_bool,
    write_closings,
    write_key,
    write_lots,
)

KEYS_AT_ONCE = 20_000


@compiled
def match_and_write(
    data,
    business_date,
    trades,
    order,
    starts,
    keys,
    instruments,
    accounts,
    holdings,
    held_lots,
    first_key,
    end_of_keys,
    longest,
    closing_type,
):
    """Match the lots of a run of keys, and write them as rows of two binary COPYs.

    Args:
        data: the buffer with the texts.
        business_date: days since 2000-01-01.
        trades: as read.
        order: rows of the trades, key by key.
        starts: where each key begins in it.
        keys: what is known of each.
        instruments: validities of the instruments.
        accounts: of the accounts.
        holdings: as read.
        held_lots: their lots.
        first_key: the first of the run.
        end_of_keys: one beyond its last.
        longest: bytes of the longest text with its length.
        closing_type: object identifier of books.lot_closing.

    Returns:
        Rows with the fields LOT_FIELDS, of the keys matched or only held; rows with the fields STREAMED_FIELDS, of the keys traded and of
        those left to the database; how many keys are left.
    """
    rows = order[starts[first_key] : starts[end_of_keys]]
    ids, dates, quantities = trades[rows, ID], trades[rows, DAY], trades[rows, QUANTITY]
    amounts, amounts_base, rates = trades[rows, AMOUNT], trades[rows, AMOUNT_BASE], trades[rows, RATE]
    opened = most = np.int64(0)
    for number in range(first_key, end_of_keys):
        holding = keys[number, HOLDING]
        held = holdings[holding, END_OF_LOTS] - holdings[holding, FIRST_LOT] if holding >= 0 else np.int64(0)
        opened += held
        most = max(most, held + starts[number + 1] - starts[number])
    lots = np.empty((most, 5), np.int64)
    # every lot is closed whole once at most, and every trade closes one lot in part at most
    closings = np.empty((2 * most, 9), np.int64)
    space_of_keys = (end_of_keys - first_key) * (BYTES_A_KEY + 3 * longest)
    out = np.empty(space_of_keys + (opened + len(rows)) * (BYTES_A_LOT + longest), np.uint8)
    out_closed = np.empty(space_of_keys + (opened + 2 * len(rows)) * (BYTES_A_CLOSING + 2 * longest), np.uint8)
    position, position_closed, left = np.int64(0), np.int64(0), 0
    for number in range(first_key, end_of_keys):
        key = keys[number]
        first, last = starts[number] - starts[first_key], starts[number + 1] - starts[first_key]
        is_traded, holding = last > first, key[HOLDING]
        tail = closed = np.int64(0)
        is_matched = is_plain(key, instruments)
        method = np.int64(0)
        if is_matched and is_traded:
            method = method_of_trades(trades, rows, first, last, key, instruments, accounts)
            is_matched = method != 0
        if holding >= 0:
            is_matched = is_matched and holdings[holding, IS_HOLDING_USABLE] == 1
            for lot in range(holdings[holding, FIRST_LOT], holdings[holding, END_OF_LOTS]):
                lots[tail] = held_lots[lot]
                tail += 1
        is_matched = is_matched and fits(first, last, quantities, amounts, amounts_base, rates, lots, np.int64(0), tail)
        if is_matched:
            head = realised = realised_base = realised_price_base = np.int64(0)
            if is_traded:
                instrument = instruments[key[FIRST_OF_INSTRUMENT]]
                head, tail, closed, realised, realised_base, realised_price_base = match_key(
                    method, instrument[UNIT], instrument[UNIT_BASE], first, last, ids, dates, quantities, amounts, amounts_base, rates,
                    lots, head, tail, closings, closed,
                )  # fmt: skip
            position = write_key(out, position, data, 18, business_date, key[KEY], key[KEY_SIZE])
            position = write_lots(out, position, data, lots, head, tail, (realised, realised_base, realised_price_base))
            position = write_bool(out, write_bool(out, position, False), True)  # not replayed, streamed
            position = write_numeric(out, position, np.int64(0), AMOUNT_SCALE, 10)  # every close found its lot by the method
        else:
            left += 1
        if is_traded or not is_matched:
            position_closed = write_key(out_closed, position_closed, data, 6, business_date, key[KEY], key[KEY_SIZE])
            position_closed = write_bool(out_closed, position_closed, is_matched)
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
def longest_text(data, stretches, trades, held_lots):
    """Bytes of the longest key or id, with the length before it."""
    longest = np.int64(len(POOL_NAME))
    for row in range(len(stretches)):
        longest = max(longest, stretches[row, KEY_SIZE])
    for row in range(len(trades)):
        longest = max(longest, 4 + read_int(data, trades[row, ID], 4))
    for lot in range(len(held_lots)):
        longest = max(longest, 4 + read_int(data, held_lots[lot, 0], 4))
    return longest


@dataclass(frozen=True)
class StreamsOfDay:
    """What the database says of a day, each as binary COPY.

    Attributes:
        trades: int_lots__trades_streamed.
        holdings: int_lots__holdings_streamed.
        replayed: int_lots__keys_replayed.
        instruments: int_lots__instruments_streamed.
        accounts: int_lots__accounts_streamed.
    """

    trades: bytes
    holdings: bytes
    replayed: bytes
    instruments: bytes
    accounts: bytes


class DayOfLots:
    """The trades of a day by book, account and instrument, and what was held before."""

    def __init__(self, streams: StreamsOfDay, business_date: date) -> None:
        """Read the streams of a business date, or of a part of its keys."""
        self.days = (business_date - date(2000, 1, 1)).days
        parts = (streams.trades, streams.holdings, streams.replayed, streams.instruments, streams.accounts)
        self.data = data = np.frombuffer(b"".join(parts), np.uint8)
        begins = list(accumulate((len(part) for part in parts[:-1]), initial=0))
        trades, holdings, replayed, instruments, accounts = ((data, begin, count_rows(data, begin)) for begin in begins)
        self.trades = read_trades(*trades)
        self.holdings, self.held_lots = read_holdings(*holdings)
        keys_replayed = read_keys(*replayed)
        self.instruments = read_validities(*instruments, INSTRUMENT_FIELDS)
        self.accounts = read_validities(*accounts, ACCOUNT_FIELDS)

        known = (self.trades, self.holdings, keys_replayed)
        stretches = np.concatenate([each[:, : KEY_SIZE + 1] for each in known])
        numbers, firsts = number_keys(data, stretches[:, KEY], stretches[:, KEY_SIZE])
        self.longest = int(longest_text(data, stretches, self.trades, self.held_lots))
        # in the order of the keys, what is written goes into their index page by page
        texts = fixed_widths(data, stretches[firsts, KEY], stretches[firsts, KEY_SIZE], self.longest).view(f"S{self.longest}")[:, 0]
        place_of = np.empty(len(firsts), np.int64)
        place_of[np.argsort(texts, kind="stable")] = np.arange(len(firsts))
        places = place_of[numbers]
        self.keys = keys_of_day(
            data, stretches, places, len(firsts), len(self.trades), len(self.holdings), self.instruments, self.accounts
        )  # fmt: skip
        self.order, self.starts = order_by_key(self.trades, places[: len(self.trades)], len(self.keys))

    def match(self, first_key: int, end_of_keys: int, closing_type: int) -> Iterator[tuple[bytes, bytes, int, int]]:
        """Match the trades of a run of keys against what was held.

        Args:
            first_key: the first.
            end_of_keys: one beyond the last.
            closing_type: object identifier of books.lot_closing.

        Yields:
            Rows of int_lots__matched and of int_lots__streamed as in a binary COPY of LOT_FIELDS and STREAMED_FIELDS; how many keys they
            are of; how many of those are left to the database.
        """
        for first in range(first_key, end_of_keys, KEYS_AT_ONCE):
            end = min(first + KEYS_AT_ONCE, end_of_keys)
            lots, streamed, left = match_and_write(
                self.data, self.days, self.trades, self.order, self.starts, self.keys, self.instruments, self.accounts, self.holdings,
                self.held_lots, first, end, self.longest, closing_type,
            )  # fmt: skip
            yield lots.tobytes(), streamed.tobytes(), end - first, left
