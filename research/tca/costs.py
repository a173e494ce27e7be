"""From a record, and the prices it does not hold, to transaction costs (E3)."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from algorithm.decision_line import DecisionLine, Header, in_units
from algorithm.decision_text import RecordError
from execution.fills import Fill
from execution.settings import ExecutionResolution
from research.data.errors import DataError
from research.intraday.minutes import session_bars
from research.tca.fills import Benchmark, Prices, expected_points, fill_table, is_outright
from research.tca.half_life import half_lives
from research.tca.impact import ImpactFit, fit_impact
from research.tca.page import Costs
from research.tca.summary import outliers
from universe.arrays import from_epoch_day
from universe.master import MASTER

ALL = "all"


def costs_of(
    header: Header,
    decisions: Mapping[int, DecisionLine],
    prices: Prices | None = None,
    minutes: Path | None = None,
) -> Costs:
    """Costs of every fill of a record.

    Parameters
    ----------
    header : Header
    decisions : mapping of epoch day to DecisionLine
    prices : Prices, optional
        Of the run's data.
    minutes : Path, optional
        LEAN data folder with minute trades and quotes, where the mean prices by volume are.

    Raises
    ------
    RecordError
        If nothing was filled.
    """
    table = fill_table(
        header,
        decisions,
        prices,
        vwap_of(minutes) if minutes is not None else None,
    )
    if not len(table):
        raise RecordError("the record has no fill of an order: there is nothing to measure")
    lives = half_lives([decisions[day] for day in sorted(decisions)])
    return Costs(header, table, fits_of(header, table), outliers(table), lives)


def fits_of(header: Header, table: pd.DataFrame) -> dict[str, ImpactFit]:
    """The impact coefficient of all fills, and by asset class shrunk towards that of all."""
    stress = stress_of(header, table)
    whole = fit_impact(table, float(header.settings["impact"]), stress)
    fits = {ALL: whole}
    for name, part in table.groupby("asset_class", sort=False):
        fits[str(name)] = fit_impact(part, whole.value, stress.loc[part.index])
    return fits


def stress_of(header: Header, table: pd.DataFrame) -> pd.Series:
    """What the cost model multiplied the slippage of every fill by.

    With ``cost_vol_power`` the market's own multiple is what the expected slippage of an order is
    above that of the formula; an order by the minute expects none.
    """
    settings = header.settings
    usual = pd.Series(float(settings["cost_stress"]), index=table.index)
    by_minute = settings.get("execution_resolution") == ExecutionResolution.MINUTE
    if by_minute or not float(settings.get("cost_vol_power", "0")):
        return usual
    size = np.sqrt(table["quantity"].abs() / table["volume"])
    formula = table["half_spread"] + float(settings["impact"]) * table["sigma"].fillna(0.0) * size
    found = pd.Series(expected_points(table), index=table.index) / formula
    kept: pd.Series[Any] = found.where(is_outright(table) & (formula > 0), usual)
    return kept


def vwap_of(folder: Path) -> Benchmark:
    """The mean price by volume of a contract's regular session, where the folder has its minutes.

    Parameters
    ----------
    folder : Path
        In LEAN's layout.
    """
    found: dict[tuple[str, int, int], float] = {}

    def price(fill: Fill) -> float:
        key = (fill.market, fill.month, fill.epoch_day)
        if key not in found:
            found[key] = float("nan")
            if fill.market in MASTER:
                day = from_epoch_day(fill.epoch_day)
                with suppress(DataError):  # a day or contract without minutes
                    found[key] = session_bars(folder, MASTER[fill.market], fill.month, day).vwap
        return found[key]

    return price


def other_prices(header: Header, decisions: Mapping[int, DecisionLine], prices: Prices) -> float:
    """Share of the record's closes that the data has otherwise: another market, or another source.

    Closes that the data does not have at all do not count; NaN where it has none of them.
    """
    codes, seen, off = header.codes, 0, 0
    for day, line in decisions.items():
        for (market, month), close in in_units(line, header).closes.items():
            mine = prices.close(codes[market], day, month)
            if mine == mine:
                seen += 1
                off += abs(mine - close) > 1e-9 * abs(close)
    return off / seen if seen else float("nan")
