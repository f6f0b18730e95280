"""Times the matching of lots of one large day, method by method, and a plain GROUP BY of the same trades, in one run."""

import subprocess
import sys
import time
from datetime import date

from rich.console import Console

from posttrade.bench import FIRST_DATE, throw_away_server
from posttrade.domain.lots import LotMethod
from posttrade.records.database import Role, engine, psycopg_connection

TRADES_A_KEY = 5
DAYS_BEHIND = 250
TRADES_A_DAY_BEHIND = 4_000
MOST_TIMES_GROUP_BY = {
    LotMethod.AVERAGE: 4, LotMethod.FIFO: 8, LotMethod.LIFO: 8, LotMethod.HIGHEST_COST: 8, LotMethod.LOWEST_COST: 8,
}  # fmt: skip
"""What each method may take of a day of 1,000,000 trades over 200,000 keys."""
READ = ("int_corporate_actions__instruments_linked", "int_lots__keys_replayed", "int_lots__trades_streamed", "int_lots__holdings_streamed",
        "int_lots__instruments_streamed", "int_lots__accounts_streamed", "int_lots__streamed")  # fmt: skip
MATCHED = ("int_lots__events_gathered", "int_lots__day_matched", "int_lots__linked_matched")


def run_bench_of_lots(trades: int, out: Console) -> None:
    """Match the lots of a day of `trades` trades over a fifth as many keys that all hold something, and print seconds and ratios.

    Args:
        trades: new trades of the day.
        out: where to print.
    """
    from posttrade.airflow.steps import CLOSING_STEPS, calls_of
    from posttrade.offices.large_days import stream_lots
    from posttrade.records.migrate import migrate
    from posttrade.settings import get_settings
    from posttrade.simulator.answers import answer
    from posttrade.simulator.world import write_world

    with throw_away_server():
        migrate()
        settings = get_settings()
        first, day = write_world(settings.inbox, days=2, trades=50, seed=7, first_date=FIRST_DATE)
        answer(settings.inbox, settings.outbox, first)
        for task_id in CLOSING_STEPS[: CLOSING_STEPS.index("build_middle_office") + 1]:
            for call, role in calls_of(task_id):
                call(first, engine(role))
        keys = trades // TRADES_A_KEY
        _write_history(first, day, keys, trades)
        out.print(f"{trades:,} trades of one day over {keys:,} keys that hold lots, {DAYS_BEHIND} days of trades behind them, seconds")
        plain = min(_group_by(day) for _ in range(3))
        out.print(f"{'plain GROUP BY':<28}{plain:9.2f}")
        # What is compiled once in an installation is not part of a day's work; what is compiled is loaded once by a process.
        _seconds_of(READ, day)
        stream_lots(day)
        out.print(f"{'load what is compiled':<28}{_seconds_to_load():9.2f}   once in a process, part of it while the database reads")
        for method in MOST_TIMES_GROUP_BY:
            with psycopg_connection(Role.LOADER) as connection:
                connection.execute(
                    "insert into books.lot_methods (account_id, valid_from, lot_method, business_date, revision, content_sha, file_id,"
                    " line_no) values ('BENCH', %s, %s, %s, (select count(*) + 1 from books.lot_methods), '', '', 0)",
                    (day, method, day),
                )
            _forget(day)
            prepare = _seconds_of(READ, day)
            started = time.perf_counter()
            stream_lots(day)
            stream = time.perf_counter() - started
            left, carry = _seconds_of(MATCHED, day), _seconds_of(("int_lots__matched",), day)
            total = prepare + stream + left + carry
            parts = f"prepare {prepare:.2f}, stream and match {stream:.2f}, match the rest {left:.2f}, carry {carry:.2f}"
            most = MOST_TIMES_GROUP_BY[method]
            verdict = f"within {most} x" if total <= most * plain else f"MORE THAN {most} x"
            out.print(f"{method:<28}{total:9.2f}   {total / plain:.1f} x GROUP BY, {verdict} ({parts})")


def _seconds_of(models: tuple[str, ...], day: date) -> float:
    """Build models as dbt does, and give the time their statements took."""
    from posttrade.offices.derivations import run_dbt

    return float(sum(result.execution_time for result in run_dbt(["run", "--select", *models], day).results))


def _seconds_to_load() -> float:
    """Seconds in which another process gets the compiled code ready that is kept in this installation."""
    program = (
        "import time; started = time.perf_counter()\n"
        "from posttrade.records.lot_streams import DayOfLots, StreamsOfDay\n"
        "from posttrade.records.binary_copy import HEADER, TRAILER\n"
        "from datetime import date\n"
        "DayOfLots(StreamsOfDay(*5 * [HEADER + TRAILER]), date(2026, 1, 5)); print(time.perf_counter() - started)"
    )
    return float(subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout)


