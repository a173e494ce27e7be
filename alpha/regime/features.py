"""What a regime is recognised by: daily features of markets and macro series, point in time (A8).

A feature that cannot be known today is NaN, with the reason; the model then does with fewer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from alpha.regime.series import SOURCES
from universe.arrays import TRADING_DAYS, FloatArray, IntArray, from_epoch_day
from universe.macro_format import series_info

EQUITY, BOND = "ES", "ZN"
BALANCED: Final = (0.6, 0.4)
"""60/40 of S&P 500 and ten-year notes, both in futures."""

YEAR, LONG, MONTHS, MONTH = 252, 200, 60, 20
ADVANCE_SPAN: Final = 10

Known = Mapping[str, Sequence[float]]
"""Epoch day known and value of macro series by name."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One column.

    Attributes
    ----------
    name : str
    meaning : str
    series : tuple of str
        Macro series in ``series.SOURCES``; none for what prices of the markets tell.
    """

    name: str
    meaning: str
    series: tuple[str, ...] = ()

    @property
    def lag(self) -> int:
        """Business days from the day described to the one on which it counts."""
        return max((series_info(name).lag for name in self.series), default=0)

    @property
    def first(self) -> str:
        """ISO date of the first value there can be, "" for prices."""
        return max((SOURCES[name].first for name in self.series), default="")

    @property
    def last(self) -> str:
        """ISO date of the last one, "" where the series still run."""
        return min((SOURCES[name].last for name in self.series if SOURCES[name].last), default="")


FEATURES: Final[tuple[Feature, ...]] = (
    Feature("vol_equity_20", "annual volatility of equities over 20 sessions"),
    Feature("vol_equity_60", "the same over 60"),
    Feature("vol_balanced_20", "annual volatility of 60/40 over 20 sessions"),
    Feature("vol_balanced_60", "the same over 60"),
    Feature("jumps_equity", "share of 60 sessions' equity variance that is jumps (bipower)"),
    Feature("jumps_balanced", "the same of 60/40"),
    Feature("drawdown_equity", "fall of equities from their high of a year"),
    Feature("drawdown_balanced", "fall of 60/40 from its high of a year"),
    Feature("breadth_markets", "share of the markets above their mean of 200 sessions"),
    Feature("correlation_classes", "mean correlation between asset classes over 60 sessions"),
    Feature("vix", "VIX index", ("vix.spot",)),
    Feature("vix_3m", "three-month VIX over the VIX, less 1", ("vix.3m", "vix.spot")),
    Feature("vix_futures", "second VIX future over the first, less 1", ("vix.m2", "vix.m1")),
    Feature("credit_baa", "Baa yield less the ten-year Treasury's", ("credit.spread",)),
    Feature("credit_hy", "high-yield option-adjusted spread", ("credit.hy",)),
    Feature("term_3m", "ten-year less three-month Treasury", ("usd.10y", "usd.3m")),
    Feature("term_2y", "ten-year less two-year Treasury", ("usd.10y", "usd.2y")),
    Feature("ted", "three-month LIBOR less the Treasury bill", ("usd.ted",)),
    Feature("funding_sofr", "SOFR less the three-month bill", ("usd.sofr", "usd.3m")),
    Feature("breadth_us", "share of US stocks above their mean of 200 days", ("breadth.us",)),
    Feature(
        "advance_decline",
        "advances less declines over both, NYSE, mean of 10 sessions",
        ("breadth.advances", "breadth.declines"),
    ),
    Feature("sentiment", "consumer sentiment, University of Michigan", ("sentiment.us",)),
    Feature("conditions", "financial conditions by a dated vintage", ("conditions.us",)),
)
"""The order of a row; what is made of prices comes first."""

NAMES: Final = tuple(feature.name for feature in FEATURES)
ROW: Final = len(NAMES) + 2
"""Numbers of a session: its features, then the returns of equities and of 60/40."""

PRICE_FEATURES: Final = tuple(feature.name for feature in FEATURES if not feature.series)

_MACRO: Final[Mapping[str, Callable[..., float]]] = {
    "vix": lambda spot: spot,
    "vix_3m": lambda later, spot: later / spot - 1.0,
    "vix_futures": lambda second, first: second / first - 1.0,
    "credit_baa": lambda spread: spread,
    "credit_hy": lambda spread: spread,
    "term_3m": lambda ten, bill: ten - bill,
    "term_2y": lambda ten, two: ten - two,
    "ted": lambda spread: spread,
    "funding_sofr": lambda sofr, bill: sofr - bill,
    "breadth_us": lambda share: share,
    "sentiment": lambda level: level,
    "conditions": lambda level: level,
}


class RegimeFeatures:
    """Features of a session after the other; all that it remembers is state.

    Parameters
    ----------
    codes : sequence of str
        Markets, in the order of all arrays.
    class_index : int array of shape (n_markets,)
        Number of each market's asset class.

    Attributes
    ----------
    sessions : int
        Taken so far.
    """

    STATE = ("sessions", "pair", "index", "by_class", "advance")
    DEPENDS = ()

    def __init__(self, codes: Sequence[str], class_index: IntArray) -> None:
        self._codes = list(codes)
        self._complete = has_pair(codes)
        self._pair = [self._codes.index(code) for code in (EQUITY, BOND) if self._complete]
        self._members = np.equal.outer(np.unique(class_index), class_index).astype(np.float64)
        n, classes = len(self._codes), len(self._members)
        self.sessions = 0
        self.pair: FloatArray = np.zeros((YEAR, 2))  # returns of equities and of 60/40
        self.index: FloatArray = np.full((LONG, n), np.nan)  # growth of 1 in every market
        self.by_class: FloatArray = np.zeros((MONTHS, classes))
        self.advance: FloatArray = np.full(1, np.nan)

    def take(self, day: int, ret: FloatArray, sigma: FloatArray, macro: Known) -> FloatArray:
        """Take a session once there are a series of ``SOURCES`` and both markets of 60/40.

        Parameters
        ----------
        day, ret, sigma
            As for ``update``.
        macro : mapping of str to (int, float)
            Among others the series of ``SOURCES``, as last published by the close of the day.

        Returns
        -------
        float array of shape (ROW,)
            Features in the order of ``NAMES``, then today's returns of equities and of 60/40; NaN
            before the first session that is taken.
        """
        if not self.sessions:
            there = self._complete and any(name in macro for name in SOURCES)
            if not (there and np.all(sigma[self._pair] > 0)):
                return np.full(ROW, np.nan)
        return np.concatenate([self.update(day, ret, sigma, macro), self.pair[-1]])

    def update(self, day: int, ret: FloatArray, sigma: FloatArray, known: Known) -> FloatArray:
        """Take a session; returns its row, NaN where a feature is not known.

        Parameters
        ----------
        day : int
            Epoch day.
        ret, sigma : float arrays of shape (n_markets,)
            Returns, 0 where not traded, and daily volatilities before them, NaN where unknown.
        known : mapping of str to (int, float)
            Macro series as last published by the close of the day.
        """
        self._push(ret, sigma)
        out = self._of_prices()
        self._advance(day, known)
        for feature in FEATURES[len(PRICE_FEATURES) :]:
            if feature.name == "advance_decline":
                fresh = self._fresh(day, feature, known)
                out[feature.name] = float(self.advance[0]) if fresh is not None else math.nan
            else:
                values = self._fresh(day, feature, known)
                out[feature.name] = math.nan if values is None else _MACRO[feature.name](*values)
        return np.array([out[name] for name in NAMES])

    # --- markets ---------------------------------------------------------------------------------
    def _pair_returns(self, ret: FloatArray) -> tuple[float, float]:
        if not self._complete:
            return math.nan, math.nan
        equity, bond = ret[self._pair].tolist()
        return equity, BALANCED[0] * equity + BALANCED[1] * bond

    def _push(self, ret: FloatArray, sigma: FloatArray) -> None:
        """Add a session to every window, the newest last."""
        self.sessions += 1
        self.pair[:-1] = self.pair[1:]
        self.pair[-1] = self._pair_returns(ret)
        before = self.index[-1]
        alive = sigma > 0
        grown = np.where(np.isfinite(before), before, 1.0) * np.maximum(1.0 + ret, 1e-6)
        self.index[:-1] = self.index[1:]
        self.index[-1] = np.where(alive | np.isfinite(before), grown, np.nan)
        scored = np.where(alive, ret / np.where(alive, sigma, 1.0), 0.0)
        count = self._members @ alive
        self.by_class[:-1] = self.by_class[1:]
        self.by_class[-1] = np.where(count > 0, self._members @ scored / np.maximum(count, 1), 0.0)

    def _of_prices(self) -> dict[str, float]:
        out = dict.fromkeys(PRICE_FEATURES, math.nan)
        for column, name in enumerate(("equity", "balanced")):
            returns = self.pair[:, column]
            if not math.isfinite(returns[-1]):
                continue
            for window in (MONTH, MONTHS):
                if self.sessions >= window:
                    variance = float(np.mean(returns[-window:] ** 2))
                    out[f"vol_{name}_{window}"] = math.sqrt(TRADING_DAYS * variance)
            if self.sessions >= MONTHS:
                out[f"jumps_{name}"] = jump_share(returns[-MONTHS:])
            if self.sessions >= YEAR:
                wealth = np.cumprod(1.0 + returns)
                out[f"drawdown_{name}"] = float(1.0 - wealth[-1] / max(wealth.max(), 1.0))
        whole = np.isfinite(self.index[0])
        if whole.any():
            above = self.index[-1, whole] > self.index[:, whole].mean(axis=0)
            out["breadth_markets"] = float(above.mean())
        if self.sessions >= MONTHS:
            out["correlation_classes"] = _mean_correlation(self.by_class)
        return out

    # --- macro -----------------------------------------------------------------------------------
    @staticmethod
    def _fresh(day: int, feature: Feature, known: Known) -> list[float] | None:
        """Values of a feature's series, None where one is missing or too old."""
        values = []
        for name in feature.series:
            since, value = known.get(name, (-(10**6), math.nan))
            if day - since > SOURCES[name].max_age or not math.isfinite(value):
                return None
            values.append(value)
        return values

    def _advance(self, day: int, known: Known) -> None:
        """Smooth advances less declines over a session's own values only."""
        days = [known.get(name, (0, 0.0)) for name in ("breadth.advances", "breadth.declines")]
        if any(since != day for since, _ in days):
            return
        up, down = (value for _, value in days)
        if up + down <= 0:
            return
        share = (up - down) / (up + down)
        step = 2.0 / (ADVANCE_SPAN + 1.0)
        before = float(self.advance[0])
        self.advance[0] = share if math.isnan(before) else before + step * (share - before)


