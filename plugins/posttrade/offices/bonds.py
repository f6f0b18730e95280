"""Prepares what bonds are valued with: the terms that hold on a date, their coupons and redemptions, and accrued interest."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy
from sqlalchemy import text

from posttrade.domain.bonds import Bond, accrued_percents, coupons, fixing_dates_observed, fixing_missing, interest_periods
from posttrade.domain.business_days import BusinessDays
from posttrade.domain.open_deals import DealTerms, OpenDeal
from posttrade.domain.overnight_indexes import overnight_indexes
from posttrade.domain.stated_bonds import Interest, StatedBond, bond_of, fixing_dates, open_deal_of
from posttrade.offices.facts_known import INSTRUMENTS_KNOWN, TRADES_TOUCHED
from posttrade.offices.trades_without_terms import MissingTerms
from posttrade.procedures.schema import procedures_in_force
from posttrade.records.database import insert_missing
from posttrade.records.stated_terms import terms_stated


@dataclass(frozen=True)
class _KnownBond:
    instrument_id: str
    terms_sha: str
    stated: StatedBond
    bond: Bond | OpenDeal
    accrues_interest: bool


def prepare_bonds(connection: sqlalchemy.Connection, business_date: date, missing: MissingTerms) -> tuple[int, int, int]:
    """Record the terms known on the date where they are new, their coupons, and the accrued interest that the date needs.

    Percents are per 100 of the nominal outstanding in the period, redemptions per 100 of the original nominal.

    Args:
        connection: the transaction.
        business_date: the date.
        missing: takes the bonds whose terms contradict each other, and the accrued interest that a missing fixing leaves unknown.

    Returns:
        New coupons, new accruals, and bonds left out: unusable terms or a rate that is not fixed yet.
    """
    bonds = _bonds_known(connection, business_date, missing)
    new_coupons = _record_coupons(connection, bonds, missing)
    bonds = {name: one for name, one in bonds.items() if name not in missing.bonds}
    new_accruals = _record_accruals(connection, bonds, business_date, missing)
    return new_coupons, new_accruals, len({*missing.bonds, *(instrument_id for instrument_id, _ in missing.accruals)})


def _bonds_known(connection: sqlalchemy.Connection, business_date: date, missing: MissingTerms) -> dict[str, _KnownBond]:
    """The usable bonds by id. Terms that changed since they were last recorded are recorded."""
    lines = {name: one for name, one in procedures_in_force(business_date).items() if one.bond}
    parameters = {"business_date": business_date}
    fixings: dict[str, dict[date, Decimal]] = defaultdict(dict)
    restated: dict[str, set[date]] = defaultdict(set)
    for fixing in connection.execute(text(FIXINGS_KNOWN), parameters):
        fixings[fixing.index_name][fixing.fixing_date] = fixing.rate
        if _is_late_or_corrected(fixing):
            restated[fixing.index_name].add(fixing.fixing_date)
    recorded = {(row.instrument_id, row.content_sha): row for row in connection.execute(text(TERMS_RECORDED), parameters)}
    bonds: dict[str, _KnownBond] = {}
    changed = []
    for row in terms_stated(connection, business_date):
        stated, known_fixings = row.bond, fixings.get(row.bond.index_name or "", {})
        bond: Bond | OpenDeal
        try:
            if stated.interest is Interest.OPEN:
                bond = open_deal_of(stated, row.told)
                further = _what_was_told(row.told)
            else:
                bond = bond_of(stated, known_fixings, row.repayments)
                further = _what_matters(stated, bond, known_fixings, restated.get(stated.index_name or "", set()), row.repayments)
        except ValueError as error:
            missing.bonds[row.instrument_id] = f"the terms of the bond cannot be used: {error}"
            terms_sha = _sha(row.content_sha, ["unusable", str(error)])
        else:
            terms_sha = _sha(row.content_sha, further)
            accrues_interest = lines[row.product_line].valuation.accrues_interest
            bonds[row.instrument_id] = _KnownBond(row.instrument_id, terms_sha, stated, bond, accrues_interest)
        before = recorded.get((row.instrument_id, row.content_sha))
        if terms_sha != (before.terms_sha if before else row.content_sha):
            revision = before.revision + 1 if before and before.business_date == business_date else 1
            changed.append((row.instrument_id, row.content_sha, business_date, revision, terms_sha))
    columns = "books.bond_terms (instrument_id, content_sha, business_date, revision, terms_sha)"
    insert_missing(connection, columns, ("text", "text", "date", "integer", "text"), changed)
    return bonds


def _is_late_or_corrected(fixing: Any) -> bool:
    """Whether a fixing, a row of FIXINGS_KNOWN, says something else of an overnight rate than the day after it did."""
    index = overnight_indexes().get(fixing.index_name)
    if index is None:
        return False
    published = BusinessDays(calendar=index.calendar).days_after(fixing.fixing_date, 1)
    return bool(fixing.rate != fixing.first_rate or fixing.first_business_date > published)


def _what_matters(
    stated: StatedBond,
    bond: Bond,
    fixings: Mapping[date, Decimal],
    restated: set[date],
    repayments: Mapping[date, Decimal],
) -> list[str]:
    """Besides its own row, what a bond's coupons depend on: the fixings of its own periods, its listed coupons and its repayments.

    Of a period that is compounded day by day, all fixings once they are known, for they make its coupon. Until then only those that came
    late or were corrected (`restated`): the interest accrued up to a day is not changed by the fixings of the days after it.
    """
    rates = [f"{start}={fixings[day].normalize():f}" for start, day in fixing_dates(stated).items() if day in fixings]
    for start, days in fixing_dates_observed(bond).items():
        is_whole = all(day in fixings for day in days)
        rates += [f"{start}~{day}={fixings[day].normalize():f}" for day in days if is_whole or (day in fixings and day in restated)]
    rates += [f"{day}#{'' if amount is None else f'{amount.normalize():f}'}" for day, amount in sorted(stated.listed_coupons.items())]
    return rates + [f"{day}:{percent.normalize():f}" for day, percent in sorted(repayments.items())]


def _what_was_told(told: DealTerms) -> list[str]:
    """Besides its own row, what the interest and the end of an open deal depend on."""
    return [f"{day}:{rate.normalize():f}" for day, rate in sorted(told.rates.items())] + [f"{day}:END" for day in sorted(told.end_dates)]


def _sha(content_sha: str, further: list[str]) -> str:
    if not further:
        return content_sha
    return hashlib.md5("|".join([content_sha, *further]).encode(), usedforsecurity=False).hexdigest()


def _record_coupons(connection: sqlalchemy.Connection, bonds: Mapping[str, _KnownBond], missing: MissingTerms) -> int:
    """The number of coupons recorded now."""
    keys = {"instrument_ids": list(bonds), "shas": [one.terms_sha for one in bonds.values()]}
    rows: list[tuple[Any, ...]] = []
    for (instrument_id,) in connection.execute(text(BONDS_WITHOUT_COUPONS), keys):
        known = bonds[instrument_id]
        try:
            if isinstance(known.bond, OpenDeal):
                periods, flows = known.bond.interest_periods(), known.bond.coupons()
            else:
                periods, flows = interest_periods(known.bond), coupons(_on_what_is_outstanding(known.bond))
            percents = {one.coupon_date: one.coupon_percent for one in flows}
        except ValueError as error:
            missing.bonds[instrument_id] = f"the terms of the bond cannot be used: {error}"
            continue
        rows += [
            (
                instrument_id,
                known.terms_sha,
                period.coupon_date,
                period.period_start_date,
                period.ex_date or period.coupon_date,
                period.pay_date,
                percents.get(period.coupon_date),
                period.redemption_percent,
            )
            for period in periods
        ]
    return insert_missing(
        connection,
        "books.bond_coupons (instrument_id, terms_sha, coupon_date, period_start_date, ex_date, pay_date, coupon_percent,"
        " redemption_percent)",
        ("text", "text", "date", "date", "date", "date", "numeric", "numeric"),
        rows,
    )


def _record_accruals(connection: sqlalchemy.Connection, bonds: Mapping[str, _KnownBond], business_date: date, missing: MissingTerms) -> int:
    """The number of accruals recorded now."""
    accruing = {name: one for name, one in bonds.items() if one.accrues_interest}
    needed: dict[str, list[date]] = defaultdict(list)
    parameters = {
        "business_date": business_date,
        "instrument_ids": list(accruing),
        "shas": [one.terms_sha for one in accruing.values()],
    }
    for row in connection.execute(text(ACCRUALS_NEEDED), parameters):
        needed[row.instrument_id].append(row.accrual_date)
    rows = []
    for instrument_id, dates in needed.items():
        known = accruing[instrument_id]
        percents, unknown = _accrued(known.bond, dates)
        for day, error in unknown.items():
            missing.accruals[instrument_id, day] = f"{error}{_fixing_needed(known, day)}"
        rows += [(instrument_id, known.terms_sha, day, percent) for day, percent in percents.items()]
    return insert_missing(
        connection,
        "books.bond_accruals (instrument_id, terms_sha, accrual_date, accrued_percent)",
        ("text", "text", "date", "numeric"),
        rows,
    )


def _accrued(bond: Bond | OpenDeal, dates: Iterable[date]) -> tuple[dict[date, Decimal], dict[date, ValueError]]:
    """Accrued interest by date, and for the dates in periods that are not fixed yet what is missing."""
    if isinstance(bond, OpenDeal):
        return {day: bond.accrued_percent(day) for day in dates}, {}
    terms = _on_what_is_outstanding(bond)
    try:
        return accrued_percents(terms, dates), {}
    except ValueError:
        percents: dict[date, Decimal] = {}
        missing: dict[date, ValueError] = {}
        for day in dates:
            try:
                percents |= accrued_percents(terms, [day])
            except ValueError as error:
                missing[day] = error
        return percents, missing


def _fixing_needed(known: _KnownBond, day: date) -> str:
    by_period = fixing_dates(known.stated)
    start = max((one for one in by_period if one <= day), default=None)
    needed = by_period[start] if start else fixing_missing(known.bond, day) if isinstance(known.bond, Bond) else None
    return f", {known.stated.index_name} of {needed}" if needed else ""


def _on_what_is_outstanding(bond: Bond) -> Bond:
    """The bond without its repayments: its percents are then of what is outstanding in each period."""
    return replace(bond, outstanding=())


FIXINGS_KNOWN = """
select distinct on (index_name, fixing_date)
    index_name, fixing_date, rate,
    first_value(rate) over by_time as first_rate,
    first_value(business_date) over by_time as first_business_date
