"""The journal is sealed: an untouched one verifies, and whatever is done to it behind the database's back is found and named."""

import hashlib
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from environment_of_tests import set_environment
from integration.conftest import close_day
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from typer.testing import CliRunner

from posttrade.cli import app
from posttrade.offices import accounting
from posttrade.records import migrations
from posttrade.records.database import Role, administrator_url, engine
from posttrade.records.journal_seals import Fault, Verdict, seal_entries, verify_journal
from posttrade.records.migrate import migrate

MONDAY, TUESDAY = date(2026, 1, 5), date(2026, 1, 6)
# event -> the lines of its entry: ledger account and amount, debit positive
BOUGHT = [("securities", "100.00"), ("trade_settlement", "-100.00")]
BOUGHT_WITH_FEE = [("securities", "250.50"), ("fee_expense", "1.25"), ("trade_settlement", "-251.75")]
PAID = [("trade_settlement", "100.00"), ("cash", "-100.00")]


def entry_id(event_id: str) -> str:
    return str(uuid.UUID(hashlib.md5(f"{event_id}|1".encode(), usedforsecurity=False).hexdigest()))


def write(connection: sqlalchemy.Connection, day: date, event_id: str, lines: list[tuple[str, str]]) -> None:
    connection.execute(
        text(
            "insert into ledger.journal_entries (entry_id, event_id, event_type, sequence_no, content_sha, business_date)"
            " values (:entry_id, :event_id, 'TRADE', 1, 'x', :day)"
        ),
        {"entry_id": entry_id(event_id), "event_id": event_id, "day": day},
    )
    connection.execute(
        text(
            "insert into ledger.journal_lines (book_id, entry_id, line_no, gl_account, currency_code, amount, amount_base, business_date)"
            " select 'BK', :entry_id, number, gl_account, 'EUR', amount, amount, :day"
            " from unnest(cast(:accounts as text[]), cast(:amounts as numeric[])) with ordinality as given (gl_account, amount, number)"
        ),
        {
            "entry_id": entry_id(event_id),
            "day": day,
            "accounts": [account for account, _ in lines],
            "amounts": [Decimal(amount) for _, amount in lines],
        },
    )


def post(day: date, entries: dict[str, list[tuple[str, str]]]) -> None:
    """One posting run."""
    with engine(Role.POSTER).begin() as connection:
        for event_id, lines in entries.items():
            write(connection, day, event_id, lines)
        assert seal_entries(connection, day) == len(entries)


def verdict(known_seal_hash: str | None = None) -> Verdict:
    with engine(Role.AUDITOR).connect() as connection:
        return verify_journal(connection, known_seal_hash)


def found() -> list[tuple[Fault, int | None, str | None]]:
    return [(one.fault, one.seal_no, one.event_id or one.entry_id) for one in verdict().faults]


def tamper(*statements: str) -> None:
    """As the superuser, behind the back of every trigger."""
    administrator = sqlalchemy.create_engine(administrator_url())
    with administrator.begin() as connection:
        connection.execute(text("set local session_replication_role = replica"))
        for statement in statements:
            connection.execute(text(statement))
    administrator.dispose()


@pytest.fixture
def posted(fresh_database: str) -> Iterator[None]:  # noqa: ARG001 - the database must be there
    """Three posting runs on two dates: two trades, then a third, then a payment on the next day."""
    post(MONDAY, {"T1": BOUGHT, "T2": BOUGHT_WITH_FEE})
    post(MONDAY, {"T3": BOUGHT})
    post(TUESDAY, {"P1": PAID})
    yield


@pytest.mark.usefixtures("posted")
def test_an_untouched_journal_is_intact() -> None:
    intact = verdict()
    assert (intact.is_intact, intact.entry_count, intact.seal_count, intact.last_date) == (True, 4, 3, TUESDAY)
    with engine(Role.AUDITOR).connect() as connection:
        seals = connection.execute(
            text("select seal_no, business_date, entry_count, line_count from ledger.journal_seals order by seal_no")
        ).all()
    assert [tuple(seal) for seal in seals] == [(1, MONDAY, 2, 5), (2, MONDAY, 1, 2), (3, TUESDAY, 1, 2)]


TRIED = "update ledger.journal_lines set {change} where entry_id = '" + entry_id("T2") + "' and line_no = {line_no}"
OF_T2 = (Fault.ENTRY_CHANGED, 1, "T2")


