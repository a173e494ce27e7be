"""Sessions of LEAN's warm-up, observed several at a time: no decision waits for them."""

from __future__ import annotations

from collections.abc import Iterator

from algorithm.context import TradingContext
from alpha.snapshot import Snapshot
from universe.session import Session

AT_ONCE = 8
"""Sessions of a backtest that are observed at once, in a third of the time of one by one.

More would save little more, and the chains' reach (``universe.reach``) lags behind by as many, in
which no market rolls twice. Live they come one by one: what went wrong with one is that one's.
"""


class WarmUp:
    """Collects sessions until there are enough to observe them at once.

    What becomes known is the same as one by one, see ``Observer.walk``.

    Parameters
    ----------
    context : TradingContext
    at_once : int
    """

    def __init__(self, context: TradingContext, at_once: int) -> None:
        self._context, self._at_once = context, at_once
        self._waiting: list[Session] = []

    @property
    def day(self) -> int:
        """Epoch day of the last session taken, observed or not."""
        return self._waiting[-1].day if self._waiting else self._context.strategy.day

    @property
    def waiting(self) -> int:
        """Sessions that are not observed yet."""
        return len(self._waiting)

    def take(self, session: Session) -> Iterator[Snapshot]:
        """Take a session; observes and yields those that wait, if they are enough."""
        self._waiting.append(session)
        if len(self._waiting) >= self._at_once:
            yield from self.observe()

    def observe(self) -> Iterator[Snapshot]:
        """Observe and yield the sessions that wait."""
        sessions, self._waiting = self._waiting, []
        if sessions:
            yield from self._context.observe_all(sessions)
