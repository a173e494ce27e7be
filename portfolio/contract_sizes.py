"""Full-size and small contracts of one underlying as one position (P8).

A market is counted in its smallest contract; what is ordered is filled with either size. A *line*
is what orders and holdings speak of: every market's own contract, in the order of the markets, and
behind them the second sizes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

import numpy as np

from universe.arrays import FloatArray
from universe.instruments import Instrument
from universe.legs import ContractKey

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Sizes:
    """Two contracts on one underlying.

    Attributes
    ----------
    ratio : int
        Small contracts that make up a full-size one, above 1.
    trade_full, trade_small : float
        Cost of trading one contract, account currency.
    hold_full, hold_small : float
        Cost of holding one contract for the time that a fill is planned for (its rolls).
    """

    ratio: int
    trade_full: float
    trade_small: float
    hold_full: float = 0.0
    hold_small: float = 0.0

    def __post_init__(self) -> None:
        if self.ratio < 2:
            raise ValueError(f"ratio of contract sizes is {self.ratio}; it must be 2 or above")


def fill(units: int, held_full: int, held_small: int, sizes: Sizes) -> tuple[int, int]:
    """Full-size and small contracts that make up a position at least cost.

    Parameters
    ----------
    units : int
        Position in small contracts, signed.
    held_full, held_small : int
        Contracts held of each.
    sizes : Sizes

    Returns
    -------
    (full, small)
        ``full * ratio + small == units``, both on the side of the position. Of equal costs the
        fewest contracts.
    """
    side = 1 if units >= 0 else -1
    full = side * np.arange(abs(units) // sizes.ratio, -1, -1)
    small = units - full * sizes.ratio
    trade = np.abs(full - held_full) * sizes.trade_full
    trade = trade + np.abs(small - held_small) * sizes.trade_small
    hold = np.abs(full) * sizes.hold_full + np.abs(small) * sizes.hold_small
    best = int(np.argmin(np.round(trade + hold, 9)))
    return int(full[best]), int(small[best])


@dataclass(frozen=True, slots=True)
class SecondSize:
    """Another contract on a market's underlying.

    Attributes
    ----------
    market : int
        Index of the market.
    instrument : Instrument
        The other contract, with its own costs.
    own_units, units : int
        Smallest contracts that the market's own contract and this one count as; one of both is 1.
    sizes : Sizes
    """

    market: int
    instrument: Instrument
    own_units: int
    units: int
    sizes: Sizes


class Lines:
    """All contracts that are traded.

    Parameters
    ----------
    instruments : sequence of Instrument
        The markets, whose data and rolls both sizes follow.
    seconds : sequence of SecondSize
        None where every market is traded in its own contract alone.

    Attributes
    ----------
    instruments : list of Instrument
        Of every line, as the exchange lists it.
    market : list of int
        Market of every line.
    units : list of int
        Smallest contracts that a contract of every line counts as.
    markets : list of Instrument
        The markets in their smallest contracts: what all but orders and holdings is counted in.
    """

    def __init__(
        self, instruments: Sequence[Instrument], seconds: Sequence[SecondSize] = ()
    ) -> None:
        self.n_markets, self.seconds = len(instruments), tuple(seconds)
        self.instruments = [*instruments, *(one.instrument for one in seconds)]
        self.market = [*range(self.n_markets), *(one.market for one in seconds)]
        self.units = [1] * self.n_markets + [one.units for one in seconds]
        self.markets = list(instruments)
        self._second: dict[int, tuple[int, SecondSize]] = {}
        for line, one in enumerate(seconds, self.n_markets):
            self.units[one.market] = one.own_units
            self.markets[one.market] = _in_units(instruments[one.market], one)
            self._second[one.market] = line, one

    @property
    def smallest(self) -> list[Instrument]:
        """Of every market the contract that its units are."""
        out = self.instruments[: self.n_markets]
        for one in self.seconds:
            if one.units == 1:
                out[one.market] = one.instrument
        return out

    @property
    def codes(self) -> list[str]:
        """Of every line."""
        return [instrument.code for instrument in self.instruments]

    @cached_property
    def index(self) -> dict[str, int]:
        """Line of every code."""
        return {code: line for line, code in enumerate(self.codes)}

    def of(self, markets: Iterable[int]) -> set[int]:
        """Lines of these markets."""
        out = set(markets)
        return out | {self._second[market][0] for market in out & self._second.keys()}

    def per_line(self, by_market: Sequence[Item]) -> list[Item]:
        """What is known by market, of every line."""
        return [by_market[market] for market in self.market]

    def spread_out(self, by_market: FloatArray) -> FloatArray:
        """An array over markets, of every line."""
        return by_market[self.market] if self.seconds else by_market

    def summed(self, by_line: FloatArray) -> FloatArray:
        """Money by line, of every market."""
        if not self.seconds:
            return by_line
        return np.bincount(self.market, by_line, self.n_markets).astype(np.float64)

    def key(self, key: ContractKey) -> ContractKey:
        """(market, contract month) of (line, contract month)."""
        return self.market[key[0]], key[1]

    def by_market(self, values: Mapping[ContractKey, Item]) -> dict[ContractKey, Item]:
        """What is known of every line's contracts, of those of the markets: the same of both."""
        return {self.key(key): value for key, value in values.items()}

    def in_units(self, holdings: Mapping[ContractKey, int]) -> Mapping[ContractKey, int]:
        """Smallest contracts by (market, contract month) of contracts by (line, contract month)."""
        if not self.seconds:
            return holdings
        out: dict[ContractKey, int] = {}
        for key, contracts in holdings.items():
            market = self.key(key)
            out[market] = out.get(market, 0) + contracts * self.units[key[0]]
        return out

    def targets(
        self,
        wanted: Mapping[int, Mapping[int, int]],
        holdings: Mapping[ContractKey, int],
        listed: Collection[ContractKey] | None = None,
    ) -> dict[int, dict[int, int]]:
        """Contracts by line and contract month that make up smallest contracts by market and month.

        Parameters
        ----------
        wanted : mapping of market to smallest contracts by contract month
        holdings : mapping of (line, contract month) to contracts
            What is held is kept where changing it costs more.
        listed : collection of (line, contract month), optional
            Contracts that can be ordered, all unless given: without the second size a position is
            rounded to its market's own contracts.
        """
        out = {market: dict(months) for market, months in wanted.items()}
        for market in wanted.keys() & self._second.keys():
            line, one = self._second[market]
            other = out[line] = {}
            for month, units in wanted[market].items():
                if listed is not None and (line, month) not in listed:
                    out[market][month] = round(units / one.own_units)
                    continue
                held = [holdings.get((this, month), 0) for this in (market, line)]
                small_is_own = one.own_units == 1
                full, small = fill(units, held[small_is_own], held[not small_is_own], one.sizes)
                out[market][month] = small if small_is_own else full
                other[month] = full if small_is_own else small
        return out

    def stuck(self, stuck: Mapping[ContractKey, int]) -> dict[ContractKey, int]:
        """Contracts left without a price, with their successors, of every line."""
        out = dict(stuck)
        for (market, month), successor in stuck.items():
            if market in self._second:
                out[self._second[market][0], month] = successor
        return out


