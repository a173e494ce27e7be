"""The chain of a day, written once: LEAN's models and the research engine both call it.

``Strategy`` owns the state; its methods are the stages of DESIGN's chain in order. None of them
knows LEAN, a file or a clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from algorithm.settings import Settings
from alpha.carry import Carry
from alpha.forecasts import CARRY, TREND, Forecasts
from alpha.trend import Ewmac, Tsmom
from execution.orders import ContractKey
from portfolio.calibration import BiasStatistic
from portfolio.contracts import (
    average_position,
    buffered,
    contract_value,
    contracts_for_weights,
    ten_year_equivalent,
    too_big,
    too_dear,
)
from portfolio.covariance import Correlation, ReturnWindow, covariance, portfolio_vol
from portfolio.sleeves import (
    class_budgets,
    diversification_multiplier,
    overlay,
    sleeve_weights,
    vol_target_scale,
)
from risk.gate import GateResult, VarGate
from risk.governor import DrawdownGovernor, govern
from risk.var import VarModel
from universe.arrays import TRADING_DAYS, BoolArray, FloatArray, IntArray, from_epoch_day, known
from universe.instruments import Instrument
from universe.markets import Markets, Observation
from universe.session import Contract, Session


@dataclass(slots=True)
class Plan:
    """What portfolio construction wants, before risk.

    Attributes
    ----------
    sleeve_contracts : dict of str to float array of shape (n_markets,)
        Fractional contracts each sleeve asks for; they add up to ``optimal``.
    optimal : float array of shape (n_markets,)
    contracts : int array of shape (n_markets,)
        After buffering; markets that cannot trade today keep theirs.
    weights : float array of shape (n_markets,)
        Exposure over NAV of ``optimal``.
    unit_exposure : float array of shape (n_markets,)
        Exposure of one contract over NAV, NaN where unknown.
    vol : float
        Ex-ante annual volatility of ``optimal``.
    member : bool array of shape (n_markets,)
        Markets with a risk budget.
    notes : list of (market index, kind, sentence)
    """

    sleeve_contracts: dict[str, FloatArray]
    optimal: FloatArray
    contracts: IntArray
    weights: FloatArray
    unit_exposure: FloatArray
    vol: float
    member: BoolArray
    notes: list[tuple[int, str, str]] = field(default_factory=list)


class Strategy:
    """Decides the target contracts of every market from one session to the next.

    Parameters
    ----------
    settings : Settings
    instruments : sequence of Instrument
        Fixes the order of all arrays.
    """

    STATE = (
        "model_contracts",
        "since_trade",
        "excluded",
        "screened",
        "screened_in",
        "fx",
        "day",
        "last_contracts",
        "last_exposure",
        "last_vol",
    )

    def __init__(self, settings: Settings, instruments: Sequence[Instrument]) -> None:
        n = len(instruments)
        self.settings = settings
        self.instruments = list(instruments)
        self.index = {instrument.code: i for i, instrument in enumerate(instruments)}
        self.markets = Markets(
            instruments,
            vol_span=settings.vol_span,
            vol_long_sessions=settings.vol_long_sessions,
            vol_long_weight=settings.vol_long_weight,
            outlier_sigmas=settings.outlier_sigmas,
            gap_days=settings.gap_days,
            stale_sessions=settings.stale_sessions,
            theta=settings.roll_open_interest_ratio,
            follow_mapping=bool(settings.follow_mapping),
        )
        cap = settings.forecast_cap
        self.forecasts = Forecasts(
            settings.trend_rule,
            Tsmom(
                n,
                (settings.tsmom_weight_3m, settings.tsmom_weight_6m, settings.tsmom_weight_12m),
                settings.tsmom_skip_days,
                settings.tsmom_flip_threshold,
                cap,
            ),
            Ewmac(n, settings.ewmac_fast, cap),
            Carry(n, settings.carry_smoothing, settings.carry_scalar, settings.carry_max_age, cap),
        )
        classes = [str(instrument.asset_class) for instrument in instruments]
        self._class_index = np.array([sorted(set(classes)).index(name) for name in classes])
        self.correlation = Correlation(
            classes,
            settings.covariance,
            span=settings.corr_span,
            window=settings.corr_window,
            every=settings.corr_every,
        )
        self.returns = ReturnWindow(n, settings.var_window)
        self.governor = DrawdownGovernor(
            settings.governor_map,
            settings.governor_restore,
            settings.governor_step,
            settings.governor_window,
        )
        self.gate = VarGate(
            settings.var_limit,
            settings.var_relative_limit,
            settings.var_test,
            settings.var_horizon,
        )
        self.bias = BiasStatistic(settings.bias_span)
        self.recent_bias = BiasStatistic(settings.bias_span // 4)
        self._trade_cost = np.array(
            [i.half_spread + i.fee / i.multiplier for i in instruments]  # fees are in the quote's
        )
        self._multiplier = np.array([instrument.multiplier for instrument in instruments])
        self._adv = np.array([instrument.adv_contracts for instrument in instruments])
        self._duration = np.array([instrument.duration for instrument in instruments])
        self._reference = self._reference_exposure()
        self.model_contracts: IntArray = np.zeros(n, dtype=np.int64)
        self.since_trade: IntArray = np.full(n, 10**6, dtype=np.int64)
        self.excluded: BoolArray = np.zeros(n, dtype=bool)
        self.screened: BoolArray = np.zeros(n, dtype=bool)
        self.screened_in = 0
        self.last_contracts: IntArray = np.zeros(n, dtype=np.int64)
        self.last_exposure: FloatArray = np.zeros(n)
        self.last_vol = 0.0
        self.fx: FloatArray = np.full(n, np.nan)
        self.day = 0
        self._tradable: BoolArray = np.zeros(n, dtype=bool)
        self._model: VarModel | None = None
        self._correlation: FloatArray = np.eye(n)
        self._sigma: FloatArray = np.full(n, np.nan)

    # --- universe and alpha ----------------------------------------------------------------------
    def list_contract(self, market: int, contract: Contract) -> None:
        """Make a contract known before its first bar; knowing it twice is harmless."""
        self.markets.contracts[market][contract.month] = contract

    def observe(self, session: Session) -> Observation:
        """Stages 1 to 3a: quality gate, rolls, continuous series, rules, correlations."""
        markets = self.markets
        before = markets.sigma()
        last_seen = markets.last_seen.copy()
        seen = markets.observe(session)
        self.day = session.day
        self.fx = np.where(np.isfinite(session.fx), session.fx, self.fx)  # the last one known
        self._tradable = markets.tradable(seen.seen)
        self._standardise(seen, before, session.day - last_seen)
        self._learn_bias(seen)
        day = from_epoch_day(session.day)
        for market in self.forecasts.update(session.day, day.year * 100 + day.month, seen, markets):
            code = self.instruments[market].code
            seen.notes.append((market, "flip", f"{code} trend flipped between recomputations"))
        self._sigma = markets.sigma()
        self._correlation = self.correlation.matrix(self.returns)
        self._model = None
        return seen

    def _learn_bias(self, seen: Observation) -> None:
        """Only sessions in which most of the book traded tell anything of its volatility."""
        risk = np.abs(self.last_exposure) * known(self._sigma)
        if risk[seen.seen].sum() < 0.5 * risk.sum():
            return
        for bias in (self.bias, self.recent_bias):
            bias.update(float(self.last_exposure @ seen.ret), self.last_vol)

    def _standardise(self, seen: Observation, sigma: FloatArray, days: IntArray) -> None:
        sessions = np.maximum(days * 5.0 / 7.0, 1.0)
        usable = seen.seen & (sigma > 0)
        scale = np.where(usable, sigma, 1.0) * np.where(days > 4, np.sqrt(sessions), 1.0)
        z = np.where(usable, seen.ret / scale, 0.0)
        self.correlation.update(z, usable)
        self.returns.push(z)

    def forecast(self) -> dict[str, FloatArray]:
        """Stage 3: forecasts by sleeve, NaN where there is none or the market is out."""
        alive = self.markets.alive(self.day)
        current = self.forecasts.current(self.markets)
        step = self.settings.forecast_step
        return {
            name: np.where(alive, np.rint(value / step) * step, np.nan)
            for name, value in current.items()
        }

    def trusted_nav(self, nav: float, held: IntArray) -> float:
        """Account value with the markets that are held back at their last trusted price.

        A bad bar must not reach the size of the others, nor the governor's peak, through NAV.

        Parameters
        ----------
        nav : float
            As the account has it.
        held : int array of shape (n_markets,)
        """
        doubt = known(self.markets.suspect - self.markets.price) * self._multiplier * known(self.fx)
        return float(nav - held @ doubt)

    # --- portfolio -------------------------------------------------------------------------------
    def construct(self, forecasts: Mapping[str, FloatArray], nav: float) -> Plan:
        """Stage 4: sleeves to their budgets, overlay, vol target, whole contracts.

        Parameters
        ----------
        forecasts : mapping of sleeve to float array of shape (n_markets,)
        nav : float
            Account currency.
        """
        settings = self.settings
        if not nav > 0:
            return self._without_nav(nav)
        annual = self._sigma * np.sqrt(TRADING_DAYS)
        value = contract_value(self.markets.positive_price, self._multiplier, self.fx)
        have = np.any([np.isfinite(f) for f in forecasts.values()], axis=0)
        alive = have & (value > 0) & self.markets.alive(self.day)
        notes = self._screen(alive, value, annual, nav)
        member = alive & ~self.excluded
        cov = covariance(self._correlation, annual * self.bias.value)

        raw = {}
        for name, forecast in forecasts.items():
            budget = class_budgets(self._class_index, member & np.isfinite(forecast))
            raw[name] = sleeve_weights(forecast, annual, budget)
        shares = {TREND: settings.trend_budget, CARRY: 1.0 - settings.trend_budget}
        sleeves = overlay(raw, shares, cov)
        total = np.sum(list(sleeves.values()), axis=0)
        cap = self._caps(value, nav)
        scale = self._scale_to_target(total, cov, cap)
        sleeve_contracts = {
            name: contracts_for_weights(weights * scale, nav, value, self._duration)
            for name, weights in sleeves.items()
        }
        optimal = np.sum(list(sleeve_contracts.values()), axis=0)

        budget = class_budgets(self._class_index, member)
        idm = diversification_multiplier(budget, self._correlation)
        average = average_position(nav, settings.vol_target, idm, budget, value * annual)
        wanted = buffered(
            optimal,
            self.model_contracts,
            settings.buffer * average,
            sessions_since_trade=self.since_trade,
            cooldown=settings.cooldown_sessions,
        )
        limit = np.floor(cap * nav / np.where(value > 0, value, np.inf) + 1e-9)
        wanted = np.minimum(np.maximum(wanted, -limit), limit).astype(np.int64)
        free = self._tradable & have & (value > 0) & (self._sigma > 0)
        wanted = np.where(free, wanted, self.model_contracts)
        wanted = np.where(self._expired() | self.markets.must_exit, 0, wanted)
        self.since_trade = np.where(wanted != self.model_contracts, 0, self.since_trade + 1)
        self.model_contracts = wanted
        unit = np.where(value > 0, value / nav, np.nan)
        return Plan(
            sleeve_contracts,
            optimal,
            wanted,
            total * scale,
            unit,
            portfolio_vol(total * scale, cov),
            member,
            notes,
        )

    def _without_nav(self, nav: float) -> Plan:
        """Hold what is held while NAV is unknown; be flat when nothing is left."""
        n = len(self.instruments)
        if nav <= 0:
            self.model_contracts = np.zeros(n, dtype=np.int64)
        zero = np.zeros(n)
        return Plan(
            {name: zero for name in (TREND, CARRY)},
            zero,
            self.model_contracts,
            zero,
            np.full(n, np.nan),
            0.0,
            np.zeros(n, dtype=bool),
            [(0, "universe", f"NAV is {nav:,.0f}: no market is sized")],
        )

    def _caps(self, value: FloatArray, nav: float) -> FloatArray:
        """Largest exposure over NAV of every market: by liquidity and by concentration."""
        settings = self.settings
        liquid = settings.max_adv * self._adv * known(value) / nav
        return np.minimum(liquid, settings.max_exposure * ten_year_equivalent(self._duration))

    def _scale_to_target(self, total: FloatArray, cov: FloatArray, cap: FloatArray) -> FloatArray:
        """Multiplier per market: one for the vol target, less where a position is capped.

        What the capped markets cannot carry goes to the others, in one further pass; where a
        capped market was a hedge, all are cut until the volatility is the planned one.
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

    def _screen(
        self, alive: BoolArray, value: FloatArray, annual: FloatArray, nav: float
    ) -> list[tuple[int, str, str]]:
        """Which markets are too big for the fund, or too dear to trade (U7).

        Judged once a month, and when a market first counts.
        """
        day = from_epoch_day(self.day)
        month = day.year * 100 + day.month
        if month == self.screened_in and not (alive & ~self.screened).any():
            return []
        self.screened_in = month
        self.screened = self.screened | alive
        settings = self.settings
        budget = class_budgets(self._class_index, alive)
        idm = diversification_multiplier(budget, self._correlation)
        average = average_position(nav, settings.vol_target, idm, budget, value * annual)
        big = too_big(average, settings.min_position, alive)
        sigma_price = self.markets.positive_price * annual
        dear = too_dear(self._trade_cost, sigma_price, settings.max_cost, alive)
        notes = []
        for market in np.flatnonzero((big | dear) & ~self.excluded).tolist():
            code = self.instruments[market].code
            text = (
                f"{code} is too big for NAV {nav:,.0f}: its average position would be "
                f"{average[market]:.2f} contracts, at least {settings.min_position:g} is asked"
                if big[market]
                else f"{code} is too dear: a trade costs "
                f"{self._trade_cost[market] / sigma_price[market]:.4f} of annual volatility, at "
                f"most {settings.max_cost:g} is allowed"
            )
            notes.append((market, "universe", text))
        for market in np.flatnonzero(self.excluded & alive & ~(big | dear)).tolist():
            notes.append((market, "universe", f"{self.instruments[market].code} is traded again"))
        self.excluded = np.where(alive, big | dear, self.excluded)
        return notes

    def _expired(self) -> BoolArray:
        return np.asarray(self.markets.held_expiry < self.day)

    # --- risk ------------------------------------------------------------------------------------
    def update_governor(self, nav: float) -> float:
        """Take the day's NAV; returns the share of gross exposure allowed."""
        return self.governor.update(nav)

    def govern(self, contracts: IntArray) -> IntArray:
        """Stage 5a: the drawdown governor on whole contracts."""
        return govern(contracts, self.governor.scale)

    def gate_targets(
        self, contracts: IntArray, held: IntArray, unit_exposure: FloatArray
    ) -> GateResult:
        """Stage 5c: the VaR gate, last, on whole contracts."""
        # VaR is proportional to volatility: our own caution must not widen the relative limit
        reference = None
        if self._reference is not None and self._reference_ready():
            reference = np.asarray(self._reference / self._caution())
        model = self.var_model()
        result = self.gate.apply(contracts, held, unit_exposure, model, reference)
        self.last_contracts = result.contracts
        self.last_exposure = known(result.contracts * unit_exposure)
        plain = covariance(self._correlation, self._sigma)
        self.last_vol = portfolio_vol(self.last_exposure, plain)
        return result

    def _caution(self) -> float:
        """Correction of volatility in the value at risk: the worst of slow, recent and none."""
        return max(self.bias.value, self.recent_bias.value, 1.0)

    def var_model(self) -> VarModel:
        """Value-at-risk model as of the last session.

        The long-run volatility may raise the forecast above the current one, never lower it.
        """
        if self._model is None:
            cautious = np.fmax(self._sigma, self.markets.vol.std())
            sigma = known(cautious) * self._caution()
            self._model = VarModel(
                covariance(self._correlation, sigma),
                sigma,
                self.returns.rows(),
                self.settings.var_confidence,
                self.settings.var_min_sessions,
                self.settings.var_tail,
            )
        return self._model

    def _reference_exposure(self) -> FloatArray | None:
        weights = self.settings.reference_weights
        if not weights or any(code not in self.index for code in weights):
            return None
        exposure = np.zeros(len(self.instruments))
        for code, weight in weights.items():
            exposure[self.index[code]] = weight
        return exposure

    def _reference_ready(self) -> bool:
        if self._reference is None:
            return False
        return bool(np.all(self._sigma[self._reference != 0] > 0))

    # --- execution -------------------------------------------------------------------------------
    def target_contracts(self, contracts: IntArray) -> dict[int, tuple[int, int]]:
        """Stage 6: (contract month, contracts) by market index, for ``plan_orders``."""
        held = self.markets.held.tolist()
        return {i: (held[i], int(n)) for i, n in enumerate(contracts.tolist()) if held[i]}

    def stuck_contracts(self) -> list[ContractKey]:
        """Contracts that were rolled out of without a price, and may still be held."""
        return [(i, month) for i, month in enumerate(self.markets.lost.tolist()) if month]

    # --- state -----------------------------------------------------------------------------------
    def components(self) -> dict[str, Any]:
        """All objects with state, by a stable name, for ``algorithm.state``."""
        return {
            "strategy": self,
            "markets": self.markets,
            "vol": self.markets.vol,
            "tsmom": self.forecasts.tsmom,
            "tsmom.ring": self.forecasts.tsmom.ring,
            "ewmac.ema": self.forecasts.ewmac.ema,
            "carry": self.forecasts.carry,
            "carry.mean": self.forecasts.carry.mean,
            "correlation": self.correlation,
            "returns": self.returns,
            "bias": self.bias,
            "bias.recent": self.recent_bias,
            "governor": self.governor,
        }

    def after_restore(self) -> None:
        """Recompute what is derived from the state, once it has been read back."""
        self.markets.refresh()
        self._sigma = self.markets.sigma()
        self._correlation = self.correlation.matrix(self.returns)
        self._model = None
