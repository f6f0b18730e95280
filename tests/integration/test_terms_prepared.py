"""What the middle office works out before it values: settlement dates, coupons, accrued interest."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from posttrade.offices.middle_office import prepare_terms
from posttrade.offices.published_procedures import publish_procedures
from posttrade.records.database import Role, engine

MONDAY, TUESDAY, WEDNESDAY = date(2026, 1, 5), date(2026, 1, 6), date(2026, 1, 7)


class Books:
    """Writes facts straight into the tables, as the loader would."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection

    def instrument(self, instrument_id: str, market: str = "XETR", sha: str = "terms-1", day: date = MONDAY) -> None:
        self.connection.execute(
            "insert into books.instruments values (%s, null, 'Example', 'equity', 'EUR', %s, 'DE',"
            " null, null, null, null, null, null, %s, 1, %s, 'f', 1)",
            (instrument_id, market, day, sha),
        )

    def bond(self, instrument_id: str, *, rate: str = "4", first: str | None = None, sha: str = "terms-1", day: date = MONDAY) -> None:
        self.connection.execute(
            "insert into books.instruments values (%s, null, 'Example', 'bond_fixed', 'EUR', 'XETR', 'DE',"
            " %s, 1, 'ACT/ACT ICMA', '2024-07-01', %s, '2028-07-01', %s, 1, %s, 'f', 1)",
            (instrument_id, rate, first, day, sha),
        )

    def stated(self, instrument_id: str, line: str, sha: str = "terms-1", day: date = MONDAY, **terms: object) -> None:
        """A bond of any line, from 15 July 2025 to 15 July 2027."""
        cells = {
            "instrument_id": instrument_id, "name": "Example", "product_line": line, "currency_code": "EUR", "market_mic": "XETR",
            "issuer_country_code": "DE", "issue_date": "2025-07-15", "maturity_date": "2027-07-15", "business_date": day, "revision": 1,
            "content_sha": sha, "file_id": "f", "line_no": 1,
        } | terms  # fmt: skip
        self.connection.execute(
            f"insert into books.instruments ({', '.join(cells)}) values ({', '.join(['%s'] * len(cells))})", list(cells.values())
        )

    def floater(self, instrument_id: str, **terms: object) -> None:
        self.stated(
            instrument_id, "bond_floating", coupon_frequency=2, day_count="ACT/360", index_name="EURIBOR-6M", spread="0.5",
            business_calendar="TARGET", fixing_days=2, **terms,
        )  # fmt: skip

    def fixing(self, fixing_date: str, rate: str, day: date = MONDAY) -> None:
        self.connection.execute(
            "insert into books.index_fixings values ('EURIBOR-6M', %s, %s, %s, 1, 'c', 'f', 1)", (fixing_date, rate, day)
        )

    def repayment(self, instrument_id: str, repayment_date: str, percent: str, day: date = MONDAY) -> None:
        self.connection.execute(
            "insert into books.bond_repayments values (%s, %s, %s, %s, 1, 'c', 'f', 1)", (instrument_id, repayment_date, percent, day)
        )

    def listed(self, instrument_id: str, coupon_date: str, percent: str | None, day: date = MONDAY, state: str = "LISTED") -> None:
        self.connection.execute(
            "insert into books.bond_coupon_dates values (%s, %s, %s, %s, %s, 1, 'c', 'f', 1)",
            (instrument_id, coupon_date, state, percent, day),
        )

    def trade(self, trade_id: str, instrument_id: str, trade_date: str, settlement_date: str | None = None, day: date = MONDAY) -> None:
        self.connection.execute(
            "insert into books.trade_versions (trade_id, version, event_type, source_system, book_id, account_id,"
            " instrument_id, trade_date, executed_at, settlement_date, quantity, price, currency_code, fee_amount,"
            " content_sha, business_date, file_id, line_no)"
            " values (%s, 1, 'NEW', 'CSV', 'B', 'A', %s, %s, now(), %s, 100, 100, 'EUR', 0, 'c', %s, 'f', 1)",
            (trade_id, instrument_id, trade_date, settlement_date, day),
        )

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(query).fetchall()


