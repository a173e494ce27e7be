"""The portfolio of most return less risk and cost within limits (P4; 000, 3 and 4)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from portfolio.cone_programme import ConeProgramme, Data, Shape, SolverError
from universe.arrays import FloatArray, IntArray, known
from universe.linalg import covariance_root

SLACK = 1e-6
"""Relative excess over a limit that counts as within it."""

STILL = 1e-6
"""A trade below this share of the largest position is none."""

LAYOUTS = 8
"""Programmes that are kept: which markets are free and which groups have a limit comes and goes."""

UNBOUND = 1e3
"""Stands for no bound of a single position, in volatilities of the plain portfolio."""


@dataclass(frozen=True, slots=True)
class GroupLimit:
    """Largest sum of absolute positions of some assets, each counted in a unit of its own.

    Attributes
    ----------
    name : str
        Of the limit, for people: "gross", a sector, a class.
    unit : float array of shape (n_assets,)
        What a unit of exposure counts: 0 outside the group; 1 for exposure, volatility for
        standalone risk, ten-year equivalents for rates.
    limit : float
    """

    name: str
    unit: FloatArray
    limit: float


@dataclass(frozen=True, slots=True)
class NetLimit:
    """Bounds of a signed sum of positions, each counted in a unit of its own.

    Attributes
    ----------
    name : str
        "net", "beta".
    unit : float array of shape (n_assets,)
        1 for net exposure, the beta to equities.
    low, high : float
    """

    name: str
    unit: FloatArray
    low: float
    high: float


@dataclass(frozen=True)
class Limits:
    """What a portfolio must be within.

    Attributes
    ----------
    low, high : float arrays of shape (n_assets,)
        Bounds of each exposure; equal where it cannot trade.
    groups : tuple of GroupLimit
    nets : tuple of NetLimit
    vol : float
        Annual volatility over NAV that the VaR limit stands for (its limit over quantile and root
        of the horizon in years); infinite for none.
    """

    low: FloatArray
    high: FloatArray
    groups: tuple[GroupLimit, ...] = ()
    nets: tuple[NetLimit, ...] = ()
    vol: float = np.inf

    @cached_property
    def sums(self) -> tuple[FloatArray, FloatArray]:
        """Units of the groups, (n_groups, n_assets), and their limits."""
        units = np.array([group.unit for group in self.groups])
        most = np.array([group.limit for group in self.groups])
        return units.reshape(len(most), len(self.low)), most

    @cached_property
    def net_sums(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Units of the signed sums, (n_nets, n_assets), their lower and their upper bounds."""
        units = np.array([net.unit for net in self.nets])
        low, high = (
            np.array([getattr(net, side) for net in self.nets]) for side in ("low", "high")
        )
        return units.reshape(len(low), len(self.low)), low, high

    def exceeded(self, weights: FloatArray, cov: FloatArray) -> tuple[str, ...]:
        """Names of the limits that ``weights`` are not within."""
        names = []
        absolute = np.abs(weights)
        size = SLACK * max(float(absolute.max(initial=0.0)), SLACK)
        if np.any((weights < self.low - size) | (weights > self.high + size)):
            names.append("single positions")
        units, most = self.sums
        over = units.dot(absolute) > most * (1 + SLACK) + SLACK**2
        names += [self.groups[k].name for k in over.nonzero()[0].tolist()]
        units, low, high = self.net_sums
        sums, slack = units.dot(weights), SLACK * np.abs(units).dot(absolute) + SLACK**2
        inside = (low - slack <= sums) & (sums <= high + slack)
        names += [self.nets[k].name for k in (~inside).nonzero()[0].tolist()]
        if weights.dot(cov).dot(weights) > (self.vol * (1 + SLACK)) ** 2:
            names.append("VaR")
        return tuple(names)

    def farthest(self, inside: FloatArray, outside: FloatArray, cov: FloatArray) -> FloatArray:
        """The portfolio within the limits, which are convex, that is farthest on a way.

        Parameters
        ----------
        inside, outside : float arrays of shape (n_assets,)
            Where it begins, which is the answer if that is not within the limits, and ends.
        cov : float array of shape (n_assets, n_assets)
        """
        if not self.exceeded(outside, cov):
            return outside
        if self.exceeded(inside, cov):
            return inside
        way = outside - inside
        units, low, high = self.net_sums
        net, moved = units.dot(inside), units.dot(way)
        share = min(
            1.0,
            _used_up(self.high - inside, way),
            _used_up(inside - self.low, -way),
            _used_up(high - net, moved),
            _used_up(net - low, -moved),
            self._until_vol(inside, way, cov),
        )
        return inside + self._until_groups(inside, way, share) * way

    def _until_vol(self, inside: FloatArray, way: FloatArray, cov: FloatArray) -> float:
        """Share of a way at which volatility reaches its limit, infinite where there is none."""
        if not math.isfinite(self.vol):
            return math.inf
        pull = cov.dot(way)
        square, cross = float(way.dot(pull)), float(inside.dot(pull))
        room = max(self.vol**2 - float(inside.dot(cov).dot(inside)), 0.0)
        root = math.sqrt(cross**2 + max(square, 0.0) * room)
        if cross > 0:  # the same figure without a difference of equals
            return room / (cross + root)
        return (root - cross) / square if square > 0 else math.inf

    def _until_groups(self, inside: FloatArray, way: FloatArray, share: float) -> float:
        """The share or, where less, that at which a sum of absolute positions reaches its limit.

        The sums are convex along the way, so that Newton's steps from outside end at the limit:
        after as many as positions change sides at most.
        """
        units, most = self.sums
        for _ in range(len(way) + 1):
            at = inside + share * way
            over = units.dot(np.abs(at)) - most
            above = (over > SLACK**2 * most).nonzero()[0]
            if not len(above):
                break
            slope = units[above].dot(np.where(at < 0, -way, way))
            share = max(share - float((over[above] / slope).max()), 0.0) if slope.all() else 0.0
        return share

    def at_volatility(self, weights: FloatArray, vol: float, cov: FloatArray) -> FloatArray:
        """``weights`` with all that may trade scaled to a volatility, as far as the limits allow.

        Parameters
        ----------
        weights : float array of shape (n_assets,)
            Within the limits.
        vol : float
            Annual, over NAV.
        cov : float array of shape (n_assets, n_assets)
        """
        free = self.low < self.high
        moving, stuck = np.where(free, weights, 0.0), np.where(free, 0.0, weights)
        pull = cov @ moving
        square, cross = float(moving @ pull), float(stuck @ pull)
        rest = float(stuck @ cov @ stuck) - vol**2
        root = cross**2 - square * rest
        if not (square > 0 and root >= 0):
            return weights
        scale = max((math.sqrt(root) - cross) / square, 0.0)
        return self.farthest(weights, np.clip(stuck + scale * moving, self.low, self.high), cov)


