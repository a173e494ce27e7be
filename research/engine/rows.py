"""From the lines of a run, each with what the session earned, to one table per quantity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from algorithm.decision_line import DecisionLine, Event, Header, SessionLine
from research.data.dataset import DataIssue
from research.engine.ledger import DayBook
from research.engine.result import RunResult
from research.engine.sleeve_pnl import RESIDUAL
from research.measures.benchmark import benchmark_of
from risk.gate import VarGate
from risk.governor import DrawdownGovernor
from universe.arrays import BoolArray, FloatArray, IntArray, known
from universe.fx import BASE

_NO_ROLL = -1, 1.0


class Rows:
    """Tables of a run, filled a session at a time.

    Parameters
    ----------
    header : Header
    """

    def __init__(self, header: Header) -> None:
        self.header = header
        self._currencies = [market.currency for market in header.markets]
        self._multiplier = np.array([market.multiplier for market in header.markets])
        self._rows: dict[str, list[Any]] = {}
        self._events: list[Event] = []
        self._named: dict[str, list[Mapping[str, float]]] = {
            name: [] for name in ("scale", "stage", "figure", "collateral", "broker")
        }
        self._days: list[int] = []
        self._seen: list[BoolArray] = []
        self._ret: list[FloatArray] = []

    def __len__(self) -> int:
        return len(self._rows.get("day", ()))

    def add_session(self, line: SessionLine) -> None:
        """Take a session before the first decision."""
        self._days.append(line.day)
        self._seen.append(line.seen)
        self._ret.append(line.ret)

    def add(
        self,
        line: DecisionLine,
        book: DayBook,
        held: IntArray,
        spread_pnl: FloatArray,
        sleeves: Mapping[str, FloatArray],
        closing_fees: float,
    ) -> None:
        """Take a session with a decision.

        Parameters
        ----------
        line : DecisionLine
        book : DayBook
            What the session did to the account.
        held : int array of shape (n_assets,)
            At the close.
        spread_pnl : float array of shape (n_markets,)
            Of the calendar spreads' legs.
        sleeves : mapping of sleeve to float array of shape (n_markets,)
            Profit.
        closing_fees : float
            Of closing all positions.
        """
        self.add_session(line)
        n, risk, figures = len(line.seen), line.risk, line.figures
        unit = known(line.unit_exposure)
        rate = np.array([line.fx[currency] for currency in self._currencies])
        if self.header.spreads:
            self._append(
                spread_pnl=spread_pnl,
                spread_targets=line.contracts[n:],
                spread_contracts=held[n:],
            )
        self._append(
            day=line.day,
            nav=line.nav,
            interest=line.interest,
            sweep_cost=line.sweep_cost,
            fx_cash=_abroad(line),
            pnl=book.pnl,
            overnight=book.overnight,
            cost=book.cost,
            roll_cost=book.roll_cost,
            contracts=held[:n],
            targets=line.contracts[:n],
            weight=(line.contracts * unit)[:n],
            exante_vol=risk.vol,
            var_parametric=risk.var_parametric,
            var_historical=risk.var_historical,
            var_relative=figures.get("var_relative", np.nan),
            var_held=risk.var_held,
            var_one_day=risk.var_one_day,
            es_one_day=risk.es_one_day,
            diversification_ratio=risk.diversification_ratio,
            var_proxies=risk.proxied,
            risk_share=_of_markets(risk.share, n),
            drawdown=figures.get("drawdown", np.nan),
            governor_scale=line.left_by(DrawdownGovernor.NAME),
            gate_scale=line.left_by(VarGate.NAME),
            active=line.active,
            fills=line.fills,
            closing_fees=closing_fees,
            carry_per_contract=line.carry,
            carry_source=line.carry_source,
            target_contracts=list(line.targets),
            orders=[(line.day, code, month, n) for code, month, n, _ in line.orders],
            unit_value=line.value[:n],
            point_value=self._multiplier * rate,
            sigma=line.sigma[:n],
            position_limit=line.limit[:n],
            exposure_scale=line.scale,
            tracking_error=line.tracking,
            readings=line.readings,
            var_parts=_of_markets(risk.var_parts, n),
            es_parts=_of_markets(risk.es_parts, n),
            rate=rate,
            roll_in=[line.rolls.get(k, _NO_ROLL)[0] for k in range(n)],
            roll_ratio=[line.rolls.get(k, _NO_ROLL)[1] for k in range(n)],
        )
        ladder = line.collateral
        self._named["collateral"].append({} if ladder is None else asdict(ladder))
        self._named["broker"].append(line.broker)
        for name, part in sleeves.items():
            self._append(**{f"pnl of {name}": part})
        for name in self.header.sleeves:
            here = slice(n, None) if name in self.header.spread_sleeves else slice(0, n)
            self._append(
                **{
                    f"forecast of {name}": line.forecasts[name],
                    f"weight of {name}": (line.asked[name] * unit * line.scale)[here],
                    f"vol of {name}": line.sleeve_vol[name],
                    f"carry of {name}": line.sleeve_carry[name],
                }
            )
        self._named["scale"].append({scale.name: scale.value for scale in line.scales})
        self._named["stage"].append({stage.name: stage.scale for stage in line.stages})
        self._named["figure"].append(figures)
        self._events += line.events

    def result(self, seconds: Mapping[str, float]) -> RunResult:
        """The tables of all sessions so far.

        Parameters
        ----------
        seconds : mapping of str to float
            Time spent, by what.
        """
        header, rows = self.header, self._rows
        floats = (
            "nav",
            "interest",
            "sweep_cost",
            "fx_cash",
            "pnl",
            "overnight",
            "cost",
            "roll_cost",
            "weight",
            "exante_vol",
            "var_parametric",
            "var_historical",
            "var_relative",
            "var_one_day",
            "var_held",
            "es_one_day",
            "diversification_ratio",
            "var_proxies",
            "risk_share",
            "drawdown",
            "governor_scale",
            "gate_scale",
            "closing_fees",
            "carry_per_contract",
            "unit_value",
            "point_value",
            "sigma",
            "position_limit",
            "exposure_scale",
            "tracking_error",
            "var_parts",
            "es_parts",
            "rate",
            "roll_ratio",
        )
        whole = ("day", "contracts", "targets", "roll_in")
        spreads = ("spread_targets", "spread_contracts") if header.spreads else ()
        tables: dict[str, Any] = {name: np.array(rows[name]) for name in floats}
        tables |= {name: np.array(rows[name], dtype=np.int64) for name in (*whole, *spreads)}
        if header.spreads:
            tables["spread_pnl"] = np.array(rows["spread_pnl"])
        result = RunResult(
            data_name=header.data_name,
            synthetic=header.synthetic,
            engine=header.engine,
            settings=header.settings,
            settings_hash=header.settings_hash,
            data_hash=header.data_hash,
            markets=header.codes,
            classes=[market.asset_class for market in header.markets],
            vol_target=float(header.settings["vol_target"]),
            var_limit=float(header.settings["var_limit"]),
            sleeve_pnl=self._by_sleeve("pnl", (*header.sleeves, RESIDUAL)),
            forecasts=self._by_sleeve("forecast", header.sleeves),
            sleeve_weight=self._by_sleeve("weight", header.sleeves),
            sleeve_vol=self._by_sleeve("vol", header.sleeves),
            sleeve_carry=self._by_sleeve("carry", header.sleeves),
            active=np.array(rows["active"], dtype=bool),
            fills=[fill for fills in rows["fills"] for fill in fills],
            events=list(self._events),
            issues=[DataIssue(*issue) for issue in header.issues],
            volumes=header.volumes,
            timings=dict(seconds),
            target_contracts=rows["target_contracts"],
            orders=[order for orders in rows["orders"] for order in orders],
            facts=list(header.markets),
            readings=rows["readings"],
            carry_source=np.array(rows["carry_source"], dtype=np.int8),
            scales=self._columns("scale", 1.0),
            stages=self._columns("stage", 1.0),
            figures=self._columns("figure", np.nan),
            collateral=self._columns("collateral", np.nan),
            broker=self._columns("broker", np.nan),
            history_day=np.array(self._days, dtype=np.int64),
            history_seen=np.array(self._seen, dtype=bool),
            history_ret=np.array(self._ret),
            **tables,
        )
        result.benchmark = benchmark_of(result)
        return result

    def _append(self, **values: Any) -> None:
        for name, value in values.items():
            self._rows.setdefault(name, []).append(value)

    def _by_sleeve(self, what: str, names: tuple[str, ...]) -> dict[str, FloatArray]:
        return {name: np.array(self._rows[f"{what} of {name}"]) for name in names}

    def _columns(self, what: str, absent: float) -> dict[str, FloatArray]:
        """One column a name; ``absent`` on days without it."""
        days = self._named[what]
        names = list(dict.fromkeys(name for day in days for name in day))
        return {name: np.array([day.get(name, absent) for day in days]) for name in names}


def _of_markets(values: FloatArray, n: int) -> FloatArray:
    """An array over assets summed to markets: what a spread adds is its market's."""
    return values if len(values) == n else values[:n] + values[n:]


def _abroad(line: DecisionLine) -> float:
    """Worth of the balances in other currencies than the account's, each by its size."""
    worth = {name: abs(a) * line.fx[name] for name, a in line.cash.items() if name != BASE and a}
    return sum(value for value in worth.values() if value == value)
