"""A random firm of many books; some of them tell the history of another in other words."""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from decimal_firm import keep_books
from decimal_history import CurvePoint, Dividend, Happening, History, Key, Quote, TradeEvent
from decimal_terms import Bond, Terms

DAYS = [date(2026, 1, day) for day in (5, 6, 7, 8, 9)]
MON, TUE, WED, THU, FRI = DAYS
FRIDAY_BEFORE = date(2026, 1, 2)
CURRENCIES = {
    "AAA": "EUR", "BBB": "USD", "CCC": "USD", "DDD": "JPY", "EEE": "EUR", "OPT": "USD", "FUT": "USD", "EURUSD": "USD", "USDEUR": "EUR",
    "USDJPY": "JPY", "BNU": "USD", "BNE": "EUR", "PUT": "EUR", "SPA": "EUR", "SPB": "USD", "SQA": "USD", "SQB": "USD", "MGS": "USD",
    "MGB": "USD", "MGC": "JPY", "MGT": "USD", "RGP": "EUR", "RGT": "EUR", "SCR": "USD", "FOP": "USD", "FWD": "USD", "FWJ": "JPY",
}  # fmt: skip
RATES = {"EUR": Decimal(1), "USD": Decimal("0.91"), "JPY": Decimal("0.0061")}
PRICES = {
    name: Decimal(price) for name, price in {
        "AAA": 40, "BBB": 120, "CCC": 66, "DDD": 2400, "EEE": "7.5", "OPT": "3.2", "FUT": 88, "EURUSD": "1.1", "USDEUR": "0.91",
        "USDJPY": 149, "BNU": 99, "BNE": 102, "PUT": "2.1", "SPA": 31, "SPB": "8.5", "SQA": 55, "SQB": "4.2", "MGS": 17, "MGB": 23,
        "MGC": 1800, "MGT": 44, "RGP": 12, "RGT": "1.4", "SCR": 28, "FOP": "2.6", "FWD": "1.1", "FWJ": 149,
    }.items()
}  # fmt: skip
SIBLINGS = {"AAA": "EEE", "EEE": "AAA", "BBB": "CCC", "CCC": "BBB", "DDD": "DDD"}
"""Of the same currency: what a trade booked in the wrong instrument may have been in."""
SETTLED = {FRIDAY_BEFORE: MON, MON: TUE, TUE: WED, WED: THU, THU: FRI, FRI: date(2026, 1, 12)}
"""Of bonds, which settle on the next business day."""
TERMS = {
    # a call on 100 shares
    "OPT": Terms(size=Decimal(100), expiry=WED, strike=Decimal(118)),
    # a put on 10 shares of AAA
    "PUT": Terms(size=Decimal(10), expiry=THU, strike=Decimal("38.5"), is_put=True),
    "FUT": Terms(size=Decimal(50), expiry=THU, is_paid_daily=True),
    # a call on two futures
    "FOP": Terms(size=Decimal(100), expiry=WED, strike=Decimal("86.5")),
    "EURUSD": Terms(exchanged="EUR"),
    "USDEUR": Terms(exchanged="USD"),
    "USDJPY": Terms(exchanged="USD"),
    "FWD": Terms(forward="EUR", value_date=THU),
    "FWJ": Terms(forward="USD", value_date=FRI),
    # pays its coupon on Friday
    "BNU": Terms(size=Decimal("0.01"), bond=Bond(
        Decimal("5.25"), 2, (date(2025, 7, 9), FRI, date(2026, 7, 9)), is_thirty_360=False
    )),
    "BNE": Terms(size=Decimal("0.01"), bond=Bond(Decimal("3.6"), 1, (date(2025, 7, 7), date(2026, 7, 7)), is_thirty_360=True)),
}  # fmt: skip
TURNS_INTO = {
    "OPT": "BBB", "PUT": "AAA", "SPA": "SPB", "SQA": "SQB", "MGS": "MGT", "MGB": "MGT", "RGP": "RGT", "RGT": "RGP",
    "FOP": "FUT",
}  # fmt: skip
CANNOT_BE_HALVED = {"BNU", "FWD", "FWJ", *TURNS_INTO, *TURNS_INTO.values()} - {"AAA", "BBB", "FUT"}
"""Accrued interest and what forwards bring is no whole number of cents; what lots cost, which can differ by a cent, goes elsewhere."""
ELECTED = "SCR"
"""An instrument whose events hold for some accounts only."""
LINKED = [{"OPT", "BBB"}, {"PUT", "AAA"}, {"SPA", "SPB"}, {"SQA", "SQB"}, {"MGS", "MGB", "MGT"}, {"RGP", "RGT"}, {"FOP", "FUT"}]
"""Instruments that turn into one another: the result of all of them together is what no choice of lots changes."""
NOMINAL = 1000
"""What quantities of bonds are multiples of, of those of shares."""
# An account by method; what its trades close from Wednesday on by another.
METHODS = {
    "AVG": [(date.min, "AVERAGE")],
    "FIFO": [(date.min, "FIFO")],
    "LIFO": [(date.min, "LIFO")],
    "HIGH": [(date.min, "HIGHEST_COST")],
    "LOW": [(date.min, "LOWEST_COST")],
    "NAMED": [(date.min, "SPECIFIC")],
    "TURN": [(date.min, "FIFO"), (WED, "AVERAGE")],
}
NEXT_WEEK = date(2026, 1, 12)
CURVES = {"EUR/USD": Decimal("1.1"), "USD/JPY": Decimal(149), "USD": Decimal("0.999"), "JPY": Decimal("1.0005")}
"""What outright rates and discount factors are about."""
WITHOUT_PRICE = {"DDD": WED, "RGT": THU, "SPB": FRI}
"""Instruments that have no price before a day."""
HISTORIES = 1000
"""Books times accounts times instruments that have a random history of their own."""
TWINS = 12
"""Books of each kind that tell the history of another book in other words. They, the books they tell of and the flat ones have accounts of
their own (`METHOD-BOOK`), for what an event cannot deliver whole depends on all books of an account."""


