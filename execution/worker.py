"""Works one parent through its session: what to send in a minute, and why nothing is sent (E1).

Both homes ask it at the start of every minute for what it wants with what the minutes before have
shown; it knows neither a clock nor a broker.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, isfinite, sqrt

from execution.blotter import Blotter
from execution.schedules import due, due_in_volume
from universe.arrays import FloatArray


@dataclass(frozen=True, slots=True)
class Quote:
    """Best bid and ask, NaN where there is none: a market at its limit has one side alone."""

    bid: float
    ask: float

    @property
    def mid(self) -> float:
        """Between both."""
        return 0.5 * (self.bid + self.ask)

    def fault(self) -> str:
        """Why it is not one to trade on, "" if it is; prices may be negative."""
        sides = isfinite(self.bid) + isfinite(self.ask)
        if sides < 2:
            return "one side quoted alone" if sides else "no quotes"
        if self.bid > self.ask:
            return "crossed quotes"
        return "locked quotes" if self.bid == self.ask else ""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a parent is worked.

    Attributes
    ----------
    curve : float array of shape (minutes,)
        Share that should be done by the end of every minute, see ``execution.schedules``.
    cap : float
        0, or the share of the traded volume that is followed instead of the curve (POV).
    tick : float
        Price variation.
    passive : float
        Share of the session in which children are limits: at the touch in its first half, at the
        mid in its second. Afterwards they cross; 0 crosses throughout.
    collar_ticks, collar_sigma : float
        Largest distance of the mid from the arrival mid: the larger of so many ticks and so many
        daily ``sigma``; 0 and 0 is no collar.
    sigma : float
        Daily volatility in price.
    forced : bool
        By an expiry: it crosses whatever quotes, collar and a frozen market say.
    impact : float
        Of a child of one contract, in price; it grows with the root of its size.
    """

    curve: FloatArray
    tick: float
    cap: float = 0.0
    passive: float = 0.0
    collar_ticks: float = 0.0
    collar_sigma: float = 0.0
    sigma: float = 0.0
    forced: bool = False
    impact: float = 0.0

    def concession(self, quantity: int) -> float:
        """What a child at the market pays beyond the quote that it crosses, in price."""
        return self.impact * sqrt(abs(quantity))

    @property
    def collar(self) -> float:
        """In price; infinite without one."""
        width = max(self.collar_ticks * self.tick, self.collar_sigma * self.sigma)
        return width if width > 0 else float("inf")


@dataclass(frozen=True, slots=True)
class Wish:
    """A child to be sent: signed contracts, at the market or with a limit."""

    child: str
    quantity: int
    limit: float | None


class Worker:
    """One parent and its plan.

    Parameters
    ----------
    blotter : Blotter
    parent : str
    plan : Plan

    Attributes
    ----------
    waits : dict of str to int
        Minutes in which something was due and nothing was sent, by reason.
    """

    def __init__(self, blotter: Blotter, parent: str, plan: Plan) -> None:
        self.blotter, self.parent, self.plan = blotter, parent, plan
        self.waits: dict[str, int] = {}
        self._arrival: float | None = None

    @property
    def arrival(self) -> float:
        """Mid of the first quote that was one, NaN before."""
        return float("nan") if self._arrival is None else self._arrival

    @arrival.setter
    def arrival(self, mid: float) -> None:
        self._arrival = mid if isfinite(mid) else None

    def step(self, minute: int, quote: Quote | None, traded: float) -> Wish | None:
        """What to send at the start of a minute.

        Parameters
        ----------
        minute : int
            Of the schedule.
        quote : Quote, optional
            At the end of the minute before.
        traded : float
            Contracts that the market has traded since the start, up to the minute before.
        """
        plan, whole = self.plan, self.blotter.parents[self.parent]
        fault = "no quotes" if quote is None else quote.fault()
        if quote is not None and not fault and self._arrival is None:
            self._arrival = quote.mid
        if plan.cap:
            size = due_in_volume(traded, plan.cap, whole.quantity, whole.committed)
        else:
            size = due(plan.curve, minute, whole.quantity, whole.committed)
        if not size:
            return None
        if plan.forced:
            child, sent = self.blotter.send(self.parent, size, forced=True)
            return Wish(child, sent, None) if sent else None
        if quote is None or fault:
            self.wait(fault)
            return None
        if abs(quote.mid - self.arrival) > plan.collar:
            self.wait("outside the collar")
            return None
        child, sent = self.blotter.send(self.parent, size)
        if not sent:
            self.wait(self.blotter.frozen.get(whole.market, "nothing left"))
            return None
        return Wish(child, sent, self._limit(minute, quote, whole.sign))

    def complete(self, contracts: int) -> Wish | None:
        """Send so many contracts at the market, whatever curve, share of volume and limits say."""
        whole = self.blotter.parents[self.parent]
        size = whole.sign * contracts
        child, sent = self.blotter.send(self.parent, size, forced=self.plan.forced)
        return Wish(child, sent, None) if sent else None

    def undo(self, contracts: int) -> Wish | None:
        """Take so many filled contracts back at the market."""
        child, sent = self.blotter.undo(self.parent, contracts)
        return Wish(child, sent, None) if sent else None

    def wait(self, reason: str) -> None:
        """Count a minute in which nothing was sent for a reason."""
        self.waits[reason] = self.waits.get(reason, 0) + 1

    def _limit(self, minute: int, quote: Quote, sign: int) -> float | None:
        share = minute / len(self.plan.curve)
        if share >= self.plan.passive:
            return None
        if share < 0.5 * self.plan.passive:
            return quote.bid if sign > 0 else quote.ask
        # the mid on the tick, on the own side
        ticks = quote.mid / self.plan.tick
        return (floor(ticks + 1e-9) if sign > 0 else -floor(-ticks + 1e-9)) * self.plan.tick
