"""Coupons of bonds that are paid back, where the event is told anew of another bond, as another kind, out of order, or the account changes
hands.

The bonds are those of test_coupons_of_called_bonds: 6 % on 100,000, bought on Monday with 5,966.67; the coupon of Thursday, 6,000.00, goes
ex on Wednesday, and of a called bond on Tuesday with the call; a day on is 16.67.
"""

import pytest
from integration.small_firm import SmallFirm, assert_books_tie, assert_rebuilt_the_same, rows, trade
from integration.test_coupons_of_called_bonds import BOND, FRI, MON, PAID, THU, TUE, WED, cents, coupon, paid_back

pytestmark = pytest.mark.usefixtures("fresh_database")
BOOKED = (
    "select event_id, business_date, ex_date, pay_date, entitled_quantity, gross_amount from marts.fct_income"
    " where instrument_id = any(:names) order by instrument_id, business_date, event_id desc, ex_date"
)
TOTALS = (
    "select instrument_id, sum(total_amount) from marts.fct_profit_and_loss where instrument_id not like 'CASH:%' and account_id = 'A'"
    " group by 1 order by 1"
)
LEARNED = (
    "select figure_date, sum(accrued_interest_amount), sum(total_amount) from marts.rpt_what_changed"
    " where business_date = :day and instrument_id = :name group by 1 order by 1"
)


def test_a_call_is_told_of_another_bond_as_a_merger_and_out_of_order() -> None:
    """OTHER is called for Friday with its coupon; on Friday it is said to have been THIS all along. OTHER is held on: its coupon is of
    Wednesday again, and of Friday, which settles on Monday, 4 days are 66.67: 6,066.67 less 5,966.67 are 100.00. THIS, whose coupon was
    booked on Wednesday, had it with the call, and a day: 6,016.67 less 5,966.67 are 50.00.

    MERGED is called for Friday, and on Friday was exchanged for NEW on Tuesday: the 5,966.67 of it are gone, the coupon is NEW's, which
    has 66.67 besides.

    Of FIRST and LAST the second announcement comes first, on Tuesday, and calls FIRST; the first, on Wednesday, called LAST, which
    changes nothing; the third, on Thursday, does. What the first says again on Friday changes nothing either.
    """
    names = ("FIRST", "LAST", "MERGED", "OTHER", "THIS")
    firm = SmallFirm(instruments=[BOND | {"instrument_id": name} for name in (*names, "NEW")])
    prices = dict.fromkeys((*names, "NEW"), "100")
    firm.day(MON, [trade(name, MON, 100_000, "100", instrument_id=name) for name in names], prices)
    turns = paid_back("FIRST", "CALL", FRI)
    of_last = turns | {"instrument_id": "LAST"}
    told = [paid_back("OTHER", "CALL", FRI), paid_back("MERGED", "CALL", FRI), turns | {"announcement_no": 2}]
    firm.day(TUE, [], prices, corporate_actions=told)
    firm.day(WED, [], prices, corporate_actions=[of_last | {"announcement_no": 1}])
    firm.day(THU, [], prices, corporate_actions=[of_last | {"announcement_no": 3}])
    merged = {"amount_per_unit": "", "received_instrument_id": "NEW", "new_units": 1, "old_units": 1}
    then = [
        paid_back("OTHER", "CALL", FRI) | {"instrument_id": "THIS"}, paid_back("MERGED", "MERGER", FRI, **merged),
        turns | {"announcement_no": 1, "pay_date": THU},
    ]  # fmt: skip
    firm.day(FRI, [], prices, corporate_actions=then)
    a_day = cents("16.67")
    assert rows(BOOKED, names=["OTHER", "THIS"]) == [
        ("E-OTHER:ACCRUED", TUE, TUE, FRI, 100_000, a_day),
        (coupon("OTHER"), TUE, TUE, THU, 100_000, 6000),
        ("E-OTHER:ACCRUED", FRI, TUE, FRI, -100_000, -a_day),
        (coupon("OTHER"), FRI, TUE, THU, -100_000, -6000),
        (coupon("OTHER"), FRI, WED, THU, 100_000, 6000),
        (coupon("THIS"), WED, WED, THU, 100_000, 6000),
        ("E-OTHER:THIS:ACCRUED", FRI, TUE, FRI, 100_000, a_day),
        (coupon("THIS"), FRI, TUE, THU, 100_000, 6000),
        (coupon("THIS"), FRI, WED, THU, -100_000, -6000),
    ]
    assert rows(BOOKED, names=["MERGED", "NEW"]) == [
        ("E-MERGED:ACCRUED", TUE, TUE, FRI, 100_000, a_day),
        (coupon("MERGED"), TUE, TUE, THU, 100_000, 6000),
        ("E-MERGED:ACCRUED", FRI, TUE, FRI, -100_000, -a_day),
        (coupon("MERGED"), FRI, TUE, THU, -100_000, -6000),
        (coupon("NEW"), FRI, WED, THU, 100_000, 6000),
    ]
    assert rows(BOOKED, names=["FIRST", "LAST"]) == [
        ("E-FIRST:ACCRUED", TUE, TUE, FRI, 100_000, a_day),
        (coupon("FIRST"), TUE, TUE, THU, 100_000, 6000),
        ("E-FIRST:ACCRUED", THU, TUE, FRI, -100_000, -a_day),
        (coupon("FIRST"), THU, TUE, THU, -100_000, -6000),
        (coupon("FIRST"), THU, WED, THU, 100_000, 6000),
        (coupon("LAST"), WED, WED, THU, 100_000, 6000),
        ("E-FIRST:LAST:ACCRUED", THU, TUE, FRI, 100_000, a_day),
        (coupon("LAST"), THU, TUE, THU, 100_000, 6000),
        (coupon("LAST"), THU, WED, THU, -100_000, -6000),
    ]
    assert rows(PAID) == [
        ("FIRST", THU, 6000), ("LAST", THU, 6000), ("LAST", FRI, a_day), ("MERGED", THU, 6000), ("MERGED", FRI, -6000),
        ("NEW", FRI, 6000), ("OTHER", THU, 6000), ("THIS", THU, 6000), ("THIS", FRI, a_day),
    ]  # fmt: skip
    assert rows(TOTALS) == [
        ("FIRST", 100), ("LAST", 50), ("MERGED", cents("-5966.67")), ("NEW", cents("6066.67")), ("OTHER", 100), ("THIS", 50),
    ]  # fmt: skip
    # as in test_coupons_of_called_bonds, of THIS; of OTHER the other way round
    assert rows(LEARNED, day=FRI, name="THIS") == [
        (TUE, cents("-5983.33"), cents("33.34")), (WED, 0, a_day), (THU, -a_day, 0),
    ]  # fmt: skip
    assert rows(LEARNED, day=FRI, name="OTHER") == [
        (TUE, cents("5983.33"), cents("-33.34")), (WED, 0, -a_day), (THU, a_day, 0),
    ]  # fmt: skip
    assert_books_tie()
    assert_rebuilt_the_same()


