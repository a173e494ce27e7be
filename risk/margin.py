"""Margin of every contract, today and over rolls (R5, P7).

An exchange's margin is known on the dates a table has; before, between and beside them it follows
volatility: a multiple of the contract's value times the larger of its volatility over a quarter and
over two years. The multiples are the medians over the dated maintenance margins of LEAN's margin
files against prices up to those dates, by class: 146 dates of equity indices, 303 of bonds, 574 of
currencies, 221 of metals, 238 of energies, 542 of agricultural markets; a quarter of the margins
lay above 1.14 (equities) to 1.35 (currencies) times the model's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from universe.arrays import BoolArray, FloatArray, IntArray
from universe.instruments import AssetClass

MULTIPLE: dict[AssetClass, float] = {
    AssetClass.EQUITY: 4.0,
    AssetClass.BOND: 3.0,
    AssetClass.FX: 2.8,
    AssetClass.METAL: 3.6,
    AssetClass.ENERGY: 3.0,
    AssetClass.AGRICULTURE: 2.8,
    AssetClass.VOLATILITY: 4.0,
    AssetClass.CRYPTO: 10.0,
}
"""Maintenance margin over value times daily volatility; volatility has no dates and counts as
equities, crypto currencies as if 40 % of the value were asked for at a daily volatility of 4 %."""

INITIAL = 1.1
"""Initial over maintenance margin: the median, and most dates of the last decade."""

SHORT_SPAN, LONG_SPAN = 63, 504
"""Sessions of the two exponentially weighted volatilities: a quarter and two years."""

YOUNG = 60
"""Returns before a market's volatility, and so its margin, is known."""


@dataclass(frozen=True, slots=True)
class MarginDates:
    """Dated margins of one market, per contract in its quote currency.

    Attributes
    ----------
    day : int array of shape (n_dates,)
        Epoch days from which they hold, rising.
    initial, maintenance : float arrays of shape (n_dates,)
        Positive.
    """

    day: IntArray
    initial: FloatArray
    maintenance: FloatArray

    def __post_init__(self) -> None:
        if not len(self.day) == len(self.initial) == len(self.maintenance):
            raise ValueError("day, initial and maintenance must have one length")
        if np.any(np.diff(self.day) <= 0):
            raise ValueError("days of margins must rise")
        if not (np.all(self.maintenance > 0) and np.all(self.initial > 0)):
            raise ValueError("margins must be positive numbers")


class Margined(Protocol):
    """What margins ask of a market: an instrument, or what a run's record keeps of it."""

    @property
    def code(self) -> str:
        """Key of the market."""

    @property
    def asset_class(self) -> str:
        """Its class, a value of ``AssetClass``."""


