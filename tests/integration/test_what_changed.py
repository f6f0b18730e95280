"""What a closed date said stays; what is known of it now is told beside it, with the trades, prices and events that explain it."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from integration.small_firm import SmallFirm, assert_books_tie, rows, trade, value
from sqlalchemy import text
from typer.testing import CliRunner

from posttrade.cli import app
from posttrade.errors import PosttradeError
from posttrade.offices.derivations import run_dbt
from posttrade.records.database import Role, engine
from posttrade.reports.changes import Change, Figure, read_changes

pytestmark = pytest.mark.usefixtures("fresh_database")
THURSDAY, FRIDAY, MONDAY, TUESDAY = (date(2020, 3, day) for day in (5, 6, 9, 10))
BOND = {
    "instrument_id": "BOND", "product_line": "bond_fixed", "coupon_rate": 6, "coupon_frequency": 2, "day_count": "30/360",
    "issue_date": "2019-01-15", "maturity_date": "2025-01-15",
}  # fmt: skip
DIVIDEND = {
    "event_id": "DIV", "instrument_id": "I", "event_type": "CASH_DIVIDEND", "event_status": "ANNOUNCED", "ex_date": FRIDAY,
    "pay_date": "2020-03-31", "amount_per_unit": "0.10", "currency_code": "USD",
}  # fmt: skip
SPLIT = {
    "event_id": "SPLIT", "instrument_id": "I", "event_type": "SPLIT", "event_status": "ANNOUNCED", "ex_date": MONDAY,
    "pay_date": MONDAY, "currency_code": "USD", "new_units": 2, "old_units": 1,
}  # fmt: skip


def amounts(*given: str) -> tuple[Decimal, ...]:
    return tuple(Decimal(one) for one in given)


def figure(quantity: int, market_value: str, total: str) -> Figure:
    return Figure(Decimal(quantity), Decimal(market_value), Decimal(total))


def changes(day: date, known_at: datetime | None = None, book: str = "B") -> dict[str, Change]:
    return {one.instrument_id: one for one in read_changes(engine(Role.ANALYST), book, day, known_at)[1]}


def events(change: Change) -> list[tuple[Any, ...]]:
    return [(one.learned_on, one.event_type, one.event_id, one.version, one.change) for one in change.events]


def as_analyst(query: str, **parameters: object) -> Sequence[tuple[Any, ...]]:
    with engine(Role.ANALYST).connect() as connection:
        return [tuple(row) for row in connection.execute(text(query), parameters)]


def test_what_is_learned_of_a_closed_date_is_explained_and_its_evening_is_reproduced() -> None:
    """Book C gets in order what book B gets late, amended and cancelled; prices and rates of Thursday are corrected on Monday."""
    firm = SmallFirm(books=("B", "C"), instruments=({"instrument_id": "I"}, {"instrument_id": "E", "currency_code": "EUR"}, BOND))

    def in_c(one: dict[str, object], **changed: object) -> dict[str, object]:
        return {**one, "trade_id": f"C{one['trade_id']}", "book_id": "C"} | changed

    first = trade("1", THURSDAY, 100, "10.00")
    mistaken = trade("X", THURSDAY, 7, "10.00")
    late = trade("2", THURSDAY, 50, "10.50", fee_amount="0.03")
    amended = {**late, "version": 2, "event_type": "AMEND", "price": "10.40"}
    in_euro = trade("3", THURSDAY, 10, "100", instrument_id="E", currency_code="EUR")
    bond = trade("4", THURSDAY, 1000, "100", instrument_id="BOND")
    in_order = [in_c(first), in_c(late, price="10.40"), in_c(in_euro), in_c(bond)]
    rate = {"EUR": "1.10"}
    firm.day(THURSDAY, [first, mistaken, in_euro, *in_order], {"I": "10.00", "E": "100", "BOND": "100"}, rate)
    evening = {mart: rows(f"select * from marts.{mart}") for mart in ("fct_positions", "fct_profit_and_loss")}
    assert all(evening.values())
    firm.day(FRIDAY, [late, bond], {"I": "11.00"}, rate)
    firm.deliver(
        MONDAY,
        "prices",
        [
            {"instrument_id": "I", "price_date": day, "price": price, "currency_code": "USD"}
            for day, price in ((MONDAY, "12.00"), (THURSDAY, "9.50"))
        ],
    )
    corrected_rates = [
        {"currency_code": "EUR", "base_currency_code": "USD", "rate_date": day, "rate": price}
        for day, price in ((MONDAY, "1.10"), (THURSDAY, "1.20"))
    ]
    firm.day(MONDAY, [amended, {"trade_id": "X", "version": 2, "event_type": "CANCEL"}], fx_rates=corrected_rates)
    firm.day(TUESDAY, [], {"I": "12.00"}, rate, corporate_actions=[DIVIDEND, SPLIT])

    # Thursday: 107 at 10.00 were reported. 50 more came late, 525.03 paid, then 520.03; 7 went; 150 lose 0.50.
    thursday = changes(THURSDAY)
    assert thursday["I"].as_known == figure(107, "1070", "0")
    assert events(thursday["I"]) == [
        (FRIDAY, "LATE", "CSV~2", 1, figure(50, "500", "-25.03")),
        (MONDAY, "AMENDMENT", "CSV~2", 2, figure(0, "0", "5.00")),
        (MONDAY, "CANCELLATION", "CSV~X", 2, figure(-7, "-70", "0")),
        (MONDAY, "PRICE", "2020-03-05", 1, figure(0, "-75", "-75")),
    ]
    assert thursday["I"].as_known_now == figure(150, "1425", "-95.03")
    assert events(thursday["E"]) == [(MONDAY, "FX_RATE", "EUR 2020-03-05", 1, figure(0, "100", "100"))]
    # The 1,000.00 euro that are owed for it are dearer by as much.
    assert events(thursday["CASH:EUR"]) == [(MONDAY, "FX_RATE", "EUR 2020-03-05", 1, figure(0, "-100", "-100"))]
    # The bond settles on 9 March, 54 days of 30/360 after its coupon: 0.9 % are bought and held.
    assert events(thursday["BOND"]) == [(FRIDAY, "LATE", "CSV~4", 1, figure(1000, "1000", "0"))]
    accrued = "select accrued_interest_amount, accrued_interest_amount_base from marts.rpt_what_changed where event_id = 'CSV~4'"
    assert set(rows(accrued)) == {amounts("9.00", "9.00")}
    # Friday has a price of its own. The dividend that Tuesday tells is on the 150 of Thursday.
    friday = changes(FRIDAY)
    assert friday["I"].as_known == figure(157, "1727", "131.97")
    assert events(friday["I"]) == [
        (MONDAY, "AMENDMENT", "CSV~2", 2, figure(0, "0", "5.00")),
        (MONDAY, "CANCELLATION", "CSV~X", 2, figure(-7, "-77", "-7")),
        (TUESDAY, "INCOME", "DIV", None, figure(0, "0", "15.00")),
    ]
    monday = changes(MONDAY)
    assert events(monday["I"]) == [
        (TUESDAY, "CORPORATE_ACTION", "SPLIT", None, figure(150, "1800", "1800")),
        (TUESDAY, "INCOME", "DIV", None, figure(0, "0", "15.00")),
    ]
    # What is known now of a date is what the book that got everything in order knows.
    for day in (THURSDAY, FRIDAY, MONDAY, TUESDAY):
        late_book, ordered_book = changes(day), changes(day, book="C")
        assert late_book.keys() == ordered_book.keys() == {"I", "E", "BOND"} | ({"CASH:EUR"} if day == THURSDAY else set())
        assert all(one.as_known_now == ordered_book[name].as_known_now for name, one in late_book.items()), day

    assert (
        len(
            run_dbt(
                ["test", "--select", "rpt_what_changed", "what_changed_leads_to_the_trades_in_force", "--exclude", "test_type:unit"],
                TUESDAY,
            ).results
        )
        == 2
    )

    # As known at a moment: the last date closed by then.
    closed_at = dict(as_analyst("select business_date, closed_at from marts.dim_business_dates where is_closed"))
    on_friday = changes(THURSDAY, closed_at[FRIDAY])["I"]
    assert on_friday.as_known == figure(157, "1570", "-25.03")
    assert [one.learned_on for one in on_friday.events] == [MONDAY] * 3
    with pytest.raises(PosttradeError, match=r"2020-03-06 was not closed at 2.*\. Ask for a closed date"):
        changes(FRIDAY, closed_at[THURSDAY])
    with pytest.raises(PosttradeError, match="There is no book Z"):
        changes(FRIDAY, book="Z")
    for name, mart in (("positions", "fct_positions"), ("results", "fct_profit_and_loss")):
        known = f"select * from {name}_as_known_at(:moment)"
        assert sorted(as_analyst(known, moment=closed_at[THURSDAY]), key=str) == sorted(evening[mart], key=str)
        assert len(as_analyst(known, moment=closed_at[TUESDAY])) == value(f"select count(*) from marts.{mart}")
    assert as_analyst("select * from changes_as_known_at(:moment)", moment=closed_at[THURSDAY]) == []
    known = "select quantity, market_value_amount_base, total_to_date_amount_base from figures_as_known_at(:day, :moment) where {}"
    of_one = known.format("book_id = 'B' and instrument_id = 'I'")
    assert as_analyst(of_one, day=THURSDAY, moment=closed_at[THURSDAY]) == [amounts("107", "1070", "0")]
    assert as_analyst(of_one, day=THURSDAY, moment=closed_at[FRIDAY]) == [amounts("157", "1570", "-25.03")]
    assert as_analyst(of_one, day=THURSDAY, moment=closed_at[TUESDAY]) == [amounts("150", "1425", "-95.03")]
    assert as_analyst(of_one, day=FRIDAY, moment=closed_at[THURSDAY]) == []
    for day in (THURSDAY, FRIDAY, MONDAY, TUESDAY):
        of_book = known.replace("select", "select instrument_id, accrued_interest_amount_base,").format("book_id = :book order by 1")
        late_book, ordered_book = (as_analyst(of_book, day=day, moment=closed_at[TUESDAY], book=book) for book in ("B", "C"))
        assert late_book == ordered_book != [], day

    printed = CliRunner().invoke(app, ["changes", "--book", "B", "--date", "2020-03-05"]).output
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in printed.splitlines() if "│" in line]
    assert ["I", "as known then", "107", "1,070.00", "0.00"] in cells
    assert ["", "2020-03-09 PRICE 2020-03-05 1 (A)", "0", "-75.00", "-75.00"] in cells
    assert ["", "as known now", "150", "1,425.00", "-95.03"] in cells
    assert "Nothing that was learned since" in CliRunner().invoke(app, ["changes", "--book", "B", "--date", "2020-03-10"]).output
    moment = CliRunner().invoke(app, ["changes", "--book", "B", "--date", "2020-03-05", "--known-at", "2020-03-06T18:00"])
    assert str(moment.exception) == "'2020-03-06T18:00' is no moment with its offset. Write it as 2026-01-06T18:00:00+00:00."
    assert_books_tie()


def test_a_corrected_fixing_or_coupon_rate_is_told_of_each_closed_date_it_changes() -> None:
    """ACT/360 on 1,000,000 from 7 January: a day at 4 % is 111.11, two are 222.22; at 3 %, 83.33 and 166.67.

    The index of LAG is fixed two business days before. FIXED pays 6 % of 30/360 since July: 179 days up to 6 January, the day on which
    what is held on the 5th settles, then 180; its rate was 3 %. What is held on the 6th settles on the 7th, when nothing has accrued of
    the new period.
    """
    mon, tue, wed, thu, fri = (date(2026, 1, day) for day in (5, 6, 7, 8, 9))
    floating = {
        "instrument_id": "FLOATER", "product_line": "bond_floating", "coupon_frequency": 2, "day_count": "ACT/360", "index_name": "X6M",
        "spread": 0, "issue_date": "2025-07-07", "maturity_date": "2030-07-07",
    }  # fmt: skip
    lagged = {**floating, "instrument_id": "LAG", "index_name": "Y6M", "fixing_days": 2}
    fixed = {
        "instrument_id": "FIXED", "product_line": "bond_fixed", "coupon_rate": 6, "coupon_frequency": 1, "day_count": "30/360",
        "issue_date": "2024-07-07", "maturity_date": "2030-07-07",
    }  # fmt: skip
    names = ("FLOATER", "LAG", "FIXED")
    firm, prices = SmallFirm(instruments=[floating, lagged, fixed]), dict.fromkeys(names, "100")

    def fixing(index_name: str, day: date | str, rate: str) -> dict[str, object]:
        return {"index_name": index_name, "fixing_date": day, "rate": rate}

    bought = [trade(name, mon, 1_000_000, "100", instrument_id=name, settlement_date=tue) for name in names]
    in_summer = [fixing("X6M", "2025-07-07", "4"), fixing("Y6M", "2025-07-02", "4"), fixing("Y6M", "2025-07-03", "4")]
    firm.day(mon, bought, prices, index_fixings=[*in_summer, fixing("Y6M", mon, "4")])
    firm.day(tue, [], prices)
    firm.day(wed, [], prices, index_fixings=[fixing("X6M", wed, "4")])
    firm.day(thu, [], prices)
    assert rows("select * from marts.rpt_what_changed") == []
    evenings = "select accrued_interest_amount from marts.fct_positions where instrument_id = :name order by business_date"
    reported = {name: [one for (one,) in rows(evenings, name=name)] for name in names}
    assert reported["FLOATER"][2:] == reported["LAG"][2:] == [Decimal("111.11"), Decimal("222.22")]
    corrected = {"name": "FIXED", "currency_code": "USD", "market_mic": "XNYS", "issuer_country_code": "US"} | fixed | {"coupon_rate": 3}
    firm.day(fri, [], prices, index_fixings=[fixing("X6M", wed, "3"), fixing("Y6M", mon, "3")], instruments=[corrected])
    told = rows(
        "select instrument_id, figure_date, event_type, event_id, event_version, changed_quantity, market_value_amount,"
        " accrued_interest_amount, total_amount, total_amount_base, business_date from marts.rpt_what_changed order by 1, 2"
    )

    def terms(name: str, day: date, event_id: str, version: int | None, change: str) -> tuple[Any, ...]:
        return (name, day, "TERMS", event_id, version, 0, 0, *amounts(change, change, change), fri)

    # 29,833.33 less 14,916.67; 30,000 less 15,000; 181 and 182 days: 30,166.67 less 15,083.33, 30,333.33 less 15,166.67
    assert told == [
        terms("FIXED", mon, "FIXED", None, "-14916.66"), terms("FIXED", tue, "FIXED", None, "-15000"),
        terms("FIXED", wed, "FIXED", None, "-15083.34"), terms("FIXED", thu, "FIXED", None, "-15166.66"),
        terms("FLOATER", wed, "X6M 2026-01-07", 1, "-27.78"), terms("FLOATER", thu, "X6M 2026-01-07", 1, "-55.55"),
        terms("LAG", wed, "Y6M 2026-01-05", 1, "-27.78"), terms("LAG", thu, "Y6M 2026-01-05", 1, "-55.55"),
    ]  # fmt: skip
    assert {name: [one for (one,) in rows(evenings, name=name)][:4] for name in names} == reported
    assert_books_tie()
