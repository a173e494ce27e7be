"""Which exchange rates are believed, and how old they are (U4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from universe.arrays import BoolArray, FloatArray, IntArray, from_epoch_day
from universe.quality import UNIT_RATIO

BASE = "USD"
"""The account currency: its rate is 1 and never old."""

SPAN = 32
"""Rates in the exponentially weighted volatility, and the number from which it is used."""

LEAST_SIGMA = 1e-3
"""Floor of the daily volatility, for currencies that are pegged."""

_YOUNG_LIMIT = float(np.log(2.0))
_UNIT = float(np.log(UNIT_RATIO))
_NEVER = -(10**6)


class FxGate:
    """The last trusted rate of every currency, and the day on which it was known.

    Parameters
    ----------
    currencies : sequence of str
        Of the markets, in their order; a currency is gated once.
    outlier_sigmas : float
        Greatest daily move that is believed at once, in daily volatilities; before ``SPAN`` rates
        the limit is the double and the half.
    max_age : int
        Days after which a rate is too old to take a new position on.

    Notes
    -----
    As for prices: a rate beyond the limit waits for another one near it, an equal one confirms
    nothing, and three times or a third of a rate is never a move. Until then the last trusted rate
    stands and grows older.
    """

    STATE = ("rate", "known_on", "raw", "suspect", "variance", "count", "stale")
    DEPENDS = ()
    BOUNDS: ClassVar = dict.fromkeys(("rate", "raw", "suspect"), (1e-6, 1e3)) | {
        "variance": (0.0, 1e3)
    }

    def __init__(
        self, currencies: Sequence[str], *, outlier_sigmas: float = 20.0, max_age: int = 14
    ) -> None:
        self.names = sorted(set(currencies))
        self._of = np.array([self.names.index(name) for name in currencies], dtype=np.int64)
        self._first = np.array([list(currencies).index(name) for name in self.names], np.int64)
        self._base = np.array([name == BASE for name in self.names], dtype=bool)
        self._sigmas, self._max_age = outlier_sigmas, max_age
        n = len(self.names)
        self.rate: FloatArray = np.where(self._base, 1.0, np.nan)
        self.known_on: IntArray = np.full(n, _NEVER, dtype=np.int64)
        self.raw: FloatArray = np.full(n, np.nan)
        self.suspect: FloatArray = np.full(n, np.nan)
        self.variance: FloatArray = np.zeros(n)
        self.count: IntArray = np.zeros(n, dtype=np.int64)
        self.stale: BoolArray = np.zeros(n, dtype=bool)  # too old, and said so

    def from_state(self, values: dict[str, Any]) -> dict[str, Any]:
        """Refuse rates of which the last one taken is neither the trusted nor the doubted one.

        Raises
        ------
        ValueError
            Naming the currency.
        """
        rate, raw, suspect = values["rate"], values["raw"], values["suspect"]
        strange = np.isfinite(raw) & (raw != rate) & (raw != suspect)
        if strange.any():
            k = int(np.flatnonzero(strange)[0])
            raise ValueError(f"{self.names[k]} stands at {rate[k]:g}, its last rate is {raw[k]:g}")
        return values

    def take(
        self, day: int, fx: FloatArray, fx_day: IntArray | None = None
    ) -> list[tuple[int, str, str]]:
        """Take a session's rates.

        Parameters
        ----------
        day : int
            Session, epoch day.
        fx : float array of shape (n_markets,)
            Account-currency value of one unit of each market's quote currency, NaN for unknown.
        fx_day : int array of shape (n_markets,), optional
            Epoch day of each rate; without it they are of the session.

        Returns
        -------
        list of (market index, kind, sentence)
            What was held back, dropped, confirmed or has become too old; the market is the first
            one of the currency.
        """
        rates = fx[self._first]
        dates = np.full(len(rates), day) if fx_day is None else fx_day[self._first]
        dates = np.where(self._base, day, dates)
        notes: list[tuple[int, str, str]] = []
        usable = np.isfinite(rates) & (rates > 0)
        new = usable & (rates != self.raw) & ~self._base
        if new.any():
            accepted = self._gate(rates, new, notes)
            self.rate = np.where(accepted, rates, self.rate)
            self.raw = np.where(new, rates, self.raw)
        trusted = usable & (rates == self.rate)
        self.known_on = np.where(trusted | self._base, dates, self.known_on)
        old = np.isfinite(self.rate) & (day - self.known_on > self._max_age)
        for k in np.flatnonzero(old & ~self.stale).tolist():
            known = from_epoch_day(int(self.known_on[k]))
            text = f"{self.names[k]} rate is of {known}: too old for a new position in its markets"
            notes.append((int(self._first[k]), "fx", text))
        self.stale = old
        return notes

    def _gate(
        self, rates: FloatArray, new: BoolArray, notes: list[tuple[int, str, str]]
    ) -> BoolArray:
        with np.errstate(divide="ignore", invalid="ignore"):
            move = np.where(new, np.log(rates / self.rate), np.nan)
            again = np.abs(np.log(rates / self.suspect))
        young = self.count < SPAN
        sigma = np.fmax(np.sqrt(self.variance), LEAST_SIGMA)
        limit = np.where(young, _YOUNG_LIMIT, self._sigmas * sigma)
        far = np.abs(move) > limit
        confirmed = far & (again <= limit) & (np.abs(move) < _UNIT)
        dropped = new & ~far & np.isfinite(self.suspect)
        for k in np.flatnonzero(far | dropped).tolist():
            name, rate = self.names[k], float(rates[k])
            if confirmed[k]:
                text = f"{name} at {rate:g} confirmed"
            elif far[k]:
                text = f"{name} moved from {self.rate[k]:g} to {rate:g}: held back"
            else:
                text = f"{name} {self.suspect[k]:g} dropped, next rate {rate:g}"
            notes.append((int(self._first[k]), "fx", text))
        accepted: BoolArray = new & (~far | confirmed)
        self.suspect = np.where(far & ~confirmed, rates, np.where(accepted, np.nan, self.suspect))
        known = accepted & np.isfinite(move)
        decay = np.fmax(1.0 / (self.count + 1), 2.0 / (SPAN + 1.0))  # a mean at first
        grown = self.variance + decay * (move * move - self.variance)
        self.variance = np.where(known, grown, self.variance)
        self.count = self.count + known
        return accepted

    def by_market(self) -> FloatArray:
        """Last trusted rate of every market's currency, NaN before the first; (n_markets,)."""
        return np.asarray(self.rate[self._of])

    def fresh(self) -> BoolArray:
        """Markets whose rate is young enough for a new position; (n_markets,)."""
        return np.asarray(np.isfinite(self.rate[self._of]) & ~self.stale[self._of])

    def age(self, day: int) -> IntArray:
        """Days since the trusted rate of every market's currency was known; (n_markets,)."""
        return np.asarray(day - self.known_on[self._of])