def test_the_rest_of_a_coupon_is_of_whom_the_account_is_by_then() -> None:
    """One half of HALF, BACK and LATE is paid back on Tuesday, when account C is a client's and account D the house's; on Wednesday, when
    the coupon of the rest goes ex, both are of another client. 3,000.00 each are the former's and the latter's, and 8.33 the former's,
    also where that is told after the change.

    On Friday BACK is withdrawn: all of its coupon is of Wednesday, 6,000.00. LATE is told on Friday only: of the 6,000.00 booked on
    Wednesday, one half was of Tuesday.
    """
    names = ("BACK", "HALF", "LATE")
    firm = SmallFirm(instruments=[BOND | {"instrument_id": name} for name in names], accounts=("C", "D"))
    prices = dict.fromkeys(names, "100")
    firm.make_known(MON)
    named = {"name": "Account", "custodian_id": "CUS"}
    of_two = [
        {"client_id": one, "name": one, "country_code": "US", "iban": "DE89370400440532013000", "bic": "EXBKUS33"}
        for one in ("FORMER", "LATTER")
    ]
    firm.deliver(MON, "clients", of_two)
    firm.deliver(MON, "accounts", [named | {"account_id": "C", "client_id": "FORMER"}, named | {"account_id": "D"}])
    bought = [trade(name + account, MON, 100_000, "100", instrument_id=name, account_id=account) for name in names for account in "CD"]
    firm.day(MON, bought, prices)
    halves = {name: paid_back(name, "PARTIAL_REDEMPTION", FRI, redeemed_fraction="0.5") for name in names}
    firm.day(TUE, [], prices, corporate_actions=[halves["HALF"], halves["BACK"]])
    firm.day(WED, [], prices, accounts=[named | {"account_id": one, "client_id": "LATTER"} for one in "CD"])
    firm.day(THU, [], prices)
    firm.day(FRI, [], prices, corporate_actions=[halves["BACK"] | {"event_status": "WITHDRAWN"}, halves["LATE"]])
    whose = (
        "select instrument_id, account_id, client_id, sum(net_amount) from marts.fct_income where business_date <= :day"
        " and event_id like 'CPN:%' group by 1, 2, 3 having sum(net_amount) <> 0 order by 1, 2, 3 nulls first"
    )
    by_then = [
        (name, account, client, amount)
        for name, parts in (("BACK", (3000, 3000)), ("HALF", (3000, 3000)), ("LATE", (0, 6000)))
        for account, former in (("C", "FORMER"), ("D", None))
        for client, amount in zip((former, "LATTER"), parts, strict=True) if amount
    ]  # fmt: skip
    assert rows(whose, day=THU) == by_then
    assert rows(whose, day=FRI) == [
        (name, account, client, amount)
        for name, parts in (("BACK", (0, 6000)), ("HALF", (3000, 3000)), ("LATE", (3000, 3000)))
        for account, former in (("C", "FORMER"), ("D", None))
        for client, amount in zip((former, "LATTER"), parts, strict=True) if amount
    ]  # fmt: skip
    paid = "select client_id, amount from marts.fct_payments where instrument_id = 'HALF' order by account_id, client_id, amount desc"
    assert rows(paid) == [("FORMER", 3000), ("FORMER", cents("8.33")), ("LATTER", 3000), ("LATTER", 3000)]
    interest = "select distinct account_id, client_id, net_amount from marts.fct_income where event_id like 'E-LATE%' order by 1"
    assert rows(interest) == [("C", "FORMER", cents("8.33")), ("D", None, cents("8.33"))]
    assert_books_tie()
    assert_rebuilt_the_same()


