"""Skip-month time-series momentum with a daily flip check (000; Moskowitz, Ooi, Pedersen 2012)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from alpha.columns import Columns, Rows
from alpha.panel import MarketPanel
from alpha.rules.rule import TREND, Inputs, Notes, Rule, Style, View, Views
from alpha.scaling import NORMAL_MEAN_ABS
from alpha.speeds import SpeedCosts
from universe.arrays import BoolArray, FloatArray, IntArray
from universe.ewm import Ring
from universe.setting import SettingsError, Table, setting

MONTHS = {"3m": 63, "6m": 126, "12m": 252}
"""Momentum horizons in sessions."""


@dataclass(frozen=True)
class TsmomSettings(Table):
    """Weights of the horizons, the month left out, and the daily check."""

    tsmom_weight_3m: float = setting(0.2, "w3 of 000's momentum", low=0.0, high=1.0)
    tsmom_weight_6m: float = setting(0.3, "w6", low=0.0, high=1.0)
    tsmom_weight_12m: float = setting(0.5, "w12, the heaviest", low=0.0, high=1.0)
    tsmom_skip_days: int = setting(
        21, "most recent sessions left out", unit="sessions", low=0, high=62
    )
    tsmom_flip_threshold: float = setting(
        0.25, "opposite forecast that triggers the daily flip check", low=0.0, high=2.0
    )

    def validate(self) -> None:
        """Refuse a momentum without any weight."""
        if not sum(self.tsmom_weights) > 0:
            raise SettingsError("tsmom_weight_3m, _6m and _12m are all 0; one must be positive")

    @property
    def tsmom_weights(self) -> tuple[float, float, float]:
        """w3, w6 and w12."""
        return self.tsmom_weight_3m, self.tsmom_weight_6m, self.tsmom_weight_12m


class Tsmom:
    """Multi-horizon momentum that skips the last month, recomputed monthly with a daily flip check.

    Parameters
    ----------
    n_markets : int
    weights : tuple of three floats
        w3, w6 and w12.
    skip : int
        Sessions left out at the end.
    flip_threshold : float
        Daily flip check: a fresh forecast of the opposite sign and at least this size replaces the
        month's.
    cap : float

    Notes
    -----
    M = w3·r3m + w6·r6m + w12·r12m, each return running to ``skip`` sessions ago; the forecast is
    sign(M)·min(|M| / (σ_M·E|N|), cap) with σ_M the standard deviation of M for a random walk with
    the market's daily volatility, so that its mean absolute value is 1 without a trend (000, A).
    Returns are sums of daily returns on the held contract.
    """

    STATE = ("level", "held", "month", "flips")
    DEPENDS = (
        "tsmom_weight_3m",
        "tsmom_weight_6m",
        "tsmom_weight_12m",
        "tsmom_skip_days",
        "tsmom_flip_threshold",
        "forecast_cap",
    )

    def __init__(
        self,
        n_markets: int,
        weights: tuple[float, float, float],
        skip: int,
        flip_threshold: float,
        cap: float,
    ) -> None:
        total = sum(weights)
        self._weights = [weight / total for weight in weights]
        self.skip, self.flip_threshold, self.cap = skip, flip_threshold, cap
        horizons = list(MONTHS.values())
        exposure = np.zeros(max(horizons))
        for weight, horizon in zip(self._weights, horizons, strict=True):
            exposure[skip:horizon] += weight
        self.scale = float(np.sqrt(np.sum(exposure**2))) * NORMAL_MEAN_ABS
        self._lags = (skip, *horizons)
        self.ring = Ring(n_markets, max(horizons) + 1)
        self.level: FloatArray = np.zeros(n_markets)  # cumulated daily returns
        self.held: FloatArray = np.full(n_markets, np.nan)  # the month's forecast
        self.month: IntArray = np.zeros(n_markets, dtype=np.int64)
        self.flips: IntArray = np.zeros(n_markets, dtype=np.int64)

    def update(self, ret: FloatArray, sigma: FloatArray, month: int, seen: BoolArray) -> BoolArray:
        """Take a session, a row of what ``walk`` takes; returns the markets that it flipped."""
        flipped: BoolArray = self.walk(ret[None], sigma[None], np.array([month]), seen[None])[1][0]
        return flipped

    def walk(
        self, ret: FloatArray, sigma: FloatArray, month: IntArray, seen: BoolArray
    ) -> tuple[FloatArray, BoolArray]:
        """Take sessions' returns and refresh the forecasts that are due.

        Parameters
        ----------
        ret : float array of shape (n_sessions, n_markets)
            Daily return on the held contract.
        sigma : float array of shape (n_sessions, n_markets)
            Daily volatility, NaN where unknown.
        month : int array of shape (n_sessions,)
            yyyymm of the sessions.
        seen : bool array of shape (n_sessions, n_markets)

        Returns
        -------
        tuple of float and bool arrays of shape (n_sessions, n_markets)
            Forecasts held after each session, and whose sign was flipped by the daily check.
        """
        level = np.cumsum([self.level, *np.where(seen, ret, 0.0)], axis=0)[1:]
        self.level = level[-1].copy()
        fresh = self._fresh(self._weighted(*self.ring.walk(level, seen, self._lags)), sigma)
        finite, large = np.isfinite(fresh), seen & (np.abs(fresh) >= self.flip_threshold)
        held, flipped = np.empty_like(fresh), np.zeros_like(seen)
        for row, now in enumerate(fresh):
            due = seen[row] & (self.month != month[row])
            flip = large[row] & (now * self.held < 0) & ~due
            self.held = np.where(due | flip, now, self.held)
            self.month = np.where(due & finite[row], month[row], self.month)
            held[row], flipped[row] = self.held, flip
        self.flips = self.flips + flipped.sum(axis=0)
        return held, flipped

    def fresh(self, sigma: FloatArray) -> FloatArray:
        """The forecast computed from today's prices, due or not."""
        return self._fresh(self.momentum(), sigma)

    def _fresh(self, momentum: FloatArray, sigma: FloatArray) -> FloatArray:
        usable = np.isfinite(momentum) & (sigma > 0)
        raw = momentum / np.where(usable, sigma * self.scale, 1.0)
        return np.where(usable, np.clip(raw, -self.cap, self.cap), np.nan)

    def momentum(self) -> FloatArray:
        """M of 000 as of today, NaN without a year of history."""
        return self._weighted(*map(self.ring.lag, self._lags))

    def _weighted(self, recent: FloatArray, *earlier: FloatArray) -> FloatArray:
        momentum = np.zeros_like(recent)
        for weight, level in zip(self._weights, earlier, strict=True):
            momentum += weight * (recent - level)
        return momentum

    def forecast(self) -> FloatArray:
        """Current forecasts of shape (n_markets,), NaN without a year of history."""
        return self.held.copy()


