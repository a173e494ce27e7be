"""One configuration of a study: what is asked for, what came of it, and its file (V3, V5)."""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from algorithm.settings import Settings
from research.data.dataset import Dataset
from research.engine.engine import run_backtest
from research.engine.result import RunResult
from research.measures.deflated import moments
from research.measures.performance import (
    annual_return,
    annual_vol,
    drawdown_series,
    elapsed_years,
    growth,
    returns_of,
    sharpe,
)
from research.measures.tables import impact_paid, over_nav, participation, turnover
from research.studies.trials import Trial, configuration_hash
from universe.arrays import FloatArray, IntArray, from_epoch_day, sessions_a_year
from universe.counts import count_text

ROOT = Path(__file__).resolve().parents[2]
CODE = ("algorithm", "alpha", "execution", "portfolio", "research", "risk", "universe")

TAIL = 0.01
"""Share of days in the tail whose mean return is the figure ``tail``."""


class StudyError(ValueError):
    """A configuration could not be run, in a sentence that names it."""


@dataclass(frozen=True, slots=True)
class StudyRequest:
    """One configuration.

    Attributes
    ----------
    name : str
        As tables show it.
    settings : mapping of str to str
        All settings, as ``Settings.as_strings`` gives them.
    book : str
        Whose positions are traded, out of ``BOOKS``.
    """

    name: str
    settings: Mapping[str, str]
    book: str = "strategy"


@dataclass(frozen=True, slots=True)
class StudyRow:
    """What a configuration earned, day by day, and its figures.

    Attributes
    ----------
    name, book : str
    settings : dict of str to str
    data, configuration : str
        Hashes of the market data, and of settings and book.
    day : int array of shape (n,)
        Sessions of the returns.
    returns, cost : float arrays of shape (n,)
        Net returns, and slippage and fees over the NAV before.
    figures : dict of str to float
        ``net_sharpe``, ``annual_return``, ``annual_vol`` (annual), ``max_drawdown`` and ``tail``
        (positive fractions), ``skew``, ``kurtosis``, ``cost``, ``turnover`` and ``impact`` (a year,
        of NAV), ``tracking_error`` (annual, mean), ``markets`` (held, mean); NaN where one is not
        known.
    """

    name: str
    book: str
    settings: dict[str, str]
    data: str
    configuration: str
    day: IntArray
    returns: FloatArray
    cost: FloatArray
    figures: dict[str, float] = field(default_factory=dict)

    def renamed(self, name: str) -> StudyRow:
        """The same row under another name."""
        return self if name == self.name else replace(self, name=name)

    def since(self, first: int) -> StudyRow:
        """The same row from its return number ``first`` on, with the figures of that part.

        ``turnover``, ``tracking_error``, ``impact``, ``participation`` and ``markets`` are not
        known of a part.
        """
        request = StudyRequest(self.name, self.settings, self.book)
        day, returns, cost = self.day[first - 1 :], self.returns[first:], self.cost[first:]
        return make_row(request, self.data, day, returns, cost)

    def trial(self, command: str) -> Trial:
        """The entry of the register of trials."""
        default = Settings().as_strings()
        changed = {key: v for key, v in self.settings.items() if v != default.get(key)}
        first, last = (from_epoch_day(int(d)).isoformat() for d in self.day[[0, -1]])
        return Trial(
            command=command,
            name=self.name,
            data=self.data,
            configuration=self.configuration,
            changed={"book": self.book, **changed},
            first=first,
            last=last,
            moments=moments(self.returns),
        )


Book = Callable[[StudyRequest, Dataset], StudyRow]
"""A whole backtest under somebody's positions; raises ``StudyError`` and ``SettingsError``."""


def strategy_book(request: StudyRequest, dataset: Dataset) -> StudyRow:
    """The strategy itself.

    Raises
    ------
    StudyError
        If the run leaves less than two returns.
    SettingsError
        As ``run_backtest``.
    """
    result = run_backtest(dataset, Settings.parse(request.settings))
    if len(result.day) < 3:
        raise StudyError(
            f"{request.name}: {count_text(len(result.day), 'session')}; at least 3 are needed"
        )
    row = row_of_run(request, dataset.fingerprint(), result)
    instruments = [history.instrument for history in dataset.markets.values()]
    row.figures["impact"] = impact_paid(result, instruments) / elapsed_years(result.day)
    row.figures["participation"] = participation(result, instruments)
    return row