def has_pair(codes: Sequence[str]) -> bool:
    """Whether both markets of the 60/40 are among these."""
    return EQUITY in codes and BOND in codes


def why_unknown(name: str, day: int, known: Known, sessions: int) -> str:
    """Why a feature is not known today; "" where nothing stands against it.

    Parameters
    ----------
    name : str
    day : int
        Epoch day.
    known : mapping of str to (int, float)
        Macro series as last published.
    sessions : int
        Taken so far.
    """
    feature = FEATURES[NAMES.index(name)]
    for series in feature.series:
        if series not in known:
            return f"{name}: {series} is not there"
        since = day - int(known[series][0])
        if since > SOURCES[series].max_age:
            last = from_epoch_day(int(known[series][0]))
            then = SOURCES[series].successor
            return f"{name}: {series} stopped on {last}" + (f"; instead {then}" if then else "")
    if feature.series:
        return ""
    return f"{name}: {sessions} sessions are too few" if sessions < YEAR else ""


def jump_share(returns: FloatArray) -> float:
    """Share of the variance that jumps make, from 0 to 1; 0 for flat returns.

    ``max(0, 1 - BV / RV)`` with the bipower variation ``pi / 2 sum |r_t| |r_{t-1}|`` scaled to as
    many terms as the variance has (Barndorff-Nielsen and Shephard, Journal of Financial
    Econometrics 2, 2004).
    """
    variance = float(np.sum(returns**2))
    if not variance > 1e-18:
        return 0.0
    size = np.abs(returns)
    n = len(returns)
    bipower = math.pi / 2.0 * float(np.sum(size[1:] * size[:-1])) * n / (n - 1)
    return max(0.0, 1.0 - bipower / variance)


def _mean_correlation(table: FloatArray) -> float:
    """Mean correlation between the columns that moved; NaN with fewer than two."""
    moved = table[:, table.std(axis=0) > 1e-12]
    count = moved.shape[1]
    if count < 2:
        return math.nan
    matrix = np.corrcoef(moved, rowvar=False)
    return float((matrix.sum() - count) / (count * (count - 1)))
