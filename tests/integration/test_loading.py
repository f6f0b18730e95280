"""Files become facts once, whole, and with their origin."""

from datetime import date

import pytest
from loading_helpers import FIRM, MONDAY, TUESDAY, WEDNESDAY, deliver, found, loader, open_firm, record_trades, trade

from posttrade.messages.contracts import CONTRACTS
from posttrade.offices import front_office
from posttrade.offices.business_days import close_business_date, publish_calendar
from posttrade.records.database import Role, engine
from posttrade.settings import get_settings
from posttrade.simulator.world import write_world

pytestmark = pytest.mark.usefixtures("fresh_database")


def test_the_simulated_world_is_recorded_once() -> None:
    write_world(get_settings().inbox, days=2, trades=300, seed=7)
    steps = (front_office.record_reference_data, front_office.record_market_data, front_office.record_statements,
             front_office.record_trades)  # fmt: skip
    first = [step(day, loader()) for day in (MONDAY, TUESDAY) for step in steps]
    assert sum(counts["recorded"] for counts in first) > 900
    assert not any(counts["refused"] for counts in first)
    assert {row[0] for row in found("select distinct source_system from books.trade_versions")} == {
        "CSV",
        "FIX",
        "FODB",
    }
    again = [step(day, loader()) for day in (MONDAY, TUESDAY) for step in steps]
    assert all(not any(counts.values()) for counts in again)


def test_a_fact_that_goes_back_to_what_it_was_is_recorded() -> None:
    open_firm()
    for day, name in ((TUESDAY, "Shares"), (WEDNESDAY, "Equities")):
        deliver(day, "desks", [f"EQ,{name}"])
        assert front_office.record_reference_data(day, loader())["recorded"] == 1
    front_office.record_reference_data(MONDAY, loader())
    assert found("select name from books.desks order by business_date") == [("Equities",), ("Shares",), ("Equities",)]


def test_an_unchanged_row_adds_nothing_and_other_content_under_the_key_is_a_conflict() -> None:
    open_firm()
    deliver(TUESDAY, "desks", [*FIRM["desks"], "FI,Fixed income"])
    assert front_office.record_reference_data(TUESDAY, loader()) == {
        "recorded": 1,
        "known": 1,
        "rejected": 0,
        "refused": 0,
    }
    deliver(TUESDAY, "desks", ["FI,Bonds"], "desks_b.csv")
    deliver(TUESDAY, "desks", ["FI,Bonds,2"], "desks_c.csv", "desk_id,name,revision")
    assert front_office.record_reference_data(TUESDAY, loader()) == {
        "recorded": 1,
        "known": 0,
        "rejected": 1,
        "refused": 0,
    }
    assert found("select reason_code from operations.exceptions") == [("CONFLICT",)]


def test_a_key_restated_twice_in_a_file_ends_as_the_last_revision_says() -> None:
    open_firm()
    header = "desk_id,name,revision"
    deliver(TUESDAY, "desks", ["EQ,Shares,1", "EQ,Equities,2"], "desks.csv", header)
    assert front_office.record_reference_data(TUESDAY, loader())["recorded"] == 2
    deliver(TUESDAY, "desks", ["EQ,Shares,1", "EQ,Equities,2", "FI,Bonds,1"], "desks_b.csv", header)
    assert front_office.record_reference_data(TUESDAY, loader()) == {
        "recorded": 1, "known": 2, "rejected": 0, "refused": 0,
    }  # fmt: skip
    statement = "select name from books.desks where desk_id = 'EQ' order by business_date desc, revision desc limit 1"
    assert found(statement) == [("Equities",)]


