"""Margin, cash and bills behind a run's positions, day by day (P7).

All net assets are cash but for what the ladder of bills holds: futures have no value of their own
after their daily settlement. With the setting interest=ladder the account has booked the ladder and
its figures are the account's; else one is shown beside the run, and what it earns is not in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from algorithm.decision_line import MarketFacts
from portfolio.cash import CashSettings, Interest
from portfolio.collateral import discount_rate, wanted_cash
from research.engine.result import RunResult
from research.measures.held_book import market_facts, past_returns, unit_values
from risk.margin import MarginDates, MarginModel
from risk.position_caps import PositionCaps
from universe.arrays import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class CollateralPath:
    """By session, fractions of NAV; NaN where unknown.

    Attributes
    ----------
    initial, maintenance : float arrays of shape (n_days, n_markets)
        Margin of the positions held, by market.
    variation : float array of shape (n_days,)
        Stressed variation margin of a day.
    cash, bills, pledgeable : float arrays of shape (n_days,)
        After the day's sweep; ``pledgeable`` is bills after haircuts.
    short : float array of shape (n_days,)
        Cash and collateral missing under the stress, 0 if they suffice.
    earned : float array of shape (n_days,)
        What the bills have earned on the day, with a booked ladder the cash at hand too.
    settings : CashSettings
        What it is held against; with interest "ladder" all of it is the account's own.
    """

    initial: FloatArray
    maintenance: FloatArray
    variation: FloatArray
    cash: FloatArray
    bills: FloatArray
    pledgeable: FloatArray
    short: FloatArray
    earned: FloatArray
    settings: CashSettings

    @property
    def booked(self) -> bool:
        """Whether the ladder is the account's own."""
        return self.settings.interest == Interest.LADDER

    @property
    def margin(self) -> FloatArray:
        """Initial margin of all positions, (n_days,)."""
        return np.asarray(self.initial.sum(axis=1))


def margin_path(
    result: RunResult, dates: Mapping[str, MarginDates] | None = None
) -> tuple[FloatArray, FloatArray]:
    """Initial and maintenance margin over NAV by session and market, NaN where unknown.

    Parameters
    ----------
    result : RunResult
    dates : mapping of code to MarginDates, optional
        Exchanges' margins; without them all follow the model, as the limits do.
    """
    n_days, n = result.contracts.shape
    initial, maintenance = np.zeros((n_days, n)), np.zeros((n_days, n))
    facts = market_facts(result)
    model = MarginModel(facts, _of_units(facts, dates or {}))
    past = past_returns(result, n_days - 1)
    seen = np.zeros(past.shape, bool) if result.history_seen is None else result.history_seen
    warm_up = len(past) - n_days
    value = unit_values(result)
    rate = np.ones((n_days, n)) if result.rate is None else result.rate
    for row in range(len(past)):
        model.update(past[row], seen[row])
        k = row - warm_up
        if k < 0:
            continue
        known = np.where((value[k] > 0) & (rate[k] > 0), value[k] / rate[k], np.nan)
        sigma = None if result.sigma is None else result.sigma[k]
        each = model.margins(int(result.day[k]), known, sigma)
        held, nav = np.abs(result.contracts[k]), float(result.nav[k])
        if result.spread_contracts is not None:
            held = held + 2 * np.abs(result.spread_contracts[k])
        for out, margin in zip((initial, maintenance), each, strict=True):
            out[k] = np.where(held > 0, held * margin * rate[k] / nav, 0.0)
    return initial, maintenance


def cash_settings(result: RunResult) -> CashSettings:
    """The run's settings of its cash; the defaults of a run whose settings name none."""
    own = {spec.name for spec in fields(CashSettings)}
    return CashSettings.parse({k: v for k, v in result.settings.items() if k in own})


def _of_units(
    facts: Sequence[MarketFacts], dates: Mapping[str, MarginDates]
) -> dict[str, MarginDates]:
    """Exchanges' margins of the contracts that the run counts its markets in."""
    out = dict(dates)
    for of, size in zip(facts, PositionCaps(facts).size.tolist(), strict=True):
        if of.full_size == of.code and of.code in out:
            whole = out[of.code]
            out[of.code] = replace(
                whole, initial=whole.initial * size, maintenance=whole.maintenance * size
            )
    return out


def collateral_path(
    result: RunResult,
    bill_yield: tuple[IntArray, FloatArray] | None = None,
    dates: Mapping[str, MarginDates] | None = None,
) -> CollateralPath:
    """Margin, and the ladder of bills that is held beside it.

    Parameters
    ----------
    result : RunResult
    bill_yield : (epoch days known, bond-equivalent yields), optional
        Of three-month bills; without it no bill is bought and all is cash.
    dates : mapping of code to MarginDates, optional
    """
    initial, maintenance = margin_path(result, dates)
    settings = cash_settings(result)
    shortfall = result.es_one_day if result.es_one_day is not None else result.var_one_day
    variation = settings.stress_shortfalls * np.nan_to_num(shortfall)
    needed = settings.margin_raise * np.nan_to_num(initial).sum(axis=1)
    if result.collateral:
        found = {
            name: result.collateral[name] / result.nav
            for name in ("cash", "bills", "pledgeable", "earned")
        }
        missing = needed + variation - found["cash"] - found["pledgeable"]
        found["short"] = np.maximum(missing, 0.0)
        return CollateralPath(initial, maintenance, variation, **found, settings=settings)
    found = _shown(result, _as_of(result.day, bill_yield), needed, variation, settings)
    return CollateralPath(initial, maintenance, variation, **found, settings=settings)


def _shown(
    result: RunResult,
    yields: FloatArray,
    needed: FloatArray,
    variation: FloatArray,
    settings: CashSettings,
) -> dict[str, FloatArray]:
    """A ladder beside the run, which its account has not booked."""
    ladder = settings.ladder()
    names = ("cash", "bills", "pledgeable", "short", "earned")
    out = {name: np.full(len(result.day), np.nan) for name in names}
    for k, (day, nav) in enumerate(zip(result.day.tolist(), result.nav.tolist(), strict=True)):
        if not nav > 0:
            continue
        wanted = wanted_cash(
            nav * float(variation[k]),
            nav * float(needed[k]),
            ladder.pledgeable(),
            buffer=settings.collateral_buffer,
            least=settings.least_cash * nav,
        )
        swept = ladder.sweep(day, discount_rate(float(yields[k])), nav - ladder.value, wanted)
        missing = nav * float(needed[k] + variation[k]) - swept.cash - swept.pledgeable
        for name, money in (
            ("cash", swept.cash),
            ("bills", swept.bills),
            ("pledgeable", swept.pledgeable),
            ("short", max(missing, 0.0)),
            ("earned", swept.earned),
        ):
            out[name][k] = money / nav
    return out


def _as_of(days: IntArray, series: tuple[IntArray, FloatArray] | None) -> FloatArray:
    """The last value known on each day, NaN before the first."""
    if series is None or not len(series[0]):
        return np.full(len(days), np.nan)
    row = np.searchsorted(series[0], days, side="right") - 1
    return np.where(row >= 0, series[1][np.maximum(row, 0)], np.nan)
