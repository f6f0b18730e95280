"""A bond that is paid back after a coupon that goes ex between the ex date and the pay date of the event: the coupon is not lost.

6 % a year by 30/360 on 100,000 are 6,000.00 a coupon and 16.67 a day; New York settles on the next day, so the coupon of Thursday,
8 January, goes ex on Wednesday. Bought at 100 on Monday with 358 days of interest, 5,966.67, for Tuesday.
"""

from datetime import date
from decimal import Decimal

import pytest
from integration.small_firm import SmallFirm, assert_books_tie, assert_rebuilt_the_same, rows, trade

from posttrade.offices import income
from posttrade.records.database import Role, engine

pytestmark = pytest.mark.usefixtures("fresh_database")
MON, TUE, WED, THU, FRI = (date(2026, 1, day) for day in (5, 6, 7, 8, 9))
BOND = {"product_line": "bond_fixed", "coupon_rate": "6", "coupon_frequency": 1, "day_count": "30/360", "issue_date": "2024-01-08",
        "maturity_date": "2030-01-08"}  # fmt: skip
BOOKED = (
    "select instrument_id, event_id, business_date, ex_date, pay_date, entitled_quantity, gross_amount from marts.fct_income"
    " where account_id = 'A' order by instrument_id, business_date, event_id desc, ex_date"
)
PAID = (
    "select instrument_id, business_date, sum(cash_amount) from marts.fct_event_cash where claim_type = 'INCOME' and account_id = 'A'"
    " group by 1, 2 having sum(cash_amount) <> 0 order by 1, 2"
)
RESULTS = (
    "select instrument_id, business_date, total_amount from marts.fct_profit_and_loss"
    " where instrument_id not like 'CASH:%' and total_amount <> 0 order by 1, 2"
)


def paid_back(name: str, event_type: str, pay_date: date, **terms: object) -> dict[str, object]:
    return {
        "event_id": f"E-{name}", "instrument_id": name, "event_type": event_type, "event_status": "ANNOUNCED", "ex_date": TUE,
        "pay_date": pay_date, "amount_per_unit": "1.00", "currency_code": "USD", **terms,
    }  # fmt: skip


def cents(amount: str) -> Decimal:
    return Decimal(amount)


def coupon(name: str) -> str:
    return f"CPN:{name}:2026-01-08"


