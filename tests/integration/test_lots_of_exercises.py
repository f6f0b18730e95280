"""What is exercised of a part of a holding is taken out of the lots that the account's method chooses.

The figures are worked out by hand beside each case.
"""

from datetime import date
from decimal import Decimal

import pytest
from integration.small_firm import SmallFirm, assert_books_tie, rows, trade

pytestmark = pytest.mark.usefixtures("fresh_database")
FRI, MON, TUE, WED = date(2026, 1, 2), date(2026, 1, 5), date(2026, 1, 6), date(2026, 1, 7)
METHODS = ("FIFO", "LIFO", "HIGHEST_COST", "LOWEST_COST", "AVERAGE", "SPECIFIC")
CALL = {
    "product_line": "option", "market_mic": "CMES", "contract_size": 100, "expiry_date": "2026-03-20", "underlying_instrument_id": "S",
    "option_type": "CALL", "strike_price": 50,
}  # fmt: skip
PRICES = {"S": "55", "C": "5", "K": "5", "R": "5", "N": "11"}


def event(name: str, kind: str, **terms: object) -> dict[str, object]:
    return {
        "event_id": name, "instrument_id": name, "event_type": kind, "event_status": "ANNOUNCED", "ex_date": TUE, "pay_date": TUE,
        "currency_code": "USD",
    } | terms  # fmt: skip


def lots(day: date, account: str, name: str) -> list[tuple[object, ...]]:
    return rows(
        "select regexp_replace(lot_id, '^CSV~', ''), opened_date, open_quantity, cost_amount from marts.fct_lots"
        " where business_date = :day and account_id = :account and instrument_id = :name order by opened_date, lot_id",
        day=day, account=account, name=name,
    )  # fmt: skip


def bought(account: str, name: str, sign: int = 1) -> list[dict[str, object]]:
    """Three at 5, two at 6 and two at 4."""
    return [
        trade(f"{account}-{name}{place}", day, sign * size, price, instrument_id=name, account_id=account)
        for place, (day, size, price) in enumerate([(FRI, 3, "5"), (FRI, 2, "6"), (MON, 2, "4")])
    ]


