"""What positions ask for in the sessions to come: margins, rolls and the spot month."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from algorithm.decision import Decision
from alpha.snapshot import Snapshot
from risk.margin import MarginModel, margin_over_rolls
from universe.arrays import BoolArray, FloatArray
from universe.instruments import Instrument
from universe.legs import Expiries
from universe.markets import Markets
from universe.rolls_ahead import rolls_ahead

AHEAD = 2
"""Sessions that collateral is planned for: the next sweep's, and the one until the next but one."""

SPOT_DAYS = 5
"""Calendar days before the last trade that count as the spot month of contracts that end before
theirs: energies' limits begin three business days before."""


class Commitments:
    """Margins and the contract calendar of the positions held and decided on.

    Parameters
    ----------
    instruments : sequence of Instrument
    markets : Markets
        Their contracts.
    n_assets : int
        The markets outright, or with their spreads twice as many.

    Attributes
    ----------
    margin : MarginModel
    """

    def __init__(self, instruments: Sequence[Instrument], markets: Markets, n_assets: int) -> None:
        self._instruments, self._markets = instruments, markets
        self._expiries = Expiries(markets.contracts, n_assets)
        self.margin = MarginModel(instruments, {})

    def take(self, snapshot: Snapshot) -> None:
        """Take a session that has been observed."""
        n = snapshot.n_markets
        self.margin.update(snapshot.ret[:n], snapshot.seen[:n])

    def spot_month(self, snapshot: Snapshot) -> BoolArray:
        """Assets whose contract, a spread's near leg, has its month or its last days."""
        legs = snapshot.legs
        months = legs.held if not legs.spreads else np.concatenate([legs.held, legs.near])
        ending = self._expiries.of(months) - snapshot.day <= SPOT_DAYS
        return np.asarray(ending | ((months > 0) & (months <= snapshot.month)))

    def unit_margin(self, decision: Decision) -> FloatArray:
        """Initial margin of one contract over NAV; a spread's legs are margined each by itself."""
        snapshot, n = decision.snapshot, decision.snapshot.n_markets
        value = np.abs(decision.target.value[:n])
        value = np.where(value > 0, value, np.nan)
        initial, _ = self.margin.margins(decision.day, value, snapshot.sigma[:n])
        unit = initial / decision.nav
        return np.concatenate([unit, 2.0 * unit]) if snapshot.has_spreads else unit

    def rolls(self, decision: Decision) -> dict[int, tuple[int, float]]:
        """Of markets with a position, see ``universe.rolls_ahead``."""
        n, snapshot = len(self._instruments), decision.snapshot
        there = (decision.contracts != 0) | (decision.held != 0)
        return rolls_ahead(
            np.flatnonzero(there[:n] | there[-n:]).tolist(),
            self._instruments,
            self._markets.contracts,
            decision.day,
            snapshot.legs.held,
            snapshot.price,
            snapshot.basis,
        )

    def margin_ahead(self, decision: Decision) -> float:
        """Highest initial margin over NAV until the next sweep but one, rolls included.

        Of the contracts held and of those decided on the larger number of each counts.
        """
        n, unit = len(self._instruments), self.unit_margin(decision)
        most = np.maximum(np.abs(decision.held), np.abs(decision.contracts))
        roll_in, ratio = np.full(n, AHEAD + 1), np.ones(n)
        for market, (sessions, value) in decision.rolls.items():
            roll_in[market], ratio[market] = sessions, value
        if len(most) > n:
            most = most[:n] + 2 * most[n:]
        path = margin_over_rolls(most, unit[:n], unit[:n] * ratio, roll_in, 1, AHEAD)
        return float(path.max())
