"""Futures with daily variation margin, options with premium, exercise and expiry, through the close.

The figures are worked out by hand beside each case.
"""

from datetime import date
from decimal import Decimal

import pytest
from integration.small_firm import SmallFirm, assert_books_tie, confirmed, rows, trade, tripped, value
from sqlalchemy import text

from posttrade.controls.build import BUSINESS_DATE_QUERY
from posttrade.controls.catalogue import all_controls
from posttrade.errors import PosttradeError
from posttrade.offices.derivations import run_dbt
from posttrade.records.database import Role, engine

pytestmark = pytest.mark.usefixtures("fresh_database")
MON, TUE, WED, THU, FRI = (date(2026, 1, day) for day in (5, 6, 7, 8, 9))
CASH = (
    "select coalesce(sum(amount), 0) from ledger.journal_lines where gl_account = 'cash' and instrument_id = :name and business_date = :day"
)
RESULT = """select sum(price_amount), sum(new_trades_amount), sum(total_amount), sum(total_amount_base), sum(residual_amount_base)
    from marts.fct_profit_and_loss where instrument_id = :name and business_date = :day"""


def held(day: date, name: str, account: str = "A") -> tuple[object, ...]:
    found = rows(
        "select traded_quantity, cost_amount from marts.fct_positions"
        " where business_date = :day and instrument_id = :name and account_id = :account",
        day=day, name=name, account=account,
    )  # fmt: skip
    return found[0] if found else (0, 0)


def not_adjusted(day: date) -> list[tuple[object, ...]]:
    """What the control says on the date closed last."""
    control = next(one for one in all_controls() if one.control_id == "option_not_adjusted")
    with engine(Role.AUDITOR).connect() as connection:
        connection.execute(text(f"set posttrade.business_date = '{day}'"))
        found = connection.execute(text(control.query.replace("{batch}", f"({BUSINESS_DATE_QUERY})")))
        return sorted(tuple(one) for one in found)


def test_a_future_is_paid_every_day_and_expires_at_its_last_price() -> None:
    future = {
        "instrument_id": "FUT", "product_line": "future", "market_mic": "CMES", "contract_size": 50, "expiry_date": WED,
    }  # fmt: skip
    firm = SmallFirm(base="EUR", instruments=[future, {"instrument_id": "S", "currency_code": "EUR"}])
    # 3 bought at 100.00, fee 6.00; closed at 101.00: 3 x 1.00 x 50.
    firm.day(MON, [trade("1", MON, 3, "100", instrument_id="FUT", fee_amount="6")], {"FUT": "101"}, {"USD": "0.90"})
    assert rows(RESULT, name="FUT", day=MON) == [(0, 150, 144, Decimal("129.60"), 0)]
    assert rows("select margin_amount, fee_amount, net_amount, pay_date from marts.fct_variation_margin") == [(150, 6, 144, TUE)]
    position = "select exposure_amount, market_value_amount, settled_quantity, unrealised_amount from marts.fct_positions where business_date = :day and instrument_id = 'FUT'"  # noqa: E501
    assert rows(position, day=MON) == [(15150, 0, 3, 144)]
    assert value(CASH, name="FUT", day=MON) == 0
    # 1 sold at 99.00, closed at 98.00 at another rate: 3 x -3.00 x 50 on the position, 1.00 x 50 for the sale above the close.
    # The dollar's move of 0.90 to 0.95 is earned on the 144.00 that were owed, not on the 15,150.00 of exposure.
    firm.day(TUE, [trade("2", TUE, -1, "99", instrument_id="FUT")], {"FUT": "98"}, {"USD": "0.95"})
    assert rows(RESULT, name="FUT", day=TUE) == [(-450, 50, -400, -380, 0)]
    claims = "select fx_transaction_amount_base from marts.fct_profit_and_loss where instrument_id = :name and business_date = :day"
    assert value(claims, name="CASH:USD", day=TUE) == Decimal("7.20")
    # The yesterday's margin less fees is in, and FIFO realises 1 of 3: 99.00 x 50 less a third of 15,006.00.
    assert value(CASH, name="FUT", day=TUE) == 144
    assert rows(
        "select realised_amount, realised_amount_base, realised_fx_amount_base from marts.fct_realised_results where business_date = :day",
        day=TUE,
    ) == [(-52, Decimal("-49.40"), 0)]
    firm.day(WED, [], {"FUT": "98.5"}, {"USD": "0.95"})
    assert rows(RESULT, name="FUT", day=WED) == [(50, 0, 50, Decimal("47.50"), 0)]
    # Expired at 98.50: gone without a result of its own, and the last margin is paid.
    firm.day(THU, [], {"S": "1"}, {"USD": "0.95"})
    assert held(THU, "FUT") == (0, 0)
    assert rows(RESULT, name="FUT", day=THU) == [(0, 0, 0, 0, 0)]
    assert value(CASH, name="FUT", day=THU) == 50
    # All the margin less the fee, paid or realised: 144 - 400 + 50.
    assert value("select sum(amount) from ledger.journal_lines where gl_account = 'cash'") == -206
    assert value("select sum(realised_amount) from marts.fct_realised_results") == -206
    assert value("select count(*) from operations.settlement_instructions") == 0
    assert value("select count(*) from operations.obligations_held") == 0
    # What is owed for a trade in a future is its fee; the same data test says so, and finds a cent too much.
    assert rows("select net_amount from marts.fct_trades where business_date = :day", day=MON) == [(-6,)]
    assert len(run_dbt(["test", "--select", "a_trade_owes_all_its_cash"], THU).results) == 1
    with engine(Role.TRANSFORMER).begin() as connection:
        connection.execute(text("update marts.fct_trades set net_amount = net_amount - 0.01 where business_date = :day"), {"day": MON})
    with pytest.raises(PosttradeError, match="a_trade_owes_all_its_cash: Got 1 result"):
        run_dbt(["test", "--select", "a_trade_owes_all_its_cash"], THU)
    assert_books_tie()