def test_coupons_between_ex_date_and_pay_date_are_paid() -> None:
    """ON is called for Thursday: the coupon, 6,000.00, and nothing since. AFTER for Friday: the coupon, and a day, 16.67. Of HALF one half
    is: 3,000.00 and 8.33, beside the coupon of the half that stays.

    They are owed from Tuesday on, when they go ex, in place of 5,966.67 accrued on Monday: a result of 33.33, 50.00, and, of HALF, 3,008.33
    and 359 days of the other half, 2,991.67, less 5,966.67: 33.33. The other half then earns 8.33 a day: 3,000.00 as its coupon on
    Wednesday and 0.00 accrued, less 2,991.67: 8.33; 8.33 for a day on Thursday; on Friday, which settles on Monday, 4 days, 33.33, less
    8.33. The coupon is paid on its own date.

    PLAN pays 5 % and has a fifth repaid on Thursday: called for Friday, it has its coupon on all of it, 5,000.00, and a day on the rest,
    11.11, in place of 4,972.22: 38.89. EXED pays on Monday, the 12th, and goes ex three days before: called for Friday, in that time, it
    has its coupon, less the three days from Friday to Monday, 50.00: 357 days, in place of 354, 5,900.00.
    """
    exed = BOND | {"instrument_id": "EXED", "issue_date": "2024-01-12", "maturity_date": "2030-01-12", "ex_coupon_days": 3}
    plan = BOND | {"instrument_id": "PLAN", "product_line": "bond_amortising", "coupon_rate": "5"}
    firm = SmallFirm(instruments=[*(BOND | {"instrument_id": name} for name in ("AFTER", "HALF", "ON")), plan, exed])
    prices = dict.fromkeys(("AFTER", "EXED", "HALF", "ON", "PLAN"), "100")
    fifths = [{"instrument_id": "PLAN", "repayment_date": f"{year}-01-08", "repaid_percent": 20} for year in range(2026, 2031)]
    firm.day(MON, [trade(name, MON, 100_000, "100", instrument_id=name) for name in prices], prices, bond_repayments=fifths)
    events = [
        paid_back("ON", "CALL", THU), paid_back("AFTER", "REDEMPTION", FRI), paid_back("PLAN", "CALL", FRI),
        paid_back("EXED", "CALL", FRI),
        paid_back("HALF", "PARTIAL_REDEMPTION", FRI, redeemed_fraction="0.5"),
    ]  # fmt: skip
    firm.day(TUE, [], prices, corporate_actions=events)
    for day in (WED, THU, FRI):
        firm.day(day, [], prices)
    assert rows(BOOKED) == [
        ("AFTER", "E-AFTER:ACCRUED", TUE, TUE, FRI, 100_000, cents("16.67")),
        ("AFTER", coupon("AFTER"), TUE, TUE, THU, 100_000, 6000),
        ("EXED", "E-EXED:ACCRUED", TUE, TUE, FRI, 100_000, -50),
        ("EXED", "CPN:EXED:2026-01-12", TUE, TUE, date(2026, 1, 12), 100_000, 6000),
        ("HALF", "E-HALF:ACCRUED", TUE, TUE, FRI, 100_000, cents("8.33")),
        ("HALF", coupon("HALF"), TUE, TUE, THU, 50_000, 3000),
        ("HALF", coupon("HALF"), WED, WED, THU, 50_000, 3000),
        ("ON", "E-ON:ACCRUED", TUE, TUE, THU, 100_000, 0),
        ("ON", coupon("ON"), TUE, TUE, THU, 100_000, 6000),
        ("PLAN", "E-PLAN:ACCRUED", TUE, TUE, FRI, 100_000, cents("11.11")),
        ("PLAN", coupon("PLAN"), TUE, TUE, THU, 100_000, 5000),
    ]
    assert rows(PAID) == [
        ("AFTER", THU, 6000), ("AFTER", FRI, cents("16.67")), ("EXED", FRI, -50), ("HALF", THU, 6000), ("HALF", FRI, cents("8.33")),
        ("ON", THU, 6000), ("PLAN", THU, 5000), ("PLAN", FRI, cents("11.11")),
    ]  # fmt: skip
    assert rows(RESULTS) == [
        ("AFTER", TUE, 50), ("EXED", TUE, 50),
        ("HALF", TUE, cents("33.33")), ("HALF", WED, cents("8.33")), ("HALF", THU, cents("8.33")), ("HALF", FRI, cents("25.00")),
        ("ON", TUE, cents("33.33")), ("PLAN", TUE, cents("38.89")),
    ]  # fmt: skip
    assert_books_tie()
    assert_rebuilt_the_same()


