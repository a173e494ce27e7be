"""Relative value (003): long the upper and short the lower part of every class by carry."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alpha.columns import Columns
from alpha.rules.comparison import cohort_in_buckets
from alpha.rules.cross_section import cross_section_columns
from alpha.rules.rule import Rule, Style, View
from universe.arrays import BoolArray, FloatArray
from universe.setting import Table, setting


@dataclass(frozen=True)
class RelativeValueSettings(Table):
    """How much of a class is held."""

    relative_value_fraction: float = setting(
        0.5, "part of a class held long, and short (003: halves or quartiles)", low=0.01, high=0.5
    )


class RelativeValueRule(Rule):
    """Equal risk long and short, so that a class has none (003, RV Neutralizing Sector Risk)."""

    NAME, SLEEVE, STYLE = "relative_value", "relative value", Style.CARRY
    MEANING = "long the upper and short the lower part of each class by carry, no risk of the class"
    SETTINGS = RelativeValueSettings
    COMPARES = True
    NEUTRAL = True

    def signal(self, view: View) -> FloatArray:
        """Ex-ante Sharpe ratio of carry."""
        return view.carry.sharpe()

    def compare(self, signal: FloatArray, member: BoolArray) -> FloatArray:
        """+1, 0 or -1 of the markets let in."""
        fraction = self.inputs.settings.relative_value_fraction
        return cohort_in_buckets(
            np.where(member, signal, np.nan), self.inputs.class_index, fraction
        )

    @classmethod
    def columns(cls, columns: Columns) -> dict[str, FloatArray]:
        """The cohorts."""
        settings, index = columns.settings, columns.panel.class_index
        fraction, cap = settings.relative_value_fraction, settings.forecast_cap
        cohorts = cross_section_columns(columns.compared, index, "relative value", fraction, cap)
        return {"relative value": cohorts}