def _used_up(room: FloatArray, way: FloatArray) -> float:
    """Share of a way at which the first room is used up, infinite if none ever is."""
    using = way > 0
    return float((np.maximum(room[using], 0.0) / way[using]).min(initial=math.inf))


@dataclass(frozen=True, slots=True)
class Costs:
    """Yearly cost over NAV of trades and positions.

    Attributes
    ----------
    trade : float array of shape (n_assets,)
        Spread and fee of a unit of exposure traded, times how often a year such a trade is paid.
    impact : float array of shape (n_assets,)
        The same for the square of the trade.
    hold : float array of shape (n_assets,)
        Of a unit of exposure held: the rolls ahead.
    """

    trade: FloatArray
    impact: FloatArray
    hold: FloatArray

    @classmethod
    def none(cls, n_assets: int) -> Costs:
        """No costs."""
        return cls(*(np.zeros(n_assets) for _ in range(3)))

    def of(self, weights: FloatArray, previous: FloatArray) -> float:
        """Cost over NAV of going from ``previous`` to ``weights``."""
        change = np.abs(weights - previous)
        return float(self.trade @ change + self.impact @ change**2 + self.hold @ np.abs(weights))

    def __bool__(self) -> bool:
        return bool(self.trade.any() or self.impact.any() or self.hold.any())


