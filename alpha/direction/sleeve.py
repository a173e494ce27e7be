"""Exposures to equity indices from one session to the next (A9, 004)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from alpha.direction.allocation import (
    LEVERAGES,
    allocation,
    leverage_indicator,
    market_phase,
    transition,
    uncertainty,
)
from alpha.direction.indicators import INDICATORS, VoteRecord
from alpha.direction.votes import AGES, HALF_YEAR, VOTES, YEAR, Facts, Vote, missing
from universe.arrays import BoolArray, FloatArray

STEP: Final = 2.0 / (YEAR + 1.0)
OLD_ENOUGH: Final = (1.0 - (1.0 - STEP) ** HALF_YEAR) / STEP - 1e-9
"""Sum of weights of a mean of a year after half a year."""

COLUMNS: Final = ("phase", "turning", "uncertain", "I", "II", "III", "allocation")

Said = tuple[int, str]
"""Number of a market, and a sentence."""


class Direction:
    """004's exposures of several markets.

    Parameters
    ----------
    n_markets : int
    calm, moderate : float
        Annual volatilities below which leverage is 2, and 1.5.
    reset : float
        Fall of the levered index within a session, to its low where that is known, beyond which its
        leverage ends.

    Attributes
    ----------
    means : float array of shape (n_series, 2)
        Weighted sums and sums of weights of the macro series of ``AGES``.
    price : float array of shape (n_markets, 253)
        Growth of 1, oldest first, NaN before the first session.
    known : float array of shape (n_markets, 7)
        ``COLUMNS`` after the last session; NaN what is not known.
    ended : float array of shape (n_markets,)
        Side on which leverage has ended until the side changes, else NaN.
    """

    STATE = ("means", "price", "known", "ended")
    DEPENDS = ("direction_markets",)

    def __init__(self, n_markets: int, calm: float, moderate: float, reset: float) -> None:
        self._calm, self._moderate, self._reset = calm, moderate, reset
        self.records = {one.name: VoteRecord(one, n_markets) for one in INDICATORS}
        self.means: FloatArray = np.zeros((len(AGES), 2))
        self.price: FloatArray = np.full((n_markets, YEAR + 1), np.nan)
        self.known: FloatArray = np.full((n_markets, len(COLUMNS)), np.nan)
        self.ended: FloatArray = np.full(n_markets, np.nan)
        self._told: dict[tuple[int, str], str] = {}

    @property
    def exposure(self) -> FloatArray:
        """Of every market to its index, (n_markets,), NaN while unknown."""
        return self.known[:, -1]

    def take(
        self,
        day: int,
        seen: BoolArray,
        ret: FloatArray,
        latest: Mapping[str, Sequence[float]],
        low: FloatArray | None = None,
    ) -> list[Said]:
        """Take a session; says what is absent, every change of exposure and every reset.

        Parameters
        ----------
        day : int
            Epoch day.
        seen : bool array of shape (n_markets,)
        ret : float array of shape (n_markets,)
        latest : mapping of str to (epoch day known, value)
            Macro series.
        low : float array of shape (n_markets,), optional
            Lowest price of the session over its close, 1 where not known.
        """
        level = {
            name: float(latest[name][1])
            for name, age in AGES.items()
            if name in latest and 0 <= day - latest[name][0] <= age
        }
        mean = self._take_means(level)
        notes: list[Said] = []
        for number in np.flatnonzero(seen).tolist():
            lowest = 1.0 if low is None else float(low[number])
            notes += self._watch(number, (1.0 + float(ret[number])) * lowest - 1.0)
            self._push(number, float(ret[number]))
            prices = self.price[number]
            facts = Facts(level, mean, prices[np.isfinite(prices)])
            notes += self._decide(number, facts, latest)
        return notes

    def components(self) -> dict[str, Any]:
        """The exposures and the record of each indicator's votes, by a stable name."""
        return {"": self, **{f".{name}": record for name, record in self.records.items()}}

    def from_state(self, values: dict[str, Any]) -> dict[str, Any]:
        """Refuse exposures that there are not.

        Raises
        ------
        ValueError
            Likewise.
        """
        exposure = values["known"][:, -1]
        if not np.all(np.isnan(exposure) | (np.abs(exposure) <= max(LEVERAGES))):
            raise ValueError("an exposure of the direction sleeve is out of its range")
        return values

    # --- what is known ---------------------------------------------------------------------------
    def _take_means(self, level: dict[str, float]) -> dict[str, float]:
        """Take the session's levels into the means of a year; those that are old enough."""
        out = {}
        for row, name in enumerate(AGES):
            if name in level:
                self.means[row] = (1.0 - STEP) * self.means[row] + np.array([level[name], 1.0])
            total, weight = self.means[row].tolist()
            if weight >= OLD_ENOUGH:
                out[name] = total / weight
        return out

    def _push(self, number: int, ret: float) -> None:
        price = self.price[number]
        last = price[-1] if math.isfinite(price[-1]) else 1.0
        price[:-1] = price[1:]
        price[-1] = last * max(1.0 + ret, 1e-6)

    def _watch(self, number: int, ret: float) -> list[Said]:
        """004's reset: a levered index that fell too far within a session loses its leverage."""
        exposure = float(self.exposure[number])
        if not (abs(exposure) > 1.0 and -exposure * ret > self._reset):
            return []
        self.ended[number] = np.sign(exposure)
        fall = -exposure * ret
        text = f"the index at exposure {exposure:g} fell by {fall:.1%} within a session: reset to 1"
        return [(number, text)]

    # --- what is decided -------------------------------------------------------------------------
    def _decide(
        self, number: int, facts: Facts, latest: Mapping[str, Sequence[float]]
    ) -> list[Said]:
        before, notes = float(self.exposure[number]), []
        casts = {vote.name: vote.cast(facts) for vote in VOTES}
        said: dict[str, float] = {}
        for name, record in self.records.items():
            of = record.indicator
            votes = [casts[vote.name] for vote in of.votes]
            said[name] = record.take(number, votes, facts.gain(of.horizon))
            absent = [vote for vote in of.votes if math.isnan(casts[vote.name])]
            notes += self._say(number, name, _lacking(name, absent, facts, latest))
        phase = market_phase(facts)
        turning, uncertain = transition(phase, facts), uncertainty(facts)
        leverage = leverage_indicator(facts, self._calm, self._moderate)
        told = said["I"], said["II"], said["III"]
        exposure = allocation(phase, turning, uncertain, *told, leverage)
        side = float(np.sign(exposure))
        if side == self.ended[number]:
            exposure = side
        elif not math.isnan(side):
            self.ended[number] = math.nan
        self.known[number] = [phase, turning, uncertain, *told, exposure]
        if exposure != before and not math.isnan(exposure):
            notes.append((number, self._sentence(number, before, leverage)))
        return notes

    def _say(self, number: int, key: str, text: str) -> list[Said]:
        """A sentence unless it was said last."""
        before = self._told.get((number, key), "")
        self._told[number, key] = text
        return [(number, text)] if text and text != before else []

    def _sentence(self, number: int, before: float, leverage: float) -> str:
        phase, turning, uncertain, first, second, third, now = self.known[number].tolist()
        parts = [f"phase {phase:+g}"] + ["turning"] * bool(turning)
        parts += ["uncertain"] * bool(uncertain)
        parts += [f"I {first:+g}, II {second:+g}, III {third:+g}, leverage {leverage:g}"]
        was = "nothing" if math.isnan(before) else f"{before:g}"
        return f"exposure {was} to {now:g}: {', '.join(parts)}"


def _lacking(
    name: str, absent: Sequence[Vote], facts: Facts, latest: Mapping[str, Sequence[float]]
) -> str:
    """What an indicator lacks, "" if nothing."""
    lacking = dict.fromkeys(missing(vote, facts, latest) for vote in absent)
    return f"indicator {name} is absent: {'; '.join(lacking)}" if lacking else ""
