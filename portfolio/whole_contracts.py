"""Whole contracts that track a fractional portfolio in the covariance at least cost (P8)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from universe.arrays import BoolArray, FloatArray, IntArray
from universe.linalg import covariance_root

WIDTH = 16
"""Partial books that the nearest-plane search keeps; 1 is Babai's nearest plane itself."""

EXCHANGES = 100
"""Most exchanges of one or two contracts, one after another."""

TREE_ASSETS = 12
"""Most free assets for which a depth-first tree follows; with more it would not end."""

NODES = 4000
"""Of that tree, which is exact when it ends before them."""

REPAIRED = 1e-5
"""Relative difference of a matrix to the one that its root is of, from which the latter counts."""

PAIR = np.array([[0.0], [1.0]])
"""The whole numbers on either side of a fraction, over the lower one."""


@dataclass(frozen=True, slots=True)
class WholeBook:
    """Whole contracts, and how far they are from what they track.

    Attributes
    ----------
    contracts : int array of shape (n_assets,)
    objective : float
        Annual variance over NAV of the difference to the fractional book, plus the cost of trades.
    tracking_error : float
        Annual volatility over NAV of the difference.
    exact : bool
        No book within the bounds has a smaller objective.
    """

    contracts: IntArray
    objective: float
    tracking_error: float
    exact: bool


def contract_covariance(unit_exposure: FloatArray, cov: FloatArray) -> FloatArray:
    """Annual covariance over NAV of one contract of each asset; 0 where the exposure is unknown.

    Parameters
    ----------
    unit_exposure : float array of shape (n_assets,)
        Exposure of one contract over NAV.
    cov : float array of shape (n_assets, n_assets)
        Annual covariance of returns.
    """
    unit = np.where(np.isfinite(unit_exposure), unit_exposure, 0.0)
    return np.asarray(cov * np.multiply.outer(unit, unit))


def contract_bounds(
    ideal: FloatArray,
    held: IntArray,
    cap: FloatArray,
    free: BoolArray,
    *,
    contrary_cap: FloatArray | None = None,
    either_side: bool = True,
) -> tuple[IntArray, IntArray]:
    """Fewest and most contracts of every asset.

    Parameters
    ----------
    ideal : float array of shape (n_assets,)
        Fractional contracts.
    held : int array of shape (n_assets,)
    cap : float array of shape (n_assets,)
        Largest position in contracts, infinite where there is none; below one contract nothing can
        be held.
    free : bool array of shape (n_assets,)
        What cannot trade stays as held.
    contrary_cap : float array of shape (n_assets,), optional
        The same against the fractional position; ``cap`` unless given.
    either_side : bool
        Whether a contract may stand against its fractional position, where it hedges others.
    """
    most, other = (
        np.floor(np.minimum(np.where(limit >= 0, limit, 0.0), 1e9) + 1e-9)
        for limit in (cap, cap if contrary_cap is None else contrary_cap)
    )
    if not either_side:
        other = np.zeros_like(other)
    low, high = np.where(ideal < 0, -most, -other), np.where(ideal > 0, most, other)
    bounds = np.where(free, low, held), np.where(free, high, held)
    return bounds[0].astype(np.int64), bounds[1].astype(np.int64)


