"""From the options of a command to settings, data and a folder to write to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from algorithm.settings import Settings
from research.commands.options import DEFAULT_SEED
from research.commands.speech import warn
from research.lean.project_config import OPEN_END

if TYPE_CHECKING:
    from research.data.dataset import Dataset
    from research.open_data import DataRequest
    from research.progress import Bars
    from research.studies.trials import TrialRegister
    from universe.arrays import FloatArray


def data_request(
    data: Path | None,
    settings: Settings,
    expiries: Path | None = None,
    seed: int | None = None,
    macro: Path | None = None,
    instruments: Path | None = None,
) -> DataRequest:
    """What to open for a run with these settings."""
    from research.open_data import DataRequest

    if data is not None and seed is not None:
        raise click.UsageError("--seed is of the synthetic market; it does not go with --data")
    if settings.instruments and instruments is None:
        warn(
            "the setting instruments is LEAN's alone and has no effect here; give the file by"
            " INSTRUMENTS=FILE (--instruments)"
        )
    return DataRequest(
        folder=data,
        codes=None if settings.markets == "all" else settings.markets.split(),
        start=settings.first_day if settings.start != Settings().start else None,
        end=settings.last_day if settings.end != OPEN_END else None,
        expiries=expiries,
        seed=DEFAULT_SEED if seed is None else seed,
        macro=macro,
        instruments=instruments,
        cache=click.get_current_context().meta.get("cache"),
    )


def load(request: DataRequest, bars: Bars) -> Dataset:
    """Open the data with a bar on the screen."""
    from research.open_data import open_data

    dataset = open_data(request, bars.market_stage("load"))
    bars.finish()
    return dataset


def say_left_out(dataset: Dataset) -> None:
    """Name the markets of the data, or of an instruments file, that the run goes without."""
    from research.data.issue_log import left_out

    for sentence in left_out(dataset.issues):
        warn(sentence)


def fit_dates(settings: Settings, dataset: Dataset) -> Settings:
    """Dates nobody chose: to the end of the data, for the synthetic market from its beginning."""
    from universe.arrays import from_epoch_day

    first, last = (from_epoch_day(day).isoformat() for day in span(dataset))
    start, end = settings.start, settings.end
    if end == OPEN_END:
        end = max(last, start)
    if start == Settings().start and dataset.synthetic:
        start = min(first, end)
    return replace(settings, start=start, end=end)


def opened_register(folder: Path) -> TrialRegister:
    """The register of trials in a folder; a damaged one is told before anything runs.

    Raises
    ------
    TrialsError
        If it is.
    """
    from research.studies.trials import TrialRegister

    register = TrialRegister(folder)
    register.verify()
    return register


def span(dataset: Dataset) -> tuple[int, int]:
    """First and last epoch day with a bar."""
    histories = dataset.markets.values()
    return min(int(h.day[0]) for h in histories), max(int(h.day[-1]) for h in histories)


def refuse_without(figures: Iterable[FloatArray], dataset: Dataset) -> None:
    """End a run all of whose figures are NaN: it would report nothing but dashes.

    Raises
    ------
    DataError
        With the length of the longest market's history.
    """
    import numpy as np

    from research.data.errors import DataError

    if any(np.isfinite(values).any() for values in figures):
        return
    longest = {code: len(np.unique(history.day)) for code, history in dataset.markets.items()}
    code = max(longest, key=lambda one: longest[one])
    raise DataError(
        f"{dataset.name}: too short for a forecast of any rule; the longest market, {code}, has"
        f" {longest[code]} sessions, and rules need about a year (settings names their windows)"
    )


def listed(names: Sequence[str], most: int = 8) -> str:
    """Names parted by commas, the rest of a long list as a number."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