def test_a_call_told_after_the_coupon_leaves_it_paid() -> None:
    """LATE is told on Friday to have been called for Tuesday and paid on Friday: the coupon, paid on Thursday, is of Tuesday now and stays
    paid; 16.67 come with it. BACK was told in time and is withdrawn on Friday: the coupon is of Wednesday again, the 16.67 go back before
    they are paid. MOVED was to be paid on Friday, and is on Wednesday, before the coupon: of it nothing is left, and 359 days are paid,
    5,983.33. What LATE pays on a client's account is the client's: the coupon is paid once.
    """
    names = ("BACK", "LATE", "MOVED")
    firm = SmallFirm(instruments=[BOND | {"instrument_id": name} for name in names], accounts=("A", "C"))
    prices = dict.fromkeys(names, "100")
    firm.make_known(MON)
    client = {"client_id": "CL", "name": "Client", "country_code": "US", "iban": "DE89370400440532013000", "bic": "EXBKUS33"}
    named = {"name": "Account", "custodian_id": "CUS"}
    firm.deliver(MON, "clients", [client])
    firm.deliver(MON, "accounts", [named | {"account_id": "A"}, named | {"account_id": "C", "client_id": "CL"}])
    bought = [trade(name, MON, 100_000, "100", instrument_id=name) for name in names]
    firm.day(MON, [*bought, trade("CLIENT", MON, 100_000, "100", instrument_id="LATE", account_id="C")], prices)
    firm.day(TUE, [], prices, corporate_actions=[paid_back("BACK", "CALL", FRI), paid_back("MOVED", "CALL", FRI)])
    firm.day(WED, [], prices, corporate_actions=[paid_back("MOVED", "CALL", WED)])
    firm.day(THU, [], prices)
    told = [paid_back("BACK", "CALL", FRI, event_status="WITHDRAWN"), paid_back("LATE", "CALL", FRI)]
    firm.day(FRI, [], prices, corporate_actions=told)
    assert rows(BOOKED) == [
        ("BACK", "E-BACK:ACCRUED", TUE, TUE, FRI, 100_000, cents("16.67")),
        ("BACK", coupon("BACK"), TUE, TUE, THU, 100_000, 6000),
        ("BACK", "E-BACK:ACCRUED", FRI, TUE, FRI, 0, cents("-16.67")),
        ("BACK", coupon("BACK"), FRI, TUE, THU, -100_000, -6000),
        ("BACK", coupon("BACK"), FRI, WED, THU, 100_000, 6000),
        ("LATE", coupon("LATE"), WED, WED, THU, 100_000, 6000),
        ("LATE", "E-LATE:ACCRUED", FRI, TUE, FRI, 100_000, cents("16.67")),
        ("LATE", coupon("LATE"), FRI, TUE, THU, 100_000, 6000),
        ("LATE", coupon("LATE"), FRI, WED, THU, -100_000, -6000),
        ("MOVED", "E-MOVED:ACCRUED", TUE, TUE, FRI, 100_000, cents("16.67")),
        ("MOVED", coupon("MOVED"), TUE, TUE, THU, 100_000, 6000),
        ("MOVED", "E-MOVED:ACCRUED", WED, TUE, WED, 0, cents("5966.66")),
        ("MOVED", coupon("MOVED"), WED, TUE, THU, -100_000, -6000),
    ]
    assert rows(PAID) == [
        ("BACK", THU, 6000), ("LATE", THU, 6000), ("LATE", FRI, cents("16.67")), ("MOVED", WED, cents("5983.33")),
    ]  # fmt: skip
    paid = "select payment_no, amount, payment_status from marts.fct_payments where instrument_id = 'LATE' order by amount desc"
    assert rows(paid) == [(1, 6000, "WAITING"), (1, cents("16.67"), "WAITING")]
    assert income.overpaid_clients(FRI, engine(Role.OPERATOR)) == income.held_payments(FRI, engine(Role.OPERATOR)) == []
    assert_books_tie()
    learned = (
        "select figure_date, sum(accrued_interest_amount), sum(total_amount) from marts.rpt_what_changed"
        " where business_date = :day and instrument_id = 'LATE' and account_id = 'A' group by 1 order by 1"
    )
    # MON: no event yet. TUE: 6,016.67 owed, 359 days less. WED: the bond had its coupon and no interest. THU: it had 16.67 of a day.
    assert rows(learned, day=FRI) == [
        (TUE, cents("-5983.33"), cents("33.34")), (WED, 0, cents("16.67")), (THU, cents("-16.67"), 0),
    ]  # fmt: skip
    assert_rebuilt_the_same()


