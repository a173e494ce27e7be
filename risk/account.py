"""What the risk office looks at: the account as it is held at one moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from risk.var import VarModel
from universe.arrays import FloatArray, IntArray, known


class Remedy(IntEnum):
    """What a limit does when it is breached; the higher one goes before the lower one."""

    SAY = 0  # an entry and an alert
    CAP = 1  # targets that count in it are reduced until it holds
    CUT = 2  # all targets are reduced until it holds
    FREEZE = 3  # nothing is traded but what an expiry forces
    FLATTEN = 4  # the kill switch closes everything by schedule


class EventKind(IntEnum):
    """What woke the risk office."""

    CLOSE = 0  # the sessions of the day have closed: the decision's measurement
    PRICE = 1
    FILL = 2
    MARGIN = 3
    CLOCK = 4


@dataclass(frozen=True, slots=True)
class RiskEvent:
    """A moment between decisions, or the decision's own.

    ``day`` is the session's epoch day.
    """

    kind: EventKind
    day: int


@dataclass(frozen=True, slots=True)
class RiskAccount:
    """An account at one moment; what is not known is NaN or None, never a guess.

    Attributes
    ----------
    day : int
        Epoch day of the session.
    nav : float
        Account currency.
    contracts : int array of shape (n_assets,)
        Held.
    unit_exposure : float array of shape (n_assets,)
        Exposure of one contract over NAV, NaN where unknown.
    model : VarModel, optional
    reference : float array of shape (n_assets,), optional
        Exposures of the reference portfolio of the relative VaR test.
    unit_margin : float array of shape (n_assets,), optional
        Initial margin of one contract over NAV, NaN where unknown.
    last_nav : float
        NAV at the last close plus what was paid in since then.
    drawdown : float
        From the highest NAV, positive fraction.
    turnover : float
        Notional that positions have grown by since the last close, over NAV.
    slippage : float array of shape (2 n_markets,), optional
        What the fills since the last close cost beyond their expectation, in daily volatilities, by
        market, and behind them what rolls did; NaN where nothing was filled.
    price_age : int array of shape (n_assets,), optional
        Calendar days since the last trusted price.
    """

    day: int
    nav: float
    contracts: IntArray
    unit_exposure: FloatArray
    model: VarModel | None = None
    reference: FloatArray | None = None
    unit_margin: FloatArray | None = None
    last_nav: float = float("nan")
    drawdown: float = float("nan")
    turnover: float = float("nan")
    slippage: FloatArray | None = None
    price_age: IntArray | None = None
    _exposures: dict[bytes, FloatArray] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def exposure(self, contracts: IntArray) -> FloatArray:
        """Signed exposure over NAV, 0 where it is unknown; every limit asks for the same one."""
        key = contracts.tobytes()
        if key not in self._exposures:
            self._exposures[key] = known(contracts * self.unit_exposure)
        return self._exposures[key]