def test_revisions_of_a_date_in_two_files_hold_in_their_order_and_not_in_that_of_the_files() -> None:
    open_firm()
    header = "desk_id,name,revision"
    recorded = []
    # Monday said Equities: the third revision of Tuesday says so again, and takes back the second, which comes after it.
    for place, line in enumerate(("EQ,Equities,3", "EQ,Shares,2", "EQ,Equities,3")):
        deliver(TUESDAY, "desks", [line], f"desks_{place}.csv", header)
        recorded.append(front_office.record_reference_data(TUESDAY, loader())["recorded"])
    assert recorded == [1, 1, 0]
    statement = "select revision, name from books.desks where desk_id = 'EQ' order by business_date desc, revision desc"
    assert found(statement) == [(3, "Equities"), (2, "Shares"), (1, "Equities")]


def close_monday() -> None:
    deliver(MONDAY, "firms", ["F,The firm,,EUR,XETR"])
    assert front_office.record_reference_data(MONDAY, loader())["recorded"] == 1
    publish_calendar(MONDAY, loader())
    assert close_business_date(MONDAY, engine(Role.OPERATOR)) == {"closed": 1}


def test_a_late_copy_of_what_a_closed_date_knew_does_not_undo_what_came_since() -> None:
    open_firm()
    deliver(TUESDAY, "desks", ["EQ,Shares"])
    front_office.record_reference_data(TUESDAY, loader())
    close_monday()
    deliver(MONDAY, "desks", [*FIRM["desks"], "FI,Bonds"], "desks_late.csv")
    assert front_office.record_reference_data(MONDAY, loader()) == {
        "recorded": 1, "known": 1, "rejected": 0, "refused": 0,
    }  # fmt: skip
    assert found("select desk_id, name, business_date from books.desks order by business_date, desk_id") == [
        ("EQ", "Equities", MONDAY), ("EQ", "Shares", TUESDAY), ("FI", "Bonds", TUESDAY),
    ]  # fmt: skip


def test_late_revisions_of_a_closed_date_hold_in_their_order() -> None:
    open_firm()
    deliver(MONDAY, "desks", ["FI,Bonds", "FX,Currencies"], "desks_more.csv")
    front_office.record_reference_data(MONDAY, loader())
    deliver(TUESDAY, "desks", ["FX,Exchange"])
    front_office.record_reference_data(TUESDAY, loader())
    close_monday()
    # For Monday a second revision and a third that takes it back come on Tuesday, of EQ in their order and of FI the other way round; of FX
    # only one that says what Monday knew, and Tuesday has told its own. All come once more in one file.
    told = ("EQ,Shares,2", "EQ,Equities,3", "FI,Bonds,3", "FI,Debt,2", "FX,Currencies,2")
    recorded = []
    for place, lines in enumerate((*([line] for line in told), [*told])):
        deliver(MONDAY, "desks", lines, f"desks_late_{place}.csv", "desk_id,name,revision")
        counts = front_office.record_reference_data(MONDAY, loader())
        assert (counts["rejected"], counts["refused"]) == (0, 0)
        recorded.append(counts["recorded"])
    assert recorded == [1, 1, 1, 1, 0, 0]
    latest = "select distinct on (desk_id) desk_id, name from books.desks order by desk_id, business_date desc, revision desc"
    assert found(latest) == [("EQ", "Equities"), ("FI", "Bonds"), ("FX", "Exchange")]


def test_a_revision_of_a_closed_date_is_known_beside_the_same_number_of_a_later_one() -> None:
    open_firm()
    header = "desk_id,name,revision"
    for day, lines in ((MONDAY, ["FX,Money,1", "FX,Currencies,2"]), (TUESDAY, ["FX,Exchange,2"])):
        deliver(day, "desks", lines, "desks_own.csv", header)
        front_office.record_reference_data(day, loader())
    close_monday()
    deliver(MONDAY, "desks", ["FX,Currencies,2"], "desks_again.csv", header)
    assert front_office.record_reference_data(MONDAY, loader()) == {"recorded": 0, "known": 1, "rejected": 0, "refused": 0}
    assert found("select name from books.desks where desk_id = 'FX' order by business_date desc, revision desc limit 1") == [("Exchange",)]


