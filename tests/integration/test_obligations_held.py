"""Which trades owe a settlement instruction and cannot have one, by what is on record of them."""

from datetime import date

import pytest
from integration.conftest import run_day_until
from integration.small_firm import SmallFirm, rows, trade

from posttrade.offices.middle_office import prepare_terms
from posttrade.records.database import Role, engine
from posttrade.records.trade_releases import decide_on_trade

pytestmark = pytest.mark.usefixtures("fresh_database")
MON, TUE, WED = (date(2026, 1, day) for day in (5, 6, 7))
HELD = "select replace(trade_id, 'CSV~', ''), trade_version, reason from operations.obligations_held where business_date <= :day order by 1"
UNKNOWN = {"counterparty_id": ""}
OFFICE = {
    "firm_id": "EXAMPLE", "name": "Example Firm", "base_currency_code": "USD", "home_calendar": "XNYS", "posting_cutoff_days": 1,
}  # fmt: skip
FUTURE = {"instrument_id": "F", "product_line": "future", "market_mic": "XCME", "contract_size": 1, "expiry_date": "2026-03-20"}


def test_an_obligation_is_held_by_the_last_version_that_counts() -> None:
    firm = SmallFirm(instruments=[{"instrument_id": "I"}, FUTURE])
    firm.make_known(MON)
    firm.deliver(MON, "firms", [OFFICE | {"revision": 2}], "_2")
    # Z has no standing instruction, BLOCK is allocated to A.
    firm.deliver(
        MON,
        "accounts",
        [
            {"account_id": "Z", "name": "Z", "custodian_id": "CUS"},
            {"account_id": "BLOCK", "name": "BLOCK", "custodian_id": "CUS", "account_type": "ALLOCATION"},
        ],
        "_2",
    )
    amended = {"version": 2, "event_type": "AMEND"}
    cancelled = {"version": 2, "event_type": "CANCEL"}
    firm.deliver(
        MON,
        "trades",
        [
            trade("complete", MON, 10, 5),
            trade("no counterparty", MON, 10, 5, **UNKNOWN),
            trade("no account", MON, 10, 5, account_id="Z"),
            trade("neither", MON, 10, 5, account_id="Z", **UNKNOWN),
            trade("completed", MON, 10, 5, **UNKNOWN),
            trade("completed", MON, 10, 5, **amended),
            trade("emptied", MON, 10, 5),
            trade("emptied", MON, 10, 5, **amended, **UNKNOWN),
            trade("cancelled", MON, 10, 5, **UNKNOWN),
            trade("cancelled", MON, 10, 5, **cancelled),
            trade("amended after it was cancelled", MON, 10, 5, **UNKNOWN),
            trade("amended after it was cancelled", MON, 10, 5, **cancelled),
            trade("amended after it was cancelled", MON, 10, 5, **UNKNOWN | amended | {"version": 3}),
            trade("without original", MON, 10, 5, **amended, **UNKNOWN),
            trade("not delivered", MON, 10, 5, instrument_id="F", **UNKNOWN),
            trade("block", MON, 10, 5, account_id="BLOCK", **UNKNOWN),
        ],
    )
    firm.deliver(MON, "allocations", [{"block_trade_id": "CSV~block", "version": 1, "allocation_no": 1, "account_id": "A", "quantity": 10}])
    run_day_until(prepare_terms, MON)
    of_monday = {
        ("no counterparty", 1, "COUNTERPARTY_MISSING"),
        ("no account", 1, "STANDING_INSTRUCTION_MISSING"),
        ("neither", 1, "COUNTERPARTY_MISSING"),
        ("emptied", 2, "COUNTERPARTY_MISSING"),
        ("block/1", 1, "COUNTERPARTY_MISSING"),
    }
    assert set(rows(HELD, day=MON)) == of_monday

    # On Wednesday, two business days later, both reach beyond the cut-off of one: neither counts until it is released.
    firm.deliver(
        WED,
        "trades",
        [
            trade("no counterparty", MON, 10, 5, **amended),
            trade("late", MON, 10, 5, **UNKNOWN),
        ],
    )
    run_day_until(prepare_terms, WED)
    assert set(rows(HELD, day=WED)) == of_monday
    for name, version in (("no counterparty", 2), ("late", 1)):
        decide_on_trade(f"CSV~{name}", version, "RELEASED", "Ada", "it is right", WED, engine(Role.OPERATOR))
    assert set(rows(HELD, day=WED)) == of_monday - {("no counterparty", 1, "COUNTERPARTY_MISSING")} | {
        ("late", 1, "COUNTERPARTY_MISSING")
    }  # fmt: skip
