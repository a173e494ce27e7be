"""What the daily flip check of skip-month momentum did, and what it earned."""

from __future__ import annotations

import numpy as np
import pandas as pd

from algorithm.settings import Settings
from alpha.columns import volatility_columns
from alpha.rules.tsmom import tsmom_columns
from research.measures.bootstrap import interval, sharpe_ratios
from research.panels.markets import MarketPanel
from research.studies.rule_books import ALL, Books
from universe.arrays import BoolArray, FloatArray, sessions_a_year

FLIPS, NO_FLIPS = "tsmom", "tsmom without flips"
"""The rule with its daily check, and without."""


def flip_table(
    panel: MarketPanel, settings: Settings, books: Books, counts: FloatArray, coverage: float
) -> pd.DataFrame:
    """What the daily flip check of ``tsmom`` did and earned, one row per class.

    Parameters
    ----------
    panel : MarketPanel
        Sessions of ``books``, and any before.
    settings : Settings
    books : Books
        With the rules ``FLIPS`` and ``NO_FLIPS``.
    counts : float array of shape (samples, n_days of books)
    coverage : float

    Returns
    -------
    DataFrame
        flips; a_market_year (flips per market and year of sessions with a forecast); before and
        after (mean |forecast| it left and took); wait (mean sessions since the month's
        recomputation); stood (share whose new sign the next month's recomputation kept); sharpe,
        sharpe_without, difference, low and high (its paired interval); earned (net return a year
        with less without, fraction of capital).
    """
    sigma = volatility_columns(panel, settings)
    held, _, flipped = tsmom_columns(panel, settings, sigma)
    monthly, _, _ = tsmom_columns(panel, settings, sigma, flips=False)
    first = int(np.searchsorted(panel.day, books.day[0]))
    events = _flip_events(panel, held, monthly, flipped, first)
    sessions = (panel.seen & np.isfinite(held))[first:].sum(axis=0)
    series = {}
    with_, without = (books.rules.index(name) for name in (FLIPS, NO_FLIPS))
    live = np.cumsum(books.held[:, [with_, without]] > 0, axis=0) > 0
    once, year = np.ones((1, len(books.day))), sessions_a_year(books.day)
    for name, draws in (("point", once), ("drawn", counts)):
        pair = [
            sharpe_ratios(draws, books.net[:, rule], live[:, k], year)
            for k, rule in enumerate((with_, without))
        ]
        series[name] = pair
    rows = []
    for j, name in enumerate(books.classes):
        inside = panel.class_index == j if name != ALL else np.ones_like(panel.class_index, bool)
        mine = events[np.isin(events["market"], np.flatnonzero(inside))]
        years = sessions[inside].sum() / year
        ours, theirs = (float(one[0, j]) for one in series["point"])
        low, high = interval(series["drawn"][0][:, j] - series["drawn"][1][:, j], coverage)
        gain = books.net[:, with_, j] - books.net[:, without, j]
        lasting = max(live[:, 0, j].sum(), 1) / year
        rows.append(
            {
                "class": name,
                "flips": len(mine),
                "a_market_year": len(mine) / years if years else np.nan,
                **mine[["before", "after", "wait", "stood"]].mean().to_dict(),
                "sharpe": ours,
                "sharpe_without": theirs,
                "difference": ours - theirs,
                "low": float(low),
                "high": float(high),
                "earned": gain.sum() / lasting,
            }
        )
    return pd.DataFrame(rows)


def _flip_events(
    panel: MarketPanel, held: FloatArray, monthly: FloatArray, flipped: BoolArray, first: int
) -> pd.DataFrame:
    """One row per flip from row ``first`` on; ``stood`` is NaN where no month follows."""
    rows = []
    for t, market in np.argwhere(flipped).tolist():
        if t < first:
            continue
        own = np.flatnonzero(panel.seen[:, market])
        place = int(np.searchsorted(own, t))
        this = panel.month[t]
        began = own[np.searchsorted(panel.month[own], this)]
        later = own[panel.month[own] > this]
        kept = np.nan
        if len(later) and np.isfinite(monthly[later[0], market]):
            kept = float(monthly[later[0], market] * held[t, market] > 0)
        rows.append(
            {
                "market": market,
                "before": abs(held[own[place - 1], market]),
                "after": abs(held[t, market]),
                "wait": place - int(np.searchsorted(own, began)),
                "stood": kept,
            }
        )
    columns = ["market", "before", "after", "wait", "stood"]
    return pd.DataFrame(rows, columns=columns, dtype=np.float64)
