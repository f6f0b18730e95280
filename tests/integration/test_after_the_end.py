"""Trades dealt when their instrument has ended, and ends told after such trades, through the close.

The figures are worked out by hand beside each case.
"""

from datetime import date

import pytest
from integration.small_firm import SmallFirm, alerts, assert_books_tie, rows, trade, value

pytestmark = pytest.mark.usefixtures("fresh_database")
MON, TUE, WED, THU, FRI = (date(2026, 1, day) for day in (5, 6, 7, 8, 9))
# 3.6 % of 1,000,000.00 are 100.00 a day of 360.
OPEN = {
    "instrument_id": "OPEN", "product_line": "repo_open", "market_mic": "XXXX", "currency_code": "EUR", "coupon_rate": "3.6",
    "day_count": "ACT/360", "issue_date": MON,
}  # fmt: skip
CASH = "select coalesce(sum(amount), 0) from ledger.journal_lines where gl_account = 'cash' and book_id = 'B'"
REJECTED = "select left(raw, 1), reason_code, field, value from operations.exceptions where kind = 'trades' order by business_date, line_no"
HELD = "select coalesce(sum(traded_quantity), 0) from marts.fct_positions where instrument_id = :name and business_date = :day"


def told(valid_from: date, state: str, rate: str = "") -> dict[str, object]:
    return {"instrument_id": "OPEN", "valid_from": valid_from, "deal_state": state, "rate": rate}


def dealt(trade_id: str, day: date, quantity: int, **changes: object) -> dict[str, object]:
    return trade(trade_id, day, quantity, "100", **{"instrument_id": "OPEN", "currency_code": "EUR"} | changes)


def test_no_part_of_an_open_repo_is_dealt_on_the_day_it_ends_or_for_it() -> None:
    firm = SmallFirm(base="EUR", instruments=[OPEN])
    firm.day(MON, [dealt("1", MON, 1000000)])
    # The end on Wednesday is known on Tuesday; a part for the day of the end would have no interest.
    firm.day(TUE, [dealt("2", TUE, -400000, settlement_date=WED)], open_deal_terms=[told(WED, "TERMINATED")])
    firm.day(WED, [dealt("3", WED, -400000)])
    assert rows(REJECTED) == [
        ("2", "NOT_BEFORE_REPAYMENT", "settlement_date", "2026-01-07"),
        ("3", "TRADED_NO_MORE", "trade_date", "2026-01-07"),
    ]
    # All came back, with two days of 100.00.
    assert value(HELD, name="OPEN", day=WED) == 0
    assert value(CASH) == 200
    assert_books_tie()


def test_an_end_is_told_of_an_open_deal_only() -> None:
    term = {
        **OPEN,
        "instrument_id": "TERM",
        "product_line": "deposit",
        "coupon_frequency": 1,
        "first_coupon_date": FRI,
        "maturity_date": FRI,
    }
    firm = SmallFirm(base="EUR", instruments=[OPEN, term])
    firm.day(MON, [dealt("1", MON, 1000000, instrument_id="TERM")])
    firm.day(TUE, [], open_deal_terms=[told(THU, "TERMINATED"), told(WED, "TERMINATED") | {"instrument_id": "TERM"}])
    terms = "select reason_code, field, value from operations.exceptions where kind = 'open_deal_terms'"
    assert rows(terms) == [("NOT_AN_OPEN_DEAL", "instrument_id", "TERM")]
    # A part is still dealt two days before its maturity, with two days of 40.00.
    firm.day(WED, [dealt("2", WED, -400000, instrument_id="TERM")])
    assert rows(REJECTED) == []
    assert value(HELD, name="TERM", day=WED) == 600000
    assert value(CASH) == -1000000 + 400000 + 80
    assert_books_tie()


def test_an_end_told_late_is_asked_for_until_the_trade_after_it_is_cancelled() -> None:
    firm = SmallFirm(base="EUR", instruments=[OPEN])
    firm.day(MON, [dealt("1", MON, 1000000)])
    firm.day(TUE, [])
    firm.day(WED, [dealt("2", WED, -400000)])
    assert alerts("held_after_its_end", WED) == []
    firm.day(THU, [], open_deal_terms=[told(TUE, "TERMINATED")])
    assert alerts("held_after_its_end", THU) == [
        "A holds -400,000 of OPEN in B: what is dealt in it from 2026-01-06 on comes after its end, and nothing pays it back."
    ]
    assert_books_tie()
    firm.day(FRI, [{"trade_id": "2", "version": 2, "event_type": "CANCEL"}])
    assert alerts("held_after_its_end", FRI) == []
    # One day of 100.00.
    assert value(HELD, name="OPEN", day=FRI) == 0
    assert value(CASH) == 100
    assert_books_tie()


