"""What commands on a run's folder read beside its record: the run, a session, bills, margins."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from algorithm.decision_line import DecisionLine, Header
    from alpha.panel import MarketPanel
    from research.compliance.desk import Desk
    from research.data.dataset import Dataset
    from research.engine.result import RunResult
    from risk.margin import MarginDates
    from universe.arrays import FloatArray, IntArray

BILL = "usd.3m"
"""Series of the yield of three-month Treasury bills."""


def bills_of(dataset: Dataset) -> tuple[IntArray, FloatArray] | None:
    """Days and yields of Treasury bills where the data has them."""
    series = dataset.macro.get(BILL)
    return None if series is None else (series.day, series.value)


def bill_yield(macro: Path | None) -> tuple[IntArray, FloatArray] | None:
    """Days and yields of three-month Treasury bills from a folder of macro series.

    Raises
    ------
    DataError
        If the folder has no such series.
    """
    if macro is None:
        return None
    from research.data.errors import DataError
    from research.data.macro_files import load_macro

    series = load_macro(macro).get(BILL)
    if series is None:
        raise DataError(f"{macro}: no series {BILL} (FRED's DTB3); a ladder of bills needs it")
    return series.day, series.value


def margin_dates(folder: Path | None, codes: Sequence[str]) -> dict[str, MarginDates] | None:
    """Dated margins of those of the markets that the master holds.

    Raises
    ------
    DataError
        If the folder is none of LEAN's.
    """
    if folder is None:
        return None
    from research.lean.margins import read_margins
    from universe.master import MASTER

    dates, _ = read_margins(folder, [MASTER[code] for code in codes if code in MASTER])
    return dates


def earlier_prices(data: Path | None, result: RunResult) -> MarketPanel | None:
    """Prices of a run's markets from a data folder, from their beginning to the run's last day.

    They go through the strategy's quality gate and rolls at their defaults.

    Raises
    ------
    DataError
        If the folder cannot be read or has none of the markets.
    """
    if data is None:
        return None
    from algorithm.settings import Settings
    from research.data.errors import DataError
    from research.open_data import DataRequest, open_data
    from research.panels.markets import market_panel
    from universe.arrays import from_epoch_day

    cache, last = click.get_current_context().meta.get("cache"), from_epoch_day(result.day[-1])
    dataset = open_data(DataRequest(data, end=last, cache=cache))
    there = [code for code in result.markets if code in dataset.markets]
    if not there:
        raise DataError(f"{data} has none of the run's markets: {', '.join(result.markets)}")
    return market_panel(dataset.select(there), Settings(), date.min, last)


def record_of(run: Path) -> tuple[Header, dict[int, DecisionLine]]:
    """Header and decisions by epoch day of the record in a run's folder.

    Raises
    ------
    algorithm.decision_text.RecordError
        If there is none, or it cannot be read.
    """
    from research.engine.from_decisions import RECORD_FILE, opened_record
    from research.engine.redecide import read_lines

    with opened_record(run / RECORD_FILE) as lines:
        return read_lines(lines)


def row_of(result: RunResult, day: str | None) -> int:
    """Row of a session of the run, of the last one without a day.

    Raises
    ------
    click.UsageError
        If it is no date, or the run has no session on it.
    """
    from universe.arrays import from_epoch_day, to_epoch_day

    if day is None:
        return len(result.day) - 1
    try:
        wanted = to_epoch_day(date.fromisoformat(day))
    except ValueError:
        raise click.UsageError(f"--date is {day!r}; it must be a date like 2020-03-16") from None
    rows = (result.day == wanted).nonzero()[0]
    if not len(rows):
        first, last = (from_epoch_day(int(result.day[k])) for k in (0, -1))
        raise click.UsageError(f"--date is {day}, no session of the run ({first} to {last})")
    return int(rows[0])


def desk_of_run(
    run: Path,
    day: str | None,
    macro: Path | None,
    margins: Path | None,
    data: Path | None = None,
    *,
    from_store: bool = False,
) -> Desk:
    """What the risk desk looks at on a session of the run in a folder.

    Parameters
    ----------
    run : Path
    day : str, optional
        ISO date; the last session.
    macro, margins, data : Path, optional
        Folders of macro series, of LEAN's data and of prices for episodes before the record.
    from_store : bool
        Whether the data that LEAN writes after every decision are taken, not the run's record;
        they are too where there is no record.

    Raises
    ------
    algorithm.decision_text.RecordError, DataError, click.UsageError
        If the record, a folder or the day is not there.
    """
    from research.compliance.collateral import collateral_path
    from research.compliance.desk import Desk
    from research.engine.from_decisions import RECORD_FILE, read_desk, read_run
    from research.studies.stress import desk_of, stress_of

    from_store = from_store or not (run / RECORD_FILE).is_file()
    result = read_desk(run) if from_store else read_run(run)
    row = row_of(result, day)
    tests = desk_of(result, earlier_prices(data, result))
    return Desk(
        result,
        row,
        stress_of(result, tests, row),
        tests.missing(int(result.day[row])),
        collateral_path(result, bill_yield(macro), margin_dates(margins, result.markets)),
        _legal_test(run),
    )


def _legal_test(run: Path) -> str:
    """What the archive of a run says of the legal VaR test, "" without an archive."""
    from research.compliance.archive import ArchiveError, head
    from research.compliance.files import ARCHIVE

    try:
        found = head(run / ARCHIVE)
    except (OSError, ArchiveError):
        return ""
    why = found.determination or "the rule's default; no determination is archived"
    return f"{found.legal_test} ({why})"
