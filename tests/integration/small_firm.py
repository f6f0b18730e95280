"""A firm of a few books, made up by a test and closed day by day."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from integration.conftest import close_day
from integration.recorded_dbt import recorded_dbt
from sqlalchemy import text

from posttrade.controls.build import BUSINESS_DATE_QUERY
from posttrade.controls.catalogue import all_controls
from posttrade.messages.contracts import CONTRACTS
from posttrade.offices.derivations import rebuild
from posttrade.records.database import Role, engine
from posttrade.records.fingerprint import fingerprint
from posttrade.settings import get_settings


def trade(trade_id: str, day: date | str, quantity: Decimal | float | str, price: object, **changes: object) -> dict[str, object]:
    """A line of a trades file; a negative quantity is a sale."""
    size = Decimal(str(quantity))
    return {
        "trade_id": trade_id, "version": 1, "event_type": "NEW", "trade_date": day, "executed_at": f"{day}T15:00:00Z", "book_id": "B",
        "account_id": "A", "counterparty_id": "BRK", "instrument_id": "I", "side": "BUY" if size > 0 else "SELL",
        "quantity": abs(size), "price": price, "currency_code": "USD", "fee_amount": "0",
    } | changes  # fmt: skip


@dataclass
class SmallFirm:
    """Books B, accounts A and instruments of a firm that trades on New York's calendar."""

    base: str = "USD"
    instruments: Sequence[Mapping[str, object]] = ({"instrument_id": "I"},)
    books: Sequence[str] = ("B",)
    accounts: Sequence[str] = ("A",)
    is_known: bool = field(default=False, init=False)

    def day(
        self,
        day: date,
        trades: Iterable[Mapping[str, object]] = (),
        prices: Mapping[str, object] | None = None,
        rates: Mapping[str, object] | None = None,
        **files: Iterable[Mapping[str, object]],
    ) -> dict[str, dict[str, int]]:
        """Deliver what a day brings and close it; gives the counts of every step."""
        currencies = {str(one["instrument_id"]): str(one.get("currency_code", "USD")) for one in self.instruments}
        self.make_known(day)
        if trades := list(trades):
            self.deliver(day, "trades", trades)
        if prices:
            self.deliver(
                day,
                "prices",
                [
                    {"instrument_id": name, "price_date": day, "price": price, "currency_code": currencies.get(name, "USD")}
                    for name, price in prices.items()
                ],
            )
        if rates:
            self.deliver(
                day,
                "fx_rates",
                [{"currency_code": name, "base_currency_code": self.base, "rate_date": day, "rate": rate} for name, rate in rates.items()],
            )
        for kind, rows in files.items():
            self.deliver(day, kind, list(rows))
        return close_day(day)

    def make_known(self, day: date) -> None:
        """Deliver the reference data, once."""
        if not self.is_known:
            for kind, rows in self._reference().items():
                self.deliver(day, kind, rows)
            self.is_known = True

    def deliver(self, day: date, kind: str, rows: Sequence[Mapping[str, object]], part: str = "") -> None:
        """Put a file with a right control total into the folder of a business date; its name ends with the part, if it is one. It has a
        column `revision` where a row states one."""
        columns = (*CONTRACTS[kind].orders[0], *(["revision"] if any("revision" in row for row in rows) else []))
        unknown = {name for row in rows for name in row} - set(columns)
        assert not unknown, unknown
        lines = [",".join(str(row.get(name, "")) for name in columns) for row in rows]
        total = f",quantity,{sum(Decimal(str(row.get('quantity') or 0)) for row in rows)}" if kind == "trades" else ""
        path = get_settings().inbox / day.isoformat() / f"{kind}{part}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([",".join(columns), *lines, f"#control,rows,{len(rows)}{total}"]) + "\n")

    def _reference(self) -> dict[str, list[Mapping[str, object]]]:
        defaults = {"product_line": "equity", "currency_code": "USD", "market_mic": "XNYS", "issuer_country_code": "US"}
        currencies = sorted({str((defaults | dict(one))["currency_code"]) for one in self.instruments} | {self.base})
        return {
            "firms": [{"firm_id": "EXAMPLE", "name": "Example Firm", "base_currency_code": self.base, "home_calendar": "XNYS"}],
            "desks": [{"desk_id": "D", "name": "Desk"}],
            "books": [
                {"book_id": one, "name": one, "desk_id": "D", "loss_limit_amount": 10**12, "position_limit_amount": 10**12}
                for one in self.books
            ],
            "counterparties": [
                {"counterparty_id": "BRK", "name": "Example Broker", "bic": "EXBKUS33", "role": "BROKER"},
                {"counterparty_id": "CUS", "name": "Example Custodian", "bic": "EXCUUS33", "role": "CUSTODIAN"},
            ],
            "accounts": [{"account_id": one, "name": one, "custodian_id": "CUS"} for one in self.accounts],
            "cash_accounts": [
                {"cash_account_id": f"C-{one}", "bank_id": "CUS", "currency_code": one, "iban": "DE89370400440532013000"}
                for one in currencies
            ],
            "standing_instructions": [
                {"account_id": account, "currency_code": currency, "place_of_settlement_bic": "EXCUUS33", "custody_account_number": "1",
                 "cash_account_id": f"C-{currency}"}
                for account in self.accounts for currency in currencies
            ],
            "instruments": [{"name": one["instrument_id"]} | defaults | dict(one) for one in self.instruments],
        }  # fmt: skip


