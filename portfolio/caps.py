"""Caps on risk of fractional targets: shares of variance, beta, gross, jumps (R4's caps).

Every cap that binds is named as data. Shares of variance do not change when all positions are
scaled, so they come before the volatility target; the others are in units of NAV and come after it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from scipy.linalg.lapack import dgesv

from universe.arrays import BoolArray, FloatArray, IntArray, known

ROUNDS = 1000
"""Of scaling by the root of cap over share; with several binding caps they approach it together."""

SLACK = 1.25
"""Times 1 / k that a cap on k groups allows at least: at 1 / k itself it would say every weight."""

ROOM = 1.05
"""Sum of the shares that all caps together must leave room for."""

TOLERANCE, LEFT = 1e-4, 1e-10
"""Relative excess over a cap that is nothing to act on, and what is left of one after acting."""

HOPELESS = 1e-6
"""Part of the variance: caps that have brought it down to this cannot be kept, and are left."""

STEADY = 2
"""Rounds in a row with the same groups above their caps, before they are taken there at once."""

NEWTON_STEPS, EXACT, LONGEST = 8, 5e-12, 2.0
"""Most steps of Newton's method, error of a share that ends it, and how far a logarithm may go."""

SMALLEST = 1e-12


@dataclass(frozen=True, slots=True)
class Binding:
    """A cap that binds.

    Attributes
    ----------
    kind : str
        "market", "sector", "class", "beta", "gross", "jump" or "rise".
    index : int
        Of the market, sector or class; -1 for caps of the whole portfolio.
    value : float
        What it would have been: a share of variance, a beta, exposure or loss over NAV.
    limit : float
    """

    kind: str
    index: int
    value: float
    limit: float

    @property
    def of_market(self) -> bool:
        """Whether it is a single market's."""
        return self.kind in ("market", "jump", "rise")

    def sentence(self, name: str) -> str:
        """In words, for ``name`` of the market, sector or class."""
        what = {
            "market": f"{name} would be {self.value:.1%} of variance",
            "sector": f"sector {name} would be {self.value:.1%} of variance",
            "class": f"class {name} would be {self.value:.1%} of variance",
            "beta": f"net beta to equities would be {self.value:.2f}",
            "gross": f"gross would be {self.value:.2f} of NAV",
            "jump": f"{name} would lose {self.value:.1%} of NAV in its own worst day",
            "rise": f"{name} would lose {self.value:.1%} of NAV in a rise of volatility",
        }[self.kind]
        shown = f"{self.limit:.2f}" if self.kind in ("beta", "gross") else f"{self.limit:.1%}"
        return f"{what}, {shown} is allowed"


@dataclass(frozen=True)
class ShareCap:
    """Largest share of ex-ante variance of any group of one kind.

    Attributes
    ----------
    kind : str
        See ``Binding``.
    group : int array of shape (n_assets,)
        Number of each asset's group, from 0.
    limit : float
        Share, above 0; 1 and more never binds.
    """

    kind: str
    group: IntArray
    limit: float

    @cached_property
    def members(self) -> FloatArray:
        """1 for the assets of a group, (n_groups, n_assets)."""
        groups = np.arange(int(self.group.max(initial=-1)) + 1)
        return np.equal.outer(groups, self.group).astype(np.float64)

    @cached_property
    def places(self) -> list[IntArray]:
        """Numbers of the assets of every group."""
        return [row.nonzero()[0] for row in self.members]


@dataclass(frozen=True, slots=True)
class Capped:
    """Exposures within the caps, and which of them bind.

    Attributes
    ----------
    weights : float array of shape (n_assets,)
    bindings : tuple of Binding
    """

    weights: FloatArray
    bindings: tuple[Binding, ...]


def variance_shares(weights: FloatArray, cov: FloatArray, group: IntArray) -> FloatArray:
    """Share of variance of each group; they add up to 1, hedges are negative, all 0 if flat."""
    part = weights * (cov @ weights)
    total = float(np.add.reduce(part))
    sums = np.bincount(group, part, int(group.max(initial=-1)) + 1)
    return sums / total if total > SMALLEST**2 else np.zeros_like(sums)


class _Groups:
    """Groups of one kind while they are scaled."""

    def __init__(self, cap: ShareCap, limit: float) -> None:
        self.cap, self.limit = cap, limit
        self.found: dict[int, Binding] = {}

    def cut(self, out: FloatArray, part: FloatArray, slack: float) -> list[int]:
        """Scale the groups above their cap in place, given every asset's part of variance."""
        total = float(np.add.reduce(part))
        sums = self.cap.members.dot(part)
        most = self.limit * (1.0 + slack) * total
        if not (total > SMALLEST**2 and np.maximum.reduce(sums) > most):
            return []
        above: list[int] = (sums > most).nonzero()[0].tolist()
        for index in above:
            value = float(sums[index]) / total
            if index not in self.found:
                self.found[index] = Binding(self.cap.kind, index, value, self.limit)
            out[self.cap.places[index]] *= math.sqrt(self.limit / value)
        return above


