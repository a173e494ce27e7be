"""Bond carry from a yield curve beside the carry that the futures imply, per DV01 (A3)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from alpha.carry_formulas import BOND_CURVES, SHORT_TENORS
from alpha.class_carry import bond_carry, bond_carry_per_dv01, implied_per_dv01
from research.data.macro_series import MacroSeries
from research.panels.markets import MarketPanel
from universe.arrays import FloatArray, IntArray, to_epoch_day
from universe.curves import MacroState

SMOOTHING = 63
"""Sessions of the trailing mean beside the daily figures: a quarter, the life of a carry pair."""


@dataclass(frozen=True, slots=True)
class BondComparison:
    """Two measures of one market's carry, in basis points of yield a year (carry per DV01).

    Attributes
    ----------
    code : str
    day : int array of shape (n,)
        Sessions on which both are known.
    formula : float array of shape (n,)
        Yield less financing plus roll-down.
    implied : float array of shape (n,)
        From the near and the far contract.
    correlation, smoothed_correlation : float
        Of the daily figures, and of their trailing means over a quarter; NaN with too few.
    mean_difference, median_difference, deviation : float
        Of formula less implied, in basis points; the last is its standard deviation.
    """

    code: str
    day: IntArray
    formula: FloatArray
    implied: FloatArray
    correlation: float
    smoothed_correlation: float
    mean_difference: float
    median_difference: float
    deviation: float


def bond_carry_comparison(
    panel: MarketPanel,
    macro: Mapping[str, MacroSeries],
    codes: Sequence[str] = ("ZF", "ZN"),
    start: date = date(2000, 1, 1),
    max_age_days: int = 10,
) -> list[BondComparison]:
    """Compare both measures on every session from ``start`` on.

    Parameters
    ----------
    panel : MarketPanel
    macro : mapping of name to MacroSeries
        Each value counts from the day on which it was known, for ``max_age_days``.
    codes : sequence of str
        Bond markets; one that the panel does not hold is left out.
    start : date
    max_age_days : int

    Returns
    -------
    list of BondComparison
        Only of markets on which both measures met in at least two sessions.

    Raises
    ------
    ValueError
        If a market is no bond (its duration is 0).

    Notes
    -----
    000, B; Koijen et al. (2018). The futures' version also holds what the delivery option and a
    change of the cheapest bond from one contract to the next do to their price difference.
    """
    columns = [panel.codes.index(code) for code in codes if code in panel.codes]
    for column in columns:
        instrument = panel.instruments[column]
        if not instrument.duration > 0:
            raise ValueError(f"{instrument.code} has duration 0; a bond's must be above 0")
    state, news = MacroState(max_age_days), _MacroNews(macro)
    first = int(np.searchsorted(panel.day, to_epoch_day(start)))
    rows: dict[int, list[tuple[int, float, float]]] = {column: [] for column in columns}
    for t in range(first, len(panel.day)):
        day = int(panel.day[t])
        news.tell(state, day)
        for column in columns:
            instrument = panel.instruments[column]
            implied = implied_per_dv01(
                panel.near_price[t, column],
                panel.far_price[t, column],
                int(panel.near_expiry[t, column]),
                int(panel.far_expiry[t, column]),
                panel.price[t, column],
                instrument.duration,
            )
            if math.isfinite(implied):
                currency = instrument.currency.lower()
                issuer = BOND_CURVES.get(instrument.code, currency)
                formula = _formula(state, issuer, currency, day, instrument.duration)
                if math.isfinite(formula):
                    rows[column].append((day, formula, implied))
    return [_compared(panel.codes[k], found) for k, found in rows.items() if len(found) > 1]


def _formula(state: MacroState, issuer: str, currency: str, day: int, duration: float) -> float:
    curve = state.curve(issuer, day)
    rates = (state.value(f"{currency}.{tenor}", day) for tenor in SHORT_TENORS)
    financing = next((rate for rate in rates if math.isfinite(rate)), math.nan)
    if curve is None or curve.tenors_years[-1] < 1.0 or math.isnan(financing):
        return math.nan
    return bond_carry_per_dv01(bond_carry(curve, financing, duration), duration)


def _compared(code: str, rows: list[tuple[int, float, float]]) -> BondComparison:
    table = np.array(rows)
    both = pd.DataFrame(table[:, 1:], columns=["formula", "implied"])
    smooth = both.rolling(SMOOTHING).mean().dropna()
    difference = both["formula"] - both["implied"]
    return BondComparison(
        code,
        table[:, 0].astype(np.int64),
        table[:, 1],
        table[:, 2],
        _correlation(both),
        _correlation(smooth),
        float(difference.mean()),
        float(difference.median()),
        float(difference.std()),
    )


def _correlation(both: pd.DataFrame) -> float:
    if len(both) < 3 or not (both.std() > 0).all():
        return math.nan
    return float(np.corrcoef(both["formula"], both["implied"])[0, 1])


class _MacroNews:
    """Macro values in the order in which they became known."""

    def __init__(self, macro: Mapping[str, MacroSeries]) -> None:
        self._rows = sorted(
            (int(day), name, float(value))
            for name, series in macro.items()
            for day, value in zip(series.day, series.value, strict=True)
        )
        self._next = 0

    def tell(self, state: MacroState, day: int) -> None:
        """Give ``state`` what became known up to ``day``."""
        while self._next < len(self._rows) and self._rows[self._next][0] <= day:
            known, name, value = self._rows[self._next]
            state.update(known, {name: value})
            self._next += 1
