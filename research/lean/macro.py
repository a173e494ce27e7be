"""Macro series in a LEAN data folder and for the ObjectStore, for ``universe.lean_macro``.

LEAN itself gives no meaning to the folder; it holds one file a series, in the layout of
``universe.macro_format``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from research.data.errors import DataError
from research.data.issue_log import IssueLog
from research.data.macro_files import load_macro
from research.data.macro_series import MacroSeries
from universe.macro_format import (
    DATA_FOLDER,
    file_name,
    format_line,
    object_store_key,
    series_info,
)


def write_macro(series: Mapping[str, MacroSeries], lean_folder: str | Path) -> list[Path]:
    """Write series into ``alternative/trend-carry/macro`` of a LEAN data folder.

    Series that are there from an earlier time and not in ``series`` are removed, so that the folder
    holds exactly these. An export to the folder (``export_lean``) replaces it as a whole: write the
    series after it.

    Parameters
    ----------
    series : mapping of str to MacroSeries
    lean_folder : path
        Must exist.

    Returns
    -------
    list of Path
        In the order of ``series``, of those with a row.

    Raises
    ------
    DataError
        If the folder is missing or a file cannot be written.
    ValueError
        If there is no series of a name.
    """
    root = Path(lean_folder)
    if not root.is_dir():
        raise DataError(f"{root}: the LEAN data folder is missing")
    folder = root / DATA_FOLDER
    files = {folder / file_name(name): one for name, one in series.items() if len(one.day)}
    _write(files)
    for path in sorted(folder.glob("*.csv")):
        if path not in files:
            path.unlink()
    return list(files)


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


def object_store_files(series: Mapping[str, MacroSeries], folder: str | Path) -> dict[str, Path]:
    """Write series as files for LEAN's ObjectStore.

    Each file is at its key below ``folder``. A local LEAN has them if ``folder`` is the root of its
    store (``storage`` beside the projects for the LEAN CLI, ``object-store-root`` in the engine's
    config.json). For the cloud each is uploaded, from a folder with the organization's lean.json::

        lean cloud object-store set trend-carry/macro/usd-10y.csv <file>

    Parameters
    ----------
    series : mapping of str to MacroSeries
    folder : path
        Made if missing; other files in it are left alone.

    Returns
    -------
    dict of str to Path
        File by key.

    Raises
    ------
    DataError
        If a file cannot be written.
    ValueError
        If there is no series of a name.
    """
    keys = {object_store_key(name): one for name, one in series.items() if len(one.day)}
    _write({Path(folder) / key: one for key, one in keys.items()})
    return {key: Path(folder) / key for key in keys}


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


def _write(files: Mapping[Path, MacroSeries]) -> None:
    for path, one in files.items():
        text = macro_text(one)
        fresh = path.with_name(f".{path.name}.partial")  # a running LEAN never sees half a file
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_text(text, encoding="utf-8", newline="\n")
            os.replace(fresh, path)
        except OSError as error:
            with suppress(OSError):
                fresh.unlink()
            raise DataError(f"{path}: cannot be written ({error.strerror or error})") from None
