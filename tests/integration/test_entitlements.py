"""What accounts and their books are entitled to: the rate of tax that comes late, and cents that are shared.

The figures are worked out by hand beside each case.
"""

from datetime import date
from decimal import Decimal

import pytest
from integration.small_firm import SmallFirm, assert_books_tie, rows, trade, value

pytestmark = pytest.mark.usefixtures("fresh_database")
MON, TUE, WED, THU, FRI = (date(2026, 1, day) for day in (5, 6, 7, 8, 9))


def dividend(name: str, amount: str, ex_date: date = TUE, pay_date: date = FRI) -> dict[str, object]:
    return {
        "event_id": name, "instrument_id": name, "event_type": "CASH_DIVIDEND", "event_status": "ANNOUNCED", "ex_date": ex_date,
        "pay_date": pay_date, "amount_per_unit": amount, "currency_code": "USD",
    }  # fmt: skip


def tax(rate: str, income_type: str = "DIVIDEND", country: str = "US") -> dict[str, object]:
    return {"account_id": "A", "issuer_country_code": country, "income_type": income_type, "rate": rate}


def booked(name: str) -> list[tuple[object, ...]]:
    return rows(
        "select business_date, gross_amount, withholding_amount, net_amount from marts.fct_income where instrument_id = :name order by 1",
        name=name,
    )


def amounts(day: date, *given: str) -> tuple[object, ...]:
    return (day, *(Decimal(one) for one in given))


def test_a_withholding_rate_told_or_corrected_after_the_ex_date_is_booked_in_the_open_date() -> None:
    """100.00 gone ex on Tuesday, paid on Friday, and the same paid on Tuesday; a coupon of 6 % on 1,000 paid on Wednesday.

    15 % of dividends are told on Wednesday, 10 % on Thursday, as are 20 % of coupons. MOVED is of GB, where nothing is kept back, until
    it is said on Thursday to be of US.
    """
    bond = {
        "instrument_id": "BOND", "product_line": "bond_fixed", "coupon_rate": "6", "coupon_frequency": 1, "day_count": "30/360",
        "issue_date": "2024-01-07", "maturity_date": "2030-01-07",
    }  # fmt: skip
    moved = {"instrument_id": "MOVED", "issuer_country_code": "GB"}
    names = ("OPEN", "PAID", "MOVED")
    prices = dict.fromkeys((*names, "BOND"), "100")
    firm = SmallFirm(instruments=[{"instrument_id": "OPEN"}, {"instrument_id": "PAID"}, moved, bond])
    held = [*(trade(name, MON, 100, "10", instrument_id=name) for name in names), trade("BOND", MON, 1000, "100", instrument_id="BOND")]
    firm.day(MON, held, prices, withholding_rates=[tax("0", country="GB")])
    firm.day(TUE, [], prices, corporate_actions=[dividend("OPEN", "1"), dividend("PAID", "1", pay_date=TUE), dividend("MOVED", "1")])
    firm.day(WED, [], prices, withholding_rates=[tax("0.15")])
    in_us = {
        "instrument_id": "MOVED", "name": "MOVED", "product_line": "equity", "currency_code": "USD", "market_mic": "XNYS",
        "issuer_country_code": "US",
    }  # fmt: skip
    firm.day(THU, [], prices, withholding_rates=[tax("0.10"), tax("0.20", "COUPON")], instruments=[in_us])
    # of what was paid on Tuesday, the first rate that came is the one it is taxed at, also 10 shares that are told on Friday
    firm.day(FRI, [trade("LATE", MON, 10, "10", instrument_id="PAID")], prices)
    gone_ex = amounts(TUE, "100", "0", "100")
    assert booked("OPEN") == [gone_ex, amounts(WED, "0", "15", "-15"), amounts(THU, "0", "-5", "5")]
    assert booked("PAID") == [gone_ex, amounts(WED, "0", "15", "-15"), amounts(FRI, "10", "1.50", "8.50")]
    assert booked("MOVED") == [gone_ex, amounts(THU, "0", "10", "-10")]
    assert booked("BOND") == [amounts(TUE, "60", "0", "60"), amounts(THU, "0", "12", "-12")]
    # what the custodian paid on the pay dates, less what was kept back of it since
    received = "select instrument_id, sum(cash_amount) from marts.fct_event_cash group by 1"
    assert dict(rows(received)) == {"OPEN": 90, "PAID": Decimal("93.50"), "MOVED": 90, "BOND": 48}
    assert rows("select coalesce(sum(amount), 0) from ledger.journal_lines where gl_account = 'income_receivable'") == [(0,)]
    assert_books_tie()


