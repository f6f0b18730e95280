"""What the rows of each kind of file must say: conditions in SQL and the error (`CODE:field`) of a row that meets one."""

from collections.abc import Callable

from posttrade.domain.stated_bonds import Interest
from posttrade.procedures.schema import Procedure, latest_procedures
from posttrade.records.facts_known import ALLOCATION_ACCOUNTS_KNOWN, BASE_CURRENCY_KNOWN, INSTRUMENTS_KNOWN, NAMED_WITH_SOURCE

LONGEST_CUTOFF = 1000
"""Business days; the firm's calendar must be known as far back."""


def _lines_where(holds: Callable[[Procedure], bool]) -> str:
    """The product lines whose procedure is so, as values of SQL."""
    return ", ".join(f"'{line}'" for line, procedure in latest_procedures().items() if holds(procedure))


_INSTRUMENTS = f"({INSTRUMENTS_KNOWN}) as one"
_INSTRUMENT_CURRENCIES = f"select one.instrument_id, one.currency_code from {_INSTRUMENTS}"
_INSTRUMENTS_OF_LINES = f"select one.instrument_id from {_INSTRUMENTS} where one.product_line = any(array[{{}}]::text[])"
# What the amounts of a trade or event follow from; of an instrument in the books of a closed date it stays as it is. An event brings an
# instrument into the books that nobody traded, and states its amounts in the currency of the one it is on. Trades and events are looked
# through only where a known instrument changes.
_KEPT_TERMS = {
    "product_line": ("product_line", "one.product_line"),
    "currency_code": ("currency_code", "one.currency_code"),
    "contract_size": ("coalesce(contract_size::numeric, 1)", "coalesce(one.contract_size, 1)"),
    "notional_currency_code": ("coalesce(notional_currency_code, '')", "coalesce(one.notional_currency_code, '')"),
}
_IS_KNOWN = "instrument_id in (select one.instrument_id from books.instruments as one where one.business_date <= %(business_date)s)"
_IN_THE_BOOKS_BEFORE = (
    f"{_IS_KNOWN}"
    " and (instrument_id in (select one.instrument_id from books.trade_versions as one where one.business_date < %(business_date)s)"
    " or instrument_id in (select unnest(array[one.instrument_id, one.received_instrument_id])"
    " from books.corporate_actions as one where one.business_date < %(business_date)s))"
)
_VALUE_DATE = f"(select one.maturity_date from {_INSTRUMENTS} where one.instrument_id = formed.instrument_id)"
# Versions of trades dealt on or after the value date that a forward is brought forward to: in force, or still to come into force, as one
# that waits for its release. What a later version in force replaced or cancelled is over, and what was refused never came to be. For each
# forward that is brought forward the trades are looked through; one that is told for the first time has none.
_KEPT_OUT = "select beyond.trade_id, beyond.version from operations.trade_events_beyond_cutoff as beyond where beyond.released_date is null"
_DEALT_SINCE = (
    f"{_IS_KNOWN} and maturity_date::date < coalesce({_VALUE_DATE}, 'infinity')"
    " and exists (select from books.trade_versions as one"
    " where one.instrument_id = formed.instrument_id and one.trade_date >= formed.maturity_date::date and one.event_type <> 'CANCEL'"
    f" and not ((one.trade_id, one.version) in ({_KEPT_OUT}) and exists (select from operations.trade_releases as decided"
    " where decided.trade_id = one.trade_id and decided.version = one.version and decided.decision = 'REFUSED'))"
    " and not exists (select from books.trade_versions as later where later.trade_id = one.trade_id"
    " and (later.version > one.version or (later.event_type = 'CANCEL' and later.block_trade_id is null))"
    f" and (later.trade_id, later.version) not in ({_KEPT_OUT})"
    " and not exists (select from books.trades_held_for_terms as held where held.trade_id = later.trade_id"
    " and held.version = later.version and held.found_date is null)))"
)
_UNDERLYINGS = f"select one.instrument_id, one.underlying_instrument_id from {_INSTRUMENTS} where one.underlying_instrument_id is not null"
_EVENTS_OF_LINES = ", ".join(
    f"('{line}', '{event}')" for line, procedure in latest_procedures().items() for event in procedure.corporate_actions
)
_EVENTS_OF_INSTRUMENTS = (
    f"select one.instrument_id, possible.event_type from {_INSTRUMENTS}"
    f" inner join (values {_EVENTS_OF_LINES}) as possible (product_line, event_type) on one.product_line = possible.product_line"
)
# An exercise of one would pay accrued interest, or exchange currencies: neither is kept.
_LINES_WITHOUT_OPTIONS = _lines_where(
    lambda procedure: procedure.valuation.accrues_interest or "notional_currency_code" in procedure.required_terms
)
_OPTIONS = _lines_where(lambda procedure: "strike_price" in procedure.required_terms)
_EXERCISES = "'OPTION_EXERCISE', 'CASH_EXERCISE', 'RIGHTS_EXERCISE'"
# A merger delivers units only if it names what of.
_NEEDS_UNITS = (
    "(event_type in ('SPLIT', 'REVERSE_SPLIT', 'STOCK_DIVIDEND', 'SPIN_OFF', 'RIGHTS_ISSUE', 'RIGHTS_EXERCISE')"
    " or (event_type = 'MERGER' and received_instrument_id is not null))"
)

