"""Whether trend and the other sleeves agree, market by market, and what was earned when they did.

Bhansali, Davis, Dorsten and Rennison, Carry and Trend in Lots of Places, Journal of Portfolio
Management 41 (2015), find that trend earns far more in markets whose carry agrees with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from alpha.rules.calendar import CalendarRule
from alpha.rules.rule import TREND
from research.engine.result import RunResult
from research.measures.attribution import outright_pnl
from research.measures.performance import calendar, elapsed_years, sharpe
from research.measures.tables import over_nav
from universe.arrays import BoolArray, FloatArray, IntArray

DECISION_LAG = 2
"""Sessions from a decision to the profit of the position it led to: decided after one close, filled
in the next session, held into the one after."""

FLAT = 1e-9
"""Forecasts closer to zero than this are none: only rounding is left of opposite ones."""

ALL = "all"


class State(IntEnum):
    """How trend and the mean of the other sleeves stand to each other in a market on a day."""

    NONE = 0  # neither wants a position
    AGREE = 1
    CONFLICT = 2
    ONE_ONLY = 3


SHOWN = (State.AGREE, State.CONFLICT, State.ONE_ONLY)
STATE_TEXT = {
    State.AGREE: "agree",
    State.CONFLICT: "conflict",
    State.ONE_ONLY: "one only",
    State.NONE: "neither",
}


@dataclass(frozen=True, slots=True)
class Agreement:
    """Trend against the other sleeves after every close.

    Attributes
    ----------
    others : list of str
        The sleeves whose mean trend is compared with.
    strength : float array of shape (n_days, n_markets)
        Root of the product of both forecasts with its sign, in units of a forecast: positive where
        they agree, 0 where one is flat, NaN where neither wants a position.
    state : int array of shape (n_days, n_markets)
        :class:`State`.
    """

    others: list[str]
    strength: FloatArray
    state: IntArray

    @property
    def name(self) -> str:
        """What trend is compared with, in words."""
        return self.others[0] if len(self.others) == 1 else "the other sleeves"


@dataclass(frozen=True, slots=True)
class StateProfit:
    """Gross profit over NAV of positions decided in one state.

    Attributes
    ----------
    annual : float
        Sum over calendar years of the run; those of all states add up to the outright positions'.
    sharpe, error : float
        Annual, of the sessions with a market in the state, and its standard error if returns are
        independent (Lo, The Statistics of Sharpe Ratios, 2002); NaN if nothing moved.
    sessions : int
    """

    annual: float
    sharpe: float
    error: float
    sessions: int


@dataclass(frozen=True, slots=True)
class AgreementRow:
    """One asset class, or all.

    Attributes
    ----------
    name : str
    days : int
        Market-days on which a sleeve wants a position.
    share : dict of State to float
        Of these; NaN without any.
    profit : dict of State to StateProfit
        Of all outright positions.
    trend : dict of State to StateProfit
        Of the trend sleeve's part of them.
    """

    name: str
    days: int
    share: dict[State, float]
    profit: dict[State, StateProfit]
    trend: dict[State, StateProfit]


def other_sleeves(result: RunResult) -> list[str]:
    """The sleeves that trend can agree with: all but calendar, whose forecasts are of spreads."""
    return [name for name in result.forecasts if name not in (TREND, CalendarRule.SLEEVE)]


def can_agree(result: RunResult) -> bool:
    """Whether the run has trend and another outright sleeve."""
    return TREND in result.forecasts and bool(other_sleeves(result))


def agreement(result: RunResult) -> Agreement:
    """Compare trend with the mean of the other outright sleeves after every close.

    Raises
    ------
    ValueError
        If the run has no trend sleeve or no other outright one.
    """
    others = other_sleeves(result)
    if not can_agree(result):
        have = ", ".join(result.forecasts) or "none"
        raise ValueError(
            f"sleeves of the run are {have}: agreement needs trend and another outright sleeve"
        )
    trend = _position(result.forecasts[TREND], result.active)
    known = np.array([np.isfinite(result.forecasts[name]) for name in others])
    total = np.sum([np.nan_to_num(result.forecasts[name]) for name in others], axis=0)
    mean = total / np.maximum(known.sum(axis=0), 1)
    other = _position(mean, result.active)
    product = trend * other
    state = np.where(product > 0, State.AGREE, State.CONFLICT)
    state[product == 0] = State.ONE_ONLY
    state[(trend == 0) & (other == 0)] = State.NONE
    strength = np.sign(product) * np.sqrt(np.abs(product))
    strength[state == State.NONE] = np.nan
    return Agreement(others, strength, state.astype(np.int64))


def agreement_signs(result: RunResult) -> FloatArray:
    """Agreement in numbers, (n_days, n_markets): what ``agreement.csv`` holds.

    1 where trend and the mean of the other outright sleeves have the same sign, -1 where they have
    opposite ones, 0 where one or both are flat; NaN where the market has no forecast or may not be
    traded, and everywhere in a run without trend or another outright sleeve.
    """
    if not can_agree(result):
        return np.full(result.active.shape, np.nan)
    state = agreement(result).state
    sign = np.select([state == State.AGREE, state == State.CONFLICT], [1.0, -1.0], 0.0)
    outright = (TREND, *other_sleeves(result))
    known = np.any([np.isfinite(result.forecasts[name]) for name in outright], axis=0)
    return np.where(known & result.active, sign, np.nan)


def _position(forecast: FloatArray, active: BoolArray) -> FloatArray:
    """The forecast, 0 where it asks for nothing."""
    wanted = active & (np.abs(np.nan_to_num(forecast)) > FLAT)
    return np.where(wanted, forecast, 0.0)


def held_state(state: IntArray) -> IntArray:
    """State in which the positions were decided that earn each session's profit."""
    out = np.full_like(state, State.NONE)
    out[DECISION_LAG:] = state[:-DECISION_LAG]
    return out


