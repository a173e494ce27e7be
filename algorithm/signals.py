"""The forecasts that the settings select."""

from __future__ import annotations

from collections.abc import Sequence

from algorithm.settings import Settings
from alpha.breakout import Breakout
from alpha.carry import OUTLYING, OUTLYING_SPREAD, Carry
from alpha.carry_sources import CarrySources
from alpha.forecasts import CarryRules, Forecasts, TrendRules
from alpha.multiplier import ForecastMultiplier
from alpha.trend import Ewmac, Tsmom
from universe.arrays import IntArray
from universe.instruments import Instrument


def make_forecasts(
    settings: Settings, instruments: Sequence[Instrument], class_index: IntArray
) -> Forecasts:
    """Build the rules named by ``trend_rules`` and ``carry_rules``, and no others.

    Parameters
    ----------
    settings : Settings
    instruments : sequence of Instrument
        Fixes the order of all arrays.
    class_index : int array of shape (n_markets,)
        Number of each market's asset class.
    """
    carry_rules = CarryRules(
        settings.carry_names,
        settings.cross_section_method,
        settings.cross_section_fraction,
        settings.relative_value_fraction,
        settings.directional_minimum,
    )
    n, spreads = len(instruments), "calendar" in settings.carry_names
    return Forecasts(
        make_trend_rules(settings, n),
        carry_rules,
        make_carry(settings, n, settings.carry_max_age),
        CarrySources(instruments, settings.carry_source, settings.carry_max_age),
        make_carry(settings, n, settings.spread_max_age, OUTLYING_SPREAD) if spreads else None,
        class_index,
        settings.forecast_cap,
    )


def make_trend_rules(settings: Settings, n_markets: int) -> TrendRules:
    """The rules named by ``trend_rules``, in a fixed order."""
    names, cap = settings.trend_names, settings.forecast_cap
    weights = (settings.tsmom_weight_3m, settings.tsmom_weight_6m, settings.tsmom_weight_12m)
    rules = TrendRules()
    if "tsmom" in names:
        skip, flip = settings.tsmom_skip_days, settings.tsmom_flip_threshold
        rules.tsmom = Tsmom(n_markets, weights, skip, flip, cap)
    if "ewmac" in names:
        rules.ewmac = Ewmac(n_markets, settings.ewmac_fast, cap)
    if "breakout" in names:
        rules.breakout = Breakout(n_markets, settings.breakout_spans, cap)
    if settings.forecast_multiplier == "estimated" and len(names) > 1:
        rules.multiplier = ForecastMultiplier(len(names), settings.multiplier_span)
    return rules


def make_carry(
    settings: Settings, n_markets: int, max_age: int, outlying: float = OUTLYING
) -> Carry:
    """Smoothed carry with the settings' spans, scalar and cap, valid for ``max_age`` days."""
    return Carry(
        n_markets,
        settings.carry_smoothing,
        settings.carry_scalar,
        max_age,
        settings.forecast_cap,
        outlying,
    )
