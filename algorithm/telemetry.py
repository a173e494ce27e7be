"""What a run shows while it runs: chart series, statistics, order tags and a benchmark.

All of it is a view of decisions; ``lean_charts`` hands it to LEAN.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from algorithm.decision import Decision
from alpha.rules.rule import TREND
from alpha.snapshot import Snapshot
from portfolio.covariance import portfolio_vol
from universe.arrays import FloatArray, known, sessions_a_year
from universe.instruments import AssetClass, Instrument
from universe.setting import Table, setting

REALISED_SESSIONS = 60
"""Sessions that the realised volatility is measured over."""

COMMODITIES = (AssetClass.METAL, AssetClass.ENERGY, AssetClass.AGRICULTURE)
"""Classes that the compact charts add up; the others are financials."""

Charts = dict[str, dict[str, float]]
"""Values by chart and series."""


class ChartSet(StrEnum):
    """Which charts a run draws."""

    OFF = "off"
    COMPACT = "compact"
    FULL = "full"


@dataclass(frozen=True)
class TelemetrySettings(Table):
    """What a run leaves for people."""

    decisions: bool = setting(
        True, "leave decisions.jsonl, a line a session, from which reports are made"
    )
    charts: ChartSet = setting(
        ChartSet.COMPACT,
        "charts in LEAN: compact has ten series, the cloud's least limit; full one for every class "
        "and sleeve",
    )


class RiskMonitor:
    """Follows the decisions of a run and says what to show.

    Parameters
    ----------
    instruments : sequence of Instrument
    var_limit : float
        Of NAV.
    full : bool
        Whether charts show every class and sleeve.
    """

    def __init__(self, instruments: Sequence[Instrument], var_limit: float, *, full: bool) -> None:
        self._classes = [instrument.asset_class for instrument in instruments]
        self._limit, self._full = var_limit, full
        self._nav: deque[float] = deque(maxlen=REALISED_SESSIONS + 1)
        self._day: deque[int] = deque(maxlen=REALISED_SESSIONS + 1)
        self._sums = {"sessions": 0.0, "vol": 0.0, "gross": 0.0, "scale": 0.0}
        self._highest_var = self._above = self._gated = 0.0

    def take(self, decision: Decision) -> None:
        """Follow a decision; each once, in order."""
        if decision.is_blind:
            return
        risk, sums = decision.risk, self._sums
        self._nav.append(decision.account.nav)
        self._day.append(decision.day)
        for name, value in (
            ("sessions", 1.0),
            ("vol", risk.vol),
            ("gross", float(np.abs(known(decision.weights)).sum())),
            ("scale", decision.scale),
        ):
            sums[name] += value
        self._highest_var = max(self._highest_var, float(known(np.array([risk.var_held]))[0]))
        self._above += risk.var_held > self._limit
        self._gated += any(verdict.scale < 1 for verdict in decision.verdicts)

    def charts(self, decision: Decision) -> Charts:
        """Points of the decision followed last; a value that is not known is left out.

        Series have names of their own throughout, because LEAN counts them by name.
        """
        risk = decision.risk
        weights = known(decision.weights)[: len(self._classes)]
        out: Charts = {
            "Volatility": {"Forecast": risk.vol, "Realised": self.realised_vol()},
            "Value at risk": {"VaR over limit": binding(decision) / self._limit},
            "Drawdown and exposure": {
                "Drawdown from peak": decision.figures.get("drawdown", np.nan),
                "Exposure scale": decision.scale,
            },
            "Gross and net": {
                "Gross": float(np.abs(weights).sum()),
                "Net": float(weights.sum()),
                **self._by_class(weights),
            },
            "Sleeve risk": self._by_sleeve(decision),
        }
        return {
            chart: {name: value for name, value in series.items() if np.isfinite(value)}
            for chart, series in out.items()
        }

    def _by_class(self, weights: FloatArray) -> dict[str, float]:
        out: dict[str, float] = {}
        for asset_class, weight in zip(self._classes, np.abs(weights).tolist(), strict=True):
            group = "Commodities" if asset_class in COMMODITIES else "Financials"
            name = f"Class {asset_class}" if self._full else group
            out[name] = out.get(name, 0.0) + weight
        return out

    def _by_sleeve(self, decision: Decision) -> dict[str, float]:
        """Risk of what each sleeve asks for; compact: trend's part of the sum of all."""
        unit = known(decision.target.unit_exposure) * decision.scale
        vol = {
            name: portfolio_vol(asked * unit, decision.cov)
            for name, asked in decision.target.sleeve_contracts.items()
        }
        if self._full:
            return {f"Sleeve {name}": value for name, value in vol.items()}
        total = sum(vol.values())
        return {"Trend's part of sleeve risk": vol.get(TREND, 0.0) / total if total else np.nan}

    def realised_vol(self) -> float:
        """Annual, of the last 60 sessions; NaN before there are so many."""
        if len(self._nav) <= REALISED_SESSIONS:
            return float("nan")
        nav, year = np.array(self._nav), sessions_a_year(np.array(self._day))
        return float(np.std(nav[1:] / nav[:-1] - 1.0, ddof=1) * np.sqrt(year))

    def runtime_statistics(self, decision: Decision) -> dict[str, str]:
        """What the banner shows."""
        weights = known(decision.weights)
        return {
            "Forecast volatility": f"{decision.risk.vol:.1%}",
            "VaR": f"{binding(decision):.1%} of {self._limit:.0%}",
            "Exposure scale": f"{decision.scale:.0%}",
            "Gross exposure": f"{np.abs(weights).sum():.0%}",
            "Net exposure": f"{weights.sum():+.0%}",
            "Markets held": str(int(np.count_nonzero(decision.contracts))),
        }

    def summary_statistics(self) -> dict[str, str]:
        """What the run came to, {} without a decision."""
        sessions = self._sums["sessions"]
        if not sessions:
            return {}
        return {
            "Mean Forecast Volatility": f"{self._sums['vol'] / sessions:.3f}",
            "Highest VaR Held": f"{self._highest_var:.3f}",
            "VaR Limit": f"{self._limit:.3f}",
            "Sessions Held Above VaR Limit": f"{self._above:.0f}",
            "Sessions With Risk Cuts": f"{self._gated:.0f}",
            "Mean Exposure Scale": f"{self._sums['scale'] / sessions:.3f}",
            "Mean Gross Exposure": f"{self._sums['gross'] / sessions:.2f}",
        }


