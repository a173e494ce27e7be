"""Positions within position limits, and within what a US fund may hold (R4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from risk.position_limits import (
    LIMITS,
    RESTRICTED,
    Eligibility,
    Listed,
    PositionLimit,
    eligibility,
    limit_on,
)
from universe.arrays import BoolArray, FloatArray, IntArray, from_epoch_day, to_epoch_day
from universe.master import MASTER

ROUNDING = 1e-9
"""So that a tenth off thirty thousand is twenty-seven thousand."""

NO_LIMIT = np.inf


@dataclass(frozen=True, slots=True)
class PositionCheck:
    """Contracts within the limits.

    Attributes
    ----------
    contracts : int array of shape (n_assets,)
    steps : tuple of str
        What was reduced, with limit and source.
    unknown : tuple of str
        Underlyings held for which no limit is known here.
    """

    contracts: IntArray
    steps: tuple[str, ...]
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Levels:
    """Limits of every underlying between two changes of the table; infinite where unknown."""

    since: int
    until: int
    lines: tuple[PositionLimit | None, ...]
    usual: FloatArray
    spot: FloatArray
    barred: BoolArray


class PositionCaps:
    """The table of position limits over one set of assets.

    Parameters
    ----------
    instruments : sequence of Listed
        One an asset; a calendar spread counts with its market, as its near leg does. The full-size
        contract of a small one is looked for among them first, then in the instrument master; where
        it is in neither, the small one counts by itself.
    us_fund : bool
        Whether what a US fund may not hold is closed.
    """

    def __init__(self, instruments: Sequence[Listed], *, us_fund: bool = False) -> None:
        self._instruments, self._us_fund = list(instruments), us_fund
        own = {instrument.code: instrument for instrument in instruments}
        self.size = np.array([_full_sizes(one, own) for one in instruments])
        """Full-size contracts that one contract of every asset counts as."""
        underlying = [one.full_size or one.code for one in instruments]
        self.underlyings = tuple(dict.fromkeys(underlying))
        self.group = np.array([self.underlyings.index(name) for name in underlying])
        """Index of every asset's underlying."""
        self._levels: _Levels | None = None

    def lines(self, day: int) -> tuple[PositionLimit | None, ...]:
        """The line in force for every underlying on an epoch day, None where it is unknown."""
        return self._on(day).lines

    def allowed(self, day: int, spot: BoolArray, contracts: IntArray) -> FloatArray:
        """Full-size contracts allowed of every underlying, infinite where no limit is known.

        Parameters
        ----------
        day : int
            Epoch day.
        spot : bool array of shape (n_assets,)
            Whether the contract held is in its spot month.
        contracts : int array of shape (n_assets,)
        """
        levels = self._on(day)
        in_spot = np.zeros(len(self.underlyings), dtype=bool)
        in_spot[self.group[spot & (contracts != 0)]] = True
        return np.where(in_spot, np.minimum(levels.usual, levels.spot), levels.usual)

    def cap(
        self, asked: IntArray, day: int, spot: BoolArray, headroom: float = 0.1
    ) -> PositionCheck:
        """Reduce positions to a share of the position limits.

        Parameters
        ----------
        asked : int array of shape (n_assets,)
        day : int
            Epoch day.
        spot : bool array of shape (n_assets,)
            Whether the contract held is in its spot month.
        headroom : float
            Share of each limit that is left free.

        Returns
        -------
        PositionCheck
            A market's whole position is in one contract month, so the single-month limit holds for
            it.

        Raises
        ------
        ValueError
            If the headroom is not within [0, 1).
        """
        if not 0 <= headroom < 1:
            raise ValueError(f"headroom is {headroom:g}; it must be at least 0 and below 1")
        levels, contracts, steps = self._on(day), asked, []
        if self._us_fund and np.any(levels.barred & (asked != 0)):
            contracts = np.where(levels.barred, 0, asked)
            for asset in np.flatnonzero(levels.barred & (asked != 0)).tolist():
                one = self._instruments[asset]
                why = eligibility(one, from_epoch_day(day))[1]
                steps.append(f"{one.code} may not be held by a US fund ({why})")
        level = self.allowed(day, spot, contracts)
        net = np.bincount(self.group, contracts * self.size, len(self.underlyings))
        for k in np.flatnonzero(np.abs(net) > level * (1.0 - headroom)).tolist():
            members, allowed = self.group == k, float(level[k]) * (1.0 - headroom)
            contracts, left = _within(contracts, members, self.size, allowed)
            line = levels.lines[k]
            if left < abs(float(net[k])) and line is not None:
                steps.append(
                    f"{line.code} {abs(net[k]):.0f} above {allowed:.0f} of {level[k]:.0f} "
                    f"({line.source})"
                )
        held = np.zeros(len(self.underlyings), dtype=bool)
        held[self.group[contracts != 0]] = True
        unknown = [self.underlyings[k] for k in np.flatnonzero(held & ~np.isfinite(level)).tolist()]
        return PositionCheck(contracts, tuple(steps), tuple(sorted(unknown)))

    def exceeded(self, contracts: IntArray, day: int, spot: BoolArray) -> list[str]:
        """Position limits that contracts are above; parameters as of ``cap``."""
        level = self.allowed(day, spot, contracts)
        net = np.abs(np.bincount(self.group, contracts * self.size, len(self.underlyings)))
        return [
            f"{self.underlyings[k]} stays at {net[k]:.0f}, above its position limit of "
            f"{level[k]:.0f}"
            for k in np.flatnonzero(net > level * (1.0 + ROUNDING)).tolist()
        ]

    def _on(self, day: int) -> _Levels:
        levels = self._levels
        if levels is None or not levels.since <= day < levels.until:
            self._levels = levels = self._made(day)
        return levels

    def _made(self, day: int) -> _Levels:
        when = from_epoch_day(day)
        lines = tuple(limit_on(code, when) for code in self.underlyings)
        barred = [eligibility(one, when)[0] is Eligibility.RESTRICTED for one in self._instruments]
        return _Levels(
            day,
            _next_change(day, when),
            lines,
            np.array([_lowest(line) for line in lines]),
            np.array([_spot(line) for line in lines]),
            np.array(barred, dtype=bool),
        )


