"""Where a run's price profit came from: carry at an unchanged curve, or the move of spot (003).

The profit of calendar spreads is left out: the carry on record is that of outright contracts.
Shares are money over the NAV of the session before and add up over time without compounding, as
the constant capital of 003 does. Carry is what the positions held overnight would have earned, by
calendar days, had the curve seen at the close before stayed as it was. Spot is all the rest of the
price profit: the move of the curve, and what is won or lost between a fill and the close.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from alpha.rules.calendar import CalendarRule
from research.engine.result import RunResult
from research.measures.performance import annual_vol, elapsed_years
from research.measures.tables import over_nav
from research.pages.text import data_text, percent, source_text
from universe.arrays import (
    BoolArray,
    FloatArray,
    IntArray,
    from_epoch_day,
    sessions_a_year,
    to_epoch_day,
    years_between,
)

FX, FIXED_INCOME, COMMODITIES, EQUITY = (
    "foreign exchange",
    "fixed income",
    "commodities",
    "equity indices",
)
GROUPS = (FX, FIXED_INCOME, COMMODITIES, EQUITY)
"""The four asset classes of 003 in the order of its Exhibit I."""

GROUP_OF = {
    "fx": FX,
    "bond": FIXED_INCOME,
    "metal": COMMODITIES,
    "energy": COMMODITIES,
    "agriculture": COMMODITIES,
    "crypto": COMMODITIES,  # none in 003; a commodity to its regulator
    "equity": EQUITY,
    "volatility": EQUITY,  # 003 lists the VIX future among its equity indices
}
PARTS = ("carry", "spot", "total", "cost", "net")

LEAST_CARRY = 1e-12
"""Below this share of NAV the sum of carry is rounding, and nothing is a share of it."""

QUARTER_SLACK = 5
"""Calendar days that a quarter may lack at either end, for holidays, and still count as whole."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """Carry, spot and cost of a run by session and market, in fractions of the NAV before.

    Attributes
    ----------
    name : str
        The data, which says so where the market is synthetic.
    markets, classes : list of str
    base : int
        Epoch day from whose close the first row is measured.
    day : int array of shape (n_sessions,)
        Epoch days of the rows.
    carry, spot, cost : float arrays of shape (n_sessions, n_markets)
        carry + spot is the gross price profit of outright positions; cost, of all fills, is at
        least 0.
    held, unquoted : bool arrays of shape (n_sessions, n_markets)
        Held into the session, and held so without a carry quote: there carry counts as 0.
    """

    name: str
    markets: list[str]
    classes: list[str]
    base: int
    day: IntArray
    carry: FloatArray
    spot: FloatArray
    cost: FloatArray
    held: BoolArray
    unquoted: BoolArray

    @property
    def years(self) -> float:
        """Calendar years from ``base`` to the last session."""
        return elapsed_years(np.concatenate([[self.base], self.day]))

    @property
    def end(self) -> int:
        """Epoch day of the last session."""
        return int(self.day[-1]) if len(self.day) else self.base

    @property
    def volatility(self) -> float:
        """Annual volatility of the daily gross price profit of all markets together."""
        return annual_vol((self.carry + self.spot).sum(axis=1), sessions_a_year(self.day))

    @property
    def groups(self) -> list[str]:
        """Each market's asset class in the four of 003."""
        return [GROUP_OF[name] for name in self.classes]

    def between(self, start: date | None = None, end: date | None = None) -> Attribution:
        """The sessions from ``start`` to ``end``, both included; None is no bound.

        Raises
        ------
        ValueError
            If the run has no session there.
        """
        first = -np.inf if start is None else to_epoch_day(start)
        last = np.inf if end is None else to_epoch_day(end)
        rows = np.flatnonzero((self.day >= first) & (self.day <= last))
        if not len(rows):
            have = " to ".join(from_epoch_day(day).isoformat() for day in (self.base, self.end))
            raise ValueError(
                f"attribution of {self.name} from {start} to {end}: no session is there, must "
                f"overlap {have}"
            )
        kept = slice(rows[0], rows[-1] + 1)
        names = ("day", "carry", "spot", "cost", "held", "unquoted")
        cut = {name: getattr(self, name)[kept] for name in names}
        base = int(self.day[rows[0] - 1]) if rows[0] else self.base
        return replace(self, base=base, **cut)

    def total(self) -> pd.DataFrame:
        """All markets together, one row "all"; columns as in ``by_market``."""
        return self._table(["all"] * len(self.markets), ["all"])

    def by_class(self) -> pd.DataFrame:
        """One row per asset class of 003 that has a market; columns as in ``by_market``."""
        groups = self.groups
        return self._table(groups, [name for name in GROUPS if name in groups])

    def by_market(self) -> pd.DataFrame:
        """One row per market.

        Returns
        -------
        DataFrame
            ``markets`` ever held; ``carry``, ``spot``, ``total`` (gross), ``cost`` and ``net`` as
            sums of fractions of NAV, and with ``_annual`` the same per calendar year;
            ``capture``, total over carry, NaN where carry is not positive, then ``capture_note``
            says so; ``held`` and ``unquoted``, market sessions held and those of them without a
            carry quote; ``unquoted_risk``, the part of all absolute daily profit made on these,
            NaN if nothing moved.
        """
        return self._table(self.markets, self.markets)

    def quarterly_returns(self) -> pd.DataFrame:
        """Sums of carry, spot and total by whole calendar quarter, all markets together.

        A first or last quarter of which more than a few days are missing is left out.
        """
        quarter = pd.to_datetime(self.day, unit="D").to_period("Q")
        daily = pd.DataFrame(
            {"carry": self.carry.sum(axis=1), "spot": self.spot.sum(axis=1)}, index=quarter
        )
        table = daily.groupby(level=0).sum()
        table["total"] = table["carry"] + table["spot"]
        starts = np.array([to_epoch_day(p.start_time.date()) for p in table.index], dtype=np.int64)
        ends = np.array([to_epoch_day(p.end_time.date()) for p in table.index], dtype=np.int64)
        whole = (self.base <= starts + QUARTER_SLACK) & (self.end >= ends - QUARTER_SLACK)
        return table[whole]

    def quarterly(self) -> pd.DataFrame:
        """Mean, sample stdev and count of the quarterly returns by part, as in Exhibit H of 003."""
        returns = self.quarterly_returns()
        table = pd.DataFrame({"mean": returns.mean(), "stdev": returns.std(ddof=1)})
        return table.assign(quarters=len(returns))

    def _table(self, label: Sequence[str], order: Sequence[str]) -> pd.DataFrame:
        column = np.array(label, dtype=object)
        years = self.years
        gross = np.abs(self.carry + self.spot)
        rows = []
        for name in order:
            inside = column == name
            held, missing = self.held[:, inside], self.unquoted[:, inside]
            carry, spot, cost = (
                float(part[:, inside].sum()) for part in (self.carry, self.spot, self.cost)
            )
            sums = dict(
                zip(PARTS, (carry, spot, carry + spot, cost, carry + spot - cost), strict=True)
            )
            moved = float(gross[:, inside][held].sum())
            note = _capture_note(carry, int(held.sum()), int(missing.sum()))
            rows.append(
                {
                    "markets": int(held.any(axis=0).sum()),
                    **sums,
                    **{f"{k}_annual": v / years if years else np.nan for k, v in sums.items()},
                    "capture": (carry + spot) / carry if not note else np.nan,
                    "capture_note": note,
                    "held": int(held.sum()),
                    "unquoted": int(missing.sum()),
                    "unquoted_risk": gross[:, inside][missing].sum() / moved if moved else np.nan,
                }
            )
        return pd.DataFrame(rows, index=pd.Index(list(order), dtype=object))


