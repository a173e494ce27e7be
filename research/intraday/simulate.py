"""A parent worked through a session of recorded minutes: fills, and what they cost.

Children at the market fill at once, at the side of the quote that they cross and their impact, as
in LEAN by the minute; a limit fills when the opposite quote of its minute goes through it, at the
limit or, where all of that minute's quotes are better, at the worst of them, and is withdrawn
otherwise; what it leaves is sent anew once the withdrawal is known, a minute later. Nothing is
sent after a minute without a quote of both sides, but what an expiry forces, which fills at the
next quote. The impact of a child is its own: the recorded market goes on as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite

import numpy as np

from execution.blotter import Event
from execution.desk import Desk, Job, Seen
from execution.worker import Plan, Quote, Wish
from research.intraday.minutes import SessionBars
from universe.arrays import to_epoch_day


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
    return work_together([(bars, quantity, plan)])[0]


def work_together(
    parents: Sequence[tuple[SessionBars, int, Plan]], *, reason: str = "", leg_minutes: int = 0
) -> list[Worked]:
    """Work parents in contracts of one market through the minutes of a day.

    Parameters
    ----------
    parents : sequence of (SessionBars, int, Plan)
        Each in its own contract.
    reason : str
        Of all of them: the legs of a roll are kept together.
    leg_minutes : int
        See ``execution.leg_guard.LegGuard``.
    """
    desk, market = Desk(leg_minutes), []
    for number, (bars, quantity, plan) in enumerate(parents):
        key = (0, number)
        parent = desk.take(to_epoch_day(bars.day), key, quantity, plan, bars.minute, reason=reason)
        market.append(_Contract(bars, desk.jobs[parent], Worked(quantity)))
    minutes = np.unique(np.concatenate([one.bars.minute for one in market]))
    for now in np.unique([minutes, minutes + 1]).tolist():
        seen = {one.job.key: one.seen(now - 1) for one in market}
        moves = desk.step(now, {key: shown for key, shown in seen.items() if shown is not None})
        for job, wish in moves.send:
            market[job.key[1]].orders.append(wish)
        for one in market:
            one.orders = [wish for wish in one.orders if wish.child not in moves.withdraw]
            one.fill(now, desk)
        for child in moves.withdraw:  # known in the next minute
            desk.apply(Event("cancelled", child))
        for parent in moves.done:
            desk.finish(parent)
    return [one.done() for one in market]


@dataclass(slots=True)
class _Contract:
    """A contract's recorded minutes, and the parent in it."""

    bars: SessionBars
    job: Job
    worked: Worked
    orders: list[Wish] = field(default_factory=list)

    def seen(self, minute: int) -> Seen | None:
        """What it showed in a minute, None outside its session."""
        at = self._at(minute)
        if at is None:
            return None
        quote = Quote(float(self.bars.bid[at]), float(self.bars.ask[at]))  # NaN: no quotes
        return Seen(quote, float(self.bars.volume[at]))

    def fill(self, now: int, desk: Desk) -> None:
        """Fill what the minute that begins fills."""
        at, before = self._at(now), self.seen(now - 1)
        if at is None or before is None or before.quote is None or not self.orders:
            return
        waiting = []
        for wish in self.orders:
            price = _price(wish, before.quote, self.bars, at)
            if price is None:
                waiting.append(wish)
                continue
            if wish.limit is None:
                paid = self.job.worker.plan.concession(wish.quantity)
                price += paid if wish.quantity > 0 else -paid
            desk.apply(Event("fill", wish.child, "0", abs(wish.quantity)))
            self.worked.fills.append(MinuteFill(now, wish.quantity, price))
            self.worked.volume = float(self.bars.volume[: at + 1].sum())
        self.orders = waiting

    def done(self) -> Worked:
        """What became of the parent."""
        out, bars = self.worked, self.bars
        out.arrival, out.waits = self.job.worker.arrival, self.job.worker.waits
        mids = 0.5 * (bars.bid + bars.ask)
        out.close = float(mids[np.isfinite(mids)][-1])
        out.vwap = bars.vwap
        return out

    def _at(self, minute: int) -> int | None:
        at = int(np.searchsorted(self.bars.minute, minute))
        there = at < len(self.bars.minute) and self.bars.minute[at] == minute
        return at if there else None


def _price(wish: Wish, quote: Quote, bars: SessionBars, i: int) -> float | None:
    """Where a child fills in minute ``i``; None without a quote, or if its limit is not reached."""
    if wish.limit is None:
        crossed = quote.ask if wish.quantity > 0 else quote.bid
        return crossed if isfinite(crossed) else None
    if wish.quantity > 0:
        return min(float(bars.high_ask[i]), wish.limit) if bars.low_ask[i] < wish.limit else None
    return max(float(bars.low_bid[i]), wish.limit) if bars.high_bid[i] > wish.limit else None