def whole_contracts(
    ideal: FloatArray,
    held: IntArray,
    gram: FloatArray,
    low: IntArray,
    high: IntArray,
    cost: FloatArray,
    *,
    width: int = WIDTH,
    nodes: int = NODES,
) -> WholeBook:
    """Integers n within bounds of least (n - ideal)ᵀG(n - ideal) + costᵀ|n - held|.

    Parameters
    ----------
    ideal : float array of shape (n_assets,)
        Fractional contracts.
    held : int array of shape (n_assets,)
    gram : float array of shape (n_assets, n_assets)
        G, annual covariance over NAV of one contract each. An asset without risk of its own tracks
        nothing and is rounded; an indefinite matrix counts as the one that ``covariance_root``
        takes for it.
    low, high : int arrays of shape (n_assets,)
        Bounds, equal where an asset cannot trade.
    cost : float array of shape (n_assets,)
        Of trading one contract, in annual variance over NAV (cost over NAV and a year, over the
        risk aversion λ that the variance has in the objective), 0 or above.
    width : int
        See ``WIDTH``.
    nodes : int
        See ``NODES`` and ``TREE_ASSETS``; 0 leaves the tree out.

    Notes
    -----
    A closest-vector problem. R is the upper Cholesky factor of G with the assets sorted by the risk
    of one contract; from the largest contract to the smallest, each gets a whole number beside the
    value that makes its row of R(n - ideal) vanish, moved by a soft threshold towards what is held
    where trading costs (Babai 1986, keeping the ``width`` best partial books instead of one). Then
    exchanges of one and two contracts while they help, the same from the held book where trading
    costs, and for a few assets a depth-first tree from the better (Schnorr and Euchner 1994).
    """
    search = _Search(ideal, held, gram, low, high, cost)
    book = search.exchanged(search.nearest_planes(width))
    if search.costs:
        other = search.exchanged(np.clip(search.held, search.low, search.high))
        if search.objective(other) < search.objective(book):
            book = other
    book, exact = search.tree(book, nodes)
    contracts = np.clip(np.rint(ideal), low, high).astype(np.int64)
    contracts[search.order] = book
    off = (contracts - ideal)[search.order]
    error = float(np.sqrt(max(off @ search.gram @ off, 0.0)))
    return WholeBook(contracts, search.objective(book), error, exact)


class _Search:
    """One problem over the assets with risk: by risk of a contract, what is fixed last."""

    def __init__(
        self,
        ideal: FloatArray,
        held: IntArray,
        gram: FloatArray,
        low: IntArray,
        high: IntArray,
        cost: FloatArray,
    ) -> None:
        risk = np.diagonal(gram)
        fixed = low >= high
        order = np.lexsort((np.arange(len(risk)), risk, fixed))
        self.order = order[risk[order] > 0]
        self.count = int(np.count_nonzero(~fixed[self.order]))
        self.gram = gram[self.order[:, None], self.order]
        self.ideal, self.held = ideal[self.order], held[self.order].astype(np.float64)
        self.low = low[self.order].astype(np.float64)
        self.high = np.maximum(high, low)[self.order].astype(np.float64)
        self.cost = cost[self.order]
        self.costs = bool(self.cost.any())
        self.root = covariance_root(self.gram) if len(self.order) else self.gram
        counted = self.root.T @ self.root
        if np.any(np.abs(counted - self.gram) > REPAIRED * np.diagonal(self.gram)):
            self.gram = counted  # an indefinite matrix has books of less than no risk

    def objective(self, book: FloatArray) -> float:
        off = book - self.ideal
        return float(off @ self.gram @ off + self.cost @ np.abs(book - self.held))

    def nearest_planes(self, width: int) -> FloatArray:
        """Best of the books that are chosen contract by contract, the largest first."""
        root, count = self.root, self.count
        books = np.where(np.arange(len(self.ideal)) < count, 0.0, self.low)[None, :]
        goal = root @ self.ideal
        short = goal - books @ root.T  # of R ideal, after what is chosen
        value = np.zeros(1)
        threshold = self.cost / (2.0 * np.maximum(np.diagonal(root) ** 2, 1e-300))
        for asset in range(count - 1, -1, -1):
            step = root[asset, asset]
            centre = short[:, asset] / step
            if self.costs:
                past = centre - self.held[asset]
                centre = centre - np.clip(past, -threshold[asset], threshold[asset])
            below = np.minimum(
                np.maximum(np.floor(centre), self.low[asset]), self.high[asset] - 1.0
            )
            choice = below + PAIR
            off = short[:, asset] - step * choice
            total = value + off * off
            if self.costs:
                total += self.cost[asset] * np.abs(choice - self.held[asset])
            flat = total.ravel()
            kept = np.argsort(flat, kind="stable")[:width] if len(flat) > 1 else np.zeros(1, int)
            parent, chosen = kept % len(books), choice.ravel()[kept]
            value = flat[kept]
            books = books[parent]
            books[:, asset] = chosen
            short = short[parent, :asset] - chosen[:, None] * root[:asset, asset]
        return np.asarray(books[0])

    def exchanged(self, book: FloatArray) -> FloatArray:
        """``book`` after exchanges of one or two contracts, while one lowers the objective."""
        count = self.count
        if count == 0:
            return book
        book = book.copy()
        sides = np.repeat([1.0, -1.0], count)
        own = np.tile(np.diagonal(self.gram)[:count], 2)
        free = self.gram[:count, :count]
        cross = 2.0 * np.block([[free, -free], [-free, free]])
        slope = 2.0 * (self.gram @ (book - self.ideal))[:count]
        least = -1e-12 * max(self.objective(book), 1e-300)
        for _ in range(EXCHANGES):
            single = np.concatenate((slope, -slope)) + own + self._trading(book, sides)
            one = int(np.argmin(single))
            moves: tuple[int, ...] = (one,)
            if not single[one] < least:
                pairs = single[:, None] + single + cross
                pairs.ravel()[:: 2 * count + 1] = np.inf
                best = int(np.argmin(pairs))
                if not pairs.flat[best] < least:
                    break
                moves = divmod(best, 2 * count)
            for move in moves:
                book[move % count] += sides[move]
                slope += 2.0 * sides[move] * free[move % count]
        return book

    def _trading(self, book: FloatArray, sides: FloatArray) -> FloatArray:
        """Change of cost of each move of one contract, infinite beyond the bounds."""
        count = self.count
        now, held = book[:count], self.held[:count]
        up = np.where(now >= held, self.cost[:count], -self.cost[:count])
        down = np.where(now <= held, self.cost[:count], -self.cost[:count])
        up = np.where(now >= self.high[:count], np.inf, up)
        return np.concatenate((up, np.where(now <= self.low[:count], np.inf, down)))

    def tree(self, book: FloatArray, nodes: int) -> tuple[FloatArray, bool]:
        """Better book by depth-first search, and whether every other one was ruled out."""
        if nodes < 1 or not 0 < self.count <= TREE_ASSETS:
            return book, self.count == 0
        tree = _Tree(self, book, nodes)
        tree.descend(self.count - 1, tree.fixed)
        return tree.best, tree.left >= 0