class ShareCaps:
    """Caps on shares of ex-ante variance.

    Parameters
    ----------
    caps : sequence of ShareCap
        The first has the finest groups.
    """

    def __init__(self, caps: Sequence[ShareCap]) -> None:
        self.caps = tuple(caps)
        self._rows: FloatArray = np.concatenate([cap.members for cap in self.caps])
        self._first = np.cumsum([0, *(len(cap.members) for cap in self.caps[:-1])])
        self._kind = np.repeat(np.arange(len(caps)), [len(cap.members) for cap in self.caps])
        self._inside = (self._rows.dot(self.caps[0].members.T) > 0).astype(np.float64)

    def capped(self, weights: FloatArray, cov: FloatArray) -> Capped:
        """Scale down the groups above their share of variance by √(cap / share), until none is.

        Parameters
        ----------
        weights : float array of shape (n_assets,)
            Exposure over NAV.
        cov : float array of shape (n_assets, n_assets)
            Annual covariance.

        Notes
        -----
        Shares add up to 1, so k groups with positions cannot all stay below 1 / k: a cap below
        1.25 / k counts as that. Caps that leave no room together (five classes of one market each,
        at 8 % a market and 22 % a class) are loosened by the same factor, until there is a little.
        The total variance falls; the volatility target that follows raises it again.
        Groups that bind together approach their caps slowly, since the total falls with them: once
        they are the same ones for some rounds, or the same in turn, Newton's method takes all of
        them there.
        """
        out = weights.copy()
        part = out * cov.dot(out)
        start = float(np.add.reduce(part))
        kinds = [
            _Groups(cap, limit)
            for cap, limit in zip(self.caps, self._limits(out, part), strict=True)
        ]
        recent: list[list[int]] = []
        same, patience, slack = 0, STEADY, TOLERANCE
        for _ in range(ROUNDS):
            above = []
            for groups in kinds:
                above.append(groups.cut(out, part, slack))
                if above[-1]:
                    np.multiply(out, cov.dot(out), out=part)
            if not any(above) or not float(np.add.reduce(part)) > HOPELESS * start:
                break
            slack = LEFT
            places = [k + at for k, one in zip(self._first, above, strict=True) for at in one]
            same = same + 1 if places in recent else 0
            recent = [places, *recent[:1]]
            if same >= patience:
                acting = sorted({place for one in recent for place in one})
                limits = np.array([kinds[kind].limit for kind in self._kind[acting]])
                found = _at_limits(out, cov, self._rows[acting], limits)
                patience = STEADY if found is not None else 2 * patience
                if found is not None:
                    out = found
                    np.multiply(out, cov.dot(out), out=part)
        return Capped(out, tuple(binding for groups in kinds for binding in groups.found.values()))

    def _limits(self, weights: FloatArray, part: FloatArray) -> list[float]:
        """What counts as the limit of every cap: shares add up to 1, few groups have no room."""
        held = self._rows.dot((weights != 0).astype(np.float64)) > 0
        used: list[int] = np.add.reduceat(held, self._first, dtype=np.int64).tolist()
        limits = [max(cap.limit, SLACK / max(k, 1)) for cap, k in zip(self.caps, used, strict=True)]
        bears = (part > 0).astype(np.float64)  # a hedge takes no share
        there = (self.caps[0].members.dot(bears) > 0).astype(np.float64)
        room = np.minimum(self._inside.dot(there) * limits[0], np.array(limits)[self._kind])
        least = float(np.add.reduceat(room, self._first).min())
        return [limit * max(ROOM / least, 1.0) for limit in limits] if least > 0 else limits


def _at_limits(
    weights: FloatArray, cov: FloatArray, rows: FloatArray, limits: FloatArray
) -> FloatArray | None:
    """The weights with groups scaled down to their shares of variance, all at once.

    Newton's method in the logarithms of their scales. A group that would have to grow stays; None
    where it does not get there.

    Parameters
    ----------
    weights : float array of shape (n_assets,)
    cov : float array of shape (n_assets, n_assets)
    rows : float array of shape (n_groups, n_assets)
        1 for the assets of a group.
    limits : float array of shape (n_groups,)
    """
    log, out = np.zeros(len(limits)), weights
    for _ in range(NEWTON_STEPS):
        part = out * cov.dot(out)
        total = float(np.add.reduce(part))
        share = rows.dot(part) / total
        gap = limits - share
        if np.abs(gap).max() <= EXACT:
            return out
        block = rows * out
        slopes = (block.dot(cov).dot(block.T) + (rows * part).dot(rows.T)) / total
        slopes -= np.multiply.outer(2.0 * share, share)
        _, _, step, failed = dgesv(slopes, gap)
        log = log + step
        if failed or not log.min() > -LONGEST:
            break
        shrinking = log <= 0.0
        if not shrinking.all():
            rows, limits, log = rows[shrinking], limits[shrinking], log[shrinking]
            if not len(limits):
                break
        out = weights * np.exp(log.dot(rows))
    return None


