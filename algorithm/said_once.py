"""Sentences on what holds after a decision and did not after the one before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from algorithm.decision import BOOK, Decision
from algorithm.empty_book import why_empty
from portfolio.caps import Binding
from portfolio.risk_caps import RiskCaps
from portfolio.trade import Trades

Note = tuple[int, str, str]
"""Market or ``BOOK``, kind, and the sentence."""


class SaidOnce:
    """Says of caps, whole contracts and stand-ins what is new, and is silent while it lasts.

    Parameters
    ----------
    names : sequence of str
        Of the assets: the markets, and after them their spreads where there are any.
    n_markets : int
    caps : RiskCaps
    """

    def __init__(self, names: Sequence[str], n_markets: int, caps: RiskCaps) -> None:
        self._names, self._n_markets, self._caps = names, n_markets, caps
        self._bound: set[tuple[str, int]] = set()
        self._whole: set[tuple[str, int]] = set()
        self._proxied: dict[int, int] = {}

    def of_caps(self, bindings: Sequence[Binding]) -> list[Note]:
        """Notes on the caps that bind the target."""
        notes = [
            (
                binding.index % self._n_markets if binding.of_market else BOOK,
                "cap",
                self._caps.sentence(binding),
            )
            for binding in bindings
            if (binding.kind, binding.index) not in self._bound
        ]
        self._bound = {(binding.kind, binding.index) for binding in bindings}
        return notes

    def of_contracts(self, decision: Decision, trades: Trades) -> tuple[str, ...]:
        """Sentences on whole contracts that the fractional target does not explain."""
        now: dict[tuple[str, int], str] = {}
        for cap in trades.bindings:
            now[cap.kind, cap.index] = self._caps.sentence(cap)
        optimal = decision.target.optimal * decision.scale
        for asset in np.flatnonzero(trades.contrary).tolist():
            now["contrary", asset] = (
                f"{trades.contracts[asset]:+d} {self._names[asset]} against {optimal[asset]:+.2f}, "
                "as a hedge"
            )
        if not trades.contracts.any() and (why := why_empty(decision.target, decision.nav)):
            now["none", -1] = why
        said, self._whole = self._whole, set(now)
        return tuple(text for key, text in now.items() if key not in said)

    def of_proxies(self, proxied: Mapping[int, int], used: Mapping[int, int]) -> list[Note]:
        """Notes on positions whose past in VaR is another market's.

        Parameters
        ----------
        proxied : mapping of int to int
            The asset that stands in, by asset with a position.
        used : mapping of int to int
            The same by asset, whether there is a position or not.
        """
        notes = [
            (
                asset % self._n_markets,
                "proxy",
                f"{self._names[asset]} enters historical VaR through {self._names[proxy]} before "
                "its own returns",
            )
            for asset, proxy in proxied.items()
            if self._proxied.get(asset) != proxy
        ]
        kept = {a: p for a, p in self._proxied.items() if used.get(a) == p}
        self._proxied = kept | dict(proxied)
        return notes