class _Tree:
    """Depth-first search: whole numbers of an asset in order of what they add to the objective."""

    def __init__(self, search: _Search, book: FloatArray, nodes: int) -> None:
        self._search, self.best, self.left = search, book, nodes
        self._bound = search.objective(book) * (1.0 - 1e-9)
        self._book = np.where(np.arange(len(book)) < search.count, 0.0, search.low)
        self._goal = search.root @ search.ideal
        rest = (self._goal - search.root @ self._book)[search.count :]
        moved = np.abs(self._book - search.held)[search.count :]
        self.fixed = float(rest @ rest + search.cost[search.count :] @ moved)

    def descend(self, asset: int, value: float) -> None:
        """Try the whole numbers of ``asset``, given those of the assets after it."""
        search = self._search
        if asset < 0:
            found = search.objective(self._book)
            if found < self._bound:
                self.best, self._bound = self._book.copy(), found * (1.0 - 1e-9)
            return
        after = asset + 1
        row = search.root[asset]
        short = float(self._goal[asset] - row[after:] @ self._book[after:])
        step, cost, held = float(row[asset]), float(search.cost[asset]), float(search.held[asset])
        low, high = float(search.low[asset]), float(search.high[asset])

        def added(n: float) -> float:
            return (short - step * n) ** 2 + cost * abs(n - held)

        best = _best_whole(short / step, cost / (2.0 * step * step), held, low, high, added)
        up, down = best, best - 1.0
        while self.left >= 0:
            more = added(up) if up <= high else np.inf
            less = added(down) if down >= low else np.inf
            add = min(more, less)
            if value + add >= self._bound:
                break
            self.left -= 1
            self._book[asset] = up if more <= less else down
            if more <= less:
                up += 1.0
            else:
                down -= 1.0
            self.descend(asset - 1, value + add)
        self._book[asset] = 0.0


def _best_whole(
    centre: float,
    threshold: float,
    held: float,
    low: float,
    high: float,
    added: Callable[[float], float],
) -> float:
    """Whole number within bounds that adds least, the lower one of two that add the same."""
    centre -= max(-threshold, min(threshold, centre - held))
    below = min(max(math.floor(centre), low), high)
    return below + 1.0 if below < high and added(below + 1.0) < added(below) else below