def rows(statement: str, **parameters: object) -> list[tuple[Any, ...]]:
    """What an auditor reads."""
    with engine(Role.AUDITOR).connect() as connection:
        return [tuple(row) for row in connection.execute(text(statement), parameters)]


def value(statement: str, **parameters: object) -> Any:
    """The one value an auditor reads."""
    ((found,),) = rows(statement, **parameters)
    return found


def alerts(control_id: str, day: date) -> list[str]:
    """What a control tells of a date, in order."""
    control = next(one for one in all_controls() if one.control_id == control_id)
    return sorted(control.alert_message(row) for row in failing_rows(control_id, day))


def confirmed(day: date, name: str) -> list[dict[str, object]]:
    """The custodian confirms all that was instructed."""
    return [
        {"status_id": f"S-{instruction}", "instruction_id": instruction, "status": "SETTLED", "status_date": day,
         "settled_quantity": quantity, "settled_amount": amount}
        for instruction, quantity, amount in rows(
            "select instruction_id, quantity, amount from operations.settlement_instructions as instructions where instrument_id = :name"
            " and not exists (select from operations.settlement_statuses as statuses"
            " where statuses.instruction_id = instructions.instruction_id)",
            name=name,
        )
    ]  # fmt: skip


def failing_rows(control_id: str, day: date) -> list[dict[str, Any]]:
    """The rows a control finds wrong on a closed day."""
    control = next(one for one in all_controls() if one.control_id == control_id)
    with engine(Role.AUDITOR).connect() as connection:
        connection.execute(text(f"set posttrade.business_date = '{day}'"))
        found = connection.execute(text(control.query.replace("{batch}", f"({BUSINESS_DATE_QUERY})"))).mappings().all()
    return [dict(row) for row in found]


def tripped(control_id: str, day: date) -> set[str]:
    """The instruments a control names on a closed day."""
    return {row["instrument_id"] for row in failing_rows(control_id, day)}


def assert_books_tie() -> None:
    """What must hold of every date: the bridge closes, the components add up, the lots are the position, the cash is the ledger's, and what
    stands instructed is what the trades ask for."""
    assert value("select count(*) from marts.rpt_profit_bridge where difference_amount <> 0") == 0
    assert (
        value(
            """select count(*) from marts.fct_positions as positions
            left join (select business_date, book_id, account_id, instrument_id, sum(open_quantity) as quantity, sum(cost_amount) as cost,
                sum(cost_amount_base) as cost_base from marts.fct_lots group by 1, 2, 3, 4) as lots
                using (business_date, book_id, account_id, instrument_id)
            where (traded_quantity, cost_amount, cost_amount_base)
                <> (coalesce(quantity, 0), coalesce(cost, 0), coalesce(cost_base, 0))"""
        )
        == 0
    )
    assert value("select coalesce(sum(amount_base), 0) from ledger.journal_lines") == 0
    assert value("select count(*) from marts.fct_profit_and_loss where residual_amount <> 0 or residual_amount_base <> 0") == 0
    for (day,) in rows("select business_date from operations.day_closings"):
        for control_id in ("position_is_not_its_trades", "cash_is_not_the_ledgers", "instruction_is_not_its_trade", "instruction_missing"):
            assert failing_rows(control_id, day) == [], (control_id, day)


def assert_rebuilt_the_same() -> None:
    """Every derivation of the closed dates, dropped and built anew from the facts, is what it was."""
    before = fingerprint(engine(Role.AUDITOR))
    with recorded_dbt():
        dates = list(rebuild(engine(Role.TRANSFORMER)))
    assert [(day,) for day in dates] == rows("select business_date from operations.day_closings order by 1")
    assert {name for name, hashed in fingerprint(engine(Role.AUDITOR)).items() if before[name] != hashed} == set()
