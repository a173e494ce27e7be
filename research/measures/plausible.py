"""Whether a fund could have had a run: what says at once that data or settings are wrong."""

from __future__ import annotations

import numpy as np

from research.engine.result import RunResult
from research.measures.performance import annual_vol, returns_of, sharpe
from research.measures.tables import gross_exposure
from research.pages.text import day_text, money, percent, signed
from universe.arrays import FloatArray

MOST_VOL = 1.0
"""Annual volatility beyond which no fund is run; single volatile stocks reach it."""

MOST_VOL_OF_TARGET = 4.0
"""Realised volatility over its target: a strategy that sizes by volatility missed it altogether."""

MOST_DAY = 0.5
"""Loss or gain of one day over NAV; brokers close an account before."""

MOST_LEVERAGE = 100.0
"""Mean notional of the targets over NAV: only a book of short rates alone comes near it."""

MOST_MONEY = 1e12
"""NAV in account currency: more than the open interest of all the world's futures could hold."""

MOST_SHARPE = 4.0
"""Annual, after a year: above it, prices are known before or counted wrongly."""

YEAR = 252


def implausible(result: RunResult) -> list[str]:
    """Sentences on what no fund could have had, worst first; empty for an ordinary run."""
    out = []
    nav = result.nav
    known = np.isfinite(nav)
    if not known.all():
        day = day_text(int(result.day[int(np.argmax(~known))]))
        return [f"NAV is not a number from {day} on"]
    if (nav <= 0).any():
        first = int(np.argmax(nav <= 0))
        out.append(
            f"NAV is {money(float(nav[first]))} on {day_text(int(result.day[first]))}: the fund was"
            " ruined that day, and nothing after it means anything"
        )
    if float(nav.max()) > MOST_MONEY:
        out.append(f"NAV reaches {money(float(nav.max()))}, more than all futures markets hold")
    returns = returns_of(result)
    if len(returns) < 2:
        return out
    return [*out, *_returns(result, returns)]


def _returns(result: RunResult, returns: FloatArray) -> list[str]:
    out = []
    vol = annual_vol(returns, result.sessions_a_year)
    most = min(MOST_VOL, max(MOST_VOL_OF_TARGET * result.vol_target, 0.2))
    if vol > most:
        out.append(
            f"volatility is {percent(vol, 0)} a year, the target {percent(result.vol_target)}"
        )
    worst = int(np.argmax(np.abs(returns)))
    if abs(returns[worst]) > MOST_DAY:
        day = day_text(int(result.day[worst + 1]))
        out.append(f"NAV changes by {percent(float(returns[worst]), 0)} on {day} alone")
    leverage = float(np.mean(gross_exposure(result)))
    if leverage > MOST_LEVERAGE:
        out.append(f"gross exposure is {signed(leverage, 0)} x NAV on average")
    ratio = sharpe(returns_of(result, excess=True), result.sessions_a_year)
    if len(returns) >= YEAR and ratio > MOST_SHARPE:
        out.append(f"the Sharpe ratio is {signed(ratio)}: no fund has had that for a year or more")
    return out
