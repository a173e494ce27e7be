"""From the probability of a bad regime to a share of exposure (A8).

``exposure = 1 - gamma g(p)``: g is 0 up to twice the base rate, 1 from ``full`` on and straight
between; the share is at least ``floor``. It moves only when it is off by more than ``band``, or
when all of the exposure is wanted again, so that it trades little and the edge moves nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """How much exposure a probability leaves.

    Attributes
    ----------
    gamma : float
        Share taken away at the most.
    full : float
        Probability from which all of gamma is taken.
    floor : float
        Least share.
    band : float
        Difference from the share in force that is not traded.
    """

    gamma: float = 0.5
    full: float = 0.6
    floor: float = 0.5
    band: float = 0.05

    def wanted(self, probability: float, base_rate: float) -> float:
        """Share of exposure before the band; 1 where the probability is not known.

        Where twice the base rate is above ``full`` the straight part ends half-way to certainty.
        """
        if not (math.isfinite(probability) and math.isfinite(base_rate)):
            return 1.0
        start = min(2.0 * base_rate, 1.0)
        full = self.full if start < self.full else (1.0 + start) / 2.0
        if probability <= start:
            return 1.0
        part = 1.0 if probability >= full else (probability - start) / (full - start)
        return max(1.0 - self.gamma * part, self.floor)

    def next_share(self, share: float, probability: float, base_rate: float) -> float:
        """The share in force after a session, from the one before it.

        Parameters
        ----------
        share : float
            In force.
        probability, base_rate : float
        """
        wanted = self.wanted(probability, base_rate)
        return wanted if abs(wanted - share) > self.band or wanted >= 1.0 else share
