"""The files of a compliance backtest: archive, pack, filings and a table for the auditor (V4)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path

from alpha.panel import MarketPanel
from research.compliance.archive import ArchiveWriter, read
from research.compliance.blocks import Block
from research.compliance.build import entries_of, head_of
from research.compliance.collateral import collateral_path
from research.compliance.nport import b10
from research.compliance.pack import pack
from research.compliance.pack_html import to_html
from research.compliance.records import DayEntry, Head
from research.engine.result import RunResult
from research.pages.files import ReportError, write_atomically
from research.studies.stress import desk_of, weekly_stress
from risk.margin import MarginDates
from universe.arrays import FloatArray, IntArray

ARCHIVE, TABLE = "archive.jsonl", "archive.csv"
TITLE = "Derivatives risk report under rule 18f-4"


def write_archive(folder: Path, head: Head, days: Sequence[DayEntry]) -> Path:
    """Append to the folder's archive the days after its last one.

    Parameters
    ----------
    folder : Path
        Made if missing.
    head : Head
    days : sequence of DayEntry

    Raises
    ------
    research.compliance.archive.ArchiveError
        If the archive there is of another run, broken, or being written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / ARCHIVE
    with ArchiveWriter(path, head) as archive:
        for entry in days:
            if entry.day > archive.last_day:
                archive.append(entry)
    return path


def archive_run(
    result: RunResult,
    folder: Path,
    *,
    bill_yield: tuple[IntArray, FloatArray] | None = None,
    dates: Mapping[str, MarginDates] | None = None,
    earlier: MarketPanel | None = None,
    legal_test: str = "relative",
    determination: str = "",
) -> Path:
    """Append a run's days to the folder's archive, with weekly stress, margin and cash.

    Parameters
    ----------
    result : RunResult
    folder : Path
        Made if missing.
    bill_yield : (epoch days known, bond-equivalent yields), optional
        Of three-month bills; without it no bill is bought.
    dates : mapping of code to MarginDates, optional
        Exchanges' margins; without them all follow the model.
    earlier : MarketPanel, optional
        Prices for the replays of episodes before the run's own history.
    legal_test, determination : str
        See ``head_of``.

    Raises
    ------
    ValueError
        If the absolute test is chosen without a determination.
    research.compliance.archive.ArchiveError
        If the archive there is of another run, broken, or being written.
    """
    head = head_of(result, legal_test=legal_test, determination=determination)
    stress = weekly_stress(result, desk_of(result, earlier))
    collateral = collateral_path(result, bill_yield, dates)
    return write_archive(folder, head, entries_of(result, stress=stress, collateral=collateral))


def write_pack(folder: Path) -> list[Path]:
    """Write pack, filings and table from the folder's archive alone.

    Parameters
    ----------
    folder : Path
        With ``archive.jsonl``.

    Returns
    -------
    list of Path
        ``pack.html``, ``pack.pdf``, ``nport.csv``, ``nport.json`` and ``archive.csv``.

    Raises
    ------
    research.compliance.archive.ArchiveError
        If the archive's chain is broken.
    research.pages.files.ReportError
        If a file cannot be written.
    """
    head, days, last_hash = read(folder / ARCHIVE)
    blocks = pack(head, days, last_hash)
    items = [item.as_row() for item in b10(days, head.reference)]
    return [
        write_atomically(folder / "pack.html", to_html(blocks, TITLE)),
        _write_bytes(folder / "pack.pdf", _pdf(blocks, last_hash)),
        write_atomically(folder / "nport.csv", _csv(items)),
        write_atomically(folder / "nport.json", json.dumps(items, indent=1) + "\n"),
        write_atomically(folder / TABLE, _csv([_flat(entry) for entry in days])),
    ]


def _pdf(blocks: Sequence[Block], last_hash: str) -> bytes:
    from research.compliance.pack_pdf import to_pdf  # half a second that HTML does not need

    return to_pdf(blocks, TITLE, f"archive {last_hash}")


def _write_bytes(path: Path, content: bytes) -> Path:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise ReportError(f"cannot write {path}: {error.strerror or error}") from error
    return path


def _flat(entry: DayEntry) -> dict[str, object]:
    """A row of the table: numbers as they are, lists in words."""
    near = [f"{one.limit} of {one.bucket}: {one.status}" for one in entry.limits
            if one.status != "ok"]  # fmt: skip
    words: dict[str, Sequence[object]] = {
        "exposure": entry.exposure,
        "liquidity_value": entry.liquidity_value,
        "liquidity_risk": entry.liquidity_risk,
        "limits": near,
        "stress": [f"{one.name}: {one.profit}" for one in entry.stress],
        "remedies": entry.remedies,
    }
    row: dict[str, object] = {field.name: getattr(entry, field.name) for field in fields(entry)}
    return row | {name: "; ".join(map(str, values)) for name, values in words.items()}


def _csv(rows: Sequence[Mapping[str, object]]) -> str:
    buffer = io.StringIO(newline="")
    if rows:
        table = csv.DictWriter(buffer, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    return buffer.getvalue()
