"""A parent worked through a session of recorded minutes: fills, and what they cost.

Children at the market fill at once, at the side of the quote that they cross, as in LEAN by the
minute; a limit fills when the opposite quote of its minute goes through it, at the limit or, where
all of that minute's quotes are better, at the worst of them, and is withdrawn otherwise; what it
leaves is sent anew once the withdrawal is known, a minute later. Nothing is sent after a minute
without a quote of both sides. Own orders do not move the recorded market.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from execution.blotter import Blotter, Event
from execution.worker import Plan, Quote, Wish, Worker
from research.intraday.minutes import SessionBars


@dataclass(frozen=True, slots=True)
class MinuteFill:
    """A child's fill: minute since 1970 UTC in which it was sent, signed contracts, price."""

    minute: int
    quantity: int
    price: float


@dataclass(slots=True)
class Worked:
    """What became of a parent.

    Attributes
    ----------
    quantity : int
        Asked for.
    fills : list of MinuteFill
    arrival : float
        Mid at the start.
    close : float
        Last mid of the session.
    vwap : float
        Of the market, over the session.
    volume : float
        Of the market until the parent was done.
    waits : dict of str to int
        See ``execution.worker.Worker``.
    """

    quantity: int
    fills: list[MinuteFill] = field(default_factory=list)
    arrival: float = float("nan")
    close: float = float("nan")
    vwap: float = float("nan")
    volume: float = 0.0
    waits: dict[str, int] = field(default_factory=dict)

    @property
    def filled(self) -> int:
        """Signed contracts."""
        return sum(fill.quantity for fill in self.fills)

    @property
    def price(self) -> float:
        """Mean of the fills, NaN without any."""
        if not self.filled:
            return float("nan")
        return sum(fill.quantity * fill.price for fill in self.fills) / self.filled

    def cost(self, benchmark: float) -> float:
        """Paid above the benchmark (bought) or below it (sold), in price per contract."""
        return (self.price - benchmark) * (1 if self.quantity > 0 else -1)

    @property
    def participation(self) -> float:
        """Share of the market's volume until the parent was done."""
        return abs(self.filled) / self.volume if self.volume else float("nan")


def work(bars: SessionBars, quantity: int, plan: Plan) -> Worked:
    """Work a parent of ``quantity`` contracts, bought positive, through a session."""
    blotter = Blotter()
    parent = blotter.add(bars.day.toordinal(), 0, 0, quantity)
    worker, out = Worker(blotter, parent, plan), Worked(quantity)
    traded = np.concatenate([[0.0], np.cumsum(bars.volume)])
    stale = ""  # a child whose limit was not reached
    for i in range(1, len(bars.minute)):  # the first quote is known after the first minute
        quote = Quote(float(bars.bid[i - 1]), float(bars.ask[i - 1]))  # NaN: no quotes
        if bars.minute[i] != bars.minute[i - 1] + 1:  # before a break
            quote = Quote(float("nan"), float("nan"))
        wish = worker.step(i - 1, quote, float(traded[i]))
        if stale:  # withdrawn now, known in the next minute
            blotter.apply(Event("cancelled", stale))
            stale = ""
        if wish is None:
            continue
        price = _price(wish, quote, bars, i)
        if price is None:
            stale = wish.child
            continue
        blotter.apply(Event("fill", wish.child, "0", abs(wish.quantity)))
        out.fills.append(MinuteFill(int(bars.minute[i]), wish.quantity, price))
        out.volume = float(traded[i + 1])
    out.arrival, out.waits = worker.arrival, worker.waits
    mids = 0.5 * (bars.bid + bars.ask)
    out.close = float(mids[np.isfinite(mids)][-1])
    out.vwap = bars.vwap
    return out


def _price(wish: Wish, quote: Quote, bars: SessionBars, i: int) -> float | None:
    """Where a child fills in minute ``i``, None if its limit is not reached."""
    if wish.limit is None:
        return quote.ask if wish.quantity > 0 else quote.bid
    if wish.quantity > 0:
        return min(float(bars.high_ask[i]), wish.limit) if bars.low_ask[i] < wish.limit else None
    return max(float(bars.low_bid[i]), wish.limit) if bars.high_bid[i] > wish.limit else None
