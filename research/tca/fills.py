"""Every fill of a record beside its benchmarks: what was paid, and what was expected (E3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from algorithm.decision_line import DecisionLine, Header, in_units
from execution.fills import EXPIRY, OTHER, ROLLS, SPREAD, Fill
from execution.schedules import Algorithm
from execution.settings import ExecutionResolution
from research.data.dataset import Dataset
from universe.arrays import FloatArray

Benchmark = Callable[[Fill], float]
"""Mean price by volume of a fill's contract in the fill's session, NaN where unknown."""

BENCHMARKS = ("decision", "arrival", "vwap", "close")
"""Close of the session decided on; open, mean price by volume and close of the fill's session."""

UNKNOWN = "unknown"
"""What an order was worked by where the record does not say."""

NO_HOUR = "not known"
"""Of a fill whose session alone is known."""

_NEW_YORK = ZoneInfo("America/New_York")

COLUMNS = (
    "day", "market", "asset_class", "month", "quantity", "reason", "price", "value", "notional",
    "sigma", "volume", "half_spread", "expected", "fee", "algorithm", "hour", *BENCHMARKS,
)  # fmt: skip


def fill_table(
    header: Header,
    decisions: Mapping[int, DecisionLine],
    prices: Prices | None = None,
    vwap: Benchmark | None = None,
) -> pd.DataFrame:
    """Every fill that somebody ordered, a row each, in the order of the record.

    Parameters
    ----------
    header : Header
    decisions : mapping of epoch day to DecisionLine
    prices : Prices, optional
        Of the run's data, which hold what the record does not: opens, and closes of contracts
        before they were held.
    vwap : callable, optional
        From minutes.

    Returns
    -------
    DataFrame
        ``value``: account currency of a point of the quote of one contract; ``notional``: of the
        fill in account currency; ``sigma``: daily volatility of the held contract in the quote
        when it was decided; ``volume``: average daily contracts; ``expected``: slippage by the
        cost model in account currency; ``algorithm``, ``hour``: see the functions of that name;
        benchmarks in the quote, NaN where unknown, and of a roll known of all its fills or of none.
        What an expiry closed is left out.
    """
    index = {facts.code: number for number, facts in enumerate(header.markets)}
    by_minute = header.settings.get("execution_resolution") == ExecutionResolution.MINUTE
    rows: list[dict[str, Any]] = []
    before: DecisionLine | None = None
    for line in (in_units(decisions[day], header) for day in sorted(decisions)):
        for fill in line.fills:
            if fill.reason == EXPIRY:
                continue
            number = index[fill.market]
            facts, key = header.markets[number], (number, fill.month)
            value = facts.multiplier * line.fx.get(facts.currency, np.nan)
            sigma = price = np.nan
            if before is not None:
                price = before.closes.get(key, np.nan)
                if price != price and prices is not None:
                    price = prices.close(fill.market, before.day, fill.month)
                point = facts.multiplier * before.fx.get(facts.currency, np.nan)
                sigma = float(before.sigma[number] * before.value[number]) / point
            rows.append(
                {
                    "day": fill.epoch_day,
                    "market": fill.market,
                    "asset_class": facts.asset_class,
                    "month": fill.month,
                    "quantity": fill.quantity,
                    "reason": fill.reason,
                    "price": fill.price,
                    "value": value,
                    "notional": abs(fill.quantity * fill.price) * value,
                    "sigma": sigma,
                    "volume": facts.adv_contracts or np.nan,
                    "half_spread": facts.half_spread,
                    "expected": fill.slippage,
                    "fee": fill.fee,
                    "algorithm": algorithm_of(fill, by_minute),
                    "hour": hour_of(fill),
                    "decision": price,
                    "arrival": prices.open(fill.market, fill.epoch_day, fill.month)
                    if prices is not None
                    else np.nan,
                    "vwap": vwap(fill) if vwap else np.nan,
                    "close": line.closes.get(key, np.nan),
                }
            )
        before = line
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    rolled = table["reason"].isin(ROLLS)
    for benchmark in BENCHMARKS:
        unknown = table[benchmark].isna().groupby([table["day"], table["market"], rolled])
        table.loc[rolled & unknown.transform("any"), benchmark] = np.nan
    return table


def algorithm_of(fill: Fill, by_minute: bool) -> str:
    """What the order of a fill was worked by.

    Older records do not say; by the day an order of the strategy went out whole, for the open.
    """
    if fill.algorithm or by_minute or fill.reason == OTHER:
        return fill.algorithm or UNKNOWN
    return Algorithm.OPEN


def hour_of(fill: Fill) -> str:
    """The hour of a fill in New York, whose clock decides; by the day none is known."""
    if not fill.minute:
        return NO_HOUR
    at = datetime.fromtimestamp(60 * fill.minute, UTC).astimezone(_NEW_YORK)
    return f"{at:%H}:00"


class Prices:
    """Opens and closes of a dataset by market, epoch day and contract month."""

    def __init__(self, dataset: Dataset) -> None:
        self._bars: dict[str, pd.DataFrame] = {}
        for code, history in dataset.markets.items():
            months = history.contract_month[history.contract]
            rows = pd.MultiIndex.from_arrays([history.day, months])
            self._bars[code] = pd.DataFrame(
                {"open": history.open, "close": history.close}, index=rows
            )

    def open(self, market: str, day: int, month: int) -> float:
        """Open of a contract in a session, NaN where the data have none."""
        return self._price("open", market, day, month)

    def close(self, market: str, day: int, month: int) -> float:
        """Close of a contract in a session, NaN where the data have none."""
        return self._price("close", market, day, month)

    def _price(self, name: str, market: str, day: int, month: int) -> float:
        bars = self._bars.get(market)
        return float("nan") if bars is None else float(bars[name].get((day, month), np.nan))


def paid(table: pd.DataFrame, benchmark: str) -> FloatArray:
    """Paid above (bought) or below (sold) a benchmark in account currency, NaN where unknown."""
    points = table["quantity"] * (table["price"] - table[benchmark])
    return np.asarray(points * table["value"], dtype=np.float64)


def expected_points(table: pd.DataFrame) -> FloatArray:
    """Slippage by the cost model per contract, in the quote."""
    per_contract = table["expected"] / (table["quantity"].abs() * table["value"])
    return np.asarray(per_contract, dtype=np.float64)


def is_outright(table: pd.DataFrame) -> pd.Series:
    """Rows of orders that are no leg of a spread."""
    return table["reason"] != SPREAD
