"""Transaction costs by group, and the fills that nobody expected (E3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from research.tca.fills import BENCHMARKS, expected_points, paid
from universe.arrays import FloatArray

QUANTILE = float(norm.ppf(0.95))
"""Of a 90 % interval."""

OUTLIER = 6.0
"""Robust standard deviations of a market's own fills beyond which one is told."""

LEAST_FILLS = 20
"""Of a market below which it has no history to be an outlier of."""


@dataclass(frozen=True, slots=True)
class GroupRow:
    """What the fills of a group paid; costs in basis points of what they traded.

    Attributes
    ----------
    name : str
    fills : int
    notional : float
        Account currency.
    over : dict of benchmark to float
        Paid over it, NaN where it is known of no fill.
    error : dict of benchmark to float
        Half of a 90 % interval of it, from sessions as independent draws.
    expected, fee : float
        Slippage by the cost model, and fees.
    """

    name: str
    fills: int
    notional: float
    over: dict[str, float]
    error: dict[str, float]
    expected: float
    fee: float


@dataclass(frozen=True, slots=True)
class Outlier:
    """A fill far from what was expected, in robust standard deviations of its market's fills."""

    day: int
    market: str
    month: int
    quantity: int
    paid: float
    expected: float
    deviations: float


BUCKETS = (0.0, 0.001, 0.01, 0.05, 0.25, np.inf)
"""Ends of the classes of size, in shares of the average daily volume."""


def by_size(table: pd.DataFrame) -> pd.Series:
    """The class of size of every fill, as text."""
    share = (table["quantity"].abs() / table["volume"]).to_numpy(dtype=np.float64)
    names = [f"to {100 * end:g} %" for end in BUCKETS[1:-1]] + [f"above {100 * BUCKETS[-2]:g} %"]
    place = np.searchsorted(BUCKETS[1:-1], share)
    return pd.Series(
        [
            names[k] if known else "unknown"
            for k, known in zip(place, np.isfinite(share), strict=True)
        ],
        index=table.index,
    )


def group_rows(table: pd.DataFrame, column: str | None = None) -> list[GroupRow]:
    """A row a value of ``column``, in order of first appearance; one of all without it."""
    if not len(table):
        return []
    if column is None:
        return [_row("all", table)]
    return [_row(str(name), part) for name, part in table.groupby(column, sort=False)]


def _row(name: str, table: pd.DataFrame) -> GroupRow:
    notional = table["notional"].to_numpy(dtype=np.float64)
    total = float(np.nansum(notional))
    over, error = {}, {}
    for benchmark in BENCHMARKS:
        over[benchmark], error[benchmark] = _weighted(
            paid(table, benchmark), notional, table["day"].to_numpy()
        )
    return GroupRow(
        name,
        len(table),
        total,
        over,
        error,
        1e4 * float(table["expected"].sum()) / total if total else float("nan"),
        1e4 * float(table["fee"].sum()) / total if total else float("nan"),
    )


def _weighted(money: FloatArray, notional: FloatArray, day: Any) -> tuple[float, float]:
    """Basis points over the notional of what is known, and half of its interval."""
    known = np.isfinite(money) & np.isfinite(notional)
    if not known.any() or not notional[known].sum() > 0:
        return float("nan"), float("nan")
    money, notional = money[known], notional[known]
    mean = float(money.sum() / notional.sum())
    _, session = np.unique(day[known], return_inverse=True)
    rest = np.bincount(session, weights=money - mean * notional)
    error = float(np.sqrt(rest @ rest)) / float(notional.sum())
    several = len(rest) > 1
    return 1e4 * mean, 1e4 * QUANTILE * error if several else float("nan")


def outliers(table: pd.DataFrame, benchmark: str = "arrival") -> list[Outlier]:
    """Fills whose cost beyond the expected one stands out in their market, the farthest first."""
    found: list[Outlier] = []
    side = np.sign(table["quantity"])
    points = (side * (table["price"] - table[benchmark])).to_numpy(dtype=np.float64)
    expected = expected_points(table)
    gap = (points - expected) / table["sigma"].to_numpy(dtype=np.float64)
    for market, rows in table.reset_index(drop=True).groupby("market", sort=False):
        at = rows.index.to_numpy()
        at = at[np.isfinite(gap[at])]
        if len(at) < LEAST_FILLS:
            continue
        middle = float(np.median(gap[at]))
        spread = 1.4826 * float(np.median(np.abs(gap[at] - middle)))
        if not spread > 1e-9:
            continue
        score = (gap[at] - middle) / spread
        for k in np.flatnonzero(np.abs(score) > OUTLIER):
            row = table.iloc[int(at[k])]
            found.append(
                Outlier(
                    int(row["day"]),
                    str(market),
                    int(row["month"]),
                    int(row["quantity"]),
                    float(points[at[k]]),
                    float(expected[at[k]]),
                    float(score[k]),
                )
            )
    return sorted(found, key=lambda one: -abs(one.deviations))
