"""FIX 4.4 messages, composed here and from outside, become trade rows."""

from pathlib import Path

import pytest

from posttrade.messages.fix_drop_copy import COLUMNS, parse_message, trade_rows
from posttrade.messages.rows import SEPARATOR


def message(body: str, encoding: str = "utf-8") -> bytes:
    """A message with the right length and checksum; `body` has `|` between its fields."""
    content = body.replace("|", "\x01").encode(encoding)
    framed = b"8=FIX.4.4\x019=%d\x01%b" % (len(content), content)
    return framed + b"10=%03d\x01" % (sum(framed) % 256)


def report(execution: str, kind: str = "F", reference: str = "", more: str = "") -> bytes:
    return message(f"35=8|34=2|17={execution}|150={kind}|" + (f"19={reference}|" if reference else "") + more)


def rows(*messages: bytes | str) -> list[dict[str, str]]:
    parsed = [parse_message(line_no, one) for line_no, one in enumerate(messages, start=1)]
    found = trade_rows(parsed, lambda _: {})
    return [dict(zip(COLUMNS, row.cells.split(SEPARATOR), strict=False)) | {"defect": row.defect} for row in found]


def test_a_chain_is_one_trade_whatever_the_order() -> None:
    chain = [report("E1"), report("E2", "G", "E1"), report("E3", "H", "E2")]
    for order in (chain, chain[::-1]):
        named = sorted((row["trade_id"], row["version"], row["event_type"]) for row in rows(*order))
        assert named == [("E1", "1", "NEW"), ("E1", "2", "AMEND"), ("E1", "3", "CANCEL")]


def test_fields_are_read_as_the_contract_says() -> None:
    parties = "453=2|448=TR1|447=D|452=12|448=CP1|447=D|452=17|"
    economics = "526=BK|1=AC|55=VOD|54=2|32=5|31=1.5|15=GBP|75=20260105|64=20260107|60=20260105-09:30:00.250|12=3|"
    (row,) = rows(report("E1", more=parties + economics))
    assert [row[name] for name in ("book_id", "account_id", "trader_id", "counterparty_id", "instrument_id")] == [
        "BK", "AC", "TR1", "CP1", "VOD",
    ]  # fmt: skip
    assert [row[name] for name in ("side", "quantity", "price", "currency_code", "fee_amount")] == [
        "SELL",
        "5",
        "1.5",
        "GBP",
        "3",
    ]
    assert row["executed_at"] == "2026-01-05T09:30:00.250+00:00"
    assert (row["trade_date"], row["settlement_date"]) == ("2026-01-05", "2026-01-07")


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_lengths_count_bytes_and_data_fields_may_hold_the_delimiter(encoding: str) -> None:
    text = message("35=8|34=2|17=E1|150=F|58=Zürich|354=5|355=a|b=c|55=VOD|", encoding)
    (row,) = rows(text)
    assert (row["defect"], row["instrument_id"]) == ("", "VOD")


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (report("E1").replace(b"17=E1", b"17=E9"), "checksum"),
        (report("E1").replace(b"17=E1", b"17=E11"), "body of"),
        (report("E1") + b"58=x\x01", "follow the checksum"),
        (report("E1")[:20], "tag 10"),
        (report("E1", "G"), "ExecRefID"),
        (message("35=8|34=2|150=F|"), "ExecID"),
        (message("35=8|34=2|17=E1|"), "tag 150"),
        (report("E1", "2"), "states a fill as F"),
        (report("E3", more="78=2|79=A|80=1|1752=E1|79=A|80=1|1752=E2|"), "names more lots than one (E1, E2)"),
        (message("34=2|17=E1|150=F|"), "tag 35"),
        (message("35=8|34=2|17=E1|150=F|").replace(b"FIX.4.4", b"FIX.4.2"), "tag 8 states FIX.4.2"),
    ],
)
def test_a_defect_is_stated_and_not_booked(broken: bytes, reason: str) -> None:
    (row,) = rows(broken)
    assert reason in row["defect"]
    assert not row["trade_id"]


def test_the_lot_that_a_report_names_is_read_and_one_of_an_order_brings_nothing() -> None:
    (closing, other) = rows(report("E3", more="78=1|79=A|80=5|1752=E1|"), report("E4"), message("35=D|34=3|1752=E1|1752=E2|"))
    assert (closing["closes_trade_id"], other["closes_trade_id"]) == ("E1", "")


@pytest.mark.parametrize("flag", ["43=Y|", "97=Y|"])
def test_a_message_that_is_first_seen_as_a_repeat_is_read(flag: str) -> None:
    (row,) = rows(report("E1", more=flag + "32=5|"))
    assert (row["trade_id"], row["quantity"], row["defect"]) == ("E1", "5", "")


def test_a_person_answers_for_a_message_whose_checksum_does_not_hold() -> None:
    broken = report("E1").replace(b"17=E1", b"17=E11")
    assert parse_message(1, broken).defect
    assert not parse_message(1, broken, is_vouched=True).defect


def test_repeated_executions_from_outside_are_one(shared_cases: Path) -> None:
    lines = (shared_cases / "messages/fix44-er-150F-repeated-execid.fix").read_text().splitlines()
    found = rows(*lines)
    assert len(found) == 4
    assert {(row["trade_id"], row["instrument_id"], row["quantity"], row["price"], row["defect"]) for row in found} == {
        ("12", "TESTB", "400", "10", "")
    }


def test_a_correction_from_outside_with_a_broken_frame_is_not_booked(shared_cases: Path) -> None:
    text = (shared_cases / "messages/fix44-er-150G-trade-correct.fix").read_text().strip()
    (row,) = rows(text)
    assert "follow the checksum" in row["defect"]
    (row,) = rows(message(text.split("|35=8|", 1)[1].split("|10=", 1)[0].join(("35=8|", "|"))))
    assert [row[name] for name in ("trade_id", "version", "event_type", "instrument_id", "quantity", "price", "side")] == [
        "20170525.43", "2", "AMEND", "ED", "5", "98.695", "BUY",
    ]  # fmt: skip
    assert (row["book_id"], row["trader_id"], row["trade_date"]) == ("A81097021", "EUDENT", "2017-05-25")


@pytest.mark.parametrize("name", ["2e-possdup-already-received", "2e-possdup-not-received", "19a-possresend-already-seen"])
def test_session_messages_and_orders_bring_no_trade(shared_cases: Path, name: str) -> None:
    lines = (shared_cases / f"messages/fix44-{name}.def").read_text().splitlines()
    bodies = [line.split("|", 1)[1] for line in lines if line.startswith("I8=")]
    assert rows(*(message(body) for body in bodies)) == []
