"""What limits measure: small objects over buckets of assets (R4).

A measure of exposures is homogeneous in the contracts and falls when its movers are reduced, so
that targets can be capped by it; one of the account can only be said, or freeze trading. A figure
that cannot be known is NaN.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from risk.account import RiskAccount
from risk.expected_shortfall import binding
from risk.var import quantile
from universe.arrays import BoolArray, FloatArray, IntArray

FUND = "fund"
HISTORY = 63
"""Sessions, or sessions with a fill, that a spike or an outlier is measured against: a quarter."""

LEAST_FILLS = 20
"""Sessions with a fill of a market before one can be an outlier."""


class Measure(ABC):
    """A figure for each of its buckets.

    Attributes
    ----------
    buckets : tuple of str
    caps : bool
        Whether contracts can be reduced to bring the figure down.
    """

    caps = True

    def __init__(self, buckets: Sequence[str] = (FUND,)) -> None:
        self.buckets = tuple(buckets)

    @abstractmethod
    def values(self, contracts: IntArray, account: RiskAccount) -> FloatArray:
        """Figures of shape (n_buckets,), at least 0.

        Parameters
        ----------
        contracts : int array of shape (n_assets,)
            Held ones, or targets.
        account : RiskAccount
        """

    def exists(self, account: RiskAccount) -> bool:
        """Whether there is such a figure at all, known or not."""
        return True

    def movers(self, contracts: IntArray, account: RiskAccount) -> BoolArray:
        """Assets whose reduction brings a bucket's figure down, (n_buckets, n_assets)."""
        return np.ones((len(self.buckets), len(contracts)), dtype=bool)


class Grouped(Measure):
    """A measure by market, sector or class.

    Parameters
    ----------
    labels : sequence of str
        Bucket of each asset.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        super().__init__(sorted(set(labels)))
        index = np.array([self.buckets.index(label) for label in labels], dtype=np.int64)
        self._members: BoolArray = index == np.arange(len(self.buckets))[:, None]
        self._counted: FloatArray = self._members.astype(np.float64)
        self._pairs = np.nonzero(index[:, None] == index)  # assets that share a bucket
        self._bucket: IntArray = index[self._pairs[0]]

    def movers(self, contracts: IntArray, account: RiskAccount) -> BoolArray:
        """The bucket's own assets."""
        return self._members


class Notional(Grouped):
    """Absolute exposure of every bucket over NAV.

    Parameters
    ----------
    labels : sequence of str
    factor : float array of shape (n_assets,)
        What a unit of exposure counts as: ten-year equivalents of rates, 1 otherwise.
    """

    def __init__(self, labels: Sequence[str], factor: FloatArray) -> None:
        super().__init__(labels)
        self._factor = factor

    def values(self, contracts: IntArray, account: RiskAccount) -> FloatArray:
        """Sums of absolute exposures."""
        size = np.abs(account.exposure(contracts) * self._factor)
        return np.asarray(self._counted.dot(size))


class StandaloneRisk(Grouped):
    """Parametric one-day VaR of every bucket by itself: no other bucket hedges it."""

    def values(self, contracts: IntArray, account: RiskAccount) -> FloatArray:
        """VaR over NAV by bucket, NaN without a model."""
        model = account.model
        if model is None:
            return np.full(len(self.buckets), np.nan)
        exposure, (one, other) = account.exposure(contracts), self._pairs
        terms = model.cov_daily[one, other] * exposure[one] * exposure[other]
        variance = np.bincount(self._bucket, terms, len(self.buckets))
        scale = quantile(model.confidence, model.tail)
        return np.asarray(scale * np.sqrt(np.maximum(variance, 0.0)))


class Gross(Measure):
    """Sum of absolute exposures over NAV, rates in ten-year equivalents."""

    def __init__(self, factor: FloatArray) -> None:
        super().__init__()
        self._factor = factor

    def values(self, contracts: IntArray, account: RiskAccount) -> FloatArray:
        """One figure."""
        return np.array([np.abs(account.exposure(contracts) * self._factor).sum()])