def binding(decision: Decision) -> float:
    """The larger of both values at risk of what was decided."""
    return float(np.fmax(decision.risk.var_parametric, decision.risk.var_historical))


def order_tag(decision: Decision, market: int, reason: str) -> str:
    """Why an order is sent, in a line: its reason, the market's forecasts, what acts on the book.

    Such as "rebalance: trend +1.20, carry -0.35; governor 80%".
    """
    forecasts = ", ".join(
        f"{name} {values[market]:+.2f}"
        for name, values in decision.forecasts.items()
        if np.isfinite(values[market])
    )
    acting = [(scale.name, scale.value) for scale in decision.scales]
    acting += [(verdict.name, verdict.scale) for verdict in decision.verdicts]
    state = ", ".join(f"{name} {value:.0%}" for name, value in acting if value < 1)
    return f"{reason}: {forecasts or 'no forecast'}" + (f"; {state}" if state else "")


class BenchmarkIndex:
    """Level of the first equity index of the run: what it would be with all its gains kept in.

    Alpha and beta against it say how the strategy did next to the stock market, on the same days
    and without the jumps of rolls. Without an equity index it is 0 throughout, and LEAN's alpha and
    beta are 0.

    Attributes
    ----------
    code : str
        Market, "" without one.
    """

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        equity = [
            i for i, market in enumerate(instruments) if market.asset_class == AssetClass.EQUITY
        ]
        self._market = equity[0] if equity else None
        self.code = instruments[equity[0]].code if equity else ""
        self.level = 100.0 if equity else 0.0

    def take(self, snapshot: Snapshot) -> None:
        """Follow a session."""
        if self._market is not None:
            self.level *= 1.0 + float(snapshot.ret[self._market])
