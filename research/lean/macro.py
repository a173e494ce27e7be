"""Macro series in a LEAN data folder, for ``universe.lean_macro``.

LEAN itself gives no meaning to the folder; it holds one file a series, in the layout of
``universe.macro_format``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from research.data.issue_log import IssueLog
from research.data.macro_files import load_macro
from research.data.macro_series import MacroSeries
from universe.macro_format import (
    DATA_FOLDER,
    file_name,
    format_line,
    series_info,
)


def read_macro(lean_folder: str | Path, log: IssueLog | None = None) -> dict[str, MacroSeries]:
    """The macro series of a LEAN data folder, none if it has no folder for them.

    Raises
    ------
    DataError
        As ``load_macro`` does.
    """
    folder = Path(lean_folder) / DATA_FOLDER
    if not any(folder.glob("*.csv")):
        return {}
    return load_macro(folder, log)


def macro_files(series: Mapping[str, MacroSeries]) -> dict[str, str]:
    """Text by path below a LEAN data folder; a series without a row has no file.

    Raises
    ------
    ValueError
        As ``macro_text``.
    """
    return {
        f"{DATA_FOLDER}/{file_name(name)}": macro_text(one)
        for name, one in series.items()
        if len(one.day)
    }


def macro_text(series: MacroSeries) -> str:
    """The file of a series.

    Raises
    ------
    ValueError
        If there is no series of the name.
    """
    series_info(series.name)
    rows = zip(series.day.tolist(), series.value.tolist(), strict=True)
    return "".join(f"{format_line(day, value)}\n" for day, value in rows)
