"""Stage 4 of the day: from forecasts to whole contracts (P2, P5, P6; U7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from algorithm.settings import Settings
from alpha.forecasts import CALENDAR, NEUTRAL, TREND, Forecasts
from portfolio.contracts import (
    average_position,
    buffered,
    contract_value,
    contracts_for_weights,
    ten_year_equivalent,
    too_big,
    too_dear,
)
from portfolio.covariance import portfolio_vol
from portfolio.sleeves import (
    class_budgets,
    diversification_multiplier,
    overlay,
    sleeve_weights,
    vol_target_scale,
)
from universe.arrays import TRADING_DAYS, BoolArray, FloatArray, IntArray, from_epoch_day, known
from universe.assets import Assets


@dataclass(slots=True)
class Plan:
    """What portfolio construction wants, before risk.

    Arrays are over assets: the markets outright, then their calendar spreads where these are
    traded (``universe.assets``).

    Attributes
    ----------
    sleeve_contracts : dict of str to float array of shape (n_assets,)
        Fractional contracts each sleeve asks for; they add up to ``optimal``.
    sleeve_weights : dict of str to float array of shape (n_assets,)
        Exposure over NAV of each sleeve at its risk budget, before the vol target and any cap.
    optimal : float array of shape (n_assets,)
    contracts : int array of shape (n_assets,)
        After buffering; assets that cannot trade today keep theirs.
    weights : float array of shape (n_assets,)
        Exposure over NAV of ``optimal``.
    unit_exposure : float array of shape (n_assets,)
        Exposure of one contract over NAV, NaN where unknown.
    vol : float
        Ex-ante annual volatility of ``optimal``.
    member : bool array of shape (n_assets,)
        Assets with a risk budget.
    notes : list of (market index, kind, sentence)
    """

    sleeve_contracts: dict[str, FloatArray]
    sleeve_weights: dict[str, FloatArray]
    optimal: FloatArray
    contracts: IntArray
    weights: FloatArray
    unit_exposure: FloatArray
    vol: float
    member: BoolArray
    notes: list[tuple[int, str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RiskView:
    """What is known of risk after a session's close.

    Attributes
    ----------
    day : int
        Epoch day.
    sigma : float array of shape (n_assets,)
        Daily volatility, NaN where unknown.
    correlation : float array of shape (n_assets, n_assets)
    cov : float array of shape (n_assets, n_assets)
        Annual covariance, corrected by the bias statistic.
    fx : float array of shape (n_markets,)
        Account-currency value of the quote currency.
    tradable : bool array of shape (n_assets,)
    """

    day: int
    sigma: FloatArray
    correlation: FloatArray
    cov: FloatArray
    fx: FloatArray
    tradable: BoolArray


class Construction:
    """Sleeves to their risk budgets, overlay, vol target, whole contracts.

    Parameters
    ----------
    settings : Settings
    assets : Assets
    forecasts : Forecasts
        Names the sleeves.
    class_index : int array of shape (n_markets,)

    Attributes
    ----------
    names : list of str
        Of the assets, for people.
    """

    STATE = ("model_contracts", "since_trade", "excluded", "screened", "screened_in")

    def __init__(
        self, settings: Settings, assets: Assets, forecasts: Forecasts, class_index: IntArray
    ) -> None:
        n = assets.n
        self.settings, self.assets, self._forecasts = settings, assets, forecasts
        instruments = assets.markets.instruments
        spread = np.arange(n) >= assets.n_markets
        self._legs = np.where(spread, 2.0, 1.0)
        self._class_index = np.resize(class_index, n)
        cost = np.array([i.half_spread + i.fee / i.multiplier for i in instruments])
        self._trade_cost = np.resize(cost, n) * self._legs  # fees are in the quote's currency
        self._multiplier = np.resize(np.array([i.multiplier for i in instruments]), n)
        self._adv = np.resize(np.array([i.adv_contracts for i in instruments]), n)
        self._duration = np.resize(np.array([i.duration for i in instruments]), n)
        self._exposure_cap = np.where(
            spread, settings.max_spread_exposure, settings.max_exposure
        ) * ten_year_equivalent(self._duration)
        self.names = [i.code for i in instruments]
        self.names += [f"{name} spread" for name in self.names[: n - len(instruments)]]
        carry = [name for name in forecasts.sleeves if name != TREND]
        share = (1.0 - settings.trend_budget) / len(carry)
        self._shares = {TREND: settings.trend_budget, **dict.fromkeys(carry, share)}
        self.model_contracts: IntArray = np.zeros(n, dtype=np.int64)
        self.since_trade: IntArray = np.full(n, 10**6, dtype=np.int64)
        self.excluded: BoolArray = np.zeros(n, dtype=bool)
        self.screened: BoolArray = np.zeros(n, dtype=bool)
        self.screened_in = 0

    def construct(self, forecasts: Mapping[str, FloatArray], nav: float, risk: RiskView) -> Plan:
        """Whole contracts of all assets.

        Parameters
        ----------
        forecasts : mapping of sleeve to float array of shape (n_assets,)
            NaN where the sleeve has none.
        nav : float
            Account currency.
        risk : RiskView
        """
        if not nav > 0:
            return self._without_nav(nav, risk.day)
        settings, assets = self.settings, self.assets
        annual = risk.sigma * np.sqrt(TRADING_DAYS)
        fx = assets.per_asset(risk.fx)
        value = contract_value(assets.price(), self._multiplier, fx)
        have = np.any([np.isfinite(f) for f in forecasts.values()], axis=0)
        alive = have & (value > 0) & assets.alive(risk.day)
        notes = self._screen(alive, value, annual, nav, risk)
        member = alive & ~self.excluded

        shares = dict(self._shares)
        if CALENDAR in shares:
            shares[CALENDAR] *= self._breadth(forecasts[CALENDAR], member)
        sleeves = overlay(self._raw_sleeves(forecasts, member, annual), shares, risk.cov)
        total = np.sum(list(sleeves.values()), axis=0)
        cap = self._caps(value, nav)
        scale = self.scale_to_target(total, risk.cov, cap)
        sleeve_contracts = {
            name: contracts_for_weights(weights * scale, nav, value, self._duration)
            for name, weights in sleeves.items()
        }
        optimal = np.sum(list(sleeve_contracts.values()), axis=0)

        limit = cap * nav / np.where(value > 0, value, np.inf)
        average = self._average(member, value * annual, nav, risk.correlation)
        wanted = buffered(
            optimal,
            self.model_contracts,
            settings.buffer * np.minimum(average, limit),
            sessions_since_trade=self.since_trade,
            cooldown=settings.cooldown_sessions,
        )
        limit = np.floor(limit + 1e-9)
        wanted = np.minimum(np.maximum(wanted, -limit), limit).astype(np.int64)
        free = risk.tradable & (have | assets.alive(risk.day)) & (value > 0) & (risk.sigma > 0)
        wanted = np.where(free, wanted, self.model_contracts)
        wanted = np.where(assets.must_exit(risk.day), 0, wanted)
        self.since_trade = np.where(wanted != self.model_contracts, 0, self.since_trade + 1)
        self.model_contracts = wanted
        return Plan(
            sleeve_contracts,
            sleeves,
            optimal,
            wanted,
            total * scale,
            np.where(value > 0, value / nav, np.nan),
            portfolio_vol(total * scale, risk.cov),
            member,
            notes,
        )

    def _raw_sleeves(
        self, forecasts: Mapping[str, FloatArray], member: BoolArray, annual: FloatArray
    ) -> dict[str, FloatArray]:
        raw = {}
        markets = slice(0, self.assets.n_markets)
        for name, forecast in forecasts.items():
            if name in NEUTRAL:
                forecast = forecast.copy()
                forecast[markets] = self._forecasts.neutral(forecast[markets], member[markets])
            budget = class_budgets(self._class_index, member & np.isfinite(forecast))
            raw[name] = sleeve_weights(forecast, annual, budget)
        return raw

    def _breadth(self, forecast: FloatArray, member: BoolArray) -> float:
        """Mean absolute forecast over all spreads with a budget, at most 1.

        The programme has a forecast in few markets at a time; brought to its whole risk budget, one
        small spread would be geared to all of it.
        """
        budget = class_budgets(self._class_index, member & np.isfinite(forecast))
        return min(float(np.abs(known(forecast)) @ budget), 1.0)

    def _without_nav(self, nav: float, day: int) -> Plan:
        """Hold what is held while NAV is unknown; be flat when nothing is left."""
        n = self.assets.n
        if nav <= 0:
            self.model_contracts = np.zeros(n, dtype=np.int64)
        out = self.assets.must_exit(day)
        self.model_contracts = np.where(out, 0, self.model_contracts)
        zero = np.zeros(n)
        nothing = {name: zero for name in self._shares}
        return Plan(
            nothing,
            nothing,
            zero,
            self.model_contracts,
            zero,
            np.full(n, np.nan),
            0.0,
            np.zeros(n, dtype=bool),
            [(0, "universe", f"NAV is {nav:,.0f}: no market is sized")],
        )

    def _caps(self, value: FloatArray, nav: float) -> FloatArray:
        """Largest exposure over NAV of every asset: by liquidity and by concentration."""
        liquid = self.settings.max_adv * self._adv * known(value) / nav
        return np.minimum(liquid, self._exposure_cap)

    def scale_to_target(self, total: FloatArray, cov: FloatArray, cap: FloatArray) -> FloatArray:
        """Multiplier per asset: one for the vol target, less where a position is capped.

        What the capped assets cannot carry goes to the others, in one further pass; where a
        capped one was a hedge, all are cut until the volatility is the planned one.

        Parameters
        ----------
        total : float array of shape (n_assets,)
            Exposure over NAV of the overlaid sleeves.
        cov : float array of shape (n_assets, n_assets)
            Annual covariance.
        cap : float array of shape (n_assets,)
            Largest exposure over NAV.
        """
        settings = self.settings
        vol = portfolio_vol(total, cov)
        scale = np.full_like(total, vol_target_scale(vol, settings.vol_target, settings.vol_floor))
        planned = portfolio_vol(total * scale, cov)
        wanted = np.abs(total * scale)
        capped = wanted > cap
        if not capped.any():
            return scale
        scale[capped] *= cap[capped] / wanted[capped]
        left = portfolio_vol(total * scale, cov)
        if left > 0:
            raised = scale * min(planned / left, 1.0 / settings.vol_floor)
            raised = np.where(capped, scale, np.maximum(raised, scale))
            over = np.abs(total * raised) / np.where(cap > 0, cap, np.inf)
            scale = raised / np.maximum(over, 1.0)
            after = portfolio_vol(total * scale, cov)
            scale *= min(planned / after, 1.0) if after > 0 else 1.0
        return scale

    def _average(
        self, member: BoolArray, contract_risk: FloatArray, nav: float, correlation: FloatArray
    ) -> FloatArray:
        """Contracts at a forecast of 1, of the markets and, apart from them, of the spreads."""
        out = np.zeros(self.assets.n)
        for first in range(0, self.assets.n, self.assets.n_markets):
            part = slice(first, first + self.assets.n_markets)
            budget = class_budgets(self._class_index[part], member[part])
            idm = diversification_multiplier(budget, correlation[part, part])
            out[part] = average_position(
                nav, self.settings.vol_target, idm, budget, contract_risk[part]
            )
        return out

    def _screen(
        self, alive: BoolArray, value: FloatArray, annual: FloatArray, nav: float, risk: RiskView
    ) -> list[tuple[int, str, str]]:
        """Which assets are too big for the fund, or too dear to trade (U7).

        Judged once a month, and when an asset first counts.
        """
        day = from_epoch_day(risk.day)
        month = day.year * 100 + day.month
        if month == self.screened_in and not (alive & ~self.screened).any():
            return []
        self.screened_in = month
        self.screened = self.screened | alive
        settings = self.settings
        average = self._average(alive, value * annual, nav, risk.correlation)
        big = too_big(average, settings.min_position, alive)
        sigma_price = self.assets.price() * annual
        dear = too_dear(self._trade_cost, sigma_price, settings.max_cost, alive)
        notes = []
        for asset in np.flatnonzero((big | dear) & ~self.excluded).tolist():
            text = (
                f"{self.names[asset]} is too big for NAV {nav:,.0f}: its average position would "
                f"be {average[asset]:.2f} contracts, at least {settings.min_position:g} is asked"
                if big[asset]
                else f"{self.names[asset]} is too dear: a trade costs "
                f"{self._trade_cost[asset] / sigma_price[asset]:.4f} of annual volatility, at "
                f"most {settings.max_cost:g} is allowed"
            )
            notes.append((asset % self.assets.n_markets, "universe", text))
        for asset in np.flatnonzero(self.excluded & alive & ~(big | dear)).tolist():
            text = f"{self.names[asset]} is traded again"
            notes.append((asset % self.assets.n_markets, "universe", text))
        self.excluded = np.where(alive, big | dear, self.excluded)
        return notes