@pytest.mark.parametrize(
    ("kind", "bad", "good", "reason"),
    [
        ("withholding_rates", "AC,US,COUPON,0.9999999", "AC,US,DIVIDEND,0.15", "NOT_A_NUMBER"),
        ("withholding_rates", "AC,US,COUPON,1", "AC,US,DIVIDEND,0.15", "OUT_OF_RANGE"),
        ("instruments", "B1,,B,bond_fixed,EUR,XETR,DE,123456,1,30/360,2020-01-01,,2030-01-01",
         "B2,,B,bond_fixed,EUR,XETR,DE,2.5,1,30/360,2020-01-01,,2030-01-01", "NOT_A_NUMBER"),
        ("instruments", "B1,,B,bond_fixed,EUR,XETR,DE,2.5,99999999999,30/360,2020-01-01,,2030-01-01",
         "B2,,B,bond_fixed,EUR,XETR,DE,2.5,1,30/360,2020-01-01,,2030-01-01", "NOT_ALLOWED"),
        ("instruments", "B1,,B,bond_fixed,EUR,XETR,DE,2.5,1,30/360,2020-01-01,,2019-01-01",
         "B2,,B,bond_fixed,EUR,XETR,DE,2.5,1,30/360,2020-01-01,,2030-01-01", "BEFORE_ISSUE_DATE"),
        ("desks", "".join(f"{n:x}" for n in range(4000)) + ",too long for a key", "FX,Currencies", "TOO_LONG"),
        ("desks", "FX", "FX,Currencies", "COLUMN_COUNT"),
    ],
)  # fmt: skip
def test_a_value_that_no_column_can_hold_does_not_stop_its_file(kind: str, bad: str, good: str, reason: str) -> None:
    open_firm()
    deliver(MONDAY, kind, [bad, good], f"{kind}_b.csv")
    counts = front_office.record_reference_data(MONDAY, loader())
    assert (counts["recorded"], counts["rejected"]) == (1, 1)
    assert found("select reason_code, raw from operations.exceptions") == [(reason, bad)]


CASH_AND_STOCK = {"event_type": "MERGER", "amount_per_unit": "1", "received_instrument_id": "NEW", "new_units": "1", "old_units": "1"}