def test_the_books_of_an_account_share_what_the_custodian_pays_it() -> None:
    """0.125 for 3 shares in B and 3 in C of one account: it is paid 0.75, not 0.38 twice; of 20 % tax, 0.15 and not 0.08 twice.

    A second account is paid by itself. On Wednesday, a share more of Monday in B makes it 0.88 (0.875) and 0.18 (0.176): 0.50 and 0.10 of
    them are B's. On Thursday the dividend is 0.135: 0.94 (0.945) and 0.19 (0.188), of which 0.54 and 0.11 are B's.
    D is short of 3 of C's: what is paid on the 3 that are left is 0.38 (0.375), of which 0.075 is kept back, so 0.08.
    """
    names = ("I", "S")
    firm = SmallFirm(books=("B", "C", "D"), accounts=("A", "Z"), instruments=[{"instrument_id": name} for name in names])
    prices = dict.fromkeys(names, "10")
    bought = [
        trade("1", MON, 3, "10"), trade("2", MON, 3, "10", book_id="C"), trade("3", MON, 3, "10", account_id="Z"),
        trade("4", MON, 6, "10", book_id="C", instrument_id="S"), trade("5", MON, -3, "10", book_id="D", instrument_id="S"),
    ]  # fmt: skip
    firm.day(MON, bought, prices, withholding_rates=[tax("0.20")])
    firm.day(TUE, [], prices, corporate_actions=[dividend("I", "0.125"), dividend("S", "0.125")])
    firm.day(WED, [trade("6", MON, 1, "10")], prices)
    firm.day(THU, [], prices, corporate_actions=[dividend("I", "0.135")])
    firm.day(FRI, [], prices)
    shares = "select book_id, account_id, sum(gross_amount), sum(withholding_amount) from marts.fct_income where instrument_id = :name"

    def known(day: date, name: str = "I") -> set[tuple[str, ...]]:
        found = rows(f"{shares} and business_date <= :day group by 1, 2", name=name, day=day)
        return {(book, account, *(f"{one:.2f}" for one in given)) for book, account, *given in found}

    assert known(TUE) == {("B", "A", "0.38", "0.08"), ("C", "A", "0.37", "0.07"), ("B", "Z", "0.38", "0.00")}
    assert known(WED) == {("B", "A", "0.50", "0.10"), ("C", "A", "0.38", "0.08"), ("B", "Z", "0.38", "0.00")}
    assert known(THU) == {("B", "A", "0.54", "0.11"), ("C", "A", "0.40", "0.08"), ("B", "Z", "0.40", "0.00")}
    # what C gets of the 6, less what its 3 short shares cost D
    assert known(TUE, "S") == {("C", "A", "0.75", "0.15"), ("D", "A", "-0.37", "-0.07")}
    assert rows("select sum(cash_amount) from marts.fct_event_cash where instrument_id = 'I' and account_id = 'A'") == [(Decimal("0.75"),)]
    assert_books_tie()


