"""Treasury bills and cash behind the futures: a ladder, its haircuts and the daily sweep (P7; 000).

Bills are bought at the bill rate of the day for the ladder's terms, valued at the rate of each day
and held to maturity unless cash runs short; then those that mature first are sold first. All in
account currency; what bills cost to trade is small against their rate and left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from universe.arrays import FloatArray, IntArray

DISCOUNT_YEAR = 360.0
"""Days in the year of a bill's discount rate (a bank discount, as DTB3)."""

BILL_DAYS = 91.0
"""Term of the bill whose bond-equivalent yield is given."""


def discount_rate(bond_equivalent: float, days: float = BILL_DAYS) -> float:
    """Bank discount rate of a bill whose bond-equivalent yield is given."""
    return DISCOUNT_YEAR * bond_equivalent / (365.0 + bond_equivalent * days)


def bill_price(rate: float, days: FloatArray) -> FloatArray:
    """Price of one unit of face value.

    Parameters
    ----------
    rate : float
        Discount rate a year, 0.05 for 5 %; below 0 a bill costs more than its face.
    days : float array
        Calendar days to maturity.
    """
    return np.asarray(1.0 - rate * days / DISCOUNT_YEAR)


@dataclass(frozen=True, slots=True)
class Haircut:
    """Share of its value that a bill of up to ``days`` to maturity does not count for."""

    days: int
    share: float