BOND = {
    "product_line": "bond_fixed", "coupon_rate": "5", "coupon_frequency": "1", "day_count": "30/360", "issue_date": "2024-03-01",
    "maturity_date": "2030-03-01",
}  # fmt: skip
EXERCISE = {"event_type": "OPTION_EXERCISE", "received_instrument_id": "SAP", "instrument_id": "CALL"}


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ({"event_type": "SPLIT", "new_units": "1", "old_units": "2"}, "OTHER_RATIO"),
        ({"event_type": "REVERSE_SPLIT", "new_units": "2", "old_units": "1"}, "OTHER_RATIO"),
        ({"event_type": "SPLIT", "new_units": "2", "old_units": "1", "account_id": "AC"}, "NOT_EXPECTED"),
        ({"event_type": "SPIN_OFF", "new_units": "1", "old_units": "1", "cost_fraction": "0.1"}, "MISSING"),
        ({"event_type": "SPIN_OFF", "received_instrument_id": "NEW", "new_units": "1", "old_units": "1"}, "MISSING"),
        ({"event_type": "MERGER"}, "MISSING"),
        (CASH_AND_STOCK, "MISSING"),
        (CASH_AND_STOCK | {"cost_fraction": "1.1"}, "NOT_A_PART"),
        (CASH_AND_STOCK | {"cost_fraction": "0.5", "received_instrument_id": "SAP"}, "SAME_INSTRUMENT"),
        (CASH_AND_STOCK | {"cost_fraction": "0.5", "received_instrument_id": "NO"}, "UNKNOWN_REFERENCE"),
        (CASH_AND_STOCK | {"cost_fraction": "0.5", "old_units": ""}, "MISSING"),
        (CASH_AND_STOCK | {"cost_fraction": "0.5", "currency_code": "USD"}, "OTHER_CURRENCY"),
        (CASH_AND_STOCK | {"cost_fraction": "0.5"}, ""),
        ({"event_type": "CALL"}, "MISSING"),
        ({"event_type": "PARTIAL_REDEMPTION", "amount_per_unit": "1"}, "MISSING"),
        ({"event_type": "PARTIAL_REDEMPTION", "amount_per_unit": "1", "redeemed_fraction": "1"}, "OUT_OF_RANGE"),
        ({"event_type": "OPTION_EXERCISE", "received_instrument_id": "SAP", "instrument_id": "CALL"}, ""),
        ({"event_type": "OPTION_EXERCISE", "received_instrument_id": "NEW", "instrument_id": "CALL"}, "OTHER_UNDERLYING"),
        (EXERCISE | {"account_id": "AC", "book_id": "BK", "exercised_quantity": "3"}, ""),
        (EXERCISE | {"account_id": "AC", "exercised_quantity": "3"}, "MISSING"),
        (EXERCISE | {"book_id": "BK", "exercised_quantity": "3"}, "MISSING"),
        (EXERCISE | {"account_id": "AC", "book_id": "BK", "exercised_quantity": "3", "redeemed_fraction": "0.5"}, "NOT_EXPECTED"),
        ({"event_type": "RIGHTS_LAPSE", "account_id": "AC", "book_id": "BK", "exercised_quantity": "3"}, "NOT_EXPECTED"),
        ({"event_type": "RIGHTS_LAPSE"}, ""),
        ({"event_type": "CASH_DIVIDEND", "instrument_id": "BOND", "amount_per_unit": "1"}, "NOT_OF_THE_LINE"),
        ({"event_type": "CALL", "instrument_id": "BOND", "amount_per_unit": "1"}, ""),
        (EXERCISE | {"instrument_id": "SAP", "received_instrument_id": "NEW"}, "OTHER_UNDERLYING"),
        ({"event_type": "CASH_EXERCISE", "amount_per_unit": "1"}, "NOT_OF_THE_LINE"),
    ],
)  # fmt: skip
def test_an_event_that_contradicts_itself_is_named(terms: dict[str, str], reason: str) -> None:
    open_firm()
    columns = CONTRACTS["instruments"].orders[0]
    option = {"product_line": "option", "contract_size": "10", "expiry_date": "2026-03-20", "option_type": "CALL", "strike_price": "5"}
    common = {"currency_code": "EUR", "market_mic": "XETR", "issuer_country_code": "DE", "product_line": "equity"}
    instruments = [
        common | {"instrument_id": "NEW", "name": "New"},
        common | BOND | {"instrument_id": "BOND", "name": "Bond"},
        common | option | {"instrument_id": "CALL", "name": "Call", "underlying_instrument_id": "SAP"},
        common | option | {"instrument_id": "BAD", "name": "On nothing", "underlying_instrument_id": "NOTHING"},
        common | {"product_line": "fx_spot", "instrument_id": "EUREUR", "name": "On itself", "notional_currency_code": "EUR"},
    ]
    deliver(
        MONDAY,
        "instruments",
        [",".join(one.get(name, "") for name in columns) for one in instruments],
        "instruments_b.csv",
        ",".join(columns),
    )
    front_office.record_reference_data(MONDAY, loader())
    refused = [("SAME_CURRENCY",), ("UNKNOWN_REFERENCE",)]
    assert found("select reason_code from operations.exceptions order by 1") == refused

    columns = CONTRACTS["corporate_actions"].orders[0]
    event = {
        "event_id": "E", "instrument_id": "SAP", "event_status": "ANNOUNCED", "ex_date": "2026-01-06", "pay_date": "2026-01-07",
        "currency_code": "EUR",
    } | terms  # fmt: skip
    deliver(MONDAY, "corporate_actions", [",".join(event.get(name, "") for name in columns)], header=",".join(columns))
    assert front_office.record_market_data(MONDAY, loader())["recorded"] == (not reason)
    assert sorted(found("select reason_code from operations.exceptions")) == sorted(refused + [(reason,)] * bool(reason))


