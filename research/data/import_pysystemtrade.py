"""Import of futures data in pysystemtrade's CSV layout (U5; 001 uses the same data).

A folder holds ``multiple_prices_csv`` (price and contract of the held, carry and forward contract
per day), ``adjusted_prices_csv`` (additive back-adjusted series), ``fx_prices_csv`` and
``csvconfig``. The layout is described in pysystemtrade's ``docs/data.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd

from research.data import pysystemtrade_findings as findings
from research.data.bar_findings import report_doubts, report_late_bars, report_markets
from research.data.contract_quotes import ContractBars, bars_from_snapshots, extend_rolled
from research.data.dataset import Dataset, MarketHistory
from research.data.errors import DataError
from research.data.files import is_there, read_bytes
from research.data.issue_log import IssueLog
from research.data.pysystemtrade_files import (
    ADJUSTED,
    CONFIG,
    FX,
    MULTIPLE,
    Source,
    align,
    read_adjusted,
    read_fx,
    read_snapshots,
    read_spread_costs,
)
from research.data.units import without_unit_changes
from universe.arrays import FloatArray, IntArray, from_epoch_day, to_epoch_day
from universe.counts import count_text
from universe.expiry import last_trade_date
from universe.instruments import Instrument, InstrumentMaster
from universe.listing import PERPETUAL_MONTH

Expiries = Mapping[tuple[str, int], int]
"""Last trade date (epoch day) by instrument code and contract month yyyymm."""

_NEVER = to_epoch_day(date(2199, 12, 31))
_LAYOUT = (
    f"expected pysystemtrade's layout: {MULTIPLE}/, {ADJUSTED}/, {FX}/ and {CONFIG}/ in it, in its "
    "futures/ or in its data/futures/"
)


def load_pysystemtrade(
    folder: str | Path,
    master: InstrumentMaster,
    codes: Iterable[str] | None = None,
    start: date | None = None,
    end: date | None = None,
    expiries: Expiries | None = None,
    progress: Callable[[int, int, str], None] | None = None,
) -> Dataset:
    """Read a pysystemtrade data folder.

    Parameters
    ----------
    folder : str or Path
        The folder of the four sub-folders, or one from which ``futures/`` or ``data/futures/``
        leads there (a clone of pysystemtrade).
    master : InstrumentMaster
        Says which file is which market, and the scale to LEAN's quote.
    codes : iterable of str, optional
        Markets to read; by default all that the folder and the master know.
    start, end : date, optional
        First and last session kept. Nothing after ``end`` influences the result.
    expiries : mapping of (code, yyyymm) to epoch day, optional
        Last trade dates, see :func:`read_expiries`; a contract it does not hold gets the date of
        the instrument's expiry rule.
    progress : callable, optional
        Called with (markets done, markets in all, code) after each market.

    Returns
    -------
    Dataset
        Bars with open = high = low = close in the quote of LEAN, volume and open interest NaN,
        the source's held contract as mapping, and an issue for everything dropped or doubted.

    Raises
    ------
    DataError
        If a folder or file is missing, empty, cut off or has other columns, if a market has no
        usable row, or if ``codes`` names a market that the master or the folder does not hold.
    """
    root = find_folder(Path(folder))
    log = IssueLog()
    chosen = _choose_markets(root, master, codes, log)
    last_day = to_epoch_day(end) if end else _NEVER
    first_day = to_epoch_day(start) if start else -_NEVER
    spread_costs = read_spread_costs(root / CONFIG / "spreadcosts.csv", log)
    markets: dict[str, MarketHistory] = {}
    for done, instrument in enumerate(chosen, 1):
        file = f"{instrument.source_code}.csv"
        source = Source(instrument, root / MULTIPLE / file, root / ADJUSTED / file, log)
        cost = spread_costs.get(instrument.source_code)
        history = _load_market(source, last_day, expiries or {}, cost)
        if history is not None and len((kept := history.between(first_day, last_day)).day):
            markets[instrument.code] = kept
        else:
            log.add(instrument.code, "no session", "no usable row within the requested dates")
        if progress is not None:
            progress(done, len(chosen), instrument.code)
    if not markets:
        raise DataError(
            f"{root}: no market has a session between {start or 'the start'} and {end or 'the end'}"
        )
    fx = read_fx(root / FX, last_day, log)
    report_markets(markets, fx, log)
    final = max(int(history.day[-1]) for history in markets.values())
    name = f"pysystemtrade CSV, {count_text(len(markets), 'market')} to {from_epoch_day(final)}"
    return Dataset(name, False, markets, fx, log.issues)


def read_expiries(path: str | Path, master: InstrumentMaster) -> dict[tuple[str, int], int]:
    """Last trade dates as the LEAN engine computes them.

    Parameters
    ----------
    path : str or Path
        CSV with the columns market, root, contract_month (yyyymm), last_trade_date (yyyy-mm-dd).
    master : InstrumentMaster
        Only its markets are kept: root is compared with the code, market with the market.

    Returns
    -------
    dict of (code, yyyymm) to epoch day

    Raises
    ------
    DataError
        If the file is missing or is not such a table.
    """
    path = Path(path)
    columns = ["market", "root", "contract_month", "last_trade_date"]
    expected = f"expected a CSV with the columns {', '.join(columns)}"
    content = BytesIO(read_bytes(path, expected.removeprefix("expected ")))
    try:
        frame = pd.read_csv(content, usecols=columns, dtype={"market": str, "root": str})
        known = frame.loc[frame["root"].isin([instrument.code for instrument in master])]
        month = known["contract_month"].to_numpy(dtype=np.int64)
        day = known["last_trade_date"].to_numpy(dtype="datetime64[D]").astype(np.int64)
    except (ValueError, TypeError) as error:
        raise DataError(f"{path}: not a table of expiries ({error}); {expected}") from error
    listed = {(instrument.market, instrument.code) for instrument in master}
    return {
        (root, int(m)): int(d)
        for market, root, m, d in zip(known["market"], known["root"], month, day, strict=True)
        if (market, root) in listed
    }


def find_folder(folder: Path) -> Path:
    """The folder of the four sub-folders, given it or one above.

    Raises
    ------
    DataError
        If there is none.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: the folder is missing; {_LAYOUT}")
    for candidate in (folder, folder / "futures", folder / "data" / "futures", folder.parent):
        if (candidate / MULTIPLE).is_dir() or (candidate / ADJUSTED).is_dir():
            return candidate
    raise DataError(f"{folder}: neither {MULTIPLE} nor {ADJUSTED} found; {_LAYOUT}")