def test_options_are_exercised_assigned_paid_or_expire() -> None:
    terms = {"product_line": "option", "market_mic": "CMES", "contract_size": 100, "expiry_date": TUE, "underlying_instrument_id": "S"}
    call = terms | {"instrument_id": "C50", "option_type": "CALL", "strike_price": 50}
    put = terms | {"instrument_id": "P60", "option_type": "PUT", "strike_price": 60}
    firm = SmallFirm(
        instruments=[
            {"instrument_id": "S"},
            call,
            put,
            call | {"instrument_id": "C99", "strike_price": 99},
            put | {"instrument_id": "CASH1"},
        ],
        accounts=("A", "A2", "A3"),
    )
    bought = [
        trade("1", MON, 2, "4", instrument_id="C50", fee_amount="2"),  # 802.00
        trade("2", MON, 1, "7", instrument_id="P60"),
        trade("3", MON, 150, "52", instrument_id="S"),
        trade("4", MON, -1, "4", instrument_id="C50", account_id="A2"),  # written
        trade("7", MON, -10, "4", instrument_id="C50", account_id="A3"),
        trade("5", MON, 1, "0.5", instrument_id="C99"), trade("6", MON, 1, "6", instrument_id="CASH1"),
    ]  # fmt: skip
    prices = {"S": "53", "C50": "4", "P60": "7", "C99": "0.1", "CASH1": "7"}
    firm.day(MON, bought, prices)
    assert rows(
        "select market_value_amount from marts.fct_positions where business_date = :day and instrument_id = 'C50' order by 1", day=MON
    ) == [(-4000,), (-400,), (800,)]
    exercise = {"event_status": "ANNOUNCED", "ex_date": WED, "pay_date": WED, "currency_code": "USD"}
    events = [
        *(
            exercise
            | {
                "event_id": f"X-{account}",
                "instrument_id": "C50",
                "event_type": "OPTION_EXERCISE",
                "received_instrument_id": "S",
                "account_id": account,
                "redeemed_fraction": part,
            }
            for account, part in (("A", ""), ("A2", ""), ("A3", "0.3"))
        ),
        exercise | {"event_id": "X-P", "instrument_id": "P60", "event_type": "OPTION_EXERCISE", "received_instrument_id": "S"},
        exercise | {"event_id": "X-I", "instrument_id": "CASH1", "event_type": "CASH_EXERCISE", "amount_per_unit": "700"},
    ]
    firm.day(TUE, [], {**prices, "S": "53"})
    firm.day(WED, [], {"S": "53"}, corporate_actions=events)
    # 2 calls: 200 at 50.00 with 802.00 of premium, 10,802.00. The put delivers 100 at 60.00 less 700.00 of premium, 5,300.00: out
    # of the 150 bought at 52.00 and the 200, which have become one pool of 350 for 18,602.00.
    shares = held(WED, "S")
    assert shares[0] == 250
    assert held(WED, "S", "A2") == (-100, -5400)
    # 3 of 10 calls were assigned: 300 shares are sold at 50.00 with 4.00 of premium each. The other 7 expired, and kept their premium.
    assert (held(WED, "S", "A3"), held(WED, "C50", "A3")[0]) == ((-300, -16200), 0)
    realised = dict(
        rows("select instrument_id, sum(realised_amount) from marts.fct_realised_results where business_date = :day group by 1", day=WED)
    )
    assert shares[1] == Decimal("18602.00") - 5300 + realised["S"]
    assert realised["C99"] == -50 and realised["CASH1"] == 100
    assert [held(WED, name)[0] for name in ("C50", "P60", "C99", "CASH1")] == [0, 0, 0, 0]
    # Exercising an option worth its intrinsic value is no result; the calls had 100.00 each above it, the one written likewise.
    totals = dict(
        rows("select account_id, sum(total_amount) from marts.fct_profit_and_loss where business_date = :day group by 1", day=WED)
    )
    # calls: 200 x 3.00 - 800 = -200. Put: 7.00 x 100 - 700 = 0. Worthless: -10. Cash: 700 - 700.
    assert (totals["A"], totals["A2"]) == (-210, 100)
    expired = (
        "select instrument_id, account_id, entitled_quantity from marts.fct_corporate_actions where event_type = 'EXPIRY' order by 1, 2"
    )
    assert rows(expired) == [("C50", "A3", -7), ("C99", "A", 1)]
    assert value(CASH, name="CASH1", day=WED) == 700
    assert_books_tie()