class _Netted(Measure):
    """The absolute value of a sum with signs: only the heavier side is reduced."""

    @abstractmethod
    def _terms(self, contracts: IntArray, account: RiskAccount) -> FloatArray:
        """Signed summands of shape (n_assets,)."""

    def values(self, contracts: IntArray, account: RiskAccount) -> FloatArray:
        """One figure."""
        return np.array([abs(self._terms(contracts, account).sum())])

    def movers(self, contracts: IntArray, account: RiskAccount) -> BoolArray:
        """Assets on the side of the sum."""
        terms = self._terms(contracts, account)
        return np.asarray(terms * np.sign(terms.sum()) > 0)[None, :]


class Net(_Netted):
    """Absolute sum of signed exposures over NAV, rates in ten-year equivalents."""

    def __init__(self, factor: FloatArray) -> None:
        super().__init__()
        self._factor = factor

    def _terms(self, contracts: IntArray, account: RiskAccount) -> FloatArray:
        return account.exposure(contracts) * self._factor


class NetBeta(_Netted):
    """Absolute beta of the book to one market, by the model's covariance.

    Parameters
    ----------
    market : int
        Index of the asset that beta is against.
    """

    def __init__(self, market: int) -> None:
        super().__init__()
        self._market = market

    def exists(self, account: RiskAccount) -> bool:
        """Not before the market that beta is against has a volatility."""
        model = account.model
        return model is None or bool(model.cov_daily[self._market, self._market] > 0)

    def _terms(self, contracts: IntArray, account: RiskAccount) -> FloatArray:
        if account.model is None:
            return np.full(len(contracts), np.nan)
        cov = account.model.cov_daily
        variance = float(cov[self._market, self._market])
        if not variance > 0:
            return np.full(len(contracts), np.nan)
        return np.asarray(account.exposure(contracts) * cov[self._market] / variance)


class AbsoluteVar(Measure):
    """The larger of parametric and historical VaR over NAV."""

    def __init__(self, horizon: int) -> None:
        super().__init__()
        self._horizon = horizon

    def values(self, contracts: IntArray, account: RiskAccount) -> FloatArray:
        """One figure, infinite where an input is not a number."""
        if account.model is None:
            return np.array([np.nan])
        return np.array([account.model.binding(account.exposure(contracts), self._horizon)])


class RelativeVar(AbsoluteVar):
    """VaR over that of the reference portfolio."""

    def values(self, contracts: IntArray, account: RiskAccount) -> FloatArray:
        """One figure, NaN without a reference that has a VaR."""
        if account.model is None or account.reference is None:
            return np.array([np.nan])
        whole = account.model.binding(account.reference, self._horizon)
        if not (np.isfinite(whole) and whole > 0):
            return np.array([np.nan])
        return super().values(contracts, account) / whole


class Shortfall(Measure):
    """Expected shortfall of one day beside the binding VaR, over NAV."""

    def values(self, contracts: IntArray, account: RiskAccount) -> FloatArray:
        """One figure."""
        if account.model is None:
            return np.array([np.nan])
        return np.array([binding(account.model, account.exposure(contracts), 1).shortfall])


class MarginUse(Measure):
    """Initial margin over NAV; the buffer is one less it."""

    def exists(self, account: RiskAccount) -> bool:
        """Not where nobody says what margins are."""
        return account.unit_margin is not None

    def values(self, contracts: IntArray, account: RiskAccount) -> FloatArray:
        """One figure, NaN if a held market's margin is unknown."""
        if account.unit_margin is None:
            return np.array([np.nan])
        held = contracts != 0
        return np.array([float(np.abs(contracts[held] * account.unit_margin[held]).sum())])


class Drawdown(Measure):
    """Fall of NAV from its highest."""

    caps = False

    def values(self, contracts: IntArray, account: RiskAccount) -> FloatArray:
        """One figure."""
        return np.array([account.drawdown])


