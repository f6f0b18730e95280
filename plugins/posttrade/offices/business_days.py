"""The firm's business days: published from its home calendar, opened in order, closed once."""

from datetime import date, timedelta

import sqlalchemy
from sqlalchemy import text

from posttrade.domain.calendars import next_session, previous_session, sessions_between
from posttrade.errors import PosttradeError
from posttrade.records.book_states import Step, came_in_since
from posttrade.records.refusals import refusals_said

# Further back than income looks for the last day with entitlement.
PUBLISHED_AROUND = timedelta(days=60)
CLOSING_LOCK = 7_405_030  # as in the triggers of the facts


def publish_calendar(business_date: date, engine: sqlalchemy.Engine) -> dict[str, int]:
    """Record the sessions of the firm's home calendar around a date, each with its neighbours.

    The days up to the last closed date, and the open one once its books are begun, stay as they are. Those after it become what the
    calendar says now: a session added late is the business day before the next, one that is no session any more drops out. It stays
    where facts are booked in it already.

    Returns:
        How many `business_days` were recorded, changed or dropped.

    Raises:
        PosttradeError: no firm is recorded, or its home calendar is unknown.
    """
    calendar = _home_calendar(engine)
    published_before = _published_before(engine)
    with engine.begin() as connection:
        # Nothing is recorded or closed meanwhile: a date that is dropped has no facts, and none are on their way.
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": CLOSING_LOCK})
        kept_until = _kept_until(connection)
        recorded = list(connection.scalars(text("select business_date from books.business_days order by business_date")))
        kept = {day for day in recorded if kept_until and day <= kept_until} | ({kept_until} if kept_until else set())
        begun = connection.scalars(
            text("select business_date from operations.business_dates_begun where business_date > :kept_until"),
            {"kept_until": kept_until or date.min},
        )
        first = min([business_date - published_before, *([kept_until] if kept_until else recorded[:1])])
        last = max([business_date + PUBLISHED_AROUND, *recorded[-1:]])
        days = _sessions(calendar, first, last)
        outer = (previous_session(calendar, first), next_session(calendar, last))
        free = {day for day in days if not kept or not min(kept) <= day <= max(kept)} | set(begun)
        chain = [outer[0], *sorted(free | kept), outer[1]]
        rows = [(day, before, after) for before, day, after in zip(chain, chain[1:], chain[2:], strict=False) if day in free]
        changed = connection.execute(
            text("delete from books.business_days where business_date > :kept_until and business_date <> all(cast(:days as date[]))"),
            {"kept_until": kept_until or date.min, "days": sorted(free)},
        ).rowcount
        changed += connection.execute(
            text(PUBLISH), {"days": [row[0] for row in rows], "previous": [row[1] for row in rows], "next": [row[2] for row in rows]}
        ).rowcount
    return {"business_days": changed}


PUBLISH = """
insert into books.business_days as days (business_date, previous_business_date, next_business_date)
select * from unnest(cast(:days as date[]), cast(:previous as date[]), cast(:next as date[]))
on conflict (business_date) do update
set previous_business_date = excluded.previous_business_date, next_business_date = excluded.next_business_date,
    known_at = clock_timestamp()
where (days.previous_business_date, days.next_business_date) <> (excluded.previous_business_date, excluded.next_business_date)
"""


def _published_before(engine: sqlalchemy.Engine) -> timedelta:
    """As far back as the posting cut-off counts: five business days take at most ten days, with two weeks of holidays on top."""
    with engine.connect() as connection:
        cutoff = connection.scalar(text("select max(posting_cutoff_days) from books.firms"))
    return max(PUBLISHED_AROUND, timedelta(days=2 * (cutoff or 0) + 14))


def open_business_date(business_date: date, engine: sqlalchemy.Engine) -> dict[str, int]:
    """Allow work on a business date.

    Raises:
        PosttradeError: the date is no business day, or the business day before it is not closed.
    """
    refuse_day_without_business(business_date, engine)
    with engine.connect() as connection:
        previous = connection.scalar(
            text("select previous_business_date from books.business_days where business_date = :day"),
            {"day": business_date},
        )
        closed = set(connection.scalars(text("select business_date from operations.day_closings")))
    if business_date in closed:
        return {"opened": 0, "closed_already": 1}
    if previous is None:
        raise PosttradeError(f"{business_date} is not among the business days.", "Publish the calendar: clear open_business_date.")
    if closed and previous != max(closed):
        expected = open_date(engine)
        raise PosttradeError(
            f"{business_date} cannot be opened: the business day before it, {previous}, is not closed.",
            f"Close the days in order; the next one is {expected}.",
        )
    return {"opened": 1, "closed_already": 0}


