"""Directional carry (003, Hypothetical Global Carry Strategy): its sign, at equal risk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alpha.columns import Columns
from alpha.rules.rule import Rule, Style, View
from universe.arrays import BoolArray, FloatArray
from universe.setting import Table, setting


@dataclass(frozen=True)
class DirectionalSettings(Table):
    """When carry is enough to be held."""

    directional_minimum: float = setting(
        0.0, "ex-ante Sharpe ratio below which directional carry holds nothing", low=0.0, high=5.0
    )


class DirectionalRule(Rule):
    """The sign of carry where it is large enough."""

    NAME, SLEEVE, STYLE = "directional", "directional", Style.CARRY
    MEANING = "sign of carry, market by market, at equal risk"
    SETTINGS = DirectionalSettings
    COMPARES = True  # only markets let in have a forecast

    def signal(self, view: View) -> FloatArray:
        """Ex-ante Sharpe ratio of carry."""
        return view.carry.sharpe()

    def compare(self, signal: FloatArray, member: BoolArray) -> FloatArray:
        """+1, 0 or -1 of the markets let in."""
        known = np.where(member, signal, np.nan)
        quiet = np.abs(known) < self.inputs.settings.directional_minimum
        return np.where(quiet, 0.0, np.sign(known))

    @classmethod
    def columns(cls, columns: Columns) -> dict[str, FloatArray]:
        """The signs."""
        quiet = np.abs(columns.compared) < columns.settings.directional_minimum
        return {"directional": np.where(quiet, 0.0, np.sign(columns.compared))}
