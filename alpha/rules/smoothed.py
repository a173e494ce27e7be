"""Smoothed carry (001; Carver 2023, strategy 10)."""

from __future__ import annotations

from typing import Any

from alpha.columns import Columns, combined
from alpha.rules.rule import Inputs, Notes, Rule, Style, View, Views
from alpha.speeds import SpeedCosts
from universe.arrays import FloatArray


class SmoothedRule(Rule):
    """Carry over volatility, smoothed; its state is the carry that all carry rules share."""

    NAME, SLEEVE, STYLE = "smoothed", "carry", Style.CARRY
    MEANING = "carry over volatility, the mean of several smoothings"

    def __init__(self, inputs: Inputs) -> None:
        super().__init__(inputs)
        self.speeds = SpeedCosts("carry", inputs.settings.carry_smoothing, inputs)

    def walk(self, views: Views) -> tuple[FloatArray, Notes]:
        """Take sessions' smoothed carry."""
        by_span, notes = self.speeds.walk(views.carry.by_span(), views)
        return views.carry.combined(by_span), notes

    def signal(self, view: View) -> FloatArray:
        """Combined forecasts of the smoothings that are worth their cost."""
        return view.carry.combined(self.speeds.of(view.carry.by_span()))

    def components(self) -> dict[str, Any]:
        """State of the costs."""
        return self.speeds.components("carry")

    def explain(self, view: View) -> dict[str, FloatArray]:
        """Raw carry, its ratio to volatility, and every smoothing scaled and capped."""
        carry = view.carry
        out = {"raw": carry.raw, "ex-ante Sharpe ratio": carry.sharpe()}
        for span, scaled, capped in zip(carry.spans, carry.scaled(), carry.by_span(), strict=True):
            out |= {f"{span} scaled": scaled, f"{span} capped": capped}
        return out | {"combined": self.signal(view)}

    @classmethod
    def columns(cls, columns: Columns) -> dict[str, FloatArray]:
        """Every smoothing span, and the combination."""
        by_span = columns.carry[0]
        out = {f"carry {span}": one for span, one in by_span.items()}
        cap = columns.settings.forecast_cap
        return out | {"carry": combined(list(by_span.values()), cap, scaled=False)}
