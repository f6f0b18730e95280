"""Messages that come again, word for word, after what they were judged by has been told otherwise.

What is on record as it stands is known; with other content it is a conflict; and what is not on record is judged by what is told now.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import pytest
from integration.small_firm import SmallFirm, rows, trade
from integration.test_forwards import FRI, MON, PAIR, THU, TUE, WED

from posttrade.errors import PosttradeError
from posttrade.offices import front_office
from posttrade.records.database import Role, engine
from posttrade.records.exceptions import list_exceptions, replay_exception

pytestmark = pytest.mark.usefixtures("fresh_database")
FORWARD = PAIR | {"product_line": "fx_forward", "issuer_country_code": "US"}
DEAL = {
    "product_line": "deposit", "market_mic": "XXXX", "currency_code": "EUR", "coupon_rate": "3.6", "coupon_frequency": 1,
    "day_count": "ACT/360", "issue_date": MON, "maturity_date": FRI, "issuer_country_code": "DE",
}  # fmt: skip
OPEN = DEAL | {"product_line": "repo_open", "coupon_frequency": "", "maturity_date": ""}
OPTION = {
    "product_line": "option", "market_mic": "CMES", "currency_code": "USD", "issuer_country_code": "US", "contract_size": 1,
    "option_type": "CALL", "strike_price": 99, "underlying_instrument_id": "S", "expiry_date": THU,
}  # fmt: skip
REJECTED = "select left(raw, 2), reason_code, field from operations.exceptions where business_date = :day order by line_no"


def named(name: str, terms: Mapping[str, object], **changes: object) -> dict[str, object]:
    return {"instrument_id": name, "name": name, **terms, **changes}


INSTRUMENTS = [
    named("MOVED", FORWARD, maturity_date=THU),
    named("SOONER", FORWARD, maturity_date=THU),
    named("DEP", DEAL),
    named("OPEN", OPEN),
    named("S", {"product_line": "equity", "currency_code": "USD", "market_mic": "XNYS", "issuer_country_code": "US"}),
    named("CALL", OPTION),
]


class Firm(SmallFirm):
    """A firm whose files are recorded and whose days are not closed."""

    def record_reference(self, day: date, *, is_first: bool = False, **files: Sequence[Mapping[str, object]]) -> dict[str, int]:
        for kind, lines in {**(self._reference() if is_first else {}), **files}.items():
            self.deliver(day, kind, lines)
        return front_office.record_reference_data(day, engine(Role.LOADER))

    def record_revision(
        self, day: date, kind: str, line: Mapping[str, object], revision: int, *, is_doubled: bool = False
    ) -> dict[str, int]:
        """One row with its revision, in a file of its own."""
        # a row that is there twice makes the file another one
        rows_told = [{**line, "revision": revision}] * (2 if is_doubled else 1)
        self.deliver(day, kind, rows_told, f"_{revision}{'b' if is_doubled else ''}")
        return front_office.record_reference_data(day, engine(Role.LOADER))

    def record_terms(self, day: date, lines: Sequence[Mapping[str, object]]) -> dict[str, int]:
        self.deliver(day, "open_deal_terms", lines)
        return front_office.record_market_data(day, engine(Role.LOADER))

    def record_trades(self, day: date, lines: Sequence[Mapping[str, object]]) -> tuple[int, int, int]:
        """Gives how many were recorded, known and rejected."""
        self.deliver(day, "trades", lines)
        counts = front_office.record_trades(day, engine(Role.LOADER))
        return counts["recorded"], counts["known"], counts["rejected"]


def of_tuesday() -> list[dict[str, object]]:
    """Two versions of one trade, the first of Tuesday, the second of Monday; and six others."""
    first = trade("g", TUE, 1000, "1.11", instrument_id="SOONER")
    return [
        trade("f", TUE, 1000, "1.11", instrument_id="MOVED", settlement_date=THU),
        trade("", TUE, 2000, "1.11", instrument_id="MOVED", settlement_date=THU),
        first,
        first | {"version": 2, "event_type": "AMEND", "trade_date": MON},
        trade("r", TUE, 1000, "100", instrument_id="OPEN", currency_code="EUR"),
        trade("d", TUE, 1000, "100", instrument_id="DEP", currency_code="EUR"),
        trade("s", MON, 1000, "100", instrument_id="DEP", currency_code="EUR", settlement_date=TUE),
        trade("o", TUE, 1000, "1", instrument_id="CALL"),
    ]


def firm_that_was_told_otherwise() -> Firm:
    """On Wednesday each of Tuesday's trades would be rejected, but for the amendment."""
    firm = Firm(base="EUR", instruments=INSTRUMENTS)
    assert firm.record_reference(MON, is_first=True)["rejected"] == 0
    assert firm.record_trades(TUE, of_tuesday()) == (8, 0, 0)
    told = [
        named("MOVED", FORWARD, maturity_date=FRI),
        named("SOONER", FORWARD, maturity_date=TUE),
        named("DEP", DEAL, maturity_date=TUE),
        named("CALL", OPTION, expiry_date=MON),
    ]
    assert firm.record_reference(WED, instruments=told) == {"recorded": 4, "known": 0, "rejected": 0, "refused": 0}
    ended = {"instrument_id": "OPEN", "valid_from": TUE, "deal_state": "TERMINATED"}
    assert firm.record_terms(WED, [ended])["recorded"] == 1
    return firm


