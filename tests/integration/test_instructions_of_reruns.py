"""What a first run of a date instructed, after the facts of that date became others: what is instructed follows the books."""

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from hashlib import md5

import pytest
from integration.conftest import close_day, run_day_until
from integration.small_firm import SmallFirm, assert_books_tie, assert_rebuilt_the_same, failing_rows, rows, trade, value
from sqlalchemy.exc import IntegrityError

from posttrade.offices import settlement
from posttrade.offices.accounting import post_journal
from posttrade.offices.business_days import close_business_date
from posttrade.offices.derivations import build_back_office, build_middle_office
from posttrade.offices.settlement import age_fails, deliver_outbox
from posttrade.records.database import Role, engine
from posttrade.records.trade_releases import decide_on_trade
from posttrade.settings import get_settings

pytestmark = pytest.mark.usefixtures("fresh_database")
MON, TUE, WED, THU, FRI = (date(2026, 1, day) for day in (5, 6, 7, 8, 9))
BOND = {
    "instrument_id": "X", "name": "X", "product_line": "bond_fixed", "market_mic": "XXXX", "coupon_rate": "3.6", "coupon_frequency": 4,
    "day_count": "ACT/360", "issue_date": "2025-10-07", "maturity_date": "2027-10-07", "currency_code": "USD",
    "issuer_country_code": "US",
}  # fmt: skip
SHARE = {
    "instrument_id": "I", "name": "I", "product_line": "equity", "market_mic": "XETR", "currency_code": "USD", "issuer_country_code": "US",
}  # fmt: skip
STANDING = {"account_id": "A", "currency_code": "USD", "place_of_settlement_bic": "EXCUUS33", "cash_account_id": "C-USD"}
OFFICE = {"firm_id": "EXAMPLE", "name": "Example Firm", "base_currency_code": "USD", "home_calendar": "XNYS"}
NOTHING_MOVED = {"settled_quantity": 0, "settled_amount": 0}
Instruction = tuple[str, int, str, Decimal, Decimal, date, str, bool]


def correct(firm: SmallFirm, day: date, kind: str, line: dict[str, object], revision: int = 2) -> None:
    """A further file of a date with a further revision."""
    firm.deliver(day, kind, [{"revision": revision, **line}], f"_{revision}")


def instructed(day: date | None = None) -> list[Instruction]:
    """Trade, version, function, quantity, amount, settlement date, custody account and whether it left the house, as recorded."""
    return rows(
        "select replace(trade_id, 'CSV~', ''), trade_version, function, quantity, amount, settlement_date, custody_account_number,"
        " exists (select from operations.outbox_items as items where items.channel = 'settlement' and items.item_id = instruction_id)"
        " from operations.settlement_instructions where business_date = coalesce(:day, business_date)"
        " order by 1, known_at, function",
        day=day,
    )


def left_the_house(day: date) -> list[str]:
    """Trade, version and function of the lines in the messages of a date, sorted."""
    lines = [
        line.split(",")[0]
        for path in sorted((get_settings().outbox / "settlement").glob(f"settlement_{day}_*.csv"))
        for line in path.read_text().splitlines()
        if line.startswith("PT")
    ]
    names = dict(
        rows(
            "select instruction_id, replace(trade_id, 'CSV~', '') || ' ' || trade_version || ' ' || function"
            " from operations.settlement_instructions"
        )
    )
    return sorted(names[one] for one in lines)


def open_on(day: date) -> list[tuple[str, int, Decimal, int]]:
    """Trade, version, outstanding quantity and days late of the open instructions of a closed day."""
    return rows(
        "select replace(settlements.trade_id, 'CSV~', ''), instructions.trade_version, outstanding_quantity, days_late"
        " from marts.fct_settlements as settlements inner join operations.settlement_instructions as instructions using (instruction_id)"
        " where settlements.business_date = :day and settlement_status in ('PENDING', 'PARTIAL', 'FAILED')"
        " and settlements.function <> 'CANC'"
        " order by 1, 2, instructions.known_at",
        day=day,
    )


def legacy_id(name: str) -> str:
    return "PT" + md5(name.encode(), usedforsecurity=False).hexdigest()[:14].upper()


def prices(firm: SmallFirm, day: date) -> None:
    quoted = [
        {"instrument_id": one["instrument_id"], "price_date": day, "price": price, "currency_code": "USD"}
        for one, price in ((BOND, 100), (SHARE, 10))
    ]
    firm.deliver(day, "prices", quoted)


