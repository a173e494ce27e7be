"""Carry compared inside each asset class (000, B): z-scores, ranks or cohorts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from alpha.columns import Columns
from alpha.rules.comparison import Comparison, cross_section_forecast
from alpha.rules.rule import Rule, Style, View
from alpha.scaling import NORMAL_MEAN_ABS
from universe.arrays import BoolArray, FloatArray, IntArray
from universe.setting import Table, setting


@dataclass(frozen=True)
class CrossSectionSettings(Table):
    """How markets of a class are compared."""

    cross_section_method: Comparison = setting(Comparison.ZSCORE, "comparison inside a class")
    cross_section_fraction: float = setting(
        0.25,
        "part of a class in its top, and bottom, cohort; with 000's deciles the cap of 2 keeps the "
        "mean forecast at half of 1",
        low=0.01,
        high=0.5,
    )


class CrossSectionRule(Rule):
    """Carry over volatility, compared inside a class."""

    NAME, SLEEVE, STYLE = "cross_section", "cross section", Style.CARRY
    MEANING = "carry over volatility against the others of its class: z-score, rank or cohort"
    SETTINGS = CrossSectionSettings
    COMPARES = True

    def signal(self, view: View) -> FloatArray:
        """Ex-ante Sharpe ratio of carry."""
        return view.carry.sharpe()

    def compare(self, signal: FloatArray, member: BoolArray) -> FloatArray:
        """Forecasts of the markets let in."""
        settings = self.inputs.settings
        return cross_section_forecast(
            np.where(member, signal, np.nan),
            self.inputs.class_index,
            settings.cross_section_method,
            settings.cross_section_fraction,
            settings.forecast_cap,
        )

    @classmethod
    def columns(cls, columns: Columns) -> dict[str, FloatArray]:
        """All three ways of comparing."""
        settings, index = columns.settings, columns.panel.class_index
        fraction, cap = settings.cross_section_fraction, settings.forecast_cap
        return {
            f"cross section {method}": cross_section_columns(
                columns.compared, index, method, fraction, cap
            )
            for method in Comparison
        }


def cross_section_columns(
    value: FloatArray, class_index: IntArray, method: str, fraction: float, cap: float
) -> FloatArray:
    """``cross_section_forecast`` of every day; ``value`` is (n_days, n_markets).

    ``method`` is one of ``Comparison``, or "relative value" for the cohorts
    without scaling.
    """
    out = np.where(np.isfinite(value), 0.0, np.nan)
    for number in np.unique(class_index):
        columns = np.flatnonzero(class_index == number)
        table = pd.DataFrame(value[:, columns])
        count = np.isfinite(value[:, columns]).sum(axis=1)[:, None]
        found = _compared(table, count, method, fraction, cap)
        out[:, columns] = np.where(
            (count > 1) & np.isfinite(value[:, columns]), found, out[:, columns]
        )
    return out


def _compared(
    table: pd.DataFrame, count: IntArray, method: str, fraction: float, cap: float
) -> FloatArray:
    many = np.maximum(count, 2)
    if method == "zscore":
        away = table.sub(table.mean(axis=1), axis=0)
        spread = table.std(axis=1, ddof=0)
        flat = table.max(axis=1) == table.min(axis=1)
        score = away.div(spread.where(~flat & (spread > 0)), axis=0) / NORMAL_MEAN_ABS
        return np.asarray(score.mask(flat, 0.0).clip(-cap, cap))
    if method == "rank":
        middle = (many + 1) / 2.0
        untied = np.where(many % 2 == 0, many / 4.0, (many * many - 1) / (4.0 * many))
        scale = np.minimum(1.0 / untied, cap / (many - middle))
        return np.asarray((table.rank(axis=1).to_numpy() - middle) * scale)
    first = table.rank(axis=1, method="min").to_numpy()
    last = table.rank(axis=1, method="max").to_numpy()
    size = np.maximum((fraction * count + 1e-9).astype(np.int64), 1)
    shared = last - first + 1
    top = np.clip(last - np.maximum(first - 1, count - size), 0, None) / shared
    bottom = np.clip(np.minimum(last, size) - (first - 1), 0, None) / shared
    cohort = top - bottom
    if method == "relative value":
        return np.asarray(cohort)
    absolute = np.abs(cohort)
    largest = np.fmax.reduce(absolute, axis=1, keepdims=True)
    mean = np.nansum(absolute, axis=1, keepdims=True) / many
    some = np.nan_to_num(largest) > 0
    scale = np.minimum(1.0 / np.where(some, mean, 1.0), cap / np.where(some, largest, 1.0))
    return np.asarray(cohort * np.where(some, scale, 1.0))