@pytest.fixture
def books(fresh_database: str) -> Iterator[Books]:
    with psycopg.connect(fresh_database.replace("+psycopg", ""), autocommit=True) as connection:
        yield Books(connection)


def prepare(day: date = MONDAY) -> dict[str, int]:
    return prepare_terms(day, engine(Role.LOADER))


def test_settlement_dates_of_the_day_and_of_late_trades(books: Books) -> None:
    books.instrument("SAP.EX")
    books.instrument("IBM.EX", "XNYS")
    books.trade("CSV~1", "IBM.EX", "2024-10-11")
    prepare()
    found = books.rows(
        "select market_mic, trade_date::text, settlement_date::text from books.settlement_cycles"
        " where trade_date in ('2026-01-05', '2024-10-11') order by 1, 2"
    )
    assert found == [
        ("XETR", "2026-01-05", "2026-01-07"),
        ("XNYS", "2024-10-11", "2024-10-15"),  # Columbus Day is no settlement day
        ("XNYS", "2026-01-05", "2026-01-06"),
    ]


def test_every_session_of_the_last_weeks_has_its_settlement_date(books: Books) -> None:
    """The ex date of a coupon is looked up there, also when nothing was traded that day."""
    books.instrument("SAP.EX")
    prepare()
    (sessions,) = books.rows("select count(*) from books.settlement_cycles where trade_date between '2025-12-19' and '2026-01-05'")
    assert sessions == (7,)  # the 19th, 22nd, 23rd, 29th and 30th of December, the 2nd and 5th of January


def test_coupons_and_accruals_of_a_bond(books: Books) -> None:
    books.bond("BUND.EX")
    books.trade("CSV~1", "BUND.EX", "2026-01-05", "2026-02-02")
    books.trade("CSV~2", "BUND.EX", "2025-12-22")
    counts = prepare()
    assert books.rows(
        "select coupon_date::text, pay_date::text, coupon_percent, redemption_percent from books.bond_coupons order by 1"
    ) == [
        ("2025-07-01", "2025-07-01", 4, 0),
        ("2026-07-01", "2026-07-01", 4, 0),
        ("2027-07-01", "2027-07-01", 4, 0),
        ("2028-07-01", "2028-07-03", 4, 100),
    ]
    expected = [  # days since 2025-07-01 of 365
        ("2025-12-29", 181),  # T+2 of the late trade, over Christmas
        ("2026-01-07", 190),  # T+2 of the day: what positions are valued with
        ("2026-02-02", 216),  # the date agreed
    ]
    assert books.rows("select accrual_date::text, accrued_percent from books.bond_accruals order by 1") == [
        (day, (Decimal(days) * 4 / 365).quantize(Decimal("1e-10"))) for day, days in expected
    ]
    assert (counts["coupons"], counts["accruals"]) == (4, 3)


def test_a_second_run_adds_nothing_and_the_next_day_one_accrual(books: Books) -> None:
    books.bond("BUND.EX")
    prepare()
    assert prepare() == {"settlement_dates": 0, "coupons": 0, "accruals": 0, "unusable": 0, "held": 0, "found": 0}
    assert prepare(TUESDAY) == {"settlement_dates": 1, "coupons": 0, "accruals": 1, "unusable": 0, "held": 0, "found": 0}


def test_two_runs_at_once_record_everything_once(books: Books) -> None:
    for number in range(30):
        books.bond(f"BUND{number:02}.EX")
    with ThreadPoolExecutor(2) as threads:
        counts = list(threads.map(prepare, [MONDAY, MONDAY]))
    assert sum(one["coupons"] for one in counts) == 30 * 4
    assert sum(one["accruals"] for one in counts) == 30


def test_corrected_terms_stand_beside_the_old_ones(books: Books) -> None:
    books.bond("BUND.EX")
    prepare()
    books.bond("BUND.EX", rate="5", sha="terms-2", day=TUESDAY)
    prepare(TUESDAY)
    assert books.rows("select terms_sha, coupon_percent, count(*) from books.bond_coupons group by 1, 2 order by 1") == [
        ("terms-1", 4, 4),
        ("terms-2", 5, 4),
    ]
    assert prepare() == {"settlement_dates": 0, "coupons": 0, "accruals": 0, "unusable": 0, "held": 0, "found": 0}


