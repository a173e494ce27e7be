"""The settings' caps on risk, in the order in which the fractional target meets them (R4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alpha.snapshot import Snapshot
from portfolio.caps import (
    Binding,
    ShareCap,
    ShareCaps,
    cap_beta,
    cap_exposures,
    cap_gross,
    jump_bounds,
    market_betas,
    short_volatility_bound,
    variance_shares,
)
from portfolio.contracts import ten_year_equivalent
from portfolio.covariance import portfolio_vol
from portfolio.optimiser import GroupLimit
from portfolio.settings import PortfolioSettings
from universe.arrays import BoolArray, FloatArray, IntArray, known
from universe.instruments import AssetClass, Instrument


@dataclass(frozen=True, slots=True)
class Factors:
    """What caps leave of every exposure, and which of them bind.

    Attributes
    ----------
    factor : float array of shape (n_assets,)
        At least 0.
    bindings : tuple of Binding
    """

    factor: FloatArray
    bindings: tuple[Binding, ...]


@dataclass(frozen=True, slots=True)
class WholeBook:
    """Whole contracts brought within the caps, and the caps that asked for it.

    Attributes
    ----------
    contracts : int array of shape (n_assets,)
    bindings : tuple of Binding
    """

    contracts: IntArray
    bindings: tuple[Binding, ...]


class RiskCaps:
    """Shares of variance before the volatility target; jumps, beta and gross after it.

    Parameters
    ----------
    settings : PortfolioSettings
    instruments : sequence of Instrument
    n_assets : int
        The markets outright, or with their spreads twice as many.
    class_index : int array of shape (n_markets,)
    """

    def __init__(
        self,
        settings: PortfolioSettings,
        instruments: Sequence[Instrument],
        n_assets: int,
        class_index: IntArray,
    ) -> None:
        n = len(instruments)
        self._settings = settings
        self.markets = [i.code for i in instruments]
        self.classes = sorted({str(i.asset_class) for i in instruments})
        self.sectors = sorted({i.sector for i in instruments})
        sector = np.array([self.sectors.index(i.sector) for i in instruments])
        groups = {
            "market": (np.arange(n), settings.cap_market),
            "sector": (sector, settings.cap_sector),
            "class": (class_index, settings.cap_class),
        }
        caps = [
            ShareCap(kind, np.resize(group, n_assets), limit)
            for kind, (group, limit) in groups.items()
            if limit < 1.0
        ]
        self._shares = ShareCaps(caps) if caps else None
        outright = np.arange(n_assets) < n
        volatile = np.array([i.asset_class == AssetClass.VOLATILITY for i in instruments])
        self._short_volatility = np.resize(volatile, n_assets) & outright
        duration = np.resize(np.array([i.duration for i in instruments]), n_assets)
        self.notional = 1.0 / ten_year_equivalent(duration)
        index = {i.code: k for k, i in enumerate(instruments)}
        self._beta_market = index.get(settings.beta_market)
        self._betas_of: tuple[Snapshot, FloatArray] | None = None  # those of the last session
        self._bounds_of: tuple[Snapshot, FloatArray, FloatArray] | None = None  # likewise

    def share_of_risk(self, weights: FloatArray, cov: FloatArray) -> Factors:
        """Caps on shares of ex-ante variance, at the volatility of before.

        What capped groups cannot carry goes to the others: shares do not change when the whole is
        scaled, and the floor of the volatility target is about sleeves that cancel.

        Parameters
        ----------
        weights : float array of shape (n_assets,)
            Exposure over NAV.
        cov : float array of shape (n_assets, n_assets)
        """
        if self._shares is None or not weights.any():
            return Factors(np.ones_like(weights), ())
        found = self._shares.capped(weights, cov)
        left = portfolio_vol(found.weights, cov)
        raised = portfolio_vol(weights, cov) / left if left > 0 else 1.0
        return Factors(_ratio(found.weights, weights) * raised, found.bindings)

    def exposure(self, weights: FloatArray, snapshot: Snapshot) -> FloatArray:
        """Largest exposure over NAV of every asset on the side of ``weights``, for its jumps."""
        low, high = self.bounds(snapshot)
        return np.where(weights < 0, -low, high)

    def bounds(self, snapshot: Snapshot) -> tuple[FloatArray, FloatArray]:
        """Lowest and highest exposure over NAV of every asset, for its jumps."""
        if self._bounds_of is None or self._bounds_of[0] is not snapshot:
            self._bounds_of = (snapshot, *self._bounds(snapshot))
        return self._bounds_of[1:]

    def _bounds(self, snapshot: Snapshot) -> tuple[FloatArray, FloatArray]:
        settings = self._settings
        n = len(snapshot.fall)
        low, high = np.full(n, -np.inf), np.full(n, np.inf)
        if settings.cap_jump < 1.0:
            low, high = jump_bounds(snapshot.fall, snapshot.rise, settings.cap_jump)
        if settings.cap_short_vol < 1.0:
            bound = short_volatility_bound(
                self._short_volatility, settings.short_vol_rise, settings.cap_short_vol
            )
            low = np.maximum(low, bound)
        return low, high

    def jumps(
        self, weights: FloatArray, cap: FloatArray, snapshot: Snapshot
    ) -> tuple[Binding, ...]:
        """Which assets stand at their jump cap, for people.

        Parameters
        ----------
        weights, cap : float arrays of shape (n_assets,)
            Exposures after the caps, and the least of all caps on single exposures.
        snapshot : Snapshot
        """
        own = self.exposure(weights, snapshot)
        bound = ((own <= cap) & (np.abs(weights) >= own * (1.0 - 1e-9)) & (own > 0)).nonzero()[0]
        out: list[Binding] = []
        for asset in bound.tolist():
            low, high = np.full(len(own), -np.inf), np.full(len(own), np.inf)
            low[asset], high[asset] = -own[asset], own[asset]
            volatile = self._short_volatility[asset] and weights[asset] < 0
            kind, loss = (
                ("rise", self._settings.cap_short_vol)
                if volatile
                else ("jump", self._settings.cap_jump)
            )
            over = weights * (1.0 + 1e-6)
            out += cap_exposures(over, low, high, kind, loss).bindings
        return tuple(out)

    def whole_book(self, weights: FloatArray, snapshot: Snapshot) -> Factors:
        """Net beta and gross of the whole portfolio.

        Parameters
        ----------
        weights : float array of shape (n_assets,)
            Exposure over NAV.
        snapshot : Snapshot
        """
        settings, out = self._settings, weights
        bindings: tuple[Binding, ...] = ()
        betas = self.betas(snapshot)
        if betas is not None:
            found = cap_beta(out, betas, settings.cap_beta)
            out, bindings = found.weights, found.bindings
        gross = cap_gross(out, self.notional, settings.cap_gross)
        return Factors(_ratio(gross.weights, weights), (*bindings, *gross.bindings))

    def betas(self, snapshot: Snapshot) -> FloatArray | None:
        """Beta of every asset, (n_assets,); None where the cap is off or its market is unknown."""
        market, settings = self._beta_market, self._settings
        if market is None or settings.cap_beta >= 5.0 or not snapshot.sigma[market] > 0:
            return None
        if self._betas_of is None or self._betas_of[0] is not snapshot:
            rows = snapshot.standardised[-settings.beta_window :]
            ratio = known(snapshot.sigma) / float(snapshot.sigma[market])
            self._betas_of = (snapshot, market_betas(rows, market) * ratio)
        return self._betas_of[1]

    def risk_groups(
        self, weights: FloatArray, cov: FloatArray, sigma: FloatArray
    ) -> list[GroupLimit]:
        """Caps on shares of variance of groups as limits on the sums of their positions' risks.

        Parameters
        ----------
        weights : float array of shape (n_assets,)
            Exposure over NAV of the plain portfolio: its sum times √(cap / share) is the limit of a
            group that has any share.
        cov : float array of shape (n_assets, n_assets)
        sigma : float array of shape (n_assets,)
            The square root of its diagonal.
        """
        out = []
        for cap in self._shares.caps if self._shares is not None else ():
            names = {"sector": self.sectors, "class": self.classes}.get(cap.kind)
            if names is None:
                continue
            share = variance_shares(weights, cov, cap.group)
            for index in np.flatnonzero(share > 0).tolist():
                unit = np.where(cap.group == index, sigma, 0.0)
                limit = float(np.abs(weights) @ unit) * float(np.sqrt(cap.limit / share[index]))
                out.append(GroupLimit(f"{cap.kind} {names[index]}", unit, limit))
        return out

    def on_contracts(
        self, contracts: IntArray, unit: FloatArray, free: BoolArray, snapshot: Snapshot
    ) -> WholeBook:
        """Whole contracts within the caps on beta and gross; positions only become smaller.

        Parameters
        ----------
        contracts : int array of shape (n_assets,)
        unit : float array of shape (n_assets,)
            Exposure of one contract over NAV.
        free : bool array of shape (n_assets,)
            What cannot trade stays.
        snapshot : Snapshot
        """
        whole = self.whole_book(contracts * known(unit), snapshot)
        if not whole.bindings:
            return WholeBook(contracts, ())
        less = np.floor(np.abs(contracts) * whole.factor + 1e-9).astype(np.int64)
        return WholeBook(np.where(free, np.sign(contracts) * less, contracts), whole.bindings)

    def sentence(self, binding: Binding) -> str:
        """A binding cap in words."""
        names = {"sector": self.sectors, "class": self.classes}.get(binding.kind, self.markets)
        name = names[binding.index % len(names)] if binding.index >= 0 else "the portfolio"
        return binding.sentence(name)


def _ratio(after: FloatArray, before: FloatArray) -> FloatArray:
    if after is before:
        return np.ones_like(before)
    held = before != 0
    return np.where(held, after / np.where(held, before, 1.0), 1.0)
