"""What a backtest leaves behind: one table per quantity, by session and market."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from algorithm.decision_line import Event, MarketFacts
from execution.fills import Fill
from research.data.dataset import DataIssue
from risk.limits import Reading
from universe.arrays import BoolArray, FloatArray, IntArray, sessions_a_year

if TYPE_CHECKING:
    import pandas as pd

    from research.measures.benchmark import Benchmark
    from research.measures.deflated import DeflatedSharpe


@dataclass
class RunResult:
    """Day by day record of a run, from either engine.

    Arrays are (n_days,) or (n_days, n_markets); money in account currency. ``pnl`` is the price
    profit of the contracts held into the day; ``cost`` is the slippage and fees of the day's fills
    (at least 0), so that the net profit of a market is pnl - cost. ``exante_vol`` is annual,
    ``var_*`` are positive fractions of NAV.
    """

    data_name: str
    synthetic: bool
    engine: str  # "embedded" or "LEAN"
    settings: dict[str, str]
    settings_hash: str
    data_hash: str
    markets: list[str]
    classes: list[str]  # asset class of each market
    day: IntArray
    nav: FloatArray
    pnl: FloatArray  # (days, markets), gross
    cost: FloatArray  # (days, markets), all fills
    roll_cost: FloatArray  # (days, markets), the part of cost due to rolls
    sleeve_pnl: dict[str, FloatArray]  # sleeve or "rounding and limits" -> (days, markets) gross
    contracts: IntArray  # (days, markets), held after the day's fills
    targets: IntArray  # (days, markets), decided after the close of the day
    forecasts: dict[str, FloatArray]  # sleeve -> (days, markets), NaN where absent
    weight: FloatArray  # (days, markets), signed exposure of the targets over NAV
    exante_vol: FloatArray  # of the targets
    vol_target: float
    var_parametric: FloatArray  # 99 %/20-day of the targets after the gate
    var_historical: FloatArray
    var_relative: FloatArray  # VaR over that of the reference portfolio, NaN where unknown
    var_limit: float
    var_one_day: FloatArray  # 99 %/1-day of the positions held overnight
    drawdown: FloatArray
    governor_scale: FloatArray  # 1 = not active
    gate_scale: FloatArray  # exposure left by the gate, 1 = not active
    active: BoolArray  # (days, markets), whether the market may be traded
    fills: list[Fill] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    issues: list[DataIssue] = field(default_factory=list)
    volumes: str = ""  # what the volumes behind impact and caps are worth
    timings: dict[str, float] = field(default_factory=dict)
    var_held: FloatArray | None = None  # 99 %/20-day of the contracts held at the close
    es_one_day: FloatArray | None = None  # expected shortfall beside var_one_day
    diversification_ratio: FloatArray | None = None  # of the targets
    var_proxies: FloatArray | None = None  # positions with a stand-in in historical VaR
    risk_share: FloatArray | None = None  # (days, markets), of the targets' ex-ante variance
    scales: dict[str, FloatArray] = field(default_factory=dict)  # every exposure scale by name
    stages: dict[str, FloatArray] = field(default_factory=dict)  # left by every risk stage by name
    closing_fees: FloatArray | None = None  # of closing all positions, part of nav
    target_contracts: list[list[tuple[str, int, int]]] = field(default_factory=list)
    orders: list[tuple[int, str, int, int]] = field(default_factory=list)  # day, code, month, n
    carry_per_contract: FloatArray | None = None  # (days, markets), a year at an unchanged curve
    carry_source: IntArray | None = None  # (days, markets), ``alpha.carry_sources.Source``
    spread_pnl: FloatArray | None = None  # (days, markets), of the calendar spreads' legs
    spread_targets: IntArray | None = None  # (days, markets), spreads decided on
    spread_contracts: IntArray | None = None  # (days, markets), spreads held
    unit_value: FloatArray | None = None  # (days, markets), notional of one contract
    point_value: FloatArray | None = None  # (days, markets), a contract's gain per point
    sigma: FloatArray | None = None  # (days, markets), daily volatility of returns
    position_limit: FloatArray | None = None  # (days, markets), most contracts of a market
    sleeve_weight: dict[str, FloatArray] = field(default_factory=dict)  # asked for, over NAV
    sleeve_vol: dict[str, FloatArray] = field(default_factory=dict)  # (days,), annual, ex ante
    sleeve_carry: dict[str, FloatArray] = field(default_factory=dict)  # a year, over NAV
    exposure_scale: FloatArray | None = None  # (days,), product of ``scales``
    tracking_error: FloatArray | None = None  # (days,), annual, whole contracts to scaled target
    figures: dict[str, FloatArray] = field(default_factory=dict)  # (days,), of scales and stages
    history_day: IntArray | None = None  # (sessions,), warm-up included, to the last day
    history_seen: BoolArray | None = None  # (sessions, markets)
    history_ret: FloatArray | None = None  # (sessions, markets), 0 where not seen
    exposure: FloatArray | None = None  # (days, markets), signed, of what is held, over NAV
    interest: FloatArray | None = None  # credited on cash on the day
    fx_cash: FloatArray | None = None  # cash in other currencies, worth in the account's, by size
    sweep_cost: FloatArray | None = None  # of changing it into the account's
    overnight: FloatArray | None = None  # (days, markets), the part of pnl without the day's fills
    facts: list[MarketFacts] = field(default_factory=list)  # of every market
    readings: list[Sequence[Reading]] = field(default_factory=list)  # of the limits, by session
    var_parts: FloatArray | None = None  # (days, markets), adding up to var_one_day
    es_parts: FloatArray | None = None  # (days, markets), adding up to es_one_day
    rate: FloatArray | None = None  # (days, markets), account currency per unit of the quote's
    collateral: dict[str, FloatArray] = field(default_factory=dict)  # (days,), of a booked ladder
    roll_in: IntArray | None = None  # (days, markets), sessions until the roll, -1 unknown
    roll_ratio: FloatArray | None = None  # (days, markets), next contract's value over the held
    broker: dict[str, FloatArray] = field(default_factory=dict)  # (days,), its margins over NAV
    benchmark: Benchmark | None = None
    deflated: DeflatedSharpe | None = None  # by all trials on the data, where they are known

    @property
    def sessions_a_year(self) -> float:
        """What daily figures are annualised with: the run's own calendar, a union of markets'."""
        return sessions_a_year(self.day)

    @property
    def returns(self) -> FloatArray:
        """Net daily returns of shape (n_days - 1,)."""
        return self.nav[1:] / self.nav[:-1] - 1.0

    def frame(self) -> pd.DataFrame:
        """One row per session, indexed by date: the columns of ``daily.csv``."""
        from research.measures.daily import daily_frame

        return daily_frame(self)

    def summary(self) -> pd.DataFrame:
        """Headline figures by label: ``number``, ``text`` and ``meaning``."""
        from research.measures.summary import summary_frame

        return summary_frame(self)

    def report(self, path: str | Path) -> Path:
        """Write the report as one HTML file.

        Raises
        ------
        research.pages.files.ReportError
            If the file cannot be written.
        """
        from research.pages.html_report import write_report

        return write_report(self, Path(path))
