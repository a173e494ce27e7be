"""Settings of the portfolio: budgets, covariance, volatility target, contracts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from universe.setting import Table, setting


class Budgets(StrEnum):
    """How risk is shared among the markets of a sleeve, see ``portfolio.budgets``."""

    EQUAL = "equal"
    CONTRIBUTION = "contribution"
    CONVICTION = "conviction"
    AGNOSTIC = "agnostic"
    HRP = "hrp"
    OWN = "own"


class Linkage(StrEnum):
    """How clusters of HRP are joined."""

    SINGLE = "single"
    COMPLETE = "complete"
    AVERAGE = "average"
    WARD = "ward"


class LeafOrder(StrEnum):
    """Order of the leaves of HRP's tree."""

    OPTIMAL = "optimal"
    PLAIN = "plain"


class Estimator(StrEnum):
    """How correlations are estimated."""

    EWMA = "ewma"
    LEDOIT_WOLF = "ledoit_wolf"
    BLOCK_DIAGONAL = "block_diagonal"


class ContractChoice(StrEnum):
    """How whole contracts are chosen."""

    TRACKING = "tracking"
    ROUNDING = "rounding"


class OptimiserScope(StrEnum):
    """What the optimiser works on."""

    OFF = "off"
    WHOLE = "whole"
    SLEEVES = "sleeves"


class OptimiserMean(StrEnum):
    """Where the optimiser's expected returns come from."""

    IMPLIED = "implied"
    FORECASTS = "forecasts"


class OptimiserRisk(StrEnum):
    """Volatility of the optimiser's portfolio."""

    TARGET = "target"
    OWN = "own"


class Volumes(StrEnum):
    """How daily volumes of the past and of a grown fund follow from the instrument master's."""

    TODAY = "today"
    FUND = "fund"


class SleeveShares(StrEnum):
    """Whether sleeves keep their shares of risk."""

    FIXED = "fixed"
    DYNAMIC = "dynamic"


