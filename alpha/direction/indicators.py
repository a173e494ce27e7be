"""Market direction indicators I, II and III: votes weighted by their own record (A9, 004)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from alpha.direction.votes import VOTES, Kind, Vote
from universe.arrays import FloatArray

PRIOR_RATE: Final = 0.55
PRIOR_OUTCOMES: Final = 20.0
"""A vote without a record counts as if it had been right in 55 % of 20 outcomes."""


@dataclass(frozen=True, slots=True)
class Indicator:
    """One of 004's three.

    Attributes
    ----------
    name : str
    reach : int
        It is a whole number from minus this to this.
    horizon : int
        Sessions ahead that its votes are about: mid, mid to long, and short term.
    votes : tuple of Vote
    """

    name: str
    reach: int
    horizon: int
    votes: tuple[Vote, ...]


def _named(*names: str) -> tuple[Vote, ...]:
    by_name = {vote.name: vote for vote in VOTES}
    return tuple(by_name[name] for name in names)


INDICATORS: Final[tuple[Indicator, ...]] = (
    Indicator("I", 2, 63, _named("short_rate", "credit", "earnings_yield", "mean_200", "quiet")),
    Indicator(
        "II",
        8,
        126,
        _named(
            "slope",
            "short_rate",
            "bond_yield",
            "credit",
            "earnings_yield",
            "dividend_yield",
            "mean_200",
            "momentum_252",
        ),
    ),
    Indicator("III", 1, 10, _named("mean_50", "range_50", "momentum_21")),
)
"""I and II of macroeconomic, fundamental and technical variables, III of technical ones (004)."""

KINDS: Final = {"I": frozenset(Kind), "II": frozenset(Kind), "III": frozenset({Kind.TECHNICAL})}
"""What 004 says each is made of."""


def vote_weights(score: FloatArray, horizon: int) -> FloatArray:
    """Weights of votes by how often they were right, at least 0.

    Parameters
    ----------
    score : float array of shape (n_votes, 2)
        Sessions at which the vote was right, and at which it was cast and its outcome is known.
    horizon : int
        Sessions that an outcome takes: so many sessions' outcomes overlap and count as one.

    Notes
    -----
    ``log(p / (1 - p))``, which is optimal for independent voters who are right with probability p
    (Nitzan and Paroush, International Economic Review 23, 1982), with p shrunk to the prior. A vote
    that was wrong more often than right counts nothing; none is turned round.
    """
    right, cast = score[:, 0] / horizon, score[:, 1] / horizon
    rate = (right + PRIOR_RATE * PRIOR_OUTCOMES) / (cast + PRIOR_OUTCOMES)
    return np.asarray(np.maximum(np.log(rate / (1.0 - rate)), 0.0))


def weighed(votes: FloatArray, weights: FloatArray, reach: int) -> float:
    """The indicator: weighted mean of the votes times its reach, to the nearest whole number.

    NaN if a vote is absent; 0 if no vote has a weight. Halves go to the even number.
    """
    if np.isnan(votes).any():
        return math.nan
    total = float(weights.sum())
    return float(np.rint(reach * float(votes @ weights) / total)) + 0.0 if total > 0 else 0.0


class VoteRecord:
    """Votes of one indicator on several markets, and how often each was right.

    Parameters
    ----------
    indicator : Indicator
    n_markets : int

    Attributes
    ----------
    cast : float array of shape (n_markets, horizon, n_votes)
        Votes whose outcome is not known, the newest last; NaN where absent.
    score : float array of shape (n_markets, n_votes, 2)
        See ``vote_weights``.
    """

    STATE = ("cast", "score")
    DEPENDS = ("direction_markets",)

    def __init__(self, indicator: Indicator, n_markets: int) -> None:
        self.indicator = indicator
        shape = n_markets, indicator.horizon, len(indicator.votes)
        self.cast: FloatArray = np.full(shape, np.nan)
        self.score: FloatArray = np.zeros((n_markets, len(indicator.votes), 2))

    def take(self, market: int, votes: Sequence[float], gained: float) -> float:
        """Take a market's votes after a session; returns the indicator.

        Parameters
        ----------
        market : int
            Number of the market among those of the record.
        votes : sequence of float
            +1, 0 or -1, NaN where absent.
        gained : float
            Return of the last ``horizon`` sessions, NaN while there are fewer: the outcome of the
            votes that were cast before them.
        """
        window = self.cast[market]
        if math.isfinite(gained):
            oldest = window[0]
            told = np.isfinite(oldest) & (oldest != 0)
            self.score[market, :, 0] += told & (oldest == np.sign(gained))
            self.score[market, :, 1] += told
        window[:-1] = window[1:]
        window[-1] = votes
        weights = vote_weights(self.score[market], self.indicator.horizon)
        return weighed(np.asarray(votes, dtype=np.float64), weights, self.indicator.reach)

    def from_state(self, values: dict[str, Any]) -> dict[str, Any]:
        """Refuse votes that are none and scores that no record has.

        Raises
        ------
        ValueError
            Likewise.
        """
        cast, score = values["cast"], values["score"]
        votes_are = np.isnan(cast) | np.isin(cast, (-1.0, 0.0, 1.0))
        if not (votes_are.all() and np.all(score[..., 0] <= score[..., 1]) and np.all(score >= 0)):
            raise ValueError(f"the record of direction indicator {self.indicator.name} is none")
        return values
