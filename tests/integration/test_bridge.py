"""The bridge between the two roads to the result: it closes, and an error planted in either road stands in its row and component."""

from datetime import date
from decimal import Decimal

import pytest
import sqlalchemy
from integration.small_firm import SmallFirm, assert_books_tie, rows, trade
from sqlalchemy import text

from posttrade.errors import PosttradeError
from posttrade.offices import accounting
from posttrade.offices.derivations import run_dbt
from posttrade.records.database import Role, administrator_url, engine

MON, TUE = date(2026, 1, 5), date(2026, 1, 6)
OPEN = "select book_id, instrument_id, component, difference_amount from marts.rpt_profit_bridge where difference_amount <> 0"
# What is planted in each column of the management's road, and in each account of the ledger's: cents that tell apart where they came from.
MANAGEMENT = {
    "price_amount_base": ("trading", 1), "new_trades_amount_base": ("trading", 2), "prior_day_corrections_amount_base": ("trading", 4),
    "corporate_actions_amount_base": ("trading", 8), "accrual_amount_base": ("accrual", 16), "fx_amount_base": ("fx", 32),
    "income_amount_base": ("income", 64), "fees_amount_base": ("fees", 128),
}  # fmt: skip
LEDGER = {
    "trading_result": ("trading", 1), "interest_income": ("accrual", 2), "fx_result": ("fx", 4), "dividend_income": ("income", 8),
    "withholding_tax": ("income", 16), "fee_expense": ("fees", 32),
}  # fmt: skip


def differences(planted: dict[str, tuple[str, int]], sign: int) -> dict[str, Decimal]:
    """By component, what the bridge should be open by."""
    components = {component for component, _ in planted.values()}
    return {one: sign * Decimal(sum(cents for name, cents in planted.values() if name == one)) / 100 for one in components}


@pytest.mark.usefixtures("fresh_database")
def test_an_error_in_either_road_stands_in_its_row_and_component() -> None:
    bond = {
        "instrument_id": "BND", "product_line": "bond_fixed", "coupon_rate": "5", "coupon_frequency": 1, "day_count": "30/360",
        "issue_date": "2024-03-01", "maturity_date": "2030-03-01",
    }  # fmt: skip
    firm = SmallFirm(base="EUR", books=("B", "C"), instruments=[{"instrument_id": "I"}, bond])
    dividend = {
        "event_id": "E", "instrument_id": "I", "event_type": "CASH_DIVIDEND", "event_status": "ANNOUNCED", "ex_date": TUE,
        "pay_date": TUE, "amount_per_unit": "0.5", "currency_code": "USD",
    }  # fmt: skip
    bought = [
        trade("1", MON, 100, "10", fee_amount="1"), trade("2", MON, 50, "10", book_id="C"),
        trade("3", MON, 1000, "99", instrument_id="BND", book_id="C"),
    ]  # fmt: skip
    firm.day(MON, bought, {"I": "10", "BND": "99"}, {"USD": "0.90"})
    late = [trade("4", MON, 10, "9"), trade("5", TUE, 20, "9.5", fee_amount="2")]
    firm.day(TUE, late, {"I": "9.6", "BND": "98.5"}, {"USD": "0.92"}, corporate_actions=[dividend])
    assert rows(OPEN) == []
    components = {component for component, _ in MANAGEMENT.values()}
    assert {component for (component,) in rows("select distinct component from marts.rpt_profit_bridge")} == components
    assert_books_tie()

    administrator = sqlalchemy.create_engine(administrator_url())
    try:
        for sign in (1, -1):
            for column, (_, cents) in MANAGEMENT.items():
                change_result(administrator, column, sign * Decimal(cents) / 100)
            rebuild_bridge()
            assert open_bridge() == ({("B", "I"): differences(MANAGEMENT, 1)} if sign == 1 else {})
        # Income is a credit: a debit in the ledger is income the management has and the ledger lacks.
        for sign in (1, -1):
            for gl_account, (_, cents) in LEDGER.items():
                post_by_hand(administrator, gl_account, sign * Decimal(cents) / 100)
            rebuild_bridge()
            assert open_bridge() == ({("C", "BND"): differences(LEDGER, 1)} if sign == 1 else {})
    finally:
        administrator.dispose()


