"""Contract-level history of a set of markets, as importers make it and the engine reads it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from research.data.macro_series import MacroSeries
from research.data.macro_series import fingerprint as macro_fingerprint
from universe.arrays import FloatArray, IntArray, from_epoch_day
from universe.instruments import Instrument


@dataclass(frozen=True, slots=True)
class DataIssue:
    """Something an importer or the quality gate dropped, repaired or doubted."""

    market: str
    epoch_day: int | None
    kind: str
    detail: str

    def __str__(self) -> str:
        when = f" {from_epoch_day(self.epoch_day)}" if self.epoch_day is not None else ""
        return f"{self.market}{when} {self.kind}: {self.detail}"


@dataclass(frozen=True, slots=True)
class MarketHistory:
    """Daily bars of all contracts of one market.

    Attributes
    ----------
    instrument : Instrument
    contract_month : int array of shape (n_contracts,)
        yyyymm, ascending.
    expiry : int array of shape (n_contracts,)
        Last trade date as epoch day.
    day : int array of shape (n_bars,)
        Session date as epoch day; rows are sorted by (day, contract), without duplicates.
    contract : int array of shape (n_bars,)
        Index into ``contract_month``.
    open, high, low, close : float arrays of shape (n_bars,)
        In the instrument's quote (LEAN's units), never NaN.
    volume, open_interest : float arrays of shape (n_bars,)
        NaN where the source has none.
    mapped_from : int array of shape (n_maps,)
        Ascending session dates from which the source's own front contract is ...
    mapped_contract : int array of shape (n_maps,)
        ... this index into ``contract_month``.
    """

    instrument: Instrument
    contract_month: IntArray
    expiry: IntArray
    day: IntArray
    contract: IntArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    open_interest: FloatArray
    mapped_from: IntArray
    mapped_contract: IntArray

    def __post_init__(self) -> None:
        code = self.instrument.code
        if len(self.contract_month) != len(self.expiry):
            raise ValueError(f"{code}: every contract month needs an expiry")
        for name in ("contract", "open", "high", "low", "close", "volume", "open_interest"):
            if len(getattr(self, name)) != len(self.day):
                raise ValueError(f"{code}: {name} has not as many rows as day ({len(self.day)})")
        key = self.day * (len(self.contract_month) + 1) + self.contract
        if np.any(np.diff(key) <= 0):
            raise ValueError(f"{code}: bars must be sorted by (day, contract) without duplicates")
        if not np.all(np.isfinite(self.close)):
            raise ValueError(f"{code}: a close is NaN or infinite; drop the bar instead")

    def between(self, first_day: int, last_day: int) -> MarketHistory:
        """The same market with only the bars of ``first_day <= day <= last_day``."""
        rows = (self.day >= first_day) & (self.day <= last_day)
        known = self.mapped_from <= last_day
        return MarketHistory(
            self.instrument,
            self.contract_month,
            self.expiry,
            self.day[rows],
            self.contract[rows],
            self.open[rows],
            self.high[rows],
            self.low[rows],
            self.close[rows],
            self.volume[rows],
            self.open_interest[rows],
            self.mapped_from[known],
            self.mapped_contract[known],
        )


@dataclass(frozen=True, slots=True)
class FxHistory:
    """Account-currency (USD) value of one unit of a currency, by session date."""

    currency: str
    day: IntArray
    rate: FloatArray


@dataclass(frozen=True)
class Dataset:
    """Everything a backtest reads.

    Attributes
    ----------
    name : str
        Shown in every table and plot.
    synthetic : bool
        True for the simulated market; every table and plot then says so.
    markets : dict of str to MarketHistory
        By instrument code.
    fx : dict of str to FxHistory
        By currency; USD needs none.
    issues : list of DataIssue
        What the importer dropped, repaired or doubted.
    macro : dict of str to MacroSeries
        Yields, rates and indices by name (U6).
    cache : path, optional
        Folder in which what is computed from the data alone is kept; nothing is without one.
    own : tuple of Instrument
        Markets that are in the place of the master's, or beside them.
    """

    name: str
    synthetic: bool
    markets: dict[str, MarketHistory]
    fx: dict[str, FxHistory]
    issues: list[DataIssue] = field(default_factory=list)
    macro: dict[str, MacroSeries] = field(default_factory=dict)
    cache: Path | None = None
    own: tuple[Instrument, ...] = ()

    def between(self, first_day: int, last_day: int) -> Dataset:
        """The same data restricted to ``first_day <= day <= last_day``; nothing later is kept."""
        markets = {
            code: cut
            for code, history in self.markets.items()
            if len((cut := history.between(first_day, last_day)).day)
        }
        fx = {}
        for currency, history in self.fx.items():
            keep = history.day <= last_day
            fx[currency] = FxHistory(currency, history.day[keep], history.rate[keep])
        macro = {name: series.until(last_day) for name, series in self.macro.items()}
        return replace(self, markets=markets, fx=fx, issues=list(self.issues), macro=macro)

    def with_macro(self, macro: dict[str, MacroSeries], issues: list[DataIssue]) -> Dataset:
        """The same data with these macro series and what was noticed about them."""
        dataset = replace(self, macro=macro, issues=[*self.issues, *issues])
        known = vars(self).get("_fingerprint")
        return dataset if known is None or macro != self.macro else dataset.known_as(known)

    def with_cache(self, folder: Path | None, own: Iterable[Instrument] = ()) -> Dataset:
        """The same data with a folder for what is computed from them, and a user's own markets."""
        dataset = replace(self, cache=folder, own=tuple(own))
        known = vars(self).get("_fingerprint")
        return dataset if known is None else dataset.known_as(known)

    def known_as(self, fingerprint: str) -> Dataset:
        """The same dataset, told its fingerprint as it was computed before."""
        vars(self)["_fingerprint"] = fingerprint
        return self

    def select(self, codes: list[str]) -> Dataset:
        """The same data with only the named markets, in that order.

        Parameters
        ----------
        codes : list of str
            Codes or the source's names.

        Raises
        ------
        KeyError
            If the data does not hold one of them.
        """
        by_source = {h.instrument.source_code: code for code, h in self.markets.items()}
        codes = [code if code in self.markets else by_source.get(code, code) for code in codes]
        missing = [code for code in codes if code not in self.markets]
        if missing:
            raise KeyError(
                f"no data for {', '.join(missing)}; {self.name} holds {', '.join(self.markets)}"
            )
        markets = {code: self.markets[code] for code in codes}
        return replace(self, markets=markets, issues=list(self.issues))

    def fingerprint(self) -> str:
        """SHA-256 over all bars and rates, so that a report names the data that made it."""
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        digest = hashlib.sha256()
        for code in sorted(self.markets):
            history = self.markets[code]
            digest.update(code.encode())
            for name in fields(history)[1:]:
                digest.update(np.ascontiguousarray(getattr(history, name.name)).tobytes())
        for currency in sorted(self.fx):
            digest.update(currency.encode())
            for array in (self.fx[currency].day, self.fx[currency].rate):
                digest.update(np.ascontiguousarray(array).tobytes())
        if self.macro:
            digest.update(macro_fingerprint(self.macro).encode())
        return digest.hexdigest()