def test_what_an_event_has_ended_and_is_dealt_afterwards_is_asked_for() -> None:
    """Announced events may be amended and withdrawn, so that a trade after one is taken; but the operator is told of it."""
    event = {"event_status": "ANNOUNCED", "ex_date": TUE, "pay_date": TUE, "currency_code": "EUR"}
    events = [
        event | {"event_id": "M", "instrument_id": "MERGED", "event_type": "MERGER", "received_instrument_id": "NEW", "new_units": 2,
                 "old_units": 1},
        event | {"event_id": "P", "instrument_id": "PAID", "event_type": "MERGER", "amount_per_unit": "7"},
        event | {"event_id": "C", "instrument_id": "CALLED", "event_type": "CALL", "amount_per_unit": "1"},
        event | {"event_id": "R", "instrument_id": "RIGHT", "event_type": "RIGHTS_LAPSE"},
        # of one account only, and of no holding at all
        event | {"event_id": "L", "instrument_id": "OTHER", "event_type": "RIGHTS_LAPSE", "account_id": "Z"},
        event | {"event_id": "W", "instrument_id": "GONE", "event_type": "CALL", "amount_per_unit": "1", "event_status": "WITHDRAWN"},
    ]  # fmt: skip
    names = ("MERGED", "PAID", "CALLED", "RIGHT", "OTHER", "GONE")
    firm = SmallFirm(
        base="EUR", accounts=("A", "Z"), instruments=[{"instrument_id": name, "currency_code": "EUR"} for name in (*names, "NEW")]
    )
    firm.day(MON, [dealt(f"1{name}", MON, 10, instrument_id=name) for name in names])
    firm.day(TUE, [], corporate_actions=events)
    assert [value(HELD, name=name, day=TUE) for name in names] == [0, 0, 0, 0, 10, 10]
    assert alerts("held_after_its_end", TUE) == []
    firm.day(WED, [dealt(f"2{name}", WED, 5, instrument_id=name) for name in names])
    assert [value(HELD, name=name, day=WED) for name in names] == [5, 5, 5, 5, 15, 15]
    named = [
        f"A holds 5 of {name} in B: what is dealt in it from 2026-01-06 on comes after its end, and nothing pays it back."
        for name in ("CALLED", "MERGED", "PAID", "RIGHT")
    ]
    assert alerts("held_after_its_end", WED) == named
    firm.day(THU, [{"trade_id": f"2{name}", "version": 2, "event_type": "CANCEL"} for name in names])
    assert alerts("held_after_its_end", THU) == []
    assert_books_tie()