@pytest.mark.usefixtures("posted")
@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([TRIED.format(change="gl_account = 'cash'", line_no=3)], [OF_T2]),
        ([TRIED.format(change="account_id = 'OTHER'", line_no=3)], [OF_T2]),
        ([TRIED.format(change="business_date = '2026-01-06'", line_no=3)], [OF_T2]),
        # two amounts exchanged: the entry still balances, its accounts do not say what happened
        (
            [TRIED.format(change="amount = 1.25, amount_base = 1.25", line_no=1),
             TRIED.format(change="amount = 250.50, amount_base = 250.50", line_no=2)],
            [OF_T2],
        ),
        # the same exchange between two entries names both
        (
            [f"update ledger.journal_lines set gl_account = 'cash' where entry_id in ('{entry_id('T1')}', '{entry_id('P1')}')"],
            [(Fault.ENTRY_CHANGED, 1, "T1"), (Fault.ENTRY_CHANGED, 3, "P1")],
        ),
        (["update ledger.journal_entries set known_at = known_at - interval '1 day' where event_id = 'T2'"], [OF_T2]),
        (["update ledger.journal_entries set event_type = 'PAYMENT' where event_id = 'T2'"], [OF_T2]),
        (
            [f"delete from ledger.journal_lines where entry_id = '{entry_id('T2')}' and line_no = 2"],
            [(Fault.ENTRY_UNBALANCED, None, "T2"), OF_T2],
        ),
        ([f"delete from ledger.journal_lines where entry_id = '{entry_id('T2')}'"], [OF_T2]),
        (
            [f"delete from ledger.journal_lines where entry_id = '{entry_id('T2')}'",
             "delete from ledger.journal_entries where event_id = 'T2'"],
            [(Fault.ENTRY_REMOVED, 1, entry_id("T2"))],
        ),
        # the lines of an entry that is gone
        (["delete from ledger.journal_entries where event_id = 'T2'"], [(Fault.ENTRY_CHANGED, 1, entry_id("T2"))]),
        (["delete from ledger.journal_seals where seal_no = 2"], [(Fault.SEAL_MISSING, 2, None)]),
        (["delete from ledger.journal_seals where seal_no = 3"], [(Fault.SEAL_MISSING, 3, None)]),
        # two seals and the record of what they held: the numbers tell, and the entries stand in no seal
        (
            ["delete from ledger.journal_seals where seal_no < 3", "delete from ledger.sealed_entries where seal_no < 3"],
            [(Fault.SEAL_MISSING, 1, None), (Fault.SEAL_MISSING, 2, None),
             *((Fault.ENTRY_UNSEALED, None, event_id) for event_id in ("T1", "T2", "T3"))],
        ),
        (
            ["update ledger.journal_seals set line_count = 3 where seal_no = 2"],
            [(Fault.SEAL_CHANGED, 2, None), (Fault.SEAL_CONTENT, 2, None)],
        ),
        (["update ledger.journal_seals set sealed_at = sealed_at - interval '1 day' where seal_no = 2"], [(Fault.SEAL_CHANGED, 2, None)]),
        # the seal and what it holds are made to agree: the seal after it still tells
        (
            ["update ledger.journal_seals set sealed_at = sealed_at - interval '1 day' where seal_no = 2",
             "update ledger.journal_seals as seals set seal_hash = ledger.seal_hash(seals) where seal_no = 2"],
            [(Fault.CHAIN_CUT, 3, None)],
        ),
        (
            ["update ledger.sealed_entries set entry_hash = sha256('x') where seal_no = 2"],
            [(Fault.ENTRY_CHANGED, 2, "T3"), (Fault.SEAL_CONTENT, 2, None)],
        ),
        (
            ["delete from ledger.sealed_entries where seal_no = 2"],
            [(Fault.SEAL_CONTENT, 2, None), (Fault.ENTRY_UNSEALED, None, "T3")],
        ),
    ],
    ids=[
        "account", "custody account", "date of a line", "amounts exchanged", "two entries", "time of knowledge", "type",
        "line deleted", "lines deleted", "entry deleted", "lines orphaned", "seal removed", "last seal removed", "two seals removed",
        "seal's count", "seal's time", "seal made anew", "record of an entry", "record of the entries removed",
    ],
)  # fmt: skip
def test_what_was_tampered_with_is_named(statements: list[str], expected: list[tuple[Fault, int | None, str | None]]) -> None:
    tamper(*statements)
    assert sorted(found(), key=str) == sorted(expected, key=str)


