"""The one record of a day: what was known, what every stage made of it, and what is ordered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from alpha.scale import Scale
from alpha.snapshot import Snapshot
from execution.contract_volume import VolumeOf, unknown
from execution.fills import Fill
from execution.orders import Order, Unfilled, Withdrawal
from portfolio.target import Target
from risk.book import Verdict
from universe.arrays import BoolArray, FloatArray, IntArray
from universe.legs import ContractKey

BOOK = -1
"""In the place of a market's index: of the whole book."""


@dataclass(frozen=True, slots=True)
class Account:
    """What the strategy is told about the account after a session.

    Attributes
    ----------
    nav : float
        Value in account currency, with doubted prices at their last trusted ones; NaN, 0 or less
        is unknown: nothing is then ordered but what an expiry forces.
    holdings : mapping of (market index, contract month) to contracts
    pending : mapping of (market index, contract month) to contracts
        Unfilled rest of open orders.
    spreads : frozenset of (market index, contract month)
        Contracts with an open order that is a leg of a calendar spread.
    fills : sequence of Fill
        Since the decision before; of them the limits read what was paid beyond the expectation.
    volume_of : callable
        See ``execution.contract_volume``.
    """

    nav: float
    holdings: Mapping[ContractKey, int] = field(default_factory=dict)
    pending: Mapping[ContractKey, Unfilled] = field(default_factory=dict)
    spreads: frozenset[ContractKey] = frozenset()
    fills: Sequence[Fill] = ()
    volume_of: VolumeOf = unknown


@dataclass(frozen=True, slots=True)
class RiskFigures:
    """Risk of the contracts decided on and of those held, as positive fractions of NAV.

    Attributes
    ----------
    vol : float
        Ex-ante annual volatility of the decided contracts, as the VaR model has it.
    var_parametric, var_historical : float
        At the horizon, of the decided contracts.
    var_held : float
        The larger of both, of the contracts held at the close; NaN without a NAV.
    var_one_day, es_one_day : float
        One-day VaR and expected shortfall of the contracts held.
    diversification_ratio : float
        Of the decided contracts: mean volatility of the positions over the portfolio's.
    proxied : float
        Assets decided on or held whose past in the historical VaR is in part another market's.
    share : float array of shape (n_assets,)
        Of the variance of the decided contracts; adds up to 1, zeros for an empty book.
    var_parts, es_parts : float arrays of shape (n_assets,)
        What every asset adds to the one-day figures; NaN where these are not finite.
    """

    vol: float
    var_parametric: float
    var_historical: float
    var_held: float
    var_one_day: float
    es_one_day: float
    diversification_ratio: float
    proxied: float
    share: FloatArray
    var_parts: FloatArray
    es_parts: FloatArray


@dataclass(slots=True)
class Decision:
    """A session's decision; a stage's part is there once the stage has run.

    Arrays are over assets: the markets outright, then their calendar spreads where these are
    traded.

    Attributes
    ----------
    snapshot : Snapshot
        What was known of the markets.
    account : Account
    nav : float
        The account's value, NaN while unknown.
    held : int array
        Contracts held.
    cov : float array of shape (n_assets, n_assets)
        Annual covariance that the target is built on.
    member : bool array
        Let in by the screen.
    forecasts : dict of sleeve to float array over markets
        NaN where there is none; the calendar sleeve's are of the spreads.
    target : Target
        In fractions of contracts, unscaled.
    scales : tuple of Scale
    scale : float
        Their product, at least ``scale_floor``.
    traded : int array
        Whole contracts before protections.
    tracking_error : float
        Annual volatility over NAV of the difference between ``traded`` and the scaled target.
    contract_steps : tuple of str
        What made whole contracts others than the target says, each a sentence.
    verdicts : tuple of Verdict
        Of the risk stages, in order.
    contracts : int array
        Decided on.
    frozen : bool array
        Assets in which only what an expiry forces is ordered.
    risk : RiskFigures
    rolls : dict of market index to (sessions, ratio)
        Of markets with a position: until the roll, and the next contract's value over it.
    handed : mapping of line to contracts by contract month, optional
        Targets that a home hands over to be ordered; by default those of the chain.
    orders : list of Order
    withdrawals : list of Withdrawal
        Open orders that the target has turned against.
    notes : list of (market index, kind, sentence)
        ``BOOK`` in the place of a market: of the whole book.
        Of the stages, for people; those of the quality gate and the rules are the snapshot's.
    """

    snapshot: Snapshot
    account: Account
    nav: float
    held: IntArray
    cov: FloatArray
    member: BoolArray = field(init=False)
    forecasts: dict[str, FloatArray] = field(init=False)
    target: Target = field(init=False)
    scales: tuple[Scale, ...] = field(init=False)
    scale: float = field(init=False)
    traded: IntArray = field(init=False)
    tracking_error: float = float("nan")
    contract_steps: tuple[str, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    contracts: IntArray = field(init=False)
    risk: RiskFigures = field(init=False)
    rolls: dict[int, tuple[int, float]] = field(default_factory=dict)
    handed: Mapping[int, Mapping[int, int]] | None = None
    orders: list[Order] = field(init=False)
    withdrawals: list[Withdrawal] = field(init=False)
    notes: list[tuple[int, str, str]] = field(default_factory=list)
    frozen: BoolArray = field(init=False)

    def __post_init__(self) -> None:
        self.frozen = np.zeros(len(self.held), dtype=bool)

    @property
    def day(self) -> int:
        """Epoch day."""
        return self.snapshot.day

    @property
    def is_blind(self) -> bool:
        """Whether the account's value is unknown."""
        return not self.nav > 0

    @property
    def weights(self) -> FloatArray:
        """Exposure over NAV of the decided contracts, NaN where a contract's is unknown."""
        return self.contracts * self.target.unit_exposure

    @property
    def figures(self) -> dict[str, float]:
        """All figures of scales and risk stages, by name."""
        out: dict[str, float] = {}
        for scale in self.scales:
            out |= scale.figures
        for verdict in self.verdicts:
            out |= verdict.figures
        return out

    def left_by(self, name: str) -> float:
        """Share of exposure that a scale or a risk stage left, 1 if there is none of the name."""
        for scale in self.scales:
            if scale.name == name:
                return scale.value
        for verdict in self.verdicts:
            if verdict.name == name:
                return verdict.scale
        return 1.0

    def sentences(self) -> list[str]:
        """What scales, the choice of whole contracts and risk stages did, for a log."""
        out = [f"{scale.name}: {scale.reason}" for scale in self.scales if scale.reason]
        out += [f"{origin}: {reason}" for origin, reason in self.target.reasons]
        out += [f"whole contracts: {step}" for step in self.contract_steps]
        return out + [
            f"{verdict.name}: {step}" for verdict in self.verdicts for step in verdict.steps
        ]