def test_an_option_on_what_pays_interest_or_exchanges_currencies_is_refused_by_name() -> None:
    open_firm()
    columns = CONTRACTS["instruments"].orders[0]
    common = {"currency_code": "EUR", "market_mic": "XETR", "issuer_country_code": "DE"}
    call = common | {
        "product_line": "option", "contract_size": "10", "expiry_date": "2026-03-20", "option_type": "CALL", "strike_price": "5",
    }  # fmt: skip
    bond = common | {
        "product_line": "bond_fixed", "coupon_rate": "5", "coupon_frequency": "1", "day_count": "30/360", "issue_date": "2024-03-01",
        "maturity_date": "2030-03-01",
    }  # fmt: skip
    dollar = {"product_line": "fx_spot", "market_mic": "XOFF", "notional_currency_code": "USD"}
    first = [
        bond | {"instrument_id": "BND"},
        bond | {"instrument_id": "ZER", "product_line": "bond_zero"},
        common | {"instrument_id": "NEW", "product_line": "equity"},
        common | dollar | {"instrument_id": "USDEUR"},
        *(
            call | {"instrument_id": f"C-{name}", "underlying_instrument_id": name}
            for name in ("SAP", "BND", "ZER", "NEW", "USDEUR")
        ),
        # a future may be on anything
        call | {"instrument_id": "FUT", "product_line": "future", "underlying_instrument_id": "BND"},
    ]  # fmt: skip
    # known since the first file; and what an option is on turns out to be a bond
    later = [call | {"instrument_id": "P-BND", "underlying_instrument_id": "BND"}, bond | {"instrument_id": "NEW"}]
    for name, instruments in (("b", first), ("c", later)):
        lines = [",".join(({"name": one["instrument_id"]} | one).get(column, "") for column in columns) for one in instruments]
        deliver(MONDAY if name == "b" else TUESDAY, "instruments", lines, f"instruments_{name}.csv", ",".join(columns))
    front_office.record_reference_data(MONDAY, loader())
    front_office.record_reference_data(TUESDAY, loader())
    refused = "select reason_code, value from operations.exceptions order by 2"
    assert found(refused) == [("UNDERLYING_NOT_KEPT", "BND"), ("UNDERLYING_NOT_KEPT", "BND"), ("UNDERLYING_NOT_KEPT", "USDEUR")]
    assert found("select reason from operations.exceptions where value = 'USDEUR'")[0][0].endswith(
        "underlying_instrument_id is 'USDEUR', which pays interest or exchanges currencies: options on it are not kept."
    )
    columns = CONTRACTS["corporate_actions"].orders[0]
    event = {
        "event_id": "E", "instrument_id": "C-NEW", "event_type": "OPTION_EXERCISE", "event_status": "ANNOUNCED", "ex_date": "2026-01-07",
        "pay_date": "2026-01-07", "currency_code": "EUR", "received_instrument_id": "NEW",
    }  # fmt: skip
    deliver(TUESDAY, "corporate_actions", [",".join(event.get(name, "") for name in columns)], header=",".join(columns))
    assert front_office.record_market_data(TUESDAY, loader())["recorded"] == 0
    assert ("UNDERLYING_NOT_KEPT", "NEW") in found(refused)