@dataclass
class RandomFirm:
    """What happened, which messages say so, and which books should be equal."""

    history: History
    deliveries: list[TradeEvent] = field(default_factory=list)
    """In the order of the files, repetitions included."""
    twins: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """Kind of twin: the book and the book that is told otherwise."""
    flat_books: list[str] = field(default_factory=list)
    """All accounts trade the same and hold nothing at the end."""
    cancelled: list[str] = field(default_factory=list)
    """Trades that a twin added and took back."""


def make_firm(seed: int) -> RandomFirm:
    """The same firm for the same seed."""
    chance = random.Random(seed)
    history = History(
        DAYS, SETTLED, "EUR", CURRENCIES, {"EUR": 2, "USD": 2, "JPY": 0}, Decimal("0.15"), dict(METHODS), TERMS,
        prices=_prices(chance), rates=_rates(chance), curves=_curves(chance),
        happenings=[
            # 3 new for 2 old, known in time, fractions paid in cash; 1 for 3 told on the day after; 2 for 1 before a dividend
            Happening(TUE, "S1", "BBB", WED, "SPLIT", Decimal(3), Decimal(2), Decimal("79.25")),
            Happening(THU, "S2", "AAA", WED, "SPLIT", Decimal(1), Decimal(3)),
            Happening(MON, "S3", "CCC", TUE, "SPLIT", Decimal(2), Decimal(1)),
            *_happenings(chance),
        ],
        dividends=[
            Dividend(MON, "D1", "CCC", THU, Decimal("0.37")), Dividend(FRI, "D1", "CCC", THU, Decimal("0.415")),
            Dividend(THU, "D2", "EEE", WED, Decimal("0.1234")),
            Dividend(TUE, "D3", "DDD", WED, Decimal("31.5")), Dividend(FRI, "D3", "DDD", WED, Decimal(0)),
            # of what others turn into
            Dividend(WED, "D4", "MGT", THU, Decimal("0.215")), Dividend(THU, "D5", "SPB", FRI, Decimal("0.08")),
            Dividend(MON, "D6", "SQA", WED, Decimal("0.6")), Dividend(TUE, "D7", "RGP", THU, Decimal("0.11")),
            # told of another instrument, in another currency, two days later
            Dividend(TUE, "D8", "AAA", TUE, Decimal("0.27")), Dividend(THU, "D8", "CCC", WED, Decimal("0.19")),
        ],
    )  # fmt: skip
    firm = RandomFirm(history)
    stories: dict[str, list[TradeEvent]] = {}
    for number in range(HISTORIES // 4):
        book = f"B{number:03d}"
        is_exact = number < TWINS
        stories[book] = [
            event
            for place, (account, instrument) in enumerate(_keys(chance, is_exact))
            for event in _story(chance, book, account, instrument, place * 100, is_exact)
        ]
        if number < 2 * TWINS:
            stories[book] = [replace(one, account=f"{one.account}-{book}") for one in stories[book]]
            _open_accounts(history, book)
        history.happenings += _exercises(chance, book, stories[book])
    for kind, retold in RETELLINGS.items():
        firm.twins[kind] = []
        for number in range(TWINS):
            # what is cut in halves has amounts that can be
            book = f"B{number if kind == 'SPLIT' else number + TWINS:03d}"
            twin = f"{book}-{kind}"
            firm.twins[kind].append((book, twin))
            stories[twin] = [
                replace(
                    one, book=twin, account=one.account.replace(book, twin), trade_id=one.trade_id.replace(book, twin),
                    closes=one.closes and one.closes.replace(book, twin),
                )
                for one in stories[book]
            ]  # fmt: skip
            _open_accounts(history, twin)
            stories[twin] = retold(chance, stories[twin], firm)
            history.happenings += [
                replace(one, book=twin, account=one.account and one.account.replace(book, twin), event_id=one.event_id.replace(book, twin))
                for one in history.happenings
                if one.book == book
            ]
    for number in range(TWINS):
        book = f"FLAT{number}"
        firm.flat_books.append(book)
        _open_accounts(history, book)
        stories[book] = _flat(chance, book, history)
    history.trades = [one for story in stories.values() for one in story]
    firm.deliveries = list(history.trades)
    chance.shuffle(firm.deliveries)
    # A line comes again, on its day or later, and changes nothing.
    again = [one for one in history.trades if chance.random() < (0.5 if one.book.endswith("-PERMUTED") else 0.05)]
    firm.deliveries += [replace(one, known=chance.choice([day for day in DAYS if day >= one.known])) for one in again]
    return firm


def _open_accounts(history: History, book: str) -> None:
    """Accounts that only one book has."""
    history.methods.update({f"{account}-{book}": stated for account, stated in METHODS.items()})


def _prices(chance: random.Random) -> list[Quote]:
    """A price a day; some have none before a day, EEE none on Thursday, when that of Wednesday is corrected."""
    quotes = []
    for name, first in PRICES.items():
        if TERMS.get(name, Terms()).exchanged or TERMS.get(name, Terms()).forward:
            continue
        price = first
        for day in DAYS:
            price = (price * Decimal(chance.randint(950, 1050)) / 1000).quantize(Decimal("0.0001"))
            if (name, day) in {("BBB", WED), ("AAA", WED), ("CCC", TUE)}:
                price = (price * {"BBB": 2, "AAA": 9, "CCC": 1}[name] / {"BBB": 3, "AAA": 3, "CCC": 2}[name]).quantize(Decimal("0.0001"))
            if day < WITHOUT_PRICE.get(name, day) or (name == "EEE" and day == THU):
                continue
            quotes.append(Quote(day, name, day, price))
    wednesday = next(one for one in quotes if (one.name, one.of) == ("EEE", WED))
    return [*quotes, replace(wednesday, known=THU, value=wednesday.value + Decimal("0.25"))]


def _rates(chance: random.Random) -> list[Quote]:
    """A rate a day; that of JPY is not published on Thursday."""
    return [
        Quote(day, name, day, (rate * Decimal(chance.randint(970, 1030)) / 1000).quantize(Decimal("0.00000001")))
        for name, rate in RATES.items()
        for day in DAYS
        if name != "EUR" and (name, day) != ("JPY", THU)
    ]


def _curves(chance: random.Random) -> list[CurvePoint]:
    """Of some days; Tuesday's reach no forward and come again, longer, on Thursday; Monday's are corrected on Wednesday."""

    def of(day: date, known: date) -> list[CurvePoint]:
        after = [one for one in (*DAYS, NEXT_WEEK) if one > day]
        dates = sorted({*chance.sample(after, min(2, len(after))), NEXT_WEEK})
        return [
            CurvePoint(known, name, day, one, (level * Decimal(chance.randint(9900, 10100)) / 10000).quantize(Decimal("0.0000000001")))
            for name, level in CURVES.items() for one in dates
        ]  # fmt: skip

    tuesday = [CurvePoint(TUE, name, TUE, WED, level) for name, level in CURVES.items()]
    return [*of(MON, MON), *tuesday, *of(TUE, THU), *of(MON, WED), *of(WED, WED), *of(THU, THU)]


def _keys(chance: random.Random, is_exact: bool) -> list[tuple[str, str]]:
    """Accounts and instruments of a book; often, what turns into one another is held in the same account."""
    names = chance.sample(sorted(set(CURRENCIES) - (CANNOT_BE_HALVED if is_exact else set())), 4)
    account = chance.choice(sorted(METHODS))
    if not is_exact and chance.random() < 0.4:
        names = [*chance.sample(sorted(chance.choice(LINKED)), 2), *names]
        names = list(dict.fromkeys(names))[:4]
    return [(account if chance.random() < 0.6 else chance.choice(sorted(METHODS)), name) for name in names]


def _happenings(chance: random.Random) -> list[Happening]:
    """Events for all who hold, and for accounts that elect; told in time or late, some of them amended or withdrawn."""

    def units() -> dict[str, Decimal]:
        return {"new": Decimal(chance.randint(1, 5)), "old": Decimal(chance.randint(1, 4))}

    def part() -> Decimal:
        return Decimal(chance.randint(0, 1000)) / 1000

    def cash(instrument: str) -> Decimal:
        return (PRICES[instrument] * Decimal(chance.randint(8000, 12000)) / 10000).quantize(Decimal("0.0001"))

    def maybe(value: Decimal) -> Decimal | None:
        return value if chance.random() < 0.5 else None

    def paid() -> date:
        """At once, before or after the coupon of Friday."""
        return chance.choice([TUE, THU, FRI, NEXT_WEEK])

    kinds: dict[str, Callable[[], dict[str, object]]] = {
        "SPA-SPIN": lambda: {"kind": "SPIN_OFF", "received": "SPB", "cost_part": part(), **units()},
        "SQA-SPIN": lambda: {
            "kind": "SPIN_OFF", "received": "SQB", "cost_part": part(), "fraction_price": maybe(cash("SQB")), **units()
        },
        "MGS-MERGER": lambda: {"kind": "MERGER", "received": "MGT", "fraction_price": maybe(cash("MGT")), **units()},
        "MGB-MERGER": lambda: {"kind": "MERGER", "received": "MGT", "cost_part": part(), "cash": cash("MGB") / 2, **units()},
        "MGC-MERGER": lambda: {"kind": "MERGER", "cash": cash("MGC")},
        "RGP-RIGHTS": lambda: {"kind": "SPIN_OFF", "received": "RGT", "cost_part": part(), "told_as": "RIGHTS_ISSUE", **units()},
        "BNU-PART": lambda: {
            "kind": "REDEMPTION", "cash": Decimal("1.01"), "part": Decimal(chance.randint(1, 999)) / 1000, "pay": paid()
        },
        "BNE-CALL": lambda: {"kind": "REDEMPTION", "cash": Decimal(chance.randint(9800, 10300)) / 10000, "pay": paid()},
        **{
            f"SCR-{account}": lambda account=account: {  # type: ignore[misc]
                "kind": "SPLIT", "account": account, "told_as": "STOCK_DIVIDEND", "new": Decimal(21), "old": Decimal(20),
                "fraction_price": maybe(cash("SCR")),
            }
            for account in ("FIFO", "LIFO", "TURN")
        },
    }  # fmt: skip
    told = []
    for name, terms in kinds.items():
        ex, known = chance.choice(DAYS[1:4]), chance.choice(DAYS[:4])
        one = Happening(known, name, name[:3], ex, **terms())  # type: ignore[arg-type]
        told.append(one)
        later = [day for day in DAYS if day > known]
        if chance.random() < 0.4:
            told.append(replace(one, known=chance.choice(later), **terms()))  # type: ignore[arg-type]
            later = [day for day in DAYS if day > told[-1].known]
        if later and chance.random() < 0.15:
            told.append(replace(told[-1], known=chance.choice(later), is_withdrawn=True))
    lapse = Happening(chance.choice([WED, FRI]), "RGT-LAPSE", "RGT", FRI, "LAPSE")
    return [*told, lapse]


def _exercises(chance: random.Random, book: str, story: list[TradeEvent]) -> list[Happening]:
    """Options and rights that the accounts of a book take up or are assigned: all, so many, or a part of what they hold."""
    told = []
    for account, instrument in sorted({(one.account, {"RGP": "RGT"}.get(one.instrument, one.instrument)) for one in story}):
        if instrument not in ("OPT", "PUT", "RGT", "FOP"):
            continue
        for number in range(chance.randint(0, 2)):
            expiry = TERMS.get(instrument, Terms()).expiry
            ex = chance.choice([day for day in DAYS[1:] if expiry is None or day <= expiry + timedelta(days=1)])
            is_paid = instrument == "PUT" and chance.random() < 0.5
            size: dict[str, object] = chance.choice([
                {}, {"number": Decimal(chance.randint(1, 150))}, {"number": Decimal(chance.randint(1, 999_999)).scaleb(-4)},
                {"part": Decimal(chance.randint(1, 999)) / 1000},
            ])  # fmt: skip
            one = Happening(
                chance.choice(DAYS[:4]), f"{book}-{account}-{instrument}-{number}", instrument, ex, "EXERCISE",
                received=None if is_paid else TURNS_INTO[instrument], account=account, book=book,
                cash=Decimal(chance.randint(1, 9000)).scaleb(-2) if is_paid or instrument == "RGT" else Decimal(0),
                told_as="CASH_EXERCISE" if is_paid else "RIGHTS_EXERCISE" if instrument == "RGT" else "OPTION_EXERCISE",
                **size,  # type: ignore[arg-type]
            )  # fmt: skip
            told.append(one)
            if chance.random() < 0.3:
                later = [day for day in DAYS if day > one.known]
                changed = replace(one, known=chance.choice(later), number=Decimal(chance.randint(1, 150)), part=Decimal(1))
                told.append(replace(changed, is_withdrawn=chance.random() < 0.3))
    return told


def _story(
    chance: random.Random, book: str, account: str, instrument: str, first: int, is_exact: bool, is_simple: bool = False
) -> list[TradeEvent]:
    """Trades of one key: late, amended, moved to another account or instrument, cancelled; some amended before they are known."""
    events: list[TradeEvent] = []
    names: list[str] = []
    terms = TERMS.get(instrument, Terms())
    last_day = terms.value_date - timedelta(days=1) if terms.value_date else terms.expiry or FRI
    for number in range(first, first + chance.randint(1, 9)):
        day = chance.choice([one for one in (FRIDAY_BEFORE, *DAYS) if one <= last_day])
        known = chance.choice([one for one in DAYS if one >= day]) if chance.random() < 0.25 else max(day, MON)
        moment = datetime.combine(day, time(14, 30), UTC) + timedelta(minutes=chance.randint(0, 5))
        new = TradeEvent(
            known, f"{book}-{number:03d}", 1, "NEW", day, moment, book, account, instrument, *_terms(chance, instrument, is_exact),
            sequence=chance.choice([None, chance.randint(1, 9)]), closes=chance.choice(names) if names and chance.random() < 0.7 else None,
        )  # fmt: skip
        names.append(new.trade_id)
        events.append(new)
        last = new
        while not is_simple and chance.random() < 0.25:
            known = chance.choice([one for one in DAYS if one >= last.known])
            kind = "CANCEL" if chance.random() < 0.4 else "AMEND"
            last = replace(last, known=known, version=last.version + 1, kind=kind)
            if kind == "AMEND":
                quantity, price, fee, rate = _terms(chance, instrument, is_exact)
                last = replace(last, quantity=quantity, price=price, fee=fee, rate=rate)
                if chance.random() < 0.2:
                    last = replace(last, account=chance.choice(sorted(METHODS)))
                if chance.random() < 0.1:
                    last = replace(last, instrument=SIBLINGS.get(last.instrument, last.instrument))
            events.append(last)
            # what is told of a trade after its cancellation does not bring it back
            if kind == "CANCEL" and chance.random() < 0.8:
                break
        if last.version > 1 and chance.random() < 0.2:
            events[events.index(new)] = replace(new, known=chance.choice([one for one in DAYS if one >= new.known]))
    return events


def _terms(chance: random.Random, instrument: str, is_exact: bool) -> tuple[Decimal, Decimal, Decimal, Decimal | None]:
    """Quantity, price, fee and rate; exact ones can be halved without a rest in any currency."""
    sign = chance.choice([1, -1]) * (NOMINAL if TERMS.get(instrument, Terms()).bond else 1)
    yen = CURRENCIES[instrument] == "JPY"
    if is_exact:
        price = Decimal(chance.randint(1, 500)) * (5 if yen else Decimal("0.05"))
        rate = {"EUR": None, "USD": chance.choice([Decimal("0.80"), Decimal("1.20")]), "JPY": Decimal("0.01")}[CURRENCIES[instrument]]
        return sign * 2 * Decimal(chance.randint(1, 60)), price, chance.randint(0, 20) * (Decimal(10) if yen else Decimal("0.1")), rate
    size = Decimal(chance.randint(1, 120)) if chance.random() < 0.5 else Decimal(chance.randint(1, 9_999_999)).scaleb(-5)
    price = (PRICES[instrument] * Decimal(chance.randint(8000, 12000)) / 10000).quantize(Decimal("0.0001"))
    fee = Decimal(chance.randint(0, 50000)).scaleb(-4) if chance.random() < 0.6 else Decimal(0)
    own = RATES[CURRENCIES[instrument]] * Decimal(chance.randint(980, 1020)) / 1000
    return sign * size, price, fee, own if chance.random() < 0.3 and CURRENCIES[instrument] != "EUR" else None


def _flat(chance: random.Random, book: str, history: History) -> list[TradeEvent]:
    """The same trades in every account, of half of what is traded, closed out on the last day, also of what events delivered."""
    first = f"{sorted(METHODS)[0]}-{book}"
    alone = [{one} for one in sorted(set(CURRENCIES) - {ELECTED}.union(*LINKED))]
    names = sorted(name for group in (alone, LINKED) for linked in chance.sample(group, len(group) // 2) for name in linked)
    of_one = [
        event
        for place, instrument in enumerate(names)
        for event in _story(chance, book, first, instrument, place * 100, is_exact=False, is_simple=True)
    ]
    held = keep_books(replace(history, trades=of_one))[FRI].positions
    for place, instrument in enumerate(names):
        if (book, first, instrument) in held and (quantity := held[book, first, instrument].quantity):
            _, price, fee, rate = _terms(chance, instrument, is_exact=False)
            moment = datetime.combine(FRI, time(20, 0), UTC)
            of_one.append(TradeEvent(FRI, f"{book}-{place}99", 1, "NEW", FRI, moment, book, first, instrument, -quantity, price, fee, rate))
    return [
        replace(
            event, account=f"{account}-{book}", trade_id=f"{event.trade_id}-{account}", closes=event.closes and f"{event.closes}-{account}"
        )
        for event in of_one
        for account in METHODS
    ]


def _same(_: random.Random, story: list[TradeEvent], __: RandomFirm) -> list[TradeEvent]:
    """Delivered in another order and twice; the deliveries see to that."""
    return story


def _other_days(chance: random.Random, story: list[TradeEvent], _: RandomFirm) -> list[TradeEvent]:
    """Every message on any day it can come."""
    return [replace(one, known=chance.choice([day for day in DAYS if day >= one.trade_date])) for one in story]


def _in_halves(_: random.Random, story: list[TradeEvent], __: RandomFirm) -> list[TradeEvent]:
    halves = [replace(one, quantity=one.quantity / 2, fee=one.fee / 2) for one in story]
    return [replace(one, trade_id=one.trade_id + part) for one in halves for part in "ab"]


def _with_cancelled(chance: random.Random, story: list[TradeEvent], firm: RandomFirm) -> list[TradeEvent]:
    """Twice the trades, half of them cancelled in the end."""
    added = []
    for one in [one for one in story if one.version == 1]:
        quantity, price, fee, rate = _terms(chance, one.instrument, is_exact=False)
        extra = replace(
            one, trade_id=one.trade_id + "x", quantity=quantity, price=price, fee=fee, rate=rate,
            known=chance.choice([day for day in DAYS if day >= one.trade_date]),
        )  # fmt: skip
        later = chance.choice([day for day in DAYS if day >= extra.known])
        added += [extra, replace(extra, version=2, kind="CANCEL", known=later)]
        firm.cancelled.append(extra.trade_id)
    return story + added


RETELLINGS: dict[str, Callable[[random.Random, list[TradeEvent], RandomFirm], list[TradeEvent]]] = {
    "PERMUTED": _same, "LATER": _other_days, "SPLIT": _in_halves, "CANCELLED": _with_cancelled,
}  # fmt: skip


def books_of(firm: RandomFirm) -> list[str]:
    return sorted({one.book for one in firm.history.trades})


def keys_of(events: Iterable[TradeEvent]) -> set[Key]:
    return {(one.book, one.account, one.instrument) for one in events}