def test_a_corrected_market_settles_an_amended_trade_by_its_new_rules(books: Books) -> None:
    books.instrument("SAP.EX", "XNYS")
    books.trade("CSV~1", "SAP.EX", "2025-06-02")
    prepare()
    books.instrument("SAP.EX", "XETR", sha="terms-2", day=TUESDAY)
    books.connection.execute(
        "insert into books.trade_versions (trade_id, version, event_type, source_system, content_sha, business_date,"
        " file_id, line_no) values ('CSV~1', 2, 'CANCEL', 'CSV', 'c2', %s, 'f', 2)",
        (TUESDAY,),
    )
    prepare(TUESDAY)
    assert books.rows(
        "select market_mic, settlement_date::text from books.settlement_cycles where trade_date = '2025-06-02' order by 1"
    ) == [("XETR", "2025-06-04"), ("XNYS", "2025-06-03")]


WAITING = "select trade_id, version, reason, business_date, found_date from books.trades_held_for_terms order by 1, 2"


def test_trades_wait_for_terms_that_cannot_be_used_and_the_others_go_on(books: Books) -> None:
    books.instrument("WRONG.EX", "XNEW")
    books.bond("ODD.EX", first="2030-01-01")
    books.bond("BUND.EX")
    assert prepare()["unusable"] == 2
    assert books.rows("select distinct instrument_id from books.bond_coupons") == [("BUND.EX",)]

    books.trade("CSV~1", "ODD.EX", "2026-01-06", day=TUESDAY)
    books.trade("CSV~2", "WRONG.EX", "2026-01-06", day=TUESDAY)
    books.trade("CSV~3", "BUND.EX", "2026-01-06", day=TUESDAY)
    books.trade("CSV~4", "BUND.EX", "1950-01-03", day=TUESDAY)
    assert prepare(TUESDAY)["held"] == 3
    waiting = {trade_id: reason for trade_id, _, reason, _, _ in books.rows(WAITING)}
    assert waiting.keys() == {"CSV~1", "CSV~2", "CSV~4"}
    assert waiting["CSV~1"].startswith("the terms of the bond cannot be used: the first coupon falls on")
    assert waiting["CSV~2"] == "how the market XNEW settles is unknown"
    assert waiting["CSV~4"].startswith("the settlement date of a trade of 1950-01-03 in the market XETR is unknown: ")
    books.bond("ODD.EX", first="2025-07-01", sha="terms-2", day=WEDNESDAY)
    books.instrument("WRONG.EX", "XETR", sha="terms-2", day=WEDNESDAY)
    assert prepare(WEDNESDAY)["found"] == 2
    assert [(trade_id, found) for trade_id, _, _, _, found in books.rows(WAITING)] == [
        ("CSV~1", WEDNESDAY),
        ("CSV~2", WEDNESDAY),
        ("CSV~4", None),
    ]


COUPONS_OF_TODAY = (
    "select coupon_date::text, coupon_percent from books.bond_coupons where terms_sha = (select terms_sha from books.bond_terms"
    " order by business_date desc, revision desc limit 1) order by 1"
)


def test_a_trade_that_needs_a_missing_fixing_waits_for_it(books: Books) -> None:
    books.floater("FRN.EX")
    assert prepare()["unusable"] == 1  # nobody trades it: a control tells whether it is held
    books.trade("CSV~1", "FRN.EX", "2026-01-05")
    assert prepare()["held"] == 1
    reason = (
        "accrued interest on 2026-01-07 needs the fixing of the period from 2025-07-15,"
        " EURIBOR-6M of 2025-07-11"  # two business days before Tuesday the 15th
    )
    assert books.rows(WAITING) == [("CSV~1", 1, reason, MONDAY, None)]
    assert prepare()["held"] == 0
    books.fixing("2025-07-11", "2.05")
    counts = prepare()
    assert (counts["unusable"], counts["found"]) == (0, 1)
    assert books.rows(WAITING) == [("CSV~1", 1, reason, MONDAY, MONDAY)]
    assert books.rows("select accrued_percent from books.bond_accruals") == [((Decimal("2.55") * 176 / 360).quantize(Decimal("1e-10")),)]


