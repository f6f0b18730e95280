"""The database rounds like `Decimal` does: half to even, for every number of digits a currency can have."""

import random
from decimal import ROUND_HALF_EVEN, Decimal

import psycopg
import pytest

from posttrade.records.database import Role, engine


@pytest.mark.parametrize("digits", range(5))
@pytest.mark.usefixtures("fresh_database")
def test_rounding_is_half_even(digits: int) -> None:
    chance = random.Random(digits)
    step = Decimal(1).scaleb(-digits)
    halves = [step * number + sign * step / 2 for number in range(-60, 60) for sign in (1, -1)]
    others = [Decimal(chance.randrange(-(10**12), 10**12)).scaleb(-9) for _ in range(500)]
    values = halves + others + [one + Decimal("1e-20") for one in halves] + [one - Decimal("1e-20") for one in halves]
    with engine(Role.TRANSFORMER).connect() as connection:
        raw = connection.connection.driver_connection
        assert isinstance(raw, psycopg.Connection)
        rounded = raw.execute(
            "select books.round_half_even(value, %s) from unnest(%s::numeric[]) with ordinality as given (value, position)"
            " order by position",
            (digits, values),
        ).fetchall()
    assert [row[0] for row in rounded] == [one.quantize(step, ROUND_HALF_EVEN) for one in values]