class TsmomRule(Rule):
    """Skip-month momentum in the chain."""

    NAME, SLEEVE, STYLE = "tsmom", TREND, Style.TREND
    MEANING = "momentum over 3, 6 and 12 months without the last one, monthly, flips checked daily"
    SETTINGS = TsmomSettings

    def __init__(self, inputs: Inputs) -> None:
        super().__init__(inputs)
        settings = inputs.settings
        self.momentum = Tsmom(
            len(inputs.instruments),
            settings.tsmom_weights,
            settings.tsmom_skip_days,
            settings.tsmom_flip_threshold,
            settings.forecast_cap,
        )
        self.speeds = SpeedCosts(self.NAME, ("monthly",), inputs)

    def walk(self, views: Views) -> tuple[FloatArray, Notes]:
        """Take sessions; a flip between monthly recomputations is told."""
        seen, markets, before = views.seen, views.markets, self.momentum.held
        held, flipped = self.momentum.walk(seen.ret, markets.sigma(), views.month, seen.seen)
        notes: Notes = {}
        for row, market in np.argwhere(flipped).tolist():
            was = (held[row - 1] if row else before)[market]
            text = (
                f"{markets.instruments[market].code} trend flipped from {was:+.2f} to "
                f"{held[row, market]:+.2f} between its monthly recomputations"
            )
            notes.setdefault(row, []).append((market, "flip", text))
        forecasts, dear = self.speeds.walk(held[:, None], views)
        for row, told in dear.items():
            notes.setdefault(row, []).extend(told)
        return forecasts[:, 0], notes

    def signal(self, view: View) -> FloatArray:
        """Current forecasts of the markets in which they are worth their cost."""
        return np.asarray(self.speeds.of(self.momentum.forecast()[None, :])[0])

    def explain(self, view: View) -> dict[str, FloatArray]:
        """Momentum over its scale as of today, and the forecast that is held."""
        sigma = view.markets.sigma()
        raw = self.momentum.momentum()
        usable = np.isfinite(raw) & (sigma > 0)
        scaled = np.where(usable, raw / np.where(usable, sigma * self.momentum.scale, 1.0), np.nan)
        return {
            "raw": raw,
            "scaled": scaled,
            "capped": self.momentum.fresh(sigma),
            "held": self.momentum.forecast(),
        }

    def components(self) -> dict[str, Any]:
        """State of the momentum and of its window."""
        own = {"tsmom": self.momentum, "tsmom.ring": self.momentum.ring}
        return own | self.speeds.components("tsmom")

    @classmethod
    def columns(cls, columns: Columns) -> dict[str, FloatArray]:
        """The held forecasts."""
        return {"tsmom": tsmom_columns(columns.panel, columns.settings, columns.sigma)[0]}


def tsmom_columns(
    panel: MarketPanel, settings: Any, sigma: FloatArray, *, flips: bool = True
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
    rows = Rows(panel.seen)
    weights = settings.tsmom_weights
    skip, total = settings.tsmom_skip_days, sum(weights)
    level = rows.take(panel.ret).cumsum()
    lags = dict(zip(MONTHS.values(), weights, strict=True))
    recent = level.shift(skip)
    momentum = sum(((recent - level.shift(lag)) * (w / total) for lag, w in lags.items()), 0.0)
    # how often each day's return is counted: its variance for a random walk
    ages = range(max(lags))
    counted = [sum(w / total for lag, w in lags.items() if skip <= k < lag) for k in ages]
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
