"""A user's own markets from a file, for research and export (U8)."""

from __future__ import annotations

from pathlib import Path

from research.data.errors import DataError
from universe.instrument_table import own_instruments
from universe.instruments import Instrument, InstrumentMaster
from universe.master import MASTER

STORE_KEY = "trend-carry/instruments.csv"
"""Key under which a run in LEAN finds the file in its object store."""


def read_instruments(path: str | Path) -> list[Instrument]:
    """The markets that an instruments file changes or adds, see :mod:`universe.instrument_table`.

    Raises
    ------
    DataError
        If the file is missing or is not text.
    universe.instrument_table.InstrumentTableError
        With every fault by line.
    """
    return own_instruments(read_text(path), MASTER, str(path))


def master_with(path: str | Path | None) -> InstrumentMaster:
    """The master with the changes of an instruments file, or as it is without one.

    Raises
    ------
    DataError, universe.instrument_table.InstrumentTableError
        As :func:`read_instruments`.
    """
    return MASTER if path is None else MASTER.with_changes(read_instruments(path))


def read_text(path: str | Path) -> str:
    """Text of an instruments file.

    Raises
    ------
    DataError
        If the file is missing or is not text.
    """
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise DataError(
            f"{path}: cannot be read ({reason}); expected an instruments file, a CSV with a column"
            " 'code' (docs/instruments.md)"
        ) from None


def stored_instruments(path: Path | None) -> dict[str, str]:
    """What LEAN's object store must hold for a run with this file, by key."""
    return {} if path is None else {STORE_KEY: read_text(path)}
