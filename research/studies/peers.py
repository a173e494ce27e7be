"""Who else could have had the money: other strategies on the same data, costs and engine (V5)."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from types import MappingProxyType

import numpy as np

from algorithm.settings import Settings
from research.data.dataset import Dataset
from research.data.errors import DataError
from research.measures.paired import LEAST
from research.studies.ablation import OFF
from research.studies.simple_books import long_only, plain_trend, run_book, sixty_forty
from research.studies.study_row import BOOKS, Book, StudyRequest, StudyRow, make_row, run_one
from risk.account import Remedy
from risk.limits import TABLE
from universe.arrays import FloatArray, to_epoch_day
from universe.counts import count_text

OURS = "the strategy as it is set"

LIMITLESS: Mapping[str, str] = MappingProxyType(
    {
        "cap_market": "1",
        "cap_sector": "1",
        "cap_class": "1",
        "cap_beta": "5",
        "cap_gross": "50",
        "cap_jump": "1",
        "cap_short_vol": "1",
        "max_exposure": "20",
        "limits": " ".join(
            f"{row.name} {row.warn:g} {row.breach:g} say"
            for row in TABLE
            if row.remedy in (Remedy.CAP, Remedy.CUT) and row.name != "margin_use"
        ),
    }
)
"""Settings under which no cap or limit of ours acts; what it may hold is left to margin, volume,
position limits and prices that are there."""

CARVER: Mapping[str, str] = MappingProxyType(
    {
        "trend_rules": "ewmac",
        "ewmac_spans": "16 32 64",
        "carry_rules": "smoothed",
        "carry_source": "basis",
        "carry_spans": "5 20 60 120",
        "trend_budget": "0.6",
        "vol_target": "0.2",
        "buffer": "0.1",
        "budgets": "equal",
        **OFF,
        **LIMITLESS,
    }
)
"""001's rules, mix, volatility target, buffer and equal risk of classes, without our caps and
limits. Its constant diversification multiplier is replaced by the engine's scaling to the
target."""

PEERS: tuple[tuple[str, str, Mapping[str, str]], ...] = (
    ("001: crossovers + carry, target 20 %", "strategy", CARVER),
    ("plain momentum", "plain_trend", {}),
    ("long only, equal risk", "long_only", {}),
    ("60/40", "sixty_forty", {}),
)
"""Name, book and settings that differ, a line each."""

PEER_BOOKS: Mapping[str, Book] = MappingProxyType(
    {
        **BOOKS,
        "plain_trend": partial(run_book, make=plain_trend),
        "long_only": partial(run_book, make=long_only),
        "sixty_forty": partial(run_book, make=sixty_forty),
    }
)


def run_peer(request: StudyRequest, dataset: Dataset) -> StudyRow:
    """``run_one`` over the strategy and its peers."""
    return run_one(request, dataset, PEER_BOOKS)


def peer_requests(settings: Settings) -> list[StudyRequest]:
    """The strategy as it is set and its peers, as configurations of a study."""
    chosen = settings.as_strings()
    return [
        StudyRequest(OURS, chosen),
        *(
            StudyRequest(name, Settings.parse({**chosen, **changes}).as_strings(), book)
            for name, book, changes in PEERS
        ),
    ]


def read_peer(name: str, path: Path, data: str) -> StudyRow:
    """Somebody's result from a CSV of dates and daily returns, or dates and account values.

    Parameters
    ----------
    name : str
    path : Path
        A header, then rows of an ISO date and a number. The second column is a return if its name
        holds "return" or "ret", an account value if it holds "nav", "value", "account" or "equity".
    data : str
        Hash of the data that it stands beside.

    Raises
    ------
    DataError
        For a file that cannot be read as that, with the line.
    """
    try:
        lines = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as a CSV ({error})") from error
    head = lines[0][1].strip().lower() if lines and len(lines[0]) > 1 else ""
    is_value = any(word in head for word in ("nav", "value", "account", "equity"))
    if not is_value and "ret" not in head:
        raise DataError(
            f"{path}: the header is {','.join(lines[0]) if lines else 'missing'!r}; it must be a "
            "date and return, or nav, value, account or equity"
        )
    days: list[int] = []
    numbers: list[float] = []
    for number, line in enumerate(lines[1:], start=2):
        if not line:
            continue
        try:
            day, value = to_epoch_day(_date(line[0])), float(line[1])
        except (ValueError, IndexError) as error:
            raise DataError(
                f"{path} line {number}: no date and number ({','.join(line)})"
            ) from error
        if not np.isfinite(value) or (days and day <= days[-1]) or (is_value and value <= 0):
            raise DataError(
                f"{path} line {number}: dates must rise, numbers be finite and account values be "
                f"positive ({','.join(line)})"
            )
        days.append(day)
        numbers.append(value)
    if len(days) < 3:
        raise DataError(f"{path}: {count_text(len(days), 'row')}; at least 3 are needed")
    values = np.array(numbers)
    returns: FloatArray = np.diff(values) / values[:-1] if is_value else values[1:]
    unknown = np.full(len(returns), np.nan)
    return make_row(StudyRequest(name, {}, "file"), data, np.array(days), returns, unknown)


def read_peers(files: Mapping[str, Path], dataset: Dataset, settings: Settings) -> list[StudyRow]:
    """The results of others, which must have sessions in common with ours.

    Raises
    ------
    DataError
        As ``read_peer``, for the name of a line that is there, and for a file of other sessions.
    """
    taken = [OURS, *(name for name, _, _ in PEERS)]
    first, last = to_epoch_day(settings.first_day), to_epoch_day(settings.last_day)
    sessions = np.unique(np.concatenate([one.day for one in dataset.markets.values()]))
    sessions = sessions[(sessions >= first) & (sessions <= last)]
    rows = []
    for name, path in files.items():
        if name in taken:
            raise DataError(f"peer {name!r} is the name of a line that is there; give it another")
        row = read_peer(name, path, dataset.fingerprint())
        common = len(np.intersect1d(row.day, sessions))
        if common < LEAST:
            raise DataError(
                f"{path}: {count_text(common, 'session')} in common with the data from"
                f" {settings.start} to {settings.end}; at least {LEAST} are needed"
            )
        rows.append(row)
    return rows


def named_files(given: Sequence[str]) -> dict[str, Path]:
    """``NAME=FILE`` options as names and paths.

    Raises
    ------
    DataError
        For one without a name or a file, or a name given twice.
    """
    out: dict[str, Path] = {}
    for text in given:
        name, sign, file = text.partition("=")
        if not (name.strip() and sign and file.strip()) or name.strip() in out:
            raise DataError(f"peer is {text!r}; it must be NAME=FILE, each name once")
        out[name.strip()] = Path(file.strip())
    return out


def _date(text: str) -> date:
    return date.fromisoformat(text.strip()[:10])
