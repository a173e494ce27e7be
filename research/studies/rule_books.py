"""Books of single rules, traded with costs: what the study of the rules measures.

A book is one rule (or two overlaid) in one class or in all of them: forecast x equal risk by class
over volatility, at the target volatility ex ante, in fractions of a contract, on constant capital.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from algorithm.settings import Settings
from portfolio.covariance import Correlation, ReturnWindow, covariance
from portfolio.sleeves import class_budgets
from research.data.dataset import Dataset
from research.engine.feed import fx_table
from research.panels.markets import MarketPanel
from universe.arrays import TRADING_DAYS, FloatArray, IntArray

ALL = "all"
"""The class of all markets together."""

LEAST_STRENGTH = 0.25
"""Ex-ante volatility is scaled up as if the forecasts were at least this share of their usual size:
a class whose forecasts all fade is not geared without end."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Books:
    """Daily record of all books, as fractions of capital, (n_days, n_rules, n_classes).

    Attributes
    ----------
    rules, classes : list of str
        The last class is ``ALL``.
    day : int array of shape (n_days,)
    gross : float array
        Price profit of the session.
    cost, roll_cost : float arrays
        Cost of the session's trades, and the part of it that rolls caused.
    traded, held : float arrays
        Risk that changed hands (rolls apart) and risk held: sums of annual volatilities.
    """

    rules: list[str]
    classes: list[str]
    day: IntArray
    gross: FloatArray
    cost: FloatArray
    roll_cost: FloatArray
    traded: FloatArray
    held: FloatArray

    @property
    def net(self) -> FloatArray:
        """Profit after costs."""
        return self.gross - self.cost

    def since(self, row: int) -> Books:
        """The same record from a row on."""
        return Books(
            self.rules,
            self.classes,
            self.day[row:],
            self.gross[row:],
            self.cost[row:],
            self.roll_cost[row:],
            self.traded[row:],
            self.held[row:],
        )

    def joined(self, other: Books) -> Books:
        """The books of both, of the same classes and days."""
        both = {
            name: np.concatenate([getattr(self, name), getattr(other, name)], axis=1)
            for name in ("gross", "cost", "roll_cost", "traded", "held")
        }
        return Books([*self.rules, *other.rules], self.classes, self.day, **both)


def cost_per_unit(dataset: Dataset) -> FloatArray:
    """Half spread and fees of one contract side over the multiplier, in quote units, (n_markets,).

    A fee in another currency than the quote is converted at the last rate known.
    """
    instruments = [history.instrument for history in dataset.markets.values()]
    last = np.array([max(int(h.day[-1]) for h in dataset.markets.values())])
    paid_in = [replace(i, currency=i.fee_currency) for i in instruments]
    rate = (fx_table(dataset, paid_in, last) / fx_table(dataset, instruments, last))[0]
    same = np.array([i.fee_currency == i.currency for i in instruments])
    rate = np.where(same, 1.0, rate)
    half_spread = np.array([i.half_spread for i in instruments])
    return np.asarray(half_spread + rate * np.array([i.fee / i.multiplier for i in instruments]))


def trade_books(
    panel: MarketPanel,
    forecasts: Mapping[str, FloatArray],
    sigma: FloatArray,
    settings: Settings,
    unit_cost: FloatArray,
    overlays: Mapping[str, Mapping[str, float]],
    progress: Progress | None = None,
    *,
    by_breadth: bool = False,
) -> Books:
    """Trade every rule in every class and in all of them together.

    Parameters
    ----------
    panel : MarketPanel
    forecasts : mapping of rule to float array of shape (n_days, n_markets)
    sigma : float array of shape (n_days, n_markets)
        Daily volatility of returns, NaN where unknown.
    settings : Settings
        ``vol_target``, ``buffer`` and ``corr_span`` count.
    unit_cost : float array of shape (n_markets,)
        See :func:`cost_per_unit`.
    overlays : mapping of name to shares by rule
        Rules must be among ``forecasts``.
    progress : callable, optional
        Called with (sessions done, sessions in all).
    by_breadth : bool
        Take of the target volatility the mean |forecast| of the book, at most all, as the strategy
        does for a rule that has a view in few markets at a time.

    Returns
    -------
    Books

    Notes
    -----
    Decided after the close of session t, filled at the market's next session's price, t + 1 with
    settlement prices, so that a decision earns from the change into t + 2 on. A position trades to
    the edge of a band of ``buffer`` x the position at a forecast of 1. On a roll the old position
    is closed and the new one opened, both at half spread and fee.

    Ex-ante volatility is sqrt(w' Σ w) with the strategy's EWMA correlation and volatilities. A
    market counts for the budgets while it is alive and has a forecast, whether or not it is open.
    """
    names = list(forecasts)
    share = np.zeros((len(names) + len(overlays), len(names)))
    share[: len(names)] = np.eye(len(names))
    for row, parts in enumerate(overlays.values(), len(names)):
        for rule, part in parts.items():
            share[row, names.index(rule)] = part
    class_index = panel.class_index
    classes = [*panel.class_names, ALL]
    mask = np.ones((len(classes), len(panel.instruments)))
    mask[:-1] = class_index == np.arange(len(classes) - 1)[:, None]
    change = np.zeros_like(panel.adjusted)
    change[1:] = np.nan_to_num(np.diff(panel.adjusted, axis=0))
    wanted = np.stack(list(forecasts.values()))
    n_days, n = panel.seen.shape
    shape = (len(share), len(classes))
    out = {
        name: np.zeros((n_days, *shape))
        for name in ("gross", "cost", "roll_cost", "traded", "held")
    }
    risk = _ExAnte(panel, sigma, settings, by_breadth)
    position, desired = np.zeros((*shape, n)), np.zeros((*shape, n))  # units of the quote
    due = np.zeros(n, dtype=bool)
    for t in range(n_days):
        seen = panel.seen[t]
        out["gross"][t] = position @ change[t]
        filled = np.where(seen, desired, position)
        rolled = seen & due
        size = np.abs(filled - position)
        both = np.where(rolled, np.abs(filled) + np.abs(position), size)
        out["cost"][t] = both @ unit_cost
        out["roll_cost"][t] = (both - size) @ unit_cost
        annual = np.nan_to_num(sigma[t] * panel.positive_price[t]) * np.sqrt(TRADING_DAYS)
        out["traded"][t], position = size @ annual, filled
        out["held"][t] = np.abs(position) @ annual
        due = (due & ~seen) | panel.rolled[t]
        target, average = risk.targets(t, wanted[:, t], share, mask, class_index)
        band = settings.buffer * average
        buffered = np.minimum(np.maximum(position, target - band), target + band)
        alive = panel.alive[t]
        desired = np.where(panel.tradable[t] & alive, buffered, np.where(alive, desired, 0.0))
        if progress is not None and (t % 64 == 0 or t + 1 == n_days):
            progress(t + 1, n_days)
    return Books([*names, *overlays], classes, panel.day, **out)


