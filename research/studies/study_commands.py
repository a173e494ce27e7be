"""The studies as commands run them: rows, comparison, page and ``result.json`` in a folder (V2-V5).

Nothing here reads a command line; ``Place`` says where a study writes and what works for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from algorithm.settings import Settings
from research.data.dataset import Dataset
from research.measures.paired import LEAST
from research.measures.performance import sharpe
from research.pages.files import write_atomically
from research.pages.study_page import Section, line_table, write_study
from research.pages.text import percent, signed
from research.studies.ablation import ARMS, BASE, ablation_requests
from research.studies.capacity import capacity_requests, capacity_table
from research.studies.choices import BASE as AS_IT_IS
from research.studies.choices import choice_requests, choice_table
from research.studies.comparison import Comparison, as_json, compare_rows
from research.studies.peers import OURS, peer_requests, read_peers, run_peer
from research.studies.runner import Progress, Work, Workers, run_study
from research.studies.sizes import BASE as FRACTIONAL_LINE
from research.studies.sizes import size_requests, size_table
from research.studies.study_row import StudyError, StudyRequest, StudyRow, run_one
from research.studies.trials import TrialRegister
from research.studies.walkforward import (
    AS_SET,
    CHOSEN,
    Lock,
    combinatorial_paths,
    grid_requests,
    locked_document,
    walk,
)
from universe.arrays import FloatArray, sessions_a_year, to_epoch_day
from universe.counts import count_text
from universe.instruments import volume_note


@dataclass(frozen=True, slots=True)
class Place:
    """Where a study runs and writes.

    Attributes
    ----------
    out : Path
        Page and ``result.json``.
    keep : Path
        Rows, so that a study that is started again goes on; not a part of the result.
    register : TrialRegister
    workers : Workers
    progress : callable, optional
    """

    out: Path
    keep: Path
    register: TrialRegister
    workers: Workers = field(default_factory=Workers)
    progress: Progress | None = None

    def rows(
        self,
        command: str,
        requests: Sequence[StudyRequest],
        dataset: Dataset,
        work: Work = run_one,
    ) -> list[StudyRow]:
        """Run the requests of a study here, see ``run_study``.

        Raises
        ------
        StudyError
            As ``run_study``.
        """
        return run_study(
            command,
            requests,
            dataset,
            self.keep,
            register=self.register,
            workers=self.workers,
            progress=self.progress,
            work=work,
        )


def check_length(dataset: Dataset, settings: Settings, train: int = 0) -> None:
    """Refuse before any run what is too short to be compared.

    Parameters
    ----------
    dataset : Dataset
    settings : Settings
    train : int
        Sessions that are not compared.

    Raises
    ------
    StudyError
        If the data has fewer sessions between the settings' dates than the study needs.
    """
    first, last = to_epoch_day(settings.first_day), to_epoch_day(settings.last_day)
    parts = [
        history.day[(history.day >= first) & (history.day <= last)]
        for history in dataset.markets.values()
    ]
    there = len(np.unique(np.concatenate(parts)))
    least = train + LEAST + 1
    if there < least:
        of_training = f", {train:,} of them to train on" if train else ""
        raise StudyError(
            f"{count_text(there, 'session')} from {settings.start} to {settings.end}; the study"
            f" needs {least:,}{of_training}"
        )


def run_ablation(dataset: Dataset, settings: Settings, place: Place) -> Path:
    """Run every arm and write ``ablation.html``.

    Raises
    ------
    StudyError
        As ``run_study`` and ``check_length``.
    """
    check_length(dataset, settings)
    rows = place.rows("ablation", ablation_requests(settings), dataset)
    comparison = _compare("ablation", rows, BASE, dataset, place)
    arms = Section(
        "The lines",
        "Every line is a whole run. The difference of a part is what it adds to both sleeves. "
        "Caps, limits and the kill switch act in all lines.",
        ("", "what is on"),
        [(arm.name, arm.meaning) for arm in ARMS],
    )
    text = "What every part of the strategy adds, alone and on top of the two sleeves."
    told = _told(line_table(comparison))
    return write_study(comparison, place.out, "Ablation", text, [arms], told)


def run_choices(dataset: Dataset, settings: Settings, place: Place) -> Path:
    """Run the strategy with one choice changed at a time and write ``choices.html``.

    Raises
    ------
    StudyError
        As ``run_study`` and ``check_length``.
    """
    check_length(dataset, settings)
    rows = place.rows("choices", choice_requests(settings), dataset)
    comparison = _compare("choices", rows, AS_IT_IS, dataset, place)
    table = choice_table(rows, comparison.estimates)
    text = "The strategy as it is set, and with one choice of the portfolio changed at a time."
    return write_study(comparison, place.out, "Choices", text, [table], _told(table))


def _told(table: Section) -> dict[str, object]:
    """A section as ``result.json`` has it, for the documents."""
    return {"table": {"head": list(table.head), "rows": [list(row) for row in table.rows]}}


def run_peers(
    dataset: Dataset, settings: Settings, place: Place, files: Mapping[str, Path] | None = None
) -> Path:
    """Run the peers, read those of files, and write ``peers.html``.

    Raises
    ------
    StudyError
        As ``run_study`` and ``check_length``.
    DataError
        As ``read_peers``.
    """
    check_length(dataset, settings)
    others = read_peers(files or {}, dataset, settings)
    rows = place.rows("peers", peer_requests(settings), dataset, work=run_peer)
    comparison = _compare("peers", [*rows, *others], OURS, dataset, place)
    text = (
        "Other strategies on the same data, with the same rolls, fills and costs. Momentum, long "
        "only and 60/40 trade on the first session of a month and screen no market. Volatilities "
        "differ: falls and costs are to be read beside them. 001's rules run without our caps and "
        "limits."
    )
    if others:
        text += " Lines from files come as they are: their costs are their own."
    return write_study(comparison, place.out, "Peers", text, (), _told(line_table(comparison)))


def run_sizes(dataset: Dataset, settings: Settings, place: Place) -> Path:
    """Run the strategy at every size of the fund and write ``sizes.html``.

    Raises
    ------
    StudyError
        As ``run_study`` and ``check_length``.
    """
    check_length(dataset, settings)
    rows = place.rows("sizes", size_requests(settings), dataset)
    comparison = _compare("sizes", rows, FRACTIONAL_LINE, dataset, place)
    table = size_table(rows, comparison.estimates)
    text = "The same strategy from USD 250 k to 5 bn, beside itself in fractional contracts."
    note = volume_note(history.instrument for history in dataset.markets.values())
    if note:
        text += f" Impact: {note}."
    extra = {"sizes": [{"name": row.name, **row.figures} for row in rows], **_told(table)}
    return write_study(comparison, place.out, "Fund size", text, [table], extra)


def run_capacity(dataset: Dataset, settings: Settings, place: Place) -> Path:
    """Run every size with trades whole and cut over days, and write ``capacity.html``.

    Raises
    ------
    StudyError
        As ``run_study`` and ``check_length``.
    """
    check_length(dataset, settings)
    rows = place.rows("capacity", capacity_requests(settings), dataset)
    comparison = _compare("capacity", rows, rows[0].name, dataset, place)
    table = capacity_table(rows)
    text = "The strategy at sizes from USD 50 m to 5 bn, with trades whole and cut over days."
    note = volume_note(history.instrument for history in dataset.markets.values())
    if note:
        text += f" Impact: {note}."
    extra = {"capacity": [{"name": row.name, **row.figures} for row in rows], **_told(table)}
    return write_study(comparison, place.out, "Capacity", text, [table], extra)


MOST_GROUPS = 20
"""Most parts of history of combinatorial cross-validation."""


@dataclass(frozen=True, slots=True)
class WalkPlan:
    """How a walk forward chooses.

    Attributes
    ----------
    grid : mapping of str to sequence of str, optional
        Values by setting; ``walkforward.DEFAULT_GRID`` unless given.
    train, test : int
        Sessions.
    expanding : bool
    groups, held_out : int
        Of combinatorial cross-validation; 0 groups leaves it out.

    Raises
    ------
    StudyError
        If the held-out groups leave none, or there are too many.
    """

    grid: Mapping[str, Sequence[str]] | None = None
    train: int = 2520
    test: int = 252
    expanding: bool = False
    groups: int = 8
    held_out: int = 2

    def __post_init__(self) -> None:
        if self.groups and not self.held_out < self.groups <= MOST_GROUPS:
            raise StudyError(
                f"groups is {self.groups}; it must be 0 or from {self.held_out + 1} to"
                f" {MOST_GROUPS}"
            )


def run_walkforward(
    dataset: Dataset, settings: Settings, place: Place, plan: WalkPlan | None = None
) -> Path:
    """Run the grid, choose by training alone, and write ``walkforward.html`` and ``locked.json``.

    Raises
    ------
    StudyError
        As ``run_study`` and ``check_length``.
    SettingsError
        As ``grid_requests``.
    """
    plan = plan or WalkPlan()
    check_length(dataset, settings, plan.train)
    rows = place.rows("walkforward", grid_requests(settings, plan.grid), dataset)
    chosen, as_set, locks = walk(rows, plan.train, plan.test, expanding=plan.expanding)
    place.register.record([chosen.trial("walkforward")])
    locked = locked_document(rows, locks)
    write_atomically(place.out / "locked.json", as_json(locked))
    tested = [row.since(plan.train) for row in rows[1:]]
    comparison = _compare("walkforward", [as_set, chosen, *tested], AS_SET, dataset, place)
    sections = [_locks(rows, locks)]
    extra: dict[str, object] = {"locked": locked, **_told(line_table(comparison))}
    if plan.groups:
        returns = np.column_stack([row.returns for row in rows[1:]])
        year = sessions_a_year(rows[0].day)
        paths = combinatorial_paths(returns, year, plan.groups, plan.held_out)
        sections.append(_paths(paths, plan, sharpe(rows[0].returns, year)))
        extra["combinatorial"] = {
            "groups": plan.groups,
            "held_out": plan.held_out,
            "net_sharpe": paths.tolist(),
        }
    text = (
        f"{CHOSEN}: the settings with the highest net Sharpe ratio over "
        f"{'all' if plan.expanding else f'{plan.train:,}'} sessions before a test are locked for "
        f"the next {plan.test:,}. The other lines kept their settings. All on tested sessions."
    )
    return write_study(comparison, place.out, "Walk forward", text, sections, extra)


def _compare(
    command: str, rows: Sequence[StudyRow], base: str, dataset: Dataset, place: Place
) -> Comparison:
    return compare_rows(
        command,
        rows,
        base,
        data_name=dataset.name,
        synthetic=dataset.synthetic,
        register=place.register,
    )


def _locks(rows: Sequence[StudyRow], locks: Sequence[Lock]) -> Section:
    document = locked_document(rows, locks)
    lines = [
        (
            " to ".join(window["train"]),
            " to ".join(window["test"]),
            window["name"],
            signed(lock.sharpe),
        )
        for window, lock in zip(document["windows"], locks, strict=True)
    ]
    return Section(
        "What was locked",
        "Kept in locked.json with all settings and the hash of the data.",
        ("Training", "Test", "Settings", "Net Sharpe in training"),
        lines,
    )


def _paths(paths: FloatArray, plan: WalkPlan, as_set: float) -> Section:
    low, middle, high = np.quantile(paths, [0.05, 0.5, 0.95]).tolist()
    return Section(
        "Other histories",
        f"Combinatorial purged cross-validation: {plan.held_out} of {plan.groups} parts of history "
        "are held out in all ways and the best of the rest is held through them, which gives "
        f"{len(paths)} paths through all of history.",
        ("Net Sharpe of the choice", "5 %", "95 %", "as set", "paths below as set"),
        [
            (
                signed(middle),
                signed(low),
                signed(high),
                signed(as_set),
                percent(float(np.mean(paths < as_set)), 0),
            )
        ],
    )