def answered(day: date, name: str, status: str, **moved: object) -> dict[str, object]:
    """The custodian's word on the last open instruction of a trade."""
    wanted = value(
        "select instruction_id from operations.settlement_instructions as instructions"
        " where trade_id = 'CSV~' || :name and function = 'NEWM' and not exists (select from operations.settlement_statuses as statuses"
        " where statuses.instruction_id = instructions.instruction_id)"
        " order by known_at desc limit 1",
        name=name,
    )
    return {"status_id": f"{name}-{day}", "instruction_id": wanted, "status": status, "status_date": day} | NOTHING_MOVED | moved


# 7.2 % a year over 360 days is 0.02 % a day, from 7 October to 5 January 24 + 30 + 31 + 5 = 90 days: 1,800 of 100,000 are
# accrued; at 3.6 % 900.
# Of shares traded on Monday, Frankfurt delivers on Wednesday, New York on Tuesday.
CORRECTIONS = {
    "coupon": (
        trade("T", MON, 100000, 100, instrument_id="X"), "instruments", BOND | {"coupon_rate": "7.2"},
        (100000, -100900, MON, "1"), (100000, -101800, MON, "1"),
    ),
    "settlement date": (
        trade("T", MON, 100, 10), "instruments", SHARE | {"market_mic": "XNYS"}, (100, -1000, WED, "1"), (100, -1000, TUE, "1"),
    ),
    "standing instruction": (
        trade("T", MON, 100, 10), "standing_instructions", STANDING | {"custody_account_number": "2"},
        (100, -1000, WED, "1"), (100, -1000, WED, "2"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", CORRECTIONS)
@pytest.mark.parametrize("last_of_first_run", [post_journal, deliver_outbox])
def test_what_is_corrected_on_its_date_is_instructed_as_corrected(what: str, last_of_first_run: Callable[..., object]) -> None:
    was_sent = last_of_first_run is deliver_outbox
    dealt, kind, corrected, first, second = CORRECTIONS[what]
    firm = SmallFirm(instruments=[BOND, SHARE])
    firm.make_known(MON)
    prices(firm, MON)
    firm.deliver(MON, "trades", [dealt])
    run_day_until(last_of_first_run, MON)
    assert instructed() == [("T", 1, "NEWM", *first, was_sent)]
    # The first instruction of a version is named as ever.
    assert value("select instruction_id from operations.settlement_instructions") == legacy_id("CSV~T|1|NEWM")

    correct(firm, MON, kind, corrected)
    run_day_until(post_journal, MON)
    wanted = [("T", 1, "NEWM", *first, was_sent), ("T", 1, "CANC", *first, False), ("T", 1, "NEWM", *second, False)]
    assert instructed() == sorted(wanted, key=lambda one: one[2] == "NEWM" and one[3:7] == second)
    run_day_until(post_journal, MON)
    assert len(instructed()) == 3
    taken_back = "select instruction_id, cancels_instruction_id from operations.settlement_instructions where function = 'CANC'"
    assert rows(taken_back) == [(legacy_id("CSV~T|1|CANC"), legacy_id("CSV~T|1|NEWM"))]
    close_day(MON)
    # What never left is not cancelled at the custodian either.
    assert left_the_house(MON) == (["T 1 CANC", "T 1 NEWM", "T 1 NEWM"] if was_sent else ["T 1 NEWM"])
    assert [one[7] for one in instructed()] == [was_sent, was_sent, True]
    stages = "select stage from marts.rpt_trade_lifecycle where trade_id = 'CSV~T'"
    assert value(stages) == "INSTRUCTED"

    prices(firm, TUE)
    quantity, amount, *_ = second
    statuses = [answered(TUE, "T", "SETTLED", settled_quantity=quantity, settled_amount=amount)]
    if was_sent:
        statuses += [
            {"status_id": f"C-{one}", "instruction_id": one, "status": "CANCELLED", "status_date": TUE} | NOTHING_MOVED
            for (one,) in rows(
                "select unnest(array[instruction_id, cancels_instruction_id])"
                " from operations.settlement_instructions where function = 'CANC'"
            )
        ]
    firm.deliver(TUE, "settlement_statuses", statuses)
    close_day(TUE)
    prices(firm, WED)
    close_day(WED)
    assert open_on(TUE) == open_on(WED) == []
    assert value(stages) == "SETTLED"
    assert age_fails(FRI, engine(Role.OPERATOR)) == {"late_1_to_3": 0, "late_4_to_10": 0, "late_over_10": 0}
    assert len(instructed()) == 3
    assert value("select sum(amount) from ledger.journal_lines where gl_account = 'trade_settlement'") == 0
    assert_books_tie()
    assert_rebuilt_the_same()


def test_what_is_corrected_back_before_anything_else_left_the_house_stands_as_it_was_sent() -> None:
    """100,900.00 was sent; a coupon of 7.2 asks for 101,800.00, and the third revision says 3.6 again."""
    firm = SmallFirm(instruments=[BOND, SHARE])
    firm.make_known(MON)
    prices(firm, MON)
    firm.deliver(MON, "trades", [trade("T", MON, 100000, 100, instrument_id="X")])
    run_day_until(deliver_outbox, MON)
    for revision, coupon in ((2, "7.2"), (3, "3.6")):
        correct(firm, MON, "instruments", BOND | {"coupon_rate": coupon}, revision)
        run_day_until(post_journal, MON)
    close_day(MON)
    assert left_the_house(MON) == ["T 1 NEWM"]
    assert [(amount, sent) for *_, amount, _, _, sent in instructed() if sent] == [(-100900, True)]
    # The bond was due at once.
    assert [one[:3] for one in open_on(MON)] == [("T", 1, 100000)]
    assert value("select stage from marts.rpt_trade_lifecycle") == "INSTRUCTED"
    assert_rebuilt_the_same()


def test_what_stays_in_the_house_is_open_until_the_date_that_replaces_it() -> None:
    """Nothing leaves on Monday; on Tuesday the trade has a second version, and only that leaves."""
    firm = SmallFirm(instruments=[BOND, SHARE | {"market_mic": "XNYS"}])
    firm.make_known(MON)
    prices(firm, MON)
    dealt = trade("T", MON, 100, 10)
    firm.deliver(MON, "trades", [dealt])
    run_day_until(build_back_office, MON)
    close_business_date(MON, engine(Role.OPERATOR))
    prices(firm, TUE)
    firm.day(TUE, [dealt | {"version": 2, "event_type": "AMEND", "quantity": 200}])
    assert left_the_house(MON) == []
    assert left_the_house(TUE) == ["T 2 NEWM"]
    assert open_on(MON) == [("T", 1, 100, 0)]
    assert open_on(TUE) == [("T", 2, 200, 0)]
    # Due on Tuesday, it is late on Wednesday, and what never left is not.
    prices(firm, WED)
    close_day(WED)
    assert open_on(WED) == [("T", 2, 200, 1)]
    assert age_fails(WED, engine(Role.OPERATOR)) == {"late_1_to_3": 1, "late_4_to_10": 0, "late_over_10": 0}
    assert_books_tie()
    assert_rebuilt_the_same()


def firm_of_late_events(last_of_first_run: Callable[..., object]) -> SmallFirm:
    """G and K of Monday, G delivered on Tuesday. On Thursday a first run knows an amendment, a cancellation and a late trade.

    The second holds all three.
    """
    firm = SmallFirm(instruments=[BOND, SHARE | {"market_mic": "XNYS"}])
    g, k, n = trade("G", MON, 100, 10), trade("K", MON, 100, 10), trade("N", MON, 100, 10)
    for day in (MON, TUE, WED):
        firm.make_known(day)
        prices(firm, day)
        if day == MON:
            firm.deliver(day, "trades", [g, k])
            correct(firm, day, "firms", OFFICE | {"posting_cutoff_days": 7})
        if day == TUE:
            firm.deliver(day, "settlement_statuses", [answered(day, "G", "SETTLED", settled_quantity=100, settled_amount=-1000)])
        close_day(day)
    prices(firm, THU)
    amended = g | {"version": 2, "event_type": "AMEND", "quantity": 200}
    firm.deliver(THU, "trades", [amended, {"trade_id": "K", "version": 2, "event_type": "CANCEL"}, n])
    run_day_until(last_of_first_run, THU)
    sent = last_of_first_run is deliver_outbox
    assert instructed(THU) == [
        ("G", 1, "RETN", -100, 1000, THU, "1", sent), ("G", 2, "NEWM", 200, -2000, TUE, "1", sent),
        ("K", 1, "CANC", 100, -1000, TUE, "1", sent), ("N", 1, "NEWM", 100, -1000, TUE, "1", sent),
    ]  # fmt: skip
    correct(firm, THU, "firms", OFFICE | {"posting_cutoff_days": 1})
    run_day_until(post_journal, THU)
    recorded = instructed()
    run_day_until(post_journal, THU)
    assert instructed() == recorded
    close_day(THU)
    assert rows("select instrument_id, traded_quantity from marts.fct_positions where business_date = :day", day=THU) == [("I", 200)]
    return firm


def test_what_is_held_after_all_and_had_not_left_the_house_is_as_if_it_had_not_been_instructed() -> None:
    firm = firm_of_late_events(post_journal)
    assert left_the_house(THU) == []
    # K of Monday was due on Tuesday.
    assert open_on(THU) == [("K", 1, 100, 2)]
    assert age_fails(THU, engine(Role.OPERATOR)) == {"late_1_to_3": 1, "late_4_to_10": 0, "late_over_10": 0}
    stages = "select replace(trade_id, 'CSV~', ''), stage from marts.rpt_trade_lifecycle order by 1"
    assert rows(stages) == [("G", "SETTLED"), ("K", "INSTRUCTED"), ("N", "HELD")]

    # Released on Friday, it is instructed for good.
    prices(firm, FRI)
    for name, version in (("G", 2), ("K", 2), ("N", 1)):
        decide_on_trade(f"CSV~{name}", version, "RELEASED", "Ada", "it is right", FRI, engine(Role.OPERATOR))
    close_day(FRI)
    assert instructed(FRI) == [
        ("G", 1, "RETN", -100, 1000, FRI, "1", True), ("G", 2, "NEWM", 200, -2000, TUE, "1", True),
        ("K", 1, "CANC", 100, -1000, TUE, "1", True), ("N", 1, "NEWM", 100, -1000, TUE, "1", True),
    ]  # fmt: skip
    assert left_the_house(FRI) == ["G 1 RETN", "G 2 NEWM", "K 1 CANC", "N 1 NEWM"]
    assert rows(stages) == [("G", "INSTRUCTED"), ("K", "CANCELLED"), ("N", "INSTRUCTED")]
    assert_books_tie()
    assert_rebuilt_the_same()


def test_what_is_held_after_all_and_had_left_the_house_is_taken_back_and_what_it_replaced_comes_anew() -> None:
    firm = firm_of_late_events(deliver_outbox)
    assert left_the_house(THU) == sorted(
        [
            *("G 1 RETN", "G 2 NEWM", "K 1 CANC", "N 1 NEWM"),
            *("G 1 NEWM", "G 2 CANC", "K 1 NEWM", "N 1 CANC"),
        ]
    )
    assert {one[:7] for one in instructed(THU)} - {("G", 1, "RETN", -100, 1000, THU, "1"), ("K", 1, "CANC", 100, -1000, TUE, "1")} == {
        ("G", 2, "NEWM", 200, -2000, TUE, "1"), ("G", 2, "CANC", 200, -2000, TUE, "1"), ("G", 1, "NEWM", 100, -1000, TUE, "1"),
        ("K", 1, "NEWM", 100, -1000, TUE, "1"),
        ("N", 1, "NEWM", 100, -1000, TUE, "1"), ("N", 1, "CANC", 100, -1000, TUE, "1"),
    }  # fmt: skip
    # Refused on Friday, nothing more is told.
    prices(firm, FRI)
    for name, version in (("G", 2), ("K", 2), ("N", 1)):
        decide_on_trade(f"CSV~{name}", version, "REFUSED", "Ada", "the broker's mistake", FRI, engine(Role.OPERATOR))
    close_day(FRI)
    assert instructed(FRI) == []
    assert_books_tie()
    assert_rebuilt_the_same()


def test_a_trade_without_standing_instruction_is_instructed_on_the_date_that_knows_it() -> None:
    firm = SmallFirm(accounts=(), instruments=[BOND, SHARE | {"market_mic": "XNYS"}])
    account = {"account_id": "A", "name": "A", "custodian_id": "CUS"}
    prices(firm, MON)
    firm.day(MON, [trade("T", MON, 100, 10)], accounts=[account])
    assert instructed() == []
    prices(firm, TUE)
    firm.day(TUE, [], standing_instructions=[STANDING | {"custody_account_number": "7"}])
    assert instructed() == [("T", 1, "NEWM", 100, -1000, TUE, "7", True)]


def test_what_the_custodian_settles_although_it_was_cancelled_is_returned_once() -> None:
    """The cancellation of Tuesday is denied on Wednesday: the custodian had settled half of the trade, and settles the rest on Thursday."""
    firm = SmallFirm(instruments=[BOND, SHARE | {"market_mic": "XNYS"}])
    firm.make_known(MON)
    prices(firm, MON)
    firm.day(MON, [trade("T", MON, 100, 10)])
    prices(firm, TUE)
    firm.day(TUE, [{"trade_id": "T", "version": 2, "event_type": "CANCEL"}])
    half = answered(WED, "T", "PARTIAL", settled_quantity=50, settled_amount=-500)
    rest = half | {"status_id": "T-rest", "status": "SETTLED", "status_date": THU}
    assert instructed(TUE) == [("T", 1, "CANC", 100, -1000, TUE, "1", True)]
    for day, status in ((WED, half), (THU, rest)):
        prices(firm, day)
        firm.deliver(day, "settlement_statuses", [status])
        run_day_until(post_journal, day)
        close_day(day)
        assert instructed(day) == [("T", 1, "RETN", -50, 500, day, "1", True)]
    prices(firm, FRI)
    close_day(FRI)
    assert instructed(FRI) == []
    assert_books_tie()


def test_what_the_custodian_has_cancelled_by_itself_is_not_cancelled_again() -> None:
    firm = SmallFirm(instruments=[BOND, SHARE | {"market_mic": "XNYS"}])
    firm.make_known(MON)
    prices(firm, MON)
    firm.day(MON, [trade("T", MON, 100, 10), trade("P", MON, 100, 10)])
    # Of P, 40 were settled before the rest was cancelled.
    part = answered(TUE, "P", "PARTIAL", settled_quantity=40, settled_amount=-400)
    rest = {"status_id": "P-rest", "instruction_id": part["instruction_id"], "status": "CANCELLED", "status_date": TUE} | NOTHING_MOVED
    prices(firm, TUE)
    firm.day(TUE, [], settlement_statuses=[answered(TUE, "T", "CANCELLED"), part, rest])
    prices(firm, WED)
    firm.day(WED, [trade(name, MON, 60, 10, version=2, event_type="AMEND") for name in ("T", "P")])
    assert instructed(WED) == [
        ("P", 1, "RETN", -40, 400, WED, "1", True), ("P", 2, "NEWM", 60, -600, TUE, "1", True), ("T", 2, "NEWM", 60, -600, TUE, "1", True),
    ]  # fmt: skip
    assert_books_tie()


def test_what_settles_although_the_custodian_had_cancelled_it_by_itself_is_returned() -> None:
    """100 were instructed and cancelled by the custodian, and 60 instead; on Thursday the 100 settle after all."""
    firm = SmallFirm(instruments=[BOND, SHARE | {"market_mic": "XNYS"}])
    firm.make_known(MON)
    prices(firm, MON)
    firm.day(MON, [trade("T", MON, 100, 10)])
    cancelled = answered(TUE, "T", "CANCELLED")
    settled = cancelled | {"status_id": "T-late", "status": "SETTLED", "status_date": THU, "settled_quantity": 100, "settled_amount": -1000}
    prices(firm, TUE)
    firm.day(TUE, [], settlement_statuses=[cancelled])
    prices(firm, WED)
    firm.day(WED, [trade("T", MON, 60, 10, version=2, event_type="AMEND")])
    assert instructed(WED) == [("T", 2, "NEWM", 60, -600, TUE, "1", True)]
    prices(firm, THU)
    firm.day(THU, [], settlement_statuses=[settled])
    assert instructed(THU) == [("T", 1, "RETN", -100, 1000, THU, "1", True)]
    assert_books_tie()


def test_what_was_taken_back_in_the_house_comes_anew_where_its_amount_has_become_another() -> None:
    """Thursday's first run instructs a late bond for 100,900 and its second holds it; on Friday the coupon is told as 7.2 % and the trade
    is released: it owes 101,800."""
    firm = SmallFirm(instruments=[BOND, SHARE | {"market_mic": "XNYS"}])
    for day in (MON, TUE, WED):
        firm.make_known(day)
        prices(firm, day)
        if day == MON:
            correct(firm, day, "firms", OFFICE | {"posting_cutoff_days": 7})
        close_day(day)
    prices(firm, THU)
    firm.deliver(THU, "trades", [trade("N", MON, 100000, 100, instrument_id="X")])
    run_day_until(deliver_outbox, THU)
    correct(firm, THU, "firms", OFFICE | {"posting_cutoff_days": 1})
    run_day_until(build_back_office, THU)
    # The cancellation does not leave.
    close_business_date(THU, engine(Role.OPERATOR))
    assert left_the_house(THU) == ["N 1 NEWM"]
    prices(firm, FRI)
    firm.deliver(FRI, "instruments", [BOND | {"coupon_rate": "7.2"}])
    decide_on_trade("CSV~N", 1, "RELEASED", "Ada", "it is right", FRI, engine(Role.OPERATOR))
    close_day(FRI)
    assert left_the_house(FRI) == ["N 1 CANC", "N 1 NEWM"]
    assert instructed(FRI) == [("N", 1, "NEWM", 100000, -101800, MON, "1", True)]
    assert_books_tie()


def test_what_settled_while_its_cancellation_was_under_way_is_returned_where_it_comes_anew() -> None:
    """Thursday's first run sends the cancellation of Monday's trade, which has just settled; then the cancellation is held for release."""
    firm = SmallFirm(instruments=[BOND, SHARE | {"market_mic": "XNYS"}])
    for day in (MON, TUE, WED):
        firm.make_known(day)
        prices(firm, day)
        if day == MON:
            firm.deliver(day, "trades", [trade("K", MON, 100, 10)])
            correct(firm, day, "firms", OFFICE | {"posting_cutoff_days": 7})
        close_day(day)
    prices(firm, THU)
    firm.deliver(THU, "trades", [{"trade_id": "K", "version": 2, "event_type": "CANCEL"}])
    run_day_until(deliver_outbox, THU)
    firm.deliver(THU, "settlement_statuses", [answered(THU, "K", "SETTLED", settled_quantity=100, settled_amount=-1000)])
    correct(firm, THU, "firms", OFFICE | {"posting_cutoff_days": 1})
    for _ in range(2):
        run_day_until(post_journal, THU)
        of_the_trade = [(function, quantity) for _, _, function, quantity, *_ in instructed(THU)]
        assert of_the_trade == [("CANC", 100), ("RETN", -100), ("NEWM", 100)]
    close_day(THU)
    assert left_the_house(THU) == ["K 1 CANC", "K 1 NEWM", "K 1 RETN"]
    prices(firm, FRI)
    close_day(FRI)
    assert instructed(FRI) == []
    assert_books_tie()


def test_a_run_that_is_overtaken_by_the_close_of_its_date_instructs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The run finds Monday open, and then another process closes it."""
    firm = SmallFirm(instruments=[BOND, SHARE | {"market_mic": "XNYS"}])
    firm.make_known(MON)
    prices(firm, MON)
    firm.deliver(MON, "trades", [trade("T", MON, 100, 10)])
    run_day_until(build_middle_office, MON)

    statements = settlement.CONCERNED_AND_WANTED

    def closed_meanwhile() -> Iterator[str]:
        close_business_date(MON, engine(Role.OPERATOR))
        yield from statements

    monkeypatch.setattr(settlement, "CONCERNED_AND_WANTED", closed_meanwhile())
    with pytest.raises(IntegrityError, match=f"the business date {MON} is closed"):
        settlement.instruct_settlement(MON, engine(Role.OPERATOR))
    assert instructed() == []
    # Run again, it has nothing to do.
    assert settlement.instruct_settlement(MON, engine(Role.OPERATOR))["instructed"] == 0


def test_what_could_be_instructed_and_is_not_is_told() -> None:
    """N has no counterparty and is held; L is lent, and delivered by nobody."""
    lent = {"instrument_id": "D", "product_line": "deposit", "market_mic": "XXXX", "coupon_rate": "3.6", "coupon_frequency": 1}
    terms = {"day_count": "ACT/360", "issue_date": MON, "maturity_date": FRI}
    firm = SmallFirm(instruments=[SHARE, BOND, lent | terms])
    firm.make_known(MON)
    prices(firm, MON)
    firm.deliver(
        MON,
        "trades",
        [
            trade("T", MON, 100, 10),
            trade("N", MON, 100, 10, counterparty_id=""),
            trade("L", MON, 1000, 100, instrument_id="D"),
        ],
    )
    run_day_until(build_middle_office, MON)
    assert [(row["trade_id"], row["version"]) for row in failing_rows("instruction_missing", MON)] == [("CSV~T", 1)]
    run_day_until(settlement.instruct_settlement, MON)
    assert failing_rows("instruction_missing", MON) == []
