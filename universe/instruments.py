"""The instrument master's record type and its look-ups.

The records themselves are plain Python in the ``universe.master_*`` modules, because only Python
source reaches QuantConnect's cloud.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from universe.counts import count_text


class AssetClass(StrEnum):
    """Classes across which risk is shared equally (000, Overlay)."""

    EQUITY = "equity"
    BOND = "bond"
    FX = "fx"
    METAL = "metal"
    ENERGY = "energy"
    AGRICULTURE = "agriculture"
    VOLATILITY = "volatility"
    CRYPTO = "crypto"


class Notice(StrEnum):
    """How a contract ends, which fixes the last session on which it may be held."""

    CASH = "cash"  # cash settled: held at most to the session before the last trade date
    PRIOR_MONTH_END = "prior_month_end"  # first notice on the last business day before the month
    TEN_DAYS_BEFORE_MONTH = "ten_days_before_month"  # softs: ten business days before the month
    AFTER_LAST_TRADE = "after_last_trade"  # delivery or notice begins after trading ends


class Basis(StrEnum):
    """What multiplier, tick and currency of a market rest on."""

    LEAN = "lean"  # LEAN's symbol-properties database
    EXCHANGE = "exchange"  # the exchange's contract specification
    SOURCE = "source"  # the price source's configuration, which is known to have errors
    USER = "user"  # an instruments file


@dataclass(frozen=True, slots=True)
class Instrument:
    """One futures market.

    Attributes
    ----------
    code : str
        Our key: LEAN's ticker where LEAN lists the market, the exchange's own root otherwise.
    name : str
        Human name.
    market : str
        LEAN market ("cme"); for unlisted markets the exchange ("eurex").
    asset_class : AssetClass
    sector : str
        Sub-class for limits and attribution ("us equity", "grain", "crude").
    currency : str
        Quote currency, ISO 4217.
    multiplier : float
        Currency units per 1.0 of quoted price and contract (LEAN: contract multiplier).
    tick : float
        Minimum price variation in quoted price.
    hold_months, priced_months : str
        Month letters (FGHJKMNQUVXZ) held by the strategy, and listed ones used for carry.
    roll_days : int
        Calendar days before the last trade date at which the roll window opens.
    carry_offset : int
        -1 if carry is measured against the nearer contract, +1 against the farther one.
    depth : int
        Contracts skipped at the front of ``hold_months`` (NG holds the second; 001).
    notice : Notice
    expiry_rule : str
        Name of the last-trade-date rule in ``universe.expiry``.
    half_spread : float
        Half the usual bid-ask spread in quoted price.
    fee : float
        Exchange, clearing and broker fee per contract and side, in ``fee_currency``.
    fee_currency : str
    adv_contracts : float
        Average daily volume of the held contract, for the impact term and the cap on positions.
    session : str
        Regular session in exchange time, "HH:MM-HH:MM zone".
    duration : float
        Relative fall of the quoted price for a rise of the yield by 1 (rates only, else 0): the
        modified duration in years of the deliverable, and 100 / price where the quote is 100
        minus the rate. DV01 is duration x value of a contract x 1e-4.
    lean_listed : bool
        Whether LEAN's symbol-properties database knows the market.
    source_code : str
        Name in pysystemtrade-style data ("SP500"), empty if none.
    source_scale : float
        Quoted price in LEAN's units = source price x source_scale (cents to dollars: 0.01).
    full_size : str
        Code of the full-size contract on the same underlying in the same currency, empty for the
        full-size contract itself and for an underlying with one contract.
    basis : Basis
        What ``multiplier``, ``tick`` and ``currency`` rest on.
    spread_listed : bool
        Whether the exchange lists calendar spreads of the contract, so that a roll can be one
        order; see ``universe.master`` for the sources.
    rough_volume : bool
        Whether ``adv_contracts`` is an order of magnitude of recent years and no measurement; then
        every capacity or liquidity that is computed from it says so, see :func:`volume_note`.
    unknown : tuple of str
        Fields whose value is not known: what stands in them is a cautious stand-in.
    """

    code: str
    name: str
    market: str
    asset_class: AssetClass
    sector: str
    currency: str
    multiplier: float
    tick: float
    hold_months: str
    priced_months: str
    roll_days: int
    carry_offset: int
    depth: int
    notice: Notice
    expiry_rule: str
    half_spread: float
    fee: float
    fee_currency: str
    adv_contracts: float
    session: str
    duration: float = 0.0
    lean_listed: bool = True
    source_code: str = ""
    source_scale: float = 1.0
    full_size: str = ""
    basis: Basis = Basis.USER
    spread_listed: bool = False
    rough_volume: bool = True
    unknown: tuple[str, ...] = ()


UNKNOWN_VOLUME = 100.0
"""Contracts a day assumed of a market whose volume is not known: too few for a large position."""


def volume_note(instruments: Iterable[Instrument]) -> str:
    """What the average daily volumes of these markets are worth, in a sentence; empty if measured.

    For every table, chart and report in which capacity, liquidity or impact is computed from them.
    """
    given = list(instruments)
    unknown = [i.code for i in given if "adv_contracts" in i.unknown]
    rough = sum(i.rough_volume for i in given) - len(unknown)
    parts = []
    if rough:
        parts.append(
            f"volumes of {rough} of {count_text(len(given), 'market')} are orders of "
            "magnitude of recent years,"
            " not measurements"
        )
    if unknown:
        parts.append(
            f"of {', '.join(unknown)} the volume is unknown and {UNKNOWN_VOLUME:g} contracts a day"
            " are assumed"
        )
    return "; ".join(parts)


def contract_differences(
    instrument: Instrument, multiplier: float, tick: float, currency: str
) -> tuple[str, ...]:
    """Facts of a contract that are others in LEAN, a sentence each.

    Parameters
    ----------
    instrument : Instrument
    multiplier, tick, currency
        LEAN's.
    """
    pairs = (
        ("multiplier", instrument.multiplier, multiplier),
        ("tick", instrument.tick, tick),
        ("currency", instrument.currency, currency),
    )
    return tuple(
        f"{what} is {ours} here, {theirs} in LEAN" for what, ours, theirs in pairs if ours != theirs
    )


def without_twins(instruments: Iterable[Instrument]) -> list[Instrument]:
    """One contract of every underlying: the full-size one, else the largest there is.

    Budgets are equal across the markets of a class, so a mini or micro beside its full-size
    contract would double the budget of their underlying. The larger contract has the lower cost
    for the same exposure; a fund too small for it names the smaller one in its settings.

    Parameters
    ----------
    instruments : iterable of Instrument

    Returns
    -------
    list of Instrument
        In the order given.
    """
    given = list(instruments)
    largest: dict[str, Instrument] = {}
    for instrument in given:
        underlying = instrument.full_size or instrument.code
        other = largest.setdefault(underlying, instrument)
        if instrument.multiplier > other.multiplier:
            largest[underlying] = instrument
    return [i for i in given if largest[i.full_size or i.code] is i]


class UnknownInstrumentError(KeyError):
    """A name under which the instrument master holds no market."""

    def __str__(self) -> str:
        return str(self.args[0])


class InstrumentMaster:
    """All known markets, by code and by source name.

    Parameters
    ----------
    instruments : iterable of Instrument

    Raises
    ------
    ValueError
        If a code or a source name occurs twice, or a source name is another market's code.
    """

    def __init__(self, instruments: Iterable[Instrument]) -> None:
        self._by_code: dict[str, Instrument] = {}
        self._by_source: dict[str, Instrument] = {}
        for instrument in instruments:
            if instrument.code in self._by_code:
                raise ValueError(f"instrument master: code {instrument.code!r} occurs twice")
            self._by_code[instrument.code] = instrument
            if instrument.source_code:
                if instrument.source_code in self._by_source:
                    raise ValueError(
                        f"instrument master: source name {instrument.source_code!r} occurs twice"
                    )
                self._by_source[instrument.source_code] = instrument
        for name, instrument in self._by_source.items():
            if self._by_code.get(name, instrument) is not instrument:
                raise ValueError(
                    f"instrument master: source name {name!r} of {instrument.code} is also the"
                    " code of another market"
                )

    def __getitem__(self, code: str) -> Instrument:
        try:
            return self._by_code[code]
        except KeyError:
            raise UnknownInstrumentError(self._unknown(code)) from None

    def __contains__(self, code: str) -> bool:
        return code in self._by_code

    def __iter__(self) -> Iterator[Instrument]:
        return iter(self._by_code.values())

    def __len__(self) -> int:
        return len(self._by_code)

    def from_source(self, name: str) -> Instrument | None:
        """The market whose pysystemtrade-style name is ``name``, or None."""
        return self._by_source.get(name)

    def named(self, name: str) -> Instrument:
        """The market with this code or, where no code is so called, with this source name.

        Raises
        ------
        UnknownInstrumentError
            With the nearest names, if there is none.
        """
        return self._by_code.get(name) or self._by_source.get(name) or self[name]

    def with_changes(self, instruments: Iterable[Instrument]) -> InstrumentMaster:
        """A master in which these markets replace those of the same code or come behind all.

        Raises
        ------
        ValueError
            As by the constructor.
        """
        return InstrumentMaster({**self._by_code, **{i.code: i for i in instruments}}.values())

    def _unknown(self, name: str) -> str:
        names = [*self._by_code, *self._by_source]
        by_upper = {known.upper(): known for known in reversed(names)}
        near = [name.upper()] if name.upper() in by_upper else []
        near = near or difflib.get_close_matches(name.upper(), by_upper, n=3, cutoff=0.5)
        meant = [self.named(by_upper[match]) for match in near]
        text = f"unknown market {name!r}"
        if meant:
            text += "; did you mean " + " or ".join(
                dict.fromkeys(f"{i.code} ({i.name})" for i in meant)
            )
        return (
            f"{text}; the instrument master holds "
            f"{count_text(len(self._by_code), 'market')} (docs/markets.md)"
        )