class DailyLoss(Measure):
    """Loss since the last close over NAV then, 0 after a gain."""

    caps = False

    def values(self, contracts: IntArray, account: RiskAccount) -> FloatArray:
        """One figure, NaN without both values."""
        if not (account.last_nav > 0 and np.isfinite(account.nav)):
            return np.array([np.nan])
        return np.array([max(1.0 - account.nav / account.last_nav, 0.0)])


class StaleShare(Measure):
    """Share of gross exposure whose last trusted price is older than some days.

    Parameters
    ----------
    days : int
        Calendar days.
    """

    caps = False

    def __init__(self, days: int) -> None:
        super().__init__()
        self._days = days

    def values(self, contracts: IntArray, account: RiskAccount) -> FloatArray:
        """One figure; a position of unknown exposure has no price and makes it 1."""
        if account.price_age is None:
            return np.array([np.nan])
        held = contracts != 0
        if np.any(held & ~np.isfinite(account.unit_exposure)):
            return np.ones(1)
        size = np.abs(account.exposure(contracts))
        total = float(size.sum())
        stale = float(size[account.price_age > self._days].sum())
        return np.array([stale / total if total > 0 else 0.0])


class TurnoverSpike(Measure):
    """Turnover over its mean of the last quarter, which grows by one at each close.

    What is traded to make positions smaller does not count: a gate that cuts and a switch that
    closes the book do what they are there for.
    """

    STATE = ("past", "count")
    caps = False

    def __init__(self) -> None:
        super().__init__()
        self.past: FloatArray = np.zeros(HISTORY)
        self.count = 0

    def values(self, contracts: IntArray, account: RiskAccount) -> FloatArray:
        """One figure, NaN before a quarter has passed."""
        usual = float(self.past.mean())
        if not (self.count >= HISTORY and usual > 0):
            return np.array([np.nan])
        return np.array([account.turnover / usual])

    def close(self, account: RiskAccount) -> None:
        """The session is over; a turnover that is not a number is none."""
        if np.isfinite(account.turnover):
            self.past = self.past.copy()
            self.past[self.count % HISTORY] = account.turnover
            self.count += 1


class SlippageOutlier(Measure):
    """What fills cost beyond their expectation, in standard deviations of a market's own fills.

    Rolls have a history of their own: the move since the decision is in both legs and cancels, or
    it is no roll that went well.

    Parameters
    ----------
    codes : sequence of str
        Of the markets.
    """

    STATE = ("slips", "fills")
    caps = False

    def __init__(self, codes: Sequence[str]) -> None:
        super().__init__([*codes, *(f"{code} rolls" for code in codes)])
        self.slips: FloatArray = np.zeros((len(self.buckets), HISTORY))
        self.fills: IntArray = np.zeros(len(self.buckets), dtype=np.int64)

    def exists(self, account: RiskAccount) -> bool:
        """Not where nobody says what was paid."""
        return account.slippage is not None

    def values(self, contracts: IntArray, account: RiskAccount) -> FloatArray:
        """By bucket, 0 without a fill or where it cost less; NaN before there are enough fills."""
        out = np.zeros(len(self.buckets))
        if account.slippage is None:
            return out
        for bucket in np.flatnonzero(np.isfinite(account.slippage)).tolist():
            past = self.slips[bucket, : min(int(self.fills[bucket]), HISTORY)]
            spread = float(past.std(ddof=1)) if len(past) >= LEAST_FILLS else 0.0
            beyond = float(account.slippage[bucket]) - float(past.mean()) if spread > 0 else np.nan
            out[bucket] = max(beyond / spread, 0.0) if spread > 0 else np.nan
        return out

    def close(self, account: RiskAccount) -> None:
        """The session is over: its fills are history."""
        if account.slippage is None:
            return
        filled = np.flatnonzero(np.isfinite(account.slippage)).tolist()
        if filled:
            self.slips, self.fills = self.slips.copy(), self.fills.copy()
        for bucket in filled:
            self.slips[bucket, self.fills[bucket] % HISTORY] = account.slippage[bucket]
            self.fills[bucket] += 1