def test_what_was_repaid_or_has_expired_is_dealt_no_more() -> None:
    bond = {
        "product_line": "bond_fixed", "market_mic": "XNYS", "coupon_rate": "3.6", "coupon_frequency": 1, "day_count": "30E/360",
        "issue_date": date(2025, 1, 6),
    }  # fmt: skip
    deal = bond | {"market_mic": "XXXX", "day_count": "ACT/360"}
    listed = {"market_mic": "CMES", "contract_size": 1, "expiry_date": MON}
    call = {"option_type": "CALL", "strike_price": 99, "underlying_instrument_id": "S"}
    firm = SmallFirm(
        instruments=[
            {"instrument_id": "S"},
            bond | {"instrument_id": "BOND", "maturity_date": WED},
            bond | {"instrument_id": "GONE", "maturity_date": TUE},
            deal | {"instrument_id": "LENT", "product_line": "deposit", "maturity_date": TUE},
            deal | {"instrument_id": "REPO", "product_line": "repo", "maturity_date": TUE},
            listed | {"instrument_id": "FUT", "product_line": "future"},
            listed | call | {"instrument_id": "CALL", "product_line": "option"},
            listed | call | {"instrument_id": "LONG", "product_line": "option", "expiry_date": THU},
        ]
    )
    prices = {"S": "10", "BOND": "100", "GONE": "100", "FUT": "100", "CALL": "1", "LONG": "1"}
    # What settles on Tuesday, a day after the trade, is in time for Wednesday and too late for Tuesday. On the day of its expiry an
    # option is traded.
    names = ("BOND", "GONE", "LENT", "REPO", "FUT", "CALL", "LONG")
    on_monday = [trade(str(number), MON, 100, "100", instrument_id=name) for number, name in enumerate(names, 1)]
    firm.day(MON, on_monday, prices)
    assert rows(REJECTED) == [("2", "TRADED_NO_MORE", "trade_date", "2026-01-05")]
    assert [value(HELD, name=name, day=MON) for name in names] == [100, 0, 100, 100, 100, 100, 100]
    firm.day(TUE, [], prices)
    late = [trade(letter, WED, 100, "100", instrument_id=name) for letter, name in zip("abcdefg", names, strict=True)]
    firm.day(WED, late, prices)
    assert rows(REJECTED)[1:] == [
        *((letter, "TRADED_NO_MORE", "trade_date", "2026-01-07") for letter in "abcd"),
        *((letter, "AFTER_EXPIRY", "trade_date", "2026-01-07") for letter in "ef"),
    ]
    assert [value(HELD, name=name, day=WED) for name in names] == [0, 0, 0, 0, 0, 0, 200]
    assert alerts("held_after_its_end", WED) == []
    # Told on Thursday: it expired on Tuesday, so the hundred of Wednesday never ends; what was dealt on Monday has.
    corrected = call | {"instrument_id": "LONG", "product_line": "option", "name": "LONG", "currency_code": "USD", "market_mic": "CMES",
                        "issuer_country_code": "US", "contract_size": 1, "expiry_date": TUE}  # fmt: skip
    firm.day(THU, [], {"S": "10"}, instruments=[corrected])
    assert alerts("held_after_its_end", THU) == [
        "A holds 100 of LONG in B: what is dealt in it from 2026-01-07 on comes after its end, and nothing pays it back."
    ]
    assert_books_tie()


def test_the_end_is_where_the_terms_move_it_when_trades_are_loaded_and_when_they_are_repaid() -> None:
    """Deposits of 1,000,000 from Thursday, 30 April 2026, that state Friday, 1 May (Labour Day in TARGET, open in London), or Saturday,
    2 May (Monday, 4 May is a bank holiday in London). Deals settle on their day; 100,000 are asked back on each."""
    thu, fri, mon, tue = date(2026, 4, 30), date(2026, 5, 1), date(2026, 5, 4), date(2026, 5, 5)
    deal = {"product_line": "deposit", "market_mic": "XXXX", "currency_code": "EUR", "coupon_rate": "3.6", "coupon_frequency": 1,
            "day_count": "ACT/360", "issue_date": date(2026, 4, 29)}  # fmt: skip
    # The end of each, and the day from which on nothing is dealt in it.
    ends = {
        "STATED": (fri, "Unadjusted", "TARGET", fri),
        "AFTER": (fri, "Following", "TARGET", mon),
        "SAME_MONTH": (fri, "Modified Following", "TARGET", mon),
        "BEFORE": (mon, "Preceding", "UK-SETTLEMENT", fri),
        "LONDON": (fri, "Following", "UK-SETTLEMENT", fri),
        "SATURDAY": (date(2026, 5, 2), "Following", "UK-SETTLEMENT", tue),
        "WEEKEND": (date(2026, 5, 2), "Unadjusted", "UK-SETTLEMENT", mon),
    }
    firm = SmallFirm(
        base="EUR",
        books=list(ends),
        instruments=[
            deal | {"instrument_id": name, "maturity_date": maturity, "accrual_convention": convention, "business_calendar": calendar}
            for name, (maturity, convention, calendar, _) in ends.items()
        ],
    )
    firm.day(thu, [dealt(f"{name}0", thu, 1000000, instrument_id=name, book_id=name) for name in ends])
    held = {name: {thu: 1000000} for name in ends}
    for number, day in enumerate((fri, mon, tue), 1):
        firm.day(day, [dealt(f"{name}{number}", day, -100000, instrument_id=name, book_id=name) for name in ends])
        for name in ends:
            held[name][day] = value(HELD, name=name, day=day)
        assert alerts("held_after_its_end", day) == []
    # What is dealt before the end is taken, and nothing is held from the end on.
    taken = {name: sum(day < last for day in (fri, mon, tue)) for name, (_, _, _, last) in ends.items()}
    assert taken == {"STATED": 0, "AFTER": 1, "SAME_MONTH": 1, "BEFORE": 0, "LONDON": 0, "SATURDAY": 2, "WEEKEND": 1}
    late = "select book_id, count(*) from marts.fct_trades group by book_id"
    assert {name: count - 1 for name, count in rows(late)} == taken
    assert held == {
        name: {thu: 1000000} | {
            day: 1000000 - 100000 * number if day < ends[name][3] else 0 for number, day in enumerate((fri, mon, tue), 1)
        }
        for name in ends
    }  # fmt: skip
    assert {code for (code,) in rows("select reason_code from operations.exceptions")} == {"TRADED_NO_MORE"}
    # 100.00 a day: AFTER bears one day on all and three days, 90.00 each, on 900,000.
    cash = "select sum(amount) from ledger.journal_lines where gl_account = 'cash' and book_id = :name"
    assert value(cash, name="AFTER") == 1 * 100 + 3 * 90
    assert value(cash, name="BEFORE") == value(cash, name="STATED") == 100
    assert_books_tie()