def test_an_entitlement_in_a_foreign_currency_comes_to_the_same_however_it_was_told() -> None:
    """0.25 EUR a share, at 0.8935 on the ex date, less 15 %: of 4 shares 1.00 EUR and 0.15 EUR, in base 0.89 (0.8935) and 0.13 (0.134025).

    One account knows its 4 on Monday. One is 16 short, -3.57 (-3.574), until that is amended on Wednesday, to which 4.46 is missing; the
    5.00 EUR for themselves were 4.47. One knows 2 of them, 0.45 (0.44675) and 0.07 (0.0670125), and 2 more on Wednesday. The last one's
    are cancelled.
    """
    accounts = ("KNOWN", "AMENDED", "ADDED", "CANCELLED")
    euro = {"currency_code": "EUR"}
    firm = SmallFirm(books=accounts, accounts=accounts, instruments=[{"instrument_id": "I"} | euro])
    at = {one: euro | {"book_id": one, "account_id": one} for one in accounts}
    bought = [
        trade("1", MON, 4, "10", **at["KNOWN"]), trade("2", MON, -16, "10", **at["AMENDED"]), trade("3", MON, 2, "10", **at["ADDED"]),
        trade("4", MON, 4, "10", **at["CANCELLED"]),
    ]  # fmt: skip
    firm.day(MON, bought, {"I": "10"}, {"EUR": "0.9"}, withholding_rates=[tax("0.15") | {"account_id": one} for one in accounts])
    firm.day(TUE, [], {"I": "10"}, {"EUR": "0.8935"}, corporate_actions=[dividend("I", "0.25") | euro])
    told = [
        trade("2", MON, 4, "10", version=2, event_type="AMEND", **at["AMENDED"]), trade("5", MON, 2, "10", **at["ADDED"]),
        trade("4", MON, 4, "10", version=2, event_type="CANCEL", **at["CANCELLED"]),
    ]  # fmt: skip
    firm.day(WED, told, {"I": "10"}, {"EUR": "0.95"})
    in_base = "select gross_amount_base, withholding_amount_base, net_amount_base from marts.fct_income where account_id = :name order by"
    found = {name: [tuple(f"{one:.2f}" for one in row) for row in rows(f"{in_base} business_date", name=name)] for name in accounts}
    assert found == {
        "KNOWN": [("0.89", "0.13", "0.76")],
        "AMENDED": [("-3.57", "0.00", "-3.57"), ("4.46", "0.13", "4.33")],
        "ADDED": [("0.45", "0.07", "0.38"), ("0.44", "0.06", "0.38")],
        "CANCELLED": [("0.89", "0.13", "0.76"), ("-0.89", "-0.13", "-0.76")],
    }
    assert_books_tie()


def announced(name: str, instrument: str, kind: str, pay_date: date = TUE, **terms: object) -> dict[str, object]:
    return {
        "event_id": name, "instrument_id": instrument, "event_type": kind, "event_status": "ANNOUNCED", "ex_date": TUE,
        "pay_date": pay_date, "currency_code": "USD",
    } | terms  # fmt: skip


def test_an_event_told_of_another_instrument_or_as_another_kind_is_taken_back_from_the_former() -> None:
    """Events of Tuesday, on 100 each, told otherwise on Wednesday.

    MOVED pays 1.00 on Thursday, of I and then of J; on Thursday it is said to be of I after all. KIND is paid on Tuesday, 0.50 on K, and
    then 10 shares on K instead. PAID is 2.00 USD of L, and then 1.00 EUR of E, at 1.10. REDEEMED calls 100,000 of X, of 6 % with a coupon
    each 8 January: 358 days of 360 are 5,966.67; then it is Y that is called, and X is paid its 6,000, ex on Wednesday.
    """
    names = ("I", "J", "K", "L")
    bond = {
        "product_line": "bond_fixed", "coupon_rate": "6", "coupon_frequency": 1, "day_count": "30/360", "issue_date": "2024-01-08",
        "maturity_date": "2030-01-08",
    }  # fmt: skip
    euro = {"currency_code": "EUR"}
    instruments = [
        *({"instrument_id": one} for one in names),
        {"instrument_id": "E"} | euro,
        *({"instrument_id": one} | bond for one in "XY"),
    ]
    firm = SmallFirm(instruments=instruments)
    prices = dict.fromkeys((*names, "E"), "10") | {"X": "100", "Y": "100"}
    held = [trade(one, MON, 100, "10", instrument_id=one) for one in names]
    held += [trade("E", MON, 100, "10", instrument_id="E", **euro), *(trade(one, MON, 100_000, "100", instrument_id=one) for one in "XY")]
    rate = {"EUR": "1.10"}
    firm.day(MON, held, prices, rate)
    of_i = announced("MOVED", "I", "CASH_DIVIDEND", THU, amount_per_unit="1.00")
    first = [
        of_i, announced("KIND", "K", "CASH_DIVIDEND", amount_per_unit="0.50"),
        announced("PAID", "L", "CASH_DIVIDEND", amount_per_unit="2.00"), announced("REDEEMED", "X", "CALL", amount_per_unit="1.00"),
    ]  # fmt: skip
    firm.day(TUE, [], prices, rate, corporate_actions=first)
    then = [
        of_i | {"instrument_id": "J"}, announced("KIND", "K", "STOCK_DIVIDEND", new_units=11, old_units=10),
        announced("PAID", "E", "CASH_DIVIDEND", amount_per_unit="1.00", **euro), announced("REDEEMED", "Y", "CALL", amount_per_unit="1.00"),
    ]  # fmt: skip
    firm.day(WED, [], prices, rate, corporate_actions=then)
    known = (
        "select instrument_id, currency_code, sum(net_amount) from marts.fct_income where business_date <= :day group by 1, 2"
        " having sum(net_amount) <> 0 order by 1"
    )
    called = Decimal("5966.67")
    assert rows(known, day=TUE) == [("I", "USD", 100), ("K", "USD", 50), ("L", "USD", 200), ("X", "USD", called)]
    assert rows(known, day=WED) == [("E", "EUR", 100), ("J", "USD", 100), ("X", "USD", 6000), ("Y", "USD", called)]
    units = "select instrument_id, traded_quantity from marts.fct_positions where business_date = :day and instrument_id in ('K', 'X', 'Y')"
    assert dict(rows(units, day=WED)) == {"K": 110, "X": 100_000, "Y": 0}
    # what Tuesday would have said: I without its income; K 10 shares for 50; L without 200, E with 100 at 1.10
    learned = (
        "select instrument_id, sum(changed_quantity), sum(total_amount_base) from marts.rpt_what_changed where figure_date = :day"
        " and business_date = :known and instrument_id not in ('X', 'Y', 'CASH:EUR') group by 1"
    )
    told = {name: (units, total) for name, units, total in rows(learned, day=TUE, known=WED)}
    assert told == {"I": (0, -100), "J": (0, 100), "K": (10, 50), "L": (0, -200), "E": (0, 110)}
    firm.day(THU, [], prices, rate, corporate_actions=[of_i])
    assert rows(known, day=THU) == [("E", "EUR", 100), ("I", "USD", 100), ("X", "USD", 6000), ("Y", "USD", called)]
    received = "select instrument_id, sum(cash_amount) from marts.fct_event_cash where claim_type = 'INCOME' group by 1"
    assert {name: amount for name, amount in rows(received) if amount} == {"E": 100, "I": 100, "X": 6000, "Y": called}
    assert_books_tie()


