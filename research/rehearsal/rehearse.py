"""A rehearsal from its settings to its verdict: one run undisturbed, one that is killed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

from algorithm.settings import Settings, SettingsError
from execution.fills import ROLLS, Fill
from execution.settings import ExecutionResolution
from research.data.dataset import Dataset
from research.engine.engine import EmbeddedEngine
from research.lean.project_config import changed_settings
from research.lean.runner import find_launcher
from research.rehearsal.judge import Left, differences, missing, read_left
from research.rehearsal.moments import moments
from research.rehearsal.parts import Stage, compile_parts
from research.rehearsal.run import Death, run
from universe.arrays import from_epoch_day, to_epoch_day
from universe.counts import count_text

DEFAULTS = {
    "markets": "ES ZN GC",
    "warmup_days": "500",
    "execution_resolution": "minute",
    "execution_algorithm": "twap",
    "buffer": "0",
    "vol_span": "5",
    "charts": "off",
}
"""So that there is something to do on every day, in markets quoted in USD whose rolls follow each
other closely; a setting that is given stands."""

_CUT = time(10, 45)
"""New York time at which the line to the broker is lost, on the second session."""

_NEW_YORK = ZoneInfo("America/New_York")
_LOOK_BACK = 200
"""Days before the end of the data in which a roll is looked for."""
_BEFORE, _AFTER = 2, 3
"""Sessions around a roll."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rehearsal has shown.

    Attributes
    ----------
    sessions : list of date
        With a decision.
    deaths : list of Death
    undisturbed, killed : Left
    differences : list of str
    """

    sessions: list[date]
    deaths: list[Death]
    undisturbed: Left
    killed: Left
    differences: list[str]


def sessions_between(dataset: Dataset, settings: Settings) -> list[date]:
    """The data's sessions from the first day of the settings to the last.

    Raises
    ------
    SettingsError
        If they are fewer than two.
    """
    days = _days(dataset)
    first, last = to_epoch_day(settings.first_day), to_epoch_day(settings.last_day)
    chosen = [from_epoch_day(day) for day in days if first <= day <= last]
    if len(chosen) < 2:
        raise SettingsError(
            f"{dataset.name} has {count_text(len(chosen), 'session')} from {settings.start} to "
            f"{settings.end};"
            " a rehearsal needs two: orders of the first are worked on the second"
        )
    return chosen


def sessions_around_a_roll(dataset: Dataset, settings: Settings) -> list[date]:
    """The sessions around the last roll of the data that has some after it.

    Raises
    ------
    SettingsError
        If there is none.
    """
    days = _days(dataset)
    fills = _trial(dataset, settings, *map(from_epoch_day, (days[-1] - _LOOK_BACK, days[-1])))
    for day in sorted({fill.epoch_day for fill in fills if fill.reason in ROLLS})[::-1]:
        at = days.index(day)
        if at + _AFTER <= len(days):
            return [from_epoch_day(one) for one in days[at - _BEFORE : at + _AFTER]]
    raise SettingsError(
        f"{dataset.name} has no roll in its last {_LOOK_BACK} days; give the rehearsal its days"
    )


def refused_order(dataset: Dataset, settings: Settings, sessions: list[date]) -> str:
    """Market and day (UTC) on which its first order is to be refused, "GC@2014-03-10".

    The last market with an order of the first decision: sent on that evening by the day, from the
    next session's beginning on by the minute.
    """
    first = to_epoch_day(sessions[1])
    fills = _trial(dataset, settings, sessions[0], sessions[-1])
    markets = list(dataset.markets)
    ordered = [markets.index(fill.market) for fill in fills if fill.epoch_day == first]
    by_minute = settings.execution_resolution == ExecutionResolution.MINUTE
    return f"{markets[max(ordered, default=-1)]}@{sessions[by_minute]}"


def _trial(dataset: Dataset, settings: Settings, start: date, end: date) -> list[Fill]:
    """What the embedded engine fills."""
    daily = ExecutionResolution.DAILY
    trial = replace(settings, start=str(start), end=str(end), execution_resolution=daily)
    return EmbeddedEngine(dataset, trial).run().fills


def _days(dataset: Dataset) -> list[int]:
    """All sessions of the data; of those with few markets too."""
    return sorted({day for history in dataset.markets.values() for day in history.day.tolist()})


def rehearse(
    data: Path,
    dataset: Dataset,
    settings: Settings,
    sessions: list[date],
    kills: int,
    seed: int,
    out: Path,
    progress: Callable[[str], None],
) -> Verdict:
    """Run LEAN's live mode over some sessions, once undisturbed and once killed and restarted.

    Parameters
    ----------
    data : Path
        LEAN data folder.
    dataset : Dataset
        The same, for the nightly replay.
    settings : Settings
    sessions : list of date
        On whose evenings it decides.
    kills, seed : int
    out : Path
        For the compiled parts and both runs; what is in their folders is removed.
    progress : callable
        Told what happens.
    """
    _check(dataset, settings)
    launcher = find_launcher()
    progress("compiling clock, data queue and broker")
    parts = compile_parts(launcher, out.absolute() / "parts")
    parameters = changed_settings(replace(settings, start=str(sessions[0])))
    stage = Stage(
        launcher,
        parts,
        data.absolute(),
        parameters,
        settings.cash,
        refused_order(dataset, settings, sessions),
        f"{_utc(sessions[1], _CUT):%Y-%m-%dT%H:%M:%S}",
    )
    span = _utc(sessions[0], time(8)), _utc(sessions[-1], time(18, 30))
    folders = [out.absolute() / name for name in ("undisturbed", "killed")]
    deaths: list[Death] = []
    for folder, number in zip(folders, (0, kills), strict=True):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        progress(f"LEAN live from {sessions[0]} to {sessions[-1]}, {number} kills")
        deaths = run(stage, folder, span, moments(sessions, number, seed), progress)
    undisturbed, killed = (read_left(folder) for folder in folders)
    found = [*missing(undisturbed), *differences(undisturbed, killed, dataset)]
    return Verdict(sessions, deaths, undisturbed, killed, found)


def _check(dataset: Dataset, settings: Settings) -> None:
    """The broker's book is in USD."""
    for code, market in dataset.markets.items():
        if market.instrument.currency != "USD":
            raise SettingsError(
                f"{code} is quoted in {market.instrument.currency}; the rehearsal's broker keeps a"
                " book in USD alone: leave the market out"
            )


def _utc(day: date, at: time) -> datetime:
    moment = datetime.combine(day, at, _NEW_YORK).astimezone(UTC)
    return moment.replace(tzinfo=None)