def contract_lines(
    instruments: Sequence[Instrument],
    master: Iterable[Instrument],
    *,
    yearly_trades: float,
    small: bool = True,
) -> Lines:
    """The lines of these markets.

    A market is joined by the contract of its underlying that differs most from its own in size, of
    those that LEAN lists or, where LEAN lists not even the market, of all. Data for one serve both,
    so that both must be quoted alike, be listed in the months that the market holds and divide
    without a rest. Of two markets on one underlying the one of the full size has it.

    Parameters
    ----------
    instruments : sequence of Instrument
    master : iterable of Instrument
        Where other sizes are looked for.
    yearly_trades : float
        How often a year a position is traded: rolls are paid for in between.
    small : bool
        False leaves every market with its own contract.
    """
    if not small:
        return Lines(instruments)
    families: dict[str, list[Instrument]] = {}
    for one in master:
        families.setdefault(one.full_size or one.code, []).append(one)
    taken = {instrument.code for instrument in instruments}
    seconds = []
    for market, own in sorted(enumerate(instruments), key=lambda pair: bool(pair[1].full_size)):
        fitting = [
            found
            for other in families.get(own.full_size or own.code, ())
            if other.code not in taken
            and (found := _second_size(market, own, other, yearly_trades)) is not None
        ]
        if fitting:
            seconds.append(max(fitting, key=lambda one: one.sizes.ratio))
            taken.add(seconds[-1].instrument.code)
    return Lines(instruments, sorted(seconds, key=lambda one: one.market))


def one_a_position(instruments: Iterable[Instrument]) -> list[Instrument]:
    """The instruments less those that would hold the months of their full-size contract among them.

    In the order given.
    """
    given = {instrument.code: instrument for instrument in instruments}
    return [
        one
        for one in given.values()
        if one.full_size not in given or given[one.full_size].hold_months != one.hold_months
    ]


def _second_size(
    market: int, own: Instrument, other: Instrument, yearly_trades: float
) -> SecondSize | None:
    """The other contract as a second size of a market, None where it cannot be one."""
    large, small = max(own.multiplier, other.multiplier), min(own.multiplier, other.multiplier)
    ratio = round(large / small)
    alike = (
        other.currency == own.currency
        and set(own.hold_months) <= set(other.priced_months)
        and other.lean_listed >= own.lean_listed
    )
    if not alike or ratio < 2 or abs(large / small - ratio) > 1e-9 * ratio:
        return None
    is_full = own.multiplier > other.multiplier
    held = 2.0 * len(own.hold_months) / yearly_trades
    full, little = (own, other) if is_full else (other, own)
    costs = [one.half_spread * one.multiplier + one.fee for one in (full, little)]
    sizes = Sizes(ratio, *costs, *(cost * held for cost in costs))
    return SecondSize(market, other, ratio if is_full else 1, 1 if is_full else ratio, sizes)


def _in_units(own: Instrument, second: SecondSize) -> Instrument:
    """A market as if its smallest contract were its only one, of the volume of both.

    Its cost in price units stays that of its own contract; position limits know from ``full_size``
    that it is a part of the contract of the master.
    """
    parts = second.own_units
    volume = own.adv_contracts * parts + second.instrument.adv_contracts * second.units
    return replace(
        own,
        multiplier=own.multiplier / parts,
        fee=own.fee / parts,
        adv_contracts=volume,
        full_size=own.full_size or own.code,
    )