def test_a_part_exercise_takes_the_lots_of_the_method() -> None:
    accounts = (*METHODS, "WRITTEN")
    firm = SmallFirm(
        instruments=[{"instrument_id": name} for name in ("S", "R", "N")]
        + [CALL | {"instrument_id": "C"}, CALL | {"instrument_id": "K", "strike_price": 48}],
        accounts=accounts,
    )
    methods = [{"account_id": one, "valid_from": "2000-01-01", "lot_method": one} for one in METHODS]
    methods.append({"account_id": "WRITTEN", "valid_from": "2000-01-01", "lot_method": "LIFO"})
    trades = [one for account in METHODS for name in ("C", "K", "R") for one in bought(account, name)]
    # an eighth of K and R, so that half of them is 4
    trades += [trade(f"{one}-{name}3", MON, 1, "5.5", instrument_id=name, account_id=one) for one in METHODS for name in ("K", "R")]
    firm.day(MON, [*trades, *bought("WRITTEN", "C", -1)], PRICES, lot_methods=methods)
    events = [
        event("C", "OPTION_EXERCISE", event_id=f"C-{one}", received_instrument_id="S", account_id=one, book_id="B", exercised_quantity=4)
        for one in accounts
    ]
    events.append(event("K", "CASH_EXERCISE", amount_per_unit="700", redeemed_fraction="0.5"))
    events.append(
        event("R", "RIGHTS_EXERCISE", received_instrument_id="N", new_units=1, old_units=1, amount_per_unit="6", redeemed_fraction="0.5")
    )
    firm.day(TUE, [], PRICES, corporate_actions=events)

    # 4 of the calls that cost 500.00, 600.00 and 400.00 each; a call is 100 shares for 5,000.00 and its premium.
    expected: dict[str, tuple[list[tuple[object, ...]], list[tuple[object, ...]]]] = {
        "FIFO": ([("1", FRI, 1, 600), ("2", MON, 2, 800)], [("0", FRI, 300, 16500), ("1", FRI, 100, 5600)]),
        "LIFO": ([("0", FRI, 3, 1500)], [("1", FRI, 200, 11200), ("2", MON, 200, 10800)]),
        "HIGHEST_COST": ([("0", FRI, 1, 500), ("2", MON, 2, 800)], [("0", FRI, 200, 11000), ("1", FRI, 200, 11200)]),
        "LOWEST_COST": ([("0", FRI, 1, 500), ("1", FRI, 2, 1200)], [("0", FRI, 200, 11000), ("2", MON, 200, 10800)]),
        # nobody has named a lot, so the oldest are taken
        "SPECIFIC": ([("1", FRI, 1, 600), ("2", MON, 2, 800)], [("0", FRI, 300, 16500), ("1", FRI, 100, 5600)]),
    }
    for account, (kept, received) in expected.items():
        assert lots(TUE, account, "C") == [(f"{account}-C{place}", *rest) for place, *rest in kept], account
        assert lots(TUE, account, "S") == [(f"{account}-C{place}", *rest) for place, *rest in received], account
    # 7 for 3,500.00 are one lot, and 4 of it cost 2,000.00.
    assert lots(TUE, "AVERAGE", "C") == [("AVERAGE", FRI, 3, 1500)]
    assert lots(TUE, "AVERAGE", "S") == [("AVERAGE", FRI, 400, 22000)]
    # What was written last is assigned first: 200 shares sold at 50.00 and 4.00 of premium each, 200 at 50.00 and 6.00.
    assert lots(TUE, "WRITTEN", "C") == [("WRITTEN-C0", FRI, -3, -1500)]
    assert lots(TUE, "WRITTEN", "S") == [("WRITTEN-C1", FRI, -200, -11200), ("WRITTEN-C2", MON, -200, -10800)]
    assert rows(
        "select instrument_id, entitled_quantity, quantity_change from marts.fct_corporate_actions where event_id = 'C-FIFO' order by 1"
    ) == [("C", 4, -4), ("S", 4, 400)]

    # Half of 8 K for 500.00, 600.00, 400.00 and 550.00 each are paid 2,800.00. What they cost: 1,500.00 and 600.00; 550.00, 800.00 and
    # 600.00; 1,200.00, 550.00 and 500.00; 800.00 and 1,000.00; half of 4,050.00.
    cost_of_half = {"FIFO": 2100, "LIFO": 1950, "HIGHEST_COST": 2250, "LOWEST_COST": 1800, "AVERAGE": 2025, "SPECIFIC": 2100}
    realised = "select account_id, sum(realised_amount) from marts.fct_realised_results where instrument_id = 'K' group by 1"
    assert dict(rows(realised)) == {account: 2800 - cost for account, cost in cost_of_half.items()}
    # The rights cost a hundredth of that, and a share of N is a right and 6.00.
    held = "select account_id, traded_quantity, cost_amount from marts.fct_positions where business_date = :day and instrument_id = :name"
    assert rows(held + " order by 1", day=TUE, name="N") == [
        (account, 4, 24 + Decimal(cost_of_half[account]) / 100) for account in sorted(METHODS)
    ]
    assert rows(held + " order by 1", day=TUE, name="R") == [
        (account, 4, Decimal("40.5") - Decimal(cost_of_half[account]) / 100) for account in sorted(METHODS)
    ]
    # Nobody had to name a lot.
    assert rows("select account_id from intermediate.int_lots__matched where unnamed_quantity <> 0") == []
    assert_books_tie()

    # Told a day late: one more of Monday for 2.00, before the last. LOWEST_COST takes it, the two for 4.00 and one for 5.00; LIFO
    # takes the two for 4.00, then it, then one for 6.00.
    late = [
        trade(f"{one}-C9", MON, 1, "2", instrument_id="C", account_id=one, executed_at=f"{MON}T14:00:00Z")
        for one in ("LOWEST_COST", "LIFO")
    ]
    firm.day(WED, late, PRICES)
    assert lots(WED, "LOWEST_COST", "C") == [("LOWEST_COST-C0", FRI, 2, 1000), ("LOWEST_COST-C1", FRI, 2, 1200)]
    assert lots(WED, "LIFO", "C") == [("LIFO-C0", FRI, 3, 1500), ("LIFO-C1", FRI, 1, 600)]
    assert lots(WED, "LIFO", "S") == [("LIFO-C1", FRI, 100, 5600), ("LIFO-C2", MON, 200, 10800), ("LIFO-C9", MON, 100, 5200)]
    assert_books_tie()