def test_a_future_told_late_and_terms_and_prices_corrected_after_expiry() -> None:
    future = {"instrument_id": "FUT", "product_line": "future", "market_mic": "CMES", "contract_size": 50, "expiry_date": TUE}
    option = {
        "product_line": "option", "market_mic": "CMES", "contract_size": 1, "option_type": "CALL", "strike_price": 99,
        "underlying_instrument_id": "S",
    }  # fmt: skip
    early, late = (
        option | {"instrument_id": "EARLY", "expiry_date": MON},
        option | {"instrument_id": "LATE", "expiry_date": date(2026, 1, 9)},
    )
    firm = SmallFirm(instruments=[{"instrument_id": "S"}, future, future | {"instrument_id": "SLOW"}, early, late])
    prices = {"S": "10", "FUT": "101", "SLOW": "101", "EARLY": "1", "LATE": "1"}
    bought = [trade(str(n), MON, 1, "1", instrument_id=name) for n, name in enumerate(("EARLY", "LATE"), 1)]
    firm.day(MON, [*bought, trade("3", MON, 1, "100", instrument_id="FUT")], prices)
    # 3 bought on Monday at 100.00 with a fee of 6.00, told on Tuesday: of 144.00, all is of the late trade.
    firm.day(TUE, [trade("4", MON, 3, "100", instrument_id="SLOW", fee_amount="6")], {**prices, "FUT": "102"})
    learned = "select sum(total_amount_base) from marts.rpt_what_changed where instrument_id = :name and figure_date = :figure"
    assert value(learned, name="SLOW", figure=MON) == 144
    assert (held(TUE, "EARLY"), held(TUE, "LATE")) == ((0, 0), (1, 1))
    # EARLY had not expired, LATE had: its terms are corrected. FUT was settled at 105.00, not at 102.00.
    corrected = [
        {"name": one["instrument_id"], "currency_code": "USD", "issuer_country_code": "US"} | one | {"expiry_date": expiry}
        for one, expiry in ((early, date(2026, 1, 9)), (late, MON))
    ]  # fmt: skip
    last_price = {"instrument_id": "FUT", "price_date": TUE, "price": "105", "currency_code": "USD"}
    firm.deliver(WED, "prices", [last_price, {"instrument_id": "EARLY", "price_date": WED, "price": "1", "currency_code": "USD"}])
    firm.day(WED, [], instruments=corrected)
    assert (held(WED, "EARLY"), held(WED, "LATE")) == ((1, 1), (0, 0))
    assert rows("select margin_amount from marts.fct_variation_margin where business_date = :day and instrument_id = 'FUT'", day=WED) == [
        (150,)
    ]
    assert value("select sum(total_amount) from marts.fct_profit_and_loss where instrument_id = 'FUT'") == 250
    assert_books_tie()


