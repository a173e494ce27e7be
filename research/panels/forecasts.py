"""All forecasts of all markets over a whole history at once, for studies of the rules."""

from __future__ import annotations

from algorithm.settings import Settings
from alpha.columns import Columns
from alpha.rules import RULES
from research.panels.markets import MarketPanel
from universe.arrays import FloatArray


def vectorised_forecasts(panel: MarketPanel, settings: Settings) -> dict[str, FloatArray]:
    """The column twin of every rule that has one, over the whole panel.

    Parameters
    ----------
    panel : MarketPanel
    settings : Settings

    Returns
    -------
    dict of str to float array of shape (n_days, n_markets)
        Mean near 1, cap 2, NaN where the rule has none, as after each session: "tsmom"; "ewmac 2"
        to "ewmac 64" and the combination "ewmac"; "breakout 10" to "breakout 320" and "breakout";
        "carry 5" and so on and "carry"; "cross section zscore", "cross section rank" and "cross
        section cohort", "relative value" and "directional"; "calendar", of the spreads, where the
        panel has them. The combinations are of the spans in the settings.
    """
    columns = Columns(panel, settings)
    out: dict[str, FloatArray] = {}
    for rule in RULES:
        out |= rule.columns(columns)
    return out