@pytest.mark.usefixtures("fresh_database")
def test_the_ledger_does_not_follow_wrong_positions() -> None:
    bond = {
        "instrument_id": "BND", "product_line": "bond_fixed", "coupon_rate": "5", "coupon_frequency": 1, "day_count": "30/360",
        "issue_date": "2024-03-01", "maturity_date": "2030-03-01",
    }  # fmt: skip
    listed = {"market_mic": "CMES", "expiry_date": "2026-03-20"}
    future = listed | {"instrument_id": "FUT", "product_line": "future", "contract_size": 50}
    option = listed | {
        "instrument_id": "OPT", "product_line": "option", "contract_size": 100, "option_type": "CALL", "strike_price": 9,
        "underlying_instrument_id": "LINE",
    }  # fmt: skip
    deposit = bond | {
        "instrument_id": "DEP", "product_line": "deposit", "market_mic": "XXXX", "day_count": "ACT/360", "issue_date": MON,
        "first_coupon_date": "2026-04-07", "maturity_date": "2026-04-07",
    }  # fmt: skip
    shares = ("QUANTITY", "PRICE", "VALUE", "LINE")
    firm = SmallFirm(base="EUR", instruments=[*({"instrument_id": name} for name in shares), bond, future, option, deposit])
    bought = [
        *(trade(name, MON, 100, "10", instrument_id=name) for name in shares), trade("BND", MON, 1000, "99", instrument_id="BND"),
        trade("FUT", MON, 3, "100", instrument_id="FUT"), trade("OPT", MON, 2, "3", instrument_id="OPT"),
        trade("DEP", MON, 10000, "100", instrument_id="DEP"),
    ]  # fmt: skip
    firm.day(MON, bought, dict.fromkeys(shares, "10") | {"BND": "99", "FUT": "100", "OPT": "3"}, {"USD": "0.90"})
    prices = dict.fromkeys(shares, "11") | {"BND": "99", "FUT": "101", "OPT": "4"}
    firm.day(TUE, [trade("L", TUE, 10, "11", instrument_id="LINE")], prices, {"USD": "0.90"})
    assert_books_tie()

    administrator = sqlalchemy.create_engine(administrator_url())
    try:
        with administrator.begin() as connection:
            for name, units, price, amount, accrued in (
                ("QUANTITY", 50, 0, 550, 0),  # 50 more, at 11
                ("PRICE", 0, 2, 200, 0),  # 100 at 13 and not at 11
                ("VALUE", 0, 0, -10, 0),
                ("BND", 0, 0, 0, 20),
                ("FUT", 1, 0, 5050, 0),  # a contract more, at 101 x 50
                ("OPT", 1, 0, 400, 0),  # a contract more, at 4 x 100
                ("DEP", 1000, 0, 1000, 5),  # 1,000 more, which stand at their nominal
            ):
                changed = connection.execute(
                    text(WRONG_POSITION),
                    {"day": TUE, "name": name, "units": units, "price": price, "amount": amount, "accrued": accrued},
                )
                assert changed.rowcount == 1
            connection.execute(text("set local session_replication_role = replica"))
            # 9.00 too much in base was booked for what was bought
            assert connection.execute(text(WRONG_LINES), {"day": TUE}).rowcount == 2
        run_dbt(
            [
                "run",
                "--select",
                "fct_variation_margin int_cash__flows_due int_positions__flows_gathered int_cash__claims_explained fct_profit_and_loss",
            ],
            TUE,
        )
        # a closed date takes no more entries
        with pytest.raises(PosttradeError, match=r"^The journal of 2026-01-06 is closed, .*open date"):
            accounting.post_journal(TUE, engine(Role.POSTER))
        with administrator.begin() as connection:
            connection.execute(text("set local session_replication_role = replica"))
            connection.execute(text("delete from operations.day_closings where business_date = :day"), {"day": TUE})
    finally:
        administrator.dispose()
    counts = accounting.post_journal(TUE, engine(Role.POSTER))
    # only what the wrong line left, in securities and in the claim, is valued anew
    assert (counts["posted"], counts["reversed"]) == (2, 1)
    rebuild_bridge()
    assert open_bridge() == {
        ("B", "QUANTITY"): {"trading": 495}, ("B", "PRICE"): {"trading": 180}, ("B", "VALUE"): {"trading": -9},
        ("B", "BND"): {"accrual": 18}, ("B", "LINE"): {"trading": 9}, ("B", "CASH:USD"): {"fx": -9},
        # 5,050.00, 400.00, and 1,000.00 and 5.00 at 0.90; the claim to the margin is as wrong, and worth no more for the currency
        ("B", "FUT"): {"trading": 4545}, ("B", "OPT"): {"trading": 360}, ("B", "DEP"): {"trading": 900, "accrual": Decimal("4.50")},
    }  # fmt: skip