@dataclass(frozen=True, slots=True)
class Optimised:
    """A portfolio within its limits, and how it was found.

    Attributes
    ----------
    weights : float array of shape (n_assets,)
        Exposure over NAV.
    objective : float
        Mean less λ times variance less costs.
    reason : str
        Why it is not the optimum, empty if it is.
    exceeded : tuple of str
        Limits that it is not within, because together they allow nothing.
    """

    weights: FloatArray
    objective: float
    reason: str = ""
    exceeded: tuple[str, ...] = ()


@dataclass(slots=True)
class Optimiser:
    """max w'μ - λ w'Σw - cost(w, previous), within limits.

    Parameters
    ----------
    aversion : float
        λ, above 0, for annual μ and Σ.

    Notes
    -----
    By default μ = 2λΣ·plain, the mean for which the plain portfolio is the optimum of mean less
    risk: without costs and limits the answer is then the plain portfolio (reverse optimisation,
    Black and Litterman 1992). The programme is solved in units of risk, in which markets of 0.2 and
    70 % volatility weigh alike. The cone of the VaR limit is only written down on a day whose
    optimum without it is outside.
    """

    aversion: float
    _programmes: dict[tuple[bool, Shape], ConeProgramme] = field(default_factory=dict)

    def solve(
        self,
        plain: FloatArray,
        previous: FloatArray,
        cov: FloatArray,
        limits: Limits,
        costs: Costs,
        mean: FloatArray | None = None,
    ) -> Optimised:
        """The optimum, or the nearest portfolio within the limits and why it is not the optimum.

        Parameters
        ----------
        plain, previous : float arrays of shape (n_assets,)
            Exposure over NAV of the plain construction, and of what is held.
        cov : float array of shape (n_assets, n_assets)
            Annual covariance. A free asset without variance gets no position.
        limits : Limits
        costs : Costs
        mean : float array of shape (n_assets,), optional
            μ, annual; without it what ``plain`` implies.

        Notes
        -----
        Never an exception because of the numbers: what is not finite counts as 0; if the limits
        contradict one another, the portfolio that exceeds them least; if the solver is missing or
        stops early, the best of the plain and the previous portfolio after both are moved towards
        none until within the limits.
        """
        cov, plain, previous = known(cov), known(plain), known(previous)
        mu = 2.0 * self.aversion * (cov @ plain) if mean is None else known(mean)
        problem = _Problem(self.aversion, mu, previous, cov, limits, costs)
        allowed = not limits.exceeded(plain, cov)
        if mean is None and not costs and allowed:
            return Optimised(plain.copy(), problem.objective(plain))
        try:
            weights, reason = self._solved(problem, plain), ""
            exceeded = limits.exceeded(weights, cov)
            if exceeded:  # by the solver's tolerance
                weights = problem.moved_within(weights)
                exceeded = limits.exceeded(weights, cov)
        except SolverError as error:
            weights, reason = self._without(problem, plain, error)
            exceeded = limits.exceeded(weights, cov)
        best = problem.objective(weights)
        if allowed and (exceeded or problem.objective(plain) > best):
            weights, best, exceeded = plain.copy(), problem.objective(plain), ()
        if exceeded and not reason:
            reason = "the solver's answer is not within the limits"
        return Optimised(weights, best, reason, exceeded)

    def _solved(self, problem: _Problem, plain: FloatArray, *, elastic: bool = False) -> FloatArray:
        data, scale, free, fixed = problem.data(plain)
        if not len(free):
            return fixed
        z = self._programmed(data.without_cone(), elastic=elastic)
        if not data.within_cone(z):
            z = self._programmed(data, elastic=elastic)
        weights = fixed.copy()
        weights[free] = z / scale
        still = np.abs(weights - problem.previous) <= STILL * np.abs(weights).max(initial=0.0)
        weights = np.where(still, problem.previous, weights)
        return np.clip(weights, problem.limits.low, problem.limits.high)

    def _programmed(self, data: Data, *, elastic: bool) -> FloatArray:
        """The answer of the programme, whose layout and solver are kept while they are used."""
        kind = elastic, data.shape
        programme = self._programmes.pop(kind, None) or ConeProgramme(data.shape, elastic=elastic)
        answer = programme.solve(data)[0]
        self._programmes[kind] = programme  # the last one; one that failed is not kept
        if len(self._programmes) > LAYOUTS:
            del self._programmes[next(iter(self._programmes))]
        return answer

    def _without(
        self, problem: _Problem, plain: FloatArray, error: SolverError
    ) -> tuple[FloatArray, str]:
        """The nearest portfolio where there is no optimum, and why."""
        limits, cov = problem.limits, problem.cov
        spare = problem.moved_within(plain)
        candidates = [spare, problem.moved_within(problem.previous)]
        within = [weights for weights in candidates if not limits.exceeded(weights, cov)]
        if within:
            return max(within, key=problem.objective), f"{error}: nearest portfolio within limits"
        try:
            weights = self._solved(problem, plain, elastic=True)
        except SolverError as second:
            weights, error = spare, second
        names = ", ".join(limits.exceeded(weights, cov))
        return weights, f"{error}: nothing is within all limits, exceeded least: {names}"