def pysystemtrade_files(folder: Path) -> list[Path]:
    """All files of a folder that ``load_pysystemtrade`` may read; raises as ``find_folder``."""
    root = find_folder(folder)
    return [path for sub in (MULTIPLE, ADJUSTED, FX, CONFIG) for path in (root / sub).glob("*.csv")]


def _choose_markets(
    root: Path, master: InstrumentMaster, codes: Iterable[str] | None, log: IssueLog
) -> list[Instrument]:
    stems = {path.stem for sub in (MULTIPLE, ADJUSTED) for path in (root / sub).glob("*.csv")}
    if codes is None:
        for stem in sorted(stems):
            if master.from_source(stem) is None:
                log.add(stem, "unknown market", "not in the instrument master: file not read")
        chosen = [instrument for instrument in master if instrument.source_code in stems]
        if not chosen:
            raise DataError(
                f"{root}: none of its {count_text(len(stems), 'file')} is a market of the master"
            )
        return chosen
    chosen = []
    for code in codes:
        if code not in master:
            raise DataError(f"unknown market {code!r}; the instrument master does not hold it")
        instrument = master[code]
        if instrument.source_code not in stems:
            source = instrument.source_code or "(no source name in the master)"
            raise DataError(
                f"{root / MULTIPLE / source}.csv: the file of market {code!r} is missing, and "
                f"there is none in {ADJUSTED}"
            )
        chosen.append(instrument)
    return chosen


def _load_market(
    source: Source, last_day: int, expiries: Expiries, spread_cost: float | None
) -> MarketHistory | None:
    """One market, None if its files hold nothing up to ``last_day``."""
    code = source.instrument.code
    what = f"prices of {code}"
    adjusted = read_adjusted(source, last_day) if is_there(source.adjusted, what) else None
    if not is_there(source.multiple, what):
        if adjusted is None:
            return None
        findings.report_no_carry(source)
        bars = _pseudo_contract(adjusted.day, adjusted.columns["price"])
        bars, _ = without_unit_changes(bars, code, source.instrument.tick, source.log)
        changes = report_doubts(bars, bars.close, source.instrument, source.log)
        findings.report_spread(spread_cost, changes, source)
        return _history(source.instrument, bars, np.array([_NEVER]))
    rows = read_snapshots(source, last_day)
    if rows is None:
        return None
    bars, quotes = bars_from_snapshots(rows)
    findings.report_quotes(quotes, source)
    bars, _ = without_unit_changes(bars, code, source.instrument.tick, source.log)
    if adjusted is None:
        source.log.add(code, "no adjusted", f"no {ADJUSTED}/{source.adjusted.name}")
    level = align(adjusted, bars.sessions)
    expiry = expiries_of(source.instrument, bars.months, expiries)
    report_late_bars(bars, expiry, source.instrument, source.log)
    changes = report_doubts(bars, level, source.instrument, source.log)
    findings.report_spread(spread_cost, changes, source)
    findings.report_stale_carry(bars, source)
    extension = extend_rolled(bars, level, expiry)
    findings.report_extension(extension, source)
    return _history(source.instrument, extension.bars, expiry)


def _pseudo_contract(day: IntArray, close: FloatArray) -> ContractBars:
    first = np.zeros(len(day), dtype=np.int64)
    return ContractBars(
        sessions=day,
        months=np.array([PERPETUAL_MONTH]),
        front=first,
        session=np.arange(len(day)),
        contract=first,
        close=close,
    )


def expiries_of(instrument: Instrument, months: IntArray, expiries: Expiries) -> IntArray:
    """Last trade dates of contract months: the given one, else that of the instrument's rule."""
    days = []
    for month in months.tolist():
        known = expiries.get((instrument.code, month))
        if known is None:
            rule = instrument.expiry_rule
            known = to_epoch_day(last_trade_date(rule, month // 100, month % 100))
        days.append(known)
    return np.array(days, dtype=np.int64)


def _history(instrument: Instrument, bars: ContractBars, expiry: IntArray) -> MarketHistory:
    changed = np.ones(len(bars.front), dtype=np.bool_)
    changed[1:] = bars.front[1:] != bars.front[:-1]
    unknown = np.full(len(bars.close), np.nan)
    return MarketHistory(
        instrument=instrument,
        contract_month=bars.months,
        expiry=expiry,
        day=bars.sessions[bars.session],
        contract=bars.contract,
        open=bars.close,
        high=bars.close,
        low=bars.close,
        close=bars.close,
        volume=unknown,
        open_interest=unknown,
        mapped_from=bars.sessions[changed],
        mapped_contract=bars.front[changed],
    )
