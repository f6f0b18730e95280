"""The compiled reader and writer of the binary COPY format agree with psycopg's."""

from decimal import Decimal

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.types.numeric import DecimalBinaryDumper, NumericBinaryLoader

from posttrade.records import binary_copy

COMPILES_FIRST = settings(deadline=None)
NUMBERS = st.integers(-(10**17), 10**17)


@COMPILES_FIRST
@given(NUMBERS, st.sampled_from((4, 6, 12)))
def test_numerics_are_read_as_they_were_sent(number: int, scale: int) -> None:
    sent = bytes(DecimalBinaryDumper(Decimal).dump(Decimal(number).scaleb(-scale)))
    assert binary_copy.read_numeric(np.frombuffer(sent, np.uint8), 0, scale) == (number, True)


@COMPILES_FIRST
@given(NUMBERS, st.sampled_from((4, 6, 12)))
def test_numerics_are_written_so_that_others_read_them(number: int, scale: int) -> None:
    out = np.zeros(4 + binary_copy.NUMERIC_SPACE, np.uint8)
    end = binary_copy.write_numeric(out, 0, np.int64(number), scale, scale)
    assert int.from_bytes(out[:4].tobytes(), "big") == end - 4
    assert NumericBinaryLoader(0, None).load(out[4:end].tobytes()) == Decimal(number).scaleb(-scale)


@COMPILES_FIRST
@given(st.sampled_from(("NaN", "Infinity", "-Infinity", "1e30", "0.00000001", "4611686018428", "-99999999999999")))
def test_what_does_not_fit_is_said(text: str) -> None:
    sent = bytes(DecimalBinaryDumper(Decimal).dump(Decimal(text)))
    assert not binary_copy.read_numeric(np.frombuffer(sent, np.uint8), 0, 6)[1]


@COMPILES_FIRST
@given(st.integers(-(2**63), 2**63 - 1))
def test_whole_numbers_come_back(number: int) -> None:
    out = np.zeros(8, np.uint8)
    assert binary_copy.write_int(out, 0, np.int64(number), 8) == 8
    assert out.tobytes() == number.to_bytes(8, "big", signed=True)
    assert binary_copy.read_int(out, 0, 8) == number


@COMPILES_FIRST
@given(st.lists(st.binary(min_size=1, max_size=3), min_size=1, max_size=50))
def test_keys_are_numbered_as_they_appear(texts: list[bytes]) -> None:
    data = np.frombuffer(b"".join(texts), np.uint8)
    sizes = np.array([len(one) for one in texts])
    numbers, firsts = binary_copy.number_keys(data, np.cumsum(sizes) - sizes, sizes)
    distinct = list(dict.fromkeys(texts))
    assert [distinct[number] for number in numbers] == texts
    assert [texts[first] for first in firsts] == distinct