def test_a_trade_that_comes_again_is_known_whatever_was_told_since() -> None:
    firm = firm_that_was_told_otherwise()
    # A body of its own: the same one would be known as a file.
    again = [*of_tuesday(), trade("n", WED, 1, "10", instrument_id="S")]
    assert firm.record_trades(WED, again) == (1, 8, 0)
    assert rows("select count(*) from operations.exceptions") == [(0,)]
    assert rows("select count(*) from books.trade_versions") == [(9,)]


def test_a_trade_that_comes_again_with_other_content_is_a_conflict_whatever_was_told_since() -> None:
    firm = firm_that_was_told_otherwise()
    changed = [one | {"quantity": 7} for one in of_tuesday() if one["trade_id"]]
    assert firm.record_trades(WED, changed) == (0, 0, 7)
    assert rows(REJECTED, day=WED) == [(f"{one['trade_id']},", "CONFLICT", None) for one in changed]
    # Once more they are the same exceptions.
    assert firm.record_trades(WED, [*changed, trade("n", WED, 1, "10", instrument_id="S")]) == (1, 7, 0)


def test_a_trade_that_is_not_on_record_is_judged_by_what_is_told_now() -> None:
    firm = firm_that_was_told_otherwise()
    # A fill that is named by its content is another one by each difference; of two equal ones the second is new.
    other = [one | ({"trade_id": str(one["trade_id"]).upper()} if one["trade_id"] else {"quantity": 7}) for one in of_tuesday()]
    fills = [one for one in of_tuesday() if not one["trade_id"]] * 2
    assert firm.record_trades(WED, [*other, *fills]) == (1, 1, 8)
    assert rows(REJECTED, day=WED) == [
        ("F,", "OTHER_VALUE_DATE", "settlement_date"),
        (",1", "OTHER_VALUE_DATE", "settlement_date"),
        ("G,", "NOT_BEFORE_VALUE_DATE", "trade_date"),
        ("R,", "TRADED_NO_MORE", "trade_date"),
        ("D,", "TRADED_NO_MORE", "trade_date"),
        ("S,", "NOT_BEFORE_REPAYMENT", "settlement_date"),
        ("O,", "AFTER_EXPIRY", "trade_date"),
        (",1", "OTHER_VALUE_DATE", "settlement_date"),
    ]


def test_a_rejected_trade_waits_until_what_is_told_makes_it_right() -> None:
    firm = firm_that_was_told_otherwise()
    late = trade("l", TUE, 5, "100", instrument_id="DEP", currency_code="EUR")
    loader = engine(Role.LOADER)
    assert firm.record_trades(WED, [late]) == (0, 0, 1)
    (waiting,) = list_exceptions(loader)
    with pytest.raises(PosttradeError, match="rejected again"):
        replay_exception(waiting["exception_id"], waiting["raw"], "clerk", WED, loader)
    assert firm.record_reference(THU, instruments=[named("DEP", DEAL)])["recorded"] == 1
    # The message comes again and is taken; its exception is then answered without another version.
    assert firm.record_trades(THU, [late, trade("n", THU, 1, "10", instrument_id="S")]) == (2, 0, 0)
    replay_exception(waiting["exception_id"], waiting["raw"], "clerk", THU, loader)
    assert list_exceptions(loader) == []
    assert rows("select count(*) from books.trade_versions where trade_id = 'CSV~l'") == [(1,)]
    # The end is told for Tuesday once more.
    assert firm.record_reference(FRI, instruments=[named("DEP", DEAL, maturity_date=TUE)])["recorded"] == 1
    assert firm.record_trades(FRI, [late, trade("m", FRI, 1, "10", instrument_id="S")]) == (1, 1, 0)
    assert list_exceptions(loader) == []