@pytest.mark.usefixtures("posted")
def test_an_entry_written_around_the_posting_is_named_and_a_later_run_does_not_seal_it() -> None:
    administrator = sqlalchemy.create_engine(administrator_url())
    with administrator.begin() as connection:
        write(connection, MONDAY, "FORGED", BOUGHT)
    administrator.dispose()
    assert found() == [(Fault.ENTRY_UNSEALED, None, "FORGED")]
    post(MONDAY, {"T4": BOUGHT})
    assert found() == [(Fault.ENTRY_UNSEALED, None, "FORGED")]


def verify(*options: str) -> tuple[int, list[str]]:
    """Exit code and output of `./posttrade verify`."""
    outcome = CliRunner().invoke(app, ["verify", *options])
    assert outcome.exception is None or isinstance(outcome.exception, SystemExit)
    return outcome.exit_code, outcome.output.splitlines()


@pytest.mark.usefixtures("posted")
def test_the_command_says_that_the_journal_is_intact() -> None:
    code, (first, second) = verify()
    assert (code, first) == (0, "journal intact: 4 entries in 3 seals up to 2026-01-06")
    assert second == f"last seal: {verdict().last_seal_hash}"
    assert verify("--seal", second.removeprefix("last seal: ")) == (0, [first, second])
    assert verify("--seal", "ab" * 32)[1][:2] == [
        "The journal is not as it was sealed.", "No seal has the hash you noted: seals were taken away or made anew.",
    ]  # fmt: skip


@pytest.mark.usefixtures("posted")
def test_the_command_names_every_entry_that_differs_and_fails() -> None:
    tamper(
        f"delete from ledger.journal_lines where entry_id = '{entry_id('T2')}' and line_no = 2",
        "update ledger.journal_entries set event_type = 'PAYMENT' where event_id = 'P1'",
    )
    code, lines = verify()
    assert code == 1
    assert lines[:-1] == [
        "The journal is not as it was sealed.",
        "Seal 1:",
        f"  Entry {entry_id('T2')} (T2) of 2026-01-05 was changed after seal 1: 3 lines sealed, 2 found.",
        "Seal 3:",
        f"  Entry {entry_id('P1')} (P1) of 2026-01-06 was changed after seal 3: 2 lines sealed, 2 found.",
        "In no seal, or out of balance:",
        f"  Entry {entry_id('T2')} (T2) of 2026-01-05 does not balance.",
    ]
    assert lines[-1].startswith("What to do: ")


def test_an_empty_journal_is_intact(fresh_database: str) -> None:  # noqa: ARG001
    assert verify() == (0, ["journal intact: 0 entries in 0 seals"])


@pytest.mark.usefixtures("posted")
def test_a_chain_made_anew_is_known_by_a_seal_noted_elsewhere() -> None:
    noted = verdict().last_seal_hash
    assert noted is not None
    assert verdict(noted).is_intact
    tamper(
        "delete from ledger.journal_lines", "delete from ledger.journal_entries",
        "delete from ledger.sealed_entries", "delete from ledger.journal_seals",
    )  # fmt: skip
    post(MONDAY, {"T1": BOUGHT, "T2": BOUGHT})
    # In itself the forged chain holds.
    assert verdict().is_intact
    assert not verdict(noted).is_intact


@pytest.mark.usefixtures("posted")
def test_the_hashes_are_those_of_another_road() -> None:
    """SHA-256 by hashlib over texts put together by hand, from the second seal on top of the first."""
    with engine(Role.AUDITOR).connect() as connection:
        known_at = connection.scalar(text("select known_at from ledger.journal_entries where event_id = 'T3'"))
        first, second = connection.execute(text("select * from ledger.journal_seals where seal_no <= 2 order by seal_no")).all()
        entry_hash = connection.scalar(text("select entry_hash from ledger.sealed_entries where seal_no = 2"))
    day = (MONDAY - date(2000, 1, 1)).days
    content = (
        f"({entry_id('T3')},T3,TRADE,1,,x,{day},{seconds(known_at)})"
        f'(BK,1,"","",securities,EUR,100,100,{day})'
        f'(BK,2,"","",trade_settlement,EUR,-100,-100,{day})'
    )
    assert entry_hash == hashlib.sha256(content.encode()).digest()
    entries_hash = hashlib.sha256(uuid.UUID(entry_id("T3")).bytes + entry_hash).digest()
    seal = f"(2,{day},1,2,{entries_hash.hex()},{first.seal_hash.hex()},{seconds(second.sealed_at)})"
    assert (second.entries_hash, second.previous_hash, second.seal_hash) == (
        entries_hash,
        first.seal_hash,
        hashlib.sha256(seal.encode()).digest(),
    )


