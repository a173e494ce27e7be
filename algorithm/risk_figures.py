"""Risk of the contracts decided on and of those held, for the record of a day."""

from __future__ import annotations

import numpy as np

from algorithm.decision import RiskFigures
from risk.expected_shortfall import binding
from risk.var import VarModel
from universe.arrays import TRADING_DAYS, FloatArray


def measure(
    model: VarModel,
    exposure: FloatArray,
    held: FloatArray,
    horizon: int,
    blind: bool,
    proxied: int,
) -> RiskFigures:
    """Risk of the exposures decided on and held, (n_assets,) each, over NAV."""
    parametric, historical = model.both(exposure, horizon)
    day = binding(model, held, 1)
    marginal = model.cov_daily @ exposure
    variance = max(float(exposure @ marginal), 0.0)
    vol = float(np.sqrt(variance))
    apart = float(np.abs(exposure) @ model.sigma_daily)
    return RiskFigures(
        vol=vol * float(np.sqrt(TRADING_DAYS)),
        var_parametric=parametric,
        var_historical=historical,
        var_held=float("nan") if blind else model.binding(held, horizon),
        var_one_day=day.var,
        es_one_day=day.shortfall,
        diversification_ratio=apart / vol if vol > 0 else float("nan"),
        proxied=float(proxied),
        share=exposure * marginal / variance if variance > 0 else np.zeros_like(exposure),
        var_parts=day.var_parts,
        es_parts=day.shortfall_parts,
    )