def test_the_terms_of_bonds_are_judged_by_their_product_line() -> None:
    """What a line needs stands in its procedure; a column that is left out and an empty one are the same content."""
    open_firm()
    columns = (
        "instrument_id,name,isin,product_line,currency_code,market_mic,issuer_country_code,coupon_rate,coupon_frequency,day_count,"
        "issue_date,first_coupon_date,maturity_date,index_name,step_rates,rate_cap,rate_floor,ex_coupon_days,fixing_days"
    )
    rows = {
        "bond_floating,EUR,XETR,DE,,4,ACT/360,2020-01-01,,2030-01-01,EURIBOR-3M,,5,0,,2": None,
        "bond_zero,EUR,XETR,DE,,,,2020-01-01,,2030-01-01,,,,,,": None,
        "bond_fixed,EUR,XLON,GB,2,2,ACT/ACT ICMA,2020-01-01,,2030-01-01,,2.5 -0.5,,,6,": None,
        "bond_floating,EUR,XETR,DE,,4,ACT/360,2020-01-01,,2030-01-01,,,,,,": ("MISSING", "index_name"),
        "bond_zero,EUR,XETR,DE,,,,2020-01-01,,,,,,,,": ("MISSING", "maturity_date"),
        "bond_amortising,EUR,XETR,DE,,1,ACT/360,2020-01-01,,2030-01-01,,,,,,": ("MISSING", "coupon_rate"),
        "bond_fixed,EUR,XETR,DE,2,1,ACT/360,2020-01-01,,2030-01-01,,2.5%,,,,": ("NOT_A_NUMBER", "step_rates"),
        "bond_floating,EUR,XETR,DE,,4,ACT/360,2020-01-01,,2030-01-01,I,,1,2,,": ("BELOW_THE_FLOOR", "rate_cap"),
        "bond_fixed,EUR,XETR,DE,2,1,ACT/360,2020-01-01,,2030-01-01,,,,,0,": ("NOT_POSITIVE", "ex_coupon_days"),
        "bond_floating,EUR,XETR,DE,,4,ACT/360,2020-01-01,,2030-01-01,I,,,,,11": ("NOT_ALLOWED", "fixing_days"),
        "warrant,EUR,XETR,DE,,,,,,,,,,,,": ("NOT_ALLOWED", "product_line"),
        "cash,EUR,XETR,DE,,,,,,,,,,,,": ("NOT_ALLOWED", "product_line"),
        "repo_open,EUR,XXXX,DE,3.6,,ACT/360,2020-01-01,,,,,,,,": None,
    }
    lines = [f"B{number},Bond,,{cells}" for number, cells in enumerate(rows)]
    deliver(MONDAY, "instruments", ["SAP,SAP,,equity,EUR,XETR,DE" + "," * 12, *lines], "instruments_b.csv", columns)
    assert front_office.record_reference_data(MONDAY, loader()) == {"recorded": 4, "known": 1, "rejected": 9, "refused": 0}
    expected = [error for error in rows.values() if error]
    assert found("select reason_code, field from operations.exceptions order by line_no") == expected

    deliver(MONDAY, "bond_repayments", ["B1,2026-01-01,10", "B1,2027-01-01,0", "B1,2028-01-01,100.5", "NO,2028-01-01,1"])
    deliver(MONDAY, "index_fixings", ["EURIBOR-3M,2026-01-05,-0.52", "EURIBOR-3M,2026-01-06,"])
    assert front_office.record_market_data(MONDAY, loader()) == {"recorded": 3, "known": 0, "rejected": 3, "refused": 0}
    assert found("select reason_code, field from operations.exceptions where kind in ('bond_repayments', 'index_fixings') order by 1") == [
        ("MISSING", "rate"), ("NOT_A_PERCENTAGE", "repaid_percent"), ("UNKNOWN_REFERENCE", "instrument_id"),
    ]  # fmt: skip

    deals = ["B12,2026-01-05,RUNNING,2.5", "B12,2026-01-06,RUNNING,", "B12,2026-01-07,TERMINATED,1", "B12,2026-01-08,ENDED,"]
    deals += ["B1,2026-01-05,RUNNING,2.5"]
    deliver(MONDAY, "open_deal_terms", deals)
    deliver(MONDAY, "bond_coupon_dates", ["B1,2026-02-01,LISTED,", "B1,2026-03-01,WITHDRAWN,1"])
    front_office.record_market_data(MONDAY, loader())
    assert found(
        "select kind, reason_code, field from operations.exceptions where kind in ('open_deal_terms', 'bond_coupon_dates') order by 1, 2"
    ) == [
        ("bond_coupon_dates", "NOT_EXPECTED", "coupon_percent"),
        ("open_deal_terms", "MISSING", "rate"),
        ("open_deal_terms", "NOT_ALLOWED", "deal_state"),
        ("open_deal_terms", "NOT_AN_OPEN_DEAL", "instrument_id"),
        ("open_deal_terms", "NOT_EXPECTED", "rate"),
    ]
    assert found("select valid_from, rate from books.open_deal_terms") == [(MONDAY, 2.5)]
    assert found("select date_state, coupon_percent from books.bond_coupon_dates") == [("LISTED", None)]


