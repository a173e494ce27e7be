"""Drawdown governor: a falling map from drawdown to exposure (R3; 000)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from alpha.scale import ExposureScale, Scale
from alpha.snapshot import Snapshot
from risk.governor_map import BY_VOLATILITY, governor_points
from universe.arrays import FloatArray
from universe.instruments import Instrument
from universe.setting import SettingsError, Table, setting

ROUNDING = 1e-9
"""Tolerance, so that a NAV of 90 after 100 is a drawdown of 10 %."""


@dataclass(frozen=True)
class GovernorSettings(Table):
    """The map, and how fast exposure comes back."""

    governor: str = setting(
        BY_VOLATILITY,
        "pairs of drawdown and the share of exposure from there on; 1.5x is a drawdown of 1.5 "
        "times vol_target; 000's own map is '0.05 0.8 0.10 0.6 0.20 0.4'",
    )
    governor_window: int = setting(
        252, "sessions of the rolling maximum that drawdown is measured from", low=60, high=2520
    )
    governor_restore: float = setting(
        0.02, "largest restoration of the share in a session", low=0.0005, high=1.0
    )
    governor_step: float = setting(
        0.05, "the share moves in steps of this size", low=0.001, high=0.25
    )

    def validate(self) -> None:
        """Refuse a map that does not fall."""
        _ = self.governor_points(0.1)

    def governor_points(self, vol_target: float) -> tuple[tuple[float, float], ...]:
        """Points (drawdown, share), drawdown rising and share falling.

        Parameters
        ----------
        vol_target : float
            Annual, which a drawdown like "1.5x" is a multiple of.
        """
        try:
            return governor_points(self.governor, vol_target)
        except ValueError as error:
            raise SettingsError(str(error)) from None


class DrawdownGovernor(ExposureScale):
    """Scales exposure with the drawdown from the highest NAV.

    Parameters
    ----------
    points : sequence of (drawdown, share)
        Drawdown rising, share not rising: from each drawdown on the share applies; it is 1 before
        the first.
    restore : float
        Largest rise of the share in a session; it falls at once.
    step : float
        The share handed out is rounded down to a multiple of this, so that small moves of NAV do
        not trade.
    window : int
        Sessions of the rolling maximum ("trailing drawdown", "rolling max"; 000); 0 is all of them.
    """

    NAME = "governor"
    MEANING = "exposure falls with the drawdown and comes back gradually"
    SETTINGS = GovernorSettings
    STATE = ("peak", "share", "drawdown", "past", "count")
    DEPENDS = ()
    ACCOUNT = STATE

    def __init__(
        self,
        points: tuple[tuple[float, float], ...],
        restore: float,
        step: float,
        window: int = 0,
    ) -> None:
        self._drawdowns = np.array([0.0] + [point[0] for point in points])
        self._shares = np.array([1.0] + [point[1] for point in points])
        self._restore, self._step = restore, step
        self.peak = 0.0
        self.share = 1.0
        self.drawdown = 0.0
        self.past: FloatArray = np.zeros(window)  # NAV of the last sessions
        self.count = 0

    @classmethod
    def create(cls, settings: Any, instruments: Sequence[Instrument]) -> Self:
        """The governor of the settings."""
        return cls(
            settings.governor_points(settings.vol_target),
            settings.governor_restore,
            settings.governor_step,
            settings.governor_window,
        )

    def scale(self, snapshot: Snapshot, nav: float) -> Scale:
        """Take the session's NAV."""
        share = self.update(nav)
        reason = f"drawdown {self.drawdown:.1%}, exposure at {share:.0%}" if share < 1 else ""
        return Scale(self.NAME, share, reason, {"drawdown": self.drawdown})

    def from_state(self, values: dict[str, Any]) -> dict[str, Any]:
        """Fit what a governor with another window kept into this one's.

        Raises
        ------
        ValueError
            If it is nothing that a governor keeps.
        """
        past, count, peak = values["past"], values["count"], values["peak"]
        shares = (values["share"], values["drawdown"])
        if not (past.ndim == 1 and (past >= 0).all() and count >= 0 and peak >= 0):
            raise ValueError("the governor's values of NAV must not be negative")
        if not all(0.0 <= share <= 1.0 for share in shares):
            raise ValueError(f"the governor's share and drawdown are {shares}, beyond 0 to 1")
        if len(past) == len(self.past):
            return values
        filled = min(count, len(past))
        kept = past[np.arange(count - filled, count) % max(len(past), 1)][-len(self.past) :]
        kept = kept if len(kept) else np.array([peak])
        fitted = np.zeros_like(self.past)
        fitted[: len(kept)] = kept[: len(fitted)]
        return values | {"past": fitted, "count": min(len(kept), len(fitted))}

    def map(self, drawdown: float) -> float:
        """Share of gross exposure at ``drawdown``, not rising in it."""
        passed = int(np.searchsorted(self._drawdowns, drawdown + ROUNDING, side="right"))
        return float(self._shares[passed - 1]) if drawdown > 0 else 1.0

    def update(self, nav: float) -> float:
        """Take the day's NAV and return the share of gross exposure allowed, in [0, 1].

        A NAV that is not a positive number changes nothing.
        """
        if not np.isfinite(nav) or nav <= 0:
            return self.allowed
        if len(self.past):
            self.past[self.count % len(self.past)] = nav
            self.count += 1
            self.peak = float(self.past.max())
        else:
            self.peak = max(self.peak, nav)
        self.drawdown = 1.0 - nav / self.peak
        allowed = self.map(self.drawdown)
        self.share = min(allowed, self.share + self._restore)
        return self.allowed

    @property
    def nav(self) -> float:
        """The last NAV taken, 0 before the first."""
        return self.peak * (1.0 - self.drawdown)

    @property
    def allowed(self) -> float:
        """The share in whole steps, 1 without a cut."""
        if self.share >= 1.0 - ROUNDING:
            return 1.0
        return min(float(np.floor(self.share / self._step + ROUNDING) * self._step), 1.0)