def test_new_fixings_make_new_terms_and_those_of_other_periods_do_not(books: Books) -> None:
    books.floater("FRN.EX")
    books.fixing("2025-07-11", "2.05")
    assert prepare()["coupons"] == 4
    first = (Decimal("2.55") * 184 / 360).quantize(Decimal("1e-10"))
    assert books.rows(COUPONS_OF_TODAY) == [("2026-01-15", first), ("2026-07-15", None), ("2027-01-15", None), ("2027-07-15", None)]
    books.fixing("2026-01-12", "9.99", TUESDAY)  # of a day that fixes nothing of this bond
    assert prepare(TUESDAY)["coupons"] == 0
    books.fixing("2026-01-13", "2.10", TUESDAY)
    assert prepare(TUESDAY)["coupons"] == 4
    second = (Decimal("2.60") * 181 / 360).quantize(Decimal("1e-10"))
    assert books.rows(COUPONS_OF_TODAY)[:2] == [("2026-01-15", first), ("2026-07-15", second)]
    # The day before knows what it knew.
    assert prepare() == {"settlement_dates": 0, "coupons": 0, "accruals": 0, "unusable": 0, "held": 0, "found": 0}
    assert books.rows("select business_date, count(*) from books.bond_terms group by 1 order by 1") == [(MONDAY, 1), (TUESDAY, 1)]


def test_a_repayment_plan_that_changes_makes_new_terms(books: Books) -> None:
    books.stated("AMO.EX", "bond_amortising", coupon_rate=6, coupon_frequency=1, day_count="ACT/ACT ICMA")
    assert prepare()["unusable"] == 1  # no plan yet
    books.repayment("AMO.EX", "2026-07-15", "25")
    assert prepare()["coupons"] == 2
    plan = "select coupon_percent, redemption_percent from books.bond_coupons where terms_sha = any(%s) order by coupon_date"
    latest = "select terms_sha from books.bond_terms order by business_date desc, revision desc limit 1"
    assert books.connection.execute(plan, ([books.rows(latest)[0][0]],)).fetchall() == [(6, 25), (6, 75)]
    books.repayment("AMO.EX", "2026-07-15", "40", TUESDAY)
    prepare(TUESDAY)
    assert books.connection.execute(plan, ([books.rows(latest)[0][0]],)).fetchall() == [(6, 40), (6, 60)]


def test_listed_coupon_dates_make_the_schedule_and_new_ones_new_terms(books: Books) -> None:
    """From 15 July 2025 to 15 July 2027 at 3.65 % of 365 days: 184 days to 15 January, then 2.00 for the rest as listed."""
    books.stated("ODD.EX", "bond_fixed", coupon_rate="3.65", coupon_frequency=1, day_count="ACT/365F")
    books.listed("ODD.EX", "2026-01-15", None)
    books.listed("ODD.EX", "2027-07-15", "2")
    assert prepare()["coupons"] == 2
    assert books.rows(COUPONS_OF_TODAY) == [("2026-01-15", Decimal("1.84")), ("2027-07-15", 2)]
    # A date that was none goes, another comes: 365 days in one, and 365 of a year after it.
    books.listed("ODD.EX", "2026-01-15", None, TUESDAY, "WITHDRAWN")
    books.listed("ODD.EX", "2026-07-15", None, TUESDAY)
    books.listed("ODD.EX", "2027-07-15", None, TUESDAY)
    assert prepare(TUESDAY)["coupons"] == 2
    assert books.rows(COUPONS_OF_TODAY) == [("2026-07-15", Decimal("3.65")), ("2027-07-15", Decimal("3.65"))]
    assert prepare() == {"settlement_dates": 0, "coupons": 0, "accruals": 0, "unusable": 0, "held": 0, "found": 0}