ERRORS_BY_ITSELF: dict[str, tuple[tuple[str, str], ...]] = {
    "trades": (
        ("event_type = 'NEW' and version <> '1'", "WRONG_VERSION:version"),
        ("event_type <> 'NEW' and version = '1'", "WRONG_VERSION:version"),
        ("event_type <> 'NEW' and trade_id is null", "MISSING:trade_id"),
        ("settlement_date::date < trade_date::date", "BEFORE_TRADE_DATE:settlement_date"),
    ),
    "instruments": (
        *(
            (f"product_line = '{line}' and {column} is null", f"MISSING:{column}")
            for line, procedure in latest_procedures().items()
            for column in procedure.required_terms
        ),
        ("maturity_date::date <= issue_date::date", "BEFORE_ISSUE_DATE:maturity_date"),
        (r"step_rates !~ '^-?\d+(\.\d+)?( +-?\d+(\.\d+)?)*$'", "NOT_A_NUMBER:step_rates"),
        ("rate_cap::numeric < rate_floor::numeric", "BELOW_THE_FLOOR:rate_cap"),
        ("notional_currency_code = currency_code", "SAME_CURRENCY:notional_currency_code"),
    ),
    "forward_rates": (
        ("notional_currency_code = currency_code", "SAME_CURRENCY:notional_currency_code"),
        ("value_date::date <= rate_date::date", "NOT_AFTER_ITS_DATE:value_date"),
    ),
    "discount_factors": (("value_date::date <= factor_date::date", "NOT_AFTER_ITS_DATE:value_date"),),
    "corporate_actions": (
        ("pay_date::date < ex_date::date", "BEFORE_EX_DATE:pay_date"),
        ("event_type in ('CASH_DIVIDEND', 'SPECIAL_DIVIDEND') and amount_per_unit is null", "MISSING:amount_per_unit"),
        (f"{_NEEDS_UNITS} and new_units is null", "MISSING:new_units"),
        (f"{_NEEDS_UNITS} and old_units is null", "MISSING:old_units"),
        ("event_type in ('SPLIT', 'STOCK_DIVIDEND') and new_units::numeric <= old_units::numeric", "OTHER_RATIO:new_units"),
        ("event_type = 'REVERSE_SPLIT' and new_units::numeric >= old_units::numeric", "OTHER_RATIO:new_units"),
        (
            "event_type in ('REDEMPTION', 'CALL', 'PARTIAL_REDEMPTION', 'RIGHTS_EXERCISE', 'CASH_EXERCISE') and amount_per_unit is null",
            "MISSING:amount_per_unit",
        ),
        ("event_type = 'MERGER' and amount_per_unit is null and received_instrument_id is null", "MISSING:amount_per_unit"),
        ("event_type = 'PARTIAL_REDEMPTION' and redeemed_fraction is null", "MISSING:redeemed_fraction"),
        ("redeemed_fraction::numeric >= 1", "OUT_OF_RANGE:redeemed_fraction"),
        (
            "event_type in ('SPIN_OFF', 'RIGHTS_ISSUE', 'RIGHTS_EXERCISE', 'OPTION_EXERCISE') and received_instrument_id is null",
            "MISSING:received_instrument_id",
        ),
        ("received_instrument_id = instrument_id", "SAME_INSTRUMENT:received_instrument_id"),
        (
            "cost_fraction is null and (event_type in ('SPIN_OFF', 'RIGHTS_ISSUE')"
            " or (event_type = 'MERGER' and received_instrument_id is not null and amount_per_unit is not null))",
            "MISSING:cost_fraction",
        ),
        ("cost_fraction::numeric < 0 or cost_fraction::numeric > 1", "NOT_A_PART:cost_fraction"),
        ("event_type in ('SPLIT', 'REVERSE_SPLIT') and account_id is not null", "NOT_EXPECTED:account_id"),
        (f"book_id is not null and event_type not in ({_EXERCISES})", "NOT_EXPECTED:book_id"),
        ("book_id is not null and account_id is null", "MISSING:account_id"),
        (f"exercised_quantity is not null and event_type not in ({_EXERCISES})", "NOT_EXPECTED:exercised_quantity"),
        ("exercised_quantity is not null and account_id is null", "MISSING:account_id"),
        ("exercised_quantity is not null and book_id is null", "MISSING:book_id"),
        ("exercised_quantity is not null and redeemed_fraction is not null", "NOT_EXPECTED:redeemed_fraction"),
    ),
    "bond_repayments": (("repaid_percent::numeric not between 0 and 100", "NOT_A_PERCENTAGE:repaid_percent"),),
    "bond_coupon_dates": (("date_state = 'WITHDRAWN' and coupon_percent is not null", "NOT_EXPECTED:coupon_percent"),),
    "open_deal_terms": (
        ("deal_state = 'RUNNING' and rate is null", "MISSING:rate"),
        ("deal_state <> 'RUNNING' and rate is not null", "NOT_EXPECTED:rate"),
        ("(deal_state, told_of) in (('RUNNING', 'END'), ('TERMINATED', 'RATE'))", "NOT_EXPECTED:told_of"),
    ),
    "allocations": ((f"block_trade_id !~ '{NAMED_WITH_SOURCE}'", "NO_SOURCE:block_trade_id"),),
    "firms": ((f"posting_cutoff_days::integer not between 0 and {LONGEST_CUTOFF}", "OUT_OF_BOUNDS:posting_cutoff_days"),),
    "withholding_rates": (("rate::numeric < 0 or rate::numeric >= 1", "OUT_OF_RANGE:rate"),),
}
"""By kind of file: conditions and errors of what the columns of a row say together."""

