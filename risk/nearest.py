"""The whole-contract book nearest to the one asked for that passes a risk limit (R2).

Near means tracking error: the volatility, in the covariance of contracts, of the difference to what
was asked for. Cutting every market pro rata and rounding does worse, and closes small books.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from universe.arrays import BoolArray, FloatArray, IntArray
from universe.linalg import covariance_root

BookRisk = Callable[[FloatArray], float]
"""Risk of contracts over NAV, which grows in proportion with the book as a VaR does."""

WHOLE_LIST = 2048
"""Books up to this many are all looked at in order of tracking error, which is exact."""

WIDTH = 32
"""Partial books that the search keeps."""

TRIES = 12
"""Books of one search whose risk is computed, the nearest first."""

SEARCHES = 6
"""Most searches, each with what the last has shown of risk by volatility."""

HALVINGS = 20
"""Of the share that is left of a book for which no search found a near one."""

WORTH = 0.1
"""Of the relative excess over the limit: what a further search has to have room for."""

PENALTY = 1e6
"""Of variance above what the limit allows, so that a book that fails is kept as a last resort."""

PAIR = np.array([[0.0], [1.0]])
"""The whole numbers on either side of a fraction, over the lower one."""

DIGITS = 12
"""Of relative variance that count: below them books are equal, and fewer contracts decide."""


@dataclass(frozen=True, slots=True)
class Nearest:
    """A book, and whether it passes.

    Attributes
    ----------
    contracts : int array of shape (n_assets,)
    risk : float
        Of ``contracts``; NaN or infinite if it cannot be known.
    passes : bool
    tracking_error : float
        Daily volatility over NAV of the difference to what was asked for, as far as it can trade.
    reason : str
        Why ``contracts`` are not what was asked for, empty if they are.
    """

    contracts: IntArray
    risk: float
    passes: bool
    tracking_error: float
    reason: str


def nearest_book(
    asked: IntArray,
    held: IntArray,
    tradable: BoolArray,
    unit_exposure: FloatArray,
    cov_daily: FloatArray,
    risk: BookRisk,
    limit: float,
    *,
    least_per_vol: float = 0.0,
) -> Nearest:
    """The book of least tracking error to ``asked`` whose risk is within ``limit``.

    No position becomes larger than asked for or changes side. Of equally near books the one with
    the fewest contracts off what was asked for is taken.

    Parameters
    ----------
    asked, held : int arrays of shape (n_assets,)
        Contracts wanted, and those held now.
    tradable : bool array of shape (n_assets,)
        What cannot trade today stays as held.
    unit_exposure : float array of shape (n_assets,)
        Exposure of one contract over NAV, NaN where unknown.
    cov_daily : float array of shape (n_assets, n_assets)
        Covariance of daily returns; an asset without a positive variance is of unknown risk.
    risk : callable
        See ``BookRisk``.
    limit : float
        Over NAV, inclusive.
    least_per_vol : float
        ``risk`` is known never to be below this times the daily volatility over NAV (quantile times
        the root of the horizon for a figure that takes the larger of a parametric and another VaR);
        only saves time.

    Returns
    -------
    Nearest
        Without a passing book (what is fixed is above the limit) the least risk that was found.

    Notes
    -----
    An asset of unknown risk neither grows nor is closed for lack of a figure: it may follow what
    was asked for between what is held and zero. If the risk of the whole is not a number, that
    holds for every asset. A few contracts: all books in order of tracking error. More: a search for
    the books nearest in the covariance within the volatility that the limit stands for, at the
    ratio of risk to volatility that the last search has shown, until one passes and leaves no room.
    It is exact where risk is a multiple of volatility and the search was wide enough; the same
    input gives the same book.
    """
    variance = np.diagonal(cov_daily)
    clear = np.isfinite(unit_exposure) & np.isfinite(variance) & (variance > 0)
    wanted = np.where(tradable, asked, held)
    shrinking = np.clip(wanted, np.minimum(held, 0), np.maximum(held, 0)).astype(np.int64)
    target = np.where(clear, wanted, shrinking).astype(np.int64)
    reasons = []
    if np.any(target != wanted):
        reasons.append(f"{np.count_nonzero(target != wanted)} of unknown risk do not grow")
    at_first = risk(target.astype(np.float64))
    if not np.isfinite(at_first):
        target = shrinking
        at_first = risk(target.astype(np.float64))
        reasons.append("the risk of the whole is not known: nothing grows")
    if at_first <= limit or not np.isfinite(at_first):
        return Nearest(target, at_first, bool(at_first <= limit), 0.0, "; ".join(reasons))
    live = np.flatnonzero(clear & (target != 0))
    unit = unit_exposure[live]
    gram = cov_daily[live[:, None], live] * np.multiply.outer(unit, unit)
    search = _Search(target, live, tradable[live], gram, risk, limit, least_per_vol)
    book, value = search.run(at_first)
    off = book - target
    reasons.append(
        f"{at_first:.4f} is above {limit:.4f}: the nearest book is {np.abs(off).sum()} contracts "
        f"off in {np.count_nonzero(off)}"
        if value <= limit
        else f"{at_first:.4f} is above {limit:.4f} and no reduction of what can trade is within it"
    )
    error = float(np.sqrt(max(off[live] @ gram @ off[live], 0.0)))
    return Nearest(book, value, bool(value <= limit), error, "; ".join(reasons))


class _Search:
    """Books over the live assets, from the smallest risk of a contract to the largest, then fixed.

    The factor R of the covariance of contracts is upper triangular, so distance |R(n - target)|²
    and variance |Rn|² of a book gather from its last asset to its first.
    """

    def __init__(
        self,
        target: IntArray,
        live: IntArray,
        free: BoolArray,
        gram: FloatArray,
        risk: BookRisk,
        limit: float,
        least_per_vol: float,
    ) -> None:
        order = np.lexsort((np.arange(len(live)), np.diagonal(gram), ~free))
        self._target, self._live = target, live[order]
        self._count = int(np.count_nonzero(free))
        self._gram = gram[order[:, None], order]
        self._root = covariance_root(self._gram)
        self._start = target[self._live].astype(np.float64)
        self._risk, self._limit, self._least = risk, limit, least_per_vol
        self._unit = max(self.variance(self._start) * 10.0**-DIGITS, 1e-300)

    def run(self, at_first: float) -> tuple[IntArray, float]:
        """The best book over all assets and its risk."""
        choices = np.abs(self._start[: self._count]) + 1.0
        if float(np.prod(choices)) <= WHOLE_LIST:
            books = self._all_books()
            found = self._first(books, self._least, len(books))[0]
        else:
            found = self._searched(at_first / np.sqrt(self.variance(self._start)))
        return self._filled(found) if found is not None else self._lowest(at_first)

    def variance(self, book: FloatArray) -> float:
        return max(float(book @ self._gram @ book), 0.0)

    def _filled(self, book: FloatArray) -> tuple[IntArray, float]:
        contracts = self._target.copy()
        contracts[self._live] = book
        return contracts, self._value(book)

    def _value(self, book: FloatArray) -> float:
        contracts = self._target.astype(np.float64)
        contracts[self._live] = book
        return self._risk(contracts)

    def _all_books(self) -> FloatArray:
        free, fixed = self._start[: self._count], self._start[self._count :]
        grids = [np.arange(min(n, 0), max(n, 0) + 1) for n in free]
        books = np.zeros((1, 0))
        if grids:
            books = np.stack(np.meshgrid(*grids, indexing="ij"), axis=-1).reshape(-1, len(grids))
        return np.hstack([books, np.broadcast_to(fixed, (len(books), len(fixed)))])

    def _searched(self, per_vol: float) -> FloatArray | None:
        """Nearest passing book over searches at the ratio of risk to volatility found so far."""
        best, best_key = None, (np.inf, np.inf)
        worth = WORTH * (1.0 - self._limit / (per_vol * np.sqrt(self.variance(self._start))))
        for _ in range(SEARCHES):
            vol = self._limit / per_vol
            book, ratio = self._first(self._books(vol * vol), per_vol, TRIES)
            if book is None:
                if best is not None:
                    break
                per_vol = max(ratio, per_vol * (1.0 + worth))
                continue
            key = self._key(book)
            if not key < best_key:
                break
            best, best_key = book, key
            if not 0 < ratio < per_vol * (1.0 - worth):
                break
            per_vol = ratio
        return best

    def _first(
        self, books: FloatArray, per_vol: float, tries: int
    ) -> tuple[FloatArray | None, float]:
        """First book by distance that passes, and its risk by volatility (without one, the most).

        ``per_vol`` times volatility has to be within the limit for a book to be tried.
        """
        off = books - self._start
        near = np.rint(np.sum(off @ self._gram * off, axis=1) / self._unit)
        vol = np.sqrt(np.maximum(np.sum(books @ self._gram * books, axis=1), 0.0))
        likely = np.flatnonzero(vol * max(per_vol, self._least) <= self._limit * (1.0 + 1e-12))
        order = likely[np.lexsort((np.abs(off[likely]).sum(axis=1), near[likely]))]
        most = 0.0
        for index in order[:tries].tolist():
            value = self._value(books[index])
            ratio = value / vol[index] if vol[index] > 0 else 0.0
            if value <= self._limit:
                return books[index], float(ratio)
            most = max(most, float(ratio)) if np.isfinite(ratio) else most
        return None, most

    def _key(self, book: FloatArray) -> tuple[float, float]:
        off = book - self._start
        return float(np.rint(off @ self._gram @ off / self._unit)), float(np.abs(off).sum())

    def _lowest(self, at_first: float) -> tuple[IntArray, float]:
        """The whole book made smaller alike; without one that passes, the least risk found."""
        shrunk = self._shrunk(1.0)
        low, high = 0.0, 1.0
        for _ in range(HALVINGS):
            share = 0.5 * (low + high)
            trial = self._shrunk(share)
            if self._value(trial) <= self._limit:
                low, shrunk = share, trial
            else:
                high = share
        if low > 0.0:
            return self._filled(shrunk)
        books = [self._books(0.0)[0], self._shrunk(0.0)]
        values = [self._value(book) for book in books]
        known = np.where(np.isfinite(values), values, np.inf)
        best = int(np.argmin(known))
        if not known[best] < at_first:
            return self._target, at_first
        return self._filled(books[best])

    def _shrunk(self, share: float) -> FloatArray:
        """What is free at ``share`` of its contracts, rounded towards none."""
        free = np.arange(len(self._start)) < self._count
        return np.where(
            free, np.trunc(self._start * share + 1e-9 * np.sign(self._start)), self._start
        )

    def _books(self, cap: float) -> FloatArray:
        """Whole books near the target within the variance ``cap``, found asset by asset.

        For each partial book the rest is bounded by the fractional optimum without bounds: what is
        left of the target's R n, shortened to the variance that is left. The next asset gets either
        whole number beside that optimum; the ``WIDTH`` partial books of least bound are kept.
        """
        root, count, start = self._root, self._count, self._start
        goal = root @ start
        left = np.concatenate(([0.0], np.sqrt(np.cumsum(goal * goal))))
        low, high = np.minimum(start, 0.0), np.maximum(start, 0.0)
        books = np.where(np.arange(len(goal)) < count, 0.0, start)[None, :]
        gathered = books @ root.T  # of R n, from what is chosen
        distance, variance = np.zeros(1), np.sum(gathered[:, count:] ** 2, axis=1)
        for asset in range(count - 1, -1, -1):
            have, wanted, step = gathered[:, asset], goal[asset], root[asset, asset]
            share = np.sqrt(np.maximum(cap - variance, 0.0)) / max(left[asset + 1], 1e-300)
            below = np.floor((np.minimum(share, 1.0) * wanted - have) / step)
            below = np.minimum(np.maximum(below, low[asset]), high[asset] - 1.0)
            choice = below + PAIR
            part = have + step * choice
            spread = variance + part * part
            off = distance + (part - wanted) ** 2
            room = cap - spread
            rest = np.maximum(left[asset] - np.sqrt(np.maximum(room, 0.0)), 0.0)
            bound = (off + rest * rest - PENALTY * np.minimum(room, 0.0)).ravel()
            kept = np.argsort(bound, kind="stable")[:WIDTH]
            parent, value = kept % len(have), choice.ravel()[kept]
            books = books[parent]
            books[:, asset] = value
            gathered = gathered[parent, :asset] + value[:, None] * root[:asset, asset]
            distance, variance = off.ravel()[kept], spread.ravel()[kept]
        return books
