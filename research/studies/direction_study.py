"""004's index on a page: exposures, what they earned, and what the votes are made of (A9)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from algorithm.settings import Settings
from alpha.direction.indicators import INDICATORS
from alpha.direction.sleeve import COLUMNS
from alpha.direction.votes import VOTES
from research.data.dataset import Dataset
from research.data.errors import DataError
from research.pages.files import write_atomically
from research.pages.study_page import Section, write_study
from research.pages.text import day_text, percent
from research.studies.comparison import compare_rows
from research.studies.direction import (
    MONEY,
    DirectionWalk,
    IndexHistory,
    index_history,
    levied,
    walk_direction,
)
from research.studies.study_commands import Place
from research.studies.study_row import StudyRequest, make_row
from universe.arrays import BoolArray, FloatArray, from_epoch_day, to_epoch_day

COMMAND = "direction"
HELD, LEVERED, UNLEVERED = "EURO STOXX 50", "direction", "direction, never levered"


def run_direction(dataset: Dataset, settings: Settings, place: Place) -> Path:
    """Walk the sleeve over the EURO STOXX 50 and write ``direction.html`` and ``direction.csv``.

    Raises
    ------
    DataError
        As ``index_history``, or if less than a year is left after the settings' start.
    """
    history = index_history(dataset, settings)
    walk = walk_direction(history, dataset.macro, settings)
    inside = history.day >= to_epoch_day(settings.first_day)
    if np.count_nonzero(inside) < 252:
        raise DataError(
            f"{dataset.name}: {np.count_nonzero(inside)} sessions of the index since "
            f"{settings.start}; a year is needed"
        )
    exposure = walk.exposure
    books = {
        HELD: np.ones(len(exposure)),
        LEVERED: exposure,
        UNLEVERED: np.clip(exposure, -1.0, 1.0),
    }
    data, rows = dataset.fingerprint(), []
    for name, held in books.items():
        cost = levied(held, history.day, settings.direction_levy)[inside]
        net = (held * history.excess)[inside] - cost
        request = StudyRequest(name, settings.as_strings(), f"{COMMAND} {name}")
        rows.append(make_row(request, data, history.day[inside], net[1:], cost[1:]))
    place.register.record([row.trial(COMMAND) for row in rows])
    comparison = compare_rows(
        COMMAND,
        rows,
        HELD,
        data_name=dataset.name,
        synthetic=dataset.synthetic,
        register=place.register,
        notes=_notes(history, inside),
    )
    write_atomically(place.out / "direction.csv", _csv(history, walk, inside))
    text = (
        "The index at the exposures of the direction sleeve, in euros and over idle money, with "
        f"004's levy of {1e4 * settings.direction_levy:g} bp on rebalances and rolls. An exposure "
        "that is known after a session's close is traded at the close of the next one."
    )
    shares = _shares(exposure[inside])
    extra = {"exposure": shares, "absent": _absent(walk, inside)}
    sections = [_exposures(shares), _indicators(walk, inside), _votes()]
    return write_study(comparison, place.out, "Market direction", text, sections, extra)


def _notes(history: IndexHistory, inside: BoolArray) -> list[str]:
    told = ", ".join(f"{name} on {count:,}" for name, count in history.rate.items() if count)
    first, last = history.day[inside][[0, -1]].tolist()
    notes = [
        f"Idle money is told from {told} sessions: EONIA was followed by ESTR, and where neither "
        f"is there the three-month EURIBOR stands in ({MONEY['eur.euribor']} days at most)."
    ]
    if history.future_from > first:
        until = day_text(min(history.future_from - 1, last))
        notes.append(
            f"Until {until} the price index stands for the future, with the euro area's dividend "
            "yield and less idle money."
        )
    return notes


def _shares(exposure: FloatArray) -> dict[str, float]:
    return {f"{x:g}": float(np.mean(exposure == x)) for x in (-1.0, 0.0, 1.0, 1.5, 2.0)}


def _absent(walk: DirectionWalk, inside: BoolArray) -> dict[str, float]:
    return {
        one.name: float(np.isnan(walk.known[inside, COLUMNS.index(one.name)]).mean())
        for one in INDICATORS
    }


def _exposures(shares: dict[str, float]) -> Section:
    return Section(
        "Exposure",
        "Share of sessions.",
        tuple(shares),
        [tuple(percent(one) for one in shares.values())],
    )


def _indicators(walk: DirectionWalk, inside: BoolArray) -> Section:
    lines = []
    absent = _absent(walk, inside)
    for one in INDICATORS:
        values = walk.known[inside, COLUMNS.index(one.name)]
        there = values[np.isfinite(values)]
        cells = [percent(float(np.mean(side))) for side in (there > 0, there == 0, there < 0)]
        lines.append(
            (one.name, ", ".join(v.name for v in one.votes), *cells, percent(absent[one.name]))
        )
    return Section(
        "Indicators",
        "Shares of the sessions on which each is there, and of those on which it is absent.",
        ("", "votes", "positive", "zero", "negative", "absent"),
        lines,
    )


def _votes() -> Section:
    lines = [
        (
            v.name,
            v.kind.value,
            v.meaning,
            ", ".join(v.series) or "price",
            v.lag,
            f"{v.threshold:g}",
            v.source,
        )
        for v in VOTES
    ]
    return Section(
        "Votes",
        "+1 above the threshold, -1 below it; weighed by how often each was right before.",
        ("", "kind", "what", "series", "lag", "threshold", "source"),
        lines,
    )


def _csv(history: IndexHistory, walk: DirectionWalk, inside: BoolArray) -> str:
    lines = ["date," + ",".join(COLUMNS)]
    for day, row in zip(history.day[inside].tolist(), walk.known[inside].tolist(), strict=True):
        cells = [f"{one:g}" if one == one else "" for one in row]
        lines.append(",".join([from_epoch_day(day).isoformat(), *cells]))
    return "\n".join(lines) + "\n"
