"""What is known after a session's close from market data alone, whatever the fund's size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from universe.arrays import BoolArray, FloatArray, IntArray, known
from universe.legs import Legs
from universe.market_days import MarketDays
from universe.market_state import Roll


@dataclass(frozen=True, slots=True)
class Snapshot:
    """State of all markets after a session, as every later stage of the chain reads it.

    Arrays are over assets (the markets outright, then their calendar spreads where these are
    traded) unless a line says markets.

    Attributes
    ----------
    day, month : int
        Epoch day and yyyymm.
    rolls : sequence of Roll
        Of the session.
    notes : sequence of (market index or -1, kind, sentence)
        What the quality gate and the rules have to say.
    seen : bool array
        A bar that passed the quality gate.
    ret : float array
        Return of the session, 0 where not seen.
    tradable, alive, must_exit : bool arrays
        A trustworthy price today; counts for risk budgets; may not be held beyond the next session.
    price : float array
        Last positive price that exposure is measured in, in the quote.
    doubt : float array
        Close that the gate holds back minus the last trusted one, 0 where nothing is held back.
    sigma, current_sigma : float arrays
        Daily volatility of returns with and without its long-run part, NaN while too young.
    correlation : float array of shape (n_assets, n_assets)
    standardised : float array of shape (n_business_days, n_assets)
        Past returns over the volatility before them, oldest first, of the window of VaR.
    fall, rise : float arrays
        Largest fall and rise in a session so far, at least 0.
    sigma_price : float array over markets
        Daily volatility in price units.
    fx : float array over markets
        Account currency per unit of the quote currency, the last one known.
    legs : Legs
        Contract months before and after the session's rolls.
    signals, factors : mapping of str to float array
        By rule and by sleeve, see ``alpha.forecasts.Forecasts``.
    basis : float array over markets
        Annualised carry of the futures pair in price units, NaN where none is fresh.
    carry_source : int array over markets
        ``alpha.carry_sources.Source`` of the raw carry.
    bill : float
        Yield of three-month US Treasury bills, a fraction a year, NaN where none is fresh.
    spread_basis : float array over markets
        Annual gain of near minus far at an unchanged curve in price units, as of the session, NaN
        without one; empty where spreads are not traded.
    macro : mapping of str to (epoch day known, value)
        Macro series as last known.
    regime : float array of shape (alpha.regime.features.ROW,)
        Features of the regime and returns of equities and of 60/40, NaN before there are any.
    """

    day: int
    month: int
    rolls: Sequence[Roll]
    notes: Sequence[tuple[int, str, str]]
    seen: BoolArray
    ret: FloatArray
    tradable: BoolArray
    alive: BoolArray
    must_exit: BoolArray
    price: FloatArray
    doubt: FloatArray
    sigma: FloatArray
    current_sigma: FloatArray
    correlation: FloatArray
    standardised: FloatArray
    fall: FloatArray
    rise: FloatArray
    sigma_price: FloatArray
    fx: FloatArray
    legs: Legs
    signals: Mapping[str, FloatArray]
    factors: Mapping[str, FloatArray]
    basis: FloatArray
    carry_source: IntArray
    bill: float
    spread_basis: FloatArray
    macro: Mapping[str, Sequence[float]]
    regime: FloatArray

    @property
    def n_markets(self) -> int:
        """Markets, without their spreads."""
        return len(self.fx)

    @property
    def has_spreads(self) -> bool:
        """Whether calendar spreads are assets."""
        return self.legs.spreads

    def per_asset(self, by_market: FloatArray) -> FloatArray:
        """An array over markets, repeated for their spreads."""
        return np.concatenate([by_market, by_market]) if self.has_spreads else by_market

    def contract_value(self, multiplier: FloatArray) -> FloatArray:
        """Account currency that one contract of every asset gains per point, (n_assets,)."""
        return self.per_asset(multiplier * known(self.fx))


@dataclass(frozen=True, slots=True)
class Snapshots:
    """Snapshots of several sessions: arrays as in ``Snapshot`` with a leading axis of sessions.

    Attributes
    ----------
    standardised, macro, rolls, notes : sequences
        By session.
    legs : mapping of str to int array of shape (n_sessions, n_markets)
        Of ``Legs``.
    before : MarketDays
        State of the markets before each session.
    remembered : sequence of sequences of mappings
        Closes that every market's next session is compared with, by contract month; before the
        first session and after each.
    """

    day: IntArray
    month: IntArray
    bill: FloatArray
    seen: BoolArray
    ret: FloatArray
    tradable: BoolArray
    alive: BoolArray
    must_exit: BoolArray
    price: FloatArray
    doubt: FloatArray
    sigma: FloatArray
    current_sigma: FloatArray
    correlation: FloatArray
    fall: FloatArray
    rise: FloatArray
    sigma_price: FloatArray
    fx: FloatArray
    basis: FloatArray
    carry_source: IntArray
    spread_basis: FloatArray
    regime: FloatArray
    signals: Mapping[str, FloatArray]
    factors: Mapping[str, FloatArray]
    legs: Mapping[str, IntArray]
    spreads: bool
    standardised: Sequence[FloatArray]
    macro: Sequence[Mapping[str, Sequence[float]]]
    rolls: Sequence[Sequence[Roll]]
    notes: Sequence[Sequence[tuple[int, str, str]]]
    before: MarketDays
    remembered: Sequence[Sequence[Mapping[int, float]]]

    def __len__(self) -> int:
        """Sessions."""
        return len(self.day)

    def at(self, row: int) -> Snapshot:
        """What was known after one of the sessions."""
        return Snapshot(
            day=int(self.day[row]),
            month=int(self.month[row]),
            bill=float(self.bill[row]),
            legs=Legs(**{n: rows[row] for n, rows in self.legs.items()}, spreads=self.spreads),
            signals={name: rows[row] for name, rows in self.signals.items()},
            factors={name: rows[row] for name, rows in self.factors.items()},
            **{name: getattr(self, name)[row] for name in _BY_SESSION},
        )


_BY_SESSION = tuple(
    {field.name for field in fields(Snapshot)}
    - {"day", "month", "bill", "legs", "signals", "factors"}
)
