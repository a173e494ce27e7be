"""Variable leverage on a page: 002's fund beside the S&P 500, and 002's own statements (P5)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from algorithm.settings import Settings
from portfolio.cash import BILL
from research.data.dataset import Dataset
from research.data.errors import DataError
from research.data.macro_series import MacroSeries
from research.pages.files import write_atomically
from research.pages.study_page import Section, write_study
from research.pages.text import day_text, percent
from research.studies.comparison import compare_rows
from research.studies.leverage import (
    INDEX,
    Future,
    LeverageWalk,
    bill_returns,
    future_of,
    held,
    index_returns,
    trading_cost,
    walk_leverage,
)
from research.studies.study_commands import Place
from research.studies.study_row import StudyRequest, StudyRow, make_row
from risk.leverage_fit import missing_libraries
from risk.variable_leverage import LeveragePlan
from universe.arrays import BoolArray, FloatArray, IntArray, from_epoch_day, to_epoch_day
from universe.counts import count_text

UNLEVERED, CONSTANT = "S&P 500 future", "constant leverage"
FRACTIONS = {"variable leverage": 1.0, "half Kelly": 0.5, "quarter Kelly": 0.25}
PUBLISHED = "002 as published"
BOOK = "leverage"


def run_leverage(dataset: Dataset, settings: Settings, place: Place) -> Path:
    """Walk leverage forward and write ``leverage.html``, ``result.json`` and ``leverage.csv``.

    Everything is fitted from the data's first session on; rows begin at the settings' start. The
    future's excess returns are what leverage is computed from and applied to; with the macro series
    of the index 002 is told as published too: from price returns, without financing.

    Raises
    ------
    DataError
        If the dataset does not have the market, or its history is too short for a fit.
    """
    missing = missing_libraries()
    if missing:
        raise DataError(f"{missing} is not installed: variable leverage cannot be fitted")
    plan, code = settings.leverage_plan, settings.leverage_of
    future = future_of(dataset, settings, code)
    walk = walk_leverage(future.day, future.ret, plan, place.progress)
    first = to_epoch_day(settings.first_day)
    known = np.isfinite(held(walk.optimal)) & (future.day >= first)
    if np.count_nonzero(known) < 252:
        raise DataError(
            f"{dataset.name}: {count_text(len(future.day), 'session')} of {code} leave "
            f"{np.count_nonzero(known)} with a forecast; the first fit takes {plan.least} months "
            "and a year must follow it"
        )
    rows = _rows(dataset, settings, future, walk, known)
    index = dataset.macro.get(INDEX)
    told: list[tuple[str, LeverageWalk]] = [(f"{code}, excess returns", walk)]
    notes = _what_failed(walk)
    if index is None:
        notes.append(f"002 as published is not told: the macro series {INDEX} is not there.")
    else:
        published, row = _published(dataset, settings, index, future.day[known])
        told.append((f"{INDEX}, price returns", published))
        rows.append(row)
    place.register.record([row.trial(BOOK) for row in rows])
    comparison = compare_rows(
        BOOK,
        rows,
        UNLEVERED,
        data_name=dataset.name,
        synthetic=dataset.synthetic,
        register=place.register,
        notes=notes,
    )
    statements = {name: _statements(one, plan, first) for name, one in told}
    write_atomically(place.out / "leverage.csv", _csv(walk, plan, known))
    text = (
        f"An ARMA({plan.ar},{plan.ma}) mean of months over 21 times the GARCH(1,1) variance of a "
        f"session, both fitted at each month's first session on what was before; below 1 it is 0; "
        f"log(l + e), an exponential mean with weight {plan.alpha:g}, at most {plan.cap:g}. Excess "
        "returns of the future have paid for financing; costs are half spread, fee and rolls."
    )
    return write_study(
        comparison,
        place.out,
        "Variable leverage",
        text,
        [_statement_table(statements)],
        {"statements": statements},
    )


def _rows(
    dataset: Dataset, settings: Settings, future: Future, walk: LeverageWalk, known: BoolArray
) -> list[StudyRow]:
    plan = settings.leverage_plan
    data = dataset.fingerprint()
    paths = {UNLEVERED: np.where(np.isfinite(walk.optimal), 1.0, np.nan)}
    paths |= {name: walk.leverage(plan, share) for name, share in FRACTIONS.items()}
    mean = float(np.mean(held(paths["variable leverage"])[known]))
    paths[CONSTANT] = mean * paths[UNLEVERED]
    rows = []
    for name, leverage in paths.items():
        cost = trading_cost(leverage, future)
        net = np.nan_to_num(held(leverage)) * future.ret - cost
        rows.append(_row(name, settings, data, future.day[known], net[known], cost[known]))
    return rows


def _published(
    dataset: Dataset, settings: Settings, index: MacroSeries, day: IntArray
) -> tuple[LeverageWalk, StudyRow]:
    """002's fund on the price index: leverage times return, nothing paid for money borrowed."""
    days, returns = index_returns(index.until(int(day[-1])))
    begin = int(np.searchsorted(days, to_epoch_day(settings.first_day) - 20 * 366))
    walk = walk_leverage(days[begin:], returns[begin:], settings.leverage_plan)
    leverage = held(walk.leverage(settings.leverage_plan))
    excess = leverage * walk.ret - bill_returns(dataset.macro.get(BILL), walk.day)
    at = np.isfinite(leverage) & np.isin(walk.day, day)
    cost = np.zeros(np.count_nonzero(at))
    data = dataset.fingerprint()
    return walk, _row(PUBLISHED, settings, data, walk.day[at], excess[at], cost)