def row_of_run(request: StudyRequest, data: str, result: RunResult) -> StudyRow:
    """The row of a run of three sessions at least; ``data`` is the hash of its market data."""
    cost = over_nav(result, result.cost).sum(axis=1)[1:]
    row = make_row(request, data, result.day, returns_of(result, excess=True), cost)
    traded = [part.sum() for part in turnover(result).parts.values()]
    row.figures["turnover"] = float(np.sum(traded)) / elapsed_years(result.day)
    row.figures["markets"] = float(np.count_nonzero(result.contracts, axis=1).mean())
    if result.tracking_error is not None:
        row.figures["tracking_error"] = float(np.nanmean(result.tracking_error))
    return row


BOOKS: Mapping[str, Book] = MappingProxyType({"strategy": strategy_book})


def run_one(request: StudyRequest, dataset: Dataset, books: Mapping[str, Book] = BOOKS) -> StudyRow:
    """Run one configuration; the figures do not depend on where or beside what it runs.

    Raises
    ------
    StudyError
        If there is no such book, or it cannot be run.
    SettingsError
        As ``run_backtest``.
    """
    if request.book not in books:
        raise StudyError(
            f"{request.name}: book is {request.book!r}; it must be one of {', '.join(books)}"
        )
    with threadpool_limits(limits=1):
        return books[request.book](request, dataset)


def make_row(
    request: StudyRequest, data: str, day: IntArray, returns: FloatArray, cost: FloatArray
) -> StudyRow:
    """A row with the figures that returns and costs give; the others are not known then.

    ``day`` has the session before the first return too.
    """
    settings = dict(request.settings)
    of = moments(returns)
    years, year = elapsed_years(day), sessions_a_year(day)
    worst = np.sort(returns)[: max(round(TAIL * len(returns)), 1)]
    figures = {
        "net_sharpe": sharpe(returns, year),
        "annual_return": annual_return(returns, years),
        "annual_vol": annual_vol(returns, year),
        "max_drawdown": float(drawdown_series(growth(returns)).max()),
        "tail": -float(worst.mean()),
        "skew": of.skew,
        "kurtosis": of.kurtosis,
        "cost": float(cost.sum()) / years,
        "turnover": float("nan"),
        "tracking_error": float("nan"),
        "markets": float("nan"),
        "impact": float("nan"),
    }
    chosen = configuration_hash({"book": request.book, "settings": settings})
    return StudyRow(
        request.name, request.book, settings, data, chosen, day[1:], returns, cost, figures
    )


# --- files ---------------------------------------------------------------------------------------
@cache
def code_fingerprint() -> str:
    """SHA-256 of the project's modules, with the versions of Python and numpy that run them."""
    digest = hashlib.sha256(f"{platform.python_version()} {np.__version__}".encode())
    for package in CODE:
        for path in sorted((ROOT / package).rglob("*.py")):
            digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def row_file(folder: Path, request: StudyRequest, data: str) -> Path:
    """Where the row of a request on this data, by this code, is kept."""
    choices = {
        "book": request.book,
        "settings": dict(request.settings),
        "data": data,
        "code": code_fingerprint(),
    }
    return folder / f"{configuration_hash(choices)[:24]}.npz"


def write_row(row: StudyRow, path: Path) -> None:
    """Write a row, whole or not at all; figures and returns come back to the last digit."""
    header: dict[str, Any] = {
        name: getattr(row, name)
        for name in ("name", "book", "settings", "data", "configuration", "figures")
    }
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        header=np.array(json.dumps(header)),
        day=row.day,
        returns=row.returns,
        cost=row.cost,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_bytes(buffer.getvalue())
    part.replace(path)


def read_row(path: Path, name: str) -> StudyRow | None:
    """A row that was written before, under its present name; None where there is none to read."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            header = json.loads(str(arrays["header"]))
            header["name"] = name
            return StudyRow(
                **header, day=arrays["day"], returns=arrays["returns"], cost=arrays["cost"]
            )
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return None