_LINES_BELOW_ZERO = _lines_where(lambda procedure: procedure.valuation.has_negative_prices)
_HAS_NO_NEGATIVE_PRICE = f"instrument_id not in ({_INSTRUMENTS_OF_LINES.format(_LINES_BELOW_ZERO)})"
_FORWARDS = _lines_where(lambda procedure: procedure.settlement.exchanges_at_maturity)
_IS_FORWARD = f"instrument_id in ({_INSTRUMENTS_OF_LINES.format(_FORWARDS)})"
_OPEN_DEALS = _lines_where(lambda procedure: procedure.bond is not None and procedure.bond.interest is Interest.OPEN)
# A cancellation of what should not have been recorded is one.
_TAKES_PLACE = "event_type <> 'CANCEL'"


def _observed(column: str) -> tuple[str, str]:
    """What is observed, as a price or a statement, is of a day that has come; what is announced, as an ex date, may lie ahead."""
    return f"{column}::date > %(business_date)s", f"IN_THE_FUTURE:{column}"


# On record, or before there is one, the first that its file names.
_FIRM_KEPT = (
    "coalesce((select one.firm_id from books.firms as one order by one.business_date desc, one.revision desc limit 1),"
    " (select one.firm_id from pg_temp.parsed as one where one.firm_id is not null order by one.line_no limit 1))"
)