class WorstDays:
    """Largest fall and rise of every market so far, for the jump cap.

    Parameters
    ----------
    n_assets : int
    """

    STATE = ("fall", "rise")
    DEPENDS = ()
    BOUNDS: ClassVar = dict.fromkeys(STATE, (0.0, 1e3))

    def __init__(self, n_assets: int) -> None:
        self.fall: FloatArray = np.zeros(n_assets)
        self.rise: FloatArray = np.zeros(n_assets)

    def update(self, returns: FloatArray) -> None:
        """Add a session's returns of shape (n_assets,); what is not a number tells nothing."""
        day = known(returns)
        self.fall = np.maximum(self.fall, 0.0 - day)  # not -day, whose zeros would be negative
        self.rise = np.maximum(self.rise, day)


def jump_bounds(fall: FloatArray, rise: FloatArray, loss: float) -> tuple[FloatArray, FloatArray]:
    """Lowest and highest exposure over NAV that lose at most ``loss`` of it in such a day.

    Parameters
    ----------
    fall, rise : float arrays of shape (n_assets,)
        Of ``WorstDays``; the bound is infinite where a market has not moved yet.
    loss : float
    """
    with np.errstate(divide="ignore"):
        return -loss / rise, loss / fall


def short_volatility_bound(volatility: BoolArray, rise: float, loss: float) -> FloatArray:
    """Lowest exposure over NAV of volatility futures that lose at most ``loss`` in a ``rise``.

    Parameters
    ----------
    volatility : bool array of shape (n_assets,)
        Which assets are volatility futures; the others have no bound.
    rise, loss : float
        Relative rise of the price, and loss over NAV.
    """
    return np.where(volatility, -loss / rise, -np.inf)


def cap_exposures(
    weights: FloatArray, low: FloatArray, high: FloatArray, kind: str, loss: float
) -> Capped:
    """Bound every exposure by what it may cost.

    Parameters
    ----------
    weights, low, high : float arrays of shape (n_assets,)
        Exposures over NAV, and their bounds.
    kind : str
        Name of the cap, "jump" or "rise".
    loss : float
        The loss over NAV that the bounds stand for.
    """
    out = np.minimum(np.maximum(weights, low), high)
    bindings = []
    for index in np.flatnonzero(out != weights).tolist():
        value = loss * float(weights[index] / out[index]) if out[index] != 0 else float("inf")
        bindings.append(Binding(kind, index, value, loss))
    return Capped(out, tuple(bindings))


def market_betas(returns: FloatArray, index: int) -> FloatArray:
    """Least-squares slope of every asset's returns on those of one of them, over a window.

    Parameters
    ----------
    returns : float array of shape (n_sessions, n_assets)
        0 where a market was closed or not listed: its beta is then smaller.
    index : int
        Column of the equity index.

    Returns
    -------
    float array of shape (n_assets,)
        All 0 while the index has no variance.
    """
    rows = returns - returns.mean(axis=0) if len(returns) else returns
    own = rows[:, index]
    variance = float(own @ own)
    if variance <= SMALLEST**2:
        return np.zeros(returns.shape[1])
    return np.asarray(own @ rows / variance)


def cap_beta(weights: FloatArray, beta: FloatArray, limit: float) -> Capped:
    """Scale the positions that make up a net beta beyond ±``limit`` until it is there.

    Positions whose beta offsets it are left alone.
    """
    part = weights * known(beta)
    net = float(part.sum())
    if abs(net) <= limit:
        return Capped(weights, ())
    same = part * net > 0
    theirs = float(np.abs(part[same]).sum())
    share = max(1.0 - (abs(net) - limit) / theirs, 0.0)
    out = np.where(same, weights * share, weights)
    return Capped(out, (Binding("beta", -1, net, limit),))


def cap_gross(weights: FloatArray, notional: FloatArray, limit: float) -> Capped:
    """Scale all positions until gross is within ``limit``.

    Parameters
    ----------
    weights : float array of shape (n_assets,)
        Exposure over NAV.
    notional : float array of shape (n_assets,)
        What one unit of exposure counts: 1, or for rates its ten-year equivalents.
    limit : float
        Over NAV.
    """
    gross = float(np.abs(weights) @ notional)
    if not gross > limit:
        return Capped(weights, ())
    return Capped(weights * (limit / gross), (Binding("gross", -1, gross, limit),))