@dataclass(frozen=True)
class PortfolioSettings(Table):
    """From forecasts to whole contracts."""

    budgets: Budgets = setting(
        Budgets.CONVICTION, "how risk is shared among the markets of a sleeve"
    )
    own_budgets: str = setting(
        "", "for budgets=own: pairs of asset class and its share of standalone risk"
    )
    agnostic_shrinkage: float = setting(
        0.3, "for budgets=agnostic: share by which correlations are shrunk", low=0.0, high=1.0
    )
    hrp_linkage: Linkage = setting(Linkage.SINGLE, "for budgets=hrp: how clusters are joined")
    hrp_order: LeafOrder = setting(LeafOrder.OPTIMAL, "for budgets=hrp: order of the leaves")
    cap_market: float = setting(
        0.08, "largest share of ex-ante variance of a market; 1 is off", low=0.01, high=1.0
    )
    cap_sector: float = setting(
        1.0, "largest share of ex-ante variance of a sector; 1 is off", low=0.01, high=1.0
    )
    cap_class: float = setting(
        0.22, "largest share of ex-ante variance of an asset class; 1 is off", low=0.01, high=1.0
    )
    cap_beta: float = setting(
        0.5, "largest net beta to beta_market, either side; 5 is off", low=0.0, high=5.0
    )
    beta_market: str = setting("ES", "market that net beta is measured against, if it is traded")
    beta_window: int = setting(
        252, "sessions that betas are measured over", unit="sessions", low=60, high=756
    )
    cap_gross: float = setting(
        6.0, "largest gross, rates in ten-year equivalents", unit="of NAV", low=0.5, high=50.0
    )
    cap_jump: float = setting(
        0.03,
        "largest loss in the market's own worst day so far; 1 is off",
        unit="of NAV",
        low=0.001,
        high=1.0,
    )
    cap_short_vol: float = setting(
        0.05,
        "largest loss of a short in volatility futures when they rise by short_vol_rise; 1 is off",
        unit="of NAV",
        low=0.001,
        high=1.0,
    )
    short_vol_rise: float = setting(
        0.6, "rise of volatility futures that cap_short_vol speaks of", low=0.05, high=5.0
    )
    max_adv: float = setting(
        0.25,
        "largest position as a share of the average daily volume",
        unit="of ADV",
        low=0.001,
        high=10.0,
    )
    volumes: Volumes = setting(
        Volumes.TODAY,
        "daily volumes behind impact and max_adv: today's, or such that they grow with the fund, "
        "which keeps costs those of a fund of the starting capital",
    )
    max_exposure: float = setting(
        0.5,
        "largest exposure to one market; rates count in ten-year equivalents by DV01",
        unit="of NAV",
        low=0.01,
        high=20.0,
    )
    max_spread_exposure: float = setting(
        1.0,
        "largest exposure of either leg of a calendar spread; rates in ten-year equivalents",
        unit="of NAV",
        low=0.01,
        high=50.0,
    )
    trend_budget: float = setting(0.5, "risk share of the trend sleeve", low=0.0, high=1.0)
    other_budget: float = setting(
        0.0, "risk share of the sleeves that are neither trend nor carry", low=0.0, high=1.0
    )
    sleeve_mix: SleeveShares = setting(
        SleeveShares.FIXED,
        "shares of risk of the sleeves: the budgets, or monthly from what each has earned for its "
        "risk",
    )
    mix_window: int = setting(
        1260, "sessions of results that a dynamic mix counts", low=250, high=5040
    )
    mix_shrinkage: float = setting(0.75, "part of equal shares in a dynamic mix", low=0.0, high=1.0)
    mix_low: float = setting(0.35, "least share of a sleeve in a dynamic mix", low=0.0, high=0.5)
    mix_high: float = setting(0.65, "largest share of a sleeve in a dynamic mix", low=0.5, high=1.0)
    covariance: Estimator = setting(Estimator.EWMA, "correlation estimator")
    corr_span: int = setting(
        250, "span of the EWMA correlation", unit="sessions", low=20, high=2000
    )
    corr_window: int = setting(
        252, "window of the Ledoit-Wolf correlation", unit="sessions", low=60, high=756
    )
    corr_every: int = setting(
        5, "sessions between two Ledoit-Wolf estimates", unit="sessions", low=1, high=63
    )
    vol_target: float = setting(
        0.10, "annual volatility of the fund", unit="of NAV", low=0.01, high=0.5
    )
    bias_span: int = setting(
        250, "span of the correction of ex-ante volatility", unit="sessions", low=60, high=2000
    )
    vol_floor: float = setting(
        0.25,
        "least vol of the overlaid sleeves that is scaled up, where 1 is one sleeve's",
        low=0.01,
        high=1.0,
    )
    buffer: float = setting(
        0.20, "no-trade band as share of the average position (001: 0.1)", low=0.0, high=1.0
    )
    cooldown_sessions: int = setting(
        5, "sessions after a trade without another small one", unit="sessions", low=0, high=63
    )
    optimiser: OptimiserScope = setting(
        OptimiserScope.OFF,
        "most return less risk and cost within the limits (000): off, of the whole portfolio, or "
        "of each sleeve before they are added",
    )
    optimiser_mean: OptimiserMean = setting(
        OptimiserMean.IMPLIED,
        "expected returns: those for which the plain portfolio is the best, or the forecasts",
    )
    optimiser_risk: OptimiserRisk = setting(
        OptimiserRisk.TARGET,
        "volatility of the optimum: brought to the plain portfolio's, as far as the limits allow "
        "(000 targets volatility after it), or what its costs leave",
    )
    optimiser_net: float = setting(
        50.0,
        "largest net exposure in the optimiser, either side",
        unit="of NAV",
        low=0.1,
        high=50.0,
    )
    whole_contracts: ContractChoice = setting(
        ContractChoice.TRACKING,
        "contracts together, so that they track the fractional portfolio in the covariance, or "
        "market by market",
    )
    contract_sizes: bool = setting(
        False,
        "fill positions with full-size and small contracts of an underlying (ES and MES), by cost",
    )
    contrary_contracts: bool = setting(
        True, "for whole_contracts=tracking: a contract may stand against its signal, as a hedge"
    )
    risk_aversion: float = setting(
        5.0,
        "variance's weight against cost, and against return in the optimiser: half of a Sharpe "
        "ratio over the volatility that it is earned at",
        low=0.1,
        high=100.0,
    )
    scale_floor: float = setting(
        0.0, "least product of all exposure scales (governor and others)", low=0.0, high=1.0
    )