def test_an_option_on_a_future_delivers_futures_at_the_strike() -> None:
    future = {"instrument_id": "FUT", "product_line": "future", "market_mic": "CMES", "contract_size": 50, "expiry_date": "2026-03-20"}
    option = {"product_line": "option", "market_mic": "CMES", "expiry_date": "2026-02-20"}
    call = option | {
        "instrument_id": "C95", "contract_size": 50, "option_type": "CALL", "strike_price": 95, "underlying_instrument_id": "FUT",
    }  # fmt: skip
    put = call | {"instrument_id": "P108", "contract_size": 100, "option_type": "PUT", "strike_price": 108}
    zero = {"instrument_id": "ZER", "product_line": "bond_zero", "issue_date": "2024-01-08", "maturity_date": "2028-01-10"}
    on_zero = option | {
        "instrument_id": "CZ", "contract_size": 1000, "option_type": "CALL", "strike_price": 98, "underlying_instrument_id": "ZER",
    }  # fmt: skip
    firm = SmallFirm(base="EUR", instruments=[future, call, put, zero, on_zero], accounts=("A", "A2", "A3", "A4", "A5"))
    traded = [
        trade("1", MON, 1, "6", instrument_id="C95"),  # 300.00 of premium
        trade("2", MON, -1, "6", instrument_id="C95", account_id="A2"),  # written
        trade("3", MON, 2, "7", instrument_id="P108", account_id="A3"),  # 700.00 each, for two futures each
        trade("4", MON, 1, "6", instrument_id="C95", account_id="A4"),
        trade("5", MON, 1, "0.015", instrument_id="CZ", account_id="A5"),  # 15.00
    ]  # fmt: skip
    prices = {"FUT": "100", "C95": "6", "P108": "7", "ZER": "99", "CZ": "0.015"}
    firm.day(MON, traded, prices, {"USD": "0.90"})
    exercise = {
        "event_type": "OPTION_EXERCISE", "event_status": "ANNOUNCED", "ex_date": TUE, "pay_date": TUE, "currency_code": "USD",
        "received_instrument_id": "FUT",
    }  # fmt: skip
    calls = {one: exercise | {"event_id": f"X-{one}", "instrument_id": "C95", "account_id": one} for one in ("A", "A2", "A4")}
    puts = exercise | {
        "event_id": "X-P", "instrument_id": "P108", "account_id": "A3", "book_id": "B", "exercised_quantity": 1,
    }  # fmt: skip
    on_bond = exercise | {"event_id": "X-Z", "instrument_id": "CZ", "account_id": "A5", "received_instrument_id": "ZER"}
    firm.day(TUE, [], prices, {"USD": "0.90"}, corporate_actions=[calls["A"], calls["A2"], puts, on_bond])
    # One call, of the size of one future, at 95 x 50; a put of twice its size delivers two at 108 x 50. The premium has gone into none.
    assert [held(TUE, "FUT", one) for one in ("A", "A2", "A3")] == [(1, 4750), (-1, -4750), (-2, -10800)]
    assert [held(TUE, name, one)[0] for name, one in (("C95", "A"), ("C95", "A2"), ("P108", "A3"))] == [0, 0, 1]
    # (100 - 95) x 50, the other way round, and (108 - 100) x 50 for each of two.
    margin = "select account_id, margin_amount from marts.fct_variation_margin where business_date = :day order by 1"
    assert rows(margin, day=TUE) == [("A", 250), ("A2", -250), ("A3", 800)]
    # What the exercise brings less the premium of 300.00, received by whom it is assigned to, and of 700.00.
    of_accounts = "select account_id, sum(total_amount) from marts.fct_profit_and_loss where account_id <> '' group by 1 order by 1"
    assert rows(of_accounts)[:3] == [("A", -50), ("A2", 50), ("A3", 100)]
    realised = "select account_id, realised_amount from marts.fct_realised_results where business_date = :day order by 1"
    assert rows(realised, day=TUE) == [("A", -300), ("A2", 300), ("A3", -700)]
    # 1,000 nominal at 98 %, and the premium.
    assert held(TUE, "ZER", "A5") == (1000, 995)
    assert rows("select cash_amount from marts.fct_corporate_actions where event_id = 'X-Z' and instrument_id = 'ZER'") == [(-980,)]
    # Told on the day after: the future was worth (100 - 95) x 50 more on the day itself, and the option its 300.00 less; 102 since.
    firm.day(WED, [], prices | {"FUT": "102"}, {"USD": "0.90"}, corporate_actions=[calls["A4"]])
    learned = (
        "select instrument_id, sum(total_amount), sum(total_amount_base) from marts.rpt_what_changed where figure_date = :day group by 1"
        " having sum(total_amount_base) <> 0 order by 1"
    )
    assert rows(learned, day=TUE) == [("C95", -300, -270), ("FUT", 250, 225)]
    assert rows(margin, day=WED) == [("A", 100), ("A2", -100), ("A3", -200), ("A4", 350)]
    # Only the 15.00 on the bond went into another instrument's cost: out of the one and into the other.
    in_transfer = (
        "select instrument_id, sum(amount) from ledger.journal_lines where gl_account = 'securities_in_transfer' group by 1 order by 1"
    )
    assert rows(in_transfer) == [("CZ", 15), ("ZER", -15)]
    assert_books_tie()


