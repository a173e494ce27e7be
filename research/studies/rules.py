"""What every rule earned by itself, by asset class, net of costs, with a bootstrap interval."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from algorithm.settings import Settings
from alpha.columns import volatility_columns
from alpha.rules.tsmom import tsmom_columns
from research.data.dataset import Dataset
from research.data.errors import DataError
from research.measures.bootstrap import interval, resample_counts, sharpe_ratios
from research.panels.forecasts import vectorised_forecasts
from research.panels.markets import MarketPanel, market_panel
from research.studies.rule_books import ALL, Books, cost_per_unit, trade_books
from research.studies.rule_flips import FLIPS, NO_FLIPS, flip_table
from universe.arrays import (
    TRADING_DAYS,
    BoolArray,
    FloatArray,
    IntArray,
    from_epoch_day,
    sessions_a_year,
    to_epoch_day,
)
from universe.cost_screen import yearly_cost

RULES = (
    FLIPS,
    NO_FLIPS,
    "ewmac",
    "breakout",
    "carry",
    "cross section zscore",
    "cross section rank",
    "cross section cohort",
    "relative value",
    "directional",
)
"""Rules of markets held outright that are traded alone."""

CALENDAR = "calendar"
"""The rule of calendar spreads, traded alone too."""

OVERLAYS: Mapping[str, Mapping[str, float]] = {
    "ewmac 60 + carry 40": {"ewmac": 0.6, "carry": 0.4},
    "tsmom 50 + carry 50": {"tsmom": 0.5, "carry": 0.5},
}
"""Two rules overlaid, each at unit volatility times its share of risk."""

ANCHORS: Mapping[str, float] = {
    "ewmac": 0.96,
    "carry": 1.02,
    "tsmom": 0.82,
    "ewmac 60 + carry 40": 1.15,
    "tsmom 50 + carry 50": 1.07,
}
"""Net Sharpe ratios in all classes, 2000 to 2022-06, of an independent rough computation on the
same public data: 61 markets, 10 % volatility, fractional contracts, equal risk by class, 10 %
buffer, spreads constant in price and fees on every trade and on both legs of each roll. They are
orders of magnitude to look at; nothing here is fitted to them."""

ANCHOR_DATA = "e8291b150063128c444a8b8f64f5a806f9493f0b8440bd3180b2f952c73170a0"
"""Fingerprint of the data set that the anchors were computed on, as it is imported here."""

ANCHOR_YEARS = ("2000-01", "2022-06")

SIZE_COLUMNS = ("mean_abs_forecast", "at_cap", "markets")


@dataclass(frozen=True, slots=True)
class RuleStudy:
    """Result of :func:`rule_study`.

    Attributes
    ----------
    table : DataFrame
        A row per rule and class, see :func:`book_table`.
    flips : DataFrame
        A row per class, see :func:`flip_table`.
    sizes : DataFrame
        A row per forecast, all spans among them: mean_abs_forecast, at_cap and markets over the
        whole history of the data.
    books : Books
        From the start of the study on.
    panel : MarketPanel
        Of the whole history.
    data_name : str
    synthetic : bool
    settings_hash, data_hash : str
    samples, coverage : int, float
        Of the bootstrap.
    trials : int
        On the data by the register, which ``table`` has a column ``deflated`` of then; 0 unless it
        was asked.
    """

    table: pd.DataFrame
    flips: pd.DataFrame
    sizes: pd.DataFrame
    books: Books
    panel: MarketPanel
    data_name: str
    synthetic: bool
    settings_hash: str
    data_hash: str
    samples: int
    coverage: float
    trials: int = 0


def rule_study(
    dataset: Dataset,
    settings: Settings,
    *,
    samples: int = 1000,
    coverage: float = 0.90,
    progress: Callable[[str], Callable[[int, int], None]] | None = None,
) -> RuleStudy:
    """Measure every rule from ``settings.start`` to ``settings.end``.

    Parameters
    ----------
    dataset : Dataset
        All its markets are traded; its history before the start warms the rules up.
    settings : Settings
        Its rules' parameters, ``vol_target`` and ``buffer`` count, and for the spreads
        ``cost_limit``; its choice of rules does not.
    samples, coverage : int, float
        Of the bootstrap; the coverage is in (0, 1).
    progress : callable, optional
        Begins a stage by name and returns its (done, total) callback.

    Raises
    ------
    DataError
        If the data has no session between start and end.
    ValueError
        If samples or coverage is out of range.
    """
    if samples < 1:
        raise ValueError(f"samples is {samples}; it must be 1 or more")
    if not 0.0 < coverage < 1.0:
        raise ValueError(f"coverage is {coverage}; it must be above 0 and below 1")
    stage = progress or (lambda _: _silent)
    panel = market_panel(
        dataset,
        settings,
        date(1900, 1, 1),
        settings.last_day,
        progress=stage("walk"),
        spreads=True,
    )
    start = to_epoch_day(settings.first_day)
    first = int(np.searchsorted(panel.day, start))
    if first == len(panel.day):
        raise DataError(
            f"{dataset.name} has no session between {settings.start} and {settings.end}"
        )
    forecasts = vectorised_forecasts(panel, settings)
    sigma = volatility_columns(panel, settings)
    forecasts[NO_FLIPS] = tsmom_columns(panel, settings, sigma, flips=False)[0]
    calendar = forecasts.pop(CALENDAR)
    sizes = forecast_sizes(panel, forecasts, settings.forecast_cap)
    begin = int(np.searchsorted(panel.day, start - settings.warmup_days))
    costs = cost_per_unit(dataset)
    books = trade_books(
        panel.since(begin),
        {rule: forecasts[rule][begin:] for rule in RULES},
        sigma[begin:],
        settings,
        costs,
        OVERLAYS,
        stage("trade"),
    )
    spreads = panel.spreads
    if spreads is not None:
        sizes |= forecast_sizes(spreads, {CALENDAR: calendar}, settings.forecast_cap)
        spread_sigma, both_legs = volatility_columns(spreads, settings), 2.0 * costs
        rolls = np.array([float(len(i.hold_months)) for i in panel.instruments])
        one = np.ones(len(rolls))
        yearly = yearly_cost(both_legs, one, rolls, trades=settings.cost_trades)
        cheap = affordable(spreads, spread_sigma, yearly, settings.cost_limit)
        alone = trade_books(
            spreads.since(begin),
            {CALENDAR: np.where(cheap, calendar, np.nan)[begin:]},
            spread_sigma[begin:],
            settings,
            both_legs,
            {},
            stage("trade spreads"),
            by_breadth=True,
        )
        books = books.joined(alone)
    books = books.since(first - begin)
    counts = resample_counts(len(books.day), samples)
    pooled = [
        {"rule": rule, **dict(zip(SIZE_COLUMNS, size, strict=True))}
        for (rule, name), size in sizes.items()
        if name == ALL
    ]
    data_hash = dataset.fingerprint()
    anchors = anchors_of(data_hash, books.day)
    return RuleStudy(
        table=book_table(books, sizes, counts, coverage, anchors),
        flips=flip_table(panel, settings, books, counts, coverage),
        sizes=pd.DataFrame(pooled),
        books=books,
        panel=panel,
        data_name=dataset.name,
        synthetic=dataset.synthetic,
        settings_hash=settings.hash(),
        data_hash=data_hash,
        samples=samples,
        coverage=coverage,
    )


def anchors_of(data_hash: str, day: IntArray) -> Mapping[str, float]:
    """The anchors, where the data and the period are theirs; else none."""
    months = tuple(from_epoch_day(int(d)).isoformat()[:7] for d in (day[0], day[-1]))
    return ANCHORS if data_hash == ANCHOR_DATA and months == ANCHOR_YEARS else {}


def _silent(done: int, total: int) -> None:
    """Report nothing."""


def affordable(
    panel: MarketPanel, sigma: FloatArray, yearly_cost: FloatArray, limit: float
) -> BoolArray:
    """Where a year cost at most ``limit`` of annual volatility when the month began.

    The strategy's screen, without which the calm spreads of equity indices would be geared until
    nothing is left but costs. Of shape (n_days, n_markets); ``yearly_cost`` is (n_markets,).
    """
    annual = sigma * panel.positive_price * np.sqrt(TRADING_DAYS)
    new = np.r_[True, np.diff(panel.month) != 0]
    first = np.maximum.accumulate(np.where(new, np.arange(len(new)), 0))
    return np.asarray(yearly_cost <= limit * annual[first])


# --- tables --------------------------------------------------------------------------------------
def book_table(
    books: Books,
    sizes: Mapping[tuple[str, str], tuple[float, float, int]],
    counts: FloatArray,
    coverage: float,
    anchors: Mapping[str, float],
) -> pd.DataFrame:
    """One row per rule and class.

    Parameters
    ----------
    books : Books
    sizes : mapping of (rule, class) to (mean |forecast|, share at the cap, markets)
    counts : float array of shape (samples, n_days)
    coverage : float
        Of the interval of the net Sharpe ratio, in (0, 1).
    anchors : mapping of str to float
        Net Sharpe ratios to stand beside those of all classes, by rule.

    Returns
    -------
    DataFrame
        rule, class, first (epoch day from which on the book counts), net_sharpe, low, high, anchor,
        gross_sharpe, net_return, vol, drawdown (positive, of the compounded returns), turnover
        (round trips of the whole book a year, by risk, rolls apart), cost and roll_cost a year,
        mean_abs_forecast, at_cap, markets. Returns are fractions of capital, annual by the
        sessions of the calendar; a book counts from the first session on which it holds anything.
    """
    n_days = len(books.day)
    flat = {name: getattr(books, name).reshape(n_days, -1) for name in ("gross", "net", "held")}
    live = np.cumsum(flat["held"] > 0, axis=0) > 0
    once, year = np.ones((1, n_days)), sessions_a_year(books.day)
    net, gross = (sharpe_ratios(once, flat[name], live, year)[0] for name in ("net", "gross"))
    low, high = interval(sharpe_ratios(counts, flat["net"], live, year), coverage)
    rows = []
    for k, (rule, name) in enumerate((r, c) for r in books.rules for c in books.classes):
        i, j = divmod(k, len(books.classes))
        on = live[:, k]
        size = sizes.get((rule, name), (np.nan, np.nan, 0))
        returns = flat["net"][on, k]
        years = max(on.sum(), 1) / year
        capital = np.cumprod(np.r_[1.0, 1.0 + returns])
        average = flat["held"][on, k].mean() if on.any() else np.nan
        rows.append(
            {
                "rule": rule,
                "class": name,
                "first": int(books.day[np.argmax(on)]) if on.any() else -1,
                "net_sharpe": net[k],
                "low": low[k],
                "high": high[k],
                "anchor": anchors.get(rule, np.nan) if name == ALL else np.nan,
                "gross_sharpe": gross[k],
                "net_return": returns.sum() / years,
                "vol": returns.std(ddof=1) * np.sqrt(year) if on.sum() > 1 else np.nan,
                "drawdown": float(np.max(1.0 - capital / np.maximum.accumulate(capital))),
                "turnover": books.traded[on, i, j].sum() / years / (2.0 * average),
                "cost": books.cost[on, i, j].sum() / years,
                "roll_cost": books.roll_cost[on, i, j].sum() / years,
                **dict(zip(SIZE_COLUMNS, size, strict=True)),
            }
        )
    return pd.DataFrame(rows)


def forecast_sizes(
    panel: MarketPanel, forecasts: Mapping[str, FloatArray], cap: float
) -> dict[tuple[str, str], tuple[float, float, int]]:
    """Mean |forecast|, share of forecasts at the cap and number of markets, by rule and class.

    Pooled over all sessions on which a market was open, markets alike.
    """
    out = {}
    for rule, forecast in forecasts.items():
        known = panel.seen & np.isfinite(forecast)
        for number, name in enumerate([*panel.class_names, ALL]):
            inside = known if name == ALL else known & (panel.class_index == number)
            size = np.abs(forecast[inside])
            some = len(size) > 0
            mean = float(size.mean()) if some else np.nan
            at_cap = float(np.mean(size >= cap - 1e-9)) if some else np.nan
            out[rule, name] = mean, at_cap, int(inside.any(axis=0).sum())
    return out