@pytest.mark.usefixtures("fresh_database")
def test_the_ledger_exchanges_a_forward_by_its_own_trades_terms_and_rates() -> None:
    """1,000.00 euro bought at 1.11 and exchanged on Tuesday at 0.80: 1,250.00 dollars, 140.00 more than was given, 112.00 euro."""
    forward = {
        "instrument_id": "FWD", "product_line": "fx_forward", "market_mic": "XOFF", "currency_code": "USD",
        "notional_currency_code": "EUR", "maturity_date": TUE,
    }  # fmt: skip
    firm = SmallFirm(base="EUR", instruments=[forward])
    quoted = {"currency_code": "USD", "value_date": TUE}
    firm.day(
        MON, [trade("1", MON, 1000, "1.11", instrument_id="FWD")], {}, {"USD": "0.80"},
        forward_rates=[quoted | {"notional_currency_code": "EUR", "rate_date": MON, "rate": "1.12"}],
        discount_factors=[quoted | {"factor_date": MON, "factor": "1"}],
    )  # fmt: skip
    firm.day(TUE, [], {}, {"USD": "0.80"})
    assert_books_tie()
    posted = (
        "select gl_account, currency_code, sum(amount), sum(amount_base) from ledger.journal_lines where business_date = :day group by 1, 2"
    )
    entries = sorted(rows(posted, day=TUE))
    # what was worth 8.00 euro on Monday goes at 112.00
    assert ("cash", "EUR", 1000, 1000) in entries and ("cash", "USD", -1110, -888) in entries
    assert ("derivative_assets", "USD", -10, -8) in entries and ("trading_result", "USD", -130, -104) in entries

    administrator = sqlalchemy.create_engine(administrator_url())
    try:
        with administrator.begin() as connection:
            assert connection.execute(text(WRONG_EXCHANGE), {"day": TUE}).rowcount == 1
            connection.execute(text("set local session_replication_role = replica"))
            connection.execute(text("delete from operations.day_closings where business_date = :day"), {"day": TUE})
    finally:
        administrator.dispose()
    run_dbt(["run", "--select", "int_accounting__units_carried int_positions__flows_gathered fct_profit_and_loss"], TUE)
    counts = accounting.post_journal(TUE, engine(Role.POSTER))
    assert (counts["posted"], counts["reversed"]) == (0, 0)
    assert sorted(rows(posted, day=TUE)) == entries
    rebuild_bridge()
    assert open_bridge() == {("B", "FWD"): {"trading": 50}}


WRONG_EXCHANGE = """
update intermediate.int_forwards__contracts
set exchanged_amount = exchanged_amount + 50, exchanged_amount_base = exchanged_amount_base + 50,
    value_amount_base = value_amount_base + 50, agreed_amount = agreed_amount + 7
where business_date = :day and contract_state = 'EXCHANGED'
"""

WRONG_POSITION = """
update marts.fct_positions
set traded_quantity = traded_quantity + :units, price = price + :price,
    market_value_amount = market_value_amount + case product_line when 'future' then 0 else :amount end,
    market_value_amount_base = market_value_amount_base + case product_line when 'future' then 0 else :amount end * 0.9,
    exposure_amount = exposure_amount + :amount, exposure_amount_base = exposure_amount_base + :amount * 0.9,
    accrued_interest_amount = accrued_interest_amount + :accrued,
    accrued_interest_amount_base = accrued_interest_amount_base + :accrued * 0.9
where business_date = :day and instrument_id = :name
"""

WRONG_LINES = """
update ledger.journal_lines as lines
set amount_base = lines.amount_base + case lines.gl_account when 'securities' then 9 else -9 end
from ledger.journal_entries as entries
where lines.entry_id = entries.entry_id and entries.event_type = 'TRADE' and lines.business_date = :day
"""


def open_bridge() -> dict[tuple[str, str], dict[str, Decimal]]:
    found: dict[tuple[str, str], dict[str, Decimal]] = {}
    for book, instrument, component, difference in rows(OPEN):
        found.setdefault((book, instrument), {})[component] = difference
    return found


def rebuild_bridge() -> None:
    run_dbt(["run", "--select", "rpt_profit_bridge"], TUE)


def change_result(administrator: sqlalchemy.Engine, column: str, amount: Decimal) -> None:
    with administrator.begin() as connection:
        changed = connection.execute(
            text(
                f"update marts.fct_profit_and_loss set {column} = {column} + :amount"
                " where business_date = :day and book_id = 'B' and instrument_id = 'I'"
            ),
            {"amount": amount, "day": TUE},
        )
    assert changed.rowcount == 1


def post_by_hand(administrator: sqlalchemy.Engine, gl_account: str, amount: Decimal) -> None:
    """A line and its counterpart, added to an entry of the day around every trigger."""
    with administrator.begin() as connection:
        connection.execute(text("set local session_replication_role = replica"))
        connection.execute(text(LINES_BY_HAND), {"day": TUE, "gl_account": gl_account, "amount": amount})


LINES_BY_HAND = """
with entry as (
    select entry_id from ledger.journal_entries where business_date = :day order by entry_id limit 1
)
insert into ledger.journal_lines (book_id, entry_id, line_no, account_id, instrument_id, gl_account, currency_code, amount, amount_base,
    business_date)
select
    'C', entry.entry_id,
    sides.line_no + (select max(lines.line_no) from ledger.journal_lines as lines where lines.entry_id = entry.entry_id),
    'A', 'BND', sides.gl_account, 'USD', 0, sides.amount, :day
from entry
cross join (
    values (1, :gl_account, cast(:amount as numeric)), (2, 'securities', -cast(:amount as numeric))
) as sides (line_no, gl_account, amount)
"""
