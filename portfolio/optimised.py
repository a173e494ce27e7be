"""The optimiser as a step of the target: limits and costs of the day (P4).

000, 3 and 4: max w'μ - λ w'Σw - cost(w - w_prev) within limits, of the whole portfolio or of each
sleeve before they are combined.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alpha.snapshot import Snapshot
from portfolio.covariance import portfolio_vol
from portfolio.optimiser import Costs, GroupLimit, Limits, NetLimit, Optimiser
from portfolio.risk_caps import RiskCaps
from portfolio.settings import OptimiserMean, OptimiserRisk, OptimiserScope, PortfolioSettings
from universe.arrays import BoolArray, FloatArray, known
from universe.cost_screen import YearlyImpact, trade_costs, yearly_rolls
from universe.cost_stress import CostStress
from universe.instruments import Instrument

if TYPE_CHECKING:
    from portfolio.target import Target

SMALL = 0.05
"""Least trade, over the average position, at which the impact is matched by a square."""


@dataclass(frozen=True, slots=True)
class PlainDay:
    """What the plain construction made of a day.

    Attributes
    ----------
    sleeves : dict of str to float array of shape (n_assets,)
        Exposure over NAV that each asks for; they add up to the plain portfolio.
    shares : dict of str to float
        Of risk.
    forecasts : mapping of str to float array of shape (n_assets,)
    cov : float array of shape (n_assets, n_assets)
        Annual.
    box : float array of shape (n_assets,)
        Largest exposure over NAV, by liquidity and concentration.
    average : float array of shape (n_assets,)
        Exposure over NAV of the average position.
    unit : float array of shape (n_assets,)
        Exposure of one contract over NAV, 0 where unknown.
    volumes : float
        Daily volumes over the master's.
    member : bool array of shape (n_assets,)
    snapshot : Snapshot
    """

    sleeves: dict[str, FloatArray]
    shares: dict[str, float]
    forecasts: Mapping[str, FloatArray]
    cov: FloatArray
    box: FloatArray
    average: FloatArray
    unit: FloatArray
    volumes: float
    member: BoolArray
    snapshot: Snapshot


class TargetOptimiser:
    """Moves the plain target to where its expected return pays for its risk and its costs.

    Parameters
    ----------
    settings : PortfolioSettings
    instruments : sequence of Instrument
    sleeves : sequence of str
    caps : RiskCaps
    vol_limit : float
        Annual volatility over NAV that the VaR limit stands for.
    yearly_trades : float
        How often a year a trade is paid for.
    trades_per_roll : float array of shape (n_markets,)
        What a roll costs over an outright trade, in spreads and fees.
    impact : YearlyImpact
        Of rolls and trades.
    stress : CostStress, optional
        Of spreads and impact, as orders pay it.

    Attributes
    ----------
    contracts : float array of shape (n_sleeves, n_assets)
        Fractional contracts of the last decision: what costs are counted from.

    Notes
    -----
    The cap on a class's (a sector's) share of variance, which is not convex, stands as a limit on
    the sum of its positions' risks: that of the plain portfolio times √(cap / share). Costs ask for
    less risk than the plain portfolio has; the optimum is brought to that (000 targets volatility
    after the optimiser), as far as its limits allow, or with ``optimiser_risk=own`` only down to
    it. With means from the forecasts these are scaled so that the plain portfolio earns what it
    implies.
    """

    STATE = ("contracts",)
    DEPENDS = ("trend_rules", "carry_rules", "other_rules")

    def __init__(
        self,
        settings: PortfolioSettings,
        instruments: Sequence[Instrument],
        n_assets: int,
        sleeves: Sequence[str],
        caps: RiskCaps,
        *,
        vol_limit: float,
        yearly_trades: float,
        trades_per_roll: FloatArray,
        impact: YearlyImpact,
        stress: CostStress | None = None,
    ) -> None:
        self._settings, self._caps, self._sleeves = settings, caps, tuple(sleeves)
        self._vol_limit, self._trades, self._impact = vol_limit, yearly_trades, impact
        legs = np.where(np.arange(n_assets) >= len(instruments), 2.0, 1.0)
        self._cost = np.resize(trade_costs(instruments), n_assets) * legs
        self._spread = np.resize([i.half_spread for i in instruments], n_assets) * legs
        self._stress = stress or CostStress()
        self._rolled = np.resize(yearly_rolls(instruments) * trades_per_roll, n_assets)
        self._optimisers = [Optimiser(settings.risk_aversion) for _ in range(len(sleeves))]
        self.contracts: FloatArray = np.zeros((len(sleeves), n_assets))

    def commit(self, target: Target) -> None:
        """Take over what was decided, once a session."""
        self.contracts = np.array([target.sleeve_contracts[name] for name in self._sleeves])

    def improve(self, plain: PlainDay) -> tuple[dict[str, FloatArray], tuple[str, ...]]:
        """Exposure over NAV of every sleeve, and why one is not the optimum, a sentence each."""
        whole = self._settings.optimiser == OptimiserScope.WHOLE
        previous = self.contracts * plain.unit
        costs = self._costs(plain)
        if not whole:
            out, reasons = {}, []
            total = np.sum(list(plain.shares.values()))
            for k, name in enumerate(self._sleeves):
                share = plain.shares[name] / total if total > 0 else 0.0
                found, reason = self._solved(
                    k, plain, plain.sleeves[name], previous[k], share, {name: 1.0}, costs
                )
                out[name] = found
                reasons += [f"{name}: {reason}"] if reason else []
            return out, tuple(reasons)
        asked = np.sum(list(plain.sleeves.values()), axis=0)
        found, reason = self._solved(
            0, plain, asked, previous.sum(axis=0), 1.0, plain.shares, costs
        )
        moved, total = found - asked, sum(plain.shares.values())
        sleeves = {
            name: weights + moved * (plain.shares[name] / total if total > 0 else 0.0)
            for name, weights in plain.sleeves.items()
        }
        return sleeves, (reason,) if reason else ()

    def _solved(
        self,
        number: int,
        plain: PlainDay,
        asked: FloatArray,
        previous: FloatArray,
        share: float,
        weights: Mapping[str, float],
        costs: Costs,
    ) -> tuple[FloatArray, str]:
        limits = self._limits(plain, asked, previous, share)
        mean = None
        if self._settings.optimiser_mean == OptimiserMean.FORECASTS:
            mean = self._forecast_mean(plain, asked, weights)
        found = self._optimisers[number].solve(asked, previous, plain.cov, limits, costs, mean)
        wanted, own = portfolio_vol(asked, plain.cov), portfolio_vol(found.weights, plain.cov)
        scaled = self._settings.optimiser_risk == OptimiserRisk.TARGET or own > wanted
        if found.reason or not scaled:
            return found.weights, found.reason
        return limits.at_volatility(found.weights, wanted, plain.cov), ""

    def _forecast_mean(
        self, plain: PlainDay, asked: FloatArray, weights: Mapping[str, float]
    ) -> FloatArray:
        """Forecasts times volatility, so scaled that the plain portfolio earns what it implies."""
        sigma = np.sqrt(np.maximum(np.diagonal(plain.cov), 0.0))
        view = np.sum([known(plain.forecasts[name]) * w for name, w in weights.items()], axis=0)
        mean = np.where(plain.member, view * sigma, 0.0)
        earned = float(mean @ asked)
        implied = 2.0 * self._settings.risk_aversion * float(asked @ plain.cov @ asked)
        return np.asarray(mean * (implied / earned if earned > 0 else 0.0))

    def _limits(
        self, plain: PlainDay, asked: FloatArray, previous: FloatArray, share: float
    ) -> Limits:
        settings, snapshot, cov = self._settings, plain.snapshot, plain.cov
        sigma = np.sqrt(np.maximum(np.diagonal(cov), 0.0))
        falling, rising = self._caps.bounds(snapshot)
        alone = np.full(len(sigma), np.inf)
        if settings.cap_market < 1.0:
            most = np.sqrt(settings.cap_market) * settings.vol_target
            alone = np.where(sigma > 0, most / np.where(sigma > 0, sigma, 1.0), 0.0)
        box = np.where(plain.member, np.minimum(plain.box, alone), 0.0)
        low, high = share * np.maximum(falling, -box), share * np.minimum(rising, box)
        priced = (plain.unit > 0) & (sigma > 0)
        fixed = ~snapshot.tradable | snapshot.must_exit | ~priced
        kept = np.where(snapshot.must_exit | ~priced, 0.0, previous)
        groups = [GroupLimit("gross", self._caps.notional, share * settings.cap_gross)]
        groups += self._caps.risk_groups(asked, cov, sigma)
        nets = []
        if settings.optimiser_net < 50.0:
            net = share * settings.optimiser_net
            nets.append(NetLimit("net", np.ones_like(sigma), -net, net))
        betas = self._caps.betas(snapshot)
        if betas is not None:
            beta = share * settings.cap_beta
            nets.append(NetLimit("beta", known(betas), -beta, beta))
        return Limits(
            np.where(fixed, kept, low),
            np.where(fixed, kept, high),
            tuple(groups),
            tuple(nets),
            share * self._vol_limit,
        )

    def _costs(self, plain: PlainDay) -> Costs:
        """Yearly cost over NAV of a unit of exposure traded, of its square, and of one held.

        The square-root law of the impact is matched by a square at the trade that the no-trade band
        makes usual, and for rolls by a line at the average position.
        """
        snapshot = plain.snapshot
        price = np.where(snapshot.price > 0, snapshot.price, np.inf)
        stress = self._stress.of(snapshot.sigma, snapshot.current_sigma)
        trade = (self._cost + (stress - 1.0) * self._spread) / price
        usual = np.maximum(self._settings.buffer, SMALL) * plain.average
        paid = self._moving(usual, plain, stress)
        square = np.where(usual > 0, paid / np.where(usual > 0, usual, 1.0), 0.0)
        moved = self._impact.rolls * self._moving(
            plain.average * self._impact.roll_part, plain, stress
        )
        return Costs(self._trades * trade, self._trades * square, self._rolled * trade + moved)

    def _moving(self, exposure: FloatArray, plain: PlainDay, stress: FloatArray) -> FloatArray:
        """Impact of a unit of exposure over NAV where so much is traded at once."""
        contracts = np.where(
            plain.unit > 0, exposure / np.where(plain.unit > 0, plain.unit, 1.0), 0.0
        )
        return stress * self._impact.at_once(contracts, known(plain.snapshot.sigma), plain.volumes)