@pytest.mark.parametrize(
    ("line", "terms", "told"),
    [
        ("bond_zero", {"coupon_rate": 3}, "coupon rate 3"),
        ("bond_floating", {"index_name": "X", "coupon_rate": 3, "coupon_frequency": 1, "day_count": "ACT/360"}, "coupon rate 3"),
        ("bond_fixed", {"coupon_rate": 3, "spread": 1, "coupon_frequency": 1, "day_count": "ACT/360"}, "it has an index, spread, cap"),
        ("bond_zero", {"ex_coupon_calendar": "TARGET"}, "ex-coupon calendar TARGET and no ex-coupon days"),
        ("bond_fixed", {"coupon_rate": 3, "coupon_frequency": 1, "day_count": "ACT/360", "last_coupon_date": "2027-07-15"},
         "last coupon before maturity falls on 2027-07-15, outside"),
        # 31 January 2026 is a Saturday and moves to the 30th: a period without a day
        ("bond_fixed", {"coupon_rate": 3, "coupon_frequency": 1, "day_count": "ACT/360", "accrual_convention": "Modified Following",
                        "issue_date": "2026-01-30", "maturity_date": "2026-01-31"}, "no schedule of coupons fits its dates"),
    ],
)  # fmt: skip
def test_terms_that_contradict_their_line_keep_a_trade_waiting(books: Books, line: str, terms: dict[str, object], told: str) -> None:
    books.stated("ODD.EX", line, **terms)
    assert prepare()["unusable"] == 1
    books.trade("CSV~1", "ODD.EX", "2026-01-05")
    assert prepare()["held"] == 1
    ((_, _, reason, _, _),) = books.rows(WAITING)
    assert told in reason


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        ({"2026-07-15": "60", "2027-07-15": "50"}, "add up to 110"),
        ({"2026-07-15": "40", "2027-07-15": "50"}, "add up to 90"),
        ({"2026-07-16": "40"}, "2026-07-16, which is no coupon date"),
        ({"2026-07-15": "0"}, "no repayment is on record"),
    ],
)
def test_a_plan_that_fits_no_bond_is_named(books: Books, plan: dict[str, str], told: str) -> None:
    books.stated("AMO.EX", "bond_amortising", coupon_rate=6, coupon_frequency=1, day_count="ACT/ACT ICMA")
    for day, percent in plan.items():
        books.repayment("AMO.EX", day, percent)
    books.trade("CSV~1", "AMO.EX", "2026-01-05")
    assert prepare()["held"] == 1
    ((_, _, reason, _, _),) = books.rows(WAITING)
    assert told in reason


def test_steps_caps_floors_and_rounding_are_data(books: Books) -> None:
    books.stated("STEP.EX", "bond_fixed", coupon_rate=2, step_rates="2.5", coupon_frequency=1, day_count="ACT/ACT ICMA", accrued_decimals=3)
    books.floater("CAP.EX", rate_cap="2.00", rate_floor="0", sha="terms-2")
    books.fixing("2025-07-11", "2.05")
    prepare()
    assert books.rows("select coupon_percent from books.bond_coupons where instrument_id = 'STEP.EX' order by coupon_date") == [
        (2,),
        (Decimal("2.5"),),
    ]
    assert books.rows("select accrued_percent from books.bond_accruals order by instrument_id") == [
        ((Decimal(2) * 176 / 360).quantize(Decimal("1e-10")),),
        (Decimal("0.964"),),  # 2 x 176 / 365 = 0.96438
    ]


def test_procedures_and_currencies_are_published_once(books: Books) -> None:
    first = publish_procedures(engine(Role.LOADER))
    assert first["product_lines"] == 15
    assert publish_procedures(engine(Role.LOADER)) == {"currencies": 0, "product_lines": 0, "ledger_accounts": 0}
    assert books.rows("select product_line, price_divisor, accrues_interest from books.product_lines order by 1") == [
        ("bond_amortising", 100, True),
        ("bond_fixed", 100, True),
        ("bond_floating", 100, True),
        ("bond_zero", 100, False),
        ("cash", 1, False),
        ("deposit", 100, True),
        ("equity", 1, False),
        ("etf", 1, False),
        ("fund", 1, False),
        ("future", 1, False),
        ("fx_forward", 1, False),
        ("fx_spot", 1, False),
        ("option", 1, False),
        ("repo", 100, True),
        ("repo_open", 100, True),
    ]
    assert books.rows("select minor_unit from books.currencies where currency_code in ('EUR', 'JPY', 'KWD') order by 1") == [
        (0,),
        (2,),
        (3,),
    ]