def _row(
    name: str, settings: Settings, data: str, day: IntArray, net: FloatArray, cost: FloatArray
) -> StudyRow:
    """A row of a book by this name; its first session is the day before the first return."""
    request = StudyRequest(name, settings.as_strings(), f"{BOOK} {name}")
    return make_row(request, data, day, net[1:], cost[1:])


def _statements(walk: LeverageWalk, plan: LeveragePlan, first: int) -> dict[str, float]:
    """002's statements as figures: shares of sessions, and how wild the optimum is."""
    inside = np.isfinite(walk.optimal) & (walk.day >= first)
    leverage, optimal = walk.leverage(plan)[inside], walk.optimal[inside]
    turns = np.count_nonzero(np.diff(np.sign(optimal)))
    low, middle, high = np.quantile(optimal, [0.05, 0.5, 0.95]).tolist()
    return {
        "sessions": float(len(leverage)),
        "between_1_and_3": float(np.mean((leverage >= 1.0 - 1e-12) & (leverage <= 3.0))),
        "between_1_and_2": float(np.mean((leverage >= 1.0 - 1e-12) & (leverage <= 2.0))),
        "mean": float(leverage.mean()),
        "lowest": float(leverage.min()),
        "highest": float(leverage.max()),
        "optimal_5": low,
        "optimal_median": middle,
        "optimal_95": high,
        "optimal_turns_a_year": turns / len(optimal) * 252.0,
    }


def _statement_table(found: dict[str, dict[str, float]]) -> Section:
    lines = [
        (
            name,
            percent(one["between_1_and_3"]),
            percent(one["between_1_and_2"]),
            f"{one['lowest']:.2f} to {one['highest']:.2f}, mean {one['mean']:.2f}",
            f"{one['optimal_5']:.1f}, {one['optimal_median']:.1f}, {one['optimal_95']:.1f}",
            f"{one['optimal_turns_a_year']:.1f}",
        )
        for name, one in found.items()
    ]
    return Section(
        "What 002 says of its leverage",
        "Always between 1 and 3, nearly always between 1 and 2; the optimum before that takes huge "
        "positions on either side and turns often.",
        (
            "Forecasts from",
            "between 1 and 3",
            "between 1 and 2",
            "range",
            "optimum, 5 %, median, 95 %",
            "turns a year",
        ),
        lines,
    )


def _what_failed(walk: LeverageWalk) -> list[str]:
    failed = [f"{day_text(day)}: {reason}" for day, reason in walk.notes]
    if not failed:
        return []
    return [f"{len(failed)} fits failed, the last on {failed[-1]}."]


def _csv(walk: LeverageWalk, plan: LeveragePlan, known: BoolArray) -> str:
    lines = ["date,optimal,leverage"]
    for day, optimal, leverage in zip(
        walk.day[known].tolist(),
        held(walk.optimal)[known].tolist(),
        held(walk.leverage(plan))[known].tolist(),
        strict=True,
    ):
        lines.append(f"{from_epoch_day(day).isoformat()},{optimal!r},{leverage!r}")
    return "\n".join(lines) + "\n"