def test_interest_on_an_overnight_rate_follows_the_fixings_until_the_call_is_paid() -> None:
    """1,000,000 of a bond that pays the compounded SOFR of two business days before, called for Tuesday and paid on Friday, a day after its
    coupon. Three days of 3.6 % until Monday, 1.0003, Monday and Tuesday 1.0001, Wednesday, by that of the 5th, 1.0002, Thursday 1.0001.

    Bought with 1.0003 x 1.0001 - 1, 400.03, for Tuesday. On Tuesday the interest until Wednesday is known: 1.0003 x 1.0001 x 1.0001 - 1,
    500.07; the rate of the 5th comes on Wednesday, and with it the coupon, 1.0003 x 1.0001 x 1.0001 x 1.0002 - 1, 700.17, which takes the
    place of what was known of it. Thursday's own 100.00 are known when its trades settle on Friday.
    """
    bond = {
        "instrument_id": "FRN", "product_line": "bond_floating", "market_mic": "XNYS", "coupon_frequency": 4, "day_count": "ACT/360",
        "issue_date": "2026-01-02", "first_coupon_date": THU, "maturity_date": "2027-01-08", "index_name": "SOFR", "lookback_days": 2,
        "business_calendar": "US-SOFR",
    }  # fmt: skip

    def fixings(**rates: str) -> list[dict[str, object]]:
        return [{"index_name": "SOFR", "fixing_date": f"20{day[1:].replace('_', '-')}", "rate": rate} for day, rate in rates.items()]

    firm = SmallFirm(instruments=[bond])
    first = fixings(d25_12_30="3.6", d25_12_31="3.6", d26_01_02="3.6")
    firm.day(MON, [trade("1", MON, 1_000_000, "100", instrument_id="FRN")], {"FRN": "100"}, index_fixings=first)
    firm.day(TUE, [], {"FRN": "100"}, corporate_actions=[paid_back("FRN", "CALL", FRI)])
    firm.day(WED, [], {"FRN": "100"}, index_fixings=fixings(d26_01_05="7.2"))
    firm.day(THU, [], {"FRN": "100"}, index_fixings=fixings(d26_01_06="3.6"))
    firm.day(FRI, [], {"FRN": "100"}, index_fixings=fixings(d26_01_07="3.6"))
    assert rows(BOOKED) == [
        ("FRN", "E-FRN:ACCRUED", TUE, TUE, FRI, 1_000_000, cents("500.07")),
        ("FRN", "E-FRN:ACCRUED", WED, TUE, FRI, 0, cents("-500.07")),
        ("FRN", coupon("FRN"), WED, TUE, THU, 1_000_000, cents("700.17")),
        ("FRN", "E-FRN:ACCRUED", THU, TUE, FRI, 0, 100),
    ]
    assert rows(RESULTS) == [("FRN", TUE, cents("100.04")), ("FRN", WED, cents("200.10")), ("FRN", THU, 100)]
    assert rows(PAID) == [("FRN", THU, cents("700.17")), ("FRN", FRI, 100)]
    assert_books_tie()
    assert_rebuilt_the_same()


def test_interest_is_paid_to_the_pay_date_of_the_announcement_that_counts() -> None:
    """The second announcement, for Friday, comes before the first, for Tuesday: 6,000.00 and a day, 16.67."""
    firm = SmallFirm(instruments=[BOND | {"instrument_id": "TWICE"}])
    firm.day(MON, [trade("1", MON, 100_000, "100", instrument_id="TWICE")], {"TWICE": "100"})
    firm.deliver(TUE, "corporate_actions", [paid_back("TWICE", "CALL", FRI, announcement_no=2)], "_a")
    firm.deliver(TUE, "corporate_actions", [paid_back("TWICE", "CALL", TUE, announcement_no=1)], "_b")
    firm.day(TUE, [], {"TWICE": "100"})
    assert rows(BOOKED) == [
        ("TWICE", "E-TWICE:ACCRUED", TUE, TUE, FRI, 100_000, cents("16.67")),
        ("TWICE", coupon("TWICE"), TUE, TUE, THU, 100_000, 6000),
    ]
    assert_books_tie()
