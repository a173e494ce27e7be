"""What positions are worth to the strategy where a bad bar has marked the account (U4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from universe.arrays import FloatArray
from universe.fills import SessionGate
from universe.legs import ContractKey
from universe.markets import Markets
from universe.session import Session


class Marks:
    """The last close of every contract that may be held, and the last one that the gate trusts.

    For an account that is marked at every close, as LEAN's is: a bad bar must not reach the size of
    the other markets, nor the governor's peak, through the account's value.
    """

    def __init__(self) -> None:
        self._last: dict[ContractKey, float] = {}
        self._trusted: dict[ContractKey, float] = {}

    def take(self, markets: Markets, session: Session, keys: Iterable[ContractKey]) -> None:
        """Take a session's closes, before ``markets`` observes it.

        Parameters
        ----------
        markets : Markets
        session : Session
        keys : iterable of (market index, contract month)
            Contracts that may have a position; others are forgotten.
        """
        gate, wanted = SessionGate(markets, session.quotes), set(keys)
        self._last = {key: price for key, price in self._last.items() if key in wanted}
        self._trusted = {key: price for key, price in self._trusted.items() if key in wanted}
        for key in wanted:
            market, month = key
            close = session.quotes[market].get(month)
            if close is None:
                continue
            before = self._trusted.get(key)
            self._last[key] = close
            if (
                before is None
                or abs(close - before) <= gate.usual[market]
                or gate.passes(market, month, close)
            ):
                self._trusted[key] = close

    def of(self, key: ContractKey) -> float | None:
        """Trusted price of a contract, None before its first."""
        return self._trusted.get(key)

    def off(self, key: ContractKey) -> float:
        """Last price of a contract less its trusted one, 0 before its first."""
        return self._last[key] - self._trusted[key] if key in self._last else 0.0

    def trusted_value(
        self, nav: float, holdings: Mapping[ContractKey, int], point: FloatArray
    ) -> float:
        """``nav`` with every position at its trusted price.

        Parameters
        ----------
        nav : float
            As the account has it, at the last closes.
        holdings : mapping of (market index, contract month) to contracts
        point : float array of shape (n_markets,)
            Account currency that a contract gains per point.
        """
        value = nav
        for key, quantity in holdings.items():
            off = self.off(key)
            if off:
                value -= quantity * off * float(point[key[0]])
        return value

    def priced(self, quotes: list[dict[int, float]]) -> list[dict[int, float]]:
        """Closes of the session by market, trusted prices in the place of doubted ones."""
        out = list(quotes)
        for (market, month), price in self._trusted.items():
            if month in out[market] and out[market][month] != price:
                out[market] = {**out[market], month: price}
        return out