def test_an_entitlement_stays_with_the_client_it_was_booked_for() -> None:
    """100 EUR of a client's and 100 of the house's went ex on Tuesday; on Wednesday the accounts change sides, and on Thursday 10 shares
    more of each are told.

    All 110 of the first are the client's, all of the second the house's claim: 110 at 1.10 are 121, and gain 22 by Friday's rate of 1.30.
    """
    euro = {"currency_code": "EUR"}
    client = {"client_id": "C", "name": "Invented Client", "country_code": "DE", "iban": "DE89370400440532013000", "bic": "DEUTDEFF"}
    firm = SmallFirm(books=("B", "H"), accounts=("A", "Z"), instruments=[{"instrument_id": "I"} | euro, {"instrument_id": "G"} | euro])
    of_house = {"book_id": "H", "account_id": "Z", "instrument_id": "G"} | euro
    account = {"name": "Account", "custodian_id": "CUS"}
    firm.make_known(MON)
    firm.deliver(MON, "accounts", [account | {"account_id": "A", "client_id": "C"}, account | {"account_id": "Z"}], "")
    firm.day(
        MON,
        [trade("1", MON, 100, "10", **euro), trade("2", MON, 100, "10", **of_house)],
        {"I": "10", "G": "10"},
        {"EUR": "1.10"},
        clients=[client],
    )
    dividends = [dividend(one, "1", pay_date=date(2026, 2, 2)) | euro for one in "IG"]
    firm.day(TUE, [], {"I": "10", "G": "10"}, {"EUR": "1.10"}, corporate_actions=dividends)
    firm.day(
        WED,
        [],
        {"I": "10", "G": "10"},
        {"EUR": "1.10"},
        accounts=[account | {"account_id": "A"}, account | {"account_id": "Z", "client_id": "C"}],
    )
    late = [trade("3", MON, 10, "10", **euro), trade("4", MON, 10, "10", **of_house)]
    firm.day(THU, late, {"I": "10", "G": "10"}, {"EUR": "1.10"})
    firm.day(FRI, [], {"I": "10", "G": "10"}, {"EUR": "1.30"})
    whose = "select instrument_id, client_id, sum(net_amount) from marts.fct_income group by 1, 2 order by 1"
    assert rows(whose) == [("G", None, 110), ("I", "C", 110)]
    owed = "select sum(amount) from ledger.journal_lines where gl_account = :name"
    assert (value(owed, name="client_payable"), value(owed, name="dividend_income")) == (-110, -220)
    assert_books_tie()