def _forget(day: date) -> None:
    """Leave no lots of the day: a day is closed once, and what a method before this one left is not its burden."""
    with psycopg_connection(Role.TRANSFORMER) as connection:
        connection.autocommit = True
        connection.execute("delete from intermediate.int_lots__matched where business_date = %s", (day,))
        connection.execute("vacuum intermediate.int_lots__matched")


def _group_by(day: date) -> float:
    """Seconds to add up quantity and amounts per key, and keep the result."""
    with psycopg_connection(Role.TRANSFORMER) as connection:
        connection.execute("set work_mem = '64MB'; set jit = off; drop table if exists intermediate.plain")
        started = time.perf_counter()
        connection.execute(
            "create table intermediate.plain as select book_id, account_id, instrument_id, sum(quantity) as quantity,"
            " sum(gross_amount + fee_amount) as amount, sum(gross_amount_base + fee_amount_base) as amount_base"
            f" from intermediate.int_trades__movements where business_date = '{day}' group by book_id, account_id, instrument_id"
        )
        return time.perf_counter() - started


def _write_history(first: date, day: date, keys: int, trades: int) -> None:
    """Trades of the days behind, what every key held at the last of them, and the trades of the day."""
    with psycopg_connection(Role.TRANSFORMER) as connection:
        connection.execute(f"""
            select setseed(0.5);
            insert into intermediate.int_reference__instruments_known
            select (jsonb_populate_record(
                null::intermediate.int_reference__instruments_known,
                to_jsonb(one) || jsonb_build_object('business_date', '{day}', 'instrument_id', 'I' || number)
            )).*
            from (select * from intermediate.int_reference__instruments_known as known
                where product_line = 'equity' and currency_code = 'EUR' limit 1) as one
            cross join generate_series(0, {keys // 200}) as number;
            insert into intermediate.int_market__closing_fx_rates
            select (jsonb_populate_record(rates, jsonb_build_object('business_date', '{day}'))).*
            from intermediate.int_market__closing_fx_rates as rates where business_date = '{first}';
            create temp table keys as
            select number, 'B' || number % 200 as book_id, 'I' || number / 200 as instrument_id
            from generate_series(0, {keys - 1}) as number;
            insert into intermediate.int_trades__movements (business_date, book_id, account_id, instrument_id, product_line, trade_id,
                trade_version, movement_sign, movement_type, trade_date, settlement_date, executed_at, source_sequence, currency_code,
                fx_rate, quantity, gross_amount, accrued_amount, fee_amount, net_amount, gross_amount_base, accrued_amount_base,
                fee_amount_base)
            select business_date, book_id, 'BENCH', instrument_id, 'equity', 'T' || row_number() over (), 1, 1, 'NEW', business_date,
                business_date + 2, business_date + interval '9 hours' + random() * interval '8 hours', row_number() over (), 'EUR', 1,
                quantity, round(quantity * price, 2), 0, 1.25, -round(quantity * price, 2) - 1.25, round(quantity * price, 2), 0, 1.25
            from (
                select '{first}'::date - 1 - number / {TRADES_A_DAY_BEHIND} as business_date, number % {keys} as key,
                    (1 + floor(random() * 500))::numeric as quantity, (10 + random() * 90)::numeric(28, 4) as price
                from generate_series(0, {TRADES_A_DAY_BEHIND * DAYS_BEHIND - 1}) as number
                union all
                select '{day}', floor(random() * {keys})::integer,
                    (1 + floor(random() * 500))::numeric * case when random() < 0.5 then -1 else 1 end, (10 + random() * 90)::numeric(28, 4)
                from generate_series(1, {trades})
            ) as made
            inner join keys on made.key = keys.number;
            insert into intermediate.int_lots__matched (business_date, book_id, account_id, instrument_id, quantity, cost_amount,
                cost_amount_base, realised_amount, realised_amount_base, realised_price_amount_base, is_replayed, unnamed_quantity, lot_ids,
                opened_dates, quantities, costs, costs_base)
            select '{first}', book_id, 'BENCH', instrument_id, 300, 15000, 15000, 0, 0, 0, false, 0, array['L1', 'L2', 'L3'],
                array['{first}', '{first}', '{first}']::date[], array[100, 100, 100], array[4000, 5000, 6000],
                array[4000, 5000, 6000]
            from keys;
        """)
        connection.commit()
        connection.autocommit = True
        connection.execute("vacuum analyze intermediate.int_trades__movements; ")
        connection.execute("vacuum analyze intermediate.int_lots__matched")
