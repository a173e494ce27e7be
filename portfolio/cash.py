"""The account's cash: interest at the bill rate, or a ladder of bills behind the margin; sweeps.

Futures profit arises in the currency of the quote and would stay there, at the risk of its exchange
rate and in no value at risk. Both engines book what ``Treasury.settle`` says, once a session.
Bills are part of the balance in the account's currency, at their value on the day: what they gain
is booked as interest, so that the account is worth the same in either engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from math import isfinite
from typing import ClassVar

from portfolio.collateral import BillLadder, Haircut, discount_rate, wanted_cash
from universe.fx import BASE
from universe.setting import SettingsError, Table, setting

BILL = "usd.3m"
"""The macro series of the bill rate: three-month Treasury bill, bond-equivalent."""

YEAR = 365.0
"""Days of the year that a bond-equivalent yield is paid over (31 CFR part 356, appendix B)."""


LONGEST = 364
"""Calendar days of the longest bill, 52 weeks."""


class Interest(StrEnum):
    """What cash in the account's currency earns."""

    BILLS = "bills"
    LADDER = "ladder"
    NONE = "none"


class Sweep(StrEnum):
    """When balances in other currencies are changed into the account's."""

    THRESHOLD = "threshold"
    MONTHLY = "monthly"
    NEVER = "never"


@dataclass(frozen=True)
class CashSettings(Table):
    """What cash earns and which currency it is in."""

    interest: Interest = setting(
        Interest.BILLS,
        "what cash in USD earns: the three-month bill rate where the macro series usd.3m is known, "
        "or what a ladder of bills and a money fund beside it do",
    )
    ladder_terms: str = setting("28 56 91", "terms of the bills, calendar days, rising")
    bill_haircut: float = setting(
        0.005, "share of a bill's value that does not count as margin", low=0.0, high=0.5
    )
    fund_cost: float = setting(
        0.002, "what a money fund earns less than bills, on the cash at hand", low=0.0, high=0.05
    )
    margin_raise: float = setting(
        1.5, "factor of initial margins on a stressed day", low=1.0, high=5.0
    )
    stress_shortfalls: float = setting(
        2.0,
        "variation margin of a stressed day, in one-day expected shortfalls",
        low=0.0,
        high=20.0,
    )
    collateral_buffer: float = setting(
        0.1, "share by which stressed margins are exceeded", low=0.0, high=5.0
    )
    least_cash: float = setting(
        0.02, "kept at hand whatever the stress says", unit="of NAV", low=0.0, high=1.0
    )
    sweep: Sweep = setting(
        Sweep.THRESHOLD,
        "when other currencies are changed into USD: a balance at a threshold, all once a month",
    )
    sweep_threshold: float = setting(
        0.01, "balance of a currency that is changed", unit="of NAV", low=0.0, high=1.0
    )
    sweep_cost: float = setting(
        0.0001, "cost of changing a currency: half spread", unit="of the amount", low=0.0, high=0.05
    )

    def validate(self) -> None:
        """Refuse terms of which no ladder can be made."""
        _ = self.bill_terms

    @property
    def bill_terms(self) -> tuple[int, ...]:
        """Terms of the bills in calendar days.

        Raises
        ------
        SettingsError
            If there is none, or one is no whole number of days up to a year, or they do not rise.
        """
        words = self.ladder_terms.split()
        terms = tuple(int(word) for word in words if word.isdecimal())
        rising = all(a < b for a, b in pairwise((0, *terms)))
        if not words or len(terms) < len(words) or not rising or terms[-1] > LONGEST:
            raise SettingsError(
                f"ladder_terms is {self.ladder_terms!r}; it must be whole days that rise, from 1 "
                f"to {LONGEST}, like '28 56 91'"
            )
        return terms

    def ladder(self) -> BillLadder:
        """A ladder without bills."""
        return BillLadder(self.bill_terms, haircuts=(Haircut(LONGEST, self.bill_haircut),))

    def stress_in_words(self) -> str:
        """What collateral is held against."""
        return (
            f"A stressed day takes {self.stress_shortfalls:g} one-day expected shortfalls as "
            f"variation margin and raises initial margins to {self.margin_raise:g} times; "
            f"{self.collateral_buffer:.0%} is kept on top, and {self.least_cash:.0%} of net assets "
            "in cash at least"
        )