def refuse_day_without_business(business_date: date, engine: sqlalchemy.Engine) -> None:
    """Refuse a date of which nothing can be booked, before anything of it is recorded. While no firm is recorded, any date will do.

    Raises:
        PosttradeError: the date is no session of the firm's home calendar and has no facts, or the books of a later date are begun.
    """
    with engine.connect() as connection:
        has_firm = connection.scalar(text("select 1 from books.firms limit 1"))
        is_begun = connection.scalar(text(BEGUN), {"day": business_date})
        kept_until = _kept_until(connection)
    if not has_firm or is_begun:
        return
    if not _sessions(_home_calendar(engine), business_date, business_date):
        following = next_session(_home_calendar(engine), business_date)
        raise PosttradeError(
            f"{business_date} is no business day of the firm's home calendar.",
            f"Put its files into the folder of the next one, {max(following, open_date(engine) or following)}, and remove its own.",
        )
    if kept_until is not None and business_date < kept_until:
        raise PosttradeError(
            f"{business_date} cannot be opened: the books of {kept_until}, which comes after it, are begun or closed.",
            f"Put its files into the folder of the open date, {open_date(engine) or kept_until}, and remove its own.",
        )


BEGUN = """
select 1 where exists (select from operations.day_closings where business_date = :day)
    or exists (select from operations.business_dates_begun where business_date = :day)
"""


def close_business_date(business_date: date, engine: sqlalchemy.Engine) -> dict[str, int]:
    """Close a business date: from now on facts are booked in the next one.

    Raises:
        PosttradeError: trades or other facts of the date came in after its books were built; closed now, they would be in no date's books.
            Or its books carry on from another date than the last closed one.
    """
    with refusals_said(), engine.begin() as connection:
        # Whoever records holds this lock shared until it commits: nothing comes in while the date is looked through.
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": CLOSING_LOCK})
        if connection.scalar(text("select to_regclass('marts.fct_trades')")) is not None:
            unbooked = connection.execute(text(TRADES_NOT_BOOKED), {"day": business_date}).one()
            if unbooked.number:
                raise PosttradeError(
                    f"{unbooked.number} trades of {business_date} came in after its books were built, the first of them"
                    f" {unbooked.first_trade_id}.",
                    "Clear build_middle_office and what follows it, so that they are booked, then close again.",
                )
        if not connection.scalar(text("select 1 from operations.day_closings where business_date = :day"), {"day": business_date}):
            _refuse_facts_left_out(business_date, connection)
        closed = connection.execute(
            text("insert into operations.day_closings (business_date) values (:day) on conflict do nothing"),
            {"day": business_date},
        ).rowcount
    return {"closed": closed}


def _refuse_facts_left_out(business_date: date, connection: sqlalchemy.Connection) -> None:
    """Refuse the close when prices, rates, events, terms, statuses or the like are not in what was made of them."""
    for step, task, made in (
        (Step.TERMS, "prepare_terms", "its terms were prepared"),
        (Step.BOOKS, "build_middle_office", "its books were built"),
    ):
        if came := came_in_since(connection, business_date, step):
            raise PosttradeError(
                f"Facts of {business_date} came in after {made}: {', '.join(f'{number} {fact}' for fact, number in sorted(came.items()))}.",
                f"Clear {task} and what follows it, so that they are in the books, then close again.",
            )


TRADES_NOT_BOOKED = """
with recorded as (
    select versions.trade_id, max(versions.version) as version
    from books.trade_versions as versions
    where versions.business_date = :day and not exists (
        select from operations.trade_events_beyond_cutoff as held
        where held.trade_id = versions.trade_id and held.version = versions.version and held.released_date is null
    ) and not exists (
        select from books.trades_held_for_terms as held
        where held.trade_id = versions.trade_id and held.version = versions.version and coalesce(held.found_date > :day, true)
    )
    group by versions.trade_id
)
select count(*) as number, min(recorded.trade_id) as first_trade_id
from recorded
where not exists (
    select from marts.fct_trades as booked
    where booked.business_date = :day and booked.trade_id = recorded.trade_id and booked.version >= recorded.version
)
"""


def open_date(engine: sqlalchemy.Engine) -> date | None:
    """The business date that facts are booked in: the day after the last closed one; none before the first close.

    It is the one whose books are begun; else the next session of the home calendar, as it is told now, or an earlier date that has facts.
    """
    with engine.connect() as connection:
        last: date | None = connection.scalar(text("select max(business_date) from operations.day_closings"))
        if last is None:
            return None
        kept_until = _kept_until(connection)
        if kept_until is not None and kept_until > last:
            return kept_until
        following = next_session(_home_calendar(engine), last)
        begun: date | None = connection.scalar(
            text("select min(business_date) from operations.business_dates_begun where business_date > :last"), {"last": last}
        )
    return min(begun or following, following)


def _kept_until(connection: sqlalchemy.Connection) -> date | None:
    """The date up to which the business days stay as they are."""
    kept_until: date | None = connection.scalar(text("select books.business_days_kept_until()"))
    return kept_until


def _sessions(calendar: str, first: date, last: date) -> tuple[date, ...]:
    try:
        return sessions_between(calendar, first, last)
    except ValueError as error:
        raise PosttradeError(
            f"The firm's home calendar cannot be used: {error}.",
            "Put the MIC of an exchange, such as XETR, into home_calendar of firms.csv.",
        ) from error


def _home_calendar(engine: sqlalchemy.Engine) -> str:
    with engine.connect() as connection:
        calendar: str | None = connection.scalar(
            text("select home_calendar from books.firms order by business_date desc, revision desc limit 1")
        )
    if calendar is None:
        raise PosttradeError("No firm is recorded.", "Put a file firms.csv into the folder of the first business day.")
    return calendar