ERRORS_BY_RECORD: dict[str, tuple[tuple[str, str], ...]] = {
    "firms": (
        (f"firm_id <> {_FIRM_KEPT}", "OTHER_FIRM:firm_id"),
        (
            f"base_currency_code <> ({BASE_CURRENCY_KNOWN}) and exists (select from operations.day_closings)",
            "OTHER_BASE_CURRENCY:base_currency_code",
        ),
    ),
    "trades": (
        (f"{_TAKES_PLACE} and price::numeric <= 0 and {_HAS_NO_NEGATIVE_PRICE}", "NOT_POSITIVE:price"),
        (f"{_TAKES_PLACE} and (instrument_id, currency_code) not in ({_INSTRUMENT_CURRENCIES})", "OTHER_CURRENCY:currency_code"),
        (f"{_TAKES_PLACE} and fx_rate::numeric <> 1 and currency_code = ({BASE_CURRENCY_KNOWN})", "NOT_ONE:fx_rate"),
        (f"{_TAKES_PLACE} and trade_date::date > %(business_date)s", "IN_THE_FUTURE:trade_date"),
        (f"{_TAKES_PLACE} and {_IS_FORWARD} and trade_date::date >= {_VALUE_DATE}", "NOT_BEFORE_VALUE_DATE:trade_date"),
        (f"{_TAKES_PLACE} and {_IS_FORWARD} and settlement_date::date <> {_VALUE_DATE}", "OTHER_VALUE_DATE:settlement_date"),
        # posttrade.records.ends
        (
            f"{_TAKES_PLACE} and (instrument_id, trade_date::date) in (select * from pg_temp.traded_no_more)",
            "TRADED_NO_MORE:trade_date",
        ),
        (
            f"{_TAKES_PLACE} and (instrument_id, settlement_date::date) in (select * from pg_temp.settled_no_more)",
            "NOT_BEFORE_REPAYMENT:settlement_date",
        ),
        (
            f"{_TAKES_PLACE} and (instrument_id, trade_date::date, settlement_date::date) in (select * from pg_temp.settled_after_payment)",
            "AFTER_INTEREST_DATE:settlement_date",
        ),
        (f"{_TAKES_PLACE} and (instrument_id, trade_date::date) in (select * from pg_temp.traded_expired)", "AFTER_EXPIRY:trade_date"),
    ),
    "instruments": (
        *(
            (
                f"(instrument_id, {given}) not in (select one.instrument_id, {known} from {_INSTRUMENTS}) and {_IN_THE_BOOKS_BEFORE}"
                # an exchange may adjust an option to a split by its size
                + (f" and product_line not in ({_OPTIONS})" if column == "contract_size" else ""),
                f"IN_THE_BOOKS:{column}",
            )
            for column, (given, known) in _KEPT_TERMS.items()
        ),
        (f"product_line in ({_FORWARDS}) and {_DEALT_SINCE}", "NOT_AFTER_ITS_TRADES:maturity_date"),
        # the underlying may come in the same file
        (
            "underlying_instrument_id not in (select instrument_id from books.instruments)"
            " and underlying_instrument_id not in"
            " (select one.instrument_id from pg_temp.parsed as one where one.instrument_id is not null)",
            "UNKNOWN_REFERENCE:underlying_instrument_id",
        ),
        (
            f"product_line in ({_OPTIONS}) and (underlying_instrument_id in ({_INSTRUMENTS_OF_LINES.format(_LINES_WITHOUT_OPTIONS)})"
            " or underlying_instrument_id in (select one.instrument_id from pg_temp.parsed as one"
            f" where one.instrument_id is not null and one.product_line in ({_LINES_WITHOUT_OPTIONS})))",
            "UNDERLYING_NOT_KEPT:underlying_instrument_id",
        ),
    ),
    "prices": (
        (f"price::numeric < 0 and {_HAS_NO_NEGATIVE_PRICE}", "NEGATIVE:price"),
        (_IS_FORWARD, "NOT_PRICED:instrument_id"),
        _observed("price_date"),
    ),
    "fx_rates": (_observed("rate_date"),),
    "forward_rates": (_observed("rate_date"),),
    "discount_factors": (_observed("factor_date"),),
    "index_fixings": (_observed("fixing_date"),),
    "custodian_positions": (_observed("statement_date"),),
    "bank_balances": (_observed("statement_date"),),
    "collateral_movements": (_observed("movement_date"),),
    "settlement_statuses": (_observed("status_date"),),
    "corporate_actions": (
        (
            f"event_type = 'OPTION_EXERCISE' and (instrument_id, received_instrument_id) not in ({_UNDERLYINGS})",
            "OTHER_UNDERLYING:received_instrument_id",
        ),
        (
            f"event_type = 'OPTION_EXERCISE' and received_instrument_id in ({_INSTRUMENTS_OF_LINES.format(_LINES_WITHOUT_OPTIONS)})",
            "UNDERLYING_NOT_KEPT:received_instrument_id",
        ),
        (f"(instrument_id, currency_code) not in ({_INSTRUMENT_CURRENCIES})", "OTHER_CURRENCY:currency_code"),
        (f"(instrument_id, event_type) not in ({_EVENTS_OF_INSTRUMENTS})", "NOT_OF_THE_LINE:event_type"),
    ),
    "open_deal_terms": ((f"instrument_id not in ({_INSTRUMENTS_OF_LINES.format(_OPEN_DEALS)})", "NOT_AN_OPEN_DEAL:instrument_id"),),
    "allocations": ((f"account_id in ({ALLOCATION_ACCOUNTS_KNOWN})", "ALLOCATION_ACCOUNT:account_id"),),
}
"""By kind of file: conditions and errors of what a row says against what is on record of what it names: the instrument, its end, the firm.

All of that may be told otherwise later. These errors are of rows that are not on record as they stand: what was taken when it was right
is not asked again when its message is repeated.
"""
