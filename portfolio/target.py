"""From forecasts to the fractional target: sleeves, overlay, volatility target (P2, P5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from alpha.forecasts import Forecasts
from alpha.rules.rule import Style
from alpha.snapshot import Snapshot
from portfolio.budgets import BudgetOptions, SleeveExposures, SleeveView, sleeve_exposures
from portfolio.caps import Binding
from portfolio.contracts import (
    average_position,
    contract_value,
    contracts_for_weights,
    ten_year_equivalent,
)
from portfolio.covariance import portfolio_vol
from portfolio.optimised import PlainDay, TargetOptimiser
from portfolio.risk_caps import Factors, RiskCaps
from portfolio.settings import Budgets, PortfolioSettings, SleeveShares
from portfolio.sleeve_mix import DynamicShares
from portfolio.sleeves import (
    class_budgets,
    diversification_multiplier,
    overlay,
    vol_target_scale,
)
from universe.arrays import TRADING_DAYS, BoolArray, FloatArray, IntArray, known
from universe.instruments import AssetClass, Instrument
from universe.setting import SettingsError, pairs_of

TURNS = 3
"""Of applying caps on shares of risk and on single exposures, one after the other."""


@dataclass(frozen=True, slots=True)
class Target:
    """What the portfolio would be in fractions of contracts, before any exposure scale.

    Arrays are over assets.

    Attributes
    ----------
    sleeve_contracts : dict of str to float array
        Contracts each sleeve asks for; they add up to ``optimal``.
    sleeve_weights : dict of str to float array
        Exposure over NAV of each sleeve at its risk budget, before the vol target and any cap.
    optimal : float array
        Contracts.
    weights : float array
        Exposure over NAV of ``optimal``.
    value : float array
        Notional of one contract in account currency, not positive or NaN where unknown.
    unit_exposure : float array
        Exposure of one contract over NAV, NaN where unknown.
    limit : float array
        Most contracts of an asset, by liquidity and concentration.
    contrary_limit : float array
        The same on the other side of ``optimal``.
    average : float array
        Contracts of the average position.
    vol : float
        Ex-ante annual volatility of ``optimal``.
    member : bool array
        Assets with a risk budget.
    priced : bool array
        Assets with a forecast or a fresh price.
    bindings : tuple of Binding
        Caps on risk that bind.
    nav : float
        Account currency, NaN while unknown.
    reasons : tuple of (str, str)
        Why a sleeve is not as its budgets ask for ("budgets") and why the optimiser's portfolio is
        not the optimum ("optimiser"), where they are not.
    """

    sleeve_contracts: dict[str, FloatArray]
    sleeve_weights: dict[str, FloatArray]
    optimal: FloatArray
    weights: FloatArray
    value: FloatArray
    unit_exposure: FloatArray
    limit: FloatArray
    contrary_limit: FloatArray
    average: FloatArray
    vol: float
    member: BoolArray
    priced: BoolArray
    bindings: tuple[Binding, ...] = ()
    nav: float = float("nan")
    reasons: tuple[tuple[str, str], ...] = ()

    def tilted(self, factor: FloatArray, cov: FloatArray) -> Target:
        """The target with every asset times a factor; ``cov`` is the one it was built on."""
        weights = self.weights * factor
        return replace(
            self,
            sleeve_contracts={name: one * factor for name, one in self.sleeve_contracts.items()},
            optimal=self.optimal * factor,
            weights=weights,
            vol=portfolio_vol(known(weights), cov),
        )


class TargetBuilder:
    """Sleeves to their risk budgets, overlay, volatility target.

    Parameters
    ----------
    settings : PortfolioSettings
    instruments : sequence of Instrument
    n_assets : int
    forecasts : Forecasts
        Names the sleeves.
    class_index : int array of shape (n_markets,)

    Attributes
    ----------
    optimiser : TargetOptimiser, optional
        Moves the plain target, where there is one.
    mix : DynamicShares, optional
        Shares of risk of the sleeves, where they are not fixed.
    capital : float, optional
        Value of the fund that daily volumes are of, where they grow with it.

    Raises
    ------
    SettingsError
        If sleeves that are neither trend nor carry have no budget, or a budget no sleeve.
    """

    def __init__(
        self,
        settings: PortfolioSettings,
        instruments: Sequence[Instrument],
        n_assets: int,
        forecasts: Forecasts,
        class_index: IntArray,
    ) -> None:
        n = n_assets
        self.settings, self._forecasts = settings, forecasts
        self.n, self.n_markets = n, len(instruments)
        spread = np.arange(n) >= self.n_markets
        self._class_index = np.resize(class_index, n)
        self.multiplier: FloatArray = np.resize(np.array([i.multiplier for i in instruments]), n)
        self._adv = np.resize(np.array([i.adv_contracts for i in instruments]), n)
        self.duration: FloatArray = np.resize(np.array([i.duration for i in instruments]), n)
        self._exposure_cap = np.where(
            spread, settings.max_spread_exposure, settings.max_exposure
        ) * ten_year_equivalent(self.duration)
        self._shares = sleeve_shares(settings, forecasts.styles)
        self._options = BudgetOptions(
            settings.agnostic_shrinkage,
            settings.hrp_linkage,
            settings.hrp_order,
            own_shares(settings, instruments),
        )
        self.caps = RiskCaps(settings, instruments, n, class_index)
        self.optimiser: TargetOptimiser | None = None
        self.capital: float | None = None
        self.mix = (
            DynamicShares(settings, forecasts.sleeves, n)
            if settings.sleeve_mix == SleeveShares.DYNAMIC
            else None
        )

    def contract_value(self, snapshot: Snapshot) -> FloatArray:
        """Notional of one contract of every asset in account currency."""
        fx = snapshot.per_asset(snapshot.fx)
        return contract_value(snapshot.price, self.multiplier, fx)

    def build(
        self,
        forecasts: Mapping[str, FloatArray],
        snapshot: Snapshot,
        nav: float,
        member: BoolArray,
        cov: FloatArray,
    ) -> Target:
        """The fractional target.

        Parameters
        ----------
        forecasts : mapping of sleeve to float array of shape (n_assets,)
            NaN where the sleeve has none.
        snapshot : Snapshot
        nav : float
            Account currency, positive.
        member : bool array of shape (n_assets,)
            Let in by the screen.
        cov : float array of shape (n_assets, n_assets)
            Annual covariance, corrected by the bias statistic.
        """
        annual = snapshot.sigma * np.sqrt(TRADING_DAYS)
        value = self.contract_value(snapshot)
        have = np.logical_or.reduce([np.isfinite(f) for f in forecasts.values()])
        shares = dict(self._shares) if self.mix is None else self.mix.shares
        for name in shares:
            full = self._forecasts.full(name)
            if full:
                shares[name] *= self._breadth(forecasts[name], member, full)
        raw = self._raw_sleeves(forecasts, member, annual, snapshot.correlation)
        reasons = [("budgets", f"{name}: {s.reason}") for name, s in raw.items() if s.reason]
        sleeves = overlay({name: sleeve.weights for name, sleeve in raw.items()}, shares, cov)
        total = np.add.reduce(list(sleeves.values()))
        most = self._caps(value, nav)
        cap = np.minimum(most, self.caps.exposure(total, snapshot))
        sized = self.sized(total, cov, cap)
        whole = self.caps.whole_book(total * sized.factor, snapshot)
        bindings = (*sized.bindings, *self.caps.jumps(total * sized.factor, cap, snapshot))
        bindings += whole.bindings
        scale = sized.factor * whole.factor
        asked = {name: weights * scale for name, weights in sleeves.items()}
        contracts_of_nav = nav / np.where(value > 0, value, np.inf)
        average = self._average_position(asked, member, annual, value, nav, snapshot)
        if self.optimiser is not None:
            plain = PlainDay(
                asked,
                shares,
                forecasts,
                cov,
                most,
                average / np.where(contracts_of_nav > 0, contracts_of_nav, np.inf),
                known(np.where(value > 0, value / nav, 0.0)),
                nav / (self.capital or nav),
                member,
                snapshot,
            )
            asked, why = self.optimiser.improve(plain)
            reasons += [("optimiser", reason) for reason in why]
        total = np.add.reduce(list(asked.values()))
        sleeve_contracts = {
            name: contracts_for_weights(weights, nav, value, self.duration)
            for name, weights in asked.items()
        }
        return Target(
            sleeve_contracts,
            sleeves,
            np.add.reduce(list(sleeve_contracts.values())),
            total,
            value,
            np.where(value > 0, value / nav, np.nan),
            cap * contracts_of_nav,
            np.minimum(most, self.caps.exposure(-total, snapshot)) * contracts_of_nav,
            average,
            portfolio_vol(total, cov),
            member,
            have | snapshot.alive,
            bindings,
            nav,
            tuple(reasons),
        )

    def commit(self, target: Target) -> None:
        """Take over what was decided, once a session."""
        if self.optimiser is not None:
            self.optimiser.commit(target)
        if self.mix is not None:
            self.mix.commit(target.sleeve_weights)

    def components(self) -> dict[str, Any]:
        """Objects with state, by a stable name."""
        out: dict[str, Any] = {}
        if self.optimiser is not None:
            out["optimiser"] = self.optimiser
        if self.mix is not None:
            out |= {"mix": self.mix, "mix.results": self.mix.mix}
        return out

    def without_nav(self) -> Target:
        """No target at all, for a NAV that is not known."""
        zero = np.zeros(self.n)
        nothing = dict.fromkeys(self._shares, zero)
        unknown, no = np.full(self.n, np.nan), np.zeros(self.n, dtype=bool)
        money = zero, zero, unknown, unknown
        return Target(nothing, nothing, *money, zero, zero, zero, 0.0, no, no)

    def average(
        self, member: BoolArray, contract_risk: FloatArray, nav: float, correlation: FloatArray
    ) -> FloatArray:
        """Contracts of an average position, of the markets and, apart from them, of the spreads.

        Equal budgets: at a forecast of 1. Other budgets change with the forecasts: equal ones stand
        for them until there is a portfolio whose mean risk a position can be told from.
        """
        equal = self.settings.budgets == Budgets.EQUAL
        out = np.zeros(self.n)
        for first in range(0, self.n, self.n_markets):
            part = slice(first, first + self.n_markets)
            inside = member[part]
            budget = (
                class_budgets(self._class_index[part], inside)
                if equal
                else inside / max(np.count_nonzero(inside), 1)
            )
            idm = diversification_multiplier(budget, correlation[part, part])
            out[part] = average_position(
                nav, self.settings.vol_target, idm, budget, contract_risk[part]
            )
        return out

    def _average_position(
        self,
        asked: Mapping[str, FloatArray],
        member: BoolArray,
        annual: FloatArray,
        value: FloatArray,
        nav: float,
        snapshot: Snapshot,
    ) -> FloatArray:
        """Contracts that have the mean risk of the positions asked for, see ``average``.

        The risks of the positions add up to the diversification ratio times that of the whole,
        which ``average`` can only estimate before there is a portfolio.
        """
        if self.settings.budgets == Budgets.EQUAL:
            return self.average(member, value * annual, nav, snapshot.correlation)
        usable = value * annual > 0
        total = np.add.reduce(list(asked.values()))
        risk = np.where(usable, np.abs(total) * known(annual), 0.0)
        mean = np.zeros(self.n)
        for first in range(0, self.n, self.n_markets):
            part = slice(first, first + self.n_markets)
            mean[part] = risk[part].sum() / max(np.count_nonzero(risk[part]), 1)
        return np.where(usable, mean * nav / np.where(usable, value * annual, 1.0), 0.0)

    def _raw_sleeves(
        self,
        forecasts: Mapping[str, FloatArray],
        member: BoolArray,
        annual: FloatArray,
        correlation: FloatArray,
    ) -> dict[str, SleeveExposures]:
        raw = {}
        markets = slice(0, self.n_markets)
        for name, forecast in forecasts.items():
            if self._forecasts.is_neutral(name):
                forecast = forecast.copy()
                forecast[markets] = self._forecasts.neutral(forecast[markets], member[markets])
            # a sleeve without risk in any class keeps that only where its markets share equally
            budgets = Budgets.EQUAL if self._forecasts.is_neutral(name) else self.settings.budgets
            view = SleeveView(forecast, annual, correlation, self._class_index, member)
            raw[name] = sleeve_exposures(budgets, view, self._options)
        return raw

    def _breadth(self, forecast: FloatArray, member: BoolArray, full: float) -> float:
        """Mean absolute forecast over all assets with a budget in units of ``full``, at most 1.

        Every other sleeve is brought to its whole share of risk, however small its forecasts.
        """
        budget = class_budgets(self._class_index, member & np.isfinite(forecast))
        return min(float(np.abs(known(forecast)) @ budget) / full, 1.0)

    def _caps(self, value: FloatArray, nav: float) -> FloatArray:
        """Largest exposure over NAV of every asset: by liquidity and by concentration."""
        liquid = self.settings.max_adv * self._adv * known(value) / (self.capital or nav)
        return np.minimum(liquid, self._exposure_cap)

    def sized(self, total: FloatArray, cov: FloatArray, cap: FloatArray) -> Factors:
        """Multiplier per asset under the caps on shares of risk and on single exposures.

        What a capped exposure cannot carry goes to the others, and with it their shares of risk
        rise: both are applied in turn until neither acts. What is above a share after ``TURNS``
        is cut and goes nowhere.

        Parameters
        ----------
        total, cov, cap
            See ``scale_to_target``.
        """
        shared = self.caps.share_of_risk(total, cov)
        factor, bindings = shared.factor, shared.bindings
        scale = self.scale_to_target(total * factor, cov, cap)
        for turn in range(1, TURNS + 1):
            if not np.ptp(scale) > 0:  # shares do not change when the whole is scaled
                break
            shared = self.caps.share_of_risk(total * factor * scale, cov)
            if not shared.bindings:
                break
            known_kinds = {(one.kind, one.index) for one in bindings}
            bindings += tuple(
                one for one in shared.bindings if (one.kind, one.index) not in known_kinds
            )
            if turn == TURNS:
                scale = scale * shared.factor / shared.factor.max()
                break
            factor = factor * shared.factor
            scale = self.scale_to_target(total * factor, cov, cap)
        return Factors(factor * scale, bindings)

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


def sleeve_shares(settings: PortfolioSettings, styles: Mapping[str, Style]) -> dict[str, float]:
    """Risk share of every sleeve; shares add up to 1.

    Trend has ``trend_budget``, sleeves of other styles ``other_budget``, carry the rest.

    Raises
    ------
    SettingsError
        If a style with sleeves has no budget, or a budget has no sleeve.
    """
    budgets: dict[Style, float] = {
        Style.TREND: settings.trend_budget,
        Style.OTHER: settings.other_budget,
        Style.CARRY: 1.0 - settings.trend_budget - settings.other_budget,
    }
    number: dict[Style, int] = {style: list(styles.values()).count(style) for style in Style}
    if budgets[Style.CARRY] < -1e-12:
        raise SettingsError(
            f"trend_budget {settings.trend_budget:g} and other_budget {settings.other_budget:g} "
            "add up to more than 1; they may not"
        )
    if bool(number[Style.OTHER]) != bool(settings.other_budget):
        raise SettingsError(
            f"other_budget is {settings.other_budget:g} and other_rules name "
            f"{number[Style.OTHER]} rules; a budget needs rules and rules need a budget above 0"
        )
    return {name: max(budgets[style], 0.0) / number[style] for name, style in styles.items()}


MOST_SHARE = 1e6
"""Of a class in ``own_budgets``: shares count in proportion to each other."""


def own_shares(settings: PortfolioSettings, instruments: Sequence[Instrument]) -> FloatArray | None:
    """Shares of standalone risk by class number, for ``budgets=own``; None for the others.

    Raises
    ------
    SettingsError
        If a class is unknown, a share negative, or none is named where they are needed.
    """
    if settings.budgets != Budgets.OWN:
        return None
    given = dict(pairs_of("own_budgets", settings.own_budgets, "asset class and share", MOST_SHARE))
    allowed = [str(name) for name in AssetClass]
    if not given or not set(given) <= set(allowed) or any(x < 0 for x in given.values()):
        raise SettingsError(
            f"own_budgets is {settings.own_budgets!r}; it must be pairs of one of "
            f"{', '.join(allowed)} and a share of 0 or more"
        )
    present = sorted({str(i.asset_class) for i in instruments})
    return np.array([given.get(name, 0.0) for name in present])
