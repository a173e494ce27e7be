"""All forecasts of all markets over a whole history at once, for studies of the rules.

Computed in columns by pandas from a panel of markets, apart from the core's classes, which grow by
a session at a time: each checks the other, to 1e-10.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from algorithm.settings import Settings
from alpha.breakout import BREAKOUT_SCALARS
from alpha.carry import OUTLYING, OUTLYING_SPREAD
from alpha.cross_section import METHODS
from alpha.trend import DIVERSIFICATION_MULTIPLIER, EWMAC_SCALARS
from research.panels.markets import MarketPanel, market_panel
from universe.arrays import TRADING_DAYS, BoolArray, FloatArray, IntArray, years_between

__all__ = [
    "MarketPanel",
    "market_panel",
    "vectorised_breakout",
    "vectorised_calendar",
    "vectorised_carry",
    "vectorised_cross_section",
    "vectorised_ewmac",
    "vectorised_forecasts",
    "vectorised_tsmom",
    "vectorised_volatility",
]

NORMAL_MEAN_ABS = float(np.sqrt(2.0 / np.pi))


class _Rows:
    """Takes each market's own rows together, closed days removed, and puts results back."""

    def __init__(self, kept: BoolArray) -> None:
        self._last = np.cumsum(kept, axis=0) - 1
        self._order = np.argsort(~kept, axis=0, kind="stable")
        self._filled = np.arange(len(kept))[:, None] < kept.sum(axis=0)
        used = int(kept.sum(axis=0).max(initial=0))
        self._order, self._filled = self._order[:used], self._filled[:used]

    def take(self, values: FloatArray) -> pd.DataFrame:
        """The kept rows of every column from the top, NaN below."""
        own = np.take_along_axis(values, self._order, axis=0)
        return pd.DataFrame(np.where(self._filled, own, np.nan))

    def put(self, own: pd.DataFrame | FloatArray) -> FloatArray:
        """Back on all days: a day without its row has the row before, NaN ahead of the first."""
        values = np.asarray(own, dtype=np.float64)
        if not len(values):
            return np.full(self._last.shape, np.nan)
        back = np.take_along_axis(values, np.maximum(self._last, 0), axis=0)
        return np.where(self._last >= 0, back, np.nan)


# --- the parts -----------------------------------------------------------------------------------
def vectorised_volatility(panel: MarketPanel, settings: Settings) -> FloatArray:
    """Daily volatility of returns, (n_days, n_markets): current blended with long-run (001)."""
    rows = _Rows(panel.seen & (np.cumsum(panel.seen, axis=0) > panel.unreturned))
    span, window, weight = settings.vol_span, settings.vol_long_sessions, settings.vol_long_weight
    std = rows.take(panel.ret).ewm(span=span, min_periods=span).std()
    long_run = std.rolling(window, min_periods=1).mean()
    return rows.put((1.0 - weight) * std + weight * long_run)


