"""Replays of past episodes on the portfolio held, with proxies for markets not there yet (R5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from risk.stress import StressResult
from universe.arrays import BoolArray, FloatArray, IntArray, from_epoch_day, to_epoch_day

NEAR_DAYS = 7
"""Calendar days within which a market must have a price up to either end of an episode."""

WEEK = 5
"""Sessions of the returns that correlations are of: markets close at other hours, and some sources
have a market's price a day late."""

LEAST_COMMON = 52
"""Weeks that two markets must have in common for one to stand in for the other."""


@dataclass(frozen=True, slots=True)
class Episode:
    """A stretch of history: moves are from the close of ``first`` to that of ``last``."""

    name: str
    first: date
    last: date


EPISODES = (
    Episode("1987 crash", date(1987, 10, 13), date(1987, 10, 30)),
    Episode("1994 bond sell-off", date(1994, 2, 3), date(1994, 4, 4)),
    Episode("1998 Russia and LTCM", date(1998, 8, 14), date(1998, 10, 9)),
    Episode("2001 September", date(2001, 9, 10), date(2001, 9, 21)),
    Episode("2008 credit crisis", date(2008, 9, 12), date(2008, 11, 20)),
    Episode("2011 euro and downgrade", date(2011, 7, 22), date(2011, 10, 3)),
    Episode("2020 pandemic", date(2020, 2, 19), date(2020, 3, 23)),
    Episode("2022 inflation", date(2022, 2, 23), date(2022, 6, 16)),
)


@dataclass(frozen=True, slots=True)
class PriceHistory:
    """Daily prices of the markets, as far back as they go; arrays are (n_days, n_markets).

    Attributes
    ----------
    codes, classes : sequences of str
        Of the columns.
    day : int array of shape (n_days,)
        Epoch days, rising.
    adjusted : float array
        Back-adjusted price by differences: any constant may be added to a column.
    price : float array
        Positive price of the contract held, which relative moves are measured in.
    seen : bool array
        Whether the market had a trusted price on the day.
    """

    codes: Sequence[str]
    classes: Sequence[str]
    day: IntArray
    adjusted: FloatArray
    price: FloatArray
    seen: BoolArray

    def __post_init__(self) -> None:
        shape = (len(self.day), len(self.codes))
        for name in ("adjusted", "price", "seen"):
            found = getattr(self, name).shape
            if found != shape:
                raise ValueError(f"{name} has shape {found}; it must be {shape}, days by markets")
        if len(self.classes) != len(self.codes) or np.any(np.diff(self.day) <= 0):
            raise ValueError("every market needs a class, and days must rise")


@dataclass(frozen=True, slots=True)
class EpisodeMoves:
    """Moves of all markets in an episode.

    Attributes
    ----------
    episode : Episode
    path : float array of shape (n_sessions, n_markets)
        Relative moves since the close before the first row; NaN for a market without any.
    source : tuple of str
        By market: its own code, its proxy's code, or "" without either.
    scale : float array of shape (n_markets,)
        What the source's move was multiplied by.
    """

    episode: Episode
    path: FloatArray
    source: tuple[str, ...]
    scale: FloatArray


def all_moves(
    history: PriceHistory, as_of: int, episodes: Sequence[Episode] = EPISODES
) -> list[EpisodeMoves]:
    """What every market did in each episode that was over by a day, as far as it was known then.

    Parameters
    ----------
    history : PriceHistory
    as_of : int
        Epoch day: correlations with proxies are of returns up to it.
    episodes : sequence of Episode

    Returns
    -------
    list of EpisodeMoves
        Without the episodes that were not over or of which the history has nothing.

    Notes
    -----
    A market without prices at both ends takes the moves of the market of its class whose weekly
    returns correlate most with its own since both exist, times the ratio of their volatilities over
    those weeks; without one in its class that of any class, times the regression's slope. A market
    that has not been seen by the day, or for less than a year, has no move.
    """
    pairs = _pairs(history, int(np.searchsorted(history.day, as_of, side="right")))
    found = [_moves(history, episode, as_of, pairs) for episode in episodes]
    return [moves for moves in found if moves is not None]


def _moves(
    history: PriceHistory,
    episode: Episode,
    as_of: int,
    pairs: tuple[FloatArray, FloatArray],
) -> EpisodeMoves | None:
    first, last = to_epoch_day(episode.first), to_epoch_day(episode.last)
    base = int(np.searchsorted(history.day, first, side="right")) - 1
    end = int(np.searchsorted(history.day, last, side="right"))
    if as_of < last or base < 0 or end <= base + 1:
        return None
    own = _has_both_ends(history, first, last)
    if not own.any():
        return None
    adjusted = _filled(history.adjusted[:end], history.seen[:end])[base:]
    price = _filled(history.price[: base + 1], history.seen[: base + 1])[-1]
    path = (adjusted[1:] - adjusted[0]) / np.where(own, price, np.nan)
    correlation, ratio = pairs
    source = list(history.codes)
    scale = np.ones(len(source))
    own_path = path.copy()
    classes = np.array(history.classes)
    for market in np.flatnonzero(~own).tolist():
        proxy, factor = _proxy(market, own, classes, correlation[market], ratio[market])
        source[market] = history.codes[proxy] if proxy >= 0 else ""
        scale[market] = factor
        path[:, market] = own_path[:, proxy] * factor if proxy >= 0 else np.nan
    return EpisodeMoves(episode, path, tuple(source), scale)