def test_an_option_follows_the_split_of_its_underlying() -> None:
    call = {
        "instrument_id": "C", "name": "C", "product_line": "option", "market_mic": "CMES", "currency_code": "USD",
        "issuer_country_code": "US", "contract_size": 100, "expiry_date": "2026-02-20", "option_type": "CALL", "strike_price": 10,
        "underlying_instrument_id": "S",
    }  # fmt: skip
    # two more of the kind: one whose exchange tells nothing, and one whose strike is forgotten
    silent, forgotten = ({**call, "instrument_id": one, "name": one} for one in ("C-SILENT", "C-STRIKE"))
    firm = SmallFirm(instruments=[{"instrument_id": "S"}, call, silent, forgotten], accounts=("A", "A2"))
    exercise = {
        "instrument_id": "C", "event_type": "OPTION_EXERCISE", "event_status": "ANNOUNCED", "currency_code": "USD",
        "received_instrument_id": "S", "account_id": "A", "book_id": "B", "exercised_quantity": 1,
    }  # fmt: skip
    split = {
        "event_type": "SPLIT", "event_status": "ANNOUNCED", "ex_date": WED, "pay_date": WED, "currency_code": "USD", "new_units": 2,
        "old_units": 1,
    }  # fmt: skip
    others = [trade(one, MON, 1, "2.5", instrument_id=one, account_id="A2") for one in ("C-SILENT", "C-STRIKE")]
    firm.day(MON, [trade("1", MON, 3, "2.5", instrument_id="C"), *others], {"S": "12", "C": "2.5", "C-SILENT": "2.5", "C-STRIKE": "2.5"})
    before = exercise | {"event_id": "X1", "ex_date": TUE, "pay_date": TUE}
    firm.day(TUE, [], {"S": "12", "C": "2.5"}, corporate_actions=[before])
    # 100 at 10.00 and 250.00 of premium.
    assert (held(TUE, "S"), held(TUE, "C")) == ((100, 1250), (2, 500))
    # The exchange makes two of each call, at half the strike.
    both = [split | {"event_id": f"SPLIT-{one}", "instrument_id": one} for one in ("S", "C", "C-STRIKE")]
    firm.day(WED, [], {"S": "6", "C": "1.25"}, corporate_actions=both, instruments=[call | {"strike_price": 5}])
    assert (held(WED, "S"), held(WED, "C")) == ((200, 1250), (4, 500))
    assert value("select sum(total_amount) from marts.fct_profit_and_loss where business_date = :day and account_id = 'A'", day=WED) == 0
    assert not_adjusted(WED) == [("C-SILENT", "SPLIT-S", 100, 10, "S", 2, 1, WED), ("C-STRIKE", "SPLIT-S", 100, 10, "S", 2, 1, WED)]
    # A call bought on Monday is told late, so that all is worked out again: what was exercised before the split was at the strike of then.
    # One of the new calls is exercised: 100 at 5.00 and 125.00 of premium.
    after = exercise | {"event_id": "X2", "ex_date": THU, "pay_date": THU}
    firm.day(THU, [trade("2", MON, 1, "2.5", instrument_id="C")], {"S": "6", "C": "1.25"}, corporate_actions=[after])
    assert (held(THU, "S"), held(THU, "C")) == ((300, 1250 + 625), (5, 625))
    assert value("select sum(cash_amount) from marts.fct_corporate_actions where event_id = 'X1'") == -1000
    assert value("select sum(cash_amount) from marts.fct_corporate_actions where event_id = 'X2'") == -500
    # The strike of the new calls was 5.50: what was exercised since costs 50.00 more, what was exercised before does not.
    # Of the others, one is told late that it is of 200 at 5.00, and is adjusted; the other is not yet.
    corrected = [call | {"strike_price": "5.5"}, silent | {"contract_size": 200, "strike_price": 5}]
    firm.day(FRI, [], {"S": "6", "C": "1.25"}, instruments=corrected)
    assert [one for one, *_ in not_adjusted(FRI)] == ["C-STRIKE"]
    assert value("select sum(cash_amount) from marts.fct_corporate_actions where event_id = 'X1'") == -1000
    assert value("select sum(cash_amount) from marts.fct_corporate_actions where event_id = 'X2'") == -550
    assert held(FRI, "S") == (300, 1250 + 675)


