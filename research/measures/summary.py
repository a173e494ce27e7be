"""The figures a reader asks for first, each with the sentence that defines it.

Every figure is computed and written here and nowhere else: the screen, the report, the record of a
run and the documents take it from :func:`headline_figures`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from research.engine.result import RunResult
from research.measures.dependence import beta, correlation, weekly
from research.measures.held_book import ten_year_factor
from research.measures.held_risk import held_breaches, var_held
from research.measures.performance import (
    ROLLING_SESSIONS,
    Drawdown,
    annual_return,
    annual_vol,
    binding_var,
    elapsed_years,
    hit_rate,
    max_drawdown,
    returns_of,
    sharpe,
    skew,
    var_confidence,
    var_periods,
    worst_days,
)
from research.measures.periods import COVERAGE, sharpe_interval, under_water
from research.measures.ratios import (
    calmar,
    excess_kurtosis,
    expected_shortfall,
    extreme_months,
    sortino,
)
from research.measures.tables import (
    costs,
    diversification,
    gross_by_market,
    gross_exposure,
    held_overnight,
    over_nav,
    turnover,
    vol_windows,
)
from research.measures.trades import trade_table
from research.pages.text import CURRENCY, day_text, money, percent, signed
from universe.arrays import FloatArray
from universe.counts import count_text


@dataclass(frozen=True, slots=True)
class Figure:
    """A headline figure: what it is, in short, with detail, and by which definition.

    Attributes
    ----------
    label, value, meaning, detail : str
    tile : bool
        Whether it opens the report.
    number : float
        Unrounded, NaN where the value is not one number.
    """

    label: str
    value: str
    meaning: str
    detail: str = ""
    tile: bool = False
    number: float = float("nan")

    @property
    def text(self) -> str:
        """Value and detail in one line."""
        return f"{self.value} ({self.detail})" if self.detail else self.value


def figure(
    label: str,
    number: float,
    form: Callable[[float], str],
    meaning: str,
    detail: str = "",
    *,
    tile: bool = False,
) -> Figure:
    """A figure that is one number, written by ``form``."""
    return Figure(label, form(number), meaning, detail, tile, float(number))


def summary(result: RunResult) -> list[tuple[str, str]]:
    """Headline figures as (label, text)."""
    return [(figure.label, figure.text) for figure in headline_figures(result)]


def summary_frame(result: RunResult) -> pd.DataFrame:
    """Headline figures by label: ``number``, NaN where it is not one, ``text`` and ``meaning``."""
    figures = headline_figures(result)
    return pd.DataFrame(
        {
            "number": [figure.number for figure in figures],
            "text": [figure.text for figure in figures],
            "meaning": [figure.meaning for figure in figures],
        },
        index=pd.Index([figure.label for figure in figures], name="figure"),
    )


def headline_figures(result: RunResult) -> list[Figure]:
    """Headline figures with their definitions, in reading order."""
    sections = (_return, _cash, _shape, _risk, _benchmark, _limits, _trading)
    return [figure for section in sections for figure in section(result)]


def _return(result: RunResult) -> list[Figure]:
    net, gross = returns_of(result), returns_of(result, gross=True)
    excess, year = returns_of(result, excess=True), result.sessions_a_year
    years = elapsed_years(result.day)
    low, high = sharpe_interval(excess, year)
    water = under_water(result)
    return [
        Figure(
            "Period",
            f"{day_text(int(result.day[0]))} to {day_text(int(result.day[-1]))}",
            "First and last session of the record; returns start with the second session.",
            count_text(len(result.day), "session"),
        ),
        Figure(
            "NAV",
            f"{money(float(result.nav[0]))} to {money(float(result.nav[-1]))} {CURRENCY}",
            "Net asset value at the first and the last close.",
        ),
        figure(
            "Annual return, net",
            annual_return(net, years),
            percent,
            "Compound growth of NAV per calendar year after slippage and fees, with the interest "
            "credited on cash; gross adds every day's slippage and fees back to its return. Not "
            "shown below a quarter of a year.",
            f"gross {percent(annual_return(gross, years))}",
            tile=True,
        ),
        figure(
            "Sharpe ratio, net",
            sharpe(excess, year),
            signed,
            f"{signed(year, 1)} sessions a year, those of the run's own calendar, times the mean "
            "daily net return over annual volatility, without the interest credited on cash. "
            f"The {percent(COVERAGE, 0)} interval is a stationary bootstrap in "
            "blocks of a quarter.",
            f"{percent(COVERAGE, 0)} interval {signed(low)} to {signed(high)}; "
            f"gross {signed(sharpe(returns_of(result, gross=True, excess=True), year))}"
            f"{_of_trials(result)}",
            tile=True,
        ),
        _deflated(result),
        figure(
            "Time under water",
            water.share,
            lambda value: percent(value, 0),
            "Share of closes below the highest so far, with the longest spell and the one that "
            "lasts at the end, in calendar days.",
            f"longest {count_text(water.longest, 'day')}, at the end {water.present:,}",
            tile=True,
        ),
    ]


def _of_trials(result: RunResult) -> str:
    of = result.deflated
    if of is None:
        return ""
    return f"; deflated by {count_text(of.trials, 'trial')} {percent(of.probability, 0)}"


def _deflated(result: RunResult) -> Figure:
    of = result.deflated
    detail = "no register of trials was asked"
    if of is not None:
        best = signed(of.benchmark * float(np.sqrt(result.sessions_a_year)))
        detail = f"{count_text(of.trials, 'trial')} on the data, the best by luck {best}"
    return figure(
        "Deflated Sharpe ratio",
        np.nan if of is None else of.probability,
        lambda value: percent(value, 0),
        "Probability that the true Sharpe ratio, net, is above the best that as many trials "
        "without skill would show on the data (Bailey and Lopez de Prado 2014); trials are all "
        "configurations that the register holds.",
        detail,
    )


def _cash(result: RunResult) -> list[Figure]:
    out = []
    if result.interest is not None:
        years = elapsed_years(result.day)
        earned = over_nav(result, np.asarray(result.interest, dtype=np.float64))
        gross = returns_of(result, gross=True, excess=True)
        out += [
            figure(
                "Annual return in excess of interest, net",
                annual_return(returns_of(result, excess=True), years),
                percent,
                "Compound growth per calendar year after slippage and fees, without the interest "
                "credited on cash: the ratios are made of these returns.",
                f"gross {percent(annual_return(gross, years))}",
            ),
            figure(
                "Interest on cash per year, % of NAV",
                _per_year(100 * float(earned.sum()), years),
                signed,
                "Interest credited over the NAV of the session before, summed and divided by "
                "calendar years; it is part of NAV and of the net return. Cash in the account's "
                "currency earns the three-month bill rate known at the close before.",
                "" if earned.any() else "no bill rate is known, or the setting interest is none",
            ),
        ]
    if result.fx_cash is not None:
        share = np.abs(np.asarray(result.fx_cash, dtype=np.float64)) / result.nav
        out.append(
            figure(
                "Cash in other currencies, of NAV",
                _mean(share),
                percent,
                "Mean size of the balances in other currencies than the account's, over NAV, after "
                "the session's changes into it; they are in no value at risk and no volatility.",
                f"highest {percent(_highest(share))}{_sweeps(result)}",
            )
        )
    return out


def _sweeps(result: RunResult) -> str:
    if result.sweep_cost is None:
        return ""
    times = count_text(int(np.count_nonzero(result.sweep_cost)), "session")
    paid = float(over_nav(result, result.sweep_cost).sum())
    per_year = _per_year(100 * paid, elapsed_years(result.day))
    return f"; changed in {times} at {signed(per_year, 3)} % of NAV a year"


def _shape(result: RunResult) -> list[Figure]:
    net = returns_of(result)
    excess, year = returns_of(result, excess=True), result.sessions_a_year
    months = extreme_months(result)
    best, worst = months or (None, None)
    return [
        figure(
            "Sortino ratio, net",
            sortino(excess, year),
            signed,
            "Sessions a year times the mean daily net return over annual downside deviation about "
            "zero, without the interest credited on cash.",
        ),
        figure(
            "Calmar ratio",
            calmar(result),
            signed,
            "Annual net return over the maximum drawdown, both of the whole run.",
        ),
        figure(
            "Positive days",
            hit_rate(net),
            percent,
            "Share of sessions with a gain among those with any change of NAV.",
        ),
        figure(
            "Skewness",
            skew(net),
            signed,
            "Third standardised moment of daily net returns; below zero the losses are the larger "
            "surprises.",
        ),
        figure(
            "Excess kurtosis",
            excess_kurtosis(net),
            signed,
            "Fourth standardised moment of daily net returns less 3; above zero extreme days are "
            "more frequent than a normal law has them.",
        ),
        figure(
            "Best month",
            best.ret if best else float("nan"),
            percent,
            "Highest net return of a calendar month.",
            best.label if best else "",
        ),
        figure(
            "Worst month",
            worst.ret if worst else float("nan"),
            percent,
            "Lowest net return of a calendar month.",
            worst.label if worst else "",
        ),
    ]


def _risk(result: RunResult) -> list[Figure]:
    windows = {row.sessions: row for row in vol_windows(result, (ROLLING_SESSIONS,))}
    window = windows.get(ROLLING_SESSIONS)
    worst, fall = worst_days(result, 1), max_drawdown(result)
    target = result.vol_target
    confidence = var_confidence(result)
    expected = result.es_one_day
    foreseen = "" if expected is None else f"foreseen on average {percent(_mean(expected), 2)}"
    return [
        figure(
            "Annual volatility",
            annual_vol(returns_of(result), result.sessions_a_year),
            percent,
            "Standard deviation of daily net returns times the square root of the sessions a year "
            "of the run's own calendar.",
            f"target {percent(target)}",
            tile=True,
        ),
        figure(
            f"{ROLLING_SESSIONS}-session volatility in band",
            window.in_band if window else float("nan"),
            lambda value: percent(value, 0),
            f"Share of rolling {ROLLING_SESSIONS}-session windows whose realised volatility is "
            f"between {percent(0.9 * target)} and {percent(1.1 * target)}.",
            f"median {percent(window.median)}" if window else "",
        ),
        figure(
            "Maximum drawdown",
            fall.depth if fall else 0.0,
            percent,
            "Deepest fall of NAV below its highest close so far.",
            _drawdown_text(fall),
            tile=True,
        ),
        figure(
            "Worst day",
            worst[0].ret if worst else float("nan"),
            percent,
            "Lowest daily net return.",
            day_text(worst[0].day) if worst else "",
        ),
        figure(
            f"Expected shortfall {percent(confidence, 0)}, one day",
            expected_shortfall(returns_of(result), confidence),
            lambda value: percent(value, 2),
            f"Mean loss of the worst {percent(1 - confidence, 0)} of the days, of NAV; foreseen is "
            "the mean of what the VaR model gave for the positions held.",
            foreseen,
        ),
        figure(
            "Diversification ratio",
            _mean(_diversification(result)),
            signed,
            "Sum of the markets' volatilities over that of the whole, mean over the run: ex ante "
            "of the targets where recorded, else realised over a year of sessions.",
        ),
    ]


def _diversification(result: RunResult) -> FloatArray:
    foreseen = result.diversification_ratio
    return diversification(result) if foreseen is None else np.asarray(foreseen, dtype=np.float64)


def _benchmark(result: RunResult) -> list[Figure]:
    benchmark = result.benchmark
    if benchmark is None:
        return []
    net, market = returns_of(result), benchmark.returns[1:]
    return [
        figure(
            "Correlation with the benchmark",
            correlation(weekly(net), weekly(market)),
            signed,
            f"Of net returns with those of {benchmark.name} futures, over weeks of five sessions, "
            "as markets close at different hours; beta is the slope on them.",
            f"beta {signed(beta(weekly(net), weekly(market)))}, {benchmark.name}",
        ),
    ]


def var_breaches(result: RunResult) -> int:
    """Sessions whose targets leave the gate above the limit the run was gated by."""
    test = result.settings.get("var_test", "absolute")
    above = np.zeros(len(result.day), dtype=bool)
    if test != "relative":
        above |= np.nan_to_num(binding_var(result)) > result.var_limit * (1 + 1e-9)
    if test != "absolute":
        limit = float(result.settings.get("var_relative_limit", "2"))
        above |= np.nan_to_num(result.var_relative) > limit * (1 + 1e-9)
    return int(np.count_nonzero(above))


def _limits(result: RunResult) -> list[Figure]:
    whole = var_periods(result)[-1]
    confidence = percent(var_confidence(result), 0)
    n = max(len(result.day), 1)
    governed = int(np.count_nonzero(result.governor_scale < 1 - 1e-9))
    gated = int(np.count_nonzero(result.gate_scale < 1 - 1e-9))
    return [
        *_var(result, confidence),
        figure(
            "One-day VaR exceptions",
            whole.exceptions,
            lambda value: f"{value:,.0f}",
            f"Sessions whose net loss exceeds the one-day {confidence} VaR of the positions held "
            "into them; the zone is the Basel traffic light by the cumulative binomial "
            "probability of that many or fewer (green below 95 %, yellow below 99.99 %, else "
            "red).",
            f"{signed(whole.expected, 1)} expected in {count_text(whole.sessions, 'session')}, "
            f"{whole.zone}",
            tile=True,
        ),
        figure(
            "Drawdown governor active",
            governed / n,
            percent,
            "Share of sessions in which the governor allows less than full gross exposure.",
            f"{count_text(governed, 'session')}, "
            f"least share {percent(float(np.min(result.governor_scale)), 0)}",
        ),
        figure(
            "VaR gate active",
            gated / n,
            percent,
            "Share of sessions in which the gate reduced the targets, and the least exposure it "
            "left.",
            f"{count_text(gated, 'session')}, "
            f"least share {percent(float(np.min(result.gate_scale)), 0)}",
        ),
    ]


def _var(result: RunResult, confidence: str) -> list[Figure]:
    horizon = result.settings.get("var_horizon", "20")
    held, limit = var_held(result), percent(result.var_limit)
    var = binding_var(result)
    of_targets = (
        "Larger of the parametric and the historical value-at-risk of each close's targets, after "
        "the gate, over NAV."
    )
    if held is None:
        return [
            figure(
                f"Highest VaR {confidence}, {horizon} business days",
                _highest(var),
                percent,
                of_targets,
                f"of targets; mean {percent(_mean(var))}, limit {limit}",
                tile=True,
            ),
            figure(
                "Sessions above the VaR limit",
                var_breaches(result),
                lambda value: f"{value:,.0f}",
                "Closes whose targets leave the gate with a VaR above the limit of the run's test; "
                "must be 0. The contracts held at the close are not in this run's record.",
            ),
        ]
    breaches = held_breaches(result)
    longest = max((breach.sessions for breach in breaches), default=0)
    return [
        figure(
            f"Highest VaR {confidence}, {horizon} business days, held",
            _highest(held),
            percent,
            "Larger of the parametric and the historical value-at-risk of the contracts held at "
            "each close, over NAV.",
            f"mean {percent(_mean(held))}, limit {limit}; of targets {percent(_highest(var))}",
            tile=True,
        ),
        figure(
            "Sessions above the VaR limit, held",
            sum(breach.sessions for breach in breaches),
            lambda value: f"{value:,.0f}",
            "Closes at which the contracts held have a VaR above the limit, and how long they "
            "lasted; targets are to be never above it.",
            f"{count_text(len(breaches), 'breach', 'breaches')}, longest "
            f"{count_text(longest, 'session')}; of targets {var_breaches(result):,}",
        ),
    ]


def _trading(result: RunResult) -> list[Figure]:
    years = elapsed_years(result.day)
    traded = turnover(result)
    parts = {name: float(part.sum()) for name, part in traded.parts.items()}
    paid = {name: float(part.sum()) for name, part in costs(result).items()}
    total, rolls = sum(parts.values()), parts.get("roll", 0.0)
    missing = f", {count_text(traded.unvalued, 'fill')} without a value" if traded.unvalued else ""
    held = held_overnight(result).sum(axis=1)
    exposure = gross_exposure(result)
    trades = trade_table(result)[-1]
    return [
        figure(
            "Turnover per year, x NAV",
            _per_year(total, years),
            lambda value: signed(value, 1),
            "Notional of all fills, buys and sells both counted, over the NAV of the session "
            "before; a roll counts both legs. Short rates dominate it by their notional.",
            f"of it rolls {signed(_per_year(rolls, years), 1)}{missing}",
            tile=True,
        ),
        figure(
            "Cost per year, % of NAV",
            _per_year(100 * (paid["trades"] + paid["rolls"]), years),
            signed,
            "Slippage and fees over the NAV of the session before, summed and divided by calendar "
            "years.",
            f"trades {signed(_per_year(100 * paid['trades'], years))}, "
            f"rolls {signed(_per_year(100 * paid['rolls'], years))}; "
            f"fees in both {signed(_per_year(100 * paid['fees'], years))}",
            tile=True,
        ),
        figure(
            "Gross exposure, x NAV",
            _mean(exposure),
            signed,
            "Mean sum of the absolute notional of the targets over NAV.",
            f"highest {signed(_highest(exposure))}",
        ),
        *_gross_by_duration(result),
        *_tracking(result),
        figure(
            "Markets held",
            float(held.mean()),
            lambda value: signed(value, 1),
            "Mean number of markets with a position at the close; active ones have a risk budget "
            "on that day.",
            f"{signed(float(result.active.sum(axis=1).mean()), 1)} active, "
            f"{len(result.markets)} known",
        ),
        figure(
            "Holding period, sessions",
            trades.median_sessions,
            lambda value: signed(value, 0),
            "Median number of closes from opening an outright position to closing or reversing it, "
            "rolls being no end of it; positions still open are left out.",
            f"mean {signed(trades.mean_sessions, 0)}; {count_text(trades.closed, 'trade')}, "
            f"{percent(trades.won, 0)} won",
        ),
    ]


def _drawdown_text(fall: Drawdown | None) -> str:
    if fall is None:
        return "NAV never fell"
    end = f"recovered {day_text(fall.recovered)}" if fall.recovered else "not recovered"
    return f"{day_text(fall.peak)} to {day_text(fall.trough)}, {end}"


def _per_year(total: float, years: float) -> float:
    return total / years if years >= 0.25 else float("nan")


def _mean(values: FloatArray) -> float:
    finite = np.asarray(values)[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else float("nan")


def _highest(values: FloatArray) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.max()) if len(finite) else float("nan")


def _gross_by_duration(result: RunResult) -> list[Figure]:
    """Gross as limits count it; none for a run that has no facts of its markets."""
    if not result.facts:
        return []
    exposure = gross_by_market(result) @ ten_year_factor(result)
    return [
        figure(
            "Gross in ten-year equivalents, x NAV",
            _mean(exposure),
            signed,
            "The same with rates counted by their DV01 in ten-year notes, as the cap on gross is.",
            f"highest {signed(_highest(exposure))}",
        )
    ]


def _tracking(result: RunResult) -> list[Figure]:
    """Distance of whole contracts from the fractional target; none where it is not recorded."""
    errors = result.tracking_error
    if errors is None or not np.isfinite(errors).any():
        return []
    return [
        figure(
            "Tracking error of whole contracts",
            _mean(errors),
            lambda value: percent(value, 2),
            "Mean ex-ante annual volatility of the difference between the contracts chosen and the "
            "fractional target at the session's exposure: no-trade band, whole contracts, caps.",
            f"highest {percent(_highest(errors), 2)}",
        )
    ]
