"""Value dates of currency forwards that are told anew: before they come, after they came, and on which date they cannot be.

All figures are worked out by hand, or are those of a twin that had the value date from the start.
"""

from datetime import date

import pytest
from integration.small_firm import SmallFirm, alerts, assert_books_tie, assert_rebuilt_the_same, rows, trade, value
from integration.test_forwards import CASH, FRI, MON, PAIR, THU, TUE, WED, curve, decimals, factor, outright

from posttrade.offices import front_office
from posttrade.offices.derivations import run_dbt
from posttrade.records.database import Role, engine
from posttrade.records.trade_releases import decide_on_trade

pytestmark = pytest.mark.usefixtures("fresh_database")
MONDAY = date(2026, 1, 12)
FIRM = {"firm_id": "EXAMPLE", "name": "Example Firm", "base_currency_code": "EUR", "home_calendar": "XNYS"}


def forward(instrument_id: str, value_date: date) -> dict[str, object]:
    """A row of instruments.csv, as it comes first and as it comes anew."""
    return PAIR | {
        "instrument_id": instrument_id, "name": instrument_id, "product_line": "fx_forward", "issuer_country_code": "US",
        "maturity_date": value_date,
    }  # fmt: skip


def test_a_value_date_is_not_moved_to_where_trades_were_dealt() -> None:
    """The forward is for Friday. On Wednesday it is told to have been for Tuesday, the date of a trade in force; on Friday, when the
    cancellation of that one is released, another of Monday waits to be amended to Tuesday. Once that is refused, it is for Tuesday."""
    firm = SmallFirm(base="EUR", books=("B", "C"), instruments=[forward("FWD", FRI)])
    of_forward = {"instrument_id": "FWD"}
    monday = trade("W", MON, 1000, "1.11", book_id="C", **of_forward)
    told = [forward("FWD", TUE)]
    rejected = "select business_date, kind, reason_code, field, value from operations.exceptions order by 1, 2, 3"
    on_tuesday = [(day, "instruments", "NOT_AFTER_ITS_TRADES", "maturity_date", "2026-01-06") for day in (WED, FRI)]
    held = "select traded_quantity, market_value_amount from marts.fct_positions where business_date = :day and book_id = :book"
    firm.day(MON, [monday], {}, {"USD": "0.80"}, firms=[FIRM | {"posting_cutoff_days": 1}], **curve(MON, FRI, "1.12", "0.999"))
    firm.day(TUE, [trade("1", TUE, 1000, "1.11", **of_forward)], {}, {"USD": "0.90"}, **curve(TUE, FRI, "1.12", "0.999"))
    # One business day before Wednesday is Tuesday: the amended trade reaches beyond it and waits.
    later = monday | {"version": 2, "event_type": "AMEND", "trade_date": TUE, "executed_at": f"{TUE}T15:00:00Z"}
    firm.day(WED, [later], {}, {"USD": "0.80"}, instruments=told, **curve(WED, FRI, "1.12", "0.999"))
    assert rows(rejected) == on_tuesday[:1]
    # 1,000.00 x 0.01 x 0.999, and nothing was exchanged
    assert rows(held, day=WED, book="B") == [decimals((1000, "9.99"))]
    assert value(CASH, book="B", currency="EUR") == 0
    assert rows("select trade_id, version from operations.held_trade_events") == [("CSV~W", 2)]
    cancelled = {"trade_id": "1", "version": 2, "event_type": "CANCEL"}
    firm.day(THU, [cancelled], {}, {"USD": "0.80"}, **curve(THU, FRI, "1.12", "0.999"))
    # So does the cancellation, on Thursday; once it is released, what waits of the other trade is reason enough.
    decide_on_trade("CSV~1", 2, "RELEASED", "Ada", "the broker's mistake", FRI, engine(Role.OPERATOR))
    firm.deliver(FRI, "instruments", told)
    assert front_office.record_reference_data(FRI, engine(Role.LOADER))["rejected"] == 1
    assert rows(rejected) == on_tuesday
    decide_on_trade("CSV~W", 2, "REFUSED", "Ada", "dealt on Monday", FRI, engine(Role.OPERATOR))
    # Dealt on the new value date, neither comes in.
    together = [trade("2", TUE, 500, "1.11", **of_forward), later | {"version": 3}]
    firm.day(FRI, together, {}, {"USD": "0.80"}, instruments=[told[0] | {"name": "For Tuesday"}])
    assert rows(rejected) == [
        *on_tuesday, (FRI, "trades", "NOT_BEFORE_VALUE_DATE", "trade_date", "2026-01-06"),
        (FRI, "trades", "NOT_BEFORE_VALUE_DATE", "trade_date", "2026-01-06"),
    ]  # fmt: skip
    # 1,000.00 euro were 1,111.11 dollars on Tuesday, 1.11 more than was given: 1,000.00 - 999.00 euro.
    assert rows("select sum(total_amount_base) from marts.fct_profit_and_loss where instrument_id = 'FWD' and book_id = 'C'") == [(1,)]
    assert (value(CASH, book="C", currency="EUR"), value(CASH, book="C", currency="USD")) == (1000, -1110)
    assert (value(CASH, book="B", currency="EUR"), value(CASH, book="B", currency="USD")) == (0, 0)
    assert alerts("forward_held_after_its_date", FRI) == []
    assert_books_tie()