def test_what_is_written_sold_forward_or_borrowed_is_no_delivery_of_what_was_not_there() -> None:
    """One contract sold, one option written, 5,000.00 borrowed: owed. 10 shares delivered that were never received: an error."""
    deal = {
        "market_mic": "XXXX", "coupon_rate": "3.6", "coupon_frequency": 1, "day_count": "ACT/360", "issue_date": MON,
        "first_coupon_date": THU, "maturity_date": THU, "product_line": "repo",
    }  # fmt: skip
    option = {
        "product_line": "option", "market_mic": "CMES", "contract_size": 100, "expiry_date": THU, "option_type": "CALL",
        "strike_price": 50, "underlying_instrument_id": "S",
    }  # fmt: skip
    firm = SmallFirm(
        instruments=[
            {"instrument_id": "S"},
            {"instrument_id": "FUT", "product_line": "future", "market_mic": "CMES", "contract_size": 50, "expiry_date": THU},
            option | {"instrument_id": "C50"},
            deal | {"instrument_id": "BORROWED"},
        ]
    )
    sold = [
        trade("1", MON, -1, "100", instrument_id="FUT"), trade("2", MON, -1, "4", instrument_id="C50"),
        trade("3", MON, -5000, "100", instrument_id="BORROWED"), trade("4", MON, -10, "50", instrument_id="S"),
    ]  # fmt: skip
    prices = {"S": "50", "FUT": "100", "C50": "4"}
    firm.day(MON, sold, prices)
    firm.day(TUE, [], prices, settlement_statuses=[*confirmed(TUE, "C50"), *confirmed(TUE, "S")])
    settled = "select instrument_id, settled_quantity from marts.fct_positions where business_date = :day order by 1"
    assert rows(settled, day=TUE) == [("BORROWED", -5000), ("C50", -1), ("FUT", -1), ("S", -10)]
    assert tripped("negative_settled_position", TUE) == {"S"}
    assert_books_tie()