def _next_change(day: int, when: date) -> int:
    """First epoch day on which the table may read otherwise: a year holds all else."""
    starts = [to_epoch_day(line.since) for line in LIMITS]
    starts += [to_epoch_day(since) for since, _ in RESTRICTED.values()]
    ends = [to_epoch_day(line.until) + 1 for line in LIMITS if line.until < date.max]
    new_year = to_epoch_day(date(when.year + 1, 1, 1))
    return min([edge for edge in (*starts, *ends) if edge > day] + [new_year])


def _full_sizes(instrument: Listed, own: dict[str, Listed]) -> float:
    """Full-size contracts that one contract counts as."""
    name = instrument.full_size
    if not name:
        return 1.0
    full = own.get(name)
    if (full is None or full.code == instrument.code) and name in MASTER:
        full = MASTER[name]
    return 1.0 if full is None else instrument.multiplier / full.multiplier


def _within(
    contracts: IntArray, members: BoolArray, size: FloatArray, allowed: float
) -> tuple[IntArray, float]:
    """Contracts of the heavier side scaled toward zero until the net position is allowed."""
    net = float((contracts * size)[members].sum())
    over = abs(net) - allowed
    if over <= 0:
        return contracts, abs(net)
    heavy = members & (contracts * np.sign(net) > 0)
    share = 1.0 - over / abs(float((contracts * size)[heavy].sum()))
    reduced = np.where(
        heavy, np.trunc(contracts * share + np.sign(contracts) * ROUNDING), contracts
    ).astype(np.int64)
    return reduced, abs(float((reduced * size)[members].sum()))


def _lowest(line: PositionLimit | None) -> float:
    """Of a single month and of all together, infinite where neither is known."""
    levels = [] if line is None else [line.single, line.every]
    return float(min((level for level in levels if level is not None), default=NO_LIMIT))


def _spot(line: PositionLimit | None) -> float:
    return NO_LIMIT if line is None or line.spot is None else float(line.spot)
