"""The chain of a day, written once: LEAN's models and the research engine both call it.

``Strategy`` owns the state; its methods are the stages of DESIGN's chain in order. None of them
knows LEAN, a file or a clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from algorithm.construction import Construction, Plan, RiskView
from algorithm.settings import Settings
from algorithm.signals import make_forecasts
from alpha.forecasts import CALENDAR
from execution.orders import ContractKey
from portfolio.calibration import BiasStatistic
from portfolio.covariance import Correlation, ReturnWindow, covariance, portfolio_vol
from risk.gate import GateResult, VarGate
from risk.governor import DrawdownGovernor, govern
from risk.var import VarModel
from universe.arrays import TRADING_DAYS, BoolArray, FloatArray, IntArray, from_epoch_day, known
from universe.assets import Assets
from universe.curves import MacroState
from universe.instruments import Instrument
from universe.markets import Markets, Observation
from universe.session import Contract, Session
from universe.spreads import CalendarSpreads


class Strategy:
    """Decides the target contracts of every market from one session to the next.

    Parameters
    ----------
    settings : Settings
    instruments : sequence of Instrument
        Fixes the order of all arrays.

    Attributes
    ----------
    held_near, held_far, held_month : int arrays of shape (n_markets,)
        Legs of the spreads and outright contracts that are held: those chosen before the last
        session.
    """

    STATE = ("fx", "day", "last_contracts", "last_exposure", "last_vol")

    def __init__(self, settings: Settings, instruments: Sequence[Instrument]) -> None:
        self.settings = settings
        self.instruments = list(instruments)
        self.index = {instrument.code: i for i, instrument in enumerate(instruments)}
        volatility: dict[str, Any] = {
            "vol_span": settings.vol_span,
            "vol_long_sessions": settings.vol_long_sessions,
            "vol_long_weight": settings.vol_long_weight,
            "outlier_sigmas": settings.outlier_sigmas,
            "gap_days": settings.gap_days,
        }
        self.markets = Markets(
            instruments,
            **volatility,
            stale_sessions=settings.stale_sessions,
            theta=settings.roll_open_interest_ratio,
            follow_mapping=bool(settings.follow_mapping),
        )
        spreads = "calendar" in settings.carry_names
        self.assets = Assets(
            self.markets, CalendarSpreads(self.markets, **volatility) if spreads else None
        )
        n = self.assets.n
        classes = [str(instrument.asset_class) for instrument in instruments]
        class_index = np.array([sorted(set(classes)).index(name) for name in classes])
        self.macro = MacroState(settings.macro_max_age)
        self.forecasts = make_forecasts(settings, instruments, class_index)
        self.construction = Construction(settings, self.assets, self.forecasts, class_index)
        self.correlation = Correlation(
            classes + [f"{name} spread" for name in classes[: n - len(classes)]],
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
        self._multiplier = np.array([instrument.multiplier for instrument in instruments])
        self._reference = self._reference_exposure()
        self.last_contracts: IntArray = np.zeros(n, dtype=np.int64)
        self.last_exposure: FloatArray = np.zeros(n)
        self.last_vol = 0.0
        self.fx: FloatArray = np.full(len(instruments), np.nan)
        self.day = 0
        none: IntArray = np.zeros(len(instruments), dtype=np.int64)
        self.held_near, self.held_far, self.held_month = none, none, none
        self._tradable: BoolArray = np.zeros(n, dtype=bool)
        self._model: VarModel | None = None
        self._correlation: FloatArray = np.eye(n)
        self._sigma: FloatArray = np.full(n, np.nan)

    @property
    def sleeves(self) -> tuple[str, ...]:
        """Names of the sleeves, trend first."""
        return self.forecasts.sleeves

    @property
    def model_contracts(self) -> IntArray:
        """Contracts that construction holds, before governor and gate."""
        return self.construction.model_contracts

    # --- universe and alpha ----------------------------------------------------------------------
    def list_contract(self, market: int, contract: Contract) -> None:
        """Make a contract known before its first bar; knowing it twice is harmless."""
        self.markets.contracts[market][contract.month] = contract

    def observe(self, session: Session) -> Observation:
        """Stages 1 to 3a: quality gate, rolls, continuous series, rules, correlations."""
        assets, markets = self.assets, self.markets
        if assets.spreads is not None:  # a change of pair is traded after this session
            self.held_near = assets.spreads.near.copy()
            self.held_far = assets.spreads.far.copy()
        self.held_month = markets.held.copy()
        before = assets.sigma()
        last_seen = assets.last_seen()
        seen, spread, priced, ret = assets.observe(session)
        self.day = session.day
        self.fx = np.where(np.isfinite(session.fx), session.fx, self.fx)  # the last one known
        self._tradable = assets.tradable(priced)
        self._standardise(priced, ret, before, session.day - last_seen)
        self._learn_bias(priced, ret)
        self.learn_macro(session.macro)
        date = from_epoch_day(session.day)
        seen.notes += self.forecasts.update(
            session.day,
            date.year * 100 + date.month,
            seen,
            markets,
            self.macro,
            None if spread is None or assets.spreads is None else (spread, assets.spreads),
        )
        self._sigma = assets.sigma()
        self._correlation = self.correlation.matrix(self.returns)
        self._model = None
        return seen

    def learn_macro(self, values: Mapping[str, tuple[int, float]]) -> None:
        """Take macro series: (epoch day known, value) by name."""
        for name, (known_on, value) in values.items():
            self.macro.update(known_on, {name: value})

    def _learn_bias(self, seen: BoolArray, ret: FloatArray) -> None:
        """Only sessions in which most of the book traded tell anything of its volatility."""
        risk = np.abs(self.last_exposure) * known(self._sigma)
        if risk[seen].sum() < 0.5 * risk.sum():
            return
        for bias in (self.bias, self.recent_bias):
            bias.update(float(self.last_exposure @ ret), self.last_vol)

    def _standardise(
        self, seen: BoolArray, ret: FloatArray, sigma: FloatArray, days: IntArray
    ) -> None:
        sessions = np.maximum(days * 5.0 / 7.0, 1.0)
        usable = seen & (sigma > 0)
        scale = np.where(usable, sigma, 1.0) * np.where(days > 4, np.sqrt(sessions), 1.0)
        z = np.where(usable, ret / scale, 0.0)
        self.correlation.update(z, usable)
        self.returns.push(z)

    def forecast(self) -> dict[str, FloatArray]:
        """Stage 3: forecasts by sleeve, NaN where there is none or the market is out.

        Of shape (n_markets,); the calendar sleeve's are of the markets' spreads.
        """
        alive = self.assets.alive(self.day)
        n = self.assets.n_markets
        member = alive[:n] & ~self.construction.excluded[:n]
        step = self.settings.forecast_step
        out = {}
        for name, value in self.forecasts.current(self.markets, member).items():
            there = alive[self.assets.spread_part()] if name == CALENDAR else alive[:n]
            out[name] = np.where(there, np.rint(value / step) * step, np.nan)
        return out

    def trusted_nav(self, nav: float, held: IntArray) -> float:
        """Account value with the markets that are held back at their last trusted price.

        A bad bar must not reach the size of the others, nor the governor's peak, through NAV.

        Parameters
        ----------
        nav : float
            As the account has it.
        held : int array of shape (n_assets,)
        """
        doubt = known(self.markets.suspect - self.markets.price)
        if self.assets.spreads is not None:
            spreads = self.assets.spreads
            doubt = np.concatenate([doubt, known(spreads.suspect - spreads.price)])
        value = self.assets.per_asset(self._multiplier * known(self.fx))
        return float(nav - held @ (doubt * value))

    def carry_per_contract(self) -> FloatArray:
        """Account currency a year that one contract held outright earns at an unchanged curve.

        From the unadjusted basis of the futures pair, also where forecasts take carry from another
        source. Of shape (n_markets,), NaN where none is younger than ``carry_max_age`` (A7).
        """
        known_on, basis = self.forecasts.basis_day, self.forecasts.basis
        fresh = self.day - known_on <= self.settings.carry_max_age
        return np.asarray(np.where(fresh, basis, np.nan) * self._multiplier * self.fx)

    # --- portfolio -------------------------------------------------------------------------------
    def construct(self, forecasts: Mapping[str, FloatArray], nav: float) -> Plan:
        """Stage 4: sleeves to their budgets, overlay, vol target, whole contracts.

        Parameters
        ----------
        forecasts : mapping of sleeve to float array of shape (n_markets,)
        nav : float
            Account currency.
        """
        annual = self._sigma * np.sqrt(TRADING_DAYS)
        risk = RiskView(
            self.day,
            self._sigma,
            self._correlation,
            covariance(self._correlation, annual * self.bias.value),
            self.fx,
            self._tradable,
        )
        by_asset = {name: self._per_asset(name, value) for name, value in forecasts.items()}
        return self.construction.construct(by_asset, nav, risk)

    def _per_asset(self, sleeve: str, forecast: FloatArray) -> FloatArray:
        """A sleeve's forecast over all assets: of the spreads or of the markets outright."""
        if self.assets.spreads is None:
            return forecast
        none = np.full_like(forecast, np.nan)
        return np.concatenate([none, forecast] if sleeve == CALENDAR else [forecast, none])

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
            cautious = np.fmax(self._sigma, self.assets.current_sigma())
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
        exposure = np.zeros(self.assets.n)
        for code, weight in weights.items():
            exposure[self.index[code]] = weight
        return exposure

    def _reference_ready(self) -> bool:
        if self._reference is None:
            return False
        return bool(np.all(self._sigma[self._reference != 0] > 0))

    # --- execution -------------------------------------------------------------------------------
    def target_contracts(self, contracts: IntArray) -> dict[int, dict[int, int]]:
        """Stage 6: contracts by contract month of every market, for ``plan_orders``."""
        return self.assets.target_contracts(contracts)

    def held_assets(self, holdings: Mapping[ContractKey, int]) -> IntArray:
        """Contracts held of every asset: net ones outright, and pairs of spread legs.

        Parameters
        ----------
        holdings : mapping of (market index, contract month) to contracts
        """
        held = np.zeros(self.assets.n, dtype=np.int64)
        spreads, n = self.assets.spreads, self.assets.n_markets
        for (market, month), quantity in holdings.items():
            held[market] += quantity
            if spreads is not None and month == self.held_far[market]:
                held[n + market] -= quantity
        if spreads is not None:
            shared = self.held_far == self.held_month
            held[n:] += np.where(shared, held[:n], 0)
        return held

    def stuck_contracts(self) -> dict[ContractKey, int]:
        """Contracts that were rolled out of without a price, and may still be held."""
        held = self.markets.held.tolist()
        return {(i, month): held[i] for i, month in enumerate(self.markets.lost.tolist()) if month}

    # --- state -----------------------------------------------------------------------------------
    def components(self) -> dict[str, Any]:
        """All objects with state, by a stable name, for ``algorithm.state``."""
        return {
            "strategy": self,
            "markets": self.markets,
            "vol": self.markets.vol,
            **self.assets.spread_components(),
            "macro": self.macro,
            **self.forecasts.components(),
            "construction": self.construction,
            "correlation": self.correlation,
            "returns": self.returns,
            "bias": self.bias,
            "bias.recent": self.recent_bias,
            "governor": self.governor,
        }

    def after_restore(self) -> None:
        """Recompute what is derived from the state, once it has been read back."""
        self.markets.refresh()
        if self.assets.spreads is not None:
            self.assets.spreads.vol.refresh()
        self._sigma = self.assets.sigma()
        self._correlation = self.correlation.matrix(self.returns)
        self._model = None