class _ExAnte:
    """Positions at the target volatility, from the volatilities and correlation known so far."""

    def __init__(
        self, panel: MarketPanel, sigma: FloatArray, settings: Settings, by_breadth: bool
    ) -> None:
        self.panel, self.sigma, self.target = panel, sigma, settings.vol_target
        self.by_breadth = by_breadth
        classes = [str(instrument.asset_class) for instrument in panel.instruments]
        self.correlation = Correlation(classes, "ewma", span=settings.corr_span)
        self._unused = ReturnWindow(len(classes), 1)

    def targets(
        self,
        t: int,
        forecast: FloatArray,
        share: FloatArray,
        mask: FloatArray,
        class_index: IntArray,
    ) -> tuple[FloatArray, FloatArray]:
        """Positions and positions at a forecast of 1, (n_rules, n_classes, n_markets) each.

        ``forecast`` is (n_single_rules, n_markets), ``share`` (n_rules, n_single_rules) and
        ``mask`` (n_classes, n_markets); positions are in units of the quote per unit of capital.
        """
        panel, seen = self.panel, self.panel.seen[t]
        before = self.sigma[t - 1] if t else np.full_like(self.sigma[t], np.nan)
        usable = seen & (before > 0)
        z = np.where(usable, panel.ret[t] / np.where(usable, before, 1.0), 0.0)
        self.correlation.update(z, usable)
        annual = self.sigma[t] * np.sqrt(TRADING_DAYS)
        cov = covariance(self.correlation.matrix(self._unused), annual)
        member = panel.alive[t] & (annual > 0) & np.isfinite(forecast)
        budget = np.stack([class_budgets(class_index, one) for one in member])
        unit = np.where(member, budget / np.where(annual > 0, annual, 1.0), 0.0)
        unit = unit[:, None, :] * mask
        weight = unit * np.where(member, forecast, 0.0)[:, None, :]
        least = LEAST_STRENGTH * _vol(unit * np.sign(weight), cov)
        scale = _inverse(np.maximum(_vol(weight, cov), least))[..., None]
        if self.by_breadth:
            part = budget[:, None, :] * mask
            size = np.sum(part * np.abs(np.nan_to_num(forecast))[:, None, :], axis=-1)
            scale *= np.minimum(size * _inverse(part.sum(axis=-1)), 1.0)[..., None]
        weight = np.tensordot(share, weight * scale, axes=1)
        average = np.tensordot(share, unit * scale, axes=1)
        two = np.count_nonzero(share, axis=1)[:, None] > 1
        vol = np.where(two, np.maximum(_vol(weight, cov), LEAST_STRENGTH), 1.0)
        scale = (self.target / vol)[..., None] / panel.positive_price[t]
        scale = np.where(np.isfinite(scale), scale, 0.0)
        return weight * scale, average * scale


def _vol(weight: FloatArray, cov: FloatArray) -> FloatArray:
    return np.asarray(np.sqrt(np.maximum(np.sum((weight @ cov) * weight, axis=-1), 0.0)))


def _inverse(vol: FloatArray) -> FloatArray:
    return np.where(vol > 0, 1.0 / np.where(vol > 0, vol, 1.0), 0.0)