class MarginModel:
    """Margins day by day.

    Parameters
    ----------
    instruments : sequence of Margined
    dates : mapping of code to MarginDates
        What is known; a market without any follows the model alone.
    max_age : int
        Calendar days for which a dated margin holds by itself. Exchanges change theirs when
        volatility does and tables miss such changes: after it the margin is the larger of the dated
        one and the model's, at the ratio of both on the date.
    """

    STATE = ("short", "long", "count", "ratio", "initial_ratio", "maintenance", "since")
    DEPENDS = ()
    BOUNDS: ClassVar = {
        **dict.fromkeys(("short", "long"), (0.0, 1e3)),
        **dict.fromkeys(("ratio", "initial_ratio"), (0.0, 1e2)),
    }

    def __init__(
        self,
        instruments: Sequence[Margined],
        dates: Mapping[str, MarginDates],
        max_age: int = 90,
    ) -> None:
        n = len(instruments)
        self._dates = {
            market: dates[instrument.code]
            for market, instrument in enumerate(instruments)
            if instrument.code in dates
        }
        self._max_age = max_age
        self._multiple = np.array([MULTIPLE[AssetClass(one.asset_class)] for one in instruments])
        self.short: FloatArray = np.zeros(n)  # variance of returns
        self.long: FloatArray = np.zeros(n)
        self.count: IntArray = np.zeros(n, dtype=np.int64)
        self.ratio: FloatArray = np.ones(n)  # last dated maintenance margin over the model's then
        self.initial_ratio: FloatArray = np.full(n, INITIAL)
        self.maintenance: FloatArray = np.zeros(n)  # last dated one
        self.since: IntArray = np.zeros(n, dtype=np.int64)

    def update(self, ret: FloatArray, seen: BoolArray) -> None:
        """Take a session's returns.

        Parameters
        ----------
        ret : float array of shape (n_markets,)
        seen : bool array of shape (n_markets,)
            Whether the market had a return.
        """
        square = np.where(seen, ret, 0.0) ** 2
        grown = self.count + np.asarray(seen, dtype=np.int64)
        for variance, span in ((self.short, SHORT_SPAN), (self.long, LONG_SPAN)):
            weight = np.maximum(2.0 / (span + 1.0), 1.0 / np.maximum(grown, 1))
            variance += np.where(seen, weight * (square - variance), 0.0)
        self.count = grown

    def margins(
        self, day: int, value: FloatArray, sigma: FloatArray | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Initial and maintenance margin of one contract, in the quote currency.

        Parameters
        ----------
        day : int
            Epoch day; dated margins after it are not looked at.
        value : float array of shape (n_markets,)
            Absolute value of one contract in its quote currency, NaN where unknown.
        sigma : float array of shape (n_markets,), optional
            Daily volatility that counts while a market is too young for its own here.

        Returns
        -------
        initial, maintenance : float arrays of shape (n_markets,)
            NaN where there is neither a date nor a volatility.
        """
        own = np.sqrt(np.maximum(self.short, self.long))
        young = (self.count < YOUNG) | ~(own > 0)
        used = np.where(young, np.nan if sigma is None else sigma, own)
        model = self._multiple * np.abs(value) * used
        for market, dates in self._dates.items():
            self._date(market, dates, day, float(model[market]))
        dated = self.since > 0
        followed = np.where(np.isfinite(model), model * self.ratio, np.nan)
        fresh = dated & (day - self.since <= self._max_age)
        maintenance = np.where(
            fresh, self.maintenance, np.where(dated, np.fmax(self.maintenance, followed), model)
        )
        return maintenance * self.initial_ratio, maintenance

    def _date(self, market: int, dates: MarginDates, day: int, model: float) -> None:
        """Take up the last dated margin, if it is a new one."""
        row = int(np.searchsorted(dates.day, day, side="right")) - 1
        if row < 0 or dates.day[row] <= self.since[market]:
            return
        self.since[market] = dates.day[row]
        self.maintenance[market] = dates.maintenance[row]
        self.initial_ratio[market] = dates.initial[row] / dates.maintenance[row]
        if np.isfinite(model):
            self.ratio[market] = dates.maintenance[row] / model


def margin_over_rolls(
    contracts: IntArray,
    unit_margin: FloatArray,
    next_margin: FloatArray,
    roll_in: IntArray,
    window: int,
    days: int,
) -> FloatArray:
    """Forecast of initial margin while positions are rolled in equal parts.

    Parameters
    ----------
    contracts : int array of shape (n_markets,)
        Held, assumed not to change.
    unit_margin, next_margin : float arrays of shape (n_markets,)
        Initial margin of the contract held and of the next one.
    roll_in : int array of shape (n_markets,)
        Sessions until the roll begins.
    window : int
        Sessions that it takes.
    days : int
        Sessions to forecast.

    Returns
    -------
    float array of shape (days + 1,)
        From today's on; legs are margined by themselves, without a credit for the spread.

    Raises
    ------
    ValueError
        If the window or the horizon is not positive.
    """
    if window < 1 or days < 1:
        raise ValueError(f"window is {window} and days {days}; both must be at least 1")
    session = np.arange(days + 1)[:, None]
    rolled = np.clip((session - roll_in) / window, 0.0, 1.0)
    each = unit_margin * (1.0 - rolled) + next_margin * rolled
    held = contracts != 0
    return np.asarray((np.abs(contracts[held]) * each[:, held]).sum(axis=1))