def test_a_file_of_no_known_kind_is_refused_once() -> None:
    open_firm()
    deliver(MONDAY, "trades", [trade("T1")], "trade.csv")
    assert front_office.record_trades(MONDAY, loader())["refused"] == 1
    assert front_office.record_trades(MONDAY, loader())["refused"] == 0
    assert found("select file_name, outcome from landing.files where kind = 'unknown'") == [("trade.csv", "REFUSED")]


def test_a_broken_file_is_refused_and_stops_no_other() -> None:
    open_firm()
    folder = get_settings().inbox / MONDAY.isoformat()
    deliver(MONDAY, "trades", [trade("T1")], "trades_b.csv")
    broken = (folder / "trades_b.csv").read_text()
    (folder / "trades_a.csv").write_text(broken[: len(broken) // 2])
    assert front_office.record_trades(MONDAY, loader()) == {"recorded": 1, "known": 0, "rejected": 0, "refused": 1}
    assert found("select file_name, outcome from landing.files where kind = 'trades' order by 1") == [
        ("trades_a.csv", "REFUSED"), ("trades_b.csv", "RECORDED"),
    ]  # fmt: skip


def test_characters_that_delimit_in_copy_come_through() -> None:
    deliver(MONDAY, "desks", ["EQ,a\\b\tc\\N", "FX,x\x02y", "ZZ,a\x1fb"])
    assert front_office.record_reference_data(MONDAY, loader())["rejected"] == 1
    assert found("select name from books.desks order by 1") == [("a\\b\tc\\N",), ("x\x02y",)]


@pytest.mark.parametrize("held_by", ["a trade", "an event on it", "an event that delivers it"])
@pytest.mark.parametrize(
    ("column", "value"),
    [("currency_code", "USD"), ("product_line", "etf"), ("contract_size", "50"), ("notional_currency_code", "USD")],
)
def test_what_the_amounts_of_closed_dates_follow_from_stays(column: str, value: str, held_by: str) -> None:
    """Of an instrument that was traded, or that an event named, on a date before; another can still be corrected, one named today too."""
    open_firm()
    columns = CONTRACTS["instruments"].orders[0]
    kept = dict(zip(CONTRACTS["instruments"].orders[1], FIRM["instruments"][0].split(","), strict=False))
    others = [kept | {"instrument_id": name} for name in ("OLD", "NEW")]

    def record(day: date, *instruments: dict[str, str]) -> dict[str, int]:
        rows = [",".join(one.get(name, "") for name in columns) for one in instruments]
        deliver(day, "instruments", rows, "instruments_b.csv", ",".join(columns))
        return front_office.record_reference_data(day, loader())

    def announce(day: date, instrument: str, received: str) -> None:
        """A spin-off of a unit for ten."""
        row = {
            "event_id": f"{instrument}-{received}", "instrument_id": instrument, "event_type": "SPIN_OFF", "event_status": "ANNOUNCED",
            "ex_date": "2026-01-06", "pay_date": "2026-01-06", "currency_code": "EUR", "received_instrument_id": received, "new_units": "1",
            "old_units": "10", "cost_fraction": "0.1",
        }  # fmt: skip
        names = CONTRACTS["corporate_actions"].orders[0]
        deliver(day, "corporate_actions", [",".join(row.get(name, "") for name in names)], header=",".join(names))
        assert front_office.record_market_data(day, loader())["recorded"] == 1

    record(MONDAY, *others)
    if held_by == "a trade":
        record_trades(MONDAY, [trade("T1")])
    else:
        announce(MONDAY, *(("SAP", "OLD") if held_by == "an event on it" else ("OLD", "SAP")))
    announce(TUESDAY, "SAP", "NEW")
    assert record(TUESDAY, kept | {column: value}, others[1] | {column: value}, kept | {"name": "Other"})["rejected"] == 1
    assert found("select reason_code, field, value from operations.exceptions") == [("IN_THE_BOOKS", column, value)]
    assert found("select instrument_id from books.instruments where business_date = '2026-01-06' order by 1") == [("NEW",), ("SAP",)]


def test_a_rate_of_the_base_currency_to_itself_is_refused() -> None:
    open_firm()
    deliver(MONDAY, "firms", ["F,The firm,,EUR,XETR"])
    front_office.record_reference_data(MONDAY, loader())
    columns = CONTRACTS["trades"].orders[0]
    rows = [dict(zip(CONTRACTS["trades"].orders[1], trade(name).split(","), strict=True)) for name in ("GOOD", "BAD")]
    rows[0]["fx_rate"], rows[1]["fx_rate"] = "1", "1.25"
    deliver(MONDAY, "trades", [",".join(row.get(name, "") for name in columns) for row in rows], header=",".join(columns))
    assert front_office.record_trades(MONDAY, loader())["rejected"] == 1
    assert found("select reason_code, field, value from operations.exceptions") == [("NOT_ONE", "fx_rate", "1.25")]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"book_id": "NO"}, ("UNKNOWN_REFERENCE", "book_id")),
        ({"account_id": "NO"}, ("UNKNOWN_REFERENCE", "account_id")),
        ({"instrument_id": "NO"}, ("UNKNOWN_REFERENCE", "instrument_id")),
        ({"trader_id": "NO"}, ("UNKNOWN_REFERENCE", "trader_id")),
        ({"counterparty_id": "NO"}, ("UNKNOWN_REFERENCE", "counterparty_id")),
        ({"currency_code": "USD"}, ("OTHER_CURRENCY", "currency_code")),
        ({"currency_code": ""}, ("MISSING", "currency_code")),
        ({"quantity": "0"}, ("NOT_POSITIVE", "quantity")),
        ({"price": "-1"}, ("NOT_POSITIVE", "price")),
        ({"price": ""}, ("MISSING", "price")),
        ({"settlement_date": "2026-01-04"}, ("BEFORE_TRADE_DATE", "settlement_date")),
        ({"trade_date": "2026-01-06"}, ("IN_THE_FUTURE", "trade_date")),
        ({"source_sequence": "9" * 19}, ("NOT_A_NUMBER", "source_sequence")),
        ({"executed_at": "2026-01-05T09:00:00"}, ("NOT_A_TIMESTAMP", "executed_at")),
    ],
)
def test_a_bad_trade_is_an_exception_and_the_good_one_is_recorded(change: dict[str, str], error: tuple[str, str]) -> None:
    open_firm()
    counts = record_trades(MONDAY, [trade("GOOD"), trade("BAD", **change)])
    assert (counts["recorded"], counts["rejected"]) == (1, 1)
    assert found("select reason_code, field, line_no from operations.exceptions") == [(*error, 3)]
    assert found("select trade_id from books.trade_versions") == [("CSV~GOOD",)]
