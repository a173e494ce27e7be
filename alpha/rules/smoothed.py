"""Smoothed carry (001; Carver 2023, strategy 10)."""

from __future__ import annotations

from alpha.columns import Columns, combined
from alpha.rules.rule import Rule, Style, View
from universe.arrays import FloatArray


class SmoothedRule(Rule):
    """Carry over volatility, smoothed; its state is the carry that all carry rules share."""

    NAME, SLEEVE, STYLE = "smoothed", "carry", Style.CARRY
    MEANING = "carry over volatility, the mean of several smoothings"

    def signal(self, view: View) -> FloatArray:
        """Combined forecasts."""
        return view.carry.forecast()

    def explain(self, view: View) -> dict[str, FloatArray]:
        """Raw carry, its ratio to volatility, and every smoothing scaled and capped."""
        carry = view.carry
        out = {"raw": carry.raw, "ex-ante Sharpe ratio": carry.sharpe()}
        for span, scaled, capped in zip(
            carry.mean.spans, carry.scaled(), carry.by_span(), strict=True
        ):
            out |= {f"{span} scaled": scaled, f"{span} capped": capped}
        return out | {"combined": carry.forecast()}

    @classmethod
    def columns(cls, columns: Columns) -> dict[str, FloatArray]:
        """Every smoothing span, and the combination."""
        by_span = columns.carry[0]
        out = {f"carry {span}": one for span, one in by_span.items()}
        cap = columns.settings.forecast_cap
        return out | {"carry": combined(list(by_span.values()), cap, scaled=False)}