def replay(moves: EpisodeMoves, codes: Sequence[str], exposure: FloatArray) -> StressResult:
    """An episode on a portfolio that is held still through it.

    Parameters
    ----------
    moves : EpisodeMoves
    codes : sequence of str
        Of the markets of ``moves``.
    exposure : float array of shape (n_markets,)
        Signed exposure over NAV.
    """
    held = exposure != 0
    parts_path = np.where(held, exposure * moves.path, 0.0)
    profits = parts_path.sum(axis=1)
    parts = parts_path[-1]
    unknown = np.flatnonzero(~np.isfinite(parts))
    worst = float(min(profits.min(), 0.0)) if not len(unknown) else float("nan")
    remarks = [
        f"{code} by {source} x {factor:.2f}"
        for code, source, factor, on in zip(codes, moves.source, moves.scale, held, strict=True)
        if on and source not in (code, "")
    ]
    remarks += [f"{codes[market]} has no move" for market in unknown.tolist()]
    return StressResult(
        moves.episode.name,
        float(profits[-1]),
        parts,
        worst,
        tuple(unknown.tolist()),
        tuple(remarks),
    )


def not_yet(episode: Episode, as_of: int) -> str:
    """Why an episode has no moves: it was not over, or the history does not reach back to it."""
    day = from_epoch_day(as_of)
    if as_of < to_epoch_day(episode.last):
        return f"{episode.name} ends on {episode.last}, after {day}"
    return f"{episode.name} begins on {episode.first}, before the first market's history"


def _has_both_ends(history: PriceHistory, first: int, last: int) -> BoolArray:
    def seen_before(day: int) -> BoolArray:
        rows = (history.day <= day) & (history.day > day - NEAR_DAYS)
        return np.asarray(history.seen[rows].any(axis=0))

    return seen_before(first) & seen_before(last)


def _filled(values: FloatArray, seen: BoolArray) -> FloatArray:
    """The last seen value of every column by row, NaN before the first."""
    row = np.where(seen, np.arange(len(values))[:, None], -1)
    row = np.maximum.accumulate(row, axis=0)
    filled = np.take_along_axis(values, np.maximum(row, 0), axis=0)
    return np.where(row >= 0, filled, np.nan)


def _pairs(history: PriceHistory, stop: int) -> tuple[FloatArray, FloatArray]:
    """Correlation of every pair over common weeks, NaN below ``LEAST_COMMON``; ratio of vols."""
    seen = history.seen[:stop]
    last = slice((stop - 1) % WEEK, None, WEEK)
    adjusted = _filled(history.adjusted[:stop], seen)[last]
    price = _filled(history.price[:stop], seen)[last]
    count = np.cumsum(seen, axis=0)[last]
    ret = np.diff(adjusted, axis=0) / price[:-1]
    use = (np.diff(count, axis=0) > 0) & np.isfinite(ret)
    mask, value = use.astype(np.float64), np.where(use, ret, 0.0)
    common = mask.T @ mask
    enough = common >= LEAST_COMMON
    n = np.where(enough, common, 1.0)
    mean = value.T @ mask / n  # [i, j]: of i where j is seen too
    square = (value * value).T @ mask / n - mean**2
    cross = value.T @ value / n - mean * mean.T
    usable = enough & (square > 0) & (square.T > 0)
    spread = np.sqrt(np.where(usable, square, 1.0))
    correlation = np.where(usable, cross / (spread * spread.T), np.nan)
    return correlation, np.where(usable, spread / spread.T, np.nan)


def _proxy(
    market: int,
    own: BoolArray,
    classes: np.ndarray[tuple[int], np.dtype[np.str_]],
    correlation: FloatArray,
    ratio: FloatArray,
) -> tuple[int, float]:
    """The market that stands in and the factor, or -1."""
    known = own & np.isfinite(correlation)
    alike = known & (classes == classes[market]) & (correlation > 0)
    if alike.any():
        best = int(np.argmax(np.where(alike, correlation, -np.inf)))
        return best, float(ratio[best])
    if known.any():
        best = int(np.argmax(np.where(known, np.abs(correlation), -np.inf)))
        return best, float(correlation[best] * ratio[best])
    return -1, float("nan")