def test_a_settlement_date_is_before_the_end_as_it_is_moved() -> None:
    """Both state Saturday, 31 January 2026: moved within its month the deposit ends on Friday, moved on it ends on Monday."""
    wed, thu = date(2026, 1, 28), date(2026, 1, 29)
    fri, sat = date(2026, 1, 30), date(2026, 1, 31)
    deal = {"product_line": "deposit", "market_mic": "XXXX", "currency_code": "EUR", "coupon_rate": "3.6", "coupon_frequency": 1,
            "day_count": "ACT/360", "issue_date": date(2026, 1, 5), "maturity_date": sat, "business_calendar": "TARGET"}  # fmt: skip
    firm = SmallFirm(
        base="EUR",
        instruments=[
            deal | {"instrument_id": "WITHIN", "accrual_convention": "Modified Following"},
            deal | {"instrument_id": "ON", "accrual_convention": "Following"},
        ],
    )
    firm.day(wed, [dealt("w", wed, 1000000, instrument_id="WITHIN"), dealt("o", wed, 1000000, instrument_id="ON")])
    firm.day(
        thu,
        [
            dealt("1", thu, -400000, instrument_id="WITHIN", settlement_date=fri),
            dealt("2", thu, -400000, instrument_id="ON", settlement_date=sat),
        ],
    )
    assert rows(REJECTED) == [("1", "NOT_BEFORE_REPAYMENT", "settlement_date", "2026-01-30")]
    firm.day(fri, [dealt("3", fri, -400000, instrument_id="WITHIN"), dealt("4", fri, -100000, instrument_id="ON")])
    assert rows(REJECTED)[1:] == [("3", "TRADED_NO_MORE", "trade_date", "2026-01-30")]
    assert [value(HELD, name=name, day=fri) for name in ("WITHIN", "ON")] == [0, 500000]
    assert alerts("held_after_its_end", fri) == []
    assert_books_tie()


def test_what_is_repaid_in_parts_is_dealt_no_more_once_nothing_is_left() -> None:
    """Half of a bond that matures in 2028 was repaid in July 2025, and half is on Wednesday, 7 January 2026: nothing is left then."""
    bond = {
        "instrument_id": "PARTS", "product_line": "bond_amortising", "market_mic": "XXXX", "coupon_rate": "3.6", "coupon_frequency": 2,
        "day_count": "30E/360", "issue_date": date(2025, 1, 7), "maturity_date": date(2028, 1, 7),
    }  # fmt: skip
    plan = [{"instrument_id": "PARTS", "repayment_date": day, "repaid_percent": 50} for day in (date(2025, 7, 7), WED)]
    firm = SmallFirm(instruments=[bond])
    firm.day(MON, [trade("1", MON, 1000, "100", instrument_id="PARTS")], {"PARTS": "100"}, bond_repayments=plan)
    firm.day(TUE, [trade("2", TUE, 1000, "100", instrument_id="PARTS")], {"PARTS": "100"})
    assert value(HELD, name="PARTS", day=TUE) == 2000
    firm.day(WED, [trade("3", WED, 1000, "100", instrument_id="PARTS")], {"PARTS": "100"})
    assert rows(REJECTED) == [("3", "TRADED_NO_MORE", "trade_date", "2026-01-07")]
    assert value(HELD, name="PARTS", day=WED) == 0
    assert alerts("held_after_its_end", WED) == []
    assert_books_tie()