# Euro against dollars, 1,000.00 bought on Monday at 1.11 by each book in a forward of its own name. Dollars are 0.90, 0.92, 0.90, 0.80,
# 0.80, 0.80. Outright rates of Monday and Tuesday are for Wednesday and Thursday, of Wednesday for Thursday, of Friday for Monday. Told on
# Friday to be exchanged
#   MOVED     on Wednesday in place of Thursday
#   PUT_OFF   on the Monday after; nothing was quoted for it before, so it stood at nothing
#   TWICE     on Wednesday, and told on Monday to be exchanged on Tuesday
#   SOON      for Thursday, told on Wednesday to have been for Tuesday
DATES = {"MOVED": "WEDNESDAY", "PUT_OFF": "MONDAY", "TWICE": "TUESDAY", "SOON": "TUESDAY"}


def test_a_value_date_told_anew_is_as_if_it_had_been_told_at_once() -> None:
    twins = [forward("TUESDAY", TUE), forward("WEDNESDAY", WED), forward("MONDAY", MONDAY)]
    names = [*DATES, *(str(one["instrument_id"]) for one in twins)]
    firm = SmallFirm(base="EUR", books=names, instruments=[*(forward(name, THU) for name in DATES), *twins])
    both_days = {
        day: {
            "forward_rates": [outright(day, WED, "1.115"), outright(day, THU, rate)],
            "discount_factors": [factor(day, WED, "0.9995"), factor(day, THU, "0.999")],
        }
        for day, rate in ((MON, "1.12"), (TUE, "1.10"))
    }
    dealt = [trade(name, MON, 1000, "1.11", book_id=name, instrument_id=name) for name in names]
    firm.day(MON, dealt, {}, {"USD": "0.90"}, **both_days[MON])
    firm.day(TUE, [], {}, {"USD": "0.92"}, **both_days[TUE])
    firm.day(WED, [], {}, {"USD": "0.90"}, instruments=[forward("SOON", TUE)], **curve(WED, THU, "1.15", "0.9999"))
    firm.day(THU, [], {}, {"USD": "0.80"})
    told = [forward("MOVED", WED), forward("TWICE", WED), forward("PUT_OFF", MONDAY)]
    firm.day(FRI, [], {}, {"USD": "0.80"}, instruments=told, **curve(FRI, MONDAY, "1.22", "1"))
    firm.day(MONDAY, [], {}, {"USD": "0.80"}, instruments=[forward("TWICE", TUE)])

    # On Wednesday 1,000.00 euro were 1,111.11 dollars, 1.11 more than was given; 1,110.00 dollars were 999.00 euro, and 888.00 on Thursday.
    known = (
        "select quantity, market_value_amount_base, total_to_date_amount_base from marts.figures_as_known_at(:day,"
        " (select max(closed_at) from marts.dim_business_dates)) where book_id = 'MOVED' and instrument_id = :name"
    )
    assert rows(known, day=WED, name="MOVED") == [decimals((0, 0, "1.00"))]
    assert rows(known, day=WED, name="CASH:USD") == [decimals((0, 0, 0))]
    assert rows(known, day=THU, name="MOVED") == [decimals((0, 0, "1.00"))]
    assert rows(known, day=THU, name="CASH:USD") == [decimals((0, 0, "111.00"))]
    # On Thursday evening it was worth 1,250.00 - 1,110.00 dollars, 112.00 euro.
    assert rows(
        "select figure_date, instrument_id, event_type, market_value_amount_base, total_amount_base from marts.rpt_what_changed"
        " where book_id = 'MOVED' and figure_date = :day order by 2, 3", day=THU,
    ) == [(THU, "CASH:USD", "AMENDMENT", 0, 111), (THU, "MOVED", "CORPORATE_ACTION", 0, -111)]  # fmt: skip
    assert rows("select sum(realised_amount) from marts.fct_realised_results where instrument_id = 'MOVED'") == [decimals(("1.11",))]
    told_of = (
        "select corporate_actions_amount_base, total_amount_base from marts.fct_profit_and_loss"
        " where book_id = 'MOVED' and business_date = :day and instrument_id = 'MOVED'"
    )
    assert rows(told_of, day=FRI) == [decimals((-111, -111))]

    figures = (
        "select replace(instrument_id, :book, 'IT'), quantity, market_value_amount_base, accrued_interest_amount_base,"
        " total_to_date_amount_base from marts.figures_as_known_at(:day, (select max(closed_at) from marts.dim_business_dates))"
        " where book_id = :book order by 1"
    )
    for name, twin in DATES.items():
        for day in (MON, TUE, WED, THU, FRI, MONDAY):
            found, expected = ([row for row in rows(figures, day=day, book=book) if any(row[1:])] for book in (name, twin))
            assert found == expected, (name, day)
        for currency in ("EUR", "USD"):
            assert value(CASH, book=name, currency=currency) == value(CASH, book=twin, currency=currency) != 0, (name, currency)
        realised = "select sum(realised_amount), sum(realised_amount_base) from marts.fct_realised_results where book_id = :book"
        assert rows(realised, book=name) == rows(realised, book=twin), name
        assert alerts("forward_held_after_its_date", MONDAY) == []
    assert_books_tie()
    identities = ["value_change_is_explained", "what_changed_leads_to_the_trades_in_force", "income_statement_is_managements_result",
                  "returns_are_of_the_positions_and_results", "balance_sheet_balances", "fct_trades", "fct_positions"]  # fmt: skip
    assert len(run_dbt(["test", "--select", *identities, "--exclude", "test_type:unit"], MONDAY).results) >= len(identities)
    assert_rebuilt_the_same()


