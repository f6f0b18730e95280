"""Look at figures and prove them: returns, changes, fingerprint, verify."""

from typing import Annotated

import typer
from rich.table import Table

from posttrade.cli.application import app
from posttrade.cli.surroundings import date_of, moment_of, out, percent, settings_for, shown

LISTED_ENTRIES = 20


@app.command()
def returns(
    book: Annotated[str | None, typer.Option(help="Only this book.")] = None,
    first: Annotated[str | None, typer.Option("--from", help="First business date whose return counts, e.g. 2026-01-05.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last business date whose return counts.")] = None,
) -> None:
    """Print the returns of the books, with their risk.

    They are returns on the capital in securities, in base currency. TWR links the days' returns, whatever came and went. MWR is the
    internal rate of return of what came and went, over the same time and of a year. Volatility is that of the daily returns over the
    whole time, drawdown the largest loss from a peak. Capital is net, or gross where short positions leave less than half of it. How a
    book's value and flows are counted: the mart rpt_book_returns.
    """
    from posttrade.records.database import Role, engine
    from posttrade.records.migrate import migrate
    from posttrade.reports.book_returns import read_book_returns
    from posttrade.runtime.postgres import running_server

    settings_for(None)
    dates = [date_of(given) if given else None for given in (first, last)]
    with running_server():
        migrate()
        found = read_book_returns(engine(Role.ANALYST), book, *dates)
    table = Table(title="Returns by book, base currency", header_style="bold")
    for heading in (
        "book",
        "from",
        "to",
        "days",
        "opening",
        "closing",
        "TWR",
        "MWR",
        "MWR a year",
        "volatility",
        "max drawdown",
        "capital",
    ):
        table.add_column(heading, justify="left" if heading in ("book", "from", "to", "capital") else "right")
    for one in found:
        ratios = (one.time_weighted, one.money_weighted, one.money_weighted_yearly, one.volatility, one.max_drawdown)
        amounts = (one.opening_value_amount_base, one.closing_value_amount_base)
        known = (one.book_id, one.first_date, one.last_date, one.date_count, *amounts)
        table.add_row(*(shown(value) for value in known), *(percent(value) for value in ratios), one.capital_basis.lower())
    out.print(table)


@app.command()
def changes(
    book: Annotated[str, typer.Option(help="The book.")],
    of_date: Annotated[str, typer.Option("--date", help="The closed date whose figures are asked for, e.g. 2026-01-05.")],
    known_at: Annotated[
        str | None, typer.Option(help="As known at this moment, e.g. 2026-01-06T18:00+00:00; without it, at the date's own close.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Also what did not change.")] = False,
) -> None:
    """Print a book's figures of a date as known at a moment and as known now, with what explains the difference.

    Result is that since the firm's first date, in base currency. The figures themselves are never rewritten: what is learned later is
    booked in the date on which it is learned.
    """
    from posttrade.records.database import Role, engine
    from posttrade.records.migrate import migrate
    from posttrade.reports.changes import Figure, read_changes
    from posttrade.runtime.postgres import running_server

    settings_for(None)
    moment = moment_of(known_at) if known_at else None
    day = date_of(of_date)
    with running_server():
        migrate()
        known_date, found = read_changes(engine(Role.ANALYST), book, day, moment)
    table = Table(title=f"{book} on {day}, as known at the close of {known_date} and now", header_style="bold")
    for heading in ("instrument", "", "quantity", "market value", "result"):
        table.add_column(heading, justify="left" if heading in ("instrument", "") else "right")

    def add(name: str, what: str, figure: Figure) -> None:
        amounts = (figure.market_value_amount_base, figure.total_amount_base)
        table.add_row(name, what, f"{figure.quantity.normalize():,f}", *(shown(amount) for amount in amounts))

    for one in found:
        if one.events or every:
            add(one.instrument_id, "as known then", one.as_known)
            for event in one.events:
                version = f" {event.version}" if event.version else ""
                account = f" ({event.account_id})" if event.account_id else ""
                add("", f"{event.learned_on} {event.event_type} {event.event_id}{version}{account}", event.change)
            add("", "as known now", one.as_known_now)
    out.print(table if table.row_count else f"Nothing that was learned since changes {book} on {day}.")


@app.command(name="fingerprint")
def print_fingerprint() -> None:
    """Print one hash per table and one over all facts and marts, without load times and run ids."""
    from posttrade.records.database import Role, engine
    from posttrade.records.fingerprint import fingerprint, overall
    from posttrade.runtime.postgres import running_server

    settings_for(None)
    with running_server():
        hashes = fingerprint(engine(Role.AUDITOR))
    for name, value in hashes.items():
        print(f"{value}  {name}")
    print(f"{overall(hashes)}  all")


@app.command()
def verify(
    seal: Annotated[str | None, typer.Option(help="The hash of a seal noted at an earlier time; it must still be in the chain.")] = None,
    every_entry: Annotated[bool, typer.Option("--all", help="List every entry that differs, not the first 20 of a seal.")] = False,
) -> None:
    """Work out the seals of the journal anew; exit code 1 and the entries that differ when it is not as it was sealed."""
    from posttrade.records.database import Role, engine
    from posttrade.records.journal_seals import verify_journal
    from posttrade.runtime.postgres import running_server

    settings_for(None)
    with running_server(), engine(Role.AUDITOR).connect() as connection:
        verdict = verify_journal(connection, seal)
    for line in verdict.lines(None if every_entry else LISTED_ENTRIES):
        out.print(line, markup=False, soft_wrap=True)
    raise typer.Exit(0 if verdict.is_intact else 1)