def test_a_trade_is_known_when_its_currency_and_that_of_the_firm_are_told_otherwise() -> None:
    """The share is told to be in euro on the day of its trade, and the firm to keep its books in them on the next."""
    firm = Firm(base="GBP", instruments=INSTRUMENTS)
    assert firm.record_reference(MON, is_first=True)["rejected"] == 0
    in_dollars = trade("1", MON, 10, "5", instrument_id="S")
    in_euro = trade("2", MON, 10, "5", instrument_id="DEP", currency_code="EUR", fx_rate="0.85")
    assert firm.record_trades(MON, [in_dollars, in_euro]) == (2, 0, 0)
    share = next(one for one in INSTRUMENTS if one["instrument_id"] == "S") | {"currency_code": "EUR"}
    assert firm.record_revision(MON, "instruments", share, 2)["recorded"] == 1
    assert firm.record_trades(MON, [in_dollars, in_dollars | {"trade_id": "3"}]) == (0, 1, 1)
    office = {"firm_id": "EXAMPLE", "name": "Example Firm", "base_currency_code": "EUR", "home_calendar": "XNYS"}
    assert firm.record_reference(TUE, firms=[office])["recorded"] == 1
    assert firm.record_trades(TUE, [in_euro, in_euro | {"trade_id": "4"}]) == (0, 1, 1)
    assert [*rows(REJECTED, day=MON), *rows(REJECTED, day=TUE)] == [
        ("3,", "OTHER_CURRENCY", "currency_code"),
        ("4,", "NOT_ONE", "fx_rate"),
    ]


def test_an_instrument_and_an_allocation_that_come_again_are_known_too() -> None:
    firm = Firm(base="EUR", accounts=("A", "CLIENT"), instruments=INSTRUMENTS)
    assert firm.record_reference(MON, is_first=True)["rejected"] == 0
    # A forward is for Tuesday, told on the same day to be for Thursday, and dealt: it is not for Tuesday again, but was said to be.
    short = named("SHORT", FORWARD, maturity_date=TUE)
    assert firm.record_revision(TUE, "instruments", short, 1)["recorded"] == 1
    assert firm.record_revision(TUE, "instruments", short | {"maturity_date": THU}, 2)["recorded"] == 1
    assert firm.record_trades(TUE, [trade("1", TUE, 1, "1.11", instrument_id="SHORT")]) == (1, 0, 0)
    counts = firm.record_revision(TUE, "instruments", short, 1, is_doubled=True)
    assert (counts["recorded"], counts["known"], counts["rejected"]) == (0, 2, 0)
    counts = firm.record_revision(TUE, "instruments", short, 3)
    assert (counts["recorded"], counts["known"], counts["rejected"]) == (0, 0, 1)
    # An allocation to an account whose trades are allocated themselves from Wednesday on.
    part = {"block_trade_id": "CSV~B", "version": 1, "allocation_no": 1, "account_id": "CLIENT", "quantity": 5}
    firm.deliver(TUE, "allocations", [part])
    assert front_office.record_trades(TUE, engine(Role.LOADER))["recorded"] == 1
    account = {"account_id": "CLIENT", "name": "CLIENT", "custodian_id": "CUS", "account_type": "ALLOCATION"}
    assert firm.record_reference(WED, accounts=[account])["recorded"] == 1
    firm.deliver(WED, "allocations", [part, part | {"allocation_no": 2}])
    counts = front_office.record_trades(WED, engine(Role.LOADER))
    assert (counts["recorded"], counts["known"], counts["rejected"]) == (0, 1, 1)
    assert rows("select kind, reason_code, field from operations.exceptions order by business_date, kind") == [
        ("instruments", "NOT_AFTER_ITS_TRADES", "maturity_date"),
        ("allocations", "ALLOCATION_ACCOUNT", "account_id"),
    ]
