"""The file contracts: which columns each kind of file carries, and what a value must look like."""

from dataclasses import dataclass
from enum import StrEnum

from posttrade.domain.bank_calendars import BANK_CALENDARS
from posttrade.domain.business_days import BusinessDayConvention
from posttrade.domain.day_counts import DAY_COUNTS
from posttrade.domain.lots import LotMethod
from posttrade.domain.open_deals import DealState, ToldOf
from posttrade.domain.schedules import Stub
from posttrade.domain.stated_bonds import COUPON_FREQUENCIES
from posttrade.procedures.schema import CorporateActionType, known_markets, traded_product_lines


class ValueType(StrEnum):
    """The type of a column; the value is the Postgres type a text must cast to."""

    TEXT = "text"
    DATE = "date"
    TIMESTAMP = "timestamptz"
    INTEGER = "bigint"
    COUNT = "integer"
    QUANTITY = "numeric(28,10)"
    AMOUNT = "numeric(24,4)"
    RATE = "numeric(28,12)"
    PERCENT = "numeric(12,8)"
    FRACTION = "numeric(9,6)"


class CheckDigits(StrEnum):
    """Identifiers that carry their own proof."""

    ISIN = "ISIN"
    LEI = "LEI"
    BIC = "BIC"
    IBAN = "IBAN"


@dataclass(frozen=True)
class Column:
    """One column of a file."""

    name: str
    type: ValueType = ValueType.TEXT
    is_required: bool = True
    allowed: tuple[str, ...] = ()
    refers_to: str = ""
    """`table.column` in schema books or operations whose values must hold this one."""
    check_digits: CheckDigits | None = None
    is_positive: bool = False
    may_be_left_out: bool = False
    """The header need not name it; its cells are then empty."""