HAIRCUTS = (Haircut(366, 0.005),)
"""Half a per cent up to a year: a clearing house's usual figure for bills; a setting."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """What a day's sweep did.

    Attributes
    ----------
    earned : float
        Gain of the bills since the last sweep, maturities included.
    bought, sold, matured : float
        Money into and out of bills.
    cash, bills, pledgeable : float
        After it; ``pledgeable`` is bills after haircuts.
    short : float
        Cash below what is wanted although every bill was sold, 0 if it suffices.
    """

    earned: float
    bought: float
    sold: float
    matured: float
    cash: float
    bills: float
    pledgeable: float
    short: float


class BillLadder:
    """Bills of rolling maturities.

    Parameters
    ----------
    terms : tuple of int
        Calendar days of the bills that are bought, rising; money goes where least matures.
    smallest : float
        Purchases are multiples of this face value; 0 is any.
    haircuts : tuple of Haircut
        By days rising; a bill beyond the last does not count.

    Raises
    ------
    ValueError
        If there is no term, or one is not positive, or they do not rise.
    """

    STATE = ("maturity", "face", "day", "rate", "rated", "value")
    DEPENDS = ()
    ACCOUNT = STATE
    GROWS = ("maturity", "face")

    def __init__(
        self,
        terms: tuple[int, ...] = (28, 56, 91),
        smallest: float = 1000.0,
        haircuts: tuple[Haircut, ...] = HAIRCUTS,
    ) -> None:
        if not terms or terms[0] <= 0 or any(np.diff(terms) <= 0):
            raise ValueError(f"terms are {terms}; at least one is needed, positive and rising")
        self._terms, self._smallest, self._haircuts = np.array(terms), smallest, haircuts
        self.maturity: IntArray = np.zeros(0, dtype=np.int64)  # epoch days
        self.face: FloatArray = np.zeros(0)
        self.day = 0
        self.rate, self.rated = 0.0, False  # the last one known, and whether any is
        self.value = 0.0  # of the bills, on ``day`` at ``rate``

    def from_state(self, values: dict[str, Any]) -> dict[str, Any]:
        """Refuse bills without a maturity, or of no face value.

        Raises
        ------
        ValueError
            If there are others.
        """
        maturity, face = values["maturity"], values["face"]
        if len(maturity) != len(face) or not np.all(face > 0):
            raise ValueError(
                f"the ladder has {len(maturity)} maturities and faces {face.tolist()}; every bill "
                "must have one, and a face above 0"
            )
        return values

    def sweep(self, day: int, rate: float, cash: float, wanted: float) -> Sweep:
        """Take in what matured, then buy bills for the cash beyond ``wanted`` or sell for it.

        Parameters
        ----------
        day : int
            Epoch day, not before the last one.
        rate : float
            Bill rate; where it is NaN the last one known goes on, and nothing is bought before
            there was one.
        cash : float
            Before the sweep; may be negative.
        wanted : float
            Cash to keep: the buffer over stressed variation margin.

        Raises
        ------
        ValueError
            If the day is before the last one, or ``wanted`` or ``cash`` is not a number.
        """
        if day < self.day:
            raise ValueError(f"day is {day}, before the ladder's last one, {self.day}")
        if not (np.isfinite(cash) and np.isfinite(wanted)):
            raise ValueError(f"cash is {cash} and wanted {wanted}; both must be numbers")
        if np.isfinite(rate):
            self.rate, self.rated = rate, True
        self.day = day
        due = self.maturity <= day
        matured = float(self.face[due].sum())
        self.maturity, self.face = self.maturity[~due], self.face[~due]
        earned = matured + float(self.values().sum()) - self.value
        cash += matured
        bought = sold = 0.0
        if self.rated and cash > wanted:
            bought = self._buy(self.rate, cash - wanted)
        elif self.rated and cash < wanted:
            sold = self._sell(self.rate, wanted - cash)
        cash += sold - bought
        self.value = float(self.values().sum())
        return Sweep(
            earned,
            bought,
            sold,
            matured,
            cash,
            self.value,
            self.pledgeable(),
            max(wanted - cash, 0.0),
        )

    def values(self) -> FloatArray:
        """Value of every bill on the last day, at its rate."""
        return self.face * bill_price(self.rate, self.maturity - float(self.day))

    def pledgeable(self) -> float:
        """Value of the bills after haircuts."""
        left = self.maturity - self.day
        share = np.ones(len(left))
        for haircut in reversed(self._haircuts):
            share = np.where(left <= haircut.days, haircut.share, share)
        return float((self.values() * (1.0 - share)).sum())

    def rungs(self) -> FloatArray:
        """Face value by term: of what matures within it and not within the one before."""
        term = np.searchsorted(self._terms, self.maturity - self.day)
        last = len(self._terms) - 1
        height = np.bincount(np.minimum(term, last), self.face, last + 1)
        return np.asarray(height, dtype=np.float64)

    def _buy(self, rate: float, money: float) -> float:
        """Fill the lowest rungs to one height; what is left of a multiple stays cash."""
        price = bill_price(rate, self._terms.astype(np.float64))
        have = self.rungs()
        order = np.argsort(have, kind="stable")
        height, filled = 0.0, 0
        for filled in range(1, len(have) + 1):
            lowest = order[:filled]
            height = (money + float(have[lowest] @ price[lowest])) / float(price[lowest].sum())
            if filled == len(have) or height <= have[order[filled]]:
                break
        face = np.maximum(height - have, 0.0)
        if self._smallest > 0:
            face = np.floor(face / self._smallest + 1e-9) * self._smallest
        bought = face > 0
        self.maturity = np.concatenate([self.maturity, self.day + self._terms[bought]])
        self.face = np.concatenate([self.face, face[bought]])
        return float(face @ price)

    def _sell(self, rate: float, money: float) -> float:
        """Sell what matures first, whole multiples, until the money is there or no bill is."""
        got = 0.0
        for k in np.argsort(self.maturity, kind="stable").tolist():
            if got >= money:
                break
            price = float(bill_price(rate, np.array(float(self.maturity[k] - self.day))))
            face = (money - got) / price
            if self._smallest > 0:
                face = np.ceil(face / self._smallest - 1e-9) * self._smallest
            face = min(face, float(self.face[k]))
            self.face[k] -= face
            got += face * price
        kept = self.face > 0
        self.maturity, self.face = self.maturity[kept], self.face[kept]
        return got


def wanted_cash(
    variation: float, margin: float, pledgeable: float, *, buffer: float, least: float
) -> float:
    """Cash to keep at hand.

    Parameters
    ----------
    variation : float
        Variation margin of the worst shock that must be met in cash.
    margin : float
        Stressed initial margin.
    pledgeable : float
        Bills after haircuts.
    buffer : float
        Share by which both are exceeded.
    least : float

    Returns
    -------
    float
        The stressed variation margin with its buffer, and what bills do not cover of the margin.
    """
    beyond = max(margin * (1.0 + buffer) - pledgeable, 0.0)
    return max(variation * (1.0 + buffer) + beyond, least)
