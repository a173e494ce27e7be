"""The record of a LEAN run: from the parts in its object store to a file in the run's folder."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

from algorithm.decision_text import HEADER, RecordError
from research.engine.from_decisions import RECORD_FILE
from research.lean.format import MARKER_FILE

STORE_FOLDER = "trend-carry/decisions"
"""Where ``algorithm.lean_record`` puts the parts of a backtest."""

LIVE_STORE_FOLDER = "trend-carry/decisions-live"
"""And those of live trading."""

SPARE_FOLDER = "decisions-spare"
"""Beside them."""


def bring_record(
    object_store: Path, data_folder: Path, target: Path, folder: str = STORE_FOLDER
) -> Path | None:
    """Join the parts of a run's record, the data named in its header.

    Parameters
    ----------
    object_store : Path
        Root of the run's object store.
    data_folder : Path
        LEAN data folder; an exported one says what was exported.
    target : Path
        File to write; one of an earlier run is removed in any case.
    folder : str
        In the store.

    Returns
    -------
    Path, optional
        ``target``; None where the run left no record.

    Raises
    ------
    RecordError
        If a part cannot be read.
    """
    target.unlink(missing_ok=True)
    parts = sorted((object_store / folder).glob("*.gz"))
    if not parts:
        return None
    unfinished = target.with_name(f".{target.name}.part")
    with unfinished.open("w", encoding="utf-8") as file:
        for number, part in enumerate(parts):
            text = _text(part)
            if number == 0:
                first, _, rest = text.partition("\n")
                text = f"{_with_data(first, data_folder)}\n{rest}"
            file.write(text)
    unfinished.replace(target)
    return target


def bring_live_record(object_store: Path, folder: Path) -> Path:
    """Join the parts of a live deployment's record in a folder.

    Parameters
    ----------
    object_store : Path
        Root of the store, or a copy of it.
    folder : Path
        Made if missing.

    Raises
    ------
    RecordError
        If there is no record, or a part and its spare cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    record = bring_record(object_store, object_store, folder / RECORD_FILE, LIVE_STORE_FOLDER)
    if record is None:
        raise RecordError(f"{object_store / LIVE_STORE_FOLDER}: no live record")
    return record


def _text(part: Path) -> str:
    """What a part holds, or its spare where a process ended while the part was written."""
    spare = part.parent.with_name(SPARE_FOLDER) / part.name
    reasons = []
    for path in (part, spare) if spare.is_file() else (part,):
        try:
            return gzip.decompress(path.read_bytes()).decode("utf-8")
        except (OSError, ValueError, EOFError, zlib.error) as error:
            reasons.append(f"{path}: {error}")
    raise RecordError("; ".join(reasons))


def _with_data(first: str, data_folder: Path) -> str:
    """The header with what the data is, which the algorithm cannot know."""
    header: dict[str, Any] = json.loads(first)
    if header.get("line") != HEADER:
        raise RecordError(f"the record begins with a line {header.get('line')!r}, not {HEADER!r}")
    header["data_name"] = f"LEAN data folder {data_folder.name}"
    marker = data_folder / MARKER_FILE
    if marker.is_file():
        exported = json.loads(marker.read_text(encoding="utf-8"))
        header["data_name"] = str(exported["dataset"])
        header["data_hash"] = str(exported["fingerprint"])
        header["synthetic"] = bool(exported["synthetic"])
    return json.dumps(header, separators=(",", ":"))