def seconds(moment: datetime | None) -> str:
    """Since 1970, without trailing zeros."""
    assert moment is not None
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return format((Decimal(since.days * 86_400 + since.seconds) + Decimal(since.microseconds).scaleb(-6)).normalize(), "f")


@pytest.mark.usefixtures("posted")
def test_hashes_do_not_depend_on_the_settings_of_a_session() -> None:
    with engine(Role.AUDITOR).connect() as connection:
        for setting in ("datestyle to 'German'", "timezone to 'Asia/Tokyo'", "extra_float_digits to 0", "bytea_output to 'escape'"):
            connection.execute(text(f"set {setting}"))
        assert verify_journal(connection).is_intact


@pytest.mark.usefixtures("posted")
@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("update ledger.journal_seals set entry_count = 1", "append-only"),
        ("delete from ledger.sealed_entries", "append-only"),
        ("truncate ledger.journal_seals", "append-only|referenced in a foreign key"),
        # a number left out, and a second seal on top of the first
        ("insert into ledger.journal_seals (seal_no, business_date, entry_count, line_count, entries_hash, previous_hash, sealed_at,"
         " seal_hash) select 5, business_date, 1, 2, entries_hash, seal_hash, now(), 'x' from ledger.journal_seals where seal_no = 3",
         "foreign key"),
        ("insert into ledger.journal_seals (seal_no, business_date, entry_count, line_count, entries_hash, previous_hash, sealed_at,"
         " seal_hash) select 4, business_date, 1, 2, entries_hash, seal_hash, now(), 'x' from ledger.journal_seals where seal_no = 2",
         "foreign key"),
    ],
)  # fmt: skip
def test_the_database_refuses_to_change_or_fork_the_chain(statement: str, reason: str) -> None:
    administrator = sqlalchemy.create_engine(administrator_url())
    with pytest.raises(DBAPIError, match=reason), administrator.begin() as connection:
        connection.execute(text(statement))
    administrator.dispose()


def test_what_was_posted_before_there_were_seals_is_sealed_by_the_upgrade(fresh_database: str) -> None:
    revision, without = "0010", "unsealed"
    administrator = sqlalchemy.create_engine(fresh_database, isolation_level="AUTOCOMMIT")
    with administrator.connect() as connection:
        connection.execute(text(f"create database {without}"))
    set_environment(database_url=fresh_database.rsplit("/", 1)[0] + f"/{without}")
    try:
        config = Config()
        config.set_main_option("script_location", str(Path(migrations.__file__).parent))
        before = ScriptDirectory.from_config(config).get_revision(revision).down_revision
        older = sqlalchemy.create_engine(administrator_url())
        with older.begin() as connection:
            connection.execute(text(f"grant create on database {without} to {Role.OWNER}"))
            connection.execute(text(f"grant create, usage on schema public to {Role.OWNER}"))
            connection.execute(text(f"set local role {Role.OWNER}"))
            config.attributes["connection"] = connection
            command.upgrade(config, str(before))
            connection.execute(text("reset role"))
            for day, event_id in ((TUESDAY, "P1"), (MONDAY, "T1"), (MONDAY, "T2")):
                write(connection, day, event_id, PAID)
        older.dispose()
        migrate()
        sealed = verdict()
        assert (sealed.is_intact, sealed.entry_count, sealed.seal_count, sealed.last_date) == (True, 3, 2, TUESDAY)
        post(TUESDAY, {"P2": PAID})
        assert (verdict().is_intact, verdict().seal_count) == (True, 3)
    finally:
        set_environment(database_url=fresh_database)
        with administrator.connect() as connection:
            connection.execute(text(f"drop database {without} with (force)"))
            connection.execute(text(f"drop database if exists {without}_airflow with (force)"))
        administrator.dispose()


def test_each_day_is_sealed_and_closing_it_again_adds_no_seal(firm: Callable[[int, int], list[date]]) -> None:
    dates = firm(2, 60)
    before = verdict()
    assert (before.is_intact, before.seal_count, before.last_date) == (True, 2, dates[-1])
    assert before.entry_count > 100
    close_day(dates[0])
    assert accounting.post_journal(dates[1], engine(Role.POSTER))["posted"] == 0
    assert verdict() == before