def test_a_bond_that_an_event_brought_accrues_on_closed_dates_by_terms_told_later() -> None:
    """OLD was exchanged for RESTATED on Tuesday, which is said on Friday to pay 7.2 %, 20.00 a day: on Tuesday 359 days were 7,180.00 and
    not 5,983.33, its coupon on Wednesday was 7,200.00, and on Thursday a day had 20.00.

    GONE was exchanged for FRESH on Tuesday, which is told on Friday only: 5,983.33, 6,000.00 and 16.67. Nobody trades either.
    """
    firm = SmallFirm(instruments=[BOND | {"instrument_id": name} for name in ("GONE", "OLD", "RESTATED")])
    prices = dict.fromkeys(("GONE", "OLD", "RESTATED"), "100")
    firm.day(MON, [trade(name, MON, 100_000, "100", instrument_id=name) for name in ("GONE", "OLD")], prices)
    merged = {"amount_per_unit": "", "new_units": 1, "old_units": 1}
    firm.day(TUE, [], prices, corporate_actions=[paid_back("OLD", "MERGER", TUE, received_instrument_id="RESTATED", **merged)])
    firm.day(WED, [], prices)
    firm.day(THU, [], prices)
    told = {"currency_code": "USD", "market_mic": "XNYS", "issuer_country_code": "US"}
    restated = BOND | told | {"instrument_id": "RESTATED", "name": "RESTATED", "coupon_rate": "7.2"}
    fresh = BOND | told | {"instrument_id": "FRESH", "name": "FRESH"}
    at_par = [{"instrument_id": "FRESH", "price_date": day, "price": "100", "currency_code": "USD"} for day in (TUE, WED, THU)]
    firm.deliver(FRI, "prices", at_par, "_late")
    into_fresh = paid_back("GONE", "MERGER", TUE, received_instrument_id="FRESH", **merged)
    firm.day(FRI, [], prices | {"FRESH": "100"}, instruments=[restated, fresh], corporate_actions=[into_fresh])
    assert rows(LEARNED, day=FRI, name="RESTATED") == [
        (TUE, cents("1196.67"), cents("1196.67")), (WED, 0, 1200), (THU, cents("3.33"), cents("1203.33")),
    ]  # fmt: skip
    assert rows(LEARNED, day=FRI, name="FRESH") == [
        (TUE, cents("5983.33"), cents("5983.33")), (WED, 0, 6000), (THU, cents("16.67"), cents("6016.67")),
    ]  # fmt: skip
    # and on Friday four days of 7.2 %, 80.00, beside the coupon; and of 6 %, 66.67
    assert rows(TOTALS) == [("FRESH", cents("6066.67")), ("GONE", cents("-5966.67")), ("OLD", cents("-5966.67")), ("RESTATED", 7280)]
    assert_books_tie()
    assert_rebuilt_the_same()
