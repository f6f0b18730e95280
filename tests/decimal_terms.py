"""What instruments are, for books kept in Decimal: shares, bonds with a fixed rate, futures, options, currency pairs and forwards."""

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, localcontext
from itertools import pairwise


@dataclass(frozen=True)
class Bond:
    """Pays `rate` percent a year in equal parts on the coupon dates, which are given from the one before the books begin."""

    rate: Decimal
    frequency: int
    coupon_dates: tuple[date, ...]
    is_thirty_360: bool
    """A month has 30 days; else the days of a period share its coupon (ACT/ACT ICMA)."""

    @property
    def coupon(self) -> Decimal:
        """Percent of nominal."""
        return self.rate / self.frequency

    def accrued(self, settled: date) -> Decimal:
        """Percent of nominal earned from the last coupon date until the day of settlement, to ten decimals."""
        start, end = next((one, after) for one, after in pairwise(self.coupon_dates) if one <= settled < after)
        with localcontext(prec=60):
            if self.is_thirty_360:
                days = 360 * (settled.year - start.year) + 30 * (settled.month - start.month) + settled.day - start.day
                earned = self.rate * days / 360
            else:
                earned = self.coupon * (settled - start).days / (end - start).days
            return earned.quantize(Decimal("1e-10"), ROUND_HALF_UP)


@dataclass(frozen=True)
class Terms:
    """What an instrument is; a share where nothing is said."""

    size: Decimal = Decimal(1)
    """Currency for a point of the price of one unit: the contract size of a derivative, a hundredth for a price in percent."""
    expiry: date | None = None
    """The last day; on the day after, what is left is gone."""
    strike: Decimal | None = None
    """Of an option: the price of a unit of what it is on."""
    is_put: bool = False
    is_paid_daily: bool = False
    """Gains are paid every day: nothing is owned but what was not paid yet, and at expiry the last price is paid."""
    exchanged: str | None = None
    """The currency that a currency pair brings; its own is given for it."""
    forward: str | None = None
    """The currency that a currency forward brings on its value date; its own is given for it."""
    value_date: date | None = None
    bond: Bond | None = None
