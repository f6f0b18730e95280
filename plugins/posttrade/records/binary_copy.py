"""Reads and writes PostgreSQL's binary COPY format in compiled code: rows as bytes, in both directions.

The format: https://www.postgresql.org/docs/16/sql-copy.html, "Binary Format", and the `_send` and `_recv` functions of the types.
All numbers are big-endian. A reader gives the position after what it read, a writer the one after what it wrote.
"""

import numpy as np

from posttrade.compiled import compiled

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
MOST_DIGITS = 6
"""Digits to the base of 10,000 that a number of 64 bits has at most, wherever its point stands."""
NUMERIC_SPACE = 8 + 2 * MOST_DIGITS
"""Bytes that a number of 64 bits takes at most, without its length."""

BOOL, TEXT, DATE, NUMERIC = 16, 25, 1082, 1700
"""What the types are called in the format: their object identifiers, the same in every database."""


@compiled
def read_int(data, position, size):
    """A signed whole number of 2, 4 or 8 bytes."""
    value = np.int64(data[position])
    if value > 127:
        value -= 256
    for offset in range(1, size):
        value = value * 256 + np.int64(data[position + offset])
    return value


@compiled
def skip_fields(data, position, fields):
    """The position after so many fields, whatever they hold."""
    for _ in range(fields):
        position += 4 + max(read_int(data, position, 4), 0)
    return position


@compiled
def count_rows(data, start):
    """Rows of the stream that begins, with its header, at `start`."""
    position, rows = start + len(HEADER), 0
    while True:
        fields = read_int(data, position, 2)
        if fields < 0:
            return rows
        position = skip_fields(data, position + 2, fields)
        rows += 1


@compiled
def read_numeric(data, position, scale):
    """A numeric as a whole number of 10**-scale; the second result is False where it is none, or does not fit in 62 bits."""
    digits, weight, sign = read_int(data, position, 2), read_int(data, position + 2, 2), read_int(data, position + 4, 2)
    if sign != 0 and sign != 0x4000:
        return np.int64(0), False
    value = np.int64(0)
    for number in range(digits):
        digit = read_int(data, position + 8 + 2 * number, 2)
        exponent = 4 * (weight - number) + scale
        if exponent < -3:
            return np.int64(0), False
        for _ in range(-exponent):
            if digit % 10 != 0:
                return np.int64(0), False
            digit //= 10
        if np.float64(digit) * 10.0 ** max(exponent, 0) > 2.0**62:
            return np.int64(0), False
        for _ in range(exponent):
            digit *= 10
        value += digit
        if value > 2**62:
            return np.int64(0), False
    return -value if sign == 0x4000 else value, True


@compiled
def write_int(out, position, value, size):
    """A whole number of 2, 4 or 8 bytes."""
    for offset in range(size - 1, -1, -1):
        out[position + offset] = value & 255
        value >>= 8
    return position + size


@compiled
def write_numeric(out, position, value, scale, shown):
    """A whole number of 10**-scale, a scale of at most 16, as a numeric with its length, shown with so many decimals."""
    groups = (scale + 3) // 4
    rest = abs(value)
    # digits of four decimals from the last one on, divided by constants, which takes a compiler no division
    missing = 4 * groups - scale
    weight = -groups
    digits = 0
    start = position + 12
    place = start + 2 * (MOST_DIGITS - 1)
    if missing == 1:
        digit, rest = rest % 1000 * 10, rest // 1000
    elif missing == 2:
        digit, rest = rest % 100 * 100, rest // 100
    elif missing == 3:
        digit, rest = rest % 10 * 1000, rest // 10
    else:
        digit, rest = rest % 10000, rest // 10000
    while True:
        if digit != 0 or digits > 0:  # zeros at the end are not written
            write_int(out, place, digit, 2)
            place -= 2
            digits += 1
        if rest == 0:
            break
        weight += 1
        digit, rest = rest % 10000, rest // 10000
    # they were written to the end of the space there is
    for number in range(2 * digits):
        out[start + number] = out[place + 2 + number]
    write_int(out, position, 8 + 2 * digits, 4)
    write_int(out, position + 4, digits, 2)
    write_int(out, position + 6, weight if digits else 0, 2)
    write_int(out, position + 8, 0x4000 if value < 0 else 0, 2)
    write_int(out, position + 10, shown, 2)
    return start + 2 * digits


@compiled
def write_bytes(out, position, data, start, size):
    """Bytes as they stand in another buffer."""
    for offset in range(size):
        out[position + offset] = data[start + offset]
    return position + size


@compiled
def write_field(out, position, data, start):
    """A field as it stands in another buffer, with the length before it."""
    return write_bytes(out, position, data, start, 4 + np.int64(read_int(data, start, 4)))


@compiled
def write_date(out, position, days):
    """A date with its length; days since 2000-01-01."""
    return write_int(out, write_int(out, position, 4, 4), days, 4)


@compiled
def write_array_head(out, position, element_type, elements):
    """What stands before the elements of an array of one dimension, after its length."""
    position = write_int(out, position, 1 if elements else 0, 4)
    position = write_int(out, position, 0, 4)
    position = write_int(out, position, element_type, 4)
    if elements:
        position = write_int(out, write_int(out, position, elements, 4), 1, 4)
    return position


@compiled
def hash_of(data, start, size):
    """FNV-1a over bytes."""
    value = np.uint64(14695981039346656037)
    for offset in range(size):
        value = (value ^ np.uint64(data[start + offset])) * np.uint64(1099511628211)
    return value


@compiled
def number_keys(data, starts, sizes):
    """Number the distinct keys among stretches of bytes.

    Args:
        data: the buffer.
        starts: where each stretch begins.
        sizes: its length.

    Returns:
        The number of each stretch's key, from 0 on in the order of first appearance; the first stretch of each key.
    """
    space = 1
    while space < 2 * len(starts):
        space *= 2
    table = np.full(space, -1, np.int64)
    numbers = np.empty(len(starts), np.int64)
    firsts = np.empty(len(starts), np.int64)
    keys = 0
    for row in range(len(starts)):
        place = np.int64(hash_of(data, starts[row], sizes[row]) & np.uint64(space - 1))
        while True:
            key = table[place]
            if key < 0:
                table[place] = keys
                firsts[keys] = row
                numbers[row] = keys
                keys += 1
                break
            first = firsts[key]
            same = sizes[first] == sizes[row]
            offset = 0
            while same and offset < sizes[row]:
                same = data[starts[first] + offset] == data[starts[row] + offset]
                offset += 1
            if same:
                numbers[row] = key
                break
            place = (place + 1) & (space - 1)
    return numbers, firsts[:keys].copy()
