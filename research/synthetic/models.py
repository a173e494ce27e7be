"""Numbers that shape the synthetic market: orders of magnitude of the real ones, no estimates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from universe.instruments import AssetClass, Instrument


@dataclass(frozen=True, slots=True)
class MarketModel:
    """How one market behaves. "In vols" means as a multiple of its annual volatility, per year.

    Attributes
    ----------
    level : float
        Spot at the start of 2000.
    vol : float
        Annual volatility of the spot.
    premium : float
        Constant expected return, in vols (a Sharpe ratio).
    trend : float
        Standard deviation of the slow drift, in vols.
    carry, carry_sd : float
        Mean and standard deviation of the carry rate, in vols.
    carry_years : float
        Half-life of deviations of carry from its mean.
    carry_spot : float
        Correlation of carry shocks with spot shocks; positive where scarcity makes backwardation.
    world, group : float
        Loadings on the world's and on the class's shocks.
    panic, inflation : float
        Return in a crisis of either kind, in annual vols per unit of its depth.
    reversion : float
        Speed at which the spot returns to its centre, per year.
    priced_reversion : float
        Speed that contracts price in; 0 for the true one. A higher one rewards carry.
    far_premium : float
        Log points by which contracts of far expiry lie above the centre.
    season : float
        Amplitude of the seasonal pattern of contract prices by delivery date.
    peak_month : float
        Month of its top.
    """

    level: float
    vol: float
    premium: float = 0.0
    trend: float = 0.55
    carry: float = 0.0
    carry_sd: float = 0.25
    carry_years: float = 1.0
    carry_spot: float = 0.0
    world: float = 0.0
    group: float = 0.5
    panic: float = 0.0
    inflation: float = 0.0
    reversion: float = 0.1
    priced_reversion: float = 0.0
    far_premium: float = 0.0
    season: float = 0.0
    peak_month: float = 1.0


@dataclass(frozen=True, slots=True)
class Crisis:
    """An episode in which markets move together.

    Attributes
    ----------
    start : date
    sessions : int
        Length of the move.
    depth : float
        1 moves a market by its ``panic`` or ``inflation`` times its annual volatility.
    kind : str
        "panic" or "inflation".
    """

    start: date
    sessions: int
    depth: float
    kind: str


CRISES = (
    Crisis(date(2002, 6, 17), 45, 0.9, "panic"),
    Crisis(date(2008, 9, 8), 55, 2.0, "panic"),
    Crisis(date(2011, 8, 1), 20, 0.8, "panic"),
    Crisis(date(2015, 8, 17), 8, 0.5, "panic"),
    Crisis(date(2020, 2, 20), 23, 1.8, "panic"),
    Crisis(date(2022, 2, 14), 150, 1.2, "inflation"),
)

# level and annual volatility of the default markets
_LEVELS = {
    "ES": (1250.0, 0.17),
    "NQ": (1600.0, 0.22),
    "FESX": (3400.0, 0.2),
    "NK225M": (13500.0, 0.21),
    "VX": (19.0, 0.95),
    "ZN": (108.0, 0.055),
    "ZF": (106.0, 0.035),
    "FGBL": (107.0, 0.055),
    "SR3": (95.5, 0.01),
    "6E": (1.1, 0.095),
    "6J": (0.0086, 0.1),
    "6A": (0.64, 0.115),
    "6M": (0.1, 0.12),
    "GC": (290.0, 0.16),
    "SI": (5.2, 0.29),
    "HG": (0.8, 0.25),
    "CL": (24.0, 0.33),
    "NG": (2.6, 0.46),
    "B": (23.0, 0.31),
    "ZC": (2.2, 0.26),
    "ZS": (5.2, 0.23),
    "ZW": (2.8, 0.28),
    "LE": (0.68, 0.15),
    "KC": (1.1, 0.33),
}

DEFAULT_CODES = tuple(_LEVELS)
"""Markets of the synthetic market, unless others are asked for."""

_BY_CLASS: dict[AssetClass, dict[str, float]] = {
    AssetClass.EQUITY: {
        "vol": 0.19, "premium": 0.45, "carry": -0.05, "carry_sd": 0.12, "world": 0.45,
        "group": 0.7, "panic": -1.0, "inflation": -0.9, "reversion": 0.08,
    },
    AssetClass.BOND: {
        "vol": 0.05, "premium": 0.12, "carry": 0.22, "carry_sd": 0.25, "world": -0.3,
        "group": 0.75, "panic": 0.6, "inflation": -1.5,
    },
    AssetClass.FX: {
        "vol": 0.1, "carry_sd": 0.3, "carry_years": 2.0, "world": 0.2, "group": 0.55,
        "panic": -0.5, "inflation": -0.8,
    },
    AssetClass.METAL: {
        "vol": 0.22, "premium": 0.1, "carry": -0.08, "carry_sd": 0.08, "world": 0.2,
        "group": 0.6, "panic": -0.5, "inflation": -0.2,
    },
    AssetClass.ENERGY: {
        "vol": 0.33, "carry_sd": 0.5, "carry_years": 0.5, "carry_spot": 0.6, "world": 0.25,
        "group": 0.75, "panic": -1.2, "inflation": 1.0, "reversion": 0.2,
    },
    AssetClass.AGRICULTURE: {
        "vol": 0.27, "carry": -0.15, "carry_sd": 0.4, "carry_years": 0.6, "carry_spot": 0.5,
        "world": 0.1, "group": 0.45, "panic": -0.4, "inflation": 0.5, "reversion": 0.2,
        "season": 0.03, "peak_month": 6.0,
    },
    AssetClass.VOLATILITY: {
        "vol": 0.95, "trend": 0.0, "carry_sd": 0.0, "world": -0.5, "group": -0.6,
        "panic": 1.0, "inflation": 0.3, "reversion": 3.8, "priced_reversion": 5.0,
        "far_premium": 0.08,
    },
    AssetClass.CRYPTO: {
        "vol": 0.65, "premium": 0.5, "carry": -0.12, "carry_sd": 0.15, "world": 0.3,
        "group": 0.8, "panic": -0.9, "inflation": -0.9,
    },
}  # fmt: skip

_BY_CODE: dict[str, dict[str, float]] = {
    "6J": {"world": -0.25, "panic": 0.6, "inflation": -1.4},
    "6M": {"carry": 0.35},
    "GC": {"panic": 0.2},
    "HG": {"group": 0.3, "world": 0.35, "panic": -1.1},
    "NG": {"group": 0.2, "world": 0.05, "panic": -0.5, "season": 0.12},
    "LE": {"group": 0.1, "season": 0.04, "peak_month": 4.0},
    "KC": {"group": 0.2, "season": 0.0},
    "ZC": {"peak_month": 7.0},
}


def market_model(instrument: Instrument) -> MarketModel:
    """The behaviour of a market: that of its class, with exceptions by code.

    A market without a level of its own starts at a contract value of 100,000 of its currency; a
    bond's volatility follows its duration.
    """
    numbers = dict(_BY_CLASS[instrument.asset_class])
    numbers["level"] = 100_000.0 / instrument.multiplier
    if instrument.duration:
        numbers["level"] = 110.0 if instrument.duration > 0.5 else 96.0
        numbers["vol"] = max(0.0085 * instrument.duration, 0.005)
    if instrument.code in _LEVELS:
        numbers["level"], numbers["vol"] = _LEVELS[instrument.code]
    numbers.update(_BY_CODE.get(instrument.code, {}))
    return MarketModel(**numbers)