def state_profit(result: RunResult, found: Agreement) -> dict[State, FloatArray]:
    """Gross profit over NAV of outright positions by session and state; all of it in parts."""
    share, state = over_nav(result, outright_pnl(result)), held_state(found.state)
    return {kind: np.where(state == kind, share, 0.0).sum(axis=1) for kind in State}


def agreement_table(result: RunResult, found: Agreement) -> list[AgreementRow]:
    """One row per asset class and one for all."""
    held, span = held_state(found.state), (elapsed_years(result.day), result.sessions_a_year)
    book = over_nav(result, outright_pnl(result))
    trend = over_nav(result, result.sleeve_pnl.get(TREND, np.zeros_like(result.pnl)))
    rows = []
    for name, inside in class_masks(result.classes):
        state = found.state[:, inside]
        days = int(np.count_nonzero(state != State.NONE))
        rows.append(
            AgreementRow(
                name,
                days,
                {
                    kind: np.count_nonzero(state == kind) / days if days else np.nan
                    for kind in SHOWN
                },
                {kind: _profit(book[:, inside], held[:, inside] == kind, *span) for kind in SHOWN},
                {kind: _profit(trend[:, inside], held[:, inside] == kind, *span) for kind in SHOWN},
            )
        )
    return rows


def class_masks(classes: Sequence[str]) -> list[tuple[str, BoolArray]]:
    """Markets by asset class in alphabetical order, and last all."""
    column = np.array(classes)
    masks = [(name, np.asarray(column == name)) for name in sorted(set(classes))]
    return [*masks, (ALL, np.ones(len(column), dtype=bool))]


def _profit(share: FloatArray, there: BoolArray, years: float, year: float) -> StateProfit:
    daily = np.where(there, share, 0.0).sum(axis=1)
    earned = daily[there.any(axis=1)]
    ratio, n = sharpe(earned, year), len(earned)
    error = float(np.sqrt((1 + ratio**2 / (2 * year)) * year / n)) if n else np.nan
    annual = float(daily.sum()) / years if years else np.nan
    return StateProfit(annual, ratio, error if np.isfinite(ratio) else np.nan, n)


def months_of(result: RunResult) -> tuple[IntArray, IntArray]:
    """First epoch day of the calendar months of the run, and the place in them of each session."""
    year, month = calendar(result.day)
    label, place = np.unique(year * 12 + month - 1, return_inverse=True)
    first = (label - 1970 * 12).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return first, place.astype(np.int64)


def monthly_strength(result: RunResult, found: Agreement) -> FloatArray:
    """Mean strength by month and market, (n_months, n_markets), NaN where no day has any."""
    first, place = months_of(result)
    known = np.isfinite(found.strength)
    total, count = np.zeros((2, len(first), len(result.markets)))
    np.add.at(total, place, np.nan_to_num(found.strength))
    np.add.at(count, place, known)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def monthly_shares(result: RunResult, found: Agreement) -> dict[State, FloatArray]:
    """Share of each month's market-days by state, (n_months,), NaN without any."""
    first, place = months_of(result)
    counts = {}
    for kind in SHOWN:
        daily = np.count_nonzero(found.state == kind, axis=1)
        counts[kind] = np.bincount(place, daily, minlength=len(first))
    total = np.sum(list(counts.values()), axis=0)
    return {k: np.where(total > 0, c / np.maximum(total, 1), np.nan) for k, c in counts.items()}