def outright_pnl(result: RunResult) -> FloatArray:
    """Gross price profit without that of calendar spreads, (n_days, n_markets), account currency.

    All of the spreads held into a session, not the calendar sleeve's part of it: rounding and
    limits on spreads are no profit of outright contracts. What a leg makes between its fill and the
    close stays here.

    Raises
    ------
    ValueError
        If a run with a calendar sleeve lacks the spreads' profit, or has it in another shape.
    """
    if CalendarRule.SLEEVE not in result.sleeve_pnl:
        return result.pnl
    return result.pnl - _recorded(result, "spread_pnl", "the profit of calendar spreads")


def has_carry(result: RunResult) -> bool:
    """Whether a run can be attributed: two sessions, and the carry of a contract on record."""
    return result.carry_per_contract is not None and len(result.day) > 1


def attribute(result: RunResult) -> Attribution:
    """Split a run's price profit into carry and spot.

    Parameters
    ----------
    result : RunResult
        Of either engine, with ``carry_per_contract``.

    Returns
    -------
    Attribution
        carry[t] is contracts[t-1] x carry per contract[t-1] x years from day[t-1] to day[t], over
        NAV[t-1], and spot the rest of pnl[t], without that of calendar spreads, over NAV[t-1].
        The first session, which has none before it, is left out; all is 0 once NAV is no longer
        positive.

    Raises
    ------
    ValueError
        If the run lacks the carry per contract or the profit of the spreads it trades, has one in
        another shape, or has an asset class that is none of ``GROUP_OF``.
    """
    quote = _recorded(result, "carry_per_contract", "the carry of a contract")
    for market, name in zip(result.markets, result.classes, strict=True):
        if name not in GROUP_OF:
            allowed = ", ".join(GROUP_OF)
            raise ValueError(f"market {market}: asset class {name!r}, must be one of {allowed}")
    known = np.isfinite(quote[:-1])
    held = result.contracts[:-1] != 0
    years = years_between(result.day[:-1], result.day[1:])[:, None]
    money = np.zeros(result.pnl.shape)
    money[1:] = result.contracts[:-1] * np.where(known, quote[:-1], 0.0) * years
    carry = over_nav(result, money)[1:]
    return Attribution(
        name=data_text(result),
        markets=list(result.markets),
        classes=list(result.classes),
        base=int(result.day[0]),
        day=result.day[1:],
        carry=carry,
        spot=over_nav(result, outright_pnl(result))[1:] - carry,
        cost=over_nav(result, result.cost)[1:],
        held=held,
        unquoted=held & ~known,
    )


def _recorded(result: RunResult, key: str, what: str) -> FloatArray:
    found = getattr(result, key)
    if found is None:
        raise ValueError(
            f"run {source_text(result)}: {key} is missing; "
            f"carry and spot need a run that records {what}"
        )
    values = np.asarray(found, dtype=np.float64)
    if values.shape != result.pnl.shape:
        raise ValueError(
            f"run {source_text(result)}: {key} has shape {values.shape}, "
            f"must be (days, markets), {result.pnl.shape}"
        )
    return values


def _capture_note(carry: float, held: int, missing: int) -> str:
    if not held:
        return "never held"
    if missing == held:
        return "no carry quote while held"
    if abs(carry) <= LEAST_CARRY:
        return "carry is zero"
    return "" if carry > 0 else f"carry is negative, {percent(carry)} of NAV"
