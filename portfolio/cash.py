"""The account's cash: interest at the bill rate, and foreign profit changed into its currency.

Futures profit arises in the currency of the quote and would stay there, at the risk of its exchange
rate and in no value at risk. Both engines book what ``Treasury.settle`` says, once a session.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import isfinite

from universe.fx import BASE
from universe.setting import Table, setting

BILL = "usd.3m"
"""The macro series of the bill rate: three-month Treasury bill, bond-equivalent."""

YEAR = 365.0
"""Days of the year that a bond-equivalent yield is paid over (31 CFR part 356, appendix B)."""


class Interest(StrEnum):
    """What cash in the account's currency earns."""

    BILLS = "bills"
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
        "what cash in USD earns: the three-month bill rate where the macro series usd.3m is known",
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
        By currency, after all of it; open profit of futures counts in them.
    """

    interest: float = 0.0
    changed: dict[str, float] = field(default_factory=dict)
    proceeds: float = 0.0
    cost: float = 0.0
    balances: dict[str, float] = field(default_factory=dict)


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
        more than the account is worth (foreign debt earns nothing), and the bill rate known then.
    """

    STATE = ("day", "month", "base", "rate")
    DEPENDS = ()
    ACCOUNT = ("day", "month", "base", "rate")

    def __init__(self, settings: CashSettings) -> None:
        self._settings = settings
        self.day = self.month = 0
        self.base = self.rate = 0.0

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
        earns = settings.interest == Interest.BILLS and isfinite(bill)
        self.rate = bill if earns else 0.0
        return Settlement(interest, changed, value - cost, cost, after)

    def _is_due(self, worth: float, total: float, month: int) -> bool:
        sweep, least = self._settings.sweep, self._settings.sweep_threshold * abs(total)
        if sweep == Sweep.MONTHLY:
            return bool(self.month) and month != self.month
        return sweep == Sweep.THRESHOLD and abs(worth) >= least
