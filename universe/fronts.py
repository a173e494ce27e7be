"""The data's own front contract of the session that is decided on, whenever the data change it.

LEAN changes its mapping at midnight of the exchange. In New York that is 18:00 of the day before
for Berlin and noon for Hong Kong, before the decision of that day: asked then, LEAN names the front
contract of a session that has not begun. The mapping that counts is the one in force when the
market's last bar ended, which is that of the bar's session in every time zone.
"""

from __future__ import annotations

from collections.abc import Callable

from universe.session import NO_CONTRACT


class SessionFronts:
    """Front contract of every market as of its last bar.

    Parameters
    ----------
    n_markets : int
    ask : callable
        The source's front contract of a market now, yyyymm; ``NO_CONTRACT`` if it has none yet. It
        is asked with the first bar after a change, and until it knows one.

    Attributes
    ----------
    months : list of int
        By market, ``NO_CONTRACT`` where unknown; what a session is handed.
    changed : set of int
        Markets to be asked for with their next bar.
    """

    def __init__(self, n_markets: int, ask: Callable[[int], int]) -> None:
        self.months = [NO_CONTRACT] * n_markets
        self.changed = set(range(n_markets))
        self._ask = ask

    def moved(self, market: int) -> None:
        """The source has another front contract, from the next session on."""
        self.changed.add(market)

    def bar(self, market: int) -> None:
        """A bar of the market has ended."""
        if market in self.changed:
            month = self._ask(market)
            self.months[market] = month
            if month != NO_CONTRACT:
                self.changed.discard(market)