def vectorised_tsmom(
    panel: MarketPanel, settings: Settings, sigma: FloatArray, *, flips: bool = True
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Skip-month momentum: held forecast, today's fresh one, and where a daily check flipped it.

    Parameters
    ----------
    panel : MarketPanel
    settings : Settings
    sigma : float array of shape (n_days, n_markets)
        Daily volatility.
    flips : bool
        Whether the daily flip check acts at all.

    Notes
    -----
    Within a month the sign is that of the last row that is either the month's recomputation or a
    fresh forecast of at least the threshold: a change of that sign is a flip. A month that starts
    at exactly zero has none.
    """
    rows = _Rows(panel.seen)
    weights = settings.tsmom_weight_3m, settings.tsmom_weight_6m, settings.tsmom_weight_12m
    skip, total = settings.tsmom_skip_days, sum(weights)
    level = rows.take(panel.ret).cumsum()
    lags = dict(zip((63, 126, 252), weights, strict=True))
    recent = level.shift(skip)
    momentum = sum(((recent - level.shift(lag)) * (w / total) for lag, w in lags.items()), 0.0)
    # how often each day's return is counted: its variance for a random walk
    counted = [sum(w / total for lag, w in lags.items() if skip <= k < lag) for k in range(252)]
    scale = float(np.sqrt(np.square(counted).sum())) * NORMAL_MEAN_ABS
    own_sigma = rows.take(sigma)
    ratio = (momentum / (own_sigma.where(own_sigma > 0) * scale)).to_numpy()
    fresh = np.clip(ratio, -settings.forecast_cap, settings.forecast_cap)
    month = rows.take(np.broadcast_to(panel.month[:, None].astype(float), panel.seen.shape))
    held, flipped = _held(fresh, month.to_numpy(), settings.tsmom_flip_threshold, flips)
    marks = rows.put(flipped.astype(float)) == 1.0
    return rows.put(held), rows.put(fresh), np.asarray(marks & panel.seen)


def _held(
    fresh: FloatArray, month: FloatArray, threshold: float, flips: bool
) -> tuple[FloatArray, BoolArray]:
    held, flipped = np.full_like(fresh, np.nan), np.zeros(fresh.shape, dtype=bool)
    for market in range(fresh.shape[1]):
        value = fresh[:, market]
        place = np.arange(len(value))
        finite = np.isfinite(value)
        new = np.r_[True, np.diff(month[:, market]) != 0]
        first = np.maximum.accumulate(np.where(new, place, 0))  # row on which the month begins
        before = np.cumsum(finite) - finite
        waiting = before == before[first]  # no finite forecast earlier in the month
        begun = np.maximum.accumulate(np.where(finite & waiting, place, -1))
        start_value = np.where(begun >= 0, value[np.maximum(begun, 0)], np.nan)
        event = waiting
        if flips:
            strong = finite & (np.abs(value) >= threshold) & (value != 0)
            strong &= (start_value != 0) & ~waiting
            speaks = strong | waiting
            last = np.r_[0, np.maximum.accumulate(np.where(speaks, place, 0))[:-1]]
            with np.errstate(invalid="ignore"):
                turned = strong & (value * value[last] < 0)
            flipped[:, market] = turned
            event = waiting | turned
        source = np.maximum.accumulate(np.where(event, place, 0))
        held[:, market] = value[source]
    return held, flipped


def vectorised_ewmac(
    panel: MarketPanel, settings: Settings, sigma_price: FloatArray
) -> dict[int, FloatArray]:
    """Scaled and capped crossovers by fast span, of all spans 001 has a scalar for."""
    rows = _Rows(panel.seen)
    own = rows.take(panel.adjusted)
    spans = sorted({s for fast in EWMAC_SCALARS for s in (fast, 4 * fast)})
    mean = {span: _lean_ema(own, span) for span in spans}
    sessions = np.cumsum(panel.seen, axis=0)
    risk = np.where(sigma_price > 0, sigma_price, np.nan)
    out = {}
    for fast in sorted(EWMAC_SCALARS):
        crossover = rows.put(mean[fast] - mean[4 * fast])
        raw = crossover / risk * (EWMAC_SCALARS[fast] / 10.0)
        capped = np.clip(raw, -settings.forecast_cap, settings.forecast_cap)
        out[fast] = np.where(sessions >= 4 * fast, capped, np.nan)
    return out


def _lean_ema(own: pd.DataFrame, span: int) -> pd.DataFrame:
    """The mean of the first ``span`` rows, from there on the exponential average of them and on."""
    seeded = own.iloc[span - 1 :].copy()
    seeded.iloc[:1] = own.iloc[:span].mean().to_numpy()
    return seeded.ewm(span=span, adjust=False).mean().reindex(own.index)


def vectorised_breakout(panel: MarketPanel, settings: Settings) -> dict[int, FloatArray]:
    """Scaled and capped breakouts by horizon, of all horizons with a scalar."""
    rows = _Rows(panel.seen)
    own = rows.take(panel.adjusted)
    out = {}
    for horizon in sorted(BREAKOUT_SCALARS):
        window = own.rolling(horizon)
        low, high = window.min(), window.max()
        width = high - low
        position = ((own - low) / width.where(width > 0) - 0.5).mask(width == 0, 0.0)
        smooth = position.ewm(span=horizon / 4.0).mean()
        raw = smooth * (BREAKOUT_SCALARS[horizon] * 40.0 / 10.0)
        out[horizon] = rows.put(raw.clip(-settings.forecast_cap, settings.forecast_cap))
    return out


def vectorised_carry(
    panel: MarketPanel,
    settings: Settings,
    sigma_price: FloatArray,
    max_age: int,
    outlying: float = OUTLYING,
) -> tuple[dict[int, FloatArray], FloatArray]:
    """Scaled and capped carry by smoothing span, and the ex-ante Sharpe ratio.

    The latter is smoothed annual carry over annual volatility, the mean over the spans.
    """
    raw = panel.raw_carry
    if raw is None:
        years = years_between(panel.near_expiry, panel.far_expiry)
        raw = (panel.near_price - panel.far_price) / np.where(years > 0, years, np.nan)
    quoted = panel.seen & np.isfinite(raw)
    last = np.maximum.accumulate(np.where(quoted, np.arange(len(raw))[:, None], -1), axis=0)
    known = np.take_along_axis(raw, np.maximum(last, 0), axis=0)
    age = panel.day[:, None] - panel.day[np.maximum(last, 0)]
    valid = (last >= 0) & (age <= max_age)
    annual = sigma_price * np.sqrt(TRADING_DAYS)
    usable = panel.seen & valid & (annual > 0)
    scalar = settings.carry_scalar / 10.0
    ratio = np.clip(known / np.where(usable, annual, np.nan), -outlying, outlying)
    rows = _Rows(usable)
    own = rows.take(ratio)
    smooth = {
        span: np.where(valid, rows.put(own.ewm(span=span, min_periods=span).mean()), np.nan)
        for span in settings.carry_smoothing
    }
    cap = settings.forecast_cap
    forecasts = {span: np.clip(mean * scalar, -cap, cap) for span, mean in smooth.items()}
    return forecasts, _mean(list(smooth.values()))[0]


def vectorised_calendar(spreads: MarketPanel, settings: Settings, sigma: FloatArray) -> FloatArray:
    """Calendar programme: what is left of the spreads' ex-ante Sharpe ratios beyond 1, capped."""
    risk, age = sigma * spreads.positive_price, settings.spread_max_age
    sharpe = vectorised_carry(spreads, settings, risk, age, OUTLYING_SPREAD)[1]
    left = np.sign(sharpe) * np.maximum(np.abs(sharpe) - 1.0, 0.0)
    return np.asarray(np.clip(left, -settings.forecast_cap, settings.forecast_cap))


def vectorised_cross_section(
    value: FloatArray, class_index: IntArray, method: str, fraction: float, cap: float
) -> FloatArray:
    """``cross_section_forecast`` of every day; ``value`` is (n_days, n_markets).

    ``method`` is one of ``alpha.cross_section.METHODS``, or "relative value" for the cohorts
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


def _mean(parts: Sequence[FloatArray]) -> tuple[FloatArray, IntArray]:
    """Mean over the parts that are there, NaN where none is, and their number."""
    stack = np.stack(parts)
    number = np.isfinite(stack).sum(axis=0)
    total = np.nansum(stack, axis=0)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan), number


def _combined(parts: Sequence[FloatArray], cap: float, *, scaled: bool) -> FloatArray:
    mean, number = _mean(parts)
    table = np.array([0.0, *(DIVERSIFICATION_MULTIPLIER[k + 1] for k in range(len(parts)))])
    return np.asarray(np.clip(mean * (table[number] if scaled else 1.0), -cap, cap))


def vectorised_forecasts(panel: MarketPanel, settings: Settings) -> dict[str, FloatArray]:
    """Every rule's forecasts over the whole panel.

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
    cap = settings.forecast_cap
    sigma = vectorised_volatility(panel, settings)
    sigma_price = sigma * panel.positive_price
    out = {"tsmom": vectorised_tsmom(panel, settings, sigma)[0]}
    ewmac = vectorised_ewmac(panel, settings, sigma_price)
    out |= {f"ewmac {span}": one for span, one in ewmac.items()}
    out["ewmac"] = _combined([ewmac[span] for span in settings.ewmac_fast], cap, scaled=True)
    breakout = vectorised_breakout(panel, settings)
    out |= {f"breakout {horizon}": one for horizon, one in breakout.items()}
    chosen = [breakout[horizon] for horizon in settings.breakout_spans]
    out["breakout"] = _combined(chosen, cap, scaled=True)
    carry, sharpe = vectorised_carry(panel, settings, sigma_price, settings.carry_max_age)
    out |= {f"carry {span}": one for span, one in carry.items()}
    out["carry"] = _combined(list(carry.values()), cap, scaled=False)
    compared = np.where(panel.alive, sharpe, np.nan)
    index = panel.class_index
    for method in METHODS:
        fraction = settings.cross_section_fraction
        found = vectorised_cross_section(compared, index, method, fraction, cap)
        out[f"cross section {method}"] = found
    fraction = settings.relative_value_fraction
    out["relative value"] = vectorised_cross_section(
        compared, index, "relative value", fraction, cap
    )
    quiet = np.abs(compared) < settings.directional_minimum
    out["directional"] = np.where(quiet, 0.0, np.sign(compared))
    if panel.spreads is not None:
        spread_sigma = vectorised_volatility(panel.spreads, settings)
        out["calendar"] = vectorised_calendar(panel.spreads, settings, spread_sigma)
    return out