@dataclass(frozen=True, slots=True)
class Collateral:
    """Cash and bills after a session's sweep; account currency.

    Attributes
    ----------
    cash, bills, pledgeable : float
        At hand (in a money fund), in bills at their value, and that after haircuts.
    earned : float
        By both since the session before.
    bought, sold, matured : float
        Money into and out of bills.
    wanted, short : float
        Cash to be kept at hand, and what of cash and collateral is missing on a stressed day.
    """

    cash: float
    bills: float
    pledgeable: float
    earned: float
    bought: float
    sold: float
    matured: float
    wanted: float
    short: float


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a session does to the account's cash.

    Attributes
    ----------
    interest : float
        Credited in the account's currency, for the days since the session before.
    changed : dict of str to float
        Amounts of other currencies given for the account's.
    proceeds, cost : float
        Received for them after the cost, and the cost, in the account's currency.
    balances : dict of str to float
        By currency, after all of it; open profit of futures and bills count in them.
    collateral : Collateral, optional
        Where there is a ladder of bills.
    """

    interest: float = 0.0
    changed: dict[str, float] = field(default_factory=dict)
    proceeds: float = 0.0
    cost: float = 0.0
    balances: dict[str, float] = field(default_factory=dict)
    collateral: Collateral | None = None


class Treasury:
    """Interest and sweeps, a session at a time.

    Parameters
    ----------
    settings : CashSettings

    Attributes
    ----------
    day : int
        Epoch day of the last settlement, 0 before the first.
    month : int
        Its year and month.
    base, rate : float
        What earns since, and at which rate a year: the balance in the account's currency, but no
        more than the account is worth (foreign debt earns nothing), and the rate known then; of a
        ladder the cash at hand, and the money fund's.
    variation, margin : float
        Of a stressed day, as planned at the last decision.
    ladder : BillLadder
        Empty where interest is not by a ladder.
    """

    STATE = ("day", "month", "base", "rate", "variation", "margin")
    DEPENDS = ()
    BOUNDS: ClassVar = {"rate": (-1.0, 10.0)}  # a year
    ACCOUNT = STATE

    def __init__(self, settings: CashSettings) -> None:
        self._settings = settings
        self.day = self.month = 0
        self.base = self.rate = self.variation = self.margin = 0.0
        self.ladder = settings.ladder()

    def plan(self, nav: float, margin: float, shortfall: float) -> None:
        """What the next sweep keeps cash and bills for; a figure that is not known changes nothing.

        Parameters
        ----------
        nav : float
        margin : float
            Initial margin of the positions over NAV.
        shortfall : float
            Their one-day expected shortfall over NAV.
        """
        settings = self._settings
        if isfinite(nav * margin):
            self.margin = settings.margin_raise * nav * margin
        if isfinite(nav * shortfall):
            self.variation = settings.stress_shortfalls * nav * shortfall

    def settle(
        self,
        day: int,
        month: int,
        balances: Mapping[str, float],
        rates: Mapping[str, float],
        bill: float,
    ) -> Settlement:
        """The session's settlement; both engines book it before the account is valued.

        Parameters
        ----------
        day, month : int
            Epoch day, and year and month.
        balances : mapping of str to float
            By currency, at the session's marks, open profit of futures included.
        rates : mapping of str to float
            Account currency per unit of each; one that is not known leaves its balance alone.
        bill : float
            Bill rate known at the close, NaN if none is.
        """
        settings = self._settings
        interest = self.base * self.rate * (day - self.day) / YEAR if self.day else 0.0
        after = {BASE: 0.0, **balances}
        after[BASE] += interest
        worth = {
            name: amount * rates[name]
            for name, amount in after.items()
            if name != BASE and amount and isfinite(rates.get(name, float("nan")))
        }
        total = after[BASE] + sum(worth.values())
        changed = {name: after[name] for name in worth if self._is_due(worth[name], total, month)}
        value = sum(worth[name] for name in changed)
        cost = settings.sweep_cost * sum(abs(worth[name]) for name in changed)
        after[BASE] += value - cost
        after |= dict.fromkeys(changed, 0.0)
        self.day, self.month = day, month
        self.base = min(after[BASE], total - cost)
        earns = settings.interest != Interest.NONE and isfinite(bill)
        self.rate = bill if earns else 0.0
        collateral = None
        if settings.interest == Interest.LADDER:
            collateral = self._sweep(bill, interest, total - cost)
            after[BASE] += collateral.earned - interest
            interest = collateral.earned
        return Settlement(interest, changed, value - cost, cost, after, collateral)

    def _sweep(self, bill: float, interest: float, worth: float) -> Collateral:
        """Bills bought and sold; ``interest`` of the fund is in ``worth``, their gain is not."""
        settings, ladder = self._settings, self.ladder
        wanted = wanted_cash(
            self.variation,
            self.margin,
            ladder.pledgeable(),
            buffer=settings.collateral_buffer,
            least=settings.least_cash * max(worth, 0.0),
        )
        swept = ladder.sweep(self.day, discount_rate(bill), self.base - ladder.value, wanted)
        self.base, self.rate = swept.cash, max(self.rate - settings.fund_cost, 0.0)
        missing = self.margin + self.variation - swept.cash - swept.pledgeable
        return Collateral(
            swept.cash,
            swept.bills,
            swept.pledgeable,
            interest + swept.earned,
            swept.bought,
            swept.sold,
            swept.matured,
            wanted,
            max(missing, 0.0),
        )

    def _is_due(self, worth: float, total: float, month: int) -> bool:
        sweep, least = self._settings.sweep, self._settings.sweep_threshold * abs(total)
        if sweep == Sweep.MONTHLY:
            return bool(self.month) and month != self.month
        return sweep == Sweep.THRESHOLD and abs(worth) >= least
