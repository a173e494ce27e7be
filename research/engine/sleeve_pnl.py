"""Profit of a session by sleeve, from what the account did and what the sleeves asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from research.engine.ledger import DayBook
from universe.arrays import FloatArray, IntArray, known
from universe.legs import ContractKey
from universe.session import Quotes

RESIDUAL = "rounding and limits"
"""Profit of the contracts held beyond what the sleeves asked for (rounding, buffer, risk cuts)."""

LegsOf = Mapping[int, tuple[int, int, int]]
"""Contract months by market index: held, and the near and far leg of its spread, 0 for none."""


class SleevePnl:
    """Splits the profit of every session, in order.

    A sleeve earns on the contracts it asked for: those of the positions held into the session by
    its close, and the change of them from the fill to the close; what sleeves ask for against each
    other without a fill changes hands at the close. A spread's profit is what its legs made apart
    from each other, the rest of the market's is the outright position's.

    Parameters
    ----------
    sleeves : sequence of str
    spread_sleeves : collection of str
        Those whose contracts are spreads.
    multiplier : float array of shape (n_markets,)
    spreads : bool
        Whether calendar spreads are assets, after the markets outright.
    """

    def __init__(
        self,
        sleeves: Sequence[str],
        spread_sleeves: Sequence[str],
        multiplier: FloatArray,
        *,
        spreads: bool,
    ) -> None:
        self._sleeves, self._on_spreads = tuple(sleeves), frozenset(spread_sleeves)
        self._multiplier, self._spreads = multiplier, spreads
        zero = np.zeros(len(multiplier) * (2 if spreads else 1))
        self._wished = dict.fromkeys(self._sleeves, zero)  # of the contracts held
        self._asked = dict.fromkeys(self._sleeves, zero)  # for the session to come
        self._held: IntArray = zero.astype(np.int64)

    def of_spreads(
        self,
        legs: LegsOf,
        mark: Mapping[ContractKey, float],
        quotes: Quotes,
        fx: FloatArray,
    ) -> FloatArray:
        """What the spreads held into a session make in it, before its fills; (n_markets,).

        Parameters
        ----------
        legs : mapping of market index to (held, near, far)
            That positions are in.
        mark : mapping of (market index, contract month) to float
            Prices that positions are valued at so far.
        quotes : Quotes
        fx : float array of shape (n_markets,)
        """
        n = len(self._multiplier)
        out, held = np.zeros(n), self._held[n:]
        for market in np.flatnonzero(held).tolist():
            change = 0.0
            for month, side in zip(legs.get(market, (0, 0, 0))[1:], (1.0, -1.0), strict=True):
                before = mark.get((market, month), np.nan)
                change += side * (quotes[market].get(month, before) - before)
            out[market] = change * held[market]
        return np.asarray(known(out) * self._multiplier * known(fx))

    def split(
        self,
        book: DayBook,
        spread_pnl: FloatArray,
        held: IntArray,
        legs: LegsOf,
        fx: FloatArray,
    ) -> dict[str, FloatArray]:
        """Profit by sleeve, (n_markets,) each; what is left over is the residual.

        Parameters
        ----------
        book : DayBook
        spread_pnl : float array of shape (n_markets,)
            From ``of_spreads``.
        held : int array of shape (n_assets,)
            After the session's fills.
        legs : mapping of market index to (held, near, far)
            Of the markets with fills.
        fx : float array of shape (n_markets,)
        """
        n = len(self._multiplier)
        overnight = book.overnight
        if self._spreads:
            overnight = np.concatenate([overnight - spread_pnl, spread_pnl])
        a_contract = overnight / np.where(self._held != 0, self._held, 1)
        moved = self._moves(book, fx, legs)
        out, residual = {}, book.pnl.copy()
        for name in self._sleeves:
            before = self._wished[name]
            self._wished[name] = now = np.where(held != 0, self._asked[name], 0.0)
            part = before * a_contract + (now - before) * moved
            out[name] = part[n:] if name in self._on_spreads else part[:n]
            residual -= out[name]
        out[RESIDUAL] = residual
        self._held = held
        return out

    def decided(self, asked: Mapping[str, FloatArray], scale: float) -> None:
        """Take what the sleeves ask for of the next session, and the exposure scale on it."""
        self._asked = {name: asked[name] * scale for name in self._sleeves}

    def _moves(self, book: DayBook, fx: FloatArray, legs: LegsOf) -> FloatArray:
        """Account currency that a contract of each asset made from its fill to the close."""
        n = len(self._multiplier)
        out = np.zeros(len(self._held))
        values = self._multiplier * known(fx)
        for market in {market for market, _ in book.moves}:
            held, near, far = (
                book.moves.get((market, month), 0.0) for month in legs.get(market, (0, 0, 0))
            )
            out[market] = held * values[market]
            if self._spreads:
                out[n + market] = (near - far) * values[market]
        return out