def test_a_forward_that_loses_its_curve_loses_its_value_by_the_price() -> None:
    """Quotes reach Thursday. On Tuesday the forward is told to be for Friday, which none ever reached: the 9.99 dollars of Monday, 8.99
    euro at 0.90 and 9.19 at 0.92, are gone, and nothing was traded."""
    firm = SmallFirm(base="EUR", instruments=[forward("FWD", THU)])
    firm.day(MON, [trade("1", MON, 1000, "1.11", instrument_id="FWD")], {}, {"USD": "0.90"}, **curve(MON, THU, "1.12", "0.999"))
    told = [forward("FWD", FRI)]
    firm.day(TUE, [], {}, {"USD": "0.92"}, instruments=told, **curve(TUE, THU, "1.12", "0.999"))
    parts = ", ".join(f"{name}_amount_base" for name in ("price", "fx_translation", "new_trades", "corporate_actions", "total"))
    result = f"select price_amount, new_trades_amount, {parts} from marts.fct_profit_and_loss"
    result += " where business_date = :day and instrument_id = 'FWD'"
    assert rows(result, day=TUE) == [decimals(("-9.99", 0, "-9.19", "0.20", 0, 0, "-8.99"))]
    # So it was on Monday, as it is known now.
    assert rows(
        "select figure_date, event_type, exposure_amount, market_value_amount, market_value_amount_base, total_amount_base"
        " from marts.rpt_what_changed"
    ) == [(MON, "TERMS", *decimals((-10, "-9.99", "-8.99", "-8.99")))]
    assert_books_tie()


def test_a_forward_is_cancelled_whatever_dates_its_cancellation_repeats() -> None:
    """Told for Thursday, put off to Friday, and cancelled by a row that repeats Thursday."""
    firm = SmallFirm(base="EUR", instruments=[forward("FWD", THU)])
    dealt = trade("1", MON, 1000, "1.11", instrument_id="FWD", settlement_date=THU)
    firm.day(MON, [dealt], {}, {"USD": "0.92"}, **curve(MON, FRI, "1.11", "0.99"))
    firm.day(TUE, [], {}, {"USD": "0.92"}, instruments=[forward("FWD", FRI)], **curve(TUE, FRI, "1.11", "0.99"))
    firm.day(WED, [dealt | {"version": 2, "event_type": "CANCEL"}], {}, {"USD": "0.92"})
    assert rows("select reason_code from operations.exceptions where kind = 'trades'") == []
    assert value("select coalesce(sum(traded_quantity), 0) from marts.fct_positions where business_date = :day", day=WED) == 0
    assert_books_tie()
