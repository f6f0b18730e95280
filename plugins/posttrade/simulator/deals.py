"""What is dealt in contracts: the margin that the clearing house moves for futures, and the premiums it knows of options."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from posttrade.simulator.own_books import CashFlow, cash_account_of
from posttrade.simulator.reference import Instrument
from posttrade.simulator.trade_files import TradeEvent


class DealBook:
    """The versions of every deal, as told so far, in whatever order they came."""

    def __init__(self) -> None:
        self._versions: dict[str, dict[int, TradeEvent]] = defaultdict(dict)

    def see(self, event: TradeEvent) -> None:
        """Takes in a version."""
        self._versions[event.trade_id][event.version] = event

    def in_force(self) -> Iterator[TradeEvent]:
        """The latest version of each deal; none of one that was cancelled or whose original has not come."""
        for versions in self._versions.values():
            if 1 in versions and not any(one.event_type == "CANCEL" for one in versions.values()):
                yield versions[max(versions)]


def signed_quantity(event: TradeEvent) -> Decimal:
    """What was bought, or sold if negative."""
    return Decimal(event.quantity) * (1 if event.side == "BUY" else -1)


@dataclass(frozen=True)
class Premium:
    """What the clearing house pays for an option that was sold, or wants if negative; quantity in contracts, received if positive."""

    account_id: str
    instrument_id: str
    trade_date: str
    quantity: str
    amount: str


class ClearingHouse:
    """Settles futures to the day's price: what was gained and not paid before, less fees, goes out on the next business date.

    Args:
        contracts: futures and options, by id.
    """

    def __init__(self, contracts: Mapping[str, Instrument]) -> None:
        self._contracts = contracts
        self._paid: dict[tuple[str, str], Decimal] = {}
        self._deals = DealBook()
        self.premiums: dict[Premium, None] = {}

    def see(self, event: TradeEvent) -> None:
        """Takes in a version of a deal; one in another instrument is none of its business."""
        one = self._contracts.get(event.instrument_id)
        if one is None:
            return
        if one.is_future:
            self._deals.see(event)
        elif event.event_type != "CANCEL":
            quantity = signed_quantity(event)
            amount = -quantity * Decimal(event.price) * one.contract_size - Decimal(event.fee)
            self.premiums[Premium(event.account_id, event.instrument_id, event.trade_date, str(quantity), f"{amount:.2f}")] = None

    def margin(self, prices: Mapping[str, Decimal], pay_date: date) -> Iterator[CashFlow]:
        """The margin of a day.

        Args:
            prices: settlement price of every future, its last one after expiry.
            pay_date: the next business date.
        """
        gained: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for key in self._paid:
            gained[key] = Decimal(0)
        for deal in self._deals.in_force():
            size = self._contracts[deal.instrument_id].contract_size
            difference = prices[deal.instrument_id] - Decimal(deal.price)
            gained[deal.account_id, deal.instrument_id] += signed_quantity(deal) * difference * size - Decimal(deal.fee)
        for (account_id, instrument_id), amount in gained.items():
            change = amount - self._paid.get((account_id, instrument_id), Decimal(0))
            self._paid[account_id, instrument_id] = amount
            if change:
                currency = self._contracts[instrument_id].currency_code
                yield CashFlow(pay_date, cash_account_of(account_id, currency), currency, change, f"margin {instrument_id}")