from books.index_fixings where business_date <= :business_date
window by_time as (partition by index_name, fixing_date order by business_date, revision)
order by index_name, fixing_date, business_date desc, revision desc
"""

TERMS_RECORDED = """
select distinct on (instrument_id, content_sha) instrument_id, content_sha, business_date, revision, terms_sha
from books.bond_terms where business_date <= :business_date
order by instrument_id, content_sha, business_date desc, revision desc
"""

BONDS_WITHOUT_COUPONS = """
select bonds.instrument_id
from unnest(cast(:instrument_ids as text[]), cast(:shas as text[])) as bonds (instrument_id, terms_sha)
where not exists (
    select from books.bond_coupons as coupons
    where coupons.instrument_id = bonds.instrument_id and coupons.terms_sha = bonds.terms_sha
)
order by bonds.instrument_id
"""

# The settlement dates of the day's trades, also of those whose turn comes today because their original arrived, and of those that wait for
# their terms;
# the standard settlement date of a trade made today, which is what a position is valued with; and the dates on which
# events pay bonds back, with the interest up to then, by any announcement: which of them counts, its number may say.
ACCRUALS_NEEDED = f"""
with instruments as ({INSTRUMENTS_KNOWN}),
bonds as (
    select instruments.instrument_id, instruments.market_mic, accruing.terms_sha
    from unnest(cast(:instrument_ids as text[]), cast(:shas as text[])) as accruing (instrument_id, terms_sha)
    inner join instruments on accruing.instrument_id = instruments.instrument_id
),
touched as ({TRADES_TOUCHED}),
former as (
    select stated.instrument_id, stated.content_sha, coalesce(terms.terms_sha, stated.content_sha) as terms_sha
    from (
        select distinct on (instrument_id) instrument_id, content_sha
        from books.instruments where business_date < :business_date
        order by instrument_id, business_date desc, revision desc
    ) as stated
    left join lateral (
        select known.terms_sha from books.bond_terms as known
        where known.instrument_id = stated.instrument_id and known.content_sha = stated.content_sha
            and known.business_date < :business_date
        order by known.business_date desc, known.revision desc
        limit 1
    ) as terms on true
),
-- A fixing or a repayment changes nothing before the first period that it makes different; another row of instruments may.
restated as (
    select
        bonds.instrument_id,
        bonds.market_mic,
        bonds.terms_sha,
        case
            when instruments.content_sha <> former.content_sha then '-infinity'::date
            -- an open deal has no coupon before its end
            when not exists (
                select from books.bond_coupons as latest
                where latest.instrument_id = bonds.instrument_id and latest.terms_sha = bonds.terms_sha
            ) then '-infinity'::date
            else (
                select min(latest.period_start_date)
                from books.bond_coupons as latest
                left join books.bond_coupons as earlier
                    on earlier.instrument_id = former.instrument_id and earlier.terms_sha = former.terms_sha
                    and earlier.coupon_date = latest.coupon_date
                where latest.instrument_id = bonds.instrument_id and latest.terms_sha = bonds.terms_sha
                    and (
                        (latest.coupon_percent, latest.redemption_percent, latest.period_start_date)
                        is distinct from (earlier.coupon_percent, earlier.redemption_percent, earlier.period_start_date)
                        -- a compounded period has accrued interest before it has a coupon
                        or latest.coupon_percent is null
                    )
            )
        end as first_date
    from bonds
    inner join instruments on bonds.instrument_id = instruments.instrument_id
    inner join former on bonds.instrument_id = former.instrument_id and bonds.terms_sha <> former.terms_sha
),
needed as (
    select
        bonds.instrument_id,
        bonds.terms_sha,
        coalesce(trades.settlement_date, cycles.settlement_date) as accrual_date
    from touched
    inner join books.trade_versions as trades on touched.trade_id = trades.trade_id
    inner join bonds on trades.instrument_id = bonds.instrument_id
    left join books.settlement_cycles as cycles
        on bonds.market_mic = cycles.market_mic and trades.trade_date = cycles.trade_date
    union all
    -- a closed date's figures that the trade changes
    select bonds.instrument_id, bonds.terms_sha, cycles.settlement_date
    from touched
    inner join books.trade_versions as trades on touched.trade_id = trades.trade_id
    inner join bonds on trades.instrument_id = bonds.instrument_id
    inner join books.settlement_cycles as cycles
        on bonds.market_mic = cycles.market_mic and cycles.trade_date >= trades.trade_date and cycles.trade_date < :business_date
    inner join operations.day_closings as closings on cycles.trade_date = closings.business_date
    union all
    -- or an event that brings it
    select bonds.instrument_id, bonds.terms_sha, cycles.settlement_date
    from books.corporate_actions as events
    inner join bonds on events.received_instrument_id = bonds.instrument_id
    inner join books.settlement_cycles as cycles
        on bonds.market_mic = cycles.market_mic and cycles.trade_date >= events.ex_date and cycles.trade_date < :business_date
    inner join operations.day_closings as closings on cycles.trade_date = closings.business_date
    where events.business_date = :business_date
    union all
    select bonds.instrument_id, bonds.terms_sha, cycles.settlement_date
    from bonds
    inner join books.settlement_cycles as cycles
        on bonds.market_mic = cycles.market_mic and cycles.trade_date = :business_date
    union all
    -- the figures of closed dates that new terms change
    select restated.instrument_id, restated.terms_sha, cycles.settlement_date
    from restated
    inner join books.settlement_cycles as cycles
        on restated.market_mic = cycles.market_mic and cycles.trade_date < :business_date and cycles.settlement_date >= restated.first_date
    inner join operations.day_closings as closings on cycles.trade_date = closings.business_date
    where cycles.trade_date >= (
        select min(held.since)
        from (
            select trades.trade_date as since from books.trade_versions as trades where trades.instrument_id = restated.instrument_id
            union all
            select events.ex_date from books.corporate_actions as events
            where events.received_instrument_id = restated.instrument_id and events.business_date <= :business_date
        ) as held
    )
    union all
    -- the parts that an open deal was paid back in or grew by
    select restated.instrument_id, restated.terms_sha, coalesce(trades.settlement_date, cycles.settlement_date)
    from restated
    inner join instruments on restated.instrument_id = instruments.instrument_id and instruments.maturity_date is null
    inner join books.trade_versions as trades
        on restated.instrument_id = trades.instrument_id and trades.business_date < :business_date
    left join books.settlement_cycles as cycles
        on restated.market_mic = cycles.market_mic and trades.trade_date = cycles.trade_date
    union all
    select bonds.instrument_id, bonds.terms_sha, redemptions.pay_date
    from bonds
    inner join books.corporate_actions as redemptions on bonds.instrument_id = redemptions.instrument_id
    where redemptions.business_date <= :business_date and redemptions.event_type in ('REDEMPTION', 'CALL', 'PARTIAL_REDEMPTION')
)
select distinct needed.instrument_id, needed.accrual_date
from needed
left join books.bond_accruals as known
    on needed.instrument_id = known.instrument_id and needed.terms_sha = known.terms_sha
    and needed.accrual_date = known.accrual_date
where needed.accrual_date is not null and known.instrument_id is null
-- two runs at once must take the keys in one order, or they wait for each other
order by needed.instrument_id, needed.accrual_date
"""