@dataclass(frozen=True)
class Contract:
    """One kind of file and the table its rows are recorded in."""

    kind: str
    table: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    is_restatable: bool = True
    """A later business date or a higher revision may state the same key anew; an event never changes."""

    @property
    def required_header(self) -> frozenset[str]:
        """The columns the header line must name; the others may be left out."""
        return frozenset(column.name for column in self.columns if not column.may_be_left_out)

    @property
    def orders(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The columns in order: all of them, and without those that may be left out."""
        return (
            tuple(column.name for column in self.columns),
            tuple(column.name for column in self.columns if not column.may_be_left_out),
        )

    def column(self, name: str) -> Column:
        """The column of that name."""
        return next(column for column in self.columns if column.name == name)


def _text(name: str, **more: object) -> Column:
    return Column(name, ValueType.TEXT, **more)  # type: ignore[arg-type]


def _code(name: str, refers_to: str, is_required: bool = True) -> Column:
    return Column(name, is_required=is_required, refers_to=refers_to)


def _term(name: str, value_type: ValueType = ValueType.TEXT, **more: object) -> Column:
    """A term that few instruments have."""
    return Column(name, value_type, is_required=False, may_be_left_out=True, **more)  # type: ignore[arg-type]


_CURRENCY = Column("currency_code", refers_to="books.currencies.currency_code")
_INCOME_TYPES = ("DIVIDEND", "COUPON")
_CALENDARS = (*BANK_CALENDARS, *known_markets())
_DIGITS = tuple(str(digit) for digit in range(11))

REFERENCE_CONTRACTS = (
    Contract(
        "firms", "books.firms",
        (_text("firm_id"), _text("name"), _text("lei", is_required=False, check_digits=CheckDigits.LEI),
         Column("base_currency_code", refers_to="books.currencies.currency_code"), _text("home_calendar"),
         Column("posting_cutoff_days", ValueType.COUNT, is_required=False, may_be_left_out=True)),
        ("firm_id",),
    ),
    Contract("desks", "books.desks", (_text("desk_id"), _text("name")), ("desk_id",)),
    Contract(
        "books", "books.books",
        (_text("book_id"), _text("name"), _code("desk_id", "books.desks.desk_id"),
         Column("loss_limit_amount", ValueType.AMOUNT, is_positive=True),
         Column("position_limit_amount", ValueType.AMOUNT, is_positive=True)),
        ("book_id",),
    ),
    Contract("traders", "books.traders", (_text("trader_id"), _text("name"), _code("desk_id", "books.desks.desk_id")), ("trader_id",)),
    Contract(
        "clients", "books.clients",
        (_text("client_id"), _text("name"), _text("lei", is_required=False, check_digits=CheckDigits.LEI), _text("country_code"),
         _text("iban", check_digits=CheckDigits.IBAN), _text("bic", check_digits=CheckDigits.BIC)),
        ("client_id",),
    ),
    Contract(
        "counterparties", "books.counterparties",
        (_text("counterparty_id"), _text("name"), _text("lei", is_required=False, check_digits=CheckDigits.LEI),
         _text("bic", check_digits=CheckDigits.BIC), _text("role", allowed=("BROKER", "CUSTODIAN", "BANK"))),
        ("counterparty_id",),
    ),
    Contract(
        "accounts", "books.accounts",
        (_text("account_id"), _text("name"), _code("client_id", "books.clients.client_id", is_required=False),
         _code("custodian_id", "books.counterparties.counterparty_id"),
         _text("account_type", is_required=False, allowed=("CUSTODY", "ALLOCATION"), may_be_left_out=True)),
        ("account_id",),
    ),
    Contract(
        "lot_methods", "books.lot_methods",
        (_code("account_id", "books.accounts.account_id"), Column("valid_from", ValueType.DATE),
         _text("lot_method", allowed=tuple(LotMethod))),
        ("account_id", "valid_from"),
    ),
    Contract(
        "cash_accounts", "books.cash_accounts",
        (_text("cash_account_id"), _code("bank_id", "books.counterparties.counterparty_id"), _CURRENCY,
         _text("iban", check_digits=CheckDigits.IBAN)),
        ("cash_account_id",),
    ),
    Contract(
        "standing_instructions", "books.standing_instructions",
        (_code("account_id", "books.accounts.account_id"), _CURRENCY,
         _text("place_of_settlement_bic", check_digits=CheckDigits.BIC), _text("custody_account_number"),
         _code("cash_account_id", "books.cash_accounts.cash_account_id")),
        ("account_id", "currency_code"),
    ),
    Contract(
        "withholding_rates", "books.withholding_rates",
        (_code("account_id", "books.accounts.account_id"), _text("issuer_country_code"), _text("income_type", allowed=_INCOME_TYPES),
         Column("rate", ValueType.FRACTION)),
        ("account_id", "issuer_country_code", "income_type"),
    ),
    Contract(
        "instruments", "books.instruments",
        (_text("instrument_id"), _text("isin", is_required=False, check_digits=CheckDigits.ISIN), _text("name"),
         _text("product_line", allowed=traded_product_lines()), _CURRENCY,
         _text("market_mic", allowed=known_markets()), _text("issuer_country_code"),
         Column("coupon_rate", ValueType.PERCENT, is_required=False),
         Column("coupon_frequency", ValueType.COUNT, is_required=False, allowed=tuple(map(str, COUPON_FREQUENCIES))),
         _text("day_count", is_required=False, allowed=DAY_COUNTS), Column("issue_date", ValueType.DATE, is_required=False),
         Column("first_coupon_date", ValueType.DATE, is_required=False), Column("maturity_date", ValueType.DATE, is_required=False),
         _term("last_coupon_date", ValueType.DATE), _term("stub", allowed=tuple(Stub)),
         _term("is_month_end", allowed=("true", "false")), _term("accrual_convention", allowed=tuple(BusinessDayConvention)),
         _term("payment_convention", allowed=tuple(BusinessDayConvention)), _term("business_calendar", allowed=_CALENDARS),
         _term("ex_coupon_days", ValueType.COUNT, is_positive=True), _term("ex_coupon_calendar", allowed=_CALENDARS),
         _term("accrued_decimals", ValueType.COUNT, allowed=_DIGITS), _term("step_rates"), _term("index_name"),
         _term("spread", ValueType.PERCENT), _term("rate_cap", ValueType.PERCENT), _term("rate_floor", ValueType.PERCENT),
         _term("fixing_days", ValueType.COUNT, allowed=_DIGITS), _term("contract_size", ValueType.QUANTITY, is_positive=True),
         _term("expiry_date", ValueType.DATE), _term("option_type", allowed=("CALL", "PUT")),
         _term("strike_price", ValueType.QUANTITY, is_positive=True), _term("underlying_instrument_id"),
         Column("notional_currency_code", is_required=False, refers_to="books.currencies.currency_code", may_be_left_out=True),
         _term("lookback_days", ValueType.COUNT, allowed=_DIGITS),
         _term("is_observation_shifted", allowed=("true", "false")), _term("lockout_days", ValueType.COUNT, allowed=_DIGITS),
         _term("payment_delay_days", ValueType.COUNT, allowed=_DIGITS), _term("rate_decimals", ValueType.COUNT, allowed=_DIGITS)),
        ("instrument_id",),
    ),
)  # fmt: skip

MARKET_CONTRACTS = (
    Contract(
        "prices", "books.prices",
        (_code("instrument_id", "books.instruments.instrument_id"), Column("price_date", ValueType.DATE),
         Column("price", ValueType.QUANTITY), _CURRENCY),
        ("instrument_id", "price_date"),
    ),
    Contract(
        "fx_rates", "books.fx_rates",
        (_CURRENCY, Column("base_currency_code", refers_to="books.currencies.currency_code"), Column("rate_date", ValueType.DATE),
         Column("rate", ValueType.RATE, is_positive=True)),
        ("currency_code", "base_currency_code", "rate_date"),
    ),
    Contract(
        "forward_rates", "books.forward_rates",
        (Column("notional_currency_code", refers_to="books.currencies.currency_code"), _CURRENCY, Column("rate_date", ValueType.DATE),
         Column("value_date", ValueType.DATE), Column("rate", ValueType.RATE, is_positive=True)),
        ("notional_currency_code", "currency_code", "rate_date", "value_date"),
    ),
    Contract(
        "discount_factors", "books.discount_factors",
        (_CURRENCY, Column("factor_date", ValueType.DATE), Column("value_date", ValueType.DATE),
         Column("factor", ValueType.RATE, is_positive=True)),
        ("currency_code", "factor_date", "value_date"),
    ),
    Contract(
        "index_fixings", "books.index_fixings",
        (_text("index_name"), Column("fixing_date", ValueType.DATE), Column("rate", ValueType.PERCENT)),
        ("index_name", "fixing_date"),
    ),
    Contract(
        "bond_repayments", "books.bond_repayments",
        (_code("instrument_id", "books.instruments.instrument_id"), Column("repayment_date", ValueType.DATE),
         Column("repaid_percent", ValueType.PERCENT)),
        ("instrument_id", "repayment_date"),
    ),
    Contract(
        "bond_coupon_dates", "books.bond_coupon_dates",
        (_code("instrument_id", "books.instruments.instrument_id"), Column("coupon_date", ValueType.DATE),
         _text("date_state", allowed=("LISTED", "WITHDRAWN")), Column("coupon_percent", ValueType.PERCENT, is_required=False)),
        ("instrument_id", "coupon_date"),
    ),
    Contract(
        "open_deal_terms", "books.open_deal_terms",
        (_code("instrument_id", "books.instruments.instrument_id"), Column("valid_from", ValueType.DATE),
         _text("deal_state", allowed=tuple(DealState)), Column("rate", ValueType.PERCENT, is_required=False),
         _term("told_of", allowed=tuple(ToldOf))),
        ("instrument_id", "valid_from", "told_of"),
    ),
    Contract(
        "corporate_actions", "books.corporate_actions",
        (_text("event_id"), _code("instrument_id", "books.instruments.instrument_id"),
         _text("event_type", allowed=tuple(CorporateActionType)),
         _text("event_status", allowed=("ANNOUNCED", "WITHDRAWN")),
         Column("ex_date", ValueType.DATE), Column("record_date", ValueType.DATE, is_required=False),
         Column("pay_date", ValueType.DATE), Column("amount_per_unit", ValueType.QUANTITY, is_required=False, is_positive=True),
         _CURRENCY, Column("new_units", ValueType.QUANTITY, is_required=False, is_positive=True, may_be_left_out=True),
         Column("old_units", ValueType.QUANTITY, is_required=False, is_positive=True, may_be_left_out=True),
         Column("account_id", is_required=False, refers_to="books.accounts.account_id", may_be_left_out=True),
         Column("redeemed_fraction", ValueType.RATE, is_required=False, is_positive=True, may_be_left_out=True),
         Column("fraction_price", ValueType.QUANTITY, is_required=False, is_positive=True, may_be_left_out=True),
         Column("received_instrument_id", is_required=False, refers_to="books.instruments.instrument_id", may_be_left_out=True),
         Column("cost_fraction", ValueType.RATE, is_required=False, may_be_left_out=True),
         Column("book_id", is_required=False, refers_to="books.books.book_id", may_be_left_out=True),
         Column("exercised_quantity", ValueType.QUANTITY, is_required=False, is_positive=True, may_be_left_out=True),
         Column("announcement_no", ValueType.COUNT, is_required=False, is_positive=True, may_be_left_out=True)),
        ("event_id",),
    ),
)  # fmt: skip

STATEMENT_CONTRACTS = (
    Contract(
        "custodian_positions", "books.custodian_positions",
        (_code("custodian_id", "books.counterparties.counterparty_id"), _code("account_id", "books.accounts.account_id"),
         _code("instrument_id", "books.instruments.instrument_id"), Column("statement_date", ValueType.DATE),
         Column("settled_quantity", ValueType.QUANTITY)),
        ("account_id", "instrument_id", "statement_date"),
    ),
    Contract(
        "bank_balances", "books.bank_balances",
        (_code("cash_account_id", "books.cash_accounts.cash_account_id"), Column("statement_date", ValueType.DATE),
         Column("closing_balance_amount", ValueType.AMOUNT), _CURRENCY),
        ("cash_account_id", "statement_date"),
    ),
    Contract(
        "collateral_movements", "books.collateral_movements",
        (_text("movement_id"), _code("deal_instrument_id", "books.instruments.instrument_id"), _code("book_id", "books.books.book_id"),
         _code("account_id", "books.accounts.account_id"), _code("instrument_id", "books.instruments.instrument_id"),
         Column("movement_date", ValueType.DATE), Column("quantity", ValueType.QUANTITY)),
        ("movement_id",), is_restatable=False,
    ),
    Contract(
        "settlement_statuses", "operations.settlement_statuses",
        (_text("status_id"), _code("instruction_id", "operations.settlement_instructions.instruction_id"),
         _text("status", allowed=("PENDING", "SETTLED", "PARTIAL", "FAILED", "CANCELLED")), Column("status_date", ValueType.DATE),
         Column("settled_quantity", ValueType.QUANTITY), Column("settled_amount", ValueType.AMOUNT),
         _text("reason_code", is_required=False)),
        ("status_id",), is_restatable=False,
    ),
)  # fmt: skip

TRADES = Contract(
    "trades", "books.trade_versions",
    (_text("trade_id", is_required=False), Column("version", ValueType.COUNT, is_positive=True),
     _text("event_type", allowed=("NEW", "AMEND", "CANCEL")), _text("execution_id", is_required=False),
     Column("trade_date", ValueType.DATE), Column("executed_at", ValueType.TIMESTAMP),
     Column("source_sequence", ValueType.INTEGER, is_required=False), Column("settlement_date", ValueType.DATE, is_required=False),
     _code("book_id", "books.books.book_id"), _code("account_id", "books.accounts.account_id"),
     _code("trader_id", "books.traders.trader_id", is_required=False),
     _code("counterparty_id", "books.counterparties.counterparty_id", is_required=False),
     _code("instrument_id", "books.instruments.instrument_id"), _text("side", allowed=("BUY", "SELL")),
     Column("quantity", ValueType.QUANTITY, is_positive=True), Column("price", ValueType.QUANTITY), _CURRENCY,
     Column("fee_amount", ValueType.AMOUNT),
     Column("fx_rate", ValueType.RATE, is_required=False, is_positive=True, may_be_left_out=True),
     _text("closes_trade_id", is_required=False, may_be_left_out=True)),
    ("trade_id", "version"), is_restatable=False,
)  # fmt: skip
NEEDED_BY_A_CANCELLATION = ("trade_id", "version", "event_type")

ALLOCATIONS = Contract(
    "allocations", "books.allocations",
    (_text("block_trade_id"), Column("version", ValueType.COUNT, is_positive=True),
     Column("allocation_no", ValueType.COUNT, is_positive=True), _code("account_id", "books.accounts.account_id"),
     Column("quantity", ValueType.QUANTITY, is_positive=True),
     Column("book_id", is_required=False, refers_to="books.books.book_id", may_be_left_out=True),
     Column("fee_amount", ValueType.AMOUNT, is_required=False, may_be_left_out=True)),
    ("block_trade_id", "version", "allocation_no"), is_restatable=False,
)  # fmt: skip

CONTRACTS = {contract.kind: contract for contract in (*REFERENCE_CONTRACTS, *MARKET_CONTRACTS, *STATEMENT_CONTRACTS, TRADES, ALLOCATIONS)}