@dataclass(frozen=True, slots=True)
class _Problem:
    """One day's problem, and its translation into units of risk."""

    aversion: float
    mean: FloatArray
    previous: FloatArray
    cov: FloatArray
    limits: Limits
    costs: Costs

    def objective(self, weights: FloatArray) -> float:
        risk = self.aversion * float(weights @ self.cov @ weights)
        return float(self.mean @ weights) - risk - self.costs.of(weights, self.previous)

    def moved_within(self, weights: FloatArray) -> FloatArray:
        """``weights`` moved towards none until within the limits."""
        limits = self.limits
        inside = np.clip(np.zeros_like(weights), limits.low, limits.high)
        known = np.where(np.diagonal(self.cov) > 0, weights, inside)
        return limits.farthest(inside, np.clip(known, limits.low, limits.high), self.cov)

    def data(self, plain: FloatArray) -> tuple[Data, FloatArray, IntArray, FloatArray]:
        """The programme, risk units of a unit of exposure, the free assets, and what is fixed."""
        limits, costs = self.limits, self.costs
        variance = np.diagonal(self.cov)
        can = (limits.low < limits.high) & (variance > 0)
        fixed = np.where(can, 0.0, np.clip(0.0, limits.low, limits.high))
        free = np.flatnonzero(can)
        stuck = np.flatnonzero((fixed != 0) & (variance > 0))
        both = np.concatenate((free, stuck))
        sigma = np.sqrt(variance[both])
        root = covariance_root(self.cov[both[:, None], both] / np.multiply.outer(sigma, sigma))
        n = len(free)
        target = max(np.sqrt(max(float(plain @ self.cov @ plain), 0.0)), 1e-3)
        scale = sigma / target
        offset = root[:, n:] @ (fixed[stuck] * scale[n:])
        rest = float(offset[n:] @ offset[n:])
        scale = scale[:n]
        unit = self.aversion * target**2  # of the objective
        units, most = limits.sums
        net_units, net_low, net_high = limits.net_sums
        used = net_units.dot(fixed)
        net = np.stack((net_units[:, free], -net_units[:, free]), axis=1)
        net = net.reshape(2 * len(used), n) / scale
        net_limit = np.stack((net_high - used, used - net_low), axis=1).ravel()
        bounded = np.isfinite(net_limit)
        data = Data(
            root=root[:n, :n],
            offset=offset[:n],
            gain=self.mean[free] / (scale * unit),
            trade=costs.trade[free] / (scale * unit),
            square=costs.impact[free] / (scale**2 * unit),
            hold=costs.hold[free] / (scale * unit),
            start=self.previous[free] * scale,
            low=np.maximum(limits.low[free] * scale, -UNBOUND),
            high=np.minimum(limits.high[free] * scale, UNBOUND),
            absolute=units[:, free] / scale,
            absolute_limit=most - units.dot(np.abs(fixed)),
            net=net[bounded],
            net_limit=net_limit[bounded],
            cap=np.sqrt(max((limits.vol / target) ** 2 - rest, 0.0)),
        )
        return data, scale, free, fixed
